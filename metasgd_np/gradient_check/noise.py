"""A slope and its error where values have few digits, or near kinks and jumps.

F is read in windows that shrink from the size of the point to 1e-12 of it, each of
nine points of spacing s, with 0 in the middle, at the left end or at the right end:

    slope       of the polynomial of degree 6 that fits best (least squares)
    roughness   R = √(5!² / 10! · mean (Δ⁵F)²), from fifth differences
    error       8 · amplification · max(R, N) / s

From a window to the next, a quarter as wide, R falls up to 4⁵-fold where F is smooth,
fourfold where there is a kink inside, and hardly where there is noise: rounding, or the
jumps of a solver that stops early. N, the noise, is the largest R, of this window or a
wider one, that falls at most eightfold over three windows, or twofold over one if it is
below 1e-4 of F. `amplification` is the norm of the weights that give the slope from the
values; with the factor 8, a kink at the point lies within the error.

    far           least error among windows whose own R falls that little over three:
                  nothing inside them but noise
    near          least error among those where R is below N / 100, if there are any: F
                  is smooth there, between two jumps
    left, right   one-sided slopes of least error: a kink at the point parts them
    rough         windows where R is over 4⁶ times that of the next: a kink or jump

Sources: Moré and Wild, SIAM J. Sci. Comput. 33 (2011), for noise from difference
tables, and ACM Trans. Math. Softw. 38 (2012), for choosing the step from it.
"""

from typing import NamedTuple

import numpy as np

from .numerical import EPS, Estimate

WIDTHS = 4.0 ** -np.arange(21)  # 1 … 1e-12, (K,)
FEW = WIDTHS[[2, 4, -2, -1]]  # enough for the noise
NODES = np.arange(-8, 9)
WINDOWS = (slice(4, 13), slice(0, 9), slice(8, 17))  # middle, left, right
WEIGHTS = np.array([np.linalg.pinv(np.vander(NODES[w], 7))[-2] for w in WINDOWS])
AMPLIFICATION = np.linalg.norm(WEIGHTS, axis=1)  # (3,)
SAFETY = 8
JUMP = 1e-4  # the largest of a solver, relative to F


class Reading(NamedTuple):
    """Estimates of F′(0), as the module explains."""

    near: Estimate
    far: Estimate
    left: Estimate
    right: Estimate
    rough: list


def sample(line, widths):
    """F (K, 17) at the nodes of windows of widths (K,) times the line's unit."""
    t = widths[:, None] / 8 * NODES  # (K, 17)
    points, where = np.unique(t, return_inverse=True)
    return np.array([line(t * line.unit) for t in points])[where].reshape(t.shape)


def roughness(F):
    """R along the last axis, of nine values or more."""
    return np.sqrt(120**2 / 3_628_800 * (np.diff(F, 5) ** 2).mean(-1))


def least_step(F):
    """The least difference between values (K, 17); infinity if all are equal."""
    steps = np.diff(np.sort(F[np.isfinite(F)]))
    return min(steps[steps > 0], default=np.inf)


def is_rounded(F):
    """Whether most values (K, 17) equal their neighbour, where they lie closest."""
    return (np.diff(F[-1]) == 0).mean() > 0.5  # half of them do at a ReLU's kink


def noise_and_size(line):
    """The error of F's values, infinite if all are equal, and the largest of them."""
    F = sample(line, FEW)
    size = np.abs(F[np.isfinite(F)]).max()
    noise = least_step(F) if is_rounded(F) else roughness(F)[-2:].max()
    return max(noise, EPS * size), size


def read(line):
    """The Reading of a line."""
    F = sample(line, WIDTHS)
    size = np.abs(F[np.isfinite(F)]).max() or 1.0
    windows = np.stack([F[:, w] for w in WINDOWS], 1) / size  # (K, 3, 9)
    s = WIDTHS[:, None] * line.unit / 8  # (K, 1)
    with np.errstate(all="ignore"):
        slopes = np.nan_to_num((windows * WEIGHTS).sum(2) / s)  # (K, 3)
        rounding = EPS * (np.abs(windows).max(2) + line.unit * np.abs(slopes))
        R = np.maximum(roughness(windows), rounding)  # (K, 3)
    # Lest a window win by luck, R is at least that of all narrower ones
    R = np.maximum.accumulate(np.where(np.isnan(R), np.inf, R)[::-1])[::-1]
    middle = R[:, 0]  # (K,)
    only_noise = falls_at_most(8, middle, 3)
    jump = falls_at_most(2, middle, 1) & (middle < JUMP)
    N = np.where(only_noise | jump, middle, 0.0)
    if is_rounded(F):
        N = np.maximum(N, min(line.noise, least_step(F)) / size)
    N = np.maximum.accumulate(N)  # (K,)
    flat = (np.diff(windows[:, 0]) == 0).any(1) & (line.noise > 10 * EPS * size)
    drops = (middle[:-1] > 4**6 * middle[1:]) & ~flat[1:]
    weight = SAFETY * AMPLIFICATION / s  # (K, 3)
    with np.errstate(over="ignore"):
        slopes, weight = size * slopes, size * weight
        errors = weight * np.maximum(R, N[:, None])  # (K, 3)
    near = np.where((middle > N / 100) | flat, np.inf, weight[:, 0] * middle)
    return Reading(
        least(slopes[:, 0], near),
        least(slopes[:, 0], np.where(only_noise, errors[:, 0], np.inf)),
        least(slopes[:, 1], errors[:, 1]),
        least(slopes[:, 2], errors[:, 2]),
        [Estimate(slopes[k, 0], errors[k, 0]) for k in np.flatnonzero(drops)],
    )


def falls_at_most(factor, R, n):
    """Whether R (K,), finite, falls by no more than this factor over n windows."""
    return np.append(factor * R[n:] >= R[:-n], [False] * n) & np.isfinite(R)


def least(slopes, errors):
    """The Estimate with the least error, of windows (K,)."""
    k = errors.argmin()
    # Structure too fine to see may hide in a narrow window with a large error
    hidden = WIDTHS[k] < 1e-5 and errors[k] > 1e-3 * abs(slopes[k])
    slope = slopes[k] if np.isfinite(errors[k]) else 0.0
    return Estimate(slope, errors[k], 100.0 if hidden else 3.0)
