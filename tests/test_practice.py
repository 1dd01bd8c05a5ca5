"""Practice in the terminal: a script of inputs goes in, what is printed is read."""

from pathlib import Path

import numpy as np
import pytest

from metasgd_np.cli import main
from metasgd_np.worksheets import Worksheet
from metasgd_np.worksheets.answers import read_file
from metasgd_np.worksheets.printing import matrix

SHEET = Worksheet()
WORKED = [line for line in SHEET.lines if line.expression]
RIGHT = [matrix(line.value) for line in WORKED]


@pytest.fixture
def practise(monkeypatch, tmp_path, capsys):
    """Run `practice` with inputs; return what was printed, prompts included."""
    monkeypatch.chdir(tmp_path)

    def run(inputs, *options, command=None):
        script = iter(inputs)

        def ask(prompt):
            text = next(script, EOFError)
            print(prompt, end="")
            if isinstance(text, type):
                raise text
            print(text)
            return text

        monkeypatch.setattr("builtins.input", ask)
        if command:
            return command()
        assert main(["practice", *options]) == 0
        return capsys.readouterr().out

    return run


def saved():
    """The answer file in the current folder, and its answers."""
    (path,) = Path().glob("*.txt")
    answers = read_file(path)
    return path, {line.symbol: answers.get(line.symbol) for line in WORKED}


def test_all_right_answers_give_full_marks(practise):
    printed = practise(RIGHT)
    total = len(WORKED)
    assert printed.rstrip().endswith(f"{total} of {total} points")
    assert f"1/{total}  Support set" in printed
    for line in WORKED:
        assert f"\n{line.symbol}, " in printed
        assert f"{line.symbol} is right." in printed
    assert list(saved()[1].values()) == RIGHT


def test_hints_go_from_the_formula_to_one_entry(practise):
    skipped = ["skip"] * [line.symbol for line in WORKED].index("F_s")
    printed = practise([*skipped, "hint", "hint", "hint", "quit"])
    hints = printed.split("F_s, 3×1 = hint\n")[1:]
    assert hints[0].startswith("The formula is H̃1_s W2, derived in notebook 02.")
    numbers = f"{matrix(SHEET.values['H1_1_s'])} {matrix(SHEET.values['W2'])}"
    assert hints[1].startswith(f"With numbers: {numbers}\n")
    assert hints[2].startswith(f"Entry [0, 0] is {SHEET.values['F_s'][0, 0]}.")


def test_a_wrong_value_is_named_kept_and_carried_forward(practise):
    wrong = -SHEET.values["dF_s"]
    place = [line.symbol for line in WORKED].index("dF_s")
    following = matrix(SHEET.values["H1_1_s"].T @ wrong)
    inputs = [*RIGHT[:place], matrix(wrong), "", "hint", "hint", "hint", following]
    printed = practise([*inputs, "quit"])
    assert "dF_s is not right: it may be made with" in printed
    assert "Enter keeps it" in printed
    numbers = f"With numbers: {matrix(SHEET.values['H1_1_s'])}ᵀ {matrix(wrong)}"
    assert numbers in printed
    assert f"Entry [0, 0] is {(SHEET.values['H1_1_s'].T @ wrong)[0, 0]}." in printed
    assert "dW2_s is right from your own earlier value" in printed
    assert saved()[1]["dF_s"] == matrix(wrong)


def test_hints_go_on_from_an_own_value_through_skipped_lines(practise):
    symbols = [line.symbol for line in WORKED]
    wrong, place = -SHEET.values["dF_s"], symbols.index("dF_s")
    skipped = ["skip"] * (symbols.index("W2_prime") - place - 1)
    inputs = [*RIGHT[:place], matrix(wrong), "", *skipped, "hint", "hint", "quit"]
    printed = practise(inputs)
    following = matrix(SHEET.values["H1_1_s"].T @ wrong)
    W2, alpha2 = (matrix(SHEET.values[symbol]) for symbol in ("W2", "alpha2"))
    assert f"With numbers: {W2} − {alpha2}∘{following}\n" in printed


def test_what_is_no_number_is_not_kept(practise):
    printed = practise(["one", "[1 2", "", "help", "?", "quit"])
    assert "'one' is not a finite number; write numbers as" in printed
    assert printed.count("or one of: hint, skip, back, quit.") == 4
    assert list(Path().iterdir()) == []
    assert "Saved" not in printed


def test_skip_back_and_a_better_answer(practise):
    printed = practise(
        ["back", RIGHT[0], "9", "back", "", "skip", "back", "back", "skip"]
    )
    assert f"Your answer is {RIGHT[0]}; Enter keeps it." in printed
    answers = list(saved()[1].values())
    assert answers[:3] == [None, None, None]
    assert printed.count("2/41") == 4


@pytest.mark.parametrize("stop", ["quit", EOFError, KeyboardInterrupt])
def test_it_is_saved_and_continued(practise, stop):
    values = Worksheet.from_seed(3).values
    first, second, third = (matrix(values[s]) for s in ("X1_s", "Z1_s", "H1_s"))
    printed = practise([first, "skip", third, stop], "--seed", "3")
    path, before = saved()
    assert printed.endswith(f"\nSaved in {path}; --resume continues.\n")
    assert "Traceback" not in printed
    printed = practise([second, "quit"], "--resume", str(path))
    assert "\n2/41  Support set" in printed
    assert f"Y_s = {matrix(values['Y_s'])}" in printed
    assert "Z1_s is right." in printed
    assert saved()[1] == before | {"Z1_s": second}


def test_a_name_is_continued_and_a_second_start_leaves_the_first_file(practise):
    practise(["1 2; 3 4; 5 6", "quit"], "--name", "Zoë = Z")
    practise(["6 5; 4 3; 2 1", "quit"], "--name", "Zoë = Z")
    first, second = sorted(Path().glob("*.txt"), key=lambda path: len(path.name))
    assert read_file(first)["X1_s"] == "1 2; 3 4; 5 6"
    assert read_file(second)["X1_s"] == "6 5; 4 3; 2 1"
    printed = practise(["quit"], "--resume", str(first))
    assert f"Y_s = {matrix(Worksheet.for_name('Zoë = Z').values['Y_s'])}" in printed


def test_in_a_notebook(practise, tmp_path):
    assert practise(["quit"], command=Worksheet().practice) is None
    path = tmp_path / "mine.txt"
    practise([*RIGHT[:3], "quit"], command=lambda: Worksheet().practice(path))
    rest = ["skip"] * (len(RIGHT) - 3)
    marks = practise(rest, command=lambda: Worksheet().practice(path))
    assert (marks.points, marks.total) == (3, len(WORKED))
    with pytest.raises(ValueError, match=r"but this sheet is \w+; continue"):
        Worksheet.from_seed(3).practice(path)


def test_a_sheet_in_floats_can_be_practised(practise):
    net, theta, alpha, batch = SHEET.problem
    floats = [np.asarray(array, float) for array in (theta, alpha)]
    batch = type(batch)(*(a.astype(float) for a in vars(batch).values()))
    sheet = Worksheet(type(net)(1, 2, 1), *floats, batch)
    values = [matrix(line.value) for line in sheet.lines if line.expression]
    rest = ["skip"] * (len(values) - 6)
    marks = practise(["hint", "hint", *values[:6], *rest], command=sheet.practice)
    assert marks.points == 6


@pytest.mark.parametrize(
    ("options", "code", "error"),
    [
        (["--resume", "none.txt"], 1, "none.txt cannot be read (No such file or dir"),
        (["--resume", "other.txt"], 1, "has the code ABCDEFGH, which is neither"),
        (["--resume", "empty.txt"], 1, "holds no answers"),
        (["--seed", "-1"], 1, "seed is -1"),
        (["--seed", "1", "--name", "A"], 2, "not allowed with argument"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    options, code, error, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.txt").write_text("code = ABCDEFGH\nseed = x\nF_s = 1")
    (tmp_path / "empty.txt").write_text("")
    try:
        found = main(["practice", *options])
    except SystemExit as stop:
        found = stop.code
    assert found == code
    assert error in capsys.readouterr().err
