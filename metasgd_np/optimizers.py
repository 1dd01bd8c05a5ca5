"""The outer loop's update rules: SGD, Adam and AdamW.

All share one interface. The state is a tuple of arrays of the parameters' shape, t
counts the updates from 1, and `scale` multiplies the rate (to let it decay):

    state = optimizer.start(w)
    w, state = optimizer.step(w, gradient, state, t, scale=1.0)

Nothing is edited in place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from numbers import Real

import numpy as np

from .checks import (
    as_numbers,
    check_both_finite,
    check_finite,
    positive_number,
    real_number,
    shown,
    whole_number,
)


def check_update(w, gradient, state, n_arrays, t, scale):
    """Return w, the gradient and the state as real arrays of one shape, or raise."""
    if not isinstance(state, tuple | list) or len(state) != n_arrays:
        raise ValueError(
            f"state is {shown(state)}, but this optimizer keeps {n_arrays} arrays; "
            "pass what start or the last step returned"
        )
    w, gradient = as_real("w", w), as_real("gradient", gradient)
    state = [as_real("state", array) for array in state]
    if [array.shape for array in (gradient, *state)] != [w.shape] * (1 + n_arrays):
        raise ValueError(
            f"w has shape {w.shape}, but the gradient and the state have "
            f"{[array.shape for array in (gradient, *state)]}; give all the same shape"
        )
    check_both_finite(("w", "gradient"), w, gradient)
    whole_number("t", t, 1)
    if real_number("scale", scale) < 0:
        raise ValueError(f"scale is {scale}, but it must be 0 or more")
    return w, gradient, tuple(state)


def as_real(name, values):
    """Return `values` as an array of integers or floats, or raise."""
    if type(values) is np.ndarray and values.dtype.kind == "f":
        return values
    array = as_numbers(name, values)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} has dtype {array.dtype}, but an optimizer takes real numbers; "
            f"convert it with {name}.astype(float)"
        )
    return array


@dataclass(frozen=True)
class SGD:
    """Plain gradient descent, w ← w − η g, equation (7.1).

    Parameters
    ----------
    rate : float, default 0.01
        The rate η, above 0.

    Examples
    --------
    >>> optimizer = SGD(0.5)
    >>> w = np.array([1.0, 2.0])
    >>> w, state = optimizer.step(w, w, optimizer.start(w), t=1)
    >>> w.tolist()
    [0.5, 1.0]
    """

    rate: float = 0.01

    def __post_init__(self):
        object.__setattr__(self, "rate", positive_number("rate", self.rate))

    def start(self, w: np.ndarray) -> tuple:
        """Make the state before the first update: empty."""
        check_finite("w", as_real("w", w))
        return ()

    def step(
        self,
        w: np.ndarray,
        gradient: np.ndarray,
        state: tuple,
        t: int,
        scale: float = 1.0,
    ) -> tuple:
        """Take one update; return the new w and the (empty) state."""
        w, gradient, state = check_update(w, gradient, state, 0, t, scale)
        return w - self.rate * scale * gradient, state  # (7.1)


@dataclass(frozen=True)
class Adam:
    """Steps scaled by running means of the gradient and of its square.

    m ← β1 m + (1 − β1) g                                               (7.2)
    v ← β2 v + (1 − β2) g²                                              (7.3)
    w ← w − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β1ᵗ),  v̂ = v / (1 − β2ᵗ)      (7.4)

    Parameters
    ----------
    rate : float, default 1e-3
        The rate η, above 0.
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of the means, at least 0 and below 1.
    epsilon : float, default 1e-8
        The ε of (7.4), above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Notes
    -----
    Source: Kingma and Ba, arXiv:1412.6980, algorithm 1.

    Examples
    --------
    >>> optimizer = Adam(0.1)
    >>> w = np.array([1.0, -1.0])
    >>> w, state = optimizer.step(w, 5 * w, optimizer.start(w), t=1)
    >>> w.round(6).tolist()
    [0.9, -0.9]
    """

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self):
        for name in ("rate", "epsilon"):
            object.__setattr__(self, name, positive_number(name, getattr(self, name)))
        for name in ("beta1", "beta2"):
            beta = real_number(name, getattr(self, name))
            if not 0 <= beta < 1:
                raise ValueError(
                    f"{name} is {beta:g}, but it must be at least 0 and below 1; "
                    "Adam's authors suggest 0.9 and 0.999"
                )
            object.__setattr__(self, name, beta)

    def start(self, w: np.ndarray) -> tuple:
        """Make the state before the first update: m = v = 0, of w's shape."""
        w = as_real("w", w)
        check_finite("w", w)
        return np.zeros_like(w), np.zeros_like(w)

    def step(
        self,
        w: np.ndarray,
        gradient: np.ndarray,
        state: tuple,
        t: int,
        scale: float = 1.0,
    ) -> tuple:
        """Take the t-th update, t = 1, 2, …; return the new w and the new state."""
        w, gradient, (m, v) = check_update(w, gradient, state, 2, t, scale)
        m = self.beta1 * m + (1 - self.beta1) * gradient  # (7.2)
        v = self.beta2 * v + (1 - self.beta2) * gradient * gradient  # (7.3)
        rate = self.rate * scale / (1 - self.beta1**t)
        root = np.sqrt(v) / sqrt(1 - self.beta2**t)
        return w - rate * m / (root + self.epsilon), (m, v)  # (7.4)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: each row r of w (R, P) decays at its own λ_r.

    w_r ← (7.4) − η λ_r w_r,   η the rate times the scale; decay = (λ_1, …, λ_R)

    Unlike a penalty on the loss, the decay is not divided by √v̂.

    Parameters
    ----------
    rate, beta1, beta2, epsilon : float
        As for Adam.
    decay : tuple of R floats, default (0, 0)
        Each λ_r, 0 or more.

    Notes
    -----
    Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
    """

    decay: tuple = (0.0, 0.0)

    def __post_init__(self):
        super().__post_init__()
        decay = tuple(self.decay) if isinstance(self.decay, Iterable) else ()
        real = [isinstance(r, Real) and not isinstance(r, bool) for r in decay]
        if not decay or not all(real) or not all(0 <= rate < np.inf for rate in decay):
            raise ValueError(
                f"decay is {shown(self.decay)}, but it must be numbers of 0 or more, "
                "one per row of w; (0, 0.1) lets Meta-SGD's α decay but not θ"
            )
        object.__setattr__(self, "decay", decay)

    def step(
        self,
        w: np.ndarray,
        gradient: np.ndarray,
        state: tuple,
        t: int,
        scale: float = 1.0,
    ) -> tuple:
        """Take the t-th update of w (R, P) as Adam does, then decay its rows."""
        new, state = super().step(w, gradient, state, t, scale)
        w = np.asarray(w)
        if w.ndim != 2 or len(w) != len(self.decay):
            raise ValueError(
                f"decay is {self.decay}, one number per row of w, but w has shape "
                f"{w.shape}; give as many numbers as it has rows"
            )
        decay = np.array(self.decay, new.dtype)[:, None]  # (R, 1)
        return new - self.rate * scale * decay * w, state  # (R, P)
