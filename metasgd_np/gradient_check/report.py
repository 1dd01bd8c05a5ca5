"""The verdicts of a check: text in a terminal, a table in Jupyter.

The verdict comes first, then one line for each block, then what failed, with both
numbers side by side. `Report.explain` gives the tolerances and why they are what they
are.
"""

from dataclasses import dataclass
from html import escape
from textwrap import wrap

COMPLEX, CENTRAL, TAYLOR = "complex step", "central difference", "Taylor remainder"
TOLERANCE = {COMPLEX: 1e-12, CENTRAL: 1e-7}
DERIVATION_TOLERANCE = 1e-10
FLOAT32_TOLERANCE = 3e-4
SLACK = 0.3
METHODS = {
    COMPLEX: "1e-12. F′ = Im F(x + ih)/h with h = 1e-30 subtracts nothing, so only "
    "rounding remains (Squire and Trapp 1998).",
    CENTRAL: "1e-7. F′ = [F(x + h) − F(x − h)]/2h with h = EPS^(1/3) = 6e-6 leaves "
    "truncation h² and rounding EPS/h, both near 4e-11, times what the function "
    "amplifies. Where it disagrees, or values have few digits, windows of many widths "
    "are read; a verdict needs one that would show an error of 1 % in the entry (Moré "
    "and Wild 2011, 2012).",
    TAYLOR: f"slope 2, or 3 for a Hessian, less {SLACK}. Of a right gradient a "
    "remainder t² is left, of a wrong one t (Farrell et al. 2013).",
}
DERIVATION = (
    f"{DERIVATION_TOLERANCE:.0e}, of the R-operator's result; products of (P, P) "
    "matrices collect some rounding."
)
VERDICTS = (
    "ok: the two agree to the tolerance, or to what the digits of the values can show.",
    "kink: the step reaches across a kink, and what takes no step agrees; or there is "
    "a kink at the point, and the gradient is the slope on one side or their mean.",
    "WRONG: three times the largest possible error does not explain the difference.",
    "NOT CHECKED: no method can decide; the note says why.",
)
RELATIVE = (
    "Errors are relative to the largest entry of the block (or to 2 % of the "
    "function's size, if that is larger)"
)


@dataclass(frozen=True)
class Row:
    """One check of one block by one method.

    verdict : str       "ok", "wrong", "kink" (a kink explains it) or "not run"
    error : float       largest error in the block, relative to `scale`; of a Taylor
                        test, by how much its slope falls short; NaN if not run
    where : tuple       index of that error inside the block; () for a whole block
    claimed, found : float    both numbers at that index
    slope : float       as measured, Taylor only
    """

    quantity: str
    block: str
    method: str
    verdict: str
    error: float = float("nan")
    where: tuple = ()
    claimed: float = float("nan")
    found: float = float("nan")
    scale: float = float("nan")
    note: str = ""
    slope: float | None = None

    @property
    def cell(self):
        """The row as a cell of a table."""
        if self.verdict == "not run":
            return "-"
        text = f"{self.error:.0e}"
        if self.slope is not None:
            text = "exact" if self.slope == float("inf") else f"{self.slope:.2f}"
        return text if self.verdict == "ok" else f"{text} {self.verdict}"

    @property
    def entry(self):
        """Where in which block."""
        index = f"[{', '.join(map(str, self.where))}]" if self.where else ""
        return f"{self.quantity}, {self.block}{index}"


@dataclass(frozen=True)
class Report:
    """The rows of one or several checks; `report + report` joins two.

    Printed, or shown by Jupyter, it starts with the verdict.

    Parameters
    ----------
    rows : tuple of Row
        One for each block and method.
    causes : tuple of str
        What the errors look like, a sentence each.

    Examples
    --------
    >>> from metasgd_np import gradcheck
    >>> report = gradcheck(lambda x: (x**3).sum(), [3.0, 24.0], [1.0, 2.0])
    >>> report.ok
    False
    >>> print(report.causes[0])
    gradient all[1] looks like 2 × the derivative; all other entries are right
    """

    rows: tuple
    causes: tuple = ()

    def __add__(self, other):
        if not isinstance(other, Report):
            return NotImplemented
        return Report(self.rows + other.rows, self.causes + other.causes)

    @property
    def blocks(self):
        """The rows of each block, as {(quantity, block): rows}."""
        blocks = {}
        for row in self.rows:
            blocks.setdefault((row.quantity, row.block), []).append(row)
        return blocks

    @property
    def wrong(self):
        """The rows that failed."""
        return tuple(row for row in self.rows if row.verdict == "wrong")

    @property
    def unchecked(self):
        """The blocks (quantity, block) that no method could check."""
        return tuple(
            name
            for name, rows in self.blocks.items()
            if verdict_of(rows) == "NOT CHECKED" and not only_taylor(rows, self.rows)
        )

    @property
    def ok(self):
        """True if no row is wrong and every block was checked by some method."""
        return bool(self.rows) and not self.wrong and not self.unchecked

    def assert_ok(self):
        """Return nothing if the report is ok; else an AssertionError that shows it."""
        if not self.ok:
            raise AssertionError(str(self))

    @property
    def conclusion(self):
        """The report in one line."""
        if not self.rows:
            return "NOT CHECKED: nothing was compared."
        if self.wrong:
            return f"WRONG: {listed((r.quantity, r.block) for r in self.wrong)}."
        if self.unchecked:
            return f"NOT CHECKED: {listed(self.unchecked)}."
        kinks = sum(any(r.verdict == "kink" for r in b) for b in self.blocks.values())
        near = f", {kinks} with a kink nearby" if kinks else ""
        return f"OK: {len(self.blocks)} blocks agree{near}."

    def lines(self):
        """The table as lines of strings, the header first, one line a block."""
        methods = list(dict.fromkeys(row.method for row in self.rows))
        lines = [("quantity", "block", "largest", *methods, "verdict")]
        for (quantity, block), rows in self.blocks.items():
            cells = {row.method: row.cell for row in rows}
            size = next((f"{r.scale:.3g}" for r in rows if r.scale == r.scale), "")
            marks = (cells.get(method, "") for method in methods)
            lines.append((quantity, block, size, *marks, verdict_of(rows)))
        return lines

    def failures(self):
        """What failed, entry by entry, as lines of strings; [] if nothing did."""
        first = {}
        for row in self.wrong:
            if row.slope is None:
                first.setdefault((row.quantity, row.block), row)
        lines = [("entry", "yours", "derivative", "ratio", "by")]
        for row in first.values():
            ratio = f"{row.claimed / row.found:.6g}" if row.found else "-"
            numbers = f"{row.claimed:.8g}", f"{row.found:.8g}"
            lines.append((row.entry, *numbers, ratio, row.method))
        return lines if first else []

    def remarks(self):
        """Causes, and notes on rows: on the wrong ones, if there are any."""
        notes = {}
        for row in self.wrong or self.rows:
            if row.note:
                notes.setdefault((row.method, row.note), []).append(row)
        return [f"{cause}." for cause in self.causes] + [
            f"{method}, {listed((r.quantity, r.block) for r in rows)}: {note}."
            for (method, note), rows in notes.items()
        ]

    def __str__(self):
        parts = [self.conclusion, aligned(self.lines()), aligned(self.failures())]
        parts.append("\n".join(wrapped(f"- {text}", "  ") for text in self.remarks()))
        parts.append(f"{RELATIVE}; report.explain() says more.")
        return "\n\n".join(part for part in parts if part)

    def explain(self):
        """Return how a verdict comes about: each method, its tolerance and source."""
        methods = dict.fromkeys(row.method for row in self.rows)
        texts = [f"{RELATIVE}. A float32 gradient is held to {FLOAT32_TOLERANCE}."]
        texts += [f"{m}: {METHODS.get(m, DERIVATION)}" for m in methods]
        return "\n\n".join([wrapped(text, "    ") for text in [*texts, *VERDICTS]])

    def _repr_html_(self):
        notes = "".join(f"<li>{escape(text)}</li>" for text in self.remarks())
        return (
            f"<p><b>{escape(self.conclusion)}</b></p>{html_table(self.lines())}"
            f"{html_table(self.failures())}<ul>{notes}</ul>"
            f"<p>{RELATIVE}; report.explain() says more.</p>"
        )


def verdict_of(rows):
    """The verdict on one block from its rows; Taylor's counts if it is the only one."""
    if any(row.verdict == "wrong" for row in rows):
        return "WRONG"
    rows = [row for row in rows if row.method != TAYLOR] or rows
    ran = [row for row in rows if row.verdict != "not run"]
    return "ok" if ran else "NOT CHECKED"


def only_taylor(rows, all_rows):
    """True of Taylor's row on all blocks together, where other methods checked each."""
    methods = {row.method for row in all_rows}
    return {row.method for row in rows} == {TAYLOR} != methods


def listed(names):
    """Names (quantity, block) as "quantity block, block; quantity block"."""
    blocks = {}
    for quantity, block in names:
        blocks.setdefault(quantity, {})[block] = None
    return "; ".join(f"{name} {', '.join(found)}" for name, found in blocks.items())


def wrapped(text, indent):
    """Text in lines of 88 characters."""
    return "\n".join(wrap(text, 88, subsequent_indent=indent))


def aligned(lines):
    """Lines of strings as text in columns, two spaces apart, no spaces at the end."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def html_table(lines):
    """Lines of strings as a table in the colours of the page; "" if there are none."""
    rows = []
    for i, line in enumerate(lines):
        tag = "td" if i else "th"
        weight = ' style="font-weight: bold"' if "WRONG" in line else ""
        cells = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line)
        rows.append(f"<tr{weight}>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>" if rows else ""
