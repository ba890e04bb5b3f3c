"""`RecurrentLanguageModel`: a text in pieces is the text, a later token changes no earlier logits, layers stand on each
other, and every weight learns.
"""

import operator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, normal
from autograder.checks.rnn.rnn_scan import library_scan
from autograder.checks.rnn.shared import seeded

exercise = Exercise("RecurrentLanguageModel")

SIZES = {"vocab_size": 11, "d_model": 6}
FUSED = {"layer": partial(nn.LSTM, batch_first=True), "scan": operator.call}


def every_token(rng: torch.Generator) -> Tensor:
    """Two texts of 7 tokens, in which each of the 11 stands somewhere."""
    order = torch.randperm(SIZES["vocab_size"], generator=rng)
    return torch.stack([order[:7], order[4:]])


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
            self.output.weight = self.tie()

    def tie(self) -> nn.Parameter:
        return self.embedding.weight

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def before(self, state: list | None, index: int, below: Any) -> Any:
        return state[index] if state else None

    def run(self, layer: nn.Module, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.scan(layer, x, state)

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(levels[-1])

    def give(self, after: list, state: list | None) -> Any:
        return after

    def forward(self, tokens, state=None):
        levels, after = [self.embed(tokens)], []
        for index, layer in enumerate(self.layers):
            own = self.before(state, index, after[-1] if after else None)
            x, new = self.run(layer, self.reads(levels), own)
            levels.append(x)
            after.append(new)
        return self.top(levels), self.give(after, state)


def cut_off(state: Any) -> Any:
    """A state of a layer without its history, as far as it has one."""
    if isinstance(state, tuple):
        return tuple(map(cut_off, state))
    return state.detach() if isinstance(state, Tensor) else state


@exercise.promise(
    "A text read in pieces, the state handed from each to the next", broken_by="forgets_the_state_it_is_given"
)
@exercise.promise("in training and in evaluation mode", broken_by="drops_out_while_training")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_the_callers_list")
@exercise.check(points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(RecurrentLanguageModel, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    model, tokens = language_model(RecurrentLanguageModel, rng), every_token(rng)
    whole, last = model(tokens)
    pieces, state = [], None
    for piece in tokens.split([3, 1, 3], dim=1):
        logits, state = model(piece, state)
        pieces.append(logits)
    in_evaluation = model.eval()(tokens)[0]
    return {
        "before": [whole, *last, whole],
        "after": [torch.cat(pieces, dim=1), *state, in_evaluation],
        "must differ": [pieces[2], model(tokens[:, 4:])[0]],
        "change": "it was read in three pieces, or in evaluation mode",
    }


@exercise.check(points=0.25, invariant=True)
def a_later_token_changes_no_earlier_logits(RecurrentLanguageModel, rng):
    """Another token changes no logits before it and none of another text, but those of its text from there on."""
    model, tokens = language_model(RecurrentLanguageModel, rng), every_token(rng)
    other = tokens.clone()
    other[0, 3] = (tokens[0, 3] + 1) % SIZES["vocab_size"]
    before, after = model(tokens)[0], model(other)[0]
    return {
        "before": [before[0, :3], before[1]],
        "after": [after[0, :3], after[1]],
        "must differ": [before[0, 6], after[0, 6]],
        "change": "the token of the first text at position 3 became another",
    }


@exercise.promise("on top of each other", broken_by="every_layer_reads_the_embedding")
@exercise.promise("`scan(layer, x, state)` runs it along the text", broken_by="runs_a_scan_of_its_own")
@exercise.promise("None for the start of a text: then each layer gets None", broken_by="starts_from_the_layer_below")
@exercise.promise("whatever it is.", broken_by="makes_zeros_for_an_lstm")
@exercise.promise("A tuple of states is as good, as argument and as result.", broken_by="takes_a_tuple_for_no_state")
@exercise.promise(r"from its *own* state $s^{(l)}$ on", broken_by="gives_all_layers_the_first_state")
@exercise.promise("and leaves its new state", broken_by="gives_back_the_last_state_for_all")
@exercise.check(points=0.25)
def layers_stand_on_each_other(RecurrentLanguageModel, rng):
    """`scan` is called once for each layer, from the first up, on what the one below gives and on its own state."""
    calls = []

    def scan(layer, x, state, /):
        index = next((i for i, one in enumerate(model.layers) if one is layer), "not one of self.layers")
        calls.append({"layer": index, "x": x, "state": state})
        return 2 * x + 1, f"the new state of layer {index}"

    model = language_model(RecurrentLanguageModel, rng, n_layers=3, scan=scan)
    states = [f"the state of layer {index}" for index in range(3)]
    after = [model(every_token(rng), state)[1] for state in (None, states, tuple(states), [0.0, None, ()])]
    of_a_long_text = model(torch.arange(1100).remainder(11).view(1, -1))[0][:, ::100]
    model.scan = lambda layer, x, state: (x - 1, "another scan")
    after.append(model(every_token(rng))[1])
    for layer in (None, nn.LSTMCell, nn.LSTM):  # the learner's own cells, or PyTorch's
        more = {} if layer is None else {"layer": layer}
        model = seeded(RecurrentLanguageModel(**SIZES, n_layers=2, scan=scan, **more), rng)
        after += [model.train(mode)(every_token(rng))[1] for mode in (True, False)]
    return {"calls": calls, "the states returned": after, "of a long text": of_a_long_text}


@exercise.promise("or on PyTorch's fused layers", broken_by="hands_the_state_by_keyword")
@exercise.promise("a score for each token", broken_by="returns_probabilities")
@exercise.promise("The state is a list of the layers' states", broken_by="returns_the_last_state_only")
@exercise.promise("-> logits (B, T, vocab_size)", broken_by="last_position_only_in_evaluation")
@exercise.promise("Shapes: tokens (B, T)", broken_by="loses_dimensions_of_one")
@exercise.check(points=0.25)
def cell_by_cell_or_fused(RecurrentLanguageModel, rng):
    """One layer or three, cell by cell or in PyTorch's fused layers: logits and states are right, in either mode."""
    tokens, seen = every_token(rng), {}
    for words, n_layers, more in (("three GRU cells", 3, {}), ("one LSTM cell", 1, {"layer": nn.LSTMCell})):
        model = language_model(RecurrentLanguageModel, rng, n_layers, **more)
        seen[words] = {"in training": model(tokens), "in evaluation": model.eval()(tokens)}
        seen[f"{words}, one text of one token"] = model(tokens[:1, :1])
        seen[f"{words}, read on from a tuple"] = model(tokens, tuple(model(tokens)[1]))
    fused = language_model(RecurrentLanguageModel, rng, **FUSED)
    logits, states = fused(tokens)
    seen["two fused LSTM layers"] = [logits, states]
    return {**seen, "read on by them": fused(tokens, states)} | again_and_again(RecurrentLanguageModel, rng)


def again_and_again(RecurrentLanguageModel, rng: torch.Generator) -> dict[str, Any]:
    """Without gradients, in evaluation mode and not, call after call, and with other weights; looked at in the end."""
    seen = {}
    for words, more in (("LSTM", {"layer": nn.LSTMCell}), ("GRU, tied", {"tied": True}), ("fused", FUSED)):
        model = language_model(RecurrentLanguageModel, rng, **more).eval()
        with torch.no_grad():
            for mode in ("in evaluation", "in training"):
                model.train(mode == "in training")
                for T in (3, 5, 3):
                    tokens = every_token(rng)[:, :T]
                    after = model(tokens)
                    seen[f"{words}, {mode}, {len(seen)}"] = [after, model(tokens, after[1]), model(tokens)]
                seeded(model, rng)
                with torch.inference_mode():
                    seen[f"{words}, {mode}, with other weights"] = [model(tokens), model(tokens, after[1])]
    return seen


@exercise.promise("the embedding of a token is also its row in the output layer", broken_by="tied_only_at_first")
@exercise.promise("$E$, which has a row for each token", broken_by="takes_token_0_for_padding")
@exercise.promise("a gradient reaches every weight", broken_by="reads_the_logits_off_the_first_layer")
@exercise.promise("In both", broken_by="learns_in_training_mode_only")
@exercise.promise("also back through the state that is handed on", broken_by="cuts_the_state_off")
@exercise.check(points=0.5)
def every_weight_learns(RecurrentLanguageModel, rng):
    """The gradient reaches every weight, back through the state too; `tied`, embedding and output share one matrix."""
    seen, tokens = {}, every_token(rng)
    for words, tied, layer in (
        ("not tied", False, nn.GRUCell),
        ("tied", True, nn.GRUCell),
        ("LSTM", False, nn.LSTMCell),
        ("LSTM in evaluation", True, nn.LSTMCell),
    ):
        model = language_model(RecurrentLanguageModel, rng, tied=tied, layer=layer).train("evaluation" not in words)
        parameters = dict(model.named_parameters())
        seen[f"{words}: the number of parameters"] = sum(weight.numel() for weight in parameters.values())
        seen[words] = {name: grad.clone() for name, grad in reached(model(tokens)[0], parameters, rng).items()}
        _, state = model(tokens[:, :3])
        seen[f"{words}, from a second piece"] = reached(model(tokens[:, 3:], state)[0], parameters, rng)
    return seen


def reached(logits: Tensor, parameters: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor]:
    """The gradients of a random sum of the logits, zeros where none comes."""
    total = (logits * normal(rng, *logits.shape)).sum()
    found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(parameters, found, strict=True))


mistakes(
    exercise,
    Stack,
    forgets_the_state_it_is_given=mistake(
        "Every text is read as if it were a beginning. Where does the state that you are given come in?",
        before=lambda self, state, index, below: None,
    ),
    hands_the_state_up_the_layers=mistake(
        "Each layer starts from the state in which the layer below ended. Which state did this layer itself have?",
        before=lambda self, state, index, below: below if index else state[0] if state else None,
    ),
    starts_from_the_layer_below=mistake(
        "At the start of a text, a layer begins with the state of the one below. Which state does it get there?",
        before=lambda self, state, index, below: state[index] if state else below,
    ),
    gives_all_layers_the_first_state=mistake(
        "Every layer is given the state of the first. Which of the states in the list is its own?",
        before=lambda self, state, index, below: state[0] if state else None,
    ),
    every_layer_reads_the_embedding=mistake(
        "All layers read the embedding. What should the second one read?", reads=lambda self, levels: levels[0]
    ),
    adds_what_a_layer_reads=mistake(
        "What a layer reads is added to what it gives. Is there such a sum in the formula?",
        run=lambda self, layer, x, state: added(x, *self.scan(layer, x, state)),
    ),
    runs_a_scan_of_its_own=mistake(
        "Your layers run without the `scan` that the model was made with. Where is it kept?",
        run=lambda self, layer, x, state: library_scan(layer, x, state),
    ),
    hands_the_state_by_keyword=mistake(
        "You hand the state over by its name, and PyTorch's layers have another name for it. How does the text write "
        "the call of `scan`?",
        run=lambda self, layer, x, state: self.scan(layer, x, state=state),
    ),
    reads_the_logits_off_the_first_layer=mistake(
        "Your logits come from the first layer, and the others work for nothing. What does the output layer read?",
        top=lambda self, levels: self.output(levels[1]),
    ),
    makes_zeros_for_an_lstm=mistake(
        "At the start of a text a layer gets zeros of yours. Who knows what None stands for, you or the layer?",
        before=lambda self, state, index, below: state[index] if state else zeros_for(self.layers[index]),
    ),
    takes_a_tuple_for_no_state=mistake(
        "A tuple of states is read as if it were none. What may the state be, beside a list?",
        before=lambda self, state, index, below: state[index] if isinstance(state, list) else None,
    ),
    learns_in_training_mode_only=mistake(
        "In evaluation mode no gradient goes back. Does the mode say whether one is asked for?",
        top=lambda self, levels: self.output(levels[-1] if self.training else levels[-1].detach()),
    ),
    returns_probabilities=mistake(
        "What you return sums to one over the tokens. Are these the scores before the softmax or after it?",
        top=lambda self, levels: torch.softmax(self.output(levels[-1]), dim=-1),
    ),
    last_position_only_in_evaluation=mistake(
        "In evaluation mode there are logits for one position alone. For how many positions are they asked?",
        top=lambda self, levels: self.output(levels[-1] if self.training else levels[-1][:, -1:]),
    ),
    loses_dimensions_of_one=mistake(
        "With one text of one token your logits have dimensions less. Which call takes them away?",
        top=lambda self, levels: self.output(levels[-1]).squeeze(),
    ),
    drops_out_while_training=mistake(
        "In training mode two calls differ. Which layer of chance does the formula not have?",
        reads=lambda self, levels: nn.functional.dropout(levels[-1], p=0.5, training=self.training),
    ),
    takes_token_0_for_padding=mistake(
        "The embedding of token 0 does not learn from being read. Is it other than the tokens beside it?",
        embed=lambda self, tokens: nn.functional.embedding(tokens, self.embedding.weight, padding_idx=0),
    ),
    tied_only_at_first=mistake(
        "With `tied` there are two matrices that begin alike. What will training do to them?",
        tie=lambda self: nn.Parameter(self.embedding.weight.detach().clone()),
    ),
    returns_the_last_state_only=mistake(
        "You return the state of the last layer alone. What do the other layers need to go on reading?",
        give=lambda self, after, state: after[-1],
    ),
    gives_back_the_last_state_for_all=mistake(
        "You return the last layer's state for every layer. Which new state did each of them leave?",
        give=lambda self, after, state: len(after) * after[-1:],
    ),
    cuts_the_state_off=mistake(
        "The states you return have lost their history. Is it for you or for the caller to end a gradient?",
        give=lambda self, after, state: list(map(cut_off, after)),
    ),
    writes_into_the_callers_list=mistake(
        "After a call, the list that you were given holds the new states. May the caller want to read on from the old "
        "ones again?",
        give=lambda self, after, state: after if state is None else overwritten(state, after),
    ),
)


def zeros_for(layer: nn.Module) -> Any:
    """Zeros for a cell or a layer with a memory, None for another."""
    if not isinstance(layer, (nn.LSTMCell, nn.LSTM)):
        return None
    zeros = layer.bias_hh.new_zeros(2, 6) if isinstance(layer, nn.LSTMCell) else layer.bias_hh_l0.new_zeros(1, 2, 6)
    return zeros, zeros


def added(x: Tensor, given: Tensor, state: Any) -> tuple[Tensor, Any]:
    return x + given, state


def overwritten(state: list, after: list) -> list:
    state[:] = after
    return state


exercise.edges(
    empty="A text has a token at least.",
    one="cell_by_cell_or_fused",
    equal="Nothing is compared or divided by a spread.",
    zero="every_weight_learns",
    ties="Nothing is chosen.",
    large="What the layers make of numbers is theirs.",
    small="What the layers make of numbers is theirs.",
    limit="A text may be of any length.",
    shapes="cell_by_cell_or_fused",
    modes="cell_by_cell_or_fused",
    gradients="Every call's arguments are compared, with their gradients.",
    inputs="every_weight_learns",
)
