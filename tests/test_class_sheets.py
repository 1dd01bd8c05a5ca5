"""A class: sheets written for names of any kind, and what comes back, marked."""

import csv
import json
import os
import re

import pytest

from metasgd_np.classroom import mark_sheets, write_sheets
from metasgd_np.classroom.class_sheets import read_names
from metasgd_np.cli import main
from metasgd_np.worksheets import Worksheet
from metasgd_np.worksheets.printing import matrix

NAMES = [
    "Ada",
    "Zoë O'Neil, jr.",
    "../../etc/passwd",
    '=cmd|"/C calc"!A0',
    "<script>alert(1)</script>",
    "李小龍",
    "???",
]
SHEETS = {}  # a sheet takes a moment to draw


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch):
    """Each name's sheet is drawn once for all tests."""
    draw = Worksheet.for_name.__func__

    def for_name(cls, name):
        if name not in SHEETS:
            SHEETS[name] = draw(cls, name)
        return SHEETS[name]

    monkeypatch.setattr(Worksheet, "for_name", classmethod(for_name))


def write_class(tmp_path, names):
    """The folder of a class, and {name: answer file}."""
    listed, folder = tmp_path / "names.txt", tmp_path / "class"
    listed.write_text("\n".join(names), "utf-8")
    remarks = write_sheets(listed, folder)
    students = json.loads((folder / "class.json").read_text("utf-8"))
    paths = sorted((folder / "answers").iterdir())
    files = {s["name"]: path for s, path in zip(students, paths, strict=True)}
    assert all(s["code"] in files[s["name"]].read_text("utf-8") for s in students)
    return folder, files, remarks


def fill(path, name, **wrong):
    """Fill in an answer file with right values, but for some lines."""
    values = {s: matrix(v) for s, v in Worksheet.for_name(name).values.items()} | wrong
    filled = re.sub(
        r"(?m)^(\w+)( .*=) $",
        lambda found: (
            f"{found[1]}{found[2]} {values[found[1]]}"
            if found[1] in values
            else found[0]
        ),
        path.read_text("utf-8"),
    )
    path.write_text(filled, "utf-8")


def table_of(folder, marks="marks"):
    """{name: row} of the table of marks."""
    with open(folder / marks / "marks.csv", encoding="utf-8-sig", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_a_class_gets_its_sheets_and_its_marks(tmp_path):
    folder, files, remarks = write_class(tmp_path, NAMES)
    assert list(files) == NAMES
    assert "7 sheets in" in remarks[-1]
    inside = sorted(path.relative_to(folder).parts[0] for path in folder.rglob("*"))
    assert set(inside) == {"answers", "class.json", "forms", "key.html", "print.html"}
    assert len(list((folder / "forms").iterdir())) == len(NAMES)
    assert not (tmp_path.parent / "etc").exists()
    for page in ("print.html", "key.html"):
        text = (folder / page).read_text("utf-8")
        assert text.count("<main") == len(NAMES)
        assert "<script>alert" not in text
    slip = matrix(-Worksheet.for_name("Ada").values["dF_s"])
    fill(files["Ada"], "Ada", dF_s=slip)
    for name in NAMES[1:-1]:
        fill(files[name], name)
    files["Ada"].rename(folder / "answers" / "my homework (1).txt")
    said = mark_sheets(folder)
    assert said[0] == "???: nothing came back."
    assert said[-1] == f"6 of 7 sheets marked; see {folder / 'marks'}."
    rows = table_of(folder)
    assert list(rows)[3] == '\'=cmd|"/C calc"!A0'  # no spreadsheet runs it
    total = int(rows["Ada"]["of"])
    assert int(rows["Ada"]["points"]) == total - 1
    assert rows["Ada"]["dF_s"] == "wrong"
    assert rows["Ada"]["dW2_s"] == "right"
    assert "dF_s made with" in rows["Ada"]["slips"]
    assert rows["李小龍"]["points"] == str(total)
    assert rows["???"]["points"] == ""
    pages = sorted(path.name for path in (folder / "marks" / "feedback").iterdir())
    assert len(pages) == len(NAMES)
    assert "06-李小龍.html" in pages
    teacher = (folder / "marks" / "teacher.html").read_text("utf-8")
    assert "dF_s made with" in teacher
    assert "<script>alert" not in teacher
    assert (folder / "marks" / "slips.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_name_gets_the_same_sheet_and_a_second_one_another(tmp_path):
    names = ["Ada", "  Ada ", "Zoe\u0308", "Zoë", "ada", "", "A\tB\u200b"]
    _, files, remarks = write_class(tmp_path, names)
    assert list(files) == ["Ada", "Ada (2)", "Zoë", "Zoë (2)", "ada", "A B"]
    assert remarks[0] == "Ada is on the list again; this one is Ada (2)."
    codes = {path.read_text("utf-8").split("code = ")[1][:8] for path in files.values()}
    assert len(codes) == len(files)
    other = tmp_path / "another machine"
    other.mkdir()
    _, again, _ = write_class(other, ["Bob", "Zoë"])
    shown = [path.read_text("utf-8") for path in (files["Zoë"], again["Zoë"])]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("name\nAda\nO'Neil, jr.\n", "name"),
        ("\n Names \n\nAda\nO'Neil, jr.", "Names"),
        ("Schüler\r\nAda\r\nO'Neil, jr.\r\n", "Schüler"),
        ("sep=;\nid;Name;e-mail\n1;Ada;a@x.org\n2;O'Neil, jr.;\n", "Name"),
        ('student,id\nAda,1\n"O\'Neil, jr.",2', "student"),
        ('"name"\n"Ada"\n"O\'Neil, jr."', "name"),
        ('Student Name,E-mail\nAda,\n"O\'Neil, jr.",o@x.org\n', "Student Name"),
        ("id\tlast name\n1\tAda\n\n2\tO'Neil, jr.\n3", "last name"),
        ("First name;Last name;id\nAda;;1\nO'Neil,;jr.;2", "First name Last name"),
        ("Prénom;Nom\nAda;\n;O'Neil, jr.", "Prénom Nom"),
        ('Apellidos,Nombre\n,Ada\n"O\'Neil, jr.",', "Apellidos Nombre"),
        ("Display name\tUser name\nAda\tada7\nO'Neil, jr.\tjr", "Display name"),
        ("Ada\nO'Neil, jr.\n", None),
        ("Ada;\nO'Neil, jr.\nname\n", None),
    ],
)
def test_the_heading_of_a_list_is_no_student(tmp_path, text, heading):
    path = tmp_path / "class.csv"
    path.write_text(text, "utf-8", newline="")
    names, remarks = read_names(path)
    if heading is None:
        assert names == [line for line in text.splitlines() if line]
        assert remarks == []
    else:
        assert names == ["Ada", "O'Neil, jr."]
        assert remarks == [f"class.csv: skipped the heading {heading!r}."]


def test_names_keep_their_letters_and_lose_quotes_around_them(tmp_path):
    names = [
        '"Ada"',
        ' "O\'Neil, jr." ',
        'J. "Jo" Bo',
        "علی\u200cرضا",
        "प्रिया",
        "☀\ufe0f",
    ]
    _, files, _ = write_class(tmp_path, names)
    assert list(files) == ["Ada", "O'Neil, jr.", *names[2:]]
    stems = [path.stem[3:] for path in files.values()]
    assert stems[2:] == ["J-Jo-Bo", "علی-رضا", "प्रिया", "student"]


def test_the_command_says_that_a_heading_was_skipped(tmp_path, capsys):
    (tmp_path / "names.csv").write_text("name,id\nAda,7\n")
    out = tmp_path / "class"
    arguments = ["worksheet", "--names", str(tmp_path / "names.csv"), "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "skipped the heading 'name'" in printed
    assert "1 sheet in" in printed
    assert (out / "answers" / "01-Ada.txt").exists()


def test_nothing_is_overwritten(tmp_path, capsys):
    folder, files, _ = write_class(tmp_path, ["Ada"])
    fill(files["Ada"], "Ada")
    before = files["Ada"].read_bytes()
    with pytest.raises(ValueError, match="is not empty; give a new folder"):
        write_sheets(tmp_path / "names.txt", folder)
    assert main(["mark", str(folder)]) == 0
    (folder / "marks" / "marks.csv").write_text("mine")
    assert main(["mark", str(folder)]) == 0
    assert f"1 of 1 sheets marked; see {folder / 'marks-2'}." in capsys.readouterr().out
    assert (folder / "marks" / "marks.csv").read_text() == "mine"
    assert files["Ada"].read_bytes() == before


def test_files_that_cannot_be_used_get_a_sentence_and_the_rest_is_marked(tmp_path):
    folder, files, _ = write_class(tmp_path, ["Ada", "Bob", "Cy", "Di"])
    for name in files:
        fill(files[name], name)
    code = files["Ada"].read_text("utf-8").split("code = ")[1][:8]
    values = Worksheet.for_name("Ada").values
    files["Ada"].write_text(  # typed by hand, with a line of another sheet
        f"code = {code[:4].lower()}-{code[4:]}\nF_x = 1\n"
        f"F_s = {matrix(values['F_s'])}\n"
    )
    text = files["Bob"].read_text("utf-8")
    files["Bob"].write_text(re.sub("(?m)^(code|name).*$", "", text), "utf-8")
    files["Cy"].write_bytes(b"\x00\x01\x02")
    files["Di"].write_text("code = ABCDEFGH\nF_s = 1\n")
    (folder / "photo.png").write_bytes(b"\x89PNG\x00")
    (folder / "page.html").write_text("<!doctype html>")
    said = mark_sheets(folder)
    assert len(said) == 8
    text = "\n".join(said)
    for words in (
        "03-Cy.txt is not a text file",
        "photo.png is not a text file",
        "page.html is the form; open it",
        "04-Di.txt has the code ABCDEFGH, which is no sheet of this class",
        "Ada: 01-Ada.txt has F_x: no line of the sheet",
        "Cy: nothing came back",
        "Di: nothing came back",
        "2 of 4 sheets marked",
    ):
        assert words in text
    rows = table_of(folder)
    assert rows["Ada"]["points"] == "1"
    assert rows["Bob"]["points"] == rows["Bob"]["of"]


def test_of_two_files_the_one_changed_last_is_marked(tmp_path):
    folder, files, _ = write_class(tmp_path, ["Ada"])
    empty = files["Ada"].read_text("utf-8")
    fill(files["Ada"], "Ada")
    (folder / "answers" / "deep").mkdir()
    other = folder / "answers" / "deep" / "again.txt"
    other.write_text(empty, "utf-8")  # an empty form beside it does not matter
    assert mark_sheets(folder)[:-1] == []
    fill(other, "Ada", F_s="[1; 1; 1]")
    os.utime(files["Ada"], (2e9, 2e9))
    said = mark_sheets(folder)
    assert said[0] == (
        "Ada: 01-Ada.txt, again.txt differ; 01-Ada.txt, changed last, was marked."
    )
    assert table_of(folder, "marks-2")["Ada"]["F_s"] == "right"


@pytest.mark.parametrize("damage", ["", "{", "{}", '[{"n": "Ada"}]', '[{"name": 3}]'])
def test_without_the_list_the_names_in_the_files_are_taken(tmp_path, damage):
    _, files, _ = write_class(tmp_path, ["Ada", "Bob"])
    for name in files:
        fill(files[name], name)
    other = tmp_path / "returned"
    other.mkdir()
    if damage:
        (other / "class.json").write_text(damage)
    for path in files.values():
        path.rename(other / path.name)
    *problems, said = mark_sheets(other)
    assert said == f"2 of 2 sheets marked; see {other / 'marks'}."
    assert len(problems) == bool(damage)
    assert all(f"{other / 'class.json'} is damaged" in text for text in problems)
    assert [int(row["points"]) for row in table_of(other).values()] == [41, 41]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["worksheet", "--names", "none.txt", "--out", "x"], "No such file"),
        (["worksheet", "--names", "empty.txt", "--out", "x"], "holds no names"),
        (["worksheet", "--names", "heading.txt", "--out", "x"], "holds no names"),
        (["worksheet", "--names", "binary", "--out", "x"], "is not a text file"),
        (["worksheet", "--names", "empty.txt"], "--names and --out go together"),
        (["worksheet", "--out", "x"], "--names and --out go together"),
        (["mark", "empty"], "has neither a class.json that can be read nor"),
        (["mark", "nowhere"], "has neither a class.json that can be read nor"),
        (["mark", "damaged"], "has neither a class.json that can be read nor"),
        (["mark", "binary"], "is not a text file"),
        (["mark", "foreign.txt"], "has the code ABCDEFGH, which is neither"),
    ],
)
def test_a_wrong_folder_or_file_is_one_sentence(
    arguments, error, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "class.json").write_text('[{"name": ""}]')
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "heading.txt").write_text("name\n")
    (tmp_path / "binary").write_bytes(b"\x00\x01")
    (tmp_path / "foreign.txt").write_text("code = ABCDEFGH\nname = Ada\nF_s = 1")
    assert main(arguments) == 1
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 1
    assert error in printed[0]
    assert not (tmp_path / "x").exists()


def test_one_answer_file_is_marked_by_itself(tmp_path, capsys):
    path = tmp_path / "ada.csv"
    values = Worksheet.for_name("Ada").values
    path.write_text(f"symbol;value\nname;Ada\nF_s;{matrix(values['F_s'])}\nL_s;1\n")
    assert main(["mark", str(path)]) == 0
    assert "1 of " in capsys.readouterr().out
