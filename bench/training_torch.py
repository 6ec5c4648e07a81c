"""Full training steps of one workload of training.py in PyTorch: python3 bench/training_torch.py WORKLOAD [--batch N --steps N --warmup N --threads N].

Prints one line of JSON: ms of each step, losses, resident memory before the first step (imports done, weights and optimizer
state in memory) and its peak. Models and settings are those of bench/training.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

from finetune_torch import BasicBlock, conv, status


def resnet18():
    """ResNet-18 on pictures of 224 x 224."""
    layers, cin = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 64
    for stage, channels in enumerate((64, 128, 256, 512)):
        layers += [BasicBlock(cin, channels, min(1 + stage, 2)), BasicBlock(channels, channels, 1)]
        cin = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class Inverted(nn.Module):
    def __init__(self, cin, cout, factor, stride):
        super().__init__()
        wide, body = cin * factor, []
        if factor > 1:
            body += [conv(cin, wide, 1, 1), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True)]
        body += [nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True),
                 conv(wide, cout, 1, 1), nn.BatchNorm2d(cout)]
        self.body, self.add = nn.Sequential(*body), stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.add else self.body(x)


def mobilenet_v2():
    layers, cin = [conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6(inplace=True)], 32
    for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(n):
            layers.append(Inverted(cin, c, t, s if i == 0 else 1))
            cin = c
    return nn.Sequential(*layers, conv(320, 1280, 1, 1), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(1280, 1000))


class Bert(nn.Module):
    """An encoder whose first position's state are the features."""

    def __init__(self, layers, width, heads, words):
        super().__init__()
        self.words, self.positions, self.norm = nn.Embedding(words, width), nn.Embedding(512, width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True) for _ in range(layers))
        self.fc = nn.Linear(width, 2)

    def forward(self, x):
        y = self.norm(self.words(x) + self.positions(torch.arange(x.shape[1])))
        for block in self.blocks:
            y = block(y)
        return self.fc(y[:, 0])


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.lstm(x)[1][0][0])


def sgd(weights):
    return torch.optim.SGD(weights, lr=0.01, momentum=0.9)


def adamw(rate):
    return lambda weights: torch.optim.AdamW(weights, lr=rate, weight_decay=0)


def pictures(batch):
    return torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))


def tokens(words):
    return lambda batch: (torch.randint(words, (batch, 128)), torch.randint(2, (batch,)))


# Model, samples, batch, optimizer, modules that train (all if there are none).
WORKLOADS = {
    "resnet18": (resnet18, pictures, 8, sgd, None),
    "mobilenet_v2": (mobilenet_v2, pictures, 8, sgd, None),
    "encoder4": (lambda: Bert(4, 256, 4, 8192), tokens(8192), 8, adamw(1e-4), None),
    "bert_tiny": (lambda: Bert(2, 128, 2, 30522), tokens(30522), 8, adamw(1e-4), None),
    "minilm_l6": (lambda: Bert(6, 384, 12, 30522), tokens(30522), 8, adamw(1e-4), None),
    "lstm128": (Recurrent, lambda batch: (torch.randn(batch, 64, 128), torch.randint(10, (batch,))), 16, adamw(1e-3), None),
    "resnet18_last": (resnet18, pictures, 8, sgd, lambda m: [m[11], m[14]]),
    "encoder4_last": (lambda: Bert(4, 256, 4, 8192), tokens(8192), 8, adamw(1e-4), lambda m: [m.blocks[-1], m.fc]),
    "minilm_last": (lambda: Bert(6, 384, 12, 30522), tokens(30522), 8, adamw(1e-4), lambda m: [m.blocks[-1], m.fc]),
}


def state(optimizer):
    """Makes the optimizer's state, which it else makes in the first step."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            s = optimizer.state[p]
            if isinstance(optimizer, torch.optim.SGD):
                s["momentum_buffer"] = torch.empty_like(p).fill_(0)
            else:
                s.update(step=torch.tensor(0.0), exp_avg=torch.empty_like(p).fill_(0), exp_avg_sq=torch.empty_like(p).fill_(0))
    return optimizer


def classifier(name, batch):
    """Returns a function that takes a step and returns the loss."""
    model, samples, size, make, last = WORKLOADS[name]
    net = model().train()
    x, y = samples(batch or size)
    weights = list(net.parameters())
    if last:
        net.requires_grad_(False)
        weights = [p for m in last(net) for p in m.parameters()]
        for p in weights:
            p.requires_grad_(True)
        train_only(net, weights)
    optimizer = state(make(weights))

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def train_only(net, weights):
    """Puts normalisations whose weights do not train into evaluation mode."""
    moving = {id(p) for p in weights}
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d) and id(m.weight) not in moving:
            m.eval()


def adversaries(batch):
    width, batch = 64, batch or 16
    layers = [nn.ConvTranspose2d(100, 8 * width, 4, 1, 0, bias=False), nn.BatchNorm2d(8 * width), nn.ReLU(True)]
    for f in (4, 2, 1):
        layers += [nn.ConvTranspose2d(2 * f * width, f * width, 4, 2, 1, bias=False), nn.BatchNorm2d(f * width), nn.ReLU(True)]
    g = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())
    layers = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for f in (2, 4, 8):
        layers += [nn.Conv2d(f * width // 2, f * width, 4, 2, 1, bias=False), nn.BatchNorm2d(f * width), nn.LeakyReLU(0.2, True)]
    d = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Flatten())
    of = [state(torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999))) for m in (g, d)]
    z, real = torch.randn(batch, 100, 1, 1), torch.randn(batch, 3, 64, 64)
    zeros, ones = torch.zeros(batch, 1), torch.ones(batch, 1)
    loss = nn.BCEWithLogitsLoss()

    def step():
        of[1].zero_grad()
        loss(d(real), ones).backward()
        fake = g(z)
        loss(d(fake.detach()), zeros).backward()
        of[1].step()
        of[0].zero_grad()
        d.requires_grad_(False)
        out = loss(d(fake), ones)
        out.backward()
        d.requires_grad_(True)
        of[0].step()
        return out.item()
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=[*WORKLOADS, "dcgan"])
    for name, default in (("batch", 0), ("steps", 10), ("warmup", 2), ("threads", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    step = adversaries(args.batch) if args.workload == "dcgan" else classifier(args.workload, args.batch)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")  # the peak counts from here
    base, losses, times = status("VmRSS"), [], []
    for _ in range(args.warmup + args.steps):
        start = time.perf_counter()
        losses.append(step())
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"times_ms": times[args.warmup:], "loss": losses, "base_rss_mb": base, "peak_rss_mb": status("VmHWM")}))


if __name__ == "__main__":
    main()
