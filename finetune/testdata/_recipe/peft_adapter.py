"""Makes finetune/testdata/peft: a small model with an adapter that PEFT saved, and what PyTorch computes with both.

Run it in finetune/testdata with torch 2.15, peft 0.21, transformers, onnx and numpy installed. model.onnx is the base
model, exported by torch.onnx (dynamo=False); model_scopes.onnx the same by the exporter of torch.export.

io.npz: ids, image (inputs); base (output without adapter), adapted (with it), merged.<parameter> (weights after
merge_and_unload).
"""
import copy
import json
import pathlib
import sys

import numpy as np
import onnx
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.q_proj = nn.Linear(dim, dim, bias=False)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim)

    def forward(self, x):
        s = self.q_proj(x) @ self.k_proj(x).transpose(1, 2) / 3
        return torch.softmax(s, -1) @ self.v_proj(x)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.attn = Attention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class Model(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.embed = nn.Embedding(11, dim)
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.mix = nn.Conv2d(6, dim, 1)
        self.layers = nn.ModuleList([Block(dim), Block(dim)])
        self.classifier = nn.Linear(dim, 3)

    def forward(self, ids, image):
        v = self.mix(torch.relu(self.stem(image))).mean((2, 3))
        x = self.embed(ids) + v[:, None]
        for layer in self.layers:
            x = layer(x)
        return self.classifier(x.mean(1))


def strip(path):
    """Leaves the scopes of nodes in a model and takes out what else the exporter notes."""
    m = onnx.load(path)
    for n in m.graph.node:
        scopes = [e for e in n.metadata_props if e.key == "pkg.torch.onnx.name_scopes"]
        del n.metadata_props[:]
        n.metadata_props.extend(scopes)
        n.doc_string = ""
    for v in [*m.graph.value_info, *m.graph.input, *m.graph.output, *m.graph.initializer, m.graph, m]:
        del v.metadata_props[:]
    onnx.save(m, path)


def main(out):
    torch.manual_seed(5)
    base = Model().eval()
    ids, image = torch.randint(0, 11, (2, 5)), torch.randn(2, 3, 6, 6)
    names = dict(input_names=["ids", "image"], output_names=["scores"])
    torch.onnx.export(base, (ids, image), out / "model.onnx", dynamo=False, opset_version=17, **names)
    torch.onnx.export(base, (ids, image), out / "model_scopes.onnx", dynamo=True, external_data=False, **names)
    strip(out / "model_scopes.onnx")
    fresh = copy.deepcopy(base)
    with torch.no_grad():
        arrays = {"ids": ids, "image": image, "base": base(ids, image)}

    config = LoraConfig(
        r=2, lora_alpha=6, use_rslora=False, init_lora_weights=False, modules_to_save=["classifier"],
        target_modules=["q_proj", "v_proj", "mlp.0", "embed", "stem", "mix"],
        rank_pattern={"layers.1.mlp.0": 3, "stem": 4}, alpha_pattern={"layers.0.attn.q_proj": 5, "q_proj": 7})
    model = get_peft_model(base, config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "modules_to_save" in name or "lora_" in name:
                p.copy_(torch.randn_like(p) / 3)
    model.save_pretrained(out, save_embedding_layers=False)
    model = PeftModel.from_pretrained(fresh, out).eval()
    with torch.no_grad():
        arrays["adapted"] = model(ids, image)
    (out / "README.md").unlink(missing_ok=True)
    merged = model.merge_and_unload()
    for name, p in merged.named_parameters():
        arrays["merged." + name] = p
    np.savez_compressed(out / "io.npz", **{k: v.detach().numpy() for k, v in arrays.items()})
    text = json.loads((out / "adapter_config.json").read_text())
    (out / "adapter_config.json").write_text(json.dumps(text, indent=2) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "peft"))
