"""The canonical transaction, as it stands on the input topic."""

import msgspec


class Transaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One payment as JSON; unknown fields are ignored, so a label can never be read.

    Attributes:
        transaction_id: unique within the retention of duplicates.
        user_id: whose sequence this event belongs to.
        amount: money out is positive, a refund negative; a number or a decimal text.
        timestamp: event time as milliseconds since the epoch or ISO 8601 with a zone.
        merchant_id: who was paid.
        category: merchant category code or text.
        currency: ISO 4217 code.
        channel: how the payment was made, e.g. "pos", "online".
        country: ISO 3166-1 alpha-2 code of the place of payment.
        latitude: degrees north, WGS 84.
        longitude: degrees east, WGS 84.
        device_id: device or card-reader fingerprint.
    """

    transaction_id: str | int
    user_id: str | int
    amount: int | float | str
    timestamp: int | float | str
    merchant_id: str | int | None = None
    category: str | int | None = None
    currency: str | None = None
    channel: str | None = None
    country: str | None = None
    latitude: float | str | None = None
    longitude: float | str | None = None
    device_id: str | int | None = None
