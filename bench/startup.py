"""How long a person waits for `sharekit --help`, against importing click alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .contest import Effort, Outcome, compare, here
from .rows import Row

SHAREKIT = Path(sys.executable).with_name("sharekit")


def startup(effort: Effort) -> Outcome:
    """Both with their bytecode kept, as an installed package has it."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(*command: str | Path) -> None:
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

        ours, click = here(lambda: run(SHAREKIT, "--help")), here(lambda: run(sys.executable, "-c", "import click"))
        return compare(ours, click, effort)


ROWS = [Row("help", "sharekit --help, time over importing click", 1.25, startup)]
