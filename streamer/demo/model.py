"""The demonstration's bundle: trained on the simulated history once, then kept."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from detectors.training.fit import TrainingConfig
from streamer import __version__
from streamer.bundles import open_bundle
from streamer.cards.make import Circumstances
from streamer.clock import Clock
from streamer.demo.options import DemoOptions
from streamer.errors import BundleError
from streamer.history import collect
from streamer.progress import counting
from streamer.settings import Settings
from streamer.simulate.event import SimulatedEvent
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from streamer.state.features import TABLE
from streamer.training import NewBundle, train_bundle
from streamer.training_progress import training
from streamer.transport.archive import ArchiveSource

NEWEST = 60_000
ABOUT = Circumstances("simulated payments", "none is needed: nobody made them", "streamer demo", 1_000.0, {})

T = TypeVar("T")


class Stopped(Exception):
    """Somebody asked to stop before the bundle was made."""


def bundle_for(options: DemoOptions, clock: Clock, console: Console, stopping: threading.Event) -> Path:
    """Return the folder of a bundle that fits the options, trained now if need be.

    The history goes through a file, as a user's own would: simulate, train.

    Raises:
        Stopped: `stopping` was set meanwhile.
    """

    def watched(show: Callable[[T], None]) -> Callable[[T], None]:
        def step(now: T) -> None:
            if stopping.is_set():
                raise Stopped
            show(now)

        return step

    folder = options.folder / "bundles" / _name(options)
    if _is_usable(folder) and not options.retrain:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    history_file = folder.parent / f"{folder.name}.parquet"
    history_file.parent.mkdir(parents=True, exist_ok=True)
    with counting("simulating a history", console) as count:
        to_file(_counted(simulate(options.world, options.history), watched(count)), history_file)
    source = ArchiveSource(history_file, partitions=options.partitions)
    with counting("computing features", console) as count:
        history = collect(source, Settings(), newest=NEWEST, progress=watched(count))
    new = NewBundle(folder, "demo", "1", round(clock.wall() * 1000))
    with training(console) as move:
        train_bundle(history, new, TrainingConfig(seed=options.seed), watched(move), about=ABOUT)
    history_file.unlink()
    return folder


def _name(options: DemoOptions) -> str:
    """Name the bundle by all that it depends on, so that another world trains anew."""
    parts = (__version__, TABLE, options.world, options.history, options.partitions, NEWEST)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _is_usable(folder: Path) -> bool:
    try:
        open_bundle(folder)
    except BundleError:
        return False
    return True


def _counted(events: Iterable[SimulatedEvent], count: Callable[[int], None]) -> Iterator[SimulatedEvent]:
    for number, event in enumerate(events, start=1):
        if number % 1_000 == 0:
            count(1_000)
        yield event
