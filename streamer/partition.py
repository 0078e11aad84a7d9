"""What a worker holds of one input partition: state, alert policy, and how far both have come."""

from streamer.alerts.policy import Policy
from streamer.settings import Settings
from streamer.state.partition import PartitionState


class Partition:
    """Everything of one input partition; a pure function of its records up to `next_offset`.

    Attributes:
        state: windows, statistics and seen ids.
        policy: who was alerted.
        next_offset: the offset of the record that continues it.
        published_to: outputs of records before this offset were published by an earlier run.
        log_id: identity of the log that its records are of; None where unknown.
    """

    def __init__(
        self, settings: Settings, *, next_offset: int = 0, published_to: int = 0, log_id: str | None = None
    ) -> None:
        """Start without a history."""
        self.state = PartitionState(settings.state, late_after_ms=round(settings.events.late_after_s * 1000))
        self.policy = Policy(settings.alerts)
        self.next_offset = next_offset
        self.published_to = published_to
        self.log_id = log_id

    @property
    def is_restoring(self) -> bool:
        """Whether it still reads records whose outputs were published before."""
        return self.next_offset < self.published_to
