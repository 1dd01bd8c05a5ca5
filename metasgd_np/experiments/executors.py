"""Executors of a sweep: this process, several processes, or a Dask cluster."""

import gc
import logging
import os
import signal
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import RLock, Thread

from ..checks import IN_BROWSER, whole_number

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_ANSWER = 10  # for a scheduler, and for its first worker


def open_executor(
    workers: int = 1, scheduler: str | None = None
) -> AbstractContextManager[Executor | None]:
    """Open the executor for `--workers N` or `--scheduler ADDRESS`.

    Parameters
    ----------
    workers : int
        Number of processes on this machine, each with one BLAS thread.
    scheduler : str, optional
        Address of the scheduler of a Dask cluster, used instead of processes.

    Returns
    -------
    context manager
        Gives the executor, or None for one worker, and closes it at the end.

    Raises
    ------
    ValueError
        If both are given, if the cluster cannot be used, or if this is a browser.

    Examples
    --------
    >>> with open_executor(workers=2) as executor:
    ...     executor.submit(pow, 2, 5).result()
    32
    """
    workers = whole_number("--workers", workers, 1)
    if workers > 1 and IN_BROWSER:
        raise ValueError(
            f"--workers {workers} needs processes, but Python in a browser has none; "
            "leave it out"
        )
    if scheduler is None:
        return ProcessPool(workers) if workers > 1 else nullcontext()
    if workers > 1:
        raise ValueError(
            f"--workers {workers} counts processes of this machine, but "
            f"--scheduler {scheduler} has workers of its own; leave one out"
        )
    return open_cluster(scheduler)


class ProcessPool(Executor):
    """Processes on this machine; all are restarted if one dies.

    They end at once when the `with` block ends in an error, such as Ctrl-C, or when
    this process is killed.
    """

    def __init__(self, workers):
        from multiprocessing import Pipe  # noqa: PLC0415 (slow, and seldom used)

        from loky import ProcessPoolExecutor  # noqa: PLC0415

        lifeline, self.held_open = Pipe(duplex=False)
        self.start = partial(
            ProcessPoolExecutor,
            workers,
            initializer=prepare_worker,
            initargs=(lifeline,),
            env=dict.fromkeys(THREADS, "1"),
        )
        self.pool = self.start()

    def submit(self, function, /, *args):
        """Schedule function(*args)."""
        with holding_ctrl_c():
            try:
                return self.pool.submit(function, *args)
            except BrokenExecutor:
                self.pool.shutdown()
                self.pool = self.start()
                return self.pool.submit(function, *args)

    def __exit__(self, error, *_):
        if error is None:
            self.pool.shutdown()
        self.held_open.close()


@contextmanager
def holding_ctrl_c():
    """Deliver Ctrl-C at the end of the block; processes started in it never get it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing.resource_tracker import ensure_running  # noqa: PLC0415

    ensure_running()  # started later, it would let Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_worker(lifeline):
    """Set up a worker: leave Ctrl-C to the parent process, and end when it ends."""
    from tqdm import tqdm  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(RLock())  # its own lock is the system's, and outlives a killed worker
    Thread(target=exit_with_parent, args=(lifeline,), daemon=True).start()


def exit_with_parent(lifeline):
    """End this process once the parent's end of the pipe is closed, even by a kill."""
    from multiprocessing.connection import wait  # noqa: PLC0415

    wait([lifeline])  # nothing is ever sent
    os._exit(1)


@contextmanager
def open_cluster(address):
    """The executor of the Dask cluster whose scheduler listens at `address`."""
    with connect(address) as client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
        except TimeoutError:
            raise ValueError(
                f"the scheduler at {address} has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            ) from None
        executor = client.get_executor(pure=False)
        try:  # any function of this package, to see whether the workers have it
            executor.submit(whole_number, "", 1, 1).result()
        except Exception as error:
            raise ValueError(
                f"the cluster at {address} cannot run this package "
                f"({type(error.__cause__ or error).__name__}); install it, in the same "
                "version, where the scheduler and the workers run"
            ) from None
        try:
            yield executor
        except CancelledError:
            raise ValueError(
                f"the Dask scheduler at {address} has stopped; start another, and "
                "--resume computes only what is missing"
            ) from None
        finally:
            executor.shutdown(wait=False)  # work is left only after an error


def connect(address):
    """A client of the Dask scheduler at `address`."""
    try:
        from distributed import Client  # noqa: PLC0415 (an extra of its own)
    except ImportError:
        raise ValueError(
            "--scheduler needs Dask, which is not installed; run: "
            'python -m pip install "distributed>=2024.8"'
        ) from None
    for logger in ("distributed", "distributed.client"):
        logging.getLogger(logger).setLevel("CRITICAL")  # we raise what they would log
    try:
        return Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    gc.collect()  # the half-made client: freed later, it can block Dask for ever
    raise ValueError(
        f"no Dask scheduler answers at {address} ({reason}); start one with "
        "`dask scheduler` and pass the address that it prints"
    )
