"""Times single backward operators against PyTorch's on the CPU.

    go build ./cmd/onnxrun && python3 bench/backward.py ./onnxrun [--threads 1,2] [--run REGEXP] [--reps 5] [--markdown FILE]

Every case is a model of the nodes that a gradient consists of, with the gradient that comes in as an input, and the operator that
PyTorch's autograd calls for the same. Pictures have their channels last on both sides, which is the faster order for PyTorch, too,
unless a case says otherwise. The two take turns, repetition by repetition; times are those of the fastest round, for machines
that do other work. A ratio is theirs / ours. Needs numpy, onnx, torch.
"""

import argparse
import json
import math
import os
import re
import subprocess
import tempfile
import time

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from backward_cases import cases

KINDS = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64, np.dtype("uint8"): TensorProto.UINT8}

OPSETS = [("", 21), ("onnxrun", 1), ("ai.onnx.preview.training", 1)]


def write_case(folder, case):
    """Writes model.onnx and the inputs of a case; returns the model's path."""
    os.makedirs(folder, exist_ok=True)
    nodes = [helper.make_node(op, ins, outs, domain=(domain or ["onnxrun"])[0], **attrs) for op, ins, outs, attrs, *domain in case.nodes]
    given, constants, lines = [], [], []
    for name, value in case.inputs.items():
        if name in case.constant:
            constants.append(onnx.numpy_helper.from_array(value, name))
            continue
        given.append(helper.make_tensor_value_info(name, KINDS[value.dtype], value.shape))
        value.tofile(os.path.join(folder, name + ".bin"))
        lines.append("\t".join([name, str(value.dtype), ",".join(map(str, value.shape)), name + ".bin"]))
    with open(os.path.join(folder, "inputs.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")
    outs = [helper.make_empty_tensor_value_info(name) for name in case.outputs]
    graph = helper.make_graph(nodes, "backward", given, outs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*o) for o in OPSETS], ir_version=10)
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    return path


# Seconds until PyTorch's other thread, which looks out for work a while after its last, leaves its processor.
REST = 0.3


def ours(command, path, threads, rounds):
    args = [command, "bench", path, "--inputs", os.path.dirname(path), "--threads", str(threads), "--warmup", "3"]
    done = subprocess.run(args + ["--rounds", str(rounds), "--json"], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    return min(json.loads(done.stdout.strip().split("\n")[-1])["times_ms"])


def theirs(run, rounds):
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def measure(args, case, folder, threads):
    """The fastest rounds of both in ms."""
    path = write_case(folder, case)
    torch.set_num_threads(threads)
    run = case.torch({name: torch.from_numpy(v) for name, v in case.inputs.items()})
    once = theirs(run, 4)
    rounds = int(min(200, max(7, 60 / once)))
    pairs = []
    for _ in range(args.reps):
        time.sleep(REST)
        pairs.append((ours(args.command, path, threads, rounds), theirs(run, rounds)))
    return min(p[0] for p in pairs), min(p[1] for p in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--run", default="")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--markdown", help="file to write the table to")
    args = parser.parse_args()
    counts = [int(n) for n in args.threads.split(",")]
    heads = [f"{side}, {n} thread{'s' * (n > 1)}" for n in counts for side in ("onnxrun ms", "PyTorch ms", "times faster")]
    lines = ["| operator | " + " | ".join(heads) + " |", "|" + "---|" * (len(heads) + 1)]
    print("\n".join(lines), flush=True)
    with torch.no_grad(), tempfile.TemporaryDirectory() as tmp:
        for case in cases():
            if not re.search(args.run, case.name):
                continue
            cells = [case.name]
            for n in counts:
                mine, peer = measure(args, case, os.path.join(tmp, re.sub(r"\W", "_", case.name)), n)
                cells += [f"{mine:.3f}", f"{peer:.3f}", f"{peer / mine:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    if args.markdown:
        with open(args.markdown, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
