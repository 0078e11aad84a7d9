"""What an event costs among few and among very many users of one partition, each as likely as another to be next."""

import gc
from collections.abc import Iterator
from contextlib import nullcontext

import msgspec

from streamer.events.event import EventBatch
from streamer.events.record import Record, TopicPartition
from streamer.pipeline import Pipeline
from streamer.settings import Settings, StateSettings
from tests.bench.many_users import MERCHANTS, Crowd
from tests.bench.timing import US_PER_EVENT, Measurement, repeat, us_per_unit
from tests.bench.workload import WORLD, Workload

_EVENTS = 20_000
_SOURCE = TopicPartition("memory", 0)


def crowding(workload: Workload, crowds: tuple[int, int], times: int) -> Iterator[Measurement]:
    """Measure state alone and the whole pipeline in memory, for each number of users, fewest first."""
    costs = []
    for users in crowds:
        crowd = Crowd(users)
        yield _keeping(crowd, users, times)
        judged = _judging(workload, crowd, users, times)
        yield judged
        costs.append(judged.median)
        del crowd
        gc.collect()
    what = f"an event among {crowds[1]:,} ÷ among {crowds[0]:,}"
    yield Measurement("many users", what, "times", (costs[1] / costs[0],))


def _keeping(crowd: Crowd, users: int, times: int) -> Measurement:
    what = f"state, {users:,} users"
    return Measurement("many users", what, US_PER_EVENT, repeat(times, lambda: crowd.cost_of(_EVENTS)))


def _judging(workload: Workload, crowd: Crowd, users: int, times: int) -> Measurement:
    """Measure from bytes to messages."""
    settings = Settings(state=StateSettings(users=users, merchants=max(MERCHANTS, StateSettings().merchants)))
    pipeline = Pipeline(
        settings, workload.bundle, worker="bench", version="0", replay=False, stage=lambda _: nullcontext()
    )
    pipeline.partition(_SOURCE).state = crowd.state

    def run() -> float:
        batches = [_records(batch) for batch in crowd.payments(_EVENTS)]
        return us_per_unit(
            lambda: sum(part.received for batch in batches for part in pipeline.process(batch, now_ms=WORLD.start))
        )

    return Measurement("many users", f"pipeline, {users:,} users", US_PER_EVENT, repeat(times, run))


def _records(batch: EventBatch) -> list[Record]:
    """Write columns as records."""
    return [
        Record(*_SOURCE, record.offset, user.encode(), _value(batch, row, user))
        for row, (record, user) in enumerate(zip(batch.records, batch.user_id, strict=True))
    ]


def _value(batch: EventBatch, row: int, user: str) -> bytes:
    return msgspec.json.encode(
        {
            "transaction_id": batch.transaction_id[row],
            "user_id": user,
            "amount": round(float(batch.amount[row]), 2),
            "timestamp": int(batch.timestamp[row]),
            "merchant_id": batch.merchant_id[row],
            "category": batch.category[row],
            "country": batch.country[row],
        }
    )
