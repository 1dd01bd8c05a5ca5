"""Every figure longer than ten lines; each function returns a Matplotlib Figure."""

import matplotlib.pyplot as plt
import numpy as np

from .meta_gradient import adapt
from .training import BLOCK

# One look per learner in every figure, told apart by line and marker without colour.
STYLES = {
    "Meta-SGD": {"color": "#0b6e4f", "linestyle": "-", "marker": "o"},
    "MAML": {"color": "#c8553d", "linestyle": "--", "marker": "s"},
    "joint training": {"color": "#3d5a9e", "linestyle": ":", "marker": "^"},
    "Reptile": {"color": "#8d6a9f", "linestyle": "-.", "marker": "D"},
}


def fits(trained, tasks, rng, shots, steps=(0, 1, 10)):
    """Curves of each learner on one new task after a few numbers of steps.

    trained : {name: (learner, w)}    the same task is given to all
    """
    curves = tasks.sample_curves(rng, 1)
    low, high = tasks.x_range
    X_s = rng.uniform(low, high, (shots, 1))
    Y_s = tasks.curve(curves, X_s)[0]
    X = np.linspace(low, high, 200)[:, None]
    limit = 2 * tasks.amplitude[1]
    figure, axes = plt.subplots(
        1, len(trained), figsize=(3 * len(trained), 3.3), sharey=True, squeeze=False
    )
    looks = [("0.6", ":"), ("k", "--"), ("tab:red", "-")]
    for axis, (name, (learner, w)) in zip(axes[0], trained.items(), strict=True):
        path = adapt(learner.net, *learner.unpack(w), X_s, Y_s, max(steps))
        axis.plot(X, tasks.curve(curves, X)[0], color="tab:blue", lw=5, alpha=0.35)
        for step, (color, line) in zip(steps, looks, strict=True):
            label = f"{step} step{'' if step == 1 else 's'}"
            F = learner.net.forward(path[step], X)
            axis.plot(X, F, color=color, linestyle=line, label=label)
            if np.abs(F).max() > limit:
                note = f"after {label}: up to |y| = {np.abs(F).max():.0f}"
                axis.text(0.03, 0.03, note, transform=axis.transAxes, fontsize=8)
        axis.plot(X_s, Y_s, "k.", ms=9)
        axis.set(title=name, xlabel="x")
    axes[0, 0].set(ylabel="y", ylim=(-limit, limit))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(steps), frameon=False)
    figure.suptitle(f"A new sine wave (wide line) learned from {shots} points (dots)")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def mse_by_steps(evaluations, shots, trained_steps=1):
    """Query MSE after 0, 1, … steps, mean and 95 % interval; {name: Evaluation}.

    The axis ends at twice the largest mean before adaptation; what rises above it is
    told in the figure, for a learner trained for one step may not bear many.
    """
    figure, axis = plt.subplots(figsize=(6.4, 4))
    top = 2 * max(evaluation.mean[0] for evaluation in evaluations.values())
    for name, evaluation in evaluations.items():
        mean, interval = evaluation.mean, evaluation.interval
        steps = np.arange(len(mean))
        shown = np.where(mean < top, interval, np.nan)
        label = name
        if mean.max() > top:
            label = f"{name}: trained for {trained_steps} step, diverges after more"
        axis.plot(steps, mean, label=label, **STYLES[name])
        color = STYLES[name]["color"]
        axis.fill_between(steps, mean - shown, mean + shown, color=color, alpha=0.15)
    axis.set(
        xlabel="gradient steps on the new task",
        ylabel="test MSE (units of y²)",
        ylim=(0, top),
        xticks=steps,
    )
    n_tasks = evaluation.scores.shape[-1]
    axis.set_title(
        f"{shots}-shot test: mean of {n_tasks} new curves, one seed; "
        "band: 95 % interval",
        fontsize=10,
    )
    axis.legend(loc="upper right")
    figure.tight_layout()
    return figure


def alpha_by_block(net, alpha, start):
    """Histograms of the learned α, a panel a block; `start` is where α began."""
    blocks = net.blocks(alpha)
    figure, axes = plt.subplots(1, len(blocks), figsize=(9, 3.1))
    for axis, (name, values) in zip(axes, blocks.items(), strict=True):
        axis.axvspan(*start, color="tab:orange", alpha=0.5, label="α before training")
        axis.axvline(0, color="k", lw=0.8)
        if values.size == 1:
            axis.vlines(values, 0, 1, color="#0b6e4f", lw=4)
        else:
            axis.hist(values.ravel(), bins=20, color="#0b6e4f")
        negative = int((values < 0).sum())
        axis.set(title=f"{name}: {negative} of {values.size} negative", xlabel="α")
        axis.title.set_size(10)
    axes[0].set_ylabel("entries")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower left", frameon=False)
    figure.suptitle("Step sizes α that Meta-SGD learned, by block of θ")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    return figure


def learning_curves(states):
    """Training loss by iteration, each point the mean of a block; {name: state}."""
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, state in states.items():
        x = np.minimum(BLOCK * np.arange(1, len(state.losses) + 1), state.iteration)
        axis.plot(x, state.losses, label=name, **{**STYLES[name], "marker": None})
    axis.set(xlabel="iteration", ylabel="training loss (units of y²)")
    axis.set_ylim(bottom=0)
    axis.set_title(f"Training loss, mean of each {BLOCK} iterations, one seed", size=10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def medians(panels, xlabel, lowest=None):
    """Median of several runs against a logarithmic axis, with the band 10 to 90 %.

    panels : {title: (ylabel, scale, {label: (x (n,), values (runs, n))})}
        scale is "log" or "linear"
    lowest : number    values below it are drawn at it: rounding reaches 0, a log cannot
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(min(4.5 * len(panels) + 1.5, 9), 4), squeeze=False
    )
    looks = [
        {"color": "#0b6e4f", "linestyle": "-", "marker": "o"},
        {"color": "#c8553d", "linestyle": "--", "marker": "s"},
        {"color": "#3d5a9e", "linestyle": ":", "marker": "^"},
    ]
    for axis, (title, panel) in zip(axes[0], panels.items(), strict=True):
        ylabel, scale, lines = panel
        for look, (label, (x, values)) in zip(looks, lines.items(), strict=False):
            shown = values if lowest is None else np.maximum(values, lowest)
            low, middle, high = np.percentile(shown, [10, 50, 90], axis=0)
            axis.plot(x, middle, label=label, ms=4, **look)
            axis.fill_between(x, low, high, color=look["color"], alpha=0.15, lw=0)
        axis.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale=scale)
        axis.set_title(title, size=10)
        axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def errors_and_cosines(names, errors, cosines):
    """One row a name: relative error and cosine of a wrong dθ (circle), dα (square).

    errors, cosines : {label: (R,)}    NaN, the cosine of a zero vector, is left out
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 5), sharey=True)
    rows = np.arange(len(names))
    looks = [
        {"marker": "o", "mec": "#3d5a9e", "mfc": "none", "ms": 9, "ls": "none"},
        {"marker": "s", "mec": "#c8553d", "mfc": "#c8553d", "ms": 5, "ls": "none"},
    ]
    for axis, series in zip(axes, (errors, cosines), strict=True):
        for (label, values), look in zip(series.items(), looks, strict=True):
            axis.plot(values, rows, label=label, **look)
        axis.axvline(0, color="k", lw=0.8)
        axis.grid(axis="y", color="0.85")
    axes[0].set_xscale("symlog", linthresh=0.1, linscale=0.5)
    largest = max(np.nanmax(values) for values in errors.values())
    axes[0].set(yticks=rows, xlabel="relative error (0 is exact)")
    axes[0].set_xlim(-0.03, 2 * largest)
    ticks = [x for x in (0, 0.1, 1, 10, 100) if x < 2 * largest]
    axes[0].set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes[0].set_yticklabels(names, fontsize=8)
    axes[0].invert_yaxis()
    axes[1].set(xlabel="cosine with the exact gradient (1 is right)")
    axes[1].legend(loc="lower left", frameon=True)
    figure.tight_layout()
    return figure


def loss_ratios(names, ratios, limit):
    """One row a name: loss after training / before, a dot a seed, ratios (R, seeds).

    The first row is the standard; a wide band shows its range in all rows. What
    exceeds `limit` or is NaN is drawn as an arrow at the right edge.
    """
    figure, axis = plt.subplots(figsize=(8, 5))
    axis.axvspan(ratios[0].min(), ratios[0].max(), color="0.85")
    axis.axvline(1, color="k", lw=0.8, ls="--")
    for row, values in enumerate(ratios):
        inside = values[values <= limit]
        axis.plot(inside, np.full(len(inside), row), "o", mec="#0b6e4f", mfc="none")
        if len(inside) < len(values):
            note = f"{len(values) - len(inside)} of {len(values)} seeds →"
            axis.text(limit, row, note, ha="right", va="center", fontsize=8)
    axis.set(xscale="log", xlim=(None, 1.05 * limit), yticks=range(len(names)))
    ticks = [x for x in (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10) if x <= limit]
    axis.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axis.set_xticks([], minor=True)
    axis.set_yticklabels(names, fontsize=8)
    axis.set_xlabel("loss on new tasks, after training / before training")
    axis.invert_yaxis()
    figure.tight_layout()
    return figure


def arrows_on_contours(loss, start, steps, reach=1.5):
    """Contours of a loss of two parameters, and one arrow from `start` a step.

    loss : (θ1, θ2) arrays → array    steps : {label: (2,)}    start : (2,)
    """
    figure, axis = plt.subplots(figsize=(5.6, 4.6))
    grid = np.linspace(-reach, reach, 121)
    A, B = np.meshgrid(start[0] + grid, start[1] + grid)
    axis.contour(A, B, np.sqrt(loss(A, B)), 14, colors="0.7", linewidths=0.8)
    looks = [("#c8553d", "--"), ("#0b6e4f", "-")]
    for (label, step), (color, line) in zip(steps.items(), looks, strict=True):
        end = np.add(start, step)
        arrow = {"arrowstyle": "->", "color": color, "ls": line, "lw": 2}
        arrow |= {"shrinkA": 0, "shrinkB": 0}
        axis.annotate("", end, start, arrowprops=arrow)
        axis.plot([], [], color=color, ls=line, lw=2, label=label)
    axis.plot(*start, "ko")
    axis.set(xlabel="θ1", ylabel="θ2", aspect="equal")
    axis.legend(loc="lower left", framealpha=1)
    figure.tight_layout()
    return figure


CENTRED = {"ha": "center", "va": "center"}
BACKWARD_ARROWS = (5, 4, -6), (5, 3, -6), (3, 2, -6), (2, 1, -6)  # from, to, height


def shape_flow(net, n_examples):
    """The arrays of a forward and backward pass to scale, each above its gradient."""
    N, D, H, outputs = n_examples, net.n_in, net.n_hidden, net.n_out
    arrays = [  # name, rows, columns, its formula, and that of its gradient
        (r"\tilde{X}", N, D + 1, "[X 1]", ""),
        ("W_1", D + 1, H, "weights", r"$\tilde{X}^\top dZ_1$ (2.9)"),
        ("Z_1", N, H, r"$\tilde{X}\,W_1$ (2.1)", r"$dH_1\circ\varphi'(Z_1)$ (2.8)"),
        ("H_1", N, H, r"$\varphi(Z_1)$ (2.2)", r"$dF\,\bar{W}_2^\top$ (2.7)"),
        ("W_2", H + 1, outputs, "weights", r"$\tilde{H}_1^\top dF$ (2.6)"),
        ("F", N, outputs, r"$\tilde{H}_1 W_2$ (2.3)", r"$\partial L/\partial F$ (2.5)"),
    ]
    figure, axis = plt.subplots(figsize=(8.7, 4.1))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(-0.5, 57), ylim=(-12, 15.5))
    axis.set_axis_off()
    for start, end, y in [*((i, i + 1, 8) for i in range(5)), *BACKWARD_ARROWS]:
        bend = f"arc3,rad={abs(end - start) - 1}"
        look = {"arrowstyle": "->", "connectionstyle": bend}
        gap = 3 if end > start else -3
        ends = (3.5 + 10 * end - gap, y), (3.5 + 10 * start + gap, y)
        axis.annotate("", *ends, arrowprops=look)
    axis.text(28, 14.7, "forward ⟶", fontsize=13, **CENTRED)
    axis.text(28, 1.3, "⟵ backward", fontsize=13, **CENTRED)
    for i, (name, *sizes, made, gradient) in enumerate(arrays):
        draw_array(axis, 3.5 + 10 * i, 8, name, *sizes, made)
        if gradient:
            draw_array(axis, 3.5 + 10 * i, -6, "d" + name, *sizes, gradient)
    return figure


def draw_array(axis, x, y, name, rows, columns, formula):
    """A rectangle to scale around (x, y), with its name, shape and formula."""
    folded = "W" in name
    look = {"facecolor": "0.93" if folded else "0.7", "edgecolor": "k"}
    corner = x - columns / 2, y - rows / 2
    axis.add_patch(plt.Rectangle(corner, columns, rows, **look))
    if folded:  # the last row holds the bias
        axis.add_patch(plt.Rectangle(corner, columns, 1, hatch="////", **look))
    axis.text(x, y + 4.7, f"${name}$  {rows} × {columns}", **CENTRED)
    axis.text(x, y - 4.7, formula, fontsize=9, **CENTRED)


def hessian_blocks(net, matrices, columns=2):
    """Size of each entry of (P, P) matrices, by block of θ; {title: matrix}.

    Shades go with the logarithm over three decades below the largest entry of all.
    """
    rows = -(-len(matrices) // columns)
    size = (8.7, rows * 7.7 / columns + 0.4)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained"
    )
    blocks = net.blocks(np.zeros(net.n_params))
    ends = np.cumsum([block.size for block in blocks.values()])
    middles = (np.append(0, ends[:-1]) + ends) / 2 - 0.5
    top = np.log10(max(np.abs(matrix).max() for matrix in matrices.values()))
    for axis, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        shade = np.log10(np.maximum(np.abs(matrix), 10.0 ** (top - 3)))
        image = axis.imshow(shade, cmap="Greys", vmin=top - 3, vmax=top)
        for end in ends[:-1] - 0.5:
            axis.axhline(end, color="tab:blue", lw=1)
            axis.axvline(end, color="tab:blue", lw=1)
        axis.set_xticks(middles, blocks)
        axis.set_yticks(middles, blocks)
        axis.tick_params(length=0, labelsize=8)
        axis.set(xlabel="entry of θ", ylabel="entry of θ")
        axis.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, label="log₁₀ |entry|; white: smaller", shrink=0.8)
    return figure


def map_of_one_step():
    """The map of one Meta-SGD step: forwards on the upper road, back on the lower."""
    figure, axis = plt.subplots(figsize=(9, 4.4))
    boxes = {
        "start": (1.2, 3.3, "start θ\nstep sizes α"),
        "support": (4, 5, "support set\nX_s, Y_s"),
        "slope": (4, 3.3, "slope there\ng = ∇L_s(θ)"),
        "step": (6.8, 3.3, "one step\nθ′ = θ − α∘g"),
        "query": (9.4, 5, "query set\nX_q, Y_q"),
        "loss": (9.4, 3.3, "judged by\nL_q(θ′)"),
        "lam": (9.4, 1, "slope there\nλ = ∇L_q(θ′)"),
        "d_alpha": (5.4, 1.6, "dα = −g∘λ"),
        "d_theta": (5.4, 0.4, "dθ = λ − H_s(α∘λ)"),
        "update": (1.2, 1, "mean over the tasks:\nmove θ along −dθ,\nα along −dα"),
    }
    forwards = "start slope, support slope, slope step, step loss, query loss"
    backwards = "loss lam, lam d_alpha, lam d_theta, d_alpha update, d_theta update"
    texts = {}
    for name, (x, y, words) in boxes.items():
        given = name in ("support", "query")
        frame = {"boxstyle": "round,pad=0.5", "fc": "0.9" if given else "w", "ec": "k"}
        texts[name] = axis.text(x, y, words, ha="center", va="center", bbox=frame)
    axis.set(xlim=(-0.5, 10.7), ylim=(-0.2, 5.7))
    axis.axis("off")
    figure.canvas.draw()  # gives every frame its size, where the arrows end
    for pairs, line in ((forwards, "-"), (f"{backwards}, update start", "--")):
        for pair in pairs.split(", "):
            tail, head = (texts[name] for name in pair.split())
            look = {"arrowstyle": "->", "linestyle": line, "lw": 1.4}
            look |= {"patchA": tail.get_bbox_patch(), "patchB": head.get_bbox_patch()}
            where = {"xy": head.get_position(), "xytext": tail.get_position()}
            axis.annotate("", **where, arrowprops=look)
    return figure


def paths_on_bowls(bowls, names):
    """Contours of losses of two parameters, and paths of descent on them.

    bowls : {title: (loss, {label: path (J+1, 2)}, limits (x0, x1, y0, y1))}
    names : the two parameters, for the axes. Labels give the loss where a path ends.
    """
    looks = [("#c8553d", "--", "s"), ("#0b6e4f", "-", "o"), ("#3d5a9e", ":", "^")]
    size = (4.4 * len(bowls) if len(bowls) > 1 else 6.4, 4.2)
    figure, axes = plt.subplots(1, len(bowls), figsize=size, squeeze=False)
    for axis, (title, bowl) in zip(axes[0], bowls.items(), strict=True):
        loss, paths, limits = bowl
        x = np.linspace(*limits[:2], 200)
        y = np.linspace(*limits[2:], 200)
        values = loss(x[None, :], y[:, None])  # (200, 200)
        levels = values.max() * np.linspace(0.02, 1, 12) ** 2
        axis.contour(x, y, values, levels, colors="0.75", linewidths=0.8)
        for (name, path), (color, line, marker) in zip(
            paths.items(), looks, strict=False
        ):
            points = np.array(path, dtype=float)  # (J+1, 2)
            label = f"{name}: ends at {loss(*points[-1]):.3g}"
            look = {"color": color, "linestyle": line, "marker": marker}
            axis.plot(*points.T, label=label, **look)
        axis.plot(*points[0], "kX", ms=10)
        axis.set(xlabel=names[0], ylabel=names[1], aspect="equal")
        axis.set_title(title, size=10)
        axis.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    return figure


def output_ceiling(X, Y, fits, losses, floor):
    """What two networks make of one curve, and their errors while they fit it.

    X, Y : (N, 1)    fits : {name: F (N, 1)}    losses : {name: (steps,)}
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.plot(X, Y, color="tab:blue", lw=5, alpha=0.35, label="the curve")
    for limit in (-1, 1):
        left.axhline(limit, color="0.6", lw=0.8)
    for (name, F), line in zip(fits.items(), ("--", "-"), strict=True):
        left.plot(X, F, "k" + line, label=name)
        right.semilogy(losses[name], "k" + line, label=name)
    right.axhline(floor, color="#c8553d", ls=":", label=f"floor {floor:.3g}")
    left.set(xlabel="x (radians)", ylabel="y", ylim=(-8, 6))
    right.set(xlabel="Adam steps", ylabel="squared error (units of y²)")
    for axis in (left, right):
        axis.legend(fontsize=8, frameon=False, loc="lower left")
    figure.tight_layout()
    return figure


def taylor_terms(alphas, errors):
    """Relative error of Taylor's first terms against the inner rate, on log axes."""
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    looks = ("k--s", "k-o", "k:^")
    for (name, error), look in zip(errors.items(), looks, strict=False):
        axis.loglog(alphas, error, look, label=name)
    axis.set(xlabel="inner rate α", ylabel="relative error of the terms")
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def mse_over_seeds(runs, title):
    """Test MSE by steps: mean over seeds, band a 95 % t interval; {name: (S, J+1)}.

    Meant for two to five seeds: the quantiles of Student's t are written out.
    """
    quantile = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
    figure, axis = plt.subplots(figsize=(6.4, 4))
    for name, losses in runs.items():
        n_seeds = len(losses)
        mean, steps = losses.mean(0), np.arange(losses.shape[1])
        half = quantile[n_seeds] * losses.std(0, ddof=1) / np.sqrt(n_seeds)
        every = max(1, len(steps) // 8)  # points between two markers
        axis.plot(steps, mean, label=name, markevery=every, **STYLES[name])
        color = STYLES[name]["color"]
        axis.fill_between(steps, mean - half, mean + half, color=color, alpha=0.2)
    axis.set(xlabel="gradient steps on the new curve", ylabel="test MSE (units of y²)")
    axis.set_ylim(bottom=0)
    axis.set_title(f"{title}: mean of {n_seeds} seeds; band: 95 % interval", size=10)
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure


def bending(trained, tasks, rng, shots, fractions=(0, 0.25, 0.5, 0.75, 1)):
    """Three new curves, a column each: a learner's fit bending along its one step.

    trained : {name: (learner, w)}    a row each; fractions : shares of α∘g taken
    """
    curves = tasks.sample_curves(rng, 3)  # each (3, 1, 1)
    low, high = tasks.x_range
    X_s = rng.uniform(low, high, (3, shots, 1))
    Y_s = tasks.curve(curves, X_s)  # (3, shots, 1)
    X = np.linspace(low, high, 200)[:, None]
    truth = tasks.curve(curves, X)  # (3, 200, 1)
    size = (9, 2.3 * len(trained) + 0.5)
    figure, axes = plt.subplots(len(trained), 3, figsize=size, squeeze=False)
    for row, (name, (learner, w)) in zip(axes, trained.items(), strict=True):
        before, after = adapt(learner.net, *learner.unpack(w), X_s, Y_s)  # (3, P)
        for share in fractions:
            F = learner.net.forward(before + share * (after - before), X)
            for axis, f in zip(row, F, strict=True):
                axis.plot(X, f, "-" if share else ":", color=str(0.8 - 0.8 * share))
        mse = ((F - truth) ** 2).mean((1, 2))  # (3,) after the whole step
        for i, axis in enumerate(row):
            axis.plot(X, truth[i], color="tab:blue", lw=6, alpha=0.3)
            axis.plot(X_s[i], Y_s[i], "k.", ms=9)
            axis.set(title=f"{name}: MSE {mse[i]:.2f} after one step", ylim=(-6, 6))
            axis.title.set_size(9)
        row[0].set_ylabel("y")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    figure.tight_layout()
    return figure


def alpha_over_training(net, iterations, alphas):
    """Mean |α| and the share of negative entries of each block as training goes on.

    iterations : (B,); alphas : (B, P), α at these iterations
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    looks = ["-", "--", "-.", ":"]
    for (name, values), look in zip(net.blocks(alphas).items(), looks, strict=True):
        flat = values.reshape(len(alphas), -1)  # (B, entries)
        axes[0].plot(iterations, np.abs(flat).mean(-1), look, color="k", label=name)
        axes[1].plot(iterations, 100 * (flat < 0).mean(-1), look, color="k")
    axes[0].set(xlabel="iteration", ylabel="mean |α|", yscale="log")
    axes[1].set(xlabel="iteration", ylabel="negative entries (%)", ylim=(0, 100))
    axes[0].legend(title="block of θ")
    figure.tight_layout()
    return figure
