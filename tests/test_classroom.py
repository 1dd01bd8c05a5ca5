"""What every check does, whichever exercise it belongs to."""

import re
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec

import notebook_tools as tools
import numpy as np
import pytest
from classroom_tools import answer, assert_right, assert_wrong
from nbformat.v4 import new_code_cell

from metasgd_np import TaskBatch, TwoLayerNet, Worksheet, hvp, meta_gradient
from metasgd_np.classroom import check, given
from metasgd_np.classroom.exercises import CHAPTERS, Marks, find_exercise, judge
from metasgd_np.classroom.formulas import evaluate, judge_steps, near_misses
from metasgd_np.classroom.reading import (
    Wrong,
    as_array,
    call,
    choose,
    computed,
    number,
    own,
    several,
    typed,
)

ROOMS = [
    f"{chapter:02}"
    for chapter in CHAPTERS
    if find_spec(f"metasgd_np.classroom.chapter_{chapter:02}")
]
NUMBERS = [
    f"{chapter}.{place}"
    for chapter in ROOMS
    for place in import_module(f"metasgd_np.classroom.chapter_{chapter}").EXERCISES
]
WITH_NUMBERS = [n for n in NUMBERS if find_exercise(n).numbers]
TABLES = [import_module(f"classroom_answers.chapter_{chapter}") for chapter in ROOMS]
RIGHT = [case for table in TABLES for case in table.RIGHT]
WRONG = [case for table in TABLES for case in table.WRONG]
NONSENSE = [
    None,
    "",
    "I do not know",
    [],
    {},
    float("nan"),
    [float("inf")] * 3,
    [[1, 2], [3]],
    1j,
    object(),
    TwoLayerNet,
    np.full((2, 2, 2), 7.25),
    lambda: 0,
    lambda *arguments, **options: None,
    lambda *arguments, **options: arguments[0],
    lambda *arguments, **options: "text",
    lambda *arguments, **options: [[1, 2], [3]],
    lambda *arguments, **options: np.nan,
    lambda *arguments, **options: 1 / 0,
    lambda *arguments, **options: sys.exit(),
]
TAKEN = """
X Y theta alpha net rng batch sheet h c g G L W1 W2 b1 b2 v d t F D R steps rate start
path loss losses slopes problem problems gradient exact first second example suspect
small message answers ring lam size J p q N H O T P x y z a k n i j
"""
COLLISION = " = ".join([*TAKEN.split(), "'mine'"])


def test_an_endless_answer_that_is_stopped_is_said_in_one_line():
    def endless(*arguments):
        raise KeyboardInterrupt

    with pytest.raises(AssertionError, match=r"does every loop end\?") as caught:
        check("02.2", endless)
    assert caught.value._render_traceback_() == [str(caught.value)]


@pytest.mark.parametrize("number", NUMBERS)
def test_nonsense_is_never_right_and_never_raises(number):
    for nonsense in NONSENSE:
        answers = [nonsense] * len(find_exercise(number).answers)
        feedback = judge(number, answers, seed=1)
        assert feedback.points == 0, (nonsense, str(feedback))
        assert all(len(message) < 400 for message in feedback.found.values())


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right_whatever_is_drawn(number):
    for seed in range(10, 14):
        feedback = answer(number, seed=seed)
        assert str(feedback).endswith(
            f"right, {len(feedback.found)} of {len(feedback.found)}"
        ), str(feedback)


@pytest.mark.parametrize("student", ["Ada", "Emmy Noether", "Σοφία", "x"])
@pytest.mark.parametrize("number", WITH_NUMBERS)
def test_the_solution_is_right_with_every_student_s_numbers(number, student):
    assert_right(number, student=student)


@pytest.mark.parametrize(("number", "code"), RIGHT)
def test_a_right_answer_in_any_form_is_right(number, code):
    assert_right(number, code)


@pytest.mark.parametrize(("number", "code", "part", "phrase"), WRONG)
def test_a_wrong_answer_is_wrong_for_its_reason(number, code, part, phrase):
    assert_wrong(number, code, part, phrase)


@pytest.mark.parametrize("chapter", ROOMS)
def test_names_left_by_one_exercise_do_not_cost_the_next(chapter):
    path = next((tools.NOTEBOOKS / "solutions").glob(f"{chapter}_*.ipynb"))
    notebook, cells = tools.read(path), []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cells.append(new_code_cell(COLLISION))
    notebook.cells = cells
    tools.run_in_process(notebook)  # raises at the first check that fails


@pytest.mark.parametrize("number", WITH_NUMBERS)
def test_a_student_has_numbers_of_their_own(number):
    plain, ada = repr(given(number)), repr(given(number, "Ada"))
    assert ada == repr(given(number, "  Ada ")) != plain
    names = ["Ada", "Ben", "Chloe", "Dana", "Emil", "Fatima"]
    assert len({repr(given(number, name)) for name in names}) > 2
    assert repr(given(number, " ")) == plain


def test_a_check_prints_and_returns_points(capsys):
    assert check("01.4", [0, -3], [0, 0], 18) == 3
    assert capsys.readouterr().out == "01.4 Predict: two rates in turn: right, 3 of 3\n"
    assert check("01.4", [0, -3], [3, 0], 36) == 1
    out = capsys.readouterr().out
    assert re.search(
        r"1 of 3\n  after_one: right\n  after_two: .*\n  highest_loss", out
    )
    assert max(map(len, out.splitlines())) < 80
    with pytest.raises(AssertionError, match=r"two rates in turn: 0 of 3"):
        check("01.4", None, None, None)
    assert capsys.readouterr().out == ""


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match=r"no exercise '13\.1'"):
        check("13.1", 1)
    with pytest.raises(ValueError, match=r"chapter 01 has 01\.1 to 01\.5"):
        check("01.9", 1)
    with pytest.raises(TypeError, match="pass landed, slopes"):
        check("01.1", 1)
    with pytest.raises(ValueError, match=r"exercise 01\.2 gives no numbers"):
        given("01.2")


def test_fresh_numbers_every_time_unless_a_seed_is_given():
    seen = []

    def best_single_rate(h):
        seen.append(list(h))
        return 2 / (min(h) + max(h)), (max(h) - min(h)) / (max(h) + min(h))

    for seed in (None, None, 7, 7):
        assert judge("01.2", [best_single_rate], seed=seed).points == 2
    runs = [seen[i : i + 3] for i in range(0, 12, 3)]
    assert runs[0] != runs[1] and runs[2] == runs[3]


def complaint(function, *arguments, **options):
    """What a reader says of an answer."""
    with pytest.raises(Wrong) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_a_function_is_called_on_copies_and_in_silence(capsys):
    def shout(a):
        print(a)
        warnings.warn("beware", stacklevel=1)
        sys.stderr.write("beware")
        return a * 2

    a = np.ones(3)
    assert call(shout, a).tolist() == [2, 2, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("argument", "inside"),
    [
        (np.ones((2, 3)), lambda thing: thing),
        ([np.ones(2), 1], lambda thing: thing[0]),
        ({"W": np.ones(2)}, lambda thing: thing["W"]),
        (TaskBatch(*np.ones((4, 2, 3, 1))), lambda thing: thing.Y_q),
        (Worksheet(), lambda thing: thing.values["W2"]),
    ],
)
def test_an_argument_changed_in_place_is_seen(argument, inside):
    def double(thing):
        array = inside(thing)
        array *= 2

    assert complaint(call, double, argument) == "it changes its argument thing in place"


def test_a_forbidden_call_is_seen_wherever_the_function_came_from():
    net, theta = TwoLayerNet(1, 2, 1), np.ones(7)
    x = np.ones((3, 1))
    alias = hvp

    def by_alias(theta):
        return alias(net, theta, x, x, theta)

    def by_method(theta):
        method = net.gradient
        return method(theta, x, x)

    def inside_the_package(theta):
        return hvp(net, theta, x, x, theta)  # which calls backward_pass itself

    assert "calls hvp" in complaint(call, by_alias, theta, without=(hvp, meta_gradient))
    assert "calls gradient" in complaint(
        call, by_method, theta, without=(TwoLayerNet.gradient,)
    )
    call(inside_the_package, theta, without=(TwoLayerNet.backward_pass,))


def test_a_profiler_is_put_back():
    def look(*event):
        pass

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        complaint(call, lambda: 1 / 0, without=(hvp,))
        assert sys.getprofile() is look
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("1/2", 0.5),
        ([1, 2, 3], [1, 2, 3]),
        ((1, 2, 3), [1, 2, 3]),
        ([[1, 2, 3]], [1, 2, 3]),
        ([[1], [2], [3]], [1, 2, 3]),
        (np.float32([0.1]), 0.1),
        ("[1 2; 3 4]", [[1, 2], [3, 4]]),
        ([1, 2, 3, 4], [[1, 2], [3, 4]]),
    ],
)
def test_typed_numbers_are_read_in_any_form(answer, truth):
    typed(answer, truth)


@pytest.mark.parametrize(
    ("answer", "truth", "message"),
    [
        (None, 1, "no answer yet"),
        (2.5, 1, "is not right yet"),
        (2, 1, "is twice what it should be"),
        (-1.5, 1.5, "the sign is turned"),
        ([3, 6], [1, 2], "is 3 times what it should be, in every entry"),
        ([[1, 3], [2, 4]], [[1, 2], [3, 4]], "is transposed"),
        ([2, 1, 3], [1, 2, 3], "has the right numbers in the wrong places"),
        ([1, 2, 5], [1, 2, 3], "is right in part: look at entry [2]"),
        ([1, 2], [1, 2, 3], "has shape (2,), expected (3,)"),
        ([1, 2], 1, "has shape (2,), but one number is asked for"),
        (len, 1, "is a function, but numbers are asked for"),
        (0, [1, 2], "has shape (), expected (2,)"),
        ([0, 0], [1, 2], "is zero"),
    ],
)
def test_a_wrong_number_is_described_without_the_right_one(answer, truth, message):
    assert complaint(typed, answer, truth) == message


def test_float32_is_seen_in_what_is_computed():
    true = np.array([1 / 3, 2 / 7])
    computed([1 / 3, 2 / 7], true)
    assert "float32" in complaint(computed, np.float32(true), true)
    assert "inf or nan" in complaint(computed, [np.nan, 1], true)
    assert "complex" in complaint(computed, true + 1e-9j, true)


def test_a_slip_is_named_before_a_pattern_but_not_when_it_gives_the_right_value():
    assert complaint(typed, 4, 2, slips={"twice": 4}) == "twice"
    typed(2, 2, slips={"twice": 2})
    assert complaint(computed, [1, 2], [2, 4], {"half": [1, 2]}) == "half"
    computed([2, 4], [2, 4], {"half": [2, 4]})


@pytest.mark.parametrize(
    ("formula", "wrong", "phrase"),
    [
        ("a - b * c", "a + b * c", "this is the value with + for −"),
        ("a - b * c", "b * c - a", "the sign is turned"),
        ("a - b * c", "a - c", "this is the value without the factor b"),
        ("a - b * c", "a", "this is the value without − b c"),
        ("a - b * c", "2 * a - 2 * b * c", "is twice what it should be"),
        ("a + exp(-b) / c", "a + exp(b) / c", "this is the value without the minus"),
        ("a + exp(-b) / c", "a + exp(-b)", "without the division by c"),
        ("a + exp(-b) / c", "a + c / exp(-b)", "turned upside down, c over exp(−b)"),
        ("a + exp(-b) / c", "a - b / c", "this is the value without exp"),
        ("mean((a - b)**2)", "sum((a - b)**2)", "with sum for mean"),
        ("mean((a - b)**2)", "mean(a - b)", "without the power 2"),
        ("mean((a - b)**2)", "mean((a - c)**2)", "with c for b"),
        ("a[:-1] * b[:-1]", "a[:-1] * c[:-1]", "with c for b"),
        ("a / b", "log(a)", "a name of its own"),
    ],
)
def test_a_slip_follows_from_the_formula(formula, wrong, phrase):
    rng = np.random.default_rng(0)
    values = dict(zip("abc", rng.uniform(1, 2, (3, 4)), strict=True))
    named = {"a name of its own": "log(a)"} if "name" in phrase else None
    slips = near_misses(formula, values, named)
    found = complaint(
        computed, evaluate(wrong, values), evaluate(formula, values), slips
    )
    assert found.endswith(phrase)


def test_a_long_part_of_a_formula_is_not_shown():
    slips = near_misses("a / (1 - (1 - b * c)**2)", {"a": 0.3, "b": 0.2, "c": 0.7})
    messages = dict(slips)
    assert "this is the value without the division by (…)" in messages
    assert not any("1 − (1 − b c)²" in message for message in messages)


def test_an_error_is_carried_forward_and_counted_once():
    marks = Marks(np.random.default_rng(0), None)
    steps = {
        "g": ("h * θ", "first", 7),
        "λ": ("g + 1",),
        "d": ("λ * g", "second", 56),
        "e": ("d / 2", "third", "27"),
    }
    judge_steps(marks, {"h": 3, "θ": 2}, steps, {"g": {"one too many": "h * θ + 1"}})
    assert marks.found["first"] == "one too many"
    assert marks.found["second"] == ""  # 8 · 7
    assert marks.found["third"] == "is not right yet"  # 28, or 21 from 42


def test_a_rounded_value_is_carried_forward():
    marks = Marks(np.random.default_rng(0), None)
    steps = {"x": ("2 / a", "first", 0.67), "y": ("x * 1", "second", 0.67)}
    judge_steps(marks, {"a": 3.0}, steps, within=1e-4)
    assert marks.found == {"first": "give more digits", "second": ""}


def test_a_slip_is_not_named_from_one_digit():
    assert complaint(typed, 0.5, 1.0986, slips={"base 10": 0.4771}, within=0.003) == (
        "is not right yet"
    )


@pytest.mark.parametrize(
    ("answer", "options", "right"),
    [
        ("equation (4.5), the column of ones", ("4.1", "4.5"), "4.5"),
        (4.5, ("4.1", "4.5"), "4.5"),
        ("mistake 14", range(1, 16), 14),
        (np.int64(4), range(1, 8), 4),
        ("#4", range(1, 8), 4),
        ("the class 1", (0, 1), 1),
        ("Neither.", ("A", "B", "neither"), "neither"),
        (["c"], "abc", "c"),
    ],
)
def test_one_of_some_options_is_read_in_any_words(answer, options, right):
    assert choose(answer, options) == right


@pytest.mark.parametrize("answer", ["-1", "1 or 2", "", 1.5, "one", [1, 2], {}])
def test_two_options_or_none_are_no_choice(answer):
    assert "give one of 0, 1, 2" in complaint(choose, answer, (0, 1, 2))


def test_several_blocks_are_read_in_any_container():
    blocks = ("W1", "b1", "W2", "b2")
    for named in ("W2 and b2", {"b2", "W2"}, ["dW2", "db2"], np.array(["b2", "W2"])):
        assert choose(named, blocks, several=True) == ["W2", "b2"]


def test_small_readers():
    assert own("3/4", 0) == own([0.75], 0) == 0.75 and own("x", 5) == own(None, 5) == 5
    assert number("5e-3") == 0.005 and "no answer" in complaint(number, None)
    assert several({"b": 2, "a": 1}, "ab") == several((x for x in (1, 2)), "ab")
    assert several({"d_alpha": 1, "d_theta": 2}, ("dθ", "dα")) == [2, 1]
    assert as_array(x / 2 for x in (1, 2)).tolist() == [0.5, 1]
    assert call(np.exp, 0.0) == 1  # has no signature
    assert "1 came, expected 2: a, b" in complaint(several, 3, "ab")
    assert as_array(["1", 2]).tolist() == [1, 2]


def test_a_student_is_a_text():
    with pytest.raises(TypeError, match="student is 3, but it must be a text"):
        given("01.1", student=3)


def test_a_student_s_numbers_do_not_depend_on_capitals():
    assert given("01.1", "ada  LOVELACE") == given("01.1", "Ada Lovelace")


@pytest.mark.parametrize("number", ["01.1", "07.3", "08.2", "11.1"])
def test_an_answer_without_end_is_refused_in_words(number):
    endless = [1]
    endless.append(endless)
    for typed_in in (10**400, "10**400", -(10**400), endless):
        found = judge(number, [typed_in] * len(find_exercise(number).answers)).found
        assert all(found.values())
        assert "Error" not in "".join(found.values())


def test_a_notebook_shows_a_refusal_without_a_traceback():
    with pytest.raises(AssertionError) as raised:
        check("01.4", None, None, None)
    assert raised.value._render_traceback_() == [str(raised.value)]
