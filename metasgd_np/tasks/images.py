"""Drawings of characters, by class: rotated, normalised, reduced."""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from ..checks import as_array, shown, whole_number

SPREAD = 6.0  # root mean square distance of ink from its centre, in pixels of 28
WIDTH = 2.0  # half-width of a tent, in pixels of the resulting drawing


@dataclass(frozen=True, eq=False)
class Characters:
    """Drawings of characters, by class.

    `len(characters)` is C, and `characters[indices]`, with a slice or an array of class
    indices, the Characters of those classes.

    Parameters
    ----------
    images : (C, E, S, S) array of uint8
        The E drawings of each of C classes, S × S pixels: 0 is paper, 255 is ink.
    alphabets : (C,) array of str
        The alphabet of each class.
    name : str
        A short description of their source.

    Raises
    ------
    ValueError
        The images are not (C, E, S, S) of uint8, or the alphabets not (C,).

    Examples
    --------
    >>> images = np.zeros((6, 20, 28, 28), np.uint8)
    >>> characters = Characters(images, ["Greek"] * 4 + ["Latin"] * 2, "blank")
    >>> characters[3:]
    Characters(blank: 3 classes x 20 drawings, 28 x 28, checksum e44963b7)
    """

    images: np.ndarray
    alphabets: np.ndarray
    name: str = "characters"

    def __post_init__(self):
        images = as_array("images", self.images)
        if images.ndim != 4 or images.shape[2] != images.shape[3] or not images.size:
            raise ValueError(
                f"images has shape {images.shape}, but drawings are (C, E, S, S), each "
                "at least 1; flattened ones need images.reshape(C, E, S, S)"
            )
        check_pixels(images)
        alphabets = as_array("alphabets", self.alphabets)
        if not all(isinstance(name, str) for name in (self.name, *alphabets.flat)):
            raise TypeError(
                "the name and the alphabets of characters are text, but one of "
                f"{shown(self.name)}, {shown(alphabets.ravel()[:1].tolist())} is not; "
                "convert it with str"
            )
        if alphabets.shape != images.shape[:1]:
            raise ValueError(
                f"alphabets has shape {alphabets.shape}, but there are {len(images)} "
                f"classes; give one name per class, shape {images.shape[:1]}"
            )
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "alphabets", alphabets)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, classes: slice | np.ndarray) -> "Characters":
        if not isinstance(classes, slice):
            classes = np.asarray(classes)
            if classes.ndim != 1 or classes.dtype.kind not in "biu":
                raise TypeError(
                    "Characters take a slice or an array of class indices, not one "
                    f"of dtype {classes.dtype}, shape {classes.shape}; write "
                    "characters[c : c + 1] for one class"
                )
            self._check_indices(classes)
        return Characters(self.images[classes], self.alphabets[classes], self.name)

    def _check_indices(self, classes):
        """Raise ValueError unless an array (·,) of indices or booleans is in range."""
        boolean, n_classes = classes.dtype.kind == "b", len(self)
        if boolean and len(classes) != n_classes:
            raise ValueError(
                f"there are {len(classes)} booleans for {n_classes} classes; give one "
                "per class"
            )
        if not boolean and np.any((classes < -n_classes) | (classes >= n_classes)):
            raise ValueError(
                f"class indices run up to {n_classes - 1}, but {classes.min()} to "
                f"{classes.max()} came; leave out those that do not exist"
            )

    def __repr__(self):
        return f"Characters({self.summary})"

    @cached_property
    def summary(self) -> str:
        """The name, the sizes, and a checksum of the drawings."""
        n_classes, n_drawings, side, _ = self.images.shape
        checksum = crc32(np.ascontiguousarray(self.images))
        return (
            f"{self.name}: {n_classes} classes x {n_drawings} drawings, "
            f"{side} x {side}, checksum {checksum:08x}"
        )

    def rotated(self) -> "Characters":
        """Add each class, rotated by 90°, 180° and 270°, as three new classes.

        Source: MAML (arXiv:1703.03400, section 5.2), after Santoro et al.
        (arXiv:1605.06065).

        Returns
        -------
        Characters
            4C classes: class c rotated counterclockwise k times is class c + kC.

        Examples
        --------
        >>> images = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2)
        >>> Characters(images, ["Greek"]).rotated().images[1, 0].tolist()
        [[1, 3], [0, 2]]
        """
        turns = [np.rot90(self.images, k, axes=(2, 3)) for k in range(4)]
        return Characters(
            np.concatenate(turns),  # (4C, E, S, S)
            np.tile(self.alphabets, 4),
            f"{self.name}, rotated",
        )

    def normalised(self) -> "Characters":
        """Centre each drawing and scale it to a common size; see `normalise`.

        Returns
        -------
        Characters
            The same classes. Each drawing is normalised by itself: other drawings,
            labels and tasks have no effect on it.

        Examples
        --------
        >>> images = np.zeros((1, 1, 28, 28), np.uint8)
        >>> images[..., :9, 3] = 255
        >>> ink = Characters(images, ["Ogham"]).normalised().images[0, 0] > 127
        >>> np.argwhere(ink).mean(0).tolist()
        [13.5, 13.5]
        """
        name = f"{self.name}, normalised"
        return Characters(normalise(self.images), self.alphabets, name)

    def reduced(self, side: int) -> "Characters":
        """Reduce the drawings to fewer pixels, each the mean of a square of pixels.

        Parameters
        ----------
        side : int
            Pixels per side, a number that divides S.

        Returns
        -------
        Characters
            The same classes, images (C, E, side, side).

        Raises
        ------
        ValueError
            `side` does not divide S.

        Examples
        --------
        >>> images = np.uint8([[[[255, 0, 0, 0], [255, 0, 0, 0]] * 2]])
        >>> Characters(images, ["Ogham"]).reduced(2).images.tolist()
        [[[[128, 0], [128, 0]]]]
        """
        side = whole_number("side", side, 1)
        n_classes, n_drawings, full, _ = self.images.shape
        if full % side:
            raise ValueError(
                f"side is {side}, but the drawings have {full} pixels per side; choose "
                f"a number that divides {full}"
            )
        square = full // side
        split = (n_classes, n_drawings, side, square, side, square)
        means = self.images.reshape(split).mean((3, 5), dtype=np.float32)
        images = np.rint(means).astype(np.uint8)  # (C, E, side, side)
        return Characters(images, self.alphabets, f"{self.name}, reduced")


def normalise(images: np.ndarray) -> np.ndarray:
    """Centre each drawing's ink and scale its spread to SPREAD.

    With ink m at (y, x) of a drawing, Σ over its pixels:

        c = Σ m (y, x) / Σ m,     s² = Σ m |(y, x) − c|² / Σ m,     k = s / SPREAD

    Pixel t of the new drawing, counted from its middle, samples the old one at c + k t,
    with a tent of half-width WIDTH k (at least 1), which blurs slightly. The tents in
    y and x are matrices A_y, A_x, so the new drawing is A_y M A_xᵀ.

    Source: moment normalisation as in MNIST, LeCun et al. (1998), section III.A, which
    normalises the centre only.

    Parameters
    ----------
    images : (..., S, S) array of uint8
        Drawings, 255 is ink.

    Returns
    -------
    (..., S, S) array of uint8
        The normalised drawings; an empty one stays empty.

    Raises
    ------
    ValueError
        The images are not (..., S, S) of uint8.

    Examples
    --------
    >>> corner, centre = np.zeros((2, 28, 28), np.uint8)
    >>> corner[:6, :6] = centre[11:17, 11:17] = 255
    >>> bool((normalise(corner) == normalise(centre)).all())
    True
    """
    images = as_array("images", images)
    check_pixels(images)
    side = images.shape[-1] if images.ndim else 0
    if images.shape[-2:] != (side, side) or not images.size:
        raise ValueError(
            f"images has shape {images.shape}, but drawings are (..., S, S), each at "
            "least 1; flattened ones need images.reshape(..., S, S)"
        )
    M = images.reshape(-1, side, side).astype(np.float32)  # (n, S, S)
    place = np.arange(side, dtype=np.float32)  # (S,)
    ink = np.maximum(M.sum((1, 2)), 1)[:, None]  # (n, 1)
    centres, squares = [], 0
    for axis in (2, 1):  # y, then x
        profile = M.sum(axis) / ink  # (n, S)
        centre = profile @ place  # (n,)
        centres.append(centre)
        squares = squares + (profile * (place - centre[:, None]) ** 2).sum(1)  # (n,)
    k = np.sqrt(squares) / (SPREAD * side / 28)  # (n,)
    A_y, A_x = (tents(centre, k, side) for centre in centres)  # (n, S, S)
    new = np.clip(np.rint(A_y @ M @ A_x.mT), 0, 255)  # (n, S, S)
    return new.astype(np.uint8).reshape(images.shape)


def check_pixels(images):
    """Raise ValueError unless the array `images` is of uint8."""
    if images.dtype != np.uint8:
        raise ValueError(
            f"images has dtype {images.dtype}, but drawings are uint8, 0 paper and "
            "255 ink; convert values in [0, 1] with (255 * images).astype('uint8')"
        )


def tents(centre, k, side):
    """Build rows (n, S, S): row t is a tent at c + k (t − middle), its sum about 1."""
    t = np.arange(side, dtype=np.float32) - (side - 1) / 2  # (S,)
    at = centre[:, None] + k[:, None] * t  # (n, S)
    half = np.maximum(WIDTH * k, 1)[:, None, None]  # (n, 1, 1)
    distance = np.abs(at[..., None] - np.arange(side))  # (n, S, S)
    return np.maximum(1 - distance / half, 0).astype(np.float32) / half
