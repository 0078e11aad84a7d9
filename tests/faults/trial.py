"""A trial by faults: an input, the workers that go through it, and what they must have written."""

import json
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import kafka
import numpy as np
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from detectors.bundle import Bundle
from streamer.events.record import Message, Record
from streamer.settings import KafkaSettings, Settings, load
from streamer.simulate.event import SimulatedEvent, encode
from streamer.simulate.stream import simulate
from streamer.transport.kafka import KafkaProducer
from streamer.transport.kafka_admin import create_topics
from streamer.transport.kafka_client import Loop, connect
from tests.conftest import SMALL_WORLD
from tests.faults.saboteur import Sabotage
from tests.helpers.forked import Forked
from tests.helpers.oracle import Outcome, assert_same, expected, outcome_of
from tests.helpers.worker import PATIENCE_S, RunningWorker, Topics, command_arguments, eventually

FIRST_DAY = 20
"""The days before it train the bundle."""

QUICK = {
    # Small steps, so that a fault meets a worker in the midst of its work.
    "worker.max_poll_records": "10",
    "worker.commit_interval_ms": "0",
    "worker.backlog_interval_ms": "0",
    "snapshots.interval_s": "0.1",
    # So little is remembered that users, merchants and ids are evicted all the time.
    "state.users": "50",
    "state.merchants": "40",
    "state.transaction_ids": "300",
    # A dead worker's partitions and transactions are free again soon.
    "kafka.session_timeout_s": "2",
    "kafka.transaction_timeout_s": "3",
    # Enough alerts to miss some.
    "alerts.alerts_per_million": "30000",
    "alerts.suppress_s": "600",
    "http.port": "0",
    "log.format": "json",
}
"""What all workers of trials have in common."""


def with_rubbish(events: Iterable[SimulatedEvent], rng: np.random.Generator) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of payments, with some repeats and some rubbish among them."""
    for event in events:
        key, value = str(event.transaction.user_id).encode(), encode(event.transaction)
        yield key, value
        kind = rng.random()
        if kind < 0.02:
            yield key, value
        elif kind < 0.03:
            yield key, value[: int(rng.integers(1, 40))]


@cache
def payments(count: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return keys and values of the first payments after those that trained the bundle, and what is among them."""
    events = simulate(SMALL_WORLD, range(FIRST_DAY, SMALL_WORLD.days))
    return tuple(islice(with_rubbish(events, np.random.default_rng(1)), count))


class Trial:
    """Topics of its own, workers of one group; everything ends with the `with` block."""

    def __init__(
        self,
        bootstrap: str,
        bundle_folder: Path,
        bundle: Bundle,
        folder: Path,
        *,
        partitions: int = 3,
        changes: Mapping[str, str] | None = None,
        workers_bootstrap: str | None = None,
    ) -> None:
        """Create the topics.

        Args:
            bootstrap: where the tests themselves connect.
            bundle_folder: the model of the workers.
            bundle: the same, for the oracle.
            folder: for logs and snapshots.
            partitions: of the input.
            changes: settings of all workers, besides QUICK.
            workers_bootstrap: where workers connect, if elsewhere.
        """
        self.topics = Topics(bootstrap)
        self.folder = folder
        self.bundle = bundle
        self.scores = f"scores-{self.topics.name}"
        self.flags = {
            **QUICK,
            **self.topics.flags,
            "kafka.bootstrap_servers": workers_bootstrap or bootstrap,
            "topics.scores": self.scores,
            "worker.bundle": str(bundle_folder),
            "snapshots.url": str(folder / "snapshots"),
            **(changes or {}),
        }
        self.produced = 0
        self.workers: list[RunningWorker] = []
        self._own = KafkaSettings(bootstrap_servers=bootstrap)
        self._admin: kafka.KafkaAdminClient | None = None
        self._loop: Loop | None = None
        self.topics.create(partitions)
        create_topics(self._own, {self.scores: 1})

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers."""
        for each in self.workers:
            each.process.kill()
            each.process.wait(PATIENCE_S)
        if self._admin is not None and self._loop is not None:
            self._admin.close()
            self._loop.close()

    @property
    def settings(self) -> Settings:
        """Settings of the workers."""
        return load(None, self.flags)

    @property
    def admin(self) -> kafka.KafkaAdminClient:
        """A client for what no worker may do."""
        if self._admin is None:
            self._admin, self._loop = connect(kafka.KafkaAdminClient, self._own)
        return self._admin

    def feed(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Write keys and values to the input; returns when the broker has them."""
        producer = KafkaProducer(self._own)
        try:
            for key, value in pairs:
                producer.send(Message(self.topics.transactions, key, value))
            producer.flush(timeout_s=PATIENCE_S)
        finally:
            producer.close()
        self.produced += len(pairs)

    def start(self, name: str, *sabotage: Sabotage, changes: Mapping[str, str | None] | None = None) -> RunningWorker:
        """Start a worker.

        Args:
            name: tells workers that run at the same time apart; a restarted one keeps its name.
            sabotage: what is to go wrong in it.
            changes: settings of this one alone; None takes the default.
        """
        wanted = {**self.flags, "kafka.transactional_id": f"{self.topics.name}-{name}", **(changes or {})}
        flags = {setting: value for setting, value in wanted.items() if value is not None}
        log = self.folder / f"{len(self.workers)}-{name}.log"
        running = RunningWorker(Forked(command_arguments("run", flags), log, sabotage), log)
        self.workers.append(running)
        return running

    def offsets(self) -> dict[int, int]:
        """Return what the group has committed, by number of the input partition; nothing while there is no answer."""
        group = self.flags["kafka.group_id"]
        with suppress(KafkaError):
            stored = self.admin.list_group_offsets(group)[group]
            return {place.partition: found.offset for place, found in stored.items() if found.offset > 0}
        return {}

    def committed(self) -> int:
        """Return how many input records the group has committed, all partitions together."""
        return sum(self.offsets().values())

    def members(self) -> set[str]:
        """Return the ids of the group's members."""
        group = self.flags["kafka.group_id"]
        return {member["member_id"] for member in self.admin.describe_groups([group])[group]["members"]}

    def done(self) -> bool:
        """Whether everything is committed; fails if no worker is left to do it."""
        assert any(each.process.poll() is None for each in self.workers), self.tell()
        return self.committed() == self.produced

    def killed(self, running: RunningWorker) -> None:
        """Wait until a worker is killed; the input must not be done by then."""
        self.wait("the worker ends", lambda: running.process.poll() is not None)
        assert running.process.poll() == -signal.SIGKILL, self.tell()
        assert self.committed() < self.produced, "the kill came after the last record"

    def finish(self, running: RunningWorker, *, within_s: float = PATIENCE_S) -> None:
        """Wait until everything is committed, and stop a worker in order."""
        self.wait("everything is committed", self.done, within_s=within_s)
        assert running.stop() == 0, self.tell()

    def wait(self, what: str, condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
        """Wait for a condition that must come true; tells the logs if it does not."""
        try:
            eventually(what, condition, within_s=within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.committed()} of {self.produced} committed\n{self.tell()}") from error

    def records(self) -> list[Record]:
        """Return the input."""
        return self.topics.read(self.topics.transactions)

    def expected(self, records: Sequence[Record] | None = None) -> Outcome:
        """Judge the input undisturbed, or other records."""
        return expected(self.records() if records is None else records, self.settings, self.bundle)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Topics that workers write to, of one partition each."""
        return self.scores, self.topics.alerts, self.topics.dead_letters

    def has_open_transaction(self) -> bool:
        """Tell whether an output topic ends for readers before its last record."""
        ends = {kafka.TopicPartition(topic, 0): OffsetSpec.LATEST for topic in self.outputs}
        readable, last = (
            self.admin.list_partition_offsets(ends, level) for level in ("read_committed", "read_uncommitted")
        )
        return {place: found.offset for place, found in readable.items()} != {
            place: found.offset for place, found in last.items()
        }

    def written(self) -> Outcome:
        """Read what the workers wrote and committed.

        Whoever was stopped in a transaction hides what others committed after it began, until the broker ends it.
        """
        self.wait("no transaction is open", lambda: not self.has_open_transaction())
        return outcome_of((record for topic in self.outputs for record in self.topics.read(topic)), self.settings)

    def check(self, wanted: Outcome | None = None) -> Outcome:
        """Check that the workers wrote what an undisturbed one would have, or something else; return it."""
        wanted = wanted or self.expected()
        assert wanted.scores
        assert wanted.alerts
        try:
            assert_same(wanted, self.written())
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tell()}") from None
        return wanted

    def said(self, event: str) -> list[dict[str, object]]:
        """Return the lines of all workers' logs that tell of an event, in the order of their start."""
        lines = [line for log in self.logs() for line in log.splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if event in line.get("event", "")]

    def logs(self) -> Iterator[str]:
        """Yield the logs of all workers, in the order of their start."""
        for each in self.workers:
            if each.log.exists():
                yield each.text()

    def tell(self) -> str:
        """Return the ends of the logs."""
        return "\n".join(f"--- {each.log.name}\n{each.text()[-3_000:]}" for each in self.workers if each.log.exists())
