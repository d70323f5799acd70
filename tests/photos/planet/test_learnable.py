"""The planet can be learnt, and not by heart: a small network sees where unseen people stood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.photos.planet import make


def test_a_small_network_beats_chance_by_far_and_is_not_perfect(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a network only waits for more
    planet = make(tmp_path, 900, countries=5, seed=11, size=(64, 48))
    pixels = np.stack([np.asarray(Image.open(file)) for file in planet.files()])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    names, codes = np.unique(planet.column("country"), return_inverse=True)
    y = torch.from_numpy(codes)
    unseen = torch.from_numpy(planet.column("split") == "test")
    layers: list[object] = []
    for before, after in ((3, 24), (24, 48), (48, 96)):
        layers += [torch.nn.Conv2d(before, after, 3, 2, 1), torch.nn.BatchNorm2d(after)]
        layers += [torch.nn.ReLU()]
    layers += [torch.nn.AdaptiveAvgPool2d((2, 1)), torch.nn.Flatten(), torch.nn.Dropout(0.3)]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(192, len(names)))
    known = torch.nonzero(~unseen)[:, 0]
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    rounds, size = 16, 48
    steps = rounds * -(-len(known) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for _ in range(rounds):
        for part in known[torch.randperm(len(known))].split(size):
            loss = torch.nn.functional.cross_entropy(network(x[part]), y[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    torch.set_num_threads(threads)
    network.eval()
    with torch.no_grad():
        right = (network(x[unseen]).argmax(1) == y[unseen]).double().mean().item()
    commonest = np.bincount(codes[unseen.numpy()]).max() / int(unseen.sum())
    assert commonest + 0.06 < right < 0.95
    assert right > 2 / len(names)
