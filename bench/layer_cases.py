"""The cases of operators.py that are layers: products, convolutions, pooling, normalisation."""

import math

import numpy as np

from operator_cases import IMAGE, RNG, Case, ints, normal, uniform


def layers():
    for part in (products, convolutions, transposed, pooling, norms, activations, small_types):
        yield from part()


def products():
    shapes = ((1024, 1024, 1024), (128, 768, 768), (128, 3072, 768), (128, 768, 3072), (16, 768, 768), (1, 768, 3072), (1, 2048, 8192), (8, 2048, 2048), (3136, 64, 256), (49, 512, 2048))
    for m, k, n in shapes:
        yield Case("product", f"MatMul/{m}x{k}x{n}", "MatMul", [normal(m, k), normal(k, n)], constant=(1,), flops=2 * m * k * n)
    yield Case("product", "MatMul/heads scores", "MatMul", [normal(12, 128, 64), normal(12, 64, 128)], flops=2 * 12 * 128 * 128 * 64)
    yield Case("product", "MatMul/heads values", "MatMul", [normal(12, 128, 128), normal(12, 128, 64)], flops=2 * 12 * 128 * 128 * 64)
    yield Case("product", "Gemm/128x768x3072", "Gemm", [normal(128, 768), normal(3072, 768), normal(3072)], {"transB": 1}, constant=(1, 2), flops=2 * 128 * 768 * 3072)
    yield Case("product", "Gemm/transposed A", "Gemm", [normal(768, 128), normal(768, 768)], {"transA": 1}, constant=(1,), flops=2 * 128 * 768 * 768)
    for name, equation, a, b in (("heads", "bqhd,bkhd->bhqk", (1, 128, 12, 64), (1, 128, 12, 64)), ("outer", "i,j->ij", (1024,), (1024,)), ("project", "bsd,dhk->bshk", (1, 128, 768), (768, 12, 64))):
        yield Case("product", f"Einsum/{name}", "Einsum", [normal(*a), normal(*b)], {"equation": equation})


def convolution(name, image, filters, kernel, groups=1, chained=1, opset=21, **attrs):
    """A convolution with constant weights and bias, or a chain of them, so that layouts change once at each end."""
    channels = image[1]
    size = [image[i + 2] for i in range(len(kernel))]
    pads = attrs.get("pads", [0] * 2 * len(kernel))
    out = [(s + pads[i] + pads[i + len(kernel)] - attrs.get("dilations", [1] * len(kernel))[i] * (k - 1) - 1) // attrs.get("strides", [1] * len(kernel))[i] + 1 for i, (s, k) in enumerate(zip(size, kernel))]
    flops = 2 * image[0] * math.prod(out) * filters * channels // groups * math.prod(kernel) * chained
    weights = normal(filters, channels // groups, *kernel) * np.float32(1 / math.sqrt(channels // groups * math.prod(kernel)))
    return Case("convolution", f"Conv/{name}", "Conv", [normal(*image), weights, normal(filters)], {"group": groups, "kernel_shape": list(kernel), **attrs}, constant=(1, 2), chained=chained, opset=opset, flops=flops)


def convolutions():
    same = {"pads": [1, 1, 1, 1]}
    yield convolution("1x1 256@28", (1, 256, 28, 28), 256, (1, 1), chained=4)
    yield convolution("1x1 96@56", (1, 96, 56, 56), 96, (1, 1), chained=4)
    yield convolution("3x3 64@56", (1, 64, 56, 56), 64, (3, 3), chained=4, **same)
    yield convolution("3x3 256@14", (1, 256, 14, 14), 256, (3, 3), chained=4, **same)
    yield convolution("3x3 512@7", (1, 512, 7, 7), 512, (3, 3), chained=4, **same)
    yield convolution("3x3 32@112", (1, 32, 112, 112), 32, (3, 3), chained=4, **same)
    yield convolution("5x5 64@28", (1, 64, 28, 28), 64, (5, 5), chained=4, pads=[2, 2, 2, 2])
    yield convolution("3x3 s2 64@56", (1, 64, 56, 56), 128, (3, 3), strides=[2, 2], **same)
    yield convolution("7x7 s2 3@224", (1, 3, 224, 224), 64, (7, 7), strides=[2, 2], pads=[3, 3, 3, 3])
    yield convolution("16x16 s16 3@224", (1, 3, 224, 224), 192, (16, 16), strides=[16, 16])
    yield convolution("dilated 3x3 256@28", (1, 256, 28, 28), 256, (3, 3), dilations=[2, 2], pads=[2, 2, 2, 2], chained=2)
    yield convolution("depthwise 3x3 192@56", (1, 192, 56, 56), 192, (3, 3), 192, chained=4, **same)
    yield convolution("depthwise 5x5 240@28", (1, 240, 28, 28), 240, (5, 5), 240, chained=4, pads=[2, 2, 2, 2])
    yield convolution("depthwise 7x7 96@56", (1, 96, 56, 56), 96, (7, 7), 96, chained=4, pads=[3, 3, 3, 3])
    yield convolution("depthwise s2 96@112", (1, 96, 112, 112), 96, (3, 3), 96, strides=[2, 2], **same)
    yield convolution("depthwise x2 64@56", (1, 64, 56, 56), 128, (3, 3), 64, **same)
    yield convolution("depthwise dilated 192@56", (1, 192, 56, 56), 192, (3, 3), 192, dilations=[2, 2], pads=[2, 2, 2, 2], chained=4)
    yield convolution("32 groups of 8 @28", (1, 256, 28, 28), 256, (3, 3), 32, chained=4, **same)
    yield convolution("32 groups of 4 @56", (1, 128, 56, 56), 128, (3, 3), 32, chained=4, **same)
    yield convolution("4 groups of 16 @56", (1, 64, 56, 56), 64, (3, 3), 4, chained=4, **same)
    yield convolution("1D k3 256@512", (1, 256, 512), 256, (3,), chained=4, pads=[1, 1])
    yield convolution("1D k5 256@512", (1, 256, 512), 256, (5,), chained=4, pads=[2, 2])
    yield convolution("1D k3 dilated 64@8000", (1, 64, 8000), 64, (3,), chained=2, pads=[4, 4], dilations=[4])
    yield convolution("1D depthwise k31 256@512", (1, 256, 512), 256, (31,), 256, chained=4, pads=[15, 15])
    yield convolution("3D 3x3x3 16@16x56x56", (1, 16, 16, 56, 56), 16, (3, 3, 3), pads=[1] * 6)
    yield convolution("3x3 64@56 opset 1", (1, 64, 56, 56), 64, (3, 3), opset=9, **same)
    yield convolution("3x3 64@56 batch 8", (8, 64, 56, 56), 64, (3, 3), **same)
    yield convolution("3x3 20@57 odd", (1, 20, 57, 57), 30, (3, 3), **same)


def transposed():
    for name, image, filters, kernel, groups, attrs in (
        ("k4 s2 64@28", (1, 64, 28, 28), 64, (4, 4), 1, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("k2 s2 128@28", (1, 128, 28, 28), 64, (2, 2), 1, {"strides": [2, 2]}),
        ("k3 s2 64@56", (1, 64, 56, 56), 32, (3, 3), 1, {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ("k3 s1 64@28", (1, 64, 28, 28), 64, (3, 3), 1, {"pads": [1, 1, 1, 1]}),
        ("k4 s2 to 3@56", (1, 64, 56, 56), 3, (4, 4), 1, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("depthwise k4 s2 64@56", (1, 64, 56, 56), 64, (4, 4), 64, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("1D k16 s8 64@512", (1, 64, 512), 32, (16,), 1, {"strides": [8], "pads": [4, 4]}),
    ):
        weights = normal(image[1], filters // groups, *kernel) * np.float32(0.1)
        flops = 2 * math.prod(image) * filters // groups * math.prod(kernel)
        yield Case("transposed", f"ConvTranspose/{name}", "ConvTranspose", [normal(*image), weights, normal(filters)], {"group": groups, "kernel_shape": list(kernel), **attrs}, constant=(1, 2), flops=flops)


def pooling():
    for op in ("MaxPool", "AveragePool"):
        yield Case("pooling", f"{op}/3x3 s2", op, [normal(*IMAGE)], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
        yield Case("pooling", f"{op}/2x2 s2", op, [normal(*IMAGE)], {"kernel_shape": [2, 2], "strides": [2, 2]})
        yield Case("pooling", f"{op}/3x3 s1", op, [normal(*IMAGE)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
        yield Case("pooling", f"{op}/5x5 s1", op, [normal(*IMAGE)], {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]})
        yield Case("pooling", f"{op}/1D k3 s2", op, [normal(1, 64, 16384)], {"kernel_shape": [3], "strides": [2], "pads": [1, 1]})
    yield Case("pooling", "MaxPool/u8 3x3 s2", "MaxPool", [RNG.integers(0, 256, IMAGE, np.uint8)], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
    yield Case("pooling", "LpPool/3x3 s2", "LpPool", [normal(*IMAGE)], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, opset=18)


def norms():
    for rows, width in ((1024, 1024), (128, 768), (3136, 96), (65536, 16)):
        yield Case("norm", f"LayerNormalization/{rows}x{width}", "LayerNormalization", [normal(rows, width), normal(width), normal(width)], constant=(1, 2))
        yield Case("norm", f"RMSNormalization/{rows}x{width}", "RMSNormalization", [normal(rows, width), normal(width)], constant=(1,), opset=23)
        yield Case("norm", f"Softmax/{rows}x{width}", "Softmax", [normal(rows, width)])
    yield Case("norm", "Softmax/middle", "Softmax", [normal(32, 256, 128)], {"axis": 1})
    yield Case("norm", "Softmax/opset 11", "Softmax", [normal(64, 16, 1024)], {"axis": 2}, opset=11)
    yield Case("norm", "SkipLayerNormalization", "SkipLayerNormalization", [normal(1, 1024, 1024), normal(1, 1024, 1024), normal(1024), normal(1024)], constant=(2, 3), domain="com.microsoft")
    yield Case("norm", "InstanceNormalization", "InstanceNormalization", [normal(*IMAGE), normal(64), normal(64)], constant=(1, 2))
    yield Case("norm", "GroupNormalization", "GroupNormalization", [normal(*IMAGE), normal(64), normal(64)], {"num_groups": 8}, constant=(1, 2))
    yield Case("norm", "BatchNormalization", "BatchNormalization", [normal(*IMAGE), normal(64), normal(64), normal(64), uniform(0.5, 2, 64)], constant=(1, 2, 3, 4), opset=15)
    yield Case("norm", "BatchNormalization/channels last", "BatchNormalization", [normal(16384, 64), normal(64), normal(64), normal(64), uniform(0.5, 2, 64)], constant=(1, 2, 3, 4), opset=15)
    yield Case("norm", "MeanVarianceNormalization", "MeanVarianceNormalization", [normal(*IMAGE)], {"axes": [0, 2, 3]}, opset=13)
    yield Case("norm", "LpNormalization", "LpNormalization", [normal(1024, 1024)], {"axis": 1}, opset=22)
    yield Case("norm", "LRN", "LRN", [normal(*IMAGE)], {"size": 5})


def activations():
    yield Case("activation", "Swish", "Swish", [normal()], opset=24)
    for op in ("FastGelu", "QuickGelu", "BiasGelu"):
        yield Case("activation", op, op, [normal()] + [normal(1024)] * (op == "BiasGelu"), domain="com.microsoft", constant=(1,))
    yield Case("activation", "Gelu/768", "Gelu", [normal(128, 3072)])
    yield Case("activation", "Gelu/768 tanh", "Gelu", [normal(128, 3072)], {"approximate": "tanh"})


def small_types():
    """Copies, comparisons and arithmetic of types other than float32."""
    types = {"u8": np.uint8, "f16": np.float16, "i64": np.int64, "f64": np.float64, "i32": np.int32, "i8": np.int8}
    for name, t in types.items():
        x = RNG.integers(0, 100, (1024, 1024)).astype(t)
        y = RNG.integers(1, 100, (1024, 1024)).astype(t)
        for form, shape, perm in (("2D", (1024, 1024), (1, 0)), ("to NHWC", IMAGE, (0, 2, 3, 1)), ("heads", (8, 128, 16, 64), (0, 2, 1, 3))):
            if name != "i32":
                yield Case("types", f"Transpose/{form} {name}", "Transpose", [x.reshape(shape)], {"perm": list(perm)})
        for op in "Add Mul Div Max Equal Less".split():
            if np.dtype(t).itemsize == 1 and op in "Add Mul Div".split() or name == "f16" and op in ("Equal", "Less"):
                continue
            yield Case("types", f"{op} {name}", op, [x, y])
            if op in "Add Less".split():
                yield Case("types", f"{op}/scalar {name}", op, [x, y[0, 0]])
        for op, axis in (("ReduceSum", 1), ("ReduceSum", 0), ("ReduceMax", 1), ("ReduceMax", 0)):
            if op == "ReduceMax" or np.dtype(t).itemsize > 2:
                yield Case("types", f"{op}/{axis} {name}", op, [x, ints(axis)], constant=(1,))
        yield Case("types", f"Gather/rows {name}", "Gather", [x, RNG.integers(0, 1024, 1024)])
        yield Case("types", f"Where {name}", "Where", [x > 50, x, y])
        yield Case("types", f"Concat {name}", "Concat", [x, y], {"axis": 1})
        yield Case("types", f"Slice/step 2 {name}", "Slice", [x, ints(0), ints(1024), ints(1), ints(2)], constant=(1, 2, 3, 4))
        yield Case("types", f"Tile {name}", "Tile", [x[:256, :256].copy(), ints(4, 4)], constant=(1,))
    wide = RNG.integers(-1000, 1000, (1024, 1024))
    yield Case("types", "Abs i64", "Abs", [wide])
    yield Case("types", "Neg i64", "Neg", [wide])
    yield Case("types", "Sign i64", "Sign", [wide])
    yield Case("types", "Clip i64", "Clip", [wide, np.int64(0), np.int64(99)], constant=(1, 2))
    yield Case("types", "Mod i64", "Mod", [wide, np.int64(7)], constant=(1,))
    yield Case("types", "Div/scalar i64", "Div", [wide, np.int64(7)], constant=(1,))
    yield Case("types", "CumSum i64", "CumSum", [wide, np.array(1, np.int64)], constant=(1,))
    yield Case("types", "ArgMax i32", "ArgMax", [wide.astype(np.int32)], {"axis": 1})
    yield Case("types", "ArgMax/last of image", "ArgMax", [normal(*IMAGE)], {"axis": 1})
    yield Case("types", "TopK i64", "TopK", [wide, ints(10)], constant=(1,), outputs=2)
    yield Case("types", "Resize/linear u8", "Resize", [RNG.integers(0, 256, (1, 3, 256, 256), np.uint8), None, np.array([1, 1, 2, 2], np.float32)], {"mode": "linear"}, constant=(2,))
    yield Case("types", "QuantizeLinear", "QuantizeLinear", [normal(), np.float32(0.02), np.uint8(128)], constant=(1, 2))
    yield Case("types", "DequantizeLinear", "DequantizeLinear", [RNG.integers(0, 256, (1024, 1024), np.uint8), np.float32(0.02), np.uint8(128)], constant=(1, 2))
    yield Case("types", "DequantizeLinear/channels", "DequantizeLinear", [RNG.integers(0, 256, (1024, 1024), np.uint8), uniform(0.01, 0.02, 1024), np.full(1024, 128, np.uint8)], {"axis": 0}, constant=(1, 2))
    yield Case("types", "DynamicQuantizeLinear", "DynamicQuantizeLinear", [normal()], outputs=3)
