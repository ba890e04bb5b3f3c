"""The known ways to put one part of a step of training wrong, each with its hint."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checks.pretraining.bigram import Step
from autograder.checks.pretraining.shared import joint

WRONG_STEPS: list[tuple[str, type[Step]]] = []  # with the question that leads away from it


def step_mistake(hint: str) -> Callable[[type[Step]], type[Step]]:
    """Note a wrong step: the known mistake has the name of the class."""

    def note(wrong: type[Step]) -> type[Step]:
        WRONG_STEPS.append((hint, wrong))
        return wrong

    return note


@step_mistake("The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?")
class keeps_the_old_gradients(Step):
    def clear(self, optimiser):
        pass


@step_mistake(
    "Each batch pulls equally at the weights, the short ones too. How much is the mean over a batch of two targets to "
    "weigh beside one over fourteen?"
)
class takes_the_mean_of_the_means(Step):
    def share(self, targets, n_targets, batches):
        return 1 / len(batches)


@step_mistake(
    "Each batch counts equally, in the step and in the loss that you report. How much is the mean over a batch of two "
    "targets to weigh beside one over fourteen?"
)
class counts_every_batch_the_same(Step):
    def share(self, targets, n_targets, batches):
        return 1 / len(batches)

    def reported(self, means, sizes):
        return means.mean()


@step_mistake("You weigh each batch by its rows. Has every row as many targets as the next?")
class weighs_batches_by_their_rows(Step):
    def share(self, targets, n_targets, batches):
        return len(targets) / sum(len(its) for _, its in batches)


@step_mistake("You count on batches that are all as large as the first. How many targets are there in all?")
class takes_all_for_as_large_as_the_first(Step):
    def share(self, targets, n_targets, batches):
        return targets.numel() / (batches[0][1].numel() * len(batches))


@step_mistake(
    "Your gradient grows with the number of batches: their losses are added up, each a mean already. What does each "
    "have to be multiplied by?"
)
class adds_the_means_up(Step):
    def share(self, targets, n_targets, batches):
        return 1.0


@step_mistake("Your gradient grows with the number of targets. Of what is the loss the mean?")
class adds_all_losses_up(Step):
    def share(self, targets, n_targets, batches):
        return float(targets.numel())


@step_mistake("Where the target is token 0, nothing is learned. Is it padding here, or a token like others?")
class leaves_out_token_0(Step):
    def cross_entropy(self, logits, targets):
        return F.cross_entropy(logits, targets, ignore_index=0, reduction="sum") / targets.numel()


@step_mistake("You take a step after every batch. How many steps is one call?")
class steps_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = super().finish(model, optimiser, scaler, max_norm)
        optimiser.zero_grad()

    def finish(self, model, optimiser, scaler, max_norm):
        return self.norm


@step_mistake("You join batches into larger ones. What if that is more than the memory holds?")
class joins_the_batches(Step):
    def given(self, batches):
        lengths = dict.fromkeys(inputs.size(1) for inputs, _ in batches)
        alike = [[batch for batch in batches if batch[0].size(1) == length] for length in lengths]
        return [tuple(map(torch.cat, zip(*group))) for group in alike]


@step_mistake(
    "All batches are on their way through the model at the same time, until `backward` is called. When can what one "
    "of them left in memory be set free?"
)
class goes_back_once_for_all(Step):
    total = 0.0

    def back(self, loss):
        self.total = self.total + loss

    def finish(self, model, optimiser, scaler, max_norm):
        self.total.backward()
        return super().finish(model, optimiser, scaler, max_norm)


@step_mistake("Only the last batch has an effect. When are the gradients to be cleared?")
class clears_before_every_batch(Step):
    def given(self, batches):
        self.n_left = len(batches)
        return batches

    def after_each(self, model, optimiser, scaler, max_norm):
        self.n_left -= 1
        if self.n_left:
            optimiser.zero_grad()


@step_mistake("You report the loss of the last batch. Over which targets is the mean to be taken?")
class reports_the_last_batch(Step):
    def reported(self, means, sizes):
        return means[-1]


@step_mistake(
    "The loss that you report is the mean of the batches' means. How much is that of a single target to weigh beside "
    "one of fourteen?"
)
class reports_the_mean_of_the_means(Step):
    def reported(self, means, sizes):
        return means.mean()


@step_mistake("The loss that you report is larger with more batches. What would it be if all batches were the same?")
class reports_the_sum_of_the_means(Step):
    def reported(self, means, sizes):
        return means.sum()


@step_mistake("The loss that you report is a sum over all targets. How would it compare with that of a smaller batch?")
class reports_the_sum_of_all_losses(Step):
    def reported(self, means, sizes):
        return (means * sizes).sum()


@step_mistake("The loss that you report is multiplied by the scaler's factor. Who divides it by that again?")
class reports_the_scaled_loss(Step):
    def scaled(self, scaler, loss):
        self.factor = scaler.get_scale()
        return scaler.scale(loss)

    def reported(self, means, sizes):
        return super().reported(means, sizes) * self.factor


@step_mistake("You report the loss of the weights as they are after the step. When do the losses of all batches exist?")
class reports_the_loss_after_the_step(Step):
    def __call__(self, model, optimiser, batches, *args, **more):
        _, norm = super().__call__(model, optimiser, batches, *args, **more)
        with torch.no_grad():
            means = [F.cross_entropy(model(inputs)[0].float().flatten(0, 1), its.flatten()) for inputs, its in batches]
        return super().reported(torch.stack(means), torch.tensor([its.numel() for _, its in batches])), norm


@step_mistake("The norm that you report is that after clipping. Which of the two tells that a batch was an odd one?")
class reports_the_norm_after_clipping(Step):
    def clip(self, model, max_norm):
        return super().clip(model, max_norm).clamp(max=max_norm)


@step_mistake("The optimiser steps on gradients that are not clipped. Where, if at all, do you shorten them?")
class never_clips(Step):
    def clip(self, model, max_norm):
        return joint(model.parameters()).norm()


@step_mistake("Gradients are always clipped to the same length. Where do you use `max_norm`?")
class clips_to_a_length_of_one(Step):
    def clip(self, model, max_norm):
        return super().clip(model, 1.0)


@step_mistake("You clip number by number. Does the row of gradients still point where it did?")
class clips_every_number_by_itself(Step):
    def clip(self, model, max_norm):
        norm = joint(model.parameters()).norm()
        nn.utils.clip_grad_value_(model.parameters(), max_norm)
        return norm


@step_mistake("You clip after each batch, and the sum is longer again. When are all gradients together?")
class clips_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm * scaler.get_scale())
        self.norm = self.norm / scaler.get_scale()

    def clip(self, model, max_norm):
        return self.norm


@step_mistake(
    "You clip gradients that are still multiplied by the scale, so nearly nothing is left of them after the division. "
    "What has to come first?"
)
class clips_before_the_scale_is_taken_out(Step):
    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        norm = self.clip(model, max_norm)
        scaler.unscale_(optimiser)
        return norm


@step_mistake(
    "You call `backward` on a loss that is not scaled, and the scaler divides the gradients all the same. What does "
    "`scaler.scale` do?"
)
class does_not_scale_the_loss(Step):
    def scaled(self, scaler, loss):
        return loss


@step_mistake("The scale is still in the gradients when they are clipped and used. Which call takes it out again?")
class leaves_the_scale_in(Step):
    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.clip(model, max_norm)
        optimiser.step()
        return norm


@step_mistake("In float16 small gradients become zero. What was the scaler given for?")
class ignores_the_scaler(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        return super().__call__(model, optimiser, batches, max_norm, dtype, None)


@step_mistake("You use the scaler in float16 only. What does the text say of one that is given with another type?")
class uses_the_scaler_in_float16_only(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        given = scaler if dtype == torch.float16 else None
        return super().__call__(model, optimiser, batches, max_norm, dtype, given)


@step_mistake("You scale although no scaler was given. Whose choice is it?")
class makes_a_scaler_for_float16(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        scaler = scaler or torch.amp.GradScaler("cpu", enabled=dtype == torch.float16)
        return super().__call__(model, optimiser, batches, max_norm, dtype, scaler)


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


@step_mistake(
    "Everything runs in float32. Does your `torch.autocast` hear of `dtype`, and of the device that the batch is on?"
)
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
    "You call `model.train()`, although the caller may have chosen the other mode. What does the text say about it?"
)
class goes_into_training_mode(Step):
    def __call__(self, model, *args, **more):
        return super().__call__(model.train(), *args, **more)


@step_mistake(
    "You go into training mode and back: meanwhile a layer that was to stay as it is, is not. Who chose its mode?"
)
class trains_and_goes_back(Step):
    def __call__(self, model, *args, **more):
        modes = {part: part.training for part in model.modules()}
        result = super().__call__(model.train(), *args, **more)
        for part, mode in modes.items():
            part.training = mode
        return result


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


@step_mistake(
    "The weights are in the short type while the model computes, and lose their last digits for good. What does "
    "`torch.autocast` do instead?"
)
class shortens_the_weights_meanwhile(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        return super().__call__(model.to(dtype), optimiser, batches, max_norm, dtype, scaler)

    def product(self, dtype):
        return torch.autocast("cpu", enabled=False)

    def finish(self, model, optimiser, scaler, max_norm):
        model.to(torch.float32)
        return super().finish(model, optimiser, scaler, max_norm)
