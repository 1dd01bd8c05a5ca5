"""Sweeps: saved at once, resumed, and the same whatever computes them."""

import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing import active_children
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tqdm import tqdm

from metasgd_np.experiments import executors, sweep
from metasgd_np.experiments.executors import THREADS, open_executor
from metasgd_np.experiments.sweep import CellsFailed, run_sweep

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # both end a process of Windows


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
    if "die_until" in s and not Path(s["die_until"]).exists():
        Path(s["die_until"]).touch()
        os.kill(os.getpid(), KILL)
    if s.get("describe"):
        return describe_process()
    square = float("nan") if s.get("nan") else s["x"] ** 2
    return {"square": square} | s.get("more", {})


def holds(number):
    """Whether a signal is held back here; there is no holding back on Windows."""
    mask = getattr(signal, "pthread_sigmask", lambda *_: {number})
    return number in mask(signal.SIG_BLOCK, [])


def describe_process():
    """What holds in the process that computes, and numbers that rounding can change."""
    numbers = np.random.default_rng(0).standard_normal((64, 64))
    return {
        "pid": os.getpid(),
        "threads": [os.environ.get(name) for name in THREADS],
        "ignores_ctrl_c": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "holds_ctrl_c": holds(signal.SIGINT),
        "lock": type(tqdm.get_lock()).__module__,
        "numbers": np.tanh(numbers @ numbers).sum(0).tolist(),
    }


def make_cells(n, **settings):
    return {f"cell-{x}": {"x": x, **settings} for x in range(n)}


def squares(n):
    return {f"cell-{x}": {"square": x * x} for x in range(n)}


def run(cells, folder, executor=None):
    return run_sweep(cells, compute, folder, executor, progress=False)


def saved_in(folder):
    """The names of the files of cells so far."""
    return sorted(path.name for path in folder.glob("*.json"))


def starts(log):
    """[(x, pid)] of every start so far."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    return [tuple(map(int, line.split())) for line in lines if line.endswith("\n")]


def started(log):
    """How often each x was started."""
    return Counter(x for x, _ in starts(log))


def start_python(script, *arguments):
    """A process that runs `script` and finds all that this one finds."""
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # a group of its own, for signals
    )


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
    assert saved_in(tmp_path) == ["cell-0.json"]


def test_a_resumed_sweep_computes_only_what_is_missing(tmp_path):
    log = tmp_path / "log"
    cells = make_cells(4, log=str(log))
    run({name: cells[name] for name in ("cell-0", "cell-2")}, tmp_path / "cells")
    assert run(cells, tmp_path / "cells") == squares(4)
    assert run(cells, tmp_path / "cells") == squares(4)
    assert started(log) == dict.fromkeys(range(4), 1)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"settings": {"x"',
        b"null",
        b'{"settings": {}}',
        b'{"settings": {"x": 1}, "result": 3}',
        b"\xff\xfe\x00",
    ],
)
def test_a_damaged_file_is_computed_anew(tmp_path, damage):
    run(make_cells(3), tmp_path)
    (tmp_path / "cell-1.json").write_bytes(damage)
    assert run(make_cells(3), tmp_path) == squares(3)
    assert run({}, tmp_path) == {}
    saved = json.loads((tmp_path / "cell-1.json").read_text(encoding="utf-8"))
    assert saved["result"] == {"square": 1}


def test_other_settings_are_refused_and_nothing_is_lost(tmp_path):
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
    with pytest.raises(ValueError, match="Out of range float"):
        run({"b": {"x": float("nan")}}, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"raise": "too hot\nand more"}, "ArithmeticError: too hot"),
        ({"nan": True}, "ValueError: Out of range float"),
    ],
)
def test_an_error_in_one_cell_does_not_lose_the_others(tmp_path, settings, message):
    cells = make_cells(4)
    cells["cell-1"] |= settings
    with pytest.raises(CellsFailed, match="1 of 4 cells failed") as raised:
        run(cells, tmp_path)
    assert f"(cell-1: {message}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert saved_in(tmp_path) == ["cell-0.json", "cell-2.json", "cell-3.json"]
    assert run(make_cells(4), tmp_path) == squares(4)


def test_processes_give_the_same_even_if_one_is_killed(tmp_path):
    others = active_children()  # such as those of a cluster
    before, log, folder = dict(os.environ), tmp_path / "log", tmp_path / "cells"
    cells = make_cells(5, log=str(log))
    cells["cell-2"]["die_until"] = str(tmp_path / "died")
    cells["cell-4"]["describe"] = True
    with open_executor(workers=2) as executor:
        results = run(cells, folder, executor)
    process, here = results.pop("cell-4"), describe_process()
    assert results == squares(4)
    assert started(log)[2] == 2
    assert saved_in(folder) == [f"{name}.json" for name in cells]
    assert process.pop("pid") != here["pid"]
    assert process == {
        "threads": ["1"] * len(THREADS),
        "ignores_ctrl_c": True,
        "holds_ctrl_c": True,  # from its start
        "lock": "_thread",  # not the system's
        "numbers": here["numbers"],
    }
    assert dict(os.environ) == before
    assert set(active_children()) <= set(others)


def test_processes_that_cannot_start_end_the_sweep(tmp_path, monkeypatch):
    others = active_children()
    monkeypatch.setattr(executors, "prepare_worker", sys.exit)
    monkeypatch.setattr(sweep, "MAX_RESTARTS", 0)
    with (
        open_executor(workers=2) as executor,
        pytest.raises(CellsFailed, match=r"4 of 4 cells failed .*TerminatedWorker"),
    ):
        run(make_cells(4), tmp_path, executor)
    assert set(active_children()) <= set(others)


class Fragile(Executor):
    """Loses the deadly cells and all after them, until a lost one comes again."""

    def __init__(self, *deadly):
        self.deadly, self.lost, self.submitted = deadly, [], []

    def submit(self, function, /, settings):
        x = settings["x"]
        self.submitted.append(x)
        if x in self.lost:
            self.lost.clear()
        future = Future()
        if self.lost or x in self.deadly:
            self.lost.append(x)
            future.set_exception(BrokenExecutor("a process died. It was killed."))
        else:
            future.set_result(function(settings))
        return future


def test_a_cell_that_ends_every_process_does_not_cost_the_others(tmp_path):
    executor = Fragile(0)
    with pytest.raises(CellsFailed) as raised:
        run(make_cells(4), tmp_path, executor)
    assert str(raised.value) == (
        "1 of 4 cells failed (cell-0: BrokenExecutor: a process died); the others are "
        "saved, and --resume computes only what is missing"
    )
    assert saved_in(tmp_path) == ["cell-1.json", "cell-2.json", "cell-3.json"]
    # One round of all, one of all in reverse; then no more than three restarts.
    assert executor.submitted == [0, 1, 2, 3, 3, 2, 1, 0] + 4 * [0]


# No `if __name__ == "__main__"`: processes do not run it again.
SWEEP_TO_STOP = """
import sys
from test_sweep import make_cells, run
from metasgd_np.experiments.executors import open_executor

log, gate, folder = sys.argv[1:]
cells = make_cells(5, log=log)
cells["cell-3"]["gate"] = cells["cell-4"]["gate"] = gate
with open_executor(workers=2) as executor:
    run(cells, folder, executor)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals to a group of processes")
@pytest.mark.parametrize("how", ["kill", "ctrl-c"])
def test_a_stopped_sweep_leaves_no_process_and_resumes(tmp_path, how):
    log, gate, folder = (tmp_path / name for name in ("log", "gate", "cells"))
    stopped = start_python(SWEEP_TO_STOP, log, gate, folder)
    wait_for(lambda: len(starts(log)) == 5 and len(saved_in(folder)) == 3)
    if how == "kill":
        stopped.kill()
    else:
        os.killpg(stopped.pid, signal.SIGINT)
    _, errors = stopped.communicate(timeout=60)  # until the last process has ended
    assert errors.count("Traceback") == (1 if how == "ctrl-c" else 0)
    gate.touch()
    cells = make_cells(5, log=str(log))
    cells["cell-3"]["gate"] = cells["cell-4"]["gate"] = str(gate)
    assert run(cells, folder) == squares(5)
    assert started(log) == {0: 1, 1: 1, 2: 1, 3: 2, 4: 2}


def test_importing_the_package_loads_nothing_for_processes():
    printed, errors = start_python(
        "import sys, metasgd_np.experiments.sweep, metasgd_np.experiments.executors\n"
        "print({'multiprocessing', 'loky', 'distributed'} & set(sys.modules))"
    ).communicate()
    assert printed == "set()\n", errors


def test_a_cluster_that_loses_a_worker_in_mid_run_finishes(
    tmp_path, cluster, monkeypatch
):
    log, folder = tmp_path / "log", tmp_path / "cells"
    gates = {x: tmp_path / f"gate-{x}" for x in (4, 5)}
    cells = make_cells(6, log=str(log))
    for x, gate in gates.items():
        cells[f"cell-{x}"]["gate"] = str(gate)
    saved, killed = [], []
    save_cell = sweep.save_cell
    monkeypatch.setattr(
        sweep, "save_cell", lambda *a: (saved.append(a[0].stem), save_cell(*a))[1]
    )

    def kill_a_worker():
        """One that holds a cell half computed and has finished others."""
        wait_for(lambda: {4, 5} <= {x for x, _ in starts(log)} and len(saved) == 4)
        wait_for(lambda: len(cluster.scheduler.tasks) == 2)
        holders = {pid: x for x, pid in starts(log) if x in gates}
        pid = next(pid for x, pid in starts(log) if x < 4 and pid in holders)
        killed.append(holders[pid])
        os.kill(pid, KILL)
        gates[9 - killed[0]].touch()  # the other worker is free for the lost cell
        wait_for(lambda: len(starts(log)) == 7)
        gates[killed[0]].touch()

    killer = Thread(target=kill_a_worker)
    killer.start()
    with open_executor(scheduler=cluster.scheduler_address) as executor:
        assert run(cells, folder, executor) == squares(6)
    killer.join()
    assert started(log) == {x: 2 if x in killed else 1 for x in range(6)}
    assert sorted(saved) == sorted(cells)
    assert saved_in(folder) == [f"{name}.json" for name in cells]


def test_a_cluster_reports_an_error_in_one_cell(tmp_path, cluster):
    cells = make_cells(3)
    cells["cell-1"]["raise"] = "too hot"
    with (
        open_executor(scheduler=cluster.scheduler_address) as executor,
        pytest.raises(CellsFailed, match=r"cell-1: ArithmeticError: too hot"),
    ):
        run(cells, tmp_path, executor)
    assert saved_in(tmp_path) == ["cell-0.json", "cell-2.json"]


def error_of(**where):
    with pytest.raises(ValueError) as raised, open_executor(**where):
        pass
    return str(raised.value)


def test_a_cluster_that_cannot_be_used_is_refused(monkeypatch):
    distributed = pytest.importorskip("distributed")
    with monkeypatch.context() as patch, socket.socket() as deaf:
        patch.setattr(executors, "SECONDS_TO_ANSWER", 0.2)
        deaf.bind(("127.0.0.1", 0))  # but it does not listen
        address = "tcp://{}:{}".format(*deaf.getsockname())
        message = error_of(scheduler=address)
    assert f"no Dask scheduler answers at {address}" in message
    assert "start one with `dask scheduler`" in message
    assert "no Dask scheduler answers at nonsense" in error_of(scheduler="nonsense")
    assert distributed.Client not in {type(thing) for thing in gc.get_objects()}
    wait = distributed.Client.wait_for_workers
    monkeypatch.setattr(
        distributed.Client, "wait_for_workers", lambda c, n, timeout: wait(c, n, 0.2)
    )
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        message = error_of(scheduler=empty.scheduler_address)
    assert "has no workers; start some with `dask worker tcp://" in message


CLUSTER_TO_KILL = """
import time
from distributed import LocalCluster

cluster = LocalCluster(
    n_workers=1,
    threads_per_worker=1,
    processes=False,
    protocol="tcp://",
    dashboard_address=":0",
)
print(cluster.scheduler_address, flush=True)
time.sleep(60)
"""


def test_a_lost_scheduler_is_reported(tmp_path, caplog, monkeypatch):
    pytest.importorskip("distributed")
    logger = logging.getLogger("distributed.client")
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    log, folder = tmp_path / "log", tmp_path / "cells"
    cells = make_cells(3, log=str(log))
    cells["cell-2"]["gate"] = str(tmp_path / "never")
    lost = start_python(CLUSTER_TO_KILL)

    def kill_the_scheduler():
        wait_for(lambda: len(starts(log)) == 3 and len(saved_in(folder)) == 2)
        lost.kill()

    killer = Thread(target=kill_the_scheduler)
    address = lost.stdout.readline().strip()
    with (
        pytest.raises(ValueError, match=f"scheduler at {address} has stopped; start"),
        open_executor(scheduler=address) as executor,
    ):
        killer.start()
        run(cells, folder, executor)
    killer.join()
    lost.communicate()
    assert "Traceback" not in caplog.text


def test_without_dask_the_command_to_install_it_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = error_of(scheduler="tcp://127.0.0.1:8786")
    assert 'python -m pip install "distributed' in message


def test_bad_numbers_of_workers_are_refused():
    assert "--workers is 0, but it must be 1 or more" in error_of(workers=0)
    assert "leave one out" in error_of(workers=2, scheduler="tcp://127.0.0.1:8786")


def test_a_damaged_cell_is_computed_again_and_named(tmp_path, capsys):
    cells = {"two": {"x": 2}, "three": {"x": 3}}
    compute = lambda settings: {"square": settings["x"] ** 2}  # noqa: E731
    whole = run_sweep(cells, compute, tmp_path, progress=False)
    assert capsys.readouterr().err == ""
    (tmp_path / "two.json").write_text("{")
    assert run_sweep(cells, compute, tmp_path, progress=False) == whole
    path = tmp_path / "two.json"
    assert capsys.readouterr().err == (
        f"{path} is damaged; its cell is computed again\n"
    )
