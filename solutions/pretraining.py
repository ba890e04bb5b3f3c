"""Pretraining: the recipe that turns tokens into a language model, from a batch to the law that says how large.

What is built here: batches, the optimiser (AdamW: Kingma & Ba 2015, Loshchilov & Hutter 2019), its learning rate over
time (a linear warm-up and a cosine: Loshchilov & Hutter 2017), clipping (Pascanu et al. 2013), one step of training
with accumulation and mixed precision (Micikevicius et al. 2018), a loss on text that was held out, and the power law in
which such losses fall (Kaplan et al. 2020).

What is left out: shuffled files larger than memory, sharded optimisers and models. A model is anything that maps tokens
(B, T) to logits (B, T, vocab_size) and something else beside them, as `GPT` and `RecurrentLanguageModel` do. Losses are
in nats per token.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Model = Callable[[Tensor], tuple[Tensor, object]]  # tokens (B, T) -> logits (B, T, vocab_size), and its state
Batch = tuple[Tensor, Tensor]  # inputs and targets, (B, T) each


def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    """Cut windows of T tokens out of a long text at random places, and beside
    each the tokens that come next.

    For each row a place is drawn anew. Every place where a whole window and its
    last target fit is equally likely, so windows may overlap. Chance comes from
    `generator`, which leaves PyTorch's own as it was, or without one from
    PyTorch's own. The batch is no view of the text: to change the one does not
    change the other.

    Shapes: tokens (n_tokens), n_tokens > T -> inputs (B, T), targets (B, T),
    where B is `batch_size`, of the type that the tokens have.
    Raises ValueError where the text is too short for one window.
    """
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    ### BEGIN SOLUTION
    starts = torch.randint(len(tokens) - T, (batch_size, 1), generator=generator)  # (B, 1)
    windows = tokens[starts + torch.arange(T + 1)]  # (B, T + 1)
    return windows[:, :-1], windows[:, 1:]
    ### END SOLUTION


@torch.no_grad()
def adamw_update(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    mean_square: Tensor,
    step: int,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.1,
) -> None:
    """Move one weight, in place, against its gradient, by a step whose size
    does not depend on the gradient's scale.

    `mean` and `mean_square` are running means of the gradient and of its
    square, zero before step 1, and move in place too; `betas` say how much of
    the old one each keeps. Both are divided by 1 - beta^step, since they began
    at zero. The decay shrinks the weight as it was before the step, by
    learning_rate · weight_decay of it.

    Shapes: weight, gradient, mean, mean_square, all the same -> None. `step`
    counts from 1.
    Source: Loshchilov & Hutter 2019, algorithm 2, with the decay multiplied by
    the learning rate, as in PyTorch.
    """
    ### BEGIN SOLUTION
    mean.lerp_(gradient, 1 - betas[0])
    mean_square.lerp_(gradient.square(), 1 - betas[1])
    unbiased_mean = mean / (1 - betas[0] ** step)
    unbiased_square = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * unbiased_mean / (unbiased_square.sqrt() + eps))
    ### END SOLUTION


def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    """The learning rate of one step: up in a straight line to the peak, then
    down along half a cosine to the floor.

    Steps count from 0 to `steps` - 1. Step 0 has peak / warm_up, step `warm_up`
    - 1 the peak; the cosine begins there and would reach the floor at step
    `steps`. Without a warm-up (0) the cosine begins at step 0, at the peak. A
    rate is a float.

    Source: Loshchilov & Hutter 2017, equation 5, without restarts; the warm-up
    as in Goyal et al. 2017.
    """
    ### BEGIN SOLUTION
    if step < warm_up:
        return peak * (step + 1) / warm_up
    start = max(warm_up - 1, 0)
    progress = (step - start) / (steps - start)
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Shorten all gradients together, in place, so that their joint length is
    at most `max_norm`.

    The joint length is the Euclidean norm of all their numbers in one row. All
    are multiplied by the same factor, so the direction stays; gradients that
    are not too long are left as they are. Parameters without a gradient are
    skipped, and no others; one at least has one.

    Returns the length before, a tensor () or a number.
    Source: Pascanu et al. 2013, algorithm 1.
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm
    ### END SOLUTION


def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    """Take one step of the optimiser on several batches.

    They go through the model one after the other, each forward and back before
    the next one comes. The loss is the mean cross-entropy over all their
    targets, so that the step is that of one large batch, whatever their sizes.
    Gradients from before the call do not count, whether they are taken away or
    set to zero; those of the call are clipped together, to `max_norm`, whatever
    groups the optimiser has.

    `dtype` is what matrices are multiplied in (`torch.autocast`); the weights
    stay in float32, and so does the loss. In float16 small gradients become
    zero, so a scaler multiplies the loss by its factor before the backward
    pass, and divides the gradients by it after. It takes the step, or none
    where gradients overflowed, and sets its next factor. One that is given is
    used in every `dtype`; without one nothing is scaled.

    The model stays in the mode that it is in.

    Shapes: batches of inputs and targets, tokens (B, T) -> the loss (), before
    the step, and the gradients' norm (), before clipping (each a number too,
    and with a graph or without).
    Source: Micikevicius et al. 2018, sections 3.1 and 3.2.
    """
    ### BEGIN SOLUTION
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad(set_to_none=True)
    n_targets = sum(targets.numel() for _, targets in batches)
    total = torch.zeros((), device=batches[0][0].device)
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]  # (B, T, vocab_size)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total += loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm
    ### END SOLUTION


@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    """The mean loss over a whole text, in nats per token: every token but the
    first is predicted once.

    The text is read in windows of T targets laid end to end, each from its own
    beginning, at most `batch_size` at a time; the last window may be shorter.
    The loss is taken in float32, whatever the model computes in. The model is
    in evaluation mode meanwhile, with all its parts, and afterwards in the mode
    that it was in. Nothing else of it changes, its gradients neither.

    Shapes: tokens (n_tokens), n_tokens >= 2 -> a number, or a tensor (). All
    parts of the model come in one mode.
    """
    ### BEGIN SOLUTION
    mode, n_whole, total = model.training, (len(tokens) - 1) // T * T, 0.0
    pairs = torch.stack([tokens[:-1], tokens[1:]]).to(next(model.parameters()).device)  # inputs above targets
    whole, rest = pairs[:, :n_whole].view(2, -1, T), pairs[:, None, n_whole:]  # (2, n_windows, T), (2, 1, fewer)
    model.eval()
    for inputs, targets in (*whole.split(batch_size, dim=1), rest):  # (B, T) each
        if inputs.numel():
            logits = model(inputs)[0]  # (B, T, vocab_size)
            total += F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum").item()
    model.train(mode)
    return total / (len(tokens) - 1)
    ### END SOLUTION


def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    """Fit y = floor + scale · x^(-exponent): a straight line through the
    logarithms, by least squares.

    The logarithms are those of x and of y - floor, the difference and they in
    float64. `floor` is what y can never fall below, and may be negative; for a
    loss it is the entropy of the text, which in the village is known.

    Shapes: x (n) and y (n), n >= 2, positive, not all x equal, y above the
    floor -> scale, exponent, two floats.
    Raises ValueError where a y is not above the floor.
    Source: Kaplan et al. 2020, section 1.2, for the form.
    """
    ### BEGIN SOLUTION
    if (y <= floor).any():
        raise ValueError(f"y must lie above the floor of {floor}; its smallest is {y.min().item()}")
    log_x, log_y = x.double().log(), (y.double() - floor).log()
    slope = (log_x - log_x.mean()) @ (log_y - log_y.mean()) / (log_x - log_x.mean()).square().sum()
    return math.exp(log_y.mean() - slope * log_x.mean()), -slope.item()
    ### END SOLUTION
