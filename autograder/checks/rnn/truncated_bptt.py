"""`truncated_bptt`: every token is predicted once and the state goes on, but the gradient ends at the seam."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.rnn.shared import seeded

exercise = Exercise("truncated_bptt")


def detached(state: Any) -> Any:
    return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)


def in_chunks(tokens: Tensor, chunk_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    parts = (part.split(chunk_length, dim=1) for part in (tokens[:, :-1], tokens[:, 1:]))
    return zip(*parts)


def walk(
    model: Callable,
    tokens: Tensor,
    chunk_length: int,
    chunks: Callable[[Tensor, int], Any] = in_chunks,
    hand_on: Callable[[Any], Any] = detached,
    reduction: str = "mean",
) -> Iterator[Tensor]:
    """Truncated backpropagation with its parts to choose, so that one of them can be wrong."""
    state = None
    for inputs, targets in chunks(tokens, chunk_length):
        logits, state = model(inputs, state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)
        state = hand_on(state)


class Reader(nn.Module):
    """A language model on two of PyTorch's LSTM cells, of which one state is a tensor and one a tuple.

    At every position of the text something is added to the input, so that the gradient shows which positions a loss
    goes back to.
    """

    def __init__(self, rng: torch.Generator, T: int):
        super().__init__()
        self.embedding, self.gru, self.lstm = nn.Embedding(11, 4), nn.GRUCell(4, 4), nn.LSTMCell(4, 4)
        self.output = nn.Linear(4, 11)
        seeded(self, rng)
        self.added, self.at, self.calls = torch.zeros(T, 4, requires_grad=True), 0, []

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        self.calls.append({"tokens": tokens, "a state": state is not None})
        h, memory = state or (None, None)
        x, seen = self.embedding(tokens), []
        for t in range(tokens.size(1)):
            h = self.gru(x[:, t] + self.added[self.at], h)
            memory = self.lstm(h, memory)
            seen.append(memory[0])
            self.at += 1
        return self.output(torch.stack(seen, dim=1)), [h, memory]


def a_long_text(rng: torch.Generator, T: int = 10) -> tuple[Reader, Tensor]:
    """A reader and a text of T predictions, for two texts."""
    return Reader(rng, T), torch.randint(11, (2, T + 1), generator=rng)


@exercise.check(points=0.25)
def every_token_but_the_first_is_predicted_once(truncated_bptt, rng):
    """The model reads all tokens but the last, in chunks; the first comes without a state, the others with one."""
    model, tokens = a_long_text(rng)
    losses = list(truncated_bptt(model, tokens, 4))
    return {"calls": model.calls, "losses": losses}


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
    return {"before": whole, "after": torch.stack([mean_loss(3), mean_loss(1), torch.zeros(())])}


@exercise.check(points=0.5)
def the_gradient_ends_at_the_seam(truncated_bptt, rng):
    """The loss of a chunk goes back to the positions of its own chunk, all of them, and to no earlier one."""
    model, tokens = a_long_text(rng)
    return [torch.autograd.grad(loss, model.added, retain_graph=True)[0] for loss in truncated_bptt(model, tokens, 4)]


@exercise.check(points=0.25)
def gradients_of_the_chunks_add_up(truncated_bptt, rng):
    """`backward` after every chunk leaves the sum of the chunks' gradients in the weights, and needs no older graph."""
    model, tokens = a_long_text(rng)
    for loss in truncated_bptt(model, tokens, 3):
        loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


@exercise.check(points=0.25)
def weights_may_change_between_chunks(truncated_bptt, rng):
    """A chunk is read when its loss is asked for, with the weights as they are by then."""
    model, tokens = a_long_text(rng)
    losses = []
    for loss in truncated_bptt(model, tokens, 4):
        losses.append(loss)
        with torch.no_grad():
            model.output.weight.mul_(-1)
    return losses


@exercise.mistake(hint="A loss goes back through all chunks before it. What has to happen to the state at the seam?")
def does_not_cut_the_state_off(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, hand_on=lambda state: state)


@exercise.mistake(
    hint="Every chunk begins as if it were a new text. What should the model know when it begins the second?"
)
def starts_each_chunk_without_a_state(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, hand_on=lambda state: None)


@exercise.mistake(
    hint="The first token of each chunk is never predicted. Do you cut the text first and pair the tokens then, or the "
    "other way round?"
)
def loses_the_pair_at_the_seam(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return ((part[:, :-1], part[:, 1:]) for part in tokens.split(chunk_length, dim=1) if part.size(1) > 1)

    return walk(model, tokens, chunk_length, chunks=chunks)


@exercise.mistake(
    hint="What is left at the end, too short for a whole chunk, is not read. May the last chunk be shorter?"
)
def drops_the_last_short_chunk(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return (pair for pair in in_chunks(tokens, chunk_length) if pair[0].size(1) == chunk_length)

    return walk(model, tokens, chunk_length, chunks=chunks)


@exercise.mistake(hint="Your targets are the inputs themselves. Which token is to be predicted at position t?")
def predicts_the_token_it_reads(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return ((inputs, inputs) for inputs, _ in in_chunks(tokens, chunk_length))

    return walk(model, tokens, chunk_length, chunks=chunks)


@exercise.mistake(hint="A chunk of twice the length has twice the loss. Is the loss of a chunk a sum or a mean?")
def sums_the_loss(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, reduction="sum")


@exercise.mistake(
    hint="You read the whole text before you give out the first loss. Which word of Python gives out one value, and "
    "goes on when the next is asked for?"
)
def reads_all_chunks_at_once(model, tokens, chunk_length):
    return list(walk(model, tokens, chunk_length))


@exercise.mistake(hint="Only the last token of each chunk is predicted. Does a model not learn from every position?")
def predicts_the_last_token_of_each_chunk(model, tokens, chunk_length):
    state = None
    for inputs, targets in in_chunks(tokens, chunk_length):
        logits, state = model(inputs, state)
        yield F.cross_entropy(logits[:, -1], targets[:, -1])
        state = detached(state)
