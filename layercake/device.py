"""Which device and which number format this machine's learner gets, and why, in one sentence."""

import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SCALES = ("smoke", "laptop", "colab")
INSTALL_TORCH = (
    "PyTorch is missing, and this course does not install it for you, because the right build depends on your "
    "machine. In Colab and Kaggle choose a standard runtime: PyTorch is part of it. Elsewhere: "
    "`python -m pip install torch`, or the command that https://pytorch.org/get-started/locally/ gives you. "
    "Then restart the kernel."
)


@dataclass(frozen=True)
class Device:
    """Where to compute, in which format to multiply large matrices, and the reason for both."""

    device: "torch.device"
    dtype: "torch.dtype"
    reason: str


def check_scale(scale: str) -> str:
    """The scale as it is. Raises ValueError, naming the three, where it is another word."""
    if scale not in SCALES:
        raise ValueError(f'SCALE = {scale!r} is not known: choose "smoke", "laptop" or "colab".')
    return scale


def pick() -> Device:
    """The fastest device that is here: CUDA, then Apple's MPS, then the CPU.

    The dtype is the one for mixed precision. bfloat16 is asked of the hardware (compute capability 8.0), not of
    `torch.cuda.is_bf16_supported`, which says yes on a T4 because PyTorch can imitate it, slowly.
    Raises ModuleNotFoundError, with the remedy, where PyTorch is missing.
    """
    torch = _torch()
    if torch.cuda.is_available():
        name, capability = torch.cuda.get_device_name(), torch.cuda.get_device_capability()
        if capability >= (8, 0):
            return Device(torch.device("cuda"), torch.bfloat16, f"{name} multiplies bfloat16 in hardware")
        return Device(torch.device("cuda"), torch.float16, f"{name} has no bfloat16, so float16 with loss scaling")
    if torch.backends.mps.is_available():
        return Device(torch.device("mps"), torch.float32, "Apple GPU, where float32 is the safe choice")
    return Device(torch.device("cpu"), torch.float32, "no GPU found; few CPUs are faster with shorter numbers")


def where() -> str:
    """What runs this code: Colab, Kaggle, VS Code, Jupyter or a terminal."""
    if "google.colab" in sys.modules or os.environ.get("COLAB_RELEASE_TAG"):
        return "Colab"
    if os.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        return "Kaggle"
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):  # only an ipykernel, as in every notebook, has one
        return "a terminal"
    return "VS Code" if "__vsc_ipynb_file__" in shell.user_ns or "VSCODE_PID" in os.environ else "Jupyter"


def setup(topic: str, scale: str | None = None) -> Device:
    """Look at the machine, print one line of what was found, and return the device.

    Nothing is installed. Raises ValueError for an unknown scale, ModuleNotFoundError where PyTorch is missing.
    """
    if scale is not None:
        check_scale(scale)
    found = pick()
    dtype = str(found.dtype).removeprefix("torch.")
    print(
        f"Layer Cake, {topic}{f' at scale {scale}' if scale else ''}: Python {platform.python_version()}, "
        f"torch {_torch().__version__}, {found.device.type} with {dtype} ({found.reason}), in {where()}."
    )
    return found


def _torch():
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":  # PyTorch is there, and something that it needs is not: say that, not this
            raise
        raise ModuleNotFoundError(INSTALL_TORCH, name="torch") from None
    return torch
