"""`RewardModel`: at first all replies are worth nothing, the number at the last token counts, padding says nothing, and
all of it learns.
"""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal

exercise = Exercise("RewardModel")


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


@exercise.check(points=0.25)
def at_first_all_are_worth_nothing(RewardModel, rng):
    """`head` is a linear layer to one number, without a bias, that begins with zeros; so do all rewards."""
    model = RewardModel(Small(rng))
    return {
        "rewards": model(*padded_rows(rng)),
        "head": [list(model.head.weight.shape), model.head.bias is None, model.head.weight.abs().max()],
        "on the device meta": str(RewardModel(Small(rng).to("meta")).head.weight.device),
    }


@exercise.check(points=0.25)
def the_number_at_the_last_token(RewardModel, rng):
    """The reward of a row is read, behind the norm, at its last token that is no padding."""
    model = grader(RewardModel, rng)
    tokens, lengths = padded_rows(rng)
    return {
        "rewards": model(tokens, lengths),
        "padding in all rows": model(tokens[2:], lengths[2:]),
        "a row alone": model(tokens[2:3, :2], lengths[2:3]),
    }


@exercise.check(points=0.25, invariant=True)
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


@exercise.check(points=0.25)
def all_of_it_learns(RewardModel, rng):
    """A comparison teaches the head, the norm, the blocks and the embedding."""
    model = grader(RewardModel, rng)
    (model(*padded_rows(rng)) * normal(rng, 4)).sum().backward()
    parts = {"the head": model.head, "the norm": model.model.norm, "the embedding": model.model.embedding}
    parts |= {f"block {i}": block for i, block in enumerate(model.model.blocks)}
    return {f"the gradient of {words}": next(part.parameters()).grad for words, part in parts.items()}


@exercise.check(points=0.25)
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


mistakes(
    exercise,
    Grader,
    reads_the_end_of_the_row=mistake(
        "You read at the end of the row, which is padding for all but the longest. Where does the reply end?",
        pick=lambda self, x, lengths: x[:, -1],
    ),
    reads_behind_the_last=mistake(
        "You read one place behind the last token. Where is the last of n tokens, counted from 0?",
        pick=lambda self, x, lengths: x[torch.arange(len(x)), lengths.clamp(max=x.size(1) - 1)],
    ),
    reads_the_first=mistake(
        "You read at the first token. What has it seen of the reply?", pick=lambda self, x, lengths: x[:, 0]
    ),
    takes_the_mean=mistake(
        "You take a mean over the places of the row. Which single place has seen all of it?", pick=mean_of_the_reply
    ),
    takes_the_mean_with_padding=mistake(
        "You take a mean over all places, padding included. What does padding say about a reply?",
        pick=lambda self, x, lengths: x.mean(dim=1),
    ),
    forgets_the_norm=mistake(
        "The norm is left out. What stands in front of the output of the language model?", normed=lambda self, x: x
    ),
    skips_the_blocks=mistake(
        "You read the embedding of the last token. What do the blocks do?",
        read=lambda self, tokens: self.model.embedding(tokens),
    ),
    skips_a_block=mistake(
        "One of the blocks is left out. Does each of them get what the one before it gave?",
        read=lambda self, tokens: self.model.blocks[0](self.model.embedding(tokens))[0],
    ),
    begins_with_noise=mistake(
        "The head begins with random numbers. What would it prefer before anybody has compared anything?",
        begin=head_as_it_comes,
    ),
    has_a_bias=mistake(
        "The head has a bias. What would it change about a difference of rewards?", begin=head_with_a_bias
    ),
    freezes_the_model=mistake(
        "Only the head learns. What cuts the gradient off before the blocks?",
        read=lambda self, tokens: Grader.read(self, tokens).detach(),
    ),
    stays_in_short_numbers=mistake(
        "Under autocast your rewards are bfloat16. How many digits has a difference of two that are nearly equal?",
        shape=lambda self, numbers: numbers.squeeze(-1),
    ),
    keeps_a_dimension=mistake(
        "Your rewards are (B, 1). A difference of (B, 1) and (B) is (B, B): where does the last dimension go?",
        shape=lambda self, numbers: numbers.float(),
    ),
)
