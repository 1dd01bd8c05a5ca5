"""The checker's judgement: near kinks, with values of few digits, and of what is wrong.

Never WRONG for a right gradient, never OK for a wrong one; "not checked" may be either.
"""

import math
import warnings
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasgd_np import (
    DeepNet,
    check_gradient,
    check_meta_gradient,
    gradcheck,
    meta_gradient,
)
from metasgd_np.gradient_check import small_problem
from metasgd_np.worksheets.mistakes import ENTRIES

FEW = settings(max_examples=15, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32)


def relu(z):
    return np.where(z.real > 0, z, 0)


def on_reals(function):
    """`function` as one that takes no complex numbers."""
    return lambda x: float(function(np.asarray(x, float)))


def off_by_a_twentieth(rng, gradient):
    """The gradient with one entry of at least 1e-5 of the largest off by 5 %."""
    wrong = np.array(gradient)
    large = np.flatnonzero(np.abs(wrong) > 1e-5 * np.abs(wrong).max())
    wrong[rng.choice(large)] *= rng.choice([0.95, 1.05])
    return wrong


def smooth_problem(rng):
    """(function, gradient at the point, point) of a smooth function."""
    P = rng.integers(1, 5)
    A, b, x = (
        rng.standard_normal((P, P)),
        rng.standard_normal(P),
        rng.standard_normal(P),
    )
    problems = (
        (lambda x: np.sin(A @ x) @ b, A.T @ (b * np.cos(A @ x))),
        (lambda x: np.exp(A @ x / 2).sum(), A.T @ np.exp(A @ x / 2) / 2),
        (lambda x: (b * x**3).sum() + b @ (A @ x), 3 * b * x**2 + A.T @ b),
        (lambda x: ((A @ x - b) ** 2).mean(), 2 * A.T @ (A @ x - b) / P),
    )
    return *problems[rng.integers(4)], x


def kinked_problem(rng):
    """The same, with up to five kinks at 1e-12 to 1 from the point."""
    M, P = rng.integers(1, 6), rng.integers(1, 4)
    A, v = rng.standard_normal((M, P)), rng.standard_normal(M)
    x, q = rng.standard_normal(P), rng.standard_normal(P)
    c = rng.choice([-1, 1], M) * 10.0 ** rng.uniform(-12, 0, M) - A @ x
    gradient = A.T @ (v * (A @ x + c > 0)) + q * np.cos(q @ x)
    return lambda x: v @ relu(A @ x + c) + np.sin(q @ x), gradient, x


# Kinks


def three_kinks(x):
    return relu(x[0] + np.array([2e-9, 3e-8, 4e-7])).sum() + x[0]


def test_several_kinks_near_the_point_do_not_accuse_a_right_gradient():
    report = gradcheck(three_kinks, [4.0], [0.0])
    report.assert_ok()
    assert report.rows[0].error == 0.0
    gradcheck(on_reals(three_kinks), [4.0], [0.0]).assert_ok()


@pytest.mark.parametrize("claim", [1.0, 2.0, 3.0, 3.8, 4.2, -4.0])
@pytest.mark.parametrize("function", [three_kinks, on_reals(three_kinks)])
def test_several_kinks_near_the_point_do_not_excuse_a_wrong_one(function, claim):
    assert gradcheck(function, [claim], [0.0]).wrong


@pytest.mark.parametrize("real", [False, True])
def test_a_kink_beside_the_point_is_none_at_the_point(real):
    def function(x):
        return relu(x[0] + 1e-9) + x[0]

    function = on_reals(function) if real else function
    report = gradcheck(function, [2.0], [0.0])
    report.assert_ok()
    assert "no derivative" not in str(report)
    for claim in (1.0, 1.5, 1.9, 2.1):
        assert gradcheck(function, [claim], [0.0]).wrong


def test_a_complex_step_right_on_one_side_only_is_not_trusted():
    def function(x):
        z, imaginary = x[0], 2j * x[0].imag if np.iscomplexobj(x) else 0
        return np.where(z.real > 0, 3 * z, 3 * z.real + imaginary)

    gradcheck(function, [3.0], [0.0]).assert_ok()
    assert gradcheck(function, [2.0], [0.0]).wrong


@pytest.mark.parametrize("seed", range(4))
def test_deep_relu_nets_with_small_weights_and_zero_biases(seed):
    rng = np.random.default_rng(seed)
    net = DeepNet((2, 4, 3, 3, 2), "relu")
    theta = 10.0 ** -rng.integers(1, 4) * rng.standard_normal(net.n_params)
    for name, block in net.blocks(theta).items():
        block[...] *= name.startswith("W")
    X, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, 2))
    check_gradient(net, theta, X, Y).assert_ok()
    wrong = off_by_a_twentieth(rng, net.gradient(theta, X, Y))
    assert check_gradient(net, theta, X, Y, claimed=wrong).wrong
    real = on_reals(lambda t: net.loss(t, X, Y))
    assert not gradcheck(real, net.gradient(theta, X, Y), theta).wrong
    assert not gradcheck(real, wrong, theta).ok


# Kinks so close that values cannot resolve the slope between them; in the last, F is
# flat near the point and looks noisy further away.
@pytest.mark.parametrize(
    ("seed", "exponents"),
    [([77, 13], (2, 4.5)), ([77, 48], (2, 4.5)), ([21, 29, 3], (0, 3.5))],
)
def test_small_weights_leave_slopes_that_no_value_shows(seed, exponents):
    rng = np.random.default_rng(seed)
    net = DeepNet((2, 3, int(rng.integers(2, 4)), 2), "relu")
    theta = 10.0 ** -rng.uniform(*exponents) * rng.standard_normal(net.n_params)
    for name, block in net.blocks(theta).items():
        block[...] *= name.startswith("W")
    n = int(rng.integers(2, 6))
    X, Y = rng.standard_normal((n, 2)), rng.standard_normal((n, 2))
    check_gradient(net, theta, X, Y).assert_ok()
    real = on_reals(lambda t: net.loss(t, X, Y))
    right = net.gradient(theta, X, Y)
    assert not gradcheck(real, right, theta, blocks=net.blocks).wrong


@FEW
@given(SEEDS)
def test_random_kinks(seed):
    rng = np.random.default_rng(seed)
    function, right, x = kinked_problem(rng)
    wrong = off_by_a_twentieth(rng, right)
    assert gradcheck(function, right, x).ok
    assert gradcheck(function, wrong, x).wrong
    assert not gradcheck(on_reals(function), right, x).wrong
    assert not gradcheck(on_reals(function), wrong, x).ok


# Values of few digits


@FEW
@given(SEEDS, st.integers(6, 12))
def test_rounded_values(seed, digits):
    rng = np.random.default_rng(seed)
    function, right, x = smooth_problem(rng)
    wrong = off_by_a_twentieth(rng, right)
    for rounded in (
        lambda x: round(float(function(x)), digits),
        lambda x: float(f"{float(function(x)):.{digits}g}"),
        lambda x: np.round(function(x), digits),
    ):
        assert not gradcheck(rounded, right, x).wrong
        assert not gradcheck(rounded, wrong, x).ok


@pytest.mark.parametrize(
    ("right", "left", "digits", "distance"),
    [(2.1, -2.8, 6, 1e-7), (1.2, -1.0, 5, 1e-4), (2.7, -1.8, 4, 1e-5)],
)
def test_kinks_hidden_by_rounding_do_not_accuse(right, left, digits, distance):
    def function(x):  # with a kink on either side, closer than the digits resolve
        kinks = right * relu(x[0] + distance) + left * relu(x[0] - distance)
        return round(float(kinks + np.sin(x[0])), digits)

    assert not gradcheck(function, [right + 1], [0.0]).wrong


@pytest.mark.parametrize("seed", range(10))
def test_six_digits_are_enough_for_a_verdict_on_entries_of_order_one(seed):
    rng = np.random.default_rng(seed)
    A, x = rng.uniform(0.5, 1, (3, 3)), rng.uniform(0.1, 0.5, 3)
    right = A.T @ np.cos(A @ x)
    report = gradcheck(lambda x: round(float(np.sin(A @ x).sum()), 6), right, x)
    report.assert_ok()
    wrong = off_by_a_twentieth(rng, right)
    assert gradcheck(lambda x: round(float(np.sin(A @ x).sum()), 6), wrong, x).wrong


def test_too_few_digits_are_counted():
    report = gradcheck(lambda x: round(math.sin(x[0]), 2), [math.cos(1)], [1.0])
    assert report.conclusion == "NOT CHECKED: gradient all."
    assert "values have 2 digits here, the check needs" in " ".join(str(report).split())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 3.0,
        lambda x: 3 + 0 * x[0],
        lambda x: round(1e-7 * math.exp(-(x[0] ** 2) / 9), 7),
        lambda x: 1e-7 if x[0] < 0.9 else 9e-8,  # one unit in the last place
    ],
)
def test_values_that_do_not_change_decide_nothing(function):
    for claim in (0.0, -2e-8):
        report = gradcheck(function, [claim], [1.0])
        assert report.conclusion == "NOT CHECKED: gradient all."


@pytest.mark.parametrize("seed", range(10))
def test_single_precision_inside(seed):
    rng = np.random.default_rng(seed)
    A, x = rng.standard_normal((3, 3)), rng.standard_normal(3)
    right = A.T @ np.cos(A @ x)

    def single(x):
        return np.sin(A.astype(np.float32) @ np.asarray(x, np.float32)).sum()

    assert not gradcheck(single, right, x).wrong
    assert not gradcheck(single, off_by_a_twentieth(rng, right), x).ok


@FEW
@given(SEEDS, st.floats(3, 10), st.floats(0.1, 0.9))
def test_a_solver_that_stops_early(seed, digits, k):
    def solve(u):
        z, last = 0.0, np.inf
        while abs(z - last) >= 10**-digits:
            z, last = k * math.sin(z) + u, z
        return z

    u = np.random.default_rng(seed).uniform(-3, 3)
    exact = 1 / (1 - k * math.cos(solve(u)))
    assert not gradcheck(lambda x: solve(x[0]), [exact], [u]).wrong
    assert not gradcheck(lambda x: solve(x[0]), [1.05 * exact], [u]).ok


@pytest.mark.parametrize("x", np.linspace(0.2, 1.1, 10))
def test_a_series_that_is_cut_off(x):
    def series(x):
        total, term = 0.0, 1.0
        while abs(term) > 1e-5:
            total, term = total + term, term * math.sin(x[0]) / 2
        return total

    right = math.cos(x) / 2 / (1 - math.sin(x) / 2) ** 2
    assert not gradcheck(series, [right], [x]).wrong
    assert not gradcheck(series, [1.05 * right], [x]).ok


@pytest.mark.parametrize(
    ("function", "gradient", "x"),
    [
        (lambda x: 1 + 1e-8 * np.sin(x).sum(), lambda x: 1e-8 * np.cos(x), [0.5, 2.0]),
        (lambda x: np.exp(100 * x).sum(), lambda x: 100 * np.exp(100 * x), [0.9, 1.0]),
        (lambda x: np.sort(x) @ [1, 2, 3], lambda x: np.array([2, 1, 3]), [2, 1, 4]),
        (
            lambda x: 1e6 * np.sin(x[0]) + 1e-6 * np.cos(x[1]),
            lambda x: np.array([1e6 * np.cos(x[0]), -1e-6 * np.sin(x[1])]),
            [0.5, 1.0],
        ),
        (lambda x: np.log(x[0]), lambda x: 1 / x, [1e-9]),
        (lambda x: np.sin(1e4 * x[0]), lambda x: 1e4 * np.cos(1e4 * x), [0.5]),
        (lambda x: np.sqrt((x**2).sum()), lambda x: x / np.sqrt(x @ x), [3.0, -4.0]),
        (lambda x: np.where(x[0].real > 1e-6, 5, 0) + x[0], lambda x: x + 1, [0.0]),
    ],
)
@pytest.mark.parametrize("real", [False, True])
def test_functions_of_unusual_scales(function, gradient, x, real):
    function = on_reals(function) if real else function
    right = np.asarray(gradient(np.array(x, float)), float)
    gradcheck(function, right, x).assert_ok()
    wrong = right * np.where(np.arange(len(x)) == np.abs(right).argmax(), 1.05, 1)
    assert not gradcheck(function, wrong, x).ok


HARSH = {
    "quantised": lambda f, size, x: size * math.floor(f(x) / size),
    "a step beside": lambda f, size, x: f(x) + size * (x[0] > 0.5 + size),
    "a sharp bend": lambda f, size, x: f(x) + abs(x[0] - 0.5) ** 1.5,
    "huge": lambda f, size, x: f(x) / size**3,
    "on a hill": lambda f, size, x: f(x) + 1 / size,
    "in float16": lambda f, size, x: float(np.float16(f(np.float16(x)))),
    "noisy": lambda f, size, x: f(x) + size * zlib.crc32(x.tobytes()) / 2**32,
}


@FEW
@given(SEEDS, st.floats(-12, -2), st.sampled_from(sorted(HARSH)))
def test_harsh_functions(seed, exponent, kind):
    rng = np.random.default_rng(seed)
    A, b, size = rng.uniform(0.5, 2, (3, 2)), rng.uniform(0.5, 2, 3), 10**exponent
    x = np.array([0.5, -0.3])  # where the bend has slope zero

    def function(x):
        return float(HARSH[kind](lambda x: float(np.sin(A @ x) @ b), size, x))

    right = A.T @ (b * np.cos(A @ x)) / (size**3 if kind == "huge" else 1)
    with np.errstate(all="ignore"):
        assert not gradcheck(function, right, x).wrong
        assert not gradcheck(function, off_by_a_twentieth(rng, right), x).ok


# What is wrong is named

THETA = np.random.default_rng(5).standard_normal(10)


def cut(x):
    return {"A": x[:6].reshape(2, 3), "b": x[6:]}


def cubic(x):
    return (x**3).sum() + 1e-6 * (x[:5] * x[5:]).sum()


RIGHT = 3 * THETA**2 + 1e-6 * np.roll(THETA, 5)


def altered(block, change):
    wrong = RIGHT.copy()
    view = cut(wrong)[block]
    view[...] = change(view.copy())
    return wrong


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (200 * RIGHT, "yours is 200 × the derivative in every entry: a sum where the"),
        (RIGHT / 7, "0.142857 × the derivative in every entry: a mean where"),
        (-RIGHT, "yours is minus the derivative: a flipped sign"),
        (2 * RIGHT, "the 2 of a square?"),
        (altered("b", lambda b: 3 * b), "gradient b is 3 × the derivative"),
        (altered("A", lambda A: A.T.reshape(2, 3)), "gradient A is transposed"),
        (altered("b", lambda b: 0 * b), "gradient b is zero"),
        (altered("b", lambda b: b[::-1]), "right numbers in the wrong places"),
        (RIGHT - 5e-6 * THETA, "forgotten weight decay, λ ≈ 5e-06"),
        (RIGHT + 0.1 * THETA, "doubled weight decay, λ ≈ 0.1"),
        (
            altered("A", lambda A: A + np.eye(6)[4].reshape(2, 3)),
            "but for the entry [1, 1]",
        ),
    ],
)
def test_a_pattern_is_named(claim, words):
    report = gradcheck(cubic, claim, THETA, blocks=cut)
    assert report.wrong
    assert words in " ".join(report.causes)
    gradcheck(cubic, RIGHT, THETA, blocks=cut).assert_ok()


@pytest.mark.parametrize(
    ("mistake", "variant"),
    [(mistake, variant) for mistake in ENTRIES for variant in mistake.variants],
    ids=lambda part: str(getattr(part, "number", "")),
)
def test_every_mistake_of_the_catalogue_is_named(mistake, variant):
    problem = small_problem(loss=mistake.loss, steps=3)
    report = check_meta_gradient(*problem, claimed=variant.meta_gradient(*problem))
    assert report.wrong
    assert f"mistake {mistake.number}, {mistake.name}" in " ".join(report.causes)


def test_a_mistake_without_effect_is_not_named():
    problem = small_problem(steps=1)  # mistakes between steps change nothing
    mg = meta_gradient(*problem)
    claimed = 1.00002 * mg.d_theta, 1.00002 * mg.d_alpha
    report = check_meta_gradient(*problem, claimed=claimed)
    assert report.wrong
    assert "mistake" not in " ".join(report.causes)


def test_two_mistakes_are_named_apart():
    problem = small_problem(steps=1)
    d_theta, _ = ENTRIES[1].meta_gradient(*problem)
    _, d_alpha = ENTRIES[2].meta_gradient(*problem)
    report = check_meta_gradient(*problem, claimed=(d_theta, d_alpha))
    assert "dθ is mistake 2, the curvature is dropped" in report.causes
    assert "dα is mistake 3, the sign of dα is flipped" in report.causes


# Any function


def test_plain_floats_and_a_function_that_returns_both():
    def both(x):
        return math.sin(x[0]) * x[1], [math.cos(x[0]) * x[1], math.sin(x[0])]

    gradcheck(both, None, [0.3, 2]).assert_ok()
    gradcheck(both, both([0.3, 2])[1], [0.3, 2]).assert_ok()
    assert gradcheck(both, [1.0, 1.0], [0.3, 2]).wrong


@pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")
def test_a_pytorch_function_takes_one_line():
    torch = pytest.importorskip("torch")

    def f(t):
        return (torch.sin(t) * t).sum()

    def f64(x):
        return torch.tensor(x, dtype=torch.float64)

    report = gradcheck(
        lambda x: f(f64(x)).item(), lambda x: torch.func.grad(f)(f64(x)), [0.5, -1.0]
    )
    report.assert_ok()


@pytest.mark.skipif(not find_spec("jax"), reason="JAX is not installed")
def test_a_jax_function_takes_one_line():
    jax = pytest.importorskip("jax")

    def f(x):
        return (jax.numpy.sin(x) * x).sum()

    x = np.array([0.5, -1.0])
    gradcheck(lambda x: float(f(x)), jax.grad(f), x).assert_ok()
    wrong = 1.05 * np.asarray(jax.grad(f)(x))
    assert not gradcheck(lambda x: float(f(x)), wrong, x).ok


@pytest.mark.parametrize("d", [1e-13, -1e-11, 3e-9, -1e-7])
@pytest.mark.parametrize("f", [lambda x: x, on_reals], ids=["complex", "real"])
def test_beside_the_kink_of_a_function_that_breaks_the_complex_step(f, d):
    x = np.array([d, 0.7])  # of abs(x[0]), complex step and difference both show 0
    right = np.array([0.3 * np.sign(d) + 2 * (d + 0.7), 0.3 + 2 * (d + 0.7)])
    function = f(lambda x: 0.3 * np.abs(x).sum() + (x[0] + x[1]) ** 2)
    gradcheck(function, right, x).assert_ok()
    for wrong in (right * [1.1, 1], right * [1, 1.05], -right):
        assert not gradcheck(function, wrong, x).ok


def test_no_warning_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradcheck(lambda x: np.log(x).sum(), [1e9, 1], [1e-9, 1.0]).assert_ok()
        problem = small_problem("relu")
        check_meta_gradient(*problem, claimed=meta_gradient(*problem, order=1))
