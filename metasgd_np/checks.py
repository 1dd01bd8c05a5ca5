"""Checks of user input; an error is one sentence.

Every message says what came, what was expected, and what to do.
"""

import sys
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from inspect import signature
from math import isfinite
from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import numpy as np

IN_BROWSER = sys.platform in ("emscripten", "wasi")  # no process, no thread


def shown(value):
    """Name a value in a message: in full if it is short, else by its type or shape."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    short = len(text) <= 70 and text.isprintable()
    return text if short else f"an object of type {type(value).__name__}"


def choose(kind, name, table):
    """table[name], or a ValueError that lists the valid names."""
    if not isinstance(name, str) or name not in table:
        raise ValueError(
            f"there is no {kind} called {shown(name)}; choose one of: "
            f"{', '.join(table)}"
        )
    return table[name]


def check_has(name, value, parts, example):
    """Raise TypeError unless `value` is an object, no class, with all of `parts`."""
    if isinstance(value, type):
        raise TypeError(
            f"{name} is {shown(value)} itself, but an object of it is needed; call "
            f"it, {value.__name__}(...)"
        )
    for part in parts:
        if not hasattr(value, part):
            raise TypeError(
                f"{name} is {shown(value)}, which has no {part!r}; pass {example}"
            )


def check_takes(name, value, method, n_arguments, example):
    """Raise TypeError unless value.method can be called with so many arguments."""
    check_has(name, value, [method], example)
    if not takes(getattr(value, method), n_arguments):
        raise TypeError(
            f"{name} is {shown(value)}, whose {method!r} does not take {n_arguments} "
            f"arguments; pass {example}"
        )


def check_function(name, value, arguments):
    """Raise TypeError unless `value` can be called with these arguments, "net, X"."""
    if not callable(value) or not takes(value, arguments.count(",") + 1):
        raise TypeError(
            f"{name} is {shown(value)}, but it must be a function of ({arguments}); "
            "pass one that takes just these"
        )


def takes(function, n_arguments):
    """Whether a function can be called with so many arguments, as far as is known."""
    try:
        signature(function).bind(*range(n_arguments))
    except TypeError:
        return False
    except ValueError:  # of some functions written in C
        pass
    return True


def as_path(name, value):
    """`value` as a Path, or a TypeError."""
    if value == "":
        raise ValueError(f"{name} is empty; name a file or folder")
    if isinstance(value, str | PathLike):
        return Path(value)
    raise TypeError(
        f"{name} is {shown(value)}, but it must be the path of a file or folder; pass "
        "a str or a pathlib.Path"
    )


def truth(name, value):
    """`value` as a bool, or a TypeError if it is anything but True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {shown(value)}, but it must be True or False")
    return bool(value)


def whole_number(name, value, least):
    """`value` as an int, or an error if it is no whole number or is below `least`."""
    if type(value) is int and value >= least:
        return value  # at once: training counts in every iteration
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} is {shown(value)}, but it must be a whole number, {least} or more"
        )
    if value < least:
        raise ValueError(f"{name} is {value}, but it must be {least} or more")
    return int(value)


def real_number(name, value, expected="a finite number"):
    """`value` as a float, or an error if it is not a finite real number."""
    if type(value) is float and isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {shown(value)}, but it must be {expected}")
    try:
        if isfinite(value):
            return float(value)
    except OverflowError:  # an int too large for a float
        pass
    raise ValueError(f"{name} is {shown(value)}, but it must be {expected}")


def positive_number(name, value):
    """`value` as a float, or an error if it is not a finite number above zero."""
    number = real_number(name, value, "a finite number above 0")
    if number <= 0:
        raise ValueError(f"{name} is {value}, but it must be a finite number above 0")
    return number


def share(name, value, hint):
    """`value` as a float, or an error if it is not a number from 0 to 1."""
    number = real_number(name, value, "a number from 0 to 1")
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {value}, but it must lie between 0 and 1; {hint}")
    return number


def in_order(value):
    """The entries of an iterable as a tuple; None of a text, set, dict or number."""
    unordered = isinstance(value, str | Set | Mapping)
    return None if unordered or not isinstance(value, Iterable) else tuple(value)


def interval(name, value):
    """`value` as a pair of floats (low, high), low ≤ high, their difference finite."""
    ends = in_order(value) or ()
    real = [isinstance(end, Real) and not isinstance(end, bool) for end in ends]
    if real != [True, True]:
        raise TypeError(
            f"{name} is {shown(value)}, but it must be two numbers, (low, high)"
        )
    low, high = map(float, ends)
    if not (isfinite(high - low) and low <= high):
        raise ValueError(
            f"{name} is {shown(value)}, but it must be two finite numbers, the lower "
            "first"
        )
    return low, high


def as_rng(rng):
    """`rng` as a Generator: itself, or np.random.default_rng(rng) for an int."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, Integral) or rng < 0:
        raise TypeError(
            f"rng is {shown(rng)}, but it must be a random generator or a seed, 0 or "
            "more; pass np.random.default_rng(0), or 0"
        )
    return np.random.default_rng(rng)


def as_array(name, values):
    """`values` as an array; an error if it is ragged or has masked entries."""
    if isinstance(values, list | tuple):
        for entry in values:
            if isinstance(entry, list | tuple | np.ma.MaskedArray):
                as_array(name, entry)  # raises if an entry is masked
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} has {np.ma.count_masked(values)} masked entries; fill it first, "
            f"with {name}.filled(value), or leave them out"
        )
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} is ragged or holds no numbers, so it is no array; give rows of "
            "equal length"
        ) from None


def as_numbers(name, values):
    """`values` as an array of numbers, checked to be finite.

    Integers stay integers: NumPy promotes them in the first product, to floats with a
    float θ and to exact fractions with fractions. Objects that are floats, alone or
    with integers, become float64; fractions and symbols stay what they are.
    """
    array = values if type(values) is np.ndarray else as_array(name, values)
    if array.dtype.kind == "O":
        array = check_objects(name, array)
    if array.dtype.kind not in "biufcO":
        raise TypeError(
            f"{name} has dtype {array.dtype}, but it must hold numbers; "
            "convert it with np.asarray(..., dtype=float)"
        )
    if array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, but every axis must have a length of at "
            "least 1; give one task and one example, or more"
        )
    check_finite(name, array)
    return array


def check_objects(name, array):
    """An array of objects, as float64 if they are floats; TypeError if not numbers."""
    for where, entry in np.ndenumerate(array):
        countable = hasattr(entry, "__mul__") and hasattr(entry, "__sub__")
        if not countable or isinstance(entry, bool | np.ndarray) or undefined(entry):
            raise TypeError(
                f"{name} holds {shown(entry)} at index {where}; every entry must be a "
                "number: repair the data, or leave the entry out"
            )
    kinds = set(map(type, array.flat))
    if all(issubclass(kind, Integral) for kind in kinds):
        return array
    if all(
        issubclass(kind, Integral | float | np.floating | Decimal) for kind in kinds
    ):
        return array.astype(float)
    if all(issubclass(kind, Integral | float | complex | np.number) for kind in kinds):
        return array.astype(complex)
    return array


def undefined(entry):
    """Whether an object is NaN, missing (pandas.NA), or SymPy's infinity."""
    try:
        itself = bool(entry == entry)  # noqa: PLR0124
    except TypeError:
        itself = False
    return not itself or (getattr(entry, "is_number", False) and not entry.is_finite)


def check_finite(name, array):
    """Raise ValueError naming the first NaN or infinite entry, if there is one."""
    # Σ |a|² is finite if every entry is, unless it overflows; three times as fast.
    if array.dtype.kind not in "fc" or isfinite(np.vdot(array, array).real):
        return
    if np.isfinite(array).all():
        return
    where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise ValueError(
        f"{name} holds {array[where]} at index {where}; every entry must be a finite "
        "number: repair the data, or take smaller steps if this was computed"
    )


def check_both_finite(names, a, b):
    """Raise ValueError if one of two arrays of one shape holds NaN or infinity."""
    if a.dtype.kind not in "fc" or not isfinite(np.vdot(a, b).real):
        for name, array in zip(names, (a, b), strict=True):
            check_finite(name, array)
