"""What waits for a commit: outputs, offsets, and what is to be counted once they are written.

Nothing else of a batch is kept. Its arrays are free when the next batch comes, which gets the same
memory, still in the processor's cache.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from streamer.alerts.contract import Alert, RiskLevel
from streamer.errors import RejectReason
from streamer.events.event import EventBatch
from streamer.events.keys import key_mismatches
from streamer.events.record import Message, TopicPartition
from streamer.pipeline import Scored


@dataclass(frozen=True, slots=True)
class Tally:
    """Figures of the adjacent records of one partition.

    Attributes:
        events: transactions taken in, those without a score included.
        duplicates: transactions seen before.
        late: far behind the partition's clock.
        out_of_order: older than an earlier one, not late.
        key_mismatches: whose record key is not their user id.
        rejected: why records cannot be judged, one reason a record.
        levels: of the alerts.
        hidden: alerts suppressed as repeats.
        unscorable: transactions without a score.
        degraded: whether a part of the detectors was not heard.
        arrived: int64, when the broker got the transactions, in milliseconds since the epoch, where known.
        alerted: the same of those that became alerts.
        risk: float32 tails of the transactions that have a score.
        newest_s: newest event time in seconds since the epoch; None without an event.
    """

    events: int
    duplicates: int
    late: int
    out_of_order: int
    key_mismatches: int
    rejected: tuple[RejectReason, ...]
    levels: tuple[RiskLevel, ...]
    hidden: int
    unscorable: int
    degraded: bool
    arrived: NDArray[np.int64]
    alerted: NDArray[np.int64]
    risk: NDArray[np.float32]
    newest_s: float | None

    @classmethod
    def of(cls, part: Scored) -> Self:
        """Count."""
        advance, batch = part.advance, part.advance.batch
        return cls(
            events=len(batch),
            duplicates=advance.duplicates,
            late=int(np.count_nonzero(advance.late)),
            out_of_order=advance.out_of_order,
            key_mismatches=key_mismatches(batch),
            rejected=tuple(each.error.reason for each in part.rejected),
            levels=tuple(alert.decision.risk_level for alert in part.alerts),
            hidden=part.hidden,
            unscorable=int(np.count_nonzero(~part.has_score)),
            degraded=part.degraded,
            arrived=_known(batch.arrived),
            alerted=_known(batch.arrived[_rows(batch, part.alerts)]),
            risk=part.judgement.risk[part.has_score],
            newest_s=float(batch.timestamp.max()) / 1000 if len(batch) else None,
        )


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """The adjacent records of one partition, judged and not yet committed.

    Attributes:
        source: the partition.
        received: how many records came in.
        messages: what is to be published, in order.
        next_offset: the offset of the record to be read next.
        tally: what is counted once all that is written.
    """

    source: TopicPartition
    received: int
    messages: tuple[Message, ...]
    next_offset: int
    tally: Tally

    @classmethod
    def of(cls, part: Scored) -> Self:
        """Keep what a commit needs."""
        return cls(part.source, part.received, part.messages, part.next_offset, Tally.of(part))


def _known(arrived: NDArray[np.int64]) -> NDArray[np.int64]:
    return arrived[arrived >= 0]


def _rows(batch: EventBatch, alerts: Sequence[Alert]) -> list[int]:
    return [bisect_left(batch.records, alert.origin.offset, key=attrgetter("offset")) for alert in alerts]
