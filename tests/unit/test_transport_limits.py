"""Settings held against what brokers and topics allow."""

import pytest

from streamer.settings import KafkaSettings
from streamer.transport.kafka_limits import Limits, excesses, untold

KAFKAS_OWN = Limits(900_000, 6_000, 1_800_000, {"alerts": 1_048_588, "dead-letters": 1_048_588})
"""Kafka's defaults."""
UNKNOWN = Limits(None, None, None, {})


def told(limits: Limits, *, transactional: bool = True, **settings: float) -> list[str]:
    return list(excesses(limits, KafkaSettings.model_validate(settings), transactional=transactional))


def excess(setting: str, value: float) -> list[str]:
    return list(excesses(KAFKAS_OWN, KafkaSettings.model_validate({setting: value}), transactional=True))


def test_the_defaults_fit_a_broker_with_its_defaults() -> None:
    assert told(KAFKAS_OWN) == []


@pytest.mark.parametrize(
    ("setting", "most", "too_much", "names"),
    [
        ("transaction_timeout_s", 900, 900.5, ["transaction.max.timeout.ms", "900 or less"]),
        ("session_timeout_s", 1_800, 1_801, ["group.max.session.timeout.ms", "1800 or less"]),
        ("session_timeout_s", 6, 5.9, ["group.min.session.timeout.ms", "6 or more"]),
        ("max_message_bytes", 1_047_564, 1_047_565, ["max.message.bytes of 'alerts' (1048588)", "1047564 or less"]),
    ],
)
def test_what_is_outside_of_a_limit_is_told_with_what_to_set(
    setting: str, most: float, too_much: float, names: list[str]
) -> None:
    assert excess(setting, most) == []
    (fault,) = excess(setting, too_much)
    assert fault.startswith(f"kafka.{setting} is {too_much}")
    assert all(name in fault for name in names)


def test_the_strictest_topic_decides_and_only_strict_ones_are_named() -> None:
    limits = Limits(None, None, None, {"alerts": 900_000, "dead-letters": 2_000_000, "scores": 800_000})
    (fault,) = told(limits)
    assert "of 'alerts' (900000), 'scores' (800000): set it to 798976 or less, or theirs to 1001024 or more" in fault


def test_who_writes_no_transactions_needs_no_timeout_of_them() -> None:
    assert told(KAFKAS_OWN, transactional=False, transaction_timeout_s=5_000) == []
    assert list(untold(UNKNOWN, [], transactional=False)) == [
        "group.min.session.timeout.ms of the brokers",
        "group.max.session.timeout.ms of the brokers",
    ]


def test_what_is_not_told_is_no_excess_but_is_named() -> None:
    assert told(UNKNOWN, transaction_timeout_s=5_000, session_timeout_s=5_000) == []
    assert list(untold(KAFKAS_OWN, ["alerts", "scores"], transactional=True)) == ["max.message.bytes of 'scores'"]
    assert list(untold(UNKNOWN, ["alerts"], transactional=True)) == [
        "transaction.max.timeout.ms of the brokers",
        "group.min.session.timeout.ms of the brokers",
        "group.max.session.timeout.ms of the brokers",
        "max.message.bytes of 'alerts'",
    ]
