"""The workers of a soak: restarted when they end, as a supervisor would, and watched."""

import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from tests.faults.trial import Trial
from tests.helpers.worker import RunningWorker

MIB = 1 << 20


@dataclass(slots=True)
class Place:
    """A worker's place, taken by one process after another.

    Attributes:
        running: the present one.
        killed: whether its end is wanted.
        exits: exit codes of those that ended by themselves.
        lives: (seconds, MiB) of resident memory over the life of each process.
    """

    running: RunningWorker
    killed: bool = False
    exits: Counter[int] = field(default_factory=Counter)
    lives: list[list[tuple[float, float]]] = field(default_factory=lambda: [[]])


class Fleet:
    """Workers by name."""

    def __init__(self, trial: Trial, names: Sequence[str], changes: Mapping[str, str]) -> None:
        """Start them all."""
        self._trial = trial
        self._changes = changes
        self.places = {name: Place(self._start(name)) for name in names}
        self.restarts = 0

    def kill(self, name: str) -> None:
        """End a worker without a word."""
        self._end(name, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """Let a worker end in order."""
        self._end(name, signal.SIGTERM)

    def pause(self, name: str, seconds: float) -> None:
        """Let a worker sleep in the midst of whatever it does."""
        process = self.places[name].running.process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def watch(self, now_s: float) -> None:
        """Restart who ended, note the memory of who lives."""
        for name, place in self.places.items():
            code = place.running.process.poll()
            if code is None:
                place.lives[-1].append((now_s, psutil.Process(place.running.process.pid).memory_info().rss / MIB))
                continue
            if not place.killed:
                place.exits[code] += 1
            place.killed = False
            place.lives.append([])
            place.running = self._start(name)
            self.restarts += 1

    def end(self) -> list[int]:
        """Let all end in order; return their exit codes."""
        for place in self.places.values():
            place.running.process.send_signal(signal.SIGTERM)
        return [place.running.process.wait(60.0) for place in self.places.values()]

    def _start(self, name: str) -> RunningWorker:
        return self._trial.start(name, changes=self._changes)

    def _end(self, name: str, number: signal.Signals) -> None:
        place = self.places[name]
        place.killed = True
        place.running.process.send_signal(number)
