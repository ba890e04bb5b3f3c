"""What the notebooks of Layer Cake import: devices, labs, pictures. Never the thing that is being taught."""

from layercake.device import setup

__all__ = ["setup"]
