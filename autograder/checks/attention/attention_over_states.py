"""`attention_over_states`: equal states come back, their order does not matter, the query decides; then the numbers."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import equal_rows
from autograder.checks.common import gradients, normal

exercise = Exercise("attention_over_states")


def recurrent_states(rng: torch.Generator, B: int = 3, T: int = 5) -> list[Tensor]:
    """query, states, w_query, w_states, v with d_query, d_state, d_align = 4, 6, 7."""
    return [normal(rng, *shape) for shape in ((B, 4), (B, T, 6), (4, 7), (6, 7), (7,))]


@exercise.promise("the context is the weighted mean", broken_by="sums_the_states")
@exercise.check(points=0.125)
def equal_states_come_back(attention_over_states, rng):
    """Where all states of a text are equal, their weighted mean is that same state, and the weights sum to one."""
    query, _, w_query, w_states, v = recurrent_states(rng)
    context, weights = attention_over_states(query, equal_rows(rng, 3, 5, 6), w_query, w_states, v)
    return {"context": context, "the sum of the weights": weights.sum(-1)}


@exercise.promise("The weights are the softmax of a text's scores", broken_by="weights_over_the_batch")
@exercise.check(points=0.125, invariant=True)
def the_order_of_states_does_not_matter(attention_over_states, rng):
    """Shuffling the states shuffles the weights along and leaves the context as it was; another query does not."""
    query, states, *weights = recurrent_states(rng)
    order = torch.tensor([1, 2, 3, 4, 0])
    context, before = attention_over_states(query, states, *weights)
    context_after, after = attention_over_states(query, states[:, order], *weights)
    other = attention_over_states(-query, states, *weights)[1]
    return {
        "before": [context, before[:, order]],
        "after": [context_after, after],
        "must differ": [before, other],
        "change": "the first state was moved to the end",
    }


@exercise.promise("with weights that depend on the query", broken_by="ignores_the_query")
@exercise.promise("`v · tanh(query @ w_query + state @ w_states)`", broken_by="no_tanh")
@exercise.promise("the softmax", broken_by="returns_scores_for_weights")
@exercise.promise("one number, the score", broken_by="divides_by_the_root_of_the_width")
@exercise.promise("however large the scores are", broken_by="takes_exponentials_of_the_scores")
@exercise.check(points=0.25)
def the_query_decides(attention_over_states, rng):
    """The weights are the softmax of v · tanh(query @ w_query + state @ w_states), also where scores are large."""
    query, states, *weights = recurrent_states(rng)
    seen = {
        "the weights": attention_over_states(query, states, *weights)[1],
        "the weights for another query": attention_over_states(normal(rng, 3, 4), states, *weights)[1],
    }
    for where, numbers in (("thousands", [-2.0, 0.0, 2.0]), ("thousands, all above zero", [0.5, 1.5, 1.0])):
        text = torch.tensor([numbers]).unsqueeze(-1)
        for sign, named in ((1e3, where), (-1e3, f"{where}, turned round")):
            given = torch.zeros(1, 4), text, weights[0], torch.ones(1, 7), sign * torch.ones(7)
            seen[f"the weights for scores in the {named}"] = attention_over_states(*given)[1]
    ones = torch.ones(1, 7), torch.ones(7)
    texts = torch.tensor([[0.5, 1.5, 1.0], [-0.5, -1.5, -1.0]]).unsqueeze(-1)
    far = torch.tensor([[-200.0, 0.0, 300.0, 0.5]]).unsqueeze(-1)
    query, text, *weights = recurrent_states(rng)
    attention_over_states(query, text, *weights)
    weights[1].neg_()
    seen["the weights after w_states has learnt"] = attention_over_states(query, text, *weights)[1]
    return seen | {
        "the weights of two texts, one far above the other": attention_over_states(
            torch.zeros(2, 4), texts, torch.ones(4, 7), ones[0], 1e3 * ones[1]
        )[1],
        "the weights where the tanh is of hundreds": attention_over_states(
            torch.zeros(1, 4), far, torch.ones(4, 7), ones[0], 0.1 * ones[1]
        )[1],
    }


@exercise.promise("a weighted mean of all states", broken_by="reads_the_last_64_states")
@exercise.promise("states of zeros included", broken_by="takes_zeros_for_padding")
@exercise.check(points=0.125)
def all_states_are_read(attention_over_states, rng):
    """Every state is read, however long the text is, and one of zeros like any other."""
    query, states, w_query, w_states, v = recurrent_states(rng, B=2, T=300)
    states[0, 7:9], states[1, -1] = 0.0, 0.0
    w_query, w_states, v = (0.2 * weight for weight in (w_query, w_states, v))
    context, weights = attention_over_states(query, states, w_query, w_states, v)
    return {"300 weights, times 300": 300 * weights, "the context": context}


@exercise.promise("-> context (B, d_state), weights (B, T)", broken_by="squeezes_every_dimension_of_one")
@exercise.promise("context, weights", broken_by="returns_the_weights_first")
@exercise.promise("A batch of $B$ queries, each with its own states", broken_by="asks_with_the_first_query_alone")
@exercise.check(points=0.125)
def sizes_of_one(attention_over_states, rng):
    """A batch of one, a text of one state, states and scores of width one keep their dimensions; first the context.

    States may lie in memory position by position, as a recurrent network leaves them.
    """
    seen = {}
    for B, T, d_query, d_state, d_align in (
        (1, 5, 4, 6, 7),
        (3, 1, 4, 6, 7),
        (3, 5, 1, 1, 1),
        (4, 4, 2, 3, 5),
        (1,) * 5,
    ):
        shapes = (B, d_query), (B, T, d_state), (d_query, d_align), (d_state, d_align), (d_align,)
        context, weights = attention_over_states(*(normal(rng, *shape) for shape in shapes))
        seen[f"B, T = {B}, {T}, widths {d_query}, {d_state}, {d_align}"] = [context, weights]
    query, states, *weights = recurrent_states(rng)
    across_memory = states.transpose(0, 1).contiguous().transpose(0, 1)
    return seen | {"states that do not lie in one row": list(attention_over_states(query, across_memory, *weights))}


@exercise.promise("the gradient of context and weights reaches every input", broken_by="cuts_the_weights_off")
@exercise.check(points=0.25)
def context_and_gradients(attention_over_states, rng):
    """The context mixes the states by these weights, and the gradient of both reaches every input."""
    names = ("query", "states", "w_query", "w_states", "v")
    given, seen = recurrent_states(rng), {}
    for place, what in enumerate(("context", "weights")):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in zip(names, given, strict=True)}
        result = attention_over_states(*leaves.values())[place]
        seen |= {what: result}
        seen |= {f"{name}, of the {what}": grad for name, grad in gradients(result, leaves, rng).items()}
    leaves = {"w_query": (-60 * torch.ones(4, 7)).requires_grad_(), "v": given[4].clone().requires_grad_()}
    context, _ = attention_over_states(torch.ones(3, 4), given[1], leaves["w_query"], given[3], leaves["v"])
    return seen | {f"{name}, far out": grad for name, grad in gradients(context, leaves, rng).items()}


@exercise.mistake(
    hint="The softmax makes the texts of the batch share one unit of weight. Which axis of the scores (B, T) holds "
    "the positions of one text?"
)
def weights_over_the_batch(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = torch.softmax(scores, dim=0)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(
    hint="Without the bend of a tanh, does the query still change which state scores highest, or does it add the "
    "same number to all?"
)
def no_tanh(query, states, w_query, w_states, v):
    weights = torch.softmax(((query @ w_query).unsqueeze(1) + states @ w_states) @ v, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(hint="Two different queries get the same weights. Where does the query enter your scores?")
def ignores_the_query(query, states, w_query, w_states, v):
    weights = torch.softmax(torch.tanh(states @ w_states) @ v, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(hint="The context is the plain sum of all states. Where do the weights come in?")
def sums_the_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    return states.sum(1), torch.softmax(scores, dim=-1)


@exercise.mistake(hint="The weights you return do not sum to one. Are they the scores, before the softmax?")
def returns_scores_for_weights(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    return (torch.softmax(scores, dim=-1).unsqueeze(-1) * states).sum(1), scores


@exercise.mistake(
    hint="The query is added outside the tanh, so it adds the same number to all scores. Should it not go in?"
)
def adds_the_query_after_the_tanh(query, states, w_query, w_states, v):
    scores = (torch.tanh(states @ w_states) + (query @ w_query).unsqueeze(1)) @ v
    weights = torch.softmax(scores, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(hint="Far apart or all large, your scores become infinite or NaN. What does softmax take away first?")
def takes_exponentials_of_the_scores(query, states, w_query, w_states, v):
    exponentials = torch.exp(torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v)
    weights = exponentials / exponentials.sum(-1, keepdim=True)
    return (weights.unsqueeze(-1) * states).sum(1), weights


def weighed(query, states, w_query, w_states, v, keep=None, divisor=1.0):
    """The right way, with some states hidden, or scores divided."""
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v / divisor
    weights = torch.softmax(scores if keep is None else scores.masked_fill(~keep, float("-inf")), dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(hint="Your scores are divided by something. Is there a division in the formula of this exercise?")
def divides_by_the_root_of_the_width(query, states, w_query, w_states, v):
    return weighed(query, states, w_query, w_states, v, divisor=v.numel() ** 0.5)


@exercise.mistake(hint="Your scores stop growing at some size. Do two large scores that differ get the same weight?")
def holds_scores_within_30(query, states, w_query, w_states, v):
    scores = (torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v).clamp(-30, 30)
    weights = torch.softmax(scores, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@exercise.mistake(hint="In a long text the first states get no weight. How many states does the mean go over?")
def reads_the_last_64_states(query, states, w_query, w_states, v):
    keep = torch.arange(states.size(1)) >= states.size(1) - 64
    return weighed(query, states, w_query, w_states, v, keep)


@exercise.mistake(hint="A state of zeros gets no weight. Who says that it is no state?")
def takes_zeros_for_padding(query, states, w_query, w_states, v):
    return weighed(query, states, w_query, w_states, v, (states != 0).any(-1))


@exercise.mistake(hint="A dimension of size one is lost. Which dimensions does a bare `squeeze` take away?")
def squeezes_every_dimension_of_one(query, states, w_query, w_states, v):
    return tuple(result.squeeze() for result in weighed(query, states, w_query, w_states, v))


@exercise.mistake(hint="The weights come first. In which order does the signature have the two?")
def returns_the_weights_first(query, states, w_query, w_states, v):
    return weighed(query, states, w_query, w_states, v)[::-1]


@exercise.mistake(hint="All texts are asked by the first query. Which query belongs to which text?")
def asks_with_the_first_query_alone(query, states, w_query, w_states, v):
    return weighed(query[:1].expand_as(query), states, w_query, w_states, v)


@exercise.mistake(
    hint="The context is right, but from it no gradient reaches the weights. What do `detach`, `item` or `no_grad` "
    "cut off?"
)
def cuts_the_weights_off(query, states, w_query, w_states, v):
    weights = weighed(query, states, w_query, w_states, v)[1]
    return (weights.detach().unsqueeze(-1) * states).sum(1), weights


exercise.edges(
    empty="A mean of no states is not defined, and a recurrent network that has read has one.",
    one="sizes_of_one",
    equal="equal_states_come_back",
    zero="all_states_are_read",
    ties="equal_states_come_back",
    large="the_query_decides",
    small="the_query_decides",
    limit="all_states_are_read",
    shapes="sizes_of_one",
    modes="There is no layer that has a mode.",
    gradients="What is given stays as it was, gradients included; the grader compares it.",
    inputs="context_and_gradients",
)
