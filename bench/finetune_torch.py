"""One workload of finetune.py in PyTorch: python3 bench/finetune_torch.py WORKLOAD [--samples N --batch N --epochs N --threads N].

Prints one line of JSON: ms of training, samples trained on, first and last loss, resident memory before training (imports
done, data in memory) and its peak. The workload "seed" prints what `onnxrun train demo` prints.
"""
import argparse
import glob
import json
import os
import time

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10


def status(key):
    """A line of the process's memory status in MB."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    raise KeyError(key)


def conv(cin, cout, kernel, stride):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.body = nn.Sequential(conv(cin, cout, 3, stride), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
                                  conv(cout, cout, 3, 1), nn.BatchNorm2d(cout))
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(conv(cin, cout, 1, stride), nn.BatchNorm2d(cout))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def resnet18():
    """The backbone of ResNet-18 without its last layer."""
    layers, cin = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 64
    for stage, channels in enumerate((64, 128, 256, 512)):
        layers += [BasicBlock(cin, channels, min(1 + stage, 2)), BasicBlock(channels, channels, 1)]
        cin = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def seed():
    """The smallest example, start to end."""
    x = torch.tensor([[.1, .2], [.3, .4], [.5, .6]])
    y = torch.tensor([[1.], [0.], [1.]])
    net = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 1))
    loss, optimizer = nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), lr=0.001)
    for epoch in range(100):
        optimizer.zero_grad()
        out = loss(net(x), y)
        out.backward()
        optimizer.step()
        print(f"epoch {epoch + 1:3d}  loss {out.item():.6f}")
    with torch.no_grad():
        print("predictions", *(f"{p:.6f}" for p in torch.sigmoid(net(x)).flatten().tolist()))


def train(workload, args):
    shape = {"head": (512,), "resnet18": (3, 224, 224)}[workload]
    data = [(torch.randn(args.batch, *shape), torch.randint(CLASSES, (args.batch,)))
            for _ in range(args.samples // args.batch)]
    backbone = nn.Identity() if workload == "head" else resnet18()
    head = nn.Linear(512, CLASSES)
    backbone.eval().requires_grad_(False)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")  # the peak counts from here
    base, losses, start = status("VmRSS"), [], time.perf_counter()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.001)
    for _ in range(args.epochs):
        for x, y in data:
            optimizer.zero_grad()
            loss = F.cross_entropy(head(backbone(x)), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    ms = 1000 * (time.perf_counter() - start)
    return {"ms": ms, "samples": args.epochs * len(data) * args.batch, "first_loss": losses[0], "last_loss": losses[-1],
            "base_rss_mb": base, "peak_rss_mb": status("VmHWM")}


def pictures(args):
    """The last layer on picture files: decoded by PIL, the backbone run once in batches of 16, its results kept, then the epochs."""
    import numpy as np
    from PIL import Image
    backbone, head = resnet18().eval().requires_grad_(False), nn.Linear(512, CLASSES)
    mean, std = (np.array(v, np.float32) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    base, losses, start = status("VmRSS"), [], time.perf_counter()
    files = sorted(glob.glob(os.path.join(args.data, "*", "*")))
    names = sorted({os.path.dirname(f) for f in files})
    y = torch.tensor([names.index(os.path.dirname(f)) for f in files])

    def read(path):
        picture = Image.open(path).convert("RGB").resize((224, 224), Image.BILINEAR)
        return torch.from_numpy((np.asarray(picture, np.float32) / 255 - mean) / std).permute(2, 0, 1)
    kept = []
    with torch.inference_mode():
        for at in range(0, len(files), 16):
            kept.append(backbone(torch.stack([read(f) for f in files[at:at + 16]])))
    x = torch.cat(kept).clone()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.001)
    for _ in range(args.epochs):
        for rows in torch.randperm(len(files)).split(args.batch):
            optimizer.zero_grad()
            loss = F.cross_entropy(head(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return {"ms": 1000 * (time.perf_counter() - start), "samples": args.epochs * len(files), "first_loss": losses[0], "last_loss": losses[-1],
            "base_rss_mb": base, "peak_rss_mb": status("VmHWM")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=("seed", "head", "resnet18", "files"))
    parser.add_argument("--data", help="folder with a sub-folder of picture files for each class, for files")
    parser.add_argument("--cache", help="not used")
    for name, default in (("samples", 4096), ("batch", 32), ("epochs", 10), ("threads", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    if args.workload == "seed":
        seed()
    else:
        print(json.dumps(pictures(args) if args.workload == "files" else train(args.workload, args)))


if __name__ == "__main__":
    main()
