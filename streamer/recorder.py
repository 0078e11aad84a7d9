"""Keeps what was scored: windows and risks as arrays, for audits and for the proof of parity."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamer.errors import EnvironmentFault
from streamer.pipeline import Scored


class Recorder:
    """Writes one `.npz` a batch and partition, named by topic, partition and first offset."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            EnvironmentFault: it cannot be made.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(
                f"worker.record_tensors names {str(folder)!r}, which cannot be made: {error}"
            ) from error

    def write(self, scored: Iterable[Scored]) -> None:
        """Write what a turn of the loop scored.

        Raises:
            EnvironmentFault: the disk is full or the folder gone.
        """
        for part in scored:
            batch = part.advance.batch
            if not len(batch):
                continue
            first = batch.records[0]
            path = self._folder / f"{first.topic}-{first.partition:05d}-{first.offset:020d}.npz"
            try:
                np.savez(
                    path,
                    transaction_id=np.array(batch.transaction_id),
                    steps=part.advance.windows.steps,
                    length=part.advance.windows.length,
                    last=part.advance.windows.last,
                    tails=part.judgement.tails,
                    risk=part.judgement.risk,
                )
            except OSError as error:
                raise EnvironmentFault(f"recorded tensors cannot be written to {str(path)!r}: {error}") from error


def read_recorded(folder: Path) -> Mapping[str, NDArray[np.generic]]:
    """Join all batches of a folder, in the order of topic, partition and offset.

    Returns:
        Arrays by name, one row an event: transaction_id, steps (N, T, S), length, last (N, F),
        tails (N, D) and risk.
    """
    parts = [np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npz"))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}
