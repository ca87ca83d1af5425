"""Looking at a model file before an engine does, in a process of its own.

Runs inside the worker process: standard library only, syntax of Python 3.8.
"""

from __future__ import annotations

import os
import subprocess
import sys


def examine_apart(path: str) -> None:
    """Read the file in a process of its own: what reading takes must not count as memory of the model.

    Raises `ValueError` with what is wrong with it.
    """
    worker = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker.py")
    done = subprocess.run(
        [sys.executable, "-I", worker, "examine", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        words = done.stdout.decode("utf-8", "replace").strip()
        raise ValueError(words or f"reading {os.path.basename(path)} failed with exit code {done.returncode}")
