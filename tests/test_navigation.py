"""The point and its world, by hand; from trajectories to advantages."""

import numpy as np
import pytest
from conftest import assert_close

from metasgd_np import TwoLayerNet
from metasgd_np.deep_net import DeepNet
from metasgd_np.reinforcement import Navigation
from metasgd_np.reinforcement.advantages import (
    advantages_of,
    baseline,
    discounted_returns,
    policy_batch,
)
from metasgd_np.reinforcement.navigation import Trajectories
from metasgd_np.reinforcement.policy import GaussianPolicy

pytestmark = pytest.mark.filterwarnings("error")

T, M = 3, 4
POLICY = GaussianPolicy(TwoLayerNet(2, 5, 2))


def task(start, goal):
    """One task (1, 2, 2)."""
    return np.array([[start, goal]], dtype=float)


def walk(actions, start, goal, horizon=None):
    """One trajectory of given actions (S, 2)."""
    actions = np.asarray(actions, dtype=float)
    world = Navigation(horizon=horizon or len(actions))
    return world.walk(lambda step, X: actions[None, step, None], task(start, goal), 1)


# A few steps by hand


def test_actions_are_in_units_of_full_speed_and_cut():
    t = walk([(0.5, -1), (3, -7), (0, 0)], (0, 0), (0.5, 0.5))
    assert_close(t.states[0, 0], np.array([(0, 0), (0.05, -0.1), (0.15, -0.2)]), 1e-15)
    assert t.actions[0, 0].tolist() == [[0.5, -1], [3, -7], [0, 0]]  # kept uncut


def test_the_reward_is_minus_the_distance_after_the_step():
    t = walk([(1, 0), (0, 0), (1, 1)], (0, 0), (0.4, 0.4))
    expected = [-np.hypot(0.3, 0.4), -np.hypot(0.3, 0.4), -np.hypot(0.2, 0.3)]
    assert_close(t.rewards[0, 0], np.array(expected), 1e-14)
    assert t.returns[0] == pytest.approx(sum(expected), rel=1e-14)


def test_a_trajectory_ends_within_a_hundredth_in_both_directions():
    goal = (0.2, 0.1)
    near = (0.95, 0.91)  # 0.105 and 0.009 away: only one of them is near
    t = walk([near, (0.93, 0), (0.05, 0), (5, 5), (5, 5)], (0, 0), goal)
    # after step 2 the point is at (0.188, 0.091), 0.012 away in one direction, after
    # step 3 at (0.193, 0.091): within 0.01 in both
    assert t.alive[0, 0].tolist() == [1, 1, 1, 0, 0]
    last = -np.hypot(0.2 - 0.193, 0.1 - 0.091)  # the reward of arriving still counts
    assert t.rewards[0, 0, 2] == pytest.approx(last, rel=1e-12)
    assert t.rewards[0, 0, 3:].tolist() == [0, 0]
    assert_close(t.states[0, 0, 3:], np.array([(0.193, 0.091)] * 2), 1e-14)


def test_each_trajectory_ends_by_itself():
    def act(step, X):  # the second one stands still
        return np.array([[[1.0, 0.0], [0.0, 0.0]]])

    t = Navigation(horizon=3).walk(act, task((0, 0), (0.1, 0)), 2)
    assert t.alive.tolist() == [[[1, 0, 0], [1, 1, 1]]]
    assert t.returns[0] == pytest.approx(-0.3 / 2, rel=1e-14)


def test_the_horizon_ends_what_has_not_arrived():
    t = Navigation(horizon=7).walk(lambda step, X: 0 * X, task((0, 0), (0.3, 0.4)), 1)
    assert t.returns[0] == pytest.approx(-3.5, rel=1e-14)
    assert t.alive.all()


def test_discounted_returns_start_with_a_whole_reward():
    t = walk([(1, 0), (1, 0), (0, 0)], (0, 0), (0.5, 0))
    assert t.discounted(0.5)[0] == pytest.approx(-0.4 - 0.3 / 2 - 0.3 / 4, rel=1e-14)
    assert t.returns[0] == pytest.approx(-1.0, rel=1e-14)


# Tasks


@pytest.mark.parametrize("start", ["fixed", "varying"])
def test_goals_fill_the_square_and_starts_do_if_they_vary(start):
    tasks = Navigation(start).sample(np.random.default_rng(0), 4000)
    assert tasks.shape == (4000, 2, 2)
    assert np.abs(tasks).max() <= 0.5
    assert_close(tasks[:, 1].std(0), np.full(2, 1 / np.sqrt(12)), 0.03)
    if start == "fixed":
        assert (tasks[:, 0] == 0).all()
    else:
        assert_close(tasks[:, 0].std(0), np.full(2, 1 / np.sqrt(12)), 0.03)
        between = np.corrcoef(tasks.reshape(-1, 4).T) - np.eye(4)
        assert np.abs(between).max() < 0.05


def test_all_trajectories_at_once_are_those_of_one_at_a_time():
    policy, rng = GaussianPolicy(DeepNet((2, 4, 3, 2))), np.random.default_rng(0)
    world = Navigation("varying", horizon=6)
    tasks = world.sample(rng, T)
    theta = rng.standard_normal((T, policy.n_params))
    together = world.roll_out(policy, theta, tasks, np.random.default_rng(1), M)
    noise = np.random.default_rng(1).standard_normal((6, T, M, 2))
    assert together.states.shape == (T, M, 6, 2)
    for i, j in np.ndindex(T, M):

        def act(step, X, i=i, j=j):
            F = policy.forward(theta[i], X)
            return F[..., :2] + np.exp(F[..., 2:] / 2) * noise[step, i, j]

        alone = world.walk(act, tasks[i : i + 1], 1)
        assert_close(together.states[i, j], alone.states[0, 0], 1e-13)
        assert_close(together.actions[i, j], alone.actions[0, 0], 1e-13)
        assert_close(together.rewards[i, j], alone.rewards[0, 0], 1e-13)


def test_one_theta_serves_all_tasks():
    world = Navigation(horizon=5)
    tasks = world.sample(np.random.default_rng(0), T)
    theta = np.random.default_rng(1).standard_normal(POLICY.n_params)
    one = world.roll_out(POLICY, theta, tasks, np.random.default_rng(2), M)
    many = np.repeat(theta[None], T, axis=0)
    same = world.roll_out(POLICY, many, tasks, np.random.default_rng(2), M)
    assert_close(one.rewards, same.rewards, 1e-13)
    some = one[1:]
    for name in ("states", "actions", "rewards", "alive"):
        np.testing.assert_array_equal(getattr(some, name), getattr(one, name)[1:])


def test_single_precision_stays():
    world = Navigation(horizon=5, dtype="float32")
    rng = np.random.default_rng(0)
    tasks = world.sample(rng, T)
    t = world.roll_out(POLICY, POLICY.init(rng).astype("float32"), tasks, rng, M)
    for A in (
        tasks,
        t.states,
        t.actions,
        t.rewards,
        t.alive,
        *policy_batch(t, 0.9, 1.0),
    ):
        assert A.dtype == "float32"


# Advantages


def test_returns_are_discounted_backwards():
    assert discounted_returns(np.array([1.0, 2.0, 4.0]), 0.5).tolist() == [3, 4, 4]
    G = discounted_returns(np.ones((T, M, 5)), 1.0)
    np.testing.assert_array_equal(G, np.broadcast_to([5, 4, 3, 2, 1], (T, M, 5)))


def made_up(rng, horizon=6, dtype="float64"):
    """Trajectories of T tasks whose rewards are noise, some of which end early."""
    shape = (T, M, horizon)
    alive = np.ones(shape, dtype)
    alive[:, 1, 4:] = 0
    rewards = rng.standard_normal(shape).astype(dtype) * alive
    states, actions = rng.standard_normal((2, *shape, 2)).astype(dtype)
    return Trajectories(states, actions, rewards, alive)


def test_the_baseline_is_the_least_squares_fit_of_the_steps_taken():
    t = made_up(np.random.default_rng(0))
    G = discounted_returns(t.rewards, 0.9)
    b = baseline(t.states, t.alive, G)
    time = np.broadcast_to(np.arange(6) / 100, (M, 6))
    for i in range(T):
        columns = [t.states[i], t.states[i] ** 2]
        columns += [time[..., None] ** k for k in range(4)]
        Phi = np.concatenate(columns, axis=-1)
        taken = t.alive[i] == 1
        A, y = Phi[taken], G[i][taken]
        ridge = np.sqrt(1e-5) * np.eye(8)
        c, *_ = np.linalg.lstsq(
            np.vstack([A, ridge]), np.append(y, np.zeros(8)), rcond=None
        )
        assert_close(b[i][taken], A @ c, 1e-6)


def test_weights_are_centred_scaled_and_zero_after_the_end():
    t = made_up(np.random.default_rng(0))
    X, Y = policy_batch(t, 0.9, 1.0)
    assert X.shape == (T, M * 6, 2)
    assert Y.shape == (T, M * 6, 5)
    np.testing.assert_array_equal(Y[..., :2].reshape(t.actions.shape), t.actions)
    assert (Y[..., 2:4] == 0).all()
    w = Y[..., -1].reshape(T, M, 6)
    assert (w[t.alive == 0] == 0).all()
    assert np.abs(w.sum((1, 2))).max() < 1e-12
    taken = t.alive.sum((1, 2))
    # 1/N over all N rows makes the mean over the steps taken
    advantage = w * (taken / (M * 6))[:, None, None]
    assert_close((advantage**2).sum((1, 2)) / taken, np.ones(T), 1e-6)


def test_the_weights_are_the_returns_less_the_baseline():
    t = made_up(np.random.default_rng(0))
    G = discounted_returns(t.rewards, 0.9)
    advantage = (G - baseline(t.states, t.alive, G))[0][t.alive[0] == 1]
    w = policy_batch(t, 0.9, 1.0)[1][0, :, -1].reshape(M, 6)[t.alive[0] == 1]
    assert np.corrcoef(advantage, w)[0, 1] == pytest.approx(1, abs=1e-12)


def test_advantages_blend_the_estimates_of_every_length():
    rng = np.random.default_rng(0)
    r, b = rng.standard_normal((2, 3, 7))  # (M, S)
    for discount, blend in ((0.9, 0.8), (0.7, 0.0), (1.0, 0.3)):
        # the estimate that looks n steps ahead: n rewards, then the baseline
        by_length = []
        for n in range(1, 8):
            ahead = np.zeros((3, 14))
            ahead[:, :7] = r
            estimate = sum(discount**k * ahead[:, k : k + 7] for k in range(n)) - b
            ahead[:, :7] = b
            by_length.append(estimate + discount**n * ahead[:, n : n + 7])
        shares = [(1 - blend) * blend**k for k in range(6)] + [blend**6]
        expected = sum(w * A for w, A in zip(shares, by_length, strict=True))
        assert_close(advantages_of(r, b, discount, blend), expected, 1e-12)
    G = discounted_returns(r, 0.9)
    assert_close(advantages_of(r, b, 0.9, 1.0), G - b, 1e-12)


def test_tasks_are_fitted_one_by_one():
    t = made_up(np.random.default_rng(0))
    whole = policy_batch(t, 0.9, 0.8)[1]
    for i in range(T):
        one = Trajectories(
            *(a[i : i + 1] for a in (t.states, t.actions, t.rewards, t.alive))
        )
        assert_close(policy_batch(one, 0.9, 0.8)[1][0], whole[i], 1e-8)


# Settings


def test_the_defaults():
    world = Navigation()
    assert repr(world) == "Navigation(start='fixed', horizon=100, dtype='float64')"
    rng = np.random.default_rng(0)
    tasks = world.sample(rng, 2)
    t = world.roll_out(POLICY, POLICY.init(rng), tasks, rng)
    assert t.rewards.shape == (2, 20, 100)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"start": "moving"}, ValueError, "no start called 'moving'; choose"),
        ({"horizon": 0}, ValueError, "horizon is 0, .* 1 or more"),
        ({"horizon": 2.5}, TypeError, "horizon is 2.5, .* whole number"),
        ({"dtype": "int"}, ValueError, "no dtype called 'int'; choose"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        Navigation(**settings)


def test_no_tasks_are_refused():
    with pytest.raises(ValueError, match="n_tasks is 0, but it must be 1 or more"):
        Navigation().sample(np.random.default_rng(0), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.ones(7)}, r"theta has shape \(7,\), .* P = "),
        ({"theta": np.full(POLICY.n_params, np.nan)}, "theta holds nan at index"),
        ({"theta": np.ones((2, POLICY.n_params))}, r"theta \(2,\) and tasks \(3,\)"),
        ({"tasks": np.ones((3, 2))}, r"tasks has shape \(3, 2\), .* world.sample"),
        ({"n_trajectories": 0}, "n_trajectories is 0"),
        ({"policy": GaussianPolicy(TwoLayerNet(3, 5, 2))}, "has D = 3 .* O = 2"),
        ({"policy": GaussianPolicy(TwoLayerNet(2, 5, 1))}, "has D = 2 .* O = 1"),
    ],
)
def test_bad_arguments_of_a_roll_out_are_named(change, message):
    given = {
        "policy": POLICY,
        "theta": np.ones(POLICY.n_params),
        "tasks": np.zeros((3, 2, 2)),
        "n_trajectories": M,
    } | change
    with pytest.raises(ValueError, match=message):
        Navigation(horizon=5).roll_out(rng=np.random.default_rng(0), **given)
