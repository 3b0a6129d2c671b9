"""The training steps of worker/examples/step.rs in plain PyTorch: same arguments, same lines in and out."""

import json
import resource
import sys
import time

import torch
import torchvision
from torch.nn import functional as F

CLASSES = 10


def network(name):
    if name == "resnet50-cifar":
        # MMClassification's stem: a 3x3 convolution of stride 1, no pooling.
        net = torchvision.models.resnet50(num_classes=CLASSES)
        net.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
        return net
    build = {"resnet18": "resnet18", "resnet50": "resnet50", "efficientnetv2-s": "efficientnet_v2_s"}[name]
    return getattr(torchvision.models, build)(num_classes=CLASSES)


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


def main():
    name, loss, batch, steps, threads = sys.argv[1:6]
    layout = sys.argv[6] if len(sys.argv) > 6 else "nchw"
    batch, steps = int(batch), int(steps)
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    last = layout == "nhwc"
    net = network(name).train()
    if last:
        net = net.to(memory_format=torch.channels_last)
    criterion = {"ce": cross_entropy, "fpl": false_positive_loss}[loss]
    optimizer = torch.optim.Adadelta(net.parameters(), lr=0.001, rho=0.9, eps=1e-6)

    count = batch * steps
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    labels = torch.arange(count) % CLASSES
    alpha = 1 - torch.bincount(labels, minlength=CLASSES) / count
    mean, std = torch.full((1, 3, 1, 1), 127.5), torch.full((1, 3, 1, 1), 63.75)

    for _ in sys.stdin:
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        order, losses = torch.randperm(count), []
        for chosen in order.split(batch):
            xs, ys = (images[chosen].float() - mean) / std, labels[chosen]
            if last:
                xs = xs.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            value = criterion(net(xs), ys, alpha)
            value.backward()
            optimizer.step()
            losses.append(value.detach())
        mean_loss = torch.stack(losses).mean().item()
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        line = {
            "wall": wall * 1000 / steps,
            "user": (after.ru_utime - before.ru_utime) * 1000 / steps,
            "system": (after.ru_stime - before.ru_stime) * 1000 / steps,
            "faults": (after.ru_minflt - before.ru_minflt) // steps,
            "peak": after.ru_maxrss / 1024,
            "loss": mean_loss,
        }
        print(json.dumps(line), flush=True)


main()
