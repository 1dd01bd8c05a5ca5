"""What the checks let through, and what they say when they do not."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from conftest import make_net

from metasgd_np import TwoLayerNet, checks, net_checks

pytestmark = pytest.mark.filterwarnings("error")

TABLE = {"one": 1, "two": 2}


def raises(error, message, check, *arguments):
    """Assert that check(*arguments) raises `error` with a matching message."""
    with pytest.raises(error, match=message):
        check(*arguments)


def test_choose_finds_the_entry():
    assert checks.choose("number", "two", TABLE) == 2


@pytest.mark.parametrize("name", ["three", "", None, 1, ["one"]])
def test_choose_lists_the_names(name):
    message = "there is no number called .*; choose one of: one, two$"
    raises(ValueError, message, checks.choose, "number", name, TABLE)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.int64(3)])
def test_whole_number_gives_an_int(value):
    got = checks.whole_number("K", value, 3)
    assert got == 3
    assert type(got) is int


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2, ValueError, "K is 2, but it must be 3 or more"),
        (-5, ValueError, "K is -5, but it must be 3 or more"),
        (3.0, TypeError, r"K is 3\.0, but it must be a whole number, 3 or more"),
        (np.float64(4), TypeError, "but it must be a whole number"),
        (True, TypeError, "K is True, but it must be a whole number"),
        ("4", TypeError, "K is '4', but it must be a whole number"),
        (None, TypeError, "K is None, but it must be a whole number"),
    ],
)
def test_whole_number_says_what_it_takes(value, error, message):
    raises(error, message, checks.whole_number, "K", value, 3)


@pytest.mark.parametrize(
    "value",
    [
        2,
        0.5,
        np.float32(0.5),
        1e-300,
        Fraction(1, 2),
    ],
)
def test_positive_number_gives_a_float(value):
    got = checks.positive_number("rate", value)
    assert got == value
    assert type(got) is float


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "rate is 0, but it must be a finite number above 0"),
        (-0.1, ValueError, r"rate is -0\.1, but it must be a finite number above 0"),
        (np.nan, ValueError, "rate is nan, but it must be a finite number"),
        (np.inf, ValueError, "rate is inf, but it must be a finite number"),
        (True, TypeError, "rate is True, but it must be a finite number above 0"),
        ("0.1", TypeError, r"rate is '0\.1', but it must be a finite number above 0"),
        (1j, TypeError, "rate is 1j, but it must be a finite number above 0"),
    ],
)
def test_positive_number_says_what_it_takes(value, error, message):
    raises(error, message, checks.positive_number, "rate", value)


@pytest.mark.parametrize("value", [(-1, 2.5), [-1, 2.5], np.array([-1, 2.5])])
def test_interval_gives_two_floats(value):
    low, high = checks.interval("range", value)
    assert (low, high) == (-1, 2.5)
    assert type(low) is type(high) is float


def test_interval_may_be_one_point():
    assert checks.interval("range", (2, 2)) == (2, 2)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (3, TypeError, r"range is 3, but it must be two numbers, \(low, high\)"),
        ((1, 2, 3), TypeError, r"range is \(1, 2, 3\), but it must be two numbers"),
        (("a", "b"), TypeError, "but it must be two numbers"),
        ((1, None), TypeError, "but it must be two numbers"),
        ((2, 1), ValueError, r"range is \(2, 1\), .* two finite numbers, the lower fi"),
        ((0, np.inf), ValueError, "two finite numbers"),
        ((-np.inf, 0), ValueError, "two finite numbers"),
        ((np.nan, 1), ValueError, "two finite numbers"),
        ("05", TypeError, "but it must be two numbers"),
    ],
)
def test_interval_says_what_it_takes(value, error, message):
    raises(error, message, checks.interval, "range", value)


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3, 4]],
        np.array([True, False]),
        np.array([1, 2], "uint8"),
        np.array([1.5], "float32"),
        np.array([1 + 2j]),
        np.array([Fraction(1, 3)]),
        np.array(sympy.symbols("x y")),
        0.5,
    ],
)
def test_numbers_of_every_kind_keep_their_type(values):
    got = checks.as_numbers("X", values)
    assert got.dtype == np.asarray(values).dtype
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (["a"], TypeError, "X has dtype <U1, but it must hold numbers; convert it wit"),
        ([b"1"], TypeError, "X has dtype .S1, but it must hold numbers"),
        (np.array(["2026-01-01"], "M8"), TypeError, "X has dtype datetime64"),
        ([[1, 2], [3, np.nan]], ValueError, r"X holds nan at index \(1, 1\); .*repair"),
        ([np.inf, np.nan], ValueError, r"X holds inf at index \(0,\)"),
        ([0, -np.inf], ValueError, r"X holds -inf at index \(1,\)"),
        ([1, complex(0, np.nan)], ValueError, r"X holds nanj at index \(1,\)|0\+nanj"),
        (np.nan, ValueError, r"X holds nan at index \(\)"),
    ],
)
def test_what_is_no_finite_number_is_named(values, error, message):
    raises(error, message, checks.as_numbers, "X", values)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_largest_numbers_are_finite(dtype):
    largest = np.full((2, 3), np.finfo(dtype).max, dtype)
    ones = np.ones_like(largest)
    assert checks.as_numbers("X", largest) is largest
    assert checks.check_both_finite(("a", "b"), largest, largest) is None
    for bad in (np.nan, np.inf, -np.inf):
        largest[1, 2] = bad
        raises(ValueError, "b holds", checks.check_both_finite, "ab", ones, largest)
        raises(ValueError, "X holds", checks.as_numbers, "X", largest)


@pytest.mark.parametrize("value", [0, 0.0, 1, 0.5, np.float32(1)])
def test_a_share_lies_between_zero_and_one_inclusive(value):
    got = checks.share("discount", value, "a hint")
    assert got == value
    assert type(got) is float


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9])
def test_a_share_outside_is_refused_with_the_hint(value):
    message = "discount is .*, but it must lie between 0 and 1; a hint"
    raises(ValueError, message, checks.share, "discount", value, "a hint")


def test_what_is_shown_of_a_value_is_short():
    long = "x" * 99
    assert checks.shown("adam") == "'adam'"
    assert checks.shown(TwoLayerNet) == "the class TwoLayerNet"
    assert checks.shown(np.ones((2, 3))) == "an array of shape (2, 3)"
    assert checks.shown(long) == checks.shown("a\nb" * 30) == "an object of type str"


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_a_vector_of_integers_becomes_float64(dtype):
    given = np.ones((3, 4), dtype)
    got = net_checks.check_vector("theta", given, 4)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, given)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", object])
def test_a_vector_of_other_numbers_stays_itself(dtype):
    given = np.ones((3, 4), dtype)
    assert net_checks.check_vector("theta", given, 4) is given


@pytest.mark.parametrize("shape", [(), (3,), (5,), (4, 1), (4, 3)])
def test_a_vector_ends_with_p(shape):
    message = "theta has shape .*, but this network has P = 4 .*; net.init.rng. makes"
    raises(ValueError, message, net_checks.check_vector, "theta", np.ones(shape), 4)


@pytest.mark.parametrize("shape", [(1, 2), (5, 2), (3, 5, 2), (2, 3, 5, 2)])
def test_inputs_may_have_axes_in_front(shape):
    assert net_checks.check_inputs("X", np.ones(shape), make_net()) is None


@pytest.mark.parametrize("shape", [(), (2,), (5, 1), (5, 3), (2, 5), (0, 2), (3, 0, 2)])
def test_inputs_end_with_n_and_d(shape):
    message = (
        r"X has shape .*, but this network takes \(\.\.\., N, D\) with D = 2 and N"
    )
    raises(
        ValueError, message, net_checks.check_inputs, "X", np.ones(shape), make_net()
    )


def test_one_input_hints_at_the_missing_axis():
    message = r"X has shape \(4,\).* D = 1 .*; did you pass \(N,\) data without \[:, No"
    raises(
        ValueError,
        message,
        net_checks.check_inputs,
        "X",
        np.ones(4),
        TwoLayerNet(1, 3, 2),
    )


def test_axes_in_front_may_be_broadcast():
    assert net_checks.check_axes_in_front(theta=(5,), X=(3, 1), Y=()) == (3, 5)
    message = r"theta \(5,\) and X \(3,\); give every array the same number of tasks"
    with pytest.raises(ValueError, match=message):
        net_checks.check_axes_in_front(theta=(5,), X=(3,))
