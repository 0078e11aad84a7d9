"""Training of the autoregressive model: likelihood of the next event."""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from detectors.api import FeatureTable, Windows
from detectors.models.autoregressive import Autoregressive, NextEventNetwork
from detectors.models.next_event import NextEvents
from detectors.scaling import Scaling
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tensors import tensors_for


class AutoregressiveTask:
    """Every window's last event is the next event of the window without it."""

    name = Autoregressive.name

    def __init__(self, network: NextEventNetwork, scaling: Scaling, table: FeatureTable, held_back: Windows) -> None:
        """Take a network to train; the epoch that expects `held_back` best is kept."""
        self._network = network
        self._scaling = scaling
        self._table = table
        self._checked = checked(Examples(held_back)).windows

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Task.networks`."""
        return (self._network,)

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:  # noqa: ARG002 (the form of all tasks)
        """See `Task.losses`."""
        yield Loss(self._loss(batch.windows))

    def held_back_loss(self) -> float:
        """See `Task.held_back_loss`."""
        return self._loss(self._checked).item()

    def _loss(self, windows: Windows) -> Tensor:
        events = NextEvents.of(windows, self._scaling, self._table)
        inputs = tensors_for(self._network, self._scaling.window(windows), events.known, events.values)
        return self._network.surprise(*inputs).sum(dim=1).mean()
