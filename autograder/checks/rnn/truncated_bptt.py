"""`truncated_bptt`: every token is predicted once and the state goes on, but the gradient ends at the seam."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, normal
from autograder.checks.rnn.shared import seeded

exercise = Exercise("truncated_bptt")


def detached(state: Any) -> Any:
    if state is None:
        return None
    return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)


def in_chunks(tokens: Tensor, chunk_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    parts = (part.split(chunk_length, dim=1) for part in (tokens[:, :-1], tokens[:, 1:]))
    return zip(*parts)


class Walk:
    """Truncated backpropagation with its parts to override, so that one of them can be wrong."""

    start: Any = None

    def chunks(self, tokens: Tensor, chunk_length: int) -> Iterable[tuple[Tensor, Tensor]]:
        return in_chunks(tokens, chunk_length)

    def read(self, model: Callable, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        return model(inputs, state)

    def hand_on(self, state: Any, before: Any) -> Any:
        return detached(state)

    def loss(self, logits: Tensor, targets: Tensor, chunk_length: int) -> Tensor:
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def __call__(self, model: Callable, tokens: Tensor, chunk_length: int) -> Iterator[Tensor]:
        state = self.start
        for inputs, targets in self.chunks(tokens, chunk_length):
            logits, after = self.read(model, inputs, state)
            yield self.loss(logits, targets, chunk_length)
            state = self.hand_on(after, state)


class Reader(nn.Module):
    """A language model on PyTorch's cells, whose state is a tensor, a tuple of two, or a list of both.

    At every position of the text something is added to the input, so that the gradient shows which positions a loss
    goes back to.
    """

    def __init__(self, rng: torch.Generator, T: int, form: str):
        super().__init__()
        self.embedding, self.gru, self.lstm = nn.Embedding(11, 4), nn.GRUCell(4, 4), nn.LSTMCell(4, 4)
        self.output = nn.Linear(4, 11)
        seeded(self, rng)
        self.form, self.added, self.at, self.calls = form, torch.zeros(T, 4, requires_grad=True), 0, []

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """What is shown, and the state."""
        if self.form == "tensor":
            h = self.gru(x, state)
            return h, h
        if self.form == "tuple":
            memory = self.lstm(x, state)
            return memory[0], memory
        h, memory = state or (None, None)
        h = self.gru(x, h)
        memory = self.lstm(h, memory)
        return memory[0], [h, memory]

    def forward(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        self.calls.append({"tokens": tokens, "state": state})
        x, seen = self.embedding(tokens), []
        for t in range(tokens.size(1)):
            shown, state = self.step(x[:, t] + self.added[self.at], state)
            seen.append(shown)
            self.at += 1
        return self.output(torch.stack(seen, dim=1)), state


def a_long_text(rng: torch.Generator, T: int = 10, B: int = 2, form: str = "list") -> tuple[Reader, Tensor]:
    """A reader and B texts of T predictions; at T = 10 each of the 11 tokens is predicted somewhere."""
    order = torch.randperm(11, generator=rng)
    return Reader(rng, T, form), torch.stack([order.roll(3 * b) for b in range(B)])[:, : T + 1]


@exercise.promise("Every token but the first is predicted once", broken_by="loses_the_pair_at_the_seam")
@exercise.promise("each token but the first once", broken_by="drops_a_single_last_prediction")
@exercise.promise("A chunk is `chunk_length` predictions for each text", broken_by="cuts_into_equal_chunks")
@exercise.promise("the last chunk may be shorter", broken_by="drops_the_last_short_chunk")
@exercise.promise("T / chunk_length losses (), rounded up", broken_by="adds_an_empty_chunk")
@exercise.promise("Both arguments are there in every call", broken_by="calls_without_a_state")
@exercise.promise("and the first state is None", broken_by="begins_with_an_empty_list")
@exercise.promise("`model(tokens, state)` gives logits and state.", broken_by="predicts_the_token_it_reads")
@exercise.check(points=0.25)
def every_token_but_the_first_is_predicted_once(truncated_bptt, rng):
    """The model reads all tokens but the last, in chunks, the first with None for a state, the others with one."""
    seen = {}
    for T, B, chunk_length in ((10, 2, 4), (9, 3, 4), (8, 2, 4), (3, 2, 5), (1, 1, 1)):
        model, tokens = a_long_text(rng, T, B)
        losses = list(truncated_bptt(model, tokens, chunk_length))
        words = f"{T} predictions for {B} texts, in chunks of {chunk_length}"
        seen[words] = {"calls": model.calls, "losses": losses}
    return seen | a_text_of_many(truncated_bptt, rng)


def a_text_of_many(truncated_bptt, rng: torch.Generator) -> dict[str, Any]:
    """The chunks of a long text and their losses, with a model that is sure and counts its calls; without gradients."""
    table, calls = 200 * normal(rng, 11, 11), []

    def counting(tokens, state, /):
        calls.append([tokens.size(1), state])
        return table[tokens], torch.tensor([float(len(calls))])

    text = torch.randint(11, (1300, 2), generator=rng).T
    with torch.no_grad():
        losses = [list(truncated_bptt(counting, text, chunk_length)) for chunk_length in (1100, 130)]
    return {"a long text": calls, "its losses": losses}


@exercise.promise("yield the loss of each", broken_by="adds_up_the_losses")
@exercise.promise("its loss is their mean over positions and texts", broken_by="sums_over_the_positions")
@exercise.promise("in nats per token", broken_by="measures_in_bits")
@exercise.promise("from all those before it", broken_by="starts_each_chunk_without_a_state")
@exercise.promise("The state after a chunk is the start of the next one", broken_by="hands_on_the_first_state")
@exercise.check(points=0.25, invariant=True)
def the_seams_do_not_show_in_the_loss(truncated_bptt, rng):
    """The state goes on, so the mean loss over all tokens is the same whatever the length of a chunk."""
    model, tokens = a_long_text(rng)

    def mean_loss(chunk_length: int) -> Tensor:
        model.at = 0
        losses = torch.stack(list(truncated_bptt(model, tokens, chunk_length)))
        lengths = [float(len(chunk)) for chunk in torch.arange(10).split(chunk_length)]
        return torch.dot(losses.float(), torch.tensor(lengths)) / 10

    whole = torch.stack([mean_loss(10), mean_loss(50), torch.zeros(())])
    return {
        "before": whole,
        "after": torch.stack([mean_loss(3), mean_loss(1), torch.zeros(())]),
        "change": "it was cut into chunks of 3, or of 1",
    }


@exercise.promise("the state goes on, the gradient does not", broken_by="does_not_cut_the_state_off")
@exercise.promise("cut off from its history", broken_by="cuts_off_h_alone")
@exercise.promise("goes back to the start of its own chunk", broken_by="cuts_within_a_chunk")
@exercise.promise("A state is a tensor, or a list or a plain tuple", broken_by="takes_every_state_for_a_list")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="sets_the_mode_of_the_model")
@exercise.check(points=0.5)
def the_gradient_ends_at_the_seam(truncated_bptt, rng):
    """The loss of a chunk goes back to all positions of its own chunk, and to no earlier one, whatever the state is."""
    seen = {}
    for form in ("list", "tuple", "tensor", "tuple in training"):
        model, tokens = a_long_text(rng, form=form.split()[0])
        losses = truncated_bptt(model.train(form == "tuple in training"), tokens, 4)
        seen[f"a state that is a {form}"] = [
            torch.autograd.grad(loss, model.added, retain_graph=True)[0] for loss in losses
        ]
    table, kept = normal(rng, 11, 11).requires_grad_(), []

    def keeping(tokens, state):
        kept.append([table[tokens].mean(dim=1)])
        return table[tokens], kept[-1]

    list(truncated_bptt(keeping, torch.randint(11, (2, 8), generator=rng), 3))
    return seen | {"a list of states that the model keeps has its history": [part[0].requires_grad for part in kept]}


@exercise.check(points=0.25)
def gradients_of_the_chunks_add_up(truncated_bptt, rng):
    """`backward` after every chunk adds the chunks' gradients to those that are there, and needs no older graph."""
    model, tokens = a_long_text(rng)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    for loss in truncated_bptt(model, tokens, 3):
        loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


@exercise.promise("A chunk is read when its loss is asked for", broken_by="reads_all_chunks_at_once")
@exercise.promise("the first one too", broken_by="reads_the_first_chunk_at_once")
@exercise.promise("the caller may update the weights in between", broken_by="reads_one_chunk_ahead")
@exercise.check(points=0.25)
def weights_may_change_between_chunks(truncated_bptt, rng):
    """A chunk is read when its loss is asked for, with the weights as they are by then."""
    model, tokens = a_long_text(rng)
    losses, read, are_on = [], [], []
    for _ in range(2):
        walk = truncated_bptt(model, tokens, 4)
        for change in (-1.0, 2.0, -1.0, 0.5):
            read.append(len(model.calls))
            are_on.append(torch.is_grad_enabled())
            with torch.no_grad():
                model.output.weight.mul_(change)
                model.gru.weight_ih.mul_(change)
            model.train(change > 0)
            losses += [next(walk, "the end")]
        model.at = 0
    more = {"whether gradients are on": are_on, "modes": model.training}
    return {"losses": losses, "chunks read by then": read} | more


def cut_first(tokens: Tensor, chunk_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    return ((part[:, :-1], part[:, 1:]) for part in tokens.split(chunk_length, dim=1) if part.size(1) > 1)


def long_ones(tokens: Tensor, chunk_length: int, shortest: int) -> Iterator[tuple[Tensor, Tensor]]:
    chunks = list(in_chunks(tokens, chunk_length))
    return (pair for pair in chunks if pair[0].size(1) >= shortest or len(chunks) == 1)


def equal_ones(tokens: Tensor, chunk_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    number = math.ceil((tokens.size(1) - 1) / chunk_length)
    return zip(*(part.chunk(number, dim=1) for part in (tokens[:, :-1], tokens[:, 1:])))


def word_by_word(model: Callable, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
    logits = []
    for word in inputs.split(1, dim=1):
        of_word, state = model(word, state)
        logits.append(of_word)
        state = detached(state)
    return torch.cat(logits, dim=1), state


def h_alone(state: Any) -> Any:
    if isinstance(state, tuple):
        return (state[0].detach(), *state[1:])
    return state.detach() if isinstance(state, Tensor) else [h_alone(part) for part in state]


def mean(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


mistakes(
    exercise,
    Walk,
    does_not_cut_the_state_off=mistake(
        "A loss goes back through all chunks before it. What has to happen to the state at the seam?",
        hand_on=lambda self, state, before: state,
    ),
    cuts_off_h_alone=mistake(
        "Of a state (h, c) the memory c still leads back over the seam. Which parts of a state have a history?",
        hand_on=lambda self, state, before: h_alone(state),
    ),
    cuts_within_a_chunk=mistake(
        "The gradient does not get back to the start of a chunk. How often is the state cut off within one?",
        read=lambda self, model, inputs, state: word_by_word(model, inputs, state),
    ),
    takes_every_state_for_a_list=mistake(
        "A state that is one tensor comes back to the model as its rows. Which forms can a state have?",
        hand_on=lambda self, state, before: [detached(part) for part in state],
    ),
    starts_each_chunk_without_a_state=mistake(
        "Every chunk begins as if it were a new text. What should the model know when it begins the second?",
        hand_on=lambda self, state, before: None,
    ),
    hands_on_the_first_state=mistake(
        "From the third chunk on the model starts where the first one ended. Which state does a chunk go on from?",
        hand_on=lambda self, state, before: detached(state) if before is None else before,
    ),
    begins_with_an_empty_list=mistake(
        "The first state you hand to the model is not None. What stands in the text for no state?", start=[]
    ),
    calls_without_a_state=mistake(
        "The first call of your model has one argument. How many does `model(tokens, state)` take?",
        read=lambda self, model, inputs, state: model(inputs) if state is None else model(inputs, state),
    ),
    loses_the_pair_at_the_seam=mistake(
        "The first token of each chunk is never predicted. Do you cut the text first and pair the tokens then, or the "
        "other way round?",
        chunks=lambda self, tokens, chunk_length: cut_first(tokens, chunk_length),
    ),
    cuts_longer_and_loses_the_pair=mistake(
        "The last token of each piece is never read, the first never predicted. By how many tokens should two pieces "
        "overlap?",
        chunks=lambda self, tokens, chunk_length: cut_first(tokens, chunk_length + 1),
    ),
    drops_the_last_short_chunk=mistake(
        "What is left at the end, too short for a whole chunk, is not read. May the last chunk be shorter?",
        chunks=lambda self, tokens, chunk_length: long_ones(tokens, chunk_length, chunk_length),
    ),
    drops_a_single_last_prediction=mistake(
        "A last chunk of a single prediction is missing. At which number does your loop over the starts end?",
        chunks=lambda self, tokens, chunk_length: long_ones(tokens, chunk_length, min(2, chunk_length)),
    ),
    cuts_into_equal_chunks=mistake(
        "Your chunks are about equally long. How long is each but the last? Compare `torch.chunk` and `torch.split`.",
        chunks=lambda self, tokens, chunk_length: equal_ones(tokens, chunk_length),
    ),
    predicts_the_token_it_reads=mistake(
        "Your targets are the inputs themselves. Which token is to be predicted at position t?",
        chunks=lambda self, tokens, chunk_length: ((inputs, inputs) for inputs, _ in in_chunks(tokens, chunk_length)),
    ),
    sums_the_loss=mistake(
        "A chunk of twice the length has twice the loss. Is the loss of a chunk a sum or a mean?",
        loss=lambda self, logits, targets, chunk_length: mean(logits, targets) * targets.numel(),
    ),
    sums_over_the_positions=mistake(
        "You divide by the number of texts alone. How many predictions does a chunk have in all?",
        loss=lambda self, logits, targets, chunk_length: mean(logits, targets) * targets.size(1),
    ),
    divides_by_the_full_length=mistake(
        "The loss of a shorter last chunk is too small. By how many predictions do you divide there?",
        loss=lambda self, logits, targets, chunk_length: mean(logits, targets) * targets.size(1) / chunk_length,
    ),
    measures_in_bits=mistake(
        "Your losses are in bits. Which logarithm gives nats?",
        loss=lambda self, logits, targets, chunk_length: mean(logits, targets) / math.log(2),
    ),
    takes_token_0_for_padding=mistake(
        "Token 0 is never predicted. Is there any padding in a long text?",
        loss=lambda self, logits, targets, chunk_length: F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=0
        ),
    ),
    predicts_the_last_token_of_each_chunk=mistake(
        "Only the last token of each chunk is predicted. Does a model not learn from every position?",
        loss=lambda self, logits, targets, chunk_length: F.cross_entropy(logits[:, -1], targets[:, -1]),
    ),
)


@exercise.mistake(
    hint="You read the whole text before you give out the first loss. Which word of Python gives out one value, and "
    "goes on when the next is asked for?"
)
def reads_all_chunks_at_once(model, tokens, chunk_length):
    return iter(list(Walk()(model, tokens, chunk_length)))


@exercise.mistake(hint="The first chunk is read before anybody asks for its loss. When should it be?")
def reads_the_first_chunk_at_once(model, tokens, chunk_length):
    losses = Walk()(model, tokens, chunk_length)
    return itertools.chain([next(losses)], losses)


@exercise.mistake(
    hint="When you give out a loss, the next chunk has been read already. With which weights should it be read?"
)
def reads_one_chunk_ahead(model, tokens, chunk_length):
    losses = Walk()(model, tokens, chunk_length)
    ready = next(losses)
    for following in losses:
        yield ready
        ready = following
    yield ready


@exercise.mistake(hint="Each of your losses holds those before it. Of how many chunks is one loss?")
def adds_up_the_losses(model, tokens, chunk_length):
    total = 0.0
    for loss in Walk()(model, tokens, chunk_length):
        total = total + loss
        yield total


@exercise.mistake(hint="For a chunk of length zero you call the model once more. How many predictions are left there?")
def adds_an_empty_chunk(model, tokens, chunk_length):
    yield from Walk()(model, tokens, chunk_length)
    if (tokens.size(1) - 1) % chunk_length == 0:
        yield torch.zeros(())


@exercise.mistake(hint="After your walk the model is in another mode than before. Does the text ask you to set one?")
def sets_the_mode_of_the_model(model, tokens, chunk_length):
    model.train()
    yield from Walk()(model, tokens, chunk_length)


exercise.aside(
    "(A generator is what comes back, be it written with `yield` or not.)", "Allows a handwriting and asks for nothing."
)
exercise.edges(
    empty="A text has a prediction at least: T >= 1.",
    one="every_token_but_the_first_is_predicted_once",
    equal="Nothing is compared or divided by a spread.",
    zero="Token 0 stands in every long text, like all others.",
    ties="Nothing is chosen.",
    large="What a model makes of numbers is its own.",
    small="What a model makes of numbers is its own.",
    limit="every_token_but_the_first_is_predicted_once",
    shapes="every_token_but_the_first_is_predicted_once",
    modes="the_gradient_ends_at_the_seam",
    gradients="gradients_of_the_chunks_add_up",
    inputs="the_gradient_ends_at_the_seam",
)
