"""The meta-gradient by automatic differentiation, as a check where available.

PyTorch is used if it is installed, else JAX, else nothing; the package needs neither.
The network is reimplemented, with separate biases and textbook losses, so that it
shares nothing with network.py but the order of θ. The same code serves both libraries.
"""

from contextlib import nullcontext
from importlib import import_module

import numpy as np


def installed_library():
    """(name, array module, grad, context of double precision), or None."""
    try:
        grad = import_module("torch.func").grad
        return "PyTorch", import_module("torch"), grad, nullcontext()
    except ImportError:
        pass
    try:
        jax = import_module("jax")
        return "JAX", import_module("jax.numpy"), jax.grad, jax.enable_x64(True)
    except ImportError:
        return None


def by_autodiff(net, theta, alpha, batch, steps):
    """{"PyTorch" or "JAX": (dθ, dα)}, whichever is installed; {} if neither is."""
    library = installed_library()
    if library is None:
        return {}
    name, xp, gradient_of, double = library
    Y_s, Y_q = batch.Y_s, batch.Y_q
    if net.loss_name == "softmax_cross_entropy":
        Y_s, Y_q = np.eye(net.n_out)[Y_s], np.eye(net.n_out)[Y_q]  # (T, N, O)
    with double:
        arrays = batch.X_s, Y_s, batch.X_q, Y_q
        X_s, Y_s, X_q, Y_q = (xp.asarray(np.array(a, float)) for a in arrays)

        def loss(theta, X, Y):
            return autodiff_loss(xp, net, theta, X, Y)

        def after_adapting(theta, alpha):
            theta = xp.broadcast_to(theta, (len(batch), net.n_params))
            for _ in range(steps):
                theta = theta - alpha * gradient_of(loss)(theta, X_s, Y_s)
            return loss(theta, X_q, Y_q) / len(batch)

        pair = gradient_of(after_adapting, (0, 1))(xp.asarray(theta), xp.asarray(alpha))
        return {name: tuple(np.asarray(part.tolist()) for part in pair)}


def autodiff_loss(xp, net, theta, X, Y):
    """The sum over the tasks of the loss in xp, PyTorch or jax.numpy; separate biases.

    theta (T, P), X (T, N, D), Y (T, N, O).
    """
    phi = {
        "tanh": xp.tanh,
        "sigmoid": lambda Z: 1 / (1 + xp.exp(-Z)),
        "relu": lambda Z: xp.where(Z > 0, Z, 0 * Z),
        "square": lambda Z: Z * Z,
        "identity": lambda Z: Z,
    }[net.activation_name]
    F, end = X, 0
    for layer, (rows, columns) in enumerate(net.shapes):
        start, split, end = end, end + (rows - 1) * columns, end + rows * columns
        W = theta[:, start:split].reshape(len(theta), rows - 1, columns)
        b = theta[:, None, split:end]  # (T, 1, columns)
        F = (phi(F) if layer else F) @ W + b  # (T, N, columns)
    if net.loss_name == "squared_error":
        losses = (F - Y) ** 2
    elif net.loss_name == "sigmoid_cross_entropy":
        losses = xp.logaddexp(F, 0 * F) - Y * F
    else:
        shifted = F - xp.amax(F, -1)[..., None]
        losses = -Y * (shifted - xp.log(xp.exp(shifted).sum(-1))[..., None])
    return losses.sum() / X.shape[-2]
