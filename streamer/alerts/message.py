"""An alert as a message: CloudEvents in binary mode, never larger than the limit."""

from collections.abc import Iterator

from msgspec.structs import replace

from streamer.alerts.contract import Alert, encode_alert
from streamer.errors import SettingsError
from streamer.events.record import Headers, Message
from streamer.transport.message_size import message_bytes

CE_TYPE = "fraud-streamer.alert.v1"
CE_SOURCE = "/fraud-streamer"


def alert_headers(alert: Alert) -> Headers:
    """Return the CloudEvents attributes; `ce_id` is the alert id, `ce_subject` the transaction."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": alert.identity.alert_id,
        "ce_source": CE_SOURCE,
        "ce_type": CE_TYPE,
        "ce_time": alert.time.created_at,
        "ce_subject": alert.transaction.transaction_id,
        "content-type": "application/json",
    }
    return tuple((name, text.encode()) for name, text in attributes.items())


def alert_message(alert: Alert, topic: str, max_bytes: int) -> Message:
    """Return the alert for a topic, keyed by its entity, with parts left out until it fits.

    The recent payments go first, then the texts of reasons, then the reasons, the detectors
    and what is optional about the transaction. A shortened alert says so in its flags.

    Args:
        alert: the alert.
        topic: where it goes.
        max_bytes: largest key, value and headers together.

    Raises:
        SettingsError: even the shortest form, of 16 KiB at most, does not fit.
    """
    headers = alert_headers(alert)
    key = alert.entity.entity_ref.encode()
    for form in _forms(alert):
        message = Message(topic, key, encode_alert(form), headers)
        if message_bytes(message) <= max_bytes:
            return message
    raise SettingsError(f"kafka.max_message_bytes ({max_bytes}) leaves no room for an alert: set at least 16384")


def _forms(alert: Alert) -> Iterator[Alert]:
    """Yield ever shorter forms."""
    yield alert
    alert = replace(alert, flags=replace(alert.flags, truncated=True))
    alert = replace(alert, evidence=replace(alert.evidence, recent=()))
    yield alert
    texts = tuple(replace(reason, text="") for reason in alert.evidence.reasons)
    alert = replace(alert, evidence=replace(alert.evidence, reasons=texts))
    yield alert
    alert = replace(alert, evidence=replace(alert.evidence, reasons=(), detectors=()))
    yield alert
    bare = replace(alert.transaction, currency=None, merchant_id=None, category=None, channel=None, country=None)
    yield replace(alert, transaction=bare)
