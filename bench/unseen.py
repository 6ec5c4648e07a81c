"""Exports models that no tuning has seen, of architectures beside those of ../shared/bench/models.txt, for peers_bench.py.

    python3 bench/unseen.py FOLDER [--dynamo] [NAME...]

Each becomes FOLDER/NAME/model.onnx with inputs/ as bench/models.py reads them. Weights come from PyTorch's own
initialisation with a seed made of the name; statistics of batch normalization are drawn. It needs torch and onnx, and
onnxscript for --dynamo.
"""

import argparse
import os
import sys

import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F


def conv(i, o, k=3, s=1):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class CausalBlock(nn.Module):
    def __init__(self, i, o, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.a = nn.Conv1d(i, o, 3, dilation=dilation, padding=self.pad)
        self.b = nn.Conv1d(o, o, 3, dilation=dilation, padding=self.pad)
        self.skip = nn.Conv1d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x):
        y = F.relu(self.a(x)[:, :, : -self.pad])
        return F.relu(F.relu(self.b(y)[:, :, : -self.pad]) + self.skip(x))


def tcn():
    """A temporal convolutional network."""
    return nn.Sequential(*[CausalBlock(64 if i else 16, 64, 2**i) for i in range(7)], nn.Conv1d(64, 10, 1)), torch.randn(1, 16, 500)


class CRNN(nn.Module):
    def __init__(self):
        super().__init__()
        pool = nn.MaxPool2d
        layers = [conv(1, 64), pool(2), conv(64, 128), pool(2), conv(128, 256), conv(256, 256), pool((2, 1)), conv(256, 512), pool((2, 1))]
        self.features = nn.Sequential(*layers, nn.Conv2d(512, 512, 2), nn.ReLU())
        self.rnn, self.out = nn.LSTM(512, 256, 2, bidirectional=True), nn.Linear(512, 37)

    def forward(self, x):
        y = self.features(x).squeeze(2).permute(2, 0, 1)
        return F.log_softmax(self.out(self.rnn(y)[0]), -1)


def crnn():
    """A reader of text lines: convolutions and a bidirectional LSTM."""
    return CRNN(), torch.randn(1, 1, 32, 128)


class SRResNet(nn.Module):
    def __init__(self):
        super().__init__()
        same = lambda i, o, k: nn.Conv2d(i, o, k, 1, k // 2)
        self.first = nn.Sequential(same(3, 64, 9), nn.PReLU())
        self.blocks = nn.ModuleList([nn.Sequential(same(64, 64, 3), nn.PReLU(64), same(64, 64, 3)) for _ in range(8)])
        up = [layer for _ in range(2) for layer in (same(64, 256, 3), nn.PixelShuffle(2), nn.PReLU())]
        self.up = nn.Sequential(*up, same(64, 3, 9))

    def forward(self, x):
        x = y = self.first(x)
        for block in self.blocks:
            y = y + block(y)
        return self.up(x + y)


def srresnet():
    """Super-resolution with PixelShuffle."""
    return SRResNet(), torch.randn(1, 3, 48, 48)


class PyramidDetector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 32, s=2), conv(32, 64, s=2))
        self.body = nn.ModuleList([nn.Sequential(conv(a, b, s=2), conv(b, b)) for a, b in ((64, 128), (128, 256), (256, 512))])
        self.lateral = nn.ModuleList([nn.Conv2d(c, 128, 1) for c in (128, 256, 512)])
        self.smooth = nn.ModuleList([nn.Conv2d(128, 128, 3, 1, 1) for _ in range(3)])
        self.head = nn.Sequential(*[layer for _ in range(2) for layer in (nn.Conv2d(128, 128, 3, 1, 1), nn.GroupNorm(32, 128), nn.ReLU())])
        self.classes, self.boxes = nn.Conv2d(128, 20, 3, 1, 1), nn.Conv2d(128, 4, 3, 1, 1)

    def forward(self, x):
        x, maps = self.stem(x), []
        for stage, lateral in zip(self.body, self.lateral):
            x = stage(x)
            maps.append(lateral(x))
        for i in (1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], size=maps[i].shape[-2:], mode="nearest")
        heads = [self.head(smooth(m)) for smooth, m in zip(self.smooth, maps)]
        flat = lambda layer: torch.cat([layer(h).flatten(2).transpose(1, 2) for h in heads], 1)
        return flat(self.classes).sigmoid(), flat(self.boxes).exp()


def pyramid_detector():
    """A one-stage detector on a feature pyramid, with 20 classes."""
    return PyramidDetector(), torch.randn(1, 3, 256, 256)


def small_channels():
    """A classifier whose numbers of channels no vector divides."""
    sizes = (3, 12, 12, 20, 28, 36)
    return nn.Sequential(*[nn.Sequential(conv(a, b, 5 if a < 20 else 3), nn.MaxPool2d(2)) for a, b in zip(sizes, sizes[1:])], nn.Flatten(), nn.Linear(36 * 9, 10)), torch.randn(1, 3, 96, 96)


def thin_sequence():
    """Convolutions along the first of two axes, as some converters write those of one axis."""
    return nn.Sequential(nn.Conv2d(64, 256, (5, 1)), nn.ReLU(), nn.Conv2d(256, 256, (5, 1)), nn.ReLU()), torch.randn(1, 64, 512, 1)


class GraphAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.Linear(64, 128, bias=False), nn.Linear(128, 7)
        self.sides = nn.Parameter(torch.randn(2, 8, 16) * 0.1)

    def forward(self, x, edges):
        h = self.inner(x).view(-1, 8, 16)
        left, right = ((h * side).sum(-1) for side in self.sides)
        e = F.leaky_relu(left[:, None] + right[None], 0.2).masked_fill(edges[..., None] == 0, -1e9)
        return self.out(F.elu(torch.einsum("ijh,jhd->ihd", F.softmax(e, 1), h).flatten(1)))


def graph_attention():
    """Attention over the neighbours in a graph of 200 nodes."""
    return GraphAttention(), torch.randn(200, 64), (torch.rand(200, 200) < 0.1).float() + torch.eye(200)


def style_transfer():
    """Fast style transfer: reflected borders and instance normalization."""
    c = lambda i, o, k, s=1: [nn.ReflectionPad2d(k // 2), nn.Conv2d(i, o, k, s), nn.InstanceNorm2d(o, affine=True), nn.ReLU()]
    up = nn.Upsample(scale_factor=2)
    layers = c(3, 32, 9) + c(32, 64, 3, 2) + c(64, 128, 3, 2) + 3 * c(128, 128, 3) + [up] + c(128, 64, 3) + [up] + c(64, 32, 3)
    return nn.Sequential(*layers, nn.Conv2d(32, 3, 9, 1, 4)), torch.randn(1, 3, 128, 128)


def volume_classifier():
    """A classifier of volumes."""
    sizes = (1, 16, 32, 64, 64)
    blocks = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Conv3d(a, b, 3, padding=1), nn.BatchNorm3d(b), nn.ReLU(), nn.MaxPool3d(2))]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 5)), torch.randn(1, 1, 32, 64, 64)


MODELS = (tcn, crnn, srresnet, pyramid_detector, small_channels, thin_sequence, graph_attention, style_transfer, volume_classifier)


def export(make, folder, dynamo):
    torch.manual_seed(sum(map(ord, make.__name__)))
    model, *inputs = make()
    for layer in model.eval().modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.running_mean is not None:
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.6, 1.4)
    os.makedirs(os.path.join(folder, "inputs"), exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    options = {"external_data": False} if dynamo else {"opset_version": 17}
    with torch.no_grad():
        torch.onnx.export(model, tuple(inputs), path, dynamo=dynamo, **options)
    with open(os.path.join(folder, "inputs", "inputs.txt"), "w") as f:
        for i, (value, x) in enumerate(zip(onnx.load(path).graph.input, inputs)):
            x.numpy().tofile(os.path.join(folder, "inputs", f"{i}.bin"))
            f.write(f"{value.name}\t{x.numpy().dtype}\t{','.join(map(str, x.shape))}\t{i}.bin\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--dynamo", action="store_true", help="use the newer of PyTorch's exporters")
    parser.add_argument("names", nargs="*")
    args = parser.parse_intermixed_args()
    if unknown := set(args.names) - {m.__name__ for m in MODELS}:
        sys.exit(f"no model {', '.join(sorted(unknown))}; there are {', '.join(m.__name__ for m in MODELS)}")
    for make in MODELS:
        if not args.names or make.__name__ in args.names:
            export(make, os.path.join(args.folder, make.__name__), args.dynamo)


if __name__ == "__main__":
    main()
