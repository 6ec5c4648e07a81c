"""Measures fine-tuning side by side with PyTorch on the CPU.

    go build ./cmd/onnxrun && go build -o finetune-bench ./bench/finetune
    python3 bench/finetune.py ./onnxrun ./finetune-bench [--rounds 5] [--threads 2] [--only REGEXP] [--markdown FILE]

Both sides take turns, round by round, each time in a new process. Times are medians. The seed example is timed from the
start of the process to its end, imports counted; the other workloads inside of the process, from the moment that the data
are in memory. Memory is the peak above the base: of the seed example, above what the process holds after its imports (for
the Go binary: after printing its version); else above what it holds with the data in memory. Needs torch.
"""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOADS = [
    ("head, batch 32", "head", {"samples": 4096, "batch": 32, "epochs": 20}),
    ("head, batch 256", "head", {"samples": 4096, "batch": 256, "epochs": 100}),
    ("last layer of ResNet-18, 256 images, 20 epochs", "resnet18", {"samples": 256, "batch": 32, "epochs": 20}),
    ("the same from 256 JPEG files, PyTorch keeping what the frozen layers make", "files", {"samples": 256, "batch": 32, "epochs": 20}),
    ("the same a second time, from the results that the first run kept", "files again", {"samples": 256, "batch": 32, "epochs": 20}),
]


def process(command):
    """Runs a command; returns its output, milliseconds and peak resident memory in MB."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = child.stdout.read()
    _, state, usage = os.wait4(child.pid, 0)
    ms = 1000 * (time.perf_counter() - start)
    if state != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return out, ms, usage.ru_maxrss / 1024


def seed(args):
    """The seed example: (ms, MB above base) of ours and of PyTorch's."""
    torch = [sys.executable, os.path.join(HERE, "finetune_torch.py"), "seed", "--threads", str(args.threads)]
    _, _, ours_base = process([args.onnxrun, "version"])
    _, _, torch_base = process([sys.executable, "-c", "import torch"])
    rounds = []
    for _ in range(args.rounds):
        ours, theirs = process([args.onnxrun, "train", "demo"]), process(torch)
        rounds.append(((ours[1], ours[2] - ours_base), (theirs[1], theirs[2] - torch_base)))
    return rounds


def pictures(folder, count):
    """Writes JPEG files of 10 classes: pieces of 500x375 pixels of photographs, or of noise where these are not there."""
    import numpy as np
    from PIL import Image
    r = np.random.default_rng(1)
    photos = [Image.open(p).convert("RGB") for p in sorted(glob.glob(os.path.join(HERE, "../../shared/models/inputs/*.jpg")))]
    photos = [p for p in photos if p.width >= 500 and p.height >= 375]
    for i in range(count):
        if photos:
            p = photos[i % len(photos)]
            x, y = r.integers(0, p.width - 499), r.integers(0, p.height - 374)
            piece = p.crop((x, y, x + 500, y + 375))
        else:
            piece = Image.fromarray(r.integers(0, 256, (48, 64, 3), np.uint8)).resize((500, 375), Image.BICUBIC)
        os.makedirs(os.path.join(folder, str(i % 10)), exist_ok=True)
        piece.save(os.path.join(folder, str(i % 10), f"{i:04}.jpg"), quality=90)


def workload(args, kind, settings):
    """Another workload: (ms, MB above base) of ours and of PyTorch's."""
    with tempfile.TemporaryDirectory() as folder:
        if kind.startswith("files"):
            settings = {**settings, "data": os.path.join(folder, "data")}
            pictures(settings["data"], settings["samples"])
        if kind == "files again":
            kind, settings = "files", {**settings, "cache": os.path.join(folder, "cache")}
            process([args.bench, "--workload", kind] + [f"--{k}={v}" for k, v in settings.items()])
        return rounds_of(args, kind, settings)


def rounds_of(args, kind, settings):
    flags = [f"--{k}={v}" for k, v in {**settings, "threads": args.threads}.items()]
    rounds = []
    for _ in range(args.rounds):
        pair = []
        for command in ([args.bench, "--workload", kind], [sys.executable, os.path.join(HERE, "finetune_torch.py"), kind]):
            out, _, _ = process(command + flags)
            r = json.loads(out.splitlines()[-1])
            if "cache" in settings and r.get("frozen_runs"):
                raise SystemExit("the frozen layers ran again")
            pair.append((r["ms"], r["peak_rss_mb"] - r["base_rss_mb"]))
        rounds.append(pair)
    return rounds


def row(name, rounds, samples):
    """A line of the table: medians of both sides and their ratios."""
    ours, theirs = ([r[side] for r in rounds] for side in (0, 1))
    ms = [statistics.median(t for t, _ in side) for side in (ours, theirs)]
    mb = [statistics.median(m for _, m in side) for side in (ours, theirs)]
    rate = [f"{1000 * samples / t:,.0f}" if samples else "" for t in ms]
    return (f"| {name} | {ms[0]:,.1f} | {ms[1]:,.1f} | {ms[1] / ms[0]:.1f} | {rate[0]} | {rate[1]} | {mb[0]:.1f} | {mb[1]:.1f} "
            f"| {mb[0] / mb[1]:.2f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("onnxrun", help="the command, for train demo")
    parser.add_argument("bench", help="the program of bench/finetune")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="workloads whose name matches")
    parser.add_argument("--markdown", help="file to write the table to")
    args = parser.parse_args()
    lines = ["| workload | onnxrun ms | PyTorch ms | times faster | onnxrun samples/s | PyTorch samples/s | onnxrun MB above base "
             "| PyTorch MB above base | ratio |", "|---|---|---|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for name, kind, settings in [("seed example, start to end", "seed", None)] + WORKLOADS:
        if not re.search(args.only, name):
            continue
        rounds = seed(args) if kind == "seed" else workload(args, kind, settings)
        lines.append(row(name, rounds, settings and settings["samples"] * settings["epochs"]))
        print(lines[-1], flush=True)
    if args.markdown:
        with open(args.markdown, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
