"""Where people live and travel to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True)
class City:
    """One place of payment.

    Attributes:
        name: for readers of this file.
        country: ISO 3166-1 alpha-2.
        latitude: degrees north.
        longitude: degrees east.
        offset_h: hours ahead of UTC in winter; there is no daylight saving here.
        currency: ISO 4217 code of accounts held there; empty where nobody lives.
        weight: relative number of inhabitants; 0 where people only travel to.
    """

    name: str
    country: str
    latitude: float
    longitude: float
    offset_h: float
    currency: str = ""
    weight: float = 0.0


CITIES = (
    City("London", "GB", 51.51, -0.13, 0, "GBP", 9.0),
    City("Paris", "FR", 48.86, 2.35, 1, "EUR", 7.0),
    City("Madrid", "ES", 40.42, -3.70, 1, "EUR", 5.0),
    City("Barcelona", "ES", 41.39, 2.17, 1, "EUR", 4.0),
    City("Berlin", "DE", 52.52, 13.40, 1, "EUR", 4.0),
    City("Munich", "DE", 48.14, 11.58, 1, "EUR", 3.0),
    City("Milan", "IT", 45.46, 9.19, 1, "EUR", 4.0),
    City("Rome", "IT", 41.90, 12.50, 1, "EUR", 3.0),
    City("Vienna", "AT", 48.21, 16.37, 1, "EUR", 2.0),
    City("Amsterdam", "NL", 52.37, 4.90, 1, "EUR", 2.0),
    City("Lisbon", "PT", 38.72, -9.14, 0, "EUR", 2.0),
    City("Zurich", "CH", 47.37, 8.54, 1, "CHF", 2.0),
    City("Athens", "GR", 37.98, 23.73, 2),
    City("Istanbul", "TR", 41.01, 28.98, 3),
    City("New York", "US", 40.71, -74.01, -5),
    City("Miami", "US", 25.76, -80.19, -5),
    City("Cancun", "MX", 21.16, -86.85, -5),
    City("Dubai", "AE", 25.20, 55.27, 4),
    City("Bangkok", "TH", 13.76, 100.50, 7),
    City("Tokyo", "JP", 35.68, 139.69, 9),
)

# Online shops sit where the customers live, or where large ones are registered.
SHOP_COUNTRIES = ("GB", "FR", "ES", "DE", "IT", "AT", "NL", "PT", "CH", "IE", "LU", "US")


def distances_km(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Return (cities,) great-circle distances from a place in degrees to every city."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    city_phi = np.radians([city.latitude for city in CITIES])
    city_lam = np.radians([city.longitude for city in CITIES])
    haversine = np.sin((city_phi - phi) / 2) ** 2
    haversine += np.cos(phi) * np.cos(city_phi) * np.sin((city_lam - lam) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1.0, haversine))))
