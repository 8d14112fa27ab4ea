# SPDX-License-Identifier: GPL-3.0-or-later
"""Small maps and masks of many kinds, which no reconstruction may look like."""

from __future__ import annotations

from typing import Callable, Dict, Tuple

import numpy as np

Shape = Tuple[int, int, int]


def ball(shape: Shape) -> np.ndarray:
    """Return a soft ball of density in the middle of the box."""
    grid = np.indices(shape)
    middle = (np.array(shape) - 1).reshape(3, 1, 1, 1) / 2
    distance = np.sqrt(((grid - middle) ** 2).sum(axis=0))
    return np.asarray(1 / (1 + np.exp(2 * (distance - min(shape) / 4))))


def _molecule(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return ball(shape) + rng.normal(0, 0.05, shape)


def _spike(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    values = np.zeros(shape)
    values[tuple(rng.integers(0, shape))] = 1
    return values


def _spikes(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return np.asarray((rng.random(shape) < 0.02) * rng.normal(0, 10, shape))


def _chequered(shape: Shape, _: np.random.Generator) -> np.ndarray:
    return np.asarray(np.indices(shape).sum(axis=0) % 2 * 2.0 - 1)


_MAKERS: Dict[str, Callable[[Shape, np.random.Generator], np.ndarray]] = {
    "molecule": _molecule,
    "masked molecule": lambda shape, rng: _molecule(shape, rng) * (ball(shape) > 0.1),
    "inverted molecule": lambda shape, rng: -_molecule(shape, rng),
    "noise": lambda shape, rng: rng.standard_normal(shape),
    "positive noise": lambda shape, rng: rng.exponential(1, shape),
    "heavy tails": lambda shape, rng: rng.standard_cauchy(shape),
    "spike": _spike,
    "spikes": _spikes,
    "negative spike": lambda shape, rng: -_spike(shape, rng),
    "spike in noise": lambda shape, rng: 1e4 * _spike(shape, rng) + rng.standard_normal(shape),
    "flat": lambda shape, rng: np.full(shape, 0.5),
    "nearly flat": lambda shape, rng: 1 + 1e-7 * rng.standard_normal(shape),
    "zeros": lambda shape, rng: np.zeros(shape),
    "two values": lambda shape, rng: (rng.random(shape) < 0.3) * 1.0,
    "half": lambda shape, rng: np.indices(shape)[0] < shape[0] / 2,
    "ramp": lambda shape, rng: np.indices(shape)[2] * 1.0,
    "wave": lambda shape, rng: np.sin(np.indices(shape)[1]),
    "chequered": _chequered,
    "far from zero": lambda shape, rng: 1e6 + _molecule(shape, rng),
    "huge": lambda shape, rng: 1e30 * _molecule(shape, rng),
    "very huge": lambda shape, rng: 3e38 * ball(shape),
    "tiny": lambda shape, rng: 1e-30 * _molecule(shape, rng),
    "very tiny": lambda shape, rng: 1e-42 * _molecule(shape, rng),
    "one voxel NaN": lambda shape, rng: np.where(_spike(shape, rng) > 0, np.nan, _molecule(shape, rng)),
    "one voxel infinite": lambda shape, rng: np.where(_spike(shape, rng) > 0, np.inf, _molecule(shape, rng)),
}
KINDS = tuple(_MAKERS)


def small_map(kind: str, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a float32 map (z, y, x) of one of `KINDS`."""
    return _MAKERS[kind](shape, rng).astype(np.float32)


def small_mask(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a float32 map (z, y, x) that may be a mask: soft, hard, empty, full, inverted or out of its range."""
    middle = ball(shape)
    masks = (
        *(middle, middle > 0.5, 1 - middle, middle > 2, middle >= 0),
        *(_spike(shape, rng), rng.random(shape), 5 * middle - 2),
    )
    return np.asarray(masks[int(rng.integers(len(masks)))]).astype(np.float32)
