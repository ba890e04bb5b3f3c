"""Trained models that ship with the course: one safetensors file each, in 16 bits, with its sizes inside.

    model = checkpoints.load("village")                   # a GPT, in float32, ready to read and to be tuned

How one came about stands in the model card beside it, `layercake/pretrained/<name>.md`. No pickle is read or written.
"""

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from layercake import language, village
from layercake.training import CheckpointError, save_whole
from solutions.transformer import GPT

FOLDER = Path(__file__).parent / "pretrained"
FORMAT = "layercake-model-1"
SIZES = ("vocab_size", "context", "d_model", "n_layers", "n_heads")


def load(name: str | os.PathLike[str] = "village", device: torch.device | str = "cpu") -> GPT:
    """A trained model, by its name among those that ship, or by the path of its file; float32, in evaluation mode.

    Raises CheckpointError for a file that is missing, cut short, not a model of this course, of other shapes than it
    says, or trained on another edition of the village.
    """
    path = FOLDER / f"{name}.safetensors" if str(name).isidentifier() else Path(name)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except FileNotFoundError:
        there = ", ".join(sorted(file.stem for file in FOLDER.glob("*.safetensors"))) or "none"
        raise CheckpointError(f"There is no model {path}. Those that ship: {there}.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): it is cut short or damaged. Fetch it again.") from None
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no model of this course: its format is {metadata.get('format')!r}.")
    if metadata["village"] != language.fingerprint():
        raise CheckpointError(
            f"{path} was trained on another edition of the village ({metadata['village']}; this is "
            f"{language.fingerprint()}): its words mean other things. Take the file of the same release."
        )
    with torch.device(device):
        model = GPT(**json.loads(metadata["sizes"]))
    try:
        model.load_state_dict({**weights, "output.weight": weights["embedding.weight"]})
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path} does not hold the model that it says: {error}") from None
    return model.eval()


def save(model: GPT, path: str | os.PathLike[str], **said: str) -> Path:
    """Write a model on the village, rounded to float16, with `said` beside its sizes. Never half a file.

    Raises ValueError where a weight is too large for float16 or not finite.
    """
    path = Path(path)
    weights = {name: weight.detach().cpu().half().contiguous() for name, weight in model.named_parameters()}
    if wrong := [name for name, weight in weights.items() if not weight.isfinite().all()]:
        raise ValueError(f"{', '.join(wrong)}: not finite in float16")
    metadata = {"format": FORMAT, "village": language.fingerprint(), "sizes": json.dumps(sizes(model)), **said}
    save_whole(weights, path, metadata)
    return path


def sizes(model: GPT) -> dict[str, int]:
    """What the model has to be built with, to take these weights."""
    attention = model.blocks[0].attention
    d_model = model.embedding.embedding_dim
    numbers = (len(village.VOCABULARY), model.context, d_model, len(model.blocks), attention.n_heads)
    return dict(zip(SIZES, numbers))
