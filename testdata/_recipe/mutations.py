"""Mutates valid models, one rule of the specification at a time, and asks both checkers.

Without arguments it writes ../conformance/invalid-mutations.zip: for each rule one model that breaks it (or, for
the rules that only look like it, keeps it), with an index like that of invalid.zip. With the path of an onnxrun
binary it mutates many models of node.zip instead and prints where our verdict is not that of onnx.checker (full) or
not the expected one.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, checker, helper, numpy_helper

import pack

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHIVES = os.path.join(HERE, "..", "conformance")
RULES = {}


def rule(expect, description):
    """Registers a mutation: it changes a model in place and returns False where it does not apply."""

    def register(f):
        RULES[f.__name__] = (expect, description, f)
        return f

    return register


def schema_of(model, node):
    versions = {o.domain: o.version for o in model.opset_import}
    if node.domain not in versions or any(f.name == node.op_type and f.domain == node.domain for f in model.functions):
        return None
    try:
        return onnx.defs.get_schema(node.op_type, versions[node.domain], node.domain)
    except onnx.defs.SchemaError:
        return None


def pick(rng, items):
    items = list(items)
    return rng.choice(items) if items else None


def with_schema(model, rng, accept):
    """Picks a node whose schema satisfies a predicate."""
    pairs = [(n, schema_of(model, n)) for n in model.graph.node]
    return pick(rng, [(n, s) for n, s in pairs if s is not None and accept(n, s)])


@rule("reject", "an attribute of another type than the schema's")
def attribute_type(model, rng):
    found = with_schema(model, rng, lambda n, s: any(a.type == AttributeProto.INT for a in n.attribute))
    if not found:
        return False
    a = pick(rng, [a for a in found[0].attribute if a.type == AttributeProto.INT])
    a.CopyFrom(helper.make_attribute(a.name, "text"))


@rule("reject", "a required attribute is missing")
def attribute_missing(model, rng):
    found = with_schema(model, rng, lambda n, s: any(s.attributes[a.name].required for a in n.attribute if a.name in s.attributes))
    if not found:
        return False
    node, schema = found
    node.attribute.remove(pick(rng, [a for a in node.attribute if a.name in schema.attributes and schema.attributes[a.name].required]))


@rule("reject", "an attribute that the operator does not have")
def attribute_unknown(model, rng):
    found = with_schema(model, rng, lambda n, s: True)
    if not found:
        return False
    found[0].attribute.append(helper.make_attribute("no_such_attribute", 1))


@rule("reject", "an attribute is given twice")
def attribute_twice(model, rng):
    node = pick(rng, [n for n in model.graph.node if n.attribute])
    if not node:
        return False
    node.attribute.append(node.attribute[0])


@rule("reject", "an attribute with values of two types")
def attribute_two_values(model, rng):
    node = pick(rng, [n for n in model.graph.node if any(a.type == AttributeProto.INT for a in n.attribute)])
    if not node:
        return False
    next(a for a in node.attribute if a.type == AttributeProto.INT).f = 1.5


@rule("reject", "an attribute of no type")
def attribute_no_type(model, rng):
    node = pick(rng, [n for n in model.graph.node if n.attribute])
    if not node or model.ir_version < 2:
        return False
    node.attribute[0].type = AttributeProto.UNDEFINED


@rule("reject", "an attribute refers to one of a function's caller, outside of a function")
def attribute_reference(model, rng):
    node = pick(rng, [n for n in model.graph.node if any(a.type == AttributeProto.INT for a in n.attribute)])
    if not node:
        return False
    a = next(a for a in node.attribute if a.type == AttributeProto.INT)
    a.ClearField("i")
    a.ref_attr_name = "outer"


@rule("reject", "more inputs than the operator has")
def inputs_many(model, rng):
    found = with_schema(model, rng, lambda n, s: s.max_input < 100 and any(n.input))
    if not found:
        return False
    node, schema = found
    name = next(i for i in node.input if i)
    while len(node.input) <= schema.max_input:
        node.input.append(name)


@rule("reject", "fewer inputs than the operator needs")
def inputs_few(model, rng):
    found = with_schema(model, rng, lambda n, s: s.min_input > 0 and len(n.input) >= s.min_input)
    if not found:
        return False
    node, schema = found
    del node.input[schema.min_input - 1:]


@rule("reject", "an input that is not optional is left out")
def input_left_out(model, rng):
    single = onnx.defs.OpSchema.FormalParameterOption.Single
    found = with_schema(model, rng, lambda n, s: any(s.inputs) and s.inputs[0].option == single and len(n.input) > 0)
    if not found:
        return False
    found[0].input[0] = ""


@rule("reject", "an input that nothing makes")
def input_undefined(model, rng):
    node = pick(rng, [n for n in model.graph.node if any(n.input)])
    if not node:
        return False
    node.input[next(i for i, v in enumerate(node.input) if v)] = "nothing_makes_this"


@rule("reject", "more outputs than the operator has")
def outputs_many(model, rng):
    found = with_schema(model, rng, lambda n, s: s.max_output < 100)
    if not found:
        return False
    node, schema = found
    while len(node.output) <= schema.max_output:
        node.output.append(f"more_{len(node.output)}")


@rule("reject", "a node makes a value that there is already")
def output_twice(model, rng):
    node = pick(rng, model.graph.node)
    if not node or not model.graph.input:
        return False
    node.output[0] = model.graph.input[0].name


@rule("reject", "a node reads its own output")
def cycle(model, rng):
    node = pick(rng, [n for n in model.graph.node if any(n.input) and n.output[0]])
    if not node:
        return False
    node.input[next(i for i, v in enumerate(node.input) if v)] = node.output[0]


@rule("reject", "a node stands before the one whose output it reads")
def order(model, rng):
    nodes = model.graph.node
    for i in range(len(nodes) - 1):
        if set(nodes[i].output) & set(nodes[i + 1].input) - {""}:
            a, b = onnx.NodeProto(), onnx.NodeProto()
            a.CopyFrom(nodes[i]), b.CopyFrom(nodes[i + 1])
            nodes[i].CopyFrom(b), nodes[i + 1].CopyFrom(a)
            return None
    return False


@rule("reject", "an operator that does not exist")
def operator_unknown(model, rng):
    found = with_schema(model, rng, lambda n, s: True)
    if not found:
        return False
    found[0].op_type = "NoSuchOperator"


@rule("reject", "an operator whose domain is not imported")
def domain_missing(model, rng):
    node = pick(rng, model.graph.node)
    if not node:
        return False
    keep = [o for o in model.opset_import if o.domain != node.domain]
    del model.opset_import[:]
    model.opset_import.extend(keep or [helper.make_opsetid("some.other", 1)])


@rule("reject", "no operator sets at all")
def opsets_missing(model, rng):
    if model.ir_version < 3:
        return False
    del model.opset_import[:]


@rule("reject", "a version that the operator set does not have yet")
def opset_future(model, rng):
    found = [o for o in model.opset_import if o.domain == ""]
    if not found or not any(n.domain == "" for n in model.graph.node):
        return False
    found[0].version = 1000


@rule("reject", "the version before the one that brought the operator")
def opset_past(model, rng):
    found = with_schema(model, rng, lambda n, s: n.domain == "" and min(
        v.since_version for v in onnx.defs.get_all_schemas_with_history() if v.name == n.op_type and v.domain == "") > 1)
    if not found:
        return False
    first = min(v.since_version for v in onnx.defs.get_all_schemas_with_history() if v.name == found[0].op_type and v.domain == "")
    next(o for o in model.opset_import if o.domain == "").version = first - 1


@rule("reject", "no IR version")
def ir_missing(model, rng):
    model.ClearField("ir_version")


@rule("reject", "an IR version of the future")
def ir_future(model, rng):
    model.ir_version = 1000


@rule("reject", "two entries of the metadata have one key")
def metadata_twice(model, rng):
    for value in "ab":
        model.metadata_props.append(onnx.StringStringEntryProto(key="k", value=value))


@rule("reject", "two initializers have one name")
def initializer_twice(model, rng):
    if model.ir_version < 4:
        return False
    for v in (1.0, 2.0):
        model.graph.initializer.append(numpy_helper.from_array(np.array([v], np.float32), "twice"))


@rule("reject", "an initializer has the name of a node's output")
def initializer_shadowed(model, rng):
    node = pick(rng, [n for n in model.graph.node if n.output[0]])
    if not node or model.ir_version < 4:
        return False
    model.graph.initializer.append(numpy_helper.from_array(np.array([1.0], np.float32), node.output[0]))


def add_initializer(model):
    if model.ir_version < 4:
        return None
    model.graph.initializer.append(numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "added"))
    return model.graph.initializer[-1]


@rule("reject", "fewer bytes than the shape of a tensor wants")
def tensor_short(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.raw_data = t.raw_data[:-1]


@rule("reject", "more bytes than the shape of a tensor wants")
def tensor_long(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.raw_data += b"\0\0\0\0"


@rule("reject", "a negative dimension of a tensor")
def tensor_negative(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.dims[0] = -2


@rule("reject", "a tensor of no element type")
def tensor_untyped(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.data_type = TensorProto.UNDEFINED


@rule("reject", "a tensor of an element type that does not exist")
def tensor_type_unknown(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.data_type = 99


@rule("reject", "elements in two fields of a tensor")
def tensor_two_fields(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.float_data.extend([0.0] * 6)


@rule("reject", "elements in the field of another type")
def tensor_wrong_field(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.ClearField("raw_data")
    t.int64_data.extend(range(6))


@rule("reject", "strings as raw bytes")
def tensor_raw_strings(model, rng):
    t = add_initializer(model)
    if t is None:
        return False
    t.data_type = TensorProto.STRING


@rule("accept", "a tensor without elements")
def tensor_empty(model, rng):
    if model.ir_version < 4:
        return False
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((0, 3), np.float32), "added"))


def add_sparse(model, indices, values=(1.0, 2.0), dims=(2, 3)):
    if model.ir_version < 5 or model.opset_import[0].version < 11:
        return False
    v = numpy_helper.from_array(np.array(values, np.float32), "added")
    i = numpy_helper.from_array(np.array(indices, np.int64), "added_indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(v, i, dims))


@rule("accept", "a sparse initializer with linear indices")
def sparse_linear(model, rng):
    return add_sparse(model, [1, 5])


@rule("accept", "a sparse initializer with indices of rows")
def sparse_rows(model, rng):
    return add_sparse(model, [[0, 1], [1, 2]])


@rule("reject", "a sparse index beyond the shape")
def sparse_beyond(model, rng):
    return add_sparse(model, [1, 6])


@rule("reject", "a negative sparse index")
def sparse_negative(model, rng):
    return add_sparse(model, [-1, 5])


@rule("reject", "sparse indices that are not sorted")
def sparse_unsorted(model, rng):
    return add_sparse(model, [5, 1])


@rule("reject", "a sparse index twice")
def sparse_twice(model, rng):
    return add_sparse(model, [1, 1])


@rule("reject", "a sparse row index beyond a dimension")
def sparse_row_beyond(model, rng):
    return add_sparse(model, [[0, 1], [0, 3]])


@rule("reject", "fewer sparse indices than values")
def sparse_few(model, rng):
    return add_sparse(model, [1])


@rule("reject", "a graph output that nothing makes")
def output_undefined(model, rng):
    if not model.graph.output:
        return False
    model.graph.output[0].name = "nothing_makes_this"


@rule("reject", "a graph input without a type")
def input_untyped(model, rng):
    if not model.graph.input:
        return False
    model.graph.input[0].ClearField("type")


@rule("reject", "two graph inputs of one name")
def input_twice(model, rng):
    if not model.graph.input:
        return False
    model.graph.input.append(model.graph.input[0])


@rule("reject", "a graph input of an element type that does not exist")
def input_type_unknown(model, rng):
    if not model.graph.input or not model.graph.input[0].type.HasField("tensor_type"):
        return False
    model.graph.input[0].type.tensor_type.elem_type = 99


def changed(d):
    return TensorProto.INT32 if d != TensorProto.INT32 else TensorProto.DOUBLE


@rule("reject", "an output declared with another element type")
def output_type(model, rng):
    v = pick(rng, [v for v in model.graph.output if v.type.HasField("tensor_type")])
    if not v:
        return False
    v.type.tensor_type.elem_type = changed(v.type.tensor_type.elem_type)


@rule("reject", "an output declared with another rank")
def output_rank(model, rng):
    v = pick(rng, [v for v in model.graph.output if v.type.HasField("tensor_type") and v.type.tensor_type.HasField("shape")])
    if not v or not inferred(model, v.name):
        return False
    v.type.tensor_type.shape.dim.add().dim_value = 3


@rule("reject", "an output declared with another size")
def output_size(model, rng):
    v = pick(rng, [v for v in model.graph.output if v.type.HasField("tensor_type")])
    shape = v and inferred(model, v.name)
    if not shape or not shape.dim or not all(d.HasField("dim_value") for d in shape.dim) or len(v.type.tensor_type.shape.dim) != len(shape.dim):
        return False
    v.type.tensor_type.shape.dim[0].dim_value = shape.dim[0].dim_value + 1


def inferred(model, name):
    """Returns the shape that ONNX infers for an output, None if it does not know it."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for v in bare.graph.output:
        v.type.tensor_type.ClearField("shape")
    try:
        out = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    except Exception:
        return None
    for v in out.graph.output:
        if v.name == name and v.type.tensor_type.HasField("shape"):
            return v.type.tensor_type.shape
    return None


@rule("reject", "an inner value declared with another element type")
def value_type(model, rng):
    inner = [n for n in model.graph.node[:-1] if n.output[0]]
    node = pick(rng, [n for n in inner if n.output[0] not in [o.name for o in model.graph.output]])
    if not node:
        return False
    try:
        out = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception:
        return False
    for v in out.graph.value_info:
        if v.name == node.output[0] and v.type.HasField("tensor_type"):
            keep = [w for w in model.graph.value_info if w.name != v.name]
            del model.graph.value_info[:]
            model.graph.value_info.extend(keep)
            model.graph.value_info.append(helper.make_tensor_value_info(v.name, changed(v.type.tensor_type.elem_type), None))
            return None
    return False


@rule("reject", "two inputs of one type parameter are of different types")
def operand_types(model, rng):
    def same(n, s):
        return (len(n.input) > 1 and len(s.inputs) > 1 and s.inputs[0].type_str == s.inputs[1].type_str
                and n.input[0] in names and n.input[1] in names and n.input[0] != n.input[1])

    names = {v.name: v for v in model.graph.input if v.type.HasField("tensor_type")}
    found = with_schema(model, rng, same)
    if not found:
        return False
    t = names[found[0].input[1]].type.tensor_type
    t.elem_type = changed(t.elem_type)


@rule("accept", "names and documentation of nodes are free")
def node_names(model, rng):
    for n in model.graph.node:
        n.name, n.doc_string = "same", "text"


@rule("accept", "an attribute that is the default is left out")
def attribute_default(model, rng):
    def is_default(s, a):
        return a.name in s.attributes and s.attributes[a.name].default_value.type == a.type and (
            helper.get_attribute_value(s.attributes[a.name].default_value) == helper.get_attribute_value(a))

    found = with_schema(model, rng, lambda n, s: any(is_default(s, a) for a in n.attribute))
    if not found:
        return False
    node, schema = found
    node.attribute.remove(next(a for a in node.attribute if is_default(schema, a)))


@rule("accept", "a domain is imported that nothing uses")
def domain_unused(model, rng):
    model.opset_import.append(helper.make_opsetid("some.other", 7))


# Functions and inner graphs, made from nothing.

F32 = TensorProto.FLOAT


def info(name, dims=("n",), elem=F32):
    return helper.make_tensor_value_info(name, elem, dims)


def calling(nodes, inputs=("a",), outputs=("b",), attributes=(), opsets=None, call=None):
    f = helper.make_function("local", "F", list(inputs), list(outputs), nodes, opsets or [helper.make_opsetid("", 18)], list(attributes))
    node = call or helper.make_node("F", ["x"], ["y"], domain="local")
    graph = helper.make_graph([node], "g", [info("x")], [info("y")])
    return helper.make_model(graph, functions=[f], ir_version=10,
                             opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("local", 1)])


def looping(body_inputs, body_outputs, nodes, inputs=("trips", "", "x"), outputs=("y",), op="Loop", **attributes):
    body = helper.make_graph(nodes, "body", body_inputs, body_outputs)
    node = helper.make_node(op, list(inputs), list(outputs), body=body, **attributes)
    graph = helper.make_graph([node], "g", [info("trips", (), TensorProto.INT64), info("x", (2, 3))], [info("y", (2, 3))])
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])


def choosing(then_nodes, else_nodes, then_outputs=("p",), else_outputs=("q",), then_inputs=(), elem=F32):
    branches = {
        "then_branch": helper.make_graph(then_nodes, "t", [info(n) for n in then_inputs], [info(n, None) for n in then_outputs]),
        "else_branch": helper.make_graph(else_nodes, "e", [], [info(n, None, elem) for n in else_outputs]),
    }
    node = helper.make_node("If", ["c"], ["y"], **branches)
    graph = helper.make_graph([node], "g", [info("c", (), TensorProto.BOOL), info("x")], [info("y")])
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])


def made():
    """Yields name, expectation, description and model of the cases about functions and inner graphs."""
    relu, n = helper.make_node("Relu", ["a"], ["b"]), helper.make_node
    yield "function_sound", "accept", "a function", calling([relu])
    yield "function_inputs_twice", "reject", "two inputs of a function have one name", calling([relu], inputs=("a", "a"))
    yield "function_outputs_twice", "reject", "two outputs of a function have one name", calling([relu], outputs=("b", "b"))
    yield "function_output_undefined", "reject", "an output of a function that nothing makes", calling([relu], outputs=("z",))
    yield "function_input_undefined", "reject", "a node of a function reads the caller's value", calling([n("Relu", ["x"], ["b"])])
    yield "function_attributes_twice", "reject", "an attribute of a function is declared twice", calling([relu], attributes=("s", "s"))
    undeclared = n("LeakyRelu", ["a"], ["b"])
    undeclared.attribute.append(AttributeProto(name="alpha", ref_attr_name="s", type=AttributeProto.FLOAT))
    yield "function_attribute_undeclared", "reject", "a node refers to an attribute that the function does not declare", calling([undeclared])
    yield "function_attribute_declared", "accept", "a node refers to an attribute of the function", calling([undeclared], attributes=("s",))
    yield "function_recursive", "reject", "a function calls itself", calling(
        [n("F", ["a"], ["b"], domain="local")], opsets=[helper.make_opsetid("local", 1)])
    yield "function_domain_missing", "reject", "a function does not import what it uses", calling([relu], opsets=[helper.make_opsetid("other", 1)])
    yield "function_order", "reject", "a node of a function stands before what it reads", calling(
        [n("Relu", ["m"], ["b"]), n("Abs", ["a"], ["m"])])
    yield "function_call_inputs", "reject", "a call with more inputs than the function has", calling(
        [relu], call=n("F", ["x", "x"], ["y"], domain="local"))
    yield "function_call_outputs", "reject", "a call with more outputs than the function has", calling(
        [relu], call=n("F", ["x"], ["y", "y2"], domain="local"))
    yield "function_call_few", "accept", "a call that leaves an input out which the body does not use", calling(
        [relu], inputs=("a", "a2"))
    twice = calling([relu])
    twice.functions.append(twice.functions[0])
    yield "function_twice", "reject", "a function is defined twice", twice
    yield "function_name_missing", "reject", "a function without a name", named(calling([relu]))
    i, c = info("i", (), TensorProto.INT64), info("cc", (), TensorProto.BOOL)
    keep = [n("Identity", ["cc"], ["c2"]), n("Relu", ["s"], ["s2"])]
    c2 = info("c2", (), TensorProto.BOOL)
    yield "loop_sound", "accept", "a Loop with one state", looping([i, c, info("s", (2, 3))], [c2, info("s2", (2, 3))], keep)
    yield "loop_inputs", "reject", "the body of a Loop lacks the condition", looping([i, info("s", (2, 3))], [c2, info("s2", (2, 3))], [
        n("Cast", ["i"], ["c2"], to=TensorProto.BOOL), n("Relu", ["s"], ["s2"])])
    yield "loop_outputs", "reject", "the body of a Loop lacks a state", looping([i, c, info("s", (2, 3))], [c2], keep[:1])
    yield "loop_condition_type", "reject", "the condition of a Loop's body is no bool", looping(
        [i, c, info("s", (2, 3))], [info("c2", (), F32), info("s2", (2, 3))], [n("Cast", ["cc"], ["c2"], to=F32), keep[1]])
    yield "loop_shadow", "reject", "a node of a body gives an outer name another value", looping(
        [i, c, info("s", (2, 3))], [c2, info("s2", (2, 3))], [keep[0], n("Abs", ["s"], ["x"]), n("Relu", ["x"], ["s2"])])
    yield "loop_trips_type", "reject", "the number of rounds is a float", looping(
        [i, c, info("s", (2, 3))], [c2, info("s2", (2, 3))], keep, inputs=("x", "", "x"))
    add = [n("Add", ["s", "e"], ["s2"]), n("Identity", ["s2"], ["o"])]
    scan = {"op": "Scan", "inputs": ("x", "x")}
    yield "scan_inputs", "reject", "a Scan with more scanned inputs than inputs", looping(
        [info("s", None), info("e", None)], [info("s2", None), info("o", None)], add, num_scan_inputs=3, **scan)
    yield "scan_no_inputs", "reject", "a Scan that scans nothing", looping(
        [info("s", None), info("e", None)], [info("s2", None), info("o", None)], add, num_scan_inputs=0, **scan)
    ok = [n("Relu", ["x"], ["p"])], [n("Abs", ["x"], ["q"])]
    yield "if_sound", "accept", "an If", choosing(*ok)
    yield "if_outputs", "reject", "a branch with two outputs for an If with one", choosing(
        [*ok[0], n("Abs", ["x"], ["p2"])], ok[1], then_outputs=("p", "p2"))
    yield "if_inputs", "reject", "a branch with an input", choosing(*ok, then_inputs=("u",))
    yield "if_types", "reject", "branches of different element types", choosing(
        ok[0], [n("Cast", ["x"], ["q"], to=TensorProto.INT64)], elem=TensorProto.INT64)
    yield "if_scopes", "reject", "a branch reads a value of the other", choosing(ok[0], [n("Abs", ["p"], ["q"])])
    yield "if_same_names", "accept", "branches that use the same name for their own values", choosing(
        ok[0], [n("Abs", ["x"], ["p"])], else_outputs=("p",))
    yield "if_outer", "accept", "a branch that hands on an outer value", choosing([n("Identity", ["x"], ["p"])], ok[1])


def named(model):
    model.functions[0].ClearField("name")
    return model


def verdict_onnx(data):
    try:
        checker.check_model(data, full_check=True)
        return "accept", ""
    except Exception as e:
        return "reject", str(e).replace("\n", " ")[:160]


def verdict_ours(binary, data):
    with tempfile.NamedTemporaryFile(suffix=".onnx") as f:
        f.write(data)
        f.flush()
        run = subprocess.run([binary, "check", f.name, "--json"], capture_output=True, text=True, timeout=60)
    if run.returncode not in (0, 3):
        return f"exit {run.returncode}", run.stderr[:160]
    found = json.loads(run.stdout.splitlines()[-1])
    return "accept" if found["ok"] else "reject", "; ".join(x["rule"] + ": " + x["message"] for x in found["findings"])[:160]


def bases():
    """Yields the smaller models of node.zip, in its order."""
    with zipfile.ZipFile(os.path.join(ARCHIVES, "node.zip")) as z:
        for c in json.loads(z.read("manifest.json"))["cases"]:
            data = z.read("blobs/" + c["files"]["model.onnx"])
            if len(data) < 4000:
                yield c["name"], onnx.load_from_string(data)


def mutants(each):
    """Yields rule, expectation, base and model for so many bases of each rule."""
    models = list(bases())
    for name, (expect, _, mutate) in RULES.items():
        rng = random.Random(name)
        count = 0
        for base, model in rng.sample(models, len(models)):
            m = onnx.ModelProto()
            m.CopyFrom(model)
            if verdict_onnx(m.SerializeToString())[0] != "accept" or mutate(m, rng) is False:
                continue
            yield name, expect, base, m
            count += 1
            if count == each:
                break


def compare(binary, each):
    tally = {}
    cases = [*mutants(each), *((name, expect, "-", m) for name, expect, _, m in made())]
    for name, expect, base, m in cases:
        data = m.SerializeToString()
        (theirs, why), (ours, reason) = verdict_onnx(data), verdict_ours(binary, data)
        key = (theirs, ours, expect)
        tally[key] = tally.get(key, 0) + 1
        if ours != expect or theirs != ours:
            print(f"{name} ({base}): expected {expect}, onnx {theirs} [{why}], ours {ours} [{reason}]")
    for (theirs, ours, expect), n in sorted(tally.items()):
        print(f"{n:6d} onnx {theirs}, ours {ours}, expected {expect}")


def write():
    rows, files = [], {}
    described = {name: text for name, (_, text, _) in RULES.items()}
    cases = [(name, expect, described[name], m) for name, expect, _, m in mutants(1)]
    for name, expect, text, m in [*cases, *made()]:
        theirs, why = verdict_onnx(m.SerializeToString())
        rows.append({"name": name, "description": text, "expect": expect, "symlinks": [], "checker_full": {"status": theirs, "message": why}})
        files[f"{name}/model.onnx"] = m.SerializeToString(deterministic=True)
    with zipfile.ZipFile(os.path.join(ARCHIVES, "invalid-mutations.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        pack.add(z, "index.json", json.dumps(rows, indent=0).encode())
        for name in sorted(files):
            pack.add(z, name, files[name])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        compare(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10)
    else:
        write()
