"""Drawing of random models: a source of choices, arrays of every element type, and the building of a case.

A family is a function that takes a Draw and returns a Case. The same seed gives the same case.
"""

import hashlib
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper, shape_inference

FLOATS = [T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16]
INTS = [T.INT8, T.INT16, T.INT32, T.INT64]
UINTS = [T.UINT8, T.UINT16, T.UINT32, T.UINT64]
NUMBERS = FLOATS + INTS + UINTS
FLOAT8 = [T.FLOAT8E4M3FN, T.FLOAT8E4M3FNUZ, T.FLOAT8E5M2, T.FLOAT8E5M2FNUZ]
PACKED = [T.INT4, T.UINT4, T.INT2, T.UINT2, T.FLOAT4E2M1]
COMPLEX = [T.COMPLEX64, T.COMPLEX128]


def np_type(elem):
    return np.dtype(helper.tensor_dtype_to_np_dtype(elem))


def elem_type(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype) if array.dtype.kind not in "OUS" else T.STRING


@dataclass
class Case:
    """A model with inputs by position, before it has expected outputs.

    stamp: write the shapes of the outputs into the model once they are known.
    rtol, atol: tolerance of the comparison, the manifest's.
    own: outputs by implementations of this folder, by their names; None for one that has no answer.
    only: the one runner to ask ("ort" or "ref"), where the other is known to depart from the specification.
    """

    model: onnx.ModelProto
    inputs: list
    stamp: bool = False
    rtol: float = 1e-3
    atol: float = 1e-5
    own: dict = field(default_factory=dict)
    name: str = ""
    only: str = ""
    extra: dict = field(default_factory=dict)


class Draw:
    """A seeded source of choices."""

    def __init__(self, *words):
        digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
        self.g = np.random.default_rng(int.from_bytes(digest[:8], "little"))

    def chance(self, p=0.5):
        return self.g.random() < p

    def int(self, lo, hi):
        """An integer from lo to hi, both included."""
        return int(self.g.integers(lo, hi + 1))

    def pick(self, *options):
        """One of the arguments, or of the elements of the only one."""
        if len(options) == 1:
            options = options[0]
        return options[int(self.g.integers(len(options)))]

    def some(self, options, lo=0, hi=None):
        """A sub-list in the order of options."""
        options = list(options)
        n = self.int(lo, len(options) if hi is None else min(hi, len(options)))
        return [options[i] for i in sorted(self.g.permutation(len(options))[:n])]

    def shuffled(self, options):
        options = list(options)
        return [options[i] for i in self.g.permutation(len(options))]

    def float_type(self):
        return self.pick([T.FLOAT] * 3 + [T.DOUBLE, T.FLOAT16, T.BFLOAT16])

    def shape(self, lo=0, hi=4, most=5, empty=0.04):
        """A shape of lo to hi dimensions of 1 to most, now and then with an empty one."""
        return tuple(0 if self.chance(empty) else self.int(1, most) for _ in range(self.int(lo, hi)))

    def axis(self, rank, sign=True):
        a = self.int(0, rank - 1)
        return a - rank if sign and self.chance(0.3) else a

    def broadcast(self, shape):
        """A shape that broadcasts to the given one."""
        cut = self.int(0, len(shape)) if self.chance(0.5) else 0
        return tuple(1 if self.chance(0.25) else n for n in shape[cut:])

    def array(self, elem, shape=(), lo=-3.0, hi=3.0, special=0.0):
        """An array of an element type: floats between lo and hi, integers too; a share of special values."""
        if elem == T.STRING:
            return self.strings(shape)
        if elem == T.BOOL:
            return self.g.random(shape) < 0.5
        dt = np_type(elem)
        if elem in COMPLEX:
            return np.asarray(self.g.uniform(lo, hi, shape) + 1j * self.g.uniform(lo, hi, shape)).astype(dt)
        floating = elem in FLOATS + FLOAT8 + [T.FLOAT8E8M0, T.FLOAT4E2M1, T.FLOAT6E2M3, T.FLOAT6E3M2]
        if floating:
            a = np.asarray(self.g.uniform(lo, hi, shape), dtype=np.float64)
            odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-40, -1e-40, 65504.0, 1e6, -1e30, 0.5, 1.5, -2.5]
            if special:
                a = np.where(self.g.random(shape) < special, self.g.choice(odd, shape), a)
            with np.errstate(all="ignore"):
                return np.asarray(a).astype(np.float32).astype(dt) if dt.itemsize < 4 else np.asarray(a).astype(dt)
        info = ml_dtypes.iinfo(dt)
        low, high = max(int(info.min), int(np.ceil(lo))), min(int(info.max), int(np.floor(hi)))
        a = self.g.integers(low, max(low, high), shape, endpoint=True)
        if special:
            odd = self.g.integers(0, 5, shape)
            wide = np.where(odd == 0, info.min, np.where(odd == 1, info.max, np.where(odd == 2, 0, info.max // 2)))
            if elem == T.UINT64:
                wide, a = wide.astype(np.uint64), a.astype(np.uint64)
            a = np.where(self.g.random(shape) < special, wide, a)
        return np.asarray(a).astype(dt)

    def strings(self, shape, words=("a", "b", "Abc", "", "naïve", "x y", "ÄÖ", "3.5", "-7", "zz")):
        return np.array([words[i] for i in self.g.integers(0, len(words), int(np.prod(shape)))], dtype=object).reshape(shape)

    def weird(self, p=0.25):
        """A share of special values for array: none, mostly."""
        return 0.3 if self.chance(p) else 0.0


def value_info(name, value, symbolic=False, elem=None):
    """Describes an array, a list of arrays, or an explicit TypeProto as a graph input."""
    if isinstance(value, onnx.TypeProto):
        return helper.make_value_info(name, value)
    if isinstance(value, list):
        inner = helper.make_tensor_type_proto(elem or elem_type(value[0]), None)
        return helper.make_value_info(name, helper.make_sequence_type_proto(inner))
    dims = [f"{name}_{i}" if symbolic else n for i, n in enumerate(value.shape)]
    return helper.make_tensor_value_info(name, elem_type(value), dims)


def tensor(name, array):
    if array.dtype.kind in "OU":
        return helper.make_tensor(name, T.STRING, array.shape, [s.encode() for s in array.ravel()])
    return numpy_helper.from_array(array, name)


def build(d, nodes, feeds, outputs, opset, ml=None, functions=(), fixed=(), types=None, constant=0.25, domains=(), **case):
    """Makes a case. feeds maps names to values in the order of the inputs.

    Arrays become initializers with probability `constant` unless named in fixed. types gives the TypeProto of
    inputs and outputs that cannot be told from the value or by inference.
    """
    types = types or {}
    symbolic = d.chance(0.35)
    inputs, weights, values = [], [], []
    for name, v in feeds.items():
        if isinstance(v, np.ndarray) and name not in fixed and d.chance(constant):
            weights.append(tensor(name, v))
            continue
        t = types.get(name)
        inputs.append(value_info(name, t if t is not None else v, symbolic and d.chance(0.8)))
        values.append(v)
    infos = [helper.make_value_info(o, types[o]) if o in types else onnx.ValueInfoProto(name=o) for o in outputs]
    graph = helper.make_graph(nodes, "g", inputs, infos, weights)
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("ai.onnx.ml", ml)] if ml else [])
    imports += [helper.make_opsetid(name, version) for name, version in domains]
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=10, producer_name="random")
    infer_outputs(model)
    return Case(model, values, stamp=d.chance(0.6), **case)


def infer_outputs(model):
    """Gives outputs without a type the inferred one, without its shape."""
    if all(o.type.WhichOneof("value") for o in model.graph.output):
        return
    try:
        found = shape_inference.infer_shapes(model, data_prop=False)
    except Exception:  # invalid on purpose, or beyond inference: the runners tell
        return
    for o, f in zip(model.graph.output, found.graph.output):
        if not o.type.WhichOneof("value"):
            o.type.CopyFrom(f.type)
            if o.type.HasField("tensor_type"):
                o.type.tensor_type.ClearField("shape")


def one(d, op, feeds, opset, outputs=("y",), domain="", ml=None, **options):
    """A case of a single node. feeds maps input names to arrays, None for one that is left out."""
    attrs = {k: v for k, v in options.pop("attrs", {}).items() if v != []}
    names = [n if v is not None else "" for n, v in feeds.items()]
    while names and names[-1] == "":
        names.pop()
    node = helper.make_node(op, names, list(outputs), domain=domain, **attrs)
    given = {n: v for n, v in feeds.items() if v is not None}
    return build(d, [node], given, [o for o in outputs if o], opset, ml=ml, **options)


# ---- what the schemas say

NEWEST = {"": 28, "ai.onnx.ml": 5}
_TYPES = {
    "float": T.FLOAT, "double": T.DOUBLE, "float16": T.FLOAT16, "bfloat16": T.BFLOAT16, "string": T.STRING, "bool": T.BOOL,
    **{t.lower(): getattr(T, t) for t in T.DataType.keys() if t not in ("UNDEFINED", "FLOAT", "DOUBLE", "STRING", "BOOL")},
}


def versions(op, domain=""):
    """The since-versions of an operator that are not deprecated, oldest first."""
    return sorted(s.since_version for s in onnx.defs.get_all_schemas_with_history()
                  if s.name == op and s.domain == domain and not s.deprecated)


def allowed(op, version, param=0, domain="", output=False):
    """The element types that a schema allows for a tensor input (or output)."""
    schema = onnx.defs.get_schema(op, version, domain)
    p = (schema.outputs if output else schema.inputs)[param]
    return sorted(_TYPES[t[7:-1]] for t in p.types if t.startswith("tensor(") and t[7:-1] in _TYPES)


def opset_for(d, op, domain="", lowest=1, highest=None):
    """An operator set that means one of the versions of an operator, each as likely: (opset, since)."""
    vs = [v for v in versions(op, domain) if v >= lowest or v == max((w for w in versions(op, domain) if w <= lowest), default=0)]
    last = highest or NEWEST[domain]
    vs = [v for v in vs if v <= last]
    i = d.int(0, len(vs) - 1)
    end = vs[i + 1] - 1 if i + 1 < len(vs) else last
    start = max(vs[i], lowest)
    return (d.int(start, max(start, end)), vs[i])
