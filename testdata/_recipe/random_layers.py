"""Writes random-layers.zip: cases of the families of the package layers, and those on which the runners disagree.

    python3 testdata/_recipe/random_layers.py testdata/conformance/random-layers.zip

Of every family some cases on which the answers agree are kept. Where they differ, SETTLED says which one is right by
the specification, and why; such cases carry the reason in the manifest (`note`).
"""

import sys

import ml_dtypes
import numpy as np

import compare
import layers
from layers.draw import Draw, Node

SEED = "kept"
DRAWS = 40  # of each family
AGREED, DISPUTED = 5, 3  # cases kept of each family and of each reason
RECURRENT = 10  # disputed ones of recurrent layers
BYTES = 6000  # a case has at most this size
WIDE = 50000  # or this, in a family of large sizes, of which one case is kept


def attribute(case, name, default=None):
    """The value of an attribute of the case's first node."""
    import onnx

    for a in case.model.graph.node[0].attribute:
        if a.name == name:
            v = onnx.helper.get_attribute_value(a)
            return v.decode() if isinstance(v, bytes) else v
    return default


def opset(case):
    return case.model.opset_import[0].version


def inputs(case):
    return sum(1 for name in case.model.graph.node[0].input if name)


def framed(case):
    """Padding is explicit."""
    return not attribute(case, "auto_pad", "").startswith("SAME")


# family: (side, condition, reason)
SETTLED = {
    "lrn": ("ort", lambda c: True, "the region reaches floor((size-1)/2) channels down and ceil((size-1)/2) up; the reference has one less above"),
    "batchnorm": ("ort", lambda c: opset(c) == 9, "one output: the given statistics are used, not those of the batch"),
    "softmax": ("ort", lambda c: opset(c) < 13, "versions 1 and 11 see the input as a matrix, cut at axis"),
    "lpnorm": ("ort", lambda c: attribute(c, "p", 2) == 1, "the norm of order 1 sums absolute values"),
    "mvn": ("ref", lambda c: True, "the body adds 1e-9 to the deviation: constant values give 0, not 0/0"),
    "maxunpool": ("ref", lambda c: inputs(c) == 3, "indices count positions of the shape without output_shape"),
    "col2im": ("ref", lambda c: max(attribute(c, "dilations", [1])) > 1, "elements of a block lie a dilation apart"),
    "gridsample": ("ort", lambda c: "cubic" in attribute(c, "mode", ""), "border padding clamps each of the neighbours, not the position"),
    "roialign": ("ort", lambda c: opset(c) < 16, "version 10 has no half pixel"),
    "losses": ("ort", lambda c: attribute(c, "ignore_index") == -1, "the mean leaves out ignored elements"),
    "convtranspose": ("ort", lambda c: framed(c) and attribute(c, "output_shape") is None, "bias is for channels of all groups"),
    "maxpool": ("ort", lambda c: framed(c) and attribute(c, "dilations") is None, "asymmetric pads, indices over the whole tensor"),
    "globalpool": ("ort", lambda c: c.model.graph.node[0].op_type == "GlobalMaxPool", "every spatial axis is pooled"),
    "dynamicquantize": ("ort", lambda c: True, "a range without extent has scale 1"),
    "lppool": ("ort", lambda c: framed(c) and attribute(c, "ceil_mode"), "padding adds nothing to a norm; partial windows count"),
    "qlinearconv": ("ort", lambda c: framed(c), "one spatial axis"),
    "attention": ("ref", lambda c: True, "masks are minus infinity; the cache comes before the mask's first column"),
    "lstm": ("own", lambda c: True, "the whole specification, by layers/recurrent.py"),
    "gru": ("own", lambda c: True, "the whole specification, by layers/recurrent.py"),
    "rnn": ("own", lambda c: True, "the whole specification, by layers/recurrent.py"),
}


def found():
    """Nodes on which onnxrun was once wrong and the runners agreed."""
    f16, f32, i8 = np.dtype("float16"), np.dtype("float32"), np.dtype("int8")
    e4m3, e5m2 = np.dtype(ml_dtypes.float8_e4m3fn), np.dtype(ml_dtypes.float8_e5m2)
    x = np.array([[-94.875, 55.875, -35.90625, 3.5, -0.0, 0.25]], f16)
    blocks = [np.full(x.shape, 0.51416, f16), np.full(x.shape, 115, i8)]
    yield "quotient_in_half", Node("QuantizeLinear", 25, [x, *blocks], {"axis": 1, "block_size": 1}, [i8])
    for t in (e4m3, e5m2):
        yield f"zero_keeps_sign_{t.name}", Node("QuantizeLinear", 19, [np.array([-0.0, 0.0, -1.5, 3], f32), np.array(0.5, f32), np.zeros((), t)], {}, [t])
    odd = np.array([np.nan, 1, -np.inf, 300], f32)
    for t in (i8, np.dtype("uint8")):
        yield f"nan_to_{t.name}", Node("QuantizeLinear", 13, [odd, np.array(1, f32), np.zeros((), t)], {}, [t])
    for op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
        yield f"one_symmetric_{op}", Node(op, 17, [np.array(1, np.int64)], {"periodic": 0}, [f32])
    crop = {"mode": "nearest", "coordinate_transformation_mode": "tf_crop_and_resize"}
    halves = np.arange(10, dtype=f16).reshape(2, 5)
    yield "crop_of_halves", Node("Resize", 19, [halves, np.array([0, 0.25, 1, 0.75], f32), None, np.array([2, 3], np.int64)], crop)
    group = np.arange(24, dtype=f32).reshape(2, 4, 3) % 5
    yield "scale_by_group", Node("GroupNormalization", 18, [group, np.array([1, 2], f32), np.array([0, -1], f32)], {"num_groups": 2})


def finite(outputs):
    return all(np.isfinite(np.asarray(y, np.float64)).all() for y in outputs)


def chosen(family, runners):
    """The entries of one family."""
    wide = family.startswith(("wide", "conv_wide"))
    disputes = RECURRENT if family in ("lstm", "gru", "rnn") else DISPUTED
    agreed, disputed = [], []
    for i in range(DRAWS):
        case = compare.make(family, SEED, i, layers.FAMILIES)
        if case is None or len(agreed) >= AGREED and (family not in SETTLED or len(disputed) >= disputes):
            continue
        answers, _ = compare.evaluate(runners, case)
        if len(answers) == 1:
            (source, outputs), kept, most = next(iter(answers.items())), agreed, 1 if wide else AGREED
            if source not in ("both", "ort"):
                continue
        elif len(answers) > 1 and family in SETTLED:
            side, holds, case.extra["note"] = SETTLED[family]
            source = next((s for s in answers if side in s.split("+")), None)
            if source is None or not holds(case) or not finite(answers[source]):
                continue
            outputs, kept, most = answers[source], disputed, disputes
        else:
            continue
        entry = compare.packed(case, source, outputs)
        entry["name"] = case.name
        if len(kept) < most and sum(map(len, entry["files"].values())) <= (WIDE if wide else BYTES):
            kept.append(entry)
    return agreed + disputed


def main():
    runners = compare.Runners()
    entries = [e for family in layers.FAMILIES for e in chosen(family, runners)]
    for name, node in found():
        case = node.case(Draw(compare.Draw(SEED, name)))
        case.name, case.extra["family"] = "r_found_" + name, "found"
        answers, notes = compare.evaluate(runners, case)
        if "both" not in answers:
            raise SystemExit(f"{name}: the runners do not agree: {answers} {notes}")
        entries.append(compare.packed(case, "both", answers["both"]))
    compare.pack.write(sys.argv[1], entries)


if __name__ == "__main__":
    main()
