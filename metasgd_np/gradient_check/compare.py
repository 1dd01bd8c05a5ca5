"""How a verdict is reached: entry by entry; a block gets the worst of its entries.

Errors are relative to the largest claimed entry of the block, or to 1e-6 of the
function's size where that is larger.

1. The central difference agrees within 1e-7, its noise is small, and F does not
   curve sharply: "ok".
2. Only the complex step agrees, and a little to either side, away from any kink, it
   equals the central difference: "kink". It never leaves the point, so a kink nearby
   explains the difference.
3. Anything else is read through windows (noise.py). The claim lies within the error of
   a reading accurate to 1 % of the entry: "ok". It is the slope on one side of a
   kink at the point, or their mean: "kink". It lies more than three errors from
   every reading: "wrong". Otherwise the values cannot decide: "not run".

The complex step has to agree within 1e-12, as only rounding remains. If the values
contradict it, the function is not analytic, and it is left out: "not run". A claim in
float32 has to agree within 3e-4, and the Taylor remainder to fall with a slope of 2, or
3 with a Hessian, less 0.3. A block on which no method can decide is NOT CHECKED.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .noise import Estimate
from .numerical import CENTRAL_STEP, Line, taylor_slope

COMPLEX, CENTRAL, TAYLOR = "complex step", "central difference", "Taylor remainder"
TOLERANCE = {COMPLEX: 1e-12, CENTRAL: 1e-7}
FLOAT32_TOLERANCE = 3e-4
SLACK = 0.3
OK, KINK, UNSURE, WRONG = VERDICTS = (
    "ok",
    "kink",
    "not run",
    "wrong",
)  # the worst last
NOT_ANALYTIC = (
    "the complex step contradicts the function's values, so the function is not "
    "analytic (abs, norm, conj, .real or rounding)"
)
NEARLY = "an error that only the complex step can see: too few digits in the claim?"
EXPLAINED = "a kink or sharp curve lies within its step; the complex step takes none"
NARROWER = "a kink, curve or noise spoils the usual step, but a better window agrees"
AT_KINK = "at a kink the gradient may be the slope on either side, or their mean"
FEW_DIGITS = "the function's values have too few digits"
SMALL = (
    "the difference is above rounding but below 3e-4: a small term is missing, or the "
    "function stops at a solver's tolerance"
)


@dataclass(frozen=True)
class Row:
    """One check of one block by one method; `verdict` is ok, kink, not run or wrong.

    error : the largest in the block, relative to `scale`; where, claimed, found : its
    index in the block and the two numbers there; slope : of a Taylor remainder
    """

    quantity: str
    block: str
    method: str
    verdict: str = "ok"
    error: float = 0.0
    where: tuple = ()
    claimed: float = 0.0
    found: float = 0.0
    scale: float = 0.0
    note: str = ""
    slope: float | None = None

    @property
    def cell(self):
        """The row as a cell of a table."""
        text = f"{self.error:.0e}" if self.slope is None else f"slope {self.slope:.2f}"
        text = "exact" if self.slope == float("inf") else text
        return {"ok": text, "not run": "-"}.get(self.verdict, f"{text} {self.verdict}")


class Finding(NamedTuple):
    """A verdict, the slope it is based on, and a note."""

    verdict: str
    slope: float
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A claimed slope of output i of a Line; `noise` is the error of its values."""

    claim: float
    scale: float
    single: bool
    line: Line
    i: int
    noise: float

    def slack(self, method):
        """The largest difference that counts as agreement."""
        return self.scale * (FLOAT32_TOLERANCE if self.single else TOLERANCE[method])

    def gap(self, slope):
        """The distance of the claim from a slope."""
        return abs(self.claim - slope)

    @property
    def needed(self):
        """The largest error with which an Estimate can confirm the claim."""
        size = abs(self.claim)
        size = self.scale if size <= TOLERANCE[CENTRAL] * self.scale else size
        return max(self.slack(CENTRAL), 0.01 * size)

    def agrees(self, e, method=CENTRAL):
        """Whether an Estimate shows the claim to be right."""
        close = self.gap(e.slope) <= self.slack(method) + e.error
        return close and e.error <= self.needed

    def refuted(self, e, method=CENTRAL):
        """Whether an Estimate shows the claim to be wrong."""
        return self.gap(e.slope) > self.slack(method) + e.doubt * e.error

    @cached_property
    def by_step(self):
        """The Estimate by the complex step, or None if it is unavailable."""
        exact = self.line.exact
        if isinstance(exact, str):
            return None
        # The claim carries rounding too, from every line of its own code.
        return Estimate(exact[self.i], 100 * self.noise / self.line.unit)

    @cached_property
    def by_step_agrees(self):
        """Whether the complex step agrees."""
        if self.by_step is None:
            return False
        exactly = self.gap(self.by_step.slope) <= self.slack(COMPLEX)
        return exactly or self.agrees(self.by_step, COMPLEX)

    @cached_property
    def by_central(self):
        """The Estimate by the central difference."""
        # Rounding EPS/h, and truncation h², which is as large.
        error = 30 * self.noise / (CENTRAL_STEP * self.line.unit)
        return Estimate(self.line.central[0, self.i], error)

    @property
    def steady(self):
        """Whether the noise of the central difference is small."""
        return self.by_central.error <= 0.01 * self.scale

    @cached_property
    def by_values(self):
        """The Finding from values at real points."""
        e, smooth = self.by_central, self.line.central[1, self.i] <= 1e-3 * self.scale
        if self.by_step is not None and self.steady:
            step = replace(self, claim=self.by_step.slope)
            if step.gap(e.slope) <= self.slack(CENTRAL) + e.error:  # the two agree
                if self.by_step_agrees or self.agrees(e):
                    return Finding(OK, e.slope)
                if self.refuted(e):
                    return Finding(WRONG, e.slope)
            elif self.by_step_agrees and self.line.analytic[self.i]:
                return Finding(KINK, e.slope, EXPLAINED)
        if smooth and self.agrees(e):
            return Finding(OK, e.slope)
        return self.through_windows(*self.estimates)

    @property
    def estimates(self):
        """The Estimates fine, coarse, left and right of the line's Reading."""
        return [Estimate(*(part[self.i] for part in e)) for e in self.line.reading[:4]]

    def through_windows(self, fine, coarse, left, right):
        """The Finding from a Reading."""
        consistent = abs(fine.slope - coarse.slope) <= fine.error + coarse.error
        for e in (fine, coarse):
            if self.agrees(e) and consistent | (e is fine):
                return Finding(OK, e.slope, NARROWER)
        if self.refuted(fine) and self.refuted(coarse):
            if self.gap(fine.slope) <= FLOAT32_TOLERANCE * self.scale:
                return Finding(UNSURE, fine.slope, SMALL)
            return Finding(WRONG, fine.slope)
        mean = Estimate((left.slope + right.slope) / 2, left.error + right.error)
        side = next((e for e in (left, right, mean) if self.agrees(e)), None)
        if side is None or self.refuted(fine):
            return Finding(UNSURE, coarse.slope, self.why_unsure(coarse, left, right))
        two_sided = np.isfinite(mean.error)
        verdict, note = (KINK, AT_KINK) if two_sided else (OK, NARROWER)
        return Finding(verdict, side.slope, note)

    def why_unsure(self, best, left, right):
        """Why the values cannot decide."""
        if not np.isfinite(best.error):
            return "the function is not finite anywhere near the point"
        if abs(left.slope - right.slope) > 10 * (left.error + right.error):
            slopes = f"{left.slope:.4g} to the left, {right.slope:.4g} to the right"
            return f"a kink at the point: the slope is {slopes}, the claim is neither"
        size = max(abs(self.line.here[self.i]), self.noise)
        digits = -np.log10(self.line.reading.noise[self.i] / size)
        if digits < 13:
            need = digits + max(1, np.log10(best.error / self.needed))
            return f"values have {digits:.0f} digits here, the check needs {need:.0f}"
        return "there are kinks too close to the point for rounded values to resolve"

    @property
    def analytic(self):
        """Whether the complex step can be trusted."""
        if not self.steady:
            step = replace(self, claim=self.by_step.slope)
            return not all(step.refuted(e) for e in self.estimates[:2])
        far = 10 * self.slack(CENTRAL) + self.by_central.error
        differ = self.gap(self.by_step.slope) > far
        if differ and self.by_values.verdict == OK and not self.by_values.note:
            return False  # agreement of the central difference to 1e-7 is no accident
        return self.line.analytic[self.i]

    @cached_property
    def by_complex(self):
        """The Finding of the complex step."""
        if self.by_step is None:
            return Finding(UNSURE, self.by_values.slope, self.line.exact)
        right = self.by_values.verdict in (OK, KINK)
        if self.by_step_agrees and (right or self.analytic):
            return Finding(OK, self.by_step.slope)
        if not self.analytic:
            return Finding(UNSURE, self.by_values.slope, NOT_ANALYTIC)
        if self.by_values.verdict == KINK:
            return Finding(KINK, self.by_step.slope, AT_KINK)
        if self.refuted(self.by_step, COMPLEX):
            return Finding(WRONG, self.by_step.slope, NEARLY if right else "")
        return Finding(UNSURE, self.by_values.slope, FEW_DIGITS)


def entry_rows(entries, parts):
    """Make the rows of complex step and central difference, and the slopes found (P,).

    entries : one per claimed slope, in order        parts : {(quantity, block): index}
    """
    columns = {
        COMPLEX: [entry.by_complex for entry in entries],
        CENTRAL: [entry.by_values for entry in entries],
    }
    rows = [
        worst(label, method, index, entries, findings)
        for label, index in parts.items()
        for method, findings in columns.items()
    ]
    return rows, np.array([finding.slope for finding in columns[COMPLEX]])


def worst(label, method, index, entries, findings):
    """The Row of a block: its worst verdict, and the largest error of that verdict."""

    def badness(where):
        entry, finding = entries[index[where]], findings[index[where]]
        return VERDICTS.index(finding.verdict), entry.gap(finding.slope) / entry.scale

    where = max(np.ndindex(index.shape), key=badness)
    entry, finding = entries[index[where]], findings[index[where]]
    return Row(
        *label,
        method,
        finding.verdict,
        error=badness(where)[1],
        where=where,
        claimed=entry.claim,
        found=finding.slope,
        scale=entry.scale,
        note=finding.note,
    )


def taylor_row(quantity, entry, curvature=None, others=()):
    """The Row of the Taylor test: expected slope 2, or 3 with the curvature d·H d.

    A slope falls short where the claim is wrong, or where the steps cross a
    kink. others : verdicts of the central difference on the entries
    """
    label, order = (quantity, "all", TAYLOR), 2 if curvature is None else 3
    if entry.noise > 1e-11 * max(abs(entry.line.here[0]), entry.scale):
        return Row(*label, UNSURE, note=FEW_DIGITS)
    numbers = entry.claim, curvature or 0.0, entry.noise, entry.slack(COMPLEX)
    slope = taylor_slope(entry.line, *numbers)
    if slope is None:
        return Row(*label, UNSURE, note="the function is not finite there")
    verdict = OK
    if slope < order - SLACK:
        found = entry.by_values
        others = set(others) or {found.verdict}
        smooth = found.verdict == OK and not found.note
        verdict = KINK if others <= {OK, KINK} else UNSURE
        verdict = WRONG if WRONG in others or (order == 3 and smooth) else verdict
    note = "the steps cross a kink" if verdict == KINK else ""
    return Row(*label, verdict, max(0.0, order - slope), note=note, slope=slope)
