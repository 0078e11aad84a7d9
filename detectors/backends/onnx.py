"""ONNX Runtime: the network as one graph, with less between its layers. Needs the extra `onnx`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from detectors.backends.base import Prepared
from detectors.chunks import ROWS
from detectors.models.trained import Compute

if TYPE_CHECKING:  # an extra
    from onnx import ModelProto


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    """Computes in 32 bits like torch, in another order."""

    name: ClassVar[str] = "onnx"
    tolerance: ClassVar[float] = 1e-3

    def prepare(self, network: nn.Module, example: tuple[Tensor, ...]) -> Prepared:
        """See `Backend.prepare`."""
        model = exported(network, example).SerializeToString()
        return Prepared(session(model), len(model))


def exported(network: nn.Module, example: tuple[Tensor, ...]) -> "ModelProto":
    """Return a network as a graph that takes any number of rows.

    Raises:
        ImportError: the extra `onnx` is not installed.
        ValueError: torch cannot express it as one.
    """
    import onnxscript  # noqa: F401, PLC0415 (an extra; torch's own message names no remedy)

    rows = torch.export.Dim("rows", min=2, max=ROWS)
    shapes = tuple({0: rows} for _ in example)
    try:
        with _quiet():
            program = torch.onnx.export(network, example, dynamo=True, dynamic_shapes=shapes, verbose=False)
    except torch.onnx.errors.OnnxExporterError as error:
        raise ValueError(f"torch cannot export its network ({error})") from error
    if program is None:
        raise ValueError("torch exported nothing of its network")
    return program.model_proto


def session(model: bytes) -> Compute:
    """Return what runs a graph in the calling thread, and gives its only output."""
    import onnxruntime  # noqa: PLC0415 (an extra)

    options = onnxruntime.SessionOptions()
    # See `use_one_thread`.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    opened = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in opened.get_inputs()]

    def compute(*inputs: Tensor) -> Tensor:
        given = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
        return torch.from_numpy(opened.run(None, given)[0])

    return compute


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's exporter from telling of its own insides: of libraries it could do more with, and of its future."""
    talks = logging.getLogger("torch.onnx")
    level = talks.level
    talks.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        talks.setLevel(level)
