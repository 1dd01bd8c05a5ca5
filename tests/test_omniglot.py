"""Omniglot downloaded, read from zip or folder, split without overlap, or refused.

Small archives of the same structure stand in for the real ones, of 4 and 3 characters;
the real ones are read where they lie in ../shared/data/omniglot. A server on the
loopback address stands in for GitHub.
"""

import functools
import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import platformdirs
import pytest
from PIL import Image

from metasgd_np.tasks import omniglot, omniglot_files
from metasgd_np.tasks.omniglot import load_omniglot, split_classes
from metasgd_np.tasks.omniglot_files import PARTS, SHA256, OmniglotError

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "omniglot"
BACKGROUND, EVALUATION = "images_background", "images_evaluation"
SMALL = {BACKGROUND: 4, EVALUATION: 3}
ALPHABETS = {BACKGROUND: ["Alpha", "Beta_(old)"], EVALUATION: ["Gamma-2", "N_Ko"]}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder, not there yet, that stands in for the user's cache."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with two small archives, which the package is made to expect."""
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


@functools.cache
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


def test_settings_out_of_range_are_refused(small):
    with pytest.raises(ValueError, match="no split called 'x'; choose one of: maml, o"):
        load_omniglot(small, split="x")
    with pytest.raises(ValueError, match="size is 106, but a drawing has 105 pix"):
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


@pytest.mark.parametrize("unpacked", [False, True])
def test_another_source_is_decoded_anew(small, unpacked):
    if unpacked:
        unpack(small)
    before = load_omniglot(small, size=105)
    changed = entries(EVALUATION)
    one, two = min(changed), max(changed)
    changed = changed | {
        one: changed[two],
        two: changed[one],
    }  # of one size
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


# --- download ------------------------------------------------------------------------


class Archives(BaseHTTPRequestHandler):
    """Serves `server.files`, {path: content}, and lists in `server.asked` each path."""

    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut_at])

    def log_message(self, *_):
        pass


@contextmanager
def serving(files, monkeypatch):
    """A running server of these archives, from which the package downloads."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Archives) as server:
        server.files, server.asked, server.cut_at = files, [], None
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(omniglot_files, "URL", url)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def server(small, monkeypatch):
    """A server of the small archives, whose checksums the package is made to expect."""
    files = {f"/{part}.zip": (small / f"{part}.zip").read_bytes() for part in SMALL}
    for part in SMALL:
        digest = sha256(files[f"/{part}.zip"]).hexdigest()
        monkeypatch.setitem(SHA256, part, digest)
    with serving(files, monkeypatch) as running:
        yield running


def test_without_a_path_both_archives_are_downloaded_once(small, server, cache):
    local = load_omniglot(small, cache=False)
    assert_same(load_omniglot(), local)
    assert server.asked == [f"/{part}.zip" for part in SMALL]
    assert {path.name for path in (cache / "omniglot").iterdir()} == {
        f"{part}.zip" for part in SMALL
    }
    server.files = {}
    assert_same(load_omniglot(), local)
    assert_same(load_omniglot(cache=False), local)
    assert len(server.asked) == 2


def test_an_archive_damaged_in_the_cache_is_downloaded_again(small, server, cache):
    load_omniglot()
    archive = cache / "omniglot" / f"{EVALUATION}.zip"
    archive.write_bytes(archive.read_bytes()[:-1])
    assert_same(load_omniglot(), load_omniglot(small))
    assert server.asked[2:] == [f"/{EVALUATION}.zip"]


def other_bytes(server):
    path = f"/{EVALUATION}.zip"
    server.files[path] = server.files[path][:-1] + b"x"


def no_file(server):
    del server.files[f"/{EVALUATION}.zip"]


def cut_off(server):
    server.cut_at = 1000


def gone(server):
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("spoil", "part", "reason"),
    [
        (other_bytes, EVALUATION, "SHA-256"),
        (no_file, EVALUATION, "404"),
        (cut_off, BACKGROUND, "IncompleteRead|SHA-256"),  # as urllib3 is new or old
        (gone, BACKGROUND, "ConnectionError"),
    ],
)
def test_a_download_that_fails_says_how_to_do_it_by_hand(
    server, cache, spoil, part, reason
):
    spoil(server)
    with pytest.raises(OmniglotError, match=reason) as caught:
        load_omniglot()
    message = str(caught.value)
    assert message.startswith(f"{omniglot_files.URL}{part}.zip ")
    assert "download images_background.zip and images_evaluation.zip from" in message
    whole = [BACKGROUND] if part == EVALUATION else []
    assert [path.stem for path in (cache / "omniglot").iterdir()] == whole


def test_a_cache_that_cannot_be_written_to_is_named(server, cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    with pytest.raises(OmniglotError, match=r"_background.zip was not .*cache.*; down"):
        load_omniglot()
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~"))
    with pytest.raises(OmniglotError, match=r"the user has no home.*; download images"):
        load_omniglot()


# --- what is refused -----------------------------------------------------------------


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
        (bytes(10_001), "it has more than 10000 bytes"),
        (bytes(50_000_000), "it has more than 10000 bytes"),
    ],
    ids=["empty", "text", "jpeg", "cut", "narrow", "giant", "large", "bomb"],
)
def test_a_drawing_that_is_none_is_named(small, content, message):
    changed = entries(BACKGROUND) | {FIRST: content}
    write_zip(small / f"{BACKGROUND}.zip", changed)
    with pytest.raises(OmniglotError, match=message) as caught:
        load_omniglot(small)
    assert f"{FIRST} in " in str(caught.value)
    assert "is not a PNG of 105 x 105 pixels" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"hello", bytes(10_001), giant_png()],
    ids=["text", "large", "giant"],
)
def test_a_file_in_a_folder_that_is_no_drawing_is_refused(small, content):
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
def test_an_entry_of_another_name_is_refused_and_nothing_is_written(
    small, tmp_path, cache, name
):
    write_zip(small / f"{BACKGROUND}.zip", entries(BACKGROUND) | {name: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OmniglotError, match="all in Omniglot's is called") as caught:
        load_omniglot(small)
    assert len(str(caught.value)) < 600
    assert sorted(tmp_path.rglob("*")) == before


def without(contents, ending):
    return {name: c for name, c in contents.items() if not name.endswith(ending)}


def test_missing_characters_and_drawings_are_counted(small):
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
def test_a_drawing_that_comes_twice_is_refused(small):
    path = small / f"{BACKGROUND}.zip"
    write_zip(path, without(entries(BACKGROUND), "0010_07.png"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FIRST, b"")
    with pytest.raises(OmniglotError, match="20 different ones of each"):
        load_omniglot(small)


def test_a_truncated_archive_is_refused(small, cache):
    path = small / f"{EVALUATION}.zip"
    content = path.read_bytes()
    for length in range(0, len(content), 2017):
        path.write_bytes(content[:length])
        with pytest.raises(OmniglotError, match="is not a whole zip file"):
            load_omniglot(small)
    assert not cache.exists()


def test_flipped_bytes_never_pass_for_other_drawings(small):
    path = small / f"{BACKGROUND}.zip"
    whole = load_omniglot(small, cache=False)
    content = bytearray(path.read_bytes())
    for position in [*range(0, len(content), 1999), *range(-120, 0, 3)]:
        content[position] ^= 0xFF
        path.write_bytes(content)
        content[position] ^= 0xFF
        try:
            found = load_omniglot(small, cache=False)
        except OmniglotError:
            continue
        assert_same(found, whole)


def test_archives_that_changed_places_are_refused(small):
    one, two = (small / f"{part}.zip" for part in SMALL)
    one.rename(small / "x")
    two.rename(one)
    (small / "x").rename(two)
    with pytest.raises(OmniglotError, match="holds 'images_evaluation/Gamma-2/"):
        load_omniglot(small)


@pytest.mark.parametrize("missing", [BACKGROUND, EVALUATION])
def test_the_message_says_what_to_download(small, missing):
    (small / f"{missing}.zip").unlink()
    with pytest.raises(OmniglotError) as caught:
        load_omniglot(small)
    for part in (
        f"neither {missing}.zip nor a folder {missing}",
        "download images_background.zip and images_evaluation.zip",
        "github.com/brendenlake/omniglot, folder python/",
    ):
        assert part in str(caught.value)
    with pytest.raises(OmniglotError, match="download images_background"):
        load_omniglot(small / "nowhere")


# --- the real ones -------------------------------------------------------------------

real = pytest.mark.skipif(
    not all((REAL / f"{part}.zip").exists() for part in PARTS),
    reason="Omniglot's archives are not in ../shared/data/omniglot",
)


@real
def test_the_real_archives_have_the_checksums_expected(cache, monkeypatch):
    contents = {part: (REAL / f"{part}.zip").read_bytes() for part in PARTS}
    files = {f"/{part}.zip": content for part, content in contents.items()}
    with serving(files, monkeypatch):
        assert omniglot_files.fetch() == cache / "omniglot"
    for part, content in contents.items():
        assert (cache / "omniglot" / f"{part}.zip").read_bytes() == content


@real
def test_the_real_sets_are_those_of_1623_characters_of_50_alphabets(cache):
    sets = dict(zip(("train", "validate", "test"), load_omniglot(REAL), strict=True))
    (file,) = cache.iterdir()
    with np.load(file) as arrays:
        images, alphabets = arrays["images"], arrays["alphabets"]
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
    for use, classes in split_classes("maml", 0).items():
        assert np.array_equal(sets[use].images, images[classes])
        assert np.array_equal(sets[use].alphabets, alphabets[classes])
