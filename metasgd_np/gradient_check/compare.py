"""How a verdict is reached: entry by entry; a block gets the worst of its entries.

Errors are relative to the largest claimed entry of the block, or to 1e-7 of the
function's size where that is larger. Three numbers are compared: the claim, the central
difference and the complex step. Steps 1 to 3 need a function whose noise moves the
central difference by less than 1 % of the former; with more noise, step 4 decides.

1. Claim and central difference agree within 1e-7, and the slopes on both sides of the
   point are within 1e-3 of each other: "ok".
2. Complex step and central difference agree, but not with the claim: "wrong". Where the
   slopes on both sides differ, the complex step has to be one that can be trusted.
3. Claim and complex step agree, and the latter can be trusted: "kink", for it never
   leaves the point, so a kink within the step of the difference explains the third.
4. No two agree, or the function takes no complex numbers: slopes in windows of many
   widths, each with its error, decide (noise.py calls them near, far, left and right).
   The claim lies within the error of near or far, if that is good to 1 % of the entry:
   "ok". It is the slope on one side of a kink at the point, or their mean: "kink". It
   lies three errors away from near and far: "wrong", unless the function may be to
   blame: by less than 9e-4 of the block's largest entry, or 3 % where that is below
   2e-7 of the function's value; by less than 3 % of the entry itself where a kink or
   jump lies nearby; or the complex step sides with the claim as in 3: "kink".
   Otherwise: "not run".

That is the verdict on the values of the function. The complex step has a column of its
own: claim and complex step agree within 1e-12, as only rounding remains: "ok"; they do
not: "wrong", or "kink" at a kink; the complex step cannot be trusted: "not run". It can
where it equals the central difference a little to either side of the point; if abs,
norm, conj, .real or rounding break it, they do so everywhere.

The Taylor remainder has to fall with a slope of 2, less 0.3. If it does not, but every
block is right, its steps have crossed a kink: it never accuses alone. A claim in
float32 has to agree within 3e-4. A block on which no method can decide is NOT CHECKED:
its values are too noisy, or never change, or a solver stops so early that it may be
the one in error.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .noise import read
from .numerical import Estimate, Line, taylor_slope

COMPLEX, CENTRAL, TAYLOR = "complex step", "central difference", "Taylor remainder"
OK, KINK, UNSURE, WRONG = VERDICTS = "ok", "kink", "not run", "wrong"  # worst last
TOLERANCE = 1e-7
COMPLEX_TOLERANCE = 1e-12
FLOAT32_TOLERANCE = 3e-4
LEAST_SLOPE = 1.7  # of a Taylor remainder
NOT_ANALYTIC = (
    "the complex step contradicts the function's values, so the function is not "
    "analytic (abs, norm, conj, .real or rounding)"
)
NEARLY = "an error that only the complex step can see: too few digits in the claim?"
EXPLAINED = "a kink or sharp curve lies within its step; the complex step takes none"
AT_KINK = "at a kink the gradient may be the slope on either side, or their mean"
FEW_DIGITS = "the function's values have too few digits"
FLAT = (
    "the function's value does not change near the point; choose another point, or "
    "give more digits"
)
SMALL = (
    "the difference is so small that it may be the function's: a small term is "
    "missing, or a solver stops early"
)


@dataclass(frozen=True)
class Row:
    """One check of one block by one method; `verdict` is ok, kink, not run or wrong.

    where, claimed, found : the worst entry's index in the block, and the two numbers
    there; scale : what errors are relative to; slope : of a Taylor remainder
    """

    quantity: str
    block: str
    method: str
    verdict: str = OK
    where: tuple = ()
    claimed: float = 0.0
    found: float = 0.0
    scale: float = 0.0
    note: str = ""
    slope: float | None = None

    @property
    def error(self):
        """The difference of both numbers, relative to `scale`."""
        return abs(self.claimed - self.found) / (self.scale or 1.0)

    @property
    def badness(self):
        """What the worst of several rows has most of."""
        return VERDICTS.index(self.verdict), self.error

    @property
    def cell(self):
        """The row as a cell of a table."""
        text = f"{self.error:.0e}" if self.slope is None else f"slope {self.slope:.2f}"
        text = "exact" if self.slope == float("inf") else text
        return {OK: text, UNSURE: "-"}.get(self.verdict, f"{text} {self.verdict}")


@dataclass(frozen=True)
class Entry:
    """A claimed slope of a line; `single` if it was computed in float32.

    A verdict comes with the slope that it is based on, and a note.
    """

    claim: float
    scale: float
    single: bool
    line: Line

    def slack(self, tolerance=TOLERANCE):
        """The largest difference that counts as agreement."""
        return self.scale * (FLOAT32_TOLERANCE if self.single else tolerance)

    @property
    def needed(self):
        """The largest error with which an Estimate can confirm the claim."""
        size = abs(self.claim)
        size = self.scale if size <= TOLERANCE * self.scale else size
        return max(self.slack(), 0.01 * size)

    def agrees(self, e, slope=None):
        """Whether an Estimate shows the claim, or another slope, to be right."""
        gap = abs((self.claim if slope is None else slope) - e.slope)
        return gap <= self.slack() + e.error and e.error <= self.needed

    def refuted(self, e, tolerance=TOLERANCE):
        """Whether an Estimate shows the claim to be wrong."""
        return abs(self.claim - e.slope) > self.slack(tolerance) + e.doubt * e.error

    def refuted_by(self, *estimates):
        """Whether all Estimates show the claim to be wrong."""
        return all(self.refuted(e) for e in estimates)

    @cached_property
    def by_values(self):
        """The verdict from values at real points."""
        line, exact, central = self.line, self.line.exact, self.line.central
        straight = line.turn <= 1e-3 * self.scale
        if self.steady and straight and self.agrees(central):
            return OK, central.slope, ""  # 1
        if self.steady and not isinstance(exact, str):
            if self.agrees(central, exact.slope):
                # Beside the kink of an abs, both give the mean over its sides
                if self.refuted(central) and (straight or line.analytic):
                    return WRONG, central.slope, ""  # 2
            elif self.exact_agrees and line.analytic:
                return KINK, central.slope, EXPLAINED  # 3
        by_windows = self.through_windows()  # 4
        if by_windows[0] == WRONG and self.exact_agrees and line.analytic:
            return KINK, central.slope, EXPLAINED
        return by_windows

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
        gap = abs(self.claim - exact.slope)
        return gap <= self.slack(COMPLEX_TOLERANCE) or self.agrees(exact)

    @cached_property
    def reading(self):
        """The Reading of the line."""
        return read(self.line)

    def through_windows(self):
        """The verdict from a Reading: step 4."""
        near, far, left, right, rough = self.reading
        best = near if np.isfinite(near.error) else far
        gap = abs(self.claim - best.slope)
        if self.agrees(near) or (self.agrees(far) and gap <= self.needed + best.error):
            return OK, best.slope, ""
        parted = abs(left.slope - right.slope)
        parted = parted if parted > 10 * (left.error + right.error) else 0.0
        # Unless best is a mean over both sides, not the slope between two kinks
        if self.refuted_by(best, far) and not 0 < parted < 100 * best.error:
            by_a_jump = gap <= 0.03 * abs(self.claim) and not self.refuted_by(*rough)
            unseen = self.scale * self.line.unit < 2e-7 * abs(self.line.here)
            if gap <= (0.03 if unseen else 9e-4) * self.scale or by_a_jump:
                return UNSURE, best.slope, SMALL
            return WRONG, best.slope, ""
        mean = Estimate((left.slope + right.slope) / 2, left.error + right.error)
        for side in (left, right, mean):
            if self.agrees(side) and not self.refuted(best):
                return KINK, side.slope, AT_KINK
        if parted:
            slopes = f"{left.slope:.4g} to the left, {right.slope:.4g} to the right"
            note = f"a kink at the point: the slope is {slopes}, the claim is neither"
            return UNSURE, best.slope, note
        return UNSURE, best.slope, self.digits_needed(best)

    def digits_needed(self, best):
        """Why the values cannot decide, where it is no kink at the point."""
        noise = self.line.noise
        if np.isinf(noise):
            return FLAT
        digits = -np.log10(noise / max(abs(self.line.here), noise))
        if digits >= 13 or np.isinf(best.error):
            return "there are kinks or jumps too close to the point to resolve"
        need = digits + max(1, np.log10(best.error / self.needed))
        return f"values have {digits:.0f} digits here, the check needs {need:.0f}"

    @cached_property
    def by_complex(self):
        """The verdict of the complex step."""
        exact, (verdict, slope, note) = self.line.exact, self.by_values
        if isinstance(exact, str):
            return UNSURE, slope, exact
        right = verdict in (OK, KINK)
        if self.exact_agrees and (right or self.trusted):
            return OK, exact.slope, ""
        if not self.trusted:
            return UNSURE, slope, NOT_ANALYTIC if self.steady else note or FEW_DIGITS
        if verdict == KINK:
            return KINK, exact.slope, AT_KINK
        if self.refuted(exact, COMPLEX_TOLERANCE):
            return WRONG, exact.slope, NEARLY if right else ""
        return UNSURE, slope, FEW_DIGITS

    @cached_property
    def trusted(self):
        """Whether the complex step can be trusted."""
        if self.steady:
            return self.line.analytic
        exact, (near, far, *_) = self.line.exact.slope, self.reading
        if self.exact_agrees:  # which is no accident, unless the windows refute it
            return self.line.noise < np.inf and not self.refuted_by(near, far)
        return far.error <= 0.01 * abs(exact) and self.agrees(far, exact)


def block_row(label, index, method, claim, scale, verdicts):
    """The Row of a block: that of its worst entry.

    claim, scale, verdicts : of all entries;  index : which lie in the block
    """
    rows = []
    for where, i in np.ndenumerate(index):
        verdict, slope, note = verdicts[i]
        numbers = float(claim[i]), float(slope), float(scale[i])
        rows.append(Row(*label, method, verdict, where, *numbers, note))
    return max(rows, key=lambda row: row.badness)


def taylor_row(parts, entry, rows):
    """The Row of the Taylor test; its slope also falls short where steps cross a kink.

    parts, rows : the blocks and their checks, which decide between the two
    """
    quantities, line = {quantity for quantity, _ in parts}, entry.line
    label = (quantities.pop() if len(quantities) == 1 else "both"), "all", TAYLOR
    if line.noise > 1e-11 * max(abs(line.here), entry.scale):
        return Row(*label, UNSURE, note=FEW_DIGITS)
    slope = taylor_slope(line, entry.claim, entry.slack(COMPLEX_TOLERANCE))
    if slope is None:
        return Row(*label, UNSURE, note="the function is not finite there")
    if slope >= LEAST_SLOPE:
        return Row(*label, slope=slope)
    others = [row.verdict for row in rows if row.method == CENTRAL]
    verdict = max([KINK, *others], key=VERDICTS.index)
    note = "the steps cross a kink" if verdict == KINK else ""
    return Row(*label, verdict, note=note, slope=slope)
