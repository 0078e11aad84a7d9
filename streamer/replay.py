"""The live pipeline over a bounded source: an archive, or a topic up to its present end."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from streamer.alerts.contract import encode_alert
from streamer.clock import Clock
from streamer.errors import EnvironmentFault
from streamer.pipeline import Pipeline, Scored
from streamer.transport.base import Source

QUIET_POLL_S = 1.0


def replay(source: Source, pipeline: Pipeline, clock: Clock, *, max_records: int) -> Iterator[tuple[Scored, ...]]:
    """Yield what became of each batch until the source ends; nothing is produced or committed."""
    while records := source.poll(timeout_s=QUIET_POLL_S, max_records=max_records):
        yield pipeline.process(records, now_ms=round(clock.wall() * 1000))


def totals(outcome: Sequence[Scored]) -> Mapping[str, int]:
    """Count what a batch led to."""
    return {
        "records": sum(part.received for part in outcome),
        "events": sum(len(part.advance.batch) for part in outcome),
        "duplicates": sum(part.advance.duplicates for part in outcome),
        "late": sum(int(part.advance.late.sum()) for part in outcome),
        "rejected": sum(len(part.rejected) for part in outcome),
        "alerts": sum(len(part.alerts) for part in outcome),
        "hidden": sum(part.hidden for part in outcome),
    }


class AlertFile:
    """Alerts as JSON lines in a file; writes nothing where there is no path."""

    def __init__(self, path: Path | None) -> None:
        """Choose the file; a `with` block opens it anew."""
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            EnvironmentFault: it cannot be written.
        """
        if self._path is not None:
            try:
                self._file = self._path.open("wb")
            except OSError as error:
                raise EnvironmentFault(f"alerts cannot be written to {str(self._path)!r}: {error}") from error
        return self

    def write(self, outcome: Sequence[Scored]) -> None:
        """Write the alerts of a batch."""
        if self._file is not None:
            self._file.writelines(encode_alert(a) + b"\n" for part in outcome for a in part.alerts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
