"""A progress bar for each model in training, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from detectors.training.fit import Progress as TrainingProgress


@contextmanager
def training(console: Console) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a bar for each model in training; the block gets the function that moves them.

    Nothing is shown where there is no terminal.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def move(now: TrainingProgress) -> None:
            if now.model not in tasks:
                tasks[now.model] = progress.add_task(f"training {now.model}", total=now.steps, loss=now.loss)
            progress.update(tasks[now.model], completed=now.step, total=now.steps, loss=now.loss)

        yield move
