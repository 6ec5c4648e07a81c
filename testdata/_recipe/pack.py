"""Packs conformance cases into one content-addressed zip, the format of testdata/conformance/README.md.

The archive depends on the cases alone: entries are sorted, times are fixed, so a second run gives the same bytes.
"""

import hashlib
import json
import zipfile

import numpy as np
import onnx
from onnx import helper, numpy_helper


def case(name, model, inputs, outputs, rtol=1e-3, atol=1e-5, **fields):
    """Describes a case: model is a ModelProto, inputs and outputs are positional lists of arrays or protos.

    None stands for an optional input that is not given. fields go into the manifest (family, source, compare ...).
    """
    files = {"model.onnx": model.SerializeToString(deterministic=True)}
    for kind, values in (("input", inputs), ("output", outputs)):
        for i, v in enumerate(values):
            if v is not None:
                files[f"test_data_set_0/{kind}_{i}.pb"] = proto(v).SerializeToString(deterministic=True)
    ops = sorted({n.op_type for n in model.graph.node})
    opset = {o.domain: o.version for o in model.opset_import}
    return {"name": name, "ops": ops, "opset": opset, "rtol": rtol, "atol": atol, "files": files, **fields}


def proto(value):
    """Turns an array, a list (a sequence of tensors) or a proto into a proto."""
    if hasattr(value, "SerializeToString"):
        return value
    if isinstance(value, list):
        return numpy_helper.from_list(value)
    value = np.asarray(value)
    if value.dtype.kind in "OU":
        flat = [s if isinstance(s, bytes) else str(s).encode() for s in value.ravel()]
        return helper.make_tensor("", onnx.TensorProto.STRING, value.shape, flat)
    return numpy_helper.from_array(value)


def write(path, cases):
    """Writes the archive: manifest.json and blobs named by the hash of their content."""
    blobs, rows = {}, []
    for c in sorted(cases, key=lambda c: c["name"]):
        names = {}
        for name, data in sorted(c["files"].items()):
            digest = hashlib.sha256(data).hexdigest()[:20]
            blobs[digest] = data
            names[name] = digest
        rows.append({**c, "files": names})
    if len({r["name"] for r in rows}) != len(rows):
        raise ValueError("two cases have one name")
    manifest = {
        "format": 1,
        "layout": "cases[].files maps a path inside the case directory to blobs/<hash>",
        "onnx": onnx.__version__,
        "cases": rows,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        add(z, "manifest.json", json.dumps(manifest, indent=0).encode())
        for digest in sorted(blobs):
            add(z, "blobs/" + digest, blobs[digest])


def add(archive, name, data):
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)
