"""Exit codes: what a supervisor may conclude from the end of the process."""

from enum import IntEnum

from streamer.errors import (
    ArchiveError,
    BundleError,
    DeadLetterBudgetExceeded,
    EnvironmentFault,
    FencedError,
    MalformedEvent,
    ScoringError,
    SettingsError,
    SnapshotError,
    StreamerError,
    TransportError,
)


class Exit(IntEnum):
    """0 is success; 1 is a defect of the program; 2 is also what a wrong flag gives."""

    OK = 0
    DEFECT = 1
    SETTINGS = 2
    TRANSPORT = 3
    BUNDLE = 4
    DATA = 5
    MACHINE = 6
    FENCED = 7
    CHECK_FAILED = 8
    DRAIN_TIMEOUT = 9
    SCORING = 10


_CODES: tuple[tuple[type[StreamerError], Exit], ...] = (
    (SettingsError, Exit.SETTINGS),
    (FencedError, Exit.FENCED),
    (TransportError, Exit.TRANSPORT),
    (BundleError, Exit.BUNDLE),
    (SnapshotError, Exit.DATA),
    (ArchiveError, Exit.DATA),
    (MalformedEvent, Exit.DATA),
    (DeadLetterBudgetExceeded, Exit.DATA),
    (EnvironmentFault, Exit.MACHINE),
    (ScoringError, Exit.SCORING),
)


def code_of(error: StreamerError) -> Exit:
    """Return the exit code for an error; the most special class decides."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.DEFECT)
