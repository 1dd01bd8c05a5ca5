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
    """An answer as floats, each with how far it may be off."""

    numbers: np.ndarray
    slack: np.ndarray

    def fits(self, value):
        """Whether a value agrees with the answer in shape and to the digits given."""
        same_shape = value is not None and np.shape(value) == self.numbers.shape
        return same_shape and not self.wrong(value).any()

    def wrong(self, value):
        """Where the answer differs from a value of its shape, (…) booleans."""
        slack = np.maximum(self.slack, SURE * np.maximum(1, np.abs(value)))
        return np.abs(self.numbers - value) > slack

    def differ(self, value):
        """In how many entries the answer differs from a value; 0 for another shape."""
        same_shape = self.numbers.shape == np.shape(value)
        return int(self.wrong(value).sum()) if same_shape else 0


def reading(entries):
    """The Reading of entries; a decimal may be off by half its last digit."""
    numbers = np.vectorize(lambda e: float(e.value), otypes=[float])(entries)
    slack = np.vectorize(lambda e: float(e.unit) / 2 * (1 + 1e-9), otypes=[float])
    return Reading(numbers, slack(entries))


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
    """The slips of a line that give an answer from these values, the simplest first."""
    right = values[symbol]
    one = answer.differ(right) == 1 < np.size(right)
    found = [
        slip
        for slip in slips_of(net, values, symbol)
        if (slip.single or not one)
        and answer.fits(try_to_evaluate(slip.expression, values))
    ]
    return sorted(found, key=lambda slip: slip.rank)


def explain(sheet, symbol, answer):
    """The explanations of a wrong answer, the simplest first."""
    net, values = sheet.problem[0], sheet.floats
    right = values[symbol]
    found = [
        Explanation(f"made {slip.phrase}")
        for slip in own_slips(net, values, symbol, answer)
    ]
    for mistake, variant, wrong in sheet.mistaken_values:
        value = wrong.get(symbol)
        if answer.fits(value) and not np.allclose(value, right, SURE, SURE):
            found.append(Explanation(variant.phrase, "", mistake.number, mistake.name))
    if found or is_arithmetic(answer, right):
        return found
    return [
        Explanation(f"made {slip.phrase}", slip.symbol)
        for slip, changed in sheet.consequences
        if symbol in changed and slip.symbol != symbol and answer.fits(changed[symbol])
    ]


def is_arithmetic(answer, right):
    """Whether a wrong value looks like a slip of arithmetic alone.

    That is one entry of several; or a single number with a sign or a few units off.
    """
    if np.size(right) > 1:
        return answer.differ(right) == 1
    off = float(answer.numbers - right)
    return (abs(off) < 10 and off.is_integer()) or np.isclose(answer.numbers, -right)


def consequences(net, values):
    """(slip, {symbol: value that changes}) of every slip of a sheet, the last first."""
    found = []
    for symbol in reversed(list(values)):
        for slip in slips_of(net, values, symbol):
            wrong = try_to_evaluate(slip.expression, values)
            if np.shape(wrong) == np.shape(values[symbol]):
                changed = recompute(net, values, {symbol: slip.expression})
                found.append((slip, changed))
    return sorted(found, key=lambda pair: pair[0].rank)


def describe(symbol, found, answer, right):
    """What is wrong with an answer, in a sentence."""
    if found and found[0].earlier:
        first = found[0]
        return (
            f"{symbol} is not right, but would be if {first.earlier} had been "
            f"{first.phrase}: look there."
        )
    if found:
        slip = [e.phrase for e in found if e.mistake is None][:2]
        phrases = slip or list(dict.fromkeys(e.phrase for e in found))[:2]
        text = f"{symbol} is not right: it may be {', or '.join(phrases)}"
        names = {e.mistake: e.name for e in found if e.mistake}
        see = "; ".join(f"mistake {number}, {name}" for number, name in names.items())
        return text + (f" (see {see})." if see else ".")
    wrong = np.argwhere(answer.wrong(right)).tolist()
    if np.size(right) == 1:
        return f"{symbol} is not right, and no known slip gives this."
    where = " and ".join(map(str, wrong[:3]))
    if len(wrong) == 1:
        return f"{symbol} is not right: entry {where} is wrong, the others are right."
    if len(wrong) == right.size:
        return f"{symbol} is not right: no entry is, and no known slip gives this."
    if len(wrong) > 3:
        where += f" and {len(wrong) - 3} more"
    return (
        f"{symbol} is not right: the entries {where} are wrong, the others are right; "
        "no known slip gives this."
    )
