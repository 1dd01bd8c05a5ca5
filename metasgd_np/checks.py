"""Checks of user input; an error is one sentence.

Every message says what came, what was expected, and what to do.
"""

from numbers import Integral, Real

import numpy as np


def choose(kind, name, table):
    """table[name], or a ValueError that lists the valid names."""
    if not isinstance(name, str) or name not in table:
        raise ValueError(
            f"there is no {kind} called {name!r}; choose one of: {', '.join(table)}"
        )
    return table[name]


def whole_number(name, value, least):
    """`value` as an int, or an error if it is no whole number or is below `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} is {value!r}, but it must be a whole number, {least} or more"
        )
    if value < least:
        raise ValueError(f"{name} is {value}, but it must be {least} or more")
    return int(value)


def positive_number(name, value):
    """`value` as a float, or an error if it is not a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, but it must be a positive number")
    if not 0 < float(value) < np.inf:
        raise ValueError(f"{name} is {value}, but it must be a finite number above 0")
    return float(value)


def interval(name, value):
    """`value` as a pair of floats (low, high), low ≤ high, both finite."""
    if isinstance(value, str):
        value = ()
    try:
        low, high = (float(end) for end in tuple(value))
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} is {value!r}, but it must be two numbers, (low, high)"
        ) from None
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ValueError(
            f"{name} is {value!r}, but it must be two finite numbers, the lower first"
        )
    return low, high


def as_numbers(name, values):
    """`values` as an array of numbers, checked to be finite.

    Integers stay integers: NumPy promotes them in the first product, to floats with a
    float θ and to exact fractions with fractions.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biufcO":
        raise TypeError(
            f"{name} has dtype {array.dtype}, but it must hold numbers; "
            "convert it with np.asarray(..., dtype=float)"
        )
    check_finite(name, array)
    return array


def check_finite(name, array):
    """Raise ValueError naming the first NaN or infinite entry, if there is one."""
    if array.dtype.kind in "biuO" or np.isfinite(array).all():
        return
    where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise ValueError(
        f"{name} holds {array[where]} at index {where}; every entry must be a finite "
        "number: repair the data, or take smaller steps if this was computed"
    )


def check_vector(name, vector, n_params, like=None):
    """`vector` as an array whose last axis is P, or an error.

    Integers take the dtype of the array `like`, or float64 if it is left out.
    """
    vector = as_numbers(name, vector)
    if vector.dtype.kind in "biu":
        vector = vector.astype(np.float64 if like is None else like.dtype)
    if vector.ndim == 0 or vector.shape[-1] != n_params:
        raise ValueError(
            f"{name} has shape {vector.shape}, but this network has P = {n_params} "
            f"parameters, so its last axis must be {n_params}; net.init(rng) makes one"
        )
    return vector


def check_inputs(name, X, net):
    """Raise ValueError unless the array X is (..., N, D) and fits `net`."""
    if X.ndim < 2 or X.shape[-1] != net.n_in or X.shape[-2] == 0:
        hint = "; did you pass (N,) data without [:, None]?" if net.n_in == 1 else ""
        raise ValueError(
            f"{name} has shape {X.shape}, but this network takes (..., N, D) with "
            f"D = {net.n_in} and N at least 1{hint}"
        )


def check_examples(net, theta, X, Y):
    """θ, X and Y as arrays that fit one another and `net`, or an error."""
    theta = check_vector("theta", theta, net.n_params)
    X = as_numbers("X", X)
    Y = as_numbers("Y", Y)
    check_set(net, "X", X, "Y", Y)
    task_axes(net, theta, X, Y)
    return theta, X, Y


def check_set(net, X_name, X, Y_name, Y):
    """Raise an error unless the arrays X (..., N, D) and Y, its targets, fit `net`."""
    check_inputs(X_name, X, net)
    net.loss_function.check_targets(Y_name, Y, X.shape[-2], net.n_out)


def task_axes(net, theta, X, Y, **vectors):
    """The leading axes that θ, X, Y and vectors (..., P) share, or an error."""
    return check_axes_in_front(
        theta=theta.shape[:-1],
        X=X.shape[:-2],
        Y=Y.shape[: Y.ndim - net.loss_function.target_axes],
        **{name: vector.shape[:-1] for name, vector in vectors.items()},
    )


def check_axes_in_front(**shapes):
    """The shape that the leading axes (the tasks) broadcast to, or a ValueError."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        found = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"the leading axes, one entry per task, disagree: {found}; give every "
            "array the same number of tasks"
        ) from None


def check_order(order):
    """Raise ValueError unless the order of a meta-gradient is 1 or 2."""
    if order not in (1, 2):
        raise ValueError(f"order is {order!r}; choose 2 (exact) or 1 (no curvature)")
