"""Every mistake differs from the truth and from the others, on a sheet too.

That the checker names each is in test_gradient_check_judgement.py.
"""

from functools import cache

import numpy as np
import pytest
from conftest import frozen

from metasgd_np import (
    DeepNet,
    TaskBatch,
    TwoLayerNet,
    check_meta_gradient,
    meta_gradient,
)
from metasgd_np.gradient_check import small_problem
from metasgd_np.worksheets.lines import recompute
from metasgd_np.worksheets.mistakes import (
    CATALOGUE,
    ENTRIES,
    RECURSION,
    with_loss,
    with_phi,
)
from metasgd_np.worksheets.worksheet import Worksheet

VARIANTS = [
    pytest.param(mistake, variant, id=f"{mistake.number}-{variant.phrase[:20]}")
    for mistake in ENTRIES
    for variant in mistake.variants
]

ON_A_SHEET = [
    param for param in VARIANTS if param.values[1].lines.keys() - RECURSION.keys()
]


def result(mg):
    """(dθ, dα) of a MetaGradient."""
    return mg.d_theta, mg.d_alpha


def spoilt_values(sheet, variant):
    """Every value of a sheet on which a mistake was made."""
    net, values = sheet.problem[0], sheet.values
    return values | recompute(net, values, variant.altered(net))


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
    assert relative_difference(wrong, result(meta_gradient(*problem))) < 1e-13


def without_phi2(net, *rest):
    """(dθ, dα) of a network whose φ″ is zero."""
    flat = with_phi(net, curvature=lambda Z, H, phi1: np.zeros_like(Z))
    return result(meta_gradient(flat, *rest))


def half_the_loss(net, *rest):
    """(dθ, dα) of half the loss."""
    loss = net.loss_function
    half = with_loss(
        net,
        slope=lambda *args: loss.slope(*args) / 2,
        curvature=lambda *args: loss.curvature(*args) / 2,
    )
    return result(meta_gradient(half, *rest))


def swapped_sets(net, theta, alpha, batch, steps):
    """(dθ, dα) with the support set for the query set and vice versa."""
    swapped = TaskBatch(batch.X_q, batch.Y_q, batch.X_s, batch.Y_s)
    return result(meta_gradient(net, theta, alpha, swapped, steps))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("deep", [False, True])
def test_those_that_the_package_can_make_by_itself_are_what_it_gives(steps, deep):
    (net, theta, alpha, batch, _), _ = example()
    if deep:
        net = DeepNet((2, 3, 3, 4))
        theta, alpha = np.random.default_rng(0).standard_normal((2, net.n_params))
    problem = net, theta, alpha, batch, steps
    right = meta_gradient(*problem)
    made = {
        2: result(meta_gradient(*problem, order=1)),
        3: (right.d_theta, -right.d_alpha),
        7: without_phi2(*problem),
        8: half_the_loss(*problem),
        10: (right.d_theta, np.full_like(theta, right.d_alpha.sum())),
        12: swapped_sets(*problem),
        15: (right.d_theta, np.zeros_like(theta)),
    }
    for number, expected in made.items():
        found = CATALOGUE[number].meta_gradient(*problem)
        assert relative_difference(found, expected) < 1e-12, number


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
    found = last_lines(net, spoilt_values(Worksheet(*one_task), variant))
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
            wrong = spoilt_values(sheet, variant)
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
