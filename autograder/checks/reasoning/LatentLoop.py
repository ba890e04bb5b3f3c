"""`LatentLoop`: one round is the model, more are the same blocks again, each round with states of its own."""

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, gradients, likeliest, mistake, mistakes, normal
from autograder.checks.reasoning.looping import (
    Loop,
    Small,
    added_again,
    averaged,
    block_by_block,
    by_blocks,
    cut_off_before_the_last,
    each_in_a_round_of_its_own,
    from_the_first_round,
    kept_for_later_calls,
    kept_in_the_model,
    of_its_own,
    one_state_for_each_block,
    one_state_up_the_blocks,
    restarted,
    scored_in_each_round,
    some_text,
    to_and_fro,
    with_copies,
    written_into,
)
from autograder.checks.transformer.shared import from_call_to_call, read_in_pieces
from autograder.checks.transformer.writing import go_on, unlikeliest

exercise = Exercise("LatentLoop")


@exercise.promise("gives the logits of the text read at once", broken_by="scores_the_last_token_alone")
@exercise.check(points=0.25, invariant=True)
def one_round_is_the_model(LatentLoop, rng):
    """A single round gives the logits and states of the model itself, from the start and read on; two rounds do not."""
    model = Small(rng)
    loop, texts = LatentLoop(model, 1), [some_text(rng, 2, 5), some_text(rng, 2, 3)]
    own, state = read_in_pieces(model, torch.cat(texts, dim=1), [5, 3])
    its, looped = read_in_pieces(loop, torch.cat(texts, dim=1), [5, 3])
    return {
        "before": [*own, *(total for total, _ in state)],
        "after": [*its, *(total for total, _ in looped)],
        "must differ": [own[0], loop(texts[0], n_rounds=2)[0]],
        "change": "the blocks were run by the loop, one round",
    }


@exercise.promise(
    "A round sends the stream through all blocks of `model`, in their order;", broken_by="goes_to_and_fro"
)
@exercise.promise("the next round reads what the one before gave.", broken_by="starts_again_in_each_round")
@exercise.promise("Embedding, norm and output are those of the model, used once.", broken_by="norms_between_the_rounds")
@exercise.promise(
    "`n_rounds` is how many rounds are run where a call does not say otherwise.", broken_by="keeps_its_number_of_rounds"
)
@exercise.promise("A `GPT` whose blocks are run again and again", broken_by="runs_one_round")
@exercise.promise("before it says a word", broken_by="takes_the_mean_over_the_rounds")
@exercise.check(points=0.25)
def round_after_round(LatentLoop, rng):
    """All blocks in their order, then all of them again, as often as the loop or the call says; then norm and output.

    For one block and three, one token and many, in both modes.
    """
    seen: dict[str, Any] = {}
    for n_blocks, n_rounds, B, T in ((3, 2, 2, 5), (3, 4, 1, 1), (1, 3, 3, 1), (2, 1, 1, 7)):
        loop, tokens = LatentLoop(Small(rng, n_blocks), n_rounds), some_text(rng, B, T)
        for mode in (True, False):
            told = f"{n_rounds} round(s) of {n_blocks} block(s), tokens ({B}, {T}), training={mode}"
            seen[told] = loop.train(mode)(tokens)[0]
    model, tokens = Small(rng), some_text(rng, 2, 4)
    loop, uses = LatentLoop(model, 3), Counter()
    for name in ("embedding", "norm", "output"):
        getattr(model, name).register_forward_hook(lambda *_, name=name: uses.update([name]))
    seen["three rounds"] = loop(tokens)[0]
    seen["what is used more than once"] = [name for name, n in sorted(uses.items()) if n > 1]
    for n_rounds in (1, 2, 5, 12):
        seen[f"a loop of three that is told {n_rounds}"] = loop(tokens, n_rounds=n_rounds)[0]
    seen["told by place"] = loop(tokens, None, 2)[0]
    seen["and then not told"] = loop(tokens)[0]
    loop.n_rounds = 4
    seen["a loop of three that was made one of four"] = loop(tokens)[0]
    seen["tokens that lie across"] = loop(tokens.T.contiguous().T)[0]
    with torch.no_grad():
        seen["without gradients"] = loop(tokens)[0]
    return seen


@exercise.promise("The state is one list, round after round", broken_by="gives_the_states_of_the_last_round")
@exercise.promise("and block after block in each", broken_by="orders_states_by_blocks")
@exercise.promise("as each round has keys and values of its own;", broken_by="keeps_one_state_for_each_block")
@exercise.promise("None for the start of a text;", broken_by="remembers_the_last_text")
@exercise.promise("a tuple of states is as good.", broken_by="wants_a_list_of_states")
@exercise.promise("a list of n_rounds · L states, L the number of blocks.", broken_by="gives_a_list_for_each_round")
@exercise.check(points=0.25)
def each_round_has_states_of_its_own(LatentLoop, rng):
    """The states are one list, those of the first round first, in the blocks' order; each goes to its own place again.

    What is handed on may be a tuple, stays as it was, and may be gone on from twice.
    """
    seen: dict[str, Any] = {}
    for n_blocks, n_rounds in ((3, 2), (2, 3), (1, 4), (3, 1)):
        loop = LatentLoop(Small(rng, n_blocks), n_rounds)
        _, state = loop(some_text(rng, 2, 4))
        told = f"{n_rounds} round(s) of {n_blocks} block(s)"
        seen |= {f"{told}: the states": state, f"{told}: a list": isinstance(state, list)}
        seen[f"{told}: after a tuple"] = loop(some_text(rng, 2, 3), tuple(state))
        seen[f"{told}: after the same once more"] = loop(some_text(rng, 2, 1), state)
        seen[f"{told}: from the start"] = loop(some_text(rng, 2, 3), None)
        made_up = [(normal(rng, 2, 1, Small.d_model), index + 1) for index in range(n_rounds * n_blocks)]
        seen[f"{told}: after others"] = loop(some_text(rng, 2, 2), made_up)
        seen[f"{told}: after one round, told so"] = loop(some_text(rng, 2, 2), made_up[:n_blocks], 1)
    return seen


@exercise.promise(
    "A text read in pieces, with the state handed on", broken_by="forgets_the_state_after_the_first_round"
)
@exercise.check(points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(LatentLoop, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    loop, tokens = LatentLoop(Small(rng), 3), some_text(rng, 2, 8)
    whole, last = loop(tokens)
    pieces, state = read_in_pieces(loop, tokens, [3, 1, 4])
    return {
        "before": [whole, *(total for total, _ in last)],
        "after": [torch.cat(pieces, dim=1), *(total for total, _ in state)],
        "must differ": [pieces[2], loop(tokens[:, 4:])[0]],
        "change": "it was read in three pieces",
    }


@exercise.promise("and `generate` runs it like any model.", broken_by="gives_logits_alone")
@exercise.promise("Shapes: tokens (B, T) -> logits (B, T, vocab_size)", broken_by="gives_probabilities")
@exercise.check(points=0.25)
def it_writes_like_any_model(LatentLoop, rng):
    """Token by token it writes the same with its states as without them, in both modes."""
    seen: dict[str, Any] = {}
    for n_blocks, n_rounds, B in ((3, 2, 2), (1, 3, 1)):
        loop, prompt = LatentLoop(Small(rng, n_blocks), n_rounds), some_text(rng, B, 3)
        for mode in (True, False):
            for use_cache in (True, False):
                told = f"{n_rounds} round(s) of {n_blocks} block(s), training={mode}, use_cache={use_cache}"
                given: list[Tensor] = []

                def choose(logits, given=given):
                    given.append(logits)
                    return (unlikeliest if len(given) % 2 else likeliest)(logits)

                with torch.no_grad():
                    seen[told] = go_on(loop.train(mode), prompt, 6, choose, use_cache)
                seen[f"{told}: the scores"] = given
    return seen


@exercise.promise("No weight is added", broken_by="weighs_the_rounds")
@exercise.promise("or copied: all rounds share the model's.", broken_by="copies_the_blocks")
@exercise.promise("Gradients go back through all rounds.", broken_by="learns_from_the_last_round")
@exercise.check(points=0.25, atol=1e-4)
def all_rounds_teach_the_same_weights(LatentLoop, rng):
    """Its weights are the model's and no others; each gets the gradient of all rounds, and a step is seen in all."""
    seen: dict[str, Any] = {}
    for n_blocks, n_rounds in ((2, 3), (1, 1), (1, 20)):
        model = Small(rng, n_blocks)
        weights = dict(model.named_parameters())
        loop, told = LatentLoop(model, n_rounds), f"{n_rounds} round(s) of {n_blocks} block(s)"
        own = {id(weight) for weight in weights.values()}
        seen[f"{told}: weights that are the model's"] = sum(id(weight) in own for weight in loop.parameters())
        seen[f"{told}: others"] = sum(id(weight) not in own for weight in loop.parameters())
        logits, _ = loop(some_text(rng, 2, 5))
        seen |= {f"{told}: {name}": its for name, its in gradients(logits, weights, rng).items()}
        model.zero_grad()
        later = gradients(loop(some_text(rng, 2, 5))[1][-1][0], weights, rng)
        seen |= {f"{told}, from the last state: {name}": its for name, its in later.items()}
    return seen


@exercise.check(points=0.25, atol=1e-4)
def from_one_call_to_the_next(LatentLoop, rng):
    """In both modes, with gradients and without, logits and states are of the weights that are there now."""
    model = Small(rng, 2)
    loop, tokens, one = LatentLoop(model, 2), some_text(rng, 2, 4), some_text(rng, 2, 1)
    states = [(normal(rng, 2, 1, Small.d_model), index + 2) for index in range(6)]
    calls = {
        "four tokens": lambda it: it(tokens),
        "three rounds, read on": lambda it: it(one, states, n_rounds=3),
        "read on, from a tuple": lambda it: it(one, tuple(states[:4])),
    }
    return from_call_to_call(loop, calls, rng)


@exercise.promise("Raises ValueError for fewer rounds than one", broken_by="takes_no_round_for_the_usual_number")
@exercise.promise("and for a state of another number of rounds.", broken_by="takes_a_state_of_other_rounds")
@exercise.check(points=0.25)
def what_is_refused(LatentLoop, rng):
    """No round is a ValueError, and so is a state of more rounds or fewer than are to be run."""
    model, tokens = Small(rng), some_text(rng, 2, 4)
    loop, seen = LatentLoop(model, 2), {}
    for n_rounds in (0, -1, 1):
        seen[f"told {n_rounds}"] = ending(lambda n_rounds=n_rounds: loop(tokens, n_rounds=n_rounds))
        seen[f"made for {n_rounds}"] = ending(lambda n_rounds=n_rounds: LatentLoop(model, n_rounds)(tokens))
    state = {n_rounds: loop(tokens, n_rounds=n_rounds)[1] for n_rounds in (1, 2, 3)}
    for n_before in state:
        for n_rounds in (None, *state):
            end = ending(lambda its=state[n_before], n_rounds=n_rounds: loop(tokens, its, n_rounds))
            seen[f"{n_before} round(s), then {n_rounds or 'as many as the loop has, 2'}"] = end
    return seen


exercise.aside("thinking that is not written down.", "It names what the rest describes.")
exercise.edges(
    empty="No sentence says what no token gives, and a model has a block.",
    one="round_after_round",
    equal="Nothing is compared.",
    zero="what_is_refused",
    ties="Nothing is ranked.",
    large="What blocks make of numbers is theirs.",
    small="What blocks make of numbers is theirs.",
    limit="what_is_refused",
    shapes="round_after_round",
    modes="round_after_round",
    gradients="There is no step that could meet old ones.",
    inputs="all_rounds_teach_the_same_weights",
)

mistakes(
    exercise,
    Loop,
    runs_one_round=mistake("Your blocks are run once. How often is `n_rounds`?", number=lambda self, n_rounds: 1),
    runs_one_round_more=mistake(
        "There is one round more than was asked for. From where to where do you count?",
        number=lambda self, n_rounds: n_rounds + 1,
    ),
    repeats_each_block=mistake("Each block is run again before the next one. What is a round?", run=block_by_block),
    goes_to_and_fro=mistake(
        "Every other round goes backwards through the blocks. In which order does a round go?", order=to_and_fro
    ),
    starts_again_in_each_round=mistake(
        "Each round reads the embedding. What does the next round read?", between=restarted
    ),
    adds_the_embedding_in_each_round=mistake(
        "The embedding is added before each round. How often is it used?", between=added_again
    ),
    norms_between_the_rounds=mistake(
        "The norm stands between the rounds too. How often is it used?",
        between=lambda self, x, number: self.model.norm(x) if number else x,
    ),
    forgets_the_norm=mistake(
        "The norm is left out. What stands in front of the output of the model?",
        top=lambda self, x: self.model.output(x),
    ),
    scores_each_round=mistake(
        "You score every round and take the last. How often is the output used?", run=scored_in_each_round
    ),
    takes_the_mean_over_the_rounds=mistake(
        "You take the mean over the rounds. After which round does it say something?", run=averaged
    ),
    keeps_its_number_of_rounds=mistake(
        "What a call says changes nothing. Which of the two numbers do you use?",
        rounds=lambda self, n_rounds: self.n_rounds,
    ),
    keeps_what_a_call_said=mistake(
        "What one call says holds for those after it too. For which call is it said?",
        rounds=kept_for_later_calls,
    ),
    takes_no_round_for_the_usual_number=mistake(
        "A call of 0 rounds runs some. What is `0 or 3` in Python?",
        rounds=lambda self, n_rounds: n_rounds or self.n_rounds,
    ),
    runs_one_round_where_none_is_asked_for=mistake(
        "No round becomes one. What should the caller get?",
        rounds=lambda self, n_rounds: max(1, self.n_rounds if n_rounds is None else n_rounds),
    ),
    gives_the_states_of_the_last_round=mistake(
        "Only the last round's states come out. What do the earlier rounds read at the next token?",
        given=lambda self, after: after[-len(self.model.blocks) :],
    ),
    gives_a_list_for_each_round=mistake(
        "Your states are a list of lists. How many lists is one list?",
        given=lambda self, after: [
            after[start : start + len(self.model.blocks)] for start in range(0, len(after), len(self.model.blocks))
        ],
        placed=lambda self, state: [its for part in state for its in part],
    ),
    gives_a_tuple=mistake(
        "Your states are a tuple. What does the docstring say?", given=lambda self, after: tuple(after)
    ),
    orders_states_by_blocks=mistake(
        "Your states stand block by block, the rounds within. Which comes first, the round or the block?",
        given=by_blocks,
        placed=each_in_a_round_of_its_own,
    ),
    keeps_one_state_for_each_block=mistake(
        "All rounds read and write the same states. Whose past does the second round see in those of the first?",
        run=one_state_for_each_block,
    ),
    reads_the_states_of_the_first_round=mistake(
        "Every round goes on from the states of the first. Which of the states in the list are its own?",
        placed=from_the_first_round,
    ),
    hands_the_state_up_the_blocks=mistake(
        "Each block gets the state of the one before it. Whose past is in a state?", run=one_state_up_the_blocks
    ),
    forgets_the_state=mistake(
        "Every text is read as if it were a beginning. Where does the state that you are given come in?",
        placed=lambda self, state: [None] * len(state),
    ),
    forgets_the_state_after_the_first_round=mistake(
        "Only the first round goes on from its state. What do the others know of the text so far?",
        placed=lambda self, state: [its if place < len(self.model.blocks) else None for place, its in enumerate(state)],
    ),
    remembers_the_last_text=mistake(
        "A text without a state goes on from the last one. What is None?",
        __init__=kept_in_the_model[0],
        forward=kept_in_the_model[1],
    ),
    writes_into_the_state_it_is_given=mistake(
        "The list that you are given is another one afterwards. What if somebody goes on from it twice?",
        run=written_into,
        placed=lambda self, state: state,
    ),
    wants_a_list_of_states=mistake(
        "A tuple of states ends with an error. What do you need of them but their order?",
        placed=lambda self, state: state.copy(),
    ),
    gives_logits_alone=mistake(
        "Your loop gives logits and no state. What does `generate` take from a model?",
        result=lambda self, logits, after: logits,
    ),
    scores_the_last_token_alone=mistake(
        "The last token alone is scored. Of which shape are logits?",
        result=lambda self, logits, after: (logits[:, -1:], after),
    ),
    gives_probabilities=mistake(
        "What comes out sums to one. Are these logits?",
        result=lambda self, logits, after: (logits.softmax(dim=-1), after),
    ),
    learns_from_the_last_round=mistake(
        "The last round alone learns. What cuts the gradient off before it?", between=cut_off_before_the_last
    ),
    freezes_the_embedding=mistake(
        "The embedding learns nothing. What cuts the gradient off behind it?",
        between=lambda self, x, number: x if number else x.detach(),
    ),
    copies_the_blocks=mistake(
        "Each round has blocks of its own. Whose weights do rounds share?", begin=with_copies, order=of_its_own
    ),
    copies_the_model=mistake(
        "The model that you are given learns nothing. Is it a copy that you run?",
        begin=lambda self: setattr(self, "model", copy.deepcopy(self.model)),
    ),
    weighs_the_rounds=mistake(
        "There are weights that the model does not have. What do rounds share?",
        begin=lambda self: setattr(self, "gate", nn.Parameter(torch.ones(self.n_rounds))),
    ),
    takes_a_state_of_other_rounds=mistake(
        "A state of another number of rounds is taken. Which round would go on from nothing?",
        refuse=lambda self, state, n_rounds: Loop.refuse(self, None, n_rounds),
        placed=lambda self, state: [*state, *[None] * 99],
    ),
)
