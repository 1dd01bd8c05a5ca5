"""Drawings moved to one place and size, and made smaller."""

import numpy as np
import pytest
from experiment_tools import strokes

from metasgd_np.tasks.images import SPREAD, normalise


def centre_and_spread(image):
    ink = image / image.sum()
    grid = np.stack(np.mgrid[: len(image), : len(image)])  # (2, S, S)
    centre = (grid * ink).sum((1, 2))
    squares = ((grid - centre[:, None, None]) ** 2).sum(0)
    return centre, np.sqrt((squares * ink).sum())


def test_a_normalised_drawing_sits_in_the_middle_with_one_spread():
    images = strokes(9, seed=2, n_drawings=3).images
    for image in normalise(images).reshape(-1, 28, 28):
        centre, spread = centre_and_spread(image)
        np.testing.assert_allclose(centre, 13.5, atol=0.15)
        assert spread == pytest.approx(SPREAD, rel=0.12)


def normalised_by_loops(M):
    """The formulas of `normalise` on one drawing, pixel by pixel, as floats."""
    side = len(M)
    total = sum(M.ravel())
    c = [sum(M[p] * p[axis] for p in np.ndindex(M.shape)) / total for axis in (0, 1)]
    away = [(y - c[0]) ** 2 + (x - c[1]) ** 2 for y, x in np.ndindex(M.shape)]
    k = np.sqrt(sum(M.ravel() * away) / total) / (6 * side / 28)
    half = max(2 * k, 1)
    new = np.zeros(M.shape)
    for t in np.ndindex(M.shape):
        at = [c[axis] + k * (t[axis] - (side - 1) / 2) for axis in (0, 1)]
        for s in np.ndindex(M.shape):
            y, x = (max(0, 1 - abs(at[axis] - s[axis]) / half) for axis in (0, 1))
            new[t] += y * x * M[s] / half**2
    return new


@pytest.mark.parametrize("side", [14, 21])
def test_normalised_pixels_follow_the_formulas(side):
    rng = np.random.default_rng(side)
    large, small = np.zeros((2, side, side), np.uint8)
    large[2:-1, 1:-2] = rng.integers(256, size=(side - 3, side - 3))
    small[3:6, 5:9] = 255  # k < 1/2, where a tent has half-width 1
    for image in (large, small):
        expected = normalised_by_loops(image.astype(float)).clip(0, 255)
        found = normalise(image[None])[0].astype(float)
        assert np.abs(found - expected).max() < 0.51


def test_where_a_drawing_stood_and_how_large_it_was_no_longer_shows():
    image = strokes(1, seed=3, n_drawings=1).images[0, 0]
    small = np.zeros((28, 28), np.uint8)
    small[2:16, 11:25] = image.reshape(14, 2, 14, 2).mean((1, 3))
    moved = np.roll(image, (3, -2), (0, 1))
    found = normalise(np.stack([image, moved, small])).astype(float)
    size = np.linalg.norm(found[0])
    assert np.linalg.norm(found[1] - found[0]) < 0.02 * size
    assert np.linalg.norm(found[2] - found[0]) < 0.35 * size
    assert np.linalg.norm(image.astype(float) - moved) > 0.5 * size


def test_an_empty_drawing_stays_empty():
    assert not normalise(np.zeros((2, 28, 28), np.uint8)).any()


def test_reduced_drawings_are_means_of_squares():
    characters = strokes(3, seed=4, n_drawings=2)
    found = characters.reduced(14).images
    assert found.shape == (3, 2, 14, 14)
    image = characters.images[1, 1].astype(float)
    for row, column in ((0, 0), (7, 5), (9, 13)):
        square = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert abs(found[1, 1, row, column] - square.mean()) <= 0.5
    with pytest.raises(ValueError, match=r"side is 15, .* a number that divides 28"):
        characters.reduced(15)
