"""A growing count on standard error, and how fast it grows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text


class RateColumn(ProgressColumn):
    """Shows how many a second it was, from the beginning on: in the end, what the whole took."""

    def __init__(self, unit: str, field: str | None = None) -> None:
        """Choose what is counted.

        Args:
            unit: its name, in the plural.
            field: of the task that holds the count; None for the task's own.
        """
        super().__init__()
        self._unit = unit
        self._field = field

    def render(self, task: Task) -> Text:
        """See `ProgressColumn.render`."""
        count = task.completed if self._field is None else task.fields[self._field]
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(rate_text(count, seconds or 0.0, self._unit), style="progress.data.speed")


def rate_text(count: float, seconds: float, unit: str) -> str:
    """Return a rate for people; nothing where no time has passed."""
    return f"{count / seconds:,.0f} {unit}/s" if seconds > 0 else ""


@contextmanager
def counting(what: str, console: Console, *, unit: str = "payments") -> Iterator[Callable[[int], None]]:
    """Show a growing count; the block gets the function that adds to it.

    A terminal sees it grow, all else gets a line at the end.

    Args:
        what: is done.
        console: standard error.
        unit: of what is counted, in the plural.
    """
    columns = (
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        RateColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.update(task, advance=count)
