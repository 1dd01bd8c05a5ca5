"""Meta-learning by acting: reproducible, resumable, and it learns to walk."""

import subprocess
import sys
import time
from inspect import signature

import numpy as np
import pytest
from conftest import assert_close, assert_same

from metasgd_np import MAML, MetaSGD, TwoLayerNet, adapt, adaptation
from metasgd_np.checkpoints import Checkpoint, load, save
from metasgd_np.reinforcement import Navigation
from metasgd_np.reinforcement.advantages import policy_batch
from metasgd_np.reinforcement.policy import GaussianPolicy
from metasgd_np.reinforcement.rollouts import (
    act_and_adapt,
    evaluate_policy,
    one_step,
    reference_returns,
)
from metasgd_np.reinforcement.training import train_policy
from metasgd_np.reinforcement.trpo import TRPO, TrustStep
from metasgd_np.training import TrainingDiverged, random_stream

WORLD = Navigation("varying", horizon=8)
POLICY = GaussianPolicy(TwoLayerNet(2, 6, 2))
SETTINGS = {
    "cosine_decay": True,
    "iterations": 4,
    "meta_batch": 3,
    "trajectories": 5,
    "progress": False,
}
LEARNERS = {"MetaSGD": MetaSGD(POLICY, (0.3, 0.3)), "MAML": MAML(POLICY, 0.3)}

SCRIPT = """
import sys
from metasgd_np import MetaSGD, TwoLayerNet, checkpoints
from metasgd_np.reinforcement.policy import GaussianPolicy
from metasgd_np.reinforcement.training import train_policy
from metasgd_np.reinforcement import Navigation
from metasgd_np.reinforcement.trpo import TRPO
checkpoints.SECONDS_BETWEEN_SAVES = 0
with checkpoints.Checkpoint(sys.argv[1]) as run:
    train_policy(
        MetaSGD(GaussianPolicy(TwoLayerNet(2, 6, 2)), (0.3, 0.3)),
        Navigation("varying", horizon=8), TRPO(), after_block=run.keep,
        iterations=4000, meta_batch=3, trajectories=5, progress=False,
    )
"""


def short_run(name="MetaSGD", world=WORLD, optimizer=None, **settings):
    optimizer = optimizer or TRPO()
    return train_policy(LEARNERS[name], world, optimizer, **SETTINGS | settings)


@pytest.fixture
def steps(monkeypatch):
    """Trust-region steps that go nowhere, and the (max_kl, batch) each was given."""
    given = []

    def stand_still(self, learner, w, batch):
        given.append((self.max_kl, batch))
        return TrustStep(w, 0.0, 0.0, 0.0)

    monkeypatch.setattr(TRPO, "step", stand_still)
    return given


@pytest.mark.parametrize("name", LEARNERS)
def test_a_run_stopped_after_any_iteration_goes_on_bit_for_bit(name, tmp_path):
    states = []
    whole = short_run(name, after_block=states.append)
    assert [state.iteration for state in states] == [1, 2, 3, 4]
    assert whole.history.shape == (4, 2)
    assert_same(short_run(name), whole)
    for state in states:
        save(tmp_path / "run.npz", state)
        again = short_run(name, start_from=load(tmp_path / "run.npz"))
        assert_same(again, whole)


def test_a_killed_run_resumes_bit_for_bit(tmp_path):
    path = tmp_path / "run.npz"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)])
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
    process.kill()
    process.wait()
    done = load(path).iteration
    assert 0 < done < 4000
    arguments = (LEARNERS["MetaSGD"], WORLD, TRPO())
    rest = {"meta_batch": 3, "trajectories": 5, "progress": False}
    with pytest.raises(ValueError, match="iterations was 4000, now 7"):
        latest = Checkpoint(path, resume=True).latest
        train_policy(*arguments, start_from=latest, iterations=7, **rest)
    ends = []
    for start in (load(path), None):  # resumed, and from the beginning
        states = []
        with pytest.raises(KeyboardInterrupt):
            train_policy(
                *arguments,
                iterations=4000,
                start_from=start,
                after_block=lambda state, seen=states: stop_at(done + 3, state, seen),
                **rest,
            )
        ends.append(states[-1])
    assert_same(*ends)


def stop_at(iteration, state, seen):
    """Keep the state; stop the run at an iteration."""
    seen.append(state)
    if state.iteration == iteration:
        raise KeyboardInterrupt


# Acting and stepping


def test_each_step_is_adapt_on_the_trajectories_before_it():
    rng = np.random.default_rng(0)
    theta = rng.standard_normal(POLICY.n_params)
    alphas = 0.1 * rng.standard_normal((2, POLICY.n_params))
    tasks = WORLD.sample(rng, 3)
    drawn, batches = act_and_adapt(
        POLICY, theta, alphas, WORLD, tasks, np.random.default_rng(1), trajectories=5
    )
    rng, thetas = np.random.default_rng(1), np.repeat(theta[None], 3, axis=0)
    assert len(drawn) == len(batches) == 3
    for j in range(3):
        t = WORLD.roll_out(POLICY, thetas, tasks, rng, 5)
        assert_close(t.rewards, drawn[j].rewards, 1e-13)
        X, Y = policy_batch(t, 0.99, 0.9)
        assert_close(Y, batches[j][1], 1e-9)
        if j < 2:
            thetas = np.stack(
                [adapt(POLICY, thetas[i], alphas[j], X[i], Y[i])[-1] for i in range(3)]
            )


def test_chunks_of_tasks_do_not_change_a_step(monkeypatch):
    rng = np.random.default_rng(0)
    thetas = rng.standard_normal((3, POLICY.n_params))
    tasks = WORLD.sample(rng, 3)
    X, Y = policy_batch(WORLD.roll_out(POLICY, thetas, tasks, rng, 5), 0.9, 1.0)
    whole = one_step(POLICY, thetas, 0.1, X, Y)
    monkeypatch.setattr(adaptation, "CHUNK_BYTES", 1)
    assert_close(one_step(POLICY, thetas, 0.1, X, Y), whole, 1e-13)


def test_history_and_batch_are_those_of_acting_before_and_after_the_step(steps):
    learner = LEARNERS["MetaSGD"]
    acting = {"trajectories": 5, "discount": 0.9, "gae_lambda": 0.7}
    state = train_policy(
        learner, WORLD, TRPO(), iterations=2, meta_batch=3, progress=False, **acting
    )
    theta, alpha = learner.unpack(learner.start(random_stream(0, "start")))
    for iteration in range(2):
        rng = random_stream(0, "train", iteration)
        tasks = WORLD.sample(rng, 3)
        drawn, batches = act_and_adapt(
            POLICY, theta, [alpha], WORLD, tasks, rng, **acting
        )
        returns = np.array([t.returns.mean() for t in drawn])
        assert_close(state.history[iteration], returns, 1e-12)
        _, batch = steps[iteration]
        found = batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
        for got, expected in zip(found, (*batches[0], *batches[1]), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_trust_region_shrinks_along_half_a_cosine(steps):
    for decay in (False, True):
        short_run(optimizer=TRPO(0.5), iterations=3, cosine_decay=decay)
    radii = np.array([max_kl for max_kl, _ in steps])
    assert_close(radii, np.array([0.5, 0.5, 0.5, 0.5, 0.375, 0.125]), 1e-14)


def test_the_settings_are_written_down_and_have_these_defaults():
    state = train_policy(LEARNERS["MAML"], WORLD, TRPO(), iterations=0, progress=False)
    assert state.settings == {
        "learner": repr(LEARNERS["MAML"]),
        "world": repr(WORLD),
        "optimizer": repr(TRPO()),
        "iterations": 0,
        "meta_batch": 20,
        "trajectories": 20,
        "discount": 0.99,
        "gae_lambda": 0.9,
        "cosine_decay": False,
        "seed": 0,
    }


def test_the_bar_counts_updates_from_where_the_run_goes_on(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, **options):
            self.options, self.n = options, options["initial"]
            bars.append(self)

        def update(self, n=1):
            self.n += n

        def set_postfix_str(self, text, refresh):
            self.text = text

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr("tqdm.tqdm", Bar)
    states, options = [], {**SETTINGS, "progress": True}
    learner = LEARNERS["MAML"]
    train_policy(learner, WORLD, TRPO(), **options, after_block=states.append)
    train_policy(learner, WORLD, TRPO(), **options, start_from=states[1])
    whole, resumed = bars
    assert whole.options == {"total": 4, "initial": 0, "unit": "it"}
    assert resumed.options == {"total": 4, "initial": 2, "unit": "it"}
    assert whole.n == resumed.n == 4
    assert whole.text == "return {:.1f} → {:.1f}".format(*states[3].history[3])


# Judging


def test_returns_are_those_of_acting_on_the_streams_tasks_with_scaled_steps():
    learner = LEARNERS["MAML"]
    w = learner.start(np.random.default_rng(0))
    theta, alpha = learner.unpack(w)
    given = {"trajectories": 5, "discount": 0.9, "gae_lambda": 0.8}
    scales = (1, 0.5, 0.25)
    plain, discounted = evaluate_policy(
        learner, w, WORLD, 7, "test", n_tasks=23, step_scales=scales, **given
    )
    tasks = WORLD.sample(random_stream(7, "test"), 23)
    for start, end in ((0, 20), (20, 23)):  # a generator for every 20 tasks
        rng = random_stream(7, "test", 1 + start)
        alphas = [scale * alpha for scale in scales]
        drawn, _ = act_and_adapt(
            POLICY, theta, alphas, WORLD, tasks[start:end], rng, **given
        )
        expected = np.array([t.returns for t in drawn])
        assert_close(plain.scores[:, start:end], expected, 1e-12)
        expected = np.array([t.discounted(0.9) for t in drawn])
        assert_close(discounted.scores[:, start:end], expected, 1e-12)


def test_judging_has_these_defaults():
    found = {
        function.__name__: {
            name: parameter.default
            for name, parameter in signature(function).parameters.items()
            if parameter.default is not parameter.empty
        }
        for function in (evaluate_policy, reference_returns, act_and_adapt)
    }
    acting = {"trajectories": 20, "discount": 0.99, "gae_lambda": 0.9}
    assert found == {
        "evaluate_policy": {"n_tasks": 600, "step_scales": (1, 0.5, 0.5), **acting},
        "reference_returns": {"n_tasks": 600},
        "act_and_adapt": acting,
    }


def test_the_oracle_bounds_what_can_be_had_and_random_walks_stay_far():
    world = Navigation(horizon=100)
    references = reference_returns(world, 0, "test", 200)
    tasks = world.sample(np.random.default_rng([0, 3, 0]), 200)
    # at full speed in each direction: by hand for one task
    X, goal, total, reached = np.zeros(2), tasks[0, 1], 0.0, False
    while not reached:
        X = X + np.clip(goal - X, -0.1, 0.1)
        total -= np.hypot(*(X - goal))
        reached = (abs(X - goal) < 0.01).all()
    assert references["oracle"].scores[0, 0] == pytest.approx(total, abs=1e-12)
    assert references["oracle"].mean[0] == pytest.approx(-0.58, abs=0.1)
    noise = random_stream(0, "figure", 2)
    walk = world.walk(lambda step, X: noise.standard_normal(X.shape), tasks, 20)
    assert_close(references["random"].scores, walk.returns[None], 1e-13)
    assert references["random"].mean[0] < -60


def test_a_few_iterations_learn_to_walk():
    state = train_policy(
        MetaSGD(POLICY, (0.3, 0.3)),
        Navigation(horizon=30, dtype="float32"),
        TRPO(0.05),
        iterations=15,
        meta_batch=10,
        trajectories=10,
        progress=False,
    )
    before, after = state.history[-3:].mean(0)
    assert state.history[0].max() < -13
    assert before == pytest.approx(-11.5, abs=3)  # 0.38 away, 30 steps: stands still
    assert after > -7.5


# What goes wrong


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"iterations": -1}, ValueError, "iterations is -1"),
        ({"meta_batch": 0}, ValueError, "meta_batch is 0"),
        ({"trajectories": 2.5}, TypeError, "trajectories is 2.5"),
        ({"discount": 1.5}, ValueError, "discount is 1.5, .* between 0 and 1"),
        ({"discount": "high"}, TypeError, "discount is 'high'"),
        ({"gae_lambda": -0.1}, ValueError, "gae_lambda is -0.1, .* between 0 and 1"),
        ({"seed": -3}, ValueError, "seed is -3"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        short_run(**settings)


def test_the_ends_of_a_share_are_taken():
    state = short_run(iterations=0, discount=1, gae_lambda=0)
    assert (state.settings["discount"], state.settings["gae_lambda"]) == (1.0, 0.0)


def test_one_task_has_no_interval():
    learner = LEARNERS["MAML"]
    w = learner.start(np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_tasks is 1, but it must be 2 or more"):
        evaluate_policy(learner, w, WORLD, 0, "test", n_tasks=1)


def test_a_learner_of_two_steps_is_refused():
    with pytest.raises(ValueError, match=r"inner_steps = 2, but .* inner_steps=1"):
        train_policy(MAML(POLICY, 0.1, inner_steps=2), WORLD, TRPO(), **SETTINGS)


def test_other_settings_are_not_resumed():
    state = short_run()
    with pytest.raises(ValueError, match="trajectories was 5, now 6"):
        short_run(start_from=state, trajectories=6)


def test_divergence_is_named():
    class Wild(TRPO):
        def step(self, learner, w, batch):
            w = w.copy()
            w[0, 3] = np.inf
            return TrustStep(w, 0.0, 0.0, 0.0)

    with pytest.raises(TrainingDiverged, match=r"at iteration 1: .* lower max_kl"):
        train_policy(LEARNERS["MAML"], WORLD, Wild(), **SETTINGS)
