"""Generate the images of `data=builtin`, for machines without internet access.

Ten classes of shapes, 32x32 RGB. Only the shape determines the class. Position, size, rotation, color, the textured background,
a smaller shape of a random class in front, and noise vary. Colors are correlated with the class, so that a short training
learns something and a longer one learns more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.core.seeding import stream
from ablate.vision.settings import SIZE

CLASSES = ("disc", "ring", "square", "frame", "triangle", "cross", "star", "bar", "crescent", "pair")
CHUNK = 2000  # images per batch; image i does not depend on the total number

Floats = NDArray[Any]  # of float32; NumPy's type stubs do not infer it


def draw(split: str, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 32, 32, 3) with labels (N,) that cycle through the classes. A larger count has the same first images."""
    images = np.empty((count, SIZE, SIZE, 3), np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        rng = stream(seed, "builtin", split, start // CHUNK)
        images[start : start + size] = _draw_chunk(rng, np.arange(CHUNK) % len(CLASSES))[:size]
    return images, labels


def _draw_chunk(rng: np.random.Generator, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    count = len(labels)

    def uniform(low: float, high: float) -> Floats:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    picture = _ground(rng, count)
    # a smaller shape of a random class, as a distraction
    other = _coverage(rng.integers(0, len(CLASSES), count), uniform(-1, 1), uniform(-1, 1), uniform(0.15, 0.3), uniform(0, 6.3))
    picture += other[..., None] * (_colors(rng, rng.uniform(0, 1, count), 0.2, 0.9) - picture)
    shape = _coverage(labels, uniform(-0.3, 0.3), uniform(-0.3, 0.3), uniform(0.45, 0.8), uniform(0, 6.3))
    hues = labels / len(CLASSES) + rng.normal(0, 0.1, count)
    picture += (shape * uniform(0.6, 1.0))[..., None] * (_colors(rng, hues, 0.4, 1.0) - picture)
    picture += rng.normal(0, 1, picture.shape).astype(np.float32) * rng.uniform(0.02, 0.08, (count, 1, 1, 1)).astype(np.float32)
    pixels: NDArray[np.uint8] = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels


def _ground(rng: np.random.Generator, count: int) -> Floats:
    """Backgrounds with a color gradient and waves: (N, 32, 32, 3)."""
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    angle, phase, frequency, depth = (
        rng.uniform(low, high, (count, 1, 1)).astype(np.float32) for low, high in ((0, 6.3), (0, 6.3), (3, 14), (0, 0.1))
    )
    along = np.cos(angle) * axis[None, None, :] + np.sin(angle) * axis[None, :, None]
    blend = ((along + 1.4) / 2.8)[..., None]
    first, second = (_colors(rng, rng.uniform(0, 1, count), 0.0, 0.4) for _ in range(2))
    ground: Floats = first + blend * (second - first) + (depth * np.sin(frequency * along + phase))[..., None]
    return ground


def _colors(rng: np.random.Generator, hues: NDArray[np.float64], palest: float, fullest: float) -> Floats:
    """Colors of the given hues (in [0, 1]), with random saturation between the bounds and random brightness: (N, 1, 1, 3)."""
    thirds = np.array([0, 1 / 3, 2 / 3])
    pure = 0.5 + 0.5 * np.cos(2 * np.pi * (hues[:, None] - thirds))
    saturation, brightness = rng.uniform(palest, fullest, (len(hues), 1)), rng.uniform(0.35, 0.95, (len(hues), 1))
    colors: Floats = (brightness * (1 - saturation + saturation * pure)).astype(np.float32)
    return colors[:, None, None, :]


def _coverage(labels: NDArray[np.int64], x: Floats, y: Floats, size: Floats, turn: Floats) -> Floats:
    """The coverage of each pixel by the shape, in [0, 1]: (N, 32, 32). Positions and sizes are in half image widths."""
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    dx, dy = axis[None, None, :] - x, axis[None, :, None] - y
    u = (np.cos(turn) * dx + np.sin(turn) * dy) / size
    v = (np.cos(turn) * dy - np.sin(turn) * dx) / size
    distance = np.empty_like(u)  # below 0 inside; about 1 a size
    for label in range(len(CLASSES)):
        mine = labels == label
        distance[mine] = _SHAPES[label](u[mine], v[mine])
    edge = 2 / SIZE / size  # a pixel
    return np.clip(0.5 - distance / edge, 0, 1)


def _disc(u: Floats, v: Floats) -> Floats:
    return np.hypot(u, v) - np.float32(0.8)


def _square(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.abs(u), np.abs(v)) - np.float32(0.72)


def _bar(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.abs(u) - np.float32(1.0), np.abs(v) - np.float32(0.28))


def _triangle(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.float32(0.866) * np.abs(u) + np.float32(0.5) * v, -v) - np.float32(0.5)


def _star(u: Floats, v: Floats) -> Floats:
    edge: Floats = np.float32(0.68) + np.float32(0.32) * np.cos(5 * np.arctan2(v, u))
    return np.hypot(u, v) - edge


_SHAPES = (
    _disc,
    lambda u, v: np.abs(np.hypot(u, v) - np.float32(0.66)) - np.float32(0.2),
    _square,
    lambda u, v: np.abs(np.maximum(np.abs(u), np.abs(v)) - np.float32(0.6)) - np.float32(0.18),
    _triangle,
    lambda u, v: np.minimum(_bar(u, v), _bar(v, u)),
    _star,
    _bar,
    lambda u, v: np.maximum(_disc(u, v), -_disc(u - np.float32(0.5), v)),
    lambda u, v: np.minimum(_disc((u - np.float32(0.55)) * 2, v * 2), _disc((u + np.float32(0.55)) * 2, v * 2)),
)
