"""What S4's heads cost, and how fast f* is at the published number of cells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from common.memory import peak_mb
from graticule.belief import Belief
from graticule.cells.adaptive import S2Cells, adaptive
from graticule.systems.s2_decoding import ancestors, f_star

#: Cells of ISN's partitionings on MP-16, and the scene groups.
OUTCOMES = {"coarse": 3298, "middle": 7202, "fine": 12893, "scenes": 3}
PHOTOS, BATCH = 10_000, 8
ROUNDS = 4


def measure() -> dict[str, Any]:
    """Both measurements; f* first, before a network takes memory."""
    f_star_ = decoding()
    return {"heads": heads(), "f_star": f_star_}


def partitions() -> list[S2Cells]:
    """Three nested partitionings of about the published size, of places near towns."""
    from graticule.atlas import towns

    rng = np.random.default_rng(0)
    places = towns().latlon
    share = 1.0 / np.arange(1, len(places) + 1) ** 0.7
    drawn = places[rng.choice(len(places), 470_000, p=rng.permutation(share / share.sum()))]
    drawn = drawn + rng.normal(0, 0.2, drawn.shape)
    drawn[:, 0] = drawn[:, 0].clip(-89, 89)
    drawn[:, 1] = (drawn[:, 1] + 180) % 360 - 180
    sizes = {"coarse": 360, "middle": 158, "fine": 85}
    return [adaptive(drawn, tau, 5, name=name) for name, tau in sizes.items()]


def decoding() -> dict[str, Any]:
    """f* over 10,000 photos: from the heads' numbers to a point."""
    cells = partitions()
    over = ancestors(cells)
    rng = np.random.default_rng(1)
    logits = [rng.normal(0, 3, (BATCH, len(part))).astype(np.float32) for part in cells]
    after: dict[int, float] = {}
    wall, processor = time.perf_counter(), time.process_time()
    for done in range(0, PHOTOS, BATCH):
        beliefs: list[Any] = [
            Belief.from_logits(part, one) for part, one in zip(cells, logits, strict=True)
        ]
        best = f_star(beliefs, over).log_p.argmax(axis=1)
        assert cells[-1].centers[best].shape == (BATCH, 2)
        if done in (992, PHOTOS - BATCH):
            after[done] = peak_mb()
    return {
        "cells": [len(part) for part in cells],
        "photos": PHOTOS,
        "batch": BATCH,
        "wall_ms": round(1e3 * (time.perf_counter() - wall) / PHOTOS, 3),
        "processor_ms": round(1e3 * (time.process_time() - processor) / PHOTOS, 3),
        "mb_after_1000": round(after[992], 1),
        "mb_after_all": round(after[PHOTOS - BATCH], 1),
    }


def heads() -> dict[str, Any]:
    """Images a second with the finest head alone and with all four, by turns."""
    import torch

    torch.set_num_threads(1)
    networks = {"one": _network({"fine": OUTCOMES["fine"]}), "four": _network(OUTCOMES)}
    out: dict[str, Any] = {
        "size": 224,
        "threads": 1,
        "outcomes": list(OUTCOMES.values()),
    }
    for what, batch in (("locating", 8), ("training", 8)):
        pixels = torch.randint(0, 255, (batch, 224, 224, 3), dtype=torch.uint8)
        seconds: dict[str, list[float]] = {name: [] for name in networks}
        steps = {name: _step(net, pixels, what == "training") for name, net in networks.items()}
        for turn in range(ROUNDS + 1):
            for name, step in steps.items():
                began = time.process_time()
                step()
                if turn:  # the first warms up
                    seconds[name].append(time.process_time() - began)
        rate = {name: batch / float(np.median(times)) for name, times in seconds.items()}
        out[what] = {
            "batch": batch,
            "rounds": ROUNDS,
            "one": round(rate["one"], 3),
            "four": round(rate["four"], 3),
            "ratio": round(rate["four"] / rate["one"], 4),
        }
    return out


def _network(tasks: dict[str, int]) -> Any:
    import torch

    from graticule.encoders import registry
    from graticule.encoders.spec import EncoderSpec
    from graticule.heads.head import Head
    from graticule.training.network import Network

    torch.manual_seed(0)
    encoder = registry.build(EncoderSpec(name="resnet50"))
    return Network(encoder, Head(encoder.dim, tasks))


def _step(network: Any, pixels: Any, training: bool) -> Callable[[], None]:
    import torch
    from torch.nn.functional import cross_entropy

    made = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    target = torch.zeros(len(pixels), dtype=torch.int64)

    def locate() -> None:
        network.eval()
        with torch.inference_mode():
            network(pixels)

    def train() -> None:
        network.train()
        made.zero_grad()
        torch.stack(
            [cross_entropy(out, target) for out in network(pixels).values()]
        ).sum().backward()
        made.step()

    return train if training else locate
