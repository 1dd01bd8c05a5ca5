"""Marking a sheet as a fair examiner does: an error is counted once.

A line is right if it has the right value, or the value that follows from the student's
own earlier lines. What an earlier line was taken to be is kept as a short list: the
student's value and the right one, if the two differ. How far the student's may be off,
if it was rounded, is minded where something follows from it.
"""

import html
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np

from ..checks import check_has
from .answers import Verdict, in_decimals, read_file
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
    examiner = Examiner(sheet, rounded=any(map(in_decimals, answers.values())))
    lines = [line for line in sheet.lines if line.expression]
    marked = [examiner.mark_line(line, answers.get(line.symbol)) for line in lines]
    own = {symbol: values[0] for symbol, values in examiner.taken.items()}
    return Marks(tuple(replace(line, own=own[line.symbol]) for line in marked))


class Examiner:
    """Marks the lines of a sheet in order, and keeps what they were taken to be.

    taken : {symbol: values that later lines may start from, the student's own first}
    slack : {symbol: how far the student's own value may be off, as it was rounded}
    blank : the lines without a value, the last one first
    rounded : whether there are decimals among the answers
    """

    def __init__(self, sheet, rounded):
        self.sheet, self.rounded = sheet, rounded
        self.taken = {symbol: [value] for symbol, value in sheet.values.items()}
        self.slack, self.blank = {}, []

    def mark_line(self, line, answer):
        """The MarkedLine of an answer."""
        symbol, starts = line.symbol, [*self.combinations(line)]
        how, text = "blank", "left blank"
        if not (answer is None or (isinstance(answer, str) and not answer.strip())):
            try:
                verdict, given = self.sheet.compare(symbol, answer, self.rounded)
            except ValueError as error:
                how, text = "not read", f"not read: {error}"
            else:
                return self.judge(line, starts, verdict, given)
        self.blank.insert(0, symbol)
        self.taken[symbol] = distinct([values[symbol] for values in starts])
        self.slack[symbol] = self.spread(line, starts[0])
        return MarkedLine(symbol, how, Verdict(False, text))

    def judge(self, line, starts, verdict, given):
        """The MarkedLine of an answer that was read, and compared with the value."""
        symbol, right = line.symbol, line.value
        own = given.exact if np.asarray(right).dtype == object else given.numbers
        if own.shape == np.shape(right):
            self.taken[symbol] = distinct([own, right])
            two_digits = np.abs(given.numbers) / 20  # less is no excuse later on
            self.slack[symbol] = np.minimum(given.slack, two_digits)
            given = given._replace(slack=given.slack + self.spread(line, starts[0]))
        if verdict is not None:
            return MarkedLine(symbol, "right" if verdict.right else "wrong", verdict)
        if any(given.fits(values[symbol]) for values in starts):
            text = f"{symbol} is right from your own earlier value: carried forward."
            return MarkedLine(symbol, "carried", Verdict(False, text))
        found, followed = [], right
        with suppress(OverflowError):  # of what follows from absurd numbers
            found, followed = self.explain(symbol, given, starts)
        slip = f"{found[0].earlier} {found[0].phrase}".strip() if found else ""
        verdict = give_verdict(symbol, found, given, followed)
        return MarkedLine(symbol, "wrong", verdict, slip)

    def explain(self, symbol, given, starts):
        """The explanations of a wrong answer, and the value that would follow."""
        tutor, followed, found = self.sheet.tutor, starts[0][symbol], []
        for values in starts:
            found = tutor.own_slips(symbol, given, values)
            if found or given.differ(values[symbol]) == 1 < np.size(values[symbol]):
                return found, values[symbol]
        if given.differ(followed) != 1:  # of one number, too much would fit
            found = self.explain_by_blank(symbol, given, starts[0])
            found = found or tutor.explain(symbol, given)
        return found, followed

    def explain_by_blank(self, symbol, given, values):
        """A slip in an earlier line left blank that gives an answer; noted in taken."""
        fixed = values.keys() - {*self.blank, symbol}
        for earlier in self.blank:
            for slip in self.sheet.tutor.slips[earlier]:
                wrong = try_to_evaluate(slip.expression, values)
                if wrong is None or np.shape(wrong) != np.shape(values[earlier]):
                    continue
                altered = {earlier: slip.expression}
                changed = recompute(self.sheet.problem[0], values, altered, fixed)
                if symbol in changed and given.fits(changed[symbol]):
                    for blank in changed.keys() & set(self.blank):
                        self.taken[blank].insert(0, changed[blank])
                    return [Explanation(f"made {slip.phrase}", earlier)]
        return []

    def combinations(self, line) -> Iterator:
        """All values, those that a line needs in every combination, and what follows.

        The student's own values come first.
        """
        own = {symbol: values[0] for symbol, values in self.taken.items()}
        needed = symbols_in(line.expression)
        ways = product(*(self.taken[symbol] for symbol in needed))
        for values in islice(ways, MOST):
            start = own | dict(zip(needed, values, strict=True))
            yield start | {line.symbol: evaluate(line.expression, start)}

    def spread(self, line, values):
        """How far a line may be off because the values it starts from are rounded."""
        total = np.zeros(np.shape(line.value))
        rounded = [s for s in symbols_in(line.expression) if s in self.slack]
        with suppress(OverflowError):  # absurd numbers need not be followed
            for symbol in rounded:
                for index in np.argwhere(self.slack[symbol]):
                    moved = np.array(values[symbol])
                    moved[*index] = moved[*index] + self.slack[symbol][*index]
                    other = evaluate(line.expression, values | {symbol: moved})
                    total += np.asarray(abs(other - values[line.symbol]), float)
        return total


def distinct(values):
    """The values without repetitions."""
    kept = []
    for value in values:
        if not any(np.array_equal(value, other) for other in kept):
            kept.append(value)
    return kept
