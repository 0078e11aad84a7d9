"""What can have become of a letter."""

from enum import StrEnum


class Status(StrEnum):
    """What became of a letter; `AGAIN` is an open one whose record had been redriven before."""

    OPEN = "open"
    REDRIVEN = "redriven"
    TRUNCATED = "truncated"
    AGAIN = "again"
