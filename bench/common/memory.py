"""How much memory a process has held."""

from __future__ import annotations

import platform
import resource
from pathlib import Path


def peak_mb() -> float:
    """The most memory this process has held since its program began, MB.

    Linux counts what the parent held before it started the program into ``ru_maxrss``; the
    high-water mark of the process's own memory knows better.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6)
    scale = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6)
