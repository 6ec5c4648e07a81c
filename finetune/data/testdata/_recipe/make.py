"""Writes the files of testdata that NumPy and PyArrow are the authority for.

Versions: numpy 2.x, pyarrow 26.0.1. Run in the folder testdata.
"""
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

x = np.arange(12, dtype=np.float32).reshape(6, 2) / 4
y = np.array([0, 1, 2, 0, 1, 2], dtype=np.int64)
np.savez("stored.npz", x=x, y=y, names=np.array(["u", "v", "w"]))
np.savez_compressed("packed.npz", x_train=x.astype(np.float64), y_train=y.astype(np.uint8), x_test=x[:2], y_test=y[:2])
np.save("fortran.npy", np.asfortranarray(np.concatenate([y[:, None].astype(np.float32), x], axis=1)))

table = pa.table({
    "label": pa.array(["no", "yes", "no", "yes", "maybe", "no"]),
    "f32": pa.array(x[:, 0]),
    "f64": pa.array(x[:, 1].astype(np.float64)),
    "i8": pa.array([-1, 2, 3, 4, 5, 6], pa.int8()),
    "u32": pa.array([2**32 - 1, 0, 1, 2, 3, 4], pa.uint32()),
    "truth": pa.array([True, False, True, False, True, False]),
    "vector": pa.array([[float(i), i + 0.5] for i in range(6)], pa.list_(pa.float32())),
    "ids": pa.array([[1, 2, 3], [4], [], [5, 6], [7, 8, 9, 10], [11]], pa.list_(pa.int64())),
    "gaps": pa.array([1.0, None, 3.0, float("nan"), 5.0, 6.0]),
})
pq.write_table(table, "snappy.parquet", row_group_size=4)
pq.write_table(table, "zstd_v2.parquet", compression="zstd", data_page_version="2.0", use_dictionary=False)

# A picture, and what CLIP's image processor makes of it: the shorter side to 12 by the bicubic filter, the middle 10 x 10, scaled and
# shifted. Pillow 13.0.0.
import hashlib, json
from PIL import Image
n = np.arange(23 * 17 * 3, dtype=np.uint64)
img = Image.fromarray(((n * 2654435761 % 2**32) >> 24).astype(np.uint8).reshape(17, 23, 3), "RGB")
img.save("noise.png")
img.quantize(16).save("noise.gif")
img.save("noise.jpg", quality=90)
img.save("noise.webp", quality=80)
mean, std = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
small = img.resize((int(12 * 23 / 17), 12), 3)
left, top = (small.width - 10) // 2, (small.height - 10) // 2
a = np.asarray(small.crop((left, top, left + 10, top + 10)), dtype=np.float32)
a = (a * np.float32(1 / 255) - np.array(mean, np.float32)) / np.array(std, np.float32)
json.dump({"clip": a.transpose(2, 0, 1).ravel().tolist(),
           "sha256": {f: hashlib.sha256(Image.open(f).convert("RGB").tobytes()).hexdigest()
                      for f in ["noise.png", "noise.gif", "noise.jpg", "noise.webp"]}}, open("pictures.json", "w"))
