"""`sft_step`: conversations side by side teach what each teaches alone, the assistant's words are the targets, and
gradients are clipped.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import pytorchs_attention
from autograder.checks.common import as_tensors, ending, mistake, mistakes, normal, weights_of
from autograder.checks.pretraining.clip_gradients import library_clipping
from autograder.checks.pretraining.shared import NO_LIMIT, Observed
from autograder.checks.sft.shared import (
    ASSISTANT,
    END,
    USER,
    VOCABULARY,
    Loss,
    Reader,
    Scribe,
    Tuning,
    mean_of_the_rows_means,
    mean_over_everything,
    other_words,
    packed,
)
from autograder.checks.sft.wrong_steps import (
    after_the_step,
    as_long_as_the_limit,
    by_its_ends,
    each_by_itself,
    in_one_mode,
    in_training_mode,
    itself_the_target,
    left_open_after_an_error,
    mean_of_conversations,
    of_what_is_ended,
    patched_for_ever,
    reads,
    whatever_there_is,
    wherever_it_is,
    zeros_for_all,
)

exercise = Exercise("sft_step")

PACKED = ("u2 a4 u1 a2", "u3 a1", "u1 a3")  # 18, 9 and 9 tokens


def each_alone(tokens: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """The same conversations, each in a row of its own."""
    talks = [r[s == n] for r, s in zip(tokens, segments) for n in s.unique().tolist() if n > 0]
    rows = nn.utils.rnn.pad_sequence(talks, batch_first=True, padding_value=END)
    real = torch.tensor([[place < len(its) for place in range(rows.size(1))] for its in talks])
    return rows, real.long()


def stepped(sft_step: Callable, model: nn.Module, tokens: Tensor, segments: Tensor) -> list[Tensor]:
    """The loss, the norm, and the weights after a step, of a copy of the model."""
    copied = copy.deepcopy(model)
    loss, norm = sft_step(copied, Observed(copied), tokens, segments, NO_LIMIT)
    return [*as_tensors((loss, norm)), weights_of(copied)]


@exercise.promise("in its own conversation (`within`)", broken_by="lets_conversations_leak")
@exercise.promise("whatever tokens begin one.", broken_by="tells_conversations_by_their_ends")
@exercise.check(points=0.5, invariant=True)
def side_by_side_or_each_alone(sft_step, rng):
    """Conversations in one row give the loss and the step that they give each in a row of its own."""
    model, (tokens, segments) = Reader(rng), packed(rng, PACKED, PACKED[1:])
    tokens[0, 18], tokens[1, 4] = USER, END  # a conversation that begins with words, and one with `<end>` within
    tokens[0, 19], tokens[1, 0] = ASSISTANT, USER
    given = (tokens, segments), each_alone(tokens, segments), (tokens[:1], segments[:1])
    before, after, others = (stepped(sft_step, model, *its) for its in given)
    return {
        "before": before,
        "after": after,
        "must differ": [before, others],
        "change": "each conversation had a row of its own",
    }


@exercise.promise("what the assistant wrote becomes likelier", broken_by="learns_from_the_user")
@exercise.promise("and nothing else is a target.", broken_by="learns_from_every_token")
@exercise.promise("Each token is predicted from those in front of it", broken_by="does_not_shift_the_targets")
@exercise.promise("The loss is the mean over all tokens that the assistant wrote", broken_by="weighs_rows_alike")
@exercise.promise("The loss is that of exercise 3, over all rows at once.", broken_by="divides_by_everything")
@exercise.promise("(`response_mask` of the whole rows;", broken_by="cuts_before_the_mask_is_made")
@exercise.promise("one may begin or end in the middle of a conversation).", broken_by="leaves_out_what_is_broken_off")
@exercise.check(points=0.375)
def the_assistants_words_are_the_targets(sft_step, rng):
    """Each word that the assistant wrote is a target once, its line breaks too, and no other token is one."""
    whole = packed(rng, PACKED, ("u2 a3 u4",))
    cut = [torch.cat([part[:, 5:9], part[:, 3:7]]) for part in packed(rng, ("u2 a4",), T=11)]
    seen = {}
    for words, rows in (("whole rows", whole), ("rows that begin and end in the middle", cut)):
        model = Reader(rng)
        with torch.no_grad():  # so that all tokens are equally likely: the bias's gradient tells what was expected
            model.embedding.weight.mul_(0.1)
            model.output.weight.zero_()
            model.output.bias.zero_()
        optimiser = Observed(model)
        sft_step(model, optimiser, *rows, NO_LIMIT)
        shares = 1 / len(VOCABULARY) - optimiser.gradients[0][-len(VOCABULARY) :]
        seen[f"{words}: the share of each token among the targets"] = shares
    return seen


@exercise.check(points=0.25, invariant=True)
def what_nobody_answers_teaches_nothing(sft_step, rng):
    """Other words in a question that nobody answers change neither loss nor step; in one that is answered they do."""
    model, (tokens, segments) = Reader(rng), packed(rng, ("u2 a3 u4", "u2 a2 u3"))
    unanswered, answered = tokens.clone(), tokens.clone()
    for its, place in ((unanswered, slice(11, 15)), (answered, slice(2, 4))):
        its[0, place] = other_words(rng, its[0, place])
    before, after, others = (stepped(sft_step, model, its, segments) for its in (tokens, unanswered, answered))
    return {
        "before": before,
        "after": after,
        "must differ": [before, others],
        "change": "a question that nobody answers had other words",
    }


@exercise.promise("clipping (), two tensors.", broken_by="gives_plain_numbers")
@exercise.promise("and the optimiser takes one step.", broken_by="takes_two_steps")
@exercise.promise("Old gradients are cleared;", broken_by="keeps_the_old_gradients")
@exercise.promise("-> the loss before the step ()", broken_by="reports_the_loss_after")
@exercise.check(points=0.25)
def step_after_step(sft_step, rng):
    """Each call is one step, on the gradient of its own rows alone; loss and norm are those before it."""
    model = Reader(rng)
    optimiser, seen = Observed(model, lr=0.02), {}
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    rows = packed(rng, PACKED, ("u2 a2",))
    for call in range(1, 4):
        loss, norm = sft_step(model, optimiser, *rows, NO_LIMIT)
        for part, new in zip(rows, packed(rng, ("u1 a1", "u2 a3 u1 a2"), ("u3 a4", "u1 a1"))):
            part.copy_(new)  # other rows in the same tensors
        seen[f"call {call}: two tensors"] = [isinstance(its, Tensor) for its in (loss, norm)]
        seen[f"call {call}: loss, norm, weights"] = [loss, norm, weights_of(model)]
        seen[f"call {call}: the shapes of loss and norm"] = [list(its.shape) for its in as_tensors((loss, norm))]
    return {**seen, "the gradients at each step": optimiser.gradients}


@exercise.promise("the new ones together are clipped", broken_by="clips_each_by_itself")
@exercise.promise("to a length of at most `max_norm`.", broken_by="ignores_the_limit")
@exercise.promise("the gradients' norm before clipping ()", broken_by="returns_the_norm_after")
@exercise.check(points=0.25)
def long_gradients_are_clipped(sft_step, rng):
    """All gradients together are at most max_norm long, 1 where nothing is said; the norm is that before."""
    seen = {}
    for words, max_norm in (("max_norm=0.05", (0.05,)), ("max_norm not given", ())):
        model = Reader(rng)
        optimiser = Observed(model)
        seen[f"{words}: loss, norm"] = sft_step(model, optimiser, *packed(rng, PACKED), *max_norm)
        seen[f"{words}: the gradients' length"] = [row.norm() for row in optimiser.gradients]
        seen[f"{words}: their direction"] = [10 * row / row.norm() for row in optimiser.gradients]
    return seen


@exercise.promise("not its mode", broken_by="puts_it_into_training_mode")
@exercise.promise("or a part's, in which it reads", broken_by="puts_its_parts_into_one_mode")
@exercise.promise("and not what its attention calls.", broken_by="leaves_the_attention_changed")
@exercise.promise("also where the model raised an error", broken_by="leaves_it_changed_after_an_error")
@exercise.promise("Weights that are frozen have no gradient", broken_by="stumbles_over_frozen_weights")
@exercise.promise("not even zeros, and stay.", broken_by="gives_frozen_weights_zeros")
@exercise.check(points=0.25)
def nothing_else_of_the_model_changes(sft_step, rng):
    """The model reads in the mode it is in and keeps it, its attention is what it was, and frozen weights stay."""
    seen = {}
    modes = ("training", True, ()), ("evaluation", False, ()), ("frozen", True, (0, 2)), ("in part", True, (1,))
    for words, mode, frozen in modes:
        model = Reader(rng).train(mode)
        model.attention.train(words != "in part")
        weights, attend = list(model.parameters()), model.attention.attend
        for place in frozen:
            weights[place].requires_grad_(False)
            weights[place].grad = normal(rng, *weights[place].shape)  # of the time before it was frozen
        optimiser = torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=0.3 if frozen else 0.0)
        loss, norm = sft_step(model, optimiser, *packed(rng, PACKED[1:], ("u1 a3",)), NO_LIMIT)
        seen[f"{words}: gradients of what is frozen"] = [weights[place].grad for place in frozen]
        seen[f"{words}: loss, norm, weights"] = [loss, norm, weights_of(model)]
        seen[f"{words}: in training mode afterwards"] = [part.training for part in model.modules()]
        seen[f"{words}: attention calls what it called"] = model.attention.attend is attend
        seen[f"{words}: which weights learn"] = [weight.requires_grad for weight in weights]
    model.output = None  # so that it raises an error when it has read
    seen["an error"] = ending(lambda: sft_step(model, optimiser, *packed(rng, PACKED), NO_LIMIT))
    return seen | {"attention after an error": model.attention.attend is attend}


@exercise.promise("Raises ValueError, and takes no step, where the assistant wrote nothing;", broken_by="steps_anyway")
@exercise.check(points=0.125)
def without_a_reply_no_step(sft_step, rng):
    """Rows in which the assistant wrote nothing are a ValueError, and no step; a reply that is broken off is enough."""
    seen = {}
    for words, rows in (("questions alone", [("u3", "u2 u4"), ("u1",)]), ("a reply", [("u3", "u2 a1"), ("u1",)])):
        model, (tokens, segments) = Reader(rng), packed(rng, *rows)
        optimiser = Observed(model)
        seen[words] = ending(lambda: sft_step(model, optimiser, tokens, segments, NO_LIMIT))
        seen[f"{words}: steps"] = len(optimiser.gradients)
        seen[f"{words}: attention calls what it called"] = model.attention.attend is pytorchs_attention
    cut = [part[:, :7] for part in packed(rng, ("u2 a4",), ("u1 a5",))]
    return seen | {"broken off: the weights afterwards": stepped(sft_step, Reader(rng), *cut)[-1]}


exercise.aside("The optimiser has all weights that learn.", "It says what a caller hands over.")
exercise.aside("old gradients may be gone then.", "It leaves free what no check asks for.")
exercise.aside("raises ValueError, and takes no step, where the assistant wrote nothing", "Promised in the docstring.")
exercise.edges(
    empty="without_a_reply_no_step",
    one="without_a_reply_no_step",
    equal="the_assistants_words_are_the_targets",
    zero="long_gradients_are_clipped",
    ties="Nothing is ranked.",
    large="long_gradients_are_clipped",
    small="the_assistants_words_are_the_targets",
    limit="Clipping at the limit itself is asked where it is written, in pretraining.",
    shapes="side_by_side_or_each_alone",
    modes="nothing_else_of_the_model_changes",
    gradients="step_after_step",
    inputs="Tokens have no gradient.",
)


mistakes(
    exercise,
    Tuning,
    cuts_before_the_mask_is_made=mistake(
        "In a row that begins with <assistant>, its words are not learned. What does `response_mask` see of that row?",
        mask=lambda self, tokens, segments: Scribe()(tokens[:, 1:]),
    ),
    leaves_out_what_is_broken_off=mistake(
        "A reply without its line break is not learned. Did the assistant not write these words?",
        mask=of_what_is_ended,
    ),
    weighs_conversations_alike=mistake(
        "You take the mean of the conversations' means. How much does a word of a long reply count?",
        loss=mean_of_conversations,
    ),
    takes_two_steps=mistake(
        "The optimiser steps twice. Of how many steps does the text speak?",
        step=lambda self, optimiser: [optimiser.step(), optimiser.step()],
    ),
    clears_behind_the_step=mistake(
        "Gradients are cleared behind the step alone. What if there are some before the first call?",
        clear=lambda self, optimiser: None,
        step=lambda self, optimiser: [optimiser.step(), optimiser.zero_grad()],
    ),
    clips_each_by_itself=mistake(
        "Each gradient is clipped by itself. What becomes of the direction of all of them together?",
        clip=each_by_itself,
    ),
    stretches_short_gradients=mistake(
        "Short gradients become longer. What is `max_norm`, the length or the longest one?", clip=as_long_as_the_limit
    ),
    stumbles_over_frozen_weights=mistake(
        "A weight that is frozen has no gradient, and ends in an error. What is its `.grad`?", clip=wherever_it_is
    ),
    thaws_frozen_weights=mistake(
        "Weights that were frozen learn after your step. Who froze them, and what for?",
        read=lambda self, model, *its: Tuning.read(self, model.requires_grad_(True), *its),
    ),
    tells_conversations_by_their_ends=mistake(
        "You tell conversations by their `<end>`. Which argument says which token is of which?", read=by_its_ends
    ),
    gives_plain_numbers=mistake(
        "Loss and norm are plain numbers. What does the signature promise?",
        __call__=lambda self, *given, **more: tuple(its.item() for its in Tuning()(*given, **more)),
    ),
    puts_its_parts_into_one_mode=mistake(
        "A part of the model that was in another mode is in the model's now. Whose mode did you set?", read=in_one_mode
    ),
    leaves_it_changed_after_an_error=mistake(
        "Where the model raises an error, its attention stays changed. What does a `with` do, or a `finally`?",
        read=left_open_after_an_error,
        before=lambda self, model: pytorchs_attention,
    ),
    gives_frozen_weights_zeros=mistake(
        "A frozen weight gets a gradient of zeros, and weight decay moves it. What is no gradient?", clip=zeros_for_all
    ),
    puts_it_into_training_mode=mistake(
        "You set the model's mode. Who chose the one that it was in?", read=in_training_mode
    ),
    leaves_the_attention_changed=mistake(
        "Attention is held apart for ever. Who changes back what it calls?", read=patched_for_ever
    ),
    steps_anyway=mistake(
        "Where the assistant wrote nothing, you step all the same. What is the mean of no loss?",
        loss=whatever_there_is,
    ),
    lets_conversations_leak=mistake(
        "Conversations read each other. What holds them apart while the model reads?",
        read=lambda self, model, tokens, segments: model(tokens[:, :-1])[0],
    ),
    holds_the_targets_apart=mistake(
        "The segments are those of the targets. Who reads, the inputs or the targets?",
        read=reads(lambda segments: segments[:, 1:]),
    ),
    does_not_shift_the_segments=mistake(
        "There is one segment more than there are inputs. Which of them belong to the inputs?",
        read=reads(lambda segments: segments),
    ),
    does_not_shift_the_mask=mistake(
        "Your mask is that of the inputs. Which token is the target at the place of the assistant's mark?",
        mask=lambda self, tokens, segments: Scribe()(tokens)[:, :-1],
    ),
    does_not_shift_the_targets=mistake(
        "Each token is predicted from itself. Which one comes next?", loss=itself_the_target
    ),
    learns_from_every_token=mistake(
        "Every token of a conversation is a target. Where is the mask?",
        mask=lambda self, tokens, segments: segments[:, 1:] > 0,
    ),
    learns_from_the_user=mistake(
        "Only what the assistant did not write is learned. Which of the two does True mean in the mask?",
        mask=lambda self, tokens, segments: ~Scribe()(tokens)[:, 1:] & Scribe()(tokens).any(),
    ),
    weighs_rows_alike=mistake(
        "You take the mean of the rows' means. How much does a word count in a row that has many?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_of_the_rows_means})()(*given),
    ),
    divides_by_everything=mistake(
        "You divide by all targets, the masked ones too. How many tokens did the assistant write?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_over_everything})()(*given),
    ),
    keeps_the_old_gradients=mistake(
        "The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?",
        clear=lambda self, optimiser: None,
    ),
    never_clips=mistake(
        "The optimiser steps on gradients that are not clipped. Where do you use `max_norm`, before the step or after?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), NO_LIMIT),
    ),
    ignores_the_limit=mistake(
        "You clip to a length of 1, whatever is asked. Where do you use `max_norm`?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), 1.0),
    ),
    returns_the_norm_after=mistake(
        "You return the length after clipping. Which of the two tells that a step was a bad one?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), max_norm).clamp(max=max_norm),
    ),
    reports_the_loss_after=mistake(
        "You report the loss after the step. Which one has been computed already?", reported=after_the_step
    ),
)
