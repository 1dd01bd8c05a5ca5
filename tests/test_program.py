"""00's program is what the path builds and what the package computes."""

import ast

import notebook_pages as pages
import notebook_tools as tools
import numpy as np
import pytest

from metasgd_np import TaskBatch, TwoLayerNet, meta_gradient

SOURCE = next(c.source for c in tools.read(pages.FIRST).cells if c.id == "program")
SHAPES = {"D": 2, "H": 5, "O": 3}


@pytest.fixture
def program():
    """The program's functions, without its training, for a network of SHAPES."""
    tree = ast.parse(SOURCE)
    tree.body = [n for n in tree.body if isinstance(n, ast.Import | ast.FunctionDef)]
    names = dict(SHAPES)
    exec(compile(tree, "<program>", "exec"), names)
    return names


@pytest.fixture
def example():
    """theta, alpha and a batch; T, D, H, O and both N differ, weights of order one."""
    rng = np.random.default_rng(5)
    P = (2 + 1) * 5 + (5 + 1) * 3
    sizes = (4, 7, 2), (4, 7, 3), (4, 8, 2), (4, 8, 3)
    batch = TaskBatch(*(rng.standard_normal(size) for size in sizes))
    return rng.standard_normal(P), 0.3 * rng.standard_normal(P), batch


def relative(found, true):
    return np.abs(found - true).max() / np.abs(true).max()


def test_it_has_at_most_sixty_lines_and_imports_numpy_only():
    assert pages.count_lines(SOURCE) <= 60
    imports = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports == ["import numpy as np"]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_its_meta_gradient_is_the_packages(program, example, steps):
    theta, alpha, batch = example
    data = batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    found = program["meta_gradient"](theta, alpha, *data, steps=steps)
    net = TwoLayerNet(2, 5, 3, activation="tanh", loss="squared_error")
    true = meta_gradient(net, theta, alpha, batch, steps=steps)
    assert relative(found[0], true.d_theta) < 1e-12
    assert relative(found[1], true.d_alpha) < 1e-12


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_its_meta_gradient_is_the_complex_steps(program, example, steps):
    theta, alpha, batch = example

    def query_loss(theta, alpha):
        theta_J = program["adapt"](theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        error = program["forward"](theta_J, batch.X_q)[1] - batch.Y_q
        return (error**2).sum(-1).mean()

    data = batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    found = program["meta_gradient"](theta, alpha, *data, steps=steps)
    tiny = 1e-30j * np.eye(len(theta))
    in_theta = [query_loss(theta + e, alpha).imag / 1e-30 for e in tiny]
    in_alpha = [query_loss(theta, alpha + e).imag / 1e-30 for e in tiny]
    assert relative(found[0], np.array(in_theta)) < 1e-12
    assert relative(found[1], np.array(in_alpha)) < 1e-12


@pytest.mark.parametrize("path", pages.PATH, ids=lambda path: path.name)
def test_a_chapter_defines_its_functions_in_the_same_words(path):
    program = pages.functions_of(pages.FIRST)
    for name, source in pages.functions_of(path).items():
        assert source == program.get(name, source), name


NEW = {  # the functions that each chapter adds to those of the chapters before it
    "01": set(),
    "02": {"append", "unpack", "pack", "forward", "backward"},
    "03": set(),
    "04": {"hvp"},
    "05": {"sample", "adapt"},
    "06": {"meta_gradient"},
}


@pytest.mark.parametrize("chapter", NEW)
def test_a_chapter_holds_the_program_so_far(chapter):
    path = next(path for path in pages.PATH if path.name.startswith(chapter))
    program = pages.functions_of(pages.FIRST).keys()
    so_far = set().union(*(names for n, names in NEW.items() if n <= chapter))
    assert program & pages.functions_of(path).keys() == so_far
    assert chapter != "06" or so_far == program
