"""Makes models/digits.onnx and models/digits.png: python3 models/_recipe/make.py FONTS [--steps N].

FONTS is a folder filled by `go run models/_recipe/fonts.go FONTS`. Needs numpy, pillow and onnx.
"""
import argparse
import hashlib
import os
import time

import numpy as np
from PIL import Image

import render
from network import Network

ROW = "3141592653"


def picture(faces, seed):
    """A row of mildly distorted digits, one 28 x 28 cell each, dark on light."""
    rng = np.random.default_rng(seed)
    cells = []
    for d in ROW:
        x = render.sample(int(d), faces, rng, 0.45)
        cells.append(1 - x if np.median(x) < 0.5 else x)
    return np.concatenate(cells, axis=1)


def train(net, faces, steps, batch=64):
    """Trains on a pool of fresh renderings, renewed in parts, with a cosine rate."""
    rng = np.random.default_rng(1)
    x, y = render.dataset(20000, faces, 100)
    start = time.time()
    for step in range(steps):
        if step and step % 1000 == 0:
            i = (step // 1000 * 4000) % 20000
            x[i:i + 4000], y[i:i + 4000] = render.dataset(4000, faces, 100 + step)
        rate = 2e-3 * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        pick = rng.integers(0, len(y), batch)
        loss = net.step(x[pick], y[pick], rate)
        if step % 500 == 0:
            print(f"step {step} loss {loss:.4f} {time.time() - start:.0f} s", flush=True)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("fonts")
    args.add_argument("--steps", type=int, default=8000)
    args.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    args = args.parse_args()
    faces = render.fonts(args.fonts)
    net = Network(7)
    train(net, faces, args.steps)
    hx, hy = render.dataset(10000, faces, 999999)
    data = net.onnx()
    with open(os.path.join(args.out, "digits.onnx"), "wb") as f:
        f.write(data)
    row = picture(faces, 5)
    Image.fromarray((row * 255).round().astype(np.uint8), "L").save(os.path.join(args.out, "digits.png"))
    cells = row.astype(np.float32).reshape(28, -1, 28).transpose(1, 0, 2)[:, None]
    print("held-out accuracy", net.accuracy(hx, hy))
    print("row", ROW, "read as", "".join(map(str, net.forward(cells).argmax(1))))
    print("bytes", len(data), "sha256", hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
