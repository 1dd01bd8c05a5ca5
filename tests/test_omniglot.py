"""Omniglot downloaded, read from zip or folder, split without overlap, or refused.

Small archives of the same structure stand in for the real ones, of 4 and 3 characters;
the real ones are read where they lie in ../shared/data/omniglot. A server on the
loopback address stands in for GitHub.
"""

import functools
import io
import os
import struct
import zipfile
import zlib
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import signature
from pathlib import Path
from threading import Thread

import numpy as np
import platformdirs
import pytest
from PIL import Image

from metasgd_np.tasks import omniglot
from metasgd_np.tasks.omniglot import (
    PARTS,
    SHA256,
    OmniglotError,
    load_omniglot,
    split_classes,
)

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "omniglot"
BACKGROUND, EVALUATION = "images_background", "images_evaluation"
SMALL = {BACKGROUND: 4, EVALUATION: 3}
ALPHABETS = {BACKGROUND: ["Alpha", "Beta_(old)"], EVALUATION: ["Gamma-2", "N_Ko"]}
FIRST = f"{BACKGROUND}/Alpha/character01/0010_01.png"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder, not there yet, that stands in for the user's cache."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def expect_small(monkeypatch):
    """Make the package expect fewer characters."""
    for part, count in SMALL.items():
        monkeypatch.setitem(PARTS, part, count)
    monkeypatch.setattr(omniglot, "TRAINING", 5)
    monkeypatch.setattr(omniglot, "VALIDATION", 1)


@pytest.fixture
def zipped(expect_small, tmp_path, monkeypatch):
    """A folder with two small archives, whose checksums the package expects."""
    folder = tmp_path / "zipped"
    folder.mkdir()
    for part in SMALL:
        path = folder / f"{part}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in reversed(entries(part).items()):
                archive.writestr(name, content)
            archive.writestr(f"{part}/Alpha/character01/._0010_01.png", b"of macOS")
        digest = sha256(path.read_bytes()).hexdigest()
        monkeypatch.setitem(SHA256, part, (digest, "another packing"))
    return folder


@pytest.fixture
def unpacked(expect_small, tmp_path):
    """A folder with what the small archives hold."""
    folder = tmp_path / "unpacked"
    for part in SMALL:
        for name, content in entries(part).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def png(pixels):
    """A PNG of one bit per pixel from an array, True where there is ink."""
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


def assert_same(one, two):
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.images, b.images)
        assert a.alphabets.tolist() == b.alphabets.tolist()
        assert repr(a) == repr(b)


# --- what is read --------------------------------------------------------------------


def test_drawings_are_inverted_and_in_the_order_of_their_names(zipped):
    *learn, test = load_omniglot(zipped, split="official", size=105)
    assert [len(part) for part in (*learn, test)] == [3, 1, 3]
    assert test.alphabets.tolist() == ["Gamma-2", "Gamma-2", "N_Ko"]
    for c, code in enumerate((60, 67, 74)):
        for e in range(20):
            expected = 255 * drawing(code, e + 1).astype(np.uint8)
            assert np.array_equal(test.images[c, e], expected)


def test_a_reduced_pixel_is_the_share_of_ink_in_its_area(zipped):
    test = load_omniglot(zipped, split="official", size=35)[2]
    areas = drawing(60, 1).reshape(35, 3, 35, 3).mean((1, 3))  # (35, 35)
    assert np.abs(test.images[0, 0] - 255 * areas).max() <= 0.5
    assert load_omniglot(zipped)[2].images.shape[1:] == (20, 28, 28)


def test_folder_and_zip_are_the_same(zipped, unpacked):
    (unpacked / BACKGROUND / ".DS_Store").write_bytes(b"of macOS")
    (unpacked / FIRST).with_name("._0010_01.png").write_bytes(b"of macOS")
    assert_same(load_omniglot(unpacked), load_omniglot(zipped))


# --- splits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("split", "sizes"), [("maml", (1100, 100, 423)), ("official", (864, 100, 659))]
)
def test_no_character_is_in_two_sets_and_the_seed_draws_them(split, sizes):
    sets = split_classes(split, 3)
    assert tuple(sets) == ("train", "validate", "test")
    assert tuple(map(len, sets.values())) == sizes
    everything = np.concatenate(list(sets.values()))
    assert np.array_equal(np.sort(everything), np.arange(1623))
    assert all((np.diff(classes) > 0).all() for classes in sets.values())
    if split == "official":
        assert sets["test"].tolist() == list(range(964, 1623))
    again, other = split_classes(split, 3), split_classes(split, 4)
    assert all(np.array_equal(sets[use], again[use]) for use in sets)
    assert not np.array_equal(sets["validate"], other["validate"])
    assert not np.array_equal(sets["train"], other["train"])


def test_the_sets_hold_the_characters_of_the_split(zipped):
    for seed in range(4):
        sets = load_omniglot(zipped, size=105, seed=seed)
        classes = split_classes("maml", seed).values()
        codes = np.array([10, 17, 24, 31, 60, 67, 74])
        for characters, indices in zip(sets, classes, strict=True):
            found = (characters.images[:, 0, :, 0] > 0).sum(-1)
            assert np.array_equal(found, codes[indices])
            assert f"seed {seed}" in repr(characters)


def test_the_defaults():
    parameters = signature(load_omniglot).parameters.values()
    assert {parameter.name: parameter.default for parameter in parameters} == {
        "path": None,
        "split": "maml",
        "seed": 0,
        "size": 28,
        "cache": True,
    }
    assert (omniglot.TRAINING, omniglot.VALIDATION) == (1200, 100)
    assert PARTS == {BACKGROUND: 964, EVALUATION: 659}


def test_settings_out_of_range_are_refused(zipped):
    with pytest.raises(ValueError, match="no split called 'x'; choose one of: maml, o"):
        load_omniglot(zipped, split="x")
    with pytest.raises(ValueError, match="size is 106, but a drawing has 105 pix"):
        load_omniglot(zipped, size=106)
    with pytest.raises(ValueError, match="seed is -1"):
        load_omniglot(zipped, seed=-1)


# --- cache ---------------------------------------------------------------------------


def forbid(*arguments):
    raise AssertionError("decoded again")


@pytest.mark.parametrize("source", ["zipped", "unpacked"])
def test_what_was_decoded_once_is_loaded(source, request, cache, monkeypatch):
    folder = request.getfixturevalue(source)
    load_omniglot(folder, cache=False)
    assert not cache.exists()
    cold = load_omniglot(folder)
    monkeypatch.setattr(omniglot, "read_part", forbid)
    assert_same(load_omniglot(folder), cold)
    assert len(load_omniglot(folder, seed=9)[0]) == 4  # another split of the same file
    assert len(list(cache.iterdir())) == 1
    for settings in ({"size": 14}, {"cache": False}):
        with pytest.raises(AssertionError, match="decoded again"):
            load_omniglot(folder, **settings)


def test_archives_of_another_checksum_are_decoded_anew(zipped, monkeypatch):
    load_omniglot(zipped)
    path = zipped / f"{EVALUATION}.zip"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("packed.txt", "anew")
    digest = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(SHA256, EVALUATION, ("the published one", digest))
    monkeypatch.setattr(omniglot, "read_part", forbid)
    with pytest.raises(AssertionError, match="decoded again"):
        load_omniglot(zipped)


@pytest.mark.parametrize("change", ["name", "size", "time"])
def test_a_folder_that_changed_is_decoded_anew(unpacked, monkeypatch, change):
    load_omniglot(unpacked)
    path = unpacked / FIRST
    status = path.stat()
    if change == "name":
        path = path.rename(path.with_name("0010_00.png"))  # first, as it was
    elif change == "size":
        path.write_bytes(path.read_bytes() + b"\0")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(path, ns=(1, 1))
    monkeypatch.setattr(omniglot, "read_part", forbid)
    with pytest.raises(AssertionError, match="decoded again"):
        load_omniglot(unpacked)


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


@pytest.fixture
def server(monkeypatch):
    """A running server, without files yet, from which the package downloads."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Archives) as server:
        server.files, server.asked, server.cut_at = {}, [], None
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(omniglot, "URL", url)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def serve(server, folder):
    server.files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}


def test_without_a_path_both_archives_are_downloaded_once(zipped, server, cache):
    serve(server, zipped)
    local = load_omniglot(zipped, cache=False)
    assert_same(load_omniglot(), local)
    archives = [f"{part}.zip" for part in SMALL]
    assert server.asked == [f"/{name}" for name in archives]
    assert sorted(path.name for path in (cache / "omniglot").iterdir()) == archives
    server.files = {}
    assert_same(load_omniglot(), local)
    assert_same(load_omniglot(cache=False), local)
    assert len(server.asked) == 2


def test_an_archive_damaged_in_the_cache_is_downloaded_again(zipped, server, cache):
    serve(server, zipped)
    load_omniglot()
    archive = cache / "omniglot" / f"{EVALUATION}.zip"
    archive.write_bytes(archive.read_bytes()[:-1])
    assert_same(load_omniglot(), load_omniglot(zipped))
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
    zipped, server, cache, spoil, part, reason
):
    serve(server, zipped)
    spoil(server)
    with pytest.raises(OmniglotError, match=reason) as caught:
        load_omniglot()
    message = str(caught.value)
    assert message.startswith(f"{omniglot.URL}{part}.zip ")
    assert "download images_background.zip and images_evaluation.zip from" in message
    whole = [BACKGROUND] if part == EVALUATION else []
    assert [path.stem for path in (cache / "omniglot").iterdir()] == whole


def test_a_cache_that_cannot_be_written_to_is_named(server, cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    with pytest.raises(OmniglotError, match=r"_background.zip could .*cache.*; down"):
        load_omniglot()
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~"))
    with pytest.raises(OmniglotError, match=r"the user has no home.*; download images"):
        load_omniglot()


# --- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize("missing", [BACKGROUND, EVALUATION])
def test_the_message_says_what_to_download(zipped, missing):
    (zipped / f"{missing}.zip").unlink()
    with pytest.raises(OmniglotError) as caught:
        load_omniglot(zipped)
    for part in (
        f"{zipped} holds neither {missing}.zip nor a folder {missing}",
        "download images_background.zip and images_evaluation.zip",
        "github.com/brendenlake/omniglot, folder python/",
    ):
        assert part in str(caught.value)
    with pytest.raises(OmniglotError, match="download images_background"):
        load_omniglot(zipped / "nowhere")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"not a zip file"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.with_stem(BACKGROUND).read_bytes()),
    ],
    ids=["truncated", "text", "empty", "the other part"],
)
def test_an_archive_of_another_checksum_is_refused_unopened(
    zipped, cache, monkeypatch, spoil
):
    spoil(zipped / f"{EVALUATION}.zip")
    monkeypatch.setattr(zipfile, "ZipFile", forbid)
    with pytest.raises(OmniglotError, match=r"is not Omniglot's .*; it was truncated"):
        load_omniglot(zipped)
    assert not cache.exists()


def empty(folder):
    for path in folder.rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("remove", "found"),
    [
        (empty, "0 drawings of 0 characters"),
        (lambda folder: empty(folder / "Alpha"), "40 drawings of 2 characters"),
        (lambda folder: (folder.parent / FIRST).unlink(), "79 drawings of 4 char"),
        (
            lambda folder: (folder.parent / FIRST).rename(
                folder / "Alpha/character02/0017_21.png"
            ),
            "80 drawings of 4 characters",
        ),
        (
            lambda folder: (folder / "Alpha").rename(folder / "Gamma" / "Alpha"),
            "40 drawings of 2 characters",
        ),
    ],
    ids=["nothing", "no alphabet", "no drawing", "misplaced", "too deep"],
)
def test_missing_characters_and_drawings_are_counted(unpacked, cache, remove, found):
    folder = unpacked / BACKGROUND
    (folder / "Gamma").mkdir()
    remove(folder)
    with pytest.raises(OmniglotError, match=found) as caught:
        load_omniglot(unpacked)
    assert str(caught.value).startswith(str(folder))
    assert "but Omniglot's holds 20 of each of 4" in str(caught.value)
    assert not cache.exists()


def encode(kind, *size):
    """A blank picture as the bytes of a file."""
    file = io.BytesIO()
    Image.new("1", size).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        encode("JPEG", 105, 105),
        png(drawing(1, 1))[:-70],
        png(drawing(1, 1)).replace(b"\x0dIHDR", b"\x0cIHDR"),  # no OSError in Pillow
    ],
    ids=["empty", "text", "jpeg", "cut", "flipped"],
)
def test_a_file_that_is_no_png_is_named(unpacked, cache, content):
    (unpacked / FIRST).write_bytes(content)
    with pytest.raises(OmniglotError, match="is damaged or something else, but") as e:
        load_omniglot(unpacked)
    assert str(e.value).startswith(str(unpacked / FIRST))
    assert not cache.exists()


@pytest.mark.parametrize("size", [(104, 105), (105, 106), (5000, 5000)])
def test_a_drawing_of_another_size_is_not_decoded(unpacked, monkeypatch, size):
    (unpacked / FIRST).write_bytes(encode("PNG", *size))
    monkeypatch.setattr(Image.Image, "load", forbid)
    with pytest.raises(OmniglotError, match="is a picture of {} x {} p".format(*size)):
        load_omniglot(unpacked)


def test_a_file_too_large_is_refused_unread(unpacked, monkeypatch):
    (unpacked / FIRST).write_bytes(png(drawing(1, 1)).ljust(10_001, b"\0"))
    monkeypatch.setattr(Path, "read_bytes", forbid)
    with pytest.raises(OmniglotError, match=r"has 10001 bytes, but no .* 10000; unpa"):
        load_omniglot(unpacked)


# Hostile files: nothing is unpacked to disk, and nothing large is read


def repacked(folder, monkeypatch, change):
    """Let `change` alter the entries of an archive, and expect its new checksum."""
    path = folder / f"{BACKGROUND}.zip"
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    digest = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(SHA256, BACKGROUND, (digest, "another packing"))
    return path


def drawings(contents):
    """The names of the drawings in an archive, but not of what macOS adds."""
    return [name for name in contents if name.endswith(".png") and "/." not in name]


@pytest.mark.parametrize("name", ["/etc/{}", "../../{}", "C:\\{}", "{}/../../../x"])
def test_names_that_lead_elsewhere_count_as_missing_and_write_nothing(
    zipped, cache, tmp_path, monkeypatch, name
):
    def lead_away(contents):
        moved = drawings(contents)[0]
        contents[name.format(moved)] = contents.pop(moved)

    repacked(zipped, monkeypatch, lead_away)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OmniglotError, match="drawings of 4 characters, but Omniglot"):
        load_omniglot(zipped)
    assert sorted(tmp_path.rglob("*")) == before
    assert not cache.exists()


def test_a_drawing_that_unpacks_to_megabytes_is_refused_unread(zipped, monkeypatch):
    def inflate(contents):
        contents[drawings(contents)[0]] = bytes(50 * 2**20)

    path = repacked(zipped, monkeypatch, inflate)
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(zipfile.ZipFile, "read", forbid)
    with pytest.raises(OmniglotError, match=r"has 52428800 bytes, but no dr.* 10000"):
        load_omniglot(zipped)


def test_an_archive_that_cannot_be_unpacked_is_named(zipped, monkeypatch):
    path = zipped / f"{EVALUATION}.zip"
    path.write_bytes(path.read_bytes()[:-30])
    digest = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(SHA256, EVALUATION, (digest, "another packing"))
    with pytest.raises(OmniglotError, match=r"cannot be unpacked \(BadZipFile.*downlo"):
        load_omniglot(zipped)


@pytest.mark.skipif(os.name == "nt", reason="needs links and devices of POSIX")
@pytest.mark.parametrize("target", ["nowhere", ".", "/dev/zero", "pipe"])
def test_a_link_to_no_file_is_refused_unread(unpacked, monkeypatch, target):
    (unpacked / FIRST).unlink()
    if target == "pipe":
        os.mkfifo(unpacked / FIRST)
    else:
        (unpacked / FIRST).symlink_to(target)
    monkeypatch.setattr(Path, "read_bytes", forbid)
    with pytest.raises(OmniglotError, match=r"is no file \(.*unpack the original") as e:
        load_omniglot(unpacked)
    assert str(e.value).startswith(str(unpacked / FIRST))


@pytest.mark.parametrize("size", [(60_000, 2_000), (60_000, 60_000)])
def test_a_picture_of_absurd_size_is_refused_undecoded(unpacked, monkeypatch, size):
    content = bytearray(png(drawing(1, 1)))
    start = content.index(b"IHDR")
    content[start + 4 : start + 12] = struct.pack(">II", *size)
    end = start + 17  # of the 13 bytes of the header
    content[end : end + 4] = struct.pack(">I", zlib.crc32(content[start:end]))
    (unpacked / FIRST).write_bytes(content)
    monkeypatch.setattr(Image.Image, "load", forbid)
    with pytest.raises(OmniglotError, match="is a picture of more than 89478485 pix"):
        load_omniglot(unpacked)


# --- the real ones -------------------------------------------------------------------


@pytest.mark.skipif(
    not all((REAL / f"{part}.zip").exists() for part in PARTS),
    reason="Omniglot's archives are not in ../shared/data/omniglot",
)
def test_the_real_archives_are_downloaded_and_read(server, cache, monkeypatch):
    serve(server, REAL)
    for part in PARTS:  # those there may be of either packing
        digest = sha256(server.files[f"/{part}.zip"]).hexdigest()
        assert digest in SHA256[part]
        monkeypatch.setitem(SHA256, part, (digest,))
    sets = load_omniglot()
    checksums = [repr(characters)[-9:-1] for characters in sets]
    assert checksums == ["0c5af8c3", "201c2ef9", "ec25d8d8"]
    archives = np.load(next(cache.glob("*.npz")))
    alphabets = archives["alphabets"].tolist()
    assert len(set(alphabets[:964])) == 30
    assert len(set(alphabets[964:])) == 20
    assert set(alphabets[:964]).isdisjoint(alphabets[964:])
    ends = [alphabets[c] for c in (0, 963, 964, 1622)]
    assert ends == ["Alphabet_of_the_Magi", "Tifinagh", "Angelic", "ULOG"]
    for characters, classes in zip(
        sets, split_classes("maml", 0).values(), strict=True
    ):
        assert characters.alphabets.tolist() == [alphabets[c] for c in classes]
