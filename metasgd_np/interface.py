"""What every network can do, whatever its layers: θ as one vector, checked calls."""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from .checks import as_numbers, as_rng
from .net_checks import (
    check_axes_in_front,
    check_exact,
    check_examples,
    check_inputs,
    check_vector,
)


class Network:
    """Base class of networks: everything that follows from three passes and `shapes`.

    A network defines `shapes` (the bias in the last row of each matrix) and, for
    arguments already checked,

        forward_pass(theta, X)        every array of the forward pass, F last
        backward_pass(theta, X, Y)    those of both passes, with .F and .gradient
        tangent_pass(p, v)            those of the second-order pass, with .F_dot, .hv

    It has `n_in`, `n_hidden` (its widest layer), `n_out`, `loss_name` and
    `loss_function`. No other code checks which network it has.
    """

    @cached_property
    def n_params(self) -> int:
        """P, the number of entries of θ."""
        return sum(rows * columns for rows, columns in self.shapes)

    def init(self, rng: np.random.Generator | int) -> np.ndarray:
        """Draw θ: weights normal with variance 1 / fan-in, biases zero.

        Parameters
        ----------
        rng : numpy.random.Generator or int
            The source of randomness, or its seed.

        Returns
        -------
        (P,) array
            W1, b1, W2, b2, … end to end, each row by row.

        Notes
        -----
        Source: LeCun et al., Efficient BackProp (1998), section 4.6.
        """
        rng = as_rng(rng)
        theta = np.zeros(self.n_params)
        for W in self.unpack(theta):
            fan_in = len(W) - 1
            W[:-1] = rng.standard_normal(W[:-1].shape) / np.sqrt(fan_in)
        return theta

    def unpack(self, theta: np.ndarray) -> tuple:
        """View θ as its weight matrices.

        Parameters
        ----------
        theta : (..., P) array
            Parameters, or anything of their shape.

        Returns
        -------
        tuple of (..., fan-in + 1, fan-out) arrays
            Views W1, W2, …, the bias in the last row of each.

        Raises
        ------
        ValueError
            If the last axis is not P.
        """
        if getattr(theta, "shape", ())[-1:] != (self.n_params,):
            theta = check_vector("theta", theta, self.n_params)
        matrices, start = [], 0
        for rows, columns in self.shapes:
            end = start + rows * columns
            W = theta[..., start:end].reshape(*theta.shape[:-1], rows, columns)
            matrices.append(W)
            start = end
        return tuple(matrices)

    def pack(self, *matrices: np.ndarray) -> np.ndarray:
        """Lay weight matrices end to end: the inverse of `unpack`.

        Parameters
        ----------
        *matrices : (..., fan-in + 1, fan-out) arrays
            W1, W2, …, with the same leading axes.

        Returns
        -------
        (..., P) array
            One vector per entry of the leading axes, a copy.

        Raises
        ------
        ValueError
            If the matrices do not have the shapes of this network's.
        """
        matrices = [
            W if isinstance(W, np.ndarray) else as_numbers("a matrix", W)
            for W in matrices
        ]
        if tuple([W.shape[-2:] for W in matrices]) != self.shapes:
            raise ValueError(
                f"the matrices have shapes {[W.shape for W in matrices]}, but this "
                f"network has {list(self.shapes)}, each after the same leading axes; "
                "give one matrix per layer, the bias in its last row"
            )
        try:
            flat = [W.reshape(*W.shape[:-2], -1) for W in matrices]
            return np.concatenate(flat, axis=-1)
        except ValueError:
            raise ValueError(
                f"the matrices have shapes {[W.shape for W in matrices]}, but their "
                "leading axes must be equal; give all the same number of tasks"
            ) from None

    def blank(self, *arrays: np.ndarray) -> tuple:
        """Make a vector (..., P), not yet filled, and `unpack` it.

        Parameters
        ----------
        *arrays : (..., N, O) arrays
            Their leading axes, broadcast, and number type are the vector's.

        Returns
        -------
        tuple
            The vector, and the tuple of its matrices: what fills these fills it.
        """
        *axes, _, _ = np.broadcast(*arrays).shape
        theta = np.empty((*axes, self.n_params), np.result_type(*arrays))
        return theta, self.unpack(theta)

    def blocks(self, theta: ArrayLike) -> dict:
        """View θ as named weights and biases.

        Parameters
        ----------
        theta : (..., P) array_like
            Parameters, or anything of their shape, such as a gradient.

        Returns
        -------
        dict
            Views ``{"W1": (..., D, H), "b1": (..., H), "W2": …, "b2": …}``.

        Raises
        ------
        ValueError
            If the last axis is not P, or an entry is not finite.
        """
        named = {}
        theta = check_vector("theta", theta, self.n_params)
        for i, W in enumerate(self.unpack(theta), start=1):
            named |= {f"W{i}": W[..., :-1, :], f"b{i}": W[..., -1, :]}
        return named

    def forward(self, theta: ArrayLike, X: ArrayLike) -> np.ndarray:
        """Compute the network's output F.

        Parameters
        ----------
        theta : (..., P) array_like
            Parameters.
        X : (..., N, D) array_like
            Inputs.

        Returns
        -------
        (..., N, O) array
            F; for cross-entropies these are logits.

        Raises
        ------
        ValueError
            If θ or X does not fit this network or holds NaN.
        """
        theta = check_vector("theta", theta, self.n_params)
        X = as_numbers("X", X)
        check_inputs("X", X, self)
        check_axes_in_front(theta=theta.shape[:-1], X=X.shape[:-2])
        check_exact(self, theta, X)
        *_, F = self.forward_pass(theta, X)
        return F

    def loss(self, theta: ArrayLike, X: ArrayLike, Y: ArrayLike) -> np.ndarray:
        """Compute the loss L(F, Y), a mean over the N examples; equation (2.4).

        Parameters
        ----------
        theta : (..., P) array_like
            Parameters.
        X : (..., N, D) array_like
            Inputs.
        Y : (..., N, O) array_like
            Targets, or (..., N) integer labels for softmax cross-entropy.

        Returns
        -------
        (...) array
            One loss per entry of the leading axes; a scalar for a single task.

        Raises
        ------
        ValueError
            If an argument does not fit this network or holds NaN.
        TypeError
            If class labels are not integers.
        """
        theta, X, Y = check_examples(self, theta, X, Y)
        *_, F = self.forward_pass(theta, X)
        return self.loss_function.value(F, Y)

    def gradient(self, theta: ArrayLike, X: ArrayLike, Y: ArrayLike) -> np.ndarray:
        """Compute ∂L/∂θ, equations (2.5)–(2.9).

        Parameters
        ----------
        theta : (..., P) array_like
            Parameters.
        X : (..., N, D) array_like
            Inputs.
        Y : (..., N, O) array_like
            Targets, or (..., N) integer labels for softmax cross-entropy.

        Returns
        -------
        (..., P) array
            In the order of θ; `blocks` names its parts.

        Raises
        ------
        ValueError
            If an argument does not fit this network or holds NaN.
        TypeError
            If class labels are not integers.
        """
        theta, X, Y = check_examples(self, theta, X, Y)
        return self.backward_pass(theta, X, Y).gradient
