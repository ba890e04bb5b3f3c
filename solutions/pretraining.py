"""Pretraining: the recipe that turns text into a language model, from the bytes to the law that says how large.

What is built here: a tokenizer learned from text (byte-level BPE: Sennrich et al. 2016, on bytes as in Radford et al.
2019), batches, the optimiser (AdamW: Kingma & Ba 2015, Loshchilov & Hutter 2019), its learning rate over time (a linear
warm-up and a cosine: Loshchilov & Hutter 2017), clipping (Pascanu et al. 2013), one step of training with accumulation
and mixed precision (Micikevicius et al. 2018), a loss on text that was held out, and the power law in which such losses
fall (Kaplan et al. 2020).

In the tokenizer words are counted once, and a merge touches only the words that hold its pair; `<|endoftext|>`, which
stands between documents, is a word like others. What is left out: tokens beside the bytes and their merges, shuffled
files larger than memory, sharded optimisers and models. A model is anything that maps tokens (B, T) to logits
(B, T, vocab_size) and something else beside them, as `GPT` and `RecurrentLanguageModel` do. Losses are in nats per
token.
"""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Model = Callable[[Tensor], tuple[Tensor, object]]  # tokens (B, T) -> logits (B, T, vocab_size), and its state
Batch = tuple[Tensor, Tensor]  # inputs and targets, (B, T) each
Pair = tuple[int, int]  # of neighbouring tokens

N_BYTES = 256  # tokens 0 to 255 are the bytes; merge i makes token 256 + i
WORD = re.compile(
    r"""
    <\|endoftext\|>                                  # between documents: a word, whatever stands beside it
    | '(?:[sdmt]|ll|re|ve)                           # what English joins to a word: it's, they'll
    | [ ]?[^\W\d_]+                                  # letters, with the space before them
    | [ ]?\d+                                        # digits
    | [ ]?(?:(?!<\|endoftext\|>)(?:[^\w\s]|_))+      # other signs
    | \s+(?!\S) | \s+                                # white space, the last of it left to the word that follows
    """,
    re.VERBOSE,
)


def split_words(text: str) -> list[str]:
    """Cut a text into words, spaces and signs; laid end to end they are the text again.

    The pattern is GPT-2's, as far as Python's `re` can say it: ² and ½ count as letters, not as digits, and the
    separators U+001C to U+001F as white space. And `<|endoftext|>` is one word.

    Raises UnicodeEncodeError, a ValueError that names the place, where half a surrogate pair stands in the text.
    Source: Radford et al. 2019; the pattern is that of the code published with it.
    """
    text.encode()  # no bytes, no tokens: fails here, with the place in the text
    return WORD.findall(text)


def merge_pair(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """The tokens with `new` in the place of `pair`, wherever it stands, found from left to right.

    So of three equal tokens in a row, the first two are the pair, and the third stays.
    """
    first, second = pair
    merged = []
    for token in tokens:
        if token == second and merged and merged[-1] == first:
            merged[-1] = new
        else:
            merged.append(token)
    return merged


def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    """Learn which pairs of tokens become one: the merges, in order, of which merge i makes token 256 + i.

    The pair that stands side by side most often is merged next; of those equally frequent the smallest, by its first
    token, then its second. Pairs are counted within the words of `split_words`, so that no token reaches from one word
    into the next, at every place where they stand: three equal tokens in a row hold two pairs.

    Returns vocab_size - 256 merges. Raises ValueError where vocab_size is below 256, and where the text has no pair
    left before that.
    Source: Sennrich et al. 2016, algorithm 1; on bytes, Radford et al. 2019.
    """
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    ### BEGIN SOLUTION
    times = Counter(split_words(text))
    words, frequencies = [list(word.encode()) for word in times], list(times.values())
    counts, holders = Counter(), defaultdict(set)  # of a pair: how often it occurs, and which words have held it
    for w, tokens in enumerate(words):
        for pair in pairwise(tokens):
            counts[pair] += frequencies[w]
            holders[pair].add(w)
    queue = [(-count, pair) for pair, count in counts.items()]  # the smallest entry is the pair to merge
    heapq.heapify(queue)

    def most_frequent() -> Pair:
        """Take the next pair from the queue, where a pair may stand with a count from before some merges."""
        while queue:
            count, pair = heapq.heappop(queue)
            if -count == counts[pair]:
                return pair
            if counts[pair]:  # it stands further back: merges have taken from its count
                heapq.heappush(queue, (-counts[pair], pair))
        raise ValueError(f"vocab_size={vocab_size}: the text has no pair left after {new - N_BYTES} merges")

    merges = []
    for new in range(N_BYTES, vocab_size):
        pair = most_frequent()
        merges.append(pair)
        made = set()  # the pairs with the new token in them
        for w in holders.pop(pair):
            for old in pairwise(words[w]):
                counts[old] -= frequencies[w]
            words[w] = merge_pair(words[w], pair, new)
            for kept in pairwise(words[w]):
                counts[kept] += frequencies[w]
                if new in kept:
                    holders[kept].add(w)
                    made.add(kept)
        for pair in made:
            heapq.heappush(queue, (-counts[pair], pair))
    return merges
    ### END SOLUTION


def encode(text: str, merges: list[Pair]) -> list[int]:
    """The tokens of a text: its bytes, word by word, with the merges made in the order in which they were learned.

    Of the pairs in a word the one that was learned first is merged first, wherever it stands, from left to right; then
    the next, also of pairs that only a merge made, until no pair in the word is a merge.

    Shapes: -> whole numbers below 256 + len(merges); as many as bytes, or fewer.
    Raises UnicodeEncodeError, as `split_words`. Source: Sennrich et al. 2016, section 3.2.
    """
    ### BEGIN SOLUTION
    ranks = {pair: rank for rank, pair in enumerate(merges)}

    @cache  # a text has few words that it does not have often
    def encode_word(word: str) -> list[int]:
        tokens = [*word.encode(), None]  # a ring: None stands after the last token and before the first
        left, right = list(range(-1, len(tokens) - 1)), [*range(1, len(tokens)), 0]
        queue = [(ranks[pair], i) for i, pair in enumerate(pairwise(tokens)) if pair in ranks]
        heapq.heapify(queue)
        while queue:
            rank, i = heapq.heappop(queue)
            j = right[i]
            if (tokens[i], tokens[j]) != merges[rank]:
                continue  # one of the two has become part of another token
            tokens[i], tokens[j] = N_BYTES + rank, None
            right[i], left[right[j]] = right[j], i
            for a, b in ((left[i], i), (i, right[i])):
                if (tokens[a], tokens[b]) in ranks:
                    heapq.heappush(queue, (ranks[tokens[a], tokens[b]], a))
        return [token for token in tokens if token is not None]

    return [token for word in split_words(text) for token in encode_word(word)]
    ### END SOLUTION


def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    """The text that the tokens stand for. Bytes that are no UTF-8, as a model may well write them, become `�`.

    Shapes: tokens, whole numbers below 256 + len(merges). Raises ValueError, which names it, for any other.
    """
    ### BEGIN SOLUTION
    pieces = [bytes([byte]) for byte in range(N_BYTES)]  # the bytes of each token
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    tokens = list(tokens)
    for token in tokens:
        if not 0 <= token < len(pieces):
            raise ValueError(f"token {int(token)} is unknown: the vocabulary has the tokens 0 to {len(pieces) - 1}")
    return b"".join(pieces[token] for token in tokens).decode("utf-8", errors="replace")
    ### END SOLUTION


def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    """Cut windows of T tokens out of a long text at random places, and beside each the tokens that come next.

    Every place where a whole window and its last target fit is equally likely, and windows may overlap.

    Shapes: tokens (n_tokens), n_tokens > T -> inputs (B, T), targets (B, T), where B is `batch_size`.
    Raises ValueError where the text is too short for one window.
    """
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    ### BEGIN SOLUTION
    starts = torch.randint(len(tokens) - T, (batch_size, 1), generator=generator)  # (B, 1)
    windows = tokens[starts + torch.arange(T + 1)]  # (B, T + 1)
    return windows[:, :-1], windows[:, 1:]
    ### END SOLUTION


@torch.no_grad()
def adamw_update(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    mean_square: Tensor,
    step: int,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.1,
) -> None:
    """Move one weight, in place, against its gradient, by a step whose size does not depend on the gradient's scale.

    `mean` and `mean_square` are running means of the gradient and of its square, zero before step 1, and move in place
    too; `betas` say how much of the old one each keeps. Both are divided by 1 - beta^step, since they began at zero.
    The decay shrinks the weight as it was before the step, by learning_rate · weight_decay of it.

    Shapes: weight, gradient, mean, mean_square, all the same -> None. `step` counts from 1.
    Source: Loshchilov & Hutter 2019, algorithm 2, with the decay multiplied by the learning rate, as in PyTorch.
    """
    ### BEGIN SOLUTION
    mean.lerp_(gradient, 1 - betas[0])
    mean_square.lerp_(gradient.square(), 1 - betas[1])
    unbiased_mean = mean / (1 - betas[0] ** step)
    unbiased_square = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * unbiased_mean / (unbiased_square.sqrt() + eps))
    ### END SOLUTION


def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    """The learning rate of one step: up in a straight line to the peak, then down along half a cosine to the floor.

    Steps count from 0 to `steps` - 1. Step 0 has peak / warm_up, step `warm_up` - 1 the peak; the cosine begins there
    and would reach the floor at step `steps`. Without a warm-up (0) the cosine begins at step 0, at the peak.

    Source: Loshchilov & Hutter 2017, equation 5, without restarts; the warm-up as in Goyal et al. 2017.
    """
    ### BEGIN SOLUTION
    if step < warm_up:
        return peak * (step + 1) / warm_up
    start = max(warm_up - 1, 0)
    progress = (step - start) / (steps - start)
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Shorten all gradients together, in place, so that their joint length is at most `max_norm`.

    The joint length is the Euclidean norm of all their numbers in one row. All are multiplied by the same factor, so
    the direction stays; a length that is not too large is left as it is. Parameters without a gradient are skipped;
    one at least has one.

    Returns the length before, (). Source: Pascanu et al. 2013, algorithm 1.
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm
    ### END SOLUTION


def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    """Take one step of the optimiser on several batches at once, one after the other through the model.

    The loss is the mean cross-entropy over all their targets, so that the step is that of one large batch, whatever
    their sizes. `dtype` is what matrices are multiplied in (`torch.autocast`); the weights stay in float32, and so does
    the loss. In float16 small gradients become zero, so there the loss is multiplied by the scaler's factor before
    the backward pass and the gradients divided by it after; bfloat16 has float32's range and needs none. The model
    stays in the mode that it is in.

    Shapes: batches of inputs and targets (B, T) -> the loss (), and the gradients' norm before clipping ().
    Source: Micikevicius et al. 2018, sections 3.1 and 3.2.
    """
    ### BEGIN SOLUTION
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad(set_to_none=True)
    n_targets = sum(targets.numel() for _, targets in batches)
    total = torch.zeros((), device=batches[0][0].device)
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]  # (B, T, vocab_size)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total += loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm
    ### END SOLUTION


@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    """The mean loss over a whole text, in nats per token: every token but the first is predicted once.

    The text is read in windows of T targets laid end to end, each from its own beginning, `batch_size` at a time; the
    last window may be shorter. The loss is taken in float32, whatever the model computes in. The model is in evaluation
    mode meanwhile, and afterwards in the mode that it was in.

    Shapes: tokens (n_tokens), n_tokens >= 2 -> a number.
    """
    ### BEGIN SOLUTION
    mode, n_whole, total = model.training, (len(tokens) - 1) // T * T, 0.0
    pairs = torch.stack([tokens[:-1], tokens[1:]]).to(next(model.parameters()).device)  # inputs above targets
    whole, rest = pairs[:, :n_whole].view(2, -1, T), pairs[:, None, n_whole:]  # (2, n_windows, T), (2, 1, fewer)
    model.eval()
    for inputs, targets in (*whole.split(batch_size, dim=1), rest):  # (B, T) each
        if inputs.numel():
            logits = model(inputs)[0]  # (B, T, vocab_size)
            total += F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum").item()
    model.train(mode)
    return total / (len(tokens) - 1)
    ### END SOLUTION


def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    """Fit y = floor + scale · x^(-exponent): a straight line through the logarithms, by least squares.

    `floor` is what y can never fall below. For a loss it is the entropy of the text; in the village it is known.

    Shapes: x (n) and y (n), n >= 2, positive, y above the floor -> scale, exponent.
    Raises ValueError where a y is not above the floor. Source: Kaplan et al. 2020, section 1.2, for the form.
    """
    ### BEGIN SOLUTION
    if (y <= floor).any():
        raise ValueError(f"y must lie above the floor of {floor}; its smallest is {y.min().item()}")
    log_x, log_y = x.double().log(), (y.double() - floor).log()
    slope = (log_x - log_x.mean()) @ (log_y - log_y.mean()) / (log_x - log_x.mean()).square().sum()
    return math.exp(log_y.mean() - slope * log_x.mean()), -slope.item()
    ### END SOLUTION
