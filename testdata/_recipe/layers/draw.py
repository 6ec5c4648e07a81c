"""One-node models of layers, on top of draw.py: a family here takes a Draw and returns a Node, or None to decline."""

import functools

import ml_dtypes
import numpy as np
from onnx import helper

import draw
from draw import one

F16, F32, F64, BF16 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64"), np.dtype(ml_dtypes.bfloat16)

# How near the results of half precision are: sums of them are rounded at different places.
HALF = {F16: 8e-3, BF16: 4e-2}

FAMILIES = {}


def family(drawn):
    """Registers a family under the function's name."""

    @functools.wraps(drawn)
    def case(base):
        d = Draw(base)
        node = drawn(d)
        return node and node.case(d)

    FAMILIES[drawn.__name__] = case
    return drawn


class Draw(draw.Draw):
    """A source of choices with what layers want of it."""

    def __init__(self, base):
        self.g = base.g

    def ints(self, n, low, high):
        return [self.int(low, high) for _ in range(n)]

    def batch(self, most):
        """The size of a first axis, now and then none."""
        return 0 if self.chance(0.03) else self.int(1, most)

    def float(self, low, high):
        """A number that float32 holds exactly."""
        return float(np.float32(self.g.uniform(low, high)))

    def dtype(self, *more):
        """float32 in most cases, else one of the others."""
        return self.pick(list(more)) if more and self.chance(0.3) else F32

    def floats(self, shape, dtype=F32, scale=1.0, shift=0.0):
        """Normal numbers."""
        return np.asarray(self.g.standard_normal(tuple(shape)) * scale + shift).astype(dtype)

    def codes(self, shape, dtype, low=None, high=None):
        """Integers over the whole range of the type, or of low..high."""
        info = ml_dtypes.iinfo(dtype)
        low = int(info.min) if low is None else low
        high = int(info.max) if high is None else high
        return np.asarray(self.g.integers(low, high + 1, tuple(shape), dtype=np.int64)).astype(dtype)

    def odd(self, x, p=0.15):
        """x, with chance p sprinkled with NaN, infinities, signed zeros, huge and tiny numbers."""
        if x.size and self.chance(p):
            flat = x.reshape(-1)
            for v in (np.nan, np.inf, -np.inf, -0.0, 6e4, 1e-7):
                if self.chance(0.4):
                    flat[self.int(0, x.size - 1)] = v
        return x


class Node:
    """One node with arrays for its inputs (None: not given) and the element types of its outputs (None: not asked for).

    fixed lists the inputs that stay graph inputs; the others become constants with the given chance. own holds
    outputs by further implementations, by their names.
    """

    def __init__(self, op, opset, inputs, attrs=None, outputs=None, fixed=(0,), constant=0.4, rtol=1e-3, atol=1e-5):
        self.op, self.opset, self.inputs = op, opset, inputs
        self.attrs = {k: v for k, v in (attrs or {}).items() if v is not None}
        self.outputs = [inputs[0].dtype] if outputs is None else outputs
        self.fixed, self.constant = fixed, constant
        half = [HALF[t] for t in self.outputs if t in HALF]
        self.rtol, self.atol = max([rtol, *half]), max([atol, *half])
        self.own = {}

    def case(self, d):
        names = [f"x{i}" for i in range(len(self.inputs))]
        outputs = ["" if t is None else f"y{i}" for i, t in enumerate(self.outputs)]
        types = {n: helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(np.dtype(t)), None) for n, t in zip(outputs, self.outputs) if n}
        return one(d, self.op, dict(zip(names, self.inputs)), self.opset, outputs, attrs=self.attrs, types=types, own=self.own,
                   fixed={names[i] for i in self.fixed if i < len(names)}, constant=self.constant, rtol=self.rtol, atol=self.atol)
