"""Whether topics are still the same ones: librdkafka reads on in whatever bears their names.

What is told of them is told by the brokers' ids. They are asked for beside the reading all the
time, so that the answer is there when something hangs on it.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streamer.errors import FencedError, RetriableTransportError
from streamer.transport.confluent_errors import error_of

_ASK_EVERY_S = 0.25
# A broker takes about a second to delete a topic and make it anew.
_SURE_FOR_S = 0.75
_ANSWER_WITHIN_S = 5.0


_NO_ID = "A" * 22


class _Described(Protocol):
    @property
    def topic_id(self) -> object: ...


@dataclass(frozen=True, slots=True)
class _Question:
    asked_at: float
    answers: Mapping[str, "Future[_Described]"]


class TopicWatch:
    """Watches the ids of a consumer's topics."""

    def __init__(self, admin: AdminClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Watch nothing yet."""
        self._admin = admin
        self._monotonic = monotonic
        self._topics: list[str] = []
        self._ids: dict[str, str] = {}
        self._open: _Question | None = None
        self._sure_at = -math.inf

    def begin(self, topics: Sequence[str]) -> None:
        """Watch topics from now on, as they are now.

        Raises:
            RetriableTransportError: nobody answers.
        """
        self._topics = list(topics)
        self._ids = {}
        self._take(self._ask())

    def watch(self) -> None:
        """Take the answer to the last question if it is there, and ask another if it is time; never waits.

        Raises:
            FencedError: a topic was deleted and made anew.
        """
        question = self._open
        if question is not None and all(answer.done() for answer in question.answers.values()):
            self._open = None
            self._take(question, needed=False)
        if self._open is None and self._monotonic() - (question.asked_at if question else -math.inf) >= _ASK_EVERY_S:
            self._open = self._ask()

    def require_same(self) -> None:
        """Check the topics, as something hangs on it: records are handed out, or offsets are to be written.

        Raises:
            FencedError: a topic was deleted and made anew.
            RetriableTransportError: nobody answers.
        """
        if self._monotonic() - self._sure_at > _SURE_FOR_S:
            self._take(self._ask())

    def log_id(self, topic: str) -> str | None:
        """Ask the brokers for the id of a topic, as `kafka-topics.sh --describe` shows it.

        Raises:
            FencedError: it was deleted and made anew.
            RetriableTransportError: nobody answers, or the topic is gone.
        """
        found = self._take(self._ask()).get(topic)
        if found is None:
            raise RetriableTransportError(f"topic {topic!r} is gone")
        return found if found != _NO_ID else None

    def _ask(self) -> _Question:
        asked_at = self._monotonic()
        asked = self._admin.describe_topics(TopicCollection(self._topics), request_timeout=_ANSWER_WITHIN_S)
        return _Question(asked_at, asked)

    def _take(self, question: _Question, *, needed: bool = True) -> Mapping[str, str]:
        """Compare ids with those of before; returns them, without those of topics that are gone."""
        found: dict[str, str] = {}
        for topic, answer in question.answers.items():
            try:
                described = answer.result(_ANSWER_WITHIN_S)
            except (KafkaException, NoAnswerError) as error:
                if isinstance(error, KafkaException) and error_of(error).code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                if needed:
                    raise RetriableTransportError(
                        f"no broker tells the id of topic {topic!r}; trying again may help"
                    ) from error
                return {}
            # librdkafka writes them with another alphabet than Kafka's tools.
            found[topic] = str(described.topic_id).replace("+", "-").replace("/", "_")
            if found[topic] not in {_NO_ID, self._ids.setdefault(topic, found[topic])}:
                raise FencedError(
                    f"topic {topic!r} was deleted and made anew: the records that were not read are gone; "
                    "start anew from what is committed"
                )
        self._sure_at = max(self._sure_at, question.asked_at)
        return found
