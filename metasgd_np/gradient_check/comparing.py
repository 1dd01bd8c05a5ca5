"""Compare claimed slopes with derivatives by numbers alone, block by block, as rows.

Errors are relative to the largest claimed entry of the block, or to 2 % of the
function's natural size (`natural_size`) where that is larger: rounding noise in a block
whose gradient is zero, or tiny against the rest, is then no error.

An entry where the central difference disagrees is looked at from both sides. If a
smaller step agrees, it is ok. If the function has a kink there, and the claim lies
between the slopes to its left and right or is what the complex step gives, its verdict
is "kink". Anything else is wrong.
"""

from dataclasses import dataclass, replace

import numpy as np

from .claims import CENTRAL, COMPLEX, TAYLOR, TOLERANCE, WHY
from .numerical import (
    SLOPE_SLACK,
    Line,
    central_differences,
    complex_steps,
    look_at_sides,
    look_where,
    taylor_slope,
)
from .reports import Row

FLOOR = 0.02  # of the natural size: the least that errors are relative to
NOT_ANALYTIC = (
    "complex step and central difference disagree with each other, so the function may "
    "not be analytic: abs, norm, conj, .real or a comparison breaks the complex step"
)
NOISY = (
    "rounding noise of the function hides errors here: it is a small difference of "
    "large numbers, as a saturated cross-entropy is, or varies within tiny steps"
)
NEARLY = (
    "the central difference cannot see an error this small: either the claim is not "
    "computed to full precision, or the function is not quite analytic"
)


def relative(difference, scale):
    """|difference| / scale, and 0 / 0 = 0."""
    difference = np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / scale)


def compare(lines, claim, parts, floor):
    """Rows for the complex step and the central difference of every part.

    Also returned: where the complex step agrees with the claim, (P,).

    lines : list of Line    their slopes, one after another, are what is claimed (P,)
    floor : (P,)            least size that errors are relative to
    """
    scale = claim.scale(parts, floor)
    exact, why_not = complex_steps(lines)
    if exact is None:
        trusted = np.zeros(len(scale), dtype=bool)
    else:
        errors = relative(exact - claim.values, scale)
        trusted = errors <= claim.limit(COMPLEX)[0]
    seen = Central.of(lines, claim, scale, trusted)
    if exact is None:
        limit = claim.limit(COMPLEX)
        first = [part.not_run(COMPLEX, limit, why_not) for part in parts]
    else:
        first = complex_rows(lines, claim, parts, scale, exact, errors, seen)
    second = [seen.row(part, claim) for part in parts]
    return [row for pair in zip(first, second, strict=True) for row in pair], trusted


@dataclass(frozen=True)
class Central:
    """Central differences, and a second look where they disagree; arrays (P,).

    slopes : the differences; errors : relative, at a smaller step where that agrees
    crossed : a smaller step agrees; kink : no derivative there
    on_side : the claim is the left or the right slope; left, right : these slopes
    """

    slopes: np.ndarray
    errors: np.ndarray
    crossed: np.ndarray
    kink: np.ndarray
    on_side: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, lines, claim, scale, trusted):
        """Differences along all lines; `trusted` where the complex step agrees."""
        tolerance, _ = claim.limit(CENTRAL)
        slopes = central_differences(lines)
        errors = relative(slopes - claim.values, scale)
        bad = errors > tolerance
        s = look_where(lines, claim.values, tolerance * scale, bad)
        crossed = bad & np.isfinite(s.gap)
        kink = bad & ~crossed & s.kink & (s.between | trusted)
        errors = np.where(crossed, np.minimum(errors, relative(s.gap, scale)), errors)
        return cls(slopes, errors, crossed, kink, s.on_side, s.left, s.right)

    def row(self, part, claim):
        """The Row of one part."""
        limit = claim.limit(CENTRAL)
        mine = part.index
        wrong = (self.errors > limit[0]) & ~self.kink & ~self.crossed
        if wrong[mine].any():
            return part.row(CENTRAL, self.errors, "wrong", limit, pick=wrong)
        if self.kink[mine].any():
            first = mine[self.kink[mine]][0]
            note = (
                f"kink at [{{}}]: slope {self.left[first]:.4g} to the left and "
                f"{self.right[first]:.4g} to the right however small the step; there "
                "is no derivative to compare with, so this is no failure"
            )
            only = np.arange(len(self.kink)) == first
            return part.row(CENTRAL, self.errors, "kink", limit, note, only)
        note = ""
        if self.crossed[mine].any():
            note = (
                "at [{}] the step reaches across a kink or a sharp bend, and a smaller "
                "step agrees"
            )
        return part.row(CENTRAL, self.errors, "ok", limit, note, self.crossed)


def complex_rows(lines, claim, parts, scale, exact, errors, seen):
    """The rows of the complex step; where it disagrees, is it the one to believe?"""
    limit = claim.limit(COMPLEX)
    bad = errors > limit[0]  # (P,)
    allowed = TOLERANCE[CENTRAL] * scale
    far = np.abs(seen.slopes - exact) > allowed
    s = look_where(lines, exact, allowed, bad & far)
    not_analytic = bad & far & ~np.isfinite(s.gap) & ~s.kink
    claim_on_side = seen.on_side | (seen.errors <= claim.limit(CENTRAL)[0])
    convention = bad & far & s.kink & s.on_side & claim_on_side
    wrong = bad & ~not_analytic & ~convention

    rows = []
    for part in parts:
        mine = part.index
        if wrong[mine].any():
            largest = errors[mine].max()
            note = NEARLY if largest <= TOLERANCE[CENTRAL] else ""
            rows.append(part.row(COMPLEX, errors, "wrong", limit, note, wrong))
        elif not_analytic[mine].any():
            rows.append(part.not_run(COMPLEX, limit, NOT_ANALYTIC))
        elif convention[mine].any():
            note = "kink at [{}]: the function takes one side, the gradient the other"
            rows.append(part.row(COMPLEX, errors, "kink", limit, note, convention))
        else:
            rows.append(part.row(COMPLEX, errors, "ok", limit))
    return rows


def leave_out_noise(rows, size, largest):
    """The rows, "ok" made "not run" where rounding noise would hide an error of 0.1 %.

    size : Size of the function
    largest : number    the largest claimed slope, times its unit
    """
    if not size.noisy:
        return rows
    hidden = {m for m in TOLERANCE if TOLERANCE[m] * FLOOR * size.value > largest / 1e3}
    return [
        replace(row, verdict="not run", note=NOISY)
        if (row.method in hidden and row.verdict == "ok" and row.error > 0)
        or (row.method == TAYLOR and CENTRAL in hidden and largest > 0)
        else row
        for row in rows
    ]


def taylor_rows(f, x, claim, parts, size, trusted, rng, hvp=None):
    """Rows of the Taylor test: along a random direction in each part, then in all.

    f : point → number        hvp : function v → H v (P,), for the test of third order
    size : number             the natural size of f
    trusted : (P,)            where the complex step agrees with the claim
    """
    d = rng.choice([-1, 1], len(x)) * rng.uniform(0.5, 1, len(x))  # (P,)
    d = d * np.maximum(1, np.abs(x))
    labels = [(part.quantity, part.block, part.index) for part in parts]
    if len(parts) > 1:
        quantities = {part.quantity for part in parts}
        quantity = parts[0].quantity if len(quantities) == 1 else "both"
        labels.append((quantity, "all", np.arange(len(x))))
    rows = []
    for quantity, block, index in labels:
        only = np.zeros(len(x))
        only[index] = d[index]
        row = taylor_row(f, x, claim, only, size, trusted[index].all(), hvp)
        rows.append(replace(row, quantity=quantity, block=block))
    return rows


def taylor_row(f, x, claim, d, size, trusted, hvp):
    """The Row of one direction d (P,): slope 2, or 3 with the curvature d·H d."""
    order = 2 if hvp is None else 3
    line = Line(f, x, d, "function")
    slope = claim.values @ d
    scale = max(np.abs(claim.values) @ np.abs(d), FLOOR * size)
    measured = taylor_slope(
        line,
        slope,
        curvature=0.0 if hvp is None else hvp(d) @ d,
        rounding=size,
        claim_error=claim.limit(COMPLEX)[0] * scale,
    )
    verdict, error, note = "ok", np.nan, ""
    if measured is None:
        verdict, note = "not run", "the function is not finite along this direction"
    else:
        error = max(0.0, order - measured)
    if error > SLOPE_SLACK:
        allowed = np.array([TOLERANCE[CENTRAL] * scale])
        s = look_at_sides(line, np.array([slope]), allowed)
        if np.isfinite(s.gap[0]) or (s.kink[0] and (s.between[0] or trusted)):
            verdict, note = "kink", "the steps reach across a kink"
        else:
            verdict = "wrong"
    limit = (SLOPE_SLACK, WHY[order])
    return Row("", "", TAYLOR, error, (), verdict, *limit, note, measured, order)
