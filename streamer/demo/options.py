"""What a demonstration is made of."""

from dataclasses import dataclass
from pathlib import Path

from streamer.simulate.config import SimulationConfig

LONGEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Choices of the person who runs it.

    Attributes:
        folder: keeps the broker's jars and the trained bundles between runs, and all logs.
        duration_s: length of the live part; None until Ctrl-C.
        rate: live payments a second.
        users: how many people pay.
        merchants: how many merchants they pay.
        history_days: simulated days before the live part.
        seed: another seed is another world.
        partitions: partitions of the input topic.
        port: port of the worker's metrics and health; None takes any free one.
        alerts_per_million: the alert budget.
        retrain: whether a bundle of an earlier run is ignored.
    """

    folder: Path
    duration_s: float | None
    rate: float
    users: int
    merchants: int
    history_days: int
    seed: int
    partitions: int
    port: int | None
    alerts_per_million: float
    retrain: bool

    @property
    def world(self) -> SimulationConfig:
        """The simulation: history first, live days after."""
        return SimulationConfig(
            users=self.users, merchants=self.merchants, days=self.history_days + LONGEST_DAYS, seed=self.seed
        )

    @property
    def history(self) -> range:
        """Days before the live part."""
        return range(self.history_days)

    @property
    def live(self) -> range:
        """Days of the live part; more than anyone waits for."""
        return range(self.history_days, self.history_days + LONGEST_DAYS)
