"""What the columns of a tabular archive must be."""

from collections.abc import Sequence
from pathlib import Path

from streamer.errors import ArchiveError
from streamer.events.transaction import Transaction

Row = dict[str, object]
"""Values by column, where there are any."""

Columns = dict[str, list[object]]
"""Values of several rows by column; None where there is none."""

TRANSACTION_COLUMNS: tuple[str, ...] = Transaction.__struct_fields__
REQUIRED_COLUMNS = ("transaction_id", "user_id", "amount", "timestamp")


def require_columns(file: Path, found: Sequence[str], required: Sequence[str]) -> None:
    """Check that all required columns exist.

    Raises:
        ArchiveError: names the file, the columns that lack and those found.
    """
    absent = [name for name in required if name not in found]
    if absent:
        if set(absent) <= set(TRANSACTION_COLUMNS):
            remedy = "rename its columns, or map them by --mapping or --preset"
        else:
            remedy = "name another, in the mapping or, for the truth, by --label"
        raise ArchiveError(
            f"{str(file)!r} has no column {', '.join(map(repr, absent))}: {remedy}; it has "
            f"{', '.join(map(repr, found)) or 'none'}"
        )
