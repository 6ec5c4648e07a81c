"""Compares training steps with PyTorch's on the CPU.

    go build -o training ./bench/training
    python3 bench/training.py ./training [--threads 1,2] [--rounds 3] [--steps 10] [--markdown FILE] [WORKLOAD...]

Both sides take turns, round by round, each time in a new process that takes two steps for warming up and then those that are
timed. Times are medians of all steps of all rounds. Memory is the peak above what the process holds with weights and optimizer
state in memory, before the first step. A ratio of times is theirs / ours, so above 1 ours is faster; of memory ours / theirs.
Needs torch.
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("training", help="the program of bench/training")
    parser.add_argument("workloads", nargs="*", default=FULL + LAST)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--markdown", help="file to write the tables to")
    args = parser.parse_intermixed_args()
    lines = []

    def put(line):
        lines.append(line)
        print(line, flush=True)
    for threads in args.threads.split(","):
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
