"""`train_step`: one step for each call, several batches are one large one, the step is clipped, the shorter types
compute the products alone, and an overflow is no step.
"""

import copy
import math

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import called, normal, weights_of
from autograder.checks.pretraining.bigram import Bigram, new_scaler, scaler_for, some_batches
from autograder.checks.pretraining.shared import NO_LIMIT, VOCAB_SIZE, Observed
from autograder.checks.pretraining.wrong_steps import WRONG_STEPS

exercise = Exercise("train_step")

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@exercise.promise("Gradients from before the call do not count", broken_by="keeps_the_old_gradients")
@exercise.check(points=0.25)
def each_call_has_its_own_gradients(train_step, rng):
    """Each call steps on the gradient of its own batch, whatever gradients were there before."""
    model = Bigram(rng, 4.0)
    optimiser = Observed(model)
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    chance, results = torch.get_rng_state(), []
    for shapes in (((3, 5),), ((1, 2), (4, 3)), ((3, 5),)):
        results.append(train_step(model, optimiser, tuple(some_batches(rng, *shapes)), NO_LIMIT))
    return {
        "the gradients at each step": optimiser.gradients,
        "the weights afterwards": weights_of(model),
        "losses and norms": results,
        "gradients are taken as before": torch.is_grad_enabled(),
        "PyTorch's own generator as it was": torch.equal(chance, torch.get_rng_state()),
    }


@exercise.promise(
    "so that the step is that of one large batch, whatever their sizes", broken_by="takes_the_mean_of_the_means"
)
@exercise.promise("of any sizes", broken_by="weighs_batches_by_their_rows")
@exercise.promise("every target counts", broken_by="leaves_out_token_0")
@exercise.check(points=0.25, invariant=True)
def several_batches_are_one_large_one(train_step, rng):
    """Batches of different sizes, one after the other, make the step that they make as a single large batch."""
    model, batches = Bigram(rng, 4.0), some_batches(rng)
    single = [tuple(torch.cat([part.flatten() for part in parts]).unsqueeze(0) for parts in zip(*batches))]
    seen = []
    for given in (single, batches, batches[:1]):
        copied = copy.deepcopy(model)
        train_step(copied, Observed(copied), given, NO_LIMIT)
        seen.append([weights_of(copied)])
    change = "the large batch was cut into four"
    return {"before": seen[0], "after": seen[1], "must differ": [seen[0], seen[2]], "change": change}


@exercise.promise("Take one step of the optimiser on several batches.", broken_by="steps_after_every_batch")
@exercise.promise("They go through the model one after the other", broken_by="joins_the_batches")
@exercise.promise("each forward and back before the next one comes", broken_by="goes_back_once_for_all")
@exercise.check(points=0.125)
def one_batch_at_a_time_and_one_step(train_step, rng):
    """Each batch goes through the model, and back, before the next one comes; then one step is taken."""
    model, batches = Bigram(rng), some_batches(rng, (2, 3), (4, 3), (2, 3))
    optimiser = Observed(model)
    train_step(model, optimiser, batches, NO_LIMIT)
    alike = Bigram(rng)
    train_step(alike, Observed(alike), some_batches(rng, (2, 3), (2, 3), (2, 3)), NO_LIMIT)
    return {
        "what went through the model": sorted(model.shapes),
        "what went through it of three alike": alike.shapes,
        "batches on their way at a time, at most": model.most_at_a_time(),
        "steps": len(optimiser.gradients),
    }


@exercise.promise(
    "The loss is the mean cross-entropy over all their targets", broken_by="reports_the_mean_of_the_means"
)
@exercise.promise("the loss (), before the step", broken_by="reports_the_loss_after_the_step")
@exercise.check(points=0.125)
def the_loss_of_all_targets_before_the_step(train_step, rng):
    """The loss is the mean over all targets of all batches, and that of the model as it was before the step."""
    seen = {}
    for words, shapes in (("one batch", [(2, 3)]), ("four batches", [])):
        model = Bigram(rng)
        seen[f"{words}: the loss"], _ = train_step(model, Observed(model), some_batches(rng, *shapes), NO_LIMIT)
    return seen


@exercise.promise("those of the call are clipped together, to `max_norm`", broken_by="clips_after_every_batch")
@exercise.promise("max_norm=1.0", broken_by="never_clips")
@exercise.promise("the gradients' norm (), before clipping", broken_by="reports_the_norm_after_clipping")
@exercise.check(points=0.25)
def the_step_is_clipped(train_step, rng):
    """The gradients of all batches together are at most max_norm long, 1 if not said; the norm is that before."""
    seen = {}
    for words, scale, more in (("max_norm=0.05", 1.0, {"max_norm": 0.05}), ("max_norm not given", 8.0, {})):
        model = Bigram(rng, scale)
        optimiser = Observed(model)
        _, seen[f"{words}: the norm"] = train_step(model, optimiser, some_batches(rng), **more)
        seen[f"{words}: 20 times the gradients at each step"] = [20 * row for row in optimiser.gradients]
    return seen


@exercise.promise("`dtype` is what matrices are multiplied in", broken_by="ignores_the_type")
@exercise.promise("the weights stay in float32", broken_by="shortens_the_weights_too")
@exercise.check(points=0.125, rtol=0.05, atol=0.01)
def short_numbers_for_the_products_alone(train_step, rng):
    """In bfloat16 and float16 matrices are multiplied in that type; weights and gradients stay in float32."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng, 0.3)
        optimiser = Observed(model)
        train_step(model, optimiser, some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = {
            "types of the products": sorted(set(model.types)),
            "type of the weights": [str(weight.dtype) for weight in model.parameters()],
            "the gradients at each step": optimiser.gradients,
        }
    return seen


@exercise.promise("and so does the loss.", broken_by="takes_the_loss_in_short_numbers")
@exercise.check(points=0.125, rtol=3e-6, atol=1e-6)
def the_loss_in_full(train_step, rng):
    """Where all logits are zero, the loss is the logarithm of the vocabulary to six digits, whatever the type."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng)
        nn.init.zeros_(model.output.weight)
        loss, _ = train_step(model, Observed(model), some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = loss
        seen[f"{dtype}: type"] = str(loss.dtype) if isinstance(loss, Tensor) else "torch.float32"
    return seen


@exercise.promise("a scaler multiplies the loss by its factor before the backward pass", broken_by="ignores_the_scaler")
@exercise.promise("and divides the gradients by it after", broken_by="leaves_the_scale_in")
@exercise.promise("Then once: unscale, clip, step, update the scale.", broken_by="clips_before_the_scale_is_taken_out")
@exercise.check(points=0.125, rtol=0.05, atol=0.01)
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


@exercise.promise("It takes the step, or none where gradients overflowed", broken_by="steps_without_the_scaler")
@exercise.promise("and sets its next factor", broken_by="never_updates_the_scale")
@exercise.check(points=0.125)
def an_overflow_is_no_step(train_step, rng):
    """Where scaled gradients overflow, no step is taken and the scale is halved; after a good step it may grow."""
    seen = {}
    for words, scale in (("too large", 2.0**40), ("good", 2.0**10)):
        model, scaler = Bigram(rng), new_scaler(scale)
        optimiser, before = Observed(model), weights_of(model)
        loss, _ = train_step(model, optimiser, some_batches(rng), 1.0, torch.float16, scaler)
        seen[f"a scale that is {words}"] = {
            "steps": len(optimiser.gradients),
            "weights unchanged": torch.equal(before, weights_of(model)),
            "the scale afterwards": scaler.get_scale(),
            "the loss is a number": math.isfinite(loss),
        }
    return seen


@exercise.promise("One that is given is used in every `dtype`", broken_by="uses_the_scaler_in_float16_only")
@exercise.promise("without one nothing is scaled.", broken_by="makes_a_scaler_for_float16")
@exercise.check(points=0.125)
def a_scaler_is_used_where_one_is_given(train_step, rng):
    """A scaler that is given is used in every type; without one even float16's gradients are not scaled."""
    seen = {}
    for dtype in DTYPES:
        model, scaler = Bigram(rng), new_scaler(2.0**10)
        train_step(model, Observed(model), some_batches(rng), NO_LIMIT, dtype, scaler)
        seen[f"{dtype}, a scale of 1024: the scale afterwards"] = scaler.get_scale()
    model = Bigram(rng)
    with torch.no_grad():
        model.output.weight.copy_(normal(rng, VOCAB_SIZE, 6).sign() * 2.0**-24)
    optimiser = Observed(model)
    train_step(model, optimiser, some_batches(rng), NO_LIMIT, torch.float16)
    row = torch.cat(optimiser.gradients)[: model.embedding.weight.numel()]
    seen["float16 without a scaler: gradients of the embedding, too small for it, times 2^24"] = row * 2.0**24
    return seen


@exercise.promise("The model stays in the mode that it is in.", broken_by="goes_into_evaluation_mode")
@exercise.promise("Whether the model is in training mode is the caller's choice", broken_by="goes_into_training_mode")
@exercise.check(points=0.125)
def the_mode_is_the_callers(train_step, rng):
    """A model in training mode trains in it, one in evaluation mode in that, and a layer of it in its own."""
    seen = {}
    for words, whole, layer in (("training", True, True), ("evaluation", False, False), ("one layer not", True, False)):
        model = Bigram(rng).train(whole)
        model.output.train(layer)
        train_step(model, Observed(model), some_batches(rng, (2, 3)))
        now = [model.training, model.output.training]
        seen[f"{words}: the model and its last layer in training mode, meanwhile, afterwards"] = [model.modes, now]
    return seen


exercise.aside("In float16 small gradients become zero", "Why there is a scaler; what it does is promised beside it.")
exercise.aside("tokens (B, T) -> the loss", "What comes in and what comes out; each is promised by itself.")
exercise.edges(
    empty="A step without a batch is no step.",
    one="the_mode_is_the_callers",
    equal="Batches of one size are the easy case, which is part of every check.",
    zero="several_batches_are_one_large_one",
    ties="Nothing is chosen among candidates.",
    large="an_overflow_is_no_step",
    small="small_gradients_survive_in_float16",
    limit="the_step_is_clipped",
    shapes="several_batches_are_one_large_one",
    modes="the_mode_is_the_callers",
    gradients="each_call_has_its_own_gradients",
    inputs="Inputs are whole numbers and have no gradient.",
)


for hint, wrong_step in WRONG_STEPS:
    exercise.mistake(hint=hint)(called(wrong_step))
