"""Checks of user input; an error is one sentence."""

import numpy as np

from ..checks import as_numbers, check_function, takes


def check_vector_of(name, value, expected, shape=None):
    """Real numbers as a vector in float64, or float32 if they are; or an error."""
    x = as_numbers(name, value)
    right = x.ndim == 1 if shape is None else x.shape == shape
    if not right or x.dtype.kind == "c" or x.dtype == np.float16:
        raise ValueError(
            f"{name} has shape {x.shape} and dtype {x.dtype}, but it must be {expected}"
        )
    return x if x.dtype == np.float32 else x.astype(np.float64)


def check_point(point, name="point"):
    """The point as float64 (P,), or an error."""
    expected = (
        "one vector (P,) of real numbers; wrap a single number as [number], or use "
        ".ravel()"
    )
    return check_vector_of(name, point, expected).astype(np.float64)


def check_claim(name, claimed, point):
    """The claimed slopes, from a vector or function, in the shape of the point."""
    if callable(claimed):
        with np.errstate(all="ignore"):  # reported below
            claimed, name = claimed(np.array(point)), f"{name}(point)"
    if claimed is None or hasattr(claimed, "items"):
        raise TypeError(
            f"{name} is {'None' if claimed is None else 'a dict'}, but it must be a "
            "vector (P,), or a function that returns one; join a dict with "
            "np.concatenate([np.ravel(g) for g in grads.values()]), and pass None only "
            "if the function returns (value, gradient)"
        )
    expected = (
        f"real numbers of the point's shape {np.shape(point)}, in float64 or float32; "
        "lay matrices end to end in the order of the point"
    )
    return check_vector_of(name, claimed, expected, np.shape(point))


def split_value(function, gradient, x):
    """(function returning the value alone, gradient), also where it returned both."""
    if not callable(function) or not takes(function, 1):
        raise TypeError(
            f"function is {function!r}, but it must be a function of the point, such "
            "as lambda theta: net.loss(theta, X, Y)"
        )
    if not isinstance(function(x.copy()), tuple):
        return function, gradient
    second = (lambda x: function(x)[1]) if gradient is None else gradient
    return (lambda x: function(x)[0]), second


def check_scalar(function, x):
    """`function`, checked to return one finite number at x (P,), the same one twice."""

    def checked(x):
        value = np.asarray(function(x))
        if value.size != 1 or value.dtype.kind not in "biufcO" or value.item() is None:
            raise TypeError(
                f"function returned shape {value.shape} and dtype {value.dtype}, but a "
                "gradient belongs to one number; sum or average it, or check one "
                "output at a time, as lambda x: function(x)[0]"
            )
        return value.item() if value.dtype.kind == "c" else float(value.item())

    with np.errstate(all="ignore"):
        first, second = checked(x.copy()), checked(x.copy())
    if first != second or not np.isfinite(first):
        raise ValueError(
            f"function returned {first} at the point itself, then {second} at the same "
            "point, but one finite value is needed; choose a point where it is finite, "
            "draw its random numbers beforehand"
        )
    return checked


def parts_of(blocks, size, quantity):
    """{(quantity, block): indices into a vector (P,)}; one block "all" if None."""
    order = np.arange(size, dtype=np.float64)
    if blocks is not None:
        check_function("blocks", blocks, "vector")
    named = {"all": order} if blocks is None else blocks(order)
    if not hasattr(named, "items"):
        raise TypeError(
            f"blocks returned {type(named).__name__}, but it must return a dict "
            "{name: view of the vector}, as net.blocks does"
        )
    parts = {(quantity, str(k)): np.asarray(v).astype(int) for k, v in named.items()}
    covered = np.sort(np.concatenate([index.ravel() for index in parts.values()]))
    if not np.array_equal(covered, order):
        raise ValueError(
            f"blocks covers {len(covered)} entries, but the point has {size}; "
            "every entry must lie in exactly one block"
        )
    return parts


def check_pair(claimed, theta):
    """dθ and dα of a MetaGradient or a pair, end to end (2P,)."""
    if hasattr(claimed, "d_theta"):
        claimed = claimed.d_theta, claimed.d_alpha
    try:
        d_theta, d_alpha = claimed
    except (TypeError, ValueError):
        raise TypeError(
            f"claimed is {type(claimed).__name__}, but it must be a MetaGradient or a "
            "pair (d_theta, d_alpha) of vectors (P,)"
        ) from None
    d_theta = check_claim("d_theta", d_theta, theta)
    return np.concatenate([d_theta, check_claim("d_alpha", d_alpha, theta)])
