"""One meta-gradient by four roads, or five, which share as little as they can.

They are told apart by how they carry a derivative through the inner steps:

    R-operator          `meta_gradient`: λ carried backwards, H v without H
    explicit Hessian    λ carried backwards with whole matrices from `hessian`
    forward chain rule  S_j = ∂θ_j/∂θ and A_j = ∂θ_j/∂α carried forwards,

                            S_{j+1} = S_j − diag(α) H_j S_j,               S_0 = I
                            A_{j+1} = A_j − diag(α) H_j A_j − diag(g_j),   A_0 = 0
                            dθ = S_Jᵀ ∇L_q(θ_J),  dα = A_Jᵀ ∇L_q(θ_J)

                        with each H_j by the complex step of net.gradient
    finite difference   central differences of the meta-loss
    PyTorch or JAX      automatic differentiation, where one of them is installed
"""

from dataclasses import dataclass
from html import escape

import numpy as np

from ..adaptation import adapt, check_alpha, meta_gradient
from ..checks import whole_number
from ..network import TwoLayerNet
from ..second_order import hessian
from ..tasks import TaskBatch
from .autodiff import by_autodiff
from .claims import check_twice, one_vector, scalar
from .comparing import FLOOR, Central, relative
from .numerical import COMPLEX_STEP
from .reports import aligned, html_table
from .rungs import (
    entry_lines,
    meta_claim,
    meta_loss,
    meta_parts,
    size_of,
)

TOLERANCE = 1e-10  # products of (P, P) matrices collect some rounding


def agreement(net, theta, alpha, batch, steps=1):
    """Compare the meta-gradient by all roads; return an Agreement, a table.

    The arguments are those of meta_gradient. Every road is held to the R-operator's
    result, block by block, in errors relative to the block's largest entry: 1e-10, and
    1e-7 for finite differences, for which a kink is no failure.
    """
    steps = whole_number("steps", steps, 0)
    theta = one_vector("theta", theta, net).astype(np.float64)
    alpha = one_vector("alpha", check_alpha(net, alpha, theta), net).astype(np.float64)
    f = scalar(meta_loss(net, batch, steps))
    x = np.concatenate([theta, alpha])  # (2P,)
    check_twice(f, x)
    claim = meta_claim(meta_gradient(net, theta, alpha, batch, steps), theta)  # (2P,)
    scale = scale_of(f, x, claim, meta_parts(net))  # (2P,)
    errors = {
        road: relative(np.concatenate(pair) - claim.values, scale)
        for road, pair in exact_roads(net, theta, alpha, batch, steps).items()
    }
    trusted = errors["forward chain rule"] <= TOLERANCE
    differences = Central.of(entry_lines(f, x)[0], claim, scale, trusted)
    rows = []
    for part in meta_parts(net):
        norm = float(np.sqrt((claim.values[part.index] ** 2).sum()))
        cells = {road: cell(error[part.index].max()) for road, error in errors.items()}
        row = differences.row(part, claim)
        cells["finite difference"] = (row.error, row.verdict)
        rows.append((part.quantity, part.block, norm, cells))
    return Agreement(tuple(rows))


def scale_of(f, x, claim, parts):
    """What errors are relative to (2P,), as in a gradient check."""
    unit = np.maximum(1, np.abs(x))
    size = size_of(f, x, np.random.default_rng(0)).value
    size = max(size, np.abs(claim.values * unit).max())
    return claim.scale(parts, FLOOR * size / unit)


def exact_roads(*arguments):
    """{road: (dθ, dα)} for all roads but the R-operator and finite differences."""
    return {
        "explicit Hessian": by_explicit_hessian(*arguments),
        "forward chain rule": by_forward_chain_rule(*arguments),
        **by_autodiff(*arguments),
    }


def cell(error):
    """(error, verdict) of one exact road in one block."""
    return float(error), "ok" if error <= TOLERANCE else "wrong"


@dataclass(frozen=True)
class Agreement:
    """How far each road is from the R-operator's meta-gradient, block by block.

    rows : tuple of (quantity, block, norm, {road: (largest relative error, verdict)})
        norm is the Euclidean norm of the block by the R-operator
    """

    rows: tuple

    @property
    def roads(self):
        """The names of the columns beside the R-operator."""
        return tuple(self.rows[0][-1])

    @property
    def wrong(self):
        """The roads that disagree somewhere."""
        return tuple(
            road
            for road in self.roads
            if any(cells[road][1] == "wrong" for *_, cells in self.rows)
        )

    @property
    def ok(self):
        """True if every road gives the same meta-gradient."""
        return not self.wrong

    def assert_ok(self):
        """Return nothing if all agree; else AssertionError with the table."""
        if not self.ok:
            raise AssertionError(str(self))

    @property
    def conclusion(self):
        """The table in one line."""
        if self.ok:
            return f"OK: {len(self.roads) + 1} roads lead to the same meta-gradient."
        told = f"WRONG: {', '.join(self.wrong)} disagree with the R-operator"
        if len(self.wrong) == len(self.roads):
            told += ", as do all roads: look at the R-operator itself first"
        return told + "."

    def lines(self):
        """The table as lines of strings, the header first."""
        lines = [("quantity", "block", "norm", *self.roads)]
        for quantity, block, norm, cells in self.rows:
            told = [
                f"{error:.0e}" if verdict == "ok" else f"{error:.0e} {verdict.upper()}"
                for error, verdict in cells.values()
            ]
            lines.append((quantity, block, f"{norm:.4g}", *told))
        return lines

    def __str__(self):
        return (
            "Norm of each block by the R-operator, and how far each other road is from "
            f"it:\n\n{aligned(self.lines())}\n\n{self.conclusion}"
        )

    def _repr_html_(self):
        header, *lines = self.lines()
        table = html_table(header, lines, [""] * len(lines))
        return f"{table}<p><b>{escape(self.conclusion)}</b></p>"


def by_explicit_hessian(net, theta, alpha, batch, steps):
    """(dθ, dα), each (P,): λ_j = λ_{j+1} − H_j (α∘λ_{j+1}) with whole matrices H_j."""
    thetas = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    thetas = np.broadcast_to(thetas, (steps + 1, len(batch), net.n_params))
    lam = net.gradient(thetas[-1], batch.X_q, batch.Y_q)  # (T, P)
    d_alpha = np.zeros_like(lam)  # (T, P)
    for theta_j in reversed(thetas[:-1]):
        g = net.gradient(theta_j, batch.X_s, batch.Y_s)  # (T, P)
        # hessian takes one task at a time
        tasks = zip(theta_j, batch.X_s, batch.Y_s, strict=True)
        H = np.stack([hessian(net, *task) for task in tasks])  # (T, P, P)
        d_alpha = d_alpha - g * lam
        lam = lam - (H @ (alpha * lam)[..., None])[..., 0]  # (T, P)
    return lam.mean(0), d_alpha.mean(0)


def by_forward_chain_rule(net, theta, alpha, batch, steps):
    """(dθ, dα), each (P,): S_j and A_j of the module's text, carried forwards."""
    X, Y = batch.X_s[:, None], batch.Y_s[:, None]  # (T, 1, N, ·)
    T, P = len(batch), net.n_params
    identity = np.eye(P)
    S = np.broadcast_to(identity, (T, P, P))  # ∂θ_j/∂θ
    A = np.zeros((T, P, P))  # ∂θ_j/∂α
    theta_j = np.broadcast_to(theta, (T, P))
    for _ in range(steps):
        g = net.gradient(theta_j, batch.X_s, batch.Y_s)  # (T, P)
        moved = theta_j[:, None] + 1j * COMPLEX_STEP * identity  # (T, P, P), by rows
        H = net.gradient(moved, X, Y).imag.mT / COMPLEX_STEP  # (T, P, P)
        S, A = (
            S - alpha[:, None] * (H @ S),
            A - alpha[:, None] * (H @ A) - g[..., None] * identity,
        )
        theta_j = theta_j - alpha * g
    g_q = net.gradient(theta_j, batch.X_q, batch.Y_q)[..., None]  # (T, P, 1)
    return (S.mT @ g_q)[..., 0].mean(0), (A.mT @ g_q)[..., 0].mean(0)


def small_problem(activation="tanh", loss="squared_error", steps=2, seed=0):
    """(net, theta, alpha, batch, steps) to check on: every size another, none 1.

    θ is normal and α uniform in ±[0.2, 0.4], large enough for a missing term to show.
    The square, with which such steps diverge, gets half of θ and a tenth of α.
    """
    net = TwoLayerNet(2, 5, 4, activation, loss)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    T, N_s, N_q = 9, 7, 8

    def examples(n):
        X = rng.standard_normal((T, n, net.n_in))
        if loss == "softmax_cross_entropy":
            return X, rng.integers(net.n_out, size=(T, n))
        Y = rng.standard_normal((T, n, net.n_out))
        return X, (Y > 0).astype(float) if loss == "sigmoid_cross_entropy" else Y

    batch = TaskBatch(*examples(N_s), *examples(N_q))
    theta = rng.standard_normal(net.n_params)
    alpha = rng.choice([-1, 1], net.n_params) * rng.uniform(0.2, 0.4, net.n_params)
    if activation == "square":
        theta, alpha = theta / 2, alpha / 10
    return net, theta, alpha, batch, steps
