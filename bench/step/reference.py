"""The training steps of worker/examples/step.rs in plain PyTorch: same job, same lines in and out.

    reference.py JOB contiguous|channels-last|compiled

A line on standard input is a task and how the optimizer works: `float32`, `bfloat16` (autocast) or `evaluate`, then
`default` (what PyTorch chooses, on a CPU a loop over the parameters), `foreach`, or with SGD `fused`.
"""

import json
import pathlib
import sys
import time

import torch
import torchvision
from torch.nn import functional as F

CLASSES = 10
# Of fpl-repro's evaluation at 32 pixels.
EVALUATION_PIXELS = 512 * 32 * 32


def build(architecture, stem):
    """torchvision's network, with MMClassification's stem, a 3x3 convolution of stride 1 and no pooling, if asked."""
    name = {"efficientnetv2-s": "efficientnet_v2_s"}.get(architecture, architecture)
    net = getattr(torchvision.models, name)(num_classes=CLASSES)
    if stem == "cifar":
        net.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
    return net


def cross_entropy(logits, targets, alpha):
    return F.cross_entropy(logits, targets)


def false_positive_loss(logits, targets, alpha):
    """Eq. 1 to 4: alpha_T L_T + alpha_F L_F, L_T = -log p_T, L_F = -log(1 - p_F)."""
    p = F.softmax(logits, dim=1)
    targets = targets.unsqueeze(1)
    true_log = F.log_softmax(logits, dim=1).gather(1, targets)
    wrong = p.detach().scatter(1, targets, -1.0).argmax(dim=1, keepdim=True)
    false = p.gather(1, wrong).clamp(max=1 - 1e-6)
    return -(alpha[targets] * true_log + alpha[wrong] * torch.log1p(-false)).mean()


LOSSES = {"cross-entropy": cross_entropy, "fpl": false_positive_loss}


def make_optimizer(spec, net, mode="default"):
    """The optimizer of a recipe. `mode` is one of `default`, `foreach`, `fused`."""
    options = {key: value for key, value in spec.items() if key != "kind"}
    if mode != "default":
        options[mode] = True
    return {"adadelta": torch.optim.Adadelta, "sgd": torch.optim.SGD}[spec["kind"]](net.parameters(), **options)


class Transform:
    """Bytes to what the network sees: crops and flips (all images of a batch at once), normalised, resized."""

    def __init__(self, recipe, layout):
        column = lambda name: torch.tensor(recipe["normalization"][name]).reshape(1, 3, 1, 1)
        self.mean, self.std = column("mean"), column("std")
        self.padding, self.flip = recipe["augmentation"]["crop_padding"], recipe["augmentation"]["flip"]
        self.size, self.layout = recipe["input_size"], layout

    def augment(self, images):
        count, side = len(images), images.shape[3]
        if self.padding:
            padded = F.pad(images, (self.padding,) * 4)
            start = torch.randint(0, 2 * self.padding + 1, (2, count, 1))
            rows, columns = start + torch.arange(side)
            image, channel = torch.arange(count)[:, None, None, None], torch.arange(3)[:, None, None]
            images = padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]
        if self.flip:
            mirrored = torch.rand(count, 1, 1, 1) < self.flip
            images = torch.where(mirrored, images.flip(3), images)
        return images

    def __call__(self, images, train):
        xs = ((self.augment(images) if train else images).float() - self.mean) / self.std
        if self.size != xs.shape[3]:
            xs = F.interpolate(xs, size=(self.size, self.size), mode="bilinear")
        return xs.contiguous(memory_format=self.layout)


def memory_format(variant):
    return torch.contiguous_format if variant == "contiguous" else torch.channels_last


def peak():
    """The most memory that this process has held, in MiB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


class Training:
    def __init__(self, job, variant):
        torch.set_num_threads(job["threads"])
        torch.manual_seed(0)
        recipe = job["recipe"]
        layout = memory_format(variant)
        self.eager = build(**job["network"]).to(memory_format=layout)
        self.net = torch.compile(self.eager) if variant == "compiled" else self.eager
        self.criterion = LOSSES[job["loss"]["kind"]]
        modes = ["default", "foreach"] + ["fused"] * (recipe["optimizer"]["kind"] == "sgd")
        self.optimizers = {mode: make_optimizer(recipe["optimizer"], self.eager, mode) for mode in modes}
        for optimizer in self.optimizers.values():
            optimizer.state = self.optimizers["default"].state
        self.transform = Transform(recipe, layout)
        self.batch, self.steps = recipe["batch_size"], job["steps"]
        count = self.batch * self.steps
        self.images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        self.labels = torch.arange(count) % CLASSES
        self.alpha = 1 - torch.bincount(self.labels, minlength=CLASSES) / count
        self.test = torch.randint(0, 256, (job["test_images"], 3, 32, 32), dtype=torch.uint8)

    def epoch(self, bfloat16, optimizer):
        self.net.train()
        losses, started = [], time.perf_counter()
        for chosen in torch.randperm(len(self.images)).split(self.batch):
            xs, ys = self.transform(self.images[chosen], train=True), self.labels[chosen]
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                logits = self.net(xs)
            loss = self.criterion(logits.float(), ys, self.alpha)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        mean = torch.stack(losses).mean().item()
        milliseconds = (time.perf_counter() - started) * 1000 / self.steps
        return {"ms": milliseconds, "peak_mib": peak(), "loss": mean}

    def evaluate(self):
        self.eager.eval()
        batch = max(1, EVALUATION_PIXELS // self.transform.size**2)
        started = time.perf_counter()
        with torch.inference_mode():
            torch.cat([self.eager(self.transform(images, train=False)) for images in self.test.split(batch)])
        return {"ms": (time.perf_counter() - started) * 1000 / len(self.test)}


def main():
    training = Training(json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])
    for line in sys.stdin:
        task, mode = line.split()
        try:
            if task == "evaluate":
                answer = training.evaluate()
            else:
                answer = training.epoch(task == "bfloat16", training.optimizers[mode])
        except Exception as error:  # torch.compile fails in many ways: whoever asked says so.
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
