"""The model, the batches and the scalers with which `train_step` is checked, and a step with its parts to choose."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checks.pretraining.shared import VOCAB_SIZE, some_tokens


class Bigram(nn.Module):
    """A model that looks at one token: so several texts are one long text, and what it should give is easily known.

    A state that is handed on would show in its logits. It notes what goes through it, in which type its matrices were
    multiplied, and in which mode it was.
    """

    def __init__(self, rng: torch.Generator, scale: float = 1.0, d_model: int = 6):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, d_model)
        self.output = nn.Linear(d_model, VOCAB_SIZE, bias=False)
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng)
        self.embedding.weight.data.mul_(scale)  # and the gradients of the output with it
        self.shapes: list[list[int]] = []  # of the batches
        self.passes: list[int] = []  # 1 forward, -1 back
        self.types: list[str] = []
        self.modes: list[list[bool]] = []  # whether it was in training mode, and whether its last layer was

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        logits = self.output(self.embedding(tokens)) if state is None else self.output(self.embedding(tokens) + state)
        self.shapes.append(list(tokens.shape))
        self.passes.append(1)
        if logits.requires_grad:
            logits.register_hook(lambda _: self.passes.append(-1))
        self.types.append(str(logits.dtype))
        self.modes.append([self.training, self.output.training])
        return logits, torch.ones(())

    def most_at_a_time(self) -> int:
        """How many batches were forward and not yet back, at most."""
        return int(torch.tensor(self.passes).cumsum(0).max())


def some_batches(rng: torch.Generator, *shapes: tuple[int, int]) -> list[tuple[Tensor, Tensor]]:
    """Inputs and targets of these shapes; the last target is token 0, which is a token like others.

    They are parts of larger tensors, as windows with their targets are.
    """
    wide = [(B, T + 1) for B, T in shapes or SIZES]
    batches = [(some_tokens(rng, *shape)[:, :-1], some_tokens(rng, *shape)[:, 1:]) for shape in wide]
    batches[-1][1][-1, -1] = 0
    return batches


SIZES = (3, 4), (2, 7), (1, 2), (1, 1)


def scaler_for(dtype: torch.dtype, scale: float = 2.0**12) -> torch.amp.GradScaler | None:
    return new_scaler(scale) if dtype == torch.float16 else None


def new_scaler(scale: float = 2.0**12) -> torch.amp.GradScaler:
    """One that doubles its factor after each good step."""
    return torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1)


class Step:
    """A step of training with its parts to override, so that one of them can be wrong."""

    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        scaler = scaler or torch.amp.GradScaler("cpu", enabled=False)
        self.clear(optimiser)
        batches = self.given(batches)
        n_targets = sum(targets.numel() for _, targets in batches)
        means, sizes = [], []
        for inputs, targets in batches:
            mean = self.loss(model, inputs, targets, dtype)
            self.back(self.scaled(scaler, mean * self.share(targets, n_targets, batches)))
            means.append(mean.detach())
            sizes.append(targets.numel())
            self.after_each(model, optimiser, scaler, max_norm)
        norm = self.finish(model, optimiser, scaler, max_norm)
        return self.reported(torch.stack(means), torch.tensor(sizes)), norm

    def clear(self, optimiser):
        optimiser.zero_grad()

    def given(self, batches):
        return batches

    def product(self, dtype):
        return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)

    def loss(self, model, inputs, targets, dtype):
        with self.product(dtype):
            logits = model(inputs)[0]
        return self.cross_entropy(logits.float().flatten(0, 1), targets.flatten())

    def cross_entropy(self, logits, targets):
        return F.cross_entropy(logits, targets)

    def share(self, targets, n_targets, batches):
        return targets.numel() / n_targets

    def scaled(self, scaler, loss):
        return scaler.scale(loss)

    def back(self, loss):
        loss.backward()

    def after_each(self, model, optimiser, scaler, max_norm):
        pass

    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return self.clip(model, max_norm)

    def clip(self, model, max_norm):
        return nn.utils.clip_grad_norm_(model.parameters(), max_norm)

    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        scaler.step(optimiser)
        scaler.update()
        return norm

    def reported(self, means, sizes):
        return (means * sizes).sum() / sizes.sum()
