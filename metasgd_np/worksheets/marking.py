"""Marking a sheet as a fair examiner does: an error is counted once.

A line is right if it has the right value, or the value that follows from the student's
own earlier lines. What an earlier line was taken to be is kept as a short list: the
student's value and the right one, if the two differ.
"""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import numpy as np

from .answers import Verdict, read_file
from .lines import evaluate, recompute, symbols_in
from .slips import try_to_evaluate
from .tutor import Explanation, describe, explain, own_slips, slips_of

SIGNS = {"right": "✓", "carried": "✓", "wrong": "✗", "blank": "–"}
MOST = 16  # combinations of earlier values that are tried


@dataclass(frozen=True)
class MarkedLine:
    """One line with its mark: "right", "carried" (forward), "wrong" or "blank".

    `slip` says what was recognised in a wrong value, "" if nothing; `read` is False for
    an answer that is not numbers.
    """

    symbol: str
    mark: str
    verdict: Verdict
    slip: str = ""
    read: bool = True

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


def mark(sheet, answers) -> Marks:
    """Mark the answers {symbol: answer}, or those of a file, to a sheet."""
    if isinstance(answers, str | Path):
        answers = read_file(answers)
    answers = {s: a for s, a in answers.items() if s not in ("name", "code", "seed")}
    for symbol in answers:
        sheet.find_line(symbol)  # raises if there is none
    taken = {symbol: [value] for symbol, value in sheet.values.items()}
    marked, blank = [], set()
    for line in sheet.lines:
        answer = answers.get(line.symbol)
        empty = answer is None or (isinstance(answer, str) and not answer.strip())
        if line.expression and empty:
            marked.append(
                MarkedLine(line.symbol, "blank", Verdict(False, "left blank"))
            )
        elif line.expression:
            marked.append(mark_line(sheet, line, answer, taken, blank))
        if line.expression and (empty or not marked[-1].read):
            blank.add(line.symbol)
            taken[line.symbol] = own_values(line, taken)
    return Marks(tuple(marked))


def mark_line(sheet, line, answer, taken, blank):
    """The MarkedLine of one answer; `taken` gets what later lines may start from."""
    symbol, net = line.symbol, sheet.problem[0]
    try:
        verdict, given = sheet.compare(symbol, answer)
    except ValueError as error:
        verdict = Verdict(False, f"not read: {error}")
        return MarkedLine(symbol, "wrong", verdict, read=False)
    starts = [*combinations(line, taken)]
    right = sheet.values[symbol]
    own = given.exact if np.asarray(right).dtype == object else given.numbers
    taken[symbol] = distinct([own, right]) if own.shape == np.shape(right) else [right]
    if verdict is not None:
        return MarkedLine(symbol, "right" if verdict.right else "wrong", verdict)
    if any(given.fits(values[symbol]) for values in starts):
        message = f"{symbol} is right from your own earlier value: carried forward."
        return MarkedLine(symbol, "carried", Verdict(False, message))
    for values in starts:
        slips = own_slips(net, values, symbol, given)
        if slips or given.differ(values[symbol]) == 1 < np.size(right):
            found = [Explanation(f"made {slip.phrase}") for slip in slips]
            return wrong_line(symbol, found, given, values[symbol])
    for slip, changed in slips_before(sheet, line, starts[0], blank):
        if symbol in changed and given.fits(changed[symbol]):
            taken |= {s: [v, *taken[s]] for s, v in changed.items() if s in blank}
            found = [Explanation(f"made {slip.phrase}", slip.symbol)]
            return wrong_line(symbol, found, given, right)
    return wrong_line(symbol, explain(sheet, symbol, given), given, starts[0][symbol])


def wrong_line(symbol, found, given, followed):
    """The MarkedLine of a wrong value; `followed` is what would have followed."""
    message = describe(symbol, found, given, followed)
    slip = found[0].phrase if found else ""
    if found and found[0].earlier:
        slip = f"{found[0].earlier} {slip}"
    numbers = tuple(dict.fromkeys(e.mistake for e in found if e.mistake))
    verdict = Verdict(False, message, bool(found), numbers)
    return MarkedLine(symbol, "wrong", verdict, slip)


def slips_before(sheet, line, values, blank) -> Iterator:
    """(slip, values that change) for every slip of an earlier line left blank."""
    net = sheet.problem[0]
    fixed = [
        one.symbol for one in sheet.lines if one.symbol not in {*blank, line.symbol}
    ]
    for earlier in sorted(blank):
        for slip in slips_of(net, values, earlier):
            wrong = try_to_evaluate(slip.expression, values)
            if np.shape(wrong) == np.shape(values[earlier]) and wrong is not None:
                altered = {earlier: slip.expression}
                yield slip, recompute(net, values, altered, fixed)


def own_values(line, taken):
    """What a line gives from the earlier values as they may have been taken."""
    return distinct([values[line.symbol] for values in combinations(line, taken)])


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
    """Values without repetitions."""
    kept = []
    for value in values:
        if not any(np.array_equal(value, other) for other in kept):
            kept.append(value)
    return kept
