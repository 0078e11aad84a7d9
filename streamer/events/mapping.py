"""Foreign fields onto the canonical transaction, record by record, live or archived."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar, cast

import msgspec

from streamer.errors import MalformedEvent, RejectReason, SettingsError
from streamer.events import foreign
from streamer.events.diagnosis import explain
from streamer.events.mapping_spec import AmountSpec, ColumnSpec, MappingSpec, TimeSpec
from streamer.events.transaction import Transaction

Document = Mapping[str, object]

REQUIRED = ("transaction_id", "user_id", "amount", "timestamp")
_TEXTS = ("merchant_id", "category", "channel", "country", "device_id")

_Spec = TypeVar("_Spec", bound=ColumnSpec)
_decode = msgspec.json.Decoder(dict[str, object]).decode


class _Place(NamedTuple):
    """A column: its whole name, and the names of the objects that lead to it."""

    name: str
    path: tuple[str, ...]


class FieldMapping:
    """Turns documents with foreign field names into transactions.

    A name with dots leads into objects, unless a field bears just that name. Nothing else than
    the columns of fields is ever read, so a label cannot reach a transaction.

    Attributes:
        columns: all columns that fields are made of, each once.
        label: column of the truth, for evaluation; None where there is none.
    """

    def __init__(self, spec: MappingSpec) -> None:
        """Prepare the mapping.

        Raises:
            SettingsError: the label is also a field, or a field is made of something it cannot be.
        """
        self._fields = {
            name: _spec(spec, name) for name in Transaction.__struct_fields__ if getattr(spec, name) is not None
        }
        self._amount = _whole(spec.amount, AmountSpec)
        self._time = _whole(spec.timestamp, TimeSpec)
        self._places = {name: tuple(map(_place, field.names)) for name, field in self._fields.items()}
        self.columns = tuple(dict.fromkeys(name for field in self._fields.values() for name in field.names))
        self.label = spec.label
        self._check()

    def _check(self) -> None:
        if self.label in self.columns:
            raise SettingsError(
                f"the mapping makes a field of the label {self.label!r}: the truth must not be judged by"
            )
        for name in REQUIRED:
            if self._fields[name].constant is not None:
                raise SettingsError(f"the mapping gives all payments one {name}: name its column")
        for name in ("latitude", "longitude", "currency"):
            if len(self._places.get(name, ())) > 1:
                raise SettingsError(f"the mapping joins columns to a {name}: name one column")

    def transaction(self, value: bytes) -> Transaction:
        """Read a JSON object.

        Returns:
            A transaction whose values are still to be checked, as if it had been sent so.

        Raises:
            MalformedEvent: it is no JSON object, lacks a required column, or a value cannot be read.
        """
        try:
            value.decode()
            document = _decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            raise explain(value, fault) from None
        try:
            return self._made(document)
        except MalformedEvent as error:
            raise self.located(error) from None

    def transaction_id(self, document: Document) -> str | None:
        """Return the transaction's id, not yet checked; None where it is missing.

        Raises:
            MalformedEvent: it can be no id.
        """
        return self._text("transaction_id", document)

    def user_id(self, document: Document) -> str | None:
        """Return the user's id, not yet checked; None where it is missing.

        Raises:
            MalformedEvent: it can be no id.
        """
        return self._text("user_id", document)

    def truth(self, document: Document) -> object:
        """Return what stands in the label's column; None where there is nothing."""
        return None if self.label is None else _find(document, _place(self.label))

    def located(self, error: MalformedEvent) -> MalformedEvent:
        """Say of which columns the field at fault is made."""
        names = self._fields[error.field].names if error.field in self._fields else ()
        if not names:
            return error
        columns = " and ".join(map(repr, names))
        remedy = f"{error.remedy} (the mapping makes it of {columns})"
        return MalformedEvent(error.reason, field=error.field, value=error.value, remedy=remedy)

    def _made(self, document: Document) -> Transaction:
        currency = self._currency(document)
        return Transaction(
            transaction_id=_present("transaction_id", self.transaction_id(document)),
            user_id=_present("user_id", self.user_id(document)),
            amount=foreign.amount(_present("amount", self._value("amount", document)), self._amount, currency),
            timestamp=foreign.timestamp(_present("timestamp", self._moment(document)), self._time),
            currency=currency,
            latitude=foreign.coordinate("latitude", self._value("latitude", document)),
            longitude=foreign.coordinate("longitude", self._value("longitude", document)),
            **{name: self._text(name, document) for name in _TEXTS if name in self._fields},
        )

    def _value(self, field: str, document: Document) -> object:
        spec = self._fields.get(field)
        if spec is None or spec.constant is not None:
            return None if spec is None else spec.constant
        return _find(document, self._places[field][0])

    def _text(self, field: str, document: Document) -> str | None:
        places = self._places[field]
        if len(places) > 1:
            return foreign.joined(field, [_find(document, place) for place in places])
        return foreign.text(field, self._value(field, document))

    def _currency(self, document: Document) -> str | None:
        return foreign.currency(self._value("currency", document))

    def _moment(self, document: Document) -> object:
        places = self._places["timestamp"]
        if len(places) == 1:
            return _find(document, places[0])
        parts = [foreign.text("timestamp", _find(document, place)) for place in places]
        return None if any(part is None for part in parts) else " ".join(map(str, parts))


Present = TypeVar("Present")


def _present(field: str, value: Present | None) -> Present:
    if value is None:
        raise MalformedEvent(RejectReason.MISSING_FIELD, field=field, remedy="send the value, or map another column")
    return value


def _find(document: Document, place: _Place) -> object:
    if place.name in document:
        return document[place.name]
    found: object = document
    for part in place.path:
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def _place(name: str) -> _Place:
    return _Place(name, tuple(name.split(".")))


def _spec(spec: MappingSpec, field: str) -> ColumnSpec:
    return _whole(cast("str | ColumnSpec", getattr(spec, field)), ColumnSpec)


def _whole(given: str | _Spec, kind: Callable[..., _Spec]) -> _Spec:
    return kind(column=given) if isinstance(given, str) else given
