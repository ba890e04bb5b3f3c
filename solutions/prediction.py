"""Prediction: the text itself says what comes next, so every position of it is a training example.

What is built here: inputs and targets cut from a text, cross-entropy from logits (Bengio et al. 2003, section 2)
and the two other units it is quoted in, n-gram counts with additive smoothing (Shannon 1948, section 3; Chen &
Goodman 1999), sampling with temperature, top-k (Fan et al. 2018) and top-p (Holtzman et al. 2020), and blanks
instead of next tokens (Devlin et al. 2019, section 3.1).

What is left out: smoothing that falls back on shorter contexts, such as Kneser-Ney's, and beam search. Losses are in
nats per token. A target of -100 asks for nothing, as in PyTorch's `cross_entropy`.
"""

import math
from collections import Counter, defaultdict

import torch
from torch import Tensor

Counts = dict[tuple[int, ...], Counter[int]]  # context -> how often each token came after it

IGNORED = -100  # the target where nothing is to be predicted


def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    """Cut a text into windows, laid end to end, in which every position has the
    token after it as its target.

    What is left at the end and fills no window is dropped; a window is full
    when its last target is there too.

    Shapes: tokens (N) -> inputs (n, context_length), targets
    (n, context_length), whole numbers as they were in `tokens`, with n as large
    as N allows. Raises ValueError where the text is too short for one window.
    Source: Bengio et al. 2003, section 2.
    """
    ### BEGIN SOLUTION
    n = (len(tokens) - 1) // context_length  # the last target needs one token more
    if n < 1:
        raise ValueError(f"{len(tokens)} tokens do not fill a window of {context_length} and give its last target")
    inputs = tokens[: n * context_length].view(n, context_length)
    targets = tokens[1 : n * context_length + 1].view(n, context_length)
    return inputs, targets
    ### END SOLUTION


def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    """The mean of -log p(target) in nats, with p = softmax(logits), over all
    targets but the ignored ones.

    Finite for logits of any size up to 1e30, above or below zero. Ignored
    positions do not change the loss, even where their logits are infinite or
    NaN. The gradient of the loss reaches the logits.

    Shapes: logits (..., vocab_size), targets (...) whole numbers -> ().
    Raises ValueError where the shapes do not go together, or no target is left.
    Source: Bengio et al. 2003, section 2.
    """
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    ### BEGIN SOLUTION
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]  # (M, vocab_size), (M)
    shifted = logits - logits.amax(dim=-1, keepdim=True)  # the same softmax, and no exponential above 1
    log_total = shifted.exp().sum(dim=-1).log()  # (M)
    losses = log_total - shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (M)
    return losses.mean()
    ### END SOLUTION


def perplexity(losses: Tensor | float) -> float:
    """How many equally likely tokens would be as hard to guess: exp of the mean
    loss.

    Takes the losses of single tokens, or their mean; both in nats. An infinite
    loss has an infinite perplexity, and so has a mean that is too large for
    `exp`, such as 1000.

    Shapes: losses (...), one or more, or a plain number -> a number, at least
    1.
    Source: Jelinek et al. 1977.
    """
    ### BEGIN SOLUTION
    return torch.as_tensor(losses, dtype=torch.float64).mean().exp().item()
    ### END SOLUTION


def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    """The loss in a unit that does not depend on how the text was cut into
    tokens: bits per byte of UTF-8.

    `loss` is the mean in nats per token, over `n_tokens` tokens whose text is
    `n_bytes` long. There may be more tokens than bytes: some, such as the end
    of a text, have none.

    Raises ValueError where `n_bytes` is below 1.
    Source: Gao et al. 2020, section 3.1.
    """
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    ### BEGIN SOLUTION
    return loss * n_tokens / n_bytes / math.log(2)
    ### END SOLUTION


def count_ngrams(tokens: Tensor, n: int) -> Counts:
    """Count which tokens came after each context of n - 1 tokens, at every
    position where all n tokens are there.

    Keys are plain whole numbers, so that `counts[5, 7][2]` says how often 2
    came after 5, 7. With n = 1 there is one context, the empty one:
    `counts[()]`. A context that nothing came after is no key, so a text of
    fewer than n tokens gives no counts at all.

    Shapes: tokens (N) -> {context: Counter of the next tokens}. Raises
    ValueError where n is below 1.
    Source: Shannon 1948, section 3.
    """
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    ### BEGIN SOLUTION
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for *context, token in zip(*(ids[start:] for start in range(n))):
        counts[tuple(context)][token] += 1
    return dict(counts)
    ### END SOLUTION


def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    """The probability of each token after a context, as if each had been seen k
    times more: add-k smoothing.

    After a context that was never seen, all tokens are equally likely. One
    whose Counter is empty was never seen. `counts` stays as it is.

    Shapes: -> (vocab_size), at least 0 and 1 in sum.
    Raises ValueError where k is below 0, or where k is 0 and the context was
    never seen: then nothing is known.
    Source: Chen & Goodman 1999.
    """
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    ### BEGIN SOLUTION
    seen = counts.get(context, Counter())
    if not seen and k == 0:
        raise ValueError(f"the context {context} was never seen, and k is 0")
    smoothed = torch.full((vocab_size,), float(k))
    for token, times in seen.items():
        smoothed[token] = times + k
    return smoothed / smoothed.sum()
    ### END SOLUTION


def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one token from each row of logits, after temperature, then top-k,
    then top-p.

    The logits are divided by `temperature`; at 0 the most likely token is
    taken. `top_k` keeps the k most likely tokens, all where there are fewer.
    `top_p` keeps the smallest set of most likely tokens whose probability, of
    what top-k has kept, reaches p. Left open is which tokens stay where several
    are equally likely (all of them may), or where a sum differs from p by no
    more than rounding. All chance comes from `generator`, which lives on the
    device of the logits; without one, from PyTorch's own.

    Shapes: logits (..., vocab_size) -> (...), whole numbers.
    Raises ValueError for a temperature below 0, a top_k below 1, a top_p
    outside (0, 1].
    Source: Fan et al. 2018 (top-k); Holtzman et al. 2020, section 3.1 (top-p).
    """
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    ### BEGIN SOLUTION
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        likeliest = logits.topk(min(top_k, logits.size(-1)), dim=-1).values  # (..., top_k)
        logits = logits.masked_fill(logits < likeliest[..., -1:], float("-inf"))
    probabilities = torch.softmax(logits, dim=-1)
    if top_p is not None:
        ranked, order = probabilities.sort(dim=-1, descending=True)
        before = ranked.cumsum(dim=-1) - ranked  # the probability of all that are more likely
        ranked = ranked.masked_fill(before >= top_p, 0)
        probabilities = torch.zeros_like(ranked).scatter(-1, order, ranked)
    rows = probabilities.reshape(-1, logits.size(-1))  # multinomial takes a matrix
    return torch.multinomial(rows, 1, generator=generator).view(logits.shape[:-1])
    ### END SOLUTION


def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose positions to be guessed from what stands around them, and hide
    most of them.

    Each position is chosen with `probability`, by itself. Of the chosen ones 80
    % become `mask_id`, 10 % a token drawn evenly from all `vocab_size`, and 10
    % stay; this too is drawn for each position by itself. The targets are the
    tokens at all chosen positions, and -100 elsewhere. `tokens` stays as it is.
    All chance comes from `generator`, which lives on the device of `tokens`;
    without one, from PyTorch's own.

    Shapes: tokens (...) -> inputs (...), targets (...), whole numbers.
    Raises ValueError for a probability outside [0, 1].
    Source: Devlin et al. 2019, section 3.1.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    ### BEGIN SOLUTION
    chosen, fate = torch.rand(2, *tokens.shape, generator=generator, device=tokens.device)  # two numbers a position
    chosen = chosen < probability
    others = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.9), others, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)
    ### END SOLUTION
