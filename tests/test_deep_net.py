"""DeepNet: two layers are TwoLayerNet, arrays lie by layer, sizes are checked.

Its passes at one to four layers are held to numbers in test_networks.py.
"""

import numpy as np
import pytest
from conftest import (
    LOSSES,
    N_S,
    D,
    H,
    O,
    T,
    assert_close,
    examples,
    make_net,
)

from metasgd_np import (
    DeepNet,
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
)
from metasgd_np.tasks import TaskBatch

pytestmark = pytest.mark.filterwarnings("error")


def setting(net):
    """θ and a direction of std 1, and the examples of T tasks."""
    rng = np.random.default_rng(0)
    theta, v = rng.standard_normal((2, net.n_params))
    return theta, v, *examples(rng, net, T, N_S)


@pytest.mark.parametrize("loss", LOSSES)
def test_two_layers_are_a_two_layer_net_to_rounding(loss):
    deep, two = DeepNet((D, H, O), "sigmoid", loss), make_net("sigmoid", loss)
    assert deep.n_params == two.n_params
    assert deep.shapes == two.shapes
    assert (deep.n_in, deep.n_hidden, deep.n_out) == (D, H, O)
    np.testing.assert_array_equal(
        *(n.init(np.random.default_rng(0)) for n in (deep, two))
    )
    theta, v, X, Y = setting(two)
    passes = [net.backward_pass(theta, X, Y) for net in (deep, two)]
    tangents = [
        net.tangent_pass(p, v) for net, p in zip((deep, two), passes, strict=True)
    ]
    for name in ("F", "gradient"):
        assert_close(*(getattr(p, name) for p in passes), 1e-14)
    for name in ("F_dot", "hv"):
        assert_close(*(getattr(t, name) for t in tangents), 1e-14)


def test_blocks_are_named_by_layer():
    net = DeepNet((1, 2, 1, 3))
    blocks = net.blocks(np.arange(net.n_params))
    assert {name: block.tolist() for name, block in blocks.items()} == {
        "W1": [[0, 1]],
        "b1": [2, 3],
        "W2": [[4], [5]],
        "b2": [6],
        "W3": [[7, 8, 9]],
        "b3": [10, 11, 12],
    }


def test_n_hidden_is_the_widest_hidden_layer_or_the_outputs():
    assert DeepNet((9, 3, np.int64(5), 4, 8)).n_hidden == 5
    assert DeepNet((9, 8)).n_hidden == 8


def test_every_array_of_the_passes_is_kept_by_its_layer():
    net = DeepNet((D, H, 10, O))
    theta, v, X, Y = setting(net)
    p = net.backward_pass(theta, X, Y)
    t = net.tangent_pass(p, v)
    moving = net.backward_pass(theta + 1e-30j * v, X, Y)
    assert p.F is p.Z[3]
    assert t.F_dot is t.Z_dot[3]
    assert list(p.W) == [1, 2, 3]
    for name, layers in (("Z", 3), ("dZ", 3), ("H", 2), ("dH", 2)):
        kept = getattr(t, f"{name}_dot")
        assert sorted(kept) == list(range(1, layers + 1))
        for i, tangent in kept.items():
            assert_close(tangent, getattr(moving, name)[i].imag / 1e-30, 1e-12)
    for i in (1, 2):
        assert_close(t.phi2[i] * t.Z_dot[i], moving.phi1[i].imag / 1e-30, 1e-12)


def test_the_checks_name_every_block_and_the_one_that_is_wrong():
    net = DeepNet((2, 6, 3, 4))
    theta, v, X, Y = setting(net)
    batch = TaskBatch(X, Y, X + 1, Y)
    names = ["W1", "b1", "W2", "b2", "W3", "b3", "all"]
    for report in (
        check_gradient(net, theta, X[0], Y[0]),
        check_hvp(net, theta, X[0], Y[0]),
        check_meta_gradient(net, theta, 0.3 * v, batch, 2),
    ):
        report.assert_ok()
        assert list(dict.fromkeys(row.block for row in report.rows)) == names
    agreement(net, theta, 0.3 * v, batch, 2).assert_ok()
    wrong = net.gradient(theta, X[0], Y[0])
    net.blocks(wrong)["W2"][4, 1] *= 1.001
    report = check_gradient(net, theta, X[0], Y[0], claimed=wrong)
    assert {row.block for row in report.wrong} == {"W2", "all"}


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((), ValueError, r"sizes is \(\), but .*; pass \(D, H1, …, O\), such as"),
        ((3,), ValueError, r"sizes is \(3,\), but a network has at least inputs and"),
        (3, TypeError, r"sizes is 3, but it must be .*; pass \(D, H1, …, O\), such"),
        ("234", TypeError, "sizes is '234', but it must be"),
        ((2, 3.0, 4), TypeError, r"sizes\[1\] is 3\.0, but it must be a whole number"),
        ((True, 3, 4), TypeError, r"sizes\[0\] is True, but it must be a whole number"),
        ((2, 3, -4), ValueError, r"sizes\[2\] is -4, but it must be 1 or more"),
    ],
)
def test_sizes_must_be_whole_numbers_and_enough(sizes, error, message):
    with pytest.raises(error, match=message):
        DeepNet(sizes)
