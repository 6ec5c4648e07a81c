"""If, Loop and Scan, nested, with values captured over several levels; functions of the model; initializers in bodies."""

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

from draw import Draw, build, np_type, one, opset_for, tensor

UNARY = ["Relu", "Neg", "Abs", "Tanh", "Sigmoid", "Identity", "Floor", "Softsign"]
BINARY = ["Add", "Sub", "Mul", "Max", "Min"]


def node(op, ins, outs, **attrs):
    return helper.make_node(op, ins, outs, **attrs)


class Names:
    """Fresh names, and the float values of one shape that are in sight."""

    def __init__(self):
        self.n = 0

    def fresh(self, stem="t"):
        self.n += 1
        return f"{stem}{self.n}"


def info(name, elem=T.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, elem, shape)


def step(d, names, sight):
    """One node over values in sight."""
    out = names.fresh()
    if d.chance(0.4):
        return node(d.pick(UNARY), [d.pick(sight)], [out])
    return node(d.pick(BINARY), [d.pick(sight), d.pick(sight)], [out])


def body_nodes(d, names, sight, depth):
    """A few nodes, now and then with a nested If or Loop; returns (nodes, name of the last value, weights)."""
    nodes, weights = [], []
    sight = list(sight)
    if d.chance(0.4):
        w = names.fresh("w")
        weights.append(tensor(w, d.array(T.FLOAT, (3,))))
        sight.append(w)
    if d.chance(0.3):
        c = names.fresh("c")
        nodes.append(node("Constant", [], [c], value=tensor("", d.array(T.FLOAT, (1,)))))
        sight.append(c)
    for _ in range(d.int(1, 3)):
        n = step(d, names, sight)
        nodes.append(n)
        sight.append(n.output[0])
    if depth > 0 and d.chance(0.7):
        more, out = (branch if d.chance(0.5) else loop_node)(d, names, sight, depth - 1)
        nodes += more
        sight.append(out)
    last = names.fresh("o")
    nodes.append(node("Add", [sight[-1], d.pick(sight)], [last]))
    return nodes, last, weights


def graph(nodes, ins, outs, weights=()):
    return helper.make_graph(nodes, "b", ins, outs, list(weights))


def condition(d, names, sight):
    """Nodes that compute a scalar bool from values in sight."""
    s, c = names.fresh("s"), names.fresh("c")
    k = names.fresh("k")
    return [node("ReduceSum", [d.pick(sight)], [s], keepdims=0), node("Constant", [], [k], value=tensor("", np.float32(d.g.uniform(-3, 3)) * np.ones((), np.float32))),
            node(d.pick("Less", "Greater"), [s, k], [c])], c


def branch(d, names, sight, depth):
    """An If over values in sight. Returns (nodes, output)."""
    nodes, c = condition(d, names, sight)
    out = names.fresh("y")
    sides = []
    for _ in range(2):
        inner, last, weights = body_nodes(d, names, sight, depth)
        sides.append(graph(inner, [], [info(last)], weights))
    nodes.append(node("If", [c], [out], then_branch=sides[0], else_branch=sides[1]))
    return nodes, out


def loop_node(d, names, sight, depth):
    """A Loop that carries one value. Returns (nodes, output)."""
    nodes, out = [], names.fresh("y")
    m, start = names.fresh("m"), d.pick(sight)
    nodes.append(node("Constant", [], [m], value=tensor("", np.array(d.int(0, 4), np.int64))))
    # the carried value keeps its shape only if it has the full one
    full = names.fresh("f")
    nodes.append(node("Add", [sight[0], start], [full]))
    i, ci, v, co = (names.fresh(s) for s in ("i", "ci", "v", "co"))
    inner, last, weights = body_nodes(d, names, [*sight, v], depth)
    half = names.fresh("h")
    inner.append(node("Tanh", [last], [half]))
    carried = names.fresh("vo")
    inner.append(node("Add", [sight[0], half], [carried]))
    if d.chance(0.6):
        inner.append(node("Identity", [ci], [co]))
    else:
        more, c = condition(d, names, [v, carried])
        inner += more
        inner.append(node("Identity", [c], [co]))
    shape = None if d.chance(0.6) else [None, 3]
    body = graph(inner, [info(i, T.INT64, []), info(ci, T.BOOL, []), info(v, T.FLOAT, shape)], [info(co, T.BOOL, []), info(carried, T.FLOAT, shape)], weights)
    nodes.append(node("Loop", [m, "", full], [out], body=body))
    return nodes, out


def nested(d):
    """If and Loop up to four levels deep."""
    names = Names()
    feeds = {"x": d.array(T.FLOAT, (2, 3)), "z": d.array(T.FLOAT, d.pick([(3,), (2, 3), (1, 3)]))}
    nodes, out = (branch if d.chance() else loop_node)(d, names, ["x", "z"], d.int(0, 3))
    nodes.append(node("Identity", [out], ["y"]))
    return build(d, nodes, feeds, ["y"], d.pick(11, 12, 13, 14, 16, 18, 19, 21, 23, 24, 25), types={"y": helper.make_tensor_type_proto(T.FLOAT, None)}, atol=1e-4)


def loop(d):
    """A Loop with trip count and condition given or not, several carried values and scan outputs, iteration number used."""
    elem = d.pick(T.FLOAT, T.FLOAT, T.INT64, T.DOUBLE, T.INT32)
    shape = d.shape(0, 2, 3, 0)
    opset, since = opset_for(d, "Loop", lowest=8, highest=26)
    trips = d.int(0, 5)
    limit = d.int(0, 4)
    feeds = {"x": d.array(elem, shape), "v0": d.array(elem, shape)}
    ins = ["", "", "v0"]
    inner = [node("Cast", ["i"], ["ic"], to=elem), node("Add", ["v", "x"], ["t"]), node("Add", ["t", "ic"], ["vo"])]
    if d.chance(0.7):
        feeds["m"] = np.array(trips if d.chance(0.8) else trips, np.int64)
        ins[0] = "m"
    if d.chance(0.5):
        feeds["c"] = np.array(d.chance(0.85))
        ins[1] = "c"
    if ins[0] == "" or d.chance(0.4):
        inner += [node("Constant", [], ["lim"], value=tensor("", np.array(limit, np.int64))), node("Less", ["i", "lim"], ["co"])]
    else:
        inner += [node("Identity", ["ci"], ["co"])]
    if since < 11:
        for n in inner:
            if n.op_type == "Less" and opset < 9:
                return None
    outs, body_outs = ["y"], [info("co", T.BOOL, []), info("vo", elem, list(shape))]
    body_ins = [info("i", T.INT64, []), info("ci", T.BOOL, []), info("v", elem, list(shape))]
    if d.chance(0.4):
        feeds["u0"] = d.array(elem, shape)
        ins.append("u0")
        body_ins.append(info("u", elem, list(shape)))
        inner.append(node("Identity", ["t"], ["uo"]) if d.chance() else node("Identity", ["u"], ["uo"]))
        body_outs.append(info("uo", elem, list(shape)))
        outs.append("uf")
    for k in range(d.int(0, 2)):
        inner.append(node(d.pick("Identity", "Neg", "Abs"), [d.pick("vo", "t", "v")], [f"so{k}"]))
        body_outs.append(info(f"so{k}", elem, list(shape)))
        outs.append(f"s{k}")
    if d.chance(0.2):
        inner.append(node("Identity", ["i"], ["si"]))
        body_outs.append(info("si", T.INT64, []))
        outs.append("is")
    nodes = [node("Loop", ins, outs, body=graph(inner, body_ins, body_outs))]
    return build(d, nodes, feeds, outs, opset)


def loop_vector_scalars(d):
    """A Loop whose body declares iteration number and condition as vectors of one element."""
    inner = [node("Cast", ["i"], ["ic"], to=T.FLOAT), node("Add", ["v", "ic"], ["vo"]), node("Identity", ["ci"], ["co"])]
    one_ = lambda: [1] if d.chance(0.6) else []
    body = graph(inner, [info("i", T.INT64, one_()), info("ci", T.BOOL, one_()), info("v", T.FLOAT, [3])], [info("co", T.BOOL, one_()), info("vo", T.FLOAT, [3])])
    feeds = {"m": np.array([d.int(0, 4)], np.int64), "c": np.array([True]), "v0": d.array(T.FLOAT, (3,))}
    if d.chance():
        feeds["m"] = feeds["m"].reshape(())
    if d.chance():
        feeds["c"] = feeds["c"].reshape(())
    return build(d, [node("Loop", ["m", "c", "v0"], ["y"], body=body)], feeds, ["y"], d.pick(11, 13, 16, 19, 21))


def loop_sequence(d):
    """A Loop that carries a sequence, growing it."""
    elem = d.pick(T.FLOAT, T.INT64)
    seq = helper.make_sequence_type_proto(helper.make_tensor_type_proto(elem, None))
    inner = [node("Identity", ["ci"], ["co"]), node("Cast", ["i"], ["ic"], to=elem), node("Add", ["x", "ic"], ["t"]), node("SequenceInsert", ["q", "t"], ["qo"])]
    body = graph(inner, [info("i", T.INT64, []), info("ci", T.BOOL, []), helper.make_value_info("q", seq)], [info("co", T.BOOL, []), helper.make_value_info("qo", seq)])
    feeds = {"x": d.array(elem, d.shape(1, 2, 4, 0)), "m": np.array(d.int(1, 4), np.int64)}
    nodes = [node("SequenceEmpty", [], ["q0"], dtype=elem), node("Loop", ["m", "", "q0"], ["qf"], body=body)]
    if d.chance():
        nodes.append(node("ConcatFromSequence", ["qf"], ["y"], axis=0, new_axis=d.int(0, 1)))
    else:
        nodes += [node("SequenceLength", ["qf"], ["n"]), node("SequenceAt", ["qf", "k"], ["y"])]
        feeds["k"] = np.array(-1, np.int64)
    return build(d, nodes, feeds, ["y"], d.pick(13, 16, 18, 21))


def shapes_if(d):
    """If whose branches give other shapes."""
    x = d.array(T.FLOAT, (2, 3))
    op, attrs = d.pick([("ReduceSum", {"keepdims": 0}), ("Transpose", {}), ("Flatten", {"axis": 0}), ("Shape", None)])
    if attrs is None:
        t = [node("Constant", [], ["k"], value=tensor("", np.array([1], np.int64))), node("Unsqueeze", ["x", "k"], ["t"])]
    else:
        t = [node(op, ["x"], ["t"], **attrs)]
    e = [node("Identity", ["x"], ["e"])]
    sides = [graph(t, [], [info("t")]), graph(e, [], [info("e")])]
    if d.chance():
        sides.reverse()
    nodes = [node("If", ["c"], ["y"], then_branch=sides[0], else_branch=sides[1])]
    return build(d, nodes, {"c": np.array(d.chance()), "x": x}, ["y"], d.pick(13, 16, 19, 21), types={"y": helper.make_tensor_type_proto(T.FLOAT, None)})


def old_if(d):
    """If of versions 1 to 10, whose branches were typed more narrowly."""
    opset = d.int(1, 10)
    x = d.array(T.FLOAT, (2, 3))
    sides = [graph([node(d.pick("Relu", "Neg", "Tanh"), ["x"], [o])], [], [info(o, T.FLOAT, [2, 3])]) for o in ("t", "e")]
    nodes = [node("If", ["c"], ["y"], then_branch=sides[0], else_branch=sides[1])]
    return build(d, nodes, {"c": np.array(d.chance()), "x": x}, ["y"], opset, types={"y": helper.make_tensor_type_proto(T.FLOAT, None)})


def shadowed(d):
    """Names inside a body that also exist outside of it, in sibling bodies and in nested ones."""
    side = lambda op: graph([node(op, ["x"], ["t"]), node("Mul", ["t", "w"], ["u"])], [], [info("u")], [tensor("w", d.array(T.FLOAT, (3,)))])
    nodes = [node("If", ["c"], ["y1"], then_branch=side("Neg"), else_branch=side("Abs")),
             node("If", ["c2"], ["y2"], then_branch=side("Relu"), else_branch=side("Tanh")), node("Add", ["y1", "y2"], ["y"])]
    feeds = {"x": d.array(T.FLOAT, (2, 3)), "c": np.array(d.chance()), "c2": np.array(d.chance())}
    return build(d, nodes, feeds, ["y"], d.pick(13, 16, 19, 21), types={"y": helper.make_tensor_type_proto(T.FLOAT, None)})


def scan(d):
    """Scan of version 9 and later: axes and directions of inputs and outputs, captured values, several states."""
    opset, since = opset_for(d, "Scan", lowest=9, highest=26)
    n = d.int(1, 4)
    elem = d.pick(T.FLOAT, T.FLOAT, T.DOUBLE, T.INT64)
    row = d.shape(1, 2, 3, 0)
    count, states, outputs = d.int(1, 2), d.int(0, 2), d.int(0, 2)
    if states + outputs == 0:
        outputs = 1
    negative = since >= 11
    feeds, ins, body_ins = {}, [], []
    for s in range(states):
        feeds[f"s{s}"] = d.array(elem, row)
        body_ins.append(info(f"a{s}", elem, list(row)))
    axes = [d.int(0, len(row)) for _ in range(count)]
    for k, a in enumerate(axes):
        feeds[f"x{k}"] = d.array(elem, (*row[:a], n, *row[a:]))
        body_ins.append(info(f"b{k}", elem, list(row)))
    ins = list(feeds)
    sight = [i.name for i in body_ins]
    if d.chance():
        feeds["outer"] = d.array(elem, row)
        sight.append("outer")
    inner, names = [], Names()
    for _ in range(d.int(1, 4)):
        nd = node(d.pick("Add", "Sub", "Max" if opset >= 12 or elem in (T.FLOAT, T.DOUBLE) else "Add"), [d.pick(sight), d.pick(sight)], [names.fresh()])
        inner.append(nd)
        sight.append(nd.output[0])
    body_outs = []
    for s in range(states):
        inner.append(node("Identity", [d.pick(sight)], [f"so{s}"]))
        body_outs.append(info(f"so{s}", elem, list(row)))
    for k in range(outputs):
        inner.append(node("Identity", [d.pick(sight)], [f"z{k}"]))
        body_outs.append(info(f"z{k}", elem, list(row)))
    sign = lambda a: a - len(row) - 1 if negative and d.chance(0.3) else a
    attrs = {"num_scan_inputs": count}
    if any(axes) or d.chance():
        attrs["scan_input_axes"] = [sign(a) for a in axes]
    if d.chance():
        attrs["scan_input_directions"] = [d.int(0, 1) for _ in range(count)]
    if outputs and d.chance():
        attrs["scan_output_axes"] = [sign(d.int(0, len(row))) for _ in range(outputs)]
    if outputs and d.chance():
        attrs["scan_output_directions"] = [d.int(0, 1) for _ in range(outputs)]
    outs = [f"y{s}" for s in range(states)] + [f"w{k}" for k in range(outputs)]
    nodes = [node("Scan", ins, outs, body=graph(inner, body_ins, body_outs), **attrs)]
    return build(d, nodes, feeds, outs, opset, only="ort")


def scan8(d):
    """Scan of version 8: a batch dimension, sequence lengths, directions."""
    b, n = d.int(1, 3), d.int(1, 4)
    row = d.shape(1, 2, 3, 0)
    feeds = {}
    ins = [""]
    if d.chance():
        feeds["lens"] = d.g.integers(1, n + 1, b).astype(np.int64)
        ins = ["lens"]
    feeds["s"] = d.array(T.FLOAT, (b, *row))
    feeds["x"] = d.array(T.FLOAT, (b, n, *row))
    ins += ["s", "x"]
    inner = [node("Add", ["a", "v"], ["so"]), node("Mul", ["so", "v"], ["z"])]
    body = graph(inner, [info("a", T.FLOAT, list(row)), info("v", T.FLOAT, list(row))], [info("so", T.FLOAT, list(row)), info("z", T.FLOAT, list(row))])
    attrs = {"num_scan_inputs": 1}
    if d.chance():
        attrs["directions"] = [d.int(0, 1)]
    return build(d, [node("Scan", ins, ["y", "w"], body=body, **attrs)], feeds, ["y", "w"], 8, only="ort")


# ---- functions of the model


def functions(d):
    """Calls of local functions: nested, overloaded, with attributes by reference and defaults, used in bodies."""
    opset = d.pick(18, 19, 21, 23)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("my", 1)]
    x = d.array(T.FLOAT, (2, 3))
    made = []

    def function(name, ins, outs, nodes, attributes=(), defaults=(), overload=""):
        f = helper.make_function("my", name, ins, outs, nodes, imports, list(attributes), list(defaults))
        if overload:
            f.overload = overload
        made.append(f)

    def ref(n, attr, of, kind):
        a = onnx.AttributeProto(name=attr, ref_attr_name=of, type=kind)
        n.attribute.append(a)
        return n

    leaky = ref(node("LeakyRelu", ["a"], ["t"]), "alpha", "slope", onnx.AttributeProto.FLOAT)
    function("Act", ["a", "b"], ["o"], [leaky, node("Add", ["t", "b"], ["o"])], ["slope"] if d.chance() else (),
             [] if False else ([helper.make_attribute("slope", 0.25)] if d.chance() else []))
    if not made[0].attribute and not made[0].attribute_proto:
        made[0].attribute.append("slope")
    if made[0].attribute_proto and made[0].attribute:
        made[0].attribute.pop()
    has_default = bool(made[0].attribute_proto)
    call = node("Act", ["p", "p"], ["q"], domain="my")
    if not has_default or d.chance():
        ref(call, "slope", "outer_slope", onnx.AttributeProto.FLOAT)
        attrs = ["outer_slope"]
    else:
        attrs = []
    tail = [node("Mul", ["q", "p"], ["r"])]
    if d.chance(0.4):  # a body inside a function, which sees the function's values
        then = graph([node("Neg", ["r"], ["t1"])], [], [info("t1")])
        other = graph([node("Act", ["r", "p"], ["t2"], domain="my", slope=0.5)], [], [info("t2")])
        tail += [node("ReduceSum", ["p"], ["sum"], keepdims=0), node("Constant", [], ["zero"], value_float=0.0),
                 node("Less", ["sum", "zero"], ["neg"]), node("If", ["neg"], ["s"], then_branch=then, else_branch=other)]
    else:
        tail += [node("Relu", ["r"], ["s"])]
    function("Outer", ["p"], ["s"], [call, *tail], attrs)
    outer = node("Outer", ["x"], ["u"], domain="my", **({"outer_slope": 0.1} if attrs else {}))
    nodes = [outer]
    last = "u"
    if d.chance(0.4):
        function("Act", ["a"], ["o"], [node("Sigmoid", ["a"], ["o"])], overload="one")
        n = node("Act", ["u"], ["u2"], domain="my")
        n.overload = "one"
        nodes.append(n)
        last = "u2"
    if d.chance(0.4):
        t = graph([node("Act", [last, "x"], ["v1"], domain="my", slope=0.3)], [], [info("v1")])
        e = graph([node("Identity", [last], ["v2"])], [], [info("v2")])
        nodes += [node("If", ["c"], ["y"], then_branch=t, else_branch=e)]
        feeds = {"x": x, "c": np.array(d.chance())}
    else:
        nodes += [node("Identity", [last], ["y"])]
        feeds = {"x": x}
    return build(d, nodes, feeds, ["y"], opset, functions=made, domains=[("my", 1)], types={"y": helper.make_tensor_type_proto(T.FLOAT, None)})


def function_optional(d):
    """A function called with fewer inputs, and whose second output is not used."""
    opset = d.pick(18, 21)
    imports = [helper.make_opsetid("", opset)]
    f = helper.make_function("my", "F", ["a", "b", "lo"], ["o", "p"], [node("Clip", ["a", "lo", "b"], ["o"]), node("Shape", ["o"], ["p"])], imports)
    x, b = d.array(T.FLOAT, (2, 3)), d.array(T.FLOAT)
    kind = d.int(0, 2)
    call = [node("F", ["x"], ["y"], domain="my"), node("F", ["x", "b"], ["y", "s"], domain="my"), node("F", ["x", "", "b"], ["", "s"], domain="my")][kind]
    feeds = {"x": x} if kind == 0 else {"x": x, "b": b}
    outs = [["y"], ["y", "s"], ["s"]][kind]
    types = {"y": helper.make_tensor_type_proto(T.FLOAT, None), "s": helper.make_tensor_type_proto(T.INT64, None)}
    y = x if kind == 0 else np.minimum(x, b)
    s = np.array(x.shape, np.int64)
    return build(d, [call], feeds, outs, opset, functions=[f], domains=[("my", 1)], types={o: types[o] for o in outs},
                 own={"numpy": [[y], [y, s], [s]][kind]})


FAMILIES = {
    "nested": nested, "loop": loop, "loop_vector_scalars": loop_vector_scalars, "loop_sequence": loop_sequence, "shapes_if": shapes_if, "old_if": old_if,
    "shadowed": shadowed, "scan": scan, "scan8": scan8, "functions": functions, "function_optional": function_optional,
}
