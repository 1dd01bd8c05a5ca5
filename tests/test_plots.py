"""The figures show the numbers they are given, with their axes named."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from experiment_tools import strokes
from matplotlib.colors import to_rgb

from metasgd_np import MAML, DeepNet, MetaSGD, TwoLayerNet, adapt, plots
from metasgd_np.experiments.published import SINUSOID_MSE
from metasgd_np.reinforcement.navigation import Navigation
from metasgd_np.reinforcement.policy import GaussianPolicy
from metasgd_np.tasks import Characters, FewShot, Sinusoids
from metasgd_np.training import Evaluation, TrainingState

NET = TwoLayerNet(1, 4, 1)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def assert_axes_are_named(figure):
    for axis in figure.axes:
        assert axis.get_xlabel()
    assert figure.axes[0].get_ylabel()


def test_fits_draw_truth_and_every_number_of_steps():
    rng = np.random.default_rng(0)
    learners = {"Meta-SGD": MetaSGD(NET), "MAML": MAML(NET)}
    trained = {
        name: (learner, learner.start(rng)) for name, learner in learners.items()
    }
    figure = plots.fits(trained, Sinusoids(), np.random.default_rng(1), shots=6)
    assert_axes_are_named(figure)
    truths = [axis.lines[0].get_ydata() for axis in figure.axes]
    np.testing.assert_array_equal(truths[0], truths[1])
    for axis, (name, (learner, w)) in zip(figure.axes, trained.items(), strict=True):
        x = np.asarray(axis.lines[1].get_xdata())[:, None]
        one, many, none = axis.lines[1:4]  # the first stands out
        before = learner.net.forward(w[0], x)[:, 0]
        np.testing.assert_allclose(none.get_ydata(), before)
        mse = ((one.get_ydata() - truths[0].ravel()) ** 2).mean()
        assert axis.get_title() == f"{name}: MSE {mse:.2f} after 1 step"
        assert one.get_linewidth() > max(many.get_linewidth(), none.get_linewidth())
        assert len(axis.lines[-1].get_xdata()) == 6


def test_fits_say_what_leaves_the_picture():
    learner = MAML(NET, alpha=30.0)
    trained = {"MAML": (learner, learner.start(np.random.default_rng(0)))}
    figure = plots.fits(trained, Sinusoids(), np.random.default_rng(1), shots=5)
    assert any("up to |y| =" in text.get_text() for text in figure.axes[0].texts)


def test_every_name_is_found_and_no_other():
    assert all(getattr(plots, name) for name in plots.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = plots.nothing


def test_a_figure_is_saved_whole_and_closed(tmp_path):
    figure = plots.taylor_terms(np.array([0.1, 0.2]), {"one": np.array([0.1, 0.2])})
    plots.save(figure, tmp_path / "figure.png")
    assert plt.imread(tmp_path / "figure.png").shape == (380, 640, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert not plt.fignum_exists(figure.number)


def test_mse_by_steps_draws_the_means_and_says_what_diverges():
    fine = Evaluation(np.array([[4.0, 6.0], [1.0, 2.0], [1.0, 1.0]]))
    wild = Evaluation(np.array([[4.0, 6.0], [1.0, 1.5], [900.0, 1.0]]))
    figure = plots.mse_by_steps({"MAML": fine, "Meta-SGD": wild}, shots=10)
    assert_axes_are_named(figure)
    axis = figure.axes[0]
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), [5.0, 1.5, 1.0])
    band = axis.collections[0].get_paths()[0].get_extents().intervaly
    np.testing.assert_allclose(band, [1.5 - 0.98, 5 + 1.96])
    labels = [line.get_label() for line in axis.lines]
    assert labels == ["MAML", "Meta-SGD: trained for 1 step, diverges after more"]
    assert axis.get_ylim() == (0, 10)
    assert_legend_is_below(figure)


def assert_legend_is_below(figure):
    """No legend lies over the axes, where a line may be."""
    assert all(axis.get_legend() is None for axis in figure.axes)
    (legend,) = figure.legends
    figure.canvas.draw()
    bottom = min(axis.get_tightbbox().y0 for axis in figure.axes)
    assert legend.get_window_extent().y1 <= bottom


def test_alpha_by_block_counts_the_negative_entries():
    alpha = np.linspace(-1, 2, NET.n_params)
    figure = plots.alpha_by_block(NET, alpha, (0.005, 0.1))
    assert_axes_are_named(figure)
    for axis, (name, block) in zip(figure.axes, NET.blocks(alpha).items(), strict=True):
        shown = f"{name}: {(block < 0).sum()} of {block.size} negative"
        assert axis.get_title() == shown
    assert_legend_is_below(figure)


@pytest.mark.parametrize(
    "values", [(-1, 2, 0.3, 0.0), (-0.3, -0.1, -0.2, -1.7), (0, 0, 0, 0), (9, 5, 1, 1)]
)
def test_no_bar_of_alpha_holds_both_signs_and_all_entries_are_counted(values):
    alpha = np.resize(np.array(values, float), NET.n_params)
    figure = plots.alpha_by_block(NET, alpha, (0.005, 0.1))
    for axis, block in zip(figure.axes, NET.blocks(alpha).values(), strict=True):
        if block.size == 1:
            continue
        bars = list(axis.containers[0])
        ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
        assert not any(left < -1e-9 and right > 1e-9 for left, right in ends)
        below = sum(b.get_height() for b in bars if b.get_x() + b.get_width() < 1e-12)
        assert below == (block < 0).sum()
        assert sum(bar.get_height() for bar in bars) == block.size


def test_learning_curves_place_each_block_at_its_end():
    state = TrainingState({}, 250, np.zeros(1), (), np.array([3.0, 2.0, 1.0]))
    figure = plots.learning_curves({"MAML": state})
    assert_axes_are_named(figure)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [100, 200, 250]
    assert line.get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert line.get_marker() == "None"


def test_a_learning_curve_of_one_block_is_a_point_that_shows():
    state = TrainingState({}, 60, np.zeros(1), (), np.array([3.0]))
    line = plots.learning_curves({"MAML": state}).axes[0].lines[0]
    assert line.get_xydata().tolist() == [[60, 3.0]]
    assert line.get_marker() == "s"


def test_medians_draw_the_middle_of_the_runs_and_lift_what_a_log_cannot_show():
    x, values = np.array([0.1, 1.0]), np.array([[0.0, 3.0], [2.0, 5.0], [0.0, 9.0]])
    panel = ("error", "log", {"tanh": (x, values), "relu": (x, 2 * values)})
    figure = plots.medians({"one": panel, "two": panel}, "step", lowest=1e-3)
    assert_axes_are_named(figure)
    assert [axis.get_title() for axis in figure.axes] == ["one", "two"]
    tanh, relu = figure.axes[1].lines
    assert tanh.get_ydata().tolist() == [1e-3, 5.0]
    assert relu.get_ydata().tolist() == [1e-3, 10.0]
    assert tanh.get_linestyle() != relu.get_linestyle()


def test_errors_and_cosines_draw_a_marker_a_name_and_gradient():
    names = ["one", "two", "three"]
    errors = {"dθ": np.array([0.0, 0.5, 2.0]), "dα": np.array([1.0, 0.1, 0.0])}
    cosines = {"dθ": np.array([1.0, 0.4, -1.0]), "dα": np.array([np.nan, 1.0, 0.2])}
    figure = plots.errors_and_cosines(names, errors, cosines)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == names
    for axis, series in zip(figure.axes, (errors, cosines), strict=True):
        assert axis.get_xlabel()
        for line, values in zip(axis.lines, series.values(), strict=False):
            np.testing.assert_array_equal(line.get_xdata(), values)


def test_loss_ratios_say_how_many_seeds_leave_the_picture():
    ratios = np.array([[0.5, 0.6], [0.7, 40.0], [np.nan, 30.0]])
    figure = plots.loss_ratios(["right", "half", "none"], ratios, limit=10)
    axis = figure.axes[0]
    assert axis.get_xlabel()
    shown = [text.get_text() for text in axis.texts]
    assert shown == ["1 of 2 seeds →", "2 of 2 seeds →"]
    assert axis.lines[2].get_xdata().tolist() == [0.7]


def test_arrows_on_contours_end_where_the_steps_lead():
    steps = {"down": (1.0, 0.5), "learned": (1.0, -0.5)}
    figure = plots.arrows_on_contours(
        lambda a, b: a**2 + b**2, np.array([0.5, 0.0]), steps
    )
    axis = figure.axes[0]
    assert_axes_are_named(figure)
    ends = [list(text.xy) for text in axis.texts]
    assert ends == [[1.5, 0.5], [1.5, -0.5]]
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == list(steps)


def test_shape_flow_writes_each_shape_twice_and_the_inputs_once():
    figure = plots.shape_flow(TwoLayerNet(2, 5, 3), 7)
    shown = [text.get_text() for text in figure.axes[0].texts]
    for shape, times in {"3 × 5": 2, "7 × 5": 4, "6 × 3": 2, "7 × 3": 3}.items():
        assert sum(text.endswith(f"$  {shape}") for text in shown) == times


def test_hessian_blocks_shade_the_logarithm_and_mark_the_blocks():
    net = TwoLayerNet(2, 3, 2)
    matrix = np.eye(net.n_params)
    figure = plots.hessian_blocks(net, {"one": matrix, "hundred": 100 * matrix})
    assert [axis.get_xlabel() for axis in figure.axes[:2]] == ["entry of θ"] * 2
    shades = [axis.images[0].get_array() for axis in figure.axes[:2]]
    assert [shade.max() for shade in shades] == [0, 2]
    assert shades[0].min() == 0
    assert (shades[1].mask == (matrix == 0)).all()  # exactly zero: not shaded, white
    np.testing.assert_array_equal(figure.axes[0].get_xticks(), [2.5, 7, 11.5, 15.5])


def test_tangent_flow_has_an_arrow_for_every_term_of_the_equations():
    figure = plots.tangent_flow()
    shown = [text.get_text() for text in figure.axes[0].texts]
    arrows = [text for text in figure.axes[0].texts if hasattr(text, "arrow_patch")]
    assert len(arrows) == 12  # 8 equations, 4 of them with two terms
    assert [f"(4.{i})" in shown for i in range(1, 9)] == [True] * 8


def test_first_order_draws_angles_shares_and_results():
    products, values = np.array([0.1, 1, 10]), np.array([[10, 20, 30]] * 3)
    ratios = {"100": (products, np.array([[1.0, 1.2, 2.0], [1.0, 1.4, 4.0]]))}
    figure = plots.first_order(products, values, values / 100, ratios)
    assert_axes_are_named(figure)
    drawn = [axis.lines[0].get_ydata().tolist() for axis in figure.axes]
    np.testing.assert_allclose(drawn, [[20] * 3, [0.2] * 3, [1, 1.3, 3]])


def test_the_map_of_one_step_names_every_quantity():
    figure = plots.map_of_one_step()
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    for quantity in ("θ′ = θ − α∘g", "dα = −g∘λ", "dθ = λ − ∇²L_s(α∘λ)", "X_q"):
        assert quantity in words


def test_paths_on_bowls_draw_each_path_and_say_where_it_ends():
    def loss(x, y):
        return x * x + 4 * y * y

    paths = {"slow": [(2, 1), (1, 0)], "fast": [(2, 1), (0, 0)]}
    figure = plots.paths_on_bowls({"a": (loss, paths, (-3, 3, -2, 2))}, ("u", "v"))
    assert_axes_are_named(figure)
    axis = figure.axes[0]
    for line, (name, path) in zip(axis.lines, paths.items(), strict=False):
        np.testing.assert_array_equal(line.get_xydata(), path)
        assert line.get_label() == f"{name}: ends at loss {loss(*path[-1]):.3g}"


def test_output_ceiling_draws_fits_errors_and_the_floor():
    X = np.linspace(-1, 1, 5)[:, None]
    fits = {"a": X, "b": 2 * X}
    losses = {"a": np.array([3.0, 2.0]), "b": np.array([3.0, 1.0])}
    figure = plots.output_ceiling(X, 3 * X, fits, losses, floor=0.5)
    assert_axes_are_named(figure)
    assert figure.axes[1].lines[-1].get_label() == "floor 0.5"
    np.testing.assert_array_equal(figure.axes[1].lines[1].get_ydata(), [3.0, 1.0])


def test_taylor_terms_draws_the_errors_it_is_given():
    errors = {"one term": np.array([0.1, 0.2]), "two": np.array([0.01, 0.04])}
    figure = plots.taylor_terms(np.array([0.1, 0.2]), errors)
    assert_axes_are_named(figure)
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), [0.01, 0.04])


def test_mse_over_seeds_draws_a_t_interval():
    losses = np.array([[4.0, 1.0], [4.0, 2.0], [4.0, 3.0]])  # (3 seeds, 2)
    figure = plots.mse_over_seeds({"Reptile": losses}, "new curves")
    assert_axes_are_named(figure)
    axis = figure.axes[0]
    assert axis.lines[0].get_ydata().tolist() == [4.0, 2.0]
    low, high = axis.collections[0].get_paths()[0].get_extents().intervaly
    np.testing.assert_allclose([low, high], 2 + 4.303 / np.sqrt(3) * np.array([-1, 1]))


def test_bending_ends_where_one_step_ends():
    learner, rng = MAML(NET, alpha=0.3), np.random.default_rng(0)
    trained = {"MAML": (learner, learner.start(rng))}
    figure = plots.bending(trained, Sinusoids(), np.random.default_rng(1), shots=6)
    assert [bool(axis.get_xlabel()) for axis in figure.axes] == [True] * 3
    rng = np.random.default_rng(1)
    curves = Sinusoids().sample_curves(rng, 3)
    X_s = rng.uniform(-5, 5, (3, 6, 1))
    path = adapt(
        NET, *learner.unpack(trained["MAML"][1]), X_s, Sinusoids().curve(curves, X_s)
    )
    for i, axis in enumerate(figure.axes):
        x = np.asarray(axis.lines[4].get_xdata())[:, None]
        expected = NET.forward(path[1, i], x)[:, 0]
        np.testing.assert_allclose(axis.lines[4].get_ydata(), expected)


def test_alpha_over_training_draws_size_and_sign_of_each_block():
    alphas = np.linspace(-1, 2, 3 * NET.n_params).reshape(3, -1)
    figure = plots.alpha_over_training(NET, [0, 100, 200], alphas)
    assert_axes_are_named(figure)
    size, share = (axis.lines[0].get_ydata() for axis in figure.axes)
    np.testing.assert_allclose(size, np.abs(alphas[:, :4]).mean(1))
    np.testing.assert_allclose(share, [100, 0, 0])


# Few-shot classification


def test_answers_are_marked_where_they_are_wrong():
    batch = FewShot(strokes(6, 8), ways=3).sample(np.random.default_rng(0), 2, 1, 2)
    wrong = (batch.Y_q + 1) % 3
    after = batch.Y_q.copy()
    after[1, 4] = (batch.Y_q[1, 4] + 2) % 3
    figure = plots.answered_tasks(batch, wrong, after, ways=3)
    titles = [axis.get_title() for axis in figure.axes]
    marked = [title for title in titles if title.endswith("✗")]
    assert marked == [f"{wrong[1, 4]}→{after[1, 4]} ✗"]
    assert titles.count("0→0") + titles.count("1→1") + titles.count("2→2") == 0
    assert titles.count("1→0") + titles.count("2→1") + titles.count("0→2") == 11


def test_answers_leave_out_what_would_not_fit():
    batch = FewShot(strokes(7, 8), ways=6).sample(np.random.default_rng(0), 1, 3, 4)
    figure = plots.answered_tasks(batch, batch.Y_q, batch.Y_q, ways=6, shown=2)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["0", "1", "", "0→0", "0→0", "1→1", "1→1"]
    support = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(support.ravel(), batch.X_s[0, 3])
    query = figure.axes[5].images[0].get_array()
    np.testing.assert_array_equal(query.ravel(), batch.X_q[0, 4])


def test_alpha_images_show_the_units_with_the_largest_alpha():
    net = TwoLayerNet(16, 5, 3, loss="softmax_cross_entropy")
    alpha = np.full(net.n_params, 0.1)
    net.blocks(alpha)["W1"][:, 3] = -0.7
    net.blocks(alpha)["W1"][5, 1] = 0.9
    figure = plots.alpha_images(net, alpha, units=2)
    shown = {axis.get_title(): axis for axis in figure.axes if axis.get_title()}
    assert list(shown) == ["unit 3", "unit 1"]
    pixels = shown["unit 1"].images[0].get_array()
    assert pixels.shape == (4, 4)
    assert pixels[1, 1] == pytest.approx(0.9)
    share = next(a for a in figure.axes if "negative" in a.get_ylabel())
    np.testing.assert_allclose(share.images[0].get_array(), 20)
    mean = next(a for a in figure.axes if "mean" in a.get_ylabel())
    scales = {axis.images[0].get_clim() for axis in (mean, *shown.values())}
    assert len(scales) == 1  # one scale, the same to both sides of 0
    assert sum(*scales) == 0
    dots = [len(axis.lines[0].get_xdata()) for axis in shown.values()]
    assert dots == [16, 0]  # one for each negative entry


def test_a_contact_sheet_has_a_row_for_each_alphabet():
    characters = strokes(4, 9)
    alphabets = np.array(["one", "one", "two_b", "two_b"])
    characters = Characters(characters.images, alphabets)
    figure = plots.contact_sheet(characters, letters=2, drawings=3)
    assert len(figure.axes) == 12
    labels = [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()]
    assert labels == ["one", "two b"]
    shown = figure.axes[7].images[0].get_array()  # row two, first letter, drawing 1
    expected = np.minimum(255 - characters.images[2, 1], 232)
    np.testing.assert_array_equal(shown, expected)


def test_accuracy_by_steps_draws_percentages_and_a_line_without_steps():
    figure = plots.accuracy_by_steps(
        {
            "Meta-SGD": Evaluation(np.array([[0.2, 0.4], [0.5, 0.7]])),
            "nearest neighbour": Evaluation(np.array([[0.4, 0.6]])),
        },
        "5-way",
    )
    assert_axes_are_named(figure)
    ours, nearest = figure.axes[0].lines
    np.testing.assert_allclose(ours.get_ydata(), [30, 60])
    np.testing.assert_allclose(nearest.get_ydata(), [50, 50])
    assert figure.axes[0].get_xlim() == (-0.2, 1.1)
    half = 196 * np.std([0.2, 0.4], ddof=1) / np.sqrt(2)
    (band,) = figure.axes[0].collections
    low, high = band.get_paths()[0].get_extents().intervaly
    np.testing.assert_allclose([low, high], [30 - half, 60 + half])


def test_the_first_steps_take_most_of_the_axis_of_steps():
    rng = np.random.default_rng(0)
    evaluations = {
        "MAML": Evaluation(rng.uniform(size=(6, 9))),
        "logistic regression": Evaluation(rng.uniform(size=(41, 9))),
    }
    axis = plots.accuracy_by_steps(evaluations, "5-way").axes[0]
    first, fifth, last = axis.transData.transform([(0, 0), (5, 0), (40, 0)])[:, 0]
    assert fifth - first > 0.5 * (last - first)


# Navigation and table 1


@pytest.fixture(scope="module")
def walked():
    """Five tasks, and trajectories of a random policy on them, twice."""
    policy, world = GaussianPolicy(DeepNet((2, 4, 2))), Navigation(horizon=20)
    rng = np.random.default_rng(0)
    tasks, theta = world.sample(rng, 5), policy.init(rng)
    return tasks, [world.roll_out(policy, theta, tasks, rng, 4) for _ in range(2)]


def test_the_rollouts_drawn_are_those_given(walked):
    tasks, pair = walked
    first = [t[:2] for t in pair]
    figure = plots.trajectories({"Meta-SGD": first}, tasks[:2], shown=3)
    assert len(figure.axes) == 2
    lines = figure.axes[1].get_lines()
    assert len(lines) == 3 + 3 + 2
    np.testing.assert_array_equal(lines[4].get_xydata(), pair[1].states[1, 1])
    np.testing.assert_array_equal(lines[-1].get_xydata()[0], tasks[1, 1])
    colours = lines[-1].get_mfc(), lines[4].get_color()  # of the goal, of a rollout
    grey = [np.dot(to_rgb(colour), (77, 150, 28)) for colour in colours]
    assert grey[0] - grey[1] > 80  # seen in grey as well
    assert figure.axes[0].get_xlabel() == "x (units of length)"
    assert f"→ −{-pair[1].returns[1]:.1f}" in figure.axes[1].get_title()


def test_a_rollout_settles_where_its_second_half_is_spent(walked):
    tasks, pair = walked
    figure = plots.landing({"MAML": pair}, tasks)
    assert_axes_are_named(figure)
    (points,) = figure.axes[0].collections
    settled = np.hypot(*pair[1].states[:, :, 10:].mean((1, 2)).T)
    expected = np.stack([np.hypot(*tasks[:, 1].T), settled], axis=1)
    np.testing.assert_allclose(points.get_offsets(), expected, rtol=1e-5)


def test_returns_by_steps_draws_learners_and_references():
    ours = Evaluation(np.array([[-9.0, -7.0], [-3.0, -1.0]]))
    references = {
        name: Evaluation(np.array([[mean, mean]]))
        for name, mean in (("random", -40.0), ("oracle", -0.5))
    }
    figure = plots.returns_by_steps({"MAML": ours}, references)
    assert_axes_are_named(figure)
    (bars,) = figure.axes[0].containers
    np.testing.assert_allclose(bars.lines[0].get_ydata(), [-8, -2])
    ends = np.array(bars.lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(np.ptp(ends, 1), 2 * ours.interval)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(labels) == ["MAML", "oracle", "random"]


def test_returns_over_seeds_draws_every_seed_and_students_interval():
    seeds = [Evaluation(np.array([[-9.0], [x]])) for x in (-4.0, -3.0, -2.0)]
    references = {"oracle": Evaluation(np.array([[-0.5]])), "stands still": -19.0}
    figure = plots.returns_over_seeds({"MAML": seeds}, references)
    assert_axes_are_named(figure)
    axis = figure.axes[0]
    thin = [line.get_ydata().tolist() for line in axis.lines[:3]]
    assert thin == [[-9, -4], [-9, -3], [-9, -2]]
    (bars,) = axis.containers
    np.testing.assert_allclose(bars.lines[0].get_ydata(), [-9, -3])
    ends = np.array(bars.lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(np.ptp(ends, 1), [0, 2 * 4.303 / np.sqrt(3)])
    assert {"oracle", "stands still"} <= {text.get_text() for text in axis.texts}


def test_return_curves_draw_returns_before_and_after_the_step():
    history = np.array([[-60.0, -50.0], [-40.0, -20.0]])
    figure = plots.return_curves({"MAML": TrainingState({}, 2, None, (), history)})
    assert_axes_are_named(figure)
    after, before = figure.axes[0].lines
    assert (before.get_label(), after.get_label()) == (
        "MAML, before",
        "MAML, after one step",
    )
    np.testing.assert_array_equal(before.get_xydata(), [[1, -60], [2, -40]])
    np.testing.assert_array_equal(after.get_xydata(), [[1, -50], [2, -20]])


def test_mse_by_shots_shows_ours_beside_the_papers():
    means = {"5": 1.0, "10": 2.0, "20": 3.0}
    by_trained = {
        trained: {
            name: {k: {"mean": m * x, "interval": 0.1} for k, m in means.items()}
            for name, x in (("Meta-SGD", 0.2), ("Reptile", 0.3), ("other", 0.4))
        }
        for trained in means
    }
    figure = plots.mse_by_shots(by_trained, SINUSOID_MSE, "title")
    assert len(figure.axes) == 3
    for axis, trained in zip(figure.axes, means, strict=True):
        assert trained in axis.get_title()
        drawn = [list(bars.lines[0].get_ydata()) for bars in axis.containers]
        ours = [[x * m for m in means.values()] for x in (0.2, 0.3, 0.4)]
        paper = [
            [float(text.split(" ")[0]) for text in texts]
            for texts in SINUSOID_MSE[int(trained)].values()
        ]
        assert drawn == ours + paper
