"""Reports of checks: aligned plain text in a terminal, an HTML table in Jupyter."""

from dataclasses import dataclass
from html import escape
from textwrap import wrap

HEADER = ("quantity", "block", "method", "error", "at", "tolerance", "verdict")


@dataclass(frozen=True)
class Row:
    """One check of one block by one method.

    quantity, block, method : str
    error : float       largest error in the block, relative; of a Taylor test, by how
                        much its slope falls short; NaN if not run
    where : tuple       index of that error inside the block; () for a whole block
    verdict : str       "ok", "wrong", "kink" (no derivative there) or "not run"
    tolerance : float   the largest error that is ok
    why : str           why that tolerance
    note : str          what else there is to say
    slope : float       as measured, and `order` : int, as it should be; Taylor only
    """

    quantity: str
    block: str
    method: str
    error: float
    where: tuple
    verdict: str
    tolerance: float
    why: str
    note: str = ""
    slope: float | None = None
    order: int = 0

    @property
    def name(self):
        """What was checked, and how."""
        return f"{self.quantity}, block {self.block}, {self.method}"

    def cells(self):
        """The row as text, one string a column of HEADER."""
        index = f"[{', '.join(map(str, self.where))}]" if self.where else ""
        error, tolerance = f"{self.error:.1e}", f"{self.tolerance:.0e}"
        if self.order:
            exact = self.slope == float("inf")
            error = "exact" if exact else f"slope {self.slope:.2f}"
            tolerance = f"slope {self.order}"
        if self.verdict == "not run":
            error = "-"
        verdict = self.verdict.upper() if self.verdict == "wrong" else self.verdict
        return (
            self.quantity,
            self.block,
            self.method,
            error,
            index,
            tolerance,
            verdict,
        )


@dataclass(frozen=True)
class Report:
    """The rows of one or several checks; `report + report` joins two.

    print(report) shows an aligned table, Jupyter an HTML one.
    """

    rows: tuple

    def __add__(self, other):
        if not isinstance(other, Report):
            return NotImplemented
        return Report(self.rows + other.rows)

    @property
    def wrong(self):
        """The rows that failed."""
        return tuple(row for row in self.rows if row.verdict == "wrong")

    @property
    def unchecked(self):
        """The blocks (quantity, block) that no method could check.

        Taylor's row on all blocks together, the only one of its name, may be missing.
        """
        rows = [row for row in self.rows if not row.order] or self.rows
        labels = dict.fromkeys((row.quantity, row.block) for row in rows)
        checked = {
            (row.quantity, row.block) for row in self.rows if row.verdict != "not run"
        }
        return tuple(label for label in labels if label not in checked)

    @property
    def ok(self):
        """True if no row is wrong and every block was checked by some method."""
        return not self.wrong and not self.unchecked and bool(self.rows)

    def assert_ok(self):
        """Return nothing if the report is ok; else AssertionError with what failed."""
        if not self.ok:
            failed = Report(self.wrong) if self.wrong else self
            raise AssertionError(f"{self.conclusion}\n\n{failed.table()}")

    @property
    def conclusion(self):
        """The report in one line."""
        if not self.rows:
            return "Nothing was checked."
        if self.wrong:
            blocks = dict.fromkeys(f"{r.quantity} {r.block}" for r in self.wrong)
            return (
                f"WRONG: {len(self.wrong)} of {len(self.rows)} checks fail, in "
                f"{', '.join(blocks)}."
            )
        if self.unchecked:
            blocks = ", ".join(" ".join(label) for label in self.unchecked)
            return f"NOT CHECKED: no method could be run for {blocks}."
        verdicts = [row.verdict for row in self.rows]
        told = [f"{verdicts.count('ok')} checks agree"]
        if kinks := verdicts.count("kink"):
            told.append(f"{kinks} at a kink, where there is no derivative")
        if left_out := verdicts.count("not run"):
            told.append(f"{left_out} not run")
        return f"OK: {', '.join(told)}."

    @property
    def remarks(self):
        """What the table has no room for: notes on rows, then why each tolerance."""
        notes = {}
        for row in self.rows:
            if row.note:
                key = (row.quantity, row.method, row.note)
                notes.setdefault(key, []).append(row.block)
        told = [
            f"{quantity}, {', '.join(blocks)}, {method}: {note}."
            for (quantity, method, note), blocks in notes.items()
        ]
        ran = [row for row in self.rows if row.verdict != "not run"]
        whys = dict.fromkeys((row.method, row.cells()[5], row.why) for row in ran)
        return told, [f"{method}, {limit}: {why}." for method, limit, why in whys]

    def table(self):
        """The rows alone, as aligned text."""
        return aligned([HEADER, *(row.cells() for row in self.rows)])

    def __str__(self):
        notes, whys = self.remarks
        parts = [self.table(), bullets("Notes", notes), bullets("Tolerances", whys)]
        return "\n\n".join([*(part for part in parts if part), self.conclusion])

    def _repr_html_(self):
        notes, whys = self.remarks
        styles = [STYLES[row.verdict] for row in self.rows]
        return (
            html_table(HEADER, [row.cells() for row in self.rows], styles)
            + html_list(notes + whys)
            + f"<p><b>{escape(self.conclusion)}</b></p>"
        )


STYLES = {
    "ok": "",
    "wrong": "font-weight: bold; color: #b00020",
    "kink": "font-style: italic",
    "not run": "color: #767676",
}


def aligned(lines):
    """Lines of strings as text in columns, two spaces apart, no spaces at the end."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def bullets(title, sentences):
    """A title and a list in plain text, wrapped at 88 characters; "" if empty."""
    if not sentences:
        return ""
    lines = [f"{title}:"]
    for sentence in sentences:
        lines += wrap(f"- {sentence}", 88, subsequent_indent="  ")
    return "\n".join(lines)


def html_table(header, lines, styles):
    """A table with one CSS style a row; every text is escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f'<tr style="{style}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in line)
        + "</tr>"
        for line, style in zip(lines, styles, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_list(sentences):
    """An unordered list, every text escaped; "" if empty."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
