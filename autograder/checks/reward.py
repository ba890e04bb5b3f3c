"""The checks of rewards, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: the prompt is nobody's reply, what is graded up becomes likelier, a group's advantages have no
mean, going too far earns nothing, padding says nothing, a reference learns nothing. Then the numbers: every loss by its
value and by its gradient, for every tensor that should have one and for every one that must not. Log-probabilities are
made up, so that no check stands on another exercise; the model that is graded is a small one of the checks' own. All
checks are exact.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Topic
from autograder.checks.prediction import ending
from autograder.checks.sft import catalogue, normal, outcome, way

reward = Topic("reward")
check = reward.try_out
known = partial(catalogue, reward)


def learned(call: Callable[..., Tensor], **leaves: Tensor) -> dict[str, Any]:
    """A loss and its gradient for each of the tensors by name; None where there is none."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in leaves.items()}
    loss = call(**leaves)
    if loss.requires_grad:
        loss.backward()
    return {"loss": loss} | {f"the gradient of {name}": leaf.grad for name, leaf in leaves.items()}


def log_probabilities(rng: torch.Generator, *shape: int) -> Tensor:
    """Numbers below zero, as log-probabilities are."""
    return -0.1 - 3 * torch.rand(*shape, generator=rng)


# --- sequence_logprobs --------------------------------------------------------------------------------------


def some_rows(rng: torch.Generator, vocab_size: int = 9, T: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, tokens and masks: replies of 2, 4 and 1 tokens behind prompts of 3, 2 and 4, and then padding."""
    at = torch.arange(T)
    first, last = torch.tensor([[3], [2], [4]]), torch.tensor([[5], [6], [5]])
    tokens = torch.randint(vocab_size, (3, T), generator=rng)
    return 3 * normal(rng, 3, T, vocab_size), tokens, (at >= first) & (at < last)


@reward.check("sequence_logprobs", points=0.25)
def each_token_by_the_place_before_it(sequence_logprobs, rng):
    """The result has one place fewer than tokens: at each the log-probability of the token that comes next."""
    logits, tokens, _ = some_rows(rng)
    everywhere = torch.ones_like(tokens, dtype=torch.bool)
    return {"all masked in": sequence_logprobs(logits, tokens, everywhere)}


@reward.check("sequence_logprobs", points=0.25)
def zero_where_the_model_did_not_write(sequence_logprobs, rng):
    """Prompt and padding count as 0, so that the sum of a row is the log-probability of its reply."""
    logits, tokens, mask = some_rows(rng)
    said = sequence_logprobs(logits, tokens, mask)
    return {"by token": said, "sums of the rows": said.sum(dim=-1)}


@reward.check("sequence_logprobs", points=0.25, invariant=True)
def what_is_masked_out_does_not_count(sequence_logprobs, rng):
    """Other logits at the end and other tokens behind the reply change nothing; other tokens within it do."""
    logits, tokens, mask = some_rows(rng)
    behind = (mask.long().cumsum(dim=1) == mask.sum(dim=1, keepdim=True)) & ~mask
    changed = logits.clone()
    changed[:, -1] = 5 * normal(rng, 3, logits.size(-1))
    before = sequence_logprobs(logits, tokens, mask)
    after = sequence_logprobs(changed, torch.where(behind, (tokens + 1) % 9, tokens), mask)
    other = sequence_logprobs(logits, torch.where(mask, (tokens + 1) % 9, tokens), mask)
    return {"before": before, "after": after, "must differ": [before, other]}


@reward.check("sequence_logprobs", points=0.25)
def the_gradient_reaches_the_logits(sequence_logprobs, rng):
    """The sum can be learned from: its gradient reaches the logits that predicted the reply, and no others."""
    logits, tokens, mask = some_rows(rng)
    weights = normal(rng, 3, 6)
    return learned(lambda logits: (weights * sequence_logprobs(logits, tokens, mask)).sum(), logits=logits)


@reward.check("sequence_logprobs", points=0.25)
def shifted_logits_are_the_same(sequence_logprobs, rng):
    """Logits are only compared with each other: adding 100 to all of a place changes nothing; thousands are no harm."""
    logits, tokens, mask = some_rows(rng)
    return {
        "plus 100": sequence_logprobs(logits + 100, tokens, mask),
        "a thousand times": sequence_logprobs(1e3 * logits, tokens, mask) / 1e3,
    }


@reward.check("sequence_logprobs", points=0.25)
def short_logits_and_results_in_full(sequence_logprobs, rng):
    """From logits in bfloat16 come log-probabilities in float32, to the last digit."""
    seen = []
    for _ in range(4):
        logits, tokens, mask = some_rows(rng)
        seen.append(sequence_logprobs(logits.bfloat16(), tokens, mask))
    return {"by token": [its.float() for its in seen], "type": str(seen[0].dtype)}


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


known(
    "sequence_logprobs",
    Logprobs,
    counts_the_prompt=way(
        "The prompt and the padding count too. Who wrote them, and where do you use the mask?",
        hide=lambda self, said, mask: said,
    ),
    masks_one_too_early=way(
        "The mask is off by one. Place t of the result is about token t + 1: which mask says whether that was written?",
        hide=lambda self, said, mask: said.masked_fill(~mask[:, :-1], 0.0),
    ),
    masks_one_too_late=way(
        "The first word of each reply counts as 0. Place t of the result is about token t + 1: which mask is that?",
        hide=lambda self, said, mask: said.masked_fill(~F.pad(mask[:, 2:], (0, 1)), 0.0),
    ),
    takes_the_mask_the_other_way_round=way(
        "What the model wrote counts as 0, and the rest does not. Which of the two does True mean?",
        hide=lambda self, said, mask: said.masked_fill(mask[:, 1:], 0.0),
    ),
    does_not_shift_the_targets=way(
        "Each token is looked up where it has been read already. Which place predicts it?",
        targets=lambda self, tokens: tokens[:, :-1],
    ),
    predicts_from_the_same_place=way(
        "The logits at a token's own place have seen it. From which place is it predicted?",
        places=lambda self: slice(1, None),
    ),
    takes_logits_for_log_probabilities=way(
        "You pick logits. What has to be done so that the probabilities of a place sum to one?",
        normalise=lambda self, logits: logits,
    ),
    takes_the_softmax_twice=way(
        "The softmax is taken twice. What does `log_softmax` of probabilities give?",
        normalise=lambda self, logits: F.log_softmax(torch.softmax(logits, dim=-1), dim=-1),
    ),
    gives_probabilities=way(
        "You give probabilities. Which of the two adds up over the tokens of a reply?",
        normalise=lambda self, logits: torch.softmax(logits, dim=-1),
    ),
    turns_the_sign=way(
        "Your numbers are positive: that is the surprise. Is a log-probability above or below zero?",
        normalise=lambda self, logits: -F.log_softmax(logits, dim=-1),
    ),
    stays_in_short_numbers=way(
        "Your results have as few digits as the logits. What do you call `.float()` on, and when?",
        wide=lambda self, logits: logits,
    ),
    widens_too_late=way(
        "Your results are float32, with as few digits as the logits. What has been lost before you widen them?",
        wide=lambda self, logits: logits,
        normalise=lambda self, logits: F.log_softmax(logits, dim=-1).float(),
    ),
    has_no_gradient=way(
        "Nothing can be learned from your numbers. What cuts the gradient off?",
        wide=lambda self, logits: logits.detach().float(),
    ),
    is_zero=way(
        "All your numbers are 0. What does a row add up to that the model wrote?",
        hide=lambda self, said, mask: 0.0 * said,
    ),
    has_no_digits_left=way(
        "Large logits give -inf. In which order do you take the exponential and the logarithm?",
        normalise=lambda self, logits: torch.log(torch.softmax(logits, dim=-1)),
    ),
)


# --- reinforce_loss -----------------------------------------------------------------------------------------


def some_replies(rng: torch.Generator, n_replies: int = 4, T: int = 6) -> tuple[Tensor, Tensor]:
    """Log-probabilities of replies of 1 to 6 tokens, 0 elsewhere; and the mask."""
    mask = torch.arange(T) < torch.tensor([[1], [6], [3], [4]])[:n_replies]
    return log_probabilities(rng, n_replies, T) * mask, mask


@reward.check("reinforce_loss", points=0.25)
def rewards_weigh_whole_replies(reinforce_loss, rng):
    """The loss is minus the mean over replies of reward times log-probability of the reply; so is its gradient."""
    logprobs, _ = some_replies(rng)
    paid = normal(rng, 4)
    return learned(lambda logprobs: reinforce_loss(logprobs, paid), logprobs=logprobs)


@reward.check("reinforce_loss", points=0.25)
def the_baseline_is_taken_off(reinforce_loss, rng):
    """A baseline, a number or one for each reply, is taken off the rewards first."""
    logprobs, _ = some_replies(rng)
    paid, each = normal(rng, 4), normal(rng, 4)
    return {
        "0.7": learned(lambda logprobs: reinforce_loss(logprobs, paid, 0.7), logprobs=logprobs),
        "a tensor ()": learned(lambda logprobs: reinforce_loss(logprobs, paid, paid.mean()), logprobs=logprobs),
        "one for each": learned(lambda logprobs: reinforce_loss(logprobs, paid, each), logprobs=logprobs),
    }


@reward.check("reinforce_loss", points=0.25)
def rewards_and_baseline_learn_nothing(reinforce_loss, rng):
    """No gradient goes into the rewards or the baseline, even where they come out of a network."""
    logprobs, _ = some_replies(rng)
    return learned(reinforce_loss, logprobs=logprobs, rewards=normal(rng, 4), baseline=normal(rng, 4))


@reward.check("reinforce_loss", points=0.25)
def what_was_graded_up_becomes_likelier(reinforce_loss, rng):
    """After a step down the gradient the probability of good replies has risen, and that of bad ones fallen."""
    logprobs, _ = some_replies(rng)
    paid = torch.tensor([1.0, -1.0, 2.0, -2.0])[torch.randperm(4, generator=rng)]
    leaf = logprobs.clone().requires_grad_()
    loss = reinforce_loss(leaf, paid)
    if loss.requires_grad:
        loss.backward()
    moved = torch.zeros_like(logprobs) if leaf.grad is None else -leaf.grad
    return {"how the log-probabilities move": torch.sign(moved.sum(dim=-1)), "rewards": paid}


class Reinforce:
    """REINFORCE with its parts to override, so that one of them can be wrong."""

    def __call__(self, logprobs, rewards, baseline=0.0):
        return self.mean(self.weigh(rewards, baseline), logprobs)

    def weigh(self, rewards, baseline):
        return (rewards - baseline).detach()

    def mean(self, weights, logprobs):
        return -(weights * logprobs.sum(dim=-1)).mean()


def over_the_tokens(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights.unsqueeze(-1) * logprobs).mean()


def over_the_tokens_of_each(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights * logprobs.sum(dim=-1) / (logprobs != 0).sum(dim=-1)).mean()


known(
    "reinforce_loss",
    Reinforce,
    turns_the_sign=way(
        "Good replies become less likely. A step goes down the loss: which sign has it?",
        mean=lambda self, weights, logprobs: (weights * logprobs.sum(dim=-1)).mean(),
    ),
    lets_rewards_learn=way(
        "A gradient goes into the rewards or the baseline. Are they numbers here, or something to learn?",
        weigh=lambda self, rewards, baseline: rewards - baseline,
    ),
    lets_the_baseline_learn=way(
        "A gradient goes into the baseline. What would it learn from this loss?",
        weigh=lambda self, rewards, baseline: rewards.detach() - baseline,
    ),
    ignores_the_baseline=way(
        "The baseline changes nothing. What is it taken off?", weigh=lambda self, rewards, baseline: rewards.detach()
    ),
    adds_the_baseline=way(
        "You add the baseline. Is a reply that earns exactly the baseline good, bad or neither?",
        weigh=lambda self, rewards, baseline: (rewards + baseline).detach(),
    ),
    takes_the_mean_over_tokens=way(
        "You divide by the tokens of all rows, padding included. Of what is the loss a mean?", mean=over_the_tokens
    ),
    divides_by_the_length=way(
        "You divide each reply by its length. What is the log-probability of a whole reply?",
        mean=over_the_tokens_of_each,
    ),
    adds_up=way(
        "Your loss grows with the number of replies. By what do you divide the sum?",
        mean=lambda self, weights, logprobs: -(weights * logprobs.sum(dim=-1)).sum(),
    ),
    takes_probabilities=way(
        "You weigh probabilities, not their logarithms. What stands in the formula?",
        mean=lambda self, weights, logprobs: -(weights * logprobs.sum(dim=-1).exp()).mean(),
    ),
    is_zero=way(
        "Your loss and its gradient are zero. What can be learned from that?",
        mean=lambda self, weights, logprobs: 0.0 * logprobs.sum(),
    ),
    has_no_gradient=way(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, weights, logprobs: Reinforce.mean(self, weights, logprobs.detach()),
    ),
)


# --- bradley_terry_loss -------------------------------------------------------------------------------------


@reward.check("bradley_terry_loss", points=0.25)
def surprise_at_what_was_preferred(bradley_terry_loss, rng):
    """The loss is the mean of -log σ(chosen - rejected), and its gradient pulls the two rewards apart."""
    return learned(bradley_terry_loss, chosen=2 * normal(rng, 6), rejected=2 * normal(rng, 6))


@reward.check("bradley_terry_loss", points=0.25)
def exact_far_out(bradley_terry_loss, rng):
    """Differences of 100 and more, to either side, give finite losses and gradients."""
    near = normal(rng, 4)
    far = torch.tensor([300.0, -300.0, 100.0, -120.0])
    return learned(bradley_terry_loss, chosen=near + far, rejected=near)


class BradleyTerry:
    """The loss of comparisons with its parts to override."""

    def __call__(self, chosen, rejected):
        return self.mean(self.surprise(self.difference(chosen, rejected)))

    def difference(self, chosen, rejected):
        return chosen - rejected

    def surprise(self, difference):
        return -F.logsigmoid(difference)

    def mean(self, surprises):
        return surprises.mean()


known(
    "bradley_terry_loss",
    BradleyTerry,
    swaps_the_two=way(
        "What was rejected gets the higher reward. Which of the two is to be larger?",
        difference=lambda self, chosen, rejected: rejected - chosen,
    ),
    turns_the_sign=way(
        "Your loss is negative. Is a surprise ever?", surprise=lambda self, difference: F.logsigmoid(difference)
    ),
    forgets_the_logarithm=way(
        "You take probabilities. What is added up over independent comparisons?",
        surprise=lambda self, difference: -torch.sigmoid(difference),
    ),
    takes_the_hinge=way(
        "Beyond some difference nothing is learned any more. What does the formula say there?",
        surprise=lambda self, difference: F.relu(1 - difference),
    ),
    takes_the_difference_alone=way(
        "Your loss is a straight line. Where is the σ?", surprise=lambda self, difference: -difference
    ),
    runs_out_of_digits=way(
        "Large differences give infinities or NaN. Which function gives log σ in one go?",
        surprise=lambda self, difference: -torch.log(torch.sigmoid(difference)),
    ),
    adds_up=way(
        "Your loss grows with the number of comparisons. By what do you divide the sum?",
        mean=lambda self, surprises: surprises.sum(),
    ),
    takes_the_mean_too_early=way(
        "You take the mean of the differences. Of what is the loss the mean?",
        difference=lambda self, chosen, rejected: (chosen - rejected).mean(),
    ),
    is_zero=way(
        "Your loss and its gradient are zero. What can be learned from that?", mean=lambda self, its: 0.0 * its.sum()
    ),
    has_no_gradient=way(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, surprises: surprises.detach().mean(),
    ),
)


@reward.given("bradley_terry_loss")
def loss_by_library(chosen: Tensor, rejected: Tensor) -> Tensor:
    """The loss, for the exercise that needs one."""
    return F.softplus(rejected - chosen).mean()


# --- RewardModel --------------------------------------------------------------------------------------------


class Mixing(nn.Module):
    """A block: each position adds something of the mean of those up to it. Gives a state too, as blocks do."""

    def __init__(self, rng: torch.Generator, d_model: int):
        super().__init__()
        self.weight = nn.Parameter(normal(rng, d_model, d_model) / d_model**0.5)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        T = x.size(1)
        seen = torch.ones(T, T).tril() / torch.arange(1, T + 1).unsqueeze(-1)
        return x + torch.tanh(seen @ x @ self.weight), "a state"


class Small(nn.Module):
    """A model with the parts of a `GPT` that a reward model uses, and an output that it does not."""

    def __init__(self, rng: torch.Generator, vocab_size: int = 11, d_model: int = 6):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Mixing(rng, d_model) for _ in range(2))
        self.norm = nn.LayerNorm(d_model)
        with torch.no_grad():
            for weight in (self.embedding.weight, self.norm.weight, self.norm.bias):
                weight.copy_(normal(rng, *weight.shape))
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        x = self.embedding(tokens)
        for block in self.blocks:
            x, _ = block(x)
        return self.output(self.norm(x)), None


def padded_rows(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows of 5, 8, 2 and 7 tokens, padded to 8."""
    return torch.randint(11, (4, 8), generator=rng), torch.tensor([5, 8, 2, 7])


def grader(RewardModel, rng: torch.Generator) -> Any:
    """The learner's reward model, with a head that says something."""
    model = RewardModel(Small(rng))
    with torch.no_grad():
        model.head.weight.copy_(normal(rng, *model.head.weight.shape))
    return model


@reward.check("RewardModel", points=0.25)
def at_first_all_are_worth_nothing(RewardModel, rng):
    """`head` is a linear layer to one number, without a bias, that begins with zeros; so do all rewards."""
    model = RewardModel(Small(rng))
    return {
        "rewards": model(*padded_rows(rng)),
        "head": [list(model.head.weight.shape), model.head.bias is None, model.head.weight.abs().max()],
        "on the device meta": str(RewardModel(Small(rng).to("meta")).head.weight.device),
    }


@reward.check("RewardModel", points=0.25)
def the_number_at_the_last_token(RewardModel, rng):
    """The reward of a row is read, behind the norm, at its last token that is no padding."""
    model = grader(RewardModel, rng)
    tokens, lengths = padded_rows(rng)
    return {
        "rewards": model(tokens, lengths),
        "padding in all rows": model(tokens[2:], lengths[2:]),
        "a row alone": model(tokens[2:3, :2], lengths[2:3]),
    }


@reward.check("RewardModel", points=0.25, invariant=True)
def padding_says_nothing(RewardModel, rng):
    """Whatever stands behind the last token, the reward is the same; other words within the reply change it."""
    model = grader(RewardModel, rng)
    tokens, lengths = padded_rows(rng)
    inside = torch.arange(8) < lengths.unsqueeze(-1)
    moved = (tokens + 1) % 11
    return {
        "before": model(tokens, lengths),
        "after": model(torch.where(inside, tokens, moved), lengths),
        "must differ": [model(tokens, lengths), model(torch.where(inside, moved, tokens), lengths)],
    }


@reward.check("RewardModel", points=0.25)
def all_of_it_learns(RewardModel, rng):
    """A comparison teaches the head, the norm, the blocks and the embedding."""
    model = grader(RewardModel, rng)
    (model(*padded_rows(rng)) * normal(rng, 4)).sum().backward()
    parts = {"the head": model.head, "the norm": model.model.norm, "the embedding": model.model.embedding}
    parts |= {f"block {i}": block for i, block in enumerate(model.model.blocks)}
    return {f"the gradient of {words}": next(part.parameters()).grad for words, part in parts.items()}


@reward.check("RewardModel", points=0.25)
def one_number_for_each_row(RewardModel, rng):
    """The result is (B), for one row too, in float32, under autocast too; lengths there are not are a ValueError."""
    model, seen = grader(RewardModel, rng), {}
    tokens, lengths = padded_rows(rng)
    for n in (1, 4):
        result = model(tokens[:n], lengths[:n])
        seen[f"{n} row(s)"] = [list(result.shape), str(result.dtype)]
    with torch.autocast("cpu", torch.bfloat16):
        seen["under autocast"] = str(model(tokens, lengths).dtype)
    for wrong in (0, 9):
        seen[f"a length of {wrong}"] = ending(lambda: model(tokens, torch.tensor([5, wrong, 2, 7])))
    return seen


class Grader(nn.Module):
    """A reward model with its parts to override, so that one of them can be wrong."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = self.begin(model.embedding.embedding_dim).to(model.embedding.weight.device)

    def begin(self, d_model):
        head = nn.Linear(d_model, 1, bias=False)
        nn.init.zeros_(head.weight)
        return head

    def forward(self, tokens, lengths):
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError("lengths")
        return self.shape(self.head(self.pick(self.normed(self.read(tokens)), lengths)))

    def read(self, tokens):
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        return x

    def normed(self, x):
        return self.model.norm(x)

    def pick(self, x, lengths):
        return x[torch.arange(len(x)), lengths - 1]

    def shape(self, numbers):
        return numbers.squeeze(-1).float()


def head_as_it_comes(self: Grader, d_model: int) -> nn.Linear:
    return nn.Linear(d_model, 1, bias=False)


def head_with_a_bias(self: Grader, d_model: int) -> nn.Linear:
    head = nn.Linear(d_model, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def mean_of_the_reply(self: Grader, x: Tensor, lengths: Tensor) -> Tensor:
    inside = (torch.arange(x.size(1)) < lengths.unsqueeze(-1)).unsqueeze(-1)
    return (x * inside).sum(dim=1) / lengths.unsqueeze(-1)


known(
    "RewardModel",
    Grader,
    reads_the_end_of_the_row=way(
        "You read at the end of the row, which is padding for all but the longest. Where does the reply end?",
        pick=lambda self, x, lengths: x[:, -1],
    ),
    reads_behind_the_last=way(
        "You read one place behind the last token. Where is the last of n tokens, counted from 0?",
        pick=lambda self, x, lengths: x[torch.arange(len(x)), lengths.clamp(max=x.size(1) - 1)],
    ),
    reads_the_first=way(
        "You read at the first token. What has it seen of the reply?", pick=lambda self, x, lengths: x[:, 0]
    ),
    takes_the_mean=way(
        "You take a mean over the places of the row. Which single place has seen all of it?", pick=mean_of_the_reply
    ),
    takes_the_mean_with_padding=way(
        "You take a mean over all places, padding included. What does padding say about a reply?",
        pick=lambda self, x, lengths: x.mean(dim=1),
    ),
    forgets_the_norm=way(
        "The norm is left out. What stands in front of the output of the language model?", normed=lambda self, x: x
    ),
    skips_the_blocks=way(
        "You read the embedding of the last token. What do the blocks do?",
        read=lambda self, tokens: self.model.embedding(tokens),
    ),
    skips_a_block=way(
        "One of the blocks is left out. Does each of them get what the one before it gave?",
        read=lambda self, tokens: self.model.blocks[0](self.model.embedding(tokens))[0],
    ),
    begins_with_noise=way(
        "The head begins with random numbers. What would it prefer before anybody has compared anything?",
        begin=head_as_it_comes,
    ),
    has_a_bias=way("The head has a bias. What would it change about a difference of rewards?", begin=head_with_a_bias),
    freezes_the_model=way(
        "Only the head learns. What cuts the gradient off before the blocks?",
        read=lambda self, tokens: Grader.read(self, tokens).detach(),
    ),
    stays_in_short_numbers=way(
        "Under autocast your rewards are bfloat16. How many digits has a difference of two that are nearly equal?",
        shape=lambda self, numbers: numbers.squeeze(-1),
    ),
    keeps_a_dimension=way(
        "Your rewards are (B, 1). A difference of (B, 1) and (B) is (B, B): where does the last dimension go?",
        shape=lambda self, numbers: numbers.float(),
    ),
)


# --- kl_penalty ---------------------------------------------------------------------------------------------


@reward.check("kl_penalty", points=0.25)
def three_estimates(kl_penalty, rng):
    """With r = p_reference / p_policy: k1 = -log r, k2 = (log r)² / 2, k3 = r - 1 - log r, at each token."""
    policy, reference = log_probabilities(rng, 4, 6), log_probabilities(rng, 4, 6)
    names = [f"k{i}" for i in range(1, 4)]  # equal to the literals, and not the same objects
    return {name: kl_penalty(policy, reference, name) for name in names}


@reward.check("kl_penalty", points=0.25)
def the_third_is_the_one_that_is_meant(kl_penalty, rng):
    """Where no estimator is named it is k3; another name is a ValueError."""
    policy, reference = log_probabilities(rng, 3, 4), log_probabilities(rng, 3, 4)
    names = ("k4", "", "K1", "k1")
    return {
        "none named": kl_penalty(policy, reference),
        **{repr(name): ending(lambda: kl_penalty(policy, reference, name)) for name in names},
    }


@reward.check("kl_penalty", points=0.25)
def on_average_the_distance(kl_penalty, rng):
    """Weighed by the policy's own probabilities, k1 and k3 add up to the exact distance, and no k3 is below zero."""
    policy, reference = (torch.log_softmax(2 * normal(rng, 6), dim=-1).unsqueeze(0) for _ in range(2))
    seen = {name: (policy.exp() * kl_penalty(policy, reference, name)).sum() for name in ("k1", "k2", "k3")}
    return seen | {"below zero": bool((kl_penalty(policy, reference, "k3") < -1e-6).any())}


@reward.check("kl_penalty", points=0.25)
def the_policy_is_held_back(kl_penalty, rng):
    """The gradient of each estimate reaches the policy's log-probabilities."""
    policy, reference, weights = log_probabilities(rng, 4, 6), log_probabilities(rng, 4, 6), normal(rng, 4, 6)
    return {
        name: learned(lambda logprobs: (weights * kl_penalty(logprobs, reference, name)).sum(), logprobs=policy)
        for name in ("k1", "k2", "k3")
    }


class Distance:
    """The estimates with their parts to override, so that one of them can be wrong."""

    usual = "k3"

    def __call__(self, logprobs, reference, estimator=None):
        log_r = self.log_ratio(logprobs, reference)
        ways = {"k1": self.first, "k2": self.second, "k3": self.third}
        return ways.get(estimator or self.usual if estimator != "" else "", self.other)(log_r)

    def log_ratio(self, logprobs, reference):
        return reference - logprobs

    def first(self, log_r):
        return -log_r

    def second(self, log_r):
        return log_r.square() / 2

    def third(self, log_r):
        return log_r.exp() - 1 - log_r

    def other(self, log_r):
        raise ValueError("no such estimator")


known(
    "kl_penalty",
    Distance,
    turns_the_ratio_round=way(
        "Your distance is that from the reference to the policy. Which of the two drew the tokens, and what is above?",
        log_ratio=lambda self, logprobs, reference: logprobs - reference,
    ),
    takes_the_ratio_for_its_logarithm=way(
        "You take r where log r is asked for. What is the difference of two log-probabilities?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).exp(),
    ),
    mixes_up_the_second_and_the_third=way(
        "k2 and k3 are mixed up. Which of them is a square?",
        second=lambda self, log_r: Distance().third(log_r),
        third=lambda self, log_r: Distance().second(log_r),
    ),
    forgets_the_half=way(
        "Your k2 is twice as large. What stands in front of the square?", second=lambda self, log_r: log_r.square()
    ),
    forgets_the_one=way(
        "Your k3 is 1 where the two models agree. What is r there?", third=lambda self, log_r: log_r.exp() - log_r
    ),
    adds_the_logarithm=way(
        "Your k3 falls below zero. With which sign does log r stand in it?",
        third=lambda self, log_r: log_r.exp() - 1 + log_r,
    ),
    forgets_the_logarithm=way(
        "Your k3 is r - 1, which is zero on average. What is missing?", third=lambda self, log_r: log_r.exp() - 1
    ),
    turns_the_first=way(
        "Your k1 is negative where the policy is surer than the reference. Which sign has it?",
        first=lambda self, log_r: log_r,
    ),
    takes_the_size_of_the_first=way(
        "Your k1 is never negative. Is it still right on average?", first=lambda self, log_r: log_r.abs()
    ),
    takes_the_first_where_none_is_named=way("Without a name you give k1. Which one is meant?", usual="k1"),
    takes_any_name=way(
        "A name that there is not gives a number. Who will notice?", other=lambda self, log_r: Distance().third(log_r)
    ),
    holds_nothing_back=way(
        "Your estimates have no gradient. What would the penalty hold back?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).detach(),
    ),
)


@reward.given("kl_penalty")
def distance_by_library(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    """The estimates, for the exercise that needs one."""
    return Distance()(logprobs, reference, estimator)


# --- group_advantages ---------------------------------------------------------------------------------------


@reward.check("group_advantages", points=0.25)
def better_than_the_group(group_advantages, rng):
    """In each group the mean is taken off, and what is left is divided by the group's own standard deviation."""
    groups = normal(rng, 3, 4) * torch.tensor([[0.1], [1.0], [10.0]]) + torch.tensor([[5.0], [0.0], [-20.0]])
    return {"3 groups of 4": group_advantages(groups), "rewards of 0 and 1": group_advantages((groups > 0).float())}


@reward.check("group_advantages", points=0.25)
def all_equal_teaches_nothing(group_advantages, rng):
    """Where all rewards of a group are equal its advantages are zero, beside groups in which they are not."""
    groups = normal(rng, 3, 5)
    groups[1] = 0.75
    return {"one of three groups": group_advantages(groups), "zeros": group_advantages(torch.zeros(2, 4))}


@reward.check("group_advantages", points=0.25, rtol=1e-5)
def the_spread_of_all_members(group_advantages, rng):
    """The spread is that of all members of the group, not of one fewer, and eps is added to it."""
    groups = normal(rng, 4, 2)
    return {"groups of 2": group_advantages(groups), "eps=0.5": group_advantages(groups, eps=0.5)}


@reward.check("group_advantages", points=0.25)
def a_group_of_one_is_refused(group_advantages, rng):
    """One reply alone is better than nobody: a ValueError. Two are a group."""
    return {f"groups of {n}": ending(lambda: group_advantages(normal(rng, 3, n))) for n in (1, 2)}


class Advantages:
    """Advantages with their parts to override, so that one of them can be wrong."""

    fewest = 2

    def __call__(self, rewards, eps=1e-6):
        if rewards.size(-1) < self.fewest:
            raise ValueError("a group of one")
        return self.divide(self.centre(rewards), self.spread(rewards), eps)

    def centre(self, rewards):
        return rewards - rewards.mean(dim=-1, keepdim=True)

    def spread(self, rewards):
        return rewards.std(dim=-1, correction=0, keepdim=True)

    def divide(self, centred, spread, eps):
        return centred / (spread + eps)


known(
    "group_advantages",
    Advantages,
    takes_the_mean_of_all=way(
        "You compare each reply with those to other prompts. What is its group?",
        centre=lambda self, rewards: rewards - rewards.mean(),
    ),
    takes_the_spread_of_all=way(
        "You divide by the spread of all groups together. Whose spread is asked for?",
        spread=lambda self, rewards: rewards.std(correction=0),
    ),
    compares_across_groups=way(
        "You take mean and spread down the columns. Along which dimension do the members of a group stand?",
        centre=lambda self, rewards: rewards - rewards.mean(dim=0, keepdim=True),
        spread=lambda self, rewards: rewards.std(dim=0, correction=0, keepdim=True),
    ),
    takes_one_fewer=way(
        "Your spread divides by one member fewer, as PyTorch does if you do not say otherwise. What is `correction`?",
        spread=lambda self, rewards: rewards.std(dim=-1, keepdim=True),
    ),
    divides_by_the_variance=way(
        "You divide by the variance. In which unit are advantages then?",
        spread=lambda self, rewards: rewards.var(dim=-1, correction=0, keepdim=True),
    ),
    does_not_divide=way(
        "Your advantages grow with the rewards. What are they divided by?",
        divide=lambda self, centred, spread, eps: centred,
    ),
    does_not_centre=way(
        "Your advantages do not add up to zero in a group. What is taken off first?",
        centre=lambda self, rewards: rewards,
    ),
    forgets_eps=way(
        "Where all rewards are equal you give NaN. What is 0 / 0, and what is eps for?",
        divide=lambda self, centred, spread, eps: centred / spread,
    ),
    clamps_by_eps=way(
        "eps is not added to the spread. What is the difference where the spread is about as large?",
        divide=lambda self, centred, spread, eps: centred / spread.clamp(min=eps),
    ),
    turns_the_sign=way(
        "Your best replies have negative advantages. What is taken from what?",
        centre=lambda self, rewards: rewards.mean(dim=-1, keepdim=True) - rewards,
    ),
    takes_a_group_of_one=way("A group of one passes. What is it better than?", fewest=1),
)


# --- grpo_loss ----------------------------------------------------------------------------------------------


def drawn_and_moved(rng: torch.Generator) -> dict[str, Tensor]:
    """Replies of 1, 6, 3 and 4 tokens under the policy, the old one and a reference.

    Each but the first has ratios of 0.6, 0.9, 1.1 and 1.6 or most of them; advantages are of both signs; the reference
    is half a nat or more away.
    """
    old, mask = some_replies(rng)
    at = torch.arange(mask.size(0)).unsqueeze(-1) + torch.arange(mask.size(1))
    ratios = torch.tensor([0.6, 1.6, 0.9, 1.1])[at % 4]
    away = (0.5 + torch.rand(old.shape, generator=rng)) * (1 - 2 * (at % 2))
    return {
        "logprobs": old + ratios.log() * mask,
        "old_logprobs": old,
        "advantages": torch.tensor([-1.0, 1.5, -0.5, 0.7]) * (0.8 + 0.4 * torch.rand(4, generator=rng)),
        "mask": mask,
        "reference": old + away * mask,
    }


def of_the_policy(grpo_loss, its: dict[str, Tensor], *left_out: str, **more: Any) -> dict[str, Any]:
    """The loss and its gradient for the policy's log-probabilities."""
    rest = {key: tensor for key, tensor in its.items() if key not in ("logprobs", *left_out)}
    return learned(lambda logprobs: grpo_loss(logprobs=logprobs, **rest, **more), logprobs=its["logprobs"])


def one_token(grpo_loss, ratio: float, advantage: float, clip: float) -> dict[str, Any]:
    """Loss and gradient of a single token."""
    its = {"old_logprobs": torch.tensor([[-1.0]]), "advantages": torch.tensor([advantage])}
    its["mask"] = torch.ones(1, 1, dtype=torch.bool)
    return learned(lambda logprobs: grpo_loss(logprobs=logprobs, **its, clip=clip),
                   logprobs=its["old_logprobs"] + math.log(ratio))  # fmt: skip


@reward.check("grpo_loss", points=0.25)
def too_far_earns_nothing(grpo_loss, rng):
    """For single tokens: the smaller of ratio · advantage and clipped ratio · advantage, and which has a gradient."""
    cases = [(ratio, advantage) for ratio in (0.5, 0.9, 1.1, 1.5) for advantage in (1.0, -1.0)]
    return {f"ratio {ratio}, advantage {advantage}": one_token(grpo_loss, ratio, advantage, 0.2)
            for ratio, advantage in cases}  # fmt: skip


@reward.check("grpo_loss", points=0.5)
def one_mean_over_all_tokens(grpo_loss, rng):
    """The loss is a mean over all tokens that the mask selects, each counted once, whichever reply it is of."""
    its = drawn_and_moved(rng)
    return {
        "clip=0.2": of_the_policy(grpo_loss, its, "reference"),
        "clip=0.05": of_the_policy(grpo_loss, its, "reference", clip=0.05),
    }


@reward.check("grpo_loss", points=0.25)
def the_first_step_has_a_gradient(grpo_loss, rng):
    """Where the policy is still the old one the ratio is 1 and has a gradient, even if both are the same tensor."""
    its = drawn_and_moved(rng)
    rest = {"advantages": its["advantages"], "mask": its["mask"]}
    return learned(
        lambda logprobs: grpo_loss(logprobs=logprobs, old_logprobs=logprobs, **rest), logprobs=its["old_logprobs"]
    )


@reward.check("grpo_loss", points=0.25)
def the_distance_costs_beta(grpo_loss, rng):
    """With a reference, beta times the k3 distance at each token is added; without one, or with beta=0, nothing is."""
    its = drawn_and_moved(rng)
    return {
        "beta=0.3": of_the_policy(grpo_loss, its, beta=0.3),
        "beta=0.0": of_the_policy(grpo_loss, its, beta=0.0),
        "beta not given": of_the_policy(grpo_loss, its),
        "no reference": of_the_policy(grpo_loss, its, "reference", beta=0.3),
    }


@reward.check("grpo_loss", points=0.25)
def only_the_policy_learns(grpo_loss, rng):
    """No gradient goes into the old policy, the advantages or the reference."""
    its = drawn_and_moved(rng)
    mask = its.pop("mask")
    return learned(lambda **leaves: grpo_loss(**leaves, mask=mask, beta=0.3), **its)


@reward.check("grpo_loss", points=0.25, invariant=True)
def what_the_mask_hides_does_not_count(grpo_loss, rng):
    """Other numbers where the mask is False leave the loss as it is; where it is True they do not."""
    its, before, after, others = drawn_and_moved(rng), [], [], []
    for beta in (0.0, 0.3):
        mask = its["mask"]
        other = {key: its[key] + 0.4 * normal(rng, *mask.shape) for key in ("logprobs", "old_logprobs", "reference")}
        outside = {key: torch.where(mask, its[key], other[key]) for key in other}
        inside = {key: torch.where(mask, other[key], its[key]) for key in other}
        before.append(grpo_loss(**its, beta=beta))
        after.append(grpo_loss(**{**its, **outside}, beta=beta))
        others.append(grpo_loss(**{**its, **inside}, beta=beta))
    before, after, others = (torch.stack([torch.as_tensor(one) for one in its]) for its in (before, after, others))
    return {"before": before, "after": after, "must differ": [before, others]}


@reward.check("grpo_loss", points=0.25)
def a_mean_of_nothing_is_refused(grpo_loss, rng):
    """A mask that selects nothing is a ValueError; one that selects a single token is not."""
    its = drawn_and_moved(rng)
    its["logprobs"] = its["old_logprobs"]
    one = torch.zeros_like(its["mask"])
    one[1, 3] = True
    return {
        "nothing": outcome(lambda: grpo_loss(**its | {"mask": torch.zeros_like(one)})),
        "a single token": outcome(lambda: grpo_loss(**its | {"mask": one}, beta=0.1)),
    }


class Clipped:
    """The clipped objective with its parts to override, so that one of them can be wrong."""

    def __call__(self, logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
        if not mask.any():
            return self.nothing(logprobs)
        ratio = self.ratio(logprobs, self.fixed(old_logprobs))
        objective = self.objective(ratio, self.fixed_advantages(advantages).unsqueeze(-1), clip)
        if reference is not None:
            objective = objective - self.cost(logprobs, reference, beta)
        return self.sign() * self.mean(objective, mask)

    def nothing(self, logprobs):
        raise ValueError("nothing")

    def fixed(self, old_logprobs):
        return old_logprobs.detach()

    def fixed_advantages(self, advantages):
        return advantages.detach()

    def ratio(self, logprobs, old):
        return (logprobs - old).exp()

    def objective(self, ratio, advantages, clip):
        return torch.minimum(ratio * advantages, self.clamp(ratio, clip) * advantages)

    def clamp(self, ratio, clip):
        return ratio.clamp(1 - clip, 1 + clip)

    def cost(self, logprobs, reference, beta):
        return beta * self.distance(reference.detach() - logprobs)

    def distance(self, log_r):
        return log_r.exp() - 1 - log_r

    def sign(self):
        return -1.0

    def mean(self, objective, mask):
        return objective[mask].mean()


def mean_of_means(self: Clipped, objective: Tensor, mask: Tensor) -> Tensor:
    rows = mask.any(dim=-1)
    return ((objective * mask).sum(dim=-1)[rows] / mask.sum(dim=-1)[rows]).mean()


def against_the_reference(self: Clipped, logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    drew = old_logprobs if reference is None else reference
    return Clipped.__call__(self, logprobs, drew, advantages, mask, clip, reference, beta)


known(
    "grpo_loss",
    Clipped,
    turns_the_sign=way(
        "Replies with high advantages become less likely. A step goes down the loss: which sign has it?",
        sign=lambda self: 1.0,
    ),
    takes_the_larger=way(
        "You take the larger of the two. What would then stop a ratio that runs away?",
        objective=lambda self, ratio, advantages, clip: torch.maximum(
            ratio * advantages, self.clamp(ratio, clip) * advantages
        ),
    ),
    takes_the_clipped_alone=way(
        "You take the clipped product alone. What calls a token back that went the wrong way?",
        objective=lambda self, ratio, advantages, clip: self.clamp(ratio, clip) * advantages,
    ),
    does_not_clip=way(
        "Nothing is clipped. How far may the policy go on the replies of one step?",
        objective=lambda self, ratio, advantages, clip: ratio * advantages,
    ),
    takes_the_smaller_ratio=way(
        "You take the smaller of the two ratios, then multiply. Which is smaller once the advantage is negative?",
        objective=lambda self, ratio, advantages, clip: torch.minimum(ratio, self.clamp(ratio, clip)) * advantages,
    ),
    clips_above_alone=way(
        "You clip above only. What holds a token back whose advantage is negative?",
        clamp=lambda self, ratio, clip: ratio.clamp(max=1 + clip),
    ),
    clips_below_alone=way(
        "You clip below only. What holds a token back whose advantage is positive?",
        clamp=lambda self, ratio, clip: ratio.clamp(min=1 - clip),
    ),
    clips_the_wrong_numbers=way(
        "You clip to 0 … clip, or to -clip … clip. Around which number lie ratios?",
        clamp=lambda self, ratio, clip: ratio.clamp(-clip, clip),
    ),
    takes_the_difference_for_the_ratio=way(
        "Your ratio is a difference of logarithms. How do you get from it to a ratio?",
        ratio=lambda self, logprobs, old: logprobs - old,
    ),
    turns_the_ratio_round=way(
        "The old policy stands above in your ratio. Which of the two is to become likelier?",
        ratio=lambda self, logprobs, old: (old - logprobs).exp(),
    ),
    takes_the_ratio_of_whole_replies=way(
        "You take one ratio for a whole reply. At what does the formula take it?",
        ratio=lambda self, logprobs, old: (logprobs - old).sum(dim=-1, keepdim=True).exp().expand_as(logprobs),
    ),
    compares_with_the_reference=way(
        "Your ratio is against the reference. Who drew the replies?", __call__=against_the_reference
    ),
    takes_itself_for_the_old=way(
        "Your ratio is always 1. Which policy drew the replies, and where are its log-probabilities?",
        ratio=lambda self, logprobs, old: (logprobs - logprobs.detach()).exp(),
    ),
    divides_itself_by_itself=way(
        "Your ratio is always 1, and has no gradient: above and below stand the same numbers. Whose stand below?",
        ratio=lambda self, logprobs, old: (logprobs - logprobs).exp(),
    ),
    keeps_the_old_graph=way(
        "A gradient goes into the old policy. Where both are the same tensor, what is left of it?",
        fixed=lambda self, old_logprobs: old_logprobs,
    ),
    lets_advantages_learn=way(
        "A gradient goes into the advantages. Are they numbers here, or something to learn?",
        fixed_advantages=lambda self, advantages: advantages,
    ),
    lets_the_reference_learn=way(
        "A gradient goes into the reference. Who is to move towards whom?",
        cost=lambda self, logprobs, reference, beta: beta * self.distance(reference - logprobs),
    ),
    takes_the_mean_of_means=way(
        "You take the mean of the replies' means. How much does a word count in a reply that has many?",
        mean=mean_of_means,
    ),
    divides_by_all_places=way(
        "You divide by all places, padding included. Of how many tokens is the loss a mean?",
        mean=lambda self, objective, mask: (objective * mask).mean(),
    ),
    divides_by_the_replies=way(
        "You divide by the number of replies. Of what is the loss a mean?",
        mean=lambda self, objective, mask: (objective * mask).sum() / len(mask),
    ),
    ignores_the_mask=way(
        "Prompt and padding count too. Where do you use the mask?", mean=lambda self, objective, mask: objective.mean()
    ),
    rewards_the_distance=way(
        "Distance is rewarded. With which sign does it stand in the objective?",
        cost=lambda self, logprobs, reference, beta: -Clipped.cost(self, logprobs, reference, beta),
    ),
    ignores_the_distance=way(
        "The distance costs nothing. Where do you use beta?", cost=lambda self, logprobs, reference, beta: 0.0
    ),
    takes_another_distance=way(
        "Your distance is not k3. Which of the three estimates is asked for?", distance=lambda self, log_r: -log_r
    ),
    takes_the_square_for_the_distance=way(
        "Your distance is k2. Which of the three estimates is asked for?",
        distance=lambda self, log_r: log_r.square() / 2,
    ),
    turns_the_distance_round=way(
        "You measure from the reference to the policy. Which of the two drew the tokens?",
        distance=lambda self, log_r: Clipped.distance(self, -log_r),
    ),
    is_zero=way(
        "Your loss and its gradient are zero. What can be learned from that?",
        mean=lambda self, objective, mask: 0.0 * objective[mask].sum(),
    ),
    has_no_gradient=way(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, objective, mask: objective[mask].mean().detach(),
    ),
    gives_nan_for_nothing=way(
        "A mask that selects nothing gives NaN. Who will find out where it came from?",
        nothing=lambda self, logprobs: logprobs.sum() * math.nan,
    ),
)


# --- dpo_loss -----------------------------------------------------------------------------------------------

WHOLE = ("chosen", "rejected", "reference_chosen", "reference_rejected")


def four(rng: torch.Generator, n: int = 6) -> dict[str, Tensor]:
    """Log-probabilities of whole replies, of both kinds, under policy and reference."""
    return {name: 4 * log_probabilities(rng, n) for name in WHOLE}


@reward.check("dpo_loss", points=0.25)
def preferred_for_having_become_likelier(dpo_loss, rng):
    """The loss is Bradley and Terry's, of beta times how much likelier each reply is than for the reference."""
    its = four(rng)
    policy = {key: its[key] for key in WHOLE[:2]}
    reference = {key: its[key] for key in WHOLE[2:]}
    return {
        f"beta={beta}": learned(lambda **leaves: dpo_loss(**leaves, **reference, beta=beta), **policy)
        for beta in (0.1, 0.5)
    }


@reward.check("dpo_loss", points=0.25)
def beta_is_a_tenth(dpo_loss, rng):
    """Where beta is not given it is 0.1; where the policy is the reference, the loss is log 2 whatever beta is."""
    its = four(rng)
    same = [its["chosen"], its["rejected"], its["chosen"], its["rejected"]]
    return {"not given": dpo_loss(**its), "0.1": dpo_loss(**its, beta=0.1), "no move": dpo_loss(*same, beta=3.0)}


@reward.check("dpo_loss", points=0.25)
def the_reference_learns_nothing(dpo_loss, rng):
    """No gradient goes into the reference; those of chosen and rejected are of the same size, and opposite."""
    return learned(dpo_loss, **four(rng))


@reward.check("dpo_loss", points=0.25, rtol=1e-6)
def exact_where_replies_have_moved_far(dpo_loss, rng):
    """Replies that have become a thousand nats likelier or less likely give finite losses and gradients."""
    its = four(rng, 4)
    its["chosen"] = its["chosen"] + torch.tensor([1e3, -1e3, 5e2, -2e3])
    reference = {key: its.pop(key) for key in WHOLE[2:]}
    return learned(lambda **leaves: dpo_loss(**leaves, **reference, beta=0.5), **its)


class Direct:
    """DPO with its parts to override, so that one of them can be wrong."""

    usual = 0.1

    def __call__(self, chosen, rejected, reference_chosen, reference_rejected, beta=None):
        beta = self.usual if beta is None else beta
        fixed = self.fixed(reference_chosen), self.fixed(reference_rejected)
        return self.mean(self.surprise(self.difference(chosen, rejected, *fixed, beta)))

    def fixed(self, reference):
        return reference.detach()

    def difference(self, chosen, rejected, reference_chosen, reference_rejected, beta):
        return beta * (self.reward(chosen, reference_chosen) - self.reward(rejected, reference_rejected))

    def reward(self, policy, reference):
        return policy - reference

    def surprise(self, difference):
        return -F.logsigmoid(difference)

    def mean(self, surprises):
        return surprises.mean()


known(
    "dpo_loss",
    Direct,
    swaps_the_two=way(
        "What was rejected becomes likelier. Which of the two stands first in the difference?",
        difference=lambda self, *its: -Direct.difference(self, *its),
    ),
    leaves_out_the_reference=way(
        "The reference is left out. How likely was each reply to begin with?",
        reward=lambda self, policy, reference: policy,
    ),
    adds_the_reference=way(
        "You add the reference. When has a reply become likelier?",
        reward=lambda self, policy, reference: policy + reference,
    ),
    leaves_out_beta=way(
        "beta changes nothing. What does it multiply?",
        difference=lambda self, *its: Direct.difference(self, *its[:4], 1.0),
    ),
    takes_beta_twice=way(
        "beta is there twice. Is it in the rewards already?",
        difference=lambda self, *its: its[4] * Direct.difference(self, *its),
    ),
    divides_by_beta=way(
        "You divide by beta. Does a larger one hold the policy closer, or let it go?",
        difference=lambda self, *its: Direct.difference(self, *its) / its[4] ** 2,
    ),
    takes_another_beta=way("Without a beta you take another one. Which is asked for?", usual=1.0),
    lets_the_reference_learn=way(
        "A gradient goes into the reference. Who is to move?", fixed=lambda self, reference: reference
    ),
    takes_ratios=way(
        "You take ratios where their logarithms are asked for. How large can a ratio of whole replies become?",
        reward=lambda self, policy, reference: (policy - reference).exp(),
    ),
    forgets_the_sigmoid=way(
        "Your loss is a straight line. Where is the σ, and what does it do once a pair is learned?",
        surprise=lambda self, difference: -difference,
    ),
    runs_out_of_digits=way(
        "Large differences give infinities or NaN. Which function gives log σ in one go?",
        surprise=lambda self, difference: -torch.log(torch.sigmoid(difference)),
    ),
    turns_the_sign=way(
        "Your loss is negative. Is a surprise ever?", surprise=lambda self, difference: F.logsigmoid(difference)
    ),
    adds_up=way(
        "Your loss grows with the number of comparisons. By what do you divide the sum?",
        mean=lambda self, surprises: surprises.sum(),
    ),
    takes_the_mean_too_early=way(
        "You take the mean of the differences. Of what is the loss the mean?",
        difference=lambda self, *its: Direct.difference(self, *its).mean(),
    ),
    is_zero=way(
        "Your loss and its gradient are zero. What can be learned from that?", mean=lambda self, its: 0.0 * its.sum()
    ),
    has_no_gradient=way(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, surprises: surprises.detach().mean(),
    ),
)


# --- best_of_n ----------------------------------------------------------------------------------------------


def texts(rng: torch.Generator, B: int, n: int) -> list[list[str]]:
    """Replies that are all different."""
    numbers = torch.randperm(1000, generator=rng)[: B * n].view(B, n).tolist()
    return [[f"reply {number}" for number in row] for row in numbers]


@reward.check("best_of_n", points=0.25)
def the_one_with_the_highest_reward(best_of_n, rng):
    """Of the replies to each prompt the one with the highest reward, whatever those to other prompts earned."""
    level = torch.tensor([[0.0], [100.0], [-100.0], [3.0]])
    return {
        "4 prompts, 5 replies": best_of_n(texts(rng, 4, 5), normal(rng, 4, 5) + level),
        "rewards below zero": best_of_n(texts(rng, 4, 3), -3 - torch.rand(4, 3, generator=rng)),
        "a single reply to each": best_of_n(texts(rng, 3, 1), normal(rng, 3, 1)),
    }


@reward.check("best_of_n", points=0.25)
def the_first_of_equals(best_of_n, rng):
    """Where several replies earn the same, the first of them is kept."""
    equal = torch.tensor([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 2.0, 2.0]])
    return best_of_n(texts(rng, 3, 4), equal)


@reward.check("best_of_n", points=0.25)
def numbers_that_agree(best_of_n, rng):
    """Rewards that do not fit the replies, in prompts or in replies to one of them, are a ValueError."""
    replies = texts(rng, 3, 4)
    shapes = ((3, 4), (2, 4), (4, 4), (3, 3), (3, 5))
    seen = {f"rewards {shape}": ending(lambda: best_of_n(replies, torch.zeros(shape))) for shape in shapes}
    return seen | {"one reply fewer": ending(lambda: best_of_n([*replies[:2], replies[2][:3]], torch.zeros(3, 4)))}


class Best:
    """Best-of-n with its parts to override, so that one of them can be wrong."""

    def __call__(self, replies: Sequence[Sequence[str]], rewards: Tensor):
        self.agree(replies, rewards)
        return [self.keep(its, row) for its, row in zip(replies, rewards)]

    def agree(self, replies, rewards):
        if [len(its) for its in replies] != [rewards.size(1)] * rewards.size(0):
            raise ValueError("numbers")

    def keep(self, its, row):
        return its[int(row.argmax())]


def of_the_whole_batch(self: Best, replies, rewards):
    self.agree(replies, rewards)
    at = int(rewards.max(dim=0).values.argmax())
    return [its[at] for its in replies]


def one_for_all(self: Best, replies, rewards):
    self.agree(replies, rewards)
    row, at = divmod(int(rewards.argmax()), rewards.size(1))
    return [replies[row][at]] * len(replies)


def prompts_alone(self: Best, replies, rewards):
    if len(replies) != len(rewards):
        raise ValueError("prompts")


known(
    "best_of_n",
    Best,
    keeps_the_worst=way(
        "You keep the worst. Is a high reward good?", keep=lambda self, its, row: its[int(row.argmin())]
    ),
    keeps_the_first=way(
        "You keep the first of each. Where do you use the rewards?", keep=lambda self, its, row: its[0]
    ),
    keeps_the_last_of_equals=way(
        "Of equals you keep the last. Which one is asked for?",
        keep=lambda self, its, row: its[len(row) - 1 - int(row.flip(0).argmax())],
    ),
    keeps_the_largest_size=way(
        "You keep the reward that is farthest from zero. Is -5 better than 1?",
        keep=lambda self, its, row: its[int(row.abs().argmax())],
    ),
    takes_one_place_for_all=way(
        "You keep the same place for all prompts. Along which dimension do the replies to one prompt stand?",
        __call__=of_the_whole_batch,
    ),
    keeps_one_for_all=way(
        "All prompts get the same reply, the best of the whole batch. Among which replies is each to be sought?",
        __call__=one_for_all,
    ),
    gives_places=way("You give places. Who is to read them?", keep=lambda self, its, row: int(row.argmax())),
    takes_what_does_not_fit=way(
        "Rewards that do not fit the replies pass. What does `zip` do with what is left over?",
        agree=lambda self, replies, rewards: None,
    ),
    looks_at_the_prompts_alone=way(
        "You compare the number of prompts only. How many replies has each, and how many rewards?", agree=prompts_alone
    ),
)
