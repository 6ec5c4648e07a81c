"""Sequences and optionals of tensors, and the operators that make, read and change them; texts."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper

from draw import FLOATS, allowed, build, np_type, one, opset_for

ELEMS = [T.FLOAT, T.FLOAT, T.INT64, T.DOUBLE, T.INT32, T.BOOL, T.UINT8, T.STRING]


def node(op, ins, outs, **attrs):
    return helper.make_node(op, ins, outs, **attrs)


def seq_type(elem):
    return helper.make_sequence_type_proto(helper.make_tensor_type_proto(elem, None))


def opt_type(elem, shape=None):
    return helper.make_optional_type_proto(helper.make_tensor_type_proto(elem, shape))


def position(d, n):
    return np.array(d.int(-n, n - 1) if n else 0, d.pick(np.int32, np.int64))


def sequence(d):
    """A chain of edits of a sequence, then one way to read it."""
    elem = d.pick(ELEMS)
    shape = d.shape(1, 3, 4, 0)
    nodes, feeds, types = [], {}, {}

    def fresh():
        feeds[f"x{len(feeds)}"] = d.array(elem, shape)
        return list(feeds)[-1]

    n = d.int(0, 3)
    start = d.int(0, 2)
    if start == 0 or (start == 2 and n == 0):
        nodes.append(node("SequenceEmpty", [], ["q0"], **({"dtype": elem} if elem != T.FLOAT or d.chance() else {})))
        n = 0
    elif start == 1 and elem != T.STRING and n:
        feeds["q0"] = [d.array(elem, shape) for _ in range(n)]
        types["q0"] = seq_type(elem)
    else:
        n = max(n, 1)
        nodes.append(node("SequenceConstruct", [fresh() for _ in range(n)], ["q0"]))
    q = "q0"
    for i in range(d.int(1, 4)):
        new = f"q{i + 1}"
        if n and d.chance(0.35):
            ins = [q]
            if d.chance(0.6):
                feeds[f"p{i}"] = position(d, n)
                ins.append(f"p{i}")
            nodes.append(node("SequenceErase", ins, [new]))
            n -= 1
        else:
            ins = [q, fresh()]
            if d.chance(0.6):
                feeds[f"p{i}"] = np.array(d.int(-n, n), d.pick(np.int32, np.int64))
                ins.append(f"p{i}")
            nodes.append(node("SequenceInsert", ins, [new]))
            n += 1
        q = new
    outs = ["y"]
    how = d.int(0, 3) if n else 1
    if how == 0:
        feeds["at"] = position(d, n)
        nodes.append(node("SequenceAt", [q, "at"], ["y"]))
    elif how == 1:
        nodes.append(node("SequenceLength", [q], ["y"]))
    elif how == 2:
        stack = d.int(0, 1)
        axis = d.int(-len(shape) - stack, len(shape) + stack - 1)
        nodes.append(node("ConcatFromSequence", [q], ["y"], axis=axis, **({"new_axis": stack} if stack or d.chance() else {})))
    else:
        nodes.append(node("Identity", [q], ["y"]))
        types["y"] = seq_type(elem)
    return build(d, nodes, feeds, outs, d.int(16, 23), types=types)


def split_to_sequence(d):
    opset, since = opset_for(d, "SplitToSequence", highest=23)
    shape = d.shape(1, 3, 6, 0)
    axis = d.axis(len(shape))
    n = shape[axis]
    attrs = {"axis": axis} if axis != 0 or d.chance() else {}
    feeds = {"x": d.array(d.pick(ELEMS), shape)}
    it = d.pick(np.int32, np.int64)
    kind = d.int(0, 2)
    if kind == 0:
        attrs["keepdims"] = d.int(0, 1)
    elif kind == 1:
        feeds["s"] = np.array(d.int(1, n + 1), it)
    else:
        cut = sorted(d.int(0, n) for _ in range(d.int(0, 2)))
        feeds["s"] = np.diff([0, *cut, n]).astype(it)
    nodes = [node("SplitToSequence", list(feeds), ["q"], **attrs)]
    if d.chance(0.3) and opset >= 14:
        nodes.append(node("Identity", ["q"], ["y"]))
        return build(d, nodes, feeds, ["y"], opset)
    nodes += [node("SequenceLength", ["q"], ["n"]), node("SequenceAt", ["q", "at"], ["y"])]
    feeds["at"] = np.array(d.pick(0, -1), np.int64)
    return build(d, nodes, feeds, ["n", "y"], opset)


def sequence_map(d):
    elem = d.pick(T.FLOAT, T.INT64, T.DOUBLE)
    shape = d.shape(1, 2, 4, 0)
    n = d.int(1, 3)
    seqs = {"q": [d.array(elem, shape) for _ in range(n)]}
    ins, body_in = ["q"], [helper.make_tensor_value_info("a", elem, None)]
    feeds, types = dict(seqs), {"q": seq_type(elem)}
    b = "k"
    how = d.int(0, 2)
    if how == 0:
        feeds["r"] = [d.array(elem, shape) for _ in range(n)]
        types["r"] = seq_type(elem)
    else:
        feeds["r"] = d.array(elem, shape)
    if how < 2:
        ins.append("r")
        body_in.append(helper.make_tensor_value_info("b", elem, None))
        b = "b"
    else:
        b = "r"  # captured
    body = [node("Add", ["a", b], ["t"]), node("Mul", ["t", "t"], ["o"])]
    outs = ["o"] + (["sh"] if d.chance() else [])
    body_out = [helper.make_tensor_value_info("o", elem, None)]
    if len(outs) > 1:
        body.append(node("Shape", ["t"], ["sh"]))
        body_out.append(helper.make_tensor_value_info("sh", T.INT64, None))
    graph = helper.make_graph(body, "b", body_in, body_out)
    results = ["m", "ms"][: len(outs)]
    nodes = [node("SequenceMap", ins, results, body=graph)]
    if d.chance():
        nodes.append(node("ConcatFromSequence", ["m"], ["y"], axis=0))
        final = ["y"]
    else:
        final = results
        types.update({"m": seq_type(elem), "ms": seq_type(T.INT64)})
    return build(d, nodes, feeds, final, d.int(17, 23), types={k: v for k, v in types.items() if k in feeds or k in final})


def optional(d):
    """Optionals of tensors and sequences: made, tested, read; absent ones too."""
    opset = d.pick(15, 16, 17, 18, 20, 23, 28)
    elem = d.pick(T.FLOAT, T.INT64, T.DOUBLE, T.BOOL)
    shape = d.shape(0, 3, 4, 0)
    kind = d.int(0, 6)
    x = d.array(elem, shape)
    if kind == 0:
        nodes = [node("Optional", ["x"], ["o"]), node("OptionalGetElement", ["o"], ["e"]), node("Identity", ["e"], ["y"])]
        return build(d, nodes, {"x": x}, ["y"], opset, only="ort", own={"numpy": [x]})
    if kind == 1:
        nodes = [node("Optional", ["x"], ["o"]), node("OptionalHasElement", ["o"], ["y"])]
        return build(d, nodes, {"x": x}, ["y"], opset)
    if kind == 2:
        tp = helper.make_tensor_type_proto(elem, [2, 3]) if d.chance() else seq_type(elem)
        nodes = [node("Optional", [], ["o"], type=tp), node("OptionalHasElement", ["o"], ["y"])]
        return build(d, nodes, {}, ["y"], opset, only="ort", own={"numpy": [np.array(False)]})
    if kind == 3:
        q = [d.array(elem, shape) for _ in range(d.int(1, 3))]
        nodes = [node("Optional", ["q"], ["o"]), node("OptionalGetElement", ["o"], ["e"]), node("SequenceAt", ["e", "i"], ["y"])]
        return build(d, nodes, {"q": q, "i": np.array(0, np.int64)}, ["y"], opset, types={"q": seq_type(elem)}, only="ort", own={"numpy": [q[0]]})
    if kind == 4 and opset >= 18:
        op = d.pick("OptionalHasElement", "OptionalGetElement")
        return build(d, [node(op, ["x"], ["y"])], {"x": x}, ["y"], opset)
    if kind == 5 and opset >= 18:
        return build(d, [node("OptionalHasElement", [] if d.chance() else [""], ["y"])], {}, ["y"], opset)
    nodes = [node("OptionalHasElement", ["o"], ["h"]), node("OptionalGetElement", ["o"], ["y"])]
    if d.chance():
        return build(d, nodes, {"o": x}, ["h", "y"], opset, constant=0, types={"o": opt_type(elem, list(shape))})
    absent = None if d.chance() else x
    if absent is x:
        return build(d, nodes[:1], {"o": x}, ["h"], opset, types={"o": opt_type(elem, list(shape))}, constant=0)
    return build(d, nodes[:1], {"o": absent}, ["h"], opset, types={"o": opt_type(elem, list(shape))})


WORDS = ["Monday", "tuesday", "WEDNESDAY", "", "a", "B b", "café", "straße", "ÉCOLE", "x,y", "a--b", " lead", "trail ", "1.5", "ǅ"]


def normalizer(d):
    n = d.int(1, 6)
    shape = (n,) if d.chance(0.6) else (1, n)
    attrs = {"case_change_action": d.pick("NONE", "LOWER", "UPPER")} if d.chance(0.8) else {}
    if d.chance(0.7):
        attrs["is_case_sensitive"] = d.int(0, 1)
    if d.chance(0.7):
        attrs["stopwords"] = d.some(["monday", "a", "tuesday", "café", "B b", "Monday"], 1, 3)
    words = [w for w in WORDS if w.isascii()]
    attrs["locale"] = "C"  # the others may be missing where ONNX Runtime runs
    return one(d, "StringNormalizer", {"x": d.strings(shape, words)}, d.int(10, 23), attrs=attrs, only="ort")


def string_concat(d):
    shape = d.shape(0, 3)
    feeds = {"x": d.strings(d.broadcast(shape), WORDS), "w": d.strings(d.broadcast(shape), WORDS)}
    return one(d, "StringConcat", feeds, d.int(20, 24))


def string_split(d):
    attrs = {}
    if d.chance(0.7):
        attrs["delimiter"] = d.pick(",", " ", "-", "--", "b", "")
    if d.chance(0.5):
        attrs["maxsplit"] = d.int(1, 3)
    x = d.strings(d.shape(0, 2), WORDS + ["a,b,,c", "  two  spaces ", ",", "a - b - c", "bbb"])
    return one(d, "StringSplit", {"x": x}, d.int(20, 24), ["y", "n"], attrs=attrs)


def regex(d):
    pattern = d.pick(r"[a-z]+", r".*", r"\d+(\.\d+)?", r"(?i)monday|b.*", r"^a.*$", r"[^,]*,[^,]*", r"\w+", r"(a|ab)(c|bcd)*", "")
    return one(d, "RegexFullMatch", {"x": d.strings(d.shape(0, 3), WORDS + ["abc", "12", "3.25"])}, d.int(20, 24), attrs={"pattern": pattern})


def tfidf(d):
    text = d.chance(0.4)
    vocab = list(range(1, 7)) if not text else ["a", "b", "c", "d"]
    n1 = d.some(vocab, 1, 4)
    n2 = [d.pick(vocab) for _ in range(2 * d.int(0, 3))]
    pairs = sorted({tuple(n2[i:i + 2]) for i in range(0, len(n2), 2)})
    n2 = [w for p in pairs for w in p]
    pool = n1 + n2
    counts = [0] + ([len(n1)] if n2 else [])
    total = len(n1) + len(pairs)
    attrs = {
        "mode": d.pick("TF", "IDF", "TFIDF"), "min_gram_length": d.int(1, 2), "max_gram_length": 2, "max_skip_count": d.int(0, 3),
        "ngram_counts": counts, "ngram_indexes": d.shuffled(range(total)),
    }
    attrs["pool_strings" if text else "pool_int64s"] = pool
    if not n2:
        attrs["min_gram_length"] = attrs["max_gram_length"] = 1
    if d.chance():
        attrs["weights"] = [round(float(v), 2) for v in d.g.uniform(0.2, 3, total)]
    shape = (d.int(1, 9),) if d.chance(0.6) else (d.int(1, 3), d.int(1, 6))
    x = d.strings(shape, ("a", "b", "c", "d", "e")) if text else d.g.integers(0, 8, shape).astype(d.pick(np.int32, np.int64))
    return one(d, "TfIdfVectorizer", {"x": x}, d.int(9, 23), attrs=attrs)


def string_moves(d):
    """Strings through operators that move elements or compare them."""
    op = d.pick("Identity", "Where", "Equal", "Reshape", "Concat", "Unique", "Transpose", "Gather", "Tile", "Expand", "Loop")
    x = d.strings((2, 3), WORDS)
    if op == "Equal":
        return one(d, op, {"x": x, "w": d.strings((3,), WORDS[:5])}, d.int(19, 23))
    if op == "Where":
        return one(d, op, {"c": d.array(T.BOOL, (3,)), "a": x, "b": d.strings((), WORDS)}, d.int(9, 23))
    if op == "Reshape":
        return one(d, op, {"x": x, "s": np.array([3, -1], np.int64)}, d.int(14, 23))
    if op == "Concat":
        return one(d, op, {"a": x, "b": d.strings((2, 1), WORDS)}, d.int(13, 23), attrs={"axis": 1})
    if op == "Unique":
        return one(d, op, {"x": x}, d.int(11, 23), ["y", "i", "v", "c"])
    if op == "Gather":
        return one(d, op, {"x": x, "i": np.array([2, 0, -1], np.int64)}, d.int(13, 23), attrs={"axis": 1})
    if op == "Tile":
        return one(d, op, {"x": x, "r": np.array([2, 1], np.int64)}, d.int(13, 23))
    if op == "Expand":
        return one(d, op, {"x": x, "s": np.array([2, 2, 3], np.int64)}, d.int(13, 23))
    return one(d, "Transpose" if op == "Loop" else op, {"x": x}, d.int(14, 23))


FAMILIES = {
    "sequence": sequence, "split_to_sequence": split_to_sequence, "sequence_map": sequence_map, "optional": optional,
    "string_normalizer": normalizer, "string_concat": string_concat, "string_split": string_split, "regex": regex, "tfidf": tfidf,
    "string_moves": string_moves,
}
