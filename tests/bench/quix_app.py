"""The peer: a plain Quix Streams application that keeps windows and features and asks the same detectors.

Runs in an environment of its own, without the worker: `tests.bench.quix` makes it and starts this. It
prints the events a second from the first `_WARM_UP` events on.

    python -m tests.bench.quix_app BOOTSTRAP TOPIC ALERTS GROUP BUNDLE FOLDER EVENTS whole|features
"""

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from quixstreams import Application, State

from detectors.api import Feature, FeatureTable, Windows
from detectors.bundle import MANIFEST, load_bundle
from detectors.manifest import Manifest
from detectors.threads import use_one_thread
from tests.bench.plain_features import WINDOW, Everybody, features, new_user

_WARM_UP = 200
_ALERTS_PER_MILLION = 1_000
_PATIENCE_S = 60.0


class Judge:
    """Judges one message after the other, and stops the application after the last."""

    def __init__(self, app: Application, bundle: Path, events: int, *, with_models: bool) -> None:
        table = _table(bundle)
        self._app = app
        self._ensemble = load_bundle(bundle, table).ensemble
        self._names = table.names
        self._steps = table.steps
        self._threshold = -math.log(_ALERTS_PER_MILLION / 1e6)
        self._shared = Everybody()
        self._events = events
        self._with_models = with_models
        self._seen = 0
        self._begin = self._end = 0.0

    @property
    def rate(self) -> float:
        if self._seen < self._events:
            raise RuntimeError(f"{self._seen} of {self._events} events were judged in time")
        return (self._events - _WARM_UP) / (self._end - self._begin)

    def __call__(self, event: Mapping[str, Any], state: State) -> dict[str, Any]:
        user = state.get("user") or new_user()
        found = features(event, user, self._shared)
        row = [found[name] for name in self._names]
        window = user["window"] = [*user["window"], row[: self._steps]][-WINDOW:]
        state.set("user", user)
        risk = self._risk(window, row) if self._with_models else 0.0
        self._count()
        return {"transaction_id": event["transaction_id"], "risk": risk, "alert": risk > self._threshold}

    def _risk(self, window: list[list[float]], row: list[float]) -> float:
        steps = np.zeros((1, WINDOW, self._steps), np.float32)
        steps[0, WINDOW - len(window) :] = window
        windows = Windows(steps, np.array([len(window)], np.int32), np.array([row], np.float32))
        return float(self._ensemble.judge(windows).risk[0])

    def _count(self) -> None:
        self._seen += 1
        if self._seen == _WARM_UP:
            self._begin = time.perf_counter()
        if self._seen == self._events:
            self._end = time.perf_counter()
            self._app.stop()


def _table(bundle: Path) -> FeatureTable:
    manifest = msgspec.json.decode((bundle / MANIFEST).read_bytes(), type=Manifest)
    entries = (Feature(e.name, e.unit, e.formula, e.risk, e.in_window) for e in manifest.features)
    return FeatureTable(tuple(entries), manifest.window)


def main() -> None:
    bootstrap, topic, alerts, group, bundle, folder, events, variant = sys.argv[1:]
    use_one_thread()
    app = Application(
        bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=folder,
        loglevel="ERROR",
    )
    judge = Judge(app, Path(bundle), int(events), with_models=variant == "whole")
    judged = app.dataframe(app.topic(topic, value_deserializer="json")).apply(judge, stateful=True)
    judged[judged["alert"]].to_topic(app.topic(alerts, value_serializer="json"))
    app.run(timeout=_PATIENCE_S)
    sys.stdout.write(f"{judge.rate}\n")


if __name__ == "__main__":
    main()
