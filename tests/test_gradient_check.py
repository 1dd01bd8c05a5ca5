"""The checker: right code passes, whatever is planted is caught and located."""

import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import ACTIVATIONS, LOSSES, examples, make_net
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from metasgd_np import (
    TaskBatch,
    TwoLayerNet,
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    gradcheck,
    hvp,
    meta_gradient,
)
from metasgd_np.activations import ACTIVATIONS as ACTIVATION_TABLE
from metasgd_np.cli import main
from metasgd_np.gradient_check import autodiff as autodiff_room
from metasgd_np.gradient_check import small_problem
from metasgd_np.gradient_check.compare import CENTRAL, COMPLEX, TAYLOR

METHODS = (COMPLEX, CENTRAL, TAYLOR)


def setting(activation="tanh", loss="squared_error", seed=0, n_examples=8):
    """A net, θ of std 1 and one task's X and Y."""
    rng = np.random.default_rng(seed)
    net = make_net(activation, loss)
    return net, rng.standard_normal(net.n_params), *examples(rng, net, n_examples)


def verdicts(report, method=None):
    """{(block, method): verdict}, of one method if given."""
    return {
        (row.block, row.method): row.verdict
        for row in report.rows
        if method in (None, row.method)
    }


def wrong_by(report):
    """The methods that found something wrong."""
    return {row.method for row in report.wrong}


def cubes(x):
    """A function to check: f = Σ x³ + x₀ x₁, of gradient cubes_gradient."""
    return (x**3).sum() + x[0] * x[1]


def cubes_gradient(x):
    g = 3 * x**2
    g[:2] += x[1::-1]
    return g


POINT = np.array([0.5, -1.2, 2.0, 0.3])


# Right code passes


@st.composite
def problems(draw):
    """A net, θ, α, a batch and a number of steps, of any shape; θ and α of order 1."""
    *sizes, T, n_s, n_q = (draw(st.integers(1, 3)) for _ in range(6))
    net = TwoLayerNet(
        *sizes, draw(st.sampled_from(ACTIVATIONS)), draw(st.sampled_from(LOSSES))
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch = TaskBatch(*examples(rng, net, T, n_s), *examples(rng, net, T, n_q))
    theta = rng.standard_normal(net.n_params)
    alpha = rng.choice([-1, 1], net.n_params) * rng.uniform(0.1, 0.4, net.n_params)
    if net.activation_name == "square":  # of degree 4, it diverges within two steps
        alpha = alpha / 10
    return net, theta, alpha, batch, draw(st.integers(0, 2))


@given(problems(), st.sampled_from(["gradient", "H v", "meta-gradient"]))
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_right_code_passes_on_random_problems(problem, level):
    net, theta, alpha, batch, steps = problem
    with np.errstate(all="ignore"):
        mg = meta_gradient(net, theta, alpha, batch, steps)
    X, Y = batch.X_s[0], batch.Y_s[0]
    # Neither diverged nor saturated, where rounding is all there is
    assume(np.isfinite(mg.loss))
    assume(np.abs(net.gradient(theta, X, Y)).max() > 1e-6)
    assume(np.abs(mg.d_theta).max() > 1e-6)
    if level == "gradient":
        report = check_gradient(net, theta, X, Y)
    elif level == "H v":
        report = check_hvp(net, theta, X, Y)
    else:
        report = check_meta_gradient(net, theta, alpha, batch, steps)
    report.assert_ok()
    assert len(report.rows) == (17 if level == "meta-gradient" else 9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_ladder_and_all_derivations_hold_for_every_net(activation, loss):
    steps = 2 if activation == "tanh" else 1
    net, theta, alpha, batch, _ = small_problem(activation, loss)
    X, Y = batch.X_s[0], batch.Y_s[0]
    for report in (check_gradient(net, theta, X, Y), check_hvp(net, theta, X, Y)):
        report.assert_ok()
        assert set(verdicts(report, COMPLEX).values()) == {"ok"}
    table = agreement(net, theta, alpha, batch, steps)
    table.assert_ok()
    exact = [row for row in table.rows if row.method != CENTRAL]
    assert {row.method for row in exact} >= {"explicit Hessian", "forward chain rule"}
    assert max(row.error for row in exact) < 1e-12


def test_the_errors_are_those_of_each_method():
    report = gradcheck(cubes, cubes_gradient, POINT, hvp=cubes_hvp)
    by_method = {
        m: [row.error for row in report.rows if row.method == m] for m in METHODS
    }
    assert max(by_method[COMPLEX]) < 1e-15
    assert 1e-13 < max(by_method[CENTRAL]) < 1e-9
    slopes = [row.slope for row in report.rows if row.method == TAYLOR]
    np.testing.assert_allclose(slopes, [2, 2], atol=0.05)


def cubes_hvp(x, v):
    Hv = 6 * x * v
    Hv[:2] += v[1::-1]
    return Hv


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_scale_of_the_function_does_not_matter(scale):
    def function(x):
        return scale * cubes(x)

    gradcheck(function, lambda x: scale * cubes_gradient(x), POINT).assert_ok()
    wrong = scale * cubes_gradient(POINT)
    wrong[2] *= 1.001
    assert wrong_by(gradcheck(function, wrong, POINT)) == set(METHODS)


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_size_of_the_point_does_not_matter(size):
    x = size * POINT
    gradcheck(lambda t: np.sin(t / size).sum(), np.cos(x / size) / size, x).assert_ok()
    report = gradcheck(
        lambda t: np.sin(t / size).sum(), 1.001 * np.cos(x / size) / size, x
    )
    assert CENTRAL in wrong_by(report)


def test_rounding_noise_is_no_error():
    A = np.random.default_rng(0).standard_normal((9, 4))

    def function(x):
        E = A @ (x - POINT)  # zero at the point, but for rounding
        return (E * E).sum()

    gradcheck(function, lambda x: 2 * A.T @ (A @ x - A @ POINT), POINT).assert_ok()

    def blocks(x):
        return {"zero": x[:2], "tiny": x[2:3], "rest": x[3:]}

    def uneven(x):  # the first two entries cancel, the third hardly matters
        return np.exp(x[0] - x[0] + x[3]) + x[1] - x[1] + 1e-9 * x[2] ** 2

    claim = np.array([0, 0, 2e-9 * POINT[2], np.exp(POINT[3])])
    gradcheck(uneven, claim, POINT, blocks=blocks).assert_ok()
    claim[2] *= 1.001
    assert [row.block for row in gradcheck(uneven, claim, POINT, blocks=blocks).wrong]


def test_rounding_noise_that_hides_errors_is_reported():
    def function(x):  # of 16 digits, 9 go to the large part, 3 to the small one
        return (1e9 + 1e-3 * cubes(x)) - 1e9

    report = gradcheck(function, 1e-3 * cubes_gradient(POINT), POINT)
    report.assert_ok()
    assert verdicts(report)["all", COMPLEX] == "ok"
    assert verdicts(report)["all", TAYLOR] == "not run"
    wrong = 1.001e-3 * cubes_gradient(POINT)
    assert gradcheck(function, wrong, POINT).wrong
    for claim in (1e-3 * cubes_gradient(POINT), wrong):
        report = gradcheck(
            lambda x: float((1e12 + 1e-3 * cubes(x)) - 1e12), claim, POINT
        )
        assert report.conclusion.startswith("NOT CHECKED")
        assert "digits" in str(report)


def test_a_loss_that_never_changes_decides_nothing():
    net = TwoLayerNet(2, 3, 1, "tanh", "softmax_cross_entropy")  # one class: L = 0
    rng = np.random.default_rng(0)
    theta, X = rng.standard_normal(net.n_params), rng.standard_normal((5, 2))
    assert not net.gradient(theta, X, np.zeros(5, int)).any()
    for claimed in (0 * theta, theta):  # rounding may have made L flat
        report = check_gradient(net, theta, X, np.zeros(5, int), claimed=claimed)
        assert report.conclusion.startswith("NOT CHECKED")
        assert "does not change near the point" in " ".join(str(report).split())


def test_a_large_constant_is_no_error():
    gradcheck(lambda x: cubes(x) + 1e6, cubes_gradient, POINT).assert_ok()


def test_saturated_cross_entropy_is_no_error():
    net = TwoLayerNet(2, 3, 2, "identity", "sigmoid_cross_entropy")
    rng = np.random.default_rng(0)
    theta, X = 3 * rng.standard_normal(net.n_params), rng.standard_normal((5, 2))
    Y = (net.forward(theta, 2 * X) > 0).astype(float)
    assert net.loss(theta, 2 * X, Y) < 0.01
    (check_gradient(net, theta, 2 * X, Y) + check_hvp(net, theta, 2 * X, Y)).assert_ok()


# Planted mistakes are caught, by each method, where they are


@pytest.mark.parametrize("block", ["W1", "b1", "W2", "b2"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_entry_wrong_by_a_thousandth_is_caught_and_found(activation, block):
    net, theta, X, Y = setting(activation)
    wrong = net.gradient(theta, X, Y)
    values = net.blocks(wrong)[block]
    where = np.unravel_index(np.abs(values).argmax(), values.shape)
    values[where] *= 1.001

    report = check_gradient(net, theta, X, Y, claimed=wrong)
    assert not report.ok
    assert {row.block for row in report.wrong} == {block, "all"}
    assert wrong_by(report) == set(METHODS)
    for row in report.wrong:
        if row.method == TAYLOR:
            assert row.slope < 1.3
        else:
            assert row.where == where
            np.testing.assert_allclose(row.error, 1e-3 / 1.001, rtol=1e-3)
            np.testing.assert_allclose(row.claimed / row.found, 1.001)


@pytest.mark.parametrize("factor", [-1, 0, 2, 1 / 3, 1e8])
def test_a_wrong_factor_is_caught_by_all_methods(factor):
    net, theta, X, Y = setting()
    report = check_gradient(
        net, theta, X, Y, claimed=lambda t: factor * net.gradient(t, X, Y)
    )
    assert {r.block for r in report.wrong} == {"W1", "b1", "W2", "b2", "all"}
    assert wrong_by(report) == set(METHODS)


@pytest.mark.parametrize("block", ["W1", "b1", "W2", "b2"])
@pytest.mark.parametrize("which", ["dθ", "dα"])
def test_a_wrong_meta_gradient_is_caught_and_found(which, block):
    net, theta, alpha, batch, steps = small_problem()
    mg = meta_gradient(net, theta, alpha, batch, steps)
    pair = {"dθ": mg.d_theta.copy(), "dα": mg.d_alpha.copy()}
    values = net.blocks(pair[which])[block]
    where = np.unravel_index(np.abs(values).argmax(), values.shape)
    values[where] *= 1.001

    report = check_meta_gradient(net, theta, alpha, batch, steps, pair.values())
    found = {(row.quantity, row.block) for row in report.wrong}
    assert found == {(f"meta-loss → {which}", block), ("both", "all")}
    assert all(row.where == where for row in report.wrong if row.method != TAYLOR)
    assert wrong_by(report) == set(METHODS)


def test_first_order_is_not_taken_for_second():
    net, theta, alpha, batch, _ = small_problem()
    claimed = meta_gradient(net, theta, alpha, batch, 1, order=1)
    report = check_meta_gradient(net, theta, alpha, batch, 1, claimed)
    assert {row.quantity for row in report.wrong} == {"meta-loss → dθ", "both"}
    claimed = meta_gradient(net, theta, alpha, batch, 2, order=1)
    report = check_meta_gradient(net, theta, alpha, batch, 2, claimed)
    assert {"meta-loss → dα"} < {row.quantity for row in report.wrong}


class WithoutCurvature(TwoLayerNet):
    """φ″ taken for zero."""

    def __init__(self, *args):
        super().__init__(*args)
        self.phi = type(self.phi)(
            self.phi.value, self.phi.slope, lambda Z, H, phi1: np.zeros_like(Z)
        )


def test_a_missing_second_derivative_is_caught_by_all_methods():
    net, theta, X, Y = setting()
    altered = WithoutCurvature(net.n_in, net.n_hidden, net.n_out)
    check_gradient(altered, theta, X, Y).assert_ok()
    report = check_hvp(altered, theta, X, Y)
    assert wrong_by(report) == set(METHODS)
    assert {row.block for row in report.wrong} == {"W1", "b1", "all"}


def test_gradcheck_takes_a_hessian_too():
    def without_product(x, v):
        return 6 * x * v

    report = gradcheck(cubes, cubes_gradient, POINT, hvp=without_product)
    assert {row.quantity for row in report.wrong} == {"Hessian of gradient"}
    assert wrong_by(report) == set(METHODS)
    with pytest.raises(TypeError, match="gradient is not a function"):
        gradcheck(cubes, cubes_gradient(POINT), POINT, hvp=without_product)


def test_a_claimed_vector_of_the_hvp_is_checked_along_v():
    net, theta, X, Y = setting()
    v = np.random.default_rng(1).standard_normal(net.n_params)
    Hv = hvp(net, theta, X, Y, v)
    check_hvp(net, theta, X, Y, v, claimed=Hv).assert_ok()
    Hv[3] += 1e-3 * np.abs(Hv).max()
    report = check_hvp(net, theta, X, Y, v, claimed=Hv)
    found = [(row.block, row.where) for row in report.wrong]
    assert found == [("W1", (0, 3)), ("W1", (0, 3)), ("all", ())]


def test_the_hessian_is_only_symmetric_if_the_cross_terms_are_there():
    net, theta, X, Y = setting()

    def without_cross_term(t, v):
        V1, _ = net.unpack(v)
        return hvp(net, t, X, Y, v) - 0.5 * net.pack(
            V1 * 0, net.unpack(hvp(net, t, X, Y, net.pack(V1, net.unpack(v)[1] * 0)))[1]
        )

    report = check_hvp(net, theta, X, Y, claimed=without_cross_term)
    assert {"W2", "b2"} <= {row.block for row in report.wrong}


# Kinks


def relu_at_kink(shift=0.0):
    """A ReLU net whose first unit's input at the first example is `shift`."""
    net, theta, X, Y = setting("relu")
    theta = theta.copy()
    W1, b1 = net.blocks(theta)["W1"], net.blocks(theta)["b1"]
    X = np.round(X * 8) / 8  # so that Z is exactly zero
    W1[:] = np.round(W1 * 8) / 8
    b1[0] = -(X[0] @ W1[:, 0])
    assert net.forward_pass(theta, X)[2][0, 0] == 0
    b1[0] += shift
    return net, theta, X, Y


def test_a_kink_at_the_point_is_named_and_is_no_failure():
    net, theta, X, Y = relu_at_kink()
    report = check_gradient(net, theta, X, Y)
    report.assert_ok()
    seen = verdicts(report)
    assert seen["b1", CENTRAL] == "kink"
    assert seen["W2", CENTRAL] == "ok"
    assert set(verdicts(report, COMPLEX).values()) == {"ok"}
    row = next(r for r in report.rows if (r.block, r.method) == ("b1", CENTRAL))
    assert row.where == (0,)
    assert "a kink or sharp curve lies within its step" in " ".join(str(report).split())
    check_hvp(net, theta, X, Y).assert_ok()


@pytest.mark.parametrize("shift", [1e-6, -1e-6, 3e-8, -4e-9, 1e-9, -1e-12])
def test_a_kink_inside_the_step_is_named_and_is_no_failure(shift):
    net, theta, X, Y = relu_at_kink(shift)
    report = check_gradient(net, theta, X, Y) + check_hvp(net, theta, X, Y)
    report.assert_ok()
    row = next(r for r in report.rows if (r.block, r.method) == ("b1", CENTRAL))
    assert "kink" in row.note


@pytest.mark.parametrize("shift", [0.0, 1e-6, -3e-8, 1e-12])
@pytest.mark.parametrize("block", ["W1", "b1", "W2", "b2"])
def test_a_wrong_gradient_at_a_kink_is_still_wrong(shift, block):
    net, theta, X, Y = relu_at_kink(shift)
    indices = list(np.ndindex(net.blocks(theta)[block].shape))
    for index in (indices[0], indices[-1]):
        wrong = net.gradient(theta, X, Y)
        net.blocks(wrong)[block][index] += 0.001 * np.abs(wrong).max()
        report = check_gradient(net, theta, X, Y, claimed=wrong)
        assert block in {row.block for row in report.wrong}, index


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_relu_gradient_away_from_kinks_is_caught_without_complex(seed):
    net, theta, X, Y = setting("relu", seed=seed)
    wrong = net.gradient(theta, X, Y)
    wrong[np.abs(wrong).argmax()] *= 1.05
    report = gradcheck(lambda t: float(net.loss(t.real, X, Y)), wrong, theta)
    assert wrong_by(report) == {CENTRAL, TAYLOR}


def test_a_relu_net_started_at_zero_passes():
    net, theta, X, Y = setting("relu")
    report = check_gradient(net, 0 * theta, X, Y)
    net.blocks(theta)["W1"][:] = 0
    net.blocks(theta)["b1"][:] = 0
    report += check_gradient(net, theta, X, Y)
    report.assert_ok()
    assert "kink" in verdicts(report).values()


@pytest.mark.parametrize(("claim", "ok"), [(0, True), (-1, True), (0.7, False)])
def test_at_a_kink_only_a_side_or_the_mean_is_right(claim, ok):
    def function(x):
        return float(abs(x[0]) + x[1] ** 2)

    report = gradcheck(function, np.array([claim, 2.0]), np.array([0.0, 1.0]))
    assert report.ok is ok
    assert not report.wrong
    if not ok:
        assert "the slope is -1 to the left, 1 to the right" in " ".join(
            str(report).split()
        )


@pytest.mark.parametrize("claim", [0.0, 0.5, 1.0])
def test_either_convention_at_a_kink_is_excused(claim):
    report = gradcheck(
        lambda x: np.maximum(x, 0).sum(), np.array([claim]), np.array([0.0])
    )
    report.assert_ok()
    assert "kink" in verdicts(report).values()


@pytest.mark.parametrize("steepness", [1e3, 1e5, 1e7])
def test_a_sharp_bend_is_no_kink(steepness):
    def function(x):
        return np.tanh(steepness * x).sum() / steepness

    x = np.array([0.3 / steepness])
    right = 1 - np.tanh(steepness * x) ** 2
    gradcheck(function, right, x).assert_ok()
    assert COMPLEX in wrong_by(gradcheck(function, 1.001 * right, x))
    assert not gradcheck(lambda x: float(function(x)), 1.001 * right, x).ok


# Functions that do not take complex numbers, and float32


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: float(cubes(x)), "complex numbers are not accepted"),
        (lambda x: cubes(x.real), "the imaginary part is dropped"),
        (lambda x: cubes(x.astype(float)), "ComplexWarning"),
        (
            lambda x: cubes(x) - np.abs(x) @ np.abs(x) + x @ x,
            "the function is not analytic",
        ),
    ],
)
def test_a_function_that_refuses_complex_numbers_is_reported(function, message):
    report = gradcheck(function, cubes_gradient, POINT)
    report.assert_ok()
    assert verdicts(report)["all", COMPLEX] == "not run"
    assert message in " ".join(str(report).split())
    wrong = 1.001 * cubes_gradient(POINT)
    assert wrong_by(gradcheck(function, wrong, POINT)) == {CENTRAL, TAYLOR}


def test_only_the_block_that_is_not_analytic_is_left_out():
    def function(x):
        return (x[:2] ** 3).sum() + (np.conj(x[2:]) * x[2:]).sum()

    def blocks(x):
        return {"first": x[:2], "second": x[2:]}

    claim = np.concatenate([3 * POINT[:2] ** 2, 2 * POINT[2:]])
    report = gradcheck(function, claim, POINT, blocks=blocks)
    report.assert_ok()
    assert verdicts(report, COMPLEX) == {
        ("first", COMPLEX): "ok",
        ("second", COMPLEX): "not run",
    }


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_is_held_to_a_looser_tolerance(activation):
    net, theta, X, Y = setting(activation)
    single = [a.astype(np.float32) for a in (theta, X, Y)]
    report = check_gradient(net, *single)
    report.assert_ok()
    assert max(row.error for row in report.rows if row.method == COMPLEX) > 1e-9
    wrong = net.gradient(*single)
    wrong[np.abs(wrong).argmax()] *= np.float32(1.001)
    assert {COMPLEX, CENTRAL} <= wrong_by(check_gradient(net, *single, claimed=wrong))


def test_a_hessian_in_float32_is_held_to_the_same_tolerance():
    net, theta, X, Y = setting()
    single = [a.astype(np.float32) for a in (theta, X, Y)]
    v = np.random.default_rng(1).standard_normal(net.n_params)
    for direction in (None, v, v.astype(np.float32)):
        check_hvp(net, *single, direction).assert_ok()
    wrong = 1.001 * hvp(net, *single, v.astype(np.float32))
    assert check_hvp(net, *single, v, claimed=wrong).wrong


# Reports


def test_the_text_starts_with_the_verdict_and_has_a_line_for_each_block():
    net, theta, X, Y = setting()
    lines = str(check_gradient(net, theta, X, Y)).splitlines()
    assert lines[0] == "OK: 4 blocks agree."
    start = lines[2].index("verdict")
    assert [line[start:] for line in lines[3:8]] == ["ok"] * 5
    assert max(map(len, lines)) <= 100
    assert len(lines) == 10


def test_a_failure_shows_both_numbers_and_their_ratio():
    report = gradcheck(cubes, cubes_gradient(POINT) * [1, 1, 3, 1], POINT)
    text = str(report)
    assert text.startswith("WRONG: gradient all.")
    assert report.causes == ("gradient all is right but for the entry [2]",)
    line = next(
        line for line in text.splitlines() if line.startswith("gradient all[2]")
    )
    assert line.split()[2:5] == ["36", "12", "3"]


def test_assert_ok_names_the_block_and_returns_nothing():
    net, theta, X, Y = setting()
    assert check_gradient(net, theta, X, Y).assert_ok() is None
    wrong = net.gradient(theta, X, Y)
    net.blocks(wrong)["b1"][2] += 1
    with pytest.raises(
        AssertionError, match=r"WRONG: loss → gradient b1, all\."
    ) as info:
        check_gradient(net, theta, X, Y, claimed=wrong).assert_ok()
    assert "loss → gradient b1[2]" in str(info.value)


def test_html_is_escaped_and_has_no_colours():
    name = "<script>alert(1)</script>"
    wrong = 2 * cubes_gradient(POINT)
    report = gradcheck(
        cubes, wrong, POINT, blocks=lambda x: {name: x}, quantity="a & b"
    )
    html = report._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &amp; b" in html
    assert "color" not in html
    assert html.count("<table>") == 2
    net, theta, alpha, batch, _ = small_problem()
    assert agreement(net, theta, alpha, batch, 1)._repr_html_().count("<tr") == 9


def test_the_explanation_names_tolerances_and_sources():
    text = gradcheck(cubes, cubes_gradient, POINT).explain()
    sources = "Squire and Trapp", "Nocedal and", "Farrell", "Moré and Wild"
    for words in ("1e-12", "1e-7", *sources):
        assert words in text


def test_a_report_with_nothing_checked_is_not_ok():
    report = gradcheck(cubes, cubes_gradient, POINT)
    assert not type(report)(()).ok
    assert "nothing" in str(type(report)(()).conclusion)
    left_out = tuple(
        row if row.method == TAYLOR else replace(row, verdict="not run")
        for row in report.rows
    )
    report = type(report)(left_out)
    assert not report.ok
    with pytest.raises(AssertionError, match="NOT CHECKED: gradient all"):
        report.assert_ok()


def test_reports_join():
    one = gradcheck(cubes, cubes_gradient, POINT)
    two = gradcheck(cubes, 2 * cubes_gradient(POINT), POINT)
    assert len((one + two).rows) == 6
    assert (one + two).causes == two.causes
    assert not (one + two).ok


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("f", cubes_gradient, POINT), TypeError, "function is 'f'"),
        ((cubes, "g", POINT), TypeError, "gradient has dtype"),
        ((cubes, cubes_gradient, "abc"), TypeError, "point has dtype"),
        ((cubes, cubes_gradient, [1.0, np.nan]), ValueError, "point holds nan"),
        ((cubes, cubes_gradient, 3.0), ValueError, r"wrap a single number as \[number"),
        ((cubes, cubes_gradient, POINT * 1j), ValueError, "real numbers"),
        ((cubes, np.ones(3), POINT), ValueError, r"gradient has shape \(3,\)"),
        ((cubes, lambda x: np.ones(3), POINT), ValueError, r"gradient\(point\) has sh"),
        ((cubes, [1, np.inf, 0, 0], POINT), ValueError, "inf at index .1,"),
        ((np.square, cubes_gradient, POINT), TypeError, "belongs to one number"),
        ((lambda x: "a", cubes_gradient, POINT), TypeError, "belongs to one number"),
        ((cubes, None, POINT), TypeError, r"None only if the function returns \(value"),
        ((cubes, {"a": POINT}, POINT), TypeError, r"is a dict.*np\.concatenate"),
        ((cubes, lambda x: {"a": x}, POINT), TypeError, r"gradient\(point\) is a dict"),
        ((lambda x: np.nan, cubes_gradient, POINT), ValueError, "nan at the point its"),
        (
            (lambda x: np.random.default_rng().normal(), cubes_gradient, POINT),
            ValueError,
            "at the same point, .* draw its random numbers before",
        ),
    ],
)
def test_bad_input_gets_a_sentence(arguments, error, message):
    with pytest.raises(error, match=message):
        gradcheck(*arguments)


@pytest.mark.parametrize(
    ("blocks", "error", "message"),
    [
        (lambda x: {"first": x[:2]}, ValueError, "covers 2 entries"),
        (lambda x: {"a": x, "b": x[:1]}, ValueError, "exactly one block"),
        (lambda x: [x], TypeError, "must return a dict"),
    ],
)
def test_bad_blocks_get_a_sentence(blocks, error, message):
    with pytest.raises(error, match=message):
        gradcheck(cubes, cubes_gradient, POINT, blocks=blocks)


def test_bad_levels_get_a_sentence():
    net, theta, X, Y = setting()
    alpha, batch = 0.3, small_problem()[3]
    with pytest.raises(ValueError, match="P = 46"):
        check_gradient(net, theta[1:], X, Y)
    with pytest.raises(ValueError, match="one vector"):
        check_gradient(net, np.stack([theta, theta]), X, Y)
    with pytest.raises(TypeError, match="pair"):
        check_meta_gradient(net, theta, alpha, batch, 1, claimed=3)
    with pytest.raises(ValueError, match="d_alpha has shape"):
        check_meta_gradient(net, theta, alpha, batch, 1, claimed=(theta, theta[1:]))
    with pytest.raises(ValueError, match="steps is -1"):
        check_meta_gradient(net, theta, alpha, batch, -1)


# The agreement table


class AlteredGradient(TwoLayerNet):
    """A net whose public gradient is wrong by a thousandth in one entry."""

    def gradient(self, theta, X, Y):
        g = super().gradient(theta, X, Y)
        g[..., 4] = 1.001 * g[..., 4]
        return g


def test_an_altered_net_is_caught_on_the_first_level_and_in_the_table():
    _, theta, alpha, batch, steps = small_problem()
    net = AlteredGradient(2, 5, 4)
    report = check_gradient(net, theta, batch.X_s[0], batch.Y_s[0])
    assert {row.where for row in report.wrong if row.method != TAYLOR} == {(0, 4)}
    table = agreement(net, theta, alpha, batch, steps)
    assert wrong_by(table) == {"explicit Hessian", "forward chain rule"}
    with pytest.raises(AssertionError, match="WRONG: meta-loss → dθ W1"):
        table.assert_ok()


def test_a_wrong_hessian_shows_in_the_columns_that_use_it():
    _, theta, alpha, batch, steps = small_problem()
    table = agreement(WithoutCurvature(2, 5, 4), theta, alpha, batch, steps)
    assert wrong_by(table) == {"forward chain rule", CENTRAL}


def first_order(net, theta, alpha, batch, steps):
    """The curvature dropped."""
    return meta_gradient(net, theta, alpha, batch, steps, order=1)


def test_a_wrong_r_operator_is_known_from_wrong_columns(monkeypatch):
    net, theta, alpha, batch, steps = small_problem()
    room = sys.modules["metasgd_np.gradient_check.derivations"]
    monkeypatch.setattr(room, "meta_gradient", first_order)
    table = agreement(net, theta, alpha, batch, steps)
    assert wrong_by(table) == {row.method for row in table.rows}
    assert "look at the R-operator first" in str(table)


# Each library that is installed, hiding those looked for before it; and none of them.
INSTALLED = [name for name in ("torch", "jax") if find_spec(name)]
LIBRARIES = [(name, ("torch",) if name == "jax" else ()) for name in INSTALLED]


@pytest.mark.parametrize(("library", "without"), [*LIBRARIES, (None, ("torch", "jax"))])
def test_the_fifth_column_is_there_where_a_library_is(monkeypatch, library, without):
    for name in without:
        monkeypatch.setitem(sys.modules, name, None)
    for loss in LOSSES:
        net, theta, alpha, batch, steps = small_problem("relu", loss, 1)
        table = agreement(net, theta, alpha, batch, steps)
        table.assert_ok()
        assert len({row.method for row in table.rows}) == (4 if library else 3)
    found = autodiff_room.by_autodiff(net, theta, alpha, batch, steps)
    assert len(found) == (1 if library else 0)
    if library:  # and it catches a loss that is half of what it says
        altered = TwoLayerNet(2, 5, 4)
        half = (
            lambda *args, part=part: 0.5 * part(*args)
            for part in vars(altered.loss_function).values()
        )
        altered.loss_function = type(altered.loss_function)(*half)
        _, theta, alpha, batch, steps = small_problem()
        assert wrong_by(agreement(altered, theta, alpha, batch, steps)) == {*found}


# The command


@pytest.fixture
def no_autodiff(monkeypatch):
    """Importing PyTorch takes seconds; the command does without it."""
    for name in ("torch", "jax"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("no_autodiff")
def test_the_command_passes_and_prints_the_three_levels_and_the_table(capsys):
    options = "--seed", "3", "--activation", "sigmoid", "--steps", "1"
    assert main(["gradcheck", *options]) == 0
    printed = capsys.readouterr().out
    for words in (
        "loss → gradient",
        "gradient → H v",
        "meta-loss → dα",
        "explicit Hessian",
    ):
        assert words in printed
    assert "WRONG" not in printed


def plant_in_gradient(monkeypatch):
    def wrong(net, *args, right=TwoLayerNet.backward_pass):
        p = right(net, *args)
        return p._replace(gradient=p.gradient * 1.001)

    monkeypatch.setattr(TwoLayerNet, "backward_pass", wrong)


def plant_in_curvature(monkeypatch):
    tanh = ACTIVATION_TABLE["tanh"]
    wrong = replace(tanh, curvature=lambda *args: 1.001 * tanh.curvature(*args))
    monkeypatch.setitem(ACTIVATION_TABLE, "tanh", wrong)


def plant_in_meta_gradient(monkeypatch):
    room = sys.modules["metasgd_np.gradient_check.ladder"]
    monkeypatch.setattr(room, "meta_gradient", first_order)


@pytest.mark.usefixtures("no_autodiff")
@pytest.mark.parametrize(
    ("plant", "level"),
    [
        (plant_in_gradient, "loss → gradient"),
        (plant_in_curvature, "gradient → H v"),
        (plant_in_meta_gradient, "meta-loss → dθ"),
    ],
)
def test_the_command_fails_on_a_planted_mistake(capsys, monkeypatch, plant, level):
    plant(monkeypatch)
    assert main(["gradcheck", "--steps", "1"]) == 1
    wrong = [x for x in capsys.readouterr().out.splitlines() if x.endswith("WRONG")]
    assert wrong[0].startswith(level)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--activation", "tan", "there is no activation called 'tan'"),
        ("--loss", "l1", "there is no loss called 'l1'"),
        ("--steps", "-1", "steps is -1"),
        ("--seed", "-1", "seed is -1"),
    ],
)
def test_the_command_reports_a_bad_option(capsys, option, value, message):
    assert main(["gradcheck", option, value]) == 1
    assert message in capsys.readouterr().err
