"""Each activation against its textbook formula, each derivative by the complex step."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import ACTIVATIONS, PHI, assert_close, frozen

from metasgd_np.activations import ACTIVATIONS as ACTIVATION_TABLE
from metasgd_np.activations import sigmoid

pytestmark = pytest.mark.filterwarnings("error")

Z = np.array([[-2.5, -0.7, -0.1], [0.2, 0.9, 3.1]])


def all_three(name, points):
    """φ, φ′ and φ″ at `points`."""
    phi = ACTIVATION_TABLE[name]
    value = phi.value(points)
    slope = phi.slope(points, value)
    return value, slope, phi.curvature(points, value, slope)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_is_the_textbook_formula(name):
    assert_close(ACTIVATION_TABLE[name].value(Z), PHI[name](Z), 1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_agree_with_the_complex_step(name):
    _, slope, curvature = all_three(name, Z)
    value_moved, slope_moved, _ = all_three(name, Z + 1e-30j)

    assert_close(slope, value_moved.imag / 1e-30, 1e-14)
    assert_close(curvature, slope_moved.imag / 1e-30, 1e-14)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dtype_and_input_are_kept(name, dtype):
    [points] = frozen(Z.astype(dtype))
    for array in all_three(name, points):
        assert array.dtype == dtype
        assert array.shape == Z.shape


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("square", ([Fraction(9, 4), Fraction(4, 9)], [-3, Fraction(4, 3)], [2, 2])),
        ("identity", ([Fraction(-3, 2), Fraction(2, 3)], [1, 1], [0, 0])),
        ("relu", ([0, Fraction(2, 3)], [0, 1], [0, 0])),
    ],
)
def test_fractions_stay_exact(name, expected):
    points = np.array([Fraction(-3, 2), Fraction(2, 3)])
    for array, exact in zip(all_three(name, points), expected, strict=True):
        assert array.dtype == object
        assert array.tolist() == exact


@pytest.mark.parametrize("step", [0, 1e-30j, -1e-30j])
def test_relu_at_its_kink_takes_slope_zero(step):
    for array in all_three("relu", np.array([-0.0, 0.0]) + step):
        np.testing.assert_array_equal(array, [0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_sigmoid_is_exact_far_out(dtype):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        far = sigmoid(np.array([-1000, 0, 1000], dtype))
    np.testing.assert_array_equal(far, [0, 0.5, 1])


def test_sigmoid_keeps_small_probabilities():
    small = sigmoid(np.array([-50.0, -700.0]))
    np.testing.assert_allclose(small, np.exp([-50.0, -700.0]), rtol=1e-15)
