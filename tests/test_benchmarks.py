"""The benchmarks run without their peers; how fast is not tested."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
ROOT = FOLDER.parent.parent

SWEEP = """
import sys
sys.modules |= {"torch": None, "jax": None}  # as if they were not installed
import training_iteration
training_iteration.TURN_SECONDS = 0  # one iteration per turn
import growth
growth.ROUNDS = 1
assert growth.installed(growth.PEERS) == []
for quantity in growth.SWEEPS:
    growth.SWEEPS[quantity] = [2, 3], quantity
    growth.sweep(quantity, [], rounds=1)
"""


def test_growth_measures_every_quantity_without_peers():
    run = subprocess.run(
        [sys.executable, "-c", SWEEP],
        env=os.environ | {"PYTHONPATH": f"{FOLDER}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = [line.split() for line in run.stdout.splitlines()]
    rows = [row for row in rows if row[0] in "THKJD"]
    values = [(quantity, int(value), int(P)) for quantity, value, P, *_ in rows]
    n_params = {"H": (7, 10), "D": (257, 321)}  # (D + 1) H + H + 1; else 193
    assert values == [
        (quantity, value, n_params.get(quantity, (193, 193))[value - 2])
        for quantity in "THKJD"
        for value in (2, 3)
    ]


def test_a_command_that_fails_is_not_timed():
    spec = importlib.util.spec_from_file_location("commands", FOLDER / "commands.py")
    commands = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(commands)
    variables = commands.environment(ROOT, threads=1)
    with pytest.raises(RuntimeError, match=r"sinusoid --unknown.*exit code 2"):
        commands.time_command("sinusoid --unknown", variables)
