"""What may be behind a wrong value: a slip, a known mistake, or an earlier line.

    slip        one line written wrongly; slips.py makes them from its expression
    mistake     more than one line: the catalogue, mistakes.py
    earlier     the line is right, but one before it has a slip

One wrong entry among right ones is a slip of arithmetic, not of understanding, unless
it is one that alters a single entry by its nature.
"""

from typing import NamedTuple

import numpy as np

from .lines import recompute
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

    def wrong(self, value):
        """Where the answer differs from a value, exact or not, of its shape."""
        if np.asarray(value).dtype == object:
            return np.abs(self.exact - value) > self.slack
        slack = np.maximum(self.slack, SURE * np.maximum(1, np.abs(value)))
        return np.abs(self.numbers - value) > slack

    def fits(self, value):
        """Whether a value agrees with the answer in shape and to the digits given."""
        return self.exact.shape == np.shape(value) and not np.any(self.wrong(value))

    def differ(self, value):
        """In how many entries the answer differs from a value; 0 for another shape."""
        same_shape = self.exact.shape == np.shape(value)
        return int(np.sum(self.wrong(value))) if same_shape else 0


def reading(entries):
    """The Reading of entries; a decimal may be off by half its last digit."""

    def slack(entry):
        return max(entry.unit / 2, entry.slack * max(1, abs(entry.value)))

    exact = np.vectorize(lambda entry: entry.value, otypes=[object])(entries)
    return Reading(exact, exact.astype(float), np.vectorize(slack, [float])(entries))


def as_floats(values):
    """The values of a sheet as arrays of floats; class labels stay whole numbers."""
    return {
        symbol: np.asarray(
            value, None if np.asarray(value).dtype.kind in "iu" else float
        )
        for symbol, value in values.items()
    }


def slips_of(net, values, symbol):
    """The slips of one line of a sheet."""
    sizes = net.n_in, net.n_hidden, net.n_out, len(values["X_s"]), len(values["X_q"])
    every = find_slips(net.activation_name, net.loss_name, sizes)
    return [slip for slip in every if slip.symbol == symbol]


def own_slips(net, values, symbol, answer):
    """The simplest slips of a line that give an answer from these values."""
    right = values[symbol]
    one = answer.differ(right) == 1 < np.size(right)
    found = [
        slip
        for slip in slips_of(net, values, symbol)
        if (slip.single or not one)
        and answer.fits(try_to_evaluate(slip.expression, values))
    ]
    least = min((slip.rank for slip in found), default=0)
    return [slip for slip in found if slip.rank == least]


def explain(sheet, symbol, answer):
    """The explanations of a wrong answer, the simplest first."""
    net, values = sheet.problem[0], sheet.floats
    right = values[symbol]
    found = [
        Explanation(f"made {slip.phrase}")
        for slip in own_slips(net, values, symbol, answer)
    ]
    for mistake, variant, wrong in sheet.mistaken_values:
        value = wrong.get(symbol, right)
        if answer.fits(value) and not np.allclose(value, right, SURE, SURE):
            found.append(Explanation(variant.phrase, "", mistake.number, mistake.name))
    same_shape = answer.exact.shape == np.shape(right)
    if found or not same_shape or is_arithmetic(answer, right):
        return found
    if symbol not in sheet.consequences:
        return []
    earlier, values = sheet.consequences[symbol]
    fits = ~answer.wrong(values).reshape(len(earlier), -1).any(1)
    return [
        Explanation(f"made {earlier[i].phrase}", earlier[i].symbol)
        for i in np.flatnonzero(fits)
    ]


def is_arithmetic(answer, right):
    """Whether a wrong value looks like a slip of arithmetic alone.

    That is one entry of several; or a single number with a sign or a few units off.
    """
    if np.size(right) > 1:
        return answer.differ(right) == 1
    off = float(answer.numbers - right)
    return (abs(off) < 10 and off.is_integer()) or answer.fits(-right)


def consequences(net, values):
    """{symbol: (slips of earlier lines, what follows from each (slips, …))}.

    The simplest slips are first, of those the nearest.
    """
    found = {symbol: ([], []) for symbol in values}
    every = [slip for symbol in values for slip in slips_of(net, values, symbol)]
    for slip in sorted(reversed(every), key=lambda slip: slip.rank):
        wrong = try_to_evaluate(slip.expression, values)
        if np.shape(wrong) == np.shape(values[slip.symbol]):
            changed = recompute(net, values, {slip.symbol: slip.expression})
            changed.pop(slip.symbol)
            for symbol, value in changed.items():
                found[symbol][0].append(slip)
                found[symbol][1].append(value)
    return {s: (made, np.stack(after)) for s, (made, after) in found.items() if made}


def describe(symbol, found, answer, right):
    """What is wrong with an answer, in a sentence."""
    if not found:
        return f"{symbol} is not right: {describe_numbers(answer, right)}."
    first = found[0]
    if first.earlier:
        return (
            f"{symbol} is not right, but would be if {first.earlier} had been "
            f"{first.phrase}: look there."
        )
    own = [e.phrase for e in found if e.mistake is None]
    phrases = list(dict.fromkeys(own or [e.phrase for e in found]))[:2]
    names = {e.mistake: e.name for e in found if e.mistake}
    see = "; ".join(f"mistake {number}, {name}" for number, name in names.items())
    text = f"{symbol} is not right: it may be {', or '.join(phrases)}"
    return text + (f" (see {see})." if see else ".")


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
        return f"no entry is, and {unknown}"
    where = " and ".join(map(str, wrong[:3]))
    if len(wrong) == 1:
        return f"entry {where} is wrong, the others are right"
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"the entries {where}{more} are wrong, the others are right; {unknown}"
