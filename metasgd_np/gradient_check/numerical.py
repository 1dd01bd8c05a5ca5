"""Numerical derivatives along one line, F(t) = f(x + t d).

EPS = 2.2e-16 is the machine epsilon of float64.

    complex step         F′(0) = Im F(ih) / h,  h = 1e-30                      (3.2)
                         nothing is subtracted: error about EPS
    central difference   F′(0) = [F(h) − F(−h)] / 2h,  h = EPS^(1/3)           (3.1)
                         truncation h² and rounding EPS/h, both near 4e-11
    Taylor remainder     R(t) = |F(t) − F(0) − t F′(0)| shrinks as t²          (3.3)
                         R(t) = |F(t) − F(0) − t F′(0) − t² F″(0) / 2| as t³

With a wrong F′(0) the remainder shrinks only as t, with a wrong F″(0) only as t²: the
slope of log R against log t shows which, at any scale.

Sources: Squire and Trapp, SIAM Review 40 (1998), for the complex step; Farrell et al.,
SIAM J. Sci. Comput. 35 (2013), for the Taylor test.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .noise import ENDS, EPS, read

COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPS ** (1 / 3)
TAYLOR_STEPS = 4.0 ** -np.arange(2, 18)  # 1/16 … 6e-11
BESIDE = (1 / 300, 1 / 40_000)  # where else the complex step is tried, on either side


@dataclass(frozen=True)
class Line:
    """F(t) = function(point + t · direction), always as an array (n,).

    Estimates of F′(0) are computed on first use. `unit` is the t that moves the point
    by about its own size, or by 1; `size` is n.
    """

    function: object
    point: np.ndarray
    direction: np.ndarray
    unit: float = 1.0
    size: int = 1

    def __call__(self, t):
        """F(t) (n,); NaN outside the function's domain."""
        try:
            with np.errstate(all="ignore"):
                return np.atleast_1d(self.function(self.point + t * self.direction))
        except (ArithmeticError, ValueError):  # as math.log(-1) raises
            return np.full(self.size, np.nan)

    @cached_property
    def here(self):
        """F(0) (n,)."""
        return self(0.0)

    @cached_property
    def exact(self):
        """F′(0) (n,) by the complex step, or a sentence saying why it fails."""
        moved = self.point + 1j * COMPLEX_STEP * self.direction
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                value = np.atleast_1d(self.function(moved))
        except Exception as error:  # the function worked on real numbers just before
            return f"complex numbers are not accepted ({type(error).__name__}: {error})"
        if not np.iscomplexobj(value):
            return "the imaginary part is dropped (by abs, norm, .real or float)"
        slopes = value.imag / COMPLEX_STEP  # (3.2)
        return slopes if np.isfinite(slopes).all() else "a complex point gives NaN"

    @cached_property
    def central(self):
        """F′(0) by the central difference, and |right − left slope|; (2, n)."""
        h = CENTRAL_STEP * self.unit
        ahead, behind = self(h), self(-h)
        jump = np.abs(ahead - 2 * self.here + behind) / h
        return np.array([(ahead - behind) / (2 * h), jump])  # (3.1)

    @cached_property
    def analytic(self):
        """Whether complex step and central difference agree beside the point, (n,).

        abs, conj, .real and round break the complex step everywhere, a kink breaks the
        central difference at the point only, so both are tried a little to either side.
        """
        right, left = (
            [self.steps_agree_at(sign * t * self.unit) for t in BESIDE]
            for sign in (1, -1)
        )
        return np.any(right, axis=0) & np.any(left, axis=0)

    def steps_agree_at(self, t):
        """Whether both give nearly the same slopes at t, (n,)."""
        line = replace(self, point=self.point + t * self.direction)
        if isinstance(line.exact, str):
            return np.zeros(self.size, bool)
        rounding = 100 * EPS * np.abs(line.here) / (CENTRAL_STEP * self.unit)
        size = np.abs(line.exact) + np.abs(line.central[0])
        return np.abs(line.exact - line.central[0]) <= 1e-4 * size + rounding

    @cached_property
    def noise(self):
        """The error of F's values (n,), at least the rounding of F and F″."""
        return np.maximum(self.sketch.noise, EPS * self.largest)

    @cached_property
    def largest(self):
        """The size of F, or of its curvature where that is larger."""
        curvature = self.sketch.curvature * self.unit**2
        return max(np.abs(self.here).max(), curvature.max())

    @cached_property
    def sketch(self):
        """A Reading from the widest and narrowest windows only."""
        return read(self, self.unit, ENDS)

    @cached_property
    def reading(self):
        """The Reading of this line; see noise.py."""
        return read(self, self.unit)


def taylor_slope(line, slope, curvature, noise, claim_error):
    """Slope of log R(t) against log t at the smallest t where R is above rounding.

    slope, curvature : F′(0) and F″(0) as claimed; curvature is 0 at first order
    noise, claim_error : the errors of F and of the claimed slope

    Infinity if R is at rounding level from the start; None if F is finite at fewer than
    three steps.
    """
    t = TAYLOR_STEPS * line.unit
    F = np.array([line(step)[0] for step in t])
    t, F = t[np.isfinite(F)], F[np.isfinite(F)]
    if len(t) < 3:
        return None
    R = np.abs(F - line.here[0] - t * slope - t**2 / 2 * curvature)  # (3.3)
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
