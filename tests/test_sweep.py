"""Sweeps: saved at once, resumed, and the same whatever computes them."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import active_children
from pathlib import Path
from threading import Thread

import pytest

from metasgd_np.experiments import executors, sweep
from metasgd_np.experiments.executors import THREADS, open_executor
from metasgd_np.experiments.sweep import CellsFailed, run_sweep


def wait_for(condition):
    """Until condition() holds; an error after a minute, so that no test hangs."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited for a minute in vain"
        time.sleep(0.01)


def compute(settings):
    """The square of "x", after all that the settings ask for; each start is logged."""
    s = settings
    if "log" in s:
        with open(s["log"], "a", encoding="utf-8") as log:
            log.write(f"{s['x']} {os.getpid()}\n")
    if "gate" in s:
        wait_for(Path(s["gate"]).exists)
    if s.get("raise"):
        raise ArithmeticError(s["raise"])
    if s.get("interrupt"):
        raise KeyboardInterrupt
    if s.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    threads = [os.environ.get(name) for name in THREADS]
    square = float("nan") if s.get("nan") else s["x"] ** 2
    told = {"square": square, "pid": os.getpid(), "threads": threads}
    return {name: told[name] for name in s.get("tell", ["square"])} | s.get("more", {})


def make_cells(n, **settings):
    return {f"cell-{x}": {"x": x, **settings} for x in range(n)}


def squares(n):
    return {f"cell-{x}": {"square": x * x} for x in range(n)}


def run(cells, folder, executor=None):
    return run_sweep(cells, compute, folder, executor, progress=False)


def starts(log):
    """[(x, pid)] of every start so far."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    return [tuple(map(int, line.split())) for line in lines if line.endswith("\n")]


def started(log):
    """How often each x was started."""
    return Counter(x for x, _ in starts(log))


def test_results_come_in_the_cells_order_and_each_has_a_file(tmp_path):
    assert run(make_cells(4), tmp_path) == squares(4)
    for x in range(4):
        saved = json.loads((tmp_path / f"cell-{x}.json").read_text(encoding="utf-8"))
        assert saved == {"settings": {"x": x}, "result": {"square": x * x}}
    assert len(list(tmp_path.iterdir())) == 4


def test_a_cell_is_saved_before_the_next_one_is_computed(tmp_path):
    cells = make_cells(3)
    cells["cell-1"]["interrupt"] = True
    with pytest.raises(KeyboardInterrupt):
        run(cells, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cell-0.json"]


def test_a_resumed_sweep_computes_only_what_is_missing(tmp_path):
    log = tmp_path / "log"
    cells = make_cells(4, log=str(log))
    run({name: cells[name] for name in ("cell-0", "cell-2")}, tmp_path / "cells")
    assert run(cells, tmp_path / "cells") == squares(4)
    assert run(cells, tmp_path / "cells") == squares(4)
    assert started(log) == dict.fromkeys(range(4), 1)


@pytest.mark.parametrize(
    "damage", [b"", b'{"settings": {"x"', b"null", b'{"settings": {}}', b"\xff\xfe\x00"]
)
def test_a_damaged_file_is_computed_anew(tmp_path, damage):
    run(make_cells(3), tmp_path)
    (tmp_path / "cell-1.json").write_bytes(damage)
    assert run(make_cells(3), tmp_path) == squares(3)
    assert run({}, tmp_path) == {}
    saved = json.loads((tmp_path / "cell-1.json").read_text(encoding="utf-8"))
    assert saved["result"] == {"square": 1}


def test_other_settings_are_told_and_nothing_is_lost(tmp_path):
    run(make_cells(2), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="rate was None, now 3"):
        run(make_cells(3, rate=3), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_settings_are_compared_as_json_holds_them(tmp_path):
    cells = {"a": {"x": 2, "pair": (1, 2), "more": {"numbers": (1.5, 2)}}}
    expected = {"a": {"square": 4, "numbers": [1.5, 2]}}
    assert run(cells, tmp_path) == expected
    assert run(cells, tmp_path) == expected


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"raise": "too hot\nand more"}, "ArithmeticError: too hot"),
        ({"nan": True}, "ValueError: Out of range float"),
    ],
)
def test_an_error_in_one_cell_does_not_lose_the_others(tmp_path, settings, told):
    cells = make_cells(4)
    cells["cell-1"] |= settings
    with pytest.raises(CellsFailed, match="1 of 4 cells failed") as raised:
        run(cells, tmp_path)
    assert f"(cell-1: {told}" in str(raised.value)
    assert "\n" not in str(raised.value)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["cell-0.json", "cell-2.json", "cell-3.json"]
    assert run(make_cells(4), tmp_path) == squares(4)


def test_processes_give_the_same_and_have_one_thread_each(tmp_path):
    before = dict(os.environ)
    cells = make_cells(5)
    cells["cell-4"]["tell"] = ["pid", "threads"]
    with open_executor(workers=2) as executor:
        results = run(cells, tmp_path, executor)
    told = results.pop("cell-4")
    assert results == squares(4)
    assert told["pid"] != os.getpid()
    assert told["threads"] == ["1"] * len(THREADS)
    assert dict(os.environ) == before
    assert active_children() == []


def test_every_process_starts_before_the_first_cell():
    with open_executor(workers=3):
        assert len(active_children()) == 3
    assert active_children() == []


def end_at_once(all_started):
    os._exit(1)


def test_a_process_that_cannot_start_is_told(monkeypatch):
    monkeypatch.setattr(executors, "begin", end_at_once)
    assert "ended as it started" in error_of(workers=2)
    assert active_children() == []


def test_a_process_that_dies_is_told_and_the_sweep_resumes(tmp_path, monkeypatch):
    cells, gate = make_cells(4), tmp_path / "gate"
    with open_executor(workers=2) as executor:
        run({"cell-0": cells["cell-0"]}, tmp_path, executor)
        cells["cell-1"] |= {"die": True, "gate": str(gate)}
        submit = executor.submit

        def submit_and_open(function, settings):
            future = submit(function, settings)
            if settings["x"] == 3:  # the last one
                gate.touch()
            return future

        monkeypatch.setattr(executor, "submit", submit_and_open)
        with pytest.raises(CellsFailed, match=r"of 4 cells failed .*BrokenProcessPool"):
            run(cells, tmp_path, executor)
    assert (tmp_path / "cell-0.json").exists()
    assert run(make_cells(4), tmp_path) == squares(4)


def test_ctrl_c_does_not_wait_for_cells_half_computed(tmp_path):
    log, gate = tmp_path / "log", tmp_path / "never"
    cells = make_cells(4, log=str(log), gate=str(gate))
    with pytest.raises(KeyboardInterrupt), open_executor(workers=2) as executor:
        for settings in cells.values():
            executor.submit(compute, settings)
        wait_for(lambda: len(starts(log)) == 2)
        raise KeyboardInterrupt
    assert active_children() == []
    assert len(starts(log)) == 2


SWEEP_TO_KILL = """
import sys
from test_sweep import make_cells, run
from metasgd_np.experiments.executors import open_executor

if __name__ == "__main__":
    log, gate, folder = sys.argv[1:]
    cells = make_cells(5, log=log)
    cells["cell-3"]["gate"] = cells["cell-4"]["gate"] = gate
    with open_executor(workers=2) as executor:
        run(cells, folder, executor)
"""


def test_a_killed_sweep_leaves_no_process_and_resumes(tmp_path):
    log, folder, script = (tmp_path / name for name in ("log", "cells", "sweep.py"))
    script.write_text(SWEEP_TO_KILL, encoding="utf-8")
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    killed = subprocess.Popen(
        [sys.executable, script, log, tmp_path / "never", folder],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    wait_for(lambda: len(starts(log)) == 5 and len(list(folder.glob("*.json"))) == 3)
    killed.kill()
    killed.stdout.read()  # ends when the last process that inherited it does
    killed.wait()
    cells = make_cells(5, log=str(log))
    for name in ("cell-3", "cell-4"):
        cells[name]["gate"] = str(tmp_path / "never")
    (tmp_path / "never").touch()
    assert run(cells, folder) == squares(5)
    assert started(log) == {0: 1, 1: 1, 2: 1, 3: 2, 4: 2}


def test_a_cluster_that_loses_a_worker_in_mid_run_finishes(
    tmp_path, cluster, monkeypatch
):
    log, gate, folder = (tmp_path / name for name in ("log", "gate", "cells"))
    cells = make_cells(6, log=str(log))
    for x in (4, 5):
        cells[f"cell-{x}"]["gate"] = str(gate)
    saved = []
    save_cell = sweep.save_cell
    monkeypatch.setattr(
        sweep, "save_cell", lambda *a: (saved.append(a[0].stem), save_cell(*a))[1]
    )
    killed = []

    def kill_a_worker():
        """One that holds a cell half computed and has finished others."""
        wait_for(lambda: {4, 5} <= {x for x, _ in starts(log)} and len(saved) == 4)
        wait_for(lambda: len(cluster.scheduler.tasks) == 2)
        holders = {pid: x for x, pid in starts(log) if x in (4, 5)}
        pid = next(pid for x, pid in starts(log) if x < 4 and pid in holders)
        killed.append(holders[pid])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(starts(log)) == 7)  # the lost cell has begun anew
        gate.touch()

    killer = Thread(target=kill_a_worker)
    killer.start()
    with open_executor(scheduler=cluster.scheduler_address) as executor:
        assert run(cells, folder, executor) == squares(6)
    killer.join()
    assert started(log) == {x: 2 if x in killed else 1 for x in range(6)}
    assert sorted(saved) == sorted(cells)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(cells)


def test_a_cluster_tells_an_error_in_one_cell(tmp_path, cluster):
    cells = make_cells(3)
    cells["cell-1"]["raise"] = "too hot"
    with (
        open_executor(scheduler=cluster.scheduler_address) as executor,
        pytest.raises(CellsFailed, match=r"cell-1: ArithmeticError: too hot"),
    ):
        run(cells, tmp_path, executor)
    assert len(list(tmp_path.iterdir())) == 2


def error_of(**where):
    with pytest.raises(ValueError) as raised, open_executor(**where):
        pass
    return str(raised.value)


def test_a_cluster_that_cannot_be_used_is_told(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "SECONDS_TO_ANSWER", 0.5)
    told = error_of(scheduler="tcp://127.0.0.1:9")
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in told
    assert "start one with `dask scheduler`" in told
    assert "no Dask scheduler answers at nonsense" in error_of(scheduler="nonsense")
    assert distributed.Client not in {type(thing) for thing in gc.get_objects()}
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty:
        told = error_of(scheduler=empty.scheduler_address)
    assert "has no workers; start some with `dask worker tcp://" in told


def test_without_dask_the_command_to_install_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = error_of(scheduler="tcp://127.0.0.1:8786")
    assert 'python -m pip install "distributed' in told


def test_bad_numbers_of_workers_are_told():
    assert "--workers is 0, but it must be 1 or more" in error_of(workers=0)
    assert "leave one out" in error_of(workers=2, scheduler="tcp://127.0.0.1:8786")
