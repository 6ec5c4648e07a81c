"""Operators that draw random numbers: only element type and shape can be compared. All versions, types and ways to give the shape."""

from onnx import TensorProto as T

from draw import FLOATS, allowed, one, opset_for


def sources(d):
    """RandomNormal and RandomUniform, of a given shape or like a tensor."""
    op = d.pick("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike")
    opset, since = opset_for(d, op)
    attrs = {"mean": 0.5, "scale": 2.0} if "Normal" in op else {"low": -1.0, "high": 3.0}
    attrs = {k: v for k, v in attrs.items() if d.chance()}
    if d.chance():
        attrs["seed"] = float(d.int(0, 99))
    if d.chance():
        attrs["dtype"] = d.pick(allowed(op, since, output=True))
    feeds = {}
    if op.endswith("Like"):
        kinds = [t for t in allowed(op, since) if t in FLOATS] if "dtype" not in attrs else allowed(op, since)
        feeds["x"] = d.array(d.pick(kinds), d.shape(0, 3))
    else:
        attrs["shape"] = list(d.shape(1, 3))
    case = one(d, op, feeds, opset, attrs=attrs)
    case.extra["compare"] = "dtype_shape_only"
    return case


def choices(d):
    """Bernoulli and Multinomial."""
    op = d.pick("Bernoulli", "Multinomial")
    opset, since = opset_for(d, op)
    attrs = {"seed": float(d.int(0, 99))} if d.chance() else {}
    if d.chance():
        attrs["dtype"] = d.pick(allowed(op, since, output=True))
    if op == "Bernoulli":
        x = d.array(d.pick(allowed(op, since)), d.shape(0, 3), 0.0, 1.0)
    else:
        attrs["sample_size"] = d.int(1, 5)
        x = d.array(d.pick(allowed(op, since)), (d.int(1, 3), d.int(1, 4)), -2, 2)
    case = one(d, op, {"x": x}, opset, attrs=attrs)
    case.extra["compare"] = "dtype_shape_only"
    return case


FAMILIES = {"random_sources": sources, "random_choices": choices}
