"""The package works where Python runs in a browser: no process, no thread, no loky."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metasgd_np.classroom import grading
from metasgd_np.experiments import executors

ROOT = Path(__file__).parents[1]
# As Pyodide is, as far as this Python can be: it names itself so, modules of the system
# are missing, and no thread starts. 64 bits it keeps.
BROWSER = """
import sys
import sysconfig
import threading

sysconfig.get_config_vars()  # they come from a file that the platform names
sys.platform = "emscripten"
for name in ("loky", "psutil", "_multiprocessing", "_posixsubprocess", "_posixshmem"):
    sys.modules[name] = None

def refuse(self, *_):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
"""


def run_as_in_a_browser(code, folder):
    """Run code in a folder under these limits; what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BROWSER + code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_module_is_imported(tmp_path):
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "metasgd_np").rglob("*.py")
        if path.stem != "__main__"
    ]
    code = "from importlib import import_module\nfor name in {}: import_module(name)"
    run_as_in_a_browser(code.format(modules), tmp_path)


def test_an_experiment_trains_and_draws(tmp_path):
    command = "sinusoid", "--quick", "--iterations", "20"
    code = f"from metasgd_np.cli import main\nprint(main({command}))"
    assert run_as_in_a_browser(code, tmp_path).splitlines()[-1] == "0"
    results = json.loads((tmp_path / "results/sinusoid/results.json").read_text())
    assert results["seconds"] > 0


@pytest.mark.parametrize("limit", ["import loky", "threading.Thread().start()"])
def test_the_limits_hold(limit, tmp_path):
    with pytest.raises(AssertionError, match=r"ModuleNotFoundError|RuntimeError"):
        run_as_in_a_browser(limit, tmp_path)


def test_workers_have_no_meaning_there(monkeypatch):
    monkeypatch.setattr(executors, "IN_BROWSER", True)
    with pytest.raises(ValueError, match=r"--workers 2 needs processes, but .* none"):
        executors.open_executor(workers=2)


def test_grading_has_no_meaning_there(monkeypatch, tmp_path):
    monkeypatch.setattr(grading, "IN_BROWSER", True)
    with pytest.raises(ValueError, match="a process for each notebook"):
        grading.grade_notebooks(tmp_path)
