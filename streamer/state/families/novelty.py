"""Novelty: merchants, categories, devices and countries the user was not seen with.

Each user keeps short lists of hashed names (CRC-32; 0 means unknown). A full list of merchants
or categories gives up its rarest entry, a full list of devices or countries its oldest. What
an event does not tell is neutral: 0, as for a merchant or device that was always there.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import Counts, EventRow, Fields, Keys, MerchantRow, NowRow, Out, SharedRow, UserRow

MERCHANTS = 12
CATEGORIES = 8
PLACES = 4

USER_FIELDS: Fields = [
    ("merchants", "u4", (MERCHANTS,)),
    ("merchant_counts", "u2", (MERCHANTS,)),
    ("categories", "u4", (CATEGORIES,)),
    ("category_counts", "u2", (CATEGORIES,)),
    ("devices", "u4", (PLACES,)),
    ("countries", "u4", (PLACES,)),
]

MERCHANT_NOVELTY = TABLE.column("merchant_novelty")
CATEGORY_RARITY = TABLE.column("category_rarity")
NEW_DEVICE = TABLE.column("new_device")
NEW_COUNTRY = TABLE.column("new_country")

MOST = 65_535
CATEGORY_PRIOR_EVENTS = 3.0
CATEGORY_PRIOR_SHARE = 0.05


@compiled
def times_seen(keys: Keys, counts: Counts, key: int) -> int:
    """Return how often a key was counted."""
    for place in range(len(keys)):
        if keys[place] == key:
            return int(counts[place])
    return 0


@compiled
def count_key(keys: Keys, counts: Counts, key: int) -> None:
    """Count a key; a new one takes the place of the rarest."""
    rarest = 0
    for place in range(len(keys)):
        if keys[place] == key:
            if counts[place] < MOST:
                counts[place] += 1
            return
        if counts[place] < counts[rarest]:
            rarest = place
    keys[rarest] = key
    counts[rarest] = 1


@compiled
def is_new(keys: Keys, key: int) -> bool:
    """Tell whether the key is unknown to a list that knows others; then it enters, newest first."""
    for place in range(len(keys)):
        if keys[place] == key:
            return False
    known = bool(keys[0] != 0)
    for place in range(len(keys) - 1, 0, -1):
        keys[place] = keys[place - 1]
    keys[0] = key
    return known


@compiled
def novelty(event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out) -> None:
    """Write merchant_novelty, category_rarity, new_device and new_country; learn the names."""
    out[MERCHANT_NOVELTY] = -math.log(1.0 + now.merchant_seen) if event.merchant_key != 0 else 0.0
    if event.merchant_key != 0:
        count_key(user.merchants, user.merchant_counts, event.merchant_key)
    out[CATEGORY_RARITY] = 0.0
    if event.category_key != 0:
        events = 0
        for place in range(CATEGORIES):
            events += user.category_counts[place]
        seen = times_seen(user.categories, user.category_counts, event.category_key)
        share = (seen + CATEGORY_PRIOR_EVENTS * CATEGORY_PRIOR_SHARE) / (events + CATEGORY_PRIOR_EVENTS)
        out[CATEGORY_RARITY] = -math.log(share)
        count_key(user.categories, user.category_counts, event.category_key)
    out[NEW_DEVICE] = 0.0
    if event.device_key != 0:
        out[NEW_DEVICE] = 1.0 if is_new(user.devices, event.device_key) else 0.0
    out[NEW_COUNTRY] = 0.0
    if event.country_key != 0:
        out[NEW_COUNTRY] = 1.0 if is_new(user.countries, event.country_key) else 0.0
