"""What `streamer bundles backends` measures, and how it tells it."""

from itertools import islice
from pathlib import Path
from time import process_time

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detectors.api import Windows
from detectors.backends import EAGER
from detectors.threads import use_one_thread
from streamer.alerts.scale import threshold_tail
from streamer.backends import AT_ONCE, Measured, Moves, Trial, measure
from streamer.bundles import open_bundle
from streamer.cli.source import open_archive
from streamer.errors import ArchiveError
from streamer.events.mapping_file import open_mapping
from streamer.history import collect
from streamer.settings import Settings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.source import SimulatedSource
from streamer.simulate.stream import simulate

WINDOWS = 16_384
"""Judged payments, the newest of those that are read."""

_WORLD = SimulationConfig(users=400, merchants=200, seed=0)
_SIMULATED = 24_000
_ROUNDS = 9


def measured_on(settings: Settings, bundle: Path, data: Path | None, partitions: int) -> Trial:
    """Measure all back ends on a bundle.

    Args:
        settings: of events, state and the alert budget.
        bundle: its folder.
        data: an archive; None simulates payments.
        partitions: spread users over so many.

    Raises:
        ArchiveError: the archive cannot be read, or holds too few payments.
        BundleError: the bundle cannot be used.
        EnvironmentFault: the back ends' libraries are not installed.
    """
    use_one_thread()
    ensemble = open_bundle(bundle).ensemble
    return measure(
        ensemble,
        _windows(settings, data, partitions),
        threshold=threshold_tail(settings.alerts.alerts_per_million),
        clock=process_time,
        rounds=_ROUNDS,
    )


def _windows(settings: Settings, data: Path | None, partitions: int) -> Windows:
    if data is None:
        source = SimulatedSource(islice(simulate(_WORLD), _SIMULATED))
        return collect(source, settings, newest=WINDOWS, progress=lambda _: None).windows
    archive = open_archive(settings, data, partitions=partitions)
    mapping = open_mapping(settings.events.mapping)
    windows = collect(archive, settings, mapping, newest=WINDOWS, progress=lambda _: None).windows
    if len(windows) < max(AT_ONCE):
        raise ArchiveError(f"{str(data)!r} holds {len(windows)} payments; {max(AT_ONCE)} are needed: give more")
    return windows


def trial_document(trial: Trial) -> dict[str, object]:
    """Return what was measured as JSON knows it."""
    document: dict[str, object] = msgspec.to_builtins(trial, str_keys=True)
    return document


def print_trial(trial: Trial, console: Console) -> None:
    """Print what was measured as a table."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("judge", "back end", *(f"{rows:,} at once" for rows in AT_ONCE), "bytes"):
        table.add_column(heading, justify="left" if heading in {"judge", "back end"} else "right")
    for heading in ("score moves, largest", "mean", "tail moves, largest", "mean", "alerts that change"):
        table.add_column(heading, justify="right", overflow="fold")
    for each in trial.measured:
        table.add_row(*_cells(each, trial))
    console.print(table)
    console.print(
        f"{trial.windows:,} payments, {trial.alerts:,} alerts. Windows a second of processor time, one thread; "
        "scores move by standard deviations, tails by powers of e; alerts that change are a share of those by "
        f"{EAGER}."
    )
    for name, why in trial.refused.items():
        console.print(f"{name} is refused: {escape(why)}")
    console.print(f"best here: {trial.best}" + ("" if trial.best == EAGER else f" (set worker.backend={trial.best})"))


def _cells(each: Measured, trial: Trial) -> list[str]:
    speeds = [f"{each.per_second[rows]:,.0f}" for rows in AT_ONCE]
    changed = f"{trial.changed[each.backend]:.2%}" if each.raw is None else ""
    return [each.judge, each.backend, *speeds, f"{each.size:,}", *_moves(each.raw), *_moves(each.tail), changed]


def _moves(moves: Moves | None) -> tuple[str, str]:
    return ("", "") if moves is None else (f"{moves.largest:.1e}", f"{moves.mean:.1e}")
