"""Whether a topic is still the one that was read: Kafka's fetches go by name, and offsets look alike."""

import base64
import math
import threading
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from kafka.cluster import ClusterMetadata
from kafka.future import Future

from streamer.errors import FencedError, RetriableTransportError

# Who asks for records all the time learns from the answer that a topic is gone. Who was stopped for
# longer than this may have missed it: a broker takes about a second to delete a topic and make it anew.
_AWAY_S = 0.5
_ANSWER_WITHIN_S = 5.0


class TopicIdentity:
    """Watches the ids that brokers give to topics."""

    def __init__(self, cluster: ClusterMetadata, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Watch what a client knows of its cluster."""
        self._cluster = cluster
        self._monotonic = monotonic
        self._ids: dict[str, UUID] = {}
        self._watched_at = -math.inf

    def distrust(self) -> None:
        """Ask the brokers at the next check, as something was not fetched for a while."""
        self._watched_at = -math.inf

    def require_same(self, topics: Iterable[str], *, has_records: bool, waited_s: float = 0.0) -> None:
        """Check topics, of which one seen for the first time is taken as it is.

        Args:
            topics: their names.
            has_records: whether something hangs on it: records were read or offsets are to be written.
            waited_s: how long this may have waited for records since it was called last.

        Raises:
            FencedError: a topic was deleted and made anew, or nobody answers who could tell.
        """
        was_away = self._monotonic() - self._watched_at > _AWAY_S + waited_s
        if was_away and has_records and self._ids and self._ask() is None:
            raise FencedError(
                "this worker was stopped for a while and no broker tells whether the topics are still the same; "
                "start anew from what is committed"
            )
        for topic in topics:
            self._require_same(topic)
        if has_records or not was_away:
            self._watched_at = self._monotonic()

    def log_id(self, topic: str) -> str | None:
        """Ask the brokers for the id of a topic, as `kafka-topics.sh --describe` shows it.

        Raises:
            FencedError: it was deleted and made anew.
            RetriableTransportError: nobody answers, or the topic is gone.
        """
        asked_at = self._monotonic()
        answer = self._ask()
        if answer is None or not answer.succeeded():
            raise RetriableTransportError(f"no broker tells the id of topic {topic!r}; trying again may help")
        found = self._require_same(topic)
        if found is None and topic in self._ids:
            raise RetriableTransportError(f"topic {topic!r} is gone")
        self._watched_at = asked_at
        return None if found is None else base64.urlsafe_b64encode(found.bytes).rstrip(b"=").decode()

    def _require_same(self, topic: str) -> UUID | None:
        found: UUID | None = self._cluster.topic_id(topic)
        # A topic that is deleted has no id, or one of zeros.
        if found is None or not found.int:
            return None
        if found != self._ids.setdefault(topic, found):
            raise FencedError(
                f"topic {topic!r} was deleted and made anew: the records that were not read are gone; "
                "start anew from what is committed"
            )
        return found

    def _ask(self) -> Future | None:
        """Ask the brokers what they know of topics; returns the answer, None where none came in time."""
        # The first answer may be to a question of before.
        for _ in range(2):
            answered = threading.Event()
            answer = self._cluster.request_update()
            answer.add_both(lambda _, told=answered: told.set())
            if not answered.wait(_ANSWER_WITHIN_S):
                return None
        return answer
