"""Brings the group's changes from kafka-python's network thread to the worker."""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from kafka import AsyncConsumerRebalanceListener
from kafka import TopicPartition as KafkaTopicPartition
from kafka.future import Future

from streamer.events.record import TopicPartition
from streamer.transport.base import Rebalance
from streamer.transport.kafka_client import Loop
from streamer.transport.kafka_errors import namesake_error

_Callback = Callable[[Sequence[TopicPartition]], None]


class RebalanceRelay(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """Calls a `Rebalance` on a thread of its own while the poll that caused it waits.

    kafka-python calls listeners on its network thread, where a commit would wait for itself
    and a slow callback would stop the heartbeats. As the polling thread waits meanwhile, the
    callbacks never run beside the worker's own code.
    """

    def __init__(self, rebalance: Rebalance, loop: Loop, member_id: Callable[[], str]) -> None:
        """Relay to `rebalance` for the client that runs on `loop` and is now called `member_id()` by its group."""
        self._rebalance = rebalance
        self._loop = loop
        self._member_id = member_id
        self._held: set[TopicPartition] = set()
        self._held_as: str | None = None
        self._thread: threading.Thread | None = None
        self._silent = False
        self._failure: BaseException | None = None

    def silence(self) -> None:
        """Call nothing any more."""
        self._silent = True

    def settle(self) -> None:
        """Wait for a running callback, which goes on after the poll was interrupted."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def raise_failure(self) -> None:
        """Raise what a callback raised, from now on for ever: its partitions are in no known state.

        Raises:
            FencedError: the partitions are another member's, which bears the same lasting name.
        """
        if self._failure is not None:
            raise self._failure
        if self._loop.shared_name is not None:
            raise namesake_error(f"reading as {self._loop.shared_name!r}")

    @property
    def held_as(self) -> str | None:
        """The member's id when it took the partitions it holds; None while it holds none.

        kafka-python may be expelled while it joins anew, and then goes on under a new id without
        telling that its partitions were lost. Who commits under this id is refused then.
        """
        return self._held_as

    async def on_partitions_assigned(self, assigned: Collection[KafkaTopicPartition]) -> None:
        """Called by kafka-python."""
        ours = _ours(assigned)
        if not self._held:
            self._held_as = self._member_id()
        self._held.update(ours)
        await self._relay(self._rebalance.assigned, ours)

    async def on_partitions_revoked(self, revoked: Collection[KafkaTopicPartition]) -> None:
        """Called by kafka-python."""
        ours = _ours(revoked)
        await self._relay(self._rebalance.revoked, ours)
        self._let_go(ours)

    async def on_partitions_lost(self, lost: Collection[KafkaTopicPartition]) -> None:
        """Called by kafka-python."""
        ours = _ours(lost)
        await self._relay(self._rebalance.lost, ours)
        self._let_go(ours)

    def _let_go(self, partitions: Sequence[TopicPartition]) -> None:
        self._held.difference_update(partitions)
        if not self._held:
            self._held_as = None

    async def _relay(self, callback: _Callback, ours: Sequence[TopicPartition]) -> None:
        if self._silent or self._failure is not None or not ours:
            return
        done = Future()

        def run() -> None:
            try:
                callback(ours)
            except BaseException as error:  # noqa: BLE001 (raised again by poll)
                self._failure = error
            with suppress(RuntimeError):  # the loop may be closed by now, and nobody waits
                self._loop.call(lambda: done.success(None))

        self._thread = threading.Thread(target=run, name="kafka-rebalance", daemon=True)
        self._thread.start()
        await done


def _ours(partitions: Collection[KafkaTopicPartition]) -> list[TopicPartition]:
    return sorted(TopicPartition(place.topic, place.partition) for place in partitions)
