"""Checks of what fits a network: parameters, inputs, targets, batches of tasks.

As in `checks`, a message says what came, what was expected, and what to do.
"""

from numbers import Integral

import numpy as np

from .checks import as_numbers, check_has, shown

EXACT = ("relu", "square", "identity")  # activations that take fractions and symbols
WHOLE_BATCH = ("X_s", "Y_s", "X_q", "Y_q")


def check_vector(name, vector, n_params, like=None):
    """`vector` as an array whose last axis is P, or an error.

    Integers take the dtype of the array `like`, or float64 if it is left out.
    """
    vector = as_numbers(name, vector)
    if vector.dtype.kind == "b":
        raise TypeError(
            f"{name} holds True and False, but it must hold numbers; convert it with "
            f"{name}.astype(float) if 1 and 0 are meant"
        )
    if vector.dtype.kind in "iu":
        vector = vector.astype(np.float64 if like is None else like.dtype)
    if vector.ndim == 0 or vector.shape[-1] != n_params:
        raise ValueError(
            f"{name} has shape {vector.shape}, but this network has P = {n_params} "
            f"parameters, so its last axis must be {n_params}; net.init(rng) makes one"
        )
    return vector


def check_net(net):
    """Raise TypeError unless `net` is a network, not its class or anything else."""
    check_has("net", net, ["backward_pass"], "a network, such as TwoLayerNet(1, 40, 1)")


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
    check_net(net)
    theta = check_vector("theta", theta, net.n_params)
    X = as_numbers("X", X)
    Y = as_numbers("Y", Y)
    check_set(net, "X", X, "Y", Y)
    task_axes(net, theta, X, Y)
    if net.loss_function.target_axes == 1:
        check_one_hot("Y", Y, max(theta.ndim, X.ndim - 1))
    check_exact(net, theta, X, Y)
    return theta, X, Y


def check_set(net, X_name, X, Y_name, Y):
    """Raise an error unless the arrays X (..., N, D) and Y, its targets, fit `net`."""
    check_inputs(X_name, X, net)
    net.loss_function.check_targets(Y_name, Y, X.shape[-2], net.n_out)


def check_one_hot(name, Y, n_axes):
    """Raise ValueError if labels with more axes than expected look one-hot.

    With as many classes as examples, (N, O) would pass for the labels of N tasks.
    """
    if Y.ndim > n_axes and set(Y.flat) == {0, 1} and (Y.sum(-1) == 1).all():
        raise ValueError(
            f"{name} has shape {Y.shape} and one 1 per row, which is one-hot, but a "
            "label is one integer per example; give Y.argmax(-1)"
        )


def check_batch(net, batch):
    """Raise an error unless `batch` is a TaskBatch whose sets fit `net`."""
    check_has("batch", batch, WHOLE_BATCH, "a TaskBatch(X_s, Y_s, X_q, Y_q)")
    n_axes = 1 + net.loss_function.target_axes
    for X_name, X, Y_name, Y in (
        ("X_s", batch.X_s, "Y_s", batch.Y_s),
        ("X_q", batch.X_q, "Y_q", batch.Y_q),
    ):
        check_set(net, X_name, X, Y_name, Y)
        if Y.ndim != n_axes:
            raise ValueError(
                f"{Y_name} has shape {Y.shape}, but {net.loss_name} takes {n_axes} "
                "axes, the first one for the tasks; undo one-hot targets with "
                "argmax(-1)"
            )


def check_exact(net, *arrays):
    """Raise TypeError if objects, such as fractions, meet a tanh or an exponential."""
    for array in arrays:
        if array.dtype.kind != "O":
            continue
        plain = net.activation_name in EXACT or len(net.shapes) == 1
        if not plain or net.loss_name != "squared_error":
            raise TypeError(
                f"an array holds objects such as {shown(array.flat[0])}, but this net "
                f"({net.activation_name}, {net.loss_name}) computes with floats; "
                "convert it with astype(float), or take the activation 'square' and "
                "the loss 'squared_error'"
            )


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
    """Raise an error unless the order of a meta-gradient is 1 or 2."""
    if (
        isinstance(order, bool)
        or not isinstance(order, Integral)
        or not 1 <= order <= 2
    ):
        raise ValueError(
            f"order is {shown(order)}; choose 2 (exact) or 1 (no curvature)"
        )
