"""The one loop over events: for each, features of the moment before it, then the update.

The loop is sequential, so a batch gives exactly what its events give one by one.
"""

import hashlib
import inspect
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled, compiled_cached
from streamer.state import features, layout
from streamer.state.families import amount, merchant, novelty, rhythm, travel, velocity
from streamer.state.features import TABLE, WINDOW
from streamer.state.layout import RECENT
from streamer.state.types import EventRow, NowRow, PastRow, SharedRow, Structured, UserRow

FAMILIES = (amount, rhythm, velocity, novelty, merchant, travel)

STEPS = TABLE.steps
HISTORY = TABLE.column("history")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Kernel: TypeAlias = Callable[
    [
        Structured,
        Structured,
        Structured,
        Structured,
        NDArray[np.float32],
        NDArray[np.float32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.float32],
        Structured,
    ],
    None,
]


@compiled
def observe(event: EventRow, user: UserRow, shared: SharedRow, now: NowRow) -> None:
    """Note what several families need to know about the moment before the event."""
    now.amount = max(event.amount, 0.0)
    now.everybody = shared.amount_mean if shared.amount_count > 0 else now.amount
    now.mean = amount.expected_amount(user, shared, now.amount)
    now.elapsed = rhythm.elapsed_hours(event, user)
    now.lateness = rhythm.lateness_hours(event, user)
    now.gap = rhythm.expected_gap(user)
    now.merchant_seen = novelty.times_seen(user.merchants, user.merchant_counts, event.merchant_key)


@compiled
def remember(event: EventRow, user: UserRow) -> None:
    """Put the event among the recent ones; to be called before the user's count grows."""
    user.times[user.count % WINDOW] = event.time
    place = user.count % RECENT
    user.recent_amounts[place] = event.amount
    user.recent_merchants[place] = event.merchant
    user.recent_merchant_keys[place] = event.merchant_key


@compiled
def recall(event: EventRow, user: UserRow, past: PastRow) -> None:
    """Write what people will read beside an alert; to be called after the user's count grew."""
    past.events = user.count - 1
    # Counted in variables and without branches, as such loops go eight at a time.
    within_1h = within_24h = within_7d = np.int64(0)
    for place in range(min(user.count, WINDOW)):
        since = event.time - user.times[place]
        earlier = since >= 0  # what is later than a late event may be known before it
        within_1h += earlier & (since <= HOUR_MS)
        within_24h += earlier & (since <= DAY_MS)
        within_7d += earlier & (since <= 7 * DAY_MS)
    past.count_1h = within_1h
    past.count_24h = within_24h
    past.count_7d = within_7d
    past.recent = min(user.count, RECENT)
    place = (user.count - 1) % WINDOW
    recent = (user.count - 1) % RECENT
    for age in range(past.recent):
        past.times[age] = user.times[place]
        past.amounts[age] = user.recent_amounts[recent]
        past.merchants[age] = user.recent_merchants[recent]
        past.merchant_keys[age] = user.recent_merchant_keys[recent]
        # Counted down, as remainders of divisions would take most of the time.
        place = place - 1 if place > 0 else WINDOW - 1
        recent = recent - 1 if recent > 0 else RECENT - 1


def _build(source: str) -> Kernel:
    """Compile the loop.

    Args:
        source: digest of all formulas. numba keys its cache by the file that holds the loop, not
            by the files of the functions it calls; a captured value is part of the key, so a
            changed formula is compiled anew.
    """

    @compiled_cached
    def advance(
        events: Structured,
        users: Structured,
        merchants: Structured,
        shared_rows: Structured,
        rings: NDArray[np.float32],
        displaced: NDArray[np.float32],
        later: NDArray[np.int32],
        numbers: NDArray[np.int32],
        last: NDArray[np.float32],
        past: Structured,
    ) -> None:
        _ = source
        nows = np.zeros(1, now_type)
        blank_user = np.zeros(1, user_type)
        blank_merchant = np.zeros(1, merchant_type)
        now = nows[0]
        shared = shared_rows[0]
        for row in range(len(events)):
            event = events[row]
            if event.user_is_fresh != 0:
                users[event.user] = blank_user[0]
            if event.merchant_is_fresh != 0:
                merchants[event.merchant] = blank_merchant[0]
                merchants[event.merchant].key = event.merchant_key
            user = users[event.user]
            seller = merchants[event.merchant]
            event.merchant_key = seller.key
            out = last[row]
            observe(event, user, shared, now)
            out[HISTORY] = np.log(1.0 + user.count)
            amount.amount(event, user, seller, shared, now, out)
            velocity.velocity(event, user, seller, shared, now, out)
            novelty.novelty(event, user, seller, shared, now, out)
            merchant.merchant_habits(event, user, seller, shared, now, out)
            travel.travel(event, user, seller, shared, now, out)
            rhythm.rhythm(event, user, seller, shared, now, out)
            remember(event, user)
            ring = rings[event.user]
            newest = ring[user.count % WINDOW * STEPS :]
            for column in range(STEPS):
                displaced[row, column] = newest[column]
                newest[column] = out[column]
            if numbers[event.user] > 0:
                later[numbers[event.user] - 1] = row
            numbers[event.user] = row + 1
            user.count += 1
            recall(event, user, past[row])
            shared.clock = max(shared.clock, event.time)
        for row in range(len(events)):
            numbers[events[row].user] = 0

    return advance


now_type = layout.NOW
user_type = layout.USER
merchant_type = layout.MERCHANT


def digest() -> str:
    """Hash the source of every formula and of the layout."""
    sources = "".join(inspect.getsource(module) for module in (features, layout, *FAMILIES))
    return hashlib.sha256(sources.encode()).hexdigest()


advance = _build(digest())
