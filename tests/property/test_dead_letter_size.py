"""A dead letter fits whatever limit there is, and tells what it left out."""

from hypothesis import given
from hypothesis import strategies as st

from streamer.alerts.dead_letter import dead_letter
from streamer.errors import MalformedEvent, RejectReason
from streamer.events.decode import Rejected
from streamer.events.record import Record
from streamer.transport.message_size import message_bytes

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
headers = st.lists(st.tuples(texts, st.binary(max_size=300)), max_size=6).map(tuple)


@given(
    st.none() | st.binary(max_size=3_000),
    st.none() | st.binary(max_size=3_000),
    headers,
    texts,
    st.integers(0, 8_000),
)
def test_every_rejected_record_fits(
    key: bytes | None, value: bytes | None, given_headers: tuple[tuple[str, bytes], ...], text: str, limit: int
) -> None:
    record = Record("t", 1, 2, key, value, given_headers, 3)
    error = MalformedEvent(RejectReason.BAD_JSON, field=text, value=text, remedy=text)
    message = dead_letter(Rejected(record, error), "dead", worker=text, version=text, max_bytes=limit)
    assert message_bytes(message) <= limit
    assert message.value is not None
    assert (value or b"").startswith(message.value)
    cut = dict(message.headers).get("x-truncated", b"").decode().split(",")
    if limit >= 28:
        assert ("key" in cut) == (message.key != key)
        assert ("value" in cut) == (message.value != (value or b""))


@given(st.none() | st.binary(max_size=3_000), st.none() | st.binary(max_size=3_000), headers)
def test_with_room_enough_nothing_is_cut(
    key: bytes | None, value: bytes | None, given_headers: tuple[tuple[str, bytes], ...]
) -> None:
    error = MalformedEvent(RejectReason.EMPTY, remedy="send something")
    rejected = Rejected(Record("t", 1, 2, key, value, given_headers, 3), error)
    message = dead_letter(rejected, "dead", worker="w", version="1", max_bytes=100_000)
    assert (message.key, message.value) == (key, value or b"")
    originals = tuple(("x-original-" + name, content) for name, content in given_headers)
    assert message.headers[len(message.headers) - len(originals) :] == originals
    assert "x-truncated" not in dict(message.headers)
