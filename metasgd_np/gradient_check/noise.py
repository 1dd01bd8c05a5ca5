"""A derivative and its error where values have few digits, or kinks lie near.

F is looked at through windows that shrink from a quarter of the point's size to 1e-12,
each of nine equally spaced points, with 0 in the middle, at the left or at the right
end. In each window of spacing s

    slope       that of the polynomial of degree 4 that fits best (least squares)
    roughness   R = √(5!² / 10! · mean (Δ⁵F)²), from fifth differences      (3.4)

Fifth differences are zero for the polynomial. What they leave is the noise of F, or a
kink inside the window, and either one moves the slope by no more than

    error       = 12 · amplification · max(R, rounding) / s                 (3.5)

where `amplification` is the norm of the weights that make the slope from the values.
The window of the least error is the one to read: wide where F is noisy, narrow where
a kink is near. (12 covers a kink at the point: half its jump is 11.)

Noise shows as a roughness that stays the same while the window shrinks 16 times, and
then is gone at once, or never. A kink's shrinks with the window, a smooth function's
faster still. Rounded values show their step as well: no two differ by less.

A kink at the point has no derivative, but a slope on either side. A side is read only
where its polynomial passes through F(0) to within the noise: if just one does, the
kink lies beside the point, on the other side.

Sources: Moré and Wild, SIAM J. Sci. Comput. 33 (2011), for noise from difference
tables, and ACM Trans. Math. Softw. 38 (2012), for choosing the step by it.
"""

from typing import NamedTuple

import numpy as np

from .numerical import EPS

WIDTHS = 4.0 ** -np.arange(1, 21)  # 1/4 … 1e-12, (K,)
NODES = np.arange(-8, 9)
WINDOWS = {"middle": slice(4, 13), "left": slice(0, 9), "right": slice(8, 17)}
WEIGHTS = np.array(  # (3, 9): from the values to the slope at 0
    [np.linalg.pinv(np.vander(NODES[w], 5))[-2] for w in WINDOWS.values()]
)
AMPLIFICATION = np.linalg.norm(WEIGHTS, axis=1)
VARIANCE = 120**2 / 3_628_800  # 5!² / 10!
SAFETY = 12


class Estimate(NamedTuple):
    """Slopes (n,) and how far at most the derivative is from them (n,)."""

    slope: np.ndarray
    error: np.ndarray
    doubt: np.ndarray | float = 3.0


class Reading(NamedTuple):
    """What values say about F′(0).

    fine : Estimate      the window of least error
    coarse : Estimate    the same, if what looks like noise is noise
    left, right : Estimate    one-sided slopes; of infinite error if not to be had
    noise : (n,)         error of the values
    curvature : (n,)     |F″(0)|, roughly
    """

    fine: Estimate
    coarse: Estimate
    left: Estimate
    right: Estimate
    noise: np.ndarray
    curvature: np.ndarray


def read(line):
    """The Reading of a line."""
    known = {0.0: line.here}

    def value(t):
        if t not in known:
            known[t] = line(t * line.unit)
        return known[t]

    F = np.array([[value(w / 8 * j) for j in NODES] for w in WIDTHS])  # (K, 17, n)
    spacing = WIDTHS[:, None, None] * line.unit / 8  # (K, 1, 1)
    windows = np.stack([F[:, w] for w in WINDOWS.values()], 1)  # (K, 3, 9, n)
    with np.errstate(all="ignore"):
        slopes = np.einsum("wj,kwjn->kwn", WEIGHTS, windows) / spacing  # (K, 3, n)
        R = np.sqrt(VARIANCE * (np.diff(windows, 5, axis=2) ** 2).mean(2))  # (K, 3, n)
        moved = EPS * line.unit * np.abs(slopes)  # t itself is rounded
        rounding = EPS * np.abs(windows).max(2) + moved  # (K, 3, n)
        curvature = np.abs(F[:, 12] - 2 * F[:, 8] + F[:, 4]) / (4 * spacing[:, 0]) ** 2
    fine_noise = smallest_step(F)  # (n,)
    noise = np.maximum(fine_noise, plateau(R.max(1)))  # (n,)
    R_near = np.maximum(R, np.concatenate([R[1:], R[-1:]]))  # no luck in one window
    scale = SAFETY * AMPLIFICATION[:, None] / spacing  # (K, 3, 1)
    smooth = R <= 4 * np.maximum(noise, rounding)  # (K, 3, n)
    sides = [np.where(smooth[:, i], R_near[:, i], np.inf) for i in (1, 2)]
    errors = [
        scale[:, i] * np.maximum(np.maximum(rough, level), rounding[:, i])
        for i, rough, level in (
            (0, R_near[:, 0], fine_noise),
            (0, R_near[:, 0], noise),
            (1, sides[0], noise),
            (2, sides[1], noise),
        )
    ]
    picked = (
        least(slopes[:, i], error, smooth[:, i])
        for i, error in zip((0, 0, 1, 2), errors, strict=True)
    )
    here = EPS * np.abs(line.here)
    return Reading(
        *picked, np.maximum(noise, here), np.nan_to_num(curvature[1:5]).min(0)
    )


def least(slopes, errors, smooth):
    """The Estimate of least error; arrays (K, n)."""
    errors = np.where(np.isfinite(slopes) & ~np.isnan(errors), errors, np.inf)
    best = errors.argmin(0), np.arange(errors.shape[1])
    slope, error = np.where(np.isinf(errors[best]), 0, slopes[best]), errors[best]
    hidden = (WIDTHS[best[0]] < 1e-5) & (error > 0.01 * np.abs(slope))
    return Estimate(slope, error, np.where(smooth[best] & ~hidden, 3.0, 100.0))


def smallest_step(F):
    """The smallest difference of two values of F (K, 17, n): (n,), 0 if constant."""
    steps = np.diff(np.sort(F.reshape(-1, F.shape[-1]), axis=0), axis=0)
    steps = np.where(steps > 0, steps, np.inf).min(0)
    return np.where(np.isfinite(steps), steps, 0.0)


def plateau(R):
    """The level at which roughness (K, n) stays while windows shrink: (n,), or 0."""
    R = np.where(np.isfinite(R), R, np.inf)
    level, noisy = np.zeros(R.shape[1]), False
    for k in reversed(range(len(R) - 2)):  # from narrow to wide
        steady = R[k] <= 4 * R[k + 2]
        after = R[k + 3] if k + 3 < len(R) else 0.0
        gone = R[k + 2] > 4**6 * after  # faster than a smooth function falls
        noisy = steady & (gone | noisy) & np.isfinite(R[k])
        level = np.where(noisy, np.maximum(level, R[k + 1]), level)
    return level
