"""The steps of a pretraining run, of one process or of several that share every batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import Device
from layercake.labs import judging
from layercake.labs.pretraining.settings import Settings
from layercake.labs.pretraining.text import Text
from layercake.processes import average, rank_and_number
from layercake.training import History, diverged, lately


class Steps:
    """Takes the steps of a run, as `train` wants it; before some of them the model is judged.

    Every process draws the same batch from the same generator and takes its own part. `train_step` divides by the
    targets of that part, and DistributedDataParallel averages the gradients over the processes before they are
    clipped: so the step is that of the whole batch. With `accumulate` they are averaged after each part of a part,
    which costs time on a network and changes nothing.
    """

    def __init__(
        self, text: Text, settings: Settings, device: Device, forward: nn.Module, get_batch, train_step, meanwhile=True
    ):
        self.text, self.settings, self.device, self.forward = text, settings, device, forward
        self.get_batch, self.train_step = get_batch, train_step
        self.scaler = torch.amp.GradScaler(device.device.type, enabled=device.dtype == torch.float16)
        self.measure_at = frozenset(judging.measuring_steps(settings.steps)[:-1] if meanwhile else ())
        self.rank, self.n_processes = rank_and_number()
        self.step, self.measured = 0, []

    def batch(self, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """This process's part of the next batch, in as many parts as are accumulated: (fewer, T) each."""
        drawn = self.get_batch(self.text.tokens, self.settings.batch_size, self.settings.window, generator)
        inputs, targets = (part.chunk(self.n_processes)[self.rank].to(self.device.device) for part in drawn)
        return list(zip(inputs.chunk(self.settings.accumulate), targets.chunk(self.settings.accumulate)))

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss of the next batch, without learning from it."""
        losses = []
        for inputs, targets in (batch := self.batch(generator)):
            with torch.autocast(inputs.device.type, self.device.dtype, enabled=self.device.dtype != torch.float32):
                logits = model(inputs)[0]  # (B, T, vocab_size)
            losses.append(F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum"))
        loss = average(torch.stack(losses).sum() / sum(targets.numel() for _, targets in batch))
        return loss, loss

    def take(self, model: nn.Module, optimiser: torch.optim.Optimizer, _, generator: torch.Generator):
        """One step; returns the loss of the whole batch and the length of its gradient."""
        if self.step in self.measure_at:
            self.measured.append(self.text.judge(model))
        loss, norm = self.train_step(
            self.forward, optimiser, self.batch(generator), dtype=self.device.dtype, scaler=self.scaler
        )
        loss = average(loss)
        if loss.isfinite() and not norm.isfinite() and not self.scaler.is_enabled():  # the scaler skips such a step
            raise diverged(f"The gradient's length is {norm.item()}", self.step, optimiser)
        self.step += 1
        return loss, norm

    def show(self, history: History) -> dict[str, str]:
        """What stands beside the progress bar."""
        said = {"loss": f"{lately(history.loss):.3f}"}
        if self.measured and self.text.bound:
            said["gap to the bound"] = f"{self.measured[-1]['all'] - self.text.bound['all']:.3f}"
        elif self.measured:
            said["bits per byte"] = f"{self.measured[-1]['all'] * self.text.bits:.3f}"
        return said

    def state_dict(self) -> dict[str, Tensor]:
        """What the next step depends on beside model, optimiser and generator; and what was measured."""
        rows = [list(losses.values()) for losses in self.measured]
        saved = {"step": torch.tensor(self.step), "measured": torch.tensor(rows, dtype=torch.float64)}
        return saved | {
            f"scaler.{name}": torch.tensor(value, dtype=torch.float64)
            for name, value in self.scaler.state_dict().items()
        }

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Go on from there. A run that did not need a scaler so far may go on where one is needed, and the reverse."""
        self.step = int(tensors["step"])
        groups = list(self.text.bound) or ["all"]
        self.measured = [dict(zip(groups, row)) for row in tensors["measured"].tolist()]
        scaler = {name.removeprefix("scaler."): tensors[name].item() for name in tensors if name.startswith("scaler.")}
        if scaler and self.scaler.is_enabled():
            whole = {"growth_interval", "_growth_tracker"}
            self.scaler.load_state_dict({k: int(v) if k in whole else v for k, v in scaler.items()})
