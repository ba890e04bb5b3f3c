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


@exercise.check(points=0.25)
def equal_states_come_back(attention_over_states, rng):
    """Where all states of a text are equal, their weighted mean is that same state, and the weights sum to one."""
    query, _, w_query, w_states, v = recurrent_states(rng)
    context, weights = attention_over_states(query, equal_rows(rng, 3, 5, 6), w_query, w_states, v)
    return {"context": context, "the sum of the weights": weights.sum(-1)}


@exercise.check(points=0.25, invariant=True)
def the_order_of_states_does_not_matter(attention_over_states, rng):
    """Shuffling the states shuffles the weights along and leaves the context as it was; another query does not."""
    query, states, *weights = recurrent_states(rng)
    order = torch.tensor([1, 2, 3, 4, 0])
    context, before = attention_over_states(query, states, *weights)
    context_after, after = attention_over_states(query, states[:, order], *weights)
    other = attention_over_states(-query, states, *weights)[1]
    return {"before": [context, before[:, order]], "after": [context_after, after], "must differ": [before, other]}


@exercise.check(points=0.25)
def the_query_decides(attention_over_states, rng):
    """The weights are the softmax of v · tanh(query @ w_query + state @ w_states): each query weighs in its own way."""
    query, states, *weights = recurrent_states(rng)
    return {
        "the weights": attention_over_states(query, states, *weights)[1],
        "the weights for another query": attention_over_states(normal(rng, 3, 4), states, *weights)[1],
        "the weights for scores in the thousands": attention_over_states(
            torch.zeros(1, 4),
            torch.tensor([[-2.0, 0.0, 2.0]]).unsqueeze(-1),
            weights[0],
            torch.ones(1, 7),
            1e3 * torch.ones(7),
        )[1],
    }


@exercise.check(points=0.25)
def context_and_gradients(attention_over_states, rng):
    """The context mixes the states by these weights, and the gradient reaches every input."""
    names = ("query", "states", "w_query", "w_states", "v")
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(names, recurrent_states(rng), strict=True)}
    context, _ = attention_over_states(*leaves.values())
    return {"context": context, **gradients(context, leaves, rng)}


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
