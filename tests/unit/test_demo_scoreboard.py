"""Precision and recall by hand."""

from streamer.demo.scoreboard import Scoreboard


def board_of_two_bursts() -> Scoreboard:
    board = Scoreboard()
    for number in range(10):
        episode = {3: "e1", 4: "e1", 8: "e2", 9: "e2"}.get(number)
        kind = None if episode is None else "takeover" if episode == "e1" else "card_testing"
        board.produced(f"t{number}", number, kind=kind, episode=episode)
    return board


def test_a_burst_counts_once() -> None:
    board = board_of_two_bursts()
    assert board.alerted("t3")
    assert board.alerted("t4")
    score = board.score(judged=10)
    assert (score.alerts, score.right, score.episodes, score.caught) == (2, 2, 2, 1)
    assert score.precision == 1.0
    assert score.recall == 0.5
    assert score.by_kind == {"card_testing": (0, 1), "takeover": (1, 1)}


def test_an_episode_that_still_runs_is_neither_caught_nor_missed() -> None:
    board = board_of_two_bursts()
    assert board.score(judged=9).episodes == 1
    assert board.score(judged=4).episodes == 0
    assert board.score(judged=4).recall is None


def test_honest_payments_lower_the_precision_and_repeats_do_not_count() -> None:
    board = board_of_two_bursts()
    assert board.alerted("t0")
    assert not board.alerted("t0")
    assert board.alerted("t8")
    assert board.score(judged=10).precision == 0.5


def test_alerts_on_other_payments_do_not_count() -> None:
    board = board_of_two_bursts()
    assert not board.alerted("history-17")
    assert board.score(judged=10).precision is None
