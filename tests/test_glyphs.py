"""Letters as classes: enough of them, well apart, and never one in two splits."""

import numpy as np
import platformdirs
import pytest

from metasgd_np.experiments.baselines import nearest_neighbour
from metasgd_np.tasks import FewShot, glyphs, load_glyphs
from metasgd_np.tasks.images import normalise


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The folder that stands in for the user's cache."""
    return tmp_path_factory.mktemp("cache")


def load_from(folder):
    """The (train, validate, test) sets of a cache folder; drawn if it is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
        return load_glyphs()


@pytest.fixture(scope="session")
def built(cache):
    return load_from(cache)


def test_there_are_several_hundred_classes_of_twenty_drawings(built):
    train, validate, test = built
    assert len(train) > 250
    assert len(validate) > 50
    assert len(test) > 150
    for split in (train, validate, test):
        assert split.images.shape[1:] == (20, 28, 28)
        assert split.images.dtype == np.uint8
        ink = split.images.mean((2, 3)) / 255  # (C, 20)
        assert ink.min() > 0.005
        assert ink.max() < 0.5
        assert (split.images.max((2, 3)) > 127).mean() > 0.95


def test_every_letter_has_at_least_eight_faces():
    for letters in glyphs.distinct_letters().values():
        for letter, _ in letters:
            faces = glyphs.faces_of(letter)
            assert len(set(faces)) == len(faces) >= 8


def test_no_alphabet_is_in_two_splits(built):
    alphabets = [set(split.alphabets.tolist()) for split in built]
    assert set.union(*alphabets) == {
        name.title() for names in glyphs.ALPHABETS.values() for name in names
    }
    assert sum(map(len, alphabets)) == len(set.union(*alphabets))


def test_no_two_letters_have_one_shape_in_any_quarter_turn():
    kept = glyphs.distinct_letters()
    letters = [letter for split in kept.values() for letter, _ in split]
    drawn = [np.asarray(glyphs.canvas(letter, glyphs.SANS)) for letter in letters]
    drawn = [image.reshape(28, 3, 28, 3).mean((1, 3)) for image in drawn]
    shapes = normalise(np.array(drawn).astype(np.uint8)).astype(float)
    for k in range(4):
        turned = np.rot90(shapes, k, (1, 2)).reshape(len(letters), -1)
        flat = shapes.reshape(len(letters), -1)
        size = np.linalg.norm(flat, axis=1)
        cosines = turned @ flat.T / np.outer(size, size)
        cosines[np.diag_indices(len(letters))] = 0
        assert cosines.max() < glyphs.TOO_ALIKE + 0.01


@pytest.mark.parametrize("same", ["AΑА", "oοоօ", "bq", "cϲсᴄ"])
def test_letters_of_one_shape_count_once(same):
    kept = glyphs.distinct_letters()
    letters = [letter for split in kept.values() for letter, _ in split]
    assert sum(letter in same for letter in letters) <= 1


def test_accented_and_tiny_letters_are_left_out():
    assert "É" not in glyphs.letters_of("LATIN")
    assert "E" in glyphs.letters_of("LATIN")
    assert max(glyphs.size_of("ᐧ")) < glyphs.SMALLEST
    assert "ᐧ" not in glyphs.letters_of("CANADIAN SYLLABICS")


def test_the_drawings_of_a_letter_are_all_different(built):
    _, _, test = built
    for images in test.images:
        assert len({image.tobytes() for image in images}) == len(images)


def test_the_nearest_neighbour_is_well_above_chance_and_well_below_certain(built):
    _, _, test = built
    batch = FewShot(test).sample(np.random.default_rng(0), 300, 1, 15)
    found = nearest_neighbour(batch)
    assert found.mean[0] - found.interval[0] > 0.35
    assert found.mean[0] + found.interval[0] < 0.8


def test_the_same_pixels_come_out_again(built):
    _, _, test = built
    rng = np.random.default_rng(glyphs.VERSION)  # the test letters are drawn first
    letters = glyphs.distinct_letters()["test"][:9]
    for (letter, _), images in zip(letters, test.images[:9], strict=True):
        np.testing.assert_array_equal(glyphs.draw_letter(letter, rng), images)


def test_what_was_drawn_once_is_loaded(built, cache, monkeypatch):
    monkeypatch.delattr(glyphs, "draw_letter")
    for old, new in zip(built, load_from(cache), strict=True):
        np.testing.assert_array_equal(old.images, new.images)
        np.testing.assert_array_equal(old.alphabets, new.alphabets)


# One drawing: how each of its random numbers moves the letter


class Extremes:
    """Stands in for a Generator: `uniform` returns shares of the range's half-width."""

    def __init__(self, **shares):
        names = ("turn", "shear", "scale_x", "scale_y", "x", "y")
        self.shares = iter(np.array([shares.get(name, 0.0) for name in names]))

    def uniform(self, low, high, n):
        assert low == -high
        return high * np.array([next(self.shares) for _ in range(n)])


def moments(image):
    """The mass, the centre (x, y) and the covariance of a drawing's ink."""
    ink = image.astype(float)
    place = np.stack(np.meshgrid(np.arange(28.0), np.arange(28.0)))  # (2, y, x)
    centre = (place * ink).sum((1, 2)) / ink.sum()
    away = place - centre[:, None, None]
    return ink.sum(), centre, np.einsum("iyx,jyx,yx->ij", away, away, ink) / ink.sum()


def drawn(slanted=False, other_weight=False, font=glyphs.SANS, **shares):
    """The letter R, drawn with these random numbers."""
    return glyphs.draw("R", font, other_weight, slanted, Extremes(**shares))


def turn_by(angle):
    """The matrix that turns by an angle in radians."""
    return [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]


@pytest.mark.parametrize(
    ("shares", "slanted", "A"),
    [
        ({"turn": 1}, False, turn_by(0.2)),
        ({"turn": -1}, False, turn_by(-0.2)),
        ({"shear": 1}, False, [[1, 0.2], [0, 1]]),
        ({"scale_x": 1}, False, [[np.exp(0.15), 0], [0, 1]]),
        ({"scale_y": -1}, False, [[1, 0], [0, np.exp(-0.15)]]),
        ({}, True, [[1, 0.25], [0, 1]]),
        ({"shear": 1}, True, [[1, 0.45], [0, 1]]),
    ],
)
def test_a_drawing_shows_the_letter_at_a_p_plus_offset(shares, slanted, A):
    _, centre, covariance = moments(drawn())
    _, moved, found = moments(drawn(slanted, **shares))
    back = np.linalg.inv(A)
    np.testing.assert_allclose(found, back @ covariance @ back.T, rtol=0.03, atol=0.4)
    np.testing.assert_allclose(moved - 13.5, back @ (centre - 13.5), atol=0.25)
    assert np.abs(found - covariance).max() > 1  # so that no effect would show


@pytest.mark.parametrize("share", [1, -1])
def test_a_drawing_is_shifted(share):
    mass, centre, _ = moments(drawn())
    for axis, name in enumerate("xy"):
        same, moved, _ = moments(drawn(**{name: share}))
        expected = centre.copy()
        expected[axis] += share * 0.06 * 28
        np.testing.assert_allclose(moved, expected, atol=0.05)
        assert same == pytest.approx(mass, rel=0.01)


def test_the_other_weight_is_bolder_or_of_a_bold_face_lighter():
    for font, grows in ((glyphs.SANS, True), (f"{glyphs.SANS}-Bold", False)):
        plain, _, _ = moments(drawn(font=font))
        other, _, _ = moments(drawn(font=font, other_weight=True))
        assert (other > 1.05 * plain) if grows else (other < 0.95 * plain)
