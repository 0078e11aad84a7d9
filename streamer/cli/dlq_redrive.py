"""The parts of a redrive, put together: where to, by which producer, from which topic."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from streamer.cli.options import require_topic_name
from streamer.cli.source import bounded_topic
from streamer.dead_letters.restore import Rules
from streamer.errors import FencedError, SettingsError
from streamer.settings import Settings, TopicSettings
from streamer.transport.base import TransactionalProducer
from streamer.transport.bounded import BoundedTopic
from streamer.transport.kafka import KafkaTransactionalProducer, log_ends, require_topics


def target_rules(topics: TopicSettings, to: str | None, max_attempts: int) -> Rules:
    """Return what may be redriven.

    Raises:
        SettingsError: the target is no topic, or one that the worker writes.
    """
    if to == "":
        raise SettingsError("--to '' names no topic: leave it out to write to topics.transactions")
    if to is not None:
        require_topic_name("--to", to)
    if to in {topics.alerts, topics.dead_letters, topics.scores} - {None}:
        raise SettingsError(f"--to {to!r} is a topic that the worker writes: name one that it, or another, reads")
    return Rules(home=topics.transactions, to=to, max_attempts=max_attempts)


@contextmanager
def redriving(settings: Settings, target: str) -> Iterator[TransactionalProducer]:
    """Make the producer of a redrive, whose name depends on the dead-letter topic alone.

    Whoever redrives letters of one topic fences all others, whatever group they are set to.

    Raises:
        FencedError: another run on the same topic began meanwhile.
        TransportError: the broker cannot be used, or a topic does not exist.
    """
    letters = settings.topics.dead_letters
    require_topics(settings.kafka, [letters, target])
    producer = KafkaTransactionalProducer(settings.kafka, transactional_id=f"{letters}-redrive")
    try:
        yield producer
    except FencedError as error:
        raise FencedError(
            f"another redrive of {letters!r} began and took over; what this one wrote stays, the rest is "
            "the other's: let it end, then repeat the command if letters are still open"
        ) from error
    finally:
        producer.close()


@contextmanager
def open_past_transactions(settings: Settings) -> Iterator[BoundedTopic]:
    """Open the dead-letter topic up to its end, waiting for transactions that are still open.

    Else a mark that stands behind another writer's open transaction would be overlooked.

    Raises:
        TransportError: the broker or the topic cannot be read.
    """
    letters = settings.topics.dead_letters
    with closing(bounded_topic(settings, letters, log_ends(settings.kafka, letters))) as topic:
        yield topic
