"""Draws a one-node model at random: attributes, shapes, element types, versions, which inputs are constants.

A family is a function that takes a Draw and returns a Node; @family registers it under its name. A case is
named by family, seed and number, and these three alone decide it.
"""

import zlib

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F16, F32, F64, BF16 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64"), np.dtype(ml_dtypes.bfloat16)

# How near the results of half precision are: sums of them are rounded at different places.
HALF = {F16: 8e-3, BF16: 4e-2}

# Element types that numpy itself does not know.
EXTRA = {
    np.dtype(ml_dtypes.bfloat16): TensorProto.BFLOAT16,
    np.dtype(ml_dtypes.float8_e4m3fn): TensorProto.FLOAT8E4M3FN,
    np.dtype(ml_dtypes.float8_e4m3fnuz): TensorProto.FLOAT8E4M3FNUZ,
    np.dtype(ml_dtypes.float8_e5m2): TensorProto.FLOAT8E5M2,
    np.dtype(ml_dtypes.float8_e5m2fnuz): TensorProto.FLOAT8E5M2FNUZ,
    np.dtype(ml_dtypes.float4_e2m1fn): TensorProto.FLOAT4E2M1,
    np.dtype(ml_dtypes.int4): TensorProto.INT4,
    np.dtype(ml_dtypes.uint4): TensorProto.UINT4,
    np.dtype(ml_dtypes.int2): TensorProto.INT2,
    np.dtype(ml_dtypes.uint2): TensorProto.UINT2,
}

FAMILIES = {}


def family(draw):
    """Registers a family under the function's name."""
    FAMILIES[draw.__name__] = draw
    return draw


def elem_type(dtype):
    """Returns the ONNX number of a numpy or ml_dtypes element type."""
    return EXTRA.get(np.dtype(dtype)) or helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


class Draw:
    """Random choices of one case."""

    def __init__(self, name, seed, number):
        self.rng = np.random.default_rng([zlib.crc32(name.encode()), seed, number])

    def int(self, low, high):
        """An integer of low..high, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def ints(self, n, low, high):
        return [self.int(low, high) for _ in range(n)]

    def chance(self, p):
        return bool(self.rng.random() < p)

    def pick(self, *options):
        return options[self.int(0, len(options) - 1)]

    def float(self, low, high):
        """A number that float32 holds exactly."""
        return float(np.float32(self.rng.uniform(low, high)))

    def dtype(self, *more):
        """float32 in most cases, else one of the others."""
        return self.pick(*more) if more and self.chance(0.3) else F32

    def floats(self, shape, dtype=F32, scale=1.0, shift=0.0):
        """Normal numbers."""
        return (self.rng.standard_normal(tuple(shape)) * scale + shift).astype(dtype)

    def codes(self, shape, dtype, low=None, high=None):
        """Integers over the whole range of the type, or of low..high."""
        info = ml_dtypes.iinfo(dtype)
        low = int(info.min) if low is None else low
        high = int(info.max) if high is None else high
        return self.rng.integers(low, high + 1, tuple(shape), dtype=np.int64).astype(dtype)

    def odd(self, x, p=0.15):
        """x, with chance p sprinkled with NaN, infinities, signed zeros, huge and tiny numbers."""
        if x.size and self.chance(p):
            flat = x.reshape(-1)
            for v in (np.nan, np.inf, -np.inf, -0.0, 6e4, 1e-7):
                if self.chance(0.4):
                    flat[self.int(0, x.size - 1)] = v
        return x


class Node:
    """One node with values for its inputs (None: not given) and the element types of its outputs (None: not asked for).

    fixed names the inputs that stay graph inputs, const those that are constants; others are drawn.
    """

    def __init__(self, op, opset, inputs, attrs=None, outputs=None, domain="", fixed=(0,), const=(), rtol=1e-3, atol=1e-5):
        self.op, self.opset, self.domain = op, opset, domain
        self.inputs, self.attrs = list(inputs), {k: v for k, v in (attrs or {}).items() if v is not None}
        while self.inputs and self.inputs[-1] is None:
            self.inputs.pop()
        self.outputs = [inputs[0].dtype] if outputs is None else list(outputs)
        self.fixed, self.const = fixed, const
        half = [HALF[t] for t in self.outputs if t in HALF]
        self.rtol, self.atol = max([rtol, *half]), max([atol, *half])
        self.own = {}  # outputs by further implementations, by their name

    def model(self, draw):
        """Returns the ModelProto and the values of its graph inputs."""
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.inputs)]
        inputs, values, constants = [], [], []
        for i, x in enumerate(self.inputs):
            if x is None:
                continue
            if i in self.const or i not in self.fixed and draw.chance(0.4):
                constants.append(numpy_helper.from_array(x, names[i]))
                continue
            dims = [f"{names[i]}_{a}" if draw.chance(0.2) else n for a, n in enumerate(x.shape)]
            inputs.append(helper.make_tensor_value_info(names[i], elem_type(x.dtype), dims))
            values.append(x)
        outs = ["" if t is None else f"y{i}" for i, t in enumerate(self.outputs)]
        infos = [helper.make_tensor_value_info(n, elem_type(t), None) for n, t in zip(outs, self.outputs) if n]
        node = helper.make_node(self.op, names, outs, domain=self.domain, **self.attrs)
        graph = helper.make_graph([node], "g", inputs, infos, constants)
        imports = [helper.make_opsetid("", 21 if self.domain else self.opset)]
        if self.domain:
            imports.append(helper.make_opsetid(self.domain, self.opset))
        ir = min(onnx.helper.find_min_ir_version_for(imports, ignore_unknown=True), 13)
        return helper.make_model(graph, opset_imports=imports, ir_version=max(ir, 4)), values
