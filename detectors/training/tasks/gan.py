"""Training of the GAN: a discriminator against corruptions and against its generator."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from detectors.api import FeatureTable, Windows
from detectors.models.gan import Discriminator, Gan, Generator
from detectors.models.trained import Trained
from detectors.models.verdict import verdict_inputs
from detectors.scaling import Scaling
from detectors.training.config import TrainingConfig
from detectors.training.corruption import corrupt
from detectors.training.dataset import Examples, checked
from detectors.training.tasks.base import Loss, Step
from detectors.training.tasks.view import Pair, View
from detectors.training.tensors import device_of, tensors_for

Both = tuple[Tensor, Tensor]


class GanTask:
    """Both networks play their usual game, and the generator keeps its windows as various as real ones."""

    name = Gan.name

    def __init__(
        self,
        networks: tuple[Discriminator, Generator],
        scaling: Scaling,
        table: FeatureTable,
        held_back: Windows,
        config: TrainingConfig,
    ) -> None:
        """Take networks to train; the epoch that tells `held_back` from corruptions of it best is kept."""
        self._discriminator, self._generator = networks
        self._scaling = scaling
        self._table = table
        self._config = config
        judged = checked(Examples(held_back)).windows
        self._checked = judged, corrupt(judged, table, np.random.default_rng([config.seed, 2]))

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Task.networks`."""
        return (self._discriminator, self._generator)

    def losses(self, batch: Examples, step: Step) -> Iterator[Loss]:
        """See `Task.losses`."""
        real = self._pair(batch.windows)
        bad = self._pair(corrupt(batch.windows, self._table, step.numbers()))
        noise = torch.randn(len(batch), self._config.gan.noise, generator=step.noise())
        center, scale = tensors_for(self._generator, self._scaling.center, self._scaling.scale)
        generated = self._generator(noise.to(device_of(self._generator)), real[0][:, :, -1], center, scale)
        yield self._adversarial(real, bad, generated)
        of_generated = self._discriminator(*generated)
        # By margins the generator goes on beyond the margin, where nothing would pull it any more.
        drawn = (of_generated if self._config.hinge else softplus(of_generated)).mean()
        gap = _moment_gap(real, generated)
        yield Loss(drawn + gap, {"generator": drawn.detach(), "moment_gap": gap.detach()})

    def held_back_loss(self) -> float:
        """See `Task.held_back_loss`."""
        real, bad = (self._discriminator(*self._pair(each)) for each in self._checked)
        return (self._miss(real).mean() + self._miss(-bad).mean()).item()

    def view(self) -> View:
        """See `Viewable.view`."""
        judged = self._checked[0]
        trained = Trained(self._table, self._config.gan, self._scaling, self._discriminator)
        return Pair.of(judged, self._table).scored(Gan.finish(trained, judged))

    def _adversarial(self, real: Both, bad: Both, generated: Both) -> Loss:
        """Return the discriminator's loss; its logit is of "not real"."""
        window, last = (torch.cat(each) for each in zip(real, bad, [part.detach() for part in generated], strict=True))
        of_real, of_bad, of_generated = self._discriminator(window, last).chunk(3)
        loss = self._miss(of_real) + self._miss(-of_bad) + self._config.generated_weight * self._miss(-of_generated)
        with torch.no_grad():
            parts = {
                "balance/real_taken_for_real": (of_real < 0).float().mean(),
                "balance/corrupted_found": (of_bad > 0).float().mean(),
                "balance/generated_found": (of_generated > 0).float().mean(),
            }
        return Loss(loss.mean(), parts)

    def _miss(self, logit: Tensor) -> Tensor:
        """Return what it costs to call windows "not real" by so much that are real."""
        return relu(1 + logit) if self._config.hinge else softplus(logit)

    def _pair(self, windows: Windows) -> Both:
        window, last = tensors_for(self._discriminator, *verdict_inputs(windows, self._scaling))
        return window, last


def _moment_gap(real: Both, generated: Both) -> Tensor:
    """Return how far means and standard deviations are apart, squared, over steps and features.

    The discriminator hardly looks at the generator, which alone would let it draw one window
    again and again; Salimans et al. 2016 match features for the same reason.
    """
    gaps = [
        (of_real.mean(dim=0) - drawn.mean(dim=0)).square().mean()
        + (of_real.std(dim=0) - drawn.std(dim=0)).square().mean()
        for of_real, drawn in zip(real, generated, strict=True)
    ]
    return torch.stack(gaps).sum()
