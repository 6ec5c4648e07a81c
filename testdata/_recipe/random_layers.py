"""Random cases of the layer-like operators: made, computed by two other runtimes, tried on onnxrun.

    python3 random_layers.py --onnxrun BINARY --seed 7 --cases 200          a fresh comparison of every family
    python3 random_layers.py --onnxrun BINARY --family conv,pool --seed 7   of some
    python3 random_layers.py --pack ../conformance/random-layers.zip        the archive kept beside this folder

Expected values come from onnx.reference and ONNX Runtime (and layers/recurrent.py for recurrent layers). Where
these differ, onnxrun is compared with each, and the case is printed with the side that it takes. --save FILE keeps
the archive that was tried.
"""

import argparse
import collections
import itertools
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

import pack
from layers import FAMILIES, agree, by_ort, by_reference, Draw
from layers.settled import KEPT, PER_FAMILY, SEED, TRIED


def make(name, seed, number):
    """Makes a case and runs it. Returns (model, inputs, {runner: outputs or error text}, node), or None if the draw was void."""
    draw = Draw(name, seed, number)
    node = FAMILIES[name](draw)
    if node is None:
        return None
    model, values = node.model(draw)
    results = {}
    for runner, run in (("ref", by_reference), ("ort", by_ort)):
        try:
            results[runner] = run(model, values)
        except Exception as e:  # a runner that cannot do a case has no say in it
            results[runner] = f"{type(e).__name__}: {str(e)[:200]}"
    results.update({runner: outs for runner, outs in node.own.items() if outs is not None})
    return model, values, results, (node.rtol, node.atol)


def label(name, seed, number):
    return f"{name}_{seed}_{number:04d}"


def archive_cases(name, seed, number):
    """Returns the cases of one draw: one if the runners agree, else one per runner, with its name after an @."""
    made = make(name, seed, number)
    if made is None:
        return []
    model, values, results, (rtol, atol) = made
    good = {r: v for r, v in results.items() if not isinstance(v, str)}
    status = {r: ("pass" if r in good else v) for r, v in results.items()}
    title = label(name, seed, number)
    kinds = []  # groups of runners that agree
    for runner in sorted(good, key=["torch", "own", "ref", "ort"].index):
        for kind in kinds:
            if agree(good[kind[0]], good[runner], rtol, atol):
                kind.append(runner)
                break
        else:
            kinds.append([runner])
    return [
        pack.case(
            title if len(kinds) == 1 else f"{title}@{kind[0]}", model, values, good[kind[0]], rtol=rtol, atol=atol,
            family=name, source="both" if len(kind) > 1 else kind[0], **status,
        )
        for kind in kinds
    ]


def worker(name, seed, numbers, pipe):
    for number in numbers:
        pipe.send(number)
        pipe.send(archive_cases(name, seed, number))
    pipe.close()


def gather(name, seed, numbers):
    """Makes cases in a process of their own: a runner that crashes costs one case. Yields lists of cases."""
    numbers = list(numbers)
    while numbers:
        here, there = multiprocessing.Pipe(duplex=False)
        p = multiprocessing.Process(target=worker, args=(name, seed, numbers, there))
        p.start()
        there.close()
        number = None
        try:
            while True:
                number = here.recv()
                yield here.recv()
                numbers.remove(number)
        except EOFError:
            p.join()
        if p.exitcode == 0 or number is None:
            return
        print(f"a runner crashed on {label(name, seed, number)} ({p.exitcode})", flush=True)
        if number in numbers:
            numbers = numbers[numbers.index(number) + 1 :]


def run_onnxrun(binary, path, mode):
    """Returns {case: result} of `onnxrun test` in one mode: flags and an ONNXRUN_CPU."""
    flags, cpu = mode
    env = {**os.environ, **({"ONNXRUN_CPU": cpu} if cpu else {})}
    p = subprocess.run([binary, "test", path, "--json", "--timeout=60s", *flags], env=env, capture_output=True, text=True)
    if not p.stdout.strip():
        sys.exit(f"onnxrun test failed: {p.stderr[-2000:]}")
    return {c["name"]: c for c in json.loads(p.stdout)["cases"]}


MODES = [
    (("--opt=on", "--threads=1"), ""),
    (("--opt=off", "--threads=1"), ""),
    (("--opt=on", "--threads=2"), ""),
    (("--opt=on", "--threads=1"), "generic"),
    (("--opt=on", "--threads=1"), "avx2"),
]


def compare(binary, cases, path, modes, limit):
    """Tries cases in all modes and prints what is not as expected. Returns the number of failures."""
    pack.write(path, cases)
    by_title = collections.defaultdict(list)
    for c in cases:
        by_title[c["name"].split("@")[0]].append(c)
    failures = 0
    for i, mode in enumerate(modes):
        results = run_onnxrun(binary, path, mode)
        tally = collections.Counter()
        for title, group in sorted(by_title.items()):
            got = {c["name"]: results[c["name"]] for c in group}
            passed = [n for n, r in got.items() if r["status"] == "passed"]
            first = next(iter(got.values()))
            state = "skipped" if first["status"] == "skipped" else "passed" if passed else "failed"
            if len(group) > 1 and state == "passed":
                against = [n.split("@")[1] for n in got if n not in passed]
                state = "passed against " + " and ".join(against) if against else "passed"
            elif len(group) == 1 and group[0]["source"] != "both":
                state += f" ({group[0]['source']} alone)"
            tally[state] += 1
            shown = state.startswith("failed") or i == 0 and tally[state] <= limit and state.startswith(("skipped", "passed against"))
            if shown:
                failures += state.startswith("failed")
                print(f"  {state}: {title} [{' '.join(mode[0])} {mode[1]}]", *(r["reason"][:300] for r in got.values() if r["status"] != "passed"), sep="\n      ")
        print(" ", " ".join(mode[0]), mode[1], dict(tally), flush=True)
    return failures


def fresh(args):
    failures = 0
    for name in args.family:
        cases = list(itertools.chain.from_iterable(gather(name, args.seed, range(args.start, args.start + args.cases))))
        print(f"{name}: {len(cases)} cases of {args.cases} draws", flush=True)
        if not cases:
            continue
        path = args.save or os.path.join(tempfile.mkdtemp(), "cases.zip")
        failures += compare(args.onnxrun, cases, path, MODES if args.all else MODES[:1], args.limit)
    sys.exit(1 if failures else 0)


def kept():
    """The cases of the archive: some of every family on which the runners agree, and the settled ones."""
    cases = []
    for name in FAMILIES:
        good = []
        for group in gather(name, SEED, range(TRIED)):
            if len(group) == 1 and group[0]["source"] == "both" and len(good) < PER_FAMILY:
                good += group
        cases += good
    for title, (side, reason) in KEPT.items():
        name, seed, number = re.fullmatch(r"(\w+)_(\d+)_(\d+)", title).groups()
        for c in archive_cases(name, int(seed), int(number)):
            if c["name"] in (title, f"{title}@{side}"):
                cases.append({**c, "name": title, "note": reason})
    return list({c["name"]: c for c in cases}.values())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--onnxrun", help="the onnxrun program")
    p.add_argument("--family", type=lambda s: s.split(","), default=list(FAMILIES), help="families, comma-separated; all: " + " ".join(FAMILIES))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--start", type=int, default=0, help="number of the first case")
    p.add_argument("--cases", type=int, default=100, help="draws per family")
    p.add_argument("--all", action="store_true", help="every mode: unoptimised, two threads, lesser instruction sets")
    p.add_argument("--limit", type=int, default=5, help="how many cases to print of a kind that is no failure")
    p.add_argument("--save", help="where to keep the archive that is tried")
    p.add_argument("--show", help="print model, inputs and results of one case, FAMILY_SEED_NUMBER")
    p.add_argument("--pack", metavar="ZIP", help="write the archive of kept cases")
    args = p.parse_args()
    if args.pack:
        pack.write(args.pack, kept())
    elif args.show:
        show(args.show)
    else:
        fresh(args)


def show(title):
    name, seed, number = re.fullmatch(r"(\w+)_(\d+)_(\d+)", title).groups()
    model, values, results, _ = make(name, int(seed), int(number))
    import onnx.printer

    print(onnx.printer.to_text(model))
    np.set_printoptions(threshold=200, linewidth=160)
    for x in values:
        print("input", x.dtype, x.shape)
        print(x)
    for runner, outs in results.items():
        print(runner)
        for y in outs if isinstance(outs, list) else [outs]:
            print(getattr(y, "dtype", ""), getattr(y, "shape", ""))
            print(y)


if __name__ == "__main__":
    main()
