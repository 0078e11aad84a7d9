"""Faults from within: what goes wrong in a worker's own process, at a named point of its loop.

A sabotage is installed before the ordinary command line runs, in a process that was started for
it. Nothing in the product knows of any of this.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol

STAGES = ("poll", "decode", "state", "score", "alert", "deliver", "restore", "snapshot")
"""What the worker itself times."""

CALLS = {
    "begin": "kafka:KafkaProducer.begin_transaction",
    "send": "kafka:KafkaProducer.send",
    "add_offsets": "streamer.transport.kafka_transaction_client:TransactionClient.add_offsets",
    "commit": "streamer.transport.kafka_transaction_client:TransactionClient.commit",
    "librdkafka_send": "streamer.transport.confluent_writing:WritingClient.send",
    "librdkafka_step": "streamer.transport.confluent_steps:Steps.take",
    "judge": "detectors.models.tails:FeatureTails.score",
    "save": "streamer.state.store:SnapshotStore.write",
    "save_part": "streamer.state.container:ContainerWriter.add",
    "load_part": "streamer.state.container:ContainerReader.read",
}
"""What the worker calls between its stages' edges, as module:class.method."""

When = Literal["before", "after"]
How = Literal["kill", "stop", "hang"]


class Sabotage(Protocol):
    """Something that goes wrong in the process in which it is installed."""

    def install(self) -> None:
        """Lay the trap."""
        ...


@dataclass(frozen=True, slots=True)
class Trap:
    """What happens when a point is passed for the n-th time.

    Attributes:
        at: one of STAGES or CALLS.
        nth: counts from 1.
        when: at which edge of it.
        how: SIGKILL, SIGSTOP, or a sleep without end.
    """

    at: str
    nth: int = 1
    when: When = "before"
    how: How = "kill"

    def install(self) -> None:
        """See `Sabotage.install`."""
        _watch(self.at, self.when, _Counter(self.nth, _DEEDS[self.how]))


@dataclass(frozen=True, slots=True)
class Doze:
    """The thread that passes a point for the n-th time sleeps there for a while; the others go on.

    Attributes:
        at: as in `Trap`.
        nth: counts from 1.
        seconds: how long it sleeps.
    """

    at: str
    nth: int
    seconds: float

    def install(self) -> None:
        """See `Sabotage.install`."""
        _watch(self.at, "before", _Counter(self.nth, lambda: time.sleep(self.seconds)))


class _Counter:
    """Does its deed at the n-th call."""

    def __init__(self, nth: int, deed: Callable[[], None]) -> None:
        self._left = nth
        self._deed = deed
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            is_due = self._left == 0
        if is_due:
            self._deed()


def _hang() -> None:
    while True:
        time.sleep(60.0)


_DEEDS: dict[How, Callable[[], None]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "hang": _hang,
}


def _watch(point: str, when: When, passed: Callable[[], None]) -> None:
    if point in STAGES:
        _around_stage(point, when, passed)
    else:
        _around_call(CALLS[point], when, passed)


def _around_stage(name: str, when: When, passed: Callable[[], None]) -> None:
    from streamer.metrics import Metrics

    ordinary = Metrics.stage

    @contextmanager
    def stage(metrics: Metrics, entered: str) -> Iterator[None]:
        if entered == name and when == "before":
            passed()
        with ordinary(metrics, entered):
            yield
        if entered == name and when == "after":
            passed()

    replace_method(Metrics, "stage", stage)


def _around_call(place: str, when: When, passed: Callable[[], None]) -> None:
    module, _, path = place.partition(":")
    owner, _, method = path.partition(".")
    kind = getattr(import_module(module), owner)
    ordinary = getattr(kind, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            passed()
        answer = ordinary(*args, **kwargs)
        if when == "after":
            passed()
        return answer

    replace_method(kind, method, call)


def replace_method(kind: type, name: str, function: Callable[..., object]) -> None:
    if not hasattr(kind, name):
        raise AttributeError(f"{kind.__name__} has no {name}: the saboteur knows an older program")
    setattr(kind, name, function)
