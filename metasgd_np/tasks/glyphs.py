"""Letters of many alphabets in many typefaces: a stand-in for Omniglot, no download.

Matplotlib ships the DejaVu and STIX fonts. Every letter of the alphabets below, except
accented and tiny ones, is drawn 20 times. A drawing takes the next face that has the
letter, then is slightly rotated, scaled, slanted and shifted at random. If fewer than
eight faces have a letter, each is also used slanted, and with a bolder stroke, or a
lighter one if the face is bold.

Whole alphabets go to training, validation or test. Letters of the same or nearly the
same shape, up to quarter turns, count once: Latin A, Greek Α and Cyrillic А are one
letter, and so are b and q. Test alphabets choose first, so no test shape is trained on.
"""

import unicodedata
from functools import cache
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
import PIL
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ..files import cached
from .few_shot import DRAWINGS
from .images import Characters, normalise

VERSION = 2  # goes up whenever the same fonts give other images
ALPHABETS = {  # the first words of the letters' Unicode names
    "test": ("GEORGIAN", "ARMENIAN", "TIFINAGH", "LAO", "NKO"),
    "validate": ("GREEK", "HEBREW", "OGHAM", "OLD ITALIC"),
    "train": ("LATIN", "CYRILLIC", "CANADIAN SYLLABICS", "ARABIC"),
}
SANS = "DejaVuSans"  # has every letter that any other face has
FACES = (
    *(f"{SANS}{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"{SANS}Mono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
)
SIDE, FINE = 28, 3  # pixels of a drawing; drawn FINE times as fine, then averaged
FONT_SIZE, SMALLEST, LARGEST = 60, 24, 70  # of letters, in pixels of SIDE · FINE = 84
TOO_ALIKE = 0.9  # from this cosine on, two normalised drawings count as one
FEWEST_FACES = 8
LIGHTER, BOLDER = ImageFilter.MinFilter(3), ImageFilter.MaxFilter(3)
SLANT = 0.25
AFFINE, BILINEAR = Image.Transform.AFFINE, Image.Resampling.BILINEAR
# Largest random turn (radians), change of scale, slant and shift (in units of SIDE).
TURN, SCALE, SHEAR, SHIFT = 0.2, 0.15, 0.2, 0.06


def load_glyphs() -> tuple[Characters, Characters, Characters]:
    """Load letters to train on, to choose hyperparameters on, and to test on.

    They are drawn once, in a few seconds, and kept in the user's cache folder. The
    pixels depend on the versions of Matplotlib and Pillow.

    Returns
    -------
    tuple of Characters
        (train, validate, test): 20 drawings per letter, 28 × 28 pixels. No alphabet and
        no letter shape is in two of them.

    Examples
    --------
    >>> train, validate, test = load_glyphs()
    >>> test.images.shape[1:], str(test.alphabets[0])
    ((20, 28, 28), 'Georgian')
    """
    name = f"glyphs-{VERSION}-matplotlib-{mpl.__version__}-pillow-{PIL.__version__}"
    arrays = cached(name, build_glyphs)
    return tuple(
        Characters(
            arrays[f"{use}_images"], arrays[f"{use}_alphabets"], f"glyphs, {use}"
        )
        for use in ("train", "validate", "test")
    )


def build_glyphs():
    """The arrays of all three sets: images (C, 20, 28, 28) and alphabets (C,)."""
    rng = np.random.default_rng(VERSION)
    arrays = {}
    for use, letters in distinct_letters().items():
        images = [draw_letter(letter, rng) for letter, _ in letters]
        arrays[f"{use}_images"] = np.stack(images)  # (C, 20, 28, 28)
        arrays[f"{use}_alphabets"] = np.array([alphabet for _, alphabet in letters])
    return arrays


@cache
def distinct_letters():
    """{use: [(letter, alphabet), …]} without letters too similar to an earlier one."""
    uses, letters = [], []
    for use, alphabets in ALPHABETS.items():
        for alphabet in alphabets:
            found = letters_of(alphabet)
            letters += [(letter, alphabet.title()) for letter in found]
            uses += [use] * len(found)
    alike = likeness([letter for letter, _ in letters])  # (n, n)
    kept = []
    for i in range(len(letters)):
        if not (alike[i, kept] >= TOO_ALIKE).any():
            kept.append(i)
    return {use: [letters[i] for i in kept if uses[i] == use] for use in ALPHABETS}


def letters_of(alphabet):
    """The letters whose names begin with `alphabet`, neither accented nor tiny."""
    return [
        letter
        for letter in map(chr, sorted(letters_in(SANS)))
        if unicodedata.category(letter) in ("Lu", "Ll", "Lo")
        and unicodedata.name(letter, "").startswith(f"{alphabet} ")
        and not unicodedata.decomposition(letter)
        and max(size_of(letter)) >= SMALLEST
    ]


def size_of(letter):
    """Width and height of a letter's ink in SANS, in fine pixels."""
    return ink(letter, SANS).size


def likeness(letters):
    """Largest cosine of each two letters over quarter turns of one, (n, n)."""
    drawn = [np.asarray(canvas(letter, SANS).reduce(FINE)) for letter in letters]
    shapes = normalise(np.stack(drawn)).astype(np.float32)  # (n, 28, 28)
    turned = [np.rot90(shapes, k, (1, 2)).reshape(len(letters), -1) for k in range(4)]
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in turned]
    return np.max([rows @ unit[0].T for rows in unit], axis=0)


def draw_letter(letter, rng):
    """DRAWINGS drawings of a letter, its faces in turn, (20, 28, 28) uint8."""
    faces = faces_of(letter)
    drawn = [faces[i % len(faces)] for i in range(DRAWINGS)]
    return np.stack([draw(letter, *face, rng) for face in drawn])


def faces_of(letter):
    """[(font, other weight, slanted), …] to draw the letter in, at least eight."""
    fonts = [face for face in FACES if ord(letter) in letters_in(face)]
    more = (False, True) if len(fonts) < FEWEST_FACES else (False,)
    return [(font, *how) for how in product(more, more) for font in fonts]


def draw(letter, font, other_weight, slanted, rng):
    """One drawing (28, 28) uint8: the letter in a face, slightly moved at random."""
    image = canvas(letter, font)
    if other_weight:
        image = image.filter(LIGHTER if "Bold" in font else BOLDER)
    turn, shear, *logs = rng.uniform(-1, 1, 4) * (TURN, SHEAR, SCALE, SCALE)
    shear = shear + SLANT * slanted
    c, s = np.cos(turn), np.sin(turn)
    A = np.array([[c, -s], [s, c]]) @ [[1, shear], [0, 1]] @ np.diag(np.exp(logs))
    side = SIDE * FINE
    middle = np.full(2, side / 2)
    shift = rng.uniform(-SHIFT, SHIFT, 2) * side  # (2,)
    offset = middle - A @ (middle + shift)  # output pixel p shows A p + offset
    numbers = [A[0, 0], A[0, 1], offset[0], A[1, 0], A[1, 1], offset[1]]
    moved = image.transform(image.size, AFFINE, numbers, BILINEAR)
    return np.asarray(moved.reduce(FINE))


@cache
def canvas(letter, font):
    """The letter, upright and in the middle, as an image of 84 × 84 fine pixels."""
    image = ink(letter, font)
    image.thumbnail((LARGEST, LARGEST))
    side = SIDE * FINE
    whole = Image.new("L", (side, side))
    whole.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return whole


def ink(letter, font):
    """An image of the letter, cropped to its ink."""
    image = Image.new("L", (5 * FONT_SIZE, 3 * FONT_SIZE))
    ImageDraw.Draw(image).text((FONT_SIZE, FONT_SIZE), letter, 255, font_of(font))
    return image.crop(image.getbbox())


@cache
def font_of(face):
    """A font that Matplotlib ships, at FONT_SIZE."""
    return ImageFont.truetype(str(font_file(face)), FONT_SIZE)


@cache
def letters_in(face):
    """The code points that a face has."""
    return frozenset(FT2Font(str(font_file(face))).get_charmap())


def font_file(face):
    """The path of a face among Matplotlib's fonts."""
    return Path(mpl.get_data_path(), "fonts", "ttf", f"{face}.ttf")
