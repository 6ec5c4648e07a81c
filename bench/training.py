"""Compares training steps with PyTorch's on the CPU.

    go build -o training ./bench/training
    python3 bench/training.py ./training [--threads 1,2] [--rounds 3] [--steps 10] [--half] [--markdown FILE] [WORKLOAD...]

Both sides take turns, round by round, each time in a new process that takes two steps for warming up and then those that are
timed. Times are medians of all steps of all rounds. Memory is the peak above what the process holds with weights and optimizer
state in memory, before the first step. A ratio of times is theirs / ours, so above 1 ours is faster; of memory ours / theirs.
With --half our steps are compared with our own under a bound of half of the memory that they take above the base: the least
processor times, and whether all losses are the same numbers.
Needs torch, but for --half.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = ["resnet18", "mobilenet_v2", "encoder4", "bert_tiny", "minilm_l6", "lstm128", "dcgan"]
LAST = ["resnet18_last", "encoder4_last", "minilm_last"]


def process(command):
    """Runs a command and reads the JSON of its last line."""
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.splitlines()[-1])


def workload(args, name, threads):
    """The rounds of one workload: lists of reports of ours and of PyTorch's."""
    flags = [f"--steps={args.steps}", f"--threads={threads}"]
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(process([args.training, "--workload", name] + flags))
        theirs.append(process([sys.executable, os.path.join(HERE, "training_torch.py"), name] + flags))
    return ours, theirs


def row(name, ours, theirs):
    """A line of the table, and the ratio of times."""
    ms = [statistics.median(t for r in side for t in r["times_ms"]) for side in (ours, theirs)]
    mb = [statistics.median(r["peak_rss_mb"] - r["base_rss_mb"] for r in side) for side in (ours, theirs)]
    line = f"| {name} | {ms[0]:.3g} | {ms[1]:.3g} | {ms[1] / ms[0]:.2f} | {mb[0]:.1f} | {mb[1]:.1f} | {mb[0] / mb[1]:.2f} |"
    return line, ms[1] / ms[0]


def half(args, name, threads):
    """A line of the table of steps under a bound."""
    command = [args.training, "--workload", name, f"--steps={args.steps}", f"--threads={threads}"]
    plain, tight = [process(command)], []
    above = plain[0]["peak_rss_mb"] - plain[0]["base_rss_mb"]
    bound = f"--mem={int(above * 2**19)}"
    for _ in range(args.rounds):
        tight.append(process(command + [bound]))
        plain.append(process(command))
    ms = [min(t for r in side for t in r["cpu_ms"]) for side in (plain, tight)]
    same = "yes" if all(r["loss"] == plain[0]["loss"] for r in plain + tight) else "no"
    taken = max(r["peak_rss_mb"] - r["base_rss_mb"] for r in tight)
    return f"| {name} | {ms[0]:.3g} | {ms[1]:.3g} | {ms[1] / ms[0]:.2f} | {above:.1f} | {above / 2:.1f} | {taken:.1f} | {same} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("training", help="the program of bench/training")
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--half", action="store_true", help="compare with our own steps in half of the memory")
    parser.add_argument("--markdown", help="file to write the tables to")
    args = parser.parse_intermixed_args()
    args.workloads = args.workloads or (FULL if args.half else FULL + LAST)
    lines = []

    def put(line):
        lines.append(line)
        print(line, flush=True)
    for threads in args.threads.split(","):
        if args.half:
            put(f"| workload, {threads} thread(s) | ms | ms with the bound | times slower | MB | bound | MB with it | same losses |")
            put("|---|---|---|---|---|---|---|---|")
            for name in args.workloads:
                put(half(args, name, threads))
            continue
        put(f"| workload, {threads} thread(s) | onnxrun ms | PyTorch ms | times faster | onnxrun MB | PyTorch MB | ratio |")
        put("|---|---|---|---|---|---|---|")
        ratios = []
        for name in args.workloads:
            line, ratio = row(name, *workload(args, name, threads))
            put(line)
            if name in FULL:
                ratios.append(ratio)
        if ratios:
            put(f"| geometric mean of full steps | | | {math.exp(statistics.mean(map(math.log, ratios))):.2f} | | | |")
        put("")
    if args.markdown:
        with open(args.markdown, "w") as f:
            f.write("\n".join(lines))


if __name__ == "__main__":
    main()
