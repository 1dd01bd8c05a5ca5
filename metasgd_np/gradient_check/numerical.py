"""Numerical derivatives along one line, F(t) = f(point + t · direction).

EPS = 2.2e-16 is the machine epsilon of float64.

    complex step         F′(0) = Im F(ih) / h,  h = 1e-30                      (3.2)
                         nothing is subtracted: error about EPS
    central difference   F′(0) = [F(h) − F(−h)] / 2h,  h = EPS^(1/3)           (3.1)
                         truncation h² and rounding EPS/h, both near 4e-11
    Taylor remainder     R(t) = |F(t) − F(0) − t F′(0)| shrinks as t²          (3.3)
                         with a right F′(0), and only as t with a wrong one

Sources: Squire and Trapp, SIAM Review 40 (1998), for the complex step; Nocedal and
Wright, Numerical Optimization (2006), section 8.1, for the central difference and its
step; Farrell et al., SIAM J. Sci. Comput. 35 (2013), for the Taylor test.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

EPS = np.finfo(np.float64).eps
COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPS ** (1 / 3)
TAYLOR_STEPS = 4.0 ** -np.arange(2, 18)  # 1/16 … 6e-11
BESIDE = (1 / 300, 1 / 40_000)  # where else the complex step is tried, on either side


class Estimate(NamedTuple):
    """A slope and its error; a claim `doubt` errors away counts as wrong."""

    slope: float
    error: float
    doubt: float = 3.0


@dataclass(frozen=True)
class Line:
    """F; `unit` is the t that moves the point by its own size, `noise` F's error."""

    function: object
    point: np.ndarray
    direction: np.ndarray
    unit: float = 1.0
    noise: float = 0.0

    def __call__(self, t):
        """F(t), a number; NaN outside the function's domain."""
        try:
            with np.errstate(all="ignore"):
                return self.function(self.point + t * self.direction)
        except (ArithmeticError, ValueError):  # as math.log(-1) raises
            return np.nan

    @cached_property
    def here(self):
        """F(0)."""
        return self(0.0)

    @cached_property
    def exact(self):
        """The Estimate of the complex step, or a sentence saying why it fails."""
        moved = self.point + 1j * COMPLEX_STEP * self.direction
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # PyTorch's
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                value = self.function(moved)
        except Exception as error:  # the function worked on real numbers just before
            return f"complex numbers are not accepted ({type(error).__name__}: {error})"
        if not np.iscomplexobj(value):
            return "the imaginary part is dropped (by abs, norm, .real or float)"
        if not np.isfinite(value.imag):
            return "a complex point gives NaN"
        # The claim carries rounding too, from every line of its own code
        return Estimate(
            value.imag / COMPLEX_STEP, 100 * self.noise / self.unit
        )  # (3.2)

    @cached_property
    def ends(self):
        """F at both ends of the central difference, and its step."""
        h = CENTRAL_STEP * self.unit
        return self(-h), self(h), h

    @property
    def central(self):
        """The Estimate of the central difference."""
        behind, ahead, h = self.ends
        return Estimate((ahead - behind) / (2 * h), 20 * self.noise / h)  # (3.1)

    @property
    def turn(self):
        """The slope to the right less that to the left, within the same step."""
        behind, ahead, h = self.ends
        return abs(ahead - 2 * self.here + behind) / h

    @cached_property
    def analytic(self):
        """Whether complex step and central difference agree beside the point.

        abs, conj, .real and round break the complex step everywhere, a kink breaks the
        central difference at the point only, so both are tried a little to either side.
        """

        def agree_at(t):
            line = replace(self, point=self.point + t * self.unit * self.direction)
            if isinstance(line.exact, str):
                return False
            exact, central = line.exact.slope, line.central.slope
            rounding = 100 * EPS * abs(line.here) / (CENTRAL_STEP * self.unit)
            return abs(exact - central) <= 1e-4 * (abs(exact) + abs(central)) + rounding

        return all(any(agree_at(side * t) for t in BESIDE) for side in (1, -1))


def taylor_slope(line, slope, slope_error):
    """Slope of log R(t) against log t at the smallest t where R is above rounding.

    Infinity if R is at rounding level from the start; None if F is finite at fewer than
    three steps. `slope` is F′(0) as claimed, to within `slope_error`.
    """
    t = TAYLOR_STEPS * line.unit
    F = np.array([line(step) for step in t])
    t, F = t[np.isfinite(F)], F[np.isfinite(F)]
    if len(t) < 3:
        return None
    R = np.abs(F - line.here - t * slope)  # (3.3)
    floor = 200 * (EPS * np.abs(F) + line.noise) + t * slope_error
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
