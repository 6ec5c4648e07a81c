"""Writes ../conformance/pictures.zip: ImageDecoder on files of every kind that Pillow writes.

Expected values are Pillow's: convert("RGB"), its channels reversed, convert("L"). Two departures, where Pillow's own
answer is of no use: pictures of 16 bits lose their low byte (Pillow clips grey ones at 255), and what cannot be
decoded is an empty picture, as the standard says (Pillow raises).
"""

import io
import struct
from pathlib import Path

import numpy as np
import pack
from onnx import TensorProto, helper
from PIL import Image

OUT = Path(__file__).parent.parent / "conformance" / "pictures.zip"
rng = np.random.default_rng(20)
cases = []


def picture(h, w, noise=0, smooth=False):
    """A mosaic of random colours, with soft edges and noise at will."""
    tiles = rng.integers(0, 256, (h // 6 + 2, w // 6 + 2, 3), dtype=np.uint8)
    big = Image.fromarray(tiles).resize((w, h), Image.BICUBIC if smooth else Image.NEAREST)
    values = np.asarray(big).astype(int) + rng.normal(0, noise, (h, w, 3)).round().astype(int)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def save(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def add(name, data, formats=("RGB",), rgb=None):
    for f in formats:
        image = Image.open(io.BytesIO(data)) if rgb is None else Image.fromarray(rgb)
        if f == "Grayscale":
            want = np.asarray(image.convert("L"))[:, :, None]
        else:
            want = np.asarray(image.convert("RGB"))[:, :, :: 1 if f == "RGB" else -1]
        put(f"picture_{name}_{f.lower()}", data, f, want)


def put(name, data, f, want):
    node = helper.make_node("ImageDecoder", ["file"], ["pixels"], pixel_format=f)
    graph = helper.make_graph(
        [node], name,
        [helper.make_tensor_value_info("file", TensorProto.UINT8, ["bytes"])],
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["height", "width", 1 if f == "Grayscale" else 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    stream = np.frombuffer(data, dtype=np.uint8)
    cases.append(pack.case(name, model, [stream], [np.ascontiguousarray(want)], rtol=0, atol=0, family="picture"))


def reframe(data, sampling, width, height):
    """Gives a JPEG other sampling factors of as many blocks, which Pillow cannot write."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    out = bytearray(data)
    out[at + 5 : at + 9] = struct.pack(">HH", height, width)
    out[at + 11] = sampling
    return bytes(out)


ALL = ("RGB", "BGR", "Grayscale")
for i, (h, w) in enumerate([(1, 1), (2, 3), (3, 2), (5, 4), (7, 9), (16, 17), (33, 31), (40, 61)]):
    for sub in 0, 1, 2:
        image = picture(h, w, noise=(0, 5, 30)[(i + sub) % 3], smooth=i % 2 == 0)
        options = {"quality": (20, 75, 92, 100)[(i + sub) % 4], "subsampling": sub, "progressive": (i + sub) % 2 == 1}
        if i % 3 == 0:
            options["restart_marker_blocks"] = 1 + sub
        add(f"jpeg_{h}x{w}_{('444', '422', '420')[sub]}", save(image, "jpeg", **options), ALL if h == 7 else ("RGB",))
for progressive in False, True:
    tag = "progressive" if progressive else "sequential"
    add(f"jpeg_gray_{tag}", save(picture(19, 21, 9).convert("L"), "jpeg", progressive=progressive), ALL)
    add(f"jpeg_rgb_{tag}", save(picture(19, 21, 9), "jpeg", keep_rgb=True, progressive=progressive))
    add(f"jpeg_cmyk_{tag}", save(picture(19, 21, 9).convert("CMYK"), "jpeg", progressive=progressive), ALL)
add("jpeg_440", reframe(save(picture(64, 64, 4), "jpeg", subsampling=1), 0x12, 59, 51))
add("jpeg_411", reframe(save(picture(64, 64, 4), "jpeg", subsampling=2), 0x41, 37, 61))
add("jpeg_tall", reframe(save(picture(64, 64, 4), "jpeg", subsampling=2), 0x14, 61, 37))
exif = Image.Exif()
exif[0x0112] = 6
add("jpeg_rotated", save(picture(9, 14), "jpeg", exif=exif))

for mode in "1", "L", "LA", "P", "RGB", "RGBA":
    image = picture(13, 18, 20).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(picture(13, 18, 20).convert("L"))
    add(f"png_{mode}", save(image, "png"), ALL if mode == "P" else ("RGB", "Grayscale"))
few = picture(13, 18, 20).quantize(7)
add("png_transparent_colour", save(few, "png", transparency=2))
add("bmp_few_colours", save(few, "bmp"), ALL)
add("tiff_few_colours", save(few, "tiff"), ALL)
for mode in "1", "L", "RGB", "RGBA":
    add(f"bmp_{mode}", save(picture(11, 13, 20).convert(mode), "bmp"), ("BGR", "Grayscale"))
    for code in "raw", "tiff_lzw", "tiff_deflate", "packbits":
        options = {} if code == "raw" else {"compression": code}
        add(f"tiff_{mode}_{code}", save(picture(11, 13, 20).convert(mode), "tiff", **options), ("BGR",))
for zero in 0, 1:
    fax = save(picture(11, 13).convert("1"), "tiff", compression="group4", tiffinfo={262: zero})
    add(f"tiff_fax_{zero}", fax)

for (h, w), quality in zip([(1, 1), (2, 3), (5, 4), (16, 17), (33, 31), (40, 50)], [80, 0, 100, 30, 80, 95]):
    add(f"webp_{h}x{w}", save(picture(h, w, 8), "webp", quality=quality), ALL if h == 5 else ("RGB",))
clear = picture(17, 15, 8)
clear.putalpha(picture(17, 15, 8).convert("L"))
add("webp_alpha", save(clear, "webp", quality=80))
add("webp_lossless", save(clear, "webp", lossless=True, exact=True), ALL)

for mode in "1", "L", "RGB":
    add(f"pnm_{mode}", save(picture(7, 11, 20).convert(mode), "ppm"), ALL)
samples = rng.integers(0, 201, (5, 6, 3))
text = b" ".join(b"%d" % v for v in samples.ravel())
add("pnm_200", b"P6 6 5\n200\n" + samples.astype(np.uint8).tobytes())
add("pnm_text", b"P3\n# a comment\n6 5 200\n" + text)
add("pnm_text_gray", b"P2\n18 5\n200\n" + text, ("Grayscale",))
add("pnm_text_bits", b"P1\n18 5\n" + b"".join(b"%d" % (v & 1) for v in samples.ravel()))
deep = rng.integers(0, 65536, (5, 6, 3))
add("pnm_16", b"P6\n6 5\n65535\n" + deep.astype(">u2").tobytes())
gray = deep[:, :, 0].astype(np.uint16)
high = np.repeat((gray >> 8).astype(np.uint8)[:, :, None], 3, 2)
add("png_16", save(Image.fromarray(gray), "png"), ALL, rgb=high)
add("tiff_16", save(Image.fromarray(gray), "tiff"), rgb=high)

whole = save(picture(16, 16), "jpeg")
for name, data in {
    "none": b"",
    "text": b"this is no picture",
    "half_jpeg": whole[: len(whole) - 60],
    "half_png": save(picture(16, 16, 9), "png")[:200],
    "half_pnm": b"P6\n4 4\n255\n" + bytes(20),
    "broken_webp": save(picture(16, 16), "webp")[:40],
}.items():
    put(f"picture_broken_{name}", data, "RGB", np.zeros((0, 0, 3), np.uint8))

pack.write(OUT, cases)
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
