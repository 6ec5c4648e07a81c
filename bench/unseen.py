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


class SpatialTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(1, 8, 7), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()]
        self.pose = nn.Sequential(*layers, nn.Linear(10 * 12 * 12, 32), nn.ReLU(), nn.Linear(32, 6))
        self.classes = nn.Sequential(nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 30 * 30, 10))
        line = torch.linspace(-1, 1, 64)
        y, x = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("points", torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3))

    def forward(self, x):
        pose = 0.1 * self.pose(x).view(-1, 2, 3) + torch.eye(2, 3)
        grid = (self.points @ pose.transpose(1, 2)).view(-1, 64, 64, 2)
        return self.classes(F.grid_sample(x, grid, align_corners=True))


def spatial_transformer():
    """A classifier that turns its input upright first: samples between pixels."""
    return SpatialTransformer(), torch.randn(4, 1, 64, 64)


class PlacesOfMaxima(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.out = conv(3, 32), conv(32, 64), conv(64, 32), nn.Conv2d(32, 12, 3, padding=1)

    def forward(self, x):
        x, places = F.max_pool2d(self.a(x), 2, return_indices=True)
        return self.out(F.interpolate(self.c(self.b(x)), scale_factor=2.0)), places


def places_of_maxima():
    """An encoder and decoder that also gives where the largest elements were."""
    return PlacesOfMaxima(), torch.randn(1, 3, 128, 128)


class SpectrumGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(257, 64, batch_first=True), nn.Linear(64, 257)
        self.register_buffer("window", torch.hann_window(512))

    def forward(self, x):
        spectrum = torch.stft(x, 512, 128, 512, self.window, center=False, return_complex=False, onesided=True)
        size = torch.log1p(spectrum.pow(2).sum(-1)).transpose(1, 2)
        return spectrum * torch.sigmoid(self.out(self.rnn(size)[0])).transpose(1, 2)[..., None]


def spectrum_gate():
    """A filter of sound that works on its spectrum."""
    return SpectrumGate(), torch.randn(1, 16384)


class Mixing(nn.Module):
    def __init__(self, channels, size):
        super().__init__()
        self.space = nn.Sequential(nn.Conv2d(channels, channels, size, groups=channels, padding=size // 2), nn.GELU(), nn.BatchNorm2d(channels))
        self.channels = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.GELU(), nn.BatchNorm2d(channels))

    def forward(self, x):
        return self.channels(x + self.space(x))


def convolution_mixer():
    """Depthwise windows of nine by nine, by which an image's patches are mixed, two images."""
    return nn.Sequential(nn.Conv2d(3, 256, 14, 14), *[Mixing(256, 9) for _ in range(6)], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10)), torch.randn(2, 3, 224, 224)


MODELS = (
    tcn, crnn, srresnet, pyramid_detector, small_channels, thin_sequence, graph_attention, style_transfer, volume_classifier,
    spatial_transformer, places_of_maxima, spectrum_gate, convolution_mixer,
)  # fmt: skip


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
