"""Slows events down to a steady rate."""

from collections.abc import Callable, Iterable, Iterator

from streamer.simulate.event import SimulatedEvent

# Shorter sleeps are too inexact to be worth their cost; the next one makes up for them.
_SHORTEST_SLEEP_S = 0.002


def paced(
    events: Iterable[SimulatedEvent],
    rate: float,
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[SimulatedEvent]:
    """Pass events on at a steady rate; time lost downstream is made up for.

    Args:
        events: what to pass on.
        rate: events a second, above 0.
        now: a monotonic clock in seconds.
        sleep: waits for a number of seconds.
    """
    begin = now()
    for number, event in enumerate(events):
        ahead = begin + number / rate - now()
        if ahead >= _SHORTEST_SLEEP_S:
            sleep(ahead)
        yield event
