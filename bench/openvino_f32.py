"""Runs a model with OpenVINO in float32 and prints times as `onnxrun bench --json` does.

    python3 bench/openvino_f32.py MODEL --inputs DIR --threads N --warmup W --rounds R --json

On processors with bfloat16 instructions OpenVINO computes float32 models in bfloat16 unless it is told not to; its
results then differ in the third digit. Inputs are those of inputs.txt (name, dtype, shape, raw file per line) or the
input_<i>.pb of an ONNX test data set. Needs numpy, onnx, openvino.
"""

import argparse
import glob
import json
import os
import time

import numpy as np


def status(key):
    """Returns an entry of /proc/self/status in MB."""
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) / 1024


def read_inputs(model, folder):
    listing = os.path.join(folder, "inputs.txt")
    if os.path.exists(listing):
        rows = [line.split("\t") for line in open(listing).read().splitlines() if line]
        shape = lambda text: [int(d) for d in text.split(",") if d]
        return {name: np.fromfile(os.path.join(folder, file), dtype=dtype).reshape(shape(dims)) for name, dtype, dims, file in rows}
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(model, load_external_data=False).graph
    held = {t.name for t in graph.initializer}
    names = [v.name for v in graph.input if v.name not in held]
    load = lambda file: numpy_helper.to_array(onnx.TensorProto.FromString(open(file, "rb").read()))
    return {n: load(os.path.join(folder, f"input_{i}.pb")) for i, n in enumerate(names) if glob.glob(os.path.join(folder, f"input_{i}.pb"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    inputs = read_inputs(args.model, args.inputs)
    import openvino as ov

    base, start = status("VmRSS"), time.perf_counter()
    core = ov.Core()
    model = core.read_model(args.model)
    model.reshape({n: list(v.shape) for n, v in inputs.items()})
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": args.threads, "NUM_STREAMS": "1", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    load = (time.perf_counter() - start) * 1e3
    times = []
    for _ in range(args.warmup + args.rounds):
        start = time.perf_counter()
        request.infer(inputs, share_inputs=True, share_outputs=True)
        times.append((time.perf_counter() - start) * 1e3)
    head = [float(x) for x in request.get_output_tensor(0).data.ravel()[:8]]
    print(json.dumps({"load_ms": load, "first_run_ms": times[0], "times_ms": times[args.warmup :], "base_rss_mb": base,
                      "peak_rss_mb": status("VmHWM"), "out0_head": head}))


main()
