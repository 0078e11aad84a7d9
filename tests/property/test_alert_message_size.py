"""Whatever is put into an alert, its message fits, and it tells what it left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streamer.alerts.contract import Alert, decode_alert, encode_alert
from streamer.alerts.message import alert_message
from streamer.errors import SettingsError
from streamer.events.record import Message
from streamer.events.values import LONGEST_TEXT
from streamer.transport.message_size import message_bytes
from tests.unit.alert_cases import alert_of, drained

SMALLEST = 16_384
PLAIN = alert_of(drained())

# The longest in UTF-8, the longest in JSON, and anything between.
ids = st.sampled_from(["\x01" * LONGEST_TEXT, "😀" * LONGEST_TEXT]) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=LONGEST_TEXT
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    transaction = replace(
        PLAIN.transaction,
        **{name: draw(ids) for name in ("transaction_id", "merchant_id", "category", "currency", "channel", "country")},
    )
    user = draw(ids)
    suppression = replace(PLAIN.rules.suppression, key=f"user:{user}")
    recent = tuple(replace(payment, merchant_id=draw(ids)) for payment in PLAIN.evidence.recent)
    return replace(
        PLAIN,
        transaction=transaction,
        entity=replace(PLAIN.entity, entity_ref=user),
        rules=replace(PLAIN.rules, suppression=suppression),
        evidence=replace(PLAIN.evidence, recent=recent),
    )


def content(message: Message) -> Alert:
    assert message.value is not None
    return decode_alert(message.value)


@given(alerts(), st.integers(SMALLEST, 60_000))
def test_an_alert_always_fits_and_says_when_it_was_cut(alert: Alert, limit: int) -> None:
    message = alert_message(alert, "alerts", limit)
    assert message_bytes(message) <= limit
    assert message.key == alert.entity.entity_ref.encode()
    read = content(message)
    assert read.flags.truncated == (read != alert)
    assert (read.identity, read.decision, read.entity) == (alert.identity, alert.decision, alert.entity)


def test_parts_go_in_the_order_of_their_use() -> None:
    whole = message_bytes(alert_message(PLAIN, "alerts", 1_000_000))
    forms: list[Alert] = []
    for limit in range(whole, 0, -1):
        try:
            form = content(alert_message(PLAIN, "alerts", limit))
        except SettingsError:
            break
        if not forms or form != forms[-1]:
            forms.append(form)
    left = []
    for form in forms:
        reasons = form.evidence.reasons
        told = (bool(form.evidence.recent), any(r.text for r in reasons), bool(reasons), form.transaction.country)
        left.append(told)
    assert left == [
        (True, True, True, "SG"),
        (False, True, True, "SG"),
        (False, False, True, "SG"),
        (False, False, False, "SG"),
        (False, False, False, None),
    ]


def test_a_limit_that_fits_no_alert_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match=r"kafka\.max_message_bytes \(500\)"):
        alert_message(PLAIN, "alerts", 500)
    assert len(encode_alert(PLAIN)) > 500
