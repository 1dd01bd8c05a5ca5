"""What a gradient check is handed, checked once where it enters: one sentence per error.

`Part` and `Claim` carry blocks and claims on, in float64.
"""

from dataclasses import dataclass

import numpy as np

from ..checks import as_numbers, check_vector


@dataclass(frozen=True)
class Part:
    """Where one block lies in a vector (P,): index has the block's shape."""

    quantity: str
    block: str
    index: np.ndarray


@dataclass(frozen=True)
class Claim:
    """Claimed slopes (P,) in float64, and whether they came in single precision."""

    values: np.ndarray
    single: bool = False


def check_point(point):
    """The point as float64 (P,), or an error."""
    x = as_numbers("point", point)
    if x.dtype.kind == "c" or x.ndim != 1 or x.size == 0:
        raise ValueError(
            f"point has shape {x.shape} and dtype {x.dtype}, but it must be one vector "
            "(P,) of real numbers; wrap a single number as [number], flatten a matrix "
            "with .ravel()"
        )
    return x.astype(np.float64)


def check_claim(name, claimed, point):
    """The Claim of a vector, or of a function of the point, or an error."""
    if callable(claimed):
        with np.errstate(all="ignore"):  # reported below
            claimed, name = claimed(np.array(point)), f"{name}(point)"
    if claimed is None:
        raise TypeError(
            f"{name} is None, but the check needs a derivative to check; pass a vector "
            "(P,) or a function of the point, or a function that returns (value, "
            "gradient)"
        )
    if hasattr(claimed, "items"):
        raise TypeError(
            f"{name} is a dict of {', '.join(map(str, claimed))}, but it must be one "
            "vector in the order of the point; pass np.concatenate([np.ravel(g) for g "
            "in gradient.values()])"
        )
    values = np.asarray(claimed)
    if values.dtype.kind not in "biufO" or values.dtype == np.float16:
        raise TypeError(
            f"{name} has dtype {values.dtype}, but it must hold real numbers; "
            "compute it in float64 (or float32)"
        )
    if values.shape != np.shape(point):
        raise ValueError(
            f"{name} has shape {values.shape}, but the point has shape "
            f"{np.shape(point)}, and every entry needs its derivative; lay matrices "
            "end to end in the order of the point"
        )
    single = values.dtype == np.float32
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(
            f"{name} holds {values[where]} at index {where}; a derivative must be "
            "finite, so look for 0/0, log(0) or overflow where it is computed"
        )
    return Claim(values, single)


def split_value(function, gradient, x):
    """`function` returning its value alone, and the gradient to check, at x (P,).

    A function may return (value, gradient); its gradient is checked if none is given.
    """
    if not callable(function):
        raise TypeError(
            f"function is {function!r}, but it must be a function of the point, such "
            "as lambda theta: net.loss(theta, X, Y)"
        )
    if isinstance(function(x.copy()), tuple):
        if gradient is None:
            return (lambda x: function(x)[0]), lambda x: function(x)[1]
        return (lambda x: function(x)[0]), gradient
    return function, gradient


def check_scalar(function, x):
    """`function`, checked to return one finite number at x (P,), the same one twice."""

    def checked(x):
        value = np.asarray(function(x))
        if value.size != 1 or value.dtype.kind not in "biufcO":
            raise TypeError(
                f"function returned shape {value.shape} and dtype {value.dtype}, but a "
                "gradient belongs to one number; sum or average it, or check one "
                "output at a time, as lambda x: function(x)[0]"
            )
        value = value.reshape(())
        return value.astype(complex if value.dtype.kind == "c" else float)

    with np.errstate(all="ignore"):
        first, second = checked(x.copy()), checked(x.copy())
    if not np.isfinite(first):
        raise ValueError(
            f"function returned {first} at the point itself, so there is no derivative "
            "to check; choose a point where it is finite, with smaller weights or step "
            "sizes if it overflowed"
        )
    if first != second:
        raise ValueError(
            f"function returned {first} and then {second} at the same point; draw its "
            "random numbers before, or from a generator made anew each time"
        )
    return checked


def parts_of(blocks, size, quantity):
    """The Parts into which `blocks` cuts a vector (P,); one called "all" if None."""
    order = np.arange(size, dtype=np.float64)
    named = {"all": order} if blocks is None else blocks(order)
    if not hasattr(named, "items"):
        raise TypeError(
            f"blocks returned {type(named).__name__}, but it must return a dict "
            "{name: view of the vector}, as net.blocks does"
        )
    parts = [
        Part(quantity, str(name), np.asarray(view).astype(np.intp))
        for name, view in named.items()
    ]
    covered = np.sort(np.concatenate([part.index.ravel() for part in parts]))
    if not np.array_equal(covered, np.arange(size)):
        raise ValueError(
            f"blocks shares out {covered.size} entries, but the point has {size}; "
            "every entry must lie in exactly one block"
        )
    return parts


def one_vector(name, vector, net):
    """`vector` checked to be one (P,), its dtype kept."""
    vector = check_vector(name, vector, net.n_params)
    if vector.ndim != 1:
        raise ValueError(
            f"{name} has shape {vector.shape}, but the check takes one vector, "
            f"({net.n_params},); check one task at a time, {name}[0]"
        )
    return vector


def check_pair(claimed):
    """(d_theta, d_alpha) of a MetaGradient or a pair."""
    if hasattr(claimed, "d_theta"):
        return claimed.d_theta, claimed.d_alpha
    try:
        d_theta, d_alpha = claimed
    except (TypeError, ValueError):
        raise TypeError(
            f"claimed is {type(claimed).__name__}, but it must be a MetaGradient or a "
            "pair (d_theta, d_alpha) of vectors (P,)"
        ) from None
    return d_theta, d_alpha
