"""Writes ../optimizers.json: parameters under PyTorch's optimizers, in float64, with recorded gradients.

    python3 optimizers.py

Each case has the text form of an optimizer, and the parameter after each of its steps. Gradients depend on the parameter,
g = a*w + b with recorded a and b, so that errors do not stay where they arise.
"""

import json
import pathlib

import torch

torch.manual_seed(7)
STEPS, SIZE = 8, 6


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al., Symbolic discovery of optimization algorithms: PyTorch has none."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                b1, b2 = group["betas"]
                c = b1 * m + (1 - b1) * p.grad
                p.copy_(p - group["lr"] * (c.sign() + group["weight_decay"] * p))
                m.copy_(b2 * m + (1 - b2) * p.grad)


def single(t):
    return t.float().double()


start = single(torch.randn(SIZE, dtype=torch.float64))
a = single(torch.rand(SIZE, dtype=torch.float64) * 2)
b = single(torch.randn(STEPS, SIZE, dtype=torch.float64))
b[:, 0] = 0  # an element whose gradient is a multiple of itself
b[:, 1], a[1] = 0, 0  # one that has none

optim = torch.optim
cases = []
for text, make in [
    ("sgd:rate=0.1", lambda p: optim.SGD(p, lr=0.1)),
    ("sgd", lambda p: optim.SGD(p)),
    ("sgd:rate=0.1,decay=0.2", lambda p: optim.SGD(p, lr=0.1, weight_decay=0.2)),
    ("sgd:rate=0.1,momentum=0.9", lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
    ("sgd:rate=0.1,momentum=0.9,dampening=0.5,decay=0.01", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.01)),
    ("sgd:rate=0.1,momentum=0.9,nesterov,decay=0.01", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("adam", lambda p: optim.Adam(p)),
    ("adam:rate=0.1,beta1=0.5,decay=0.1", lambda p: optim.Adam(p, lr=0.1, betas=(0.5, 0.999), weight_decay=0.1)),
    ("adam:rate=0.1,beta1=0", lambda p: optim.Adam(p, lr=0.1, betas=(0.0, 0.999))),
    ("adam:rate=0.1,amsgrad,beta2=0.5,eps=0.001", lambda p: optim.Adam(p, lr=0.1, betas=(0.9, 0.5), amsgrad=True, eps=1e-3)),
    ("adamw", lambda p: optim.AdamW(p)),
    ("adamw:rate=0.1,decay=0.5,beta1=0.9,beta2=0.98", lambda p: optim.AdamW(p, lr=0.1, betas=(0.9, 0.98), weight_decay=0.5)),
    ("adamw:rate=0.1,amsgrad,beta2=0.5", lambda p: optim.AdamW(p, lr=0.1, betas=(0.9, 0.5), amsgrad=True)),
    ("rmsprop", lambda p: optim.RMSprop(p)),
    ("rmsprop:rate=0.1,alpha=0.9,decay=0.1", lambda p: optim.RMSprop(p, lr=0.1, alpha=0.9, weight_decay=0.1)),
    ("rmsprop:rate=0.1,momentum=0.5", lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5)),
    ("rmsprop:rate=0.1,momentum=0.5,centered,eps=0.001", lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True, eps=1e-3)),
    ("adagrad", lambda p: optim.Adagrad(p)),
    ("adagrad:rate=0.1,rate-decay=0.1,initial=0.5,decay=0.1,eps=0.001",
     lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5, weight_decay=0.1, eps=1e-3)),
    ("lion:rate=0.01", lambda p: Lion(p, lr=0.01)),
    ("lion:rate=0.01,beta1=0.95,beta2=0.98,decay=0.5", lambda p: Lion(p, lr=0.01, betas=(0.95, 0.98), weight_decay=0.5)),
]:
    w = start.clone().requires_grad_()
    optimizer = make([w])
    path = []
    for k in range(STEPS):
        w.grad = (a * w + b[k]).detach()
        optimizer.step()
        path.append([float(f"{v:.10g}") for v in w.tolist()])
    cases.append(dict(text=text, path=path))

out = pathlib.Path(__file__).parent.parent / "optimizers.json"
head = dict(start=start.tolist(), a=a.tolist(), b=b.tolist())
out.write_text('{"start": %s, "a": %s, "b": %s,\n"cases": [\n%s\n]}\n' % (
    *(json.dumps(v) for v in head.values()), ",\n".join(json.dumps(c) for c in cases)))
