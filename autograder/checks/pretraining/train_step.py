"""`train_step`: one step for each call, several batches are one large one, the step is clipped, the shorter types
compute the products alone, and an overflow is no step.
"""

import copy
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import as_tensors, called, normal, weights_of
from autograder.checks.pretraining.shared import NO_LIMIT, VOCAB_SIZE, Observed, joint, some_tokens

exercise = Exercise("train_step")

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


class Bigram(nn.Module):
    """A model that looks at one token: so several texts are one long text, and what it should give is easily known.

    It notes in which type its matrices were multiplied, and in which mode it was.
    """

    def __init__(self, rng: torch.Generator, d_model: int = 6):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, d_model)
        self.output = nn.Linear(d_model, VOCAB_SIZE, bias=False)
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng)
        self.types: list[str] = []
        self.modes: list[bool] = []  # whether it was in training mode

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        logits = self.output(self.embedding(tokens))
        self.types.append(str(logits.dtype))
        self.modes.append(self.training)
        return logits, state


def some_batches(rng: torch.Generator, *shapes: tuple[int, int]) -> list[tuple[Tensor, Tensor]]:
    """Inputs and targets of these shapes."""
    return [(some_tokens(rng, *shape), some_tokens(rng, *shape)) for shape in shapes or ((3, 4), (2, 7), (1, 2))]


def scaler_for(dtype: torch.dtype, scale: float = 2.0**12) -> torch.amp.GradScaler | None:
    return torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1) if dtype == torch.float16 else None


class Step:
    """A step of training with its parts to override, so that one of them can be wrong."""

    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        scaler = scaler or torch.amp.GradScaler("cpu", enabled=False)
        self.clear(optimiser)
        n_targets = sum(targets.numel() for _, targets in batches)
        losses = []
        for inputs, targets in batches:
            loss = self.loss(model, inputs, targets, dtype) * self.share(targets, n_targets, len(batches))
            self.scaled(scaler, loss).backward()
            losses.append(loss.detach())
            self.after_each(model, optimiser, scaler, max_norm)
        norm = self.finish(model, optimiser, scaler, max_norm)
        return self.reported(losses), norm

    def clear(self, optimiser):
        optimiser.zero_grad()

    def product(self, dtype):
        return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)

    def loss(self, model, inputs, targets, dtype):
        with self.product(dtype):
            logits = model(inputs)[0]
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())

    def share(self, targets, n_targets, n_batches):
        return targets.numel() / n_targets

    def scaled(self, scaler, loss):
        return scaler.scale(loss)

    def after_each(self, model, optimiser, scaler, max_norm):
        pass

    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return nn.utils.clip_grad_norm_(model.parameters(), max_norm)

    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        scaler.step(optimiser)
        scaler.update()
        return norm

    def reported(self, losses):
        return torch.stack(losses).sum()


def step_mistake(hint: str) -> Callable[[type[Step]], Callable]:
    """Register a wrong step: its function has the name of the class."""
    return lambda wrong: exercise.mistake(hint=hint)(called(wrong))


@exercise.check(points=0.25)
def one_step_for_each_call(train_step, rng):
    """Each call is one step, on the gradient of its own batches, in the model's mode; the loss is that before it."""
    model = Bigram(rng)
    optimiser, seen = Observed(model), {}
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    for call in ("first call", "second call"):
        loss, norm = train_step(model, optimiser, some_batches(rng, (3, 5)), NO_LIMIT)
        seen[f"{call}: loss, norm, weights"] = [loss, norm, weights_of(model)]
        seen[f"{call}: whether the mode is that of training, meanwhile and afterwards"] = [
            *model.modes[-1:],
            model.training,
        ]
    return {"the gradients at each step": optimiser.gradients, **seen}


@exercise.check(points=0.25, invariant=True)
def several_batches_are_one_large_one(train_step, rng):
    """Batches of different sizes, one after the other, make the step that they make as a single large batch."""
    model, batches = Bigram(rng), some_batches(rng)
    single = [tuple(torch.cat([part.flatten() for part in parts]).unsqueeze(0) for parts in zip(*batches))]
    seen = []
    for given in (single, batches, batches[:1]):
        copied = copy.deepcopy(model)
        loss, norm = train_step(copied, Observed(copied), given, NO_LIMIT)
        seen.append([*as_tensors((loss, norm)), weights_of(copied)])
    return {"before": seen[0], "after": seen[1], "must differ": [seen[0][2], seen[2][2]]}


@exercise.check(points=0.25)
def the_step_is_clipped(train_step, rng):
    """The gradients of all batches together are at most max_norm long, 1 if not said; the norm is that before."""
    seen = {}
    for words, scale, more in (("max_norm=0.05", 1.0, {"max_norm": 0.05}), ("max_norm not given", 8.0, {})):
        model = Bigram(rng)
        with torch.no_grad():
            model.embedding.weight.mul_(scale)
        optimiser = Observed(model)
        seen[f"{words}: loss, norm"] = train_step(model, optimiser, some_batches(rng), **more)
        seen[f"{words}: 20 times the gradients at each step"] = [20 * row for row in optimiser.gradients]
    return seen


@exercise.check(points=0.25, rtol=0.05, atol=0.01)
def short_numbers_for_the_products_alone(train_step, rng):
    """In bfloat16 and float16 matrices are multiplied in that type; weights, gradients and the loss are float32."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng)
        optimiser = Observed(model)
        loss, norm = train_step(model, optimiser, some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = {
            "type of the products": model.types,
            "type of the loss": str(loss.dtype) if isinstance(loss, Tensor) else "torch.float32",
            "type of the weights": [str(weight.dtype) for weight in model.parameters()],
            "the gradients at each step": optimiser.gradients,
            "loss, norm": [loss, norm],
        }
    return seen


@exercise.check(points=0.25)
def the_loss_in_full(train_step, rng):
    """Where all logits are zero, the loss is the logarithm of the vocabulary to six digits, whatever the type."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng)
        nn.init.zeros_(model.output.weight)
        loss, _ = train_step(model, Observed(model), some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = loss
    return seen


@exercise.check(points=0.25, rtol=0.05, atol=0.01)
def small_gradients_survive_in_float16(train_step, rng):
    """With a scaler, gradients that are zero in float16 arrive; they are measured and clipped at their true size."""
    model, signs = Bigram(rng), normal(rng, VOCAB_SIZE, 6).sign()
    with torch.no_grad():
        model.output.weight.copy_(signs * 2.0**-20)  # so that gradients of the embedding are about as small
    seen = {}
    for words, max_norm in (("not clipped", NO_LIMIT), ("clipped", 0.05)):
        copied = copy.deepcopy(model)
        optimiser = Observed(copied)
        _, norm = train_step(copied, optimiser, some_batches(rng), max_norm, torch.float16, scaler_for(torch.float16))
        row = torch.cat(optimiser.gradients)
        n = model.embedding.weight.numel()
        seen[f"{words}: the norm"] = norm
        seen[f"{words}: gradients of the embedding, times 2^20"] = row[:n] * 2.0**20
        seen[f"{words}: gradients of the output, times 20"] = row[n:] * 20
    return seen


@exercise.check(points=0.25)
def an_overflow_is_no_step(train_step, rng):
    """Where scaled gradients overflow, no step is taken and the scale is halved; after a good step it may grow."""
    seen = {}
    for words, scale in (("too large", 2.0**40), ("good", 2.0**10)):
        model = Bigram(rng)
        optimiser, before, scaler = Observed(model), weights_of(model), scaler_for(torch.float16, scale)
        loss, _ = train_step(model, optimiser, some_batches(rng), 1.0, torch.float16, scaler)
        seen[f"a scale that is {words}"] = {
            "steps": len(optimiser.gradients),
            "weights unchanged": torch.equal(before, weights_of(model)),
            "the scale afterwards": scaler.get_scale(),
            "type of the products": model.types,
            "the loss is a number": math.isfinite(loss),
        }
    return seen


@step_mistake("The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?")
class keeps_the_old_gradients(Step):
    def clear(self, optimiser):
        pass


@step_mistake(
    "Each batch counts the same, the short ones too. How much is the mean over a batch of two targets to weigh beside "
    "one over fourteen?"
)
class takes_the_mean_of_the_means(Step):
    def share(self, targets, n_targets, n_batches):
        return 1 / n_batches


@step_mistake("Your gradient grows with the number of batches. What do the losses have to be divided by?")
class adds_the_means_up(Step):
    def share(self, targets, n_targets, n_batches):
        return 1.0


@step_mistake("Your gradient grows with the number of targets. Of what is the loss the mean?")
class adds_all_losses_up(Step):
    def share(self, targets, n_targets, n_batches):
        return float(targets.numel())


@step_mistake("You take a step after every batch. How many steps is one call?")
class steps_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = super().finish(model, optimiser, scaler, max_norm)
        optimiser.zero_grad()

    def finish(self, model, optimiser, scaler, max_norm):
        return self.norm


@step_mistake("Only the last batch has an effect. When are the gradients to be cleared?")
class clears_before_every_batch(Step):
    def __call__(self, model, optimiser, batches, *args, **more):
        self.n_left = len(batches)
        return super().__call__(model, optimiser, batches, *args, **more)

    def after_each(self, model, optimiser, scaler, max_norm):
        self.n_left -= 1
        if self.n_left:
            optimiser.zero_grad()


@step_mistake("You report the loss of the last batch. Over which targets is the mean to be taken?")
class reports_the_last_batch(Step):
    def __call__(self, model, optimiser, batches, *args, **more):
        targets = [targets.numel() for _, targets in batches]
        self.weight = sum(targets) / targets[-1]
        return super().__call__(model, optimiser, batches, *args, **more)

    def reported(self, losses):
        return losses[-1] * self.weight


@step_mistake("The optimiser steps on gradients that are not clipped. Where, if at all, do you shorten them?")
class never_clips(Step):
    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return joint(model.parameters()).norm()


@step_mistake("You clip after each batch, and the sum is longer again. When are all gradients together?")
class clips_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm * scaler.get_scale())
        self.norm = self.norm / scaler.get_scale()

    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return self.norm


@step_mistake(
    "You clip gradients that are still multiplied by the scale, so nearly nothing is left of them after the division. "
    "What has to come first?"
)
class clips_before_the_scale_is_taken_out(Step):
    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.unscale_(optimiser)
        return norm


@step_mistake(
    "You call `backward` on a loss that is not scaled, and the scaler divides the gradients all the same. What does "
    "`scaler.scale` do?"
)
class does_not_scale_the_loss(Step):
    def scaled(self, scaler, loss):
        return loss


@step_mistake("In float16 small gradients become zero. What was the scaler given for?")
class ignores_the_scaler(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        return super().__call__(model, optimiser, batches, max_norm, dtype, None)


@step_mistake(
    "The scale never changes, so a scale that is too large stops training for good. Which call sets the next one?"
)
class never_updates_the_scale(Step):
    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        scaler.step(optimiser)
        return norm


@step_mistake(
    "You call `optimiser.step()` yourself, so gradients that overflowed go into the weights. Who knows that they did?"
)
class steps_without_the_scaler(Step):
    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        optimiser.step()
        scaler.update()
        return norm


@step_mistake("Everything runs in float32. Where do you use `dtype`?")
class ignores_the_type(Step):
    def product(self, dtype):
        return torch.autocast("cpu", enabled=False)


@step_mistake(
    "Where float16 is asked for, you compute in bfloat16, autocast's own choice on a CPU. Where do you hand on `dtype`?"
)
class takes_bfloat16_for_float16(Step):
    def product(self, dtype):
        return torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32)


@step_mistake("You call `model.eval()`, and a model with dropout trains without it. Who is to choose the mode?")
class goes_into_evaluation_mode(Step):
    def __call__(self, model, *args, **more):
        return super().__call__(model.eval(), *args, **more)


@step_mistake(
    "Your loss has three digits, since it is taken in the short type. What type are the logits when they come out of "
    "autocast?"
)
class takes_the_loss_in_short_numbers(Step):
    def loss(self, model, inputs, targets, dtype):
        with self.product(dtype):
            logits = model(inputs)[0]
        log_probabilities = torch.log_softmax(logits, dim=-1).flatten(0, 1)
        return F.nll_loss(log_probabilities, targets.flatten()).float()


@step_mistake(
    "The weights themselves are in the short type now. What becomes of a step that is a thousandth of the weight?"
)
class shortens_the_weights_too(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        if scaler is not None:
            return super().__call__(model, optimiser, batches, max_norm, dtype, scaler)
        return super().__call__(model.to(dtype), optimiser, batches, max_norm, dtype, scaler)
