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
