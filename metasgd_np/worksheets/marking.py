"""Marking a sheet as a fair examiner does: an error is counted once.

A line is right if it has the right value, or the value that follows from the student's
own earlier lines. What an earlier line was taken to be is kept as a short list: the
student's value and the right one, if the two differ.
"""

import html
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np

from ..checks import check_has
from .answers import Verdict, read_file
from .lines import evaluate, recompute, symbols_in
from .slips import try_to_evaluate
from .tutor import Explanation, give_verdict

SIGNS = {"right": "✓", "carried": "✓", "wrong": "✗", "blank": "–", "not read": "?"}
MOST = 16  # combinations of earlier values that are tried


@dataclass(frozen=True)
class MarkedLine:
    """One line with its mark: "right", "carried" (forward), "wrong", "blank".

    `slip` says what was recognised in a wrong value, "" if nothing. `own` is what later
    lines start from: the student's value, or what follows from their earlier lines.
    """

    symbol: str
    mark: str
    verdict: Verdict
    slip: str = ""
    own: np.ndarray | None = None

    @property
    def message(self) -> str:
        """What the verdict says."""
        return self.verdict.message

    @property
    def points(self) -> int:
        """1 or 0."""
        return int(self.mark in ("right", "carried"))


@dataclass(frozen=True)
class Marks:
    """The marks of a sheet, line by line; a table in print and in notebooks."""

    lines: tuple

    @property
    def points(self) -> int:
        """How many lines are right, in themselves or from the student's own values."""
        return sum(line.points for line in self.lines)

    @property
    def total(self) -> int:
        """How many lines there are to work out."""
        return len(self.lines)

    def __str__(self):
        rows = [
            f"{SIGNS[line.mark]} {line.symbol:<9} {line.points}  {line.message}"
            for line in self.lines
        ]
        return "\n".join([*rows, f"{self.points} of {self.total} points"])

    __repr__ = __str__

    def _repr_html_(self):
        rows = "".join(
            f'<tr class="{line.mark}"><td>{SIGNS[line.mark]}</td><td>{line.symbol}</td>'
            f"<td>{line.points}</td><td>{html.escape(line.message)}</td></tr>\n"
            for line in self.lines
        )
        return (
            "<table><tr><th></th><th>line</th><th>points</th><th>remark</th></tr>\n"
            f"{rows}<tr><th></th><th>sum</th><th>{self.points} of {self.total}</th>"
            "<th></th></tr></table>"
        )


@np.errstate(all="ignore")  # a slip may divide by zero
def mark(sheet, answers) -> Marks:
    """Mark the answers {symbol: answer}, or those of a file, to a sheet."""
    if isinstance(answers, str | Path):
        answers = read_file(answers)
    check_has("answers", answers, ["items"], "a dict {symbol: answer}, or a path")
    for symbol in answers:
        if symbol not in ("name", "code", "seed"):
            sheet.find_line(symbol)  # raises if there is none
    taken = {symbol: [value] for symbol, value in sheet.values.items()}
    marked, blank = [], []
    for line in (line for line in sheet.lines if line.expression):
        answer = answers.get(line.symbol)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            result = MarkedLine(line.symbol, "blank", Verdict(False, "left blank"))
        else:
            result = mark_line(sheet, line, answer, taken, blank)
        if result.mark in ("blank", "not read"):
            blank.insert(0, line.symbol)
            starts = combinations(line, taken)
            taken[line.symbol] = distinct([values[line.symbol] for values in starts])
        marked.append(result)
    return Marks(tuple(replace(line, own=taken[line.symbol][0]) for line in marked))


def mark_line(sheet, line, answer, taken, blank):
    """The MarkedLine of one answer; `taken` gets what later lines may start from."""
    symbol, right = line.symbol, line.value
    try:
        verdict, given = sheet.compare(symbol, answer)
    except ValueError as error:
        return MarkedLine(symbol, "not read", Verdict(False, f"not read: {error}"))
    starts = [*combinations(line, taken)]
    fitting = [v[symbol] for v in starts if given.fits(v[symbol])]  # own may be rounded
    own = given.exact if np.asarray(right).dtype == object else given.numbers
    same_shape = own.shape == np.shape(right)
    taken[symbol] = distinct([own, *fitting, right] if same_shape else [right])
    if verdict is not None:
        return MarkedLine(symbol, "right" if verdict.right else "wrong", verdict)
    if fitting:
        message = f"{symbol} is right from your own earlier value: carried forward."
        return MarkedLine(symbol, "carried", Verdict(False, message))
    found, followed = [], right
    with suppress(OverflowError):  # of what follows from absurd numbers
        found, followed = explain_line(sheet, symbol, given, starts)
        if not found and given.differ(followed) != 1:
            found = explain_by_blank(sheet, symbol, given, starts[0], taken, blank)
            found = found or sheet.tutor.explain(symbol, given)
    slip = f"{found[0].earlier} {found[0].phrase}".strip() if found else ""
    verdict = give_verdict(symbol, found, given, followed)
    return MarkedLine(symbol, "wrong", verdict, slip)


def explain_line(sheet, symbol, given, starts):
    """The slips of a line that give an answer, and the value they spoilt."""
    for values in starts:
        found = sheet.tutor.own_slips(symbol, given, values)
        if found or given.differ(values[symbol]) == 1 < np.size(values[symbol]):
            return found, values[symbol]
    return [], starts[0][symbol]


def explain_by_blank(sheet, symbol, given, values, taken, blank):
    """A slip in an earlier line left blank that gives an answer; noted in `taken`."""
    fixed = values.keys() - {*blank, symbol}
    for earlier in blank:
        for slip in sheet.tutor.slips[earlier]:
            wrong = try_to_evaluate(slip.expression, values)
            if wrong is None or np.shape(wrong) != np.shape(values[earlier]):
                continue
            altered = {earlier: slip.expression}
            changed = recompute(sheet.problem[0], values, altered, fixed)
            if symbol in changed and given.fits(changed[symbol]):
                taken |= {s: [v, *taken[s]] for s, v in changed.items() if s in blank}
                return [Explanation(f"made {slip.phrase}", earlier)]
    return []


def combinations(line, taken) -> Iterator:
    """All values, those that a line needs in every combination, and what follows.

    The student's own values come first.
    """
    own = {symbol: values[0] for symbol, values in taken.items()}
    needed = symbols_in(line.expression)
    for values in islice(product(*(taken[symbol] for symbol in needed)), MOST):
        start = own | dict(zip(needed, values, strict=True))
        yield start | {line.symbol: evaluate(line.expression, start)}


def distinct(values):
    """The values without repetitions."""
    kept = []
    for value in values:
        if not any(np.array_equal(value, other) for other in kept):
            kept.append(value)
    return kept
