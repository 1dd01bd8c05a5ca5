"""Lines are named where they end."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from metasgd_np import plots


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


def names(axis):
    return {text.get_text(): text for text in axis.texts}


def test_each_line_is_named_once_in_its_colour_and_the_legend_goes(axis):
    axis.plot([0, 1], [0, 1], "k-", label="right")
    axis.plot([0, 1], [0, 0.5], "r--", label="wrong")
    axis.axhline(0.7)  # a line without a name
    axis.axhline(0.8, color="b", label="level")  # its x are shares of the axis
    axis.legend()
    axis.figure.legend()
    assert plots.name_lines(axis.figure) is axis.figure
    assert {name: text.get_color() for name, text in names(axis).items()} == {
        "right": "k",
        "wrong": "r",
        "level": "b",
    }
    assert names(axis)["level"].xy[0] == 1
    assert axis.get_legend() is None and not axis.figure.legends


def test_a_line_that_leaves_the_picture_is_named_where_it_is_last_seen(axis):
    axis.plot([0, 1, 2, 3], [1, 2, 90, 400], label="Meta-SGD: diverges, fast")
    axis.set_ylim(0, 4)
    plots.name_lines(axis.figure)
    (text,) = axis.texts
    assert text.get_text() == "Meta-SGD:\ndiverges,\nfast"
    across = axis.transAxes.inverted().transform(axis.transData.transform((1, 2)))[0]
    assert text.xy == (pytest.approx(across), pytest.approx(0.5))


def test_a_line_drawn_from_right_to_left_is_named_on_the_right(axis):
    axis.plot([2, 1, 0], [5, 6, 7], label="halved")
    plots.name_lines(axis.figure)
    assert axis.texts[0].xy[0] == 1 and axis.texts[0].xy[1] < 0.1


def test_names_of_lines_that_end_together_do_not_overlap(axis):
    for i in range(4):
        axis.semilogy([1, 2], [10, 1 + i / 1000], label=f"line {i}")
    axis.set_ylim(0.1, 20)
    plots.name_lines(axis.figure)
    axis.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axis.texts]
    tops = np.array([box.y1 for box in boxes[:-1]])
    assert (tops <= np.array([box.y0 for box in boxes[1:]])).all()


def test_the_names_are_inside_the_figure(axis):
    axis.plot([0, 1], [0, 1], label="a name that is rather long")
    plots.name_lines(axis.figure)
    axis.figure.canvas.draw()
    (text,) = axis.texts
    assert text.get_window_extent().x1 <= axis.figure.bbox.x1
