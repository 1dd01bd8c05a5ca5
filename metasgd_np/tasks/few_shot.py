"""Few-shot classification: tell apart a few characters, each seen a few times."""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from ..checks import whole_number
from .batch import TaskBatch
from .images import normalise

DRAWINGS = 20  # of a character, in Omniglot and in glyphs alike


@dataclass(frozen=True, eq=False)
class Characters:
    """Drawings of characters, class by class.

    Attributes
    ----------
    images : (C, E, S, S) uint8    E drawings of each of C classes; 0 paper, 255 ink
    alphabets : (C,) str           the alphabet of each class
    name : str                     where they come from, in a few words

    `len(characters)` is C, and `characters[indices]`, with a slice or an array of class
    indices, the Characters of those classes.

    Raises
    ------
    ValueError    images are not (C, E, S, S) of uint8, or alphabets are not (C,)
    """

    images: np.ndarray
    alphabets: np.ndarray
    name: str = "characters"

    def __post_init__(self):
        images = np.asarray(self.images)
        if images.ndim != 4 or images.shape[2] != images.shape[3] or not images.size:
            raise ValueError(
                f"images has shape {images.shape}, but drawings are (C, E, S, S), each "
                "at least 1; flattened ones want images.reshape(C, E, S, S)"
            )
        if images.dtype != np.uint8:
            raise ValueError(
                f"images has dtype {images.dtype}, but drawings are uint8, 0 paper and "
                "255 ink; convert shares of ink with (255 * images).astype('uint8')"
            )
        alphabets = np.asarray(self.alphabets)
        if alphabets.shape != images.shape[:1]:
            raise ValueError(
                f"alphabets has shape {alphabets.shape}, but there are {len(images)} "
                f"classes; give one name a class, shape {images.shape[:1]}"
            )
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "alphabets", alphabets)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, classes):
        if not isinstance(classes, slice):
            classes = np.asarray(classes)
            if classes.ndim != 1 or classes.dtype.kind not in "biu":
                raise TypeError(
                    "Characters take a slice or an array of class indices, not one "
                    f"of dtype {classes.dtype}, shape {classes.shape}; write "
                    "characters[c : c + 1] for one class"
                )
        return Characters(self.images[classes], self.alphabets[classes], self.name)

    def __repr__(self):
        return f"Characters({self.summary})"

    @cached_property
    def summary(self):
        """The name, the sizes, and a checksum that tells other drawings apart."""
        n_classes, n_drawings, side, _ = self.images.shape
        checksum = crc32(np.ascontiguousarray(self.images))
        return (
            f"{self.name}: {n_classes} classes x {n_drawings} drawings, "
            f"{side} x {side}, checksum {checksum:08x}"
        )

    def rotated(self):
        """The classes and, as new classes, their turns by 90°, 180° and 270°.

        Class c turned counterclockwise k times is class c + kC of the 4C. Source: MAML
        (arXiv:1703.03400, section 5.2), after Santoro et al. (arXiv:1605.06065).
        """
        turns = [np.rot90(self.images, k, axes=(2, 3)) for k in range(4)]
        return Characters(
            np.concatenate(turns),  # (4C, E, S, S)
            np.tile(self.alphabets, 4),
            f"{self.name}, rotated",
        )

    def normalised(self):
        """The drawings, each moved to the middle and scaled to one size; see images.py.

        A drawing is normalised by itself, so no other drawing, no label and no other
        task bears on it.
        """
        name = f"{self.name}, normalised"
        return Characters(normalise(self.images), self.alphabets, name)

    def reduced(self, side):
        """The drawings with `side` pixels a side, each the mean of a square of theirs.

        Raises ValueError unless `side` divides S.
        """
        side = whole_number("side", side, 1)
        n_classes, n_drawings, full, _ = self.images.shape
        if full % side:
            raise ValueError(
                f"side is {side}, but the drawings have {full} pixels a side; choose a "
                f"number that divides {full}"
            )
        square = full // side
        split = (n_classes, n_drawings, side, square, side, square)
        means = self.images.reshape(split).mean((3, 5), dtype=np.float32)
        images = np.rint(means).astype(np.uint8)  # (C, E, side, side)
        return Characters(images, self.alphabets, f"{self.name}, reduced")


@dataclass(frozen=True)
class FewShot:
    """N-way K-shot classification tasks drawn from Characters.

    A task is `ways` different characters, labelled 0 … ways − 1 in random order. All
    drawings of a task, support and query, are different. A learner's network takes S²
    inputs and, with the loss "softmax_cross_entropy", has `ways` outputs.

    Parameters
    ----------
    characters : Characters
    ways : int        classes a task
    dtype : str       of the inputs: "float64" or "float32"
    """

    characters: Characters
    ways: int = 5
    dtype: str = "float32"

    def __post_init__(self):
        if not isinstance(self.characters, Characters):
            raise TypeError(
                f"characters is of type {type(self.characters).__name__}; give "
                "Characters, as load_omniglot returns them, one for each split"
            )
        object.__setattr__(self, "ways", whole_number("ways", self.ways, 2))
        if self.ways > len(self.characters):
            raise ValueError(
                f"ways is {self.ways}, but {self.characters.name} has only "
                f"{len(self.characters)} classes; ask for fewer or give more"
            )
        if self.dtype not in ("float64", "float32"):
            raise ValueError(f"dtype is {self.dtype!r}; choose 'float64' or 'float32'")

    def __repr__(self):
        return (
            f"FewShot({self.characters.summary}; ways={self.ways}, "
            f"dtype={self.dtype!r})"
        )

    def sample(self, rng, n_tasks, shots, n_query=15):
        """Draw a TaskBatch: `shots` support and `n_query` query drawings a class.

        Both are counts per class, so N is ways · shots in the support set and ways ·
        n_query in the query set. The examples of one class stand together, class 0
        first: no loss here depends on the order of examples.

        Shapes: X_s (n_tasks, ways · shots, S²) in [0, 1], 1 is ink; Y_s (n_tasks,
        ways · shots), integer labels; X_q and Y_q likewise.

        Raises ValueError if shots + n_query is more than the drawings of a class.
        """
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
        return TaskBatch(
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


def draw_distinct(rng, shape, n, k):
    """k different numbers below n, in random order, for each entry of `shape`.

    The places of the k smallest of n random keys, smallest key first. `argpartition`
    alone finds the same k, but on some processors in an order that depends on their
    places: then labels would tell of classes.
    """
    keys = rng.random((*shape, n))  # (*shape, n)
    smallest = np.argpartition(keys, k - 1, axis=-1)[..., :k]  # (*shape, k)
    order = np.take_along_axis(keys, smallest, -1).argsort(-1)  # (*shape, k)
    return np.take_along_axis(smallest, order, -1)  # (*shape, k)
