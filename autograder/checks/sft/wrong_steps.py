"""Parts of a step of tuning that are wrong in a known way."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from autograder.checks.pretraining.clip_gradients import library_clipping
from autograder.checks.pretraining.shared import joint
from autograder.checks.sft.shared import END, NEWLINE, Loss, Scribe, Tuning, apart


def reads(segments_of: Callable[[Tensor], Tensor]) -> Callable:
    """Reading with these of the segments."""

    def read(self, model, tokens, segments):
        with apart(model, segments_of(segments)):
            return model(tokens[:, :-1])[0]

    return read


def itself_the_target(self: Tuning, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Each token is to be predicted where it is read."""
    first = torch.full_like(targets[:, :1], END)
    inputs, mine = torch.cat([first, targets[:, :-1]], dim=1), torch.cat([mask[:, :1] & False, mask[:, :-1]], dim=1)
    return Loss()(logits, inputs, mine)


def after_the_step(self: Tuning, loss: Tensor, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    return self.loss(self.read(model, tokens, segments), tokens[:, 1:], self.mask(tokens, segments)).detach()


def patched_for_ever(self: Tuning, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    with apart(model, segments[:, :-1]):
        changed = model.attention.attend
    model.attention.attend = changed
    return model(tokens[:, :-1])[0]


def in_training_mode(self: Tuning, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    return Tuning.read(self, model.train(), tokens, segments)


def of_what_is_ended(self: Tuning, tokens: Tensor, segments: Tensor) -> Tensor:
    """The mask of the targets, without the words that no line break follows in their segment."""
    mask = Scribe()(tokens)
    last = torch.tensor([[NEWLINE in row[t:].tolist() for t in range(len(row))] for row in tokens])
    return (mask & last)[:, 1:]


def mean_of_conversations(self: Tuning, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("nothing to learn from")
    losses, its = Loss().losses(logits, targets), self.segments[:, 1:]
    talks = [(row, n) for row in range(len(its)) for n in its[row].unique().tolist()]
    chosen = [losses[row][mask[row] & (its[row] == n)] for row, n in talks]
    return torch.stack([part.mean() for part in chosen if len(part)]).mean()


def each_by_itself(self: Tuning, model: nn.Module, max_norm: float) -> Tensor:
    weights = [weight for weight in model.parameters() if weight.grad is not None]
    return torch.stack([library_clipping([weight], max_norm) for weight in weights]).norm()


def as_long_as_the_limit(self: Tuning, model: nn.Module, max_norm: float) -> Tensor:
    weights = [weight for weight in model.parameters() if weight.grad is not None]
    norm = joint(weights).norm()
    for weight in weights:
        weight.grad.mul_(max_norm / norm)
    return norm


def wherever_it_is(self: Tuning, model: nn.Module, max_norm: float) -> Tensor:
    """Clipping that takes a gradient from each weight, and stumbles where there is none."""
    norm = torch.stack([weight.grad.norm() for weight in model.parameters()]).norm()
    for weight in model.parameters():
        weight.grad.mul_((max_norm / norm).clamp(max=1.0))
    return norm


def whatever_there_is(self: Tuning, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    return (Loss().losses(logits, targets) * mask).sum() / mask.sum().clamp(min=1)


def by_its_ends(self: Tuning, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    """Reading in which a conversation is what stands between two `<end>`."""
    return Tuning.read(self, model, tokens, (tokens == END).long().cumsum(-1))


def in_one_mode(self: Tuning, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    return Tuning.read(self, model.train(model.training), tokens, segments)


def left_open_after_an_error(self: Tuning, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    with apart(model, segments[:, :-1]):
        before, during = self.before(model), model.attention.attend
    model.attention.attend = during
    logits = model(tokens[:, :-1])[0]
    model.attention.attend = before
    return logits


def zeros_for_all(self: Tuning, model: nn.Module, max_norm: float) -> Tensor:
    for weight in model.parameters():
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    return library_clipping(model.parameters(), max_norm)
