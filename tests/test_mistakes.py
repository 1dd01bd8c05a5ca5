"""Every mistake differs from the truth, is caught by the checker, and is itself."""

import numpy as np
import pytest

from metasgd_np import TwoLayerNet, gradient_check, meta_gradient
from metasgd_np.worksheets.mistakes import (
    CATALOGUE,
    ENTRIES,
    result,
    standard_example,
    work,
)
from metasgd_np.worksheets.worksheet import Worksheet

VARIANTS = [
    pytest.param(mistake, variant, id=f"{mistake.number}-{variant.phrase[:20]}")
    for mistake in ENTRIES
    for variant in mistake.variants
]

ON_A_SHEET = [param for param in VARIANTS if param.values[1].work is not None]


def relative_difference(wrong, right):
    """‖wrong − right‖ / ‖right‖ of (dθ, dα) laid end to end."""
    wrong, right = np.concatenate(wrong), np.concatenate(right)
    return np.linalg.norm(wrong - right) / np.linalg.norm(right)


def test_the_catalogue_is_numbered_from_one_to_fifteen():
    assert [mistake.number for mistake in ENTRIES] == list(range(1, 16))
    assert all(CATALOGUE[mistake.number] is mistake for mistake in ENTRIES)
    assert len({mistake.name for mistake in ENTRIES}) == 15


@pytest.mark.parametrize(("mistake", "variant"), VARIANTS)
def test_it_differs_from_the_truth_by_more_than_a_hundredth(mistake, variant):
    example = standard_example(mistake.loss)
    wrong = variant.meta_gradient(*example)
    assert relative_difference(wrong, result(meta_gradient(*example))) > 0.01


@pytest.mark.parametrize(("mistake", "variant"), VARIANTS)
def test_gradcheck_catches_it(mistake, variant):
    net, theta, alpha, batch, steps = standard_example(mistake.loss)
    wrong = variant.meta_gradient(net, theta, alpha, batch, steps)
    report = gradient_check.check_meta_gradient(
        net, theta, alpha, batch, steps, claimed=wrong
    )
    assert not report.ok
    right = result(meta_gradient(net, theta, alpha, batch, steps))
    assert gradient_check.check_meta_gradient(
        net, theta, alpha, batch, steps, claimed=right
    ).ok


def test_the_ways_to_be_wrong_are_all_different():
    example = standard_example()
    values = [
        np.concatenate(variant.meta_gradient(*example))
        for mistake in ENTRIES
        if mistake.loss == "squared_error"
        for variant in mistake.variants
    ]
    for i, one in enumerate(values):
        for other in values[:i]:
            assert np.linalg.norm(one - other) > 0.01 * np.linalg.norm(other)


@pytest.mark.parametrize("number", [5, 6])
def test_mistakes_of_several_steps_are_right_at_one(number):
    net, theta, alpha, batch, _ = standard_example()
    wrong = CATALOGUE[number].meta_gradient(net, theta, alpha, batch, 1)
    right = result(meta_gradient(net, theta, alpha, batch, 1))
    assert relative_difference(wrong, right) < 1e-13


def test_the_missing_curvature_of_phi_harms_no_relu():
    _, _, alpha, batch, steps = standard_example()
    net = TwoLayerNet(2, 5, 3, "relu")
    theta = np.random.default_rng(3).standard_normal(net.n_params)
    wrong = CATALOGUE[7].meta_gradient(net, theta, alpha, batch, steps)
    right = result(meta_gradient(net, theta, alpha, batch, steps))
    assert relative_difference(wrong, right) == 0


def test_the_mistakes_leave_the_network_and_its_inputs_alone():
    net, theta, alpha, batch, steps = standard_example()
    before = meta_gradient(net, theta, alpha, batch, steps)
    copies = [array.copy() for array in (theta, alpha, batch.X_s, batch.Y_q)]
    for mistake in ENTRIES:
        if mistake.loss == net.loss_name:
            mistake.meta_gradient(net, theta, alpha, batch, steps)
    after = meta_gradient(net, theta, alpha, batch, steps)
    np.testing.assert_array_equal(before.d_theta, after.d_theta)
    for array, copy in zip((theta, alpha, batch.X_s, batch.Y_q), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(("mistake", "variant"), ON_A_SHEET)
def test_at_one_step_its_sheet_and_its_meta_gradient_agree(mistake, variant):
    net, theta, alpha, batch, _ = standard_example(mistake.loss)
    d_theta, d_alpha = variant.meta_gradient(net, theta, alpha, batch[:1], 1)
    lines = variant.work(net, theta, alpha, batch[:1])
    found = net.pack(lines["dtheta1"], lines["dtheta2"])
    np.testing.assert_allclose(found, d_theta, rtol=1e-10, atol=1e-12)
    found = net.pack(lines["dalpha1"], lines["dalpha2"])
    np.testing.assert_allclose(found, d_alpha, rtol=1e-10, atol=1e-12)


def test_the_right_lines_end_in_the_right_meta_gradient():
    net, theta, alpha, batch, _ = standard_example()
    lines = work(net, theta, alpha, batch[:1])
    right = meta_gradient(net, theta, alpha, batch[:1])
    found = net.pack(lines["dtheta1"], lines["dtheta2"])
    np.testing.assert_allclose(found, right.d_theta, rtol=1e-12)
    found = net.pack(lines["dalpha1"], lines["dalpha2"])
    np.testing.assert_allclose(found, right.d_alpha, rtol=1e-12)


def spoilt_lines():
    """(sheet, symbol, mistake, wrong value) of every line that a mistake alters."""
    softmax = standard_example("softmax_cross_entropy")
    sheets = {
        "squared_error": Worksheet(),
        "softmax_cross_entropy": Worksheet(*softmax[:3], softmax[3][:1]),
    }
    for mistake in ENTRIES:
        sheet = sheets[mistake.loss]
        for variant in mistake.variants:
            if variant.work is None:
                continue
            wrong = variant.work(*sheet.problem)
            for line in sheet.lines:
                if line.tag and not np.array_equal(wrong[line.symbol], line.value):
                    yield sheet, line.symbol, mistake, wrong[line.symbol]


def test_every_mistake_that_alters_a_line_is_named():
    named = set()
    for sheet, symbol, mistake, wrong in spoilt_lines():
        verdict = sheet.check(symbol, wrong)
        assert not verdict.right
        assert mistake.number in verdict.mistakes, (symbol, mistake.number)
        assert f"see mistake {mistake.number}" in verdict.message
        named.add(mistake.number)
    assert named == set(range(1, 15)) - {5, 6}
