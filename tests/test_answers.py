"""Every usual way to write a number is read; what could mean two things is refused."""

import datetime
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy

from metasgd_np.worksheets.answers import (
    agrees,
    all_agree,
    find_roughness,
    read_answer,
    read_file,
)

COLUMN = np.array([[Fraction(1, 2)], [Fraction(2)], [Fraction(-3, 2)]])
TABLE = np.array([[Fraction(3, 2), Fraction(-2)], [Fraction(1, 3), Fraction(4)]])
HALF, THIRD, MIXED = Fraction(-1, 2), Fraction(1, 3), Fraction(-7, 4)


class Tensor:
    """What torch and jax arrays have in common: a conversion, and it may refuse."""

    def __init__(self, array, graph=False):
        self.array, self.graph = np.asarray(array), graph

    def detach(self):
        return Tensor(self.array)

    def __array__(self, dtype=None, copy=None):
        if self.graph:
            raise RuntimeError("use detach()")
        return self.array.astype(dtype or self.array.dtype)


RIGHT = [
    # numbers
    (HALF, "-1/2"),
    (HALF, "−1/2"),
    (HALF, "–1/2"),
    (HALF, "—1 / 2"),
    (HALF, "-½"),
    (HALF, "− ½"),
    (HALF, "-1⁄2"),
    (HALF, "-¹⁄₂"),
    (HALF, "-1∕2"),
    (HALF, "-2/4"),
    (HALF, "1/-2"),
    (HALF, "(-1)/2"),
    (HALF, "-(1/2)"),
    (HALF, "-0.5"),
    (HALF, "-.5"),
    (HALF, "-0,5"),
    (HALF, "-0.50"),
    (HALF, "-5e-1"),
    (HALF, "-5·10^-1"),
    (HALF, "−5 × 10⁻¹"),
    (HALF, r"$-5 \times 10^{-1}$"),
    (HALF, "  -1/2  \n"),
    (HALF, "\u00a0-1/2\u202f"),
    (HALF, "= -1/2"),
    (HALF, "L_s = −1/2"),
    (HALF, "L_s = 1/2 − 1 = -0.5"),
    (HALF, r"$-\frac{1}{2}$"),
    (HALF, r"\frac{-1}{2}"),
    (HALF, r"-\tfrac12"),
    (HALF, r"\( -\dfrac{1}{2} \)"),
    (HALF, r"$L_s = -\frac 1 2$"),
    (HALF, "[-1/2]"),
    (HALF, "-１/２"),
    (HALF, Fraction(-1, 2)),
    (HALF, -0.5),
    (HALF, Decimal("-0.5")),
    (HALF, np.float32(-0.5)),
    (HALF, sympy.Rational(-1, 2)),
    (HALF, [-0.5]),
    (HALF, Tensor(-0.5)),
    (HALF, [[-0.5]]),
    (HALF, "[[-1/2]]"),
    (HALF, "-1//2"),
    (HALF, "-1/2."),
    (HALF, "-0.5."),
    (HALF, r"$L_s = -\frac{1}{2}$."),
    (MIXED, "-1 3/4"),
    (MIXED, "−1¾"),
    (MIXED, "-1 ¾"),
    (MIXED, r"-1\frac34"),
    (MIXED, r"$-1\,\frac{3}{4}$"),
    (MIXED, "-7/4"),
    (MIXED, "-1,75"),
    (MIXED, "-1.75"),
    (THIRD, "0.33"),
    (THIRD, "0,3333"),
    (THIRD, "≈ 0.333"),
    (THIRD, "0.333…"),
    (THIRD, "0.333..."),
    (THIRD, 1 / 3),
    (THIRD, 0.3333),
    (THIRD, np.float32(1) / 3),
    (THIRD, np.float16(1) / 3),
    (THIRD, "0.33333334"),  # as a program in single precision prints it
    (THIRD, sympy.Float(1) / 3),
    (Fraction(999998, 10**8), "0.01"),  # to six digits, without the zeros
    (Fraction(2, 3), "0.666…"),
    (Fraction(2, 3), "0.67"),
    (Fraction(2), 2),
    (Fraction(2), "2"),
    (Fraction(2), "+2"),
    (Fraction(2), "2."),
    (Fraction(2), "2.0"),
    (Fraction(2), np.int64(2)),
    (Fraction(2), sympy.Integer(2)),
    (Fraction(1, 8), "0.13"),  # halfway: up, or to the even digit
    (Fraction(1, 8), "0.12"),
    (Fraction(-1, 8), "-0.13"),
    # a column
    (COLUMN, "[1/2; 2; -3/2]"),
    (COLUMN, "dF_s = [1/2; 2; −3/2]"),
    (COLUMN, "[1/2, 2, -3/2]"),
    (COLUMN, "1/2, 2, -3/2"),
    (COLUMN, "1/2; 2; -3/2"),
    (COLUMN, "1/2 2 -3/2"),
    (COLUMN, "1/2\n2\n-3/2"),
    (COLUMN, "½; 2; −1½"),
    (COLUMN, "[½ 2 -1½]"),
    (COLUMN, "1/2 2 -1 1/2"),
    (COLUMN, "0,5; 2; -1,5"),
    (COLUMN, "0,5 2 -1,5"),
    (COLUMN, "0,5, 2, -1,5"),
    (COLUMN, "[[1/2], [2], [-3/2]]"),
    (COLUMN, "[[0.5],[2.],[-1.5]]"),
    (COLUMN, "((0.5,), (2,), (-1.5,))"),
    (COLUMN, "(0.5, 2, -1.5)"),
    (COLUMN, "{1/2, 2, -3/2}"),
    (COLUMN, "{{1/2}, {2}, {-3/2}}"),
    (COLUMN, "[1/2; 2; -3/2];"),
    (COLUMN, "[[ 0.5]\n [ 2. ]\n [-1.5]]"),
    (COLUMN, "array([[ 0.5], [ 2. ], [-1.5]], dtype=float32)"),
    (COLUMN, "array([0.5, 2, -1.5])"),
    (COLUMN, "np.array([[Fraction(1, 2)], [2], [Fraction(-3, 2)]], dtype=object)"),
    (COLUMN, "Matrix([[1/2], [2], [-3/2]])"),
    (COLUMN, "tensor([[0.5], [2.], [-1.5]], requires_grad=True)"),
    (COLUMN, "['1/2', '2', '-3/2']"),
    (COLUMN, "⎡1/2 ⎤\n⎢    ⎥\n⎢ 2  ⎥\n⎣-3/2⎦"),
    (COLUMN, r"\begin{pmatrix} 1/2 \\ 2 \\ -3/2 \end{pmatrix}"),
    (COLUMN, r"$$\begin{bmatrix}\frac12\\2\\-\frac{3}{2}\end{bmatrix}$$"),
    (COLUMN, r"\left(\begin{array}{c} 0{,}5 \\[2pt] 2 \\ -1{,}5 \\ \end{array}\right)"),
    (COLUMN, ["1/2", 2, "−3/2"]),
    (COLUMN, ("1/2", "2", "-1 1/2")),
    (COLUMN, [[0.5], [2], [-1.5]]),
    (COLUMN, [np.array([0.5]), np.array([2]), np.array([-1.5])]),
    (COLUMN, np.array([0.5, 2, -1.5], dtype=np.float32)),
    (COLUMN, COLUMN),
    (COLUMN, sympy.Matrix([sympy.Rational(1, 2), 2, sympy.Rational(-3, 2)])),
    (COLUMN, Tensor([[0.5], [2], [-1.5]], graph=True)),
    (COLUMN, [Tensor(0.5), Tensor(2.0), Tensor(-1.5)]),
    (COLUMN, "[1/2, 2, -3/2]ᵀ"),
    (COLUMN, "(½, 2, −3/2)^T"),
    (COLUMN, "[[0.5, 2, -1.5]].T"),
    (COLUMN, r"\begin{pmatrix} \frac12 & 2 & -\frac32 \end{pmatrix}^{\top}"),
    (COLUMN, r"\left\{ 1/2, 2, -3/2 \right\}"),
    (COLUMN, "⟨1/2, 2, −3/2⟩"),
    (COLUMN, "tensor([[0.5], [2.], [-1.5]], device='cuda:0', grad_fn=<Add>)"),
    (COLUMN, "| 1/2 |\n| 2 |\n| -3/2 |"),
    (COLUMN, "[1//2, 2//1, -3//2]."),
    (COLUMN, "1/2\r\n2\r\n-3/2\r\n"),
    (COLUMN, "'[1/2; 2; -3/2]'"),
    # a table
    (TABLE, "[3/2 1/3; -2 4]'"),
    (TABLE, "'[3/2 -2; 1/3 4]'"),
    (TABLE, "[3/2 -2; 1/3 4]"),
    (TABLE, "[1 1/2 −2; 1/3 4]"),
    (TABLE, "[1 1/2, -2; 1/3, 4]"),
    (TABLE, "1.5 -2; 0.333 4"),
    (TABLE, "[1,5 -2; 0,333 4]"),
    (TABLE, "[1,5, -2; 0,333, 4]"),
    (TABLE, "[[3/2, -2], [1/3, 4]]"),
    (TABLE, "[3/2 -2]\n[1/3 4]"),
    (TABLE, "3/2\t-2\n1/3\t4\n"),
    (TABLE, "1 1/2\t-2\n1/3\t4"),
    (TABLE, "3/2, -2, 1/3, 4"),
    (TABLE, r"\begin{pmatrix}\frac32 & -2\\ \frac13 & 4\end{pmatrix}"),
    (TABLE, r"\left[\begin{smallmatrix}1\tfrac12&-2\\1/3&4\end{smallmatrix}\right]"),
    (TABLE, "[3/2 1/3; -2 4]ᵀ"),
    (TABLE, TABLE[None]),  # with the axis of one task
    (TABLE, TABLE.tolist()),
    (TABLE, TABLE.ravel().tolist()),
    (TABLE, TABLE.astype(float)),
    (TABLE, tuple(map(tuple, TABLE.astype(float).tolist()))),
    (TABLE, Tensor(TABLE.astype(np.float32))),
    (TABLE, [Tensor(row, graph=True) for row in TABLE.astype(np.float32)]),
    (TABLE, [["1 1/2", "−2"], ["1/3", 4]]),
]


def right(answer, truth):
    """Whether an answer is read and agrees, with enough digits."""
    truth = np.asarray(truth, dtype=object)
    entries = read_answer(answer, truth.shape)
    return (
        entries.shape == truth.shape
        and all(map(agrees, entries.flat, truth.flat))
        and find_roughness(entries, truth) is None
    )


def plain_name(value):
    """A short id, the same in every process: repr without an address."""
    return re.sub(r" at 0x\w+", "", repr(value))[:40]


@pytest.mark.parametrize(("truth", "answer"), RIGHT, ids=plain_name)
def test_a_right_answer_is_right_however_it_is_written(truth, answer):
    assert right(answer, truth)


@pytest.mark.parametrize(
    ("answer", "shape", "words"),
    [
        ("three", (), "'three' is not a finite number; write"),
        ("1+1", (), "is not a finite number"),
        ("2*3", (), "is not a finite number"),
        ("sqrt(2)", (), "is not a finite number"),
        ("3²", (), "is not a finite number"),
        ("50%", (), "is not a finite number"),
        ("1/0", (), "'1/0' is not a finite number"),
        ("1.2.3.4", (), "is not a finite number"),
        ("1/2/3/4", (), "is not a finite number"),
        ("nan", (), "is not a finite number"),
        ("-inf", (), "is not a finite number"),
        ("", (), "is not a finite number"),
        ("[]", (), "is not a finite number"),
        ("[1 2", (2, 1), "is not a finite number"),
        ("[1 x; 3 4]", (2, 2), "'x' is not a finite number"),
        ("1e999999999", (), "is not a finite number"),
        ("9" * 3000, (), "3000 characters long"),
        ("9" * 1999, (), "an entry is larger than 1e100; write numbers as"),
        ("1e400", (), "larger than 1e100"),
        ("-1e999", (), "larger than 1e100"),
        ("[1 2; 3 4e101]", (2, 2), "larger than 1e100"),
        (10**400, (), "larger than 1e100"),
        ([[1], [10**400]], (2, 1), "larger than 1e100"),
        (Fraction(10**400, 3), (), "larger than 1e100"),
        (Decimal("1e400"), (), "larger than 1e100"),
        (np.longdouble("1e300"), (), "larger than 1e100"),
        ("__import__('os')", (), "is not a finite number"),
        ("=cmd|' /C calc'!A0", (), "is not a finite number"),
        ("=1+1", (), "is not a finite number"),
        ("=SUM(A1:A2)", (), "is not a finite number"),
        ("01. Feb", (), "is a date"),
        ("2-Jan", (), "is a date"),
        ("2026-01-02", (), "is a date"),
        ("1/2/2026", (), "is a date"),
        (float("nan"), (), "nan is not a finite number"),
        (np.float32("inf"), (), "inf"),
        (None, (), "None is not a finite number"),
        (True, (), "True is not a finite number"),
        (np.array([True, False]), (2, 1), "True"),
        (2 + 1j, (), "not a finite number"),
        (np.array([1j]), (), "not a finite number"),
        (sympy.sqrt(2), (), "not a finite number"),
        (sympy.nan, (), "not a finite number"),
        (sympy.Symbol("x"), (), "not a finite number"),
        (datetime.date(2026, 1, 2), (), "not a finite number"),
        (np.datetime64("2026-01-02"), (), "not a finite number"),
        (np.timedelta64(3, "D"), (), "not a finite number"),
        (b"1/2", (), "not a finite number"),
        ({"a": 1}, (), "not a finite number"),
        ({1, 2}, (2, 1), "not a finite number"),
        ([[1, None], [0, 0]], (2, 2), "None is not a finite number"),
        ([[1, 2], [3]], (2, 2), "different lengths"),
        ([["1 2", "3"]], (1, 2), "'1 2' is not a finite number"),
        ([["[1; 2]", "3"]], (1, 2), "is not a finite number"),
        (["1/2, 3"], (), "is not a finite number"),
        (iter([1, 2]), (2, 1), "is not a finite number"),
        ("[1 2; 3]", (2, 2), "different lengths"),
        ("2T", (), "not a finite number"),
        ("[1 2]^2", (2, 1), "not a finite number"),
        ([], (2, 1), "different lengths, or none"),
        ("0,5 1/2", (2, 1), "can be read in two ways; write decimals with a point"),
        ("1 1/2", None, "can be read in two ways"),
        ("0,5", None, "can be read in two ways"),
    ],
    ids=plain_name,
)
def test_what_is_no_number_or_two_gets_a_sentence(answer, shape, words):
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        read_answer(answer, shape)
    assert len(str(error.value)) < 250


def test_nothing_is_run(monkeypatch):
    for name in ("eval", "exec", "compile"):
        monkeypatch.setattr(f"builtins.{name}", lambda *_: pytest.fail("it was run"))
    with pytest.raises(ValueError, match="not a finite number"):
        read_answer("print(1)", ())


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        ("[1 2 3]", (2, 2)),
        ("[[1, 2, 3]]", (3, 1)),
        (r"\begin{pmatrix} 1 & 2 & 3 \end{pmatrix}", (3, 1)),
        ([[1, 2, 3]], (3, 1)),
        ([[[1]], [[2]]], (2, 1)),
        ("1; 2; 3; 4", (2, 2)),
        ("1 2", ()),
    ],
)
def test_another_shape_is_kept(answer, shape):
    assert read_answer(answer, shape).shape != shape


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("0.34", THIRD),
        ("0.32", THIRD),
        ("0.3334", THIRD),
        ("0.666", Fraction(2, 3)),
        ("0.37", Fraction(3, 8)),  # halfway, but neither up nor even
        ("-0.37", Fraction(-3, 8)),
        ("19", Fraction(191, 10)),  # a whole number is exact
        ("1/3", Fraction(33, 100)),
        ("0.33", -THIRD),
        (0.34, THIRD),
        (np.float32(0.334), THIRD),
        (np.float16(0.35), THIRD),
        (1 / 3 + 1e-7, THIRD),
        ("0.335…", THIRD),
        ("1 -1/2", HALF),
    ],
)
def test_a_wrong_or_wrongly_rounded_number_is_wrong(answer, truth):
    assert not right(answer, truth)


@pytest.mark.parametrize(
    ("answer", "truth", "digits"),
    [
        ("1.", Fraction(1, 2), 2),
        ("2e1", Fraction(19), 2),
        ("0.3", THIRD, 2),
        ("0.0", Fraction(1, 250), 2),
        (0.3, THIRD, 2),
        ([[0.5], [2.0], ["-2e0"]], COLUMN, 2),
        (["2.25", "0.3", "2.2"], [Fraction(9, 4), Fraction(1, 3), Fraction(9, 4)], 2),
    ],
)
def test_a_number_rounded_too_far_is_refused_with_the_digits_needed(
    answer, truth, digits
):
    entries = read_answer(answer, np.shape(truth))
    assert all(map(agrees, entries.flat, np.ravel(truth)))
    found = find_roughness(entries, truth)
    assert f"at least {digits} significant digits, or a fraction as 3/4" in found
    assert re.match(r"(1\.|20\.|0\.3|0\.|-2\.) keeps too few digits; ", found)


def test_digits_must_tell_the_truth_from_what_a_slip_gives():
    truth, slip = Fraction(23, 18), Fraction(51, 40)  # 1.2778 and 1.275
    for text, digits in (("1.28", 4), ("1.278", 4), ("1.2778", None), ("23/18", None)):
        found = find_roughness(read_answer(text, ()), truth, [slip])
        if text == "1.278" or digits is None:
            assert found is None
        else:
            assert "at least 4 significant digits" in found
    assert find_roughness(read_answer("1.28", ()), truth) is None
    between = find_roughness(read_answer("2.75", ()), 2.7537, [2.7468])
    assert "2.75 keeps too few digits; give at least 4 significant" in between
    assert find_roughness(read_answer("1.28", ()), truth, [[slip, slip]]) is None
    same = [float(truth), np.float64(23) / 18]  # a slip that changes nothing here
    assert find_roughness(read_answer("1.278", ()), truth, same) is None
    exact, near = read_answer("0.5", ()), Fraction(26, 50)
    assert agrees(exact.item(), near)
    assert find_roughness(exact, Fraction(1, 2), [near]) is None  # it is exactly right


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_whole_numbers_of_numpy_do_not_overflow(kind):
    largest = np.iinfo(kind).max  # times a denominator it would
    truth = np.array([largest], kind)
    assert all_agree(read_answer(f"[{largest}]", (1,)), truth)
    assert not all_agree(read_answer(f"[{largest} 1/3]", (1,)), truth)
    assert not all_agree(read_answer(f"[{largest - 1}]", (1,)), truth)


# Files

ANSWERS = {"dF_s": "[1/2; 2; -3/2]", "L_s": "0,5", "W1_prime": "[1, 2; 3, 4]"}
PRINTED = """\
# Meta-SGD by hand: one step, one task
# Matrices row by row: X̃ = [X 1]
code = AB12
name = Zoë = 1/2
# Second order, along v = α∘λ
  X_s              3×1     [1; 2; 3]
  Z1_s      (2.1)  3×2     = X̃_s W1                       = ____________________
  W1_prime  (5.1)  2×2     = W1 − α1∘dW1_s                = [1, 2; 3, 4]_________
  L_s       (2.4)  number  = 1/N · Σ (F_s − Y_s)²         = 0,5
  dF_s      (2.5)  3×1     = 2/N · (F_s − Y_s)            = __[1/2; 2;
      -3/2]___
"""
FILES = [
    ("a.txt", "".join(f"{symbol} = {text}\n" for symbol, text in ANSWERS.items())),
    ("b.txt", "\ufeff\r\nL_s=0,5\r\nW1_prime=[1, 2; 3, 4]\r\ndF_s  =  [1/2; 2; -3/2]"),
    ("c.txt", PRINTED),
    ("d.csv", 'symbol,value\ndF_s,[1/2; 2; -3/2]\nL_s,"0,5"\nW1_prime,"[1, 2; 3, 4]"'),
    ("e.csv", "symbol,value\ndF_s,[1/2; 2; -3/2],,\nL_s,0,5\nW1_prime,[1, 2; 3, 4]"),
    (
        "d.csv",
        "sep=;\nsymbol;value\ndF_s;[1/2; 2; -3/2]\nL_s;0,5\nW1_prime;[1, 2; 3, 4]",
    ),
    ("d.csv", '"sep=\t"\nL_s\t0,5\nW1_prime\t[1, 2; 3, 4]\ndF_s\t[1/2; 2; -3/2]'),
    (
        "f.csv",
        "symbol;value\ndF_s;[1/2; 2; -3/2]\nL_s;0,5\nW1_prime;[1, 2; 3, 4]\nF_s;",
    ),
    ("f.txt", "dF_s: [1/2; 2; -3/2]\nL_s : 0,5\nW1_prime:[1, 2; 3, 4]\nNote: none"),
    ("f.csv", "Line;Answer\ndF_s;[1/2; 2; -3/2]\nL_s;0,5\nW1_prime;[1, 2; 3, 4]\n"),
    ("g.csv", "L_s\t0,5\nW1_prime\t[1, 2; 3, 4]\ndF_s\t[1/2; 2; -3/2]\t\t\n"),
    ("h.csv", "symbol;tag;value;\nL_s;;0,5;\nW1_prime;1;[1, 2, 3, 4];\ndF_s;1;1/2 2;"),
]


@pytest.mark.parametrize(("name", "text"), FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_filled_in_file_gives_its_answers(name, text, encoding, tmp_path):
    path = tmp_path / name
    path.write_bytes(text.lstrip("\ufeff").encode(encoding))
    found = read_file(path)
    labels = {key: found.pop(key) for key in ("code", "name") if key in found}
    assert labels in ({}, {"code": "AB12", "name": "Zoë = 1/2"})
    if name == "h.csv":
        assert found == {"dF_s": "1/2 2", "L_s": "0,5", "W1_prime": "[1, 2, 3, 4]"}
    else:
        found = {key: re.sub(r"\s+", " ", text) for key, text in found.items()}
        assert found == ANSWERS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "holds no answers; give lines such as"),
        (b"dear teacher,\nmy dog ate it", "holds no answers"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "is not a text file"),
        (b"PK\x03\x04" + bytes(range(256)), "is not a text file"),
        (b"a" * 2_000_000, "is not a text file"),
        (b"[" * 90_000, "holds no answers"),
        (b"<!doctype html>\nconst a = 1", "is the form; open it, press Save"),
        (b"L_s = 1\nL_s = 2", "has two answers for L_s; leave one"),
    ],
)
def test_a_damaged_or_foreign_file_gets_a_sentence(data, words, tmp_path):
    path = tmp_path / "back.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        read_file(path)
    assert str(error.value).startswith("back.txt")


def test_a_form_left_empty_has_no_answers(tmp_path):
    path = tmp_path / "empty.txt"
    path.write_text("code = AB12\nL_s =\ndF_s = ____\nF_s = ...\nZ1_s = ?\n", "utf-8")
    assert read_file(path) == {"code": "AB12"}
