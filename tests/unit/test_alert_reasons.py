"""What is said about a payment, and what is not."""

from dataclasses import replace

import pytest

from streamer.alerts.contract import MOST_REASONS, Reason
from streamer.alerts.explanations import EXPLANATIONS
from streamer.alerts.situation import Situation
from streamer.state.features import TABLE
from tests.unit.alert_cases import alert_of, blaming, drained

ORDINARY = Situation(
    features=dict.fromkeys(TABLE.names, 0.0) | {"history": 3.9, "quickness": -3.0, "log_amount": 4.6},
    typical=dict.fromkeys(TABLE.names, 0.0) | {"quickness": -3.0, "log_amount": 4.6, "merchant_novelty": -2.0},
    amount=99.0,
    hour=23,
    count_1h=1,
    count_24h=1,
    count_7d=1,
    merchant_known=True,
    in_order=True,
)


def said(now: Situation, feature: str) -> str | None:
    statement = EXPLANATIONS[feature].state(now)
    return None if statement is None else statement.text


def seeing(**features: float) -> Situation:
    return replace(ORDINARY, features={**ORDINARY.features, **features})


def reasons(*features: str) -> tuple[Reason, ...]:
    return alert_of(blaming(drained(), *features)).evidence.reasons


def test_every_feature_with_a_risk_direction_is_explained_and_no_other() -> None:
    assert set(EXPLANATIONS) == {feature.name for feature in TABLE.features if feature.risk != 0}
    codes = [explanation.code for explanation in EXPLANATIONS.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("feature", "text", "value", "unit"),
    [
        ("log_amount", "Amount 950.00 is 9.5 times the 100.00 usual among all payments.", 950.0, "currency"),
        ("amount_ratio", "Amount 950.00 is 10 times this user's usual 93.91.", 950.0, "currency"),
        ("quickness", "33 minutes after the previous payment; 2 days are usual among all users.", 33.0, "minutes"),
        ("quickness_ratio", "33 minutes after the previous payment; usually 44 hours.", 33.0, "minutes"),
        ("count_1h", "3rd payment within an hour; usually one every 44 hours.", 3.0, "payments/h"),
        ("count_1d", "4th payment within 24 hours; usually one every 44 hours.", 4.0, "payments/24 h"),
        ("new_device", "This device is none of the user's known ones.", 1.0, "1"),
        ("new_country", "This country is none of the user's known ones.", 1.0, "1"),
    ],
)
def test_a_reason_has_words_and_numbers(feature: str, text: str, value: float, unit: str) -> None:
    (reason,) = reasons(feature)
    assert (reason.feature, reason.text, reason.value, reason.unit) == (feature, text, value, unit)
    assert reason.contribution == 1.0


def test_the_typical_value_is_the_users_own_where_it_is_known() -> None:
    (reason,) = reasons("quickness_ratio")
    assert reason.typical == pytest.approx(60 * 44.06, rel=1e-3)
    assert reason.direction == "lower"


def test_the_strongest_reasons_come_first_one_for_each_topic() -> None:
    found = reasons("new_device", "amount_ratio", "amount_deviation", "count_1h", "hour_sin")
    assert [reason.feature for reason in found] == ["new_device", "amount_ratio", "count_1h"]
    assert [reason.contribution for reason in found] == [0.333, 0.266, 0.133]


def test_at_most_five_reasons_are_given() -> None:
    assert len(reasons(*(name for name in TABLE.names))) == MOST_REASONS


def test_what_did_not_drive_the_risk_is_no_reason() -> None:
    assert [reason.code for reason in reasons()] == ["unusual_combination"]
    assert [reason.code for reason in reasons("hour_sin", "history")] == ["unusual_combination"]


@pytest.mark.parametrize("feature", EXPLANATIONS)
def test_an_ordinary_payment_gives_nothing_to_say(feature: str) -> None:
    assert said(ORDINARY, feature) is None or feature == "merchant_novelty"


@pytest.mark.parametrize(
    ("now", "feature", "text"),
    [
        (seeing(amount_ratio=0.3), "amount_ratio", None),
        (seeing(amount_ratio=-1.0), "amount_ratio", None),
        (
            replace(seeing(amount_ratio=5.3), amount=99.5),
            "amount_ratio",
            "Amount 99.50 stands against this user's usual 0.00.",
        ),
        (
            replace(seeing(amount_ratio=0.6931472, history=0.0), amount=99.5),
            "amount_ratio",
            "Amount 99.50 is 2.0 times the 49.50 expected of a user so little known.",
        ),
        (
            replace(seeing(merchant_amount_ratio=0.6931472), amount=99.5),
            "merchant_amount_ratio",
            "Amount 99.50 is 2.0 times the 49.50 expected at this merchant.",
        ),
        (replace(seeing(merchant_amount_ratio=2.0), merchant_known=False), "merchant_amount_ratio", None),
        (seeing(amount_deviation=1.9), "amount_deviation", None),
        (seeing(quickness=8.2, quickness_ratio=11.0, history=0.0), "quickness_ratio", None),
        (replace(seeing(quickness=8.2, quickness_ratio=11.0), in_order=False), "quickness_ratio", None),
        (
            seeing(quickness=8.18869, quickness_ratio=11.36674),
            "quickness_ratio",
            "1 second after the previous payment; usually 24 hours.",
        ),
        (
            replace(ORDINARY, count_1h=32),
            "count_1h",
            "At least 32 payments within an hour; usually one every 20 hours.",
        ),
        (
            replace(seeing(history=0.7), count_1h=2),
            "count_1h",
            "2nd payment within an hour; one every 20 hours would be expected.",
        ),
        (replace(ORDINARY, count_7d=9), "count_7d", None),
        (
            seeing(small_count_1h=0.7),
            "small_count_1h",
            "At least 2 unusually small payments shortly before, as when a stolen card is tried out.",
        ),
        (
            seeing(small_count_1h=0.6931472),
            "small_count_1h",
            "At least 1 unusually small payment shortly before, as when a stolen card is tried out.",
        ),
        (seeing(small_count_1h=0.2), "small_count_1h", None),
        (seeing(merchant_novelty=-0.6931472), "merchant_novelty", None),
        (seeing(merchant_novelty=0.0), "merchant_novelty", "This merchant is none of the user's usual ones."),
        (seeing(merchant_novelty=0.0, history=0.0), "merchant_novelty", None),
        (replace(seeing(merchant_novelty=0.0), merchant_known=False), "merchant_novelty", None),
        (
            seeing(category_rarity=4.6),
            "category_rarity",
            "Payments of this category are rare for this user: about 1 % of all.",
        ),
        (
            seeing(hour_rarity=2.3),
            "hour_rarity",
            "Between 23:00 and 24:00 UTC, about 0.4 % of this user's payments are to be expected.",
        ),
        (seeing(hour_rarity=-0.5), "hour_rarity", None),
        (seeing(travel_speed=0.8), "travel_speed", None),
        (
            seeing(travel_speed=3.4812),
            "travel_speed",
            "Coming here from the last known place in time takes 3,150 km/h.",
        ),
        (seeing(excess_7d=1.2, amount_ratio=1.9), "excess_7d", None),
        (
            seeing(excess_7d=2.4, amount_ratio=1.9),
            "excess_7d",
            "Unusually high amounts have piled up within about a week.",
        ),
        (
            seeing(merchant_rush=1.6),
            "merchant_rush",
            "First-time customers come to this merchant about 5.0 times as fast as usual.",
        ),
    ],
)
def test_only_true_and_telling_statements_are_made(now: Situation, feature: str, text: str | None) -> None:
    assert said(now, feature) == text
