"""Writes ../heads.json: linear heads by scikit-learn (Ridge, LogisticRegression) and torch (L-BFGS in float64).

    python3 heads.py
"""

import json
import pathlib

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch.nn import functional as F

rng = np.random.default_rng(11)


def single(a):
    return np.asarray(a, np.float32).astype(np.float64)


def data(n, d, k):
    x = single(rng.normal(size=(n, d)) * np.exp(rng.normal(size=d)) + 3)
    y = single(x @ rng.normal(size=(d, k)) * 0.3 + rng.normal(size=(n, k)) + 2)
    return x, y, np.argmax(y + rng.gumbel(size=y.shape), 1), single(rng.integers(0, 4, n) / 2)


cases = []


def case(method, x, w, b, lam, loss="", y=None, classes=None, weights=None, outputs=0):
    nine = lambda a: None if a is None else [float(f"{v:.9g}") for v in np.ravel(a)]
    cases.append(dict(method=method, loss=loss, samples=len(x), x=nine(x), y=nine(y), classes=None if classes is None else classes.tolist(),
                      outputs=outputs, weights=nine(weights), **{"lambda": lam}, w=nine(w), b=nine(b)))


for n, d, k in [(40, 6, 2), (5, 9, 3)]:
    x, y, _, weights = data(n, d, k)
    weights[0] = 1
    for lam in [0.5, 30]:
        for sample_weights in [None, weights]:
            r = Ridge(alpha=lam, solver="svd").fit(x, y, sample_weight=sample_weights)
            case("ridge", x, r.coef_, r.intercept_, lam, y=y, weights=sample_weights)
x, y, _, _ = data(40, 6, 2)
r = Ridge(alpha=0, solver="svd").fit(x, y)
case("ridge", x, r.coef_, r.intercept_, 0, y=y)
x, y, classes, _ = data(50, 4, 3)
r = Ridge(alpha=2, solver="svd").fit(x, np.eye(3)[classes])
case("ridge", x, r.coef_, r.intercept_, 2, classes=classes, outputs=3)


def fit(x, outputs, lam, loss):
    """The minimum of a loss of the scores, by torch."""
    x = torch.tensor(x)
    w = torch.zeros(outputs, x.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(outputs, dtype=torch.float64, requires_grad=True)
    o = torch.optim.LBFGS([w, b], max_iter=5000, tolerance_grad=1e-12, tolerance_change=0, history_size=50, line_search_fn="strong_wolfe")

    def closure():
        o.zero_grad()
        v = loss(x @ w.T + b) + lam / 2 * (w ** 2).sum()
        v.backward()
        return v

    for _ in range(5):
        o.step(closure)
    assert max(w.grad.abs().max(), b.grad.abs().max()) < 1e-8, (w.grad, b.grad)
    return w.detach().numpy(), b.detach().numpy()


x, y, classes, weights = data(60, 5, 3)
lam = 0.05
c = LogisticRegression(C=1 / (lam * len(x)), tol=1e-12, max_iter=10000).fit(x, classes)
w, b = fit(x, 3, lam, lambda z: F.cross_entropy(z, torch.tensor(classes)))
assert np.abs(w - c.coef_).max() < 1e-6, (w, c.coef_)
case("lbfgs", x, w, b - b.mean(), lam, "cross-entropy", classes=classes, outputs=3)
class_weights = torch.tensor([1, 2, 0.5], dtype=torch.float64)
per_sample = torch.tensor(weights) * class_weights[classes]
w, b = fit(x, 3, lam, lambda z: (F.cross_entropy(z, torch.tensor(classes), reduction="none") * per_sample).sum() / per_sample.sum())
case("lbfgs", x, w, b - b.mean(), lam, "cross-entropy:weights=1,2,0.5", classes=classes, outputs=3, weights=weights)
t = (y > 2).astype(np.float64)
w, b = fit(x, 3, lam, lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(t), pos_weight=class_weights))
case("lbfgs", x, w, b, lam, "bce-with-logits:pos-weight=1,2,0.5", y=t)
w, b = fit(x, 3, lam, lambda z: F.mse_loss(z, torch.tensor(y)))
case("lbfgs", x, w, b, lam, "mse", y=y)
w, b = fit(x, 3, lam, lambda z: ((z - torch.tensor(y)) ** 2).sum() / 2)
case("lbfgs", x, w, b, lam, "mse:half", y=y)

out = pathlib.Path(__file__).parent.parent / "heads.json"
out.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
