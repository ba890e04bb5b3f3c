"""One training loop for the labs: progress with an ETA, a checkpoint that survives a disconnect, honest refusals.

AdamW (Loshchilov & Hutter 2019) with a linear warm-up, a plateau, and a linear descent to zero over the second half,
where the caller names nothing else. A checkpoint is one safetensors file with the model, the optimiser's running means,
the random generators and the losses so far; on a CPU a run that was stopped and resumed has the same losses, bit for
bit, as one that was not. No pickle is written or read: a file from elsewhere can be wrong, and it cannot run code.
"""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

FORMAT = "layercake-training-3"
WARM_UP = 50  # steps
SAVE_EVERY = 10.0  # seconds

StepLoss = Callable[[nn.Module, torch.Generator], tuple[Tensor, Tensor]]  # -> loss (), accuracy ()
TakeStep = Callable[[nn.Module, torch.optim.Optimizer, StepLoss, torch.Generator], tuple[Tensor, Tensor]]


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


class CheckpointError(RuntimeError):
    """A checkpoint is damaged, or belongs to another run; the message says which and what to do."""


@dataclass
class History:
    """What one run saw at every step, and the seconds spent training, over all its sessions."""

    loss: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)  # what a step gives beside its loss: in most labs the accuracy
    seconds: float = 0.0


def count_parameters(model: nn.Module) -> int:
    """How many numbers are learned; a matrix that stands in two places counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate of one step: up over the first 50, flat to the middle, then down to zero."""
    warm_up, descent = (step + 1) / min(WARM_UP, max(1, steps // 4)), (steps - step) / (steps - steps // 2)
    return peak * min(1.0, warm_up, descent)


def descend(
    model: nn.Module, optimiser: torch.optim.Optimizer, step_loss: StepLoss, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One step down the gradient of one batch, clipped to a length of 1; returns the loss and the accuracy."""
    loss, accuracy = step_loss(model, generator)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss, accuracy


def train(
    model: nn.Module,
    step_loss: StepLoss,
    steps: int,
    *,
    learning_rate: float,
    seed: int,
    path: Path | None,
    settings: dict[str, Any],
    name: str = "model",
    fresh: bool = False,
    stop_after: int | None = None,
    rate: Callable[[int, int, float], float] = learning_rate_at,
    optimiser: torch.optim.Optimizer | None = None,
    take_step: TakeStep = descend,
    show: Callable[[History], dict[str, str]] | None = None,
    tokens_per_step: int | None = None,
    leads: bool = True,
) -> History:
    """Train `model` in place for `steps` steps, from the checkpoint at `path` where there is one; None: none is kept.

    `step_loss(model, generator)` draws a batch and returns loss and accuracy. One that carries something from step to
    step, such as a recurrent state or a place in a text, has `state_dict` and `load_state_dict`, as modules have: they
    are saved and resumed with the rest. `settings` are what the run depends on: a checkpoint made with others is
    refused, unless `fresh` says to overwrite it. `stop_after` ends this session early, at a saved step.

    `rate(step, steps, learning_rate)` is the learning rate of a step; `optimiser` is AdamW where none is given;
    `take_step(model, optimiser, step_loss, generator)` makes one step and returns its loss and a second number. `show`
    says what stands beside the progress bar, which counts tokens where `tokens_per_step` is given. Of several processes
    that train together one leads: it alone draws the bar and writes the checkpoint, which all of them read.

    Raises TrainingError at a loss that is not finite, CheckpointError at a checkpoint that is damaged or another run's.
    """
    settings = _plain({**settings, "name": name, "steps": steps, "learning_rate": learning_rate, "seed": seed})
    generator = torch.Generator().manual_seed(seed)
    optimiser = optimiser or torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    show, size = show or _loss_and_accuracy, tokens_per_step or 1
    history = History()
    if path and path.exists() and not fresh:
        first_loss = _first_loss(model, step_loss, seed)
        history = _resume(path, model, optimiser, generator, settings, first_loss, step_loss)
    last = steps if stop_after is None else min(steps, stop_after)
    started = saved = time.perf_counter()
    before = history.seconds
    model.train()
    with tqdm(
        total=steps * size,
        initial=len(history.loss) * size,
        desc=name,
        unit="token" if tokens_per_step else "step",
        unit_scale=bool(tokens_per_step),
        mininterval=0.5,
        **({} if leads else {"disable": True}),  # said only where it is so: else TQDM_DISABLE has its say
    ) as bar:
        while (step := len(history.loss)) < last:
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps, learning_rate)
            loss, second = take_step(model, optimiser, step_loss, generator)
            if not math.isfinite(value := loss.item()):
                raise diverged(f"The loss of {name} is {value}", step, optimiser)
            history.loss.append(value)
            history.second.append(second.item())
            bar.update(size)
            if step % 10 == 0 or step + 1 == last:
                bar.set_postfix(show(history))
            history.seconds = before + time.perf_counter() - started
            if path and leads and (time.perf_counter() - saved > SAVE_EVERY or step + 1 == last):
                _save(path, model, optimiser, generator, settings, history, step_loss)
                saved = time.perf_counter()
    return history


def diverged(what: str, step: int, optimiser: torch.optim.Optimizer) -> TrainingError:
    """What to say where numbers are no longer finite; the checkpoint stays that of the last good step saved."""
    return TrainingError(
        f"{what} at step {step}, with a learning rate of {optimiser.param_groups[0]['lr']:.3g}. The usual reasons: a "
        "softmax over scores that are all -inf (a query that may read nothing), a division by zero, or a learning rate "
        "that is too high. Look at your functions with random inputs first; then try a third of the learning rate."
    )


def _loss_and_accuracy(history: History) -> dict[str, str]:
    return {"loss": f"{lately(history.loss):.3f}", "accuracy": f"{lately(history.second):.2f}"}


def lately(values: list[float], steps: int = 50) -> float:
    """The mean of the last steps: texts differ in length from step to step, and so does their loss."""
    return sum(values[-steps:]) / len(values[-steps:])


def smooth(values: Sequence[float], n: int = 5) -> list[float]:
    """The mean of each step and the few before it."""
    return [mean(values[max(0, i - n + 1) : i + 1]) for i in range(len(values))]


def _first_loss(model: nn.Module, step_loss: StepLoss, seed: int) -> float:
    """The loss of the untrained model on the first batch: what tells one model's code from another's."""
    before = _carried(step_loss)
    with torch.no_grad():
        loss = step_loss(model, torch.Generator().manual_seed(seed))[0].item()
    if before:
        step_loss.load_state_dict(before)
    return loss


def _carried(step_loss: StepLoss) -> dict[str, Tensor]:
    """What `step_loss` takes from step to step; nothing for most."""
    return step_loss.state_dict() if hasattr(step_loss, "state_dict") else {}


def _save(path: Path, model, optimiser, generator, settings, history: History, step_loss: StepLoss) -> None:
    """Write the checkpoint: model, optimiser, generators, what the steps carry, and the losses so far."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state[parameter].items():  # of AdamW: exp_avg, exp_avg_sq, step
            tensors[f"optimiser.{key}.{name}"] = value
    tensors |= {f"carried.{name}": tensor for name, tensor in _carried(step_loss).items()}
    tensors["rng.batches"], tensors["rng.torch"] = generator.get_state(), torch.get_rng_state()
    tensors["history.loss"] = torch.tensor(history.loss, dtype=torch.float64)
    tensors["history.second"] = torch.tensor(history.second, dtype=torch.float64)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    metadata = {"format": FORMAT, "settings": json.dumps(settings), "seconds": repr(history.seconds)}
    save_whole(tensors, path, metadata)


def save_whole(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file beside its place and move it there in one go, so that no half of it is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, half, metadata=metadata)
        half.chmod(0o644)  # the library writes for its owner alone, and what ships is for everybody
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def _resume(path: Path, model, optimiser, generator, settings, first_loss: float, step_loss: StepLoss) -> History:
    """Put a checkpoint's state into model, optimiser and generators, after making sure that it is this run's."""
    tensors, metadata = _read(path)
    again = f"To start afresh and overwrite it, pass fresh=True; to keep both, move {path} away."
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of this training loop. {again}")
    theirs = json.loads(metadata["settings"])
    if different := [key for key in {**theirs, **settings} if theirs.get(key) != settings.get(key)]:
        listed = ", ".join(f"{key} was {theirs.get(key)!r}, now {settings.get(key)!r}" for key in sorted(different))
        raise CheckpointError(f"{path} is of another run: {listed}. {again}")
    there = {key.removeprefix("model."): tensor.shape for key, tensor in tensors.items() if key.startswith("model.")}
    here = {key: tensor.shape for key, tensor in model.state_dict().items()}
    if there != here:
        key = next(key for key in {**here, **there} if there.get(key) != here.get(key))
        shapes = [tuple(shapes[key]) if key in shapes else "absent" for shapes in (there, here)]
        raise CheckpointError(f"{path} is of another model: {key} was {shapes[0]}, now {shapes[1]}. {again}")
    losses = tensors["history.loss"].tolist()
    if losses and not math.isclose(first_loss, losses[0], rel_tol=1e-3):
        raise CheckpointError(
            f"{path} was made by other code: the untrained model's loss was {losses[0]:.5f} then and is "
            f"{first_loss:.5f} now, on the same batch. Your functions have changed since. {again}"
        )
    model.load_state_dict({key: tensors[f"model.{key}"] for key in here})
    parameters = dict(model.named_parameters())
    for key in (key for key in tensors if key.startswith("optimiser.")):
        _, what, name = key.split(".", 2)
        where = parameters[name].device if what != "step" else "cpu"  # the count of steps stays where AdamW keeps it
        optimiser.state[parameters[name]][what] = tensors[key].to(where)
    if carried := {key.removeprefix("carried."): tensors[key] for key in tensors if key.startswith("carried.")}:
        step_loss.load_state_dict(carried)
    generator.set_state(tensors["rng.batches"])
    torch.set_rng_state(tensors["rng.torch"])
    return History(losses, tensors["history.second"].tolist(), float(metadata["seconds"]))


def restore(model: nn.Module, path: Path) -> None:
    """Put the weights of a checkpoint of `train` into a model. Raises CheckpointError where there is none."""
    if not path.exists():
        raise CheckpointError(f"there is no {path}: train the model first")
    tensors, _ = _read(path)
    model.load_state_dict(
        {key.removeprefix("model."): tensor for key, tensor in tensors.items() if key.startswith("model.")}
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}): it is cut short or damaged. Delete it, or pass fresh=True, and the run "
            "starts again."
        ) from None


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as they come back from JSON, so that a tuple and a list compare equal."""
    return json.loads(json.dumps(settings))
