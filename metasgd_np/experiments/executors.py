"""Where a sweep is computed: in this process, in several, or on a Dask cluster.

Each function here opens a `concurrent.futures.Executor` and closes it again.
"""

import gc
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import RLock, Thread

from tqdm import tqdm

from ..checks import whole_number

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_ANSWER = 10  # for a scheduler, and for its first worker to appear


@contextmanager
def open_executor(workers=1, scheduler=None):
    """The executor of `--workers N` or `--scheduler ADDRESS`; None for one worker.

    Raises ValueError if both are given, or if the cluster cannot be used.
    """
    workers = whole_number("--workers", workers, 1)
    if scheduler is not None:
        if workers > 1:
            raise ValueError(
                f"--workers {workers} counts processes of this machine, but "
                f"--scheduler {scheduler} has workers of its own; leave one out"
            )
        with open_cluster(scheduler) as executor:
            yield executor
    elif workers > 1:
        with open_processes(workers) as executor:
            yield executor
    else:
        yield None


@contextmanager
def open_processes(workers):
    """A pool of processes with one BLAS thread each; none of them outlives this one."""
    before = {name: os.environ.get(name) for name in THREADS}
    others = active_children()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read as the children import NumPy
    context = get_context("spawn")
    executor = ProcessPoolExecutor(
        workers, context, initializer=begin, initargs=(context.Barrier(workers),)
    )
    try:
        # All processes start before the first cell: Python's pool may wait for ever
        # (seen in 3.11) if one of them dies just as another one is starting.
        for future in [executor.submit(process_id) for _ in range(workers)]:
            wait_for_start(future)
        yield executor
    except BaseException:  # Ctrl-C above all: do not wait for cells half computed
        for child in active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def wait_for_start(future):
    """Until a process has answered; a ValueError if one ended before it could."""
    try:
        future.result()
    except BrokenProcessPool:
        raise ValueError(
            "a process of --workers ended as it started, and its own message is above; "
            'a script that opens processes needs `if __name__ == "__main__":`'
        ) from None


def begin(all_started):
    """In a child process: leave Ctrl-C to the parent, and end when the parent does.

    It then waits for its siblings, so that none is free while one is still missing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(RLock())  # its own lock is the system's, and outlives a killed child

    def watch():
        parent_process().join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
    all_started.wait()


@contextmanager
def open_cluster(address):
    """The executor of the Dask cluster whose scheduler listens at `address`."""
    try:
        from distributed import Client  # noqa: PLC0415 (an extra of its own)
    except ImportError:
        raise ValueError(
            "--scheduler needs Dask, which is not installed; run: "
            'python -m pip install "distributed>=2024.8"'
        ) from None
    client = None
    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    if client is None:
        gc.collect()  # the half-made client: freed later, it can block Dask for ever
        raise ValueError(
            f"no Dask scheduler answers at {address} ({reason}); start one with "
            "`dask scheduler` and pass the address that it prints"
        )
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
        except TimeoutError:
            raise ValueError(
                f"the scheduler at {address} has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            ) from None
        executor = client.get_executor(pure=False)
        try:
            executor.submit(process_id).result()
        except Exception as error:
            raise ValueError(
                f"the cluster at {address} cannot run this package "
                f"({type(error.__cause__ or error).__name__}); install it, in the same "
                "version, where the scheduler and the workers run"
            ) from None
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)  # nothing is left but on the way to an error


def process_id():
    """Where this runs; a task that needs nothing but the package."""
    return os.getpid()
