"""Writes ../figures.json: predictions, truths and what scikit-learn, PyTorch, torchmetrics and numpy say of them.

    python3 finetune/metric/testdata/_recipe/figures.py

Written with scikit-learn 1.9.1, PyTorch 2.15 (log loss of logits) and torchmetrics 1.9 (calibration error).
"""

import json
import pathlib
import warnings

import numpy as np
import torch
from scipy.special import expit, softmax
from scipy.stats import pearsonr
from sklearn import metrics as m
from torchmetrics.functional.classification import multiclass_calibration_error

warnings.simplefilter("ignore")
rng = np.random.default_rng(20)


def averages(y, guess, prefix, average, **more):
    p, r, f, _ = m.precision_recall_fscore_support(y, guess, average=average, zero_division=0, **more)
    return {prefix + "_precision": p, prefix + "_recall": r, prefix + "_f1": f}


def top_k(scores, y, k):
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((order == y[:, None]).any(axis=1).mean())


def exact_log_loss(logits, y):
    """PyTorch's: scikit-learn takes probabilities only, which it clips."""
    z, y = torch.tensor(logits), torch.tensor(y)
    if logits.shape[1] == 1:
        return float(torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], y.double()))
    return float(torch.nn.functional.cross_entropy(z, y))


def classification(name, scores, y, kind):
    scores = scores.astype(np.float32)
    wide = scores.astype(np.float64)
    columns = scores.shape[1]
    if columns == 1:
        p1 = expit(wide[:, 0]) if kind == "logits" else wide[:, 0]
        p = np.stack([1 - p1, p1], axis=1)
        guess = (p1 > 0.5).astype(int)
    else:
        p = softmax(wide, axis=1) if kind == "logits" else wide
        guess = p.argmax(axis=1)
    n = p.shape[1]
    labels = list(range(n))
    out = {"accuracy": m.accuracy_score(y, guess), "balanced_accuracy": m.balanced_accuracy_score(y, guess)}
    for prefix in ["macro", "micro", "weighted"]:
        out |= averages(y, guess, prefix, prefix)
    if columns > 1:
        out |= {f"top{k}_accuracy": top_k(p, y, k) for k in [1, 2, 3]}
    out["log_loss"] = m.log_loss(y, p, labels=labels) if kind == "probabilities" else exact_log_loss(wide, y)
    out["brier"] = m.brier_score_loss(y, p[:, 1]) if n == 2 else m.brier_score_loss(y, p, labels=labels)
    present = [k for k in labels if 0 < (y == k).sum() < len(y)]
    one = [1] if n == 2 else present
    out["roc_auc"] = np.mean([m.roc_auc_score(y == k, p[:, k]) for k in one])
    out["average_precision"] = np.mean([m.average_precision_score(y == k, p[:, k]) for k in one])
    out["calibration_error"] = float(multiclass_calibration_error(torch.tensor(p), torch.tensor(y), n, n_bins=15, norm="l1"))
    p_, r_, f_, s_ = m.precision_recall_fscore_support(y, guess, labels=labels, zero_division=0)
    auc = [m.roc_auc_score(y == k, p[:, k]) if k in present and k in one else None for k in labels]
    return {
        "name": name, "kind": kind, "columns": columns, "scores": scores.ravel().tolist(), "labels": y.tolist(),
        "figures": out, "confusion": m.confusion_matrix(y, guess, labels=labels).tolist(),
        "precision": p_.tolist(), "recall": r_.tolist(), "f1": f_.tolist(), "support": s_.tolist(), "auc": auc,
    }


def multilabel(name, scores, y):
    scores = scores.astype(np.float32)
    p = expit(scores.astype(np.float64))
    guess = (p > 0.5).astype(int)
    out = {"subset_accuracy": m.accuracy_score(y, guess), "hamming_loss": m.hamming_loss(y, guess)}
    for prefix in ["macro", "micro", "weighted"]:
        out |= averages(y, guess, prefix, prefix)
    live = [k for k in range(y.shape[1]) if 0 < y[:, k].sum() < len(y)]
    out["roc_auc"] = np.mean([m.roc_auc_score(y[:, k], p[:, k]) for k in live])
    out["average_precision"] = np.mean([m.average_precision_score(y[:, k], p[:, k]) for k in live])
    out["brier"] = np.mean((p - y) ** 2)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    out["log_loss"] = float(loss(torch.tensor(scores).double(), torch.tensor(y).double()))
    return {"name": name, "columns": y.shape[1], "scores": scores.ravel().tolist(), "targets": y.ravel().tolist(), "figures": out}


def regression(name, p, t):
    p, t = p.astype(np.float32), t.astype(np.float32)
    a, b = p.astype(np.float64), t.astype(np.float64)
    mse = m.mean_squared_error(b, a)
    out = {
        "mae": m.mean_absolute_error(b, a), "mse": mse, "rmse": mse ** 0.5, "r2": m.r2_score(b, a),
        "max_error": np.abs(a - b).max(),
    }
    r = [pearsonr(a[:, k], b[:, k])[0] for k in range(a.shape[1])]
    r = [v for v in r if np.isfinite(v)]
    if r:
        out["pearson_r"] = np.mean(r)
    return {"name": name, "columns": p.shape[1], "predictions": p.ravel().tolist(), "targets": t.ravel().tolist(), "figures": out}


def classifications():
    y = rng.integers(0, 4, 50)
    logits = rng.normal(size=(50, 4)) * 2 + 1.5 * np.eye(4)[y]
    yield classification("four classes", logits, y, "logits")
    yield classification("probabilities", softmax(logits, axis=1), y, "probabilities")
    yield classification("ties", np.round(logits), y, "logits")
    rare = np.where(y == 3, 2, y)
    far = logits.copy()
    far[:, 3] -= 30
    yield classification("a class that never occurs", far, rare, "logits")
    b = rng.integers(0, 2, 40)
    z = rng.normal(size=(40, 1)) * 2 + 1.2 * (2 * b[:, None] - 1)
    yield classification("one logit", z, b, "logits")
    yield classification("one probability", expit(z), b, "probabilities")
    yield classification("one logit with ties", np.round(z), b, "logits")
    yield classification("two logits", np.concatenate([rng.normal(size=(40, 1)), z], axis=1), b, "logits")
    yield classification("sure and wrong", 60 * (2 * np.eye(3)[rng.integers(0, 3, 20)] - 1), rng.integers(0, 3, 20), "logits")


def multilabels():
    y = (rng.random((40, 5)) < [0.5, 0.3, 0.1, 0.8, 0.0]).astype(int)
    z = rng.normal(size=(40, 5)) + 1.5 * (2 * y - 1)
    yield multilabel("five labels", z, y)
    yield multilabel("ties", np.round(z), y)


def regressions():
    t = rng.normal(size=(40, 3)) * [1, 10, 0.1] + [0, 5, 1000]
    yield regression("three columns", t + rng.normal(size=(40, 3)) * 0.1, t)
    t = rng.normal(size=(30, 1))
    yield regression("one column", 0.5 * t + rng.normal(size=(30, 1)), t)
    yield regression("constant target", t, np.full((30, 1), 0.1))
    yield regression("constant prediction", np.full((30, 1), 0.1), t)


cases = {
    "classification": list(classifications()),
    "multilabel": list(multilabels()),
    "regression": list(regressions()),
}
text = json.dumps(cases, indent=None, separators=(",", ":"))
(pathlib.Path(__file__).parent.parent / "figures.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")
