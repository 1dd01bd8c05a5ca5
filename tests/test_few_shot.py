"""Tasks of distinct classes and drawings, and labels in random order.

Every drawing says who it is: its first pixel is its class, its second its number.
"""

from math import perm

import numpy as np
import pytest
from test_tasks import assert_independent, assert_uniform

from metasgd_np import Adam, MetaSGD, TwoLayerNet, train
from metasgd_np.tasks import Characters, FewShot, TaskBatch
from metasgd_np.tasks.few_shot import draw_distinct

C, E, S = 23, 7, 3
WAYS, SHOTS, QUERIES, TASKS = 4, 2, 5, 30


def numbered(name="numbered"):
    images = np.zeros((C, E, S, S), np.uint8)
    images[:, :, 0, 0] = np.arange(C)[:, None]
    images[:, :, 0, 1] = np.arange(E)
    return Characters(images, np.array([f"alphabet {c // 5}" for c in range(C)]), name)


def identify(X):
    """Class and number, each (T, N), of drawings X (T, N, S²)."""
    return np.rint(255 * X[..., 0]).astype(int), np.rint(255 * X[..., 1]).astype(int)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return FewShot(numbered(), WAYS).sample(rng, TASKS, SHOTS, QUERIES)


# --- tasks ---------------------------------------------------------------------------


def test_shapes_and_types(batch):
    assert batch.X_s.shape == (TASKS, WAYS * SHOTS, S * S)
    assert batch.Y_s.shape == (TASKS, WAYS * SHOTS)
    assert batch.X_q.shape == (TASKS, WAYS * QUERIES, S * S)
    assert batch.Y_q.shape == (TASKS, WAYS * QUERIES)
    assert batch.X_s.dtype == batch.X_q.dtype == np.float32
    assert batch.Y_s.dtype.kind == batch.Y_q.dtype.kind == "i"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ink_is_one_and_paper_zero(dtype):
    images = np.full((5, 3, 2, 2), 255, np.uint8)
    images[..., 0, 0], images[..., 0, 1] = 0, 51
    tasks = FewShot(Characters(images, ["a"] * 5), 5, dtype)
    X = tasks.sample(np.random.default_rng(0), 2, 1, 2).X_q
    assert X.dtype == dtype
    assert np.array_equal(X[0, 0], np.array([0, 0.2, 1, 1], dtype))


def test_what_is_drawn_passes_the_checks_that_sampling_skips(batch):
    checked = TaskBatch(**vars(batch))
    assert all(getattr(checked, name) is array for name, array in vars(batch).items())


def test_each_label_is_one_class_and_each_class_one_label(batch):
    for X, Y, k in [(batch.X_s, batch.Y_s, SHOTS), (batch.X_q, batch.Y_q, QUERIES)]:
        classes, _ = identify(X)
        support_classes, _ = identify(batch.X_s)
        for t in range(TASKS):
            assert np.bincount(Y[t]).tolist() == [k] * WAYS
            pairs = set(zip(Y[t].tolist(), classes[t].tolist(), strict=True))
            assert len(pairs) == WAYS == len({c for _, c in pairs})
            assert pairs == set(
                zip(batch.Y_s[t].tolist(), support_classes[t].tolist(), strict=True)
            )


def test_no_drawing_comes_twice_in_a_task(batch):
    support, query = identify(batch.X_s), identify(batch.X_q)
    for t in range(TASKS):
        seen = [
            *zip(support[0][t], support[1][t], strict=True),
            *zip(query[0][t], query[1][t], strict=True),
        ]
        assert len(set(seen)) == len(seen) == WAYS * (SHOTS + QUERIES)


def test_all_classes_and_all_drawings_may_be_asked_for():
    batch = FewShot(numbered(), C).sample(np.random.default_rng(1), 2, 1, E - 1)
    assert (np.sort(batch.X_s[..., 0] * 255) == np.arange(C)).all()
    numbers = np.concatenate([identify(batch.X_s)[1], identify(batch.X_q)[1]], axis=1)
    assert (np.bincount(numbers[0]) == C).all()


def test_same_seed_same_tasks_and_another_seed_others():
    tasks = FewShot(numbered())
    one, two, other = (
        tasks.sample(np.random.default_rng(seed), 9, 1, 2) for seed in (5, 5, 6)
    )
    for name in ("X_s", "Y_s", "X_q", "Y_q"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.X_s, other.X_s)


# --- chance --------------------------------------------------------------------------


@pytest.fixture(params=["as it is here", "in the order of places"])
def argpartition(request, monkeypatch):
    """NumPy's, or one that keeps its promises and leaks all that they allow.

    NumPy's order differs between processors: with AVX-512 short arrays come out sorted,
    without it only 198 of the 360 ordered choices of 4 of 6 ever come out.
    """

    def by_place(keys, kth, axis):
        return np.sort(keys.argsort(axis)[..., : kth + 1], axis)

    if request.param != "as it is here":
        monkeypatch.setattr(np, "argpartition", by_place)


def assert_all_choices(chosen, n):
    """Every ordered choice of k below n is equally likely in `chosen` (T, k)."""
    k = chosen.shape[1]
    _, counts = np.unique(chosen @ n ** np.arange(k), return_counts=True)
    assert len(counts) == perm(n, k)
    assert_uniform(counts)


@pytest.mark.usefixtures("argpartition")
def test_the_labels_of_a_task_are_in_uniformly_random_order():
    batch = FewShot(numbered(), WAYS).sample(np.random.default_rng(2), 24_000, 1, 1)
    classes, numbers = identify(batch.X_s)  # (T, W): the class that bears each label
    assert_all_choices(classes.argsort(-1), WAYS)
    for label in range(WAYS):
        assert_uniform(np.bincount(classes[:, label], minlength=C))
        assert_uniform(np.bincount(numbers[:, label], minlength=E))


def test_tasks_classes_and_drawings_are_drawn_independently():
    batch = FewShot(numbered(), WAYS).sample(np.random.default_rng(3), 24_000, 1, 1)
    classes, numbers = identify(batch.X_s)  # each (T, W)
    assert_independent(classes[:, 0], numbers[:, 0])
    assert_independent(classes[:, 0], numbers[:, 1])
    assert_independent(numbers[:, 0], numbers[:, 1])
    for drawn in (classes[:, 0], numbers[:, 0]):  # from one task to the next
        assert_independent(drawn[::2], drawn[1::2])


@pytest.mark.usefixtures("argpartition")
@pytest.mark.parametrize(("n", "k"), [(5, 3), (4, 4), (6, 1), (6, 5)])
def test_every_ordered_choice_is_equally_likely(n, k):
    chosen = draw_distinct(np.random.default_rng(3), (60_000,), n, k)
    assert_all_choices(chosen, n)


@pytest.mark.usefixtures("argpartition")
def test_the_order_is_random_among_thousands_of_classes():
    chosen = draw_distinct(np.random.default_rng(4), (40, 50), 2_000, 5)
    assert chosen.shape == (40, 50, 5)
    orders = chosen.reshape(-1, 5).argsort(-1)
    for place in range(5):
        assert_uniform(np.bincount(orders[:, place], minlength=5))
    assert_uniform(np.bincount(chosen.ravel() // 100, minlength=20))


# --- characters ----------------------------------------------------------------------


def test_rotations_are_new_classes():
    plain = numbered()
    turned = plain.rotated()
    assert len(turned) == 4 * C
    assert turned.alphabets.tolist() == 4 * plain.alphabets.tolist()
    last = S - 1
    corners = {0: (0, 0), 1: (last, 0), 2: (last, last), 3: (0, last)}
    for k, (row, column) in corners.items():  # counterclockwise: top left goes down
        quarter = turned[k * C : (k + 1) * C].images
        assert np.array_equal(quarter[:, :, row, column], plain.images[:, :, 0, 0])
        for image, original in zip(quarter[3], plain.images[3], strict=True):
            assert np.array_equal(image, np.rot90(original, k))


def test_indexing_gives_the_classes_asked_for():
    plain = numbered()
    some = plain[[7, 2, 20]]
    assert isinstance(some, Characters)
    assert some.images[:, 0, 0, 0].tolist() == [7, 2, 20]
    assert some.alphabets.tolist() == ["alphabet 1", "alphabet 0", "alphabet 4"]
    assert plain[5:8].images[:, 0, 0, 0].tolist() == [5, 6, 7]
    assert len(plain[np.arange(C) % 2 == 0]) == (C + 1) // 2


def test_repr_is_short_and_differs_with_the_data():
    plain = numbered()
    reprs = {
        repr(FewShot(characters, ways))
        for characters in (
            plain,
            plain[:9],
            plain[1:10],
            plain.rotated(),
            numbered("x"),
        )
        for ways in (2, 3)
    }
    assert len(reprs) == 10
    assert max(map(len, reprs)) < 120
    assert repr(FewShot(plain)) == repr(FewShot(numbered()))
    assert repr(FewShot(plain)).startswith("FewShot(numbered: 23 classes x 7 drawings")


# --- errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "alphabets", "message"),
    [
        (np.zeros((2, 3, 16), np.uint8), ["a", "b"], r"shape \(2, 3, 16\), but draw"),
        (np.zeros((2, 3, 4, 5), np.uint8), ["a", "b"], r"are \(C, E, S, S\)"),
        (np.zeros((0, 3, 4, 4), np.uint8), [], "each at least 1"),
        (np.zeros((2, 3, 4, 4)), ["a", "b"], "dtype float64, but drawings are uint8"),
        (np.zeros((2, 3, 4, 4), np.uint8), ["a"], r"one name per class, shape \(2,\)"),
    ],
)
def test_what_is_no_set_of_drawings_is_refused(images, alphabets, message):
    with pytest.raises(ValueError, match=message):
        Characters(images, alphabets)


@pytest.mark.parametrize("classes", [3, "ab", [0.5], [[1, 2]], []])
def test_an_index_that_is_no_list_of_classes_is_refused(classes):
    with pytest.raises(TypeError, match="take a slice or an array of class indices"):
        numbered()[classes]


def test_more_than_there_is_is_refused():
    with pytest.raises(
        ValueError, match="ways is 24, but numbered has only 23 classes"
    ):
        FewShot(numbered(), 24)
    with pytest.raises(
        ValueError, match=r"shots \+ n_query is 8, but a class has 7 dr"
    ):
        FewShot(numbered()).sample(np.random.default_rng(0), 2, 3, 5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (np.zeros((5, 2, 3, 3)),),
            TypeError,
            r"is an array of shape \(5, 2, 3, 3\); give Characters",
        ),
        ((numbered(), 1), ValueError, "ways is 1, but it must be 2 or more"),
        ((numbered(), 5.0), TypeError, "ways is 5.0, but it must be a whole number"),
        (
            (numbered(), 5, "int8"),
            ValueError,
            "no dtype called 'int8'; choose one of: float64",
        ),
    ],
)
def test_settings_that_make_no_tasks_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        FewShot(*arguments)


@pytest.mark.parametrize("counts", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_counts_must_be_at_least_one(counts):
    with pytest.raises(ValueError, match="but it must be 1 or more"):
        FewShot(numbered()).sample(np.random.default_rng(0), *counts)


# --- use -----------------------------------------------------------------------------


def test_a_learner_trains_on_them():
    tasks = FewShot(numbered(), WAYS)
    net = TwoLayerNet(S * S, 6, WAYS, "tanh", "softmax_cross_entropy")
    settings = {"shots": SHOTS, "n_query": QUERIES, "meta_batch": 3, "progress": False}
    state = train(MetaSGD(net), tasks, Adam(), iterations=2, **settings)
    assert state.settings["tasks"] == repr(tasks)
    assert state.w.dtype == np.float32
    other = FewShot(numbered()[1:], WAYS)
    with pytest.raises(ValueError, match="tasks was"):
        train(MetaSGD(net), other, iterations=2, start_from=state, **settings)
