"""A score depends on the log alone: not on batches, restarts, crashes, snapshots or the number of workers."""

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.bundle import Bundle
from streamer.alerts.contract import decode_alert
from streamer.bundles import open_bundle
from streamer.clock import ManualClock
from streamer.events.record import Message, Record, TopicPartition
from streamer.pipeline import Pipeline
from streamer.settings import Settings
from streamer.simulate.config import SimulationConfig
from streamer.simulate.event import encode
from streamer.simulate.stream import simulate
from streamer.transport.memory import MemoryBroker
from tests.helpers.lives import NOW_MS, Life, offsets_committed, outputs, settings_for

PARTITIONS = 3
PLACES = [TopicPartition("transactions", number) for number in range(PARTITIONS)]
WORLD = SimulationConfig(users=25, merchants=24, days=200, seed=11)
PAYMENTS = 160
TINY = {
    "state.users": "6",
    "state.merchants": "12",
    "state.transaction_ids": "60",
    "alerts.alerts_per_million": "30000",
}

# What happens next: a turn of a worker, a death, a birth, an orderly end, a fault of the broker, time.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["kill", "stop"]), st.integers(0, 2)),
        st.tuples(st.just("start"), st.sampled_from([2, 9, 40])),
        st.tuples(st.sampled_from(["lost", "unanswered"]), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 5])),
    ),
    max_size=60,
)


@cache
def payments() -> tuple[bytes, ...]:
    """Simulated payments with a repeat, rubbish and late ones among them."""
    values = [encode(event.transaction) for event, _ in zip(simulate(WORLD, range(200)), range(PAYMENTS), strict=False)]
    values[50:50] = [values[20], b"no payment", values[10]]
    values[100], values[130] = values[130], values[100]
    return tuple(values)


def users() -> list[bytes]:
    return [msgspec.json.decode(value)["user_id"].encode() if value.startswith(b"{") else b"u" for value in payments()]


def pairs() -> list[tuple[bytes, bytes]]:
    return list(zip(users(), payments(), strict=True))


def write(broker: MemoryBroker, chosen: Settings, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    producer = broker.producer()
    for key, value in pairs:
        producer.send(Message(chosen.topics.transactions, key, value))
    producer.flush(timeout_s=1)


def new_broker(chosen: Settings, pairs: Sequence[tuple[bytes, bytes]]) -> MemoryBroker:
    topics = chosen.topics
    broker = MemoryBroker(
        {topics.transactions: PARTITIONS, topics.alerts: 1, topics.dead_letters: 1, str(topics.scores): 1},
        now_ms=lambda: NOW_MS,
    )
    write(broker, chosen, pairs)
    return broker


def facts(records: Sequence[Record]) -> list[tuple[object, ...]]:
    """Everything that must be the same: all but who wrote it and when."""
    found: list[tuple[object, ...]] = []
    for record in records:
        origin = dict(record.headers)
        if "x-origin-offset" in origin:
            found.append((origin["x-origin-partition"], origin["x-origin-offset"], record.value, origin["x-reason"]))
        elif record.topic == "alerts":
            alert = decode_alert(record.value or b"")
            plain = msgspec.to_builtins(alert)
            plain["time"] = alert.time.event_time
            plain["flags"]["replay"] = False
            found.append((alert.origin.partition, alert.origin.offset, record.key, msgspec.json.encode(plain)))
        else:
            score = msgspec.json.decode(record.value or b"")
            found.append((score["partition"], score["offset"], record.key, record.value))
    return sorted(found, key=repr)


def undisturbed(broker: MemoryBroker, chosen: Settings, bundle: Bundle) -> dict[str, list[tuple[object, ...]]]:
    pipeline = Pipeline(chosen, bundle, worker="w", version="0", replay=False, stage=lambda _: nullcontext())
    parts = pipeline.process(broker.records(chosen.topics.transactions), now_ms=NOW_MS)
    messages = [message for part in parts for message in part.messages]
    return {
        topic: facts([Record(topic, 0, 0, m.key, m.value, m.headers) for m in messages if m.topic == topic])
        for topic in outputs(broker, chosen)
    }


class Fate:
    """A broker, the workers on it, and what happens to them."""

    def __init__(self, chosen: Settings, judge: Bundle, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        self.broker = new_broker(chosen, pairs)
        self._produced = len(pairs)
        self._chosen = chosen
        self._judge = judge
        self._clock = ManualClock(NOW_MS / 1000)
        self._lives: list[Life] = []
        self._born = 0
        self._faults: list[str] = []
        self.broker.fail_transactions = lambda: self._faults.pop() if self._faults else None

    def do(self, what: str, number: int) -> None:
        match what:
            case "start":
                self._start(number)
            case "wait":
                self._clock.advance(number)
            case "lost" | "unanswered":
                self._faults.append(what)
            case _ if self._lives:
                self._do_to(number % len(self._lives), what)

    def make_anew(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Put a topic of other records in place of the input."""
        topic = self._chosen.topics.transactions
        self.broker.delete_topic(topic)
        self.broker.create_topics({topic: PARTITIONS})
        write(self.broker, self._chosen, pairs)
        self._produced = len(pairs)

    def end_well(self) -> None:
        """Let workers do their work until all of the log is committed, then stop them in order."""
        for _ in range(500):
            if offsets_committed(self.broker, self._chosen, PLACES) == self._produced:
                break
            self._clock.advance(1)
            if not self._lives:
                self._start(100)
            for number in range(len(self._lives)):
                self.do("turn", number)
        while self._lives:
            self._lives.pop().stop()

    def _start(self, batch: int) -> None:
        if len(self._lives) == 3:
            return
        self._born += 1
        loop = self._chosen.worker.model_copy(update={"max_poll_records": batch})
        mine = self._chosen.model_copy(update={"worker": loop})
        self._lives.append(Life(self.broker, mine, self._judge, self._clock, f"w{self._born}", looks=self._born % 4))

    def _do_to(self, place: int, what: str) -> None:
        life = self._lives[place]
        if what == "turn":
            if not life.turn():
                self._lives.pop(place)
            return
        self._lives.pop(place)
        if what == "kill":
            life.die()
        else:
            life.stop()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, interval_ms=st.sampled_from([0, 20, 2_000]), kept=st.sampled_from([0, 1, 3]))
def test_whatever_happens_to_workers_the_outputs_are_those_of_one_undisturbed_run(
    bundle: Path, steps: list[tuple[str, int]], interval_ms: int, kept: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge = open_bundle(bundle)
        changes = {**TINY, "worker.commit_interval_ms": str(interval_ms), "snapshots.keep": str(kept or 1)}
        chosen = settings_for(Path(folder) if kept else None, changes)
        fate = Fate(chosen, judge, pairs())
        expected = undisturbed(fate.broker, chosen, judge)
        fate.do("start", 9)
        for what, number in steps:
            fate.do(what, number)
        fate.end_well()
        assert {topic: facts(records) for topic, records in outputs(fate.broker, chosen).items()} == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=STEPS, after=STEPS, interval_ms=st.sampled_from([0, 20]), kept=st.sampled_from([1, 3]))
def test_a_topic_made_anew_is_judged_as_if_nothing_were_kept_of_the_one_before(
    bundle: Path, before: list[tuple[str, int]], after: list[tuple[str, int]], interval_ms: int, kept: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge = open_bundle(bundle)
        changes = {**TINY, "worker.commit_interval_ms": str(interval_ms), "snapshots.keep": str(kept)}
        chosen = settings_for(Path(folder), changes)
        # Few enough for the new log to grow past what is kept of them.
        fate = Fate(chosen, judge, pairs()[: PAYMENTS // 3])
        judged = undisturbed(fate.broker, chosen, judge)
        for steps in (before, after):
            fate.do("start", 9)
            for what, number in steps:
                fate.do(what, number)
            fate.end_well()
            found = {topic: facts(records) for topic, records in outputs(fate.broker, chosen).items()}
            assert found == judged
            if steps is before:
                fate.make_anew(pairs()[::-1])
                anew = undisturbed(fate.broker, chosen, judge)
                judged = {topic: sorted(judged[topic] + anew[topic], key=repr) for topic in judged}
