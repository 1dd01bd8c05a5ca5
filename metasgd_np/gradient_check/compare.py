"""How a verdict is reached: entry by entry; a block gets the worst of its entries.

Errors are relative to the largest claimed entry of the block, or to 1e-6 of the
function's size where that is larger. For each entry, in this order:

1. Values with the complex step: it equals the central difference within 1e-7, and the
   claim agrees with either: "ok", or with neither: "wrong". If only the complex step
   agrees with the claim, and beside the point it equals the central difference:
   "kink". It never leaves the point, so a kink nearby explains the difference.
2. Values alone: the central difference agrees, with little noise and no turn: "ok".
3. Values through windows (noise.py): the claim lies within the error of a reading
   accurate to 1 % of the entry: "ok". It is the slope on one side of a kink at the
   point, or their mean: "kink". It lies more than three errors from every reading:
   "wrong". Otherwise the values cannot decide: "not run".
4. Complex step: it has to agree within 1e-12, as only rounding remains. Where the
   values contradict it the function is not analytic: "not run".

The Taylor remainder has to fall with a slope of 2, less 0.3. A claim in float32 has to
agree within 3e-4. A block on which no method can decide is NOT CHECKED.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .noise import read
from .numerical import Estimate, Line, taylor_slope

COMPLEX, CENTRAL, TAYLOR = "complex step", "central difference", "Taylor remainder"
OK, KINK, UNSURE, WRONG = VERDICTS = "ok", "kink", "not run", "wrong"  # worst last
TOLERANCE = 1e-7
FLOAT32_TOLERANCE = 3e-4
LEAST_SLOPE = 1.7  # of a Taylor remainder
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
    verdict: str = OK
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
        return {OK: text, UNSURE: "-"}.get(self.verdict, f"{text} {self.verdict}")


class Finding(NamedTuple):
    """A verdict, the slope it is based on, and a note."""

    verdict: str
    slope: float
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A claimed slope of a line; `single` if it was computed in float32."""

    claim: float
    scale: float
    single: bool
    line: Line

    def slack(self, tolerance):
        """The largest difference that counts as agreement."""
        return self.scale * (FLOAT32_TOLERANCE if self.single else tolerance)

    def gap(self, e):
        """The distance of the claim from an Estimate or a Finding."""
        return abs(self.claim - e.slope)

    @property
    def needed(self):
        """The largest error with which an Estimate can confirm the claim."""
        size = abs(self.claim)
        size = self.scale if size <= TOLERANCE * self.scale else size
        return max(self.slack(TOLERANCE), 0.01 * size)

    def agrees(self, e):
        """Whether an Estimate shows the claim to be right."""
        near = self.gap(e) <= self.slack(e.tolerance) + e.error
        return near and e.error <= self.needed

    def refuted(self, e):
        """Whether an Estimate shows the claim to be wrong."""
        return self.gap(e) > self.slack(e.tolerance) + e.doubt * e.error

    @cached_property
    def by_values(self):
        """The Finding from values at real points: steps 1, 2 and 3."""
        exact, central = self.line.exact, self.line.central
        # 1
        if self.steady and not isinstance(exact, str):
            if replace(self, claim=exact.slope).agrees(central):
                if self.exact_agrees or self.agrees(central):
                    return Finding(OK, central.slope)
                if self.refuted(central):
                    return Finding(WRONG, central.slope)
            elif self.exact_agrees and self.line.analytic:
                return Finding(KINK, central.slope, EXPLAINED)
        # 2
        if self.line.turn <= 1e-3 * self.scale and self.agrees(central):
            return Finding(OK, central.slope)
        # 3
        return self.through_windows(*self.reading[:4])

    @property
    def steady(self):
        """Whether the noise of the central difference is small."""
        return self.line.central.error <= 0.01 * self.scale

    @cached_property
    def exact_agrees(self):
        """Whether the complex step agrees: to 1e-12, or to within its rounding."""
        exact = self.line.exact
        if isinstance(exact, str):
            return False
        return self.gap(exact) <= self.slack(exact.tolerance) or self.agrees(exact)

    @cached_property
    def reading(self):
        """The Reading of the line."""
        return read(self.line)

    def through_windows(self, fine, coarse, left, right):
        """The Finding from a Reading: step 3."""
        consistent = abs(fine.slope - coarse.slope) <= fine.error + coarse.error
        for e in (fine, coarse):
            if self.agrees(e) and (consistent or e is fine):
                return Finding(OK, e.slope, NARROWER)
        if self.refuted(fine) and self.refuted(coarse):
            if self.gap(fine) <= FLOAT32_TOLERANCE * self.scale:
                return Finding(UNSURE, fine.slope, SMALL)
            return Finding(WRONG, fine.slope)
        mean = Estimate((left.slope + right.slope) / 2, left.error + right.error)
        side = next((e for e in (left, right, mean) if self.agrees(e)), None)
        if side is None or self.refuted(fine):
            return Finding(UNSURE, coarse.slope, self.why_unsure(coarse, left, right))
        if np.isfinite(mean.error):
            return Finding(KINK, side.slope, AT_KINK)
        return Finding(OK, side.slope, NARROWER)

    def why_unsure(self, best, left, right):
        """Why the values cannot decide."""
        if not np.isfinite(best.error):
            return "the function is not finite anywhere near the point"
        if abs(left.slope - right.slope) > 10 * (left.error + right.error):
            slopes = f"{left.slope:.4g} to the left, {right.slope:.4g} to the right"
            return f"a kink at the point: the slope is {slopes}, the claim is neither"
        noise = self.reading.noise
        digits = -np.log10(noise / max(abs(self.line.here), noise))
        if digits < 13:
            need = digits + max(1, np.log10(best.error / self.needed))
            return f"values have {digits:.0f} digits here, the check needs {need:.0f}"
        return "there are kinks too close to the point for rounded values to resolve"

    @cached_property
    def by_complex(self):
        """The Finding of the complex step: step 4."""
        exact, values = self.line.exact, self.by_values
        if isinstance(exact, str):
            return Finding(UNSURE, values.slope, exact)
        right = values.verdict in (OK, KINK)
        if self.exact_agrees and (right or self.analytic):
            return Finding(OK, exact.slope)
        if not self.analytic:
            return Finding(UNSURE, values.slope, NOT_ANALYTIC)
        if values.verdict == KINK:
            return Finding(KINK, exact.slope, AT_KINK)
        if self.refuted(exact):
            return Finding(WRONG, exact.slope, NEARLY if right else "")
        return Finding(UNSURE, values.slope, FEW_DIGITS)

    @cached_property
    def analytic(self):
        """Whether the complex step can be trusted."""
        if self.steady:
            return self.line.analytic
        step, windows = replace(self, claim=self.line.exact.slope), self.reading[:2]
        if self.exact_agrees:  # which is no accident, unless the windows refute it
            return not all(step.refuted(e) for e in windows)
        return any(step.agrees(e) for e in windows)


def block_row(label, index, method, entries, findings):
    """The Row of a block: its worst verdict, and the largest error of that verdict.

    entries, findings : one per claimed slope;  index : those in this block
    """

    def badness(where):
        entry, finding = entries[index[where]], findings[index[where]]
        return VERDICTS.index(finding.verdict), entry.gap(finding) / entry.scale

    where = max(np.ndindex(index.shape), key=badness)
    entry, finding = entries[index[where]], findings[index[where]]
    numbers = badness(where)[1], where, entry.claim, finding.slope, entry.scale
    return Row(*label, method, finding.verdict, *numbers, finding.note)


def taylor_row(parts, entry, rows):
    """The Row of the Taylor test; its slope also falls short where steps cross a kink.

    parts, rows : the blocks and their checks, which decide between the two
    """
    quantities, line = {quantity for quantity, _ in parts}, entry.line
    label = (quantities.pop() if len(quantities) == 1 else "both"), "all", TAYLOR
    if line.noise > 1e-11 * max(abs(line.here), entry.scale):
        return Row(*label, UNSURE, note=FEW_DIGITS)
    slope = taylor_slope(line, entry.claim, entry.slack(1e-12))
    if slope is None:
        return Row(*label, UNSURE, note="the function is not finite there")
    verdict, note = OK, ""
    if slope < LEAST_SLOPE:
        others = {row.verdict for row in rows if row.method == CENTRAL}
        verdict = WRONG if WRONG in others else UNSURE if UNSURE in others else KINK
        note = "the steps cross a kink" if verdict == KINK else ""
    return Row(*label, verdict, max(0.0, 2 - slope), note=note, slope=slope)
