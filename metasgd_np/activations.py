"""Activation functions φ with their first and second derivatives φ′ and φ″.

Each activation is three elementwise functions of the pre-activation Z:

    value(Z)                  H = φ(Z)
    slope(Z, H)               φ′(Z), needed by the backward pass          (2.8)
    curvature(Z, H, phi1)     φ″(Z), needed by the second-order pass      (4.7)

slope and curvature also receive what is already computed, H = φ(Z) and phi1 = φ′(Z),
because the derivatives of tanh and the sigmoid are short in terms of their own values:

    name       φ(z)             φ′(z)          φ″(z)
    tanh       tanh z           1 − φ²         −2 φ φ′
    sigmoid    1 / (1 + e^−z)   φ (1 − φ)      φ′ (1 − 2φ)
    relu       max(z, 0)        1 if z > 0     0
    square     z²               2z             2
    identity   z                1              0

At its kink, z = 0, relu takes φ′ = 0. The functions accept float, complex and, for
the polynomials and relu, object arrays of fractions or SymPy expressions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Activation:
    """φ, φ′ and φ″ under one name; see the module's table."""

    value: Callable
    slope: Callable
    curvature: Callable


def sigmoid(Z):
    """σ(z) = 1 / (1 + e^−z), without overflow for any z; shape of Z, 0 ≤ σ ≤ 1."""
    E = np.exp(np.where(Z.real < 0, Z, -Z))  # e^−|z| ≤ 1
    return np.where(Z.real < 0, E, 1) / (1 + E)


ACTIVATIONS = {
    "tanh": Activation(
        value=np.tanh,
        slope=lambda Z, H: 1 - H * H,
        curvature=lambda Z, H, phi1: -2 * H * phi1,
    ),
    "sigmoid": Activation(
        value=sigmoid,
        slope=lambda Z, H: H * (1 - H),
        curvature=lambda Z, H, phi1: phi1 * (1 - 2 * H),
    ),
    "relu": Activation(
        value=lambda Z: np.where(Z.real > 0, Z, 0),
        slope=lambda Z, H: (Z.real > 0).astype(Z.dtype),
        curvature=lambda Z, H, phi1: np.zeros_like(Z),
    ),
    "square": Activation(
        value=lambda Z: Z * Z,
        slope=lambda Z, H: 2 * Z,
        curvature=lambda Z, H, phi1: np.full_like(Z, 2),
    ),
    "identity": Activation(
        value=lambda Z: Z,
        slope=lambda Z, H: np.ones_like(Z),
        curvature=lambda Z, H, phi1: np.zeros_like(Z),
    ),
}
