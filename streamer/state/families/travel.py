"""Travel: the speed at which the user must have moved since the last known place.

The first 20 km cost no time (cities are wide, coordinates coarse), and no journey takes less
than a minute. Distance is the haversine on a sphere of 6,371 km.
"""

import math

from detectors.compiled import compiled
from streamer.state.features import TABLE
from streamer.state.types import EventRow, Fields, MerchantRow, NowRow, Out, SharedRow, UserRow

USER_FIELDS: Fields = [("latitude", "f4"), ("longitude", "f4"), ("located_at", "i8"), ("located", "u1")]

TRAVEL_SPEED = TABLE.column("travel_speed")

HOUR_MS = 3_600_000
EARTH_KM = 6371.0
FREE_KM = 20.0
SHORTEST_H = 1 / 60
SPEED_UNIT = 100.0


@compiled
def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance between two places given in degrees."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half_phi = (other_phi - phi) / 2
    half_lambda = math.radians(other_longitude - longitude) / 2
    haversine = math.sin(half_phi) ** 2 + math.cos(phi) * math.cos(other_phi) * math.sin(half_lambda) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, haversine)))


@compiled
def travel(event: EventRow, user: UserRow, merchant: MerchantRow, shared: SharedRow, now: NowRow, out: Out) -> None:
    """Write travel_speed; learn the place, unless the event is older than the known one."""
    out[TRAVEL_SPEED] = 0.0
    if event.located == 0:
        return
    if user.located != 0:
        way = distance_km(user.latitude, user.longitude, event.latitude, event.longitude)
        hours = max(abs(event.time - user.located_at) / HOUR_MS, SHORTEST_H)
        out[TRAVEL_SPEED] = math.log(1 + max(0.0, way - FREE_KM) / hours / SPEED_UNIT)
        if event.time < user.located_at:
            return
    user.latitude = event.latitude
    user.longitude = event.longitude
    user.located_at = event.time
    user.located = 1
