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
PAYMENTS = 400
TINY = {
    "state.users": "6",
    "state.merchants": "12",
    "state.transaction_ids": "150",
    "alerts.alerts_per_million": "30000",
}

# What happens next: a turn of a worker, a death, a birth, an orderly end, a fault of the broker, time.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["kill", "stop"]), st.integers(0, 2)),
        st.tuples(st.just("start"), st.sampled_from([1, 3, 17, 60])),
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
    values[200], values[230] = values[230], values[200]
    return tuple(values)


def users() -> list[bytes]:
    return [msgspec.json.decode(value)["user_id"].encode() if value.startswith(b"{") else b"u" for value in payments()]


def new_broker(chosen: Settings) -> MemoryBroker:
    topics = chosen.topics
    broker = MemoryBroker(
        {topics.transactions: PARTITIONS, topics.alerts: 1, topics.dead_letters: 1, str(topics.scores): 1},
        now_ms=lambda: NOW_MS,
    )
    producer = broker.producer()
    for key, value in zip(users(), payments(), strict=True):
        producer.send(Message(topics.transactions, key, value))
    producer.flush(timeout_s=1)
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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, interval_ms=st.sampled_from([0, 20, 2_000]), kept=st.sampled_from([0, 1, 3]))
def test_whatever_happens_to_workers_the_outputs_are_those_of_one_undisturbed_run(
    bundle: Path, steps: list[tuple[str, int]], interval_ms: int, kept: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge = open_bundle(bundle)
        changes = {**TINY, "worker.commit_interval_ms": str(interval_ms), "snapshots.keep": str(kept or 1)}
        chosen = settings_for(Path(folder) if kept else None, changes)
        broker = new_broker(chosen)
        expected = undisturbed(broker, chosen, judge)
        clock = ManualClock(NOW_MS / 1000)
        lives: list[Life] = []
        faults: list[str] = []
        broker.fail_transactions = lambda: faults.pop() if faults else None
        born = 0

        def start(batch: int) -> None:
            nonlocal born
            born += 1
            mine = chosen.model_copy(update={"worker": chosen.worker.model_copy(update={"max_poll_records": batch})})
            lives.append(Life(broker, mine, judge, clock, f"w{born}"))

        def turn(number: int) -> None:
            if not lives[number % len(lives)].turn():
                lives.pop(number % len(lives))

        start(17)
        for what, number in steps:
            if what == "start" and len(lives) < 3:
                start(number)
            elif what in {"lost", "unanswered"}:
                faults.append(what)
            elif what == "wait":
                clock.advance(number)
            elif lives and what == "turn":
                turn(number)
            elif lives and what == "kill":
                lives.pop(number % len(lives)).die()
            elif lives and what == "stop":
                lives.pop(number % len(lives)).stop()
        for _ in range(500):
            if offsets_committed(broker, chosen, PLACES) == len(payments()):
                break
            clock.advance(1)
            if not lives:
                start(100)
            for number in range(len(lives)):
                if lives:
                    turn(number)
        assert {topic: facts(records) for topic, records in outputs(broker, chosen).items()} == expected
