"""`sequence_logprobs`: each token by the place before it, zero where the model did not write, exact and in full."""

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, normal
from autograder.checks.reward.shared import learned

exercise = Exercise("sequence_logprobs")


def some_rows(rng: torch.Generator, vocab_size: int = 9, T: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, tokens and masks of five rows.

    Replies of 2, 4 and 1 tokens behind prompts of 3, 2 and 4, then padding; two replies with a question between them,
    up to the end; and a row in which nobody replied. The first and the last token of the vocabulary are written.
    """
    at = torch.arange(T)
    first, last = torch.tensor([[3], [2], [4], [1], [0]]), torch.tensor([[5], [6], [5], [T], [0]])
    mask = (at >= first) & (at < last)
    mask[3, 3:5] = False
    tokens = torch.randint(vocab_size, (5, T), generator=rng)
    tokens[1, 3:5] = torch.tensor([0, vocab_size - 1])
    return 3 * normal(rng, 5, T, vocab_size), tokens, mask


class Logprobs:
    """Log-probabilities of replies with their parts to override, so that one of them can be wrong."""

    def __call__(self, logits, tokens, mask):
        said = self.pick(self.normalise(self.wide(logits[:, self.places()])), self.targets(tokens))
        return self.hide(said, mask)

    def places(self):
        return slice(None, -1)

    def wide(self, logits):
        return logits.float()

    def normalise(self, logits):
        return F.log_softmax(logits, dim=-1)

    def targets(self, tokens):
        return tokens[:, 1:]

    def pick(self, logprobs, targets):
        return logprobs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)

    def hide(self, said, mask):
        return torch.where(mask[:, 1:], said, torch.zeros_like(said))


def squeezed(self: Logprobs, logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return Logprobs.__call__(self, logits, tokens, mask).squeeze()


def with_a_place_for_the_first(self: Logprobs, logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return F.pad(Logprobs.__call__(self, logits, tokens, mask), (1, 0))


def without_the_first_of_the_vocabulary(self: Logprobs, logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return Logprobs.__call__(self, logits, tokens, mask & (tokens != 0))


def with_a_fixed_sum(self: Logprobs, logits: Tensor) -> Tensor:
    return logits - logits.logsumexp(dim=-1, keepdim=True).detach()


@exercise.promise("one place fewer than tokens", "gives_the_first_token_a_place")
@exercise.promise("given all in front of it", "takes_logits_for_log_probabilities")
@exercise.promise("Token t is predicted by the logits at t - 1", "predicts_from_the_same_place")
@exercise.promise("(B, T - 1), in float32", "squeezes_everything")
@exercise.check(points=0.25)
def each_token_by_the_place_before_it(sequence_logprobs, rng):
    """The result has one place fewer than tokens: at each the log-probability of the token that comes next."""
    logits, tokens, _ = some_rows(rng)
    all_in = torch.ones_like(tokens, dtype=torch.bool)
    return {
        "all masked in": sequence_logprobs(logits, tokens, all_in),
        "a single row": sequence_logprobs(logits[:1], tokens[:1], all_in[:1]),
        "rows of two tokens": sequence_logprobs(logits[:, :2], tokens[:, :2], all_in[:, :2]),
    }


@exercise.promise("of each token that the assistant wrote", "leaves_out_the_first_of_the_vocabulary")
@exercise.promise("0 at all other places", "counts_the_prompt")
@exercise.promise("The sum of a row is the log-probability of its reply", "divides_by_the_length")
@exercise.promise("mask boolean (B, T)", "takes_the_mask_the_other_way_round")
@exercise.check(points=0.25)
def zero_where_the_model_did_not_write(sequence_logprobs, rng):
    """Prompt and padding count as 0, so that the sum of a row is the log-probability of its reply."""
    logits, tokens, mask = some_rows(rng)
    said = sequence_logprobs(logits, tokens, mask)
    nobody = sequence_logprobs(logits, tokens, torch.zeros_like(mask))
    return {"by token": said, "sums of the rows": said.sum(dim=-1), "nobody wrote": nobody}


@exercise.check(points=0.25, invariant=True)
def what_is_masked_out_does_not_count(sequence_logprobs, rng):
    """Other logits at the end and other tokens outside the reply change nothing; other tokens within it do."""
    logits, tokens, mask = some_rows(rng)
    changed = logits.clone()
    changed[:, -1] = 5 * normal(rng, 5, logits.size(-1))
    before = sequence_logprobs(logits, tokens, mask)
    after = sequence_logprobs(changed, torch.where(mask, tokens, (tokens + 1) % 9), mask)
    other = sequence_logprobs(logits, torch.where(mask, (tokens + 1) % 9, tokens), mask)
    what = "the logits at the end and the tokens outside the reply were changed"
    return {"before": before, "after": after, "must differ": [before, other], "change": what}


@exercise.promise("as something with a gradient", "has_no_gradient")
@exercise.check(points=0.25)
def the_gradient_reaches_the_logits(sequence_logprobs, rng):
    """The sum can be learned from: its gradient reaches the logits that predicted the reply, and no others."""
    logits, tokens, mask = some_rows(rng)
    weights = normal(rng, 5, 6)
    return learned(lambda logits: (weights * sequence_logprobs(logits, tokens, mask)).sum(), logits=logits)


@exercise.promise("finite, thousands apart too", "has_no_digits_left")
@exercise.check(points=0.25)
def shifted_logits_are_the_same(sequence_logprobs, rng):
    """Logits are only compared with each other: adding 100 to all of a place changes nothing; thousands are no harm."""
    logits, tokens, mask = some_rows(rng)
    return {
        "plus 100": sequence_logprobs(logits + 100, tokens, mask),
        "a thousand times": sequence_logprobs(1e3 * logits, tokens, mask) / 1e3,
    }


@exercise.promise("may come in 16 bits", "stays_in_short_numbers")
@exercise.promise("the log-probabilities are taken in float32", "widens_too_late")
@exercise.check(points=0.25)
def short_logits_and_results_in_full(sequence_logprobs, rng):
    """From logits of any floating type come log-probabilities in float32, to the last digit."""
    seen = {}
    for short in (torch.bfloat16, torch.float16):
        several = []
        for _ in range(4):
            logits, tokens, mask = some_rows(rng)
            several.append(sequence_logprobs(logits.to(short), tokens, mask))
        seen[str(short)] = {"by token": [its.float() for its in several], "type": str(several[0].dtype)}
    for long in (torch.float32, torch.float64):
        seen[str(long)] = str(sequence_logprobs(logits.to(long), tokens, mask).dtype)
    return seen


mistakes(
    exercise,
    Logprobs,
    counts_the_prompt=mistake(
        "The prompt and the padding count too. Who wrote them, and where do you use the mask?",
        hide=lambda self, said, mask: said,
    ),
    masks_one_too_early=mistake(
        "The mask is off by one. Place t of the result is about token t + 1: which mask says whether that was written?",
        hide=lambda self, said, mask: said.masked_fill(~mask[:, :-1], 0.0),
    ),
    masks_one_too_late=mistake(
        "The first word of each reply counts as 0. Place t of the result is about token t + 1: which mask is that?",
        hide=lambda self, said, mask: said.masked_fill(~F.pad(mask[:, 2:], (0, 1)), 0.0),
    ),
    takes_the_mask_the_other_way_round=mistake(
        "What the model wrote counts as 0, and the rest does not. Which of the two does True mean?",
        hide=lambda self, said, mask: said.masked_fill(mask[:, 1:], 0.0),
    ),
    does_not_shift_the_targets=mistake(
        "Each token is looked up where it has been read already. Which place predicts it?",
        targets=lambda self, tokens: tokens[:, :-1],
    ),
    predicts_from_the_same_place=mistake(
        "The logits at a token's own place have seen it. From which place is it predicted?",
        places=lambda self: slice(1, None),
    ),
    takes_logits_for_log_probabilities=mistake(
        "You pick logits. What has to be done so that the probabilities of a place sum to one?",
        normalise=lambda self, logits: logits,
    ),
    takes_the_softmax_twice=mistake(
        "The softmax is taken twice. What does `log_softmax` of probabilities give?",
        normalise=lambda self, logits: F.log_softmax(torch.softmax(logits, dim=-1), dim=-1),
    ),
    gives_probabilities=mistake(
        "You give probabilities. Which of the two adds up over the tokens of a reply?",
        normalise=lambda self, logits: torch.softmax(logits, dim=-1),
    ),
    turns_the_sign=mistake(
        "Your numbers are positive: that is the surprise. Is a log-probability above or below zero?",
        normalise=lambda self, logits: -F.log_softmax(logits, dim=-1),
    ),
    stays_in_short_numbers=mistake(
        "Your results have the type of the logits. Which one is asked for, and when do you call `.float()`?",
        wide=lambda self, logits: logits,
    ),
    widens_too_late=mistake(
        "Your results are float32, with as few digits as the logits. What has been lost before you widen them?",
        wide=lambda self, logits: logits,
        normalise=lambda self, logits: F.log_softmax(logits, dim=-1).float(),
    ),
    gives_the_first_token_a_place=mistake(
        "Your rows have as many places as tokens. What was the first token predicted by?",
        __call__=with_a_place_for_the_first,
    ),
    squeezes_everything=mistake(
        "A dimension is missing where it has a size of 1. Which one does `squeeze()` without a number take out?",
        __call__=squeezed,
    ),
    leaves_out_the_first_of_the_vocabulary=mistake(
        "Token 0 counts as 0 even where it was written. What says whether it was?",
        __call__=without_the_first_of_the_vocabulary,
    ),
    divides_by_the_length=mistake(
        "You divide by the length of the reply. What do the numbers of a row add up to?",
        hide=lambda self, said, mask: Logprobs.hide(self, said, mask) / mask[:, 1:].sum(1, keepdim=True).clamp(min=1),
    ),
    has_a_floor=mistake(
        "Your numbers do not fall below a limit. How unlikely may a token be?",
        normalise=lambda self, logits: F.log_softmax(logits, dim=-1).clamp(min=-20.0),
    ),
    holds_the_sum_fixed=mistake(
        "Your gradient reaches the token's own logit alone. What happens to a token where another's logit goes up?",
        normalise=with_a_fixed_sum,
    ),
    has_no_gradient=mistake(
        "Nothing can be learned from your numbers. What cuts the gradient off?",
        wide=lambda self, logits: logits.detach().float(),
    ),
    is_zero=mistake(
        "All your numbers are 0. What does a row add up to that the model wrote?",
        hide=lambda self, said, mask: 0.0 * said,
    ),
    has_no_digits_left=mistake(
        "Large logits give -inf. In which order do you take the exponential and the logarithm?",
        normalise=lambda self, logits: torch.log(torch.softmax(logits, dim=-1)),
    ),
)

exercise.edges(
    empty="A row of one token has no place to predict; a row without a reply is among the inputs.",
    one="each_token_by_the_place_before_it",
    equal="Nothing is compared but the logits of a place.",
    zero="zero_where_the_model_did_not_write",
    ties="No token is chosen.",
    large="shifted_logits_are_the_same",
    small="shifted_logits_are_the_same",
    limit="what_is_masked_out_does_not_count",
    shapes="each_token_by_the_place_before_it",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="the_gradient_reaches_the_logits",
)
