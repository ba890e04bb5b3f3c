"""`rl_step`: what is drawn, what is text and what is learned, who is compared with whom, when nobody steps."""

from functools import partial
from typing import Any

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes, normal, weights_of
from autograder.checks.reasoning.learning import ALIKE, MIXED, N_TOKENS, OPEN, Learning, Lesson, others
from autograder.checks.reasoning.wrong_learning import (
    by_the_spread_of_all,
    clearing,
    cut_to_the_longest,
    drawn_anew,
    gradients_add_up,
    in_mode,
    likeliest_of_all,
    of_all_places,
    of_the_reply_alone,
    of_whole_rows,
    one_after_another,
    one_for_each,
    one_more,
    only_what_ended,
    steps_together,
    without_groups_that_are_alike,
)

exercise = Exercise("rl_step")


@exercise.promise("To each prompt `group_size` replies are drawn", "draws_one_reply_for_each_prompt")
@exercise.promise("by `solutions.transformer.generate` with `choose`", "takes_the_likeliest")
@exercise.promise("in one call for all", "draws_for_one_prompt_after_another")
@exercise.promise("the replies to a prompt stand one below the other.", "repeats_the_prompts_in_turn")
@exercise.promise("`n_tokens` tokens each", "draws_one_more")
@exercise.promise("P truths -> (P, group_size), the rewards, 0 or 1.", "returns_them_in_a_row")
@exercise.promise("Returns the rewards.", "returns_the_advantages")
@exercise.check(points=0.25)
def what_is_drawn(rl_step, rng):
    """All replies are drawn together, those to a prompt one below the other, and the rewards are (P, group_size)."""
    seen: dict[str, Any] = {}
    pairs = (12, ("answer : T ~", "~")), (3, ("answer : W ~", "~ answer : T")), (7, ("~", "_ answer : T ~"))
    for words, groups, n_tokens in (("four", OPEN, N_TOKENS), ("two", pairs, 5), ("short", ((3, ("well", "so")),), 1)):
        for training in (True, False):
            lesson = Lesson(rng, groups, n_tokens)
            lesson.model.train(training)
            told = f"{words}, {'training' if training else 'evaluation'}"
            seen[f"{told}: rewards"] = lesson(rl_step)
            seen[f"{told}: how often scores were given"] = len(lesson.choose.scores)
            seen[f"{told}: for how many replies"] = [len(scores) for scores in lesson.choose.scores]
            seen[f"{told}: the first and the last scores"] = [lesson.choose.scores[place] for place in (0, -1)]
    lesson = Lesson(rng, OPEN)
    lesson.prompts = apart(lesson.prompts)
    return seen | {"prompts that do not lie in one row": lesson(rl_step)}


@exercise.promise("A reply is what was written up to its first `end`.", "ends_at_the_last_end")
@exercise.promise("and not of the text", "reads_the_end_as_text")
@exercise.promise("which is `decode` of the tokens before it", "decodes_the_prompt_too")
@exercise.promise("That token is part of what is learned", "does_not_learn_to_end")
@exercise.promise("Each reply is verified against its prompt's truth.", "hands_out_the_truths_in_turn")
@exercise.promise("compare, learn", "ascends_the_loss")
@exercise.check(points=0.5)
def what_is_text_and_what_is_learned(rl_step, rng):
    """The text ends before the first end, what is learned behind it; a reply without an end counts to its last token.

    Rewards, gradient and weights of one step, for prompts in which ends and answers stand as well.
    """
    some = (12, ("answer : T <0> ~", "<0> ~", "answer : W ~")), (3, ("~ answer : T", "~ <0>", "~ answer : T <0> <0>"))
    cases = {"mixed": MIXED, "with digits behind the end": (*some, (7, ("~ answer : T <0> 1", "T <0> ~", "~")))}
    cases |= {"none ends": OPEN, "one group": ((7, ("answer : W ~", "answer : T ~ <0>")),)}
    seen = {words: Lesson(rng, groups).learned(rl_step) for words, groups in cases.items()}
    seen["the end is a word"] = Lesson(rng, MIXED, end="end").learned(rl_step)
    lesson = Lesson(rng, MIXED)
    lesson.prompts = lesson.prompts[:, -1:]
    return seen | {"prompts of one token": lesson.learned(rl_step)}


@exercise.promise("all behind it is neither.", "learns_what_stands_behind_the_end")
@exercise.check(points=0.25, invariant=True)
def what_stands_behind_the_end_teaches_nothing(rl_step, rng):
    """Other words behind the first end of each reply change no reward and no weight; other words before it do."""
    steps = []
    state = rng.get_state()
    for which in ("as they are", "behind the end", "before it"):
        lesson = Lesson(rng.set_state(state), MIXED)
        tokens, end = lesson.replies, lesson.village.end
        is_behind = ((tokens == end).cumsum(dim=-1) - (tokens == end).long()) > 0
        is_word = (tokens[..., None] == torch.tensor(lesson.village.encode("so then well"))).any(dim=-1)
        if which != "as they are":
            lesson.replies = others(lesson, is_behind if which == "behind the end" else is_word & ~is_behind)
        rewards = lesson(rl_step, passes=2, over="tokens")
        steps.append([rewards, weights_of(lesson.model)])
    before, after, changed = steps
    return {
        "before": before,
        "after": after,
        "must differ": [before[1], changed[1]],
        "change": "other words stood behind the first end of each reply",
    }


@exercise.promise("Advantages are `group_advantages`", "compares_with_all_replies")
@exercise.promise("or with `by_spread=False` the reward less the mean of its group", "always_divides_by_the_spread")
@exercise.promise("and no more.", "divides_by_the_spread_of_all")
@exercise.check(points=0.25)
def who_is_compared_with_whom(rl_step, rng):
    """Each reply is compared with its own group, in which all may be equal; by the group's spread, or without it."""
    return {
        f"{len(groups)} groups, by_spread={by_spread}": Lesson(rng, groups).learned(rl_step, by_spread=by_spread)
        for groups in (OPEN, OPEN[:1], OPEN[1:])
        for by_spread in (True, False)
    }


@exercise.promise("On the same replies `passes` steps are taken", "draws_anew_for_each_pass")
@exercise.promise("each with new log-probabilities", "keeps_the_first_gradient")
@exercise.promise("the old ones are those of the first, as numbers.", "forgets_the_old_policy")
@exercise.promise(
    "The loss is `policy_loss` of their last `n_tokens` places, those of the replies", "hands_in_whole_rows"
)
@exercise.promise("with a mask that selects what is learned", "counts_all_places_of_a_reply")
@exercise.promise("and is given all further arguments.", "keeps_the_further_arguments")
@exercise.promise("Log-probabilities are `sequence_logprobs` of the whole rows.", "reads_the_reply_without_its_prompt")
@exercise.check(points=0.25)
def step_after_step_on_the_same_replies(rl_step, rng):
    """Each pass steps on the clipped loss of the same replies against the policy that drew them; arguments go through.

    Gradients at each step and weights, for each mean and other limits.
    """
    seen = {}
    cases = {
        "one pass over replies": {"over": "replies"},
        "two passes": {"passes": 2},
        "three passes over longest": {"passes": 3, "over": "longest"},
        "three passes, wide above": {"passes": 3, "over": "tokens", "clip_low": 0.05, "clip_high": 5.0},
        "three passes, wide below": {"passes": 3, "over": "replies", "clip_high": 0.05, "clip_low": 0.9},
        "four passes by the mean": {"passes": 4, "by_spread": False, "over": "replies"},
    }
    all_end = (3, ("answer : T <0> ~", "so answer : W <0> ~")), (12, ("<0> ~", "answer : T <0> ~"))
    seen["one pass over longest, all end early"] = Lesson(rng, all_end).learned(rl_step, over="longest")
    for words, more in cases.items():
        lesson = Lesson(rng, MIXED, lr=2.0)
        seen[words] = lesson.learned(rl_step, **more)
        seen[f"{words}: how often scores were given"] = len(lesson.choose.scores)
    return seen


@exercise.promise("Where in each group all rewards are equal, no step is taken", "steps_all_the_same")
@exercise.promise("weights, gradients and optimiser stay as they are.", "clears_gradients_for_no_step")
@exercise.promise("Raises what its parts raise, so for groups of one ValueError, if by spread.", "takes_a_group_of_one")
@exercise.check(points=0.25)
def where_all_are_alike_nobody_steps(rl_step, rng):
    """Groups in which all are right, or all wrong, teach nothing: no step, and gradients and optimiser as they were.

    One group that is mixed is enough for a step. Groups of one are refused by their spread.
    """
    seen: dict[str, Any] = {}
    one_mixed = *ALIKE[:2], (7, ("~ answer : T", "_ answer : W ~"))
    for words, groups in (("alike", ALIKE), ("all wrong", ALIKE[1:2]), ("all right", ALIKE[2:]), ("mixed", one_mixed)):
        for by_spread in (True, False):
            told, lesson = f"{words}, by_spread={by_spread}", Lesson(rng, groups)
            weights = list(lesson.model.parameters())
            adam = lesson.optimiser = torch.optim.AdamW(weights, lr=0.1, weight_decay=0.5)
            for weight in weights:
                weight.grad = normal(rng, *weight.shape)
            adam.step()
            seen[f"{told}: rewards"] = lesson(rl_step, by_spread=by_spread, passes=2)
            seen[f"{told}: weights"] = weights_of(lesson.model)
            if words != "mixed":
                seen[f"{told}: gradients"] = [weight.grad for weight in weights]
            its = adam.state_dict()["state"]
            seen[f"{told}: the optimiser"] = [list(part.values()) for _, part in sorted(its.items())]
    for by_spread in (True, False):
        lesson = Lesson(rng, [(truth, forms[:1]) for truth, forms in OPEN])
        seen[f"groups of one, by_spread={by_spread}"] = ending(partial(lesson, rl_step, by_spread=by_spread))
        seen[f"groups of one, by_spread={by_spread}: steps"] = len(lesson.optimiser.gradients)
    return seen


@exercise.promise("The gradients of the optimiser's weights are cleared before each step.", "keeps_the_old_gradients")
@exercise.promise("The model's mode stays as it is", "leaves_it_in_training_mode")
@exercise.promise("all along.", "draws_in_evaluation_mode")
@exercise.check(points=0.25)
def call_after_call(rl_step, rng):
    """Each call learns from its own replies alone, and the model reads in the mode that it is in, and keeps it."""
    seen: dict[str, Any] = {}
    for words, training, part in (("training", True, True), ("evaluation", False, False), ("in part", True, False)):
        lesson = Lesson(rng, OPEN)
        lesson.model.train(training).output.train(part)
        for parameter in lesson.model.parameters():
            parameter.grad = normal(rng, *parameter.shape)
        for call in (1, 2):
            seen[f"{words}, call {call}"] = lesson.learned(rl_step, passes=2)
            lesson.prompts.copy_(lesson.village.prompts(3))  # others in the same tensor
        seen[f"{words}: the modes in which it read"] = sorted(set(map(tuple, lesson.model.modes)))
        seen[f"{words}: its mode afterwards"] = [lesson.model.training, lesson.model.output.training]
    short = Lesson(rng, OPEN)
    short.model.context = 8
    return seen | {
        "another word for the mean": ending(partial(Lesson(rng, OPEN), rl_step, over="words")),
        "longer than the context": ending(partial(short, rl_step)),
    }


exercise.aside(
    "One step of reinforcement learning with verifiable rewards: draw, verify,", "It names what the rest describes."
)
exercise.aside("Prompt and reply fit into the model's context.", "The caller sees to it.")
exercise.edges(
    empty="what_is_text_and_what_is_learned",
    one="what_is_drawn",
    equal="where_all_are_alike_nobody_steps",
    zero="where_all_are_alike_nobody_steps",
    ties="Nothing is ranked.",
    large="Rewards are 0 or 1, and tokens whole numbers.",
    small="Rewards are 0 or 1, and tokens whole numbers.",
    limit="what_is_text_and_what_is_learned",
    shapes="what_is_drawn",
    modes="call_after_call",
    gradients="call_after_call",
    inputs="Tokens have no gradient.",
)


mistakes(
    exercise,
    Learning,
    draws_one_reply_for_each_prompt=mistake(
        "All replies to a prompt are the same one. How many are drawn, and from how many rows?", draw=one_for_each
    ),
    takes_the_likeliest=mistake(
        "The likeliest token is taken at each place. Where does `choose` go?", draw=likeliest_of_all
    ),
    draws_for_one_prompt_after_another=mistake(
        "You call `generate` for each prompt. What do you hand it so that one call draws them all?",
        draw=one_after_another,
    ),
    draws_one_more=mistake("A token is drawn that nobody uses. How many does `generate` draw?", draw=one_more),
    repeats_the_prompts_in_turn=mistake(
        "The prompts stand in turn, 0 1 2 0 1 2. How do `repeat` and `repeat_interleave` differ?",
        rows=lambda self, prompts: prompts.repeat(self.n, 1),
    ),
    hands_out_the_truths_in_turn=mistake(
        "The truths stand in turn, the prompts do not. Which prompt does row 1 reply to?",
        of_each=lambda self, truths: list(truths) * self.n,
    ),
    repeats_prompts_and_truths_in_turn=mistake(
        "Prompts and truths stand in turn, 0 1 2 0 1 2. Which rows are a group once rewards are (P, group_size)?",
        rows=lambda self, prompts: prompts.repeat(self.n, 1),
        of_each=lambda self, truths: list(truths) * self.n,
    ),
    returns_them_in_a_row=mistake(
        "Your rewards stand in one row. Which shape is asked for?", returned=lambda self, rewards: rewards.flatten()
    ),
    returns_the_advantages=mistake(
        "You return what is left when the mean is taken off. What is asked for?",
        returned=lambda self, rewards: rewards - rewards.mean(dim=-1, keepdim=True),
    ),
    ends_at_the_last_end=mistake(
        "A reply goes on past its first end. At which one does it end?",
        ends=lambda self, tokens, is_reply: (
            ((tokens == self.end) & is_reply).flip(-1).cumsum(dim=-1).flip(-1).eq(1).cumsum(dim=-1)
        ),
    ),
    finds_the_end_in_the_prompt=mistake(
        "A reply is over before it begins where its prompt holds an end. Where do you look for the first one?",
        ends=lambda self, tokens, is_reply: (tokens == self.end).cumsum(dim=-1),
    ),
    reads_the_end_as_text=mistake(
        "The end is decoded with the rest. Is it part of the text?", text=lambda self, ends: self.learned(ends)
    ),
    reads_all_that_was_drawn=mistake(
        "What stands behind the end is read as well. How far does a reply go?",
        text=lambda self, ends: torch.ones_like(ends) > 0,
    ),
    decodes_the_prompt_too=mistake(
        "The prompt is read with the reply, and an answer in it counts. Which tokens are the reply?",
        cut=lambda self, tokens: (
            Learning.cut(self, tokens)[0] | (torch.arange(tokens.size(1)) < self.T),
            Learning.cut(self, tokens)[1],
        ),
    ),
    does_not_learn_to_end=mistake(
        "The end is not learned. Who will tell the model to stop?", learned=lambda self, ends: ends == 0
    ),
    learns_what_stands_behind_the_end=mistake(
        "What stands behind the end is learned too. Who reads it?",
        learned=lambda self, ends: torch.ones_like(ends) > 0,
    ),
    learns_nothing_of_what_never_ends=mistake(
        "You learn nothing of a reply that never ends. Is it not a reply?", loss=only_what_ended
    ),
    compares_with_all_replies=mistake(
        "Each reply is compared with those to all prompts. Who is its group?",
        compare=lambda self, rewards, by_spread: Learning.compare(self, rewards.view(1, -1), by_spread),
    ),
    always_divides_by_the_spread=mistake(
        "by_spread changes nothing. What are advantages without it?",
        compare=lambda self, rewards, by_spread: Learning.compare(self, rewards, True),
    ),
    divides_by_the_spread_of_all=mistake(
        "Without the group's spread you divide by that of all rewards. What is to be done beyond taking off the mean?",
        compare=by_the_spread_of_all,
    ),
    mixes_up_the_rows=mistake(
        "Advantages do not stand beside their replies. In which order are the rows of the batch?",
        in_rows=lambda self, advantages: advantages.T.flatten(),
    ),
    leaves_out_groups_that_are_alike=mistake(
        "Groups in which all are alike are left out of the mean. Over which tokens is it taken?",
        loss=without_groups_that_are_alike,
    ),
    hands_in_whole_rows=mistake(
        'The loss gets the places of the prompt as well. What does it divide by over "longest"?', loss=of_whole_rows
    ),
    cuts_to_the_longest_reply=mistake(
        "The loss gets as many places as the longest reply has. How many are `n_tokens`?", loss=cut_to_the_longest
    ),
    counts_all_places_of_a_reply=mistake(
        "The mask of the loss selects all that was drawn. Which tokens are learned?", loss=of_all_places
    ),
    reads_the_reply_without_its_prompt=mistake(
        "The model reads the reply without the prompt. What are log-probabilities given?", logprobs=of_the_reply_alone
    ),
    keeps_the_further_arguments=mistake(
        "Further arguments change nothing. To whom do you hand them?", further=lambda self, loss: {}
    ),
    keeps_the_limits=mistake(
        "The mean goes through to the loss, the two limits do not. What does `**loss` hold?",
        further=lambda self, loss: {key: value for key, value in loss.items() if key == "over"},
    ),
    draws_anew_for_each_pass=mistake(
        "For each pass new replies are drawn. To which replies do the rewards belong?", logprobs=drawn_anew
    ),
    takes_one_pass=mistake("You step once, whatever `passes` is. Where do you use it?", number=lambda self, passes: 1),
    keeps_the_first_gradient=mistake(
        "All steps go along the gradient of the first. What is new after a step?", learn=steps_together
    ),
    forgets_the_old_policy=mistake(
        "The ratio is 1 in each pass. Whose log-probabilities are the old ones?",
        before_all=lambda self, old, now: now,
    ),
    keeps_the_old_gradients=mistake(
        "The gradients of an earlier step are still there. What does `backward` do with a `.grad` that it finds?",
        clear=lambda self, optimiser: None,
    ),
    adds_up_the_gradients_of_all_passes=mistake(
        "In the second pass the gradient of the first is still there. Before which steps are gradients cleared?",
        learn=gradients_add_up,
    ),
    ascends_the_loss=mistake(
        "What was right becomes less likely. Which sign does `policy_loss` have already?",
        loss=lambda self, *its, **more: -Learning.loss(self, *its, **more),
    ),
    steps_all_the_same=mistake(
        "Where all are alike the optimiser steps on a gradient of zeros. What do weight decay and momentum do then?",
        nothing_to_learn=lambda self, rewards: False,
    ),
    asks_whether_all_rewards_are_alike=mistake(
        "You step unless all rewards of the batch are equal. Where does a group of right ones beside a group of wrong "
        "ones leave the advantages?",
        nothing_to_learn=lambda self, rewards: bool((rewards == rewards[0, 0]).all()),
    ),
    asks_whether_any_group_is_alike=mistake(
        "One group that is alike keeps all others from learning. Which groups have to be, so that no step is taken?",
        nothing_to_learn=lambda self, rewards: bool((rewards == rewards[:, :1]).all(dim=-1).any()),
    ),
    asks_whether_all_are_wrong=mistake(
        "You step unless all are wrong. What is learned where all are right?",
        nothing_to_learn=lambda self, rewards: not rewards.any(),
    ),
    clears_gradients_for_no_step=mistake(
        "Gradients are cleared though no step is taken. What stays as it is?", without_a_step=clearing
    ),
    takes_a_group_of_one=mistake(
        "A group of one passes. Whom is it better than?",
        compare=lambda self, rewards, by_spread: Learning.compare(self, rewards, by_spread and rewards.size(-1) > 1),
    ),
    leaves_it_in_training_mode=mistake(
        "The model is in training mode afterwards. Who chose the one that it was in?",
        logprobs=lambda self, *its: self.model.train() and Learning.logprobs(self, *its),
    ),
    draws_in_evaluation_mode=mistake(
        "Replies are drawn in evaluation mode. In which one do you learn from them?",
        draw=in_mode(False, Learning.draw),
    ),
    learns_in_training_mode=mistake(
        "You learn in training mode and put the model back. In which mode are the replies drawn?",
        logprobs=in_mode(True, Learning.logprobs),
    ),
)
