"""Writes resample.json, held to Pillow, and sound.json, held to PyTorch by the formula of torchaudio.functional.resample.

Versions: pillow 13.0.0, torch 2.15.0. Run in the folder testdata.
"""
import hashlib, json, math
import numpy as np, torch
from PIL import Image

w, h = 23, 17
n = np.arange(w * h * 3, dtype=np.uint64)
pix = ((n * 2654435761 % 2**32) >> 24).astype(np.uint8).reshape(h, w, 3)
img = Image.fromarray(pix, "RGB")
cases = []
for name, code in [("nearest", 0), ("lanczos", 1), ("bilinear", 2), ("bicubic", 3), ("box", 4), ("hamming", 5)]:
    for size, box in [((7, 5), None), ((40, 31), None), ((23, 9), None), ((11, 17), None), ((6, 6), (2.5, 1.25, 19.75, 16.0))]:
        out = img.resize(size, code, box=box)
        cases.append({"filter": name, "size": size, "box": box or (0, 0, w, h),
                      "head": list(out.tobytes()[:12]), "sha256": hashlib.sha256(out.tobytes()).hexdigest()})
json.dump(cases, open("resample.json", "w"), separators=(",", ":"))


def resample(x, orig, new, lowpass=6, rolloff=0.99):
    g = math.gcd(orig, new)
    orig, new = orig // g, new // g
    base = min(orig, new) * rolloff
    width = math.ceil(lowpass * orig / base)
    idx = torch.arange(-width, width + orig, dtype=torch.float64)[None, None] / orig
    t = torch.arange(0, -new, -1, dtype=torch.float64)[:, None, None] / new + idx
    t = (t * base).clamp_(-lowpass, lowpass)
    window = torch.cos(t * math.pi / lowpass / 2) ** 2
    t = t * math.pi
    k = torch.where(t == 0, torch.tensor(1.0, dtype=t.dtype), t.sin() / t) * window * base / orig
    x = torch.nn.functional.pad(torch.tensor(x, dtype=torch.float64)[None], (width, width + orig))
    y = torch.nn.functional.conv1d(x[:, None], k, stride=orig).transpose(1, 2).reshape(1, -1)
    return y[0, :math.ceil(new * (x.shape[1] - 2 * width - orig) / orig)].tolist()


x = [math.sin(0.3 * i) + 0.5 * math.cos(1.1 * i) for i in range(40)]
json.dump([{"from": a, "to": b, "y": resample(x, a, b)} for a, b in [(16000, 8000), (8000, 16000), (44100, 16000), (3, 2)]],
          open("sound.json", "w"), separators=(",", ":"))
