"""A slope and its error where values have few digits, or near a kink.

F is sampled in windows that shrink from a quarter of the point's size to 1e-12, each of
nine points of spacing s, with 0 in the middle, at the left end or at the right end:

    slope       of the polynomial of degree 6 that fits best (least squares)
    roughness   R = √(5!² / 10! · mean (Δ⁵F)²), from fifth differences
    error       = 8 · amplification · max(R, noise) / s

Fifth differences leave only what is not smooth: noise, or a kink inside the window.
`amplification` is the norm of the weights that give the slope from the values; with the
factor 8, a kink at the point lies within the error. R is the largest of this window and
all narrower ones, so that no window wins by luck.

    coarse      the window of least error: wide where F is noisy, narrow near a kink
    fine        the same, among windows that are smooth to within the noise
    left, right one-sided slopes, from windows where the curve passes through F(0) to
                within the noise: if only one does, the kink is beside the point
    noise       R in the narrowest windows; for rounded values, the step between them

Sources: Moré and Wild, SIAM J. Sci. Comput. 33 (2011), for noise from difference
tables, and ACM Trans. Math. Softw. 38 (2012), for choosing the step from it.
"""

from typing import NamedTuple

import numpy as np

EPS = np.finfo(np.float64).eps
WIDTHS = 4.0 ** -np.arange(1, 21)  # 1/4 … 1e-12, (K,)
NODES = np.arange(-8, 9)
WINDOWS = (slice(4, 13), slice(0, 9), slice(8, 17))  # middle, left, right
WEIGHTS = np.array([np.linalg.pinv(np.vander(NODES[w], 7))[-2] for w in WINDOWS])
AMPLIFICATION = np.linalg.norm(WEIGHTS, axis=1)[:, None]  # (3, 1)
SAFETY = 8
ENDS = WIDTHS[[1, 3, -2, -1]]  # enough for noise and curvature


class Estimate(NamedTuple):
    """A slope, its error, and how many errors away a claim must be to count as wrong.

    The last is 3, or 100 where structure too fine to see may hide in the window.
    """

    slope: np.ndarray
    error: np.ndarray
    doubt: np.ndarray | float = 3.0


class Reading(NamedTuple):
    """Estimates of F′(0), the error of F's values, and roughly |F″(0)|; arrays (n,)."""

    fine: Estimate
    coarse: Estimate
    left: Estimate
    right: Estimate
    noise: np.ndarray
    curvature: np.ndarray


def read(F, unit, widths=WIDTHS):
    """The Reading of a function F of t, in windows of widths (K,) times unit."""
    values = {t: F(t * unit) for t in {w * j for w in widths / 8 for j in NODES}}
    V = np.array([[values[w * j] for j in NODES] for w in widths / 8])  # (K, 17, n)
    s = widths[:, None, None] * unit / 8  # (K, 1, 1)
    windows = np.stack([V[:, w] for w in WINDOWS], 1)  # (K, 3, 9, n)
    with np.errstate(all="ignore"):
        slopes = np.einsum("wj,kwjn->kwn", WEIGHTS, windows) / s  # (K, 3, n)
        R = np.sqrt(120**2 / 3_628_800 * (np.diff(windows, 5, axis=2) ** 2).mean(2))
        rounding = EPS * (np.abs(windows).max(2) + unit * np.abs(slopes))  # t's as well
        bend = np.abs(V[:, 12] - 2 * V[:, 8] + V[:, 4]) / (4 * s[:, 0]) ** 2  # (K, n)
    R = np.where(np.isfinite(R), np.maximum(R, rounding / 4), np.inf)
    R = np.maximum.accumulate(R[::-1])[::-1]  # (K, 3, n)
    noise = np.maximum(rounded_step(windows), R[-2:].max((0, 1)))  # (3, n)
    errors = SAFETY * AMPLIFICATION / s * np.maximum(R, noise)  # (K, 3, n)
    smooth = 4 * np.maximum(noise, rounding) >= R
    fine, left, right = (
        least(slopes[:, i], np.where(smooth[:, i], errors[:, i], np.inf), smooth[:, i])
        for i in range(3)
    )
    coarse = least(slopes[:, 0], errors[:, 0], smooth[:, 0])
    return Reading(
        fine, coarse, left, right, noise[0], np.nan_to_num(bend[widths > 1e-3]).min(0)
    )


def least(slopes, errors, smooth):
    """The Estimate with the least error; arrays (K, n)."""
    best = errors.argmin(0), np.arange(errors.shape[1])
    slope, error = slopes[best], errors[best]
    hidden = (WIDTHS[best[0]] < 1e-5) & (error > 1e-3 * np.abs(slope))
    doubt = np.where(smooth[best] & ~hidden, 3.0, 100.0)
    return Estimate(np.where(np.isinf(error), 0.0, slope), error, doubt)


def rounded_step(windows):
    """The least difference between rounded values (K, 3, 9, n), 0 if unrounded; (3, n).

    Rounded values are equal at neighbouring points.
    """
    values = windows.transpose(1, 0, 2, 3).reshape(3, -1, windows.shape[-1])
    steps = np.diff(np.sort(values, axis=1), axis=1)  # (3, 9K - 1, n)
    steps = np.where(steps > 0, steps, np.inf).min(1)
    rounded = (np.diff(windows[-1], axis=1) == 0).any(1) & np.isfinite(steps)
    return np.where(rounded, steps, 0.0)
