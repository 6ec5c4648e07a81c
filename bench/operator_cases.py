"""The cases of operators.py: one node each, about a million elements."""

from dataclasses import dataclass, field

import numpy as np

RNG = np.random.default_rng(1)
ROWS, COLS = 1024, 1024
IMAGE = (1, 64, 128, 128)


@dataclass
class Case:
    family: str
    name: str
    op: str
    inputs: list
    attrs: dict = field(default_factory=dict)
    constant: tuple = ()  # inputs that are initializers
    outputs: int = 1
    opset: int = 21
    domain: str = ""
    chained: int = 1  # nodes one after another, for layers whose layout changes at both ends
    flops: int = 0


def normal(*shape):
    return RNG.standard_normal(shape or (ROWS, COLS)).astype(np.float32)


def uniform(lo, hi, *shape):
    return RNG.uniform(lo, hi, shape or (ROWS, COLS)).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def cases():
    for part in (unary, binary, comparison, reduction, movement, indexing, assembly, sampling, casts, scans, softmaxes):
        yield from part()


def unary():
    wide = "Abs Neg Ceil Floor Round Sign Relu LeakyRelu Elu Selu Celu ThresholdedRelu HardSigmoid HardSwish Sigmoid Tanh Erf Softplus Softsign Mish Exp Sin Cos Tan Atan Asinh Sinh Cosh Gelu IsNaN IsInf Identity"
    for op in wide.split():
        yield Case("elementwise", op, op, [normal()])
    yield Case("elementwise", "Gelu/tanh", "Gelu", [normal()], {"approximate": "tanh"})
    for op in "Sqrt Log Reciprocal".split():
        yield Case("elementwise", op, op, [uniform(0.1, 4)])
    for op in "Asin Acos Atanh".split():
        yield Case("elementwise", op, op, [uniform(-0.99, 0.99)])
    yield Case("elementwise", "Acosh", "Acosh", [uniform(1, 9)])
    yield Case("elementwise", "Clip", "Clip", [normal(), np.float32(-1), np.float32(1)], constant=(1, 2), opset=13)
    yield Case("elementwise", "Shrink", "Shrink", [normal()], {"lambd": 0.5})
    yield Case("elementwise", "Not", "Not", [normal() > 0])
    yield Case("elementwise", "BitwiseNot", "BitwiseNot", [RNG.integers(0, 99, (ROWS, COLS), np.int32)])


def binary():
    shapes = {"same": (ROWS, COLS), "scalar": (), "row": (COLS,), "column": (ROWS, 1)}
    for op in "Add Sub Mul Div Min Max".split():
        for name, shape in shapes.items():
            b = uniform(0.5, 2, *shape) if shape else np.float32(1.5)
            yield Case("elementwise", f"{op}/{name}", op, [normal(), np.asarray(b)])
    yield Case("elementwise", "Pow/same", "Pow", [uniform(0.1, 3), uniform(-2, 2)])
    yield Case("elementwise", "Pow/square", "Pow", [normal(), np.float32(2)], constant=(1,))
    yield Case("elementwise", "Pow/cube", "Pow", [normal(), np.float32(3)], constant=(1,))
    yield Case("elementwise", "Pow/half", "Pow", [uniform(0, 3), np.float32(0.5)], constant=(1,))
    yield Case("elementwise", "Mod/fmod", "Mod", [normal(), uniform(0.5, 2)], {"fmod": 1})
    yield Case("elementwise", "Mod/int32", "Mod", [RNG.integers(0, 999, (ROWS, COLS), np.int32), RNG.integers(1, 9, (ROWS, COLS), np.int32)])
    yield Case("elementwise", "PRelu/channel", "PRelu", [normal(*IMAGE), normal(64, 1, 1)], constant=(1,))
    yield Case("elementwise", "Add/channel", "Add", [normal(*IMAGE), normal(64, 1, 1)])
    yield Case("elementwise", "Add/int64", "Add", [RNG.integers(0, 99, (ROWS, COLS)), RNG.integers(0, 99, (ROWS, COLS))])
    yield Case("elementwise", "Mul/int32", "Mul", [RNG.integers(0, 99, (ROWS, COLS), np.int32), RNG.integers(0, 99, (ROWS, COLS), np.int32)])
    for op in "Sum Mean".split():
        yield Case("elementwise", f"{op}/3", op, [normal(), normal(), normal()])
    for op in "And Or Xor".split():
        yield Case("elementwise", op, op, [normal() > 0, normal() > 0])
    for op in "BitwiseAnd BitwiseXor".split():
        yield Case("elementwise", op, op, [RNG.integers(0, 99, (ROWS, COLS), np.int32), RNG.integers(0, 99, (ROWS, COLS), np.int32)])
    yield Case("elementwise", "BitShift", "BitShift", [RNG.integers(0, 99, (ROWS, COLS), np.uint32), RNG.integers(0, 9, (ROWS, COLS), np.uint32)], {"direction": "LEFT"})
    yield Case("elementwise", "Where/same", "Where", [normal() > 0, normal(), normal()])
    yield Case("elementwise", "Where/scalar", "Where", [normal() > 0, normal(), np.float32(0)])
    yield Case("elementwise", "Where/mask row", "Where", [normal(COLS) > 0, normal(), np.float32(0)])


def comparison():
    for op in "Equal Greater GreaterOrEqual Less LessOrEqual".split():
        yield Case("comparison", f"{op}/same", op, [normal(), normal()])
        yield Case("comparison", f"{op}/scalar", op, [normal(), np.float32(0.5)])
    yield Case("comparison", "Equal/int64", "Equal", [RNG.integers(0, 9, (ROWS, COLS)), RNG.integers(0, 9, (ROWS, COLS))])


def reduction():
    axes = {"last": ([1], (ROWS, COLS)), "first": ([0], (ROWS, COLS)), "all": ([0, 1], (ROWS, COLS)), "middle": ([1], (32, 256, 128)), "image": ([2, 3], IMAGE), "ends": ([0, 2], (32, 256, 128))}
    for op in "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp".split():
        for name, (ax, shape) in axes.items():
            if op not in ("ReduceSum", "ReduceMean", "ReduceMax") and name in ("image", "ends"):
                continue
            yield Case("reduction", f"{op}/{name}", op, [uniform(0.5, 1.5, *shape), ints(*ax)], constant=(1,))
    for op in "ArgMax ArgMin".split():
        for axis in (0, 1):
            yield Case("reduction", f"{op}/axis {axis}", op, [normal()], {"axis": axis})
    for op in "GlobalAveragePool GlobalMaxPool".split():
        yield Case("reduction", op, op, [normal(*IMAGE)])


def movement():
    forms = {"2D": ((ROWS, COLS), (1, 0)), "to NHWC": (IMAGE, (0, 2, 3, 1)), "to NCHW": ((1, 128, 128, 64), (0, 3, 1, 2)), "heads": ((8, 128, 16, 64), (0, 2, 1, 3)), "reverse": ((64, 128, 128), (2, 1, 0)), "5D": ((4, 8, 32, 32, 32), (0, 3, 1, 4, 2)), "keys": ((8, 128, 16, 64), (0, 2, 3, 1))}
    for name, (shape, perm) in forms.items():
        yield Case("transpose", f"Transpose/{name}", "Transpose", [normal(*shape)], {"perm": list(perm)})
    yield Case("transpose", "DepthToSpace", "DepthToSpace", [normal(*IMAGE)], {"blocksize": 2})
    yield Case("transpose", "SpaceToDepth", "SpaceToDepth", [normal(*IMAGE)], {"blocksize": 2})
    yield Case("transpose", "Expand", "Expand", [normal(1, COLS), ints(ROWS, COLS)], constant=(1,))
    yield Case("transpose", "Expand/column", "Expand", [normal(ROWS, 1), ints(ROWS, COLS)], constant=(1,))
    yield Case("transpose", "Tile", "Tile", [normal(256, 256), ints(4, 4)], constant=(1,))
    yield Case("transpose", "ReverseSequence", "ReverseSequence", [normal(), RNG.integers(1, ROWS, COLS)], {"time_axis": 0, "batch_axis": 1})


def indexing():
    index = RNG.integers(0, ROWS, ROWS)
    everywhere = RNG.integers(0, ROWS, (ROWS, COLS))
    points = np.stack([RNG.integers(0, ROWS, 65536), RNG.integers(0, COLS, 65536)], 1)
    rows = RNG.permutation(ROWS)[:, None]
    yield Case("gather", "Gather/rows", "Gather", [normal(), index])
    yield Case("gather", "Gather/columns", "Gather", [normal(), index], {"axis": 1})
    yield Case("gather", "Gather/embedding", "Gather", [normal(8192, 128), RNG.integers(0, 8192, (8, 1024))], constant=(0,))
    yield Case("gather", "GatherElements/axis 0", "GatherElements", [normal(), everywhere])
    yield Case("gather", "GatherElements/axis 1", "GatherElements", [normal(), everywhere], {"axis": 1})
    yield Case("gather", "GatherND/rows", "GatherND", [normal(), rows])
    yield Case("gather", "GatherND/points", "GatherND", [normal(), points])
    yield Case("scatter", "ScatterElements/axis 0", "ScatterElements", [normal(), everywhere, normal()])
    yield Case("scatter", "ScatterElements/axis 1", "ScatterElements", [normal(), everywhere, normal()], {"axis": 1})
    yield Case("scatter", "ScatterElements/add", "ScatterElements", [normal(), everywhere, normal()], {"axis": 1, "reduction": "add"})
    yield Case("scatter", "ScatterND/rows", "ScatterND", [normal(), rows, normal()])
    yield Case("scatter", "ScatterND/points", "ScatterND", [normal(), points, normal(65536)])
    yield Case("scatter", "ScatterND/add", "ScatterND", [normal(), points, normal(65536)], {"reduction": "add"})
    yield Case("gather", "OneHot", "OneHot", [RNG.integers(0, COLS, ROWS), ints(COLS), np.array([0, 1], np.float32)], constant=(1, 2))
    yield Case("gather", "Compress", "Compress", [normal(), normal(ROWS) > 0], {"axis": 0})
    yield Case("gather", "NonZero", "NonZero", [normal() * (normal() > 0)])


def assembly():
    for axis in (0, 1):
        half = (ROWS // 2, COLS) if axis == 0 else (ROWS, COLS // 2)
        yield Case("concat", f"Concat/axis {axis}", "Concat", [normal(*half), normal(*half)], {"axis": axis})
        yield Case("split", f"Split/axis {axis}", "Split", [normal()], {"axis": axis, "num_outputs": 4}, outputs=4)
    yield Case("concat", "Concat/channels", "Concat", [normal(1, 16, 128, 128) for _ in range(4)], {"axis": 1})
    yield Case("split", "Split/heads", "Split", [normal(8, 128, 3 * 320)], {"axis": 2, "num_outputs": 3}, outputs=3)
    for mode in ("constant", "reflect", "edge", "wrap"):
        yield Case("pad", f"Pad/{mode}", "Pad", [normal(*IMAGE), ints(0, 0, 2, 2, 0, 0, 2, 2)], {"mode": mode}, constant=(1,))
    yield Case("pad", "Pad/rows", "Pad", [normal(), ints(8, 0, 8, 0)], constant=(1,))
    slices = {"rows": ([16], [1000], [0], [1]), "columns": ([16], [1000], [1], [1]), "step 2": ([0], [COLS], [1], [2]), "reverse": ([COLS], [-COLS - 1], [1], [-1]), "reverse rows": ([ROWS], [-ROWS - 1], [0], [-1])}
    for name, (starts, ends, axes, steps) in slices.items():
        yield Case("slice", f"Slice/{name}", "Slice", [normal(), ints(*starts), ints(*ends), ints(*axes), ints(*steps)], constant=(1, 2, 3, 4))
    yield Case("slice", "Trilu", "Trilu", [normal()])
    yield Case("slice", "CenterCropPad", "CenterCropPad", [normal(1, 64, 160, 160), ints(128, 128)], {"axes": [2, 3]}, constant=(1,))


def sampling():
    half = (1, 64, 64, 64)
    up = np.array([1, 1, 2, 2], np.float32)
    odd = np.array([1, 1, 1.7, 1.7], np.float32)
    down = np.array([1, 1, 0.5, 0.5], np.float32)
    for mode in ("nearest", "linear", "cubic"):
        yield Case("resize", f"Resize/{mode} up", "Resize", [normal(*half), None, up], {"mode": mode}, constant=(2,))
        yield Case("resize", f"Resize/{mode} odd", "Resize", [normal(*half), None, odd], {"mode": mode}, constant=(2,))
        yield Case("resize", f"Resize/{mode} down", "Resize", [normal(*IMAGE), None, down], {"mode": mode}, constant=(2,))
    yield Case("resize", "Resize/nearest asymmetric", "Resize", [normal(*half), None, up], {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, constant=(2,))
    yield Case("resize", "Resize/align corners", "Resize", [normal(*half), None, up], {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, constant=(2,))


def casts():
    f = normal()
    for name, source, target in (("f32 f16", f, 10), ("f16 f32", f.astype(np.float16), 1), ("f32 f64", f, 11), ("f64 f32", f.astype(np.float64), 1), ("f32 i32", f * 100, 6), ("i32 f32", (f * 100).astype(np.int32), 1), ("f32 i64", f * 100, 7), ("i64 f32", (f * 100).astype(np.int64), 1), ("f32 u8", np.abs(f * 50), 2), ("u8 f32", np.abs(f * 50).astype(np.uint8), 1), ("f32 bool", f, 9), ("bool f32", f > 0, 1), ("i64 i32", (f * 100).astype(np.int64), 6), ("i32 i64", (f * 100).astype(np.int32), 7), ("f32 bf16", f, 16)):
        yield Case("cast", f"Cast/{name}", "Cast", [source], {"to": target})


def scans():
    for axis in (0, 1):
        yield Case("cumsum", f"CumSum/axis {axis}", "CumSum", [normal(), np.array(axis, np.int64)], constant=(1,))
    yield Case("cumsum", "CumSum/reverse", "CumSum", [normal(), np.array(1, np.int64)], {"reverse": 1, "exclusive": 1}, constant=(1,))
    for k in (1, 10, 256):
        yield Case("topk", f"TopK/rows {k}", "TopK", [normal(), ints(k)], constant=(1,), outputs=2)
    yield Case("topk", "TopK/columns 10", "TopK", [normal(), ints(10)], {"axis": 0}, constant=(1,), outputs=2)
    yield Case("topk", "TopK/long", "TopK", [normal(ROWS * COLS), ints(100)], constant=(1,), outputs=2)
    yield Case("topk", "TopK/smallest", "TopK", [normal(), ints(10)], {"largest": 0}, constant=(1,), outputs=2)


def softmaxes():
    for op in "Softmax LogSoftmax Hardmax".split():
        yield Case("softmax", f"{op}/last", op, [normal()], {"axis": 1})
        yield Case("softmax", f"{op}/short", op, [normal(65536, 16)], {"axis": 1})
        yield Case("softmax", f"{op}/channels", op, [normal(*IMAGE)], {"axis": 1})
