"""Whether the worker became slow beside the bare client: a guard for every change, in under a minute.

    python -m tests.bench.guard            measures and compares with ratios.json
    python -m tests.bench.guard --store    measures and writes ratios.json

Times say little on a shared machine, so it is the processor's time that counts, only ratios of figures
of the same round are compared, and only a collapse fails: a median below `COLLAPSE` of the stored one.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from streamer.transport.embedded import EmbeddedKafka
from tests.bench import backlog
from tests.bench.machine import machine
from tests.bench.quiet import quieten
from tests.bench.timing import PROCESSOR, Measurement, paired_ratios
from tests.bench.workload import Workload
from tests.conftest import JARS

COLLAPSE = 0.6
STORED = Path(__file__).with_name("ratios.json")
GUARDED = (
    "adapter's poll loop",
    "whole worker, exactly once",
    "whole worker, exactly once, confluent",
    "whole worker, at least once",
    "decode",
    "state",
    "score",
)
"""Figures that are compared, each as events for a second of work beside the bare poll loop's."""

_ROUNDS, _ROUNDS_TO_STORE = 3, 9
_EVENTS = 20_000
_TRAINING_EVENTS = 10_000
"""Fewer than `make bench` trains on: alerts come oftener, which costs the same in every run of this."""

Ratios = Mapping[str, float]


def ratios(results: Sequence[Measurement]) -> dict[str, float]:
    """Return the median over the rounds of each guarded figure beside the bare poll loop."""
    found = {each.what: each for each in results}
    bare = found[backlog.BARE]
    return {what: median(paired_ratios(found[what], bare)) for what in GUARDED}


def collapsed(now: Ratios, stored: Ratios) -> list[str]:
    """List the figures that fell below `COLLAPSE` of what is stored.

    Raises:
        ValueError: a stored figure was not measured, or the other way round.
    """
    if now.keys() != stored.keys():
        raise ValueError(f"{STORED.name} holds other figures than are measured: make bench-guard ARGS=--store")
    return [
        f"{what}: {now[what]:.3g} of the bare poll loop, stored {stored[what]:.3g}"
        for what in stored
        if now[what] < COLLAPSE * stored[what]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guard", description="Compare with stored ratios.")
    parser.add_argument("--store", action="store_true", help=f"write {STORED.name}; on a quiet machine")
    store = parser.parse_args().store
    facts, began = machine(), time.monotonic()
    now = ratios(_measure(_ROUNDS_TO_STORE if store else _ROUNDS))
    if store:
        _store(now, {"machine": facts, "rounds": _ROUNDS_TO_STORE})
        return
    stored = _stored()
    for what, value in now.items():
        sys.stdout.write(f"{what:<38} {value:6.3f}  stored {stored.get(what, 0.0):6.3f}\n")
    faults = collapsed(now, stored)
    sys.stdout.write(f"measured in {time.monotonic() - began:.0f} s\n")
    if faults:
        sys.exit(f"slower than {COLLAPSE:g} of what is stored:\n" + "\n".join(faults))


def _measure(rounds: int) -> list[Measurement]:
    quieten()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workload = Workload.make(_EVENTS, folder / "bundle", training_events=_TRAINING_EVENTS)
        with EmbeddedKafka(folder / "kafka", cache=JARS) as kafka:
            return backlog.reading(workload, kafka.bootstrap, rounds, PROCESSOR)


def _stored() -> dict[str, float]:
    found: dict[str, dict[str, float]] = json.loads(STORED.read_text(encoding="utf-8"))
    return found["ratios"]


def _store(now: Ratios, about: Mapping[str, object]) -> None:
    document = {**about, "ratios": {what: round(value, 3) for what, value in now.items()}}
    STORED.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{STORED} is written\n")


if __name__ == "__main__":
    main()
