"""What the features of windows say about the payments in them, to be changed and written back.

A corruption that moved features one by one would be given away by their disagreement: a fifth
payment within minutes raises every count and sum at once. So features are turned back into
amounts, times and means; these are changed; and all features that depend on them are computed
anew, by the formulas of the feature table. Habits drift as they would have: a user's mean
amount and mean gap follow the changed payments with the table's memory.
"""

import numpy as np
from numpy.typing import NDArray

from detectors.api import FeatureTable, Floats, Windows

_MEMORY = 64
_PRIOR_EVENTS = 2.0
_CLIP = 3.0
_EXCESS_FROM = 0.7
_REFUND = 1e-4
"""Refunds count as 0 and are not small; reading them back leaves a rounding error."""
_TELLING = 1e-3
_SHORTEST_H = 1 / 3600
_LONGEST_H = 720.0
_DAY_H = 24.0
_WEEK_H = 168.0

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Ledger:
    """B windows of T payments; `steps` and `last` hold the features that are set directly.

    Attributes:
        steps: (B, T, S), a copy.
        last: (B, F), a copy.
        real: (B, T) bool, whether the step is a payment.
        amount: (B, T), currency units.
        elapsed: (B, T), hours since the payment before.
        mean: (B, T), the user's mean amount before the payment.
        merchant_mean: (B, T), the merchant's.
    """

    def __init__(self, windows: Windows, table: FeatureTable) -> None:
        """Read windows.

        Raises:
            KeyError: the table lacks a feature that corruptions change.
        """
        self.table = table
        self.steps = windows.steps.copy()
        self.last = windows.last.copy()
        self._length = windows.length
        self.real: Mask = np.arange(table.window) >= table.window - windows.length[:, None]
        self.amount = np.maximum(np.exp(self.step("log_amount").astype(np.float64)) - 0.5, 0)
        self.mean = (self.amount + 0.5) * np.exp(-self.step("amount_ratio").astype(np.float64)) - 0.5
        self.merchant_mean = (self.amount + 0.5) * np.exp(-self.step("merchant_amount_ratio").astype(np.float64)) - 0.5
        self.elapsed = np.clip(np.exp(-self.step("quickness").astype(np.float64)), _SHORTEST_H, _LONGEST_H)
        self._gap = self.elapsed * np.exp(self.step("quickness_ratio").astype(np.float64))
        self._before = self.amount.copy(), self.elapsed.copy(), self.mean.copy()
        self._wider = np.zeros(len(self))

    def step(self, name: str) -> Floats:
        """Return the (B, T) view of a feature of the steps."""
        return self.steps[:, :, self.table.column(name)]

    def end(self, name: str) -> Floats:
        """Return the (B,) view of a feature that only the last event has."""
        return self.last[:, self.table.column(name)]

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.last)

    def write(self) -> Windows:
        """Compute the dependent features of the changed payments and of all after them."""
        amount, elapsed, _ = self._before
        np.clip(self.elapsed, _SHORTEST_H, _LONGEST_H, out=self.elapsed)
        np.maximum(self.amount, 0, out=self.amount)
        changed = (self.amount != amount) | (self.elapsed != elapsed)
        self._drift(changed)
        dirty = np.logical_or.accumulate(changed, axis=1) & self.real
        self._count(dirty)
        self._sum_up(changed.any(axis=1))
        log_amount = np.log(self.amount + 0.5)
        for name, value in {
            "log_amount": log_amount,
            "amount_ratio": log_amount - np.log(self.mean + 0.5),
            "merchant_amount_ratio": log_amount - np.log(self.merchant_mean + 0.5),
            "quickness": -np.log(self.elapsed),
            "quickness_ratio": np.log(self._gap / self.elapsed),
        }.items():
            np.copyto(self.step(name), value.astype(np.float32), where=dirty)
        self.last[:, : self.table.steps] = self.steps[:, -1]
        return Windows(self.steps, self._length, self.last)

    def _drift(self, changed: Mask) -> None:
        """Let the user's mean amount, variance and mean gap follow the changed payments."""
        amount, elapsed, mean = self._before
        events = np.exp(self.end("history").astype(np.float64)) - 1
        more, wider, longer = np.zeros((3, len(self)))
        for at in range(int(changed.any(axis=0).argmax()), self.table.window):
            self.mean[:, at] = mean[:, at] + more
            self._gap[:, at] = np.maximum(self._gap[:, at] + longer, _SHORTEST_H)
            seen = np.clip(events - (self.table.window - 1 - at), 0, _MEMORY - 1)
            weight = self.real[:, at] / (seen + 1 + _PRIOR_EVENTS)
            self._wider = wider
            now, then = ((a[:, at], m[:, at]) for a, m in ((self.amount, self.mean), (amount, mean)))
            more = (1 - weight) * more + weight * (_clipped(*now) - _clipped(*then))
            wider = (1 - weight) * wider + weight * (_clipped_square(*now) - _clipped_square(*then))
            longer = (1 - weight) * longer + weight * (self.elapsed[:, at] - elapsed[:, at])

    def _count(self, dirty: Mask) -> None:
        """Compute the decayed counts that stand in every step, from the first changed payment on."""
        per_day = 1 + _DAY_H / self._gap
        count_1h, small_1h = (np.expm1(self.step(name).astype(np.float64)) for name in ("count_1h", "small_count_1h"))
        count_1d = np.exp(self.step("count_1d").astype(np.float64)) * per_day - 1
        small = (self.amount > _REFUND) & (self.amount < self.mean / 4)
        first = np.flatnonzero(dirty.any(axis=0))
        for at in range(max(int(first[0]), 1) if len(first) else self.table.window, self.table.window):
            # The first payment of a window has its counts from before the window.
            known = dirty[:, at] & self.real[:, at - 1]
            hour, day = np.exp(-self.elapsed[:, at]), np.exp(-self.elapsed[:, at] / _DAY_H)
            np.copyto(count_1h[:, at], (count_1h[:, at - 1] + 1) * hour, where=known)
            np.copyto(small_1h[:, at], (small_1h[:, at - 1] + small[:, at - 1]) * hour, where=known)
            np.copyto(count_1d[:, at], (count_1d[:, at - 1] + 1) * day, where=known)
        for name, value in {
            "count_1h": np.log1p(count_1h),
            "small_count_1h": np.log1p(small_1h),
            "count_1d": np.log((1 + np.maximum(count_1d, 0)) / per_day),
        }.items():
            np.copyto(self.step(name), value.astype(np.float32), where=dirty)

    def _sum_up(self, changed: Mask) -> None:
        """Compute the counts and sums that only the last event has."""
        amount, elapsed, mean = self._before
        old_age, new_age = self._ages(elapsed), self._ages(self.elapsed)
        gap, typical = self._gap[:, -1], self.mean[:, -1] + 0.5
        old_typical = mean[:, -1] + 0.5
        old_gap = np.exp(-self.end("quickness").astype(np.float64) + self.end("quickness_ratio").astype(np.float64))

        def renewed(total: Values, old: Values, new: Values, horizon: float) -> Values:
            # What is older than the window decays by the time that the window lasts.
            inside = (old * np.exp(-old_age / horizon) * self.real).sum(axis=1)
            older = np.maximum(total - inside, 0) * np.exp((old_age[:, 0] - new_age[:, 0]) / horizon)
            return np.asarray(older + (new * np.exp(-new_age / horizon) * self.real).sum(axis=1))

        one = np.ones_like(amount)
        count = np.exp(self.end("count_7d").astype(np.float64)) * (1 + _WEEK_H / old_gap)
        new = {"count_7d": np.log(renewed(count, one, one, _WEEK_H) / (1 + _WEEK_H / gap))}
        for name, horizon in (("sum_1d", _DAY_H), ("sum_7d", _WEEK_H)):
            relative = np.exp(self.end(name).astype(np.float64)) * (1 + horizon / old_gap)
            total = renewed(old_typical * (relative - 1), amount, self.amount, horizon)
            new[name] = np.log((typical + total) / (typical * (1 + horizon / gap)))
        excess, new_excess = (
            np.maximum(np.log((a + 0.5) / (m + 0.5)) - _EXCESS_FROM, 0)
            for a, m in ((amount, mean), (self.amount, self.mean))
        )
        new["excess_7d"] = renewed(self.end("excess_7d").astype(np.float64), excess, new_excess, _WEEK_H)
        deviation = self.end("amount_deviation").astype(np.float64)
        # The user's standard deviation, as the deviation of the true amount tells it; of a payment
        # of just the mean it tells nothing.
        telling = np.abs(deviation) > _TELLING
        spread = np.sqrt(1 / 2) * mean[:, -1] + _least_spread(mean[:, -1])
        np.divide(amount[:, -1] - mean[:, -1], deviation, out=spread, where=telling)
        variance = np.maximum(spread - _least_spread(mean[:, -1]), 0) ** 2 + self._wider
        new_spread = np.sqrt(np.maximum(variance, 0)) + _least_spread(self.mean[:, -1])
        new["amount_deviation"] = (self.amount[:, -1] - self.mean[:, -1]) / new_spread
        for name, value in new.items():
            np.copyto(self.end(name), value.astype(np.float32), where=changed)

    def _ages(self, elapsed: Values) -> Values:
        """Return hours from each payment to the last: (B, T)."""
        waits = np.where(self.real, elapsed, 0)
        return np.asarray(waits.sum(axis=1, keepdims=True) - np.cumsum(waits, axis=1))


def _clipped(amount: Values, mean: Values) -> Values:
    """Return what an amount adds to the user's mean."""
    return np.minimum(amount, _CLIP * mean)


def _clipped_square(amount: Values, mean: Values) -> Values:
    """Return what an amount adds to the user's variance."""
    return np.minimum((amount - mean) ** 2, (_CLIP * mean) ** 2)


def _least_spread(mean: Values) -> Values:
    """Return what the feature table adds to a standard deviation, lest it be 0."""
    return 0.05 * mean + 0.001
