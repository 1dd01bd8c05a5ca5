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
from .lines import expressions, layout, recompute, symbols_in
from .mistakes import ENTRIES
from .quantities import mistaken
from .rules import FAR, RARE, STRAY
from .slips import find_more, find_slips, pairs_of_slips, rare_slips, try_to_evaluate

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
            slack = max(entry.unit / 2, entry.slack * max(1, abs(entry.value)))
            return float(slack) * (1 + SURE)  # 1.45 may be 1.5, and 0.05 a little less

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

    def find(self, values):
        """The indices of those among many values (T, …) that agree with the answer."""
        if values is None or np.shape(values)[1:] != self.exact.shape:
            return []
        wrong = self.wrong(values).reshape(len(values), -1)
        return np.flatnonzero(~wrong.any(1))

    def is_arithmetic(self, right):
        """Whether the answer looks like a slip of arithmetic alone.

        That is one entry of several; or a number with a sign or a few units off, or
        with a small fraction.
        """
        if np.size(right) > 1 or self.exact.shape:
            return self.differ(right) == 1 < np.size(right)
        off = abs(float(self.numbers - right))
        few = off <= 3 and round(12 * off, 6).is_integer()
        return few or off in (5, 10) or self.fits(-right)


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
        self.alternatives = {}

    @cached_property
    def kind(self):
        """(activation, loss, sizes) of the sheet, which determine its slips."""
        net, n_examples = self.net, (len(self.floats["X_s"]), len(self.floats["X_q"]))
        sizes = net.n_in, net.n_hidden, net.n_out, *n_examples
        return net.activation_name, net.loss_name, sizes

    @cached_property
    def slips(self):
        """{symbol: its slips}, the RARE ones left out."""
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
                altered,
                recompute(self.net, self.floats, altered),
            )
            for mistake in ENTRIES
            for variant in mistake.variants
            for altered in [variant.altered(self.net)]
            if variant.lines and variant.loss in (None, self.net.loss_name)
        ]

    @cached_property
    def worlds(self):
        """What follows from a slip, or from one made repeatedly.

        [(Explanation, {symbol: wrong expression})] and {symbol: their values}, the
        simplest first, of them the nearest.
        """
        lines = [symbol for symbol, slips in self.slips.items() if slips]
        common = [slip for line in lines for slip in self.slips[line]]
        every = [slip for line in lines for slip in self.every_slip(line)]
        made = [
            (slip.phrase, slip.rank, {slip.symbol: slip.expression})
            for slip in sorted(reversed(every), key=lambda slip: slip.rank)
            if slip.rank < FAR
        ]
        made += [("with 0 in every entry", RARE, {s: f"0 * {s}"}) for s in lines]
        made += find_habits(common)
        origins = [
            (Explanation(f"made {p}", rank=rank), altered) for p, rank, altered in made
        ]
        return origins, self.follow([altered for _, altered in origins])

    def follow(self, origins):
        """{symbol: the values that follow from each {symbol: wrong expression}}.

        NaN where shapes do not fit.
        """
        values = {  # all at once, for speed
            s: np.stack([v] * len(origins)) if s not in ("N_s", "N_q") else v
            for s, v in self.floats.items()
        }
        where = {symbol: [] for symbol in self.floats}
        for i, altered in enumerate(origins):
            for symbol in altered:
                where[symbol].append(i)
        for *_, symbol, expression in layout(*self.kind[:2]):
            values[symbol] = try_to_evaluate(expression, values).astype(float)
            for i in where[symbol]:
                text = origins[i][symbol]
                names = symbols_in(text)
                row = {s: values[s] if s[0] == "N" else values[s][i] for s in names}
                wrong = try_to_evaluate(text, row)
                fits = np.shape(wrong) == values[symbol][i].shape
                values[symbol][i] = wrong if fits else np.nan
        return values

    def every_slip(self, symbol):
        """The slips of a line, or of a given symbol, the RARE ones included."""
        return self.slips[symbol] + find_more(*self.kind, symbol, rare_slips)

    def taken_for(self, symbol):
        """(Explanations, values) of what may stand for a symbol in one place."""
        if symbol not in self.alternatives:
            line = symbol if self.slips[symbol] else ""
            found = [
                (Explanation(f"made {s.phrase}", line, rank=s.rank), s.expression)
                for s in self.every_slip(symbol)
                if s.rank < FAR or not line
            ]
            found += [
                (Explanation(f"made {phrase}", rank=1), text)
                for phrase, text in mistaken(symbol, self.floats).items()
            ]
            right, reasons, values = self.floats[symbol], [], []
            for reason, text in found:
                value = try_to_evaluate(text, self.floats)
                if np.shape(value) == right.shape:
                    reasons.append(reason)
                    values.append(value)
            self.alternatives[symbol] = reasons, np.reshape(values, (-1, *right.shape))
        return self.alternatives[symbol]

    def own_slips(self, symbol, answer, values=None):
        """The slips of a line that give an answer from its, or other, values."""
        values = self.floats if values is None else values
        right = values[symbol]
        arithmetic = answer.is_arithmetic(right)
        slips = [s for s in self.every_slip(symbol) if s.single or not arithmetic]
        found = find_fitting(slips, answer, values)
        least = min((explanation.rank for explanation in found), default=0)
        return [e for e in found if e.rank == least or not np.shape(right)]

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
        yield [
            Explanation(f"the value of {other}")
            for other, value in self.floats.items()
            if other not in (symbol, "N_s", "N_q") and answer.fits(value)
        ]
        right = expressions(*self.kind[:2])[symbol]
        far, near = self.followed(symbol, answer), self.in_one_place(right, answer)
        yield [explanation for explanation in far if explanation.rank < RARE]
        yield [explanation for explanation in near if explanation.rank < RARE]
        if answer.exact.size > 1:  # of numbers, too many pairs would fit
            pairs = find_more(*self.kind, symbol, pairs_of_slips)
            yield find_fitting(pairs, answer, self.floats)
            for find in self.in_one_place, self.followed:
                yield [
                    both(slip, explanation)
                    for slip in self.slips[symbol]
                    if slip.rank < STRAY
                    for explanation in find(slip.expression, answer)
                    if explanation.rank < STRAY
                ]
        yield near
        yield far

    def followed(self, expression, answer):
        """The Explanations by what follows from a slip in an earlier line."""
        origins, values = self.worlds
        found = []
        for i in answer.find(try_to_evaluate(expression, values)):
            explanation, altered = origins[i]
            needed = [line for line in altered if line in self.needed_for(expression)]
            found.append(explanation._replace(earlier=" and ".join(needed)))
        return found

    def in_one_place(self, expression, answer):
        """The Explanations by a symbol of an expression taken for something else."""
        found = []
        for symbol in symbols_in(expression):
            if symbol not in ("N_s", "N_q"):
                reasons, values = self.taken_for(symbol)
                results = try_to_evaluate(expression, self.floats | {symbol: values})
                found += [reasons[i] for i in answer.find(results)]
        return found

    def needed_for(self, expression):
        """The symbols that the value of an expression follows from."""
        needed = set(symbols_in(expression))
        for *_, line, text in reversed(layout(*self.kind[:2])):
            if line in needed:
                needed.update(symbols_in(text))
        return needed


def find_fitting(slips, answer, values):
    """The Explanations by the slips that give an answer from the values."""
    return [
        Explanation(f"made {slip.phrase}", rank=slip.rank)
        for slip in slips
        if answer.fits(try_to_evaluate(slip.expression, values))
    ]


def both(slip, other):
    """The Explanation by a slip in a line and another one in what it starts from."""
    if not other.earlier:
        return Explanation(f"{other.phrase} and {slip.phrase}")
    return Explanation(f"made {slip.phrase}, with {other.earlier} {other.phrase}")


def is_multiple(one, other):
    """Whether two arrays differ by a factor only, which says little about its cause."""
    return np.linalg.matrix_rank([np.ravel(one), np.ravel(other)]) < 2


def find_habits(slips):
    """(phrase, rank, {symbol: expression}) of a slip made in both layers or sets."""
    groups = {}
    for slip in slips:
        phrase = re.sub(r"_[sq]\b|(?<=[a-zA-Zα-ω\u0304])[12]", "", slip.phrase)
        no_layer = re.sub("[12]", "", slip.symbol)
        no_set = re.sub("_[sq]$", "", slip.symbol)
        stem = re.sub("[12]", "", no_set)
        for key in (("layers", no_layer), ("sets", no_set), stem, ""):
            groups.setdefault((phrase, key), {}).setdefault(slip.symbol, slip)
    distinct = {tuple(group.values()): None for group in groups.values()}
    return [
        (group[0].phrase, group[0].rank, {s.symbol: s.expression for s in group})
        for group in sorted(distinct, key=lambda group: (group[0].rank, len(group)))
        if len(group) > 1
    ]


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
