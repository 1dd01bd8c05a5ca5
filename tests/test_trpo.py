"""TRPO over (θ, α): the Fisher matrix through the inner step, the step it allows."""

import numpy as np
import pytest
from conftest import D, H, O, T, assert_blocks_close, assert_close, complex_step

from metasgd_np import MAML, JointTraining, MetaSGD, TaskBatch, TwoLayerNet, adaptation
from metasgd_np.deep_net import DeepNet
from metasgd_np.reinforcement.gaussian_loss import (
    divergence,
    kl_targets,
    policy_targets,
    surrogate,
)
from metasgd_np.reinforcement.policy import GaussianPolicy
from metasgd_np.reinforcement.trpo import (
    TRPO,
    adapt_from,
    conjugate_gradient,
    fisher_product,
    judge,
    push_forward,
    surrogate_gradient,
)

pytestmark = pytest.mark.filterwarnings("error")

POLICIES = {
    "two layers": GaussianPolicy(TwoLayerNet(D, H, O)),
    "three layers": GaussianPolicy(DeepNet((D, 5, 3, O), "sigmoid")),
}
LEARNERS = {
    f"{learner.__name__}, {name}": (learner, policy)
    for learner in (MetaSGD, MAML)
    for name, policy in POLICIES.items()
}
every_learner = pytest.mark.parametrize("which", LEARNERS)


def setting(which="MetaSGD, two layers", steps=1, order=2, seed=0):
    """A learner, w and a direction of its shape, and a batch of T tasks.

    The query actions are drawn by the adapted policies, as TRPO takes them.
    """
    kind, policy = LEARNERS[which]
    learner = kind(policy, inner_steps=steps, order=order)
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((2 if kind is MetaSGD else 1, policy.n_params))
    w[1:] *= 0.05
    v = rng.standard_normal(w.shape)
    X_s, X_q = rng.standard_normal((T, 8, D)), rng.standard_normal((T, 9, D))
    Y_s = policy_targets(rng.standard_normal((T, 8, O)), rng.standard_normal((T, 8)))
    weights = rng.standard_normal((T, 9))
    weights[:, 4] = 0
    Y_q = policy_targets(rng.standard_normal((T, 9, O)), weights)
    F = adapt_from(learner, w, TaskBatch(X_s, Y_s, X_q, Y_q)).F
    M, S = np.split(F, 2, -1)
    Y_q[..., :O] = M + np.exp(S / 2) * rng.standard_normal(M.shape)
    return learner, w, v, TaskBatch(X_s, Y_s, X_q, Y_q)


def assert_rows_close(learner, got, expected, tolerance):
    """assert_blocks_close for θ's row and, if there is one, α's."""
    for mine, theirs in zip(got, expected, strict=True):
        assert_blocks_close(learner.net, mine, theirs, tolerance)


def along(function, w, direction):
    """The derivative of function along a direction, by the complex step."""
    return function(w + 1e-30j * direction).imag / 1e-30


def by_entry(function, w):
    """The derivative of a scalar function in every entry of w (R, P)."""
    flat = complex_step(lambda x: function(x.reshape(w.shape)), w.ravel())
    return flat.reshape(w.shape)


@pytest.mark.parametrize("steps", [1, 2])
@every_learner
def test_push_forward_is_the_derivative_of_the_inner_steps(which, steps):
    learner, w, v, batch = setting(which, steps)
    at = adapt_from(learner, w, batch)
    v_alpha = v[1] if len(v) == 2 else 0
    got = push_forward(learner.net, at.passes, at.alpha, v[0], v_alpha)
    expected = along(lambda x: adapt_from(learner, x, batch).theta_J, w, v)
    assert_blocks_close(learner.net, got, expected, 1e-12)


@pytest.mark.parametrize("steps", [1, 2])
@every_learner
def test_the_surrogates_gradient_agrees_with_the_complex_step(which, steps):
    learner, w, _, batch = setting(which, steps)
    at = adapt_from(learner, w, batch)

    def l(x):  # noqa: E743
        return surrogate(at.F, adapt_from(learner, x, batch).F, batch.Y_q).sum()

    got = surrogate_gradient(learner, w, batch, at)
    assert_rows_close(learner, got, by_entry(l, w), 1e-12)
    # and it is the meta-gradient of the policy-gradient loss
    assert_rows_close(learner, got / T, learner.gradient(w, batch)[1], 1e-12)


@pytest.mark.parametrize("steps", [1, 2])
@every_learner
def test_the_fisher_product_is_the_hessian_of_the_divergence(which, steps):
    learner, w, v, batch = setting(which, steps)
    at = adapt_from(learner, w, batch)
    net = learner.net
    kl_pass = net.backward_pass(at.theta_J, batch.X_q, kl_targets(at.F, batch.Y_q))
    got = fisher_product(learner, at, kl_pass, v)

    def slope(x):
        return by_entry(
            lambda y: divergence(
                at.F, adapt_from(learner, y, batch).F, batch.Y_q
            ).sum(),
            x,
        )

    h = 1e-5
    far = (slope(w + 2 * h * v) - slope(w - 2 * h * v)) / (4 * h)
    near = (slope(w + h * v) - slope(w - h * v)) / (2 * h)
    assert_rows_close(learner, got, (4 * near - far) / 3, 1e-7)


@every_learner
def test_the_fisher_matrix_is_symmetric_and_positive(which):
    learner, w, v, batch = setting(which)
    at = adapt_from(learner, w, batch)
    net = learner.net
    kl_pass = net.backward_pass(at.theta_J, batch.X_q, kl_targets(at.F, batch.Y_q))
    u = np.random.default_rng(9).standard_normal(w.shape)
    Fu, Fv = (fisher_product(learner, at, kl_pass, x) for x in (u, v))
    assert (v * Fu).sum() == pytest.approx((u * Fv).sum(), rel=1e-11)
    assert (v * Fv).sum() > 0
    assert (u * Fu).sum() > 0


def test_first_order_leaves_out_the_curvature():
    learner, w, v, batch = setting(order=1)
    at = adapt_from(learner, w, batch)
    got = push_forward(learner.net, at.passes, at.alpha, v[0], v[1], order=1)
    assert_close(got, v[0] - at.passes[0].gradient * v[1], 1e-14)
    exact = push_forward(learner.net, at.passes, at.alpha, v[0], v[1])
    assert np.linalg.norm(exact - got) > 0.01 * np.linalg.norm(got)


# Conjugate gradients


def test_conjugate_gradients_solve_a_positive_system():
    rng = np.random.default_rng(0)
    B, b = rng.standard_normal((7, 7)), rng.standard_normal(7)
    A = B @ B.T + np.eye(7)
    x = conjugate_gradient(lambda p: A @ p, b, steps=7, tolerance=0)
    assert_close(x, np.linalg.solve(A, b), 1e-9)
    twice = conjugate_gradient(
        lambda p: np.stack([A @ p[0], A @ p[1]]), np.stack([b, b]), steps=7
    )
    assert_close(twice, np.stack([x, x]), 1e-4)  # any shape


def test_each_iteration_comes_closer_in_the_norm_of_the_matrix():
    rng = np.random.default_rng(0)
    B, b = rng.standard_normal((7, 7)), rng.standard_normal(7)
    A = B @ B.T + np.eye(7)
    exact = np.linalg.solve(A, b)
    errors = []
    for steps in range(8):
        e = conjugate_gradient(lambda p: A @ p, b, steps, tolerance=0) - exact
        errors.append(e @ A @ e)
    assert (np.diff(errors[:7]) < 0).all()


def test_a_system_of_zeros_has_the_solution_zero():
    assert conjugate_gradient(lambda p: p, np.zeros(3)).tolist() == [0, 0, 0]


# The step


@every_learner
def test_a_step_keeps_to_the_divergence_and_lowers_the_surrogate(which):
    learner, w, _, batch = setting(which)
    step = TRPO(max_kl=0.02).step(learner, w, batch)
    at = adapt_from(learner, w, batch)
    before, nothing = judge(learner, w, [(batch, at)])
    loss, kl = judge(learner, step.w, [(batch, at)])
    assert nothing == pytest.approx(0, abs=1e-14)
    assert 0 < kl <= 0.02
    assert kl == pytest.approx(step.kl, rel=1e-9)
    assert loss - before == pytest.approx(step.change, rel=1e-9)
    assert step.change < 0
    assert 0 < step.length <= 1
    assert step.w.shape == w.shape


def test_a_small_step_has_the_divergence_asked_for_and_the_direction_of_newton():
    learner, w, _, batch = setting("MAML, two layers")
    optimizer = TRPO(max_kl=1e-8, cg_steps=300, damping=1e-3, thin=1)
    step = optimizer.step(learner, w, batch)
    at = adapt_from(learner, w, batch)
    net = learner.net
    kl_pass = net.backward_pass(at.theta_J, batch.X_q, kl_targets(at.F, batch.Y_q))
    rows = [
        fisher_product(learner, at, kl_pass, e[None])[0] / T for e in np.eye(w.size)
    ]
    F = np.array(rows) + 1e-3 * np.eye(w.size)
    g = learner.gradient(w, batch)[1][0]
    x = np.linalg.solve(F, g)
    expected = -step.length * np.sqrt(2e-8 / (x @ F @ x)) * x
    assert_close((step.w - w)[0], expected, 1e-3)  # as far as it was solved


def test_chunks_do_not_change_the_step(monkeypatch):
    learner, w, _, batch = setting()
    whole = TRPO().step(learner, w, batch)
    monkeypatch.setattr(adaptation, "CHUNK_BYTES", 1)
    parts = TRPO().step(learner, w, batch)
    assert_close(parts.w, whole.w, 1e-9)
    assert parts.kl == pytest.approx(whole.kl, rel=1e-6)


def test_without_a_gradient_nothing_moves():
    learner, w, _, batch = setting()
    Y_s, Y_q = batch.Y_s.copy(), batch.Y_q.copy()
    Y_q[..., -1] = np.finfo(float).tiny  # counted, but worth nothing
    still = TRPO().step(learner, w, TaskBatch(batch.X_s, Y_s, batch.X_q, Y_q))
    assert still.length == 0
    np.testing.assert_array_equal(still.w, w)


def test_if_no_length_keeps_to_the_rules_w_stays():
    learner, w, _, batch = setting()
    step = TRPO(max_kl=1e6, backtracks=1).step(learner, w, batch)
    np.testing.assert_array_equal(step.w, w)
    assert step.length == 0


def test_single_precision_stays():
    learner, w, _, batch = setting()
    arrays = (batch.X_s, batch.Y_s, batch.X_q, batch.Y_q)
    single = TaskBatch(*(A.astype("float32") for A in arrays))
    step = TRPO().step(learner, w.astype("float32"), single)
    assert step.w.dtype == "float32"
    assert step.length > 0


# What goes wrong


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_kl": 0}, ValueError, "max_kl is 0, but it must be a finite number"),
        ({"damping": -1.0}, ValueError, "damping is -1.0"),
        ({"cg_steps": 0}, ValueError, "cg_steps is 0, but it must be 1 or more"),
        ({"thin": 1.5}, TypeError, "thin is 1.5, but it must be a whole number"),
        ({"backtracks": "3"}, TypeError, "backtracks is '3'"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        TRPO(**settings)


def test_a_learner_without_a_policy_is_refused():
    _, w, _, batch = setting()
    for learner in (
        MetaSGD(TwoLayerNet(D, H, O)),
        JointTraining(POLICIES["two layers"]),
    ):
        with pytest.raises(
            TypeError, match="takes a MetaSGD or MAML whose net is a Gau"
        ):
            TRPO().step(learner, w, batch)
