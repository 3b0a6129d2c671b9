"""Table 2 as a PyTorch user would write it: trains and evaluates the cells of a job, some of them at a time.

    table2.py JOB       JOB, a file of JSON, is written by run.py
"""

import json
import multiprocessing
import pathlib
import sys

import numpy
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "step"))
from reference import LOSSES, Transform, build, make_optimizer, memory_format

EVALUATION_BATCH = 512


def records(path):
    data = torch.from_numpy(numpy.fromfile(path, dtype=numpy.uint8).reshape(-1, 3073))
    return data[:, 1:].reshape(-1, 3, 32, 32), data[:, 0].long()


def train(cell):
    """Trains one cell, evaluates it after every epoch, and saves weights and logits, as `fpl-repro` does."""
    torch.set_num_threads(cell["threads"])
    torch.manual_seed(0)
    recipe, folder = cell["recipe"], pathlib.Path(cell["data"])
    (images, labels), (test, test_labels) = records(folder / "train.bin"), records(folder / "test.bin")
    layout = memory_format(cell["variant"])
    net = build(**cell["network"]).to(memory_format=layout)
    criterion, transform = LOSSES[cell["loss"]["kind"]], Transform(recipe, layout)
    optimizer = make_optimizer(recipe["optimizer"], net, cell["optimizer"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=recipe["epochs"])
    alpha = 1 - torch.bincount(labels, minlength=10) / len(labels)
    for _ in range(recipe["epochs"]):
        net.train()
        for chosen in torch.randperm(len(images)).split(recipe["batch_size"]):
            optimizer.zero_grad()
            loss = criterion(net(transform(images[chosen], train=True)), labels[chosen], alpha)
            loss.backward()
            optimizer.step()
        schedule.step()
        net.eval()
        with torch.inference_mode():
            logits = torch.cat([net(transform(part, train=False)) for part in test.split(EVALUATION_BATCH)])
        hits = (logits.argmax(1) == test_labels).sum().item()
    torch.save({"weights": net.state_dict(), "logits": logits}, cell["out"])
    return cell["name"], loss.item(), 100 * hits / len(test)


def main():
    job = json.loads(pathlib.Path(sys.argv[1]).read_text())
    if job["jobs"] == 1:
        done = [train(cell) for cell in job["cells"]]
    else:
        with multiprocessing.get_context("fork").Pool(job["jobs"]) as pool:
            done = pool.map(train, job["cells"], chunksize=1)
    for name, loss, top1 in done:
        print(f"{name}: loss {loss:.3f}, top-1 {top1:.1f} %")


main()
