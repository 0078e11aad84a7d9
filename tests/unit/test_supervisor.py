"""One worker after another, until it is clear that two processes bear one name."""

import threading
from collections.abc import Callable, Iterator

import pytest

from streamer.clock import ManualClock
from streamer.errors import FencedError, RetriableTransportError, TransportError
from streamer.health import Health
from streamer.metrics import Metrics, new_registry
from streamer.supervisor import MOST_FENCINGS, Runnable, supervise


class Fenced:
    def run(self, stopping: threading.Event) -> None:
        raise FencedError("another process took over")


class Ends:
    def run(self, stopping: threading.Event) -> None:
        stopping.set()


class Fails:
    def run(self, stopping: threading.Event) -> None:
        raise TransportError("refused")


class CannotJoin:
    def run(self, stopping: threading.Event) -> None:
        raise RetriableTransportError("no broker")


class Impatient(threading.Event):
    """Never waits, but lets the clock go on."""

    def __init__(self, clock: ManualClock, factor: float) -> None:
        super().__init__()
        self._clock = clock
        self._factor = factor

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance((timeout or 0.0) * self._factor)
        return self.is_set()


Supervised = Callable[..., float | None]


@pytest.fixture
def supervised() -> Supervised:
    def supervised(workers: Iterator[Runnable | Exception], *, factor: float = 1.0) -> float | None:
        clock, registry = ManualClock(), new_registry()

        def build() -> Runnable:
            made = next(workers)
            if isinstance(made, Exception):
                raise made
            return made

        supervise(
            build,
            Impatient(clock, factor),
            clock=clock,
            health=Health(clock, silence_s=60, stall_after_s=60),
            metrics=Metrics(registry),
        )
        assert next(workers, None) is None, "every worker had its turn"
        return registry.get_sample_value("streamer_restarts_total")

    return supervised


def test_a_fenced_worker_is_followed_by_a_new_one(supervised: Supervised) -> None:
    assert supervised(iter([Fenced(), Fenced(), Ends()])) == 2


def test_many_fencings_at_once_name_the_cause(supervised: Supervised) -> None:
    with pytest.raises(FencedError, match=r"kafka\.transactional_id"):
        supervised(iter([Fenced() for _ in range(MOST_FENCINGS)]))


def test_readiness_names_the_cause_until_there_is_a_new_worker() -> None:
    clock = ManualClock()
    health = Health(clock, silence_s=60, stall_after_s=60)
    health.bundle_loaded()
    workers: Iterator[Runnable] = iter([Fenced(), Ends()])
    seen: list[list[str]] = []

    class Waits(Impatient):
        def wait(self, timeout: float | None = None) -> bool:
            seen.append(health.faults_of_readiness())
            return super().wait(timeout)

    supervise(lambda: next(workers), Waits(clock, 1.0), clock=clock, health=health, metrics=Metrics(new_registry()))
    assert [faults[0] for faults in seen] == ["another process took over: another process took over"]
    assert not any("took over" in fault for fault in health.faults_of_readiness())


def test_fencings_now_and_then_are_lived_with(supervised: Supervised) -> None:
    assert supervised(iter([*(Fenced() for _ in range(3 * MOST_FENCINGS)), Ends()]), factor=100) == 3 * MOST_FENCINGS


def test_a_broker_away_ends_the_first_start_but_not_a_later_one(supervised: Supervised) -> None:
    away = RetriableTransportError("no broker")
    with pytest.raises(RetriableTransportError):
        supervised(iter([away]))
    with pytest.raises(RetriableTransportError):
        supervised(iter([CannotJoin()]))
    assert supervised(iter([Fenced(), away, CannotJoin(), away, Ends()])) == 1


def test_other_errors_end_it(supervised: Supervised) -> None:
    with pytest.raises(TransportError, match="refused"):
        supervised(iter([Fails()]))
