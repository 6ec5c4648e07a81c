"""Fourier transforms, windows and filter banks."""

import numpy as np
from onnx import TensorProto, helper

from .draw import F16, F32, F64, Node, family

I32, I64 = np.dtype("int32"), np.dtype("int64")


@family
def dft(d):
    opset = d.pick(17, 20)
    dtype = d.dtype(F64)
    rank = d.int(2, 4)
    parts = d.int(1, 2)
    onesided = parts == 1 and d.chance(0.3)
    inverse = not onesided and d.chance(0.4)
    shape = d.ints(rank - 1, 1, 9) + [parts]
    axis = d.int(0, rank - 2)
    if d.chance(0.4):
        axis -= rank
    length = np.asarray(d.int(1, 12)).astype(d.pick(I32, I64)) if d.chance(0.4) else None
    attrs = {"inverse": int(inverse) if inverse or d.chance(0.3) else None, "onesided": int(onesided) if onesided or d.chance(0.3) else None}
    ins = [d.floats(shape, dtype), length]
    if opset == 17:
        attrs["axis"] = axis if d.chance(0.8) or rank == 2 else None
    elif d.chance(0.8):
        ins.append(np.asarray(axis, np.int64))
    return Node("DFT", opset, ins, attrs, constant=0.9, atol=1e-4)


@family
def stft(d):
    dtype = d.dtype(F64)
    n, parts = d.int(1, 2), d.pick(1, 1, 1, 2)
    frame = d.int(2, 16)
    size = frame + d.int(0, 30)
    step = d.int(1, frame)
    window = d.g.random(frame).astype(dtype) if d.chance(0.7) else None
    length = np.asarray(frame, np.int64) if window is None or d.chance(0.5) else None
    onesided = d.pick(None, 0, 1) if parts == 1 else 0
    x = d.floats([n, size, parts] if parts == 2 or d.chance(0.8) else [n, size], dtype)
    return Node("STFT", 17, [x, np.asarray(step, np.int64), window, length], {"onesided": onesided}, constant=0.9, atol=1e-4)


@family
def windows(d):
    size = np.asarray(d.int(1, 20)).astype(d.pick(I32, I64))
    t = d.dtype(F16, F64)
    attrs = {"periodic": d.pick(None, 0, 1), "output_datatype": helper.np_dtype_to_tensor_dtype(t) if t != F32 or d.chance(0.3) else None}
    return Node(d.pick("HannWindow", "HammingWindow", "BlackmanWindow"), 17, [size], attrs, [t], atol=1e-5)


@family
def melweights(d):
    length = d.pick(8, 16, 32, 64)
    rate = d.pick(8000, 16000)
    low = d.float(0, 500)
    ins = [np.asarray(d.int(1, 8), np.int64), np.asarray(length, np.int64), np.asarray(rate, np.int64)]
    ins += [np.asarray(low, F32), np.asarray(d.float(1500, rate / 2), F32)]
    t = d.dtype(F64)
    return Node("MelWeightMatrix", 17, ins, {"output_datatype": TensorProto.DOUBLE if t == F64 else None}, [t])
