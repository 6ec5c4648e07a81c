"""Records layers of PyTorch for the tests of package nn: python3 finetune/nn/testdata/_recipe/layers.py

For each case layers.npz holds the input x, the output y, a gradient dy of the output, and the weights w.<name> in the
layout of package nn with their gradients g.<name>; gx is the gradient of a floating-point input. PyTorch computes them in
float64. Needs torch and numpy.
"""
import os

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

cases = {}
torch.set_default_dtype(torch.float64)


def regate(t, order, axis=0):
    """Reorders the gates of a recurrent weight."""
    parts = t.chunk(len(order), axis)
    return torch.cat([parts[i] for i in order], axis)


def rnn_weights(m, order):
    """The weights of a recurrent module by ONNX's layout: [directions, gates, ...], and one bias."""
    out, dirs = {}, ["", "_reverse"][:2 if m.bidirectional else 1]
    for l in range(m.num_layers):
        for kind in ("weight_ih", "weight_hh"):
            out[f"{kind}_l{l}"] = lambda g, k=kind, l=l: torch.stack(
                [regate(g(getattr(m, f"{k}_l{l}{d}")), order) for d in dirs])
        out[f"bias_l{l}"] = lambda g, l=l: torch.stack(
            [torch.cat([regate(g(getattr(m, f"bias_{k}_l{l}{d}")), order) for k in ("ih", "hh")]) for d in dirs])
    return out


def mha_weights(m, prefix=""):
    e, out = m.embed_dim, {}
    for i, n in enumerate("qkv"):
        out[f"{prefix}{n}.weight"] = lambda g, i=i: g(m.in_proj_weight)[i * e:(i + 1) * e]
        out[f"{prefix}{n}.bias"] = lambda g, i=i: g(m.in_proj_bias)[i * e:(i + 1) * e]
    out[f"{prefix}out.weight"] = lambda g: g(m.out_proj.weight)
    out[f"{prefix}out.bias"] = lambda g: g(m.out_proj.bias)
    return out


def plain(m, prefix=""):
    """Every parameter and statistic under its own name."""
    named = list(m.named_parameters()) + [(n, b) for n, b in m.named_buffers() if b.dtype.is_floating_point]
    return {prefix + n: (lambda g, p=p: g(p)) for n, p in named}


def block_weights(m):
    out = {}
    for ours, theirs in (("norm1", m.norm1), ("norm2", m.norm2), ("fc1", m.linear1), ("fc2", m.linear2)):
        out.update(plain(theirs, ours + "."))
    out.update(mha_weights(m.self_attn, "attn."))
    return {"block1." + n: f for n, f in out.items()}


def scatter(p):
    """Random values for all parameters, those that start as zeros and ones included."""
    with torch.no_grad():
        for n, v in list(p.named_parameters()) + list(p.named_buffers()):
            if not v.dtype.is_floating_point:
                continue
            v.copy_(torch.rand_like(v) + 0.5 if "running_var" in n else v + 0.2 * torch.randn_like(v))


def case(name, f, shape, weights=None, module=None, ids=0, scale=1.0):
    """Records f(x), where f may be a module."""
    torch.manual_seed(len(cases) + 1)
    module = module or (f if isinstance(f, nn.Module) else None)
    if module is not None:
        module.double().eval()
        scatter(module)
    x = torch.randint(0, ids, shape) if ids else (scale * torch.randn(shape)).float().double().requires_grad_()
    if module is not None:
        with torch.no_grad():
            for p in list(module.parameters()) + [b for b in module.buffers() if b.dtype.is_floating_point]:
                p.copy_(p.float().double())
    y = f(x)
    dy = torch.randn(y.shape).float().double()
    y.backward(dy)
    case = {"x": x.detach(), "y": y.detach(), "dy": dy}
    if not ids:
        case["gx"] = x.grad
    for n, g in (weights or {}).items():
        case["w." + n] = g(lambda p: p.detach())
        if all_grads(g):
            case["g." + n] = g(lambda p: p.grad)
    cases[name] = case


def all_grads(g):
    found = []
    g(lambda p: found.append(p.grad is not None) or p.detach())
    return all(found)


def module(name, m, shape, prefix, **more):
    case(name, m, shape, plain(m, prefix + "."), **more)


module("linear", nn.Linear(5, 4), (3, 5), "fc1")
module("linear_no_bias", nn.Linear(5, 4, bias=False), (3, 5), "fc1")
module("linear_sequence", nn.Linear(5, 4), (2, 3, 5), "fc1")
module("conv1", nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 2, 7), "conv1")
m = nn.Conv1d(2, 3, 2, dilation=2)
case("conv1_causal", lambda x: m(F.pad(x, (2, 0))), (2, 2, 7), plain(m, "conv1."), module=m)
module("conv2", nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), (2, 4, 6, 5), "conv1")
module("conv2_same", nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(1, 2), bias=False), (1, 2, 4, 5), "conv1")
module("conv3", nn.Conv3d(2, 2, 2, padding=1), (1, 2, 3, 3, 2), "conv1")
module("deconv1", nn.ConvTranspose1d(3, 2, 3, stride=2, padding=1), (2, 3, 4), "deconv1")
module("deconv2", nn.ConvTranspose2d(4, 2, (3, 2), stride=2, padding=(1, 0), output_padding=(1, 0), groups=2), (2, 4, 3, 3),
       "deconv1")
module("deconv3", nn.ConvTranspose3d(2, 2, 2, dilation=2, bias=False), (1, 2, 2, 2, 2), "deconv1")
case("max_pool1", lambda x: F.max_pool1d(x, 3, 2, 1), (2, 2, 7))
case("max_pool2", lambda x: F.max_pool2d(x, 2, ceil_mode=True), (2, 2, 5, 4))
case("max_pool_dilated", lambda x: F.max_pool2d(x, (2, 3), 1, (0, 1), (2, 1)), (1, 2, 5, 4))
case("max_pool3", lambda x: F.max_pool3d(x, 2, 1), (1, 2, 3, 3, 2))
case("average_pool", lambda x: F.avg_pool2d(x, 3, 2, 1), (2, 2, 5, 4))
case("average_pool_exclude", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), (2, 2, 5, 4))
case("global_average_pool", lambda x: x.mean((2, 3), keepdim=True), (2, 3, 4, 2))
case("global_max_pool", lambda x: x.amax((2, 3), keepdim=True), (2, 3, 4, 2))
module("batch_norm", nn.BatchNorm2d(3), (2, 3, 2, 2), "bn1")
module("batch_norm_flat", nn.BatchNorm1d(3, eps=1e-3), (4, 3), "bn1")
module("layer_norm", nn.LayerNorm(5), (2, 3, 5), "norm1")
module("layer_norm_two_axes", nn.LayerNorm((3, 5), eps=1e-3), (2, 3, 5), "norm1")
module("layer_norm_no_bias", nn.LayerNorm(5, bias=False), (2, 5), "norm1")
module("rms_norm", nn.RMSNorm(5, eps=1e-5), (2, 3, 5), "norm1")
module("group_norm", nn.GroupNorm(2, 4), (2, 4, 3, 2), "norm1")
module("instance_norm", nn.InstanceNorm2d(3, affine=True), (2, 3, 3, 2), "norm1")
for name, f in {"relu": F.relu, "relu6": F.relu6, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "elu": lambda x: F.elu(x, 0.7),
                "celu": lambda x: F.celu(x, 0.7), "selu": F.selu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
                "silu": F.silu, "mish": F.mish, "hard_swish": F.hardswish, "hard_sigmoid": F.hardsigmoid, "tanh": torch.tanh,
                "sigmoid": torch.sigmoid, "softplus": F.softplus, "softmax": lambda x: F.softmax(x, -1),
                "softmax_axis": lambda x: F.softmax(x, 1), "log_softmax": lambda x: F.log_softmax(x, -1)}.items():
    case(name, f, (2, 3, 4), scale=3.0)
m = nn.PReLU(3)
case("prelu", m, (2, 3, 4), {"prelu1.weight": lambda g, m=m: g(m.weight).reshape(3, 1)}, module=m)
case("flatten", lambda x: x.flatten(1), (2, 3, 2, 2))
case("reshape", lambda x: x.reshape(2, 6, 2), (2, 3, 4))
case("transpose", lambda x: x.permute(0, 2, 1), (2, 3, 4))
case("dropout", lambda x: x * 1.0, (2, 3))
module("embedding", nn.Embedding(7, 4), (2, 5), "embed1", ids=7)
for kind, cls, order in (("lstm", nn.LSTM, (0, 3, 1, 2)), ("gru", nn.GRU, (1, 0, 2)), ("rnn", nn.RNN, (0,))):
    m = cls(3, 4, batch_first=True)
    w = {kind + "1." + n: f for n, f in rnn_weights(m, order).items()}
    case(kind, lambda x, m=m: m(x)[0], (2, 5, 3), w, module=m)
    m = cls(3, 2, num_layers=2, bidirectional=True, batch_first=True)
    w = {kind + "1." + n: f for n, f in rnn_weights(m, order).items()}
    case(kind + "_stacked", lambda x, m=m: m(x)[0], (2, 4, 3), w, module=m)
    m = cls(3, 2, bidirectional=True, batch_first=True)
    w = {kind + "1." + n: f for n, f in rnn_weights(m, order).items()}

    def last(x, m=m):
        h = m(x)[1]
        h = h[0] if isinstance(h, tuple) else h
        return torch.cat([h[-2], h[-1]], 1)

    case(kind + "_last", last, (2, 4, 3), w, module=m)
m = nn.MultiheadAttention(8, 2, batch_first=True)
case("attention", lambda x, m=m: m(x, x, x, need_weights=False)[0], (2, 3, 8), {"attn1." + n: f for n, f in mha_weights(m).items()},
     module=m)
m = nn.MultiheadAttention(8, 4, batch_first=True)
mask = torch.triu(torch.full((4, 4), -torch.inf), 1)
case("attention_causal", lambda x, m=m: m(x, x, x, attn_mask=mask, need_weights=False)[0], (2, 4, 8),
     {"attn1." + n: f for n, f in mha_weights(m).items()}, module=m)
for name, first, act in (("block_pre_norm", True, F.gelu), ("block_post_norm", False, F.relu)):
    m = nn.TransformerEncoderLayer(8, 2, 12, 0.0, act, batch_first=True, norm_first=first)
    case(name, lambda x, m=m: m(x, src_mask=mask[:3, :3] if m.norm_first else None), (2, 3, 8), block_weights(m), module=m)

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "layers.npz")
arrays = {}
for name, c in cases.items():
    for key, value in c.items():
        v = value.numpy()
        arrays[f"{name}/{key}"] = v if v.dtype == np.int64 else v.astype(np.float32)
np.savez_compressed(out, **arrays)
print(len(cases), "cases,", os.path.getsize(out), "bytes")
