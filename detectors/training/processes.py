"""The processes that train together, as `torchrun` started them."""

from torch.distributed import is_torchelastic_launched


def rank() -> int:
    """Return the number of this process among them, from 0; 0 if it is alone."""
    if not is_torchelastic_launched():
        return 0
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment  # noqa: PLC0415 (needs an extra)

    return TorchElasticEnvironment().global_rank()


def processes() -> int:
    """Return how many there are, this one included."""
    if not is_torchelastic_launched():
        return 1
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment  # noqa: PLC0415 (needs an extra)

    return TorchElasticEnvironment().world_size()
