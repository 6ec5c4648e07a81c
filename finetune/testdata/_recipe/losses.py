"""Writes ../losses.json: losses and gradients by PyTorch in float64, of small scores that are exact in float32.

    python3 losses.py

Each case has the text form of a loss, scores, target, the mean loss with its gradient, and one loss for each sample with
the gradient of their sum weighted by 1, 2, 3, ...
"""

import json
import pathlib

import torch
from torch.nn import functional as F

torch.manual_seed(5)
EXTREME = [1e4, -1e4, 100.0, -100.0, 88.0, -104.0, 20.0, -20.0, 0.5, 0.0, -0.0, 3.0]


def values(*shape, scale=2.0):
    return (torch.randn(*shape, dtype=torch.float64) * scale).float().double()


def extreme(*shape):
    n = torch.Size(shape).numel()
    return torch.tensor((EXTREME * (n // len(EXTREME) + 1))[:n], dtype=torch.float64).reshape(shape)


def shares(*shape, axis=1):
    return values(*shape).softmax(axis).float().double()


def ids(high, *shape):
    return torch.randint(0, high, shape)


def listed(t):
    """Nine digits name a float32, and are more than results are held to."""
    return [float(f"{v:.9g}") if isinstance(v, float) else v for v in t.flatten().tolist()]


def rows(loss):
    """The mean over all axes but the first."""
    return loss.reshape(loss.shape[0], -1).mean(1)


cases = []


def case(text, scores, target, mean, none):
    """mean and none map scores to the mean loss, and to one for each sample."""
    x = scores.clone().requires_grad_()
    loss = mean(x)
    grad, = torch.autograd.grad(loss, x)
    each = none(x)
    weights = torch.arange(1, len(each) + 1, dtype=torch.float64)
    grad_each, = torch.autograd.grad((each * weights).sum(), x)
    cases.append(dict(
        text=text, shape=list(scores.shape), scores=listed(scores),
        targetShape=None if target is None else list(target.shape),
        target=None if target is None else listed(target),
        ids=target is not None and not target.is_floating_point(),
        loss=loss.item(), grad=listed(grad), each=listed(each), gradEach=listed(grad_each)))


def pointwise(text, scores, target, f):
    case(text, scores, target, lambda x: f(x, target, reduction="mean"), lambda x: rows(f(x, target, reduction="none")))


for shape in [(4,), (3, 2), (2, 3, 2)]:
    x, t = values(*shape), values(*shape)
    pointwise("mse", x, t, F.mse_loss)
    pointwise("l1", x, t, F.l1_loss)
    pointwise("huber", x, t, F.huber_loss)
    pointwise("huber:delta=0.5", x, t, lambda a, b, reduction: F.huber_loss(a, b, reduction=reduction, delta=0.5))
    half = lambda a, b=t: ((a - b) ** 2).reshape(len(a), -1).sum(1) / 2
    case("mse:half", x, t, lambda a: half(a).sum(), half)
    signs = torch.where(t > 0, 1.0, -1.0).double()
    pointwise("hinge", x, signs, lambda a, b, reduction: (1 - a * b).clamp(min=0) if reduction == "none" else (1 - a * b).clamp(min=0).mean())
    p = values(*shape).sigmoid().float().double()
    pointwise("bce", p, (t > 0).double(), F.binary_cross_entropy)
    pointwise("bce", p, t.sigmoid().float().double(), F.binary_cross_entropy)
    for target in [(t > 0).double(), t.sigmoid().float().double()]:
        pointwise("bce-with-logits", x, target, F.binary_cross_entropy_with_logits)
        pointwise("bce-with-logits:pos-weight=2.5", x, target, lambda a, b, reduction: F.binary_cross_entropy_with_logits(
            a, b, reduction=reduction, pos_weight=torch.tensor([2.5], dtype=torch.float64)))
pointwise("l1", extreme(3, 4), extreme(3, 4), F.l1_loss)
pointwise("huber", extreme(3, 4), values(3, 4), F.huber_loss)
weights = torch.tensor([0.5, 2, 3], dtype=torch.float64)
for text, x, shape in [("", values(4, 3), (3,)), ("", values(2, 3, 2), (3, 1)), (",axis=-1", values(2, 2, 3), (3,))]:
    t = (values(*x.shape) > 0).double()
    pointwise("bce-with-logits:pos-weight=0.5,2,3" + text, x, t, lambda a, b, reduction: F.binary_cross_entropy_with_logits(
        a, b, reduction=reduction, pos_weight=weights.reshape(shape)))
for target in [torch.ones(3, 4).double(), torch.zeros(3, 4).double()]:
    pointwise("bce-with-logits", extreme(3, 4), target, F.binary_cross_entropy_with_logits)

weights4 = torch.tensor([1, 2, 0.5, 1], dtype=torch.float64)
for shape in [(5, 4), (3, 4, 2), (2, 4, 2, 3)]:
    for x in [values(*shape), extreme(*shape)]:
        t = ids(4, shape[0], *shape[2:])
        skipped = t.clone()
        skipped.view(-1)[::3] = -100
        for text, target, options in [
            ("cross-entropy", t, {}), ("cross-entropy", skipped, {}),
            ("cross-entropy:weights=1,2,0.5,1", skipped, dict(weight=weights4)),
            ("cross-entropy:smoothing=0.1", t, dict(label_smoothing=0.1)),
            ("cross-entropy:smoothing=0.1,ignore=2", t, dict(label_smoothing=0.1, ignore_index=2)),
            ("cross-entropy:ignore=1,weights=1,2,0.5,1,smoothing=0.3", t, dict(label_smoothing=0.3, ignore_index=1, weight=weights4)),
        ]:
            pointwise(text, x, target, lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction, **options))
            if x.dim() == 3:  # the layout of language models
                name, _, rest = text.partition(":")
                last = x.transpose(1, 2).contiguous()
                pointwise(f"{name}:axis=-1" + (rest and ",") + rest, last, target,
                          lambda a, b, reduction: F.cross_entropy(a.transpose(1, 2), b, reduction=reduction, **options))
        q = shares(*shape)
        for text, options in [("cross-entropy:soft", {}), ("cross-entropy:soft,weights=1,2,0.5,1", dict(weight=weights4)),
                              ("cross-entropy:soft,smoothing=0.2,weights=1,2,0.5,1", dict(weight=weights4, label_smoothing=0.2))]:
            pointwise(text, x, q, lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction, **options))
        logs = x.log_softmax(1).float().double()
        pointwise("nll", logs, skipped, F.nll_loss)
        pointwise("nll:weights=1,2,0.5,1,ignore=3", logs, t, lambda a, b, reduction: F.nll_loss(
            a, b, reduction=reduction, weight=weights4, ignore_index=3))
        teacher = values(*shape)

        def distilled(a, target, temperature):
            kl = F.kl_div((a / temperature).log_softmax(1), target, reduction="none", log_target=False)
            return rows(kl.sum(1)) * temperature ** 2

        for temperature in [1, 4]:
            soft = (teacher / temperature).softmax(1)
            case(f"kl:temperature={temperature}", x, teacher, lambda a: distilled(a, soft, temperature).mean(), lambda a: distilled(a, soft, temperature))
        q.view(-1)[::5] = 0
        case("kl:probabilities,temperature=2", x, q, lambda a: distilled(a, q, 2).mean(), lambda a: distilled(a, q, 2))
        if x.dim() == 2:
            for text, margin in [("hinge:multi-class", 1.0), ("hinge:multi-class,margin=0.5", 0.5)]:
                pointwise(text, x, t, lambda a, b, reduction: F.multi_margin_loss(a, b, reduction=reduction, margin=margin))

out = pathlib.Path(__file__).parent.parent / "losses.json"
out.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
