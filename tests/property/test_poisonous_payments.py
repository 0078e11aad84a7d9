"""Whatever payments are poison, in whatever batches: they alone are missing, and nothing else changes."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.bundle import Bundle, load_bundle
from detectors.ensemble import Ensemble
from detectors.threads import use_one_thread
from streamer.events.record import Message
from streamer.pipeline import Scored
from streamer.settings import Settings
from streamer.state.features import TABLE
from tests.helpers.faulty import faulty, giving, identities, pipeline_of, raising
from tests.helpers.payments import payments

COUNT = 120
SETTINGS = Settings.model_validate({"topics": {"scores": "scores"}, "alerts": {"alerts_per_million": 50_000.0}})
FAULTS = {"raises": raising(ArithmeticError("x")), "NaN": giving(np.nan), "infinity": giving(np.inf)}

Place = tuple[int, int]


@cache
def loaded(folder: Path) -> Bundle:
    use_one_thread()
    return load_bundle(folder, TABLE)


def run(bundle: Bundle, ensemble: Ensemble, cuts: Sequence[int] = ()) -> list[Scored]:
    pipeline = pipeline_of(bundle, ensemble, SETTINGS)
    records = payments(COUNT)
    edges = sorted({0, *cuts, COUNT})
    return [part for start, stop in pairwise(edges) for part in pipeline.process(records[start:stop], now_ms=0)]


def messages(parts: Sequence[Scored], topic: str, partition: int) -> list[Message]:
    found = [part for part in parts if part.source.partition == partition]
    return [message for part in found for message in part.messages if message.topic == topic]


@cache
def healthy(folder: Path) -> list[Scored]:
    return run(loaded(folder), loaded(folder).ensemble)


@given(
    poison=st.sets(st.integers(0, COUNT - 1), max_size=12),
    fault=st.sampled_from(sorted(FAULTS)),
    guilty=st.sampled_from(["tails", "vae", "gan"]),
    cuts=st.lists(st.integers(1, COUNT - 1), max_size=5),
)
@settings(max_examples=12, deadline=None)
def test_poisonous_payments_alone_are_missing(
    bundle: Path, poison: set[int], fault: str, guilty: str, cuts: list[int]
) -> None:
    whole = healthy(bundle)
    windows = [window for part in whole for window in identities(part.advance.windows)]
    poisonous = {windows[row] for row in poison}
    ensemble, detector = faulty(loaded(bundle).ensemble, guilty)
    detector.poison, detector.fault = poisonous, FAULTS[fault]

    cut = run(loaded(bundle), ensemble, cuts)
    once = run(loaded(bundle), ensemble)
    for partition, part in enumerate(whole):
        good = [window not in poisonous for window in identities(part.advance.windows)]
        letters = messages(cut, "dead-letters", partition)
        records = part.advance.batch.records
        assert [letter.value for letter in letters] == [
            record.value for record, is_good in zip(records, good, strict=True) if not is_good
        ]
        assert messages(cut, "scores", partition) == [
            score for score, is_good in zip(messages(whole, "scores", partition), good, strict=True) if is_good
        ]
        assert messages(cut, "alerts", partition) == messages(once, "alerts", partition)
        mine = [each for each in cut if each.source.partition == partition]
        risk = np.concatenate([each.judgement.risk for each in mine])
        assert risk[good].tobytes() == part.judgement.risk[good].tobytes()
