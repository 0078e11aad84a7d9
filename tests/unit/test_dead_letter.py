"""What a dead letter carries."""

from streamer.alerts.dead_letter import dead_letter
from streamer.events.decode import decode
from streamer.events.record import Message, Record
from streamer.settings import EventSettings
from streamer.transport.message_size import message_bytes

LIMIT = 1_000_000


def letter(record: Record, limit: int = LIMIT) -> Message:
    _, (rejected,) = decode([record], EventSettings())
    return dead_letter(rejected, "dead-letters", worker="w-1", version="0.1.0", max_bytes=limit)


def test_a_dead_letter_holds_the_raw_record_and_its_origin() -> None:
    record = Record("transactions", 3, 77, b"u1", b'{"transaction_id": 1.5}', (("trace", b"\xff"),), 1_735_732_800_000)
    message = letter(record)
    headers = dict(message.headers)
    detail = headers.pop("x-detail").decode()
    assert (message.topic, message.key, message.value) == ("dead-letters", b"u1", record.value)
    assert headers == {
        "x-reason": b"wrong_type",
        "x-field": b"transaction_id",
        "x-origin-topic": b"transactions",
        "x-origin-partition": b"3",
        "x-origin-offset": b"77",
        "x-origin-timestamp": b"1735732800000",
        "x-worker": b"w-1",
        "x-worker-version": b"0.1.0",
        "x-original-trace": b"\xff",
    }
    assert detail == "wrong_type in field 'transaction_id' (value '1.5'): send int or str instead of float"


def test_a_keyless_tombstone_becomes_a_sendable_empty_value() -> None:
    message = letter(Record("transactions", 0, 1, None, None))
    assert (message.key, message.value) == (None, b"")
    assert dict(message.headers)["x-origin-timestamp"] == b"-1"


def test_only_a_value_beyond_the_limit_is_cut_and_flagged() -> None:
    big = letter(Record("transactions", 0, 1, b"u1", b"\xff" * 900_000))
    assert len(big.value or b"") == 900_000
    assert "x-truncated" not in dict(big.headers)
    cut = letter(Record("transactions", 0, 1, b"u1", b"\xff" * LIMIT))
    assert dict(cut.headers)["x-truncated"] == b"value"
    assert LIMIT - 40 <= message_bytes(cut) <= LIMIT


def test_huge_keys_and_headers_make_room_for_the_value() -> None:
    value = b"\xff" * 4_000
    headers = (("huge", b"h" * 50_000), ("small", b"s"))
    message = letter(Record("transactions", 0, 1, b"k" * 50_000, value, headers), limit=10_000)
    found = dict(message.headers)
    assert message.value == value
    assert found["x-truncated"] == b"key,headers"
    assert found["x-original-small"] == b"s"
    assert "x-original-huge" not in found
    assert (message.key or b"").startswith(b"kkk")
