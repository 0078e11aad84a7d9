"""Where figures were measured: they mean little without."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("kafka-python", "crc32c", "msgspec", "numba", "numpy", "torch")

Facts = dict[str, str | int | float | list[float] | dict[str, str]]


def machine() -> Facts:
    """Describe this machine as it is now; to be asked before the load of the measurement itself."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_average_before": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_model() -> str:
    """Return the processor's name as Linux tells it, elsewhere as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
