"""A pace is kept in every stretch of time, whatever the batches and the pauses between them."""

from hypothesis import given
from hypothesis import strategies as st

from streamer.clock import ManualClock
from streamer.dead_letters.pace import Pace


@given(
    st.sampled_from([1, 7, 100, 5_000]),
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from([0.0, 0.001, 0.3, 60.0])), min_size=1, max_size=30),
)
def test_no_stretch_of_time_sees_more_than_its_share(per_second: int, batches: list[tuple[int, float]]) -> None:
    clock = ManualClock(5.0)
    pace = Pace(per_second, now=clock.monotonic, sleep=clock.advance)
    sent: list[tuple[float, int]] = []
    for count, pause in batches:
        pace.take(count)
        sent.append((clock.monotonic(), count))
        clock.advance(pause)
    for first, (begin, _) in enumerate(sent):
        for last in range(first, len(sent)):
            before_the_last = sum(count for _, count in sent[first:last])
            assert before_the_last <= per_second * (sent[last][0] - begin) + 1e-6


def test_time_is_not_wasted() -> None:
    clock = ManualClock()
    pace = Pace(100, now=clock.monotonic, sleep=clock.advance)
    for _ in range(11):
        pace.take(10)
    assert round(clock.monotonic(), 9) == 1.0
