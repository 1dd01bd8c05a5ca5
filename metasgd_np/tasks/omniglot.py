"""Omniglot: 1,623 characters of 50 alphabets, each drawn once by 20 people.

Source: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through
probabilistic program induction", Science 350 (2015); github.com/brendenlake/omniglot.
"""

from os import PathLike

import numpy as np

from ..checks import choose, whole_number
from ..files import cached
from .images import Characters
from .omniglot_files import PARTS, SIDE, checksum, fetch, find, read_part

VERSION = 1  # goes up whenever other images come out of the same archives
TRAINING, VALIDATION = 1200, 100  # characters; the second are taken out of the first
SPLITS = ("maml", "official")


def load_omniglot(
    path: str | PathLike | None = None,
    split: str = "maml",
    seed: int = 0,
    size: int = 28,
    cache: bool = True,
) -> tuple[Characters, Characters, Characters]:
    """Load characters to train on, to choose hyperparameters on, and to test on.

    Parameters
    ----------
    path : path, optional
        Folder that holds images_background.zip and images_evaluation.zip from
        github.com/brendenlake/omniglot (folder python/), or these unpacked in place:
        images_background/ALPHABET/characterNN/NNNN_NN.png. Without it both archives
        (14 MB) are downloaded from there once and kept in the user's cache folder.
    split : {"maml", "official"}
        "maml": 1,200 of all 1,623 characters, drawn with the seed, of which 100 are to
        validate on; the other 423 to test (arXiv:1703.03400, section 5.2).
        "official": the background set, 964, of which 100, drawn with the seed, are to
        validate on; the evaluation set, 659 of other alphabets, to test. The validation
        characters share their alphabets with the training ones in both, the test
        characters only in "maml".
    seed : int
        Seed of the draw: the same seed gives the same characters.
    size : int
        Pixels per side, 1 to 105; each pixel is the share of ink in its area.
    cache : bool
        Keep the decoded images in the user's cache folder.

    Returns
    -------
    tuple of Characters
        (train, validate, test): no character is in two of them; each is in the order of
        the sorted names. MAML's protocol adds rotations: `train.rotated()`.

    Raises
    ------
    OmniglotError
        A ValueError: the archives cannot be downloaded, are not there, are damaged or
        are not Omniglot's.

    Examples
    --------
    >>> train, validate, test = load_omniglot()  # doctest: +SKIP
    >>> len(train), len(validate), len(test)  # doctest: +SKIP
    (1100, 100, 423)
    """
    choose("split", split, dict.fromkeys(SPLITS))
    seed = whole_number("seed", seed, 0)
    size = whole_number("size", size, 1)
    if size > SIDE:
        raise ValueError(f"size is {size}, but a drawing has {SIDE} pixels per side")
    folder = fetch() if path is None else path
    sources = [find(folder, part) for part in PARTS]

    def build():
        parts = [read_part(source, size) for source in sources]
        images, alphabets = map(np.concatenate, zip(*parts, strict=True))
        return {"images": images, "alphabets": alphabets}

    key = f"omniglot-{VERSION}-{size}-{checksum(sources)}"
    arrays = cached(key, build) if cache else build()
    return tuple(
        Characters(
            arrays["images"][classes],
            arrays["alphabets"][classes],
            f"Omniglot, {split} split, seed {seed}, {use}",
        )
        for use, classes in split_classes(split, seed).items()
    )


def split_classes(split, seed):
    """Draw the classes of train, validate and test, each (·,) indices, sorted."""
    rng = np.random.default_rng(seed)
    n_background, n_evaluation = PARTS.values()
    n_classes = n_background + n_evaluation
    if split == "maml":
        n_train, order = TRAINING, rng.permutation(n_classes)
    else:
        n_train, order = n_background, np.arange(n_classes)
        order[:n_train] = rng.permutation(n_train)
    validate, train, test = np.split(order, [VALIDATION, n_train])
    return {
        "train": np.sort(train),
        "validate": np.sort(validate),
        "test": np.sort(test),
    }
