"""From slopes by values alone to a verdict on each block.

For every entry, in this order:

1. The central difference agrees within 1e-7, its noise is small and F does not bend
   sharply: "ok". The complex step is compared too, within 1e-12.
2. Only the complex step agrees, and beside the point, where no kink is, it gives the
   same as the central difference: "kink". It takes no step to either side, so a kink
   near the point explains the difference.
3. Anything else is read through windows (noise.py). The claim lies within the error of
   a reading that would show it off by 1 %: "ok". It is the slope on one side of a kink
   at the point, or their mean: "kink". It lies three errors away from every reading:
   "wrong". Otherwise the values cannot decide: "not run".

A complex step that the values contradict is left out: the function is not analytic.
The worst verdict of its entries is the verdict of a block.

What errors are relative to, `scale`, is the block's largest claimed entry, or 2 % of
the size of F and of its curvature where that is larger: rounding in a block whose
gradient is zero is then no error.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .inputs import Part
from .noise import Estimate, read
from .numerical import (
    CENTRAL_STEP,
    EPS,
    Line,
    analytic_beside,
    central_difference,
    complex_steps,
    taylor_slope,
)
from .report import CENTRAL, COMPLEX, FLOAT32_TOLERANCE, SLACK, TAYLOR, TOLERANCE, Row

FLOOR = 0.02
RESOLVED = 0.01  # of an entry: the error that a reading must be able to show
OK, KINK, UNSURE, WRONG = VERDICTS = ("ok", "kink", "not run", "wrong")
NOT_ANALYTIC = (
    "the complex step contradicts the function's values, so the function is not "
    "analytic (abs, norm, conj, .real or rounding)"
)
NEARLY = (
    "an error that only the complex step can see: the claim is not computed to full "
    "precision, or the function is not quite analytic"
)
EXPLAINED = (
    "a kink or a sharp bend lies within the step; the complex step, which takes no "
    "step to either side, agrees"
)
NARROWER = "a kink, a bend or noise spoils the usual step; a better window agrees"
AT_KINK = "at a kink the gradient may be the slope on either side, or their mean"
SMALL = (
    "a difference of less than 3e-4, but more than rounding: a small term is missing, "
    "or the function stops at a solver's tolerance"
)
FEW_DIGITS = "the function's values have too few digits"


@dataclass(frozen=True)
class Judge:
    """Claimed slopes (n,), and what errors are relative to, (n,)."""

    claim: np.ndarray
    scale: np.ndarray
    single: bool = False

    def slack(self, method):
        """The largest error that is no error, (n,)."""
        return (FLOAT32_TOLERANCE if self.single else TOLERANCE[method]) * self.scale

    def gap(self, slope):
        """How far the claim is from a slope, (n,)."""
        return np.abs(self.claim - slope)

    def needed(self):
        """The error that an Estimate may have, to decide; (n,)."""
        size = np.abs(self.claim)
        size = np.where(size <= TOLERANCE[CENTRAL] * self.scale, self.scale, size)
        return np.maximum(self.slack(CENTRAL), RESOLVED * size)

    def agrees(self, e, method=CENTRAL):
        """Whether the Estimate e shows the claim to be right, (n,)."""
        close = self.gap(e.slope) <= self.slack(method) + e.error
        return close & (e.error <= self.needed())

    def refutes(self, e, method=CENTRAL):
        """Whether the Estimate e shows the claim to be wrong, (n,)."""
        return self.gap(e.slope) > self.slack(method) + e.doubt * e.error


class Found(NamedTuple):
    """What one method found about n entries; arrays (n,)."""

    verdict: np.ndarray
    slope: np.ndarray
    note: np.ndarray

    def put(self, where, verdict, note="", slope=None):
        """A copy, changed at the entries `where`."""
        return Found(
            np.where(where, verdict, self.verdict),
            self.slope if slope is None else np.where(where, slope, self.slope),
            np.where(where, np.asarray(note, object), self.note),
        )


def look(line, judge, exact, noise):
    """(Found by the complex step, Found by values) along one line.

    exact : (n,), slopes by the complex step, or None; noise : error of F's values
    """
    slopes, bend = central_difference(line)  # (n,)
    values = Found(*(np.full(len(slopes), text, object) for text in (OK, "", "")))
    values = values._replace(slope=slopes)
    by_step, agreed = None, np.zeros(len(slopes), bool)
    if exact is not None:
        by_step = Estimate(exact, np.full(len(exact), 100 * noise / line.unit))
        agreed = judge.gap(exact) <= judge.slack(COMPLEX)
        agreed |= judge.agrees(by_step, COMPLEX)
    steady = noise / (CENTRAL_STEP * line.unit) <= 1e-3 * judge.scale
    smooth = agreed | (bend <= 1e-3 * judge.scale)
    seen = (judge.gap(slopes) <= judge.slack(CENTRAL)) & steady & smooth
    if exact is None:
        if not seen.all():
            values = judge_reading(values, ~seen, judge, line, read(line))
        return values.put(True, UNSURE), values
    if (seen & agreed).all():
        return values._replace(slope=exact), values

    analytic = analytic_beside(line)
    explained = steady & agreed & analytic & ~seen
    values = values.put(explained, KINK, EXPLAINED)
    rest = ~(seen | explained)
    if rest.any():
        reading = read(line)
        values = judge_reading(values, rest, judge, line, reading)
        step = Judge(exact, judge.scale)
        contradicted = step.refutes(reading.fine) & step.refutes(reading.coarse)
        analytic = np.where(steady, analytic, ~contradicted)
    return judge_complex(by_step, agreed, analytic, judge, values, seen), values


def judge_complex(by_step, agreed, analytic, judge, values, seen):
    """The Found of the complex step, beside that of the values."""
    right = np.isin(values.verdict, (OK, KINK))
    off = judge.refutes(by_step, COMPLEX)
    # What the central difference gives to 1e-7 is no artefact of its step.
    analytic = analytic & ~(
        seen & (judge.gap(by_step.slope) > 10 * judge.slack(CENTRAL))
    )
    result = values._replace(slope=by_step.slope).put(True, UNSURE, FEW_DIGITS)
    result = result.put(off, WRONG).put(off & right, WRONG, NEARLY)
    result = result.put(~agreed & (values.verdict == KINK), KINK, AT_KINK)
    result = result.put(~analytic, UNSURE, NOT_ANALYTIC)
    return result.put(agreed & (right | analytic), OK)


def judge_reading(values, where, judge, line, r):
    """`values`, a Found, with the entries `where` judged by the Reading r."""
    both = Estimate((r.left.slope + r.right.slope) / 2, r.left.error + r.right.error)
    fine, coarse, left, right, mean = (
        judge.agrees(e) for e in (r.fine, r.coarse, r.left, r.right, both)
    )
    consistent = np.abs(r.fine.slope - r.coarse.slope) <= r.fine.error + r.coarse.error
    possible = ~judge.refutes(r.fine)
    one_side = ~np.isfinite(both.error)
    coarse, left, right = coarse & consistent, left & possible, right & possible
    slope = np.select(
        [fine, coarse, left, right, mean & possible],
        [r.fine.slope, r.coarse.slope, r.left.slope, r.right.slope, both.slope],
        r.fine.slope,
    )
    at_kink = left | right | (mean & possible)
    notes = [unsure_note(*entry) for entry in entries(judge, line, r)]
    result = values.put(where, UNSURE, notes, slope)
    refuted = judge.refutes(r.fine) & judge.refutes(r.coarse)
    small = judge.gap(slope) <= FLOAT32_TOLERANCE * judge.scale
    result = result.put(where & refuted, WRONG).put(
        where & refuted & small, UNSURE, SMALL
    )
    result = result.put(where & at_kink, KINK, AT_KINK)
    return result.put(where & (fine | coarse | (at_kink & one_side)), OK, NARROWER)


def entries(judge, line, r):
    """What `unsure_note` says of each entry, one tuple an entry."""
    best = np.minimum(r.fine.error, r.coarse.error)
    digits = -np.log10(np.maximum(r.noise / np.maximum(np.abs(line.here), 1e-300), EPS))
    jump = np.abs(r.left.slope - r.right.slope) > r.left.error + r.right.error
    return zip(
        jump, r.left.slope, r.right.slope, digits, best / judge.needed(), strict=True
    )


def unsure_note(jump, left, right, digits, short):
    """Why the values cannot decide."""
    if jump:
        return (
            f"kink at the point: the slope is {left:.4g} to the left, {right:.4g} to "
            "the right, and the claim is neither"
        )
    if not np.isfinite(short):
        return "the function is not finite, or not smooth, anywhere near the point"
    if digits < 13:
        return (
            f"the function's values have about {digits:.0f} digits, and the check "
            f"needs {np.ceil(digits + max(1, np.log10(short))):.0f}"
        )
    return "kinks nearer than rounding lets values show, or values of few digits"


def compare(lines, judge, parts, noise):
    """Rows by complex step and central difference, and the slopes (P,) found.

    lines : list of Line    their slopes, one after another, are what is claimed (P,)
    """
    exact, why_not = complex_steps(lines)
    n = len(judge.claim) // len(lines)
    looks = []
    for i, line in enumerate(lines):
        here = slice(i * n, (i + 1) * n)
        mine = Judge(judge.claim[here], judge.scale[here], judge.single)
        looks.append(look(line, mine, None if exact is None else exact[here], noise))
    by_complex, by_values = (
        Found(*map(np.concatenate, zip(*found, strict=True)))
        for found in zip(*looks, strict=True)
    )
    if exact is None:
        by_complex = by_complex.put(True, UNSURE, why_not)
    rows = []
    for part in parts:
        rows.append(row_of(part, COMPLEX, by_complex, judge))
        rows.append(row_of(part, CENTRAL, by_values, judge))
    usable = by_complex.verdict != UNSURE
    return rows, np.where(usable, by_complex.slope, by_values.slope).astype(float)


def row_of(part, method, found, judge):
    """The Row of one block: its worst verdict, and its largest error of that verdict."""
    mine = part.index
    slope = found.slope[mine].astype(float)
    gap, scale = np.abs(judge.claim[mine] - slope), judge.scale[mine]
    errors = np.where(gap == 0, 0.0, gap / np.where(gap == 0, 1, scale))
    rank = np.vectorize(VERDICTS.index)(found.verdict[mine])
    worst = np.where(rank == rank.max(), errors, -1)
    where = tuple(map(int, np.unravel_index(worst.argmax(), worst.shape)))
    verdict = VERDICTS[rank.max()]
    return Row(
        part.quantity,
        part.block,
        method,
        verdict,
        error=np.nan if verdict == UNSURE else float(errors[where]),
        where=where,
        claimed=float(judge.claim[mine][where]),
        found=float(slope[where]),
        note=found.note[mine][where],
        scale=float(scale[where]),
    )


def taylor_rows(f, x, judge, parts, noise, rows, rng, hvp=None):
    """Rows of the Taylor test: along a random direction in each part, then in all.

    f : point → number        hvp : function v → H v (P,), for the test of third order
    rows : of the other methods        noise : error of f's values
    """
    d = rng.choice([-1, 1], len(x)) * rng.uniform(0.5, 1, len(x))  # (P,)
    d = d * np.maximum(1, np.abs(x))
    found = []
    for part in parts if len(parts) == 1 else [*parts, whole(parts, len(x))]:
        only = np.zeros(len(x))
        only[part.index] = d[part.index]
        curvature = None if hvp is None else hvp(only) @ only
        others = {
            row.verdict
            for row in rows
            if row.method == CENTRAL
            and (
                part.block == "all"
                or (part.quantity, part.block) == (row.quantity, row.block)
            )
        }
        line = Line(f, x, only)
        found.append(taylor_row(part, line, judge, noise, curvature, others))
    return found


def whole(parts, size):
    """All parts as one, called "all"."""
    quantities = {part.quantity for part in parts}
    quantity = parts[0].quantity if len(quantities) == 1 else "both"
    return Part(quantity, "all", np.arange(size))


def taylor_row(part, line, judge, noise, curvature, others):
    """The Row of one line: slope 2, or 3 with the curvature d·H d.

    A slope that falls short shows a wrong claim, or a kink that the steps reach across;
    the line is read (noise.py) to tell which. others : verdicts of the other methods
    """
    order = 2 if curvature is None else 3
    claim = judge.claim @ line.direction
    size = np.abs(judge.claim) @ np.abs(line.direction)
    along = Judge(np.array([claim]), np.array([size]), judge.single)
    measured, verdict, note = None, UNSURE, FEW_DIGITS
    if noise <= 1e-11 * max(np.abs(line.here[0]), size):
        error = along.slack(COMPLEX)[0]
        measured = taylor_slope(line, claim, curvature or 0.0, noise, error)
    if measured is not None:
        verdict, note = OK, ""
    if verdict == OK and measured < order - SLACK:
        verdict, note = explain_slope(line, along, noise, others, order)
    short = np.nan if verdict == UNSURE else max(0.0, order - measured)
    return Row(
        *(part.quantity, part.block, TAYLOR, verdict),
        error=short,
        note=note,
        slope=measured,
    )


def explain_slope(line, along, noise, others, order):
    """(verdict, note) where the slope falls short: wrong, or a kink on the way?"""
    _, values = look(line, along, complex_steps([line])[0], noise)
    smooth = values.verdict[0] == OK and not values.note[0]
    if WRONG in others or (order == 3 and smooth):
        return WRONG, ""
    if not others:
        others = {values.verdict[0]}
    if others <= {OK, KINK}:
        return KINK, "the steps reach across a kink"
    return (WRONG if others == {WRONG} else UNSURE), ""
