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

Where F jumps outside the fine window, as a solver that stops early makes it, the error
of fine is that of the jump.

Sources: Moré and Wild, SIAM J. Sci. Comput. 33 (2011), for noise from difference
tables, and ACM Trans. Math. Softw. 38 (2012), for choosing the step from it.
"""

from typing import NamedTuple

import numpy as np

from .numerical import EPS, Estimate

WIDTHS = 4.0 ** -np.arange(1, 21)  # 1/4 … 1e-12, (K,)
ENDS = WIDTHS[[1, 3, -2, -1]]  # enough for noise and curvature
NODES = np.arange(-8, 9)
WINDOWS = (slice(4, 13), slice(0, 9), slice(8, 17))  # middle, left, right
WEIGHTS = np.array([np.linalg.pinv(np.vander(NODES[w], 7))[-2] for w in WINDOWS])
AMPLIFICATION = np.linalg.norm(WEIGHTS, axis=1)  # (3,)
SAFETY = 8


class Reading(NamedTuple):
    """Estimates of F′(0), the error of F's values, and roughly |F″(0)|."""

    fine: Estimate
    coarse: Estimate
    left: Estimate
    right: Estimate
    noise: float
    curvature: float


def read(line, widths=WIDTHS):
    """The Reading of a line, in windows of widths (K,) times its unit."""
    t = widths[:, None] / 8 * NODES  # (K, 17)
    points, where = np.unique(t, return_inverse=True)
    F = np.array([line(t * line.unit) for t in points])[where].reshape(t.shape)
    windows = np.stack([F[:, w] for w in WINDOWS], 1)  # (K, 3, 9)
    s = widths[:, None] * line.unit / 8  # (K, 1)
    with np.errstate(all="ignore"):
        slopes = (windows * WEIGHTS).sum(2) / s  # (K, 3)
        R = np.sqrt(120**2 / 3_628_800 * (np.diff(windows, 5) ** 2).mean(2))
        rounding = EPS * (np.abs(windows).max(2) + line.unit * np.abs(slopes))
        curvature = np.abs(F[:, 12] - 2 * F[:, 8] + F[:, 4]) / (4 * s[:, 0]) ** 2
    R = np.where(np.isfinite(R), np.maximum(R, rounding / 4), np.inf)
    R = np.maximum.accumulate(R[::-1])[::-1]  # (K, 3)
    noise = max(rounded_step(F), R[-2:].max())
    if F.min() == F.max():  # flat, and perhaps by rounding
        noise = max(noise, line.noise)
    errors = SAFETY * AMPLIFICATION / s * np.maximum(R, noise)  # (K, 3)
    smooth = 4 * np.maximum(noise, rounding) >= R
    fine, left, right = (
        least(slopes[:, i], np.where(smooth[:, i], errors[:, i], np.inf), smooth[:, i])
        for i in range(3)
    )
    coarse = least(slopes[:, 0], errors[:, 0], smooth[:, 0])
    jump, k = jump_outside(np.where(smooth, noise, R)[:, 0], np.abs(F).max())
    fine = fine._replace(
        error=max(fine.error, SAFETY * AMPLIFICATION[0] * jump / s[k, 0])
    )
    curvature = np.nan_to_num(curvature[widths > 1e-3]).min()
    return Reading(fine, coarse, left, right, noise, curvature)


def jump_outside(R, size):
    """A jump of F, as a solver that stops early leaves, and the window (K,) inside it.

    From window to window, R grows at most 4⁵-fold where F is smooth, fourfold at a
    kink, and not at all at a jump.
    """
    with np.errstate(all="ignore"):
        growth = R[:-1] / R[1:]  # (K - 1,)
    stays = np.append(True, growth[:-1] < 2)
    found = (growth > 3000) & stays & (R[:-1] < 1e-4 * size)
    k = found.argmax()
    return (R[k], k + 1) if found.any() else (0.0, 0)


def least(slopes, errors, smooth):
    """The Estimate with the least error, of windows (K,).

    Structure too fine to see may hide in a window that is not smooth, or too narrow.
    """
    k = errors.argmin()
    hidden = WIDTHS[k] < 1e-5 and errors[k] > 1e-3 * abs(slopes[k])
    slope = 0.0 if np.isinf(errors[k]) else slopes[k]
    return Estimate(slope, errors[k], 3.0 if smooth[k] and not hidden else 100.0)


def rounded_step(F):
    """The least difference between rounded values (K, 17), or 0 if unrounded.

    Rounded values are equal at neighbouring points.
    """
    steps = np.diff(np.sort(F, None))
    steps = steps[(steps > 0) & (steps < np.inf)]
    return steps.min() if len(steps) and (np.diff(F[-1]) == 0).any() else 0.0
