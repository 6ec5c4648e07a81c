"""Times single operators of a million float32 elements against ONNX Runtime, one thread each or several.

    go build ./cmd/onnxrun && python3 bench/operators.py ./onnxrun [--threads 1] [--run REGEXP] [--reps 3] [--markdown FILE]

Every case is a model of one node. The two take turns, case by case and repetition by repetition; ONNX Runtime runs
with bound inputs and outputs, so that neither side copies or allocates. A ratio is ours / theirs of the best
repetition's median. Needs numpy, onnx, onnxruntime.
"""

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from layer_cases import layers
from operator_cases import cases


def write_case(folder, case):
    """Writes model.onnx and the inputs of a case; returns the model's path and the inputs by name."""
    os.makedirs(folder, exist_ok=True)
    names = [f"x{i}" if v is not None else "" for i, v in enumerate(case.inputs)]
    nodes = []
    for i in range(case.chained):
        first = names[0] if i == 0 else f"t{i}"
        outs = [f"y{o}" for o in range(case.outputs)] if i == case.chained - 1 else [f"t{i + 1}"]
        nodes.append(helper.make_node(case.op, [first] + names[1:], outs, domain=case.domain, **case.attrs))
    feeds, given, constants, lines = {}, [], [], []
    for i, (name, value) in enumerate(zip(names, case.inputs)):
        if value is None:
            continue
        value = np.asarray(value)
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        if i in case.constant:
            constants.append(onnx.numpy_helper.from_array(value, name))
            continue
        feeds[name] = value
        given.append(helper.make_tensor_value_info(name, kind, value.shape))
        value.tofile(os.path.join(folder, name + ".bin"))
        lines.append("\t".join([name, str(value.dtype), ",".join(map(str, value.shape)), name + ".bin"]))
    with open(os.path.join(folder, "inputs.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")
    outs = [helper.make_empty_tensor_value_info(f"y{i}") for i in range(case.outputs)]
    graph = helper.make_graph(nodes, "bench", given, outs, constants)
    opsets = [helper.make_opsetid("", case.opset)]
    if case.domain:
        opsets.append(helper.make_opsetid(case.domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    return path, feeds


class Peer:
    """ONNX Runtime with everything bound."""

    def __init__(self, path, feeds, threads):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.held = [ort.OrtValue.ortvalue_from_numpy(v) for v in feeds.values()]
        for name, value in zip(feeds, self.held):
            self.binding.bind_ortvalue_input(name, value)
        first = self.session.run(None, feeds)
        for out, value in zip(self.session.get_outputs(), first):
            if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
                bound = ort.OrtValue.ortvalue_from_numpy(value)
                self.held.append(bound)
                self.binding.bind_ortvalue_output(out.name, bound)
            else:
                self.binding.bind_output(out.name)

    def rounds(self, n):
        times = []
        for _ in range(n):
            start = time.perf_counter()
            self.session.run_with_iobinding(self.binding)
            times.append((time.perf_counter() - start) * 1e3)
        return times


# Seconds until the peer's other thread, which looks out for work a while after its last, leaves its processor.
REST = 0.1


def ours(command, path, threads, rounds):
    args = [command, "bench", path, "--inputs", os.path.dirname(path), "--threads", str(threads), "--warmup", "3"]
    done = subprocess.run(args + ["--rounds", str(rounds), "--json"], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    return json.loads(done.stdout.strip().split("\n")[-1])["times_ms"]


def measure(command, case, folder, threads, reps, pick):
    path, feeds = write_case(folder, case)
    peer = Peer(path, feeds, threads)
    peer.rounds(2)
    once = statistics.median(peer.rounds(3))
    rounds = int(min(60, max(7, 60 / max(once, 1e-3))))
    mine, theirs = [], []
    for _ in range(reps):
        theirs.append(pick(peer.rounds(rounds)))
        time.sleep(REST)
        mine.append(pick(ours(command, path, threads, rounds)))
    return min(mine), min(theirs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command")
    p.add_argument("--run", default="")
    p.add_argument("--reps", type=int, default=3)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--fastest", action="store_true", help="the fastest round in place of the median: for machines that do other work")
    p.add_argument("--markdown", help="file to write the table to")
    a = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        for case in itertools.chain(cases(), layers()):
            if not re.search(a.run, case.name):
                continue
            try:
                mine, theirs = measure(a.command, case, os.path.join(tmp, case.name.replace("/", "_")), a.threads, a.reps, min if a.fastest else statistics.median)
            except Exception as e:  # one side cannot run it: said, not counted
                print(f"{case.name:44} {str(e)[:150]}", flush=True)
                continue
            rows.append((case.family, case.name, mine, theirs))
            print(f"{case.name:44} ours {mine:9.3f} ms   ort {theirs:9.3f} ms   {mine / theirs:6.2f}", flush=True)
    report(rows, a.markdown)


def report(rows, markdown):
    ratios = [m / t for _, _, m, t in rows]
    faster = sum(r < 1 for r in ratios)
    summary = f"{len(rows)} cases: {faster} ({100 * faster / max(1, len(rows)):.0f} %) faster, {sum(r > 2 for r in ratios)} more than twice as slow"
    print(summary)
    if not markdown:
        return
    with open(markdown, "w") as f:
        f.write("| family | case | onnxrun ms | ONNX Runtime ms | ratio |\n|---|---|---|---|---|\n")
        for family, name, mine, theirs in rows:
            f.write(f"| {family} | {name} | {mine:.3f} | {theirs:.3f} | {mine / theirs:.2f} |\n")
        f.write("\n" + summary + "\n")


if __name__ == "__main__":
    main()
