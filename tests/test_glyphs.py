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
