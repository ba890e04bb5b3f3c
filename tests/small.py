"""An experiment's script as a program of its own, in which the labs' smallest scale is smaller still."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALLER = """\
import runpy, sys
from dataclasses import replace
from layercake.labs import language, networks, pretraining

language.SCALES["smoke"] = replace(language.SCALES["smoke"], steps=24, n_documents=12)
networks.SCALES["smoke"] = replace(networks.SCALES["smoke"], steps=24)
pretraining.SCALES["smoke"] = replace(pretraining.SCALES["smoke"], steps=24, warm_up=4)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS`, with few steps where a lab trains at "smoke"."""
    command = [sys.executable, "-c", SMALLER, module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
