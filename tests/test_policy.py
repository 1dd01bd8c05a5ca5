"""The Gaussian policy: its loss by the textbook formula, its targets and actions.

Its derivatives are held to numbers, with those of the networks, in test_networks.py.
"""

import numpy as np
import pytest
from conftest import (
    N_S,
    D,
    H,
    O,
    T,
    assert_blocks_close,
    assert_close,
    complex_step,
    examples,
    fractions,
    plain_forward,
)

from metasgd_np import TwoLayerNet, gradcheck, hvp
from metasgd_np.reinforcement import GaussianPolicy
from metasgd_np.reinforcement.gaussian_loss import (
    divergence,
    gaussian_value,
    kl_targets,
    log_density,
    policy_targets,
    surrogate,
)

pytestmark = pytest.mark.filterwarnings("error")

POLICY = GaussianPolicy(TwoLayerNet(D, H, O))


def setting(variances=True):
    """θ and a direction of std 1, and X and Y of one task."""
    rng = np.random.default_rng(0)
    theta, v = rng.standard_normal((2, POLICY.n_params))
    X, Y = examples(rng, POLICY, N_S)
    if not variances:
        Y = Y.copy()
        Y[:, O:-1] = 0
    return theta, v, X, Y


def test_the_loss_is_minus_the_weighted_log_density_and_a_constant():
    theta, _, X, Y = setting(variances=False)
    A, w = Y[:, :O], Y[:, -1]
    mean, variance = plain_forward(POLICY.net, theta[:-O], X), np.exp(theta[-O:])
    density = np.exp(-((A - mean) ** 2) / (2 * variance)) / np.sqrt(
        2 * np.pi * variance
    )
    log_densities = np.log(density).sum(-1)  # (N,)
    constant = O / 2 * np.log(2 * np.pi)
    expected = -(w * log_densities).mean() - constant * w.mean()
    assert POLICY.loss(theta, X, Y) == pytest.approx(expected, rel=1e-13)
    F = POLICY.forward(theta, X)
    assert_close(log_density(F, Y), log_densities + constant, 1e-13)


def test_targets_that_vary_have_the_mean_loss_of_what_they_might_be():
    rng = np.random.default_rng(0)
    F, A = rng.standard_normal((2, 1, 2 * O)), rng.standard_normal((1, O))
    C = rng.random((1, O))
    points, masses = np.polynomial.hermite_e.hermegauss(5)  # exact for squares
    alone = gaussian_value(F, policy_targets(A, np.ones(1)))
    expected = -(O - 1) * alone
    for o in range(O):  # the loss is a sum over the actions: one varies at a time
        for point, mass in zip(points, masses / masses.sum(), strict=True):
            shifted = A + np.sqrt(C) * point * (np.arange(O) == o)
            expected += mass * gaussian_value(F, policy_targets(shifted, np.ones(1)))
    assert_close(gaussian_value(F, policy_targets(A, np.ones(1), C)), expected, 1e-13)


def test_targets_keep_the_type_of_the_actions():
    A, w = np.ones((3, 2), "float32"), np.ones(3, "float32")
    assert policy_targets(A, w).dtype == "float32"
    assert policy_targets(A, w, 0.5).tolist() == [[1, 1, 0.5, 0.5, 1]] * 3
    exact = policy_targets(fractions(np.random.default_rng(0), 3, 2), w.astype(object))
    assert exact.dtype == object


# The divergence and the surrogate


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
    Y[0, :, -1] = 0  # a task without any counts nothing
    assert divergence(old, new, Y)[0] == 0


def test_the_divergence_has_slope_zero_where_the_policies_agree():
    theta, _, X, Y = setting()
    targets = kl_targets(POLICY.forward(theta, X), Y)
    assert np.abs(POLICY.gradient(theta, X, targets)).max() < 1e-15


def test_the_surrogates_slope_where_it_was_drawn_is_the_policy_gradient():
    theta, _, X, Y = setting(variances=False)
    F_old = POLICY.forward(theta, X)
    slope = complex_step(lambda t: surrogate(F_old, POLICY.forward(t, X), Y), theta)
    assert_blocks_close(POLICY, POLICY.gradient(theta, X, Y), slope, 1e-12)
    assert surrogate(F_old, F_old, Y) == pytest.approx(-Y[:, -1].mean(), rel=1e-14)


# The policy


def test_theta_is_the_nets_with_the_log_variances_at_its_end():
    policy = GaussianPolicy(POLICY.net, log_variance=-0.5)
    theta = policy.init(np.random.default_rng(3))
    net_theta = POLICY.net.init(np.random.default_rng(3))
    np.testing.assert_array_equal(theta, np.append(net_theta, [-0.5] * O))
    assert list(policy.blocks(theta)) == ["W1", "b1", "W2", "b2", "s"]
    assert policy.blocks(theta)["s"].tolist() == [-0.5] * O
    assert np.shares_memory(policy.blocks(theta)["s"], theta)
    assert POLICY.log_variance == 0  # the default


def test_actions_have_the_mean_and_the_variance_of_the_policy():
    theta, _, X, _ = setting()
    noise = np.random.default_rng(0).standard_normal((4, N_S, O))
    A = POLICY.act(theta, X, noise)  # one state, four draws
    M, S = np.split(POLICY.forward(theta, X), 2, -1)
    assert_close(A, M + np.exp(S / 2) * noise, 1e-14)


def test_the_net_of_the_policy_is_left_alone():
    theta, v, X, Y = setting()
    before = dict(vars(POLICY.net))
    hvp(POLICY, theta, X, Y, v)
    assert vars(POLICY.net) == before


def test_the_checker_takes_a_policy():
    theta, _, X, Y = setting()
    assert gradcheck(
        lambda t: POLICY.loss(t, X, Y),
        lambda t: POLICY.gradient(t, X, Y),
        theta,
        hvp=lambda t, v: hvp(POLICY, t, X, Y, v),
        blocks=POLICY.blocks,
    ).ok


def test_targets_of_a_wrong_shape_are_named():
    theta, _, X, Y = setting()
    for wrong in (Y[:, :O], Y[1:]):
        message = rf"Y has shape \({wrong.shape[0]}, \d\), .* 8, 9\); policy_targets"
        with pytest.raises(ValueError, match=message):
            POLICY.gradient(theta, X, wrong)
