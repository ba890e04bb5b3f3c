"""`RecurrentLanguageModel`: a text in pieces is the text, a later token changes no earlier logits, layers stand on each
other, and every weight learns.
"""

import operator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, tokens_of
from autograder.checks.rnn.rnn_scan import library_scan
from autograder.checks.rnn.shared import seeded

exercise = Exercise("RecurrentLanguageModel")

SIZES = {"vocab_size": 11, "d_model": 6}
FUSED = {"layer": partial(nn.LSTM, batch_first=True), "scan": operator.call}


def language_model(
    RecurrentLanguageModel, rng: torch.Generator, n_layers: int = 2, layer=nn.GRUCell, scan=library_scan, **more
) -> nn.Module:
    """The learner's model on PyTorch's cells, with random weights."""
    return seeded(RecurrentLanguageModel(**SIZES, n_layers=n_layers, layer=layer, scan=scan, **more), rng)


class Stack(nn.Module):
    """A recurrent language model with its parts to override, so that one of them can be wrong."""

    def __init__(self, vocab_size, d_model, n_layers, layer=nn.LSTMCell, scan=library_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            self.output.weight = self.embedding.weight

    def before(self, state: list | None, index: int, below: Any) -> Any:
        return state[index] if state else None

    def climb(self, x: Tensor, state: list | None) -> tuple[list[Tensor], list]:
        """What each layer gives, the embedding first, and the states after."""
        levels, after = [x], []
        for index, layer in enumerate(self.layers):
            below = after[-1] if after else None
            x, new = self.scan(layer, self.reads(levels), self.before(state, index, below))
            levels.append(x)
            after.append(new)
        return levels, after

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(levels[-1])

    def forward(self, tokens, state=None):
        levels, after = self.climb(self.embedding(tokens), state)
        return self.top(levels), after


@exercise.check(points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(RecurrentLanguageModel, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    model, tokens = language_model(RecurrentLanguageModel, rng), tokens_of(rng, SIZES["vocab_size"])
    whole, last = model(tokens)
    pieces, state = [], None
    for piece in tokens.split([3, 1, 3], dim=1):
        logits, state = model(piece, state)
        pieces.append(logits)
    return {
        "before": [whole, *last],
        "after": [torch.cat(pieces, dim=1), *state],
        "must differ": [pieces[2], model(tokens[:, 4:])[0]],
    }


@exercise.check(points=0.25, invariant=True)
def a_later_token_changes_no_earlier_logits(RecurrentLanguageModel, rng):
    """Another token changes no logits before it and none of another text, but those of its text from there on."""
    model, tokens = language_model(RecurrentLanguageModel, rng), tokens_of(rng, SIZES["vocab_size"])
    other = tokens.clone()
    other[0, 3] = (tokens[0, 3] + 1) % SIZES["vocab_size"]
    before, after = model(tokens)[0], model(other)[0]
    return {
        "before": [before[0, :3], before[1]],
        "after": [after[0, :3], after[1]],
        "must differ": [before[0, 6], after[0, 6]],
    }


@exercise.check(points=0.25)
def layers_stand_on_each_other(RecurrentLanguageModel, rng):
    """`scan` is called once for each layer, from the first up, on what the one below gives and on its own state."""
    calls = []

    def scan(layer, x, state):
        index = next((i for i, one in enumerate(model.layers) if one is layer), "not one of self.layers")
        calls.append({"layer": index, "x": x, "state": state})
        return 2 * x + 1, f"the new state of layer {index}"

    model = language_model(RecurrentLanguageModel, rng, n_layers=3, scan=scan)
    states = [f"the state of layer {index}" for index in range(3)]
    after = [model(tokens_of(rng, SIZES["vocab_size"]), state)[1] for state in (None, states)]
    return {"calls": calls, "the states returned": after}


@exercise.check(points=0.25)
def cell_by_cell_or_fused(RecurrentLanguageModel, rng):
    """One layer or three, cell by cell or in PyTorch's fused layers: logits and states are right."""
    tokens, seen = tokens_of(rng, SIZES["vocab_size"]), {}
    for words, n_layers, more in (("three GRU cells", 3, {}), ("one LSTM cell", 1, {"layer": nn.LSTMCell})):
        seen[words] = language_model(RecurrentLanguageModel, rng, n_layers, **more)(tokens)
    fused = language_model(RecurrentLanguageModel, rng, **FUSED)
    logits, states = fused(tokens)
    return {**seen, "two fused LSTM layers": [logits, states], "read on by them": fused(tokens, states)}


@exercise.check(points=0.5)
def every_weight_learns(RecurrentLanguageModel, rng):
    """The gradient reaches every weight; with `tied`, embedding and output layer share one matrix."""
    seen = {}
    for tied in (False, True):
        model = language_model(RecurrentLanguageModel, rng, tied=tied)
        parameters = dict(model.named_parameters())
        words = "tied" if tied else "not tied"
        seen[f"{words}: the number of parameters"] = sum(weight.numel() for weight in parameters.values())
        seen[words] = gradients(model(tokens_of(rng, SIZES["vocab_size"]))[0], parameters, rng)
    return seen


@exercise.mistake(hint="Every text is read as if it were a beginning. Where does the state that you are given come in?")
class forgets_the_state_it_is_given(Stack):
    def before(self, state, index, below):
        return None


@exercise.mistake(
    hint="Each layer starts from the state in which the layer below ended. Which state did this layer itself have?"
)
class hands_the_state_up_the_layers(Stack):
    def before(self, state, index, below):
        return below if index else state[0] if state else None


@exercise.mistake(hint="All layers read the embedding. What should the second one read?")
class every_layer_reads_the_embedding(Stack):
    def reads(self, levels):
        return levels[0]


@exercise.mistake(
    hint="Your logits come from the first layer, and the others work for nothing. What does the output layer read?"
)
class reads_the_logits_off_the_first_layer(Stack):
    def top(self, levels):
        return self.output(levels[1])


@exercise.mistake(
    hint="What you return sums to one over the tokens. Are these the scores before the softmax or after it?"
)
class returns_probabilities(Stack):
    def top(self, levels):
        return torch.softmax(self.output(levels[-1]), dim=-1)


@exercise.mistake(hint="You return the state of the last layer alone. What do the other layers need to go on reading?")
class returns_the_last_state_only(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        return logits, after[-1]


@exercise.mistake(hint="Every layer is given the state of the first. Which of the states in the list is its own?")
class gives_all_layers_the_first_state(Stack):
    def before(self, state, index, below):
        return state[0] if state else None
