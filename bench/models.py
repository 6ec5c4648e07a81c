"""Times whole models against ONNX Runtime, OpenVINO, rten and tract, and writes the table of RESULTS.md.

    go build ./cmd/onnxrun && python3 bench/models.py ./onnxrun --root FOLDER [--threads 1,2] [--reps 3] [--budget-ms 1000] [--markdown FILE] [MODEL...]

FOLDER holds the models of ../shared/bench/models.txt (the default list) as fill_weights.py makes them. The rounds are
those of ../shared/bench/peers_bench.py: each contender in a process of its own, in turns, medians. Peers are built or
installed as its README says; one that is missing is left out and named. OpenVINO runs in float32 (openvino_f32.py) and,
as ov, with its own choice of precision. Ratios are peer / ours: above 1, ours is faster.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(HERE, "..", "..", "shared", "bench")


def run(args, threads, out):
    """Runs the rounds for one number of threads and returns what peers_bench.py wrote, by model and contender."""
    harness = os.path.join(args.harness, "peers_bench.py")
    peers = [f"ort{threads}", f"ov{threads}"]
    for name in ("rten", "tract"):
        if os.path.exists(os.path.join(args.harness, "peers", "bin", name + "_bench")):
            peers.append(f"{name}{threads}")
        else:
            print(f"{name} is not built and left out", file=sys.stderr)
    command = [sys.executable, harness, "--root", args.root, "--contenders", ",".join(peers), "--base", f"ort{threads}"]
    command += ["--cmd", f"ours={os.path.abspath(args.onnxrun)} bench@{threads}"]
    command += ["--cmd", f"ovf32={sys.executable} {os.path.join(HERE, 'openvino_f32.py')}@{threads}"]
    command += ["--reps", str(args.reps), "--budget-ms", str(args.budget_ms), "--out", out]
    subprocess.run(command + args.models, check=True, stdout=sys.stderr)
    found = json.load(open(out))["models"]
    strip = lambda name: name.rstrip("12") if name != "ovf32" else name
    return {m: {strip(c): v for c, v in r.items()} for m, r in found.items()}


def mean(ratios):
    """Returns the geometric mean."""
    ratios = list(ratios)
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else float("nan")


def table(found, threads):
    """Returns the markdown table of one number of threads and its summary."""
    peers = [p for p in ("ort", "ovf32", "ov", "rten", "tract") if any("median_ms" in r.get(p, {}) for r in found.values())]
    head = ["model", "onnxrun ms"] + [f"{p}" for p in peers] + ["ready ms: ours", "ort", "rten", "MB: ours", "ort", "rten"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    ratios = {p: [] for p in peers}
    best = []
    for model, r in found.items():
        ours = r["ours"]
        row = [model, f"{ours['median_ms']:.3g}"]
        for p in peers:
            if "median_ms" not in r.get(p, {}):
                row.append("does not run")
                continue
            ratio = r[p]["median_ms"] / ours["median_ms"]
            ratios[p].append(ratio)
            row.append(f"{ratio:.2f}")
        best.append(min(r[p]["median_ms"] for p in peers if p != "ov" and "median_ms" in r.get(p, {})) / ours["median_ms"])
        for key, form in (("ready_ms", ".1f"), ("mem_mb", ".0f")):
            row += [format(r[c][key], form) if key in r.get(c, {}) else "" for c in ("ours", "ort", "rten")]
        lines.append("| " + " | ".join(row) + " |")
    lines.append("| geometric mean | | " + " | ".join(f"**{mean(ratios[p]):.2f}**" for p in peers) + " | " * 6 + " |")
    summary = f"{threads} thread(s): against the best float32 peer of each model {mean(best):.2f}, least {min(best):.2f}."
    return "\n".join(lines + ["", summary])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnxrun")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--root", required=True)
    parser.add_argument("--harness", default=SHARED, help="folder of peers_bench.py")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--budget-ms", type=float, default=1000)
    parser.add_argument("--markdown")
    args = parser.parse_intermixed_args()
    args.models = args.models or open(os.path.join(SHARED, "models.txt")).read().split()
    text = []
    with tempfile.TemporaryDirectory() as folder:
        for threads in args.threads.split(","):
            text.append(table(run(args, threads, os.path.join(folder, threads + ".json")), threads))
    print("\n\n".join(text))
    if args.markdown:
        open(args.markdown, "w").write("\n\n".join(text) + "\n")


main()
