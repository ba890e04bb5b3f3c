"""`GPT`: a text in pieces is the text, two continuations share a state, a later token changes no earlier logits, blocks
stand on each other, and every weight learns.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.common import gradients, tokens_of
from autograder.checks.transformer.Block import Layer
from autograder.checks.transformer.shared import Norm, State, read_in_pieces, seeded, with_weights

exercise = Exercise("GPT")

SIZES = {"vocab_size": 11, "context": 9, "d_model": 8, "n_layers": 2, "n_heads": 2}


class Stack(nn.Module):
    """A GPT with its parts to override, so that one of them can be wrong."""

    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=library_causal_attention):
        super().__init__()
        self.context, self.embedding = context, nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Layer(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm, self.output = Norm(d_model), nn.Linear(d_model, vocab_size, bias=False)
        self.tie()

    def tie(self) -> None:
        self.output.weight = self.embedding.weight

    def bottom(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def before(self, state: list | None, index: int, below: State) -> State:
        return state[index] if state else None

    def climb(self, x: Tensor, state: list | None) -> tuple[list[Tensor], list]:
        """What each block gives, the embedding first, and the states after."""
        levels, after = [x], []
        for index, block in enumerate(self.blocks):
            x, new = block(self.reads(levels), self.before(state, index, after[-1] if after else None))
            levels.append(self.goes_on(levels, x))
            after.append(new)
        return levels, after

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def goes_on(self, levels: list[Tensor], x: Tensor) -> Tensor:
        return x

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(self.norm(levels[-1]))

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        if tokens.size(1) + (state[0][0].size(-2) if state else 0) > self.context:
            raise ValueError("longer than the context")
        levels, after = self.climb(self.bottom(tokens), state)
        return self.top(levels), after


def gpt_on_our_blocks(GPT, rng: torch.Generator, **sizes: int) -> nn.Module:
    """The learner's model, on blocks and a norm of ours, with random weights."""
    sizes = SIZES | sizes
    own = seeded(Stack(**sizes), rng)
    model = with_weights(GPT(**sizes, attend=library_causal_attention), own.state_dict())
    model.blocks, model.norm = own.blocks, own.norm
    return model


class Witness(nn.Module):
    """A block that writes down what it is called with, and gives something that can be told from it."""

    def __init__(self, index: int, calls: list[dict[str, Any]]):
        super().__init__()
        self.index, self.calls = index, calls

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        self.calls.append({"block": self.index, "x": x, "state": state})
        return 2 * x + 1, self.state(10.0)

    def state(self, number: float) -> tuple[Tensor, Tensor]:
        """Keys and values of one token, which show whose they are."""
        return (torch.full((2, 1, 1, 2), number + self.index),) * 2


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
    }


@exercise.check(points=0.25, invariant=True)
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
    }


@exercise.check(points=0.25, invariant=True)
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
    }


@exercise.check(points=0.25)
def blocks_stand_on_each_other(GPT, rng):
    """Each block is called once, from the first up, on what the one below gives and on its own state."""
    model, calls = gpt_on_our_blocks(GPT, rng, n_layers=3), []
    model.blocks = nn.ModuleList(Witness(index, calls) for index in range(3))
    seen = [
        model(tokens_of(rng, SIZES["vocab_size"]), state)
        for state in (None, [block.state(0.0) for block in model.blocks])
    ]
    return {"calls": calls, "logits and states": seen}


@exercise.check(points=0.25)
def a_text_as_long_as_the_context(GPT, rng):
    """One block or three, up to the whole context: the logits are right; a longer text raises ValueError."""
    seen = {}
    for n_layers in (1, 3):
        model = gpt_on_our_blocks(GPT, rng, n_layers=n_layers)
        seen[f"n_layers={n_layers}"] = model(tokens_of(rng, SIZES["vocab_size"], T=9))[0]
    for words, tokens, state in (
        ("a longer text", tokens_of(rng, SIZES["vocab_size"], T=10), None),
        (
            "read on past the context",
            tokens_of(rng, SIZES["vocab_size"], T=4),
            model(tokens_of(rng, SIZES["vocab_size"], T=6))[1],
        ),
    ):
        try:
            model(tokens, state)
            seen[words] = "no complaint"
        except ValueError:
            seen[words] = "ValueError"
    return seen


@exercise.check(points=0.25)
def every_weight_learns(GPT, rng):
    """The gradient reaches every weight, and embedding and output layer share one matrix."""
    model = gpt_on_our_blocks(GPT, rng)
    parameters = dict(model.named_parameters())
    number = sum(weight.numel() for weight in parameters.values())
    return {
        "the number of parameters": number,
        **gradients(model(tokens_of(rng, SIZES["vocab_size"]))[0], parameters, rng),
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
    def bottom(self, tokens):
        return math.sqrt(self.embedding.embedding_dim) * super().bottom(tokens)


@exercise.mistake(hint="You norm the embedding before the first block. Which blocks bring norms of their own?")
class norms_the_embedding(Stack):
    def bottom(self, tokens):
        return self.norm(super().bottom(tokens))


@exercise.mistake(hint="Your model has vocab_size · d_model weights too many. Which matrix scores the tokens?")
class ties_nothing(Stack):
    def tie(self):
        pass


exercise.given(Stack)
