"""What TensorBoard shows of a training: losses and their parts, scores and pictures after each epoch."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pytorch_lightning import Callback, Trainer
from torch.utils.tensorboard import SummaryWriter

from detectors.training.dataset import Examples
from detectors.training.lightning.module import HELD_BACK, StepResult, TaskModule
from detectors.training.lightning.pictures import Pixels, histogram_range, precision_recall, reconstruction, scores
from detectors.training.tasks.view import Viewable

_EVERY = 10
"""Steps between two points of a curve."""


class Curves(Callback):
    """Writes for TensorBoard; only one of several processes does."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of this model's files."""
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._laid_out = False

    def on_train_start(self, trainer: Trainer, pl_module: TaskModule) -> None:  # type: ignore[override]  # it runs these
        """Open a file; what a killed training wrote beyond its last checkpoint is not shown."""
        if trainer.is_global_zero:
            begun = pl_module.steps_before(trainer.fit_loop.epoch_loop.batch_progress.current.completed)
            self._writer = SummaryWriter(str(self._folder), purge_step=begun)

    def on_train_batch_end(  # type: ignore[override]  # it runs these
        self, trainer: Trainer, pl_module: TaskModule, outputs: StepResult, batch: Examples, batch_idx: int
    ) -> None:
        """Add a point to each curve."""
        step = pl_module.steps_before(batch_idx)
        if self._writer is None or step % _EVERY:
            return
        self._writer.add_scalar("loss/training", outputs["loss"].item(), step)
        self._writer.add_scalar("learning_rate", pl_module.learning_rate, step)
        parts = {name if "/" in name else f"parts/{name}": value for name, value in outputs["parts"].items()}
        for tag, value in parts.items():
            self._writer.add_scalar(tag, value.item(), step)
        if not self._laid_out:
            self._laid_out = True
            self._writer.add_custom_scalars(layout(("loss/training", "loss/held_back", *parts)))

    def on_validation_end(self, trainer: Trainer, pl_module: TaskModule) -> None:  # type: ignore[override]  # as above
        """Add the held-back loss, scores and pictures."""
        if self._writer is None:
            return
        step = pl_module.steps_before(pl_module.batches) - 1
        self._writer.add_scalar("loss/held_back", trainer.callback_metrics[HELD_BACK].item(), step)
        if isinstance(pl_module.task, Viewable):
            view = pl_module.task.view()
            ordinary, suspicious = histogram_range(view)
            self._writer.add_histogram("scores/held_back", ordinary, step)
            self._writer.add_histogram("scores/corrupted", suspicious, step)
            self._draw("scores", scores(ordinary, suspicious), step)
            self._draw("precision_recall", precision_recall(view), step)
            if view.of_ordinary is not None and view.of_suspicious is not None:
                self._draw("reconstruction", reconstruction(view.of_ordinary, view.of_suspicious), step)
        self._writer.flush()

    def _draw(self, name: str, pixels: Pixels, step: int) -> None:
        if self._writer is not None:
            self._writer.add_image(name, pixels, step, dataformats="HWC")

    def on_train_end(self, trainer: Trainer, pl_module: TaskModule) -> None:  # type: ignore[override]  # as above
        """Close the file."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: TaskModule, exception: BaseException) -> None:  # type: ignore[override]  # as above
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def layout(tags: Iterable[str]) -> dict[str, dict[str, list[str | list[str]]]]:
    """Put the curves whose tags begin alike into one chart each, for the tab of custom scalars."""
    charts: defaultdict[str, list[str]] = defaultdict(list)
    for tag in tags:
        charts[tag.split("/")[0]].append(f"^{tag}$")
    return {"training": {chart: ["Multiline", curves] for chart, curves in charts.items()}}
