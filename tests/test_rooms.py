"""A room imports only rooms above it; no module has the name of a public function."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    "checks",
    "net_checks",
    "files",
    "activations",
    "losses",
    "interface",
    "network",
    "second_order",
    "deep_net",
    "adaptation",
    "optimizers",
    "learners",
    "training",
    "checkpoints",
    "tasks",
    "worksheets",
    "gradient_check",
    "reinforcement",
    "plots",
    "classroom",
    "experiments",
    "terminal",
    "cli",
    "__main__",
)
VERSION = {"metasgd_np.__version__"}  # the one thing that any room may ask the package
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted((ROOT / "metasgd_np").rglob("*.py"))
}
MODULES = {name.removesuffix(".__init__"): path for name, path in PATHS.items()}
WINGS = [name for name in MODULES if f"{name}.__init__" in PATHS and "." in name]


def imported(module, text):
    """What `text`, as the module of this name, imports of the package."""
    inside = module.split(".") + ["__init__"] * (f"{module}.__init__" in PATHS)
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = inside[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            full = {f"{base}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else base for name in full - VERSION}
    return {name for name in names if name.split(".")[0] == "metasgd_np"}


def room(module):
    """The room that a module belongs to: metasgd_np.tasks.batch → tasks."""
    return module.split(".")[1] if "." in module else "the package itself"


def out_of_order(module, text):
    """The rooms that a module imports and may not."""
    mine = room(module)
    above = ROOMS[: ROOMS.index(mine) + 1]
    if mine == "tasks":
        above = ("checks", "files", "tasks")
    return {room(name) for name in imported(module, text)}.difference(above)


def circle(texts):
    """The modules of a circle of imports, or None."""
    graph = {module: imported(module, text) for module, text in texts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]


@pytest.mark.parametrize("module", [name for name in MODULES if "." in name])
def test_a_room_imports_only_rooms_above_it(module):
    assert room(module) in ROOMS, "give the new room its place in ROOMS"
    assert out_of_order(module, MODULES[module].read_text("utf-8")) == set()


@pytest.mark.parametrize("wing", WINGS)
def test_the_modules_of_a_wing_import_one_another_without_circles(wing):
    inside = {name: path for name, path in MODULES.items() if name.startswith(wing)}
    texts = {name: path.read_text("utf-8") for name, path in inside.items()}
    assert circle(texts) is None


def test_no_module_has_the_name_of_a_function_or_class():
    public = {
        name
        for package in ("metasgd_np", *WINGS)
        for name in getattr(import_module(package), "__all__", ())
    }
    for path in MODULES.values():
        defined = ast.parse(path.read_text("utf-8")).body
        public |= {node.name for node in defined if hasattr(node, "name")}
    assert public & {name.rsplit(".", 1)[1] for name in MODULES if "." in name} == set()


def test_the_guide_for_contributors_lists_the_rooms_in_order():
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    listed = re.search(r"without cycles\.\n\n(.*?)\n\n", guide, re.DOTALL)[1]
    assert tuple(re.findall(r"`(\w+)`", listed)) == ROOMS[:-1]


@pytest.mark.parametrize(
    ("module", "text", "expected"),
    [
        ("metasgd_np.network", "from .second_order import hvp", {"second_order"}),
        ("metasgd_np.network", "from . import plots, checks", {"plots"}),
        ("metasgd_np.network", "def f():\n    import metasgd_np.cli", {"cli"}),
        ("metasgd_np.network", "import numpy\nfrom .losses import get_loss", set()),
        ("metasgd_np.tasks.batch", "from ..network import TwoLayerNet", {"network"}),
        ("metasgd_np.tasks", "from .batch import TaskBatch", set()),
        ("metasgd_np.cli", "from . import TwoLayerNet", {"the package itself"}),
        ("metasgd_np.cli", "from . import __version__", set()),
    ],
)
def test_an_import_from_below_is_found(module, text, expected):
    assert out_of_order(module, text) == expected


def test_a_circle_is_found():
    batch, sinusoids = "metasgd_np.tasks.batch", "metasgd_np.tasks.sinusoids"
    texts = {
        batch: "from . import sinusoids",
        sinusoids: "from .batch import TaskBatch",
    }
    assert set(circle(texts)) == {batch, sinusoids}
