"""Omniglot read from zip or folder, split without overlap; bad archives are told.

Small archives of the same structure stand in for the real ones, of 4 and 3 characters;
the real ones are read where they lie in ../shared/data/omniglot.
"""

import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasgd_np.tasks import omniglot, omniglot_files
from metasgd_np.tasks.omniglot import load_omniglot, split_classes
from metasgd_np.tasks.omniglot_files import PARTS, OmniglotError

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "omniglot"
BACKGROUND, EVALUATION = "images_background", "images_evaluation"
SMALL = {BACKGROUND: 4, EVALUATION: 3}
ALPHABETS = {BACKGROUND: ["Alpha", "Beta_(old)"], EVALUATION: ["Gamma-2", "N_Ko"]}

SCRIPT = """
import os, pathlib, sys
from metasgd_np.tasks import omniglot, omniglot_files
omniglot_files.PARTS.update(images_background=4, images_evaluation=3)
omniglot.TRAINING, omniglot.VALIDATION = 5, 1
here, me = map(pathlib.Path, sys.argv[2:])
real = omniglot.read_part

def read_part(source, size):  # only once both have found the cache empty
    (here / me).touch()
    while len(list(here.iterdir())) < 2:
        os.sched_yield()
    return real(source, size)

omniglot.read_part = read_part
print(omniglot.load_omniglot(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "metasgd_np"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with two small archives, and the package told to expect them."""
    for part, count in SMALL.items():
        monkeypatch.setitem(PARTS, part, count)
    monkeypatch.setattr(omniglot, "TRAINING", 5)
    monkeypatch.setattr(omniglot, "VALIDATION", 1)
    folder = tmp_path / "data"
    folder.mkdir()
    for part in SMALL:
        write_zip(folder / f"{part}.zip", entries(part))
    return folder


def png(pixels):
    """A PNG of one bit a pixel from an array, True where there is ink."""
    file = io.BytesIO()
    Image.fromarray(~pixels).convert("1").save(file, "PNG")
    return file.getvalue()


def drawing(code, number):
    """Ink (105, 105): the upper `code`% of the left side, and column 50 + `number`."""
    pixels = np.zeros((105, 105), bool)
    pixels[:code, :40] = True
    pixels[:, 50 + number] = True
    return pixels


def entries(part):
    """{name: content} of a small archive; its characters' codes rise with the names."""
    contents, code = {}, 10 if part == BACKGROUND else 60
    for i in range(SMALL[part]):
        alphabet, character = ALPHABETS[part][i // 2], f"character{i % 2 + 1:02}"
        for number in range(1, 21):
            name = f"{part}/{alphabet}/{character}/{code:04}_{number:02}.png"
            contents[name] = png(drawing(code, number)).ljust(400, b"\0")
        code += 7
    return contents


def write_zip(path, contents, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def unpack(folder):
    """Replace the small archives in a folder by what they hold."""
    for part in SMALL:
        (folder / f"{part}.zip").unlink()
        for name, content in entries(part).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def assert_same(one, two):
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.images, b.images)
        assert a.alphabets.tolist() == b.alphabets.tolist()
        assert repr(a) == repr(b)


# --- what is read --------------------------------------------------------------------


def test_drawings_are_inverted_and_in_the_order_of_their_names(small):
    *learn, test = load_omniglot(small, split="official", size=105)
    assert [len(part) for part in (*learn, test)] == [3, 1, 3]
    assert test.alphabets.tolist() == ["Gamma-2", "Gamma-2", "N_Ko"]
    for c, code in enumerate((60, 67, 74)):
        for e in range(20):
            expected = 255 * drawing(code, e + 1).astype(np.uint8)
            assert np.array_equal(test.images[c, e], expected)


def test_a_reduced_pixel_is_the_share_of_ink_in_its_area(small):
    test = load_omniglot(small, split="official", size=35)[2]
    areas = drawing(60, 1).reshape(35, 3, 35, 3).mean((1, 3))  # (35, 35)
    assert np.abs(test.images[0, 0] - 255 * areas).max() <= 0.5
    assert load_omniglot(small)[2].images.shape[1:] == (20, 28, 28)


def test_folder_and_zip_are_the_same(small):
    zipped = load_omniglot(small)
    unpack(small)
    assert_same(load_omniglot(small), zipped)
    assert_same(load_omniglot(small), zipped)


def test_the_order_in_the_archive_does_not_matter(small):
    sorted_ones = load_omniglot(small)
    for part in SMALL:
        contents = list(entries(part).items())
        np.random.default_rng(0).shuffle(contents)
        write_zip(small / f"{part}.zip", dict(contents))
    assert_same(load_omniglot(small), sorted_ones)


def test_folders_and_what_macos_leaves_are_passed_over(small):
    clean = load_omniglot(small)
    extra = dict.fromkeys(
        [
            f"{BACKGROUND}/",
            f"{BACKGROUND}/Alpha/",
            f"{BACKGROUND}/.DS_Store",
            f"__MACOSX/{BACKGROUND}/._Alpha",
        ],
        b"",
    )
    write_zip(small / f"{BACKGROUND}.zip", extra | entries(BACKGROUND))
    assert_same(load_omniglot(small), clean)


# --- splits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("split", "sizes"), [("maml", (1100, 100, 423)), ("official", (864, 100, 659))]
)
def test_no_character_is_in_two_sets(split, sizes):
    sets = split_classes(split, 3)
    assert tuple(sets) == ("train", "validate", "test")
    assert tuple(map(len, sets.values())) == sizes
    everything = np.concatenate(list(sets.values()))
    assert np.array_equal(np.sort(everything), np.arange(1623))
    assert all((np.diff(classes) > 0).all() for classes in sets.values())
    if split == "official":
        assert sets["test"].tolist() == list(range(964, 1623))


@pytest.mark.parametrize("split", ["maml", "official"])
def test_the_seed_draws_the_characters(split):
    one, two, other = (split_classes(split, seed) for seed in (1, 1, 2))
    for name, classes in one.items():
        assert np.array_equal(classes, two[name])
    assert not np.array_equal(one["validate"], other["validate"])
    assert not np.array_equal(one["train"], other["train"])


def test_the_sets_hold_the_characters_of_the_split(small):
    for seed in range(4):
        sets = load_omniglot(small, size=105, seed=seed)
        classes = split_classes("maml", seed).values()
        codes = np.array([10, 17, 24, 31, 60, 67, 74])
        for characters, indices in zip(sets, classes, strict=True):
            found = (characters.images[:, 0, :, 0] > 0).sum(-1)
            assert np.array_equal(found, codes[indices])
            assert f"seed {seed}" in repr(characters)


def test_settings_out_of_range_are_told(small):
    with pytest.raises(ValueError, match="no split called 'x'; choose one of: maml, o"):
        load_omniglot(small, split="x")
    with pytest.raises(ValueError, match="size is 106, but a drawing has 105 pixels"):
        load_omniglot(small, size=106)
    with pytest.raises(ValueError, match="seed is -1"):
        load_omniglot(small, seed=-1)


# --- cache ---------------------------------------------------------------------------


def forbid(*arguments):
    raise AssertionError("decoded again")


def test_what_was_decoded_once_is_loaded(small, cache, monkeypatch):
    cold = load_omniglot(small)
    monkeypatch.setattr(omniglot, "read_part", forbid)
    assert_same(load_omniglot(small), cold)
    assert len(list(cache.iterdir())) == 1
    assert len(load_omniglot(small, seed=9)[0]) == 4  # another split of the same file
    with pytest.raises(AssertionError, match="decoded again"):
        load_omniglot(small, size=14)
    with pytest.raises(AssertionError, match="decoded again"):
        load_omniglot(small, cache=False)


def test_nothing_is_kept_without_cache(small, cache):
    load_omniglot(small, cache=False)
    assert not cache.exists()


def test_a_damaged_cache_is_rebuilt(small, cache):
    cold = load_omniglot(small)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], content[:3000] + content[3001:]):
        path.write_bytes(damaged)
        assert_same(load_omniglot(small), cold)
        assert path.read_bytes() == content


@pytest.mark.parametrize("unpacked", [False, True])
def test_another_source_is_decoded_anew(small, unpacked):
    if unpacked:
        unpack(small)
    before = load_omniglot(small, size=105)
    changed = entries(EVALUATION)
    one, two = min(changed), max(changed)
    changed |= {one: changed[two], two: changed[one]}  # of the same size in all
    if unpacked:
        assert (small / one).stat().st_size == len(changed[one])
        (small / one).write_bytes(changed[one])
        os.utime(small / one, ns=(1, 1))  # whatever the clock's resolution
    else:
        path = small / f"{EVALUATION}.zip"
        size = path.stat().st_size
        write_zip(path, changed)
        assert path.stat().st_size == size
    after = load_omniglot(small, size=105)
    assert any(repr(a) != repr(b) for a, b in zip(after, before, strict=True))


def test_two_processes_at_once_do_no_harm(small, cache, tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    command = [sys.executable, "-c", SCRIPT, str(small), str(meeting)]
    rivals = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    found = {rival.communicate(timeout=60)[0] for rival in rivals}
    assert found == {f"{load_omniglot(small, cache=False)}\n"}
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


# --- what is told --------------------------------------------------------------------


def giant_png():
    """A well-formed PNG head that claims 60,000 × 60,000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    chunks = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunks + png(drawing(1, 1))[33:]


FIRST = f"{BACKGROUND}/Alpha/character01/0010_01.png"
PHOTO = io.BytesIO()
Image.new("L", (105, 105)).save(PHOTO, "JPEG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is something else"),
        (b"hello", "it is something else"),
        (PHOTO.getvalue(), "it is something else"),
        (png(drawing(1, 1))[:-70], "(?i)truncated"),
        (png(np.zeros((105, 104), bool)), "it has 104 x 105"),
        (giant_png(), "exceeds limit"),
        (bytes(10_001), "it has 10001 bytes, more than 10000"),
        (bytes(50_000_000), "it has 50000000 bytes, more than 10000"),
    ],
    ids=["empty", "text", "jpeg", "cut", "narrow", "giant", "large", "bomb"],
)
def test_a_drawing_that_is_none_is_told(small, content, message):
    changed = entries(BACKGROUND) | {FIRST: content}
    write_zip(small / f"{BACKGROUND}.zip", changed)
    with pytest.raises(OmniglotError, match=message) as told:
        load_omniglot(small)
    assert f"{FIRST} in " in str(told.value)
    assert "is not a PNG of 105 x 105 pixels" in str(told.value)


@pytest.mark.parametrize(
    "content",
    [b"hello", bytes(10_001), giant_png()],
    ids=["text", "large", "giant"],
)
def test_a_file_in_a_folder_that_is_no_drawing_is_told(small, content):
    unpack(small)
    (small / FIRST).write_bytes(content)
    with pytest.raises(OmniglotError, match="is not a PNG of 105 x 105 pixels"):
        load_omniglot(small)


def test_an_entry_that_lies_about_its_size_is_not_unpacked(small):
    path = small / f"{BACKGROUND}.zip"
    write_zip(path, entries(BACKGROUND) | {FIRST: bytes(50_000_000)})
    lie = path.read_bytes().replace(struct.pack("<I", 50_000_000), b"\x90\1\0\0")
    path.write_bytes(lie)
    tracemalloc.start()
    try:
        with pytest.raises(
            OmniglotError, match="is not a PNG of 105 x 105 pixels: Bad"
        ):
            load_omniglot(small)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000  # the peak
    finally:
        tracemalloc.stop()


def test_other_ways_to_compress_are_refused(small):
    contents = entries(BACKGROUND)
    write_zip(small / f"{BACKGROUND}.zip", contents, zipfile.ZIP_BZIP2)
    with pytest.raises(OmniglotError, match="it is compressed by method 12"):
        load_omniglot(small)


@pytest.mark.parametrize(
    "name",
    [
        "../../x.png",
        "/tmp/x.png",
        "C:\\x.png",
        f"{BACKGROUND}/../../character01/0001_01.png",
        f"{BACKGROUND}/../character01/0001_01.png",
        f"{BACKGROUND}/Alpha/character01/../0001_01.png",
        f"{BACKGROUND}\\Alpha\\character01\\0001_01.png",
        f"{EVALUATION}/Alpha/character01/0001_01.png",
        f"{BACKGROUND}/{BACKGROUND}/Alpha/character01/0001_01.png",
        "x" * 60_000,
    ],
)
def test_an_entry_of_another_name_is_told_and_nothing_is_written(
    small, tmp_path, cache, name
):
    write_zip(small / f"{BACKGROUND}.zip", entries(BACKGROUND) | {name: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OmniglotError, match="but all in Omniglot's is called") as told:
        load_omniglot(small)
    assert len(str(told.value)) < 600
    assert sorted(tmp_path.rglob("*")) == before


def without(contents, ending):
    return {name: c for name, c in contents.items() if not name.endswith(ending)}


def test_missing_characters_and_drawings_are_told(small):
    path = small / f"{BACKGROUND}.zip"
    some = {name: c for name, c in entries(BACKGROUND).items() if "Alpha" in name}
    write_zip(path, some)
    with pytest.raises(
        OmniglotError, match="2 characters, but images_background has 4"
    ):
        load_omniglot(small)
    write_zip(path, without(entries(BACKGROUND), "0010_07.png"))
    with pytest.raises(
        OmniglotError, match="holds 19 drawings of Alpha/character01, b"
    ):
        load_omniglot(small)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_drawing_that_comes_twice_is_told(small):
    path = small / f"{BACKGROUND}.zip"
    write_zip(path, without(entries(BACKGROUND), "0010_07.png"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FIRST, b"")
    with pytest.raises(OmniglotError, match="20 different ones of each"):
        load_omniglot(small)


def test_a_truncated_archive_is_told(small, cache):
    path = small / f"{EVALUATION}.zip"
    content = path.read_bytes()
    for length in range(0, len(content), 1009):
        path.write_bytes(content[:length])
        with pytest.raises(OmniglotError, match="is not a whole zip file"):
            load_omniglot(small)
    assert not cache.exists()


def test_flipped_bytes_never_pass_for_other_drawings(small):
    path = small / f"{BACKGROUND}.zip"
    whole = load_omniglot(small, cache=False)
    content = bytearray(path.read_bytes())
    for position in [*range(0, len(content), 499), *range(-120, 0)]:
        content[position] ^= 0xFF
        path.write_bytes(content)
        content[position] ^= 0xFF
        try:
            found = load_omniglot(small, cache=False)
        except OmniglotError:
            continue
        assert_same(found, whole)


def test_the_two_archives_changed_places_is_told(small):
    one, two = (small / f"{part}.zip" for part in SMALL)
    one.rename(small / "x")
    two.rename(one)
    (small / "x").rename(two)
    with pytest.raises(OmniglotError, match="holds 'images_evaluation/Gamma-2/"):
        load_omniglot(small)


@pytest.mark.parametrize("missing", [BACKGROUND, EVALUATION])
def test_what_to_download_is_told(small, missing):
    (small / f"{missing}.zip").unlink()
    with pytest.raises(OmniglotError) as told:
        load_omniglot(small)
    for part in (
        f"neither {missing}.zip nor a folder {missing}",
        "download images_background.zip and images_evaluation.zip",
        "github.com/brendenlake/omniglot, folder python/",
    ):
        assert part in str(told.value)
    with pytest.raises(OmniglotError, match="download images_background"):
        load_omniglot(small / "nowhere")


# --- the real ones -------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    if not (REAL / f"{BACKGROUND}.zip").exists():
        pytest.skip("Omniglot's archives are not in ../shared/data/omniglot")
    images, alphabets = zip(
        *(omniglot_files.read_part(REAL / f"{part}.zip", 28) for part in PARTS),
        strict=True,
    )
    return np.concatenate(images), np.concatenate(alphabets)


def test_the_real_archives_hold_1623_characters_of_50_alphabets(real):
    images, alphabets = real
    assert images.shape == (1623, 20, 28, 28)
    assert len(set(alphabets.tolist())) == 50
    assert len(set(alphabets[:964].tolist())) == 30
    assert set(alphabets[:964].tolist()).isdisjoint(alphabets[964:].tolist())
    assert alphabets[[0, 963, 964, 1622]].tolist() == [
        "Alphabet_of_the_Magi", "Tifinagh", "Angelic", "ULOG"
    ]  # fmt: skip
    share = images.mean() / 255
    assert 0.05 < share < 0.12  # most of a drawing is paper, so ink is the high value
    assert images.reshape(1623 * 20, -1).max(-1).min() > 128  # none is blank


def test_the_real_sets_are_those_of_the_split(real, monkeypatch):
    images, alphabets = real
    arrays = {"images": images, "alphabets": alphabets}
    monkeypatch.setattr(omniglot, "cached", lambda name, build: arrays)
    for split in ("maml", "official"):
        sets = load_omniglot(REAL, split, seed=5)
        for characters, classes in zip(
            sets, split_classes(split, 5).values(), strict=True
        ):
            assert np.array_equal(characters.images, images[classes])
            assert np.array_equal(characters.alphabets, alphabets[classes])
