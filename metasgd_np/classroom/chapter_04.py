"""The exercises of chapter 04, differentiate the backprop."""

import numpy as np

from ..network import TwoLayerNet
from ..second_order import hessian, hvp
from .formulas import judge_result
from .reading import as_array, call, choose, naming, require
from .register import new_chapter
from .sheets import draw_sheet, judge_lines

EXERCISES, exercise = new_chapter()

SEED = 9  # of the sheet of exercise 1
WHOLE = hessian, np.linalg.eig, np.linalg.eigh, np.linalg.eigvals, np.linalg.eigvalsh


def tangent_numbers(draw):
    """What is given of the sheet."""
    values = draw_sheet(draw, SEED).values
    return {symbol: values[symbol] for symbol in ("X1_s", "V1", "phi1_s")}


@exercise(
    "Two tangents by hand",
    "equations (4.1) and (4.2) in chapter 04",
    numbers=tangent_numbers,
)
def judge_tangents(marks, Z1_dot, H1_dot):
    """Judge (4.1) and (4.2)."""
    answers = {"Z1_dot": ("Z1_dot", Z1_dot), "H1_dot": ("H1_dot", H1_dot)}
    sheet = draw_sheet(marks.draw, SEED)
    judge_lines(marks, sheet, answers, known=("X1_s", "phi1_s", "V1"))


@exercise(
    "A new activation function",
    '"Activation functions in use" in chapter 02, and (4.7)',
)
def judge_softplus(marks, softplus_slope, softplus_curvature):
    """Compare with σ and σ (1 − σ), at real numbers."""
    Z = marks.rng.uniform(-5, 5, marks.rng.integers(3, 7, 2))
    with marks.part("softplus_slope"):
        named = {
            "this is the softplus itself": "log(1 + exp(Z))",
            "only the inner derivative: divide by 1 + eᶻ": "exp(Z)",
            "this is φ″": "σ(Z) * (1 - σ(Z))",
        }
        found = call(softplus_slope, Z)
        judge_result(found, "1 / (1 + exp(-Z))", {"Z": Z}, named)
    with marks.part("softplus_curvature"):
        named = {
            "this is φ′; differentiate it once more": "σ(Z)",
            "σ (1 − σ), not 1 − σ²: that is how tanh goes": "1 - σ(Z)**2",
        }
        found = call(softplus_curvature, Z)
        judge_result(found, "σ(Z) * (1 - σ(Z))", {"Z": Z}, named)


def draw_problem(rng, activation="tanh"):
    """(net, θ, X, Y) in sizes of their own, all different."""
    N, D, H, n_out = (int(n) for n in 3 + rng.permutation(4))
    net = TwoLayerNet(D, H, n_out, activation=activation)
    theta = rng.standard_normal(net.n_params)
    return net, theta, rng.standard_normal((N, D)), rng.standard_normal((N, n_out))


@exercise("Find the bug", "equations (4.1) to (4.8) in chapter 04")
def judge_hvp(marks, fixed_hvp, wrong_line):
    """Compare block by block; v = 0 shows what moves by itself."""
    with marks.part("fixed_hvp"):
        net, theta, X, Y = draw_problem(marks.rng)
        v = marks.rng.standard_normal(net.n_params)
        without = hvp, hessian, TwoLayerNet.gradient, TwoLayerNet.tangent_pass
        found = as_array(call(fixed_hvp, net, theta, X, Y, v, without=without)).ravel()
        require(found.size == v.size, f"{found.size} entries, expected (P,)")
        still = as_array(call(fixed_hvp, net, theta, X, Y, 0 * v))
        moves = "a product with v = 0 is zero, but something moves by itself"
        require(not still.any(), moves)
        p = net.backward_pass(theta, X, Y)
        values = p._asdict() | net.tangent_pass(p, v)._asdict()
        values["H1_1_dot"] = np.pad(values["H1_dot"], ((0, 0), (0, 1)))
        values["W2"], values["V2"] = net.unpack(theta)[1][:-1], net.unpack(v)[1][:-1]
        dH1_dot = "(dF_dot @ W2.T + dF @ V2.T)"
        formulas = {
            "W1 and b1": f"X1.T @ ({dH1_dot} * phi1 + dH1 * phi2 * Z1_dot)",
            "W2 and b2": "H1_1_dot.T @ dF + H1_1.T @ dF_dot",
        }
        curved = "the term with φ″ of (4.7) is missing"
        named = {curved: f"X1.T @ ({dH1_dot} * phi1)"}
        for blocks, matrix in zip(formulas, net.unpack(found), strict=True):
            with naming(f"blocks {blocks}"):
                judge_result(matrix, formulas[blocks], values, named)
    with marks.part("wrong_line"):
        line = choose(wrong_line, [f"4.{n}" for n in range(1, 9)])
        hint = "which block is wrong at v = 0, and which line makes it?"
        require(line == "4.5", hint)


@exercise("Predict: a block in closed form", "equations (4.1) to (4.5) in chapter 04")
def judge_corner(marks, corner):
    """Compare with the corner of the whole Hessian, with and without a φ″."""
    for activation in ("tanh", "relu"):
        net, theta, X, Y = draw_problem(marks.rng, activation)
        values = {"N": len(X), "one": np.eye(net.n_out)}
        values["H"] = net.backward_pass(theta, X, Y).H1_1
        turned = "right numbers; θ is row by row, so swap kron"
        named = {
            turned: "2 / N * kron(one, H.T @ H)",
        }
        found = call(corner, net, theta, X, without=(hessian, hvp))
        judge_result(found, "2 / N * kron(H.T @ H, one)", values, named)


def draw_sharp(rng, activation, sign):
    """A problem whose largest eigenvalue stands apart and has this sign; and it."""
    while True:
        problem = draw_problem(rng, activation)
        values = np.linalg.eigvalsh(hessian(*problem))
        second, first = np.argsort(np.abs(values))[-2:]
        apart = abs(values[second] / values[first]) < 0.85
        if apart and values[first] * sign > 0:
            return problem, values[first]


@exercise(
    "Experiment: the sharpest direction", '"The Hessian as a picture" in chapter 04'
)
def judge_sharpest(marks, sharpest):
    """Compare with all eigenvalues, once where the largest in size is negative."""
    for activation, sign in (("relu", 1), ("tanh", -1)):
        (net, *rest), largest = draw_sharp(marks.rng, activation, sign)
        v = marks.rng.standard_normal(net.n_params)
        found = as_array(call(sharpest, net, *rest, v, without=WHOLE))
        require(found.size == 1, f"return one number, not shape {found.shape}")
        ratio = found.item() / largest
        unit = "divide v by its length before you form vᵀ(∇²L v)"
        require(abs(ratio) < 1.01, unit)
        require(abs(ratio + 1) > 1e-6, "the sign is lost: vᵀ(∇²L v), not a length")
        few = "not the eigenvalue largest in size; are there enough rounds?"
        require(abs(ratio - 1) < 1e-6, few)
