"""What may be behind a wrong value: a slip, a known mistake, or an earlier line.

    slip        one line written wrongly; slips.py makes them from its expression
    mistake     more than one line: the catalogue, mistakes.py
    earlier     the line is right, but one before it has a slip

One wrong entry among right ones is a slip of arithmetic, not of understanding, unless
it is one that alters a single entry by its nature.
"""

import re
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .answers import Verdict
from .lines import layout, recompute, symbols_in
from .mistakes import ENTRIES
from .slips import (
    RARE,
    STRAY,
    find_pairs,
    find_slips,
    try_to_evaluate,
)

SURE = 1e-9  # relative; how far a computed float may be off


class Explanation(NamedTuple):
    """Why a value may be wrong: "it may be" + phrase, or so in the line `earlier`."""

    phrase: str
    earlier: str = ""
    mistake: int | None = None
    name: str = ""
    rank: int = 0


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
        close = np.abs(self.numbers - value) <= slack
        return ~(close & np.isfinite(value))

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
    def kind(self):
        """(activation, loss, sizes) of the sheet, which determine its slips."""
        net, n_examples = self.net, (len(self.floats["X_s"]), len(self.floats["X_q"]))
        sizes = net.n_in, net.n_hidden, net.n_out, *n_examples
        return net.activation_name, net.loss_name, sizes

    @cached_property
    def slips(self):
        """{symbol: its slips}."""
        slips = {symbol: [] for symbol in self.floats}
        for slip in find_slips(*self.kind):
            slips[slip.symbol].append(slip)
        return slips

    @cached_property
    def mistakes(self):
        """(Explanation, lines altered, values that it alters) of the catalogue."""
        return [
            (
                Explanation(variant.phrase, "", mistake.number, mistake.name),
                variant.altered(self.net),
                recompute(self.net, self.floats, variant.altered(self.net)),
            )
            for mistake in ENTRIES
            for variant in mistake.variants
            if variant.lines and variant.loss in (None, self.net.loss_name)
        ]

    @cached_property
    def consequences(self):
        """What follows from one slip, the simplest first, of those the nearest."""
        every = [slip for slips in self.slips.values() for slip in slips]
        nearest = sorted(reversed(every), key=lambda slip: slip.rank)
        origins = [(s.phrase, {s.symbol: s.expression}) for s in nearest]
        lines = [symbol for symbol, slips in self.slips.items() if slips]
        origins += [("with 0 in every entry", {s: f"0 * {s}"}) for s in lines]
        return self.follow(origins)

    @cached_property
    def single_uses(self):
        """What follows from one slip if nothing else is altered by it."""
        slips = [slip for slips in self.slips.values() for slip in slips]
        near = sorted((s for s in slips if s.rank < STRAY), key=lambda slip: slip.rank)
        origins = ((s.phrase, {s.symbol: s.expression}) for s in near)
        return self.follow(origins, only_there=True)

    @cached_property
    def habits(self):
        """What follows from the same slip in both layers, both sets, or everywhere."""
        groups = {}
        for slip in (slip for slips in self.slips.values() for slip in slips):
            for key in relations(slip):
                groups.setdefault(key, {}).setdefault(slip.symbol, slip)
        distinct = {tuple(group.values()): None for group in groups.values()}
        return self.follow(
            (group[0].phrase, {slip.symbol: slip.expression for slip in group})
            for group in sorted(distinct, key=lambda group: (group[0].rank, len(group)))
            if len(group) > 1
        )

    def follow(self, origins, only_there=False):
        """(Explanations, {symbol: the values that follow, one per Explanation}).

        origins : (phrase, {symbol: wrong expression});  NaN where shapes do not fit
        only_there : whether nothing else follows
        """
        origins = list(origins)
        values = {  # all at once, for speed
            s: np.stack([v] * len(origins)) if s not in ("N_s", "N_q") else v
            for s, v in self.floats.items()
        }
        for *_, symbol, expression in layout(*self.kind[:2]):
            if not only_there:
                values[symbol] = try_to_evaluate(expression, values).astype(float)
            for i, (_, altered) in enumerate(origins):
                if symbol in altered:
                    names = symbols_in(altered[symbol])
                    row = {s: values[s] if s[0] == "N" else values[s][i] for s in names}
                    wrong = try_to_evaluate(altered[symbol], row)
                    fits = np.shape(wrong) == values[symbol][i].shape
                    values[symbol][i] = wrong if fits else np.nan
        reasons = [Explanation(f"made {p}", " and ".join(a)) for p, a in origins]
        return reasons, values

    def own_slips(self, symbol, answer, values=None):
        """The simplest slips of a line that give an answer from its, or other, values.

        Of a single number, all of them: too many slips give the same.
        """
        values = self.floats if values is None else values
        one = answer.differ(values[symbol]) == 1 < np.size(values[symbol])
        found = [
            slip
            for slip in self.slips[symbol]
            if (slip.single or not one)
            and answer.fits(try_to_evaluate(slip.expression, values))
        ]
        least = min((slip.rank for slip in found), default=0)
        number = not np.shape(values[symbol])
        if number and answer.is_arithmetic(values[symbol]):
            found = [slip for slip in found if slip.rank < RARE]
        return [
            Explanation(f"made {slip.phrase}", rank=slip.rank)
            for slip in found
            if number or slip.rank == least
        ]

    def explain(self, symbol, answer):
        """Explain a wrong answer, the simplest explanation first."""
        right = self.floats[symbol]
        found = self.own_slips(symbol, answer)
        one = answer.differ(right) == 1 < right.size
        simple = any(explanation.rank < STRAY for explanation in found)
        zero = not answer.exact.any()  # whatever makes it 0, it was hardly worked out
        if zero:
            found = [explanation for explanation in found if not explanation.rank]
        for explanation, altered, wrong in self.mistakes:
            value = wrong.get(symbol, right)
            if answer.fits(value) and not np.allclose(value, right, SURE, SURE):
                doubtful = zero or one or (simple and is_multiple(value, right))
                found += [] if doubtful and symbol not in altered else [explanation]
        if found or zero or answer.is_arithmetic(right):
            return found
        return next(filter(None, self.further(symbol, answer)), [])

    def further(self, symbol, answer):
        """Explain by more than the line's own slips: a list for each kind."""
        values = self.floats.items()
        yield [
            Explanation(f"the value of {other}")
            for other, value in values
            if other not in (symbol, "N_s", "N_q") and answer.fits(value)
        ]
        yield self.among(self.consequences, symbol, answer)
        right = next(s for *_, at, s in layout(*self.kind[:2]) if at == symbol)
        yield self.among(self.single_uses, right, answer)
        yield self.among(self.habits, symbol, answer)
        if answer.exact.size > 1:  # of numbers, too many pairs would fit
            yield [
                Explanation(f"made {phrase}")
                for phrase, text in find_pairs(*self.kind, symbol)
                if answer.fits(try_to_evaluate(text, self.floats))
            ]
            yield [
                Explanation(f"made {slip.phrase}, with {e.earlier} {e.phrase}")
                for slip in self.slips[symbol]
                if slip.rank < STRAY
                for e in self.among(self.single_uses, slip.expression, answer)
            ]

    def among(self, followed, expression, answer):
        """The reasons in what follow() found by which an expression is the answer."""
        reasons, values = followed
        results = try_to_evaluate(expression, values)
        if np.shape(results) != (len(reasons), *answer.exact.shape):
            return []
        fits = ~answer.wrong(results).reshape(len(results), -1).any(1)
        return [reasons[i] for i in np.flatnonzero(fits)]


def is_multiple(one, other):
    """Whether two arrays differ by a factor only, which says little about its cause."""
    return np.linalg.matrix_rank([np.ravel(one), np.ravel(other)]) < 2


def relations(slip):
    """What a slip has in common with the same slip in other lines, near and far."""
    phrase = re.sub(r"_[sq]\b|(?<=[a-zA-Zα-ω\u0304])[12]", "", slip.phrase)
    layers, sets = re.sub("[12]", "", slip.symbol), re.sub("_[sq]$", "", slip.symbol)
    both = re.sub("[12]", "", sets)
    return [(phrase, key) for key in (("layers", layers), ("sets", sets), both, "")]


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
        text = f"it may be {', or '.join(list(phrases)[:3])}"
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
    if not answer.exact.any():
        return "every entry is 0" if shape else "it is 0"
    if np.size(right) == 1:
        return unknown
    if len(wrong) == np.size(right):
        return f"no entry is right, and {unknown}"
    where = " and ".join(map(str, wrong[:3]))
    if len(wrong) == 1:
        return f"entry {where} is wrong, the others are right"
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"the entries {where}{more} are wrong, the others are right; {unknown}"
