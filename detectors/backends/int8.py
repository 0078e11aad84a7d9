"""ONNX Runtime with matrices of 8-bit integers. Needs the extra `onnx`.

Weights are kept in 8 bits, in blocks of 32 with a scale each; what they are multiplied by is brought
to 8 bits when it is known, each row for itself. The usual dynamic quantisation takes one scale
for a whole batch: a payment's score then depends on those beside it, by up to half a standard
deviation. Recurrent layers stay in 32 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.api import Floats
from detectors.backends.base import Prepared
from detectors.backends.onnx import exported, session

if TYPE_CHECKING:  # an extra
    from onnx import ModelProto, NodeProto

_BLOCK = 32
_IN_INTEGERS = 4
"""ONNX Runtime's number for: multiply in 8-bit integers. With others it widens the weights first."""


@dataclass(frozen=True, slots=True)
class Int8:
    """Computes products with weights in 8 bits."""

    name: ClassVar[str] = "int8"
    tolerance: ClassVar[float] = 0.5

    def prepare(self, network: nn.Module, example: tuple[Tensor, ...]) -> Prepared:
        """See `Backend.prepare`."""
        model = in_8_bits(exported(network, example)).SerializeToString()
        return Prepared(session(model), len(model))


def in_8_bits(model: "ModelProto") -> "ModelProto":
    """Put the weights of all linear layers of a graph in 8 bits, in place."""
    from onnx import numpy_helper  # noqa: PLC0415 (an extra)
    from onnx.helper import make_opsetid  # noqa: PLC0415

    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    nodes = [after for node in model.graph.node for after in _in_8_bits(node, weights, model)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [each for each in model.graph.initializer if each.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.opset_import.append(make_opsetid("com.microsoft", 1))
    return model


def quantised(matrix: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Round a matrix to 255 steps for each block of its rows.

    Args:
        matrix: (N, K), one row for each output.

    Returns:
        (N, ⌈K/32⌉, 32) steps above -128, and (N, ⌈K/32⌉) float32 sizes of a step.
    """
    outputs, inputs = matrix.shape
    blocks = np.pad(matrix, ((0, 0), (0, -inputs % _BLOCK))).reshape(outputs, -1, _BLOCK)
    size = np.maximum(np.abs(blocks).max(axis=2) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    steps = np.clip(np.rint(blocks / size[:, :, None]), -127, 127)
    return (steps + 128).astype(np.uint8), size


def _in_8_bits(node: "NodeProto", weights: Mapping[str, NDArray[np.generic]], model: "ModelProto") -> "list[NodeProto]":
    """Return what takes the place of a node: itself, or a product in 8 bits and the sum with the bias."""
    from onnx import numpy_helper  # noqa: PLC0415 (an extra)
    from onnx.helper import make_node  # noqa: PLC0415

    if node.op_type not in {"MatMul", "Gemm"} or node.input[1] not in weights:
        return [node]
    weight = np.asarray(weights[node.input[1]], np.float32)
    is_turned = any(each.name == "transB" and each.i for each in node.attribute)
    steps, size = quantised(weight if is_turned else weight.T)
    bias = list(node.input[2:])
    name = node.output[0]
    product = f"{name}.product" if bias else name
    model.graph.initializer.extend(
        (numpy_helper.from_array(steps, f"{name}.steps"), numpy_helper.from_array(size.reshape(-1), f"{name}.size"))
    )
    multiply = make_node(
        "MatMulNBits",
        (node.input[0], f"{name}.steps", f"{name}.size"),
        (product,),
        domain="com.microsoft",
        K=weight.shape[1 if is_turned else 0],
        N=len(steps),
        bits=8,
        block_size=_BLOCK,
        accuracy_level=_IN_INTEGERS,
    )
    return [multiply, *([make_node("Add", (product, *bias), (name,))] if bias else [])]
