"""Compares onnxrun with ONNX Runtime and onnx.reference on models made at random.

    python3 testdata/_recipe/compare.py --seed 1 --count 100 --family 'reduce|cast' --onnxrun ./onnxrun

Every module families_*.py beside this file adds families: a dict FAMILIES of name to function (see draw.py). A case is
named family/seed/index and depends on these three alone. Cases are run by both runners in a process of its
own, which may crash or hang, and packed with the outputs of each; onnxrun runs the archive in several modes. Printed is
every case where the runners agree and onnxrun differs, and every case where they do not agree, with the
side that onnxrun takes.
"""

import argparse
import collections
import importlib
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx

import pack
from draw import Draw, elem_type

MODES = [
    ("default", [], {}),
    ("opt=off threads=1", ["--opt=off", "--threads=1"], {}),
    ("threads=2 generic", ["--threads=2"], {"ONNXRUN_CPU": "generic"}),
    ("avx2", [], {"ONNXRUN_CPU": "avx2"}),
]


def families(modules=()):
    """The families of the named modules families_*.py beside this file, or of all."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("families_*.py")):
        if not modules or path.stem.removeprefix("families_") in modules:
            found.update(importlib.import_module(path.stem).FAMILIES)
    return found


def make(family, seed, index, table=None):
    """Draws the case family/seed/index, or None where the family declines."""
    case = (table or families())[family](Draw(family, seed, index))
    if case is not None:
        case.name = f"r_{family}_{seed}_{index:04d}"
        case.extra["family"] = family
    return case


# ---- the runners


def run_reference(case):
    from onnx.reference import ReferenceEvaluator

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        names = [i.name for i in case.model.graph.input]
        got = ReferenceEvaluator(case.model).run(None, dict(zip(names, case.inputs)))
    return [tidy(v, o.type) for v, o in zip(got, case.model.graph.output)]


def tidy(value, proto):
    """Makes an array of a scalar, and checks the element type of a tensor against the declared one."""
    if isinstance(value, (list, tuple)):
        return [tidy(v, None) for v in value]
    if value is None or isinstance(value, dict):
        return value
    value = np.asarray(value)
    if value.dtype.kind in "USO":
        value = np.array([s.decode() if isinstance(s, bytes) else str(s) for s in value.ravel()], dtype=object).reshape(value.shape)
    if proto is not None and proto.HasField("tensor_type"):
        want = proto.tensor_type.elem_type
        if want and want != elem_type(value):
            raise TypeError(f"output of type {value.dtype}, declared {onnx.TensorProto.DataType.Name(want)}")
    return value


def run_onnxruntime(case):
    import onnxruntime as ort

    ort.set_default_logger_severity(4)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(case.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    graph = case.model.graph
    feeds = dict(zip([i.name for i in graph.input], case.inputs))
    dense = all(v.type.startswith("tensor(") and "string" not in v.type for v in session.get_inputs() + session.get_outputs())
    if not dense:
        got = session.run(None, feeds)
        return [tidy(v, o.type) for v, o in zip(got, graph.output)]
    bound = {n: ort_value(ort, np.asarray(v)) for n, v in feeds.items()}
    return [tidy(from_ort(v), o.type) for v, o in zip(session.run_with_ort_values(None, bound), graph.output)]


def ort_value(ort, array):
    """An OrtValue of any element type, filled byte by byte."""
    import ctypes

    v = ort.OrtValue.ortvalue_from_shape_and_type(list(array.shape), elem_type(array), "cpu")
    raw = raw_bytes(array)
    if raw:
        ctypes.memmove(v.data_ptr(), raw, len(raw))
    return v


def raw_bytes(array):
    return onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape)).raw_data


def from_ort(value):
    import ctypes

    size = value.tensor_size_in_bytes()
    t = onnx.TensorProto(data_type=value.element_type(), dims=value.shape())
    t.raw_data = ctypes.string_at(value.data_ptr(), size) if size else b""
    return onnx.numpy_helper.to_array(t)


def run_upgraded(case):
    """The case converted to a newer operator set, for versions that neither runner knows."""
    from onnx import version_converter

    now = {o.domain: o.version for o in case.model.opset_import}.get("", 0)
    for target in (13, 18, 21):
        if target <= now:
            continue
        model = version_converter.convert_version(case.model, target)
        copy = type(case)(model, case.inputs)
        for f in (run_onnxruntime, run_reference):
            try:
                return f(copy)
            except Exception:
                continue
    raise NotImplementedError("no newer version runs")


RUNNERS = {"ort": run_onnxruntime, "ref": run_reference, "up": run_upgraded}
MISSING = re.compile(r"NOT_IMPLEMENTED|NotImplemented|No implementation|no implementation|not implemented|is not a registered|"
                     r"No Op registered|under development|is not supported|Unable to find|has not been implemented|Unknown elem_type", re.I)


def child(pipe):
    """Runs cases that come through the pipe until it closes."""
    os.nice(5)
    sys.stderr = open(os.devnull, "w")
    os.dup2(sys.stderr.fileno(), 2)
    os.dup2(sys.stderr.fileno(), 1)
    while True:
        try:
            runner, case = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("ok", RUNNERS[runner](case)))
        except BaseException as e:
            text = f"{type(e).__name__}: {e}"
            pipe.send(("missing" if MISSING.search(text) else "error", text[:600]))


class Runners:
    """A process that runs cases, replaced when it dies or takes too long."""

    def __init__(self, timeout=30):
        self.timeout, self.process = timeout, None

    def start(self):
        self.pipe, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=child, args=(there,), daemon=True)
        self.process.start()
        there.close()

    def run(self, runner, case):
        """Returns (status, outputs or message); status is ok, missing, error, crash or timeout."""
        if self.process is None:
            self.start()
        try:
            self.pipe.send((runner, case))
            if self.pipe.poll(self.timeout):
                return self.pipe.recv()
            status = "timeout"
        except (EOFError, BrokenPipeError, ConnectionResetError):
            status = "crash"
        self.process.kill()
        self.process = None
        return status, status


# ---- judging


def alike(a, b):
    """Says whether two lists of arrays have the same element types and shapes."""
    return len(a) == len(b) and all(x.dtype == y.dtype and x.shape == y.shape for x, y in zip(a, b))


def agree(a, b, rtol, atol):
    """Says whether two lists of outputs are equal as `onnxrun test` compares: NaN equals NaN, infinities by sign."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(agree(x, y, rtol, atol) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(np.asarray(a[k]), np.asarray(b[k]), rtol, atol) for k in a)
    if a is None or b is None:
        return a is b
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "OU":
        return bool(np.all(a == b))
    if a.dtype.kind in "iub":
        return bool(np.array_equal(a, b))
    if a.dtype.itemsize == 1 or "int" in a.dtype.name:
        return bool(np.array_equal(a.astype(np.float32), b.astype(np.float32), equal_nan=True))
    if a.dtype.name == "bfloat16":
        rtol, a, b = max(rtol, 2**-6), a.astype(np.float32), b.astype(np.float32)
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    return bool(np.allclose(a.astype(wide), b.astype(wide), rtol=rtol, atol=atol, equal_nan=True))


def evaluate(runners, case):
    """Runs a case on both runners. Returns the answers by name, "both" where all agree, and the messages."""
    answers, notes = {}, {}
    for name in (case.only,) if case.only else ("ort", "ref"):
        status, got = runners.run(name, case)
        if status == "ok":
            answers[name] = got
        else:
            notes[name] = f"{status}: {got}"
    answers.update({name: outputs for name, outputs in case.own.items() if outputs is not None})
    answers = grouped(answers, case)
    if not answers and not case.only:
        status, got = runners.run("up", case)
        if status == "ok":
            answers["up"] = got
        else:
            notes["up"] = f"{status}: {got}"
    return answers, notes


def grouped(answers, case):
    """Puts answers that agree together under their joined names, or under "both" if all do."""
    groups = []
    for name in sorted(answers, key=lambda n: {"ref": 1, "ort": 2}.get(n, 0)):
        for names in groups:
            a, b = answers[names[0]], answers[name]
            if alike(a, b) if case.extra.get("compare") else agree(a, b, case.rtol, case.atol):
                names.append(name)
                break
        else:
            groups.append([name])
    if len(groups) == 1 and len(groups[0]) > 1:
        return {"both": answers[groups[0][0]]}
    return {"+".join(names): answers[names[0]] for names in groups}


def stamped(case, outputs):
    """The model, with the shapes of the outputs written in if the case wants that."""
    if not case.stamp:
        return case.model
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for info, v in zip(model.graph.output, outputs):
        if info.type.HasField("tensor_type") and isinstance(v, np.ndarray):
            shape = onnx.TensorShapeProto()
            for n in v.shape:
                shape.dim.add(dim_value=n)
            info.type.tensor_type.shape.CopyFrom(shape)
    return model


def proto(value, kind=None):
    """Turns a value of an input or output of the given TypeProto into what the files of a case hold."""
    if kind is not None and kind.HasField("optional_type"):
        return optional_proto(value, kind.optional_type.elem_type)
    if isinstance(value, dict):
        return map_proto(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return onnx.SequenceProto(elem_type=onnx.SequenceProto.MAP, map_values=[map_proto(v) for v in value])
    if isinstance(value, list) and not value and kind is not None:
        return onnx.SequenceProto(elem_type=onnx.SequenceProto.TENSOR)
    return value


def optional_proto(value, elem):
    field = "sequence_value" if elem.HasField("sequence_type") else "tensor_value"
    code = onnx.OptionalProto.SEQUENCE if elem.HasField("sequence_type") else onnx.OptionalProto.TENSOR
    return onnx.OptionalProto(elem_type=code, **({} if value is None else {field: pack.proto(value)}))


def map_proto(value):
    """A map of strings or integers to scalars."""
    m = onnx.MapProto(values=onnx.SequenceProto(elem_type=onnx.SequenceProto.TENSOR))
    for k, v in value.items():
        if isinstance(k, (str, bytes)):
            m.string_keys.append(k.encode() if isinstance(k, str) else k)
        else:
            m.keys.append(k)
        array = np.asarray(v, dtype=np.float32) if type(v) is float else np.asarray(v)
        m.values.tensor_values.append(pack.proto(array))
    m.key_type = onnx.TensorProto.STRING if m.string_keys else onnx.TensorProto.INT64
    return m


def packed(case, source, outputs):
    """The entry of a case for pack.write."""
    graph = case.model.graph
    inputs = [proto(v, i.type) for v, i in zip(case.inputs, graph.input)]
    if any(i.type.HasField("map_type") and i.type.map_type.value_type.tensor_type.elem_type == onnx.TensorProto.DOUBLE for i in graph.input):
        inputs = [map_proto({k: np.float64(v) for k, v in x.items()}) if isinstance(x, dict) else y for x, y in zip(case.inputs, inputs)]
    outputs = [proto(v, o.type) for v, o in zip(outputs, graph.output)]
    return pack.case(case.name + ("" if source == "both" else "@" + source), stamped(case, outputs), inputs, outputs,
                     rtol=case.rtol, atol=case.atol, source=source, **case.extra)


def run_ours(binary, archive):
    """Runs onnxrun in all modes. Returns {case: {mode: (status, reason)}}."""
    found = collections.defaultdict(dict)
    for mode, flags, env in MODES:
        done = subprocess.run([binary, "test", str(archive), "--json", *flags], env={**os.environ, **env}, capture_output=True, text=True)
        try:
            cases = json.loads(done.stdout.splitlines()[-1])["cases"]
        except Exception:
            raise SystemExit(f"onnxrun failed in mode {mode}: {done.stdout[-300:]} {done.stderr[-1500:]}")
        for c in cases:
            found[c["name"].split("/")[-1]][mode] = (c["status"], c["reason"])
    return found


def short(case, limit=1500):
    """The nodes of a case, and the types of its inputs and constants."""
    graph = case.model.graph
    versions = ", ".join(f"{o.domain or 'opset'} {o.version}" for o in case.model.opset_import)
    types = [f"{i.name} {onnx.helper.printable_type(i.type)}" for i in graph.input]
    types += [f"const {t.name} {onnx.TensorProto.DataType.Name(t.data_type)} {list(t.dims)}" for t in graph.initializer]
    try:
        nodes = "; ".join(onnx.printer.to_text(n).strip() for n in graph.node)
    except Exception:
        nodes = str(list(graph.node))
    return f"    {versions}: {nodes[:limit]}   {', '.join(types)[:limit]}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", default="1")
    p.add_argument("--count", type=int, default=50, help="cases for each family")
    p.add_argument("--family", default=".", help="regular expression on names of families")
    p.add_argument("--case", help="only this one: family/seed/index, with its values")
    p.add_argument("--onnxrun", default="onnxrun", help="the binary")
    p.add_argument("--out", help="keep the archive here")
    p.add_argument("--limit", type=int, default=6, help="cases printed for each family and kind of finding")
    p.add_argument("--list", action="store_true", help="print the families")
    args = p.parse_args()
    table = families()
    if args.list:
        return print("\n".join(sorted(table)))
    runners = Runners()
    if args.case:
        return show(args, table, runners)
    cases, rows = [], []
    for family in sorted(f for f in table if re.search(args.family, f)):
        for i in range(args.count):
            case = make(family, args.seed, i, table)
            if case is None:
                continue
            answers, notes = evaluate(runners, case)
            cases.append((family, case, answers, notes))
            rows += [packed(case, source, outputs) for source, outputs in answers.items()]
    path = args.out or os.path.join(tempfile.mkdtemp(), "random.zip")
    pack.write(path, rows)
    report(args, cases, run_ours(args.onnxrun, path))


def show(args, table, runners):
    family, seed, index = args.case.split("/")
    case = make(family, seed, int(index), table)
    print(short(case, 4000))
    for name, v in zip([i.name for i in case.model.graph.input], case.inputs):
        print("input", name, repr(v))
    answers, notes = evaluate(runners, case)
    for source, outputs in answers.items():
        print(source, outputs)
    print(notes)
    path = args.out or os.path.join(tempfile.mkdtemp(), "random.zip")
    pack.write(path, [packed(case, s, o) for s, o in answers.items()])
    for name, modes in run_ours(args.onnxrun, path).items():
        print(name, modes)


def verdict(case, answers, ours):
    """Names what a case shows: (kind, text)."""
    results = {s: ours.get(case.name + ("" if s == "both" else "@" + s), {}) for s in answers}
    statuses = {s: {st for st, _ in modes.values()} for s, modes in results.items()}
    if any(len(st) > 1 for st in statuses.values()):
        return "MODES DIFFER", str(results)
    reasons = "; ".join(f"{s}: {next(iter(m.values()))[1]}" for s, m in results.items() if m)
    passed = [s for s, st in statuses.items() if st == {"passed"}]
    if not answers:
        return "no runner", ""
    if "both" in answers:
        return ("ok both", "") if passed else ("FAILED both", reasons)
    if len(answers) == 1:
        only = next(iter(answers))
        return (f"ok {only} only", "") if passed else (f"FAILED {only} only", reasons)
    if passed:
        return f"disagree, ours={passed[0]}", reasons
    return "DISAGREE, ours=neither", reasons


def report(args, cases, ours):
    kinds = collections.defaultdict(lambda: collections.defaultdict(list))
    for family, case, answers, notes in cases:
        kind, text = verdict(case, answers, ours)
        kinds[family][kind].append((case, text, notes))
    total = collections.Counter()
    for family, found in sorted(kinds.items()):
        print(family, {k: len(v) for k, v in sorted(found.items())})
        for kind, items in sorted(found.items()):
            total[kind] += len(items)
            if kind.startswith("ok"):
                continue
            for case, text, notes in items[: args.limit]:
                print(f"  {kind} {case.name} ({', '.join(sorted({n.op_type for n in case.model.graph.node}))}) {text[:500]}")
                for runner, note in notes.items():
                    print(f"    {runner} {note[:200]}")
                print(short(case))
    print("total", dict(total))


if __name__ == "__main__":
    main()
