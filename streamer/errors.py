"""Every error this product raises on purpose.

StreamerError                    the command line prints these without a stack trace
├── SettingsError                a setting is missing, malformed or contradicts another
├── MalformedEvent               one record cannot be judged; goes to the dead letters
├── ScoringError                 no record can be judged
├── DeadLetterBudgetExceeded     so many records are malformed that the input as a whole must be wrong
├── TransportError               the broker cannot be used
│   ├── RetriableTransportError  ... now; trying again may help
│   └── FencedError              ... by this process any more; another one took its place
├── SnapshotError                saved state cannot be read or written
│   └── UnusableSnapshot         ... because it is damaged or does not fit; a new one may take its place
├── BundleError                  a model bundle is damaged or does not fit
├── ArchiveError                 a data file cannot be read or written
└── EnvironmentFault             the machine lacks something: a port, a folder, memory

Foreign exceptions are translated once, where they enter. A message says what is wrong,
where, and what to do next.
"""

from enum import StrEnum


class StreamerError(Exception):
    """The root of the tree; its text is fit to be shown to a person."""


class SettingsError(StreamerError):
    """A setting is missing, malformed or contradicts another."""


class RejectReason(StrEnum):
    """Why a record cannot be judged: a closed set, so that it may label a metric.

    All but the last say that it is no transaction.
    """

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    FUTURE = "future"
    UNSCORABLE = "unscorable"


class MalformedEvent(StreamerError):
    """One record is not a transaction, or one that no score can be given to.

    Attributes:
        reason: the kind of fault.
        field: name of the offending field; empty when the whole value is at fault.
        value: the offending value as text, truncated to 120 characters.
        remedy: what the producer of the record should do.
    """

    def __init__(self, reason: RejectReason, *, field: str = "", value: str = "", remedy: str) -> None:
        """Keep the parts; the text joins them."""
        self.reason = reason
        self.field = field
        self.value = value if len(value) <= 120 else value[:117] + "..."
        self.remedy = remedy
        place = f" in field {field!r}" if field else ""
        shown = f" (value {self.value!r})" if self.value else ""
        super().__init__(f"{reason.value}{place}{shown}: {remedy}")


class ScoringError(StreamerError):
    """The detectors cannot judge anything."""


class DeadLetterBudgetExceeded(StreamerError):
    """So many records are malformed that the input as a whole must be wrong."""


class TransportError(StreamerError):
    """The broker cannot be used."""


class RetriableTransportError(TransportError):
    """The broker cannot be used now; trying again may help."""


class FencedError(TransportError):
    """Another process took this one's place; stop and rebuild from committed offsets."""


class SnapshotError(StreamerError):
    """Saved state cannot be read or written, or a newer program wrote it."""


class UnusableSnapshot(SnapshotError):
    """Saved state was read and is damaged or does not fit; a new one may take its place."""


class BundleError(StreamerError):
    """A model bundle is damaged or does not fit the running feature table."""


class ArchiveError(StreamerError):
    """A data file cannot be read or written."""


class EnvironmentFault(StreamerError):
    """The machine lacks something the command needs: a port, a writable folder, a package."""
