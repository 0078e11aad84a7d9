"""All state of one input partition, and the one way to change it."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.api import Windows
from detectors.rings import Rings, Steps
from streamer.events.event import EventBatch
from streamer.settings import StateSettings
from streamer.state import layout
from streamer.state.features import TABLE, WINDOW
from streamer.state.hashes import Hashes, hash_of
from streamer.state.image import Head, Image, as_bytes, copy_rows
from streamer.state.kernel import advance
from streamer.state.seen import SeenIds
from streamer.state.slots import SlotIndex
from streamer.state.types import Structured


@dataclass(frozen=True, slots=True)
class Payment:
    """One earlier payment, for people to read.

    Attributes:
        timestamp: event time, milliseconds since the epoch.
        amount: currency units.
        merchant_id: None where unknown or forgotten.
    """

    timestamp: int
    amount: float
    merchant_id: str | None


@dataclass(frozen=True, slots=True)
class Advance:
    """What a batch of events did to a partition.

    Attributes:
        batch: the B events that counted, in order; repeated transaction ids are left out.
        windows: B windows, each as of its event.
        past: (B,) rows of `layout.PAST`, each as of its event.
        late: (B,) bool, whether the event was far behind the partition's clock.
        duplicates: how many events were left out.
        out_of_order: how many events are older than an earlier one of the partition, yet not late.
    """

    batch: EventBatch
    windows: Windows
    past: Structured
    late: NDArray[np.bool_]
    duplicates: int
    out_of_order: int


class PartitionState:
    """Windows, statistics and seen ids of one input partition.

    Holds at most the users, merchants and ids that the settings allow. What it gives for an
    event depends on the earlier events of the partition alone.

    Attributes:
        settings: bounds.
    """

    def __init__(self, settings: StateSettings, *, late_after_ms: int) -> None:
        """Reserve address space for all rows; pages are taken when first used.

        Args:
            settings: bounds.
            late_after_ms: how far behind the clock an event is called late.
        """
        self.settings = settings
        self._late_after_ms = late_after_ms
        self._users = SlotIndex(settings.users)
        self._merchants = SlotIndex(settings.merchants, first=1)
        self._ids = SeenIds(settings.transaction_ids)
        self._user_rows: Structured = np.zeros(settings.users, layout.USER)
        self._merchant_rows: Structured = np.zeros(settings.merchants + 1, layout.MERCHANT)
        self._shared: Structured = np.zeros(1, layout.SHARED)
        self._rings = np.zeros((settings.users, WINDOW, TABLE.steps), np.float32)
        self._numbers = np.zeros(settings.users, np.int32)  # what the kernel counts by; zeros in between
        self._hashes = Hashes()
        self._image: Image | None = None
        self._given: Callable[[], Steps | None] = lambda: None

    @property
    def users(self) -> int:
        """How many users are held."""
        return len(self._users)

    @property
    def merchants(self) -> int:
        """How many merchants are held."""
        return len(self._merchants)

    @property
    def user_evictions(self) -> int:
        """How many users were forgotten since the start."""
        return self._users.evictions

    @property
    def merchant_evictions(self) -> int:
        """How many merchants were forgotten since the start."""
        return self._merchants.evictions

    @property
    def most_ids(self) -> int:
        """How many transaction ids are held at most."""
        return self._ids.most

    @property
    def clock(self) -> int:
        """Newest event time in milliseconds since the epoch; 0 before the first event."""
        return int(self._shared[0]["clock"])

    @property
    def used_bytes(self) -> int:
        """Bytes of rows in use; the indexes of names come on top."""
        user = layout.USER.itemsize + WINDOW * TABLE.steps * 4
        return self.users * user + self.merchants * layout.MERCHANT.itemsize

    def advance(self, batch: EventBatch) -> Advance:
        """Take in events in log order and return what is to be judged.

        N events at once give exactly what N calls with one event each give.
        """
        kept = self._ids.keep_new(batch.transaction_id)
        duplicates = len(batch) - len(kept)
        if duplicates:
            batch = batch.take(kept)
        count = len(batch)
        displaced = np.empty((count, TABLE.steps), np.float32)
        later = np.full(count, -1, np.int32)
        last = np.empty((count, len(TABLE.features)), np.float32)
        past = np.zeros(count, layout.PAST)
        before = np.maximum.accumulate(np.concatenate(([self.clock], batch.timestamp)))[:-1]
        late = batch.timestamp < before - self._late_after_ms
        out_of_order = int(np.count_nonzero((batch.timestamp < before) & ~late))
        events = self._events(batch)
        if self._image is not None:
            self._preserve(self._image, events)
        if (given := self._given()) is not None:
            given.settle()  # somebody keeps the windows of the batch before
        rings = self._rings.reshape(len(self._rings), WINDOW * TABLE.steps)
        advance(
            events,
            self._user_rows,
            self._merchant_rows,
            self._shared,
            rings,
            displaced,
            later,
            self._numbers,
            last,
            past,
        )
        counts = past["events"] + 1
        length = np.minimum(counts, WINDOW).astype(np.int32)
        rows = np.ascontiguousarray(events["user"])
        steps = Steps(Rings(rings, rows, counts, later, displaced))
        self._given = weakref.ref(steps)
        return Advance(batch, Windows(steps, length, last), past, late, duplicates, out_of_order)

    def recent_payments(self, past: Structured, position: int) -> tuple[Payment, ...]:
        """Spell out one row of the newest `Advance.past`, newest first, the judged event included.

        Args:
            past: `Advance.past` as the last call of `advance` gave it.
            position: its row.
        """
        then = past[position]
        columns = (then[name][: then["recent"]].tolist() for name in ("times", "amounts", "merchants", "merchant_keys"))
        payments = []
        for time, amount, row, key in zip(*columns, strict=True):
            name = self._merchants.name(row, position) if row else None
            # The row may have passed to another merchant before the event; the payment's key tells.
            payments.append(Payment(time, amount, name if hash_of(name) == key else None))
        return tuple(payments)

    def begin_image(self) -> Image:
        """Begin to copy the state as it is now; it may change before all is copied.

        Raises:
            RuntimeError: another image is neither whole nor abandoned.
        """
        if self._image is not None and self._image.is_open:
            raise RuntimeError("a state has one image at a time: finish or abandon the other first")
        head = Head(
            users=self._users.export(),
            merchants=self._merchants.export(),
            ids=self._ids.export(),
            shared=copy_rows(self._shared),
            merchant_rows=copy_rows(self._merchant_rows[: self.merchants + 1]),
        )
        self._image = Image(head, self._user_rows, self._rings)
        return self._image

    def restore(self, head: Head) -> tuple[Structured, NDArray[np.float32]]:
        """Take the head of an image into an empty state.

        Returns:
            The rows of `layout.USER` and the rings of its users, for the caller to fill in.

        Raises:
            ValueError: it does not fit the settings, or its parts do not fit each other.
        """
        count = len(head.merchants.names) + 1
        if len(head.merchant_rows) != count:
            raise ValueError(f"{count} rows of merchants are needed, {len(head.merchant_rows)} are there")
        self._users.restore(head.users)
        self._merchants.restore(head.merchants)
        self._ids.restore(head.ids)
        as_bytes(self._merchant_rows)[:count] = as_bytes(head.merchant_rows)
        as_bytes(self._shared)[:] = as_bytes(head.shared)
        return self._user_rows[: self.users], self._rings[: self.users]

    def _preserve(self, image: Image, events: Structured) -> None:
        if image.is_open:
            image.preserve(events["user"])
        else:
            self._image = None

    def _events(self, batch: EventBatch) -> Structured:
        events = np.zeros(len(batch), layout.EVENT)
        hashes = self._hashes
        events["time"] = batch.timestamp
        events["amount"] = batch.amount
        events["latitude"] = batch.latitude
        events["longitude"] = batch.longitude
        events["located"] = batch.located
        events["user"], events["user_is_fresh"] = self._users.assign(batch.user_id)
        events["merchant"], events["merchant_is_fresh"] = self._merchants.assign(batch.merchant_id)
        # Rows of merchants know their keys.
        fresh = np.flatnonzero(events["merchant_is_fresh"])
        events["merchant_key"][fresh] = hashes.of([batch.merchant_id[row] for row in fresh.tolist()])
        events["category_key"] = hashes.of(batch.category)
        events["device_key"] = hashes.of(batch.device_id)
        events["country_key"] = hashes.of(batch.country)
        return events
