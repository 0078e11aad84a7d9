"""Joins risks with the truth, for `streamer evaluate` and the model's own report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.pipeline import Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged events whose truth is known, in the order of the log.

    Attributes:
        risk: (N,) float32, fused tail.
        tails: (N, D) float32, each detector's tail.
        fraud: (N,) bool.
        user: (N,) int64, users numbered in order of appearance.
        timestamp: (N,) int64, milliseconds since the epoch.
        unlabelled: events left out because no label was found.
    """

    risk: NDArray[np.float32]
    tails: NDArray[np.float32]
    fraud: NDArray[np.bool_]
    user: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    unlabelled: int


def join(outcomes: Iterable[Outcome], labels: Mapping[str, bool]) -> Judged:
    """Match judged events with labels by transaction id."""
    users: dict[str, int] = {}
    risk: list[NDArray[np.float32]] = []
    tails: list[NDArray[np.float32]] = []
    times: list[NDArray[np.int64]] = []
    fraud: list[bool] = []
    user: list[int] = []
    unlabelled = 0
    for outcome in outcomes:
        for part in outcome.scored:
            batch = part.advance.batch
            known = [row for row, name in enumerate(batch.transaction_id) if name in labels]
            unlabelled += len(batch) - len(known)
            risk.append(part.judgement.risk[known])
            tails.append(part.judgement.tails[known])
            times.append(batch.timestamp[known])
            fraud += [labels[batch.transaction_id[row]] for row in known]
            user += [users.setdefault(batch.user_id[row], len(users)) for row in known]
    return Judged(
        np.concatenate(risk),
        np.concatenate(tails),
        np.array(fraud, np.bool_),
        np.array(user, np.int64),
        np.concatenate(times),
        unlabelled,
    )
