"""What a mapping file says: one entry a field of the canonical transaction.

user_id = "CUSTOMER_ID"                                    a column
user_id = { columns = ["User", "Card"] }                   several ids as one: "0-2"
amount = { column = "after.amount", unit = "minor" }       a value inside objects of JSON
currency = { constant = "EUR" }                            the same for every payment
label = "is_fraud"                                         the truth, for evaluation alone
"""

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1)]

_EXAMPLE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


class ColumnSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a value comes from: just one of the three.

    Attributes:
        column: name of the column or JSON field.
        columns: names of several; ids are joined by dashes, parts of a time by blanks.
        constant: the value itself.
    """

    column: Name | None = None
    columns: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)] | None = None
    constant: Name | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: not just one source.
        """
        if [self.column, self.columns, self.constant].count(None) != 2:
            raise ValueError("name one of column, columns and constant")

    @property
    def names(self) -> tuple[Name, ...]:
        """The columns read, in order."""
        return self.columns or (() if self.column is None else (self.column,))


class AmountSpec(ColumnSpec, frozen=True, kw_only=True):
    """How an amount is written.

    Attributes:
        unit: currency units, or minor ones (cents) by the currency's exponent.
        decimal: what separates the decimals of a text.
        thousands: what may separate the thousands of a text; empty for nothing.
        scale: the value is base64 of a big-endian integer, so many decimals included.
        positive: whether a positive amount is money out or money in.
    """

    unit: Literal["major", "minor"] = "major"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    scale: int | None = None
    positive: Literal["out", "in"] = "out"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: they contradict each other.
        """
        ColumnSpec.__post_init__(self)
        if self.columns is not None:
            raise ValueError("an amount stands in one column")
        if self.decimal == self.thousands:
            raise ValueError(f"{self.decimal!r} cannot separate both decimals and thousands")
        if self.scale is not None and not 0 <= self.scale <= 18:
            raise ValueError(f"scale is {self.scale}: choose 0 to 18")


class TimeSpec(ColumnSpec, frozen=True, kw_only=True):
    """How an event time is written.

    Attributes:
        unit: of numbers, counted from 1970 UTC.
        format: of texts, in the notation of strptime; unset for ISO 8601.
        zone: of texts that name none, e.g. "Europe/Berlin".
    """

    unit: Literal["s", "ms", "us", "ns"] = "ms"
    format: str | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: the zone does not exist, or is needed and missing; or the format cannot be read.
        """
        ColumnSpec.__post_init__(self)
        _ = self.place
        if self.format is None:
            return
        if "%z" not in self.format and self.zone is None:
            raise ValueError('a format without %z needs a zone, e.g. zone = "UTC"')
        if datetime.strptime(_EXAMPLE.strftime(self.format), self.format).date() != _EXAMPLE.date():  # noqa: DTZ007 (a date alone is compared)
            raise ValueError(f"format {self.format!r} names no whole date: write it as %Y-%m-%d %H:%M:%S")

    @property
    def place(self) -> tzinfo | None:
        """The zone of texts that name none.

        Raises:
            ValueError: there is no such zone.
        """
        if self.zone is None:
            return None
        if self.zone == "UTC":
            return UTC  # known even where no database of zones is installed
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"there is no time zone {self.zone!r}: name one as Europe/Berlin; systems without zones need tzdata"
            ) from None


class MappingSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole mapping: fields as in `Transaction`, and the label.

    Attributes:
        label: column of the truth; read for evaluation, never for a transaction.
    """

    transaction_id: Name | ColumnSpec
    user_id: Name | ColumnSpec
    amount: Name | AmountSpec
    timestamp: Name | TimeSpec
    merchant_id: Name | ColumnSpec | None = None
    category: Name | ColumnSpec | None = None
    currency: Name | ColumnSpec | None = None
    channel: Name | ColumnSpec | None = None
    country: Name | ColumnSpec | None = None
    latitude: Name | ColumnSpec | None = None
    longitude: Name | ColumnSpec | None = None
    device_id: Name | ColumnSpec | None = None
    label: Name | None = None
