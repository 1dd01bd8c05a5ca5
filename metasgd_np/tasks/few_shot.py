"""Few-shot classification of characters: a few classes, a few drawings of each."""

from dataclasses import dataclass

import numpy as np

from ..checks import as_rng, choose, shown, whole_number
from .batch import DTYPES, TaskBatch, unchecked_batch
from .images import Characters

DRAWINGS = 20  # per character, in both Omniglot and glyphs


@dataclass(frozen=True)
class FewShot:
    """N-way K-shot classification tasks drawn from Characters.

    A task is `ways` different characters, labelled 0 … ways − 1 in random order. All
    drawings of a task, support and query, are different. A learner's network takes S²
    inputs and, with the loss "softmax_cross_entropy", has `ways` outputs.

    Parameters
    ----------
    characters : Characters
        The classes to draw from, S × S pixels.
    ways : int
        Classes per task.
    dtype : {"float64", "float32"}
        Type of the inputs.

    Raises
    ------
    TypeError
        `characters` is not Characters, or `ways` is not a whole number.
    ValueError
        `ways` is below 2 or above the number of classes, or `dtype` is unknown.

    Examples
    --------
    >>> images = np.zeros((6, 20, 28, 28), np.uint8)
    >>> tasks = FewShot(Characters(images, ["Greek"] * 6), ways=5)
    >>> tasks.sample(np.random.default_rng(0), 4, shots=1).X_q.shape
    (4, 75, 784)
    """

    characters: Characters
    ways: int = 5
    dtype: str = "float32"

    def __post_init__(self):
        check_characters(self.characters)
        object.__setattr__(self, "ways", whole_number("ways", self.ways, 2))
        if self.ways > len(self.characters):
            raise ValueError(
                f"ways is {self.ways}, but {self.characters.name} has only "
                f"{len(self.characters)} classes; ask for fewer ways or add classes"
            )
        choose("dtype", self.dtype, DTYPES)

    def __repr__(self):
        return (
            f"FewShot({self.characters.summary}; ways={self.ways}, "
            f"dtype={self.dtype!r})"
        )

    def sample(
        self,
        rng: np.random.Generator | int,
        n_tasks: int,
        shots: int,
        n_query: int = 15,
    ) -> TaskBatch:
        """Draw classes for each task, and support and query drawings of each class.

        Examples are grouped by class, class 0 first: no loss here depends on their
        order.

        Parameters
        ----------
        rng : Generator or int
            Source of randomness, or its seed; the same state gives the same tasks.
        n_tasks : int
            Number of tasks, T.
        shots : int
            Support drawings per class.
        n_query : int
            Query drawings per class.

        Returns
        -------
        TaskBatch
            X_s (T, ways · shots, S²) in [0, 1], where 1 is ink, and Y_s (T, ways ·
            shots), integer labels; X_q and Y_q likewise with n_query.

        Raises
        ------
        ValueError
            A count is below 1, or shots + n_query exceeds the drawings per class.

        Examples
        --------
        >>> images = np.zeros((6, 20, 28, 28), np.uint8)
        >>> tasks = FewShot(Characters(images, ["Greek"] * 6), ways=3)
        >>> tasks.sample(np.random.default_rng(0), 2, shots=2, n_query=1).Y_s.tolist()
        [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]
        """
        rng = as_rng(rng)
        n_tasks = whole_number("n_tasks", n_tasks, 1)
        shots = whole_number("shots", shots, 1)
        n_query = whole_number("n_query", n_query, 1)
        n_classes, n_drawings = self.characters.images.shape[:2]
        if shots + n_query > n_drawings:
            raise ValueError(
                f"shots + n_query is {shots + n_query}, but a class has {n_drawings} "
                "drawings and both count per class; ask for fewer"
            )
        classes = draw_distinct(rng, (n_tasks,), n_classes, self.ways)  # (T, W)
        drawings = draw_distinct(
            rng, (n_tasks, self.ways), n_drawings, shots + n_query
        )  # (T, W, K_s + K_q)
        return unchecked_batch(
            *self._examples(classes, drawings[..., :shots]),
            *self._examples(classes, drawings[..., shots:]),
        )

    def _examples(self, classes, drawings):
        """X (T, W·K, S²) and Y (T, W·K) of classes (T, W) and drawings (T, W, K)."""
        n_tasks, ways, k = drawings.shape
        images = self.characters.images[classes[..., None], drawings]  # (T, W, K, S, S)
        X = np.divide(images, 255, dtype=self.dtype)  # (T, W, K, S, S)
        Y = np.tile(np.repeat(np.arange(ways), k), (n_tasks, 1))  # (T, W·K)
        return X.reshape(n_tasks, ways * k, -1), Y


def check_characters(characters):
    """Raise TypeError unless `characters` are Characters."""
    if not isinstance(characters, Characters):
        raise TypeError(
            f"characters is {shown(characters)}; give Characters, as load_omniglot "
            "returns them, one for each split"
        )


def draw_distinct(rng, shape, n, k):
    """Draw k different numbers below n, in random order, for each entry of `shape`.

    These are the indices of the k smallest of n random keys, smallest first.
    `argpartition` alone finds the same k, but on some processors in an order that
    depends on their indices: labels would then reveal classes.
    """
    keys = rng.random((*shape, n))  # (*shape, n)
    smallest = np.argpartition(keys, k - 1, axis=-1)[..., :k]  # (*shape, k)
    order = np.take_along_axis(keys, smallest, -1).argsort(-1)  # (*shape, k)
    return np.take_along_axis(smallest, order, -1)  # (*shape, k)
