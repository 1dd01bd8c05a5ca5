"""The Gaussian policy: its loss by the textbook formula, and the ladder on top."""

import numpy as np
import pytest
from conftest import (
    N_Q,
    N_S,
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    central_difference,
    complex_step,
    fractions,
    plain_forward,
)

from metasgd_np import TaskBatch, TwoLayerNet, adapt, gradcheck, hvp, meta_gradient
from metasgd_np.deep_net import DeepNet
from metasgd_np.reinforcement.gaussian_loss import (
    divergence,
    gaussian_value,
    kl_targets,
    log_density,
    policy_targets,
    surrogate,
)
from metasgd_np.reinforcement.policy import GaussianPolicy

pytestmark = pytest.mark.filterwarnings("error")

NETS = {
    "two layers": TwoLayerNet(D, H, O),
    "three layers": DeepNet((D, H, 5, O), "sigmoid"),
    "relu": DeepNet((D, H, 5, O), "relu"),
    "linear": DeepNet((D, O)),
}
every_policy = pytest.mark.parametrize("name", NETS)


def examples(rng, *shape, variances=True):
    """States X (*shape, D) and targets Y (*shape, 2O+1) of order one."""
    A = rng.standard_normal((*shape, O))
    C = rng.random((*shape, O)) if variances else 0
    Y = policy_targets(A, rng.standard_normal(shape), C)
    return rng.standard_normal((*shape, D)), Y


def setting(name="two layers", seed=0):
    """A policy, θ and a direction of std 1, X and Y of one task."""
    rng = np.random.default_rng(seed)
    policy = GaussianPolicy(NETS[name])
    theta, v = rng.standard_normal((2, policy.n_params))
    return policy, theta, v, *examples(rng, N_S)


def batch_of(rng):
    """A TaskBatch of T tasks, support and query of different sizes."""
    support = examples(rng, T, N_S, variances=False)
    return TaskBatch(*support, *examples(rng, T, N_Q, variances=False))


def plain_log_density(mean, s, a):
    """log N(a; mean, e^s), a sum over the actions, by the textbook formula."""
    variance = np.exp(s)
    terms = -((a - mean) ** 2) / (2 * variance) - np.log(2 * np.pi * variance) / 2
    return terms.sum(-1)


# The loss


def test_the_loss_is_minus_the_weighted_log_density_and_a_constant():
    policy, theta, _, X, Y = setting()
    Y[:, O:-1] = 0
    A, w = Y[:, :O], Y[:, -1]
    net_theta, s = theta[:-O], theta[-O:]
    density = plain_log_density(plain_forward(policy.net, net_theta, X), s, A)
    constant = O / 2 * np.log(2 * np.pi) * w.mean()
    assert policy.loss(theta, X, Y) == pytest.approx(
        -(w * density).mean() - constant, rel=1e-13
    )
    F = policy.forward(theta, X)
    assert_close(log_density(F, Y), density + O / 2 * np.log(2 * np.pi), 1e-13)


def test_targets_that_vary_have_the_mean_loss_of_what_they_might_be():
    rng = np.random.default_rng(0)
    F, A = rng.standard_normal((2, 1, 2 * O)), rng.standard_normal((1, O))
    C = rng.random((1, O))
    points, masses = np.polynomial.hermite_e.hermegauss(5)  # exact for squares
    expected = 0
    for o in range(O):  # the loss is a sum over the actions: one varies at a time
        for point, mass in zip(points, masses / masses.sum(), strict=True):
            shifted = A + np.sqrt(C) * point * (np.arange(O) == o)
            expected += mass * gaussian_value(F, policy_targets(shifted, np.ones(1)))
    alone = gaussian_value(F, policy_targets(A, np.ones(1)))
    expected -= (O - 1) * alone
    assert_close(gaussian_value(F, policy_targets(A, np.ones(1), C)), expected, 1e-13)


def test_the_divergence_is_that_of_two_gaussians():
    rng = np.random.default_rng(0)
    old, new = rng.standard_normal((2, T, N_S, 2 * O))
    Y = policy_targets(old[..., :O], rng.standard_normal((T, N_S)))
    (m, s), (m2, s2) = (np.split(F, 2, -1) for F in (old, new))
    kl = (s2 - s + (np.exp(s) + (m - m2) ** 2) / np.exp(s2) - 1).sum(-1) / 2
    assert_close(divergence(old, new, Y), kl.mean(-1), 1e-13)
    assert np.abs(divergence(old, old, Y)).max() < 1e-15
    Y[:, 2:4, -1] = 0  # a step of weight 0 was not taken: it does not count
    assert_close(divergence(old, new, Y), np.delete(kl, [2, 3], axis=1).mean(-1), 1e-13)


def test_the_divergence_has_slope_zero_where_the_policies_agree():
    policy, theta, _, X, Y = setting()
    targets = kl_targets(policy.forward(theta, X), Y)
    assert np.abs(policy.gradient(theta, X, targets)).max() < 1e-15


def test_the_surrogates_slope_where_it_was_drawn_is_the_policy_gradient():
    policy, theta, _, X, Y = setting()
    Y[:, O:-1] = 0
    F_old = policy.forward(theta, X)
    slope = complex_step(lambda t: surrogate(F_old, policy.forward(t, X), Y), theta)
    assert_blocks_close(policy, policy.gradient(theta, X, Y), slope, 1e-12)
    assert surrogate(F_old, F_old, Y) == pytest.approx(-Y[:, -1].mean(), rel=1e-14)


# The ladder


@every_policy
def test_the_gradient_agrees_with_the_complex_step(name):
    policy, theta, _, X, Y = setting(name)
    expected = complex_step(lambda t: policy.loss(t, X, Y), theta)
    assert_blocks_close(policy, policy.gradient(theta, X, Y), expected, 1e-12)


@every_policy
def test_the_gradient_agrees_with_central_differences(name):
    policy, theta, _, X, Y = setting(name)
    expected = central_difference(lambda t: policy.loss(t, X, Y), theta)
    assert_blocks_close(policy, policy.gradient(theta, X, Y), expected, 1e-7)


@pytest.mark.parametrize("block", ["W1", "b1", "W2", "b2", "s", None])
@every_policy
def test_hvp_along_each_block_agrees_with_the_complex_step(name, block):
    policy, theta, v, X, Y = setting(name)
    if block is not None:
        if block not in policy.blocks(v):
            block = "b1"
        only = np.zeros_like(v)
        policy.blocks(only)[block][...] = policy.blocks(v)[block]
        v = only
    expected = policy.gradient(theta + 1e-30j * v, X, Y).imag / 1e-30
    assert_blocks_close(policy, hvp(policy, theta, X, Y, v), expected, 1e-12)


@pytest.mark.parametrize("steps", [1, 2])
@every_policy
def test_the_meta_gradient_agrees_with_the_complex_step(name, steps):
    rng = np.random.default_rng(1)
    policy = GaussianPolicy(NETS[name])
    theta = rng.standard_normal(policy.n_params)
    alpha = 0.05 * rng.standard_normal(policy.n_params)
    batch = batch_of(rng)

    def loss(theta, alpha):
        theta_J = adapt(policy, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        return policy.loss(theta_J, batch.X_q, batch.Y_q).mean()

    mg = meta_gradient(policy, theta, alpha, batch, steps)
    d_theta = complex_step(lambda t: loss(t, alpha), theta)
    d_alpha = complex_step(lambda a: loss(theta, a), alpha)
    assert mg.loss == pytest.approx(loss(theta, alpha), rel=1e-13)
    assert_blocks_close(policy, mg.d_theta, d_theta, 1e-12)
    assert_blocks_close(policy, mg.d_alpha, d_alpha, 1e-12)


@every_policy
def test_the_checker_takes_a_policy(name):
    policy, theta, _, X, Y = setting(name)
    report = gradcheck(
        lambda t: policy.loss(t, X, Y),
        lambda t: policy.gradient(t, X, Y),
        theta,
        hvp=lambda t, v: hvp(policy, t, X, Y, v),
        blocks=policy.blocks,
    )
    assert report.ok


# Numbers and axes


def test_single_precision_stays_and_agrees():
    policy, theta, v, X, Y = setting()
    single = [A.astype("float32") for A in (theta, X, Y, v)]
    for f in (policy.gradient, policy.loss):
        assert f(*single[:3]).dtype == "float32"
    product = hvp(policy, *single)
    assert product.dtype == "float32"
    assert_close(product, hvp(policy, theta, X, Y, v), 1e-4)


def test_targets_keep_the_type_of_the_actions():
    A, w = np.ones((3, 2), "float32"), np.ones(3, "float32")
    assert policy_targets(A, w).dtype == "float32"
    assert policy_targets(A, w, 0.5).tolist() == [[1, 1, 0.5, 0.5, 1]] * 3
    exact = policy_targets(fractions(np.random.default_rng(0), 3, 2), w.astype(object))
    assert exact.dtype == object


@pytest.mark.parametrize("name", ["two layers", "three layers"])
def test_tasks_agree_with_one_at_a_time(name):
    rng = np.random.default_rng(0)
    policy = GaussianPolicy(NETS[name])
    theta, v = rng.standard_normal((2, T, policy.n_params))
    X, Y = examples(rng, T, N_S)
    gradient, product = policy.gradient(theta, X, Y), hvp(policy, theta, X, Y, v)
    shared = hvp(policy, theta[0], X, Y, v[0])
    for i in range(T):
        assert_close(gradient[i], policy.gradient(theta[i], X[i], Y[i]), 1e-13)
        assert_close(product[i], hvp(policy, theta[i], X[i], Y[i], v[i]), 1e-13)
        assert_close(shared[i], hvp(policy, theta[0], X[i], Y[i], v[0]), 1e-13)


def test_the_net_of_the_policy_is_left_alone():
    policy, theta, v, X, Y = setting()
    loss, copies = policy.net.loss_function, [A.copy() for A in (theta, v, X, Y)]
    hvp(policy, theta, X, Y, v)
    assert policy.net.loss_function is loss
    for before, after in zip(copies, (theta, v, X, Y), strict=True):
        np.testing.assert_array_equal(before, after)


def test_theta_is_the_nets_with_the_log_variances_at_its_end():
    policy = GaussianPolicy(NETS["two layers"], log_variance=-0.5)
    theta = policy.init(np.random.default_rng(3))
    net_theta = NETS["two layers"].init(np.random.default_rng(3))
    np.testing.assert_array_equal(theta, np.append(net_theta, [-0.5] * O))
    assert list(policy.blocks(theta)) == ["W1", "b1", "W2", "b2", "s"]
    assert policy.blocks(theta)["s"].tolist() == [-0.5] * O
    assert np.shares_memory(policy.blocks(theta)["s"], theta)


def test_actions_have_the_mean_and_the_variance_of_the_policy():
    policy, theta, _, X, _ = setting()
    noise = np.random.default_rng(0).standard_normal((4, N_S, O))
    A = policy.act(theta, X, noise)  # one state, four draws
    M, S = np.split(policy.forward(theta, X), 2, -1)
    assert_close(A, M + np.exp(S / 2) * noise, 1e-14)


# What goes wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Y": np.ones((N_S, O))}, r"Y has shape \(8, 4\), .* 8, 9\); policy_targets"),
        ({"X": np.ones((N_S, 3))}, r"X has shape \(8, 3\), .* D = 2"),
        ({"theta": np.ones(3)}, r"theta has shape \(3,\)"),
        ({"Y": np.full((N_S, 2 * O + 1), np.nan)}, "Y holds nan"),
    ],
)
def test_bad_arguments_are_named(change, message):
    policy, theta, _, X, Y = setting()
    with pytest.raises(ValueError, match=message):
        policy.gradient(**{"theta": theta, "X": X, "Y": Y} | change)
