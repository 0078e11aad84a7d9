"""What consumers in a Kafka group do alike, by whichever client library they read."""

from abc import abstractmethod
from typing import Generic, Protocol, TypeVar

from streamer.errors import TransportError
from streamer.settings import KafkaSettings
from streamer.transport.closed_once import ClosedOnce


class LogIds(Protocol):
    """Knows the ids that brokers give to topics."""

    def log_id(self, topic: str) -> str | None:
        """See `Consumer.log_id`."""
        ...


class Listener(Protocol):
    """Is told when the share of partitions changes."""

    def silence(self) -> None:
        """Call nothing any more."""
        ...

    def raise_failure(self) -> None:
        """Raise what a callback raised, from then on for ever."""
        ...


_Topics = TypeVar("_Topics", bound=LogIds)
_Listener = TypeVar("_Listener", bound=Listener)


class GroupConsumer(ClosedOnce, Generic[_Topics, _Listener]):
    """The part of a `Consumer` that is the same by either client library."""

    def __init__(self, settings: KafkaSettings, topics: _Topics) -> None:
        """Read nothing yet."""
        super().__init__("consumer")
        self._settings = settings
        self._topics = topics
        self._listener: _Listener | None = None

    def log_id(self, topic: str) -> str | None:
        """See `Consumer.log_id`."""
        self._require_open()
        return self._topics.log_id(topic)

    def _require_listener(self) -> _Listener:
        """Return who is told of changes, unless that one failed."""
        self._require_open()
        if self._listener is None:
            raise TransportError("poll before subscribe: subscribe to topics first")
        self._listener.raise_failure()
        return self._listener

    def _free(self) -> None:
        if self._listener is not None:
            self._listener.silence()
        self._leave()

    @abstractmethod
    def _leave(self) -> None:
        """Leave the group and close the connections; where the broker is away, the session's timeout does it."""
