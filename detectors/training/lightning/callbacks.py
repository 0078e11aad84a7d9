"""What looks on while a model trains: progress, and checkpoints to go on from."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

from detectors.training.config import Progress
from detectors.training.dataset import Examples
from detectors.training.lightning.module import StepResult, TaskModule
from detectors.training.tasks.base import Task


class Telling(Callback):
    """Tells of every step."""

    def __init__(self, name: str, steps: int, tell: Callable[[Progress], None]) -> None:
        """Take whom to tell.

        Args:
            name: of the model.
            steps: in all.
            tell: is told of every step.
        """
        self._name = name
        self._steps = steps
        self._tell = tell

    def on_train_batch_end(  # type: ignore[override]  # what a step tells is known here
        self, trainer: Trainer, pl_module: TaskModule, outputs: StepResult, batch: Examples, batch_idx: int
    ) -> None:
        """Tell of a step; only one process speaks."""
        step = pl_module.steps_before(batch_idx) + 1
        if trainer.is_global_zero:
            windows = len(batch) * trainer.world_size
            self._tell(Progress(self._name, step, self._steps, outputs["loss"].item(), windows))


class Looking(Callback):
    """Lets someone look at the task after each epoch."""

    def __init__(self, look: Callable[[int, Task], None]) -> None:
        """Take who looks: is told the epoch, from 0, and the task."""
        self._look = look

    def on_validation_end(self, trainer: Trainer, pl_module: TaskModule) -> None:  # type: ignore[override]  # as above
        """Let them look, while the networks are in evaluation mode."""
        self._look(trainer.current_epoch, pl_module.task)


class Checkpoints(Callback):
    """Writes all that is needed to go on: after each epoch, and every so many steps within one.

    The file is replaced at once: a kill leaves the older or the newer one.
    """

    def __init__(self, path: Path, every: int) -> None:
        """Take a place.

        Args:
            path: of the file.
            every: steps between two checkpoints within an epoch.
        """
        self._path = path
        self._every = every

    def on_train_batch_end(  # type: ignore[override]  # what a step tells is known here
        self, trainer: Trainer, pl_module: TaskModule, outputs: StepResult, batch: Examples, batch_idx: int
    ) -> None:
        """Write one within an epoch; at its end it is judged first."""
        if (batch_idx + 1) % self._every == 0 and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write one after an epoch."""
        self._write(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: TaskModule) -> None:  # type: ignore[override]  # as above
        """Write one that says that nothing is left to do."""
        pl_module.finished = True
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self._path)


class OwnSignals(Callback):
    """Keeps Lightning from answering signals in the place of the program that trains."""

    def __init__(self) -> None:
        """Remember who answers."""
        self._answers = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put back who answered."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._answers)
