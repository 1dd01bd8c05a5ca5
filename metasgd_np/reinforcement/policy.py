"""A Gaussian policy: a network for the mean action, and a trainable log-variance.

The policy's output is F = [M S], M = net(X) and every row of S is s (12.1); θ is the
net's own θ with s at its end. gaussian_loss.py has the loss of F and its slopes dM
and dS. Every row of S is the same s, so

    ds     = Σ_n dS                                                     (12.6)
    ds_dot = Σ_n dS_dot                                                 (12.9)

and the net's own passes do the rest, run with a loss whose slope is dM and whose
curvature is dM_dot. The code that adapts a network therefore also adapts a policy and
computes its meta-gradient.
"""

from copy import copy
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_has, real_number
from ..interface import Network
from ..losses import Loss
from ..net_checks import check_vector
from .gaussian_loss import GAUSSIAN, gaussian_curvature, gaussian_slope

LARGEST = 80  # |log-variance|


class PolicyPass(NamedTuple):
    """One forward and backward pass: the net's own, and the policy's additions.

    Shapes: F, dF (..., N, 2O); Y (..., N, 2O+1); gradient (..., P).
    """

    net_pass: NamedTuple
    F: np.ndarray
    Y: np.ndarray
    dF: np.ndarray
    gradient: np.ndarray


class PolicyTangents(NamedTuple):
    """One second-order pass: the net's own, F_dot, dF_dot (..., N, 2O), hv (..., P)."""

    net_tangents: NamedTuple
    F_dot: np.ndarray
    dF_dot: np.ndarray
    hv: np.ndarray


class GaussianPolicy(Network):
    """Actions a ~ N(net(x), e^s); it can be adapted like any network.

    θ (P,) is the net's θ and then s (O,). The output of `forward` is F = [M S]
    (..., N, 2O), and targets Y are (..., N, 2O+1); `policy_targets` makes them.

    Parameters
    ----------
    net : TwoLayerNet or DeepNet
        From states to mean actions; its loss is not used.
    log_variance : float, default 0
        The value of s before training.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> policy = GaussianPolicy(TwoLayerNet(2, 8, 2))
    >>> policy.n_params  # 42 of the net and 2 log-variances
    44
    """

    loss_name = "gaussian"
    loss_function = GAUSSIAN

    def __init__(self, net: Network, log_variance: float = 0.0):
        check_has("net", net, ("forward_pass", "n_out"), "TwoLayerNet(2, 100, 2)")
        self.net = net
        self.log_variance = real_number("log_variance", log_variance)
        if abs(self.log_variance) > LARGEST:
            raise ValueError(
                f"log_variance is {log_variance}, but it must lie between -{LARGEST} "
                f"and {LARGEST}, where float32 holds its exponential; 0 is variance 1"
            )
        self.n_in, self.n_hidden, self.n_out = net.n_in, net.n_hidden, net.n_out
        self.activation_name = net.activation_name

    def __repr__(self):
        return f"GaussianPolicy({self.net!r}, log_variance={self.log_variance!r})"

    @cached_property
    def n_params(self) -> int:
        """P: the parameters of the net, and O log-variances."""
        return self.net.n_params + self.n_out

    def init(self, rng: np.random.Generator | int) -> np.ndarray:
        """Draw θ (P,): the net's own, then s."""
        s = np.full(self.n_out, self.log_variance)
        return np.concatenate([self.net.init(rng), s])

    def unpack(self, theta: np.ndarray) -> tuple:
        """View θ (..., P) as the net's θ (..., P−O) and s (..., O)."""
        if getattr(theta, "shape", ())[-1:] != (self.n_params,):
            theta = check_vector("theta", theta, self.n_params)
        return theta[..., : -self.n_out], theta[..., -self.n_out :]

    def blocks(self, theta: ArrayLike) -> dict:
        """View θ (..., P) as the net's named blocks and "s": (..., O)."""
        net_theta, s = self.unpack(check_vector("theta", theta, self.n_params))
        return self.net.blocks(net_theta) | {"s": s}

    def act(self, theta: np.ndarray, X: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Draw actions (..., N, O) = m + e^(s/2) ∘ noise at states X (..., N, D)."""
        net_theta, s = self.unpack(theta)
        *_, M = self.net.forward_pass(net_theta, X)  # (..., N, O)
        return M + np.exp(s / 2)[..., None, :] * noise

    def forward_pass(self, theta: np.ndarray, X: np.ndarray) -> tuple:
        """Compute F (..., N, 2O), returned as a tuple of one."""
        net_theta, s = self.unpack(theta)
        *_, M = self.net.forward_pass(net_theta, X)  # (..., N, O)
        return (with_rows(M, s),)  # (..., N, 2O) (12.1)

    def backward_pass(
        self, theta: np.ndarray, X: np.ndarray, Y: np.ndarray
    ) -> PolicyPass:
        """Compute the forward and the backward pass; keep both in a PolicyPass."""
        net_theta, s = self.unpack(theta)
        net_pass = self.net_for(s).backward_pass(net_theta, X, Y)
        F = with_rows(net_pass.F, s)  # (..., N, 2O) (12.1)

        dF = gaussian_slope(F, Y)  # (..., N, 2O)
        ds = dF[..., self.n_out :].sum(-2)  # (..., O) (12.6)
        gradient = np.concatenate([net_pass.gradient, ds], axis=-1)  # (..., P)
        return PolicyPass(net_pass, F, Y, dF, gradient)

    def tangent_pass(self, p: PolicyPass, v: np.ndarray) -> PolicyTangents:
        """Differentiate the PolicyPass p along v (..., P), into PolicyTangents."""
        net_v, s_dot = self.unpack(v)
        s = p.F[..., 0, self.n_out :]  # (..., O)
        net_tangents = self.net_for(s, s_dot).tangent_pass(p.net_pass, net_v)
        F_dot = with_rows(net_tangents.F_dot, s_dot)  # (..., N, 2O)

        dF_dot = gaussian_curvature(p.F, p.Y, F_dot)  # (..., N, 2O)
        ds_dot = dF_dot[..., self.n_out :].sum(-2)  # (..., O) (12.9)
        hv = np.concatenate([net_tangents.hv, ds_dot], axis=-1)  # (..., P)
        return PolicyTangents(net_tangents, F_dot, dF_dot, hv)

    def net_for(self, s: np.ndarray, s_dot: np.ndarray | None = None) -> Network:
        """Copy the net with slope dM and, given s_dot, curvature dM_dot (12.7)."""

        def slope(M, Y):
            return gaussian_slope(with_rows(M, s), Y)[..., : self.n_out]

        def curvature(M, Y, M_dot):
            F, F_dot = with_rows(M, s), with_rows(M_dot, s_dot)
            return gaussian_curvature(F, Y, F_dot)[..., : self.n_out]

        net = copy(self.net)
        net.loss_function = Loss(None, slope, curvature, None)
        return net


def with_rows(M, s):
    """[M S]: M (..., N, O) with s (..., O) appended to each row, all axes broadcast."""
    axes = np.broadcast_shapes(M.shape[:-1], (*s.shape[:-1], 1))
    S = np.broadcast_to(s[..., None, :], (*axes, s.shape[-1]))
    return np.concatenate([np.broadcast_to(M, (*axes, M.shape[-1])), S], axis=-1)
