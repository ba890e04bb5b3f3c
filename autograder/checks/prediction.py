"""The checks of the prediction topic, and the mistakes it knows: what each exercise must do, asked by experiment.

What is drawn by chance is judged by its shares. Each share of `DRAWS` independent draws is held against its exact
probability by Chernoff's bound, which holds for any number of draws: a right answer fails such a check less often
than once in 10⁹. The probabilities behind a draw do not depend on the seed, only which token has which.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from autograder.checking.chance import improbable
from autograder.checking.topic import Topic

prediction = Topic("prediction")
check = prediction.try_out

DRAWS = 4000  # of each distribution
ALIKE = 0.05  # shares of a known mistake in two handwritings differ by less, 4.5 standard errors


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng)


def some_tokens(rng: torch.Generator, vocab_size: int, *shape: int) -> Tensor:
    return torch.randint(vocab_size, shape, generator=rng)


def another_generator(rng: torch.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(some_tokens(rng, 2**40)))


def ending(call: Callable[[], object]) -> str:
    """How a call ends: the name of the exception, or "a result"."""
    try:
        call()
    except NotImplementedError:
        raise  # nothing is written yet
    except Exception as error:
        return type(error).__name__
    return "a result"


def shares_agree(got: dict, expected: dict) -> str | None:
    """Which share of draws is off, in words, or None. A right answer is found off less than once in 10⁹ times."""
    cases = expected["right"]
    n_shares = sum(right.numel() for right in cases.values())
    for case, right in cases.items():
        seen = got["seen"][case]
        if seen.shape != right.shape:
            return f"{case}: {tuple(seen.shape)} shares, expected {tuple(right.shape)}."
        off = improbable(seen, right, DRAWS, n_shares)
        if off.any():
            index = tuple(off.nonzero()[0].tolist())
            place = ", ".join(map(str, index))
            return f"{case}: [{place}] in {seen[index]:.1%} of {DRAWS:,} draws, expected {right[index]:.1%}."
    return None


# --- next_token_pairs --------------------------------------------------------------------------------------


@prediction.check("next_token_pairs", points=0.25)
def windows_lie_end_to_end(next_token_pairs, rng):
    """The inputs are the text, cut into windows that neither overlap nor leave out a token between them."""
    tokens = some_tokens(rng, 1000, 18)
    return {"inputs": next_token_pairs(tokens, 5)[0], "inputs in windows of one token": next_token_pairs(tokens, 1)[0]}


@prediction.check("next_token_pairs", points=0.25)
def targets_are_one_ahead(next_token_pairs, rng):
    """The target at each position is the token after it, also at the last position of a window."""
    inputs, targets = next_token_pairs(torch.arange(100, 118), 5)
    return {
        "targets minus inputs, in a text that counts up": targets - inputs,
        "targets": next_token_pairs(some_tokens(rng, 1000, 18), 5)[1],
    }


@prediction.check("next_token_pairs", points=0.25)
def only_full_windows(next_token_pairs, rng):
    """A window counts when its last target is there too, whatever is left over after it."""
    tokens = some_tokens(rng, 1000, 24)
    return {
        f"{length} tokens in windows of 4": list(next_token_pairs(tokens[:length], 4)) for length in (11, 12, 13, 14)
    }


@prediction.check("next_token_pairs", points=0.25)
def short_texts(next_token_pairs, rng):
    """The shortest text has a window and one token more; anything shorter is a ValueError, and no text is changed."""
    tokens = some_tokens(rng, 1000, 7)
    return {
        "7 tokens in a window of 6": list(next_token_pairs(tokens, 6)),
        "7 tokens in a window of 7": ending(lambda: next_token_pairs(tokens, 7)),
        "7 tokens in a window of 20": ending(lambda: next_token_pairs(tokens, 20)),
        "the text afterwards": tokens,
    }


def cut(tokens: Tensor, context_length: int, n: int | None = None) -> tuple[Tensor, Tensor]:
    """Windows and targets, with the number of windows to choose, so that it can be wrong."""
    n = (len(tokens) - 1) // context_length if n is None else n
    if n < 1:
        raise ValueError("too short")
    end = n * context_length
    return tokens[:end].reshape(n, context_length), tokens[1 : end + 1].reshape(n, context_length)


@prediction.mistake(
    "next_token_pairs",
    hint="Each target equals the input at its position. What would a model learn that may copy the answer?",
)
def the_target_is_the_input(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    return inputs, inputs


@prediction.mistake(
    "next_token_pairs",
    hint="Your targets are the tokens *before* the inputs. Which of the two starts one token later in the text?",
)
def looks_back(tokens, context_length):
    inputs, targets = cut(tokens, context_length)
    return targets, inputs


@prediction.mistake(
    "next_token_pairs",
    hint="Your targets are two tokens ahead. Where in the text does the first target stand?",
)
def looks_two_ahead(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    targets = torch.cat([tokens[2:], tokens[:1]])[: inputs.numel()]
    return inputs, targets.reshape(inputs.shape)


@prediction.mistake(
    "next_token_pairs",
    hint="Your windows begin at every token, so each token comes up many times. Where does the second window begin if "
    "the windows lie end to end?",
)
def windows_overlap(tokens, context_length):
    if len(tokens) <= context_length:
        raise ValueError("too short")
    return tokens[:-1].unfold(0, context_length, 1), tokens[1:].unfold(0, context_length, 1)


@prediction.mistake(
    "next_token_pairs",
    hint="Your windows are one token short, because you cut first and shifted inside each window. Where is the target "
    "of a window's last token?",
)
def shifts_inside_the_window(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    return inputs[:, :-1], inputs[:, 1:]


@prediction.mistake(
    "next_token_pairs",
    hint="The last target is the first token of the text. What does `roll` put behind the end, and how many tokens "
    "have a next one?",
)
def goes_round_the_end(tokens, context_length):
    n = len(tokens) // context_length
    if n < 1:
        raise ValueError("too short")
    ahead = tokens.roll(-1)
    return tuple(part[: n * context_length].reshape(n, context_length) for part in (tokens, ahead))


@prediction.mistake(
    "next_token_pairs",
    hint="You drop a last window that is full. With 13 tokens and windows of 4, how many windows have all their "
    "targets?",
)
def drops_a_full_window(tokens, context_length):
    return cut(tokens, context_length, n=(len(tokens) - 2) // context_length)


@prediction.mistake(
    "next_token_pairs",
    hint="Your text runs down the columns. In which order does `view` lay numbers into a matrix, and do you turn it "
    "round afterwards?",
)
def the_text_runs_down_the_columns(tokens, context_length):
    return tuple(part.reshape(part.shape[1], part.shape[0]).T for part in cut(tokens, context_length))


@prediction.mistake(
    "next_token_pairs",
    hint="You fill the last window up with zeros. Is 0 not a token like any other, which the model would learn to "
    "predict?",
)
def fills_the_last_window_up(tokens, context_length):
    n = -(-(len(tokens) - 1) // context_length)
    filled = torch.cat([tokens, tokens.new_zeros(n * context_length + 1 - len(tokens))])
    return cut(filled, context_length)


# --- cross_entropy -----------------------------------------------------------------------------------------


@prediction.check("cross_entropy", points=0.25)
def knowing_nothing_costs_log_of_the_vocabulary(cross_entropy, rng):
    """Where all logits are equal, the loss is the logarithm of vocab_size, whatever the targets and the shape."""
    shapes = ((), (4,), (2, 3))
    return {
        f"targets of shape {shape}": cross_entropy(normal(rng, 1).expand(*shape, 7), some_tokens(rng, 7, *shape))
        for shape in shapes
    }


@prediction.check("cross_entropy", points=0.25, invariant=True)
def only_differences_of_logits_count(cross_entropy, rng):
    """Adding one number to all logits of a position changes nothing; other targets do."""
    logits, targets = normal(rng, 3, 4, 7), torch.stack([some_tokens(rng, 6, 4) for _ in range(3)])
    losses = [cross_entropy(logits[row], targets[row]) for row in range(3)]
    shifted = [cross_entropy(logits[row] + 5 * normal(rng, 4, 1), targets[row]) for row in range(3)]
    other = [cross_entropy(logits[row], targets[row] + 1) for row in range(3)]
    return {"before": torch.stack(losses), "after": torch.stack(shifted), "must differ": [losses, other]}


@prediction.check("cross_entropy", points=0.25)
def the_mean_over_all_positions(cross_entropy, rng):
    """The loss is the mean of -log p(target) in nats, over all positions of all texts."""
    logits, targets = 2 * normal(rng, 3, 5, 7), some_tokens(rng, 7, 3, 5)
    return {
        "one position": cross_entropy(logits[0, 0], targets[0, 0]),
        "one text": cross_entropy(logits[0], targets[0]),
        "three texts": cross_entropy(logits, targets),
    }


@prediction.check("cross_entropy", points=0.25)
def large_logits_stay_finite(cross_entropy, rng):
    """Logits of ten thousand or a million, above or below zero, give a finite loss: 0 where the target stands out."""
    order = torch.randperm(5, generator=rng)
    logits = torch.tensor([1e4, 0.0, -1e4, 5e3, 9e3])[order]
    best, worst, second = order.argsort()[torch.tensor([0, 2, 4])]
    return {
        "the target has the largest logit": cross_entropy(logits, best),
        "the target is 1,000 below the largest": cross_entropy(logits, second),
        "the target is 20,000 below the largest": cross_entropy(logits, worst),
        "one position with logits of about 1,000,000, one of about -1,000,000": cross_entropy(
            logits / 10 + torch.tensor([[1e6], [-1e6]]), torch.stack([second, best])
        ),
    }


def with_gaps(rng: torch.Generator, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Logits (3, 5, 7), and targets (3, 5) of which four, one and none are to be ignored."""
    targets = (some_tokens(rng, 6, 3, 5) + ignore_index + 1) % 7
    targets[0, 1:], targets[1, 2] = ignore_index, ignore_index
    return 2 * normal(rng, 3, 5, 7), targets


@prediction.check("cross_entropy", points=0.25)
def ignored_targets_do_not_count(cross_entropy, rng):
    """Positions whose target is ignore_index count for nothing; the mean is over the others. It is -100 if not said."""
    logits, targets = with_gaps(rng, -100)
    other_logits, other_targets = with_gaps(rng, 3)
    return {
        "ignore_index not given": cross_entropy(logits, targets),
        "ignore_index=3": cross_entropy(other_logits, other_targets, ignore_index=3),
        "other logits where the target is ignored": cross_entropy(
            torch.where((targets == -100).unsqueeze(-1), 3 * normal(rng, 7), logits), targets
        ),
        "all targets ignored": ending(lambda: cross_entropy(logits[:1, 1:], targets[:1, 1:])),
        "targets of another shape": ending(lambda: cross_entropy(logits, targets[:, :4])),
        "the targets afterwards": targets,
    }


@prediction.check("cross_entropy", points=0.25)
def the_gradient_is_probability_minus_truth(cross_entropy, rng):
    """The gradient of the logits is p - 1 at the target and p elsewhere, shared among the positions that count."""
    logits, targets = with_gaps(rng, -100)
    logits.requires_grad_()
    loss = cross_entropy(logits, targets)
    if loss.requires_grad:
        loss.backward()
    return {"the gradient of logits": logits.grad}


def losses_of(logits: Tensor, targets: Tensor, log_probabilities: Callable[[Tensor], Tensor], ignore_index: int):
    """The loss at each position that counts, with its softmax to choose, so that it can be wrong."""
    asked = targets != ignore_index
    if asked.shape != logits.shape[:-1] or not asked.any():
        raise ValueError("no target, or shapes that do not go together")
    found = log_probabilities(logits).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -found[asked]


def log_softmax(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits, dim=-1)


@prediction.mistake("cross_entropy", hint="Your loss is below zero. What sign has the logarithm of a probability?")
def forgets_the_minus(logits, targets, ignore_index=-100):
    return -losses_of(logits, targets, log_softmax, ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="Your loss grows with the number of tokens. What would you have to divide by to compare two texts?",
)
def adds_the_losses_up(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).sum()


@prediction.mistake("cross_entropy", hint="Your loss is in bits. Which logarithm has nats for its unit?")
def counts_in_bits(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).mean() / math.log(2)


@prediction.mistake(
    "cross_entropy",
    hint="You take the target's logit for its log-probability. What do all logits of a position have to be divided by, "
    "after the exponential, to sum to one?",
)
def takes_logits_for_log_probabilities(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: logits, ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="What is exp(10,000) in 32 bits, and exp(-10,000)? Adding a number to all logits changes nothing, so which "
    "number would keep every exponential at 1 or less?",
)
def the_exponential_overflows(logits, targets, ignore_index=-100):
    return losses_of(
        logits, targets, lambda logits: logits - logits.exp().sum(-1, keepdim=True).log(), ignore_index
    ).mean()


@prediction.mistake(
    "cross_entropy",
    hint="You subtract one maximum from all positions. What is left of a position whose logits are all far below those "
    "of another?",
)
def one_maximum_for_all_positions(logits, targets, ignore_index=-100):
    def log_probabilities(logits):
        shifted = logits - logits.max()
        return shifted - shifted.exp().sum(-1, keepdim=True).log()

    return losses_of(logits, targets, log_probabilities, ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="A probability of exp(-10,000) is 0 in 32 bits, and its logarithm is gone. Can you get the logarithm without "
    "the probability?",
)
def takes_the_logarithm_of_the_softmax(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: torch.softmax(logits, dim=-1).log(), ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="You add a small number before the logarithm, so no loss gets larger than about 20. What loss does a target "
    "deserve whose logit is 10,000 below the largest?",
)
def adds_a_small_number(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: (torch.softmax(logits, dim=-1) + 1e-9).log(), ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="You take the softmax of what is a softmax already. How many times do logits become probabilities?",
)
def takes_the_softmax_twice(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: log_softmax(torch.softmax(logits, dim=-1)), ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="The softmax makes positions compete with each other. Along which axis of the logits (..., vocab_size) does "
    "one token have to be chosen?",
)
def softmax_over_the_positions(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: torch.log_softmax(logits, dim=0), ignore_index).mean()


@prediction.mistake(
    "cross_entropy",
    hint="You divide by the number of all targets. How many of them have a loss at all?",
)
def divides_by_the_ignored_too(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).sum() / targets.numel()


@prediction.mistake(
    "cross_entropy",
    hint="Ignored targets have a loss like all others. Where do you use `ignore_index`?",
)
def predicts_what_is_to_be_ignored(logits, targets, ignore_index=-100):
    losses_of(logits, targets, log_softmax, ignore_index)
    return losses_of(logits, targets.clamp(min=0), log_softmax, -1).mean()


@prediction.mistake(
    "cross_entropy",
    hint="You average each text first, and then the texts. Does a position then count the same in a text with one "
    "target as in a text with five?",
)
def averages_each_text_first(logits, targets, ignore_index=-100):
    asked = targets != ignore_index
    if targets.dim() < 2 or not asked.any() or asked.shape != logits.shape[:-1]:
        return losses_of(logits, targets, log_softmax, ignore_index).mean()
    each = [losses_of(row, wanted, log_softmax, ignore_index).mean() for row, wanted in zip(logits, targets)]
    return torch.stack(each).mean()


# --- perplexity --------------------------------------------------------------------------------------------


@prediction.check("perplexity", points=0.25)
def as_many_choices(perplexity, rng):
    """A loss of log V is a choice among V equally likely tokens; an infinite loss is an endless one."""
    vocab_size = 2 + int(some_tokens(rng, 50_000))
    return {
        f"the loss is log {vocab_size:,}": perplexity(math.log(vocab_size)),
        "the loss is 0": perplexity(0),
        "the loss is infinite": perplexity(math.inf),
    }


@prediction.check("perplexity", points=0.25)
def losses_of_single_tokens(perplexity, rng):
    """The losses of single tokens are averaged before the exponential, whatever their shape."""
    losses = 4 * torch.rand(3, 5, generator=rng)
    return {
        "1 and 3 nats": perplexity(torch.tensor([1.0, 3.0])),
        "3 texts of 5 tokens": perplexity(losses),
        "their mean": perplexity(losses.mean()),
    }


def mean_loss(losses) -> Tensor:
    return torch.as_tensor(losses, dtype=torch.float64).mean()


@prediction.mistake("perplexity", hint="2 to the power of the loss belongs to bits. What belongs to nats?")
def two_to_the_power_of_nats(losses):
    return 2 ** mean_loss(losses)


@prediction.mistake(
    "perplexity",
    hint="You take the exponential of each loss and average afterwards. What would one token with a loss of 30 do to "
    "that mean?",
)
def averages_the_perplexities(losses):
    return torch.as_tensor(losses, dtype=torch.float64).exp().mean()


@prediction.mistake(
    "perplexity",
    hint="You take the exponential of the sum, so a longer text has a larger perplexity. Which number belongs to one "
    "token?",
)
def adds_all_losses(losses):
    return torch.as_tensor(losses, dtype=torch.float64).sum().exp()


@prediction.mistake(
    "perplexity",
    hint="Your number is a probability, below 1. How many equally likely tokens have a probability of 1/5 each?",
)
def returns_a_probability(losses):
    return (-mean_loss(losses)).exp()


@prediction.mistake("perplexity", hint="This is the loss in bits. How many tokens are 3 bits a choice between?")
def returns_bits(losses):
    return mean_loss(losses) / math.log(2)


# --- bits_per_byte -----------------------------------------------------------------------------------------


@prediction.check("bits_per_byte", points=0.25)
def bytes_as_tokens(bits_per_byte, rng):
    """Where each token is one byte, it is the loss in bits: 8 for all 256 equally likely, 1 for a coin."""
    n, loss = 1 + int(some_tokens(rng, 1000)), 5 * torch.rand((), generator=rng).item()
    return {
        "log 256": bits_per_byte(math.log(256), n, n),
        "log 2": bits_per_byte(math.log(2), n, n),
        "any loss": bits_per_byte(loss, n, n),
    }


@prediction.check("bits_per_byte", points=0.25)
def the_cut_does_not_matter(bits_per_byte, rng):
    """A text of 1,200 bytes that costs the same in all costs the same for each byte, in few tokens or in many."""
    total = 600 + 900 * torch.rand((), generator=rng).item()  # nats
    return {
        **{f"{n:,} tokens": bits_per_byte(total / n, n, 1200) for n in (240, 300, 1200)},
        "the same loss a token, in 600 bytes": bits_per_byte(total / 300, 300, 600),
        "no bytes": ending(lambda: bits_per_byte(1.0, 0, 0)),
    }


@prediction.mistake("bits_per_byte", hint="The unit is still nats. How many nats are one bit?")
def stays_in_nats(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes


@prediction.mistake(
    "bits_per_byte",
    hint="A coin has log 2 = 0.693 nats and 1 bit, so bits are the larger number. Do you multiply or divide?",
)
def multiplies_by_log_2(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes * math.log(2)


@prediction.mistake(
    "bits_per_byte",
    hint="A token is longer than a byte, so a byte costs less than a token. Which of the two counts do you divide by?",
)
def swaps_tokens_and_bytes(loss, n_tokens, n_bytes):
    return loss * n_bytes / n_tokens / math.log(2)


@prediction.mistake(
    "bits_per_byte", hint="These are bits for each token. What does the whole text cost, and how many bytes has it?"
)
def bits_for_each_token(loss, n_tokens, n_bytes):
    return loss / math.log(2)


@prediction.mistake(
    "bits_per_byte", hint="This is the loss of one token over all bytes. What does the whole text cost?"
)
def one_token_over_all_bytes(loss, n_tokens, n_bytes):
    return loss / n_bytes / math.log(2)


# --- count_ngrams ------------------------------------------------------------------------------------------


def count_table(counts: dict, n: int, vocab_size: int) -> Tensor:
    """All counts as a tensor of n dimensions, looked up by plain numbers: [context..., next token]."""
    contexts = product(range(vocab_size), repeat=n - 1)
    rows = [[counts.get(context, {}).get(token, 0) for token in range(vocab_size)] for context in contexts]
    return torch.tensor(rows).reshape((vocab_size,) * n)


@prediction.check("count_ngrams", points=0.25)
def what_came_after_each_token(count_ngrams, rng):
    """With n = 2, counts[a,][b] says how often b came directly after a."""
    tokens = torch.cat([torch.tensor([0, 1, 2] * 8), some_tokens(rng, 4, 60)])  # there and back are not alike
    return {"counts": count_table(count_ngrams(tokens, 2), 2, 4), "the text afterwards": tokens}


@prediction.check("count_ngrams", points=0.25)
def any_number_of_tokens(count_ngrams, rng):
    """With n = 1 the context is empty; with n = 3 and 4 it is the two or three tokens before, in reading order."""
    tokens = torch.cat([torch.tensor([0, 0, 1, 2, 2, 1, 0, 0, 1, 2]), some_tokens(rng, 3, 50)])
    return {f"counts with n = {n}": count_table(count_ngrams(tokens, n), n, 3) for n in (1, 3, 4)}


@prediction.check("count_ngrams", points=0.25)
def a_text_without_repetition(count_ngrams, rng):
    """Where no token comes twice, each context has one follower, up to the very last token of the text."""
    text = torch.randperm(9, generator=rng)
    ids = text.tolist()
    counts = {n: count_ngrams(text, n) for n in (2, 3)}
    return {
        f"after {n - 1} of 9 tokens": [
            counts[n].get(tuple(ids[at : at + n - 1]), {}).get(ids[(at + n - 1) % 9], 0) for at in range(9)
        ]
        for n in counts
    }


@prediction.check("count_ngrams", points=0.25)
def every_position_counts_once(count_ngrams, rng):
    """A text of N tokens has N - n + 1 n-grams, and none if it is too short; n = 0 is a ValueError."""
    seen = {}
    for length, n in ((30, 1), (30, 2), (30, 5), (4, 4), (3, 4)):
        counts = count_ngrams(some_tokens(rng, 3, length), n)
        seen[f"{length} tokens, n = {n}"] = sum(sum(followers.values()) for followers in counts.values())
    return {**seen, "n = 0": ending(lambda: count_ngrams(torch.arange(5), 0))}


def counted(ids: list, starts: range, n: int, change=lambda context, token: (context, token)) -> dict:
    """The n-grams that begin at the starts, with what is counted to choose, so that it can be wrong."""
    if n < 1:
        raise ValueError("no token")
    counts = defaultdict(Counter)
    for start in starts:
        *context, token = ids[start : start + n]
        context, token = change(tuple(context), token)
        counts[context][token] += 1
    return dict(counts)


def all_starts(ids, n: int) -> range:
    return range(len(ids) - n + 1)


@prediction.mistake(
    "count_ngrams",
    hint="Your keys are tensors, and no two tensors are the same key, even where they hold the same number. How do you "
    "get plain numbers out of a tensor?",
)
def tensors_as_keys(tokens, n):
    return counted(list(tokens), all_starts(tokens, n), n)


@prediction.mistake(
    "count_ngrams",
    hint="Your context has n tokens. How many are left for it when one of the n is the token that came next?",
)
def a_context_of_n_tokens(tokens, n):
    ids = tokens.tolist()
    if n < 1:
        raise ValueError("no token")
    return counted(ids, all_starts(ids, n + 1), n + 1)


@prediction.mistake(
    "count_ngrams",
    hint="Your n-grams lie end to end. Is not every position of the text the end of one?",
)
def steps_by_n(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n)[:: max(n, 1)], n)


@prediction.mistake(
    "count_ngrams",
    hint="The last n-gram of the text is missing. How many positions can three tokens in a row begin at, in a text of "
    "three?",
)
def stops_one_early(tokens, n):
    ids = tokens.tolist()
    return counted(ids, range(len(ids) - n), n)


@prediction.mistake(
    "count_ngrams",
    hint="You count n-grams that begin at the end of the text and go on at its start. Does `roll` know where a text "
    "ends?",
)
def goes_round(tokens, n):
    ids = tokens.tolist()
    return counted(ids + ids[: max(n - 1, 0)], range(len(ids)), n)


@prediction.mistake(
    "count_ngrams",
    hint="Each follower is counted once, however often it came. What would the probabilities be then?",
)
def counts_each_follower_once(tokens, n):
    ids = tokens.tolist()
    counts = counted(ids, all_starts(ids, n), n)
    return {context: Counter(set(followers)) for context, followers in counts.items()}


@prediction.mistake(
    "count_ngrams",
    hint="Your key is what comes after, and what you count is the token before. Which of the two do you know when you "
    "predict?",
)
def the_context_comes_after(tokens, n):
    ids = tokens.tolist()[::-1]
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[::-1], token))


@prediction.mistake(
    "count_ngrams",
    hint="The tokens of your context are in reverse. Which comes first in `counts[5, 7]`, the token right before the "
    "next one or the one farther back?",
)
def the_context_in_reverse(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[::-1], token))


@prediction.mistake(
    "count_ngrams",
    hint="Your context is one token, whatever n is. How many tokens does `n` ask for?",
)
def one_token_of_context(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[-1:], token))


# --- ngram_probabilities -----------------------------------------------------------------------------------


def some_counts(rng: torch.Generator, n_followers: int = 4, vocab_size: int = 9) -> tuple[dict, tuple[int, int]]:
    """Counts of trigrams, and a context that was seen before some of the tokens, 1 to 9 times each.

    Those counts are all different, and odd.
    """
    context = tuple(torch.randperm(vocab_size, generator=rng)[:2].tolist())
    followers = torch.randperm(vocab_size, generator=rng)[:n_followers].tolist()
    how_often = (torch.randperm(5, generator=rng)[:n_followers] * 2 + 1).tolist()
    other = tuple(reversed(context))
    return {context: Counter(dict(zip(followers, how_often))), other: Counter({followers[0]: 50})}, context


@prediction.check("ngram_probabilities", points=0.25)
def shares_of_what_was_seen(ngram_probabilities, rng):
    """With k = 0 the probabilities are the shares of the counts: a token that never came has none."""
    counts, context = some_counts(rng)
    return {
        "after a context": ngram_probabilities(counts, context, 9, k=0),
        "after another": ngram_probabilities(counts, context[::-1], 9, k=0),
    }


@prediction.check("ngram_probabilities", points=0.25)
def as_if_seen_k_times_more(ngram_probabilities, rng):
    """Every token counts k times more than it came, one that never came too, and all of them sum to one."""
    counts, context = some_counts(rng)
    return {
        "k = 0.5": ngram_probabilities(counts, context, 9, k=0.5),
        "k = 3": ngram_probabilities(counts, context, 9, k=3),
        "k not given": ngram_probabilities(counts, context, 9),
        "the sum": ngram_probabilities(counts, context, 9, k=0.1).sum(),
    }


@prediction.check("ngram_probabilities", points=0.25)
def a_context_never_seen(ngram_probabilities, rng):
    """After a context that was never seen all tokens are equally likely; with k = 0 it is a ValueError."""
    counts, context = some_counts(rng)
    new = (context[0], context[0])
    return {
        "k = 2": ngram_probabilities(counts, new, 9, k=2),
        "k = 0.01": ngram_probabilities(counts, new, 9, k=0.01),
        "k = 0": ending(lambda: ngram_probabilities(counts, new, 9, k=0)),
        "k = -1": ending(lambda: ngram_probabilities(counts, context, 9, k=-1)),
        "number of contexts afterwards": len(counts),
    }


@prediction.check("ngram_probabilities", points=0.25)
def any_vocabulary(ngram_probabilities, rng):
    """A larger vocabulary has more tokens that never came; an empty context works like any other."""
    counts, context = some_counts(rng)
    alone = {(): counts[context]}
    return {
        **{f"vocab_size={size}": ngram_probabilities(counts, context, size, k=1) for size in (9, 20)},
        "the empty context": ngram_probabilities(alone, (), 9, k=1),
        "tokens counted afterwards": len(counts[context]),
    }


def smoothed(counts, context, vocab_size, k, add: Callable, total: Callable) -> Tensor:
    """Add-k with its numerator and denominator to choose, so that one can be wrong."""
    if k < 0 or (k == 0 and not counts.get(context)):
        raise ValueError("nothing is known")
    seen = torch.tensor([float(counts.get(context, Counter())[token]) for token in range(vocab_size)])
    return add(seen, k) / total(seen, k)


@prediction.mistake(
    "ngram_probabilities",
    hint="Your probabilities sum to more than one. If each of the tokens counts k times more, how much larger is the "
    "total?",
)
def k_only_above(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: seen.sum().clamp(min=1))


@prediction.mistake(
    "ngram_probabilities",
    hint="The total has grown by k. By how much has it to grow if each of vocab_size tokens counts k times more?",
)
def adds_k_once_below(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: seen.sum() + k)


@prediction.mistake(
    "ngram_probabilities",
    hint="A token that never came still has probability zero. What loss does it give you on the day it comes?",
)
def smooths_only_what_was_seen(counts, context, vocab_size, k=1.0):
    def add(seen, k):
        return torch.where(seen > 0, seen + k, 0.0) if seen.any() else seen + k

    return smoothed(counts, context, vocab_size, k, add, lambda seen, k: add(seen, k).sum())


@prediction.mistake(
    "ngram_probabilities",
    hint="Only tokens that never came get k, so one that came once and one that never came may be equally likely. "
    "Which tokens should count k times more?",
)
def smooths_only_what_was_not_seen(counts, context, vocab_size, k=1.0):
    def add(seen, k):
        return torch.where(seen > 0, seen, float(k))

    return smoothed(counts, context, vocab_size, k, add, lambda seen, k: add(seen, k).sum())


@prediction.mistake(
    "ngram_probabilities", hint="`k` changes nothing. What is the probability of a token that was never seen here?"
)
def ignores_k(counts, context, vocab_size, k=1.0):
    def total(seen, k):
        return seen.sum() if seen.any() else vocab_size

    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen if seen.any() else seen + 1, total)


@prediction.mistake("ngram_probabilities", hint="These are counts. What must probabilities sum to?")
def forgets_to_divide(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: 1.0)


@prediction.mistake(
    "ngram_probabilities",
    hint="After a context that was never seen you give every token probability zero. Does one of them not have to "
    "come?",
)
def nothing_can_follow_a_new_context(counts, context, vocab_size, k=1.0):
    if k >= 0 and context not in counts:
        return torch.zeros(vocab_size)
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())


@prediction.mistake(
    "ngram_probabilities",
    hint="With k = 0 and a new context you divide zero by zero. What could a caller do with NaN that he could not do "
    "better with an error?",
)
def divides_zero_by_zero(counts, context, vocab_size, k=1.0):
    if k == 0 and context not in counts:
        return torch.full((vocab_size,), math.nan)
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())


@prediction.mistake(
    "ngram_probabilities",
    hint="You write the new context into `counts`. Who else reads them, and what will `len(counts)` say after a "
    "million questions?",
)
def remembers_the_question(counts, context, vocab_size, k=1.0):
    known = smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())
    counts.setdefault(context, Counter())
    return known


# --- sample ------------------------------------------------------------------------------------------------

PROFILE = torch.tensor([0.36, 0.24, 0.15, 0.10, 0.07, 0.05, 0.03], dtype=torch.float64)  # sums: .36 .60 .75 .85 .92


def two_rows(rng: torch.Generator) -> Tensor:
    """Logits (2, 7) with the probabilities of PROFILE, in another order in each row, the second row 3 higher."""
    rows = [PROFILE.log()[torch.randperm(7, generator=rng)] + shift for shift in (0, 3)]
    return torch.stack(rows).float()


def ranks(logits: Tensor) -> Tensor:
    """The place of each token in its row: 0 for the most likely."""
    return logits.argsort(dim=-1, descending=True).argsort(dim=-1)


def filtered(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    order: tuple[str, ...] = ("temperature", "top_k", "top_p"),
    hidden: float = float("-inf"),
) -> Tensor:
    """Log-probabilities after temperature and filters, with the order to choose, so that it can be wrong."""
    logits = logits.double()
    for step in order:
        if step == "temperature":
            logits = logits / temperature
        if step == "top_k" and top_k is not None:
            logits = logits.masked_fill(ranks(logits) >= top_k, hidden)
        if step == "top_p" and top_p is not None:
            ranked = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True).values
            before = (ranked.cumsum(dim=-1) - ranked).gather(-1, ranks(logits))
            logits = logits.masked_fill(before >= top_p, hidden)
    return torch.log_softmax(logits, dim=-1)


def draw(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """One token for each row: the first to arrive, where token w arrives at rate p(w). Faster than multinomial."""
    probabilities = torch.softmax(logits, dim=-1)
    return (probabilities / torch.empty_like(probabilities).exponential_(generator=generator)).argmax(dim=-1)


def shares_of_draws(sample, rng: torch.Generator, logits: Tensor, cases: dict[str, dict]) -> dict:
    """What `shares_agree` takes: how often each token came for each row of logits, and its exact probability."""
    seen, right = {}, {}
    for case, settings in cases.items():
        drawn = sample(logits.expand(DRAWS, *logits.shape), generator=another_generator(rng), **settings)
        hits = torch.as_tensor(drawn).reshape(DRAWS, -1, 1) == torch.arange(logits.size(-1))  # (DRAWS, rows, V)
        seen[case] = hits.double().mean(dim=0)
        right[case] = filtered(logits, **settings).exp()
    return {"seen": seen, "right": right}


@prediction.check("sample", points=0.25)
def temperature_zero_is_greedy(sample, rng):
    """At temperature 0 the most likely token is taken, in each row; a temperature below 0 is a ValueError."""
    logits = normal(rng, 4, 5, 7)
    return {
        "one row": sample(logits[0, 0], temperature=0),
        "(4, 5) rows": sample(logits, temperature=0),
        "(4, 5) rows, with top_k and top_p": sample(logits, temperature=0, top_k=3, top_p=0.9),
        "temperature = -1": ending(lambda: sample(logits, temperature=-1)),
        "top_k = 0": ending(lambda: sample(logits, top_k=0)),
        "top_p = 0": ending(lambda: sample(logits, top_p=0.0)),
        "top_p = 1.5": ending(lambda: sample(logits, top_p=1.5)),
    }


@prediction.check("sample", points=0.25)
def the_generator_decides(sample, rng):
    """Each row gets a token; the same state of the generator draws the same ones again, another state does not."""
    logits, seed = torch.zeros(6, 5, 2000), int(some_tokens(rng, 2**40))
    first, again, other = (
        sample(logits, generator=torch.Generator().manual_seed(start)) for start in (seed, seed, seed + 1)
    )
    return {
        "the shape for (6, 5) rows": list(first.shape),
        "the shape for one row": list(sample(logits[0, 0]).shape),
        "the same state draws the same": torch.equal(first, again),
        "another state draws the same": torch.equal(first, other),
    }


@prediction.check("sample", points=0.25, judge=shares_agree, atol=ALIKE)
def temperature_sharpens_and_blunts(sample, rng):
    """Each token is drawn as often as softmax(logits / temperature) says, also where logits are in the thousands."""
    cases = {f"temperature {temperature}": {"temperature": temperature} for temperature in (0.5, 1.0, 2.0)}
    plain = shares_of_draws(sample, rng, two_rows(rng), cases)
    large = shares_of_draws(sample, rng, two_rows(rng) + 5000, {"logits of about 5,000": {}})
    return {part: plain[part] | large[part] for part in ("seen", "right")}


@prediction.check("sample", points=0.25, judge=shares_agree, atol=ALIKE)
def top_k_keeps_the_k_most_likely(sample, rng):
    """With top_k only the k most likely tokens of each row are drawn, as often as before among themselves."""
    return shares_of_draws(sample, rng, two_rows(rng), {f"top_k={k}": {"top_k": k} for k in (1, 3, 5, 50)})


@prediction.check("sample", points=0.25, judge=shares_agree, atol=ALIKE)
def top_p_keeps_the_smallest_set(sample, rng):
    """With top_p the most likely tokens are drawn, as few as reach p together, the one that reaches it among them."""
    return shares_of_draws(sample, rng, two_rows(rng), {f"top_p={p}": {"top_p": p} for p in (0.2, 0.7, 0.9, 1.0)})


@prediction.check("sample", points=0.25, judge=shares_agree, atol=ALIKE)
def temperature_then_top_k_then_top_p(sample, rng):
    """The temperature comes first, top_k second, and top_p counts the probabilities of what top_k has kept."""
    cases = (
        {"temperature": 2.0, "top_p": 0.7},
        {"temperature": 0.5, "top_k": 4},
        {"top_k": 3, "top_p": 0.7},
        {"temperature": 2.0, "top_k": 5, "top_p": 0.75},
    )
    named = {", ".join(f"{name}={value}" for name, value in case.items()): case for case in cases}
    return shares_of_draws(sample, rng, two_rows(rng), named)


def sampler(choose: Callable[..., Tensor] = filtered, pick: Callable[..., Tensor] = draw) -> Callable[..., Tensor]:
    """A `sample` with its filters and its drawing to choose, so that one can be wrong."""

    def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
            raise ValueError("bad arguments")
        if temperature == 0:
            return logits.argmax(dim=-1)
        return pick(choose(logits, temperature, top_k, top_p), generator)

    return sample


@prediction.mistake(
    "sample",
    hint="Your high temperatures are sure and your low ones are wild. Do you multiply by the temperature or divide by "
    "it?",
)
def multiplies_by_the_temperature(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda logits, temperature, *rest: filtered(logits, 1 / temperature, *rest))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake("sample", hint="The draws are the same at all temperatures. Where do you use `temperature`?")
def ignores_the_temperature(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda logits, temperature, *rest: filtered(logits, 1.0, *rest))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake("sample", hint="You divide by a temperature of 0. Which token do ever lower temperatures lead to?")
def divides_by_zero(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        return torch.multinomial(torch.softmax(logits / temperature, dim=-1).flatten(0, -2), 1, generator=generator)
    return sampler()(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="You always take the most likely token. How would a story go that says the most likely thing at every word?",
)
def always_the_most_likely(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(pick=lambda logits, generator: logits.argmax(dim=-1))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="You take the exponential of the logits as they are. What is exp(5,000) in 32 bits, and which function avoids "
    "it?",
)
def exponentials_overflow(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature and logits.max() / temperature > 88:
        return torch.multinomial(logits.exp().flatten(0, -2), 1, generator=generator)
    return sampler()(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample", hint="You keep one token too many. Which of the sorted logits is the smallest that top_k=1 keeps?"
)
def top_k_keeps_one_too_many(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k and top_k + 1, top_p, generator)


@prediction.mistake(
    "sample", hint="All rows share one threshold. Is the third largest logit of one row that of every row?"
)
def one_threshold_for_all_rows(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def choose(logits, temperature, top_k, top_p):
        if top_k is not None:
            lowest = logits.topk(min(top_k, logits.size(-1)), dim=-1).values.min()
            logits = logits.masked_fill(logits < lowest, float("-inf"))
        return filtered(logits, temperature, None, top_p)

    return sampler(choose)(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="What is filtered out has a logit of 0 and is drawn all the same. Which logit has probability zero?",
)
def hides_with_a_logit_of_zero(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, hidden=0.0))
    return choose(logits, temperature, top_k, top_p, generator)


def with_top_p(keep: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """A `sample` with a top-p of its own: `keep(ranked, p)` says which of the sorted probabilities stay."""

    def choose(logits, temperature, top_k, top_p):
        logits = filtered(logits, temperature, top_k)
        if top_p is None:
            return logits
        ranked, order = logits.exp().sort(dim=-1, descending=True)
        stays = torch.zeros_like(ranked, dtype=torch.bool).scatter(-1, order, keep(ranked, top_p))
        return logits.masked_fill(~stays, float("-inf"))

    return sampler(choose)


@prediction.mistake(
    "sample",
    hint="Your set stops short of p: the token that crosses the line is left out. What is the smallest set that "
    "*reaches* p?",
)
def top_p_drops_the_token_that_crosses(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: (ranked.cumsum(-1) <= p + 1e-9) | (torch.arange(ranked.size(-1)) == 0))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="You keep every token whose own probability reaches a threshold. Which sum does top_p speak of?",
)
def top_p_as_a_threshold(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: ranked >= (1 - p) * ranked[..., :1])
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="You add up from the least likely token, so the tail stays and the best are cut. In which direction do you "
    "sort?",
)
def top_p_from_the_bottom(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: ranked.flip(-1).cumsum(-1).sub(ranked.flip(-1)).lt(p).flip(-1))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="With top_p you return places in the sorted order. Which token stands at that place?",
)
def returns_the_rank(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def choose(logits, temperature, top_k, top_p):
        found = filtered(logits, temperature, top_k, top_p)
        return found if top_p is None else found.sort(dim=-1, descending=True).values

    return sampler(choose)(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="top_p counts what top_k is about to throw away. Of which tokens do the probabilities have to reach p?",
)
def top_p_before_top_k(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, order=("temperature", "top_p", "top_k")))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="The temperature changes probabilities after top_p has looked at them. Which should come first?",
)
def temperature_comes_last(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, order=("top_k", "top_p", "temperature")))
    return choose(logits, temperature, top_k, top_p, generator)


@prediction.mistake(
    "sample",
    hint="The same generator gives other tokens each time. Which of your calls draws, and does it know `generator`?",
)
def ignores_the_generator(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k, top_p, None)


@prediction.mistake("sample", hint="All rows get one token, drawn once. How many draws do (4, 5) rows need?")
def draws_once_for_all_rows(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def pick(logits, generator):
        first = draw(logits.reshape(-1, logits.size(-1))[0], generator)
        return first.expand(logits.shape[:-1]).clone()

    return sampler(pick=pick)(logits, temperature, top_k, top_p, generator)


# --- mask_tokens -------------------------------------------------------------------------------------------

VOCAB_SIZE, MASK_ID = 7, 7  # the blank is one token more


@prediction.check("mask_tokens", points=0.25)
def targets_stand_where_something_is_asked(mask_tokens, rng):
    """Targets are tokens or -100; where they are -100 the inputs are the tokens; the tokens stay as they are."""
    tokens = some_tokens(rng, VOCAB_SIZE, 40, 25)
    original = tokens.clone()
    inputs, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE, 0.5, another_generator(rng))
    asked = targets != -100
    nowhere, everywhere = (
        mask_tokens(original.clone(), MASK_ID, VOCAB_SIZE, probability, another_generator(rng))
        for probability in (0.0, 1.0)
    )
    return {
        "the shapes": [list(inputs.shape), list(targets.shape)],
        "targets that are neither the token nor -100": int((asked & (targets != original)).sum()),
        "inputs that changed where nothing is asked": int((~asked & (inputs != original)).sum()),
        "the tokens stayed as they were": torch.equal(tokens, original),
        "inputs and targets with probability 0": list(nowhere),
        "targets with probability 1": everywhere[1],
        "probability = 1.5": ending(lambda: mask_tokens(original, MASK_ID, VOCAB_SIZE, 1.5)),
    }


@prediction.check("mask_tokens", points=0.25, judge=shares_agree, atol=ALIKE)
def each_position_by_itself(mask_tokens, rng):
    """Each position is chosen with the given probability, 0.15 if not said, whatever happens at its neighbour."""
    seen, right = {}, {}
    for name, given in (("0.4", {"probability": 0.4}), ("0.7", {"probability": 0.7}), ("not given", {})):
        tokens = some_tokens(rng, VOCAB_SIZE, DRAWS, 2)
        _, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE, **given, generator=another_generator(rng))
        first, second = (targets != -100).unbind(dim=1)
        pairs = torch.stack([first & second, first & ~second, ~first & second, ~first & ~second])
        case = f"probability {name}; chosen of two neighbours: both, first, second, none"
        p = given.get("probability", 0.15)
        seen[case] = pairs.double().mean(dim=1)
        right[case] = torch.tensor([p * p, p * (1 - p), (1 - p) * p, (1 - p) ** 2], dtype=torch.float64)
    return {"seen": seen, "right": right}


@prediction.check("mask_tokens", points=0.25, judge=shares_agree, atol=ALIKE / 2)
def most_are_hidden_some_are_replaced_some_stay(mask_tokens, rng):
    """Of the chosen positions 80 % hold mask_id, 10 % a token drawn evenly from all, and 10 % what they held before."""
    seen, right = {}, {}
    for p in (0.6, 1.0):
        token = int(some_tokens(rng, VOCAB_SIZE))
        inputs, targets = mask_tokens(
            torch.full((DRAWS,), token), MASK_ID, VOCAB_SIZE, p, generator=another_generator(rng)
        )
        asked = targets != -100
        kinds = [~asked, asked & (inputs == MASK_ID), *(asked & (inputs == other) for other in range(VOCAB_SIZE))]
        case = f"all tokens {token}, probability {p}; nothing asked, hidden, asked and holding token 0 to 6"
        seen[case] = torch.stack(kinds).double().mean(dim=1)
        held = [0.1 / VOCAB_SIZE + 0.1 * (other == token) for other in range(VOCAB_SIZE)]
        right[case] = torch.tensor([1 - p, 0.8 * p, *(p * share for share in held)], dtype=torch.float64)
    return {"seen": seen, "right": right}


@prediction.check("mask_tokens", points=0.25)
def chance_comes_from_the_generator(mask_tokens, rng):
    """The same state of the generator chooses and replaces the same again, and another state does not."""
    tokens, seed = some_tokens(rng, VOCAB_SIZE, 40, 25), int(some_tokens(rng, 2**40))
    first, again, other = (
        torch.stack(mask_tokens(tokens.clone(), MASK_ID, VOCAB_SIZE, 0.5, torch.Generator().manual_seed(start)))
        for start in (seed, seed, seed + 1)
    )
    return {
        "inputs, targets": list(first.shape),
        "the same state gives the same": torch.equal(first, again),
        "another state gives the same": torch.equal(first, other),
    }


def masked(
    tokens, mask_id, vocab_size, probability, generator, *, hidden=0.8, replaced=0.1, chosen=None, fate=None
) -> tuple[Tensor, Tensor]:
    """Blanks with their parts to choose, so that one can be wrong."""
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    chosen = torch.rand(tokens.shape, generator=generator) < probability if chosen is None else chosen
    fate = torch.rand(tokens.shape, generator=generator) if fate is None else fate
    others = torch.randint(vocab_size, tokens.shape, generator=generator)
    inputs = torch.where(chosen & (fate >= 1 - replaced), others, tokens)
    inputs = torch.where(chosen & (fate < hidden), mask_id, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@prediction.mistake(
    "mask_tokens",
    hint="Every chosen position is hidden. What would a model that has only ever been asked at blanks make of a text "
    "without any?",
)
def hides_all_that_is_chosen(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, hidden=1.0, replaced=0.0)


@prediction.mistake(
    "mask_tokens",
    hint="No chosen position keeps its token. What shares of the chosen ones are hidden, replaced and left?",
)
def leaves_none_as_it_was(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, replaced=0.2)


@prediction.mistake(
    "mask_tokens",
    hint="You replace a tenth of what was not hidden. Of what is it to be a tenth?",
)
def replaces_a_tenth_of_the_rest(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, replaced=0.02)


@prediction.mistake(
    "mask_tokens",
    hint="Every token is a target, also those that the model can read. What does it learn from copying them?",
)
def asks_everywhere(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator)[0], tokens.clone()


@prediction.mistake(
    "mask_tokens",
    hint="Only hidden positions have a target. How shall the model find out that a token it can read may be wrong?",
)
def asks_only_what_is_hidden(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, _ = masked(tokens, mask_id, vocab_size, probability, generator)
    return inputs, torch.where(inputs == mask_id, tokens, -100)


@prediction.mistake(
    "mask_tokens",
    hint="The targets hold what the inputs hold. Did you take them from the tokens before or after hiding?",
)
def the_targets_are_hidden_too(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, targets = masked(tokens, mask_id, vocab_size, probability, generator)
    return inputs, torch.where(targets == -100, targets, inputs)


@prediction.mistake(
    "mask_tokens",
    hint="You choose the positions to be left alone. How often is a number drawn evenly from 0 to 1 below 0.2?",
)
def chooses_the_others(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, 1 - probability, generator)


@prediction.mistake("mask_tokens", hint="You choose 15 % whatever was asked for. Where do you use `probability`?")
def ignores_the_probability(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    return masked(tokens, mask_id, vocab_size, 0.15, generator)


@prediction.mistake(
    "mask_tokens",
    hint="One random number decides both whether a position is chosen and what becomes of it. If it is below 0.15, can "
    "it be above 0.8?",
)
def one_number_for_two_decisions(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    number = torch.rand(tokens.shape, generator=generator)
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=number < probability, fate=number)


@prediction.mistake(
    "mask_tokens",
    hint="The same places are chosen in every text. How many random numbers do tokens of shape (B, T) need?",
)
def the_same_places_in_every_text(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    chosen = (torch.rand(tokens.shape[-1], generator=generator) < probability).expand(tokens.shape)
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen)


@prediction.mistake(
    "mask_tokens",
    hint="The tokens of the caller have blanks in them now. Does an assignment to `tokens[...]` make a new tensor?",
)
def changes_the_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, targets = masked(tokens, mask_id, vocab_size, probability, generator)
    return tokens.copy_(inputs), targets


@prediction.mistake(
    "mask_tokens",
    hint="The same generator gives other blanks each time. Which of your calls draws, and does it know `generator`?",
)
def forgets_the_generator(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, None)
