"""Omniglot's two archives, downloaded, or read from zip files or unpacked folders.

They come from outside, so nothing in them is trusted. Entries are read into memory one
at a time, up to a fixed size, and checked; no name in an archive becomes a path.
"""

import hashlib
import io
import os
import re
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ..files import cache_folder
from .few_shot import DRAWINGS

URL = "https://github.com/brendenlake/omniglot/raw/master/python/"
PARTS = {"images_background": 964, "images_evaluation": 659}  # characters in each
SHA256 = {
    "images_background": (
        "b87db428ebeedc7c8ccccd70af79d8778ad1282432d7e305c344f107ab163ddf"
    ),
    "images_evaluation": (
        "166589f7364723158eacdc562b66ffae78c429c568d6a710523a50d68bb2da63"
    ),
}
BY_HAND = (
    f"download {' and '.join(f'{part}.zip' for part in PARTS)} from "
    "github.com/brendenlake/omniglot, folder python/, put them into one folder, and "
    "give that folder as the path"
)
SIDE = 105  # pixels of a drawing
MAX_BYTES = 10_000  # of a drawing's file; the largest has 522
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those read in bounded memory

NAME = re.compile(r"(\w+)/(\w[^/\\]*)/(character\d\d)/\d{4}_\d\d\.png", re.ASCII)
JUNK = re.compile(r".*/|__MACOSX/.*|(.*/)?\.(DS_Store|_[^/]*)")  # folders; macOS's own


class OmniglotError(ValueError):
    """The archives cannot be fetched, are damaged, or are not Omniglot's."""


def fetch():
    """Return the cache's folder of both archives, downloading those not there yet."""
    import pooch  # noqa: PLC0415 (most runs need no download)

    for part in PARTS:
        url = f"{URL}{part}.zip"
        try:
            folder = cache_folder() / "omniglot"
            pooch.retrieve(url, f"sha256:{SHA256[part]}", f"{part}.zip", folder)
        except OSError as error:  # no answer, or no folder to write to
            reason = f"{type(error).__name__}: {error}"
            raise OmniglotError(f"{url} was not saved ({reason}); {BY_HAND}") from None
        except ValueError:
            raise OmniglotError(
                f"{url} is not the file that was expected (its SHA-256 is another); "
                f"{BY_HAND}"
            ) from None
    return folder


def find(folder, part):
    """The archive of one part in a folder, or else its unpacked folder."""
    for source in (Path(folder, f"{part}.zip"), Path(folder, part)):
        if source.exists():
            return source
    raise OmniglotError(
        f"{folder} holds neither {part}.zip nor a folder {part}; {BY_HAND}"
    )


def checksum(sources):
    """Of an archive, its bytes; of a folder, names, sizes and times of change."""
    digest = hashlib.sha256()
    for source in sources:
        if source.is_dir():
            for name in sorted(names_in(source)):
                status = os.stat(source.parent / name)
                line = f"{name} {status.st_size} {status.st_mtime_ns}\n"
                digest.update(os.fsencode(line))
        else:
            with open(source, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def names_in(folder):
    """The files below a folder, by the names that an archive of it would give them."""
    return [
        Path(where, file).relative_to(folder.parent).as_posix()
        for where, _, files in os.walk(folder)
        for file in files
    ]


def read_part(source, size):
    """Read one part, characters in the order of their sorted names.

    Returns images (C, 20, size, size) uint8, 0 paper, 255 ink, and alphabets (C,) str.
    Raises OmniglotError if the archive or folder is damaged or not Omniglot's.
    """
    if source.is_dir():
        drawings = arrange(source, names_in(source))
        return decode_all(
            source, drawings, lambda name: open(source.parent / name, "rb"), size
        )
    with open_archive(source) as archive:
        drawings = arrange(source, archive.namelist())
        return decode_all(source, drawings, partial(open_entry, archive), size)


def open_archive(source):
    """A zip file, its list of entries read, or an OmniglotError."""
    try:
        return zipfile.ZipFile(source)
    except Exception as error:  # damage can raise nearly anything in zipfile
        raise OmniglotError(
            f"{source} is not a whole zip file ({error}); it was cut off or is "
            "something else: download it again"
        ) from None


def arrange(source, names):
    """{(alphabet, character): its 20 names}, all sorted; or an OmniglotError."""
    part = source.name.removesuffix(".zip")
    drawings = {}
    for name in sorted(names):
        match = NAME.fullmatch(name)
        if match and match[1] == part:
            drawings.setdefault(match.group(2, 3), []).append(name)
        elif not JUNK.fullmatch(name):
            raise OmniglotError(
                f"{source} holds {name[:80]!r}, but all in Omniglot's is called "
                f"{part}/ALPHABET/characterNN/NNNN_NN.png; give the original archive, "
                "or the folders as they come out of it"
            )
    if len(drawings) != PARTS[part]:
        raise OmniglotError(
            f"{source} holds {len(drawings)} characters, but {part} has {PARTS[part]}; "
            "give the whole original, not one of the small sets"
        )
    for (alphabet, character), found in drawings.items():
        if len(set(found)) != DRAWINGS or len(found) != DRAWINGS:
            raise OmniglotError(
                f"{source} holds {len(found)} drawings of {alphabet}/{character}, but "
                f"Omniglot has {DRAWINGS} different ones of each; download it again"
            )
    return drawings


def open_entry(archive, name):
    """An entry of a zip file, unless reading it could take much memory."""
    entry = archive.getinfo(name)
    if entry.compress_type not in METHODS:
        raise ValueError(f"it is compressed by method {entry.compress_type}")
    return archive.open(entry)


def decode_all(source, drawings, open_drawing, size):
    """Decode what `arrange` returned: images (C, 20, size, size), alphabets (C,)."""
    images = np.empty((len(drawings), DRAWINGS, size, size), np.uint8)
    for c, names in enumerate(drawings.values()):
        for e, name in enumerate(names):
            try:
                with open_drawing(name) as file:
                    images[c, e] = decode(file, size)
            except Exception as error:  # damage can raise anything in zipfile, Pillow
                raise OmniglotError(
                    f"{name} in {source} is not a PNG of {SIDE} x {SIDE} pixels: "
                    f"{error or type(error).__name__}; download it again"
                ) from None
    return images, np.array([alphabet for alphabet, _ in drawings])


def decode(file, size):
    """(size, size) uint8, 255 ink, of an open PNG of 105 × 105 pixels, ink black."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    if not data.startswith(b"\x89PNG"):
        raise ValueError("it is something else")
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.size != (SIDE, SIDE):
            raise ValueError("it has {} x {}".format(*image.size))
        grey = image.convert("L")  # a picture of one bit would be resized by sampling
        return 255 - np.asarray(grey.resize((size, size), Image.Resampling.BOX))
