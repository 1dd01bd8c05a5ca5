"""The Hessian times a vector, H v, and the whole Hessian of small networks.

`hvp` never forms H. H v is the derivative of the gradient as θ moves along v,

    H v = d/dε ∇L(θ + ε v) at ε = 0,

so every line of the forward and backward pass is differentiated in the direction v:
Pearlmutter's R-operator (Neural Computation 6, 1994). The lines (4.1)–(4.8) are
the tangent pass of each network, beside the lines they differentiate; it costs about as
much as one gradient.
"""

import numpy as np
from numpy.typing import ArrayLike

from .interface import Network
from .net_checks import check_exact, check_examples, check_vector, task_axes


def hvp(
    net: Network, theta: ArrayLike, X: ArrayLike, Y: ArrayLike, v: ArrayLike
) -> np.ndarray:
    """Multiply the Hessian of net.loss at θ by a vector; equations (4.1)–(4.8).

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        The network.
    theta : (..., P) array_like
        Where the Hessian is taken.
    X : (..., N, D) array_like
        Inputs.
    Y : (..., N, O) array_like
        Targets, or (..., N) integer labels for softmax cross-entropy.
    v : (..., P) array_like
        The direction.

    Returns
    -------
    (..., P) array
        H v.

    Raises
    ------
    ValueError
        If an argument does not fit the network or holds NaN.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> net = TwoLayerNet(1, 1, 1, activation="identity")
    >>> theta = np.array([1.0, 0.0, 2.0, 0.0])  # F = (w x + b) u + c
    >>> hvp(net, theta, [[1.0]], [[0.0]], [0.0, 0.0, 1.0, 0.0]).tolist()
    [8.0, 8.0, 2.0, 2.0]
    """
    theta, X, Y = check_examples(net, theta, X, Y)
    v = check_vector("v", v, net.n_params, like=theta)
    task_axes(net, theta, X, Y, v=v)
    check_exact(net, v)
    return net.tangent_pass(net.backward_pass(theta, X, Y), v).hv


def hessian(net: Network, theta: ArrayLike, X: ArrayLike, Y: ArrayLike) -> np.ndarray:
    """Compute the whole Hessian of net.loss at one θ, for small networks.

    Column i is H e_i, all P columns in one batched call of `hvp`. It needs memory for
    P·N·H numbers, so use `hvp` where P is in the thousands.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        The network.
    theta : (P,) array_like
        Where the Hessian is taken.
    X : (N, D) array_like
        Inputs of one task.
    Y : (N, O) array_like
        Targets, or (N,) integer labels for softmax cross-entropy.

    Returns
    -------
    (P, P) array
        H, symmetric.

    Raises
    ------
    ValueError
        If an argument does not fit the network, holds NaN, or has a task axis.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> net = TwoLayerNet(1, 1, 1, activation="identity")
    >>> hessian(net, [1.0, 0.0, 2.0, 0.0], [[1.0]], [[0.0]])[2].tolist()
    [8.0, 8.0, 2.0, 2.0]
    """
    theta, X, Y = check_examples(net, theta, X, Y)
    tasks = task_axes(net, theta, X, Y)
    if tasks:
        raise ValueError(
            f"theta, X and Y have leading axes {tasks}, but hessian takes one task, "
            "(P,), (N, D) and (N, O); call it for one task at a time"
        )
    identity = np.eye(net.n_params, dtype=theta.dtype)  # row i is e_i
    return hvp(net, theta, X, Y, identity).mT
