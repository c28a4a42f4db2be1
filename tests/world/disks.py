"""A small disk that only one child process sees, to be filled or made read-only; no root is needed."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest

_OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


@functools.cache
def _can_mount() -> bool:
    command = [*_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


needs_a_disk = pytest.mark.skipif(not _can_mount(), reason="no small disk can be mounted here")


def on_a_small_disk(folder: Path, script: str, *, size: str = "64k") -> str:
    """What a Python `script` prints whose `folder` (sys.argv[1]) is a disk of its own.

    The script can call `read_only()` to have the disk refuse every write from then on.
    """
    steps = f'mount -t tmpfs -o size={size} none "$1" && exec "$2" -c "$3" "$1"'
    prelude = (
        "import subprocess, sys\n"
        "def read_only():\n"
        "    subprocess.run(['mount', '-o', 'remount,ro', sys.argv[1]], check=True)\n"
    )
    inside = ["sh", "-c", steps, "sh", str(folder), sys.executable, prelude + script]
    return subprocess.run([*_OWN_MOUNTS, *inside], capture_output=True, text=True, check=True).stdout
