"""`evaluate`: every token but the first counts once, whatever the batch size, and the model's mode is put back."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import as_tensors, outcome
from autograder.checks.pretraining.shared import VOCAB_SIZE, some_tokens

exercise = Exercise("evaluate")


class Reader(nn.Module):
    """A model that adds up all tokens it has read, at most eight: its logits show where each window began.

    It notes how many windows go through it at a time, and in which modes its parts are. In training mode it drops
    numbers out, if at all, and answers with half of its logits; a state that is handed on would show in them too.
    """

    def __init__(self, rng: torch.Generator, d_model: int = 6, p: float = 0.0):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(VOCAB_SIZE, d_model), nn.Embedding(8, d_model)
        self.dropout = nn.Dropout(p)
        self.output = nn.Linear(d_model, VOCAB_SIZE, bias=False)
        self.sizes: list[int] = []  # how many windows went through it at a time
        self.shortest = 8
        self.modes: set[tuple[bool, ...]] = set()
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.7, generator=rng)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        self.sizes.append(len(tokens))
        self.shortest = min(self.shortest, tokens.size(1))
        self.modes.add(tuple(part.training for part in self.modules()))
        x = self.embedding(tokens).cumsum(dim=1) + self.positions.weight[: tokens.size(1)]
        x = self.dropout(x if state is None else x + state)
        return self.output(x / 2 if self.training else x), torch.ones(())


def evaluated(
    model: nn.Module,
    tokens: Tensor,
    T: int,
    stride: int | None = None,
    ahead: int = 1,
    mean: Callable[[Tensor, Tensor], float] = lambda losses, sizes: float(losses.sum() / sizes.sum()),
    keep: Callable[[Tensor], bool] = lambda window: True,
    mode: bool | None = False,
    back: bool | None = None,
    wide: bool = True,
    submodules: bool = True,
) -> float:
    """An evaluation with its parts to choose, so that one can be wrong. `mean` takes sums and sizes of the windows."""
    before = model.training
    if mode is not None:
        model.train(mode)
    sums, sizes = [], []
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, stride or T):
            window = tokens[start : start + T + 1]
            if keep(window):
                targets = window[ahead : ahead + len(window) - 1]
                logits = model(window[:-1].unsqueeze(0))[0][0, : len(targets)]
                losses = -torch.log_softmax(logits.float() if wide else logits, dim=-1)
                sums.append(losses.gather(1, targets.unsqueeze(1)).sum())
                sizes.append(torch.tensor(len(targets)))
    if submodules:
        model.train(before if back is None else back)
    return mean(torch.stack(sums), torch.stack(sizes)) if sums else math.nan


@exercise.promise("The mean loss over a whole text", broken_by="takes_the_mean_over_windows")
@exercise.promise("in nats per token", broken_by="counts_in_bits")
@exercise.promise("every token but the first is predicted once", broken_by="loses_a_target_at_every_seam")
@exercise.promise("in windows of T targets laid end to end", broken_by="windows_overlap")
@exercise.promise("each from its own beginning", broken_by="moves_the_last_window_back")
@exercise.promise("the last window may be shorter.", broken_by="leaves_out_the_last_window_of_the_text")
@exercise.promise("n_tokens >= 2", broken_by="refuses_short_texts")
@exercise.check(points=0.25)
def every_token_but_the_first_once(evaluate, rng):
    """Every token but the first is predicted once, in windows laid end to end, and each counts the same."""
    model, text = Reader(rng), some_tokens(rng, 40)
    lengths = {"full windows": 31, "the last window has one target": 32, "four": 35, "one window": 4, "two tokens": 2}
    seen = {words: outcome(lambda: evaluate(model, text[:n], 5, batch_size=4)) for words, n in lengths.items()}
    seen["no window is empty"] = model.shortest > 0
    seen["windows of one target"] = outcome(lambda: evaluate(model, text[:7], 1, batch_size=4))
    every_other = some_tokens(rng, 34, 2)[:, 1]  # memory that is not in a row
    seen["a text that does not lie in a row"] = outcome(lambda: evaluate(model, every_other, 7))
    with torch.no_grad():
        model.output.weight.mul_(-1)  # as an optimiser's step would
    seen["the first text, after a step"] = outcome(lambda: evaluate(model, text[:31], 5, batch_size=4))
    return seen | {"another as long": outcome(lambda: evaluate(model, text[9:], 5, batch_size=4))}


@exercise.promise("change nothing but the speed", broken_by="takes_the_mean_over_batches")
@exercise.check(points=0.25, invariant=True)
def the_batch_size_does_not_matter(evaluate, rng):
    """However many windows go through the model at a time, the loss is the same; of another text it is another."""
    model, text = Reader(rng), some_tokens(rng, 48)
    whole, others = evaluate(model, text, 5), [evaluate(model, text, 5, batch_size=size) for size in (1, 4, 9, 10)]
    first_half = evaluate(model, text[:24], 5)
    return {
        "before": as_tensors([whole] * 4 + [first_half]),
        "after": as_tensors([*others, evaluate(model, text[:24], 5, batch_size=2)]),
        "must differ": [whole, first_half],
        "change": "the batch size was another",
    }


@exercise.promise("The model is in evaluation mode meanwhile", broken_by="measures_in_training_mode")
@exercise.promise("with all its parts", broken_by="turns_dropout_off_alone")
@exercise.promise("Nothing else of it changes, its gradients neither.", broken_by="clears_the_gradients")
@exercise.promise("afterwards in the mode that it was in", broken_by="leaves_the_model_in_evaluation_mode")
@exercise.promise("at most `batch_size` at a time", broken_by="reads_all_windows_at_once")
@exercise.check(points=0.25)
def the_mode_is_put_back(evaluate, rng):
    """Nothing is dropped out meanwhile; afterwards the model is in the mode in which it was, without gradients."""
    model, text = Reader(rng, p=0.5), some_tokens(rng, 30)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)  # left from training
    seen, chance = {}, torch.get_rng_state()
    for training, batch_size in ((True, 3), (False, 1)):
        model.train(training)
        model.sizes.clear()
        loss = evaluate(model, text, 7, batch_size=batch_size)
        seen[f"training {training} before"] = {"after": model.training, "dropout": model.dropout.training, "loss": loss}
        seen[f"no more than {batch_size} at a time"] = max(model.sizes) <= batch_size
        seen[f"training {training} before: meanwhile"] = sorted(model.modes)
        model.modes.clear()
    model.sizes.clear()
    return seen | {
        "gradients": [weight.grad for weight in model.parameters()],
        "gradients are taken as before": torch.is_grad_enabled(),
        "PyTorch's own generator as it was": torch.equal(chance, torch.get_rng_state()),
        "69 windows, no batch size said": evaluate(model, some_tokens(rng, 70), 1),
        "no more than 32 at a time": max(model.sizes) <= 32,
    }


@exercise.promise("The loss is taken in float32", broken_by="measures_in_short_numbers")
@exercise.check(points=0.25, rtol=3e-6, atol=1e-6)
def knowing_nothing_costs_log_of_the_vocabulary(evaluate, rng):
    """A model that knows nothing has a loss of log(vocab_size) nats a token, to six digits, in bfloat16 too."""
    text, seen = some_tokens(rng, 23), {}
    for dtype in (torch.float32, torch.bfloat16):
        model = Reader(rng)
        nn.init.zeros_(model.output.weight)
        seen[f"{dtype}"] = evaluate(model.to(dtype), text, 5)
    return seen


exercise.aside("All parts of the model come in one mode.", "A promise of the caller's, which the checks keep.")
exercise.edges(
    empty="A text has two tokens at least.",
    one="every_token_but_the_first_once",
    equal="knowing_nothing_costs_log_of_the_vocabulary",
    zero="knowing_nothing_costs_log_of_the_vocabulary",
    ties="Nothing is chosen among candidates.",
    large="Losses are sums of logarithms, and never large.",
    small="Losses are sums of logarithms, and never large.",
    limit="every_token_but_the_first_once",
    shapes="the_batch_size_does_not_matter",
    modes="the_mode_is_put_back",
    gradients="the_mode_is_put_back",
    inputs="Nothing is differentiated.",
)


@exercise.mistake(
    hint="The last, shorter window is left out, and with it the end of the text. How many targets has it?"
)
def leaves_out_the_last_window_of_the_text(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, keep=lambda window: len(window) == T + 1)


@exercise.mistake(
    hint="Each window counts the same, the short one too. How much is the mean over one target to weigh beside one "
    "over T?"
)
def takes_the_mean_over_windows(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float((sums / sizes).mean()))


@exercise.mistake(
    hint="You take the mean of the batches' means, so the loss hangs on how many windows go into one. Do all batches "
    "have as many targets?"
)
def takes_the_mean_over_batches(model, tokens, T, batch_size=32):
    def mean(sums: Tensor, sizes: Tensor) -> float:
        n = int((sizes == T).sum())
        batches = [*zip(sums[:n].split(batch_size), sizes[:n].split(batch_size)), (sums[n:], sizes[n:])]
        return float(torch.stack([part.sum() / size.sum() for part, size in batches if size.numel()]).mean())

    return evaluated(model, tokens, T, mean=mean)


@exercise.mistake(hint="Your loss grows with the text. What would you have to divide by to compare two texts?")
def adds_all_up(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float(sums.sum()))


@exercise.mistake(hint="You divide by the number of tokens. How many of them does anything come before?")
def counts_the_first_token_too(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float(sums.sum() / len(tokens)))


@exercise.mistake(hint="Your loss is in bits. Which logarithm has nats for its unit?")
def counts_in_bits(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T) / math.log(2)


@exercise.mistake(hint="You return a perplexity. What is its logarithm?")
def returns_the_perplexity(model, tokens, T, batch_size=32):
    return math.exp(evaluated(model, tokens, T))


@exercise.mistake(
    hint="Your windows begin at every token, so most are predicted many times. Where does the second window begin?"
)
def windows_overlap(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, stride=1)


@exercise.mistake(
    hint="The first token of each window but the first is never predicted. How many tokens do T targets and their "
    "inputs take together?"
)
def loses_a_target_at_every_seam(model, tokens, T, batch_size=32):
    total, n = 0.0, 0
    for start in range(0, len(tokens), T):
        if (size := len(tokens[start : start + T]) - 1) > 0:
            total, n = total + size * evaluated(model, tokens[start : start + T], T), n + size
    return total / n


@exercise.mistake(
    hint="The target at each position is its own input. What would a model be rewarded for that may copy?"
)
def scores_the_input(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, ahead=0)


@exercise.mistake(hint="The model drops numbers out while it is measured. Which call ends that?")
def measures_in_training_mode(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mode=None)


@exercise.mistake(
    hint="Afterwards the model is in evaluation mode for good, and trains on without dropout. Which mode was it in?"
)
def leaves_the_model_in_evaluation_mode(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, back=False)


@exercise.mistake(hint="Afterwards the model is in training mode, also where it was not before. Which mode was it in?")
def always_goes_back_to_training(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, back=True)


@exercise.mistake(
    hint="You turn dropout off and nothing else. Which other layers, or models, look at the mode that they are in?"
)
def turns_dropout_off_alone(model, tokens, T, batch_size=32):
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Dropout)]
    modes = [layer.training for layer in layers]
    for layer in layers:
        layer.eval()
    with torch.no_grad():
        loss = evaluated(model, tokens, T, mode=None, submodules=False)
    for layer, mode in zip(layers, modes):
        layer.train(mode)
    return loss


@exercise.mistake(hint="You take the model's gradients away. Did anybody ask for that?")
def clears_the_gradients(model, tokens, T, batch_size=32):
    model.zero_grad()
    return evaluated(model, tokens, T)


@exercise.mistake(hint="Your loss has three digits where the model computes in bfloat16. In which type do you take it?")
def measures_in_short_numbers(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, wide=False)


@exercise.mistake(hint="More windows go through the model at a time than they should. Where do you use `batch_size`?")
def reads_all_windows_at_once(model, tokens, T, batch_size=32):
    with torch.no_grad():
        model(tokens[: (len(tokens) - 1) // T * T].view(-1, T))
    return evaluated(model, tokens, T)


@exercise.mistake(hint="A text that does not fill a window is refused. How long may the last window be?")
def refuses_short_texts(model, tokens, T, batch_size=32):
    if len(tokens) <= T:
        raise ValueError("too short")
    return evaluated(model, tokens, T)


@exercise.mistake(
    hint="The last window is moved back until it is full, so its targets have more before them. Where is it to begin?"
)
def moves_the_last_window_back(model, tokens, T, batch_size=32):
    n, left = len(tokens) - 1, (len(tokens) - 1) % T
    if n <= T or not left:
        return evaluated(model, tokens, T)
    windows = evaluated(model, tokens[: n - left + 1], T)
    both, first = evaluated(model, tokens[n - T :], T), evaluated(model, tokens[n - T : n - left + 1], T)
    return (windows * (n - left) + both * T - first * (T - left)) / n
