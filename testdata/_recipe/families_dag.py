"""Random graphs of 5 to 30 nodes: elementwise, reductions, moves, shape arithmetic; symbolic inputs."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper

from draw import Draw, build, np_type, tensor

SAFE = ["Relu", "Neg", "Abs", "Tanh", "Sigmoid", "Floor", "Ceil", "Sign", "Softsign", "Erf", "Cos", "Sin", "Identity", "Round"]
PAIR = ["Add", "Sub", "Mul", "Max", "Min"]


class Sheet:
    """Values made so far, with their shapes and element types."""

    def __init__(self, d, opset, elem):
        self.d, self.opset, self.elem = d, opset, elem
        self.nodes, self.shapes, self.weights, self.used = [], {}, {}, set()

    def ints(self, values):
        name = f"k{len(self.weights)}"
        self.weights[name] = np.array(values, np.int64)
        return name

    def add(self, op, ins, shape, **attrs):
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, ins, [out], **attrs))
        self.used.update(ins)
        self.shapes[out] = tuple(shape)
        return out

    def any(self):
        names = list(self.shapes)
        return self.d.pick(names[-6:] if self.d.chance(0.7) else names)

    # steps: each adds a node or a few, or nothing where the shapes do not allow it

    def unary(self):
        x = self.any()
        whole = self.elem in (T.INT32, T.INT64)
        self.add(self.d.pick("Neg", "Abs", "Sign", "Identity") if whole else self.d.pick(SAFE), [x], self.shapes[x])

    def pair(self):
        x, y = self.any(), self.any()
        try:
            shape = np.broadcast_shapes(self.shapes[x], self.shapes[y])
        except ValueError:
            return self.unary()
        if np.prod(shape) < 3000:
            self.add(self.d.pick(PAIR), [x, y], shape)

    def clip(self):
        x = self.any()
        lo, hi = f"w{len(self.weights)}", f"w{len(self.weights) + 1}"
        self.weights[lo], self.weights[hi] = (np.array(v).astype(np_type(self.elem)) for v in (-3, 3))
        self.add("Clip", [x, lo, hi], self.shapes[x])

    def reduce(self):
        x = self.any()
        s = self.shapes[x]
        if not s or 0 in s:
            return
        axis, keep = self.d.int(0, len(s) - 1), self.d.int(0, 1)
        op = self.d.pick("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1")
        shape = [1 if i == axis else n for i, n in enumerate(s) if keep or i != axis]
        if self.opset >= 18 or (op == "ReduceSum" and self.opset >= 13):
            self.add(op, [x, self.ints([axis])], shape, keepdims=keep)
        else:
            self.add(op, [x], shape, axes=[axis], keepdims=keep)

    def transpose(self):
        x = self.any()
        perm = self.d.shuffled(range(len(self.shapes[x])))
        if perm:
            self.add("Transpose", [x], [self.shapes[x][p] for p in perm], perm=perm)

    def reshape(self):
        x = self.any()
        s = self.shapes[x]
        if len(s) >= 2 and 0 not in s:
            self.add("Reshape", [x, self.ints([-1, s[-1]] if self.d.chance() else [0, -1])], [int(np.prod(s[:-1])), s[-1]] if self.weights[f"k{len(self.weights) - 1}"][0] == -1 else [s[0], int(np.prod(s[1:]))])

    def unsqueeze(self):
        x = self.any()
        s = self.shapes[x]
        if len(s) < 4:
            a = self.d.int(0, len(s))
            self.add("Unsqueeze", [x, self.ints([a])], [*s[:a], 1, *s[a:]])

    def concat(self):
        x = self.any()
        s = self.shapes[x]
        mates = [n for n, t in self.shapes.items() if len(t) == len(s) and s and t[1:] == s[1:]]
        if mates:
            y = self.d.pick(mates)
            if s[0] + self.shapes[y][0] < 40:
                self.add("Concat", [x, y], [s[0] + self.shapes[y][0], *s[1:]], axis=0)

    def slice_(self):
        x = self.any()
        s = self.shapes[x]
        if s and s[-1] > 1:
            if self.d.chance():
                self.add("Slice", [x, self.ints([1]), self.ints([2**31]), self.ints([-1])], [*s[:-1], s[-1] - 1])
            else:
                self.add("Slice", [x, self.ints([-1]), self.ints([-(2**31)]), self.ints([len(s) - 1]), self.ints([-1])], s)

    def gather(self):
        x = self.any()
        s = self.shapes[x]
        if s and s[0]:
            k = self.d.int(1, 3)
            self.add("Gather", [x, self.ints([self.d.int(-s[0], s[0] - 1) for _ in range(k)])], [k, *s[1:]], axis=0)

    def softmax(self):
        x = self.any()
        if self.shapes[x]:
            self.add("Softmax", [x], self.shapes[x], axis=-1)

    def matmul(self):
        x = self.any()
        s = self.shapes[x]
        if len(s) >= 2:
            w, n = f"w{len(self.weights)}", self.d.int(1, 5)
            self.weights[w] = self.d.array(self.elem, (s[-1], n), -1, 1)
            self.add("MatMul", [x, w], [*s[:-1], n])

    def where(self):
        x, y = self.any(), self.any()
        try:
            shape = np.broadcast_shapes(self.shapes[x], self.shapes[y])
        except ValueError:
            return
        if np.prod(shape) < 3000:
            c = f"c{len(self.nodes)}"
            self.nodes.append(helper.make_node("Greater", [x, y], [c]))
            self.add("Where", [c, x, y], shape)

    def through_shape(self):
        """Reshape to a shape computed from Shape, as exporters write it."""
        x = self.any()
        s = self.shapes[x]
        if len(s) < 2 or 0 in s:
            return
        n = len(self.nodes)
        sh, first, both = f"sh{n}", f"f{n}", f"b{n}"
        self.nodes += [helper.make_node("Shape", [x], [sh]), helper.make_node("Gather", [sh, self.ints([0])], [first], axis=0),
                       helper.make_node("Concat", [first, self.ints([-1])], [both], axis=0)]
        self.add("Reshape", [x, both], [s[0], int(np.prod(s[1:]))])

    def expand(self):
        x = self.any()
        y = self.any()
        try:
            shape = np.broadcast_shapes(self.shapes[x], self.shapes[y])
        except ValueError:
            return
        if np.prod(shape) < 3000:
            sh = f"sh{len(self.nodes)}"
            self.nodes.append(helper.make_node("Shape", [y], [sh]))
            self.add("Expand", [x, sh], shape)

    def cast(self):
        x = self.any()
        c = f"c{len(self.nodes)}"
        self.nodes.append(helper.make_node("Cast", [x], [c], to=self.d.pick(T.INT32, T.INT64, T.DOUBLE)))
        self.add("Cast", [c], self.shapes[x], to=self.elem)

    def topk(self):
        x = self.any()
        s = self.shapes[x]
        if s and s[-1] >= 2 and 0 not in s:
            k = self.d.int(1, s[-1])
            n = len(self.nodes)
            self.nodes.append(helper.make_node("TopK", [x, self.ints([k])], [f"v{n}", f"i{n}"], axis=-1))
            self.add("Identity", [f"v{n}"], [*s[:-1], k])


STEPS = "unary unary pair pair pair clip reduce transpose reshape unsqueeze concat slice_ gather softmax matmul where through_shape expand topk".split()


def graph(d, elem=T.FLOAT, steps=STEPS):
    opset = d.int(13, 22)
    s = Sheet(d, opset, elem)
    base = d.shape(2, 3, 4, 0.03)
    feeds = {}
    for i in range(d.int(1, 3)):
        shape = base if i == 0 else d.broadcast(base)
        feeds[f"x{i}"] = d.array(elem, shape)
        s.shapes[f"x{i}"] = shape
    want = d.int(5, 30)
    for _ in range(100):
        if len(s.nodes) >= want:
            break
        getattr(s, d.pick(steps))()
    outputs = [n for n in s.shapes if n not in s.used and not n.startswith("x")] or [list(s.shapes)[-1]]
    outputs = [o for o in outputs if not o.startswith("x")]
    if not outputs:
        return None
    inner = [n for n in s.shapes if n in s.used and not n.startswith("x")]
    if inner and d.chance(0.3):
        outputs.append(d.pick(inner))
    case = build(d, s.nodes, feeds, outputs, opset, constant=0.1, atol=1e-4)
    case.model.graph.initializer.extend(tensor(n, v) for n, v in s.weights.items())
    from draw import infer_outputs

    infer_outputs(case.model)
    return case


def dag(d):
    return graph(d)


def dag_double(d):
    return graph(d, T.DOUBLE)


def dag_half(d):
    case = graph(d, T.FLOAT16, [s for s in STEPS if s not in ("topk", "where")])
    if case:
        case.rtol, case.atol = 2e-2, 2e-2
    return case


def dag_int(d):
    return graph(d, d.pick(T.INT32, T.INT64), "pair pair clip reduce transpose reshape unsqueeze concat slice_ gather where through_shape expand".split())


FAMILIES = {"dag": dag, "dag_double": dag_double, "dag_half": dag_half, "dag_int": dag_int}
