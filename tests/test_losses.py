"""Each loss against its textbook formula, each derivative by the complex step."""

import numpy as np
import pytest
from conftest import (
    LOSSES,
    N_S,
    O,
    T,
    assert_close,
    complex_step,
    plain_output_loss,
)

from metasgd_np.losses import LOSSES as LOSS_TABLE

pytestmark = pytest.mark.filterwarnings("error")

FAR = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
FINITE = {"over": "raise", "invalid": "raise", "divide": "raise"}


def outputs(loss_name, *shape):
    """F and F_dot (*shape, O) of order 1, and targets Y that fit the loss."""
    rng = np.random.default_rng(0)
    F, F_dot, Y = rng.standard_normal((3, *shape, O))
    if loss_name == "sigmoid_cross_entropy":
        Y = (Y > 0).astype(float)
    if loss_name == "softmax_cross_entropy":
        Y = rng.integers(O, size=shape)
    return F, F_dot, Y


@pytest.mark.parametrize("name", LOSSES)
def test_value_is_the_textbook_formula_task_by_task(name):
    F, _, Y = outputs(name, T, N_S)
    expected = [plain_output_loss(name, f, y) for f, y in zip(F, Y, strict=True)]
    assert_close(LOSS_TABLE[name].value(F, Y), np.array(expected), 1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_slope_and_curvature_agree_with_the_complex_step(name):
    loss = LOSS_TABLE[name]
    F, F_dot, Y = outputs(name, T, N_S)

    def total(points):  # (R, T·N·O) → (R,), the loss of all tasks
        return loss.value(points.reshape(-1, *F.shape), Y).sum(-1)

    exact = complex_step(total, F.ravel()).reshape(F.shape)
    assert_close(loss.slope(F, Y), exact, 1e-14)
    exact = loss.slope(F + 1e-30j * F_dot, Y).imag / 1e-30
    assert_close(loss.curvature(F, Y, F_dot), exact, 1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "Y", "value", "slope"),
    [
        # wrong everywhere: four logits cost 1,000 each, over N = 2
        ("sigmoid_cross_entropy", [[0, 1], [1, 0]], 2000, [[0.5, -0.5], [-0.5, 0.5]]),
        ("sigmoid_cross_entropy", [[1, 0], [0, 1]], 0, [[0, 0], [0, 0]]),
        # wrong everywhere: each example costs 2,000
        ("softmax_cross_entropy", [1, 0], 2000, [[0.5, -0.5], [-0.5, 0.5]]),
        ("softmax_cross_entropy", [0, 1], 0, [[0, 0], [0, 0]]),
        ("softmax_cross_entropy", [0, 0], 1000, [[0, 0], [-0.5, 0.5]]),
    ],
)
def test_logits_of_a_thousand_are_exact(name, Y, value, slope, dtype):
    loss, F, Y = LOSS_TABLE[name], FAR.astype(dtype), np.array(Y)
    with np.errstate(**FINITE):
        assert loss.value(F, Y) == value
        np.testing.assert_array_equal(loss.slope(F, Y), slope)
        np.testing.assert_array_equal(loss.curvature(F, Y, F), np.zeros((2, 2)))


def test_sigmoid_cross_entropy_keeps_small_losses():
    F, Y = np.array([[-50.0]]), np.array([[0]])
    value = LOSS_TABLE["sigmoid_cross_entropy"].value(F, Y)
    np.testing.assert_allclose(value, np.exp(-50), rtol=1e-15)


@pytest.mark.parametrize("shift", [-1e6, 1e6])
def test_softmax_ignores_a_shift_of_all_logits(shift):
    F, F_dot, Y = outputs("softmax_cross_entropy", N_S)
    F = np.round(F * 64) / 64  # so that the shift is exact
    loss = LOSS_TABLE["softmax_cross_entropy"]
    with np.errstate(**FINITE):
        assert loss.value(F + shift, Y) == loss.value(F, Y)
        assert_close(
            loss.curvature(F + shift, Y, F_dot), loss.curvature(F, Y, F_dot), 0
        )


# What a loss takes


@pytest.mark.parametrize(
    ("name", "Y"),
    [
        ("squared_error", np.full((5, N_S, O), 0.5)),
        ("sigmoid_cross_entropy", np.eye(N_S, O)),
        ("sigmoid_cross_entropy", np.eye(N_S, O, dtype=bool)),
        ("softmax_cross_entropy", np.array([0, 1, 2, 3] * 2)),
        ("softmax_cross_entropy", np.array([[0, 1, 2, 3] * 2] * 5, "uint8")),
    ],
)
def test_targets_that_fit_pass(name, Y):
    assert LOSS_TABLE[name].check_targets("Y", Y, N_S, O) is None


@pytest.mark.parametrize("name", LOSSES)
def test_the_axes_of_one_tasks_targets_are_counted(name):
    *_, Y = outputs(name, N_S)
    assert LOSS_TABLE[name].target_axes == Y.ndim


LABELS = np.array([0, 1, 2, 3] * 2)


@pytest.mark.parametrize(
    ("name", "Y", "error", "message"),
    [
        (
            "squared_error",
            np.ones(N_S),
            ValueError,
            r"Y has shape \(8,\), .* the loss takes \(\.\.\., N, O\) = "
            r"\(\.\.\., 8, 4\); did you leave out \[\.\.\., None\]\?",
        ),
        ("squared_error", np.ones((7, O)), ValueError, r"shape \(7, 4\), .* 8, 4\)"),
        ("squared_error", np.ones((N_S, 3)), ValueError, r"shape \(8, 3\), .* 8, 4\)"),
        ("sigmoid_cross_entropy", np.eye(7, O), ValueError, r"shape \(7, 4\)"),
        (
            "sigmoid_cross_entropy",
            2 * np.eye(N_S, O),
            ValueError,
            "Y holds values other than 0 and 1, .* sigmoid_cross_entropy takes; recode",
        ),
        ("sigmoid_cross_entropy", -np.eye(N_S, O), ValueError, "other than 0 and 1"),
        ("sigmoid_cross_entropy", np.full((N_S, O), 0.5), ValueError, "other than 0"),
        (
            "softmax_cross_entropy",
            1.0 * LABELS,
            TypeError,
            "Y has dtype float64, .* integer class labels; convert .*astype",
        ),
        ("softmax_cross_entropy", LABELS > 0, TypeError, "Y has dtype bool"),
        (
            "softmax_cross_entropy",
            np.eye(O, dtype=int)[LABELS],
            ValueError,
            r"Y has shape \(8, 4\), .* \(\.\.\., N\) with N = 8; undo .*argmax",
        ),
        ("softmax_cross_entropy", LABELS[0], ValueError, r"Y has shape \(\)"),
        (
            "softmax_cross_entropy",
            LABELS + 1,
            ValueError,
            "Y holds labels from 1 to 4, but .* 4 outputs has the classes 0 to 3",
        ),
        ("softmax_cross_entropy", LABELS - 1, ValueError, "labels from -1 to 2"),
    ],
)
def test_targets_that_do_not_fit_are_named(name, Y, error, message):
    with pytest.raises(error, match=message):
        LOSS_TABLE[name].check_targets("Y", Y, N_S, O)
