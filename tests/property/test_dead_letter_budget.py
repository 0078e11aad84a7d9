"""The dead-letter budget against one that remembers everything."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamer.dead_letters.budget import DeadLetterBudget
from streamer.errors import DeadLetterBudgetExceeded, MalformedEvent, RejectReason
from streamer.events.decode import Rejected
from streamer.events.record import Record
from streamer.settings import DeadLetterSettings


def rejects(count: int, *, field: str = "amount", offset: int = 0) -> list[Rejected]:
    error = MalformedEvent(RejectReason.WRONG_TYPE, field=field, value="4111111111111111", remedy="send a number")
    return [Rejected(Record("payments", 3, offset + i, b"u-secret", b"secret"), error) for i in range(count)]


def breaks(budget: DeadLetterBudget, now_s: float, received: int, rejected: int) -> bool:
    try:
        budget.note(now_s, received, rejects(rejected))
    except DeadLetterBudgetExceeded:
        return True
    return False


limits = st.builds(
    DeadLetterSettings,
    max_share=st.sampled_from([0.01, 0.3, 0.5, 1.0]),
    max_per_minute=st.integers(1, 60),
    min_records=st.integers(1, 30),
)
batches = st.lists(
    st.tuples(st.sampled_from([0.0, 0.4, 1.0, 7.3, 30.0, 59.5, 60.0, 300.0]), st.integers(0, 20), st.integers(0, 20)),
    max_size=40,
)


@given(limits, batches)
@example(DeadLetterSettings(max_per_minute=5), [(0.0, 0, 3), (60.0, 0, 3)])
def test_it_breaks_when_the_naive_count_of_the_last_minute_says_so(
    settings: DeadLetterSettings, given_batches: list[tuple[float, int, int]]
) -> None:
    budget = DeadLetterBudget(settings)
    past: list[tuple[int, int, int]] = []
    now = 1_000.0
    for pause, good, bad in given_batches:
        now += pause
        past.append((int(now), good + bad, bad))
        within = [entry for entry in past if entry[0] > int(now) - 60]
        received, rejected = sum(e[1] for e in within), sum(e[2] for e in within)
        too_many = rejected > settings.max_per_minute
        too_large_a_share = rejected >= settings.min_records and rejected / max(received, 1) > settings.max_share
        assert breaks(budget, now, good + bad, bad) == (bad > 0 and (too_many or too_large_a_share))


def test_the_text_tells_figures_the_main_fault_an_example_and_what_to_do() -> None:
    budget = DeadLetterBudget(DeadLetterSettings(max_share=0.5, min_records=10))
    budget.note(0.0, 30, rejects(4, field="user_id"))
    with pytest.raises(DeadLetterBudgetExceeded) as caught:
        budget.note(1.0, 30, rejects(28, offset=70))
    text = str(caught.value)
    for part in (
        "32 of the 60 records of the last minute",
        "53.3%",
        "dead_letters.max_share allows 50.0%",
        "wrong_type in field 'amount' (28)",
        "payments/3@70",
        "neither published nor committed",
        "dead_letters.max_per_minute",
    ):
        assert part in text
    assert "secret" not in text
    assert "4111" not in text


def test_few_rejects_do_not_count_as_a_share() -> None:
    budget = DeadLetterBudget(DeadLetterSettings(min_records=1_000))
    assert not breaks(budget, 0.0, 999, 999)
    assert breaks(budget, 0.0, 1, 1)


def test_field_names_from_the_input_do_not_grow_its_memory() -> None:
    budget = DeadLetterBudget(DeadLetterSettings(max_share=1, max_per_minute=10_000))
    for number in range(5_000):
        budget.note(0.5, 1, rejects(1, field=f"field-{number}"))
    (second,) = budget._seconds
    assert len(second.kinds) <= 51
    assert sum(second.kinds.values()) == 5_000
