"""Figures of the derivations: shapes, contours, Hessians, errors of approximations."""

import matplotlib.pyplot as plt
import numpy as np


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
