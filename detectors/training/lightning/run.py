"""One training from its beginning, or from where it was killed, to its best weights."""

import logging
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import EarlyStopping
from torch import Tensor

from detectors.training.config import DamagedCheckpoint, Folders, Progress, TrainingConfig
from detectors.training.dataset import Examples, batches_an_epoch
from detectors.training.lightning.callbacks import Checkpoints, Looking, OwnSignals, Telling
from detectors.training.lightning.data import ExamplesModule
from detectors.training.lightning.module import HELD_BACK, TaskModule
from detectors.training.processes import processes
from detectors.training.tasks.base import Task


def run(
    task: Task,
    examples: Examples,
    config: TrainingConfig,
    progress: Callable[[Progress], None],
    folders: Folders,
    *,
    after_epoch: Callable[[int, Task], None] | None,
) -> dict[str, Tensor]:
    """Train; return the best weights of the first network.

    Args:
        task: what learns.
        examples: what it learns from.
        config: of the training.
        progress: told of every step.
        folders: where checkpoints and curves go.
        after_epoch: looks at the task after each epoch.

    Raises:
        DamagedCheckpoint: what a killed training left cannot be read.
    """
    batches = batches_an_epoch(len(examples), config.batch_size)
    module = TaskModule(task, config, batches).train()
    checkpoint = None if folders.checkpoints is None else folders.checkpoints / f"{task.name}.ckpt"
    resumed = False
    if checkpoint is not None and checkpoint.exists():
        try:
            kept = torch.load(checkpoint, weights_only=True, map_location="cpu")
            resumed = module.began(kept)
            if resumed:
                module.on_load_checkpoint(kept)
        except Exception as error:
            # torch's own text tells people to load whatever the file holds.
            raise DamagedCheckpoint(f"checkpoint {str(checkpoint)!r} is damaged ({type(error).__name__})") from error
        if module.finished:
            return module.best
    callbacks: list[Callback] = [
        Telling(task.name, config.epochs * batches, progress),
        EarlyStopping(HELD_BACK, patience=config.patience, check_finite=False),
        OwnSignals(),
    ]
    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        callbacks.append(Checkpoints(checkpoint, folders.every))
    if folders.curves is not None:
        from detectors.training.lightning.curves import Curves  # noqa: PLC0415 (nobody else waits for TensorBoard)

        callbacks.append(Curves(folders.curves / task.name))
    if after_epoch is not None:
        callbacks.append(Looking(after_epoch))
    with _quiet(), _interruptible():
        trainer = make_trainer(config.epochs, callbacks, networks=len(task.networks))
        trainer.fit(
            module,
            datamodule=ExamplesModule(examples, config),
            ckpt_path=checkpoint if resumed else None,
            weights_only=True,
        )
    return module.best


def make_trainer(epochs: int, callbacks: list[Callback], *, networks: int) -> Trainer:
    """Return a trainer for this process: on a GPU if there is one, with others if `torchrun` started them."""
    gpu = torch.cuda.is_available()
    together = processes()
    here = min(together, torch.cuda.device_count()) if gpu else together
    return Trainer(
        accelerator="gpu" if gpu else "cpu",
        devices=here,
        num_nodes=together // here,
        strategy=_strategy(networks) if together > 1 else "auto",
        precision=precision(half=gpu and torch.cuda.is_bf16_supported(including_emulation=False)),
        max_epochs=epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
    )


def _strategy(networks: int) -> str:
    """Return how processes share gradients: where two networks play, one has no part in the loss of the other."""
    return "ddp" if networks == 1 else "ddp_find_unused_parameters_true"


def precision(*, half: bool) -> Literal["bf16-mixed", "32-true"]:
    """Return what networks compute in: brain floats have the range of others, so that no loss is to be scaled."""
    return "bf16-mixed" if half else "32-true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what Lightning tells of its surroundings, and what torch tells Lightning's authors."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r".*isinstance\(treespec, LeafSpec\)", FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let an interrupt be one: Lightning ends the program in its place, and ignores all further ones."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from None
