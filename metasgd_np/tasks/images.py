"""Drawings moved and scaled to one place and size, by two small matrix products."""

import numpy as np

SPREAD = 6.0  # root mean square distance of ink from its centre, in pixels of 28
WIDTH = 2.0  # half-width of a tent, in pixels of the drawing that comes out


def normalise(images):
    """Move each drawing's centre of ink to the middle and its spread to SPREAD.

    With ink m at (y, x) of a drawing, Σ over its pixels:

        c = Σ m (y, x) / Σ m,     s² = Σ m |(y, x) − c|² / Σ m,     k = s / SPREAD

    Pixel t of the new drawing, counted from its middle, looks at c + k t of the old
    one, through a tent of half-width WIDTH k (at least 1) that blurs a little. Tents in
    y and x are matrices A_y, A_x, so the new drawing is A_y M A_xᵀ.

    images (..., S, S) uint8, 255 ink → (..., S, S) uint8; an empty one stays empty.
    Source: moment normalisation as in MNIST, LeCun et al. (1998), section III.A, there
    of the centre alone.
    """
    side = images.shape[-1]
    M = images.reshape(-1, side, side).astype(np.float32)  # (n, S, S)
    place = np.arange(side, dtype=np.float32)  # (S,)
    ink = np.maximum(M.sum((1, 2)), 1)[:, None]  # (n, 1)
    centres, squares = [], 0
    for axis in (2, 1):  # y, then x
        profile = M.sum(axis) / ink  # (n, S)
        centre = profile @ place  # (n,)
        centres.append(centre)
        squares = squares + (profile * (place - centre[:, None]) ** 2).sum(1)  # (n,)
    k = np.sqrt(squares) / (SPREAD * side / 28)  # (n,)
    A_y, A_x = (tents(centre, k, side) for centre in centres)  # (n, S, S)
    new = np.clip(np.rint(A_y @ M @ A_x.mT), 0, 255)  # (n, S, S)
    return new.astype(np.uint8).reshape(images.shape)


def tents(centre, k, side):
    """Weights (n, S, S): row t is a tent at c + k (t − middle), its sum about 1."""
    t = np.arange(side, dtype=np.float32) - (side - 1) / 2  # (S,)
    at = centre[:, None] + k[:, None] * t  # (n, S)
    half = np.maximum(WIDTH * k, 1)[:, None, None]  # (n, 1, 1)
    distance = np.abs(at[..., None] - np.arange(side))  # (n, S, S)
    return np.maximum(1 - distance / half, 0).astype(np.float32) / half
