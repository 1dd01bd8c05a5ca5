"""TRPO over (θ, α): the Fisher matrix through the inner step, the step it allows."""

import numpy as np
import pytest
from conftest import (
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    central_difference,
    complex_step,
    examples,
    frozen,
)

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


def setting(which="MetaSGD, two layers", steps=1, order=2):
    """A learner, w and a direction of its shape, and a batch of T tasks.

    The query actions are drawn by the adapted policies, as TRPO takes them.
    """
    kind, policy = LEARNERS[which]
    learner = kind(policy, inner_steps=steps, order=order)
    rng = np.random.default_rng(0)
    w = rng.standard_normal((2 if kind is MetaSGD else 1, policy.n_params))
    w[1:] *= 0.05
    v = rng.standard_normal(w.shape)
    X_s, Y_s = examples(rng, policy, T, 8)
    X_q, Y_q = examples(rng, policy, T, 9)
    Y_q = Y_q.copy()
    Y_q[:, 4, -1] = 0  # a step that was not taken
    F = adapt_from(learner, w, TaskBatch(X_s, Y_s, X_q, Y_q)).F
    M, S = np.split(F, 2, -1)
    actions = M + np.exp(S / 2) * rng.standard_normal(M.shape)
    Y_q = policy_targets(actions, Y_q[..., -1])
    return learner, *frozen(w, v), TaskBatch(X_s, Y_s, X_q, *frozen(Y_q))


def kl_pass_at(learner, at, batch):
    """A pass of the KL term at the adapted policies, on every query state."""
    targets = kl_targets(at.F, batch.Y_q)
    return learner.net.backward_pass(at.theta_J, batch.X_q, targets)


def assert_rows_close(learner, got, expected, tolerance):
    """assert_blocks_close for θ's row and, if there is one, α's."""
    for mine, theirs in zip(got, expected, strict=True):
        assert_blocks_close(learner.net, mine, theirs, tolerance)


def seen_from(learner, points, batch):
    """The Adapted at each of `points` (K, R P), its arrays (K, T, …)."""
    n_rows = points.shape[-1] // learner.net.n_params
    w = points.reshape(len(points), n_rows, 1, -1)  # (K, R, 1, P)
    return adapt_from(learner, np.moveaxis(w, 1, 0), batch)


@pytest.mark.parametrize("steps", [1, 2])
@every_learner
def test_push_forward_is_the_derivative_of_the_inner_steps(which, steps):
    learner, w, v, batch = setting(which, steps)
    at = adapt_from(learner, w, batch)
    v_alpha = v[1] if len(v) == 2 else 0
    got = push_forward(learner.net, at.passes, at.alpha, v[0], v_alpha)
    [exact] = complex_step(
        lambda x: seen_from(learner, x, batch).theta_J, w.ravel(), v.reshape(1, -1)
    )
    assert_blocks_close(learner.net, got, exact, 1e-12)
    first = v[0] - (sum(p.gradient for p in at.passes)) * v_alpha
    got = push_forward(learner.net, at.passes, at.alpha, v[0], v_alpha, order=1)
    assert_blocks_close(learner.net, got, first, 1e-13)


@pytest.mark.parametrize(("steps", "order"), [(1, 2), (2, 2), (2, 1)])
@every_learner
def test_the_surrogates_gradient_is_the_meta_gradient(which, steps, order):
    learner, w, _, batch = setting(which, steps, order)
    at = adapt_from(learner, w, batch)
    got = surrogate_gradient(learner, w, batch, at)
    assert_rows_close(learner, got / T, learner.gradient(w, batch)[1], 1e-12)
    if order == 2:
        exact = complex_step(
            lambda x: surrogate(at.F, seen_from(learner, x, batch).F, batch.Y_q).sum(
                -1
            ),
            w.ravel(),
        )
        assert_rows_close(learner, got, exact.reshape(w.shape), 1e-12)


@pytest.mark.parametrize("steps", [1, 2])
@every_learner
def test_the_fisher_product_is_the_hessian_of_the_divergence(which, steps):
    learner, w, v, batch = setting(which, steps)
    at = adapt_from(learner, w, batch)
    got = fisher_product(learner, at, kl_pass_at(learner, at, batch), v)

    def kl(points):  # (K, R P) → (K,)
        return divergence(at.F, seen_from(learner, points, batch).F, batch.Y_q).sum(-1)

    [exact] = central_difference(
        lambda points: np.stack([complex_step(kl, x) for x in points]),
        w.ravel(),
        v.reshape(1, -1),
    )
    assert_rows_close(learner, got, exact.reshape(w.shape), 1e-7)


@pytest.mark.parametrize("order", [1, 2])
@every_learner
def test_the_fisher_matrix_is_symmetric_and_positive(which, order):
    learner, w, v, batch = setting(which, 2, order)
    at = adapt_from(learner, w, batch)
    u = np.random.default_rng(9).standard_normal(w.shape)
    kl_pass = kl_pass_at(learner, at, batch)
    Fu, Fv = (fisher_product(learner, at, kl_pass, x) for x in (u, v))
    assert (v * Fu).sum() == pytest.approx((u * Fv).sum(), rel=1e-11)
    assert (v * Fv).sum() > 0
    assert (u * Fu).sum() > 0


# Conjugate gradients


def system():
    """A symmetric positive definite A (7, 7), b (7,) and the x with A x = b."""
    rng = np.random.default_rng(0)
    B, b = rng.standard_normal((7, 7)), 100 * rng.standard_normal(7)
    A = B @ B.T + np.eye(7)
    return A, b, np.linalg.solve(A, b)


def test_conjugate_gradients_solve_a_positive_system_of_any_shape():
    A, b, exact = system()
    x = conjugate_gradient(lambda p: A @ p, b, steps=7, tolerance=0)
    assert_close(x, exact, 1e-9)
    pair = np.stack([b, 2 * b])
    x = conjugate_gradient(lambda p: p @ A, pair, steps=7)
    assert_close(x, np.stack([exact, 2 * exact]), 1e-4)
    assert conjugate_gradient(lambda p: p, np.zeros(3)).tolist() == [0, 0, 0]


def test_each_iteration_comes_closer_until_the_tolerance():
    A, b, exact = system()
    errors, residuals = [], []
    for steps in range(8):
        x = conjugate_gradient(lambda p: A @ p, b, steps, tolerance=0)
        errors.append((x - exact) @ A @ (x - exact))
        residuals.append(((b - A @ x) ** 2).sum() / (b**2).sum())
    assert (np.diff(errors[:7]) < 0).all()
    loose = conjugate_gradient(lambda p: A @ p, b, 7, tolerance=1e-2)
    first = next(i for i, residual in enumerate(residuals) if residual <= 1e-2)
    assert 0 < first < 7
    at_first = conjugate_gradient(lambda p: A @ p, b, first, tolerance=0)
    np.testing.assert_array_equal(loose, at_first)


# The step


def assert_refused(step, w):
    """A step that was not taken, reported as such."""
    np.testing.assert_array_equal(step.w, w)
    assert (step.change, step.kl, step.length) == (0.0, 0.0, 0.0)


@every_learner
def test_a_step_keeps_to_the_divergence_and_lowers_the_surrogate(which):
    learner, w, _, batch = setting(which)
    step = TRPO(max_kl=0.02).step(learner, w, batch)
    at = adapt_from(learner, w, batch)
    before, nothing = judge(learner, w, [(batch, at)])
    loss, kl = judge(learner, step.w, [(batch, at)])
    assert nothing == pytest.approx(0, abs=1e-14)
    assert before == pytest.approx(-batch.Y_q[..., -1].mean(), rel=1e-12)
    assert 0 < kl <= 0.02
    assert kl == pytest.approx(step.kl, rel=1e-9)
    assert loss - before == pytest.approx(step.change, rel=1e-9)
    assert step.change < 0
    assert 0 < step.length <= 1
    assert step.w.shape == w.shape


def test_the_step_is_the_longest_that_was_tried_and_fits():
    learner, w, _, batch = setting()
    pairs = [(batch, adapt_from(learner, w, batch))]
    step = TRPO(max_kl=0.5).step(learner, w, batch)
    shortened = round(np.log(step.length) / np.log(0.8))
    assert shortened >= 2
    assert step.length == pytest.approx(0.8**shortened, rel=1e-12)
    longer = w + (step.w - w) / 0.8
    loss, kl = judge(learner, longer, pairs)
    assert kl > 0.5 or loss >= judge(learner, w, pairs)[0]

    same = TRPO(max_kl=0.5, backtracks=shortened + 1).step(learner, w, batch)
    np.testing.assert_array_equal(same.w, step.w)
    assert_refused(TRPO(max_kl=0.5, backtracks=shortened).step(learner, w, batch), w)


def test_a_small_step_has_the_divergence_asked_for_and_the_direction_of_newton():
    learner, w, _, batch = setting("MAML, two layers")
    optimizer = TRPO(max_kl=1e-8, cg_steps=300, damping=1e-3)
    step = optimizer.step(learner, w, batch)
    at = adapt_from(learner, w, batch)
    kl_pass = kl_pass_at(learner, at, batch)
    rows = [fisher_product(learner, at, kl_pass, e[None])[0] for e in np.eye(w.size)]
    F = np.array(rows) / T + 1e-3 * np.eye(w.size)
    g = learner.gradient(w, batch)[1][0]
    x = np.linalg.solve(F, g)
    expected = -step.length * np.sqrt(2e-8 / (x @ F @ x)) * x
    assert_close((step.w - w)[0], expected, 1e-3)  # as far as it was solved


def test_thin_takes_every_so_many_query_states():
    learner, w, v, batch = setting()
    at = adapt_from(learner, w, batch)
    thinned = TaskBatch(batch.X_s, batch.Y_s, batch.X_q[:, ::4], batch.Y_q[:, ::4])
    expected = kl_pass_at(learner, at._replace(F=at.F[:, ::4]), thinned)
    got = TRPO(thin=4).kl_pass(learner.net, batch, at)
    np.testing.assert_array_equal(got.F, expected.F)
    assert_close(
        learner.net.tangent_pass(got, v[0]).hv,
        learner.net.tangent_pass(expected, v[0]).hv,
        1e-14,
    )


def test_chunks_do_not_change_the_step(monkeypatch):
    learner, w, _, batch = setting()
    whole = TRPO().step(learner, w, batch)
    monkeypatch.setattr(adaptation, "CHUNK_BYTES", 1)
    parts = TRPO().step(learner, w, batch)
    assert_close(parts.w, whole.w, 1e-9)
    assert parts.kl == pytest.approx(whole.kl, rel=1e-6)


def test_without_a_gradient_nothing_moves():
    learner, w, _, batch = setting()
    Y_q = batch.Y_q.copy()
    Y_q[..., -1] = np.finfo(float).tiny  # counted, but worth nothing
    flat = TaskBatch(batch.X_s, batch.Y_s, batch.X_q, Y_q)
    assert_refused(TRPO().step(learner, w, flat), w)


def test_single_precision_stays():
    learner, w, _, batch = setting()
    arrays = (batch.X_s, batch.Y_s, batch.X_q, batch.Y_q)
    single = TaskBatch(*(A.astype("float32") for A in arrays))
    step = TRPO().step(learner, w.astype("float32"), single)
    assert step.w.dtype == "float32"
    assert step.length > 0


# Settings


def test_the_defaults():
    defaults = "max_kl=0.01, cg_steps=10, damping=1e-05, backtracks=15, thin=1"
    assert repr(TRPO()) == f"TRPO({defaults})"
    assert TRPO().start(np.ones((2, 3))) == ()


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
