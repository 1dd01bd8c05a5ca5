"""Derivatives from values alone, along one line F(t) = f(x + t d).

EPS = 2.2e-16 is the rounding of float64.

    complex step         F′(0) = Im F(ih) / h,  h = 1e-30                      (3.2)
                         nothing is subtracted: error about EPS
    central difference   F′(0) = [F(h) − F(−h)] / 2h,  h = EPS^(1/3)           (3.1)
                         truncation h² and rounding EPS/h, both near 4e-11
    Taylor remainder     R(t) = |F(t) − F(0) − t F′(0)| shrinks as t²          (3.3)
                         R(t) = |F(t) − F(0) − t F′(0) − t² F″(0) / 2| as t³

With a wrong F′(0) the remainder shrinks only as t, with a wrong F″(0) only as t²: the
slope of log R against log t shows which, whatever the size of the numbers.

Sources: Squire and Trapp, SIAM Review 40 (1998), for the complex step; Farrell et al.,
SIAM J. Sci. Comput. 35 (2013), for the Taylor test.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

EPS = np.finfo(np.float64).eps
COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPS ** (1 / 3)
TAYLOR_STEPS = 4.0 ** -np.arange(2, 18)  # 1/16 … 6e-11
BESIDE = (1 / 300, 1 / 40_000)  # where else a complex step is tried, on either side


@dataclass(frozen=True)
class Line:
    """F(t) = function(point + t · direction), always as an array (n,).

    `unit` is the t that moves the point by about its own size, or by 1.
    """

    function: object
    point: np.ndarray
    direction: np.ndarray
    unit: float = 1.0

    def __call__(self, t):
        """F(t) (n,); NaN outside the function's domain."""
        try:
            with np.errstate(all="ignore"):
                return np.atleast_1d(self.function(self.point + t * self.direction))
        except (ArithmeticError, ValueError):  # as math.log(-1) raises
            return np.full_like(self.here, np.nan)

    @cached_property
    def here(self):
        """F(0)."""
        return np.atleast_1d(self.function(self.point.copy()))

    def moved(self, t):
        """The same line, started at t."""
        return Line(
            self.function, self.point + t * self.direction, self.direction, self.unit
        )


def complex_steps(lines):
    """(F′(0) of all lines (P,), "") or, where that cannot be had, (None, why not)."""
    values = []
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            for line in lines:
                moved = line.point + 1j * COMPLEX_STEP * line.direction
                value = np.atleast_1d(line.function(moved))
                if not np.iscomplexobj(value):
                    return None, (
                        "the function returned a real number for a complex point, so "
                        "it drops the imaginary part (abs, norm, .real or float)"
                    )
                values.append(value.imag / COMPLEX_STEP)  # (3.2)
    except Exception as error:  # the function worked on real numbers just before
        return None, (
            "the function does not accept complex numbers "
            f"({type(error).__name__}: {error})"
        )
    slopes = np.concatenate(values)
    if not np.isfinite(slopes).all():
        return None, "the function returned NaN for a complex point"
    return slopes, ""


def central_difference(line):
    """F′(0) (n,) by a central difference, and |right slope − left slope| (n,)."""
    h = CENTRAL_STEP * line.unit
    ahead, behind = line(h), line(-h)
    bend = np.abs(ahead - 2 * line.here + behind) / h
    return (ahead - behind) / (2 * h), bend  # (3.1)


def analytic_beside(line):
    """Whether complex step and central difference agree beside the point, (n,).

    abs, conj, .real and round break the complex step everywhere; a kink breaks the
    central difference at the point only. So both are taken a little to either side.
    """
    sides = []
    for sign in (1, -1):
        agree = np.zeros(line.here.shape, bool)
        for t in BESIDE:
            beside = line.moved(sign * t * line.unit)
            if not np.isfinite(beside(0.0)).all():
                continue
            exact, _ = complex_steps([beside])
            slopes, _ = central_difference(beside)
            if exact is not None:
                rounding = EPS * np.abs(beside.here) / (CENTRAL_STEP * line.unit)
                size = np.abs(exact) + np.abs(slopes)
                agree |= np.abs(exact - slopes) <= 1e-4 * size + 100 * rounding
        sides.append(agree)
    return sides[0] & sides[1]


def taylor_slope(line, slope, curvature, noise, claim_error):
    """Slope of log R(t) against log t at the smallest t where R is above rounding.

    slope, curvature : F′(0) and F″(0) as claimed; curvature 0 for the first order
    noise, claim_error : the errors of F and of the claimed slope

    Infinity if R is at rounding level from the start; None if F is finite at fewer than
    three steps.
    """
    t = TAYLOR_STEPS * line.unit
    here, F = line.here[0], np.array([line(step)[0] for step in t])
    known = np.isfinite(F)
    if known.sum() < 3:
        return None
    t, F = t[known], F[known]
    R = np.abs(F - here - t * slope - t**2 / 2 * curvature)  # (3.3)
    floor = 200 * (EPS * np.abs(F) + noise) + t * claim_error
    above = np.flatnonzero(floor < R)
    if above.size == 0 or (k := above[-1]) == 0:
        return np.inf
    log = np.log(np.maximum(R, floor)) / np.log(4)
    slopes = [log[k - 1] - log[k]]
    if k >= 2:  # two terms of the remainder may cancel at one step, not at two
        slopes.append((log[k - 2] - log[k]) / 2)
    if k + 1 < len(t):  # below rounding at the next step: it fell by at least this
        slopes.append(log[k] - log[k + 1])
    return max(slopes)
