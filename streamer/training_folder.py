"""The folder of one training: what it needs to go on after a kill, and for whom it is.

plan.json       what is trained from what; another training does not go on from here
NAME.ckpt       each model's newest checkpoint
search.journal  the trials of a search
windows-N/      what process N learns from, where that is too much for memory
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from detectors.training.config import TrainingConfig
from streamer import __version__
from streamer.errors import EnvironmentFault
from streamer.history import History
from streamer.window_files import WindowFiles

PLAN = "plan.json"
_OTHERNESS = {
    "version": "by another version of this program",
    "data": "on other data",
    "config": "with other options",
    "parent": "that goes on from another bundle, or from none",
}


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a training keeps what it needs to go on.

    Attributes:
        folder: made when something is kept.
        lasting: whether it stays when the bundle is made.
    """

    folder: Path
    lasting: bool

    @classmethod
    def beside(cls, out: Path, chosen: Path | None) -> Self:
        """Return the chosen folder, or the one beside a bundle, which goes when the bundle is made."""
        if chosen is not None:
            return cls(chosen, lasting=True)
        return cls(out.with_name(out.name + ".training"), lasting=False)

    def begin(self, history: History, config: TrainingConfig, *, parent: str | None, first: bool) -> None:
        """Begin, or go on with, the training of `history`.

        Args:
            history: what is learnt from.
            config: how.
            parent: digest of the bundle that is fine-tuned; None begins anew.
            first: whether this process writes; others only look.

        Raises:
            EnvironmentFault: the folder holds another training, or cannot be used.
        """
        plan = json.dumps(
            {"version": __version__, "data": _digest(history), "config": asdict(config), "parent": parent}, indent=2
        )
        path = self.folder / PLAN
        try:
            if path.exists():
                known = path.read_bytes()
                if known != plan.encode():
                    raise EnvironmentFault(
                        f"{str(self.folder)!r} holds a training {_otherness(known, plan)}: give the same "
                        "to go on with it, remove the folder, or choose another --work-dir"
                    )
            elif first:
                self.folder.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(".unfinished")
                unfinished.write_text(plan, encoding="utf-8")
                unfinished.rename(path)
        except OSError as error:
            raise EnvironmentFault(f"the training's folder {str(self.folder)!r} cannot be used: {error}") from error

    def files(self, rank: int) -> WindowFiles:
        """Return files for the windows of a process.

        Raises:
            EnvironmentFault: the folder cannot be used.
        """
        try:
            return WindowFiles(self._windows(rank))
        except OSError as error:
            raise EnvironmentFault(f"the training's folder {str(self.folder)!r} cannot be used: {error}") from error

    def finish(self, rank: int) -> None:
        """Remove what only a training needs that is not finished; each process removes its own windows."""
        shutil.rmtree(self._windows(rank), ignore_errors=True)
        if rank > 0:
            return
        if not self.lasting:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _windows(self, rank: int) -> Path:
        return self.folder / f"windows-{rank}"


def _digest(history: History) -> str:
    digest = hashlib.sha256()
    for array in (history.timestamp, history.windows.length, history.windows.last):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _otherness(known: bytes, wanted: str) -> str:
    """Tell how the training of one plan differs from that of another."""
    try:
        plan = json.loads(known)
    except ValueError:
        plan = None
    if not isinstance(plan, dict):
        return f"whose {PLAN} is damaged"
    return " and ".join(said for name, said in _OTHERNESS.items() if plan.get(name) != json.loads(wanted)[name])
