"""Docstrings are numpydoc, as its own validator reads it, and public names have types.

pyproject.toml lists what every docstring must pass. A public name also documents each
parameter and what it returns, and shows an example; pytest runs the examples.
"""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from numpydoc.hooks.validate_docstrings import AstValidator, parse_config
from numpydoc.validate import validate

import metasgd_np

FORM = parse_config(Path(__file__).parents[1])["checks"]
IN_FULL = FORM | {"PR01", "RT01", "YD01", "EX01"}
ROOMS = ("", ".classroom", ".gradient_check", ".reinforcement", ".tasks", ".worksheets")
MODULES = ["metasgd_np"] + [
    module.name
    for module in walk_packages(metasgd_np.__path__, "metasgd_np.")
    if not module.name.endswith("__main__")
]


def full_name(thing):
    """The name of a function or class, where it is defined."""
    return f"{thing.__module__}.{thing.__qualname__}"


def written_in(cls):
    """The methods and properties in a class's text, without __dunder__ ones, by name.

    Those that a dataclass or a named tuple adds have no docstring of ours.
    """
    functions = {}
    for name, attribute in vars(cls).items():
        inside = getattr(attribute, "fget", getattr(attribute, "func", attribute))
        function = inspect.unwrap(inside)  # of a property, a method or a class method
        ours = getattr(function, "__module__", None) == cls.__module__
        if ours and inspect.isfunction(function) and not name.startswith("_"):
            functions[f"{full_name(cls)}.{name}"] = function
    return functions


def all_of(module):
    """The names of the functions, classes, methods and properties of a module."""
    names = []
    for thing in vars(module).values():
        ours = getattr(thing, "__module__", None) == module.__name__
        if ours and inspect.isclass(thing):
            names += [full_name(thing), *written_in(thing)]
        elif ours and inspect.isfunction(thing):
            names.append(full_name(thing))
    return names


def public(room):
    """What a room offers, by full name: functions, and classes with their methods."""
    module = import_module(f"metasgd_np{room}")
    things = {}
    for thing in [getattr(module, name) for name in module.__all__]:
        if callable(thing):
            things[full_name(thing)] = thing
        for cls in getattr(thing, "__mro__", ()):
            if cls.__module__.startswith("metasgd_np"):
                things |= written_in(cls)
    return {name: it for name, it in things.items() if "._" not in name}


def problems(name, checks, **node):
    """What the validator finds in one docstring, a line for each."""
    found = validate(name, AstValidator if node else None, **node)
    if "property" in found["type"]:
        checks = checks - {"EX01"}  # the class's example shows it
    return [
        f"{name}: {code} {text}" for code, text in found["errors"] if code in checks
    ]


@pytest.mark.parametrize("module", MODULES)
def test_every_docstring_has_the_form(module):
    module = import_module(module)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    node = {"ast_node": tree, "filename": module.__file__, "ancestry": []}
    found = problems(module.__name__, FORM, **node)  # its own, read from its text
    found += [line for name in all_of(module) for line in problems(name, FORM)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_name_is_documented_in_full(room):
    offered = import_module(f"metasgd_np{room}").__all__
    names = [name for name in public(room) if name.rsplit(".", 1)[1] in offered]
    assert names
    found = [line for name in names for line in problems(name, IN_FULL)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_signature_carries_type_hints(room):
    missing = []
    for name, thing in public(room).items():
        signature = inspect.signature(thing)
        for parameter in signature.parameters.values():
            own = parameter.name in ("self", "cls")
            if parameter.annotation is parameter.empty and not own:
                missing.append(f"{name}: {parameter.name}")
        if signature.return_annotation is signature.empty and inspect.isfunction(thing):
            missing.append(f"{name}: what it returns")
    assert not missing, "\n".join(missing)


def undocumented(theta: float, steps: int = 1) -> float:
    """Wrong in many ways

    Parameters
    ----------
    steps: int
        how many
    """
    return theta * steps


def test_the_validator_finds_what_is_missing():
    found = {line.split()[1] for line in problems(full_name(undocumented), IN_FULL)}
    assert {"SS03", "PR01", "PR10", "PR08", "PR09", "RT01", "EX01"} <= found
