"""Score v1: what the optional topic of scores holds of every judged event, for retraining and audits.

`score.schema.json` beside this file is generated from `Score`. Fields may be added within a
version; none changes its meaning.

Floats keep their bits: a float32 is widened to the double of the same value, JSON carries the
shortest text that reads back as that double, and `np.float32` of what was read is the same
float32 again.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from pydantic import SecretStr

from detectors.api import Floats
from streamer.alerts.contract import Time
from streamer.alerts.identity import entity_of
from streamer.events.event import EventBatch
from streamer.events.record import Message

Tail = Annotated[float, Meta(ge=0, description="-ln of the share of ordinary payments that score as high.")]


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One judged event; the key of its record names the user as alerts do.

    Attributes:
        event_time: when the payment was made.
        bundle_version: version of the bundle that judged.
        risk: of all detectors together.
        tails: of each detector that was heard, by name.
        features: of the event, in the order of the bundle's feature table.
        topic: where the payment was read, as are `partition` and `offset`.
        degraded: judged without a part of the detectors.
    """

    schema_version: Literal[1] = 1
    transaction_id: str
    event_time: Time
    bundle_version: str
    risk: Tail
    tails: dict[str, Tail]
    features: list[float]
    topic: str
    partition: int
    offset: int
    degraded: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Score).decode


def score_messages(
    batch: EventBatch,
    rows: NDArray[np.intp],
    *,
    risk: Floats,
    tails: Mapping[str, Floats],
    features: Floats,
    topic: str,
    bundle_version: str,
    entity_key: SecretStr | None,
    degraded: bool,
) -> Sequence[Message]:
    """Return one message for each of the rows, in their order.

    Args:
        batch: B events.
        rows: those that have a score.
        risk: (B,).
        tails: (B,) of each detector that was heard, by name.
        features: (B, F).
        topic: where the messages go.
        bundle_version: version of the bundle that judged.
        entity_key: key of the hash that replaces user ids; None leaves them plain.
        degraded: whether a part of the detectors was not heard.
    """
    times = np.datetime_as_string(batch.timestamp[rows].astype("datetime64[ms]"), unit="ms").tolist()
    witnesses = np.stack([risk, *tails.values()], axis=1)[rows].tolist()
    vectors = features[rows].tolist()
    messages = []
    for row, time, (fused, *heard), vector in zip(rows.tolist(), times, witnesses, vectors, strict=True):
        record = batch.records[row]
        score = Score(
            transaction_id=batch.transaction_id[row],
            event_time=time + "Z",
            bundle_version=bundle_version,
            risk=fused,
            tails=dict(zip(tails, heard, strict=True)),
            features=vector,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            degraded=degraded,
        )
        key = entity_of(batch.user_id[row], entity_key).entity_ref.encode()
        messages.append(Message(topic, key, _encode(score)))
    return messages


def decode_score(value: bytes) -> Score:
    """Read a score back.

    Raises:
        ValueError: the value is no Score v1.
    """
    return _decode(value)
