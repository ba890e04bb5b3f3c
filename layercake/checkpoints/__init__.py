"""Trained models that ship with the course: one safetensors file each, in 16 bits, with its sizes inside.

    model = checkpoints.load("village")                   # a GPT, in float32, ready to read and to be tuned
    model = checkpoints.load("smollm2-instruct")          # one that others have trained, fetched once

How one came about stands in the model card beside it, `layercake/checkpoints/<name>.md`; of those that others have
trained, in `layercake.checkpoints.pretrained`. No pickle is read or written.
"""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from layercake import village
from layercake.checkpoints import pretrained
from layercake.training import CheckpointError, save_whole
from solutions.transformer import GPT

FOLDER = Path(__file__).parent
FORMAT, ADAPTERS = "layercake-model-1", "layercake-adapters-1"
SIZES = ("vocab_size", "context", "d_model", "n_layers", "n_heads")


def load(name: str | os.PathLike[str] = "village", device: torch.device | str = "cpu") -> GPT:
    """A trained model, by its name among those that ship, or by the path of its file; float32, in evaluation mode.

    Of a tuned model the file may hold the adapters alone; they are merged into the model that they were trained on. By
    the names of `pretrained.MODELS` come real models, which are fetched; by a folder, any of Llama's shape that it
    holds, as the hub has it.

    Raises CheckpointError for a file that is missing, cut short, not a model of this course, of other shapes than it
    says, trained on another edition of the village, or tuned on another model than the one that ships; for real models
    what `pretrained.fetch` and `pretrained.read` raise.
    """
    if name in pretrained.MODELS or Path(name).is_dir():
        return _real(name).to(device)
    path = _path(name)
    weights, metadata = _read(path, device)
    if metadata.get("format") not in (FORMAT, ADAPTERS):
        raise CheckpointError(f"{path} is no model of this course: its format is {metadata.get('format')!r}.")
    if metadata["village"] != village.fingerprint():
        raise CheckpointError(
            f"{path} was trained on another edition of the village ({metadata['village']}; this is "
            f"{village.fingerprint()}): its words mean other things. Take the file of the same release."
        )
    if metadata["format"] == ADAPTERS:
        return _adapted(path, weights, metadata, device)
    with torch.device(device):
        model = GPT(**json.loads(metadata["sizes"]))
    try:
        model.load_state_dict({**weights, "output.weight": weights["embedding.weight"]})
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path} does not hold the model that it says: {error}") from None
    return model.eval()


def _real(name: str | os.PathLike[str]) -> GPT:
    from solutions.real import from_pretrained  # here: who imports this may be about to write it

    model = pretrained.read(name) if Path(name).is_dir() else pretrained.fetch(str(name))
    return from_pretrained(model.weights, model.sizes, model.neighbours)


def _path(name: str | os.PathLike[str]) -> Path:
    return FOLDER / f"{name}.safetensors" if str(name).isidentifier() else Path(name)


def _read(path: Path, device: torch.device | str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, in float32, and what is said of them."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            return {key: file.get_tensor(key).float() for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        there = ", ".join(sorted(file.stem for file in FOLDER.glob("*.safetensors"))) or "none"
        raise CheckpointError(f"There is no model {path}. Those that ship: {there}.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): it is cut short or damaged. Fetch it again.") from None


def _adapted(path: Path, weights: dict[str, Tensor], metadata: dict[str, str], device: torch.device | str) -> GPT:
    """The base of some adapters, with these merged into it."""
    from solutions.sft import LoRALinear, add_lora, merge_lora  # here: who imports this may be about to write it

    model = load(base := metadata["base"], device)
    if digest(base) != metadata["digest"]:
        raise CheckpointError(f"{path} was tuned on another model {base!r} than this one. Take both of one release.")
    add_lora(model, int(metadata["rank"]), lambda layer, rank: LoRALinear(layer, rank, float(metadata["alpha"])))
    try:
        if missing := [name for name in model.state_dict() if ".lora_" in name and name not in weights]:
            raise RuntimeError(f"{missing[0]} is not there")
        _, unknown = model.load_state_dict(weights, strict=False)
        if unknown:
            raise RuntimeError(f"{unknown[0]} has no place in the model")
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not hold the adapters that it says: {error}") from None
    return merge_lora(model).eval().requires_grad_(True)


def mark(name: str | os.PathLike[str], usual: str) -> str:
    """What a run that begins with this model has in its file's name: nothing for the usual one, else a hash."""
    return "" if str(name) == usual else f"-from-{digest(name)[:8]}"


def digest(name: str | os.PathLike[str]) -> str:
    """A hash of the numbers in a model's file, by which adapters know the model that they were trained on.

    Not of the file: what is said beside the numbers is written in any order.
    """
    weights, _ = _read(_path(name), "cpu")
    hashed = hashlib.sha256()
    for key in sorted(weights):
        hashed.update(key.encode() + weights[key].numpy().tobytes())
    return hashed.hexdigest()[:16]


def save(model: GPT, path: str | os.PathLike[str], **said: str) -> Path:
    """Write a model on the village, rounded to float16, with `said` beside its sizes. Never half a file.

    Raises ValueError where a weight is too large for float16 or not finite.
    """
    said |= {"format": FORMAT, "sizes": json.dumps(sizes(model))}
    return _write(dict(model.named_parameters()), Path(path), said)


def save_adapters(model: GPT, path: str | os.PathLike[str], base: str = "village", **said: str) -> Path:
    """Write the adapters of a tuned model alone, rounded to float16, with the name and the hash of its base.

    Raises ValueError where the model has none, or where a number is too large for float16 or not finite.
    """
    adapters = [layer for layer in model.modules() if hasattr(layer, "lora_a")]
    if not adapters:
        raise ValueError("the model has no adapters: `save` writes whole models")
    rank = adapters[0].lora_a.size(0)
    said |= {"base": base, "digest": digest(base), "rank": str(rank), "alpha": str(adapters[0].scale * rank)}
    weights = {name: weight for name, weight in model.named_parameters() if ".lora_" in name}
    return _write(weights, Path(path), {"format": ADAPTERS, **said})


def _write(weights: dict[str, Tensor], path: Path, said: dict[str, str]) -> Path:
    """Weights in float16, and beside them what is said of them and the edition of the village."""
    weights = {name: weight.detach().cpu().half().contiguous() for name, weight in weights.items()}
    if wrong := [name for name, weight in weights.items() if not weight.isfinite().all()]:
        raise ValueError(f"{', '.join(wrong)}: not finite in float16")
    save_whole(weights, path, {"village": village.fingerprint(), **said})
    return path


def sizes(model: GPT) -> dict[str, int]:
    """What the model has to be built with, to take these weights."""
    attention = model.blocks[0].attention
    d_model = model.embedding.embedding_dim
    numbers = (len(village.VOCABULARY), model.context, d_model, len(model.blocks), attention.n_heads)
    return dict(zip(SIZES, numbers))
