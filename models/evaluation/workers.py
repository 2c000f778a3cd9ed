"""Processes that measure side by side, each with a core to itself."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def workers(processes: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes: numpy reads how many threads it has when it is loaded."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
