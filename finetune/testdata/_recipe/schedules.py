"""Writes ../schedules.json: factors of the learning rate by PyTorch's schedulers, and the rates of ReduceLROnPlateau.

    python3 schedules.py
"""

import json
import math
import pathlib

import torch
from torch.optim import lr_scheduler as S


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def factors(scheduler, optimizer, steps):
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return out


schedules = []
for text, total, make in [
    ("constant", 5, lambda o: S.ConstantLR(o, factor=1.0)),
    ("step:size=3", 10, lambda o: S.StepLR(o, 3)),
    ("step:size=4,gamma=0.5", 10, lambda o: S.StepLR(o, 4, gamma=0.5)),
    ("linear", 10, lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=10)),
    ("linear:floor=0.2", 10, lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=10)),
    ("cosine", 12, lambda o: S.CosineAnnealingLR(o, 12)),
    ("cosine:floor=0.1", 7, lambda o: S.CosineAnnealingLR(o, 7, eta_min=0.1)),
    ("linear:warmup=4", 12, lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / 4, 1.0, 3), S.LinearLR(o, 1.0, 0.0, 8)], [4])),
    ("cosine:warmup=0.25", 12, lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / 3, 1.0, 2), S.CosineAnnealingLR(o, 9)], [3])),
    ("one-cycle", 20, lambda o: S.OneCycleLR(o, 1.0, total_steps=20)),
    ("one-cycle:rise=0.45,start=10,end=100", 13, lambda o: S.OneCycleLR(o, 1.0, total_steps=13, pct_start=0.45, div_factor=10, final_div_factor=100)),
]:
    o = sgd()
    schedules.append(dict(text=text, total=total, factors=factors(make(o), o, total)))

METRICS = [3, 2, 2, 2, 1.9999, 1.5, 1.6, 1.7, math.nan, 1.8, 1.9, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4]
plateaus = []
for text, options in [
    ("plateau:patience=1", dict(patience=1)),
    ("plateau:patience=0,factor=0.5,floor=0.1", dict(patience=0, factor=0.5, min_lr=0.1)),
    ("plateau:patience=2,factor=0.5,threshold=0.1", dict(patience=2, factor=0.5, threshold=0.1)),
    ("plateau:patience=1,mode=max,cooldown=2", dict(patience=1, mode="max", cooldown=2)),
    ("plateau", {}),
]:
    o = sgd()
    s = S.ReduceLROnPlateau(o, eps=0, **options)
    rates = []
    for m in METRICS:
        s.step(m)
        rates.append(o.param_groups[0]["lr"])
    plateaus.append(dict(text=text, factors=rates))

out = pathlib.Path(__file__).parent.parent / "schedules.json"
rows = lambda cases: ",\n".join(json.dumps(c) for c in cases)
metrics = [None if math.isnan(m) else m for m in METRICS]
out.write_text('{"schedules": [\n%s\n],\n"metrics": %s,\n"plateaus": [\n%s\n]}\n' % (rows(schedules), json.dumps(metrics), rows(plateaus)))
