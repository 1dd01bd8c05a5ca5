"""The outer loop: reproducible, resumable, honest about divergence, and it learns."""

import math
from inspect import signature

import numpy as np
import pytest
from conftest import assert_close, assert_same

from metasgd_np import (
    MAML,
    SGD,
    Adam,
    JointTraining,
    MetaSGD,
    TwoLayerNet,
    evaluate,
    train,
)
from metasgd_np.interface import Network
from metasgd_np.tasks import Sinusoids
from metasgd_np.training import (
    STREAMS,
    Evaluation,
    TrainingDiverged,
    accuracy,
    check_finite_step,
    random_stream,
)

pytestmark = pytest.mark.filterwarnings("error")

NET = TwoLayerNet(1, 8, 1)
TASKS = Sinusoids()


def short_run(learner=None, optimizer=None, **settings):
    """A run of a few blocks on small tasks."""
    settings = {"iterations": 250, "meta_batch": 3, "shots": 4, **settings}
    learner = learner or MetaSGD(NET)
    return train(learner, TASKS, optimizer or Adam(3e-3), progress=False, **settings)


class Still:
    """An optimiser that leaves w alone and keeps the scales it was given."""

    def __init__(self):
        self.seen = []

    def __repr__(self):
        return "Still()"

    def start(self, w):
        return ()

    def step(self, w, gradient, state, t, scale=1.0):
        self.seen.append((t, scale))
        return w, state


# Randomness


def test_streams_share_no_number_and_are_uncorrelated():
    names = [(3, name, 0) for name in STREAMS]
    names += [(3, "train", 1), (3, "train", 2), (4, "train", 0)]
    assert len(set(STREAMS.values())) == len(STREAMS) == 5
    draws = np.stack([random_stream(*name).random(10_000) for name in names])
    # the same numbers at any lag, or numbers that follow one another, would show
    assert len(np.unique(draws)) == draws.size
    off_diagonal = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(off_diagonal).max() < 0.05
    again = random_stream(3, "train", 1).random(10_000)
    np.testing.assert_array_equal(again, draws[5])


def test_same_seed_same_numbers_and_another_seed_another_start():
    one, two, other = short_run(seed=1), short_run(seed=1), short_run(seed=2)
    assert_same(one, two)
    assert np.abs(one.w[0] - other.w[0]).min() > 0  # in every entry of θ


def test_each_block_trains_on_tasks_of_its_own_stream():
    learner = MAML(NET, alpha=0.1)  # for which support and query sets differ
    state = short_run(learner, Still(), n_query=6, seed=3)
    w = learner.start(random_stream(3, "start"))
    np.testing.assert_array_equal(state.w, w)
    for block, length in enumerate((100, 100, 50)):
        rng = random_stream(3, "train", block)
        batches = [TASKS.sample(rng, 3, 4, 6) for _ in range(length)]
        losses = [learner.gradient(w, batch)[0] for batch in batches]
        assert state.history[block] == pytest.approx(np.mean(losses), rel=1e-12)


@pytest.mark.parametrize("cosine_decay", [False, True])
def test_a_run_stopped_after_a_block_goes_on_to_the_same_numbers(cosine_decay):
    states = []
    whole = short_run(cosine_decay=cosine_decay, after_block=states.append)
    assert [state.iteration for state in states] == [100, 200, 250]
    assert [len(state.history) for state in states] == [1, 2, 3]
    for state in states:
        resumed = short_run(cosine_decay=cosine_decay, start_from=state)
        assert_same(resumed, whole)


def test_no_iterations_leave_the_start_in_the_type_of_the_tasks():
    for dtype in ("float64", "float32"):
        state = train(
            MetaSGD(NET), Sinusoids(dtype=dtype), iterations=0, progress=False
        )
        start = MetaSGD(NET).start(random_stream(0, "start")).astype(dtype)
        np.testing.assert_array_equal(state.w, start)
        assert state.w.dtype == dtype
        assert state.iteration == 0
        assert state.history.shape == (0,)


# Learning


def test_the_cosine_falls_from_one_to_nearly_zero():
    decaying, constant = Still(), Still()
    short_run(optimizer=decaying, iterations=150, cosine_decay=True)
    expected = [(t, (1 + math.cos(math.pi * (t - 1) / 150)) / 2) for t in range(1, 151)]
    assert_close(np.array(decaying.seen), np.array(expected), 1e-15)
    short_run(optimizer=constant, iterations=20)
    assert constant.seen == [(t, 1.0) for t in range(1, 21)]


def test_meta_sgd_learns_to_adapt():
    learner = MetaSGD(TwoLayerNet(1, 20, 1))
    tasks = Sinusoids(frequency=(1, 1))
    state = train(learner, tasks, Adam(1e-2), iterations=600, progress=False)
    rng = random_stream(0, "test")
    after = evaluate(learner, state.w, tasks, rng, shots=10, n_tasks=200)
    assert after.mean[1] + after.interval[1] < 0.5 * (after.mean[0] - after.interval[0])


class Spoilt(Still):
    """Leaves w alone, but sets α at step 3, α again and an entry of θ at step 5."""

    def __init__(self, value):
        self.value = value

    def step(self, w, gradient, state, t, scale=1.0):
        w = w.copy()
        if t == 3:
            w[1] = np.linspace(-0.7, 0.2, w.shape[1])
        if t == 5:
            w[0, 2], w[1] = self.value, 9
        return w, state


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_divergence_names_the_iteration_the_loss_and_the_largest_alpha(value):
    losses = []

    class Watched(MetaSGD):
        def gradient(self, w, batch):
            loss, dw = super().gradient(w, batch)
            losses.append(loss)
            return loss, dw

    with pytest.raises(TrainingDiverged) as caught:
        short_run(Watched(NET), Spoilt(value), iterations=9)
    assert str(caught.value) == (
        f"training diverged at iteration 5: the loss is {losses[4]:.4g} and the "
        "largest |α| is 0.7; lower the outer rate or start with a smaller α"
    )


def test_a_loss_that_is_not_finite_is_divergence_too():
    class Blind(JointTraining):
        def gradient(self, w, batch):
            return np.nan, np.zeros_like(w)

    with pytest.raises(TrainingDiverged, match="iteration 1: the loss is nan"):
        short_run(Blind(NET))


def test_large_numbers_are_not_divergence():
    w = np.full((1, NET.n_params), 1e200)
    assert check_finite_step(MAML(NET), w, 1e200, w, 3) is None


def test_a_run_that_explodes_warns_of_nothing_and_keeps_its_good_blocks():
    states = []
    with pytest.raises(TrainingDiverged, match=r"iteration \d+: the loss is"):
        short_run(optimizer=SGD(1e6), after_block=states.append)
    assert all(np.isfinite(state.w).all() for state in states)


# Settings and progress


def test_the_settings_are_written_down_and_have_these_defaults():
    state = train(MetaSGD(NET), TASKS, iterations=1, progress=False)
    assert state.settings == {
        "learner": repr(MetaSGD(NET)),
        "tasks": repr(TASKS),
        "optimizer": "Adam(rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08)",
        "iterations": 1,
        "shots": 10,
        "n_query": 10,
        "meta_batch": 25,
        "cosine_decay": False,
        "seed": 0,
    }


def test_resuming_with_other_settings_is_refused_with_the_differences():
    states = []
    short_run(iterations=100, after_block=states.append)
    message = "shots was 4, now 5; seed was 0, now 7; repeat the old settings"
    with pytest.raises(ValueError, match=message):
        short_run(iterations=100, start_from=states[0], shots=5, seed=7)
    with pytest.raises(ValueError, match=r"learner was .MetaSGD"):
        short_run(JointTraining(NET), iterations=100, start_from=states[0])


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
def test_bad_settings_are_named(setting, value, error):
    with pytest.raises(error, match=f"{setting} is {value}"):
        short_run(**{setting: value})


def test_the_bar_counts_iterations_from_where_the_run_goes_on(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, **options):
            self.options, self.n = options, options["initial"]
            bars.append(self)

        def update(self, n):
            self.n += n

        def set_postfix_str(self, text, refresh):
            self.text = text

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr("tqdm.tqdm", Bar)
    states = []
    options = {"iterations": 150, "meta_batch": 1}
    train(JointTraining(NET), TASKS, **options, after_block=states.append)
    train(JointTraining(NET), TASKS, **options, start_from=states[0])
    short_run(iterations=1)
    whole, resumed, hidden = bars
    # nothing said of `disable`: the variable TQDM_DISABLE may still hide the bar
    assert whole.options == {"total": 150, "initial": 0, "unit": "it"}
    assert resumed.options == {"total": 150, "initial": 100, "unit": "it"}
    assert hidden.options["disable"] is True
    assert whole.n == resumed.n == 150
    assert whole.text == f"loss={states[1].history[1]:.4g}"


# Evaluation


def test_evaluation_is_the_query_loss_of_each_task_after_each_step(monkeypatch):
    learner = MetaSGD(NET)
    w = learner.start(np.random.default_rng(0))
    rng, options = np.random.default_rng(5), {"shots": 4, "n_tasks": 130, "steps": 2}
    found = evaluate(learner, w, TASKS, rng, **options)
    batch = TASKS.sample(np.random.default_rng(5), 130, 4, 100)
    theta, expected = w[0], []
    for _ in range(3):
        expected.append(NET.loss(theta, batch.X_q, batch.Y_q))
        theta = theta - w[1] * NET.gradient(theta, batch.X_s, batch.Y_s)
    assert_close(found.scores, np.array(expected), 1e-12)

    monkeypatch.setattr("metasgd_np.adaptation.CHUNK_BYTES", 8 * 8 * 100 * 7)
    parts = evaluate(learner, w, TASKS, np.random.default_rng(5), **options)
    assert_close(parts.scores, found.scores, 1e-13)


def test_evaluation_scores_by_the_given_function():
    def first_entry(net, theta, X, Y):
        return theta[..., 0] + 0 * net.loss(theta, X, Y)

    learner = MetaSGD(NET)
    w = learner.start(np.random.default_rng(0))
    options = {"shots": 4, "n_tasks": 3, "steps": 1, "score": first_entry}
    found = evaluate(learner, w, TASKS, np.random.default_rng(5), **options)
    batch = TASKS.sample(np.random.default_rng(5), 3, 4, 100)
    g = NET.gradient(w[0], batch.X_s, batch.Y_s)[:, 0]
    expected = np.stack([np.full(3, w[0, 0]), w[0, 0] - w[1, 0] * g])
    assert_close(found.scores, expected, 1e-12)


def test_evaluation_has_these_defaults():
    parameters = signature(evaluate).parameters
    assert {
        name: parameters[name].default for name in ("n_tasks", "n_query", "steps")
    } == {"n_tasks": 100, "n_query": 100, "steps": 1}
    assert parameters["score"].default is Network.loss


def test_accuracy_is_the_share_of_examples_whose_label_has_the_largest_output():
    net = TwoLayerNet(1, 1, 3, "identity", "softmax_cross_entropy")
    theta = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.5, 0.0])  # F = [-x, 1/2, x]
    X = np.array([[-1.0], [0.0], [0.25], [1.0]])  # the largest: 0, 1, 1, 2
    assert accuracy(net, theta, X, np.array([0, 1, 2, 2])) == 0.75
    both = accuracy(net, np.stack([theta, -theta]), X, np.array([0, 1, 1, 2]))
    np.testing.assert_array_equal(both, [1.0, 0.5])


def test_the_interval_is_196_standard_errors():
    found = Evaluation(np.array([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 0.0, 4.0]]))
    assert found.mean.tolist() == [3.0, 1.0]
    deviations = np.sqrt([(4 + 1 + 0 + 9) / 3, (1 + 1 + 1 + 9) / 3])
    assert_close(found.interval, 1.96 * deviations / 2, 1e-15)


def test_one_task_has_no_interval():
    w = MetaSGD(NET).start(np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_tasks is 1, but it must be 2 or more"):
        evaluate(MetaSGD(NET), w, TASKS, np.random.default_rng(0), shots=4, n_tasks=1)
