"""`GPT`: a text in pieces is the text, two continuations share a state, a later token changes no earlier logits, blocks
stand on each other, and every weight learns.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.attention.shared import pytorchs_attention
from autograder.checks.common import ending, gradients, normal, tokens_of
from autograder.checks.transformer.shared import from_call_to_call, read_in_pieces
from autograder.checks.transformer.stack import SIZES, Stack, Witness, gpt_on_our_blocks

exercise = Exercise("GPT")


@exercise.promise("A text read in pieces", broken_by="forgets_the_state_it_is_given")
@exercise.promise("The state is a list of the blocks' states", broken_by="returns_the_last_state_only")
@exercise.check(points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(GPT, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng, SIZES["vocab_size"])
    whole, last = model(tokens)
    pieces, state = read_in_pieces(model, tokens, [3, 1, 3])
    return {
        "before": [whole, *(part for layer in last for part in layer)],
        "after": [torch.cat(pieces, dim=1), *(part for layer in state for part in layer)],
        "must differ": [pieces[2], model(tokens[:, 4:])[0]],
        "change": "it was read in three pieces",
    }


@exercise.promise(
    "A function of yours leaves what it is given as it was", broken_by="writes_into_the_state_it_is_given"
)
@exercise.check(points=0.125, invariant=True)
def two_continuations_of_one_text(GPT, rng):
    """From one state two texts go on, and neither changes the state, nor what the other gets."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng, SIZES["vocab_size"])
    _, state = model(tokens[:, :3])
    kept = [part.clone() for layer in state for part in layer]
    before, of_other = model(tokens[:, 3:5], state)[0], model(tokens[:, 5:], state)[0]
    after = model(tokens[:, 3:5], state)[0]
    return {
        "before": [before, *kept],
        "after": [after, *(part for layer in state for part in layer)],
        "must differ": [before, of_other],
        "change": "another text had gone on from the same state",
    }


@exercise.check(points=0.125, invariant=True)
def a_later_token_changes_no_earlier_logits(GPT, rng):
    """Another token changes no logits before it and none of another text, but those of its text from there on."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng, SIZES["vocab_size"])
    other = tokens.clone()
    other[0, 3] = (tokens[0, 3] + 1) % SIZES["vocab_size"]
    before, after = model(tokens)[0], model(other)[0]
    return {
        "before": [before[0, :3], before[1]],
        "after": [after[0, :3], after[1]],
        "must differ": [before[0, 6], after[0, 6]],
        "change": "the token at position 3 of the first text was replaced",
    }


@exercise.promise("Each block reads what the one below gives", broken_by="every_block_reads_the_embedding")
@exercise.promise("$s^{(l)}$ is the state of block $l$", broken_by="hands_the_state_up_the_blocks")
@exercise.promise("None for the start of a text", broken_by="remembers_the_last_text")
@exercise.check(points=0.25)
def blocks_stand_on_each_other(GPT, rng):
    """Each block reads what the one below gives, with its own state; what it gives goes up, and its state goes out."""
    model = gpt_on_our_blocks(GPT, rng, n_layers=3)
    model.blocks = nn.ModuleList(Witness(index) for index in range(3))
    states = [(normal(rng, 2, 1, 2, SIZES["d_model"]),) * 2 for _ in model.blocks]
    seen = {"after some words": model(tokens_of(rng, SIZES["vocab_size"], T=3), states)}
    model.context = 1200
    with torch.no_grad():
        long, state = model.eval()(torch.randint(SIZES["vocab_size"], (2, 1100), generator=rng))
        seen |= {"a long text": long[:, -3:] / 1000, "read on": model(tokens_of(rng, 11, T=2), state)[0] / 1000}
    return seen | {"from the start": model(tokens_of(rng, SIZES["vocab_size"], T=4))}


@exercise.promise("a last norm", broken_by="forgets_the_last_norm")
@exercise.promise("`context` is the largest number of tokens", broken_by="refuses_a_full_context")
@exercise.promise("Shapes: tokens (B, T) -> logits (B, T, vocab_size), state.", broken_by="scores_the_last_token_alone")
@exercise.promise(
    "Raises ValueError where a text, with what was read before, is longer than the context.",
    broken_by="measures_the_piece_alone",
)
@exercise.check(points=0.25)
def a_text_as_long_as_the_context(GPT, rng):
    """No block, one or three, one token up to the whole context, in both modes: logits are right; more is refused."""
    seen = {}
    for n_layers in (0, 1, 3):
        model = gpt_on_our_blocks(GPT, rng, n_layers=n_layers)
        for training, B, T in ((True, 2, 9), (False, 3, 9), (False, 1, 1)):
            read = model.train(training)(tokens_of(rng, SIZES["vocab_size"], B, T))
            seen[f"n_layers={n_layers}, training={training}, tokens ({B}, {T})"] = read
    vocab_size = SIZES["vocab_size"]
    for words, T, before in (("a longer text", 10, 0), ("read on past the context", 4, 6), ("read on up to it", 3, 6)):
        state = model(tokens_of(rng, vocab_size, T=before))[1] if before else None
        for training in (True, False):
            end = ending(partial(model.train(training), tokens_of(rng, vocab_size, T=T), state))
            seen[f"{words}, training={training}"] = end
    return seen


@exercise.promise("The embedding of a token is also its row in the output layer.", broken_by="ties_nothing")
@exercise.promise("a score for each token of the vocabulary", broken_by="returns_probabilities")
@exercise.promise("gradients go back through the state", broken_by="cuts_its_states_off")
@exercise.promise("the embedding matrix $E$ (a row for each token)", broken_by="takes_token_zero_for_padding")
@exercise.promise("A language model: embedding", broken_by="scales_the_embedding")
@exercise.check(points=0.25, atol=1e-4)
def every_weight_learns(GPT, rng):
    """The logits are right, the gradient reaches every weight, also through the state, and E is there only once."""
    model = gpt_on_our_blocks(GPT, rng)
    parameters = dict(model.named_parameters())
    number = sum(weight.numel() for weight in parameters.values())
    logits = model(tokens_of(rng, SIZES["vocab_size"]))[0]
    seen = {"the logits": logits, "the number of parameters": number, **gradients(logits, parameters, rng)}
    tokens = torch.tensor([[0, 3, 3, 10, 0], [0, 0, 0, 0, 0]])
    for mode in ("training", "evaluation"):
        model.train(mode == "training").zero_grad()
        _, state = model(tokens)
        logits, _ = model(tokens_of(rng, SIZES["vocab_size"], T=2), state)
        found = gradients(logits, parameters, rng)
        seen |= {f"{name}, read on in {mode}": gradient for name, gradient in found.items()}
    return seen


@exercise.promise("Each call stands by itself", broken_by="keeps_its_output_matrix")
@exercise.promise("and a module its weights", broken_by="shortens_long_rows")
@exercise.check(points=0.125, rtol=1e-3, atol=1e-3)
def a_model_from_call_to_call(GPT, rng):
    """In both modes, with gradients and without, logits come for all tokens, from the weights that are there now."""
    model, tokens, one = gpt_on_our_blocks(GPT, rng), torch.randint(11, (2, 5), generator=rng), tokens_of(rng, 11, T=1)
    with torch.no_grad():
        model.embedding.weight.mul_(15)
    states = [(normal(rng, 2, 2, 3, 4), normal(rng, 2, 2, 3, 4)) for _ in model.blocks]
    calls = {
        "five tokens": lambda it: it(tokens),
        "read on": lambda it: it(tokens, states),
        "read on, from a tuple": lambda it: it(tokens, tuple(states)),
        "one": lambda it: it(one),
    }
    seen = from_call_to_call(model, calls, rng)
    seen["rows of E, then"] = model.embedding.weight
    with torch.no_grad():
        seen["one token for all places"] = model(one[:1].expand(3, 4))[0]
        seen["tokens that lie across"] = model(tokens.T.contiguous().T)[0]
        seen["rows of E, at the end"] = model.embedding.weight
        seen["one text"] = model(tokens[:1])
        model.norm.weight.mul_(2)
        seen["the same text, with another norm"] = model(tokens[:1])
    return seen | {"in float64": model.double()(tokens)[0]}


@exercise.promise("all matrices start as normal numbers with a standard deviation of 0.02", broken_by="starts_large")
@exercise.promise("theirs is smaller by $\\sqrt{2 L}$", broken_by="starts_writers_as_large_as_the_rest")
@exercise.promise("attend=fused_attention", broken_by="keeps_its_own_attend")
@exercise.check(points=0.125, rtol=0.05)
def a_model_starts_as_given(GPT, rng):
    """The given constructor makes the weights small, those that write to the stream smaller, and hands `attend` on."""
    model = GPT(300, 9, 64, 3, 2, library_causal_attention)
    matrices = {name: weight.detach() for name, weight in model.named_parameters() if weight.dim() == 2}
    writing = [weight for name, weight in matrices.items() if name.endswith(("w_output.weight", "w_down.weight"))]
    reading = [weight for name, weight in matrices.items() if name.endswith(("w_query.weight", "w_up.weight"))]
    attends = [part.attend for part in model.modules() if hasattr(part, "attend")]
    return {
        "the logits' shape": list(model(tokens_of(rng, 300))[0].shape),
        "blocks with our attend": sum(attend is library_causal_attention for attend in attends),
        "deviation of the embedding": model.embedding.weight.std(),
        "deviation of what reads the stream": torch.cat([weight.flatten() for weight in reading]).std(),
        "deviation of what writes to it": torch.cat([weight.flatten() for weight in writing]).std(),
    }


@exercise.mistake(
    hint="The stream goes to the output layer as it is. What stands between the last block and the scores?"
)
class forgets_the_last_norm(Stack):
    def top(self, levels):
        return self.output(levels[-1])


@exercise.mistake(hint="Every text is read as if it were a beginning. Where does the state that you are given come in?")
class forgets_the_state_it_is_given(Stack):
    def before(self, state, index, below):
        return None


@exercise.mistake(
    hint="Each block gets the keys and values of the block below. Which of the states in the list is its own?"
)
class hands_the_state_up_the_blocks(Stack):
    def before(self, state, index, below):
        return below if index else state[0] if state else None


@exercise.mistake(hint="Every block is given the state of the first. Which of the states in the list is its own?")
class gives_all_blocks_the_first_state(Stack):
    def before(self, state, index, below):
        return state[0] if state else None


@exercise.mistake(hint="You return the state of the last block alone. What do the other blocks need to go on reading?")
class returns_the_last_state_only(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        return logits, after[-1]


@exercise.mistake(
    hint="You write the new states into the list that you were given. What does another text find there that goes on "
    "from the same beginning?"
)
class writes_into_the_state_it_is_given(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        if state:
            state[:] = after
        return logits, state or after


@exercise.mistake(hint="All blocks read the embedding. What should the second one read?")
class every_block_reads_the_embedding(Stack):
    def reads(self, levels):
        return levels[0]


@exercise.mistake(hint="You add what a block gives to what it read. Does the block not add to the stream itself?")
class adds_around_the_blocks_again(Stack):
    def goes_on(self, levels, x):
        return levels[-1] + x


@exercise.mistake(
    hint="What you return sums to one over the tokens. Are these the scores before the softmax or after it?"
)
class returns_probabilities(Stack):
    def top(self, levels):
        return torch.softmax(super().top(levels), dim=-1)


@exercise.mistake(
    hint="You multiply the embedding by √d_model, as in 2017. Does the first norm not see to its size here?"
)
class scales_the_embedding(Stack):
    def length(self, T: int, S: int) -> int:
        return T + S

    def bottom(self, tokens):
        return math.sqrt(self.embedding.embedding_dim) * super().bottom(tokens)


@exercise.mistake(hint="You norm the embedding before the first block. Which blocks bring norms of their own?")
class norms_the_embedding(Stack):
    def length(self, T: int, S: int) -> int:
        return T + S

    def bottom(self, tokens):
        return self.norm(super().bottom(tokens))


@exercise.mistake(hint="Your model has vocab_size · d_model weights too many. Which matrix scores the tokens?")
class ties_nothing(Stack):
    def tie(self):
        pass


@exercise.mistake(hint="A text of exactly `context` tokens is refused. Is it longer than the context?")
class refuses_a_full_context(Stack):
    def length(self, T, S):
        return T + S + 1


@exercise.mistake(hint="Only the new piece is measured. How many tokens stand in the state already?")
class measures_the_piece_alone(Stack):
    def length(self, T, S):
        return T


@exercise.mistake(hint="Logits come for one position of each text. For which positions are they wanted?")
class scores_the_last_token_alone(Stack):
    def top(self, levels):
        return super().top(levels)[:, -1:]


@exercise.mistake(
    hint="A text that begins is read as if it went on from the one before. What does a state of None say?"
)
class remembers_the_last_text(Stack):
    kept = None

    def forward(self, tokens, state=None):
        fits = self.kept and tokens.size(1) + self.kept[0][0].size(-2) <= self.context
        fits = fits and len(self.kept[0][0]) == len(tokens)
        logits, after = super().forward(tokens, state or (self.kept if fits else None))
        self.kept = [tuple(part.detach() for part in layer) for layer in after]
        return logits, after


@exercise.mistake(hint="All that is learned is right, but the model starts large. Does `initialise` still run?")
class starts_large(Stack):
    def deviation(self, writes):
        return 50 * super().deviation(writes)


@exercise.mistake(hint="All matrices start alike. How many parts of all blocks write to the stream, and add up there?")
class starts_writers_as_large_as_the_rest(Stack):
    def deviation(self, writes):
        return 0.02


@exercise.mistake(hint="The `attend` that the model is given reaches no block. What does the constructor hand on?")
class keeps_its_own_attend(Stack):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=pytorchs_attention):
        super().__init__(vocab_size, context, d_model, n_layers, n_heads, pytorchs_attention)


@exercise.mistake(hint="From what is read later no gradient comes back to what was read before. Do you detach states?")
class cuts_its_states_off(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        return logits, [tuple(part.detach() for part in layer) for layer in after]


@exercise.mistake(hint="Where token 0 is read it learns nothing. Is it padding, or a token like the others?")
class takes_token_zero_for_padding(Stack):
    def bottom(self, tokens):
        return F.embedding(tokens, self.embedding.weight, padding_idx=0)


@exercise.mistake(hint="Long rows of the embedding are shorter after the call. Does reading a token change its row?")
class shortens_long_rows(Stack):
    def bottom(self, tokens):
        with torch.no_grad():
            F.embedding(tokens, self.embedding.weight, max_norm=10.0)
        return super().bottom(tokens)


@exercise.mistake(hint="In evaluation mode the scores come from an earlier embedding. What if it has learned since?")
class keeps_its_output_matrix(Stack):
    def top(self, levels):
        if self.training:
            return super().top(levels)
        if "kept" not in self.__dict__:
            self.__dict__["kept"] = self.embedding.weight.detach().clone()
        return self.norm(levels[-1]) @ self.kept.to(levels[-1]).T


exercise.aside("a tuple of states is as good", "This allows, and asks for nothing.")
exercise.edges(
    empty="a_text_as_long_as_the_context",
    one="a_text_as_long_as_the_context",
    equal="No two are compared.",
    zero="a_text_as_long_as_the_context",
    ties="No two are compared.",
    large="The norms see to the size.",
    small="The norms see to the size.",
    limit="a_text_as_long_as_the_context",
    shapes="a_text_as_long_as_the_context",
    modes="a_text_as_long_as_the_context",
    gradients="There is no step that could meet old ones.",
    inputs="every_weight_learns",
)
exercise.given(Stack)
