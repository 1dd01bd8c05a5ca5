"""Derivatives by numbers alone: what a derivative written by hand is held to.

All of them look at a function along one line, F(t) = f(x + t d), and need nothing but
its values. EPS = 2.2e-16 is the rounding of float64.

    central difference   F′(0) = [F(h) − F(−h)] / 2h,  h = EPS^(1/3)           (3.1)
                         error about EPS^(2/3)
    complex step         F′(0) = Im F(ih) / h,  h = 1e-30                      (3.2)
                         error about EPS
    Taylor remainder     R(t) = |F(t) − F(0) − t F′(0)| shrinks as t²          (3.3)
                         R(t) = |F(t) − F(0) − t F′(0) − t² F″(0) / 2| shrinks as t³

With a wrong F′(0) the remainder shrinks only as t, with a wrong F″(0) only as t²: the
slope of log R against log t tells them apart, whatever the size of the numbers.

A kink (ReLU at zero) has two slopes, one on each side, and no derivative. It shows as
one-sided differences that stay apart however small the step.

Sources: Squire and Trapp, SIAM Review 40 (1998), for the complex step; Farrell et al.,
SIAM J. Sci. Comput. 35 (2013), for the Taylor test.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

EPS = np.finfo(np.float64).eps
COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPS ** (1 / 3)  # where truncation h² and rounding EPS / h are equal
TAYLOR_STEPS = 4.0 ** -np.arange(2, 18)  # 1/16 … 6e-11
SLOPE_SLACK = 0.3
SMALLER = 8.0 ** -np.arange(5)  # 1 … 1/4096 of the step of the central difference


@dataclass(frozen=True)
class Line:
    """F(t) = function(point + t · direction), always as an array (n,).

    name : str      what the function is called in an error
    unit : float    the t that moves the point by about its own size, or by 1
    """

    function: object
    point: np.ndarray
    direction: np.ndarray
    name: str
    unit: float = 1.0

    def __call__(self, t):
        """F(t), which may hold NaN."""
        with np.errstate(all="ignore"):
            return np.atleast_1d(self.function(self.point + t * self.direction))

    def finite(self, t):
        """F(t), or a ValueError if it is not finite."""
        value = self(t)
        if not np.isfinite(value).all():
            moved = np.flatnonzero(self.direction)
            told = f"entry {moved[0]}" if moved.size == 1 else f"{moved.size} entries"
            raise ValueError(
                f"{self.name} returned {value[~np.isfinite(value)][0]} with {told} of "
                f"the point moved by {abs(t):.1e}; finite differences need finite "
                "values on both sides, so choose a point further inside the domain"
            )
        return value


def complex_steps(lines):
    """(F′(0) of all lines (P,), "") or, where that cannot be had, (None, why not)."""
    values = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            for line in lines:
                value = line(1j * COMPLEX_STEP)
                if not np.iscomplexobj(value):
                    return None, (
                        f"{line.name} returned a real number for a complex point, so "
                        "it drops the imaginary part (abs, norm, .real or float)"
                    )
                values.append(value.imag / COMPLEX_STEP)  # (3.2)
    except Exception as error:  # the function worked on real numbers just before
        return None, (
            f"{lines[0].name} does not accept complex numbers "
            f"({type(error).__name__}: {error})"
        )
    slopes = np.concatenate(values)
    if not np.isfinite(slopes).all():
        return None, f"{lines[0].name} returned NaN for a complex point"
    return slopes, ""


def central_differences(lines):
    """F′(0) of all lines by [F(h) − F(−h)] / 2h, one after another: (P,)."""
    slopes = []
    for line in lines:
        h = CENTRAL_STEP * line.unit
        slopes.append((line.finite(h) - line.finite(-h)) / (2 * h))  # (3.1)
    return np.concatenate(slopes)


class Size(NamedTuple):
    """The size of the numbers whose rounding makes a function's errors.

    noisy : bool    far above F and F″, so rounding may hide a wrong derivative
    """

    value: float
    noisy: bool


def natural_size(line, magnitude=0.0):
    """The Size of F: the largest of |F|, |F″| · unit², scatter / EPS and `magnitude`.

    The two in the middle come from second differences S(t) = |F(t) − 2 F(0) + F(−t)|:

    F″       the median of S(t) / t² over 1 % of the unit and less: wide enough for a
             kink to add little, narrow enough for F to bend evenly
    scatter  S(t / 10) − S(t) / 10 − t² F″: S falls as t² if F is smooth, as t at a
             kink, and not at all where it is rounding. The third largest of many t
             counts. It exceeds EPS |F| where F is a small difference of large numbers
    """
    here = line.finite(0.0)
    t = 10.0 ** -np.arange(2, 8.1, 0.5)  # (13,)
    with np.errstate(all="ignore"):
        pairs = [line(s) - 2 * here + line(-s) for s in t * line.unit]
        S = np.abs(pairs).max(-1)  # (13,)
        bend = np.median((S / t**2)[:5])
        bend = bend if np.isfinite(bend) else 0.0
        excess = np.nan_to_num(S[4:] - S[2:-2] / 10 - bend * t[2:-2] ** 2)  # (9,)
    smooth = max(np.abs(here).max(), bend)
    rough = max(np.sort(excess)[-3] / EPS, magnitude)
    return Size(float(max(smooth, rough)), bool(rough > smooth))


class Sides(NamedTuple):
    """What one-sided differences say about claimed slopes, each array (n,).

    gap : error of the central difference at a smaller step that agrees, else infinity
    kink : left and right slope stay apart however small the step
    between : the claim lies between the two; on_side : it is one of the two
    left, right : the two slopes, at a small step
    """

    gap: np.ndarray
    kink: np.ndarray
    between: np.ndarray
    on_side: np.ndarray
    left: np.ndarray
    right: np.ndarray


def look_at_sides(line, claimed, allowed):
    """Tell a kink from a wrong slope at the n entries of F; see Sides.

    claimed : (n,)    the slopes F′(0) that are claimed
    allowed : (n,)    errors of a central difference that count as agreement

    A smaller step is believed only where its rounding noise is a tenth of what it has
    to explain, so noise never passes for agreement or for a kink.
    """
    h = CENTRAL_STEP * line.unit * SMALLER[:, None]  # (5, 1)
    here = line.finite(0.0)
    ahead = np.array([line.finite(step) for step in h[:, 0]])  # (5, n)
    behind = np.array([line.finite(-step) for step in h[:, 0]])  # (5, n)
    right, left = (ahead - here) / h, (here - behind) / h  # (5, n)
    noise = 4 * EPS * np.maximum(np.abs(ahead), np.abs(behind)) / h  # (5, n)

    gap = np.abs((right + left) / 2 - claimed)  # (5, n)
    agrees = (gap <= allowed + noise) & (noise <= 0.1 * gap[0]) & (gap[0] > allowed)
    jump = np.abs(right - left)  # (5, n)
    clear = noise <= 0.1 * jump[0]  # (5, n)
    # The smallest clear step may end just beyond a kink beside the point: leave it out.
    last = np.where(clear.all(0), len(h), clear.argmin(0)) - 2  # (n,)
    tried = np.arange(len(h))[:, None] <= last
    steady = jump >= 0.5 * np.maximum.accumulate(jump)  # at a bend it rises, then falls
    kink = (last >= 1) & (steady | ~tried).all(0)

    small = np.maximum(last, 1), np.arange(len(claimed))  # the step, for each entry
    larger = small[0] - 1, small[1]
    slack = allowed + noise[small]
    sides, slacks = [left[small], right[small]], []
    for slopes in (left, right):
        slacks.append(slack + np.abs(slopes[small] - slopes[larger]))
    low = np.minimum(sides[0] - slacks[0], sides[1] - slacks[1])
    high = np.maximum(sides[0] + slacks[0], sides[1] + slacks[1])
    on_side = [np.abs(claimed - s) <= e for s, e in zip(sides, slacks, strict=True)]
    return Sides(
        np.where(agrees, gap, np.inf)[1:].min(0),
        kink,
        (low <= claimed) & (claimed <= high),
        on_side[0] | on_side[1],
        *sides,
    )


def look_where(lines, claimed, allowed, bad):
    """look_at_sides, for the lines with a bad entry; all arrays (P,)."""
    n = len(claimed) // len(lines)
    unseen = Sides(np.full(n, np.inf), *np.zeros((3, n), bool), *np.zeros((2, n)))
    looks = []
    for i, line in enumerate(lines):
        here = slice(i * n, (i + 1) * n)
        seen = bad[here].any()
        looks.append(
            look_at_sides(line, claimed[here], allowed[here]) if seen else unseen
        )
    return Sides(*map(np.concatenate, zip(*looks, strict=True)))


def taylor_slope(line, slope, curvature, rounding, claim_error):
    """Slope of log R(t) against log t at the smallest t where R is above rounding.

    slope, curvature : F′(0) and F″(0) as claimed; curvature None leaves t² F″ / 2 out
    rounding : size whose EPS is the rounding error of F (`natural_size`)
    claim_error : rounding error of the claimed slope

    Returns the slope; infinity if R is at rounding level from the start; None if F is
    finite at fewer than three steps.
    """
    t = TAYLOR_STEPS * line.unit
    here, F = line.finite(0.0)[0], np.array([line(step)[0] for step in t])
    known = np.isfinite(F)
    if known.sum() < 3:
        return None
    t, F = t[known], F[known]
    R = np.abs(F - here - t * slope - t**2 / 2 * (curvature or 0.0))  # (3.3)
    noise = 200 * EPS * (np.abs(F) + rounding) + t * claim_error
    above = np.flatnonzero(noise < R)
    if above.size == 0 or (k := above[-1]) == 0:
        return np.inf
    log = np.log(np.maximum(R, noise)) / np.log(4)
    slopes = [log[k - 1] - log[k]]
    if k >= 2:  # two terms of the remainder may cancel at one step, not at two
        slopes.append((log[k - 2] - log[k]) / 2)
    if k + 1 < len(t):  # below rounding at the next step: it fell by at least this
        slopes.append(log[k] - log[k + 1])
    return max(slopes)
