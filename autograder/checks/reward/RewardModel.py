"""`RewardModel`: at first all replies are worth nothing, the number at the last token counts, padding says nothing, and
all of it learns.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes, normal

exercise = Exercise("RewardModel")


class Mixing(nn.Module):
    """A block: each position adds something of the mean of those up to it, and of a state where one is handed in.

    It gives a state too, as blocks do, and in evaluation mode adds half as much, as a block with dropout is another.
    """

    def __init__(self, rng: torch.Generator, d_model: int):
        super().__init__()
        self.weight = nn.Parameter(normal(rng, d_model, d_model) / d_model**0.5)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        T = x.size(1)
        seen = torch.ones(T, T).tril() / torch.arange(1, T + 1).unsqueeze(-1)
        moved = torch.tanh(seen @ x @ self.weight) + (0.0 if state is None else state)
        return x + (moved if self.training else moved / 2), moved.mean(dim=1, keepdim=True)


class Small(nn.Module):
    """A model with the parts of a `GPT` that a reward model uses, and an output that it does not."""

    def __init__(self, rng: torch.Generator, vocab_size: int = 11, d_model: int = 6, n_blocks: int = 3):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Mixing(rng, d_model) for _ in range(n_blocks))
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
    """Rows of 5, 8, 2 and 7 tokens, padded to 8, with anything; the last one ends with token 0."""
    tokens = torch.randint(11, (4, 8), generator=rng)
    tokens[0, 6:], tokens[3, 6] = torch.tensor([3, 0]), 0
    return tokens, torch.tensor([5, 8, 2, 7])


def grader(RewardModel, rng: torch.Generator, n_blocks: int = 3) -> tuple[Any, Small]:
    """The learner's reward model, with a head that says something, and the model of which it is made."""
    small = Small(rng, n_blocks=n_blocks)
    model = RewardModel(small)
    with torch.no_grad():
        model.head.weight.copy_(normal(rng, *model.head.weight.shape))
    return model, small


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
        self.tokens = tokens
        return self.shape(self.head(self.pick(self.normed(self.read(tokens)), lengths)))

    def read(self, tokens, fixed=False):
        x = self.model.embedding(tokens)
        x = x.detach() if fixed else x
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


def head_on_the_cpu(self: Grader, model: nn.Module) -> None:
    Grader.__init__(self, model)
    self.head = self.begin(model.embedding.embedding_dim)


def head_as_the_model(self: Grader, model: nn.Module) -> None:
    Grader.__init__(self, model)
    self.head.to(model.embedding.weight.dtype)


def read_of_a_copy(self: Grader, model: nn.Module) -> None:
    Grader.__init__(self, copy.deepcopy(model))


def read_with_states(self: Grader, tokens: Tensor) -> Tensor:
    x, state = self.model.embedding(tokens), None
    for block in self.model.blocks:
        x, state = block(x, state)
    return x


def read_in_evaluation_mode(self: Grader, tokens: Tensor) -> Tensor:
    self.model.eval()
    return Grader.read(self, tokens)


def last_that_is_not_zero(self: Grader, x: Tensor, lengths: Tensor) -> Tensor:
    guessed = torch.where(self.tokens != 0, torch.arange(x.size(1)), 0).amax(dim=-1) + 1
    return Grader.pick(self, x, guessed)


def without_looking(self: Grader, tokens: Tensor, lengths: Tensor) -> Tensor:
    return self.shape(self.head(self.pick(self.normed(self.read(tokens)), lengths.clamp(1, tokens.size(1)))))


@exercise.promise("one weight for each coordinate and no bias", "has_a_bias")
@exercise.promise("which begins with zeros", "begins_with_noise")
@exercise.promise("on the model's device", "leaves_the_head_on_the_cpu")
@exercise.promise("in float32 whatever the model is in", "takes_the_type_of_the_model")
@exercise.check(points=0.25)
def at_first_all_are_worth_nothing(RewardModel, rng):
    """`head` is a linear layer to one number, without a bias, that begins with zeros; so do all rewards."""
    model = RewardModel(Small(rng))
    return {
        "rewards": model(*padded_rows(rng)),
        "head": [list(model.head.weight.shape), model.head.bias is None, model.head.weight.abs().max()],
        "the head of a model in 16 bits": str(RewardModel(Small(rng).bfloat16()).head.weight.dtype),
        "on the device meta": str(RewardModel(Small(rng).to("meta")).head.weight.device),
    }


@exercise.promise("read at its last token", "reads_the_end_of_the_row")
@exercise.promise("the tokens of each row that are no padding", "guesses_the_lengths")
@exercise.promise("the embedding, all blocks and the norm are used", "forgets_the_norm")
@exercise.promise("The embedding, the blocks and the last norm of the model are kept", "skips_a_block")
@exercise.promise("a state, which is not needed here", "hands_the_state_on")
@exercise.promise("multiply by one weight for each coordinate", "bounds_the_rewards")
@exercise.check(points=0.25)
def the_number_at_the_last_token(RewardModel, rng):
    """The reward of a row is read, behind the norm, at its last token that is no padding."""
    model, _ = grader(RewardModel, rng)
    tokens, lengths = padded_rows(rng)
    seen = {
        "rewards": model(tokens, lengths),
        "rows that are columns in memory": model(tokens.mT.contiguous().mT, apart(lengths)),
        "padding in all rows": model(tokens[2:], lengths[2:]),
        "a row alone": model(tokens[2:3, :2], lengths[2:3]),
        "a single token": model(tokens[1:2, :1], lengths.new_ones(1)),
        "of one block": grader(RewardModel, rng, n_blocks=1)[0](tokens, lengths),
    }
    with torch.no_grad():
        seen["without gradients"] = model(tokens, lengths)
    model.eval()
    return seen | {"in evaluation mode": model(tokens, lengths)}


@exercise.promise("padding behind them", "takes_the_mean_with_padding")
@exercise.check(points=0.25, invariant=True)
def padding_says_nothing(RewardModel, rng):
    """Whatever stands behind the last token, the reward is the same; other words within the reply change it."""
    model, _ = grader(RewardModel, rng)
    tokens, lengths = padded_rows(rng)
    inside = torch.arange(8) < lengths.unsqueeze(-1)
    moved = (tokens + 1) % 11
    return {
        "before": model(tokens, lengths),
        "after": model(torch.where(inside, tokens, moved), lengths),
        "must differ": [model(tokens, lengths), model(torch.where(inside, moved, tokens), lengths)],
        "change": "other tokens were put behind the reply",
    }


@exercise.promise("are used, and learn", "teaches_the_head_alone")
@exercise.check(points=0.25)
def all_of_it_learns(RewardModel, rng):
    """A comparison teaches the head and, of the model that was given, the norm, the blocks and the embedding."""
    model, small = grader(RewardModel, rng)
    (model(*padded_rows(rng)) * normal(rng, 4)).sum().backward()
    parts = {"the head": model.head, "the norm": small.norm, "the embedding": small.embedding}
    parts |= {f"block {i}": block for i, block in enumerate(small.blocks)}
    return {
        f"the gradient of {words}": {name: weight.grad for name, weight in part.named_parameters()}
        for words, part in parts.items()
    }


@exercise.promise("(B), in float32", "keeps_a_dimension")
@exercise.promise("under `torch.autocast` too", "stays_in_short_numbers")
@exercise.promise("Raises ValueError where a length is below 1 or above T", "takes_any_length")
@exercise.check(points=0.25)
def one_number_for_each_row(RewardModel, rng):
    """The result is (B), for one row too, in float32, under autocast too; lengths there are not are a ValueError."""
    (model, _), seen = grader(RewardModel, rng), {}
    tokens, lengths = padded_rows(rng)
    for n in (1, 4):
        result = model(tokens[:n], lengths[:n])
        seen[f"{n} row(s)"] = [list(result.shape), str(result.dtype)]
    with torch.autocast("cpu", torch.bfloat16):
        seen["under autocast"] = str(model(tokens, lengths).dtype)
    for wrong in (0, -1, 9, 8, 1):
        seen[f"a length of {wrong}"] = ending(lambda: model(tokens, torch.tensor([5, wrong, 2, 7])))
    return seen | {"training": model.training}


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
        "You read the first block only. Does each of them get what the one before it gave?",
        read=lambda self, tokens: self.model.blocks[0](self.model.embedding(tokens))[0],
    ),
    begins_with_noise=mistake(
        "The head begins with random numbers. What would it prefer before anybody has compared anything?",
        begin=head_as_it_comes,
    ),
    has_a_bias=mistake(
        "The head has a bias. What would it change about a difference of rewards?", begin=head_with_a_bias
    ),
    leaves_the_head_on_the_cpu=mistake(
        "The head stays on the CPU wherever the model is. What is on the other device when the two meet?",
        __init__=head_on_the_cpu,
    ),
    takes_the_type_of_the_model=mistake(
        "The head of a model in 16 bits is in 16 bits. Which type is asked for?", __init__=head_as_the_model
    ),
    guesses_the_lengths=mistake(
        "You take token 0 for padding. What says how long each row is?", pick=last_that_is_not_zero
    ),
    hands_the_state_on=mistake(
        "Each block gets the state of the one before it. Whose past is in a state?", read=read_with_states
    ),
    turns_learning_off=mistake(
        "You put the model into evaluation mode. Who chooses the mode?", read=read_in_evaluation_mode
    ),
    bounds_the_rewards=mistake(
        "Your rewards lie between two limits. What do you do to the number behind the head?",
        shape=lambda self, numbers: torch.tanh(numbers.squeeze(-1).float()),
    ),
    teaches_the_head_alone=mistake(
        "Of the model that you were given nothing learns. Is the gradient cut off, or is it a copy that you read?",
        __init__=read_of_a_copy,
    ),
    freezes_the_embedding=mistake(
        "The embedding learns nothing. What cuts the gradient off before it?",
        read=lambda self, tokens: Grader.read(self, tokens, fixed=True),
    ),
    takes_any_length=mistake(
        "A length that there is not gives a reward. What is at index -1?", forward=without_looking
    ),
    squeezes_everything=mistake(
        "One row gives a number without a dimension. Which dimension does `squeeze()` take out if you do not say?",
        shape=lambda self, numbers: numbers.squeeze().float(),
    ),
    freezes_the_model=mistake(
        "Nothing in front of the norm learns. What cuts the gradient off before the blocks?",
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

exercise.aside("at first all replies are worth nothing", "It follows from a head of zeros.")
exercise.edges(
    empty="A row of no token is refused.",
    one="the_number_at_the_last_token",
    equal="at_first_all_are_worth_nothing",
    zero="at_first_all_are_worth_nothing",
    ties="No two are compared.",
    large="The head is linear, and the norm has set the scale.",
    small="The head is linear, and the norm has set the scale.",
    limit="one_number_for_each_row",
    shapes="one_number_for_each_row",
    modes="the_number_at_the_last_token",
    gradients="No gradient is put to zero or used here.",
    inputs="all_of_it_learns",
)
