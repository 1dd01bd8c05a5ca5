"""Fractions and symbols: what the package computes is equal, not close.

Beside pencil and paper, the oracles are exact derivatives by dual numbers of a loss
written apart from the package, and SymPy's of the same loss in symbols.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from conftest import along, fractions, plain_loss

from metasgd_np import (
    DeepNet,
    TaskBatch,
    TwoLayerNet,
    adapt,
    hessian,
    hvp,
    meta_gradient,
)

pytestmark = pytest.mark.filterwarnings("error")

NETS = {
    "two layers": TwoLayerNet(1, 3, 2, "square"),
    "three layers": DeepNet((1, 3, 2, 2), "square"),
}
every_net = pytest.mark.parametrize("name", NETS)
half, quarter = Fraction(1, 2), Fraction(1, 4)


def assert_equal(got, expected):
    """The same numbers, each of them exact."""
    assert got.tolist() == list(expected)
    assert all(isinstance(entry, Fraction | int) for entry in got)


# Pencil and paper: θ = (½, 1, 2, −1)

SMALL = TwoLayerNet(1, 1, 1, "square")
THETA = np.array([half, 1, 2, -1], dtype=object)


def test_gradient_by_hand():
    # z = ½·2 + 1 = 2,  h = z² = 4,  f = 2·4 − 1 = 7,  L = (7 − 3)² = 16
    # df = 8:  dw2 = 8·4, db2 = 8;  dz = 8·2·2z = 64:  dw1 = 64·2, db1 = 64
    assert SMALL.forward(THETA, [[2]]).tolist() == [[7]]
    assert SMALL.loss(THETA, [[2]], [[3]]) == 16
    assert_equal(SMALL.gradient(THETA, [[2]], [[3]]), [128, 64, 32, 8])


def test_hvp_by_hand():
    # z = 2, h = 4, f = 7, df = 8, dh = 16 as above; v = e1, so
    # ż = 2,  ḣ = 2z·ż = 8,  ḟ = 2·8 = 16,  dḟ = 2·16 = 32:  dẇ2 = 8·8 + 4·32, dḃ2 = 32
    # dḣ = 32·2 = 64,  dż = 64·2z + 16·2·2 = 320:  dẇ1 = 320·2, dḃ1 = 320
    product = hvp(SMALL, THETA, [[2]], [[3]], [1, 0, 0, 0])
    assert_equal(product, [640, 320, 192, 32])


def test_meta_gradient_by_hand():
    # support x = 2, y = 7½: z = 2, h = 4, f = 7, so df = −1,
    # g = (−16, −8, −4, −1), and α = (1/16, 1/8, ¼, −1) gives θ′ = (3/2, 2, 3, −2)
    # query x = −1, y = −3/2: z = ½, h = ¼, f = −5/4, so df = ½, L = 1/16 and
    # λ = (−3/2, 3/2, 1/8, ½);  dα = −g∘λ.  With v = α∘λ = (−3/32, 3/16, 1/32, −½):
    # ż = 0, ḣ = 0, ḟ = 4/32 − ½ = −3/8, dḟ = −¾:  dẇ2 = −3, dḃ2 = −¾
    # dḣ = −¾·2 − 1/32 = −49/32, dż = 4·dḣ = −49/8:  Hv = (−49/4, −49/8, −3, −¾)
    alpha = np.array([quarter / 4, quarter / 2, quarter, -1], object)
    batch = TaskBatch(*([[[x * half]]] for x in (4, 15, -2, -3)))
    path = adapt(SMALL, THETA, alpha, batch.X_s[0], batch.Y_s[0])
    assert_equal(path[1], [3 * half, 2, 3, -2])

    lam = np.array([-3 * half, 3 * half, quarter / 2, half])
    first = meta_gradient(SMALL, THETA, alpha, batch, order=1)
    assert first.loss == quarter / 4
    assert_equal(first.d_theta, lam)

    exact = meta_gradient(SMALL, THETA, alpha, batch)
    curvature = [-49 * quarter, -49 * quarter / 2, -3, -3 * quarter]
    assert_equal(exact.d_theta, lam - curvature)
    assert_equal(exact.d_alpha, [-24, 12, half, half])


@pytest.mark.parametrize("alpha", [3, [3, 3, 3, 3], Fraction(3), np.array(3)], ids=repr)
def test_a_whole_alpha_stays_exact_beside_fractions(alpha):
    # as by hand above with y = 20/3: df = ⅔, a twelfth of 8, so g = (128, …)/12
    path = adapt(SMALL, THETA, alpha, [[2]], [[Fraction(20, 3)]])
    assert_equal(path[1], [half - 32, 1 - 16, 2 - 8, -1 - 2])


# Fractions


@pytest.mark.parametrize("integers", [False, True], ids=["fractions", "integers"])
@every_net
def test_gradient_and_hessian_are_exact(name, integers):
    net, rng = NETS[name], np.random.default_rng(0)
    theta, v = fractions(rng, 2, net.n_params)
    X, Y = fractions(rng, 3, 1), fractions(rng, 3, 2)
    if integers:  # beside fractions they stay exact
        X, Y = rng.integers(-9, 9, (3, 1)), rng.integers(-9, 9, (3, 2))
    unit = np.eye(net.n_params, dtype=object)
    exact = [plain_loss(net, along(theta, e), X, Y).slope for e in unit]
    assert net.loss(theta, X, Y) == plain_loss(net, theta, X, Y)
    assert_equal(net.gradient(theta, X, Y), exact)

    moving = along(theta, v)  # and each slope moves along v
    exact = [plain_loss(net, along(moving, e), X, Y).slope.slope for e in unit]
    assert_equal(hvp(net, theta, X, Y, v), exact)
    assert_equal(hessian(net, theta, X, Y) @ v, exact)


@pytest.mark.parametrize("steps", [1, 2])
@every_net
def test_meta_gradient_is_exact(name, steps):
    net, rng = NETS[name], np.random.default_rng(0)
    theta, alpha, u, v = fractions(rng, 4, net.n_params)
    alpha = alpha / 30
    sets = [fractions(rng, *size) for size in ((3, 1), (3, 2), (4, 1), (4, 2))]
    X_s, Y_s, X_q, Y_q = sets
    moving, rates = along(theta, u), along(alpha, v)
    for _ in range(steps):
        moving = moving - rates * net.gradient(moving, X_s, Y_s)
    exact = plain_loss(net, moving, X_q, Y_q)

    got = meta_gradient(net, theta, alpha, TaskBatch(*(A[None] for A in sets)), steps)
    assert got.loss == exact.value
    assert got.d_theta @ u + got.d_alpha @ v == exact.slope
    assert isinstance(got.d_theta @ u + got.d_alpha @ v, Fraction)


# Symbols


@pytest.mark.parametrize(
    "net",
    [TwoLayerNet(1, 3, 2, "square"), DeepNet((1, 2, 1, 2), "square")],
    ids=["two layers", "three layers"],
)
def test_gradient_and_hvp_are_sympys_polynomials_in_every_weight(net):
    rng = np.random.default_rng(0)
    _, *gens = sympy.ring(f"x:{net.n_params}", sympy.QQ)
    x, v = np.array(gens, dtype=object), fractions(rng, net.n_params)
    X, Y = fractions(rng, 1, 1), fractions(rng, 1, 2)
    L = plain_loss(net, x, X, Y)
    along_v = sum(L.diff(xi) * vi for xi, vi in zip(x, v, strict=True))
    assert net.gradient(x, X, Y).tolist() == [L.diff(xi) for xi in x]
    assert hvp(net, x, X, Y, v).tolist() == [along_v.diff(xi) for xi in x]


def test_symbols_pass_through():
    x, v = np.array(sympy.symbols("t:8")).reshape(2, -1)
    L = plain_loss(SMALL, x, np.array([[2]]), np.array([[3]]))
    along_v = sum(vi * L.diff(xi) for vi, xi in zip(v, x, strict=True))
    for got, exact in (
        (SMALL.gradient(x, [[2]], [[3]]), L),
        (hvp(SMALL, x, [[2]], [[3]], v), along_v),
    ):
        for entry, xi in zip(got, x, strict=True):
            assert sympy.expand(entry - exact.diff(xi)) == 0
