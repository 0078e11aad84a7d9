"""Follows the worker from outside, as its users do: the alert topic and the metrics port."""

from collections import deque
from collections.abc import Sequence

import msgspec

from streamer.alerts.contract import Alert
from streamer.clock import Clock
from streamer.demo.scoreboard import Scoreboard
from streamer.demo.screen import Line
from streamer.events.record import TopicPartition
from streamer.scrape import Scrape, scrape
from streamer.transport.base import Consumer, Rebalance

SHOWN = 12
SPAN_S = 3.0


def _ignore(_: Sequence[TopicPartition]) -> None:
    pass


class Watcher:
    """Collects what the screen and the summary tell."""

    def __init__(self, alerts: Consumer, topic: str, metrics_url: str, scoreboard: Scoreboard, clock: Clock) -> None:
        """Begin to follow the alert topic."""
        self._alerts = alerts
        self._url = metrics_url
        self._scoreboard = scoreboard
        self._clock = clock
        self._decode = msgspec.json.Decoder(Alert).decode
        self._rates: deque[tuple[float, float]] = deque()
        self._base: Scrape | None = None
        self.now = Scrape()
        self.lines: deque[Line] = deque(maxlen=SHOWN)
        alerts.subscribe([topic], Rebalance(assigned=_ignore, revoked=_ignore, lost=_ignore))

    def look(self) -> None:
        """Read new alerts and the present metrics.

        Raises:
            TransportError: the broker or the metrics port does not answer.
        """
        for record in self._alerts.poll(timeout_s=0.05, max_records=1_000):
            alert = self._decode(record.value or b"")
            payment = alert.transaction
            if self._scoreboard.alerted(payment.transaction_id):
                self.lines.append(
                    Line(
                        user=alert.entity.entity_ref,
                        amount=f"{payment.amount} {payment.currency or ''}".strip(),
                        risk=alert.decision.risk_score,
                        level=alert.decision.risk_level,
                        reasons=tuple(reason.text for reason in alert.evidence.reasons),
                        fraud=self._scoreboard.is_fraud(payment.transaction_id),
                    )
                )
        self.now = scrape(self._url)
        at = self._clock.monotonic()
        self._rates.append((at, self.received))
        while at - self._rates[0][0] > SPAN_S:
            self._rates.popleft()

    def begin_live(self) -> None:
        """Count latency and judged payments from here on."""
        self._base = self.now

    @property
    def received(self) -> float:
        """Records that the worker took in so far, rejected ones included."""
        return (
            self.now.total("streamer_events_total")
            + self.now.total("streamer_rejected_total")
            + self.now.total("streamer_duplicates_total")
        )

    @property
    def judged(self) -> int:
        """Records taken in since the live part began."""
        if self._base is None:
            return 0
        names = ("streamer_events_total", "streamer_rejected_total", "streamer_duplicates_total")
        return round(sum(self.now.total(name) - self._base.total(name) for name in names))

    @property
    def events_per_s(self) -> float:
        """Records a second over the last seconds."""
        (first, before), (last, after) = self._rates[0], self._rates[-1]
        return (after - before) / (last - first) if last > first else 0.0

    @property
    def lag(self) -> int | None:
        """Records not yet read; None before the worker knows."""
        return round(self.now.total("streamer_lag_records")) if self.now.has("streamer_lag_records") else None

    def latency_ms(self, quantile: float) -> float | None:
        """Return a quantile of produced → committed over the live part; None before the first event."""
        seconds = self.now.quantile("streamer_event_latency_seconds", quantile, since=self._base)
        return None if seconds is None else seconds * 1000
