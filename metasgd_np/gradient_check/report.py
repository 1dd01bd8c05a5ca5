"""The verdicts of a check, as text and, in Jupyter, as a table.

The verdict and likely causes come first, then one line per block, then what failed,
with both numbers side by side.
"""

from dataclasses import dataclass
from html import escape
from textwrap import fill

from . import compare, noise, numerical
from .compare import KINK, TAYLOR, UNSURE, VERDICTS, WRONG

LAST_LINE = (
    "Errors are relative to the largest claimed entry of the block; report.explain() "
    "says more."
)


@dataclass(frozen=True)
class Report:
    """What a check found: Rows, and likely causes of the errors, a sentence each.

    Examples
    --------
    >>> from metasgd_np import gradcheck
    >>> report = gradcheck(lambda x: (x**3).sum(), [6.0, 24.0], [1.0, 2.0])
    >>> report.ok, report.causes
    (False, ('gradient all is 2 × the derivative in every entry: the 2 of a square?',))
    """

    rows: tuple
    causes: tuple = ()

    def __add__(self, other):
        return Report(self.rows + other.rows, self.causes + other.causes)

    @property
    def wrong(self) -> tuple:
        """The rows that failed."""
        return tuple(row for row in self.rows if row.verdict == WRONG)

    @property
    def blocks(self) -> dict:
        """The rows of each block, {(quantity, block): rows}."""
        blocks = {}
        for row in self.rows:
            blocks.setdefault((row.quantity, row.block), []).append(row)
        return blocks

    @property
    def verdicts(self) -> dict:
        """The verdict on each block, {(quantity, block): verdict}.

        The Taylor test counts where it fails, or where no other method was tried.
        """
        verdicts = {}
        for name, rows in self.blocks.items():
            tried = [row.verdict for row in rows if row.method != TAYLOR]
            seen = {*(tried or (row.verdict for row in rows))} - {UNSURE}
            verdicts[name] = "ok" if seen else "NOT CHECKED" if tried else "-"
            if any(row.verdict == WRONG for row in rows):
                verdicts[name] = "WRONG"
        return verdicts

    @property
    def ok(self) -> bool:
        """True if no row is wrong and every block was checked by some method."""
        return "ok" in {*self.verdicts.values()} <= {"ok", "-"}

    def assert_ok(self) -> None:
        """Raise an AssertionError that shows the report, unless it is ok."""
        if not self.ok:
            raise AssertionError(str(self))

    @property
    def conclusion(self) -> str:
        """The report in one line."""
        for verdict in ("WRONG", "NOT CHECKED"):
            if names := [name for name, v in self.verdicts.items() if v == verdict]:
                return f"{verdict}: {listed(names)}."
        if not self.ok:
            return "NOT CHECKED: nothing could be compared."
        rows = [row for row in self.rows if row.method != TAYLOR]
        n, kinks = (
            len({(row.quantity, row.block) for row in rows if row.verdict in verdicts})
            for verdicts in (VERDICTS, (KINK,))
        )
        near = f", {kinks} of them near a kink" if kinks else ""
        return f"OK: {n} {'block agrees' if n == 1 else 'blocks agree'}{near}."

    def tables(self) -> list:
        """The blocks, one per line, and what failed, each as rows of strings."""
        methods = list(dict.fromkeys(row.method for row in self.rows))
        lines = [("quantity", "block", "largest", *methods, "verdict")]
        failed = [("entry", "yours", "derivative", "yours / derivative", "by")]
        for name, rows in self.blocks.items():
            size = f"{rows[0].scale:.3g}" if rows[0].scale else ""
            cells = dict.fromkeys(methods, "") | {row.method: row.cell for row in rows}
            lines.append((*name, size, *cells.values(), self.verdicts[name]))
            wrong = [r for r in rows if r.verdict == WRONG and r.method != TAYLOR]
            for row in wrong[:1]:
                ratio = f"{row.claimed / row.found:.6g}" if row.found else "-"
                numbers = f"{row.claimed:.8g}", f"{row.found:.8g}", ratio
                entry = f"{row.quantity} {row.block}{[*row.where]}"
                failed.append((entry, *numbers, row.method))
        return [lines, failed] if len(failed) > 1 else [lines]

    def notes(self) -> list:
        """Collect the notes on rows, or only those on wrong rows if there are any."""
        notes = {}
        for row in self.wrong or self.rows:
            if row.note:
                names = notes.setdefault((row.method, row.note), [])
                names.append((row.quantity, row.block))
        return [f"{key[0]}, {listed(names)}: {key[1]}." for key, names in notes.items()]

    def __str__(self):
        texts = [f"{cause}." for cause in self.causes], map("- {}".format, self.notes())
        causes, notes = (
            "\n".join(fill(text, 88, subsequent_indent="  ") for text in group)
            for group in texts
        )
        tables = [aligned(table) for table in self.tables()]
        parts = self.conclusion, causes, *tables, notes, LAST_LINE
        return "\n\n".join(filter(None, parts))

    def explain(self) -> str:
        """The rules, the methods with their tolerances, and the sources."""
        rooms = compare, numerical, noise
        return "\n\n\n".join(room.__doc__.strip() for room in rooms)

    def _repr_html_(self):
        lines = (self.conclusion, *self.causes, *self.notes(), LAST_LINE)
        first, *rest = (f"<p>{escape(line)}</p>" for line in lines)
        return f"<b>{first}</b>{''.join(map(html_table, self.tables()))}{''.join(rest)}"


def listed(names):
    """Join names (quantity, block) as "quantity block, block; quantity block"."""
    blocks = {}
    for quantity, block in names:
        blocks.setdefault(quantity, []).append(block)
    return "; ".join(f"{name} {', '.join(found)}" for name, found in blocks.items())


def aligned(lines):
    """Align lines of strings in columns, two spaces apart, no spaces at the end."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    form = "  ".join(f"{{:{width}}}" for width in widths)
    return "\n".join(form.format(*line).rstrip() for line in lines)


def html_table(lines):
    """An HTML table without colours, to suit light and dark pages."""
    rows = ("".join(f"<td>{escape(cell)}</td>" for cell in line) for line in lines)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
