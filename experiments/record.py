"""What every recorded measurement says about itself: when, on what, with which versions. No name of any host."""

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import torch


def provenance(command: str, seconds: float) -> dict[str, Any]:
    """Date, command, seconds taken, hardware and versions."""
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "seconds": round(seconds, 1),
        "hardware": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "memory_gib": _memory_gib(),
            "load_average": round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None,  # of five minutes
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def _processor() -> str:
    """The processor's name as it gives it itself, where the system says it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):  # a system that does not say
        return None
