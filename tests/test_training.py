"""The outer loop: reproducible, resumable, honest about divergence, and it learns."""

import math

import numpy as np
import pytest

from metasgd_np import SGD, Adam, JointTraining, MetaSGD, TwoLayerNet, evaluate, train
from metasgd_np.tasks import Sinusoids
from metasgd_np.training import (
    Evaluation,
    TrainingDiverged,
    accuracy,
    random_stream,
)

NET = TwoLayerNet(1, 8, 1)
TASKS = Sinusoids()


def short_run(learner=None, optimizer=None, **settings):
    """A run of a few blocks on small tasks."""
    settings = {"iterations": 250, "meta_batch": 3, "shots": 4, **settings}
    learner = learner or MetaSGD(NET)
    return train(learner, TASKS, optimizer or Adam(3e-3), progress=False, **settings)


class RecordScale:
    """An optimiser that leaves w alone and keeps the scales it was given."""

    def __init__(self):
        self.seen = []

    def __repr__(self):
        return "RecordScale()"

    def start(self, w):
        return ()

    def step(self, w, gradient, state, t, scale=1.0):
        self.seen.append((t, scale))
        return w, state


def test_same_seed_same_numbers_bit_for_bit():
    one, two, other = short_run(seed=1), short_run(seed=1), short_run(seed=2)
    assert one.w.tobytes() == two.w.tobytes()
    assert one.history.tobytes() == two.history.tobytes()
    assert one.w.tobytes() != other.w.tobytes()


@pytest.mark.parametrize("cosine_decay", [False, True])
def test_a_run_stopped_after_a_block_goes_on_to_the_same_numbers(cosine_decay):
    states = []
    whole = short_run(cosine_decay=cosine_decay, after_block=states.append)
    assert [state.iteration for state in states] == [100, 200, 250]
    assert len(whole.history) == 3
    for state in states[:-1]:
        resumed = short_run(cosine_decay=cosine_decay, start_from=state)
        assert resumed.w.tobytes() == whole.w.tobytes()
        assert resumed.history.tobytes() == whole.history.tobytes()
        for mine, theirs in zip(
            resumed.optimizer_state, whole.optimizer_state, strict=True
        ):
            assert mine.tobytes() == theirs.tobytes()


def test_the_blocks_draw_different_tasks():
    assert len(set(short_run(optimizer=RecordScale()).history)) == 3


def test_the_history_is_the_mean_loss_of_each_block():
    state = short_run(learner=JointTraining(NET), optimizer=RecordScale())
    rng = random_stream(0, "train", 2)
    learner = JointTraining(NET)
    w = learner.start(random_stream(0, "start"))
    losses = [learner.gradient(w, TASKS.sample(rng, 3, 4))[0] for _ in range(50)]
    assert state.history[2] == pytest.approx(np.mean(losses), rel=1e-12)


def test_the_cosine_falls_from_one_to_nearly_zero():
    recorder = RecordScale()
    short_run(optimizer=recorder, iterations=150, cosine_decay=True)
    expected = [(t, (1 + math.cos(math.pi * (t - 1) / 150)) / 2) for t in range(1, 151)]
    assert recorder.seen == pytest.approx(np.array(expected))
    recorder = RecordScale()
    short_run(optimizer=recorder, iterations=20)
    assert recorder.seen == [(t, 1.0) for t in range(1, 21)]


def test_meta_sgd_learns_to_adapt():
    net = TwoLayerNet(1, 20, 1)
    learner = MetaSGD(net)
    tasks = Sinusoids(frequency=(1, 1))
    state = train(learner, tasks, Adam(1e-2), iterations=1500, progress=False)
    after = evaluate(
        learner, state.w, tasks, random_stream(0, "test"), shots=10, n_tasks=200
    )
    assert after.mean[1] + after.interval[1] < 0.5 * (after.mean[0] - after.interval[0])


def test_no_iterations_leave_the_start():
    state = short_run(iterations=0)
    expected = MetaSGD(NET).start(random_stream(0, "start"))
    np.testing.assert_array_equal(state.w, expected)
    assert state.iteration == 0


def test_divergence_names_the_iteration_and_the_largest_alpha():
    states = []
    with pytest.raises(TrainingDiverged, match=r"iteration \d+: .*largest \|α\| is"):
        short_run(optimizer=SGD(1e6), after_block=states.append)
    assert all(np.isfinite(state.w).all() for state in states)


def test_a_last_update_to_nan_is_divergence_too():
    class ToNaN(RecordScale):
        def step(self, w, gradient, state, t, scale=1.0):
            return (w * np.nan if t == 100 else w), state

    with pytest.raises(TrainingDiverged, match="iteration 100"):
        short_run(optimizer=ToNaN(), iterations=100)


def test_resuming_with_other_settings_is_refused_and_told():
    states = []
    short_run(after_block=states.append)
    with pytest.raises(ValueError, match=r"shots was 4, now 5"):
        short_run(start_from=states[0], shots=5)
    with pytest.raises(ValueError, match=r"seed was 0, now 7"):
        short_run(start_from=states[0], seed=7)
    with pytest.raises(ValueError, match=r"learner was .MetaSGD"):
        short_run(learner=JointTraining(NET), start_from=states[0])


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("iterations", -1, ValueError),
        ("iterations", 2.5, TypeError),
        ("shots", 0, ValueError),
        ("n_query", 0, ValueError),
        ("meta_batch", 0, ValueError),
        ("seed", -1, ValueError),
        ("seed", True, TypeError),
    ],
)
def test_bad_settings_are_told(setting, value, error):
    with pytest.raises(error, match=f"{setting} is {value}"):
        short_run(**{setting: value})


def test_evaluation_is_the_query_loss_of_each_task_after_each_step():
    learner = MetaSGD(NET)
    w = learner.start(np.random.default_rng(0))
    found = evaluate(
        learner, w, TASKS, np.random.default_rng(5), shots=4, n_tasks=130, steps=2
    )
    assert found.scores.shape == (3, 130)
    batch = TASKS.sample(np.random.default_rng(5), 130, 4, 100)
    for task in (0, 99, 100, 129):
        theta = w[0]
        for step in range(3):
            loss = NET.loss(theta, batch.X_q[task], batch.Y_q[task])
            assert found.scores[step, task] == pytest.approx(loss, rel=1e-12)
            g = NET.gradient(theta, batch.X_s[task], batch.Y_s[task])
            theta = theta - w[1] * g


def test_accuracy_is_the_share_of_examples_whose_label_has_the_largest_output():
    net = TwoLayerNet(1, 1, 3, "identity", "softmax_cross_entropy")
    theta = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.5, 0.0])  # F = [-x, 1/2, x]
    X = np.array([[-1.0], [0.0], [0.25], [1.0]])  # the largest: 0, 1, 1, 2
    assert accuracy(net, theta, X, np.array([0, 1, 2, 2])) == 0.75
    both = accuracy(net, np.stack([theta, -theta]), X, np.array([0, 1, 1, 2]))
    np.testing.assert_array_equal(both, [1.0, 0.5])


def test_evaluation_scores_what_it_is_told_to():
    def first_entry(net, theta, X, Y):
        return theta[..., 0] + 0 * net.loss(theta, X, Y)

    learner = MetaSGD(NET)
    w = learner.start(np.random.default_rng(0))
    options = {"shots": 4, "n_tasks": 3, "steps": 1, "score": first_entry}
    found = evaluate(learner, w, TASKS, np.random.default_rng(5), **options)
    batch = TASKS.sample(np.random.default_rng(5), 3, 4, 100)
    g = NET.gradient(w[0], batch.X_s, batch.Y_s)[:, 0]
    np.testing.assert_allclose(found.scores[1], w[0, 0] - w[1, 0] * g, rtol=1e-12)
    np.testing.assert_array_equal(found.scores[0], w[0, 0])


def test_the_interval_is_196_standard_errors():
    values = np.array([[1.0, 2.0, 3.0, 6.0]])
    found = Evaluation(values)
    assert found.mean[0] == 3.0
    deviation = math.sqrt((4 + 1 + 0 + 9) / 3)
    assert found.interval[0] == pytest.approx(1.96 * deviation / 2)


def test_one_task_has_no_interval():
    learner = MetaSGD(NET)
    w = learner.start(np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_tasks is 1, but it must be 2 or more"):
        evaluate(learner, w, TASKS, np.random.default_rng(0), shots=4, n_tasks=1)


def test_streams_are_independent():
    names = ("start", "train", "validate", "test", "figure")
    draws = {random_stream(3, name).random() for name in names}
    draws |= {random_stream(3, "train", 1).random(), random_stream(4, "train").random()}
    assert len(draws) == len(names) + 2
