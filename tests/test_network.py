"""TwoLayerNet's parameters: one vector, two folded matrices, four blocks.

Its passes are held to numbers, with those of the other networks, in test_networks.py.
"""

import numpy as np
import pytest
from conftest import D, H, O, T, frozen, make_net

from metasgd_np import DeepNet, TwoLayerNet
from metasgd_np.reinforcement import GaussianPolicy

pytestmark = pytest.mark.filterwarnings("error")


def test_blocks_follow_one_another_row_by_row():
    net = TwoLayerNet(2, 3, 4)
    blocks = net.blocks(np.arange(25.0))
    assert net.n_params == 25
    assert {name: block.tolist() for name, block in blocks.items()} == {
        "W1": [[0, 1, 2], [3, 4, 5]],
        "b1": [6, 7, 8],
        "W2": [[9, 10, 11, 12], [13, 14, 15, 16], [17, 18, 19, 20]],
        "b2": [21, 22, 23, 24],
    }


def test_unpack_gives_views_with_the_bias_in_the_last_row():
    net = make_net()
    theta = np.random.default_rng(0).standard_normal((T, net.n_params))
    W1, W2 = net.unpack(theta)
    blocks = net.blocks(theta)

    assert (W1.shape, W2.shape) == ((T, D + 1, H), (T, H + 1, O))
    assert net.shapes == ((D + 1, H), (H + 1, O))
    for view in (W1, W2, *blocks.values()):
        assert np.shares_memory(view, theta)
    for name, W in (("1", W1), ("2", W2)):
        np.testing.assert_array_equal(blocks["W" + name], W[:, :-1])
        np.testing.assert_array_equal(blocks["b" + name], W[:, -1])


@pytest.mark.parametrize("axes", [(), (T,), (3, T)], ids=str)
def test_pack_undoes_unpack(axes):
    net = make_net()
    [theta] = frozen(np.random.default_rng(0).standard_normal((*axes, net.n_params)))
    packed = net.pack(*net.unpack(theta))
    np.testing.assert_array_equal(packed, theta)
    assert not np.shares_memory(packed, theta)


@pytest.mark.parametrize(
    "net",
    [TwoLayerNet(2, 3, 4), DeepNet((2, 3, 5, 4))],
    ids=["two layers", "three layers"],
)
def test_init_draws_independent_normal_weights_scaled_by_fan_in(net):
    rng = np.random.default_rng(0)
    blocks = net.blocks(np.stack([net.init(rng) for _ in range(4000)]))
    weights = []
    for name, block in blocks.items():
        if name.startswith("b"):
            assert not block.any()
        else:  # (4000, fan-in, fan-out)
            unit = block.reshape(4000, -1) * np.sqrt(block.shape[1])
            weights.append(unit)
    Z = np.concatenate(weights, axis=1)  # (4000, weights), of variance 1
    np.testing.assert_allclose(Z.mean(0), 0, atol=0.07)
    np.testing.assert_allclose(np.cov(Z.T), np.eye(Z.shape[1]), atol=0.1)
    assert (Z**4).mean() == pytest.approx(3, abs=0.1)  # as of a normal distribution


def test_init_depends_on_the_generator_alone():
    net = make_net()
    rng = np.random.default_rng(1)
    theta, following = net.init(rng), net.init(rng)
    assert theta.shape == (net.n_params,)
    assert theta.dtype == np.float64
    np.testing.assert_array_equal(theta, net.init(np.random.default_rng(1)))
    assert (net.blocks(theta)["W1"] != net.blocks(following)["W1"]).all()


@pytest.mark.parametrize(
    "text",
    [
        "TwoLayerNet(2, 3, 4, activation='tanh', loss='squared_error')",
        "TwoLayerNet(2, 3, 4, activation='relu', loss='softmax_cross_entropy')",
        "DeepNet((2, 3, 5, 4), activation='square', loss='sigmoid_cross_entropy')",
        "GaussianPolicy(DeepNet((2, 2), activation='tanh', loss='squared_error'), "
        "log_variance=-0.5)",
    ],
)
def test_repr_rebuilds_the_network(text):
    names = {"DeepNet": DeepNet, "GaussianPolicy": GaussianPolicy}
    net = eval(text, names | {"TwoLayerNet": TwoLayerNet})
    assert repr(net) == text
    assert f"activation={net.activation_name!r}" in text
    if net.loss_name != "gaussian":
        assert f"loss={net.loss_name!r}" in text


def test_the_defaults_are_tanh_and_squared_error():
    for net in (TwoLayerNet(2, 3, 4), DeepNet((2, 3, 4))):
        assert (net.activation_name, net.loss_name) == ("tanh", "squared_error")


@pytest.mark.parametrize("name", ["n_in", "n_hidden", "n_out"])
def test_sizes_must_be_whole_numbers(name):
    for value, error, message in (
        (0, ValueError, "is 0, but it must be 1 or more"),
        (2.0, TypeError, r"is 2\.0, but it must be a whole number, 1 or more"),
    ):
        sizes = {"n_in": 2, "n_hidden": 3, "n_out": 4, name: value}
        with pytest.raises(error, match=f"{name} {message}"):
            TwoLayerNet(**sizes)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            {"activation": "gelu"},
            "no activation called 'gelu'; choose one of: tanh, sigmoid, relu, square, "
            "identity",
        ),
        (
            {"loss": "mse"},
            "no loss called 'mse'; choose one of: squared_error, "
            "sigmoid_cross_entropy, softmax_cross_entropy",
        ),
    ],
    ids=["activation", "loss"],
)
def test_unknown_names_list_the_choices(names, message):
    with pytest.raises(ValueError, match=message):
        TwoLayerNet(2, 3, 4, **names)
    with pytest.raises(ValueError, match=message):
        DeepNet((2, 3), **names)


def test_blocks_checks_its_vector():
    for net in (make_net(), DeepNet((2, 6, 4)), GaussianPolicy(TwoLayerNet(2, 4, 4))):
        message = rf"theta has shape \(3,\).* P = {net.n_params}"
        with pytest.raises(ValueError, match=message):
            net.blocks(np.zeros(3))
