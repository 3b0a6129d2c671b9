"""Trains in plain PyTorch what worker/examples/parity.rs trained: same initial weights, order, crops and flips.

Everything else is PyTorch's and torchvision's: network, softmax, gradients, optimizer, scheduler, padding.

    reference.py FOLDER [nhwc]      reads what the example wrote there, prints {"losses": [...], "top1_pct": [...]}
"""

import json
import pathlib
import sys

import numpy
import torch
import torchvision
from safetensors.torch import load_file
from torch.nn import functional as F


def records(path):
    data = torch.from_numpy(numpy.fromfile(path, dtype=numpy.uint8).reshape(-1, 3073))
    return data[:, 1:].reshape(-1, 3, 32, 32), data[:, 0].long()


def false_positive_loss(logits, targets, alpha):
    """Eq. 1 to 4 as they stand, with their minus signs."""
    p = F.softmax(logits, dim=1)
    true = p.gather(1, targets[:, None])
    wrong = p.detach().scatter(1, targets[:, None], -1.0).argmax(dim=1, keepdim=True)
    false = p.gather(1, wrong)
    return (-alpha[targets[:, None]] * true.log() - alpha[wrong] * (1 - false).log()).mean()


def optimizer_of(recipe, net):
    spec = {key: value for key, value in recipe["optimizer"].items() if key != "kind"}
    kind = {"adadelta": torch.optim.Adadelta, "sgd": torch.optim.SGD}[recipe["optimizer"]["kind"]]
    optimizer = kind(net.parameters(), **spec)
    schedule = recipe["schedule"]
    if schedule["kind"] == "cosine":
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=recipe["epochs"])
    return optimizer, torch.optim.lr_scheduler.MultiStepLR(optimizer, schedule["milestones"], schedule["gamma"])


def crop(image, padding, top, left, mirrored):
    """One image, bytes: a black border, the crop, the mirror."""
    padded = F.pad(image, (padding,) * 4)
    image = padded[:, top : top + 32, left : left + 32]
    return image.flip(2) if mirrored else image


def main():
    folder, layout = pathlib.Path(sys.argv[1]), sys.argv[2:]
    torch.set_num_threads(1)
    job = json.loads((folder / "job.json").read_text())
    recipe, padding = job["recipe"], job["recipe"]["augmentation"]["crop_padding"]
    images, labels = records(folder / "train.bin")
    test_images, test_labels = records(folder / "test.bin")
    draws = load_file(folder / "draws.safetensors")
    column = lambda name: torch.tensor(recipe["normalization"][name], dtype=torch.float32).reshape(1, 3, 1, 1)
    normalize = lambda batch: ((batch.float() - column("mean")) / column("std")).to(kind)

    net = torchvision.models.resnet18(num_classes=10)
    state = load_file(folder / "initial.safetensors")
    missing = net.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys and all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    kind = torch.float64 if job["double"] else torch.float32
    net = net.to(kind)
    if layout == ["nhwc"]:
        net = net.to(memory_format=torch.channels_last)
    alpha = 1 - torch.bincount(labels, minlength=10).to(kind) / len(labels)
    optimizer, scheduler = optimizer_of(recipe, net)

    losses, accuracies = [], []
    for epoch in range(recipe["epochs"]):
        net.train()
        order, top, left, mirrored = (draws[f"{name}.{epoch}"] for name in ["order", "top", "left", "mirrored"])
        for places in torch.arange(len(images)).split(recipe["batch_size"]):
            batch = torch.stack([crop(images[order[i]], padding, top[i], left[i], mirrored[i]) for i in places])
            optimizer.zero_grad()
            loss = false_positive_loss(net(normalize(batch)), labels[order[places]], alpha)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            hits = [(net(normalize(x)).argmax(1) == y).sum() for x, y in zip(test_images.split(100), test_labels.split(100))]
        accuracies.append(100 * float(sum(hits)) / len(test_labels))
    print(json.dumps({"losses": losses, "top1_pct": accuracies}))


main()
