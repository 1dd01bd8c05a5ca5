"""Read a student's answer and compare it with the right value.

A whole number or a fraction must be exact. A decimal must agree to the digits given:
0.33 is right for 1/3, and so is 0.3333, but 0.34 is not.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real

import numpy as np

ROUNDING = 1e-9  # relative; a computed float may differ from the truth by this much


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, a message, and the mistakes that would give it."""

    right: bool
    message: str
    mistakes: tuple = ()

    def __str__(self):
        return self.message

    __repr__ = __str__


def read_answer(answer):
    """An object array of (value, tolerance) pairs of fractions.

    Raises ValueError if the answer is not a number or a table of numbers.
    """
    try:
        array = np.array(answer, dtype=object)
    except ValueError:
        array = None
    ragged = array is None or any(
        isinstance(entry, list | tuple | np.ndarray) for entry in array.flat
    )
    if ragged:
        raise ValueError(
            "the rows of the answer have different lengths; give each row the same "
            "number of entries, [[1, 2], [3, 4]]"
        )
    entries = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        entries[index] = read_number(array[index])
    return entries


def read_number(entry):
    """(value, tolerance): half a unit of the last digit of a decimal, 0 otherwise."""
    if isinstance(entry, str):
        text = entry.strip().replace("−", "-")
    elif isinstance(entry, bool | np.bool_):
        text = ""
    elif isinstance(entry, Rational | np.integer):
        return Fraction(int(entry.numerator), int(entry.denominator)), Fraction(0)
    elif isinstance(entry, Real | np.floating):
        text = str(entry)
    else:
        text = ""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"{entry!r} is not a finite number; give 3, 0.25, '3/4', a Fraction, or a "
            "list of these per row"
        ) from None
    if "/" in text or not any(mark in text for mark in ".eE"):
        return value, Fraction(0)
    last_digit = Decimal(text).as_tuple().exponent
    return value, Fraction(10) ** last_digit / 2


def find_difference(entries, truth):
    """None if the entries agree with the truth, else a description of what differs."""
    truth = np.asarray(truth, dtype=object)
    if entries.shape != truth.shape:
        flat = max(truth.shape, default=1) == truth.size  # a row, column or number
        if entries.size == truth.size and flat and entries.ndim < 2:
            entries = entries.reshape(truth.shape)
        else:
            return describe_shape(entries, truth)
    for index in np.ndindex(truth.shape):
        if not agrees(entries[index], truth[index]):
            value = entries[index][0]
            where = f"entry {list(index)}" if index else "the value"
            more = " is the first that is wrong" if truth.size > 1 else " is wrong"
            return f"{where}, {show(value)},{more}; no known mistake gives this."
    return None


def describe_shape(entries, truth):
    """Describe what is wrong with the shape, or recognise a transposed right answer."""
    expected = f"expected {truth.shape}, rows first"
    turned = entries.ndim == 2 and entries.T.shape == truth.shape
    if turned and all(map(agrees, entries.T.ravel(), truth.ravel())):
        return f"the numbers are right but transposed; {expected}."
    return f"it has shape {entries.shape}, {expected}."


def agrees(entry, truth):
    """Whether a (value, tolerance) pair is right for the number `truth`."""
    value, tolerance = entry
    exact = Fraction(truth)
    if tolerance or not isinstance(truth, Rational):
        tolerance = max(tolerance, Fraction(ROUNDING) * max(1, abs(exact)))
    return abs(value - exact) <= tolerance


def show(value):
    """A fraction as a person writes it; long ones as a decimal."""
    return str(value) if value.denominator <= 1000 else f"{float(value):.6g}"
