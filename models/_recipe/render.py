"""Digits rendered from the Go fonts with random distortions: the training data of digits.onnx."""
import glob
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 28


def fonts(folder):
    """The fonts of a folder at the sizes the renderer uses, sorted by name."""
    paths = sorted(glob.glob(os.path.join(folder, "*.ttf")))
    return [[ImageFont.truetype(p, size) for size in range(34, 61, 2)] for p in paths]


def glyph(digit, font, stroke):
    """One digit as white ink on a black 84 x 84 picture, centred by its bounding box."""
    img = Image.new("L", (84, 84), 0)
    draw = ImageDraw.Draw(img)
    x0, y0, x1, y1 = draw.textbbox((0, 0), digit, font=font, stroke_width=stroke)
    draw.text((42 - (x0 + x1) / 2, 42 - (y0 + y1) / 2), digit, font=font, fill=255, stroke_width=stroke)
    return img


def distort(img, rng, strength):
    """Rotates, shears, scales and shifts about the centre; samples down to SIZE x SIZE."""
    angle = np.deg2rad(rng.normal(0, 9 * strength))
    shear, aspect = rng.normal(0, 0.12 * strength), np.exp(rng.normal(0, 0.12 * strength))
    rot = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mat = rot @ np.array([[1, shear], [0, 1]]) @ np.diag([aspect, 1 / aspect])
    shift = rng.normal(0, 4 * strength, 2)
    off = np.array([42, 42]) - mat @ (np.array([42, 42]) + shift)
    img = img.transform((84, 84), Image.AFFINE, (*mat[0], off[0], *mat[1], off[1]), Image.BILINEAR)
    return img.resize((SIZE, SIZE), Image.BOX)


def sample(digit, faces, rng, strength=1.0):
    """One distorted picture of a digit as float32 in [0, 1], either polarity."""
    sizes = faces[rng.integers(len(faces))]
    img = glyph(str(digit), sizes[rng.integers(len(sizes))], int(rng.integers(0, 3)))
    if rng.random() < 0.2:
        img = img.filter(ImageFilter.MinFilter(3))
    img = distort(img, rng, strength)
    if rng.random() < 0.4:
        img = img.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.0) * strength))
    x = np.asarray(img, np.float32) / 255
    lo, hi = rng.uniform(0, 0.25) * strength, 1 - rng.uniform(0, 0.3) * strength
    x = lo + (hi - lo) * x
    if rng.random() < 0.5:
        x = 1 - x
    x = x + rng.normal(0, 0.10 * strength * rng.random(), x.shape)
    return np.clip(x, 0, 1).astype(np.float32)


def dataset(n, faces, seed):
    """n pictures [n, 1, SIZE, SIZE] and their digits."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, n)
    x = np.stack([sample(d, faces, rng) for d in y])[:, None]
    return x, y
