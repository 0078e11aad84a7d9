"""A progress bar for each model in training, or a line where there is no terminal, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn

from detectors.training.fit import Progress as TrainingProgress
from streamer.progress import RateColumn, rate_text


@contextmanager
def training(console: Console) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show each model in training; the block gets the function that moves them.

    A terminal gets bars, all else a line when a model is done.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn("windows", "windows"),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        models = _Models(progress, console)
        yield models.move
        models.end()


class _Models:
    """One model in training after the other."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._model: str | None = None
        self._task: Task | None = None

    def move(self, now: TrainingProgress) -> None:
        """Show a step."""
        if self._task is None or now.model != self._model:
            self.end()
            self._model = now.model
            if now.step > 1:
                self._say(f"going on with {now.model} after {now.step - 1:,} of {now.steps:,} steps")
            # The clock starts with the end of the first step, whose windows do not count.
            self._progress.add_task(
                f"training {now.model}", total=now.steps, completed=now.step, loss=now.loss, windows=0
            )
            self._task = self._progress.tasks[-1]
            return
        windows = self._task.fields["windows"] + now.windows
        self._progress.update(self._task.id, completed=now.step, total=now.steps, loss=now.loss, windows=windows)

    def end(self) -> None:
        """Stop the clock of the model that was trained last."""
        if self._task is None:
            return
        self._progress.stop_task(self._task.id)
        if not self._console.is_terminal:
            fields, seconds = self._task.fields, self._task.elapsed or 0.0
            rate = rate_text(fields["windows"], seconds, "windows")
            self._say(
                f"trained {self._model}: {self._task.completed:,.0f} of {self._task.total:,.0f} steps in "
                f"{seconds:,.1f} s, {rate or 'too short for a rate'}, loss {fields['loss']:.3f}"
            )
        self._task = None

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
