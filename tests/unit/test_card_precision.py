"""Card precision by hand: three days, two cards a day."""

import numpy as np

from streamer.protocol.card_precision import card_precision

#       day card score fraud
ROWS = [
    (0, 1, 0.9, True),  # day 0: card 1 (its riskiest payment) and card 2 are looked at; card 1 is caught
    (0, 1, 0.1, False),
    (0, 2, 0.8, False),
    (0, 3, 0.7, True),  # missed
    (1, 1, 1.0, True),  # card 1 is blocked, so this payment is not seen: cards 3 and 4 are
    (1, 3, 0.6, False),  # day 1: an honest payment is the riskiest of a card defrauded today
    (1, 3, 0.2, True),
    (1, 4, 0.5, True),
    (1, 2, 0.4, False),
    (2, 3, 0.9, True),  # day 2: cards 1, 3 and 4 are blocked; card 2 alone is left, and two could be looked at
    (2, 2, 0.1, True),
]


def test_by_hand() -> None:
    day, card, score, fraud = (np.array(column) for column in zip(*ROWS, strict=True))
    assert card_precision(score, day, card, fraud, cards_per_day=2) == (1 / 2, 2 / 2, 1 / 2)


def test_of_equally_risky_cards_the_lower_number_goes_first() -> None:
    day, card = np.zeros(4, np.int64), np.array([7, 5, 9, 1])
    fraud = np.array([False, True, True, True])
    assert card_precision(np.ones(4), day, card, fraud, cards_per_day=2) == (1.0,)
    assert card_precision(np.ones(4), day, card, fraud, cards_per_day=3) == (2 / 3,)
