"""Every mistake differs from the truth and from the others, on a sheet too.

That the checker names each is in test_gradient_check_judgement.py.
"""

from functools import cache

import numpy as np
import pytest
from conftest import frozen

from metasgd_np import TwoLayerNet, check_meta_gradient, meta_gradient
from metasgd_np.gradient_check import small_problem
from metasgd_np.worksheets.mistakes import CATALOGUE, ENTRIES, result
from metasgd_np.worksheets.worksheet import Worksheet

VARIANTS = [
    pytest.param(mistake, variant, id=f"{mistake.number}-{variant.phrase[:20]}")
    for mistake in ENTRIES
    for variant in mistake.variants
]

ON_A_SHEET = [param for param in VARIANTS if param.values[1].lines]


@cache
def example(loss="squared_error"):
    """The small problem (net, θ, α, batch, steps) and its right (dθ, dα)."""
    problem = small_problem(loss=loss, steps=3)
    frozen(*problem[1:3], *vars(problem[3]).values())
    return problem, result(meta_gradient(*problem))


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
    problem, right = example(mistake.loss)
    assert relative_difference(variant.meta_gradient(*problem), right) > 0.01


@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy"])
def test_what_is_right_passes_the_checker(loss):
    problem, right = example(loss)
    assert check_meta_gradient(*problem, claimed=right).ok


def test_the_ways_to_be_wrong_are_all_different():
    problem, _ = example()
    values = [
        np.concatenate(variant.meta_gradient(*problem))
        for mistake in ENTRIES
        if mistake.loss == "squared_error"
        for variant in mistake.variants
    ]
    for i, one in enumerate(values):
        for other in values[:i]:
            assert np.linalg.norm(one - other) > 0.01 * np.linalg.norm(other)


@pytest.mark.parametrize("number", [5, 6])
def test_mistakes_of_several_steps_are_right_at_one(number):
    (*problem, _), _ = example()
    wrong = CATALOGUE[number].meta_gradient(*problem, 1)
    right = result(meta_gradient(*problem, 1))
    assert relative_difference(wrong, right) < 1e-13


def test_the_missing_curvature_of_phi_harms_no_relu():
    (_, theta, alpha, batch, steps), _ = example()
    problem = TwoLayerNet(2, 5, 4, "relu"), theta, alpha, batch, steps
    wrong = CATALOGUE[7].meta_gradient(*problem)
    assert relative_difference(wrong, result(meta_gradient(*problem))) == 0


def test_the_mistakes_leave_the_network_alone():
    problem, right = example()
    before = dict(vars(problem[0]))
    for mistake in ENTRIES:
        if mistake.loss == "squared_error":
            mistake.meta_gradient(*problem)
    assert vars(problem[0]) == before
    assert relative_difference(result(meta_gradient(*problem)), right) == 0


def last_lines(net, lines):
    """(dθ, dα) as a sheet ends in them."""
    return tuple(net.pack(lines[f"{d}1"], lines[f"{d}2"]) for d in ("dtheta", "dalpha"))


@pytest.mark.parametrize(("mistake", "variant"), ON_A_SHEET)
def test_at_one_step_its_sheet_and_its_meta_gradient_agree(mistake, variant):
    (net, theta, alpha, batch, _), _ = example(mistake.loss)
    one_task = net, theta, alpha, batch[:1]
    found = last_lines(net, variant.work(*one_task))
    assert relative_difference(found, variant.meta_gradient(*one_task, 1)) < 1e-12


def test_the_right_lines_end_in_the_right_meta_gradient():
    (net, theta, alpha, batch, _), _ = example()
    one_task = net, theta, alpha, batch[:1]
    found = last_lines(net, Worksheet(*one_task).values)
    assert relative_difference(found, result(meta_gradient(*one_task))) < 1e-13


def same(one, other):
    """Whether two values agree up to rounding."""
    return np.allclose(np.asarray(one, float), np.asarray(other, float), 1e-9, 1e-9)


def spoilt_lines():
    """(sheet, symbol, mistake, wrong value) of every line that a mistake alters."""
    softmax, _ = example("softmax_cross_entropy")
    sheets = {
        "squared_error": Worksheet(),
        "softmax_cross_entropy": Worksheet(*softmax[:3], softmax[3][:1]),
    }
    for mistake in ENTRIES:
        sheet = sheets[mistake.loss]
        for variant in mistake.variants:
            if not variant.lines:
                continue
            wrong = variant.work(*sheet.problem)
            for line in sheet.lines:
                if line.tag and not same(wrong[line.symbol], line.value):
                    yield sheet, line.symbol, mistake, wrong[line.symbol]


AMBIGUOUS = {  # {(symbol, mistake): the simpler explanation}
    ("dZ1_s", 8): "with Z1_s for φ′_s",  # half of 2 Z1_s
    ("W2_prime", 13): "entry [2, 0] is wrong",  # a slip of arithmetic
}


def test_every_mistake_that_alters_a_line_is_named():
    named = set()
    for sheet, symbol, mistake, wrong in spoilt_lines():
        verdict = sheet.check(symbol, wrong)
        assert not verdict.right
        if (symbol, mistake.number) in AMBIGUOUS and not verdict.mistakes:
            assert AMBIGUOUS[symbol, mistake.number] in verdict.message
            continue
        assert mistake.number in verdict.mistakes, (symbol, mistake.number)
        assert f"see mistake {mistake.number}" in verdict.message
        named.add(mistake.number)
    assert named == set(range(1, 15)) - {5, 6}
