"""Simulated transactions to a topic."""

from collections.abc import Callable, Iterable

from streamer.events.record import Message
from streamer.simulate.event import SimulatedEvent, encode
from streamer.transport.base import Producer

_FLUSH_EVENTS = 5_000
_FLUSH_S = 1.0


def to_topic(
    events: Iterable[SimulatedEvent],
    producer: Producer,
    topic: str,
    *,
    now: Callable[[], float],
    flush_timeout_s: float = 30.0,
    keep_event_time: bool = False,
) -> None:
    """Write transactions keyed by user, in order; the truth stays here.

    Args:
        events: what to write.
        producer: where to.
        topic: an existing topic.
        now: a monotonic clock in seconds; outstanding messages are awaited every second.
        flush_timeout_s: longest wait for acknowledgements.
        keep_event_time: whether records bear the event time instead of the moment of sending.
            A broker deletes by that time: old simulations may be gone soon.

    Raises:
        TransportError: the topic does not exist or a message was refused.
        RetriableTransportError: not all messages were acknowledged in time.
    """
    flushed_at = now()
    waiting = 0
    for event in events:
        transaction = event.transaction
        producer.send(
            Message(
                topic,
                str(transaction.user_id).encode(),
                encode(transaction),
                timestamp=int(transaction.timestamp) if keep_event_time else None,
            )
        )
        waiting += 1
        if waiting >= _FLUSH_EVENTS or now() - flushed_at >= _FLUSH_S:
            producer.flush(timeout_s=flush_timeout_s)
            flushed_at, waiting = now(), 0
    producer.flush(timeout_s=flush_timeout_s)
