"""Omniglot: 1,623 characters of 50 alphabets, each drawn once by 20 people.

Source: Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through
probabilistic program induction", Science 350 (2015); github.com/brendenlake/omniglot.
"""

import fnmatch
import hashlib
import io
import warnings
import zipfile
from collections import Counter
from os import PathLike
from pathlib import Path
from stat import S_ISREG

import numpy as np
from PIL import Image

from ..checks import choose, shown, truth, whole_number
from ..files import cache_folder, cached
from .few_shot import DRAWINGS
from .images import Characters

URL = "https://github.com/brendenlake/omniglot/raw/master/python/"
PARTS = {"images_background": 964, "images_evaluation": 659}  # characters in each
SHA256 = {  # of each archive: as on GitHub, and repacked without folders
    "images_background": (
        "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
        "b87db428ebeedc7c8ccccd70af79d8778ad1282432d7e305c344f107ab163ddf",
    ),
    "images_evaluation": (
        "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
        "166589f7364723158eacdc562b66ffae78c429c568d6a710523a50d68bb2da63",
    ),
}
BY_HAND = (
    f"download {' and '.join(f'{part}.zip' for part in PARTS)} from "
    "github.com/brendenlake/omniglot, folder python/, put them into one folder, and "
    "give that folder as the path"
)
DRAWING = "*/character*/[0-9]*.png"  # skips what macOS adds: ._0709_01.png
SIDE = 105  # pixels of a drawing
MAX_BYTES = 10_000  # of a drawing's file; the largest has 522
VERSION = 1  # goes up whenever the same archives give other images
TRAINING, VALIDATION = 1200, 100  # characters; the latter are taken from the former
SPLITS = ("maml", "official")


class OmniglotError(ValueError):
    """The archives cannot be fetched, are damaged, or are not Omniglot's."""


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
        (16 MB) are downloaded from there once and kept in the user's cache folder.
    split : {"maml", "official"}
        "maml": 1,200 of all 1,623 characters, drawn with the seed, of which 100 are for
        validation; the other 423 for testing (arXiv:1703.03400, section 5.2).
        "official": the background set, 964, of which 100, drawn with the seed, are for
        validation; the evaluation set, 659 of other alphabets, for testing. Validation
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
        A ValueError: the archives cannot be downloaded, are missing or damaged, or are
        not Omniglot's.

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
    truth("cache", cache)
    if path is not None and not isinstance(path, str | PathLike):
        raise TypeError(f"path is {shown(path)}, but it must be a folder; {BY_HAND}")
    folder = download() if path is None else path
    sources = [find(folder, part) for part in PARTS]

    def build():
        parts = [read_part(source, size) for source in sources]
        images, alphabets = map(np.concatenate, zip(*parts, strict=True))
        return {"images": images, "alphabets": alphabets}

    digest = hashlib.sha256("".join(map(identify, sources)).encode()).hexdigest()
    key = f"omniglot-{VERSION}-{size}-{digest[:16]}"
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


def download():
    """Download the archives not in the cache yet; return their folder there."""
    import pooch  # noqa: PLC0415 (most runs need no download)

    pooch.get_logger().setLevel("WARNING")  # the progress bar is enough
    bar = pooch.HTTPDownloader(progressbar=True)
    for part in PARTS:
        url = f"{URL}{part}.zip"
        try:
            folder = cache_folder() / "omniglot"
            path = folder / f"{part}.zip"
            if path.exists() and checksum(path) not in SHA256[part]:
                path.unlink()  # damaged since it was downloaded
            # Either checksum is right, but pooch takes only one, so it is checked here.
            pooch.retrieve(url, None, path.name, folder, downloader=bar)
        except OSError as error:  # no answer, or no folder to write to
            raise OmniglotError(
                f"{url} could not be downloaded ({type(error).__name__}: {error}); "
                f"{BY_HAND}"
            ) from None
        if checksum(path) not in SHA256[part]:
            path.unlink()
            raise OmniglotError(
                f"{url} is not the expected file (its SHA-256 differs); {BY_HAND}"
            )
    return folder


def find(folder, part):
    """Find one part in a folder: its archive, or else the folder unpacked from it."""
    for source in (Path(folder, f"{part}.zip"), Path(folder, part)):
        if source.exists():
            return source
    raise OmniglotError(
        f"{folder} holds neither {part}.zip nor a folder {part}; {BY_HAND}"
    )


def identify(source):
    """The SHA-256 of an archive, checked; of a folder, its names, sizes and times."""
    if source.is_dir():
        files = [(name, size_of(source / name)) for name in list_names(source)]
        return repr([(name, file.st_size, file.st_mtime_ns) for name, file in files])
    digest = checksum(source)
    if digest not in SHA256[source.stem]:
        raise OmniglotError(
            f"{source} is not Omniglot's (its SHA-256 is {digest[:8]}...); it was "
            "truncated, repacked or is something else: download it again, or unpack it "
            "in place and delete it"
        )
    return digest


def checksum(path):
    """Compute the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_names(folder):
    """The sorted names ALPHABET/characterNN/NNNN_NN.png of a folder's drawings."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob(DRAWING))


def read_files(source):
    """{ALPHABET/characterNN/NNNN_NN.png: its bytes} of one part, sorted by name."""
    if source.is_dir():
        return {name: read_file(source / name) for name in list_names(source)}
    try:
        with zipfile.ZipFile(source) as archive:
            names = fnmatch.filter(archive.namelist(), f"{source.stem}/{DRAWING}")
            for name in names:
                check_size(source / name, archive.getinfo(name).file_size)
            return {
                name.partition("/")[2]: archive.read(name) for name in sorted(names)
            }
    except OmniglotError:
        raise
    except Exception as error:  # damage can raise nearly anything inside zipfile
        raise OmniglotError(
            f"{source} cannot be unpacked ({type(error).__name__}: {error}); {BY_HAND}"
        ) from None


def read_file(path):
    """The bytes of a file; an error if it is larger than any drawing."""
    size_of(path)
    return path.read_bytes()


def size_of(path):
    """The `os.stat` of a drawing; an error if it is no file or larger than any."""
    try:
        found = path.stat()
    except OSError as error:
        found, reason = None, error.strerror
    if found is None or not S_ISREG(found.st_mode):
        raise OmniglotError(
            f"{path} is no file ({reason if found is None else 'a folder or a device'})"
            "; unpack the original archive again"
        )
    check_size(path, found.st_size)
    return found


def check_size(name, n_bytes):
    """Raise OmniglotError if a drawing would have more bytes than any."""
    if n_bytes > MAX_BYTES:
        raise OmniglotError(
            f"{name} has {n_bytes} bytes, but no drawing has more than {MAX_BYTES}; "
            "unpack the original archive again"
        )


def read_part(source, size):
    """Read one part: images (C, 20, size, size), 255 ink, and alphabets (C,)."""
    files = read_files(source)
    counts = Counter(name.rpartition("/")[0] for name in files)
    n_characters = PARTS[source.stem]
    if len(counts) != n_characters or set(counts.values()) != {DRAWINGS}:
        raise OmniglotError(
            f"{source} holds {len(files)} drawings of {len(counts)} characters, but "
            f"Omniglot's holds {DRAWINGS} of each of {n_characters}, called "
            "ALPHABET/characterNN/NNNN_NN.png; unpack the original archive again"
        )
    images = np.empty((len(files), size, size), np.uint8)
    for i, (name, data) in enumerate(files.items()):
        images[i] = decode(source / name, data, size)
    alphabets = [character.partition("/")[0] for character in counts]
    return images.reshape(n_characters, DRAWINGS, size, size), np.array(alphabets)


def decode(name, data, size):
    """(size, size) uint8, 255 ink, from the bytes of a PNG of 105 × 105, ink black."""
    try:
        with (
            warnings.catch_warnings(
                action="error", category=Image.DecompressionBombWarning
            ),
            Image.open(io.BytesIO(data), formats=["PNG"]) as image,
        ):
            found = "a picture of {} x {} pixels".format(*image.size)
            if image.size == (SIDE, SIDE):
                grey = image.convert("L")  # a 1-bit picture would be sampled instead
                return 255 - np.asarray(grey.resize((size, size), Image.Resampling.BOX))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        found = f"a picture of more than {Image.MAX_IMAGE_PIXELS} pixels"
    except Exception:  # damage can raise nearly anything in Pillow
        found = "damaged or something else"
    raise OmniglotError(
        f"{name} is {found}, but a drawing is a PNG of {SIDE} x {SIDE} pixels; unpack "
        "the original archive again"
    )
