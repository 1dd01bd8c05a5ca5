"""What may be behind a wrong value: a slip, a known mistake, or an earlier line.

    slip        one line written wrongly; slips.py makes them from its expression
    mistake     more than one line: the catalogue, mistakes.py
    earlier     the line is right, but one before it has a slip

One wrong entry among right ones is a slip of arithmetic, not of understanding, unless
it is one that alters a single entry by its nature.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from .answers import Verdict
from .lines import recompute
from .mistakes import ENTRIES
from .slips import find_slips, try_to_evaluate

SURE = 1e-9  # relative; how far a computed float may be off


class Explanation(NamedTuple):
    """Why a value may be wrong: "it may be" + phrase, or so in the line `earlier`."""

    phrase: str
    earlier: str = ""
    mistake: int | None = None
    name: str = ""


class Reading(NamedTuple):
    """An answer as fractions and as floats, and how far each entry may be off."""

    exact: np.ndarray
    numbers: np.ndarray
    slack: np.ndarray

    @classmethod
    def of(cls, entries):
        """The Reading of entries; a decimal may be off by half its last digit."""

        def slack(entry):
            return max(entry.unit / 2, entry.slack * max(1, abs(entry.value)))

        exact = np.vectorize(lambda entry: entry.value, otypes=[object])(entries)
        slacks = np.vectorize(slack, otypes=[float])(entries)
        return cls(exact, exact.astype(float), slacks)

    def wrong(self, value):
        """Where the answer differs from a value, exact or not, of its shape."""
        if np.asarray(value).dtype == object:
            return np.abs(self.exact - value) > self.slack
        slack = np.maximum(self.slack, SURE * np.maximum(1, np.abs(value)))
        return np.abs(self.numbers - value) > slack

    def differ(self, value):
        """In how many entries the answer differs from a value; -1 for another shape."""
        same_shape = value is not None and self.exact.shape == np.shape(value)
        return int(np.sum(self.wrong(value))) if same_shape else -1

    def fits(self, value):
        """Whether a value agrees with the answer in shape and to the digits given."""
        return self.differ(value) == 0

    def is_arithmetic(self, right):
        """Whether the answer looks like a slip of arithmetic alone.

        That is one entry of several; or a number with a sign or a few units off.
        """
        if np.size(right) > 1 or self.exact.shape:
            return self.differ(right) == 1 < np.size(right)
        off = float(self.numbers - right)
        return (abs(off) < 10 and off.is_integer()) or self.fits(-right)


class Tutor:
    """The slips and mistakes of one sheet, and what each of them leads to."""

    def __init__(self, net, values):
        self.net = net
        self.floats = {  # class labels stay whole numbers
            symbol: array if array.dtype.kind in "iu" else array.astype(float)
            for symbol, array in zip(
                values, map(np.asarray, values.values()), strict=True
            )
        }

    @cached_property
    def slips(self):
        """{symbol: its slips}."""
        net, n_examples = self.net, (len(self.floats["X_s"]), len(self.floats["X_q"]))
        sizes = net.n_in, net.n_hidden, net.n_out, *n_examples
        slips = {symbol: [] for symbol in self.floats}
        for slip in find_slips(net.activation_name, net.loss_name, sizes):
            slips[slip.symbol].append(slip)
        return slips

    @cached_property
    def mistakes(self):
        """(mistake, variant, values that it alters) of the catalogue's mistakes."""
        return [
            (
                mistake,
                variant,
                recompute(self.net, self.floats, variant.altered(self.net)),
            )
            for mistake in ENTRIES
            for variant in mistake.variants
            if variant.lines and variant.loss in (None, self.net.loss_name)
        ]

    @cached_property
    def consequences(self):
        """{symbol: (slips of earlier lines, what follows from each (slips, …))}.

        The simplest slips are first, of those the nearest.
        """
        found = {symbol: ([], []) for symbol in self.floats}
        every = [slip for slips in self.slips.values() for slip in slips]
        for slip in sorted(reversed(every), key=lambda slip: slip.rank):
            wrong = try_to_evaluate(slip.expression, self.floats)
            if np.shape(wrong) == np.shape(self.floats[slip.symbol]):
                altered = {slip.symbol: slip.expression}
                changed = recompute(self.net, self.floats, altered)
                for symbol in changed.keys() - {slip.symbol}:
                    found[symbol][0].append(slip)
                    found[symbol][1].append(changed[symbol])
        return {s: (slips, np.array(after)) for s, (slips, after) in found.items()}

    def own_slips(self, symbol, answer, values=None):
        """Explain an answer by the simplest slips of its line, from any values."""
        values = self.floats if values is None else values
        one = answer.differ(values[symbol]) == 1 < np.size(values[symbol])
        found = [
            slip
            for slip in self.slips[symbol]
            if (slip.single or not one)
            and answer.fits(try_to_evaluate(slip.expression, values))
        ]
        least = min((slip.rank for slip in found), default=0)
        return [Explanation(f"made {s.phrase}") for s in found if s.rank == least]

    def explain(self, symbol, answer):
        """Explain a wrong answer, the simplest explanation first."""
        right = self.floats[symbol]
        found = self.own_slips(symbol, answer)
        for mistake, variant, wrong in self.mistakes:
            value = wrong.get(symbol, right)
            if answer.fits(value) and not np.allclose(value, right, SURE, SURE):
                name = mistake.number, mistake.name
                found.append(Explanation(variant.phrase, "", *name))
        same_shape = answer.exact.shape == np.shape(right)
        earlier, values = self.consequences[symbol] if same_shape else ((), ())
        if found or not len(values) or answer.is_arithmetic(right):
            return found
        fits = ~answer.wrong(values).reshape(len(values), -1).any(1)
        slips = (earlier[i] for i in np.flatnonzero(fits))
        return [Explanation(f"made {slip.phrase}", slip.symbol) for slip in slips]


def give_verdict(symbol, found, answer, right):
    """The Verdict on a wrong answer, by what was found to explain it."""
    numbers = {e.mistake: e.name for e in found if e.mistake}
    if not found:
        text = describe_numbers(answer, right)
    elif found[0].earlier:
        earlier, made = found[0].earlier, found[0].phrase
        text = f"it would be if {earlier} had been {made}: look there"
    else:
        own = [e.phrase for e in found if e.mistake is None]
        phrases = dict.fromkeys(own or [e.phrase for e in found])
        text = f"it may be {', or '.join(list(phrases)[:2])}"
        if numbers:
            names = (f"mistake {number}, {name}" for number, name in numbers.items())
            text += f" (see {'; '.join(names)})"
    message = f"{symbol} is not right: {text}."
    return Verdict(False, message, bool(found), tuple(numbers))


def describe_numbers(answer, right):
    """Which entries of an unexplained answer are wrong."""
    shape = np.shape(right)
    if answer.exact.shape != shape:
        return f"it has shape {answer.exact.shape}, expected {shape}, rows first"
    wrong = np.argwhere(answer.wrong(right)).tolist()
    unknown = "no known slip gives this"
    if np.size(right) == 1:
        return unknown
    if len(wrong) == np.size(right):
        return f"no entry is right, and {unknown}"
    where = " and ".join(map(str, wrong[:3]))
    if len(wrong) == 1:
        return f"entry {where} is wrong, the others are right"
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"the entries {where}{more} are wrong, the others are right; {unknown}"
