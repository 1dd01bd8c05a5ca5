"""Batches of tasks, and the sine waves."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from itertools import combinations, product

import numpy as np
import pytest
from conftest import assert_close

from metasgd_np import TaskBatch, tasks
from metasgd_np.tasks import Sinusoids

pytestmark = pytest.mark.filterwarnings("error")

T, N_S, N_Q, D, O = 5, 3, 6, 2, 4  # noqa: E741


def arrays(seed=0):
    """X_s, Y_s, X_q and Y_q by name."""
    rng = np.random.default_rng(seed)
    shapes = {"X_s": (N_S, D), "Y_s": (N_S, O), "X_q": (N_Q, D), "Y_q": (N_Q, O)}
    return {name: rng.standard_normal((T, *shape)) for name, shape in shapes.items()}


def assert_uniform(counts, limit=4.5):
    """Counts of equally likely outcomes: χ² within `limit` deviations of its mean."""
    expected = counts.sum() / counts.size
    degrees = counts.size - 1
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - degrees) < limit * np.sqrt(2 * degrees)


def assert_independent(one, two):
    """Two (n,) of numbers 0, 1, …: every pair of them is equally likely."""
    counts = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(counts, (one, two), 1)
    assert_uniform(counts)


# Imports

LIGHT = """
import sys
import numpy, tqdm  # which may load what they like
before = set(sys.modules)
import metasgd_np.tasks
assert not {name.split(".")[0] for name in set(sys.modules) - before} & {
    "matplotlib", "PIL", "multiprocessing", "platformdirs", "pooch", "socket"
}
assert "tqdm.notebook" not in sys.modules
from metasgd_np.tasks import load_glyphs, load_omniglot
assert {"matplotlib", "PIL"} <= set(sys.modules)
assert not {"pooch", "platformdirs"} & set(sys.modules)
"""


def test_only_the_loaders_load_what_they_need():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


def test_every_name_promised_is_there_and_no_other():
    for name in tasks.__all__:
        assert getattr(tasks, name).__name__ == name
    with pytest.raises(
        AttributeError, match=r"'metasgd_np\.tasks' has no attribute 'x'"
    ):
        _ = tasks.x


# Batches


def test_a_batch_keeps_its_arrays_and_knows_its_length():
    given = arrays()
    batch = TaskBatch(**given)
    assert len(batch) == T
    for name, array in given.items():
        assert getattr(batch, name) is array


def test_lists_become_arrays():
    batch = TaskBatch([[[1, 2]]], [[0]], [[[3, 4]]], [[1]])
    assert batch.X_s.shape == (1, 1, 2)
    assert batch.Y_q.shape == (1, 1)
    assert batch.Y_q.dtype.kind == "i"


def test_a_slice_is_a_batch_of_views():
    given = arrays()
    part = TaskBatch(**given)[1:3]
    assert isinstance(part, TaskBatch)
    assert len(part) == 2
    for name, array in given.items():
        np.testing.assert_array_equal(getattr(part, name), array[1:3])
        assert np.shares_memory(getattr(part, name), array)


def test_a_slice_is_not_checked_again(monkeypatch):
    batch = TaskBatch(**arrays())
    monkeypatch.delattr(TaskBatch, "__post_init__")
    assert len(batch[1:4][1:]) == 2


@pytest.mark.parametrize("empty", [slice(0, 0), slice(T, None), slice(3, 1)])
def test_an_empty_slice_is_refused(empty):
    with pytest.raises(ValueError, match=r"slice\(.*\) selects none of the 5 tasks of"):
        TaskBatch(**arrays())[empty]


@pytest.mark.parametrize("index", [0, [0, 1], np.array([True] * T)])
def test_an_index_that_is_no_slice_is_refused(index):
    with pytest.raises(TypeError, match=r"takes a slice; write batch\[i:j\], or "):
        TaskBatch(**arrays())[index]


def test_a_batch_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TaskBatch(**arrays()).X_s = 0


def nan_at_the_end(array):
    """A copy whose last entry is NaN."""
    copy = array.copy()
    copy[-1, -1, -1] = np.nan
    return copy


@pytest.mark.parametrize("of", ["s", "q"])
@pytest.mark.parametrize(
    ("kind", "spoil", "error", "message"),
    [
        ("X", lambda X: X[0], ValueError, r"shape \(., 2\), .* \(T, N, D\).*; add the"),
        ("X", lambda X: X[None], ValueError, r"shape \(1, 5, ., 2\), .* \(T, N, D\)"),
        ("X", lambda X: X[:0], ValueError, r"shape \(0, ., 2\), .* at least 1"),
        ("X", lambda X: X[:, :0], ValueError, r"shape \(5, 0, 2\), .* at least 1"),
        ("X", lambda X: X[:, :, :0], ValueError, r"shape \(5, ., 0\), .* at least 1"),
        ("X", nan_at_the_end, ValueError, r"holds nan at index \(4, ., 1\)"),
        ("X", lambda X: X.astype(str), TypeError, "has dtype <U.*hold numbers"),
        ("Y", lambda Y: Y[:4], ValueError, r"shape \(4, ., 4\), but its inputs have"),
        (
            "Y",
            lambda Y: Y[:, 1:],
            ValueError,
            r"\(5, .\) \+ \(O,\) .*or \(5, .\) labels$",
        ),
        ("Y", lambda Y: Y[0, :, 0], ValueError, r"shape \(.,\), but its inputs have"),
        ("Y", lambda Y: Y[..., None], ValueError, r"shape \(5, ., 4, 1\), but its in"),
        ("Y", nan_at_the_end, ValueError, r"holds nan at index \(4, ., 3\)"),
        ("Y", lambda Y: Y.astype(str), TypeError, "has dtype <U.*hold numbers"),
    ],
)
def test_a_bad_array_is_named(of, kind, spoil, error, message):
    given, name = arrays(), f"{kind}_{of}"
    with pytest.raises(error, match=f"{name} .*{message}"):
        TaskBatch(**given | {name: spoil(given[name])})


def test_every_task_needs_a_support_and_a_query_set():
    given = arrays()
    given |= {"X_q": given["X_q"][:4], "Y_q": given["Y_q"][:4]}
    message = "support sets for 5 tasks and query sets for 4; give every task one of"
    with pytest.raises(ValueError, match=message):
        TaskBatch(**given)


# Sine waves


def test_shapes_and_default_ranges():
    waves = Sinusoids()
    batch = waves.sample(np.random.default_rng(0), T, shots=N_S)
    assert batch.X_s.shape == batch.Y_s.shape == (T, N_S, 1)
    assert batch.X_q.shape == batch.Y_q.shape == (T, 10, 1)
    assert batch.X_s.dtype == batch.Y_q.dtype == np.float64
    assert waves.amplitude == (0.1, 5.0)
    assert waves.frequency == (0.8, 1.2)
    assert waves.phase == (0.0, np.pi)
    assert waves.x_range == (-5.0, 5.0)


@pytest.mark.parametrize(
    "ranges",
    [
        {},
        {"frequency": (1, 1)},
        {"amplitude": (2, 3), "frequency": (-1, 7), "phase": (-3, -2)},
    ],
)
def test_curves_fill_their_ranges(ranges):
    waves = Sinusoids(**ranges)
    curves = waves.sample_curves(np.random.default_rng(0), 2000)
    drawn = dict(zip(("amplitude", "frequency", "phase"), curves, strict=True))
    for name, values in drawn.items():
        low, high = getattr(waves, name)
        assert values.shape == (2000, 1, 1)
        assert values.min() >= low
        assert values.max() <= high
        np.testing.assert_allclose(values.min(), low, atol=0.01 * (high - low))
        np.testing.assert_allclose(values.max(), high, atol=0.01 * (high - low))
        np.testing.assert_allclose(
            values.mean(), (low + high) / 2, atol=0.05 * (high - low)
        )


def test_curves_and_inputs_are_drawn_independently(monkeypatch):
    curves = []
    sample_curves = Sinusoids.sample_curves

    def record(waves, rng, n_tasks):
        curves.append(sample_curves(waves, rng, n_tasks))
        return curves[-1]

    monkeypatch.setattr(Sinusoids, "sample_curves", record)
    fifths = (0, 5)
    waves = Sinusoids(fifths, fifths, fifths, fifths)
    batch = waves.sample(np.random.default_rng(0), 4000, 2, 1)
    inputs = np.concatenate([batch.X_s, batch.X_q], axis=1)[..., 0]  # (T, 3)
    drawn = np.concatenate([curves[0][..., 0, 0], inputs.T]).astype(int)  # (6, T)
    for one, two in combinations(drawn, 2):
        assert_independent(one, two)
    for one, two in product(drawn, drawn):  # from one task to the next
        assert_independent(one[::2], two[1::2])


def test_inputs_fill_their_range():
    waves = Sinusoids(x_range=(2, 6))
    batch = waves.sample(np.random.default_rng(0), 100, 10, 20)
    for X in (batch.X_s, batch.X_q):
        assert X.min() >= 2
        assert X.max() <= 6
        np.testing.assert_allclose([X.min(), X.max()], [2, 6], atol=0.05)
        np.testing.assert_allclose(X.mean(), 4, atol=0.2)


def test_y_is_the_sine_of_one_curve_a_task():
    waves = Sinusoids()
    rng = np.random.default_rng(0)
    X = rng.uniform(-5, 5, (T, N_S, 1))
    A, omega, b = curves = waves.sample_curves(rng, T)
    Y = waves.curve(curves, X)
    for t in range(T):
        for n in range(N_S):
            y = A[t, 0, 0] * np.sin(omega[t, 0, 0] * X[t, n, 0] + b[t, 0, 0])
            assert_close(Y[t, n, 0], y, 1e-15)
    assert waves.curve(curves, X[0]).shape == (T, N_S, 1)


@pytest.mark.parametrize("grid", [None, 50])
def test_support_and_query_lie_on_one_curve(grid):
    # y = A sin(x) cos(b) + A cos(x) sin(b): with ω = 1 three points fix the rest
    waves = Sinusoids(frequency=(1, 1), grid=grid)
    batch = waves.sample(np.random.default_rng(0), T, N_S, N_Q)
    for X_s, Y_s, X_q, Y_q in zip(
        batch.X_s, batch.Y_s, batch.X_q, batch.Y_q, strict=True
    ):
        basis = np.hstack([np.sin(X_s), np.cos(X_s)])
        weights, *_ = np.linalg.lstsq(basis, Y_s)
        amplitude, phase = np.hypot(*weights[:, 0]), np.arctan2(*weights[::-1, 0])
        assert_close(Y_s, basis @ weights, 1e-12)
        assert_close(Y_q, np.hstack([np.sin(X_q), np.cos(X_q)]) @ weights, 1e-10)
        assert 0.1 <= amplitude <= 5
        assert 0 <= phase <= np.pi


def test_a_grid_is_never_repeated_within_a_task():
    waves = Sinusoids(grid=11, x_range=(-1, 1))
    batch = waves.sample(np.random.default_rng(0), 2000, 4, 7)  # every point is used
    X = np.concatenate([batch.X_s, batch.X_q], axis=1)[..., 0]
    points = np.linspace(-1, 1, 11)
    np.testing.assert_array_equal(np.sort(X), np.tile(points, (2000, 1)))
    order = np.searchsorted(points, X)  # (T, 11)
    for place in (0, 3, 10):
        assert_independent(order[::2, place], order[1::2, place])

    few = waves.sample(np.random.default_rng(0), 200, 1, 1)
    assert_close(np.unique(few.X_s), points, 0)


def test_a_grid_that_is_too_small_is_named():
    waves = Sinusoids(grid=10)
    waves.sample(np.random.default_rng(0), 2, 4, 6)
    message = r"shots \+ n_query is 11, but the grid has 10 points; ask for fewer"
    with pytest.raises(ValueError, match=message):
        waves.sample(np.random.default_rng(0), 2, 5, 6)


@pytest.mark.parametrize("grid", [None, 50])
def test_the_generator_decides_everything(grid):
    waves = Sinusoids(grid=grid)
    first, same, other = (
        waves.sample(np.random.default_rng(seed), T, N_S, N_Q) for seed in (1, 1, 2)
    )
    for name in ("X_s", "Y_s", "X_q", "Y_q"):
        np.testing.assert_array_equal(getattr(first, name), getattr(same, name))
        assert (getattr(first, name) != getattr(other, name)).any()


@pytest.mark.parametrize("grid", [None, 50])
def test_float32_rounds_the_same_numbers(grid):
    double, single = (
        Sinusoids(grid=grid, dtype=dtype).sample(np.random.default_rng(0), T, N_S)
        for dtype in ("float64", "float32")
    )
    for name in ("X_s", "Y_s", "X_q", "Y_q"):
        exact, rounded = getattr(double, name), getattr(single, name)
        assert rounded.dtype == np.float32
        np.testing.assert_array_equal(rounded, exact.astype("float32"))


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        (
            {"amplitude": (5, 1)},
            ValueError,
            r"amplitude is \(5, 1\), .* the lower first",
        ),
        ({"frequency": 1.0}, TypeError, r"frequency is 1\.0, .* two numbers"),
        ({"phase": (0, np.inf)}, ValueError, "phase is .* two finite numbers"),
        ({"x_range": (1, 2, 3)}, TypeError, r"x_range is \(1, 2, 3\), .* two numbers"),
        ({"grid": 1}, ValueError, "grid is 1, but it must be 2 or more"),
        ({"grid": 10.0}, TypeError, r"grid is 10\.0, but it must be a whole number"),
        (
            {"dtype": "int64"},
            ValueError,
            "no dtype called 'int64'; choose one of: float64, float32",
        ),
    ],
)
def test_a_bad_setting_is_named(setting, error, message):
    with pytest.raises(error, match=message):
        Sinusoids(**setting)


@pytest.mark.parametrize("name", ["n_tasks", "shots", "n_query"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "is 0, but it must be 1 or more"),
        (-1, ValueError, "is -1, but it must be 1 or more"),
        (2.5, TypeError, r"is 2\.5, but it must be a whole number"),
    ],
)
def test_counts_must_be_whole_numbers(name, value, error, message):
    counts = {"n_tasks": 2, "shots": 3, "n_query": 4, name: value}
    with pytest.raises(error, match=f"{name} {message}"):
        Sinusoids().sample(np.random.default_rng(0), **counts)
