import pytest

from streamer.alerts.texts import money_text, time_text
from streamer.alerts.wording import (
    about_words,
    amount_words,
    count_words,
    duration_words,
    every_words,
    ordinal,
    percent_words,
    times_words,
)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0.0, "1 second"),
        (1 / 3600, "1 second"),
        (35 / 60, "35 minutes"),
        (1.5, "90 minutes"),
        (1.9999, "2 hours"),
        (36, "36 hours"),
        (48, "2 days"),
        (720, "30 days"),
        (100 / 3600, "100 seconds"),
    ],
)
def test_durations_use_a_unit_that_fits(hours: float, words: str) -> None:
    assert duration_words(hours) == words


def test_counts_agree_with_their_nouns() -> None:
    assert (count_words(1, "payment"), count_words(1200, "payment")) == ("1 payment", "1,200 payments")


def test_places_end_as_english_wants() -> None:
    expected = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"}
    assert {number: ordinal(number) for number in expected} == expected


@pytest.mark.parametrize(
    ("per_hour", "words"), [(1 / 48, "one every 2 days"), (1, "one every 60 minutes"), (3, "about 3 an hour")]
)
def test_rates_are_told_by_their_gap_or_by_the_hour(per_hour: float, words: str) -> None:
    assert every_words(per_hour) == words


def test_numbers_are_as_precise_as_people_need() -> None:
    assert [amount_words(a) for a in (0, 950, 1234.5, 9999.999, 12345.67)] == [
        "0.00",
        "950.00",
        "1,234.50",
        "10,000",
        "12,346",
    ]
    assert [about_words(a) for a in (0.5, 52.44, 1020.29, 367_900)] == ["0.5", "52.4", "1,020", "368,000"]
    assert [times_words(f) for f in (1.5, 9.94, 9.96, 1200)] == ["1.5 times", "9.9 times", "10 times", "1,200 times"]
    assert [percent_words(s) for s in (0.12, 0.004, 0.0001)] == ["about 12 %", "about 0.4 %", "less than 0.1 %"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (950.0, "950"),
        (100.0, "100"),
        (12.3, "12.3"),
        (-12.3, "-12.3"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (1e12, "1000000000000"),
        (123456789012.34, "123456789012.34"),
    ],
)
def test_money_has_neither_exponent_nor_noise(amount: float, text: str) -> None:
    assert money_text(amount) == text


def test_times_are_rfc_3339_in_utc_with_milliseconds() -> None:
    assert time_text(1_735_732_800_007) == "2025-01-01T12:00:00.007Z"
    assert time_text(0) == "1970-01-01T00:00:00.000Z"
