"""The checks of the attention topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First the invariants (a mean of equal things, a hidden future, an order that does not matter), which hold for a
solution that is wrong elsewhere; then the numbers. Sizes differ from each other wherever they may (T, S, d_head,
d_value), so that a mix-up of two axes shows. Extreme scores are built so far apart that the right answer is
exact, whatever the order of the arithmetic.
"""

import math
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from autograder.checking.topic import Topic

attention = Topic("attention")
check = attention.try_out


def lower_triangle(query: Tensor, key: Tensor, ahead: int = 0) -> Tensor:
    """True where a query may read a key, the last query reading up to `ahead` positions past the last key."""
    T, S = query.size(-2), key.size(-2)
    return torch.ones(T, S, dtype=torch.bool).tril(S - T + ahead)


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng)


def inputs(rng: torch.Generator, *batch: int, T: int, S: int, d_head: int, d_value: int) -> list[Tensor]:
    """A random query, key and value."""
    return [normal(rng, *batch, T, d_head), normal(rng, *batch, S, d_head), normal(rng, *batch, S, d_value)]


def equal_rows(rng: torch.Generator, B: int, rows: int, width: int) -> Tensor:
    """One random vector per text, repeated: (B, rows, width)."""
    return normal(rng, B, 1, width).repeat(1, rows, 1)


def extreme(rng: torch.Generator, highest: float, best: int = 3) -> list[Tensor]:
    """Inputs with scores from about -10,000 upwards, 1,000 or more apart, up to 10,000 for `highest` above 0.

    Seven keys in random order, but for the one with the highest score, which stands at `best`.
    """
    order = torch.randperm(6, generator=rng)
    order = torch.cat([order[:best], torch.tensor([6]), order[best:]])
    sizes = torch.linspace(-400, highest, 7)[order]
    query, key = torch.zeros(3, 16), torch.zeros(7, 16)
    query[:, 2], key[:, 2] = torch.tensor([100.0, 70.0, 60.0]), sizes
    return [query, key, normal(rng, 7, 5)]


def gradients(result: Tensor, inputs: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor | None]:
    """The gradient of a random sum of the results, for each input; None where it is cut off."""
    total = (result * normal(rng, *result.shape)).sum()
    if total.requires_grad:
        total.backward()
    return {f"the gradient of {name}": tensor.grad for name, tensor in inputs.items()}


# --- attention_over_states ---------------------------------------------------------------------------------


def recurrent_states(rng: torch.Generator, B: int = 3, T: int = 5) -> list[Tensor]:
    """query, states, w_query, w_states, v with d_query, d_state, d_align = 4, 6, 7."""
    return [normal(rng, *shape) for shape in ((B, 4), (B, T, 6), (4, 7), (6, 7), (7,))]


@attention.check("attention_over_states", points=0.25)
def equal_states_come_back(attention_over_states, rng):
    """Where all states of a text are equal, their weighted mean is that same state, and the weights sum to one."""
    query, _, w_query, w_states, v = recurrent_states(rng)
    context, weights = attention_over_states(query, equal_rows(rng, 3, 5, 6), w_query, w_states, v)
    return {"context": context, "the sum of the weights": weights.sum(-1)}


@attention.check("attention_over_states", points=0.25, invariant=True)
def the_order_of_states_does_not_matter(attention_over_states, rng):
    """Shuffling the states shuffles the weights along and leaves the context as it was; another query does not."""
    query, states, *weights = recurrent_states(rng)
    order = torch.tensor([1, 2, 3, 4, 0])
    context, before = attention_over_states(query, states, *weights)
    context_after, after = attention_over_states(query, states[:, order], *weights)
    other = attention_over_states(-query, states, *weights)[1]
    return {"before": [context, before[:, order]], "after": [context_after, after], "must differ": [before, other]}


@attention.check("attention_over_states", points=0.25)
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


@attention.check("attention_over_states", points=0.25)
def context_and_gradients(attention_over_states, rng):
    """The context mixes the states by these weights, and the gradient reaches every input."""
    names = ("query", "states", "w_query", "w_states", "v")
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(names, recurrent_states(rng), strict=True)}
    context, _ = attention_over_states(*leaves.values())
    return {"context": context, **gradients(context, leaves, rng)}


@attention.mistake(
    "attention_over_states",
    hint="The softmax makes the texts of the batch share one unit of weight. Which axis of the scores (B, T) holds "
    "the positions of one text?",
)
def weights_over_the_batch(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = torch.softmax(scores, dim=0)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@attention.mistake(
    "attention_over_states",
    hint="Without the bend of a tanh, does the query still change which state scores highest, or does it add the "
    "same number to all?",
)
def no_tanh(query, states, w_query, w_states, v):
    weights = torch.softmax(((query @ w_query).unsqueeze(1) + states @ w_states) @ v, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@attention.mistake(
    "attention_over_states",
    hint="Two different queries get the same weights. Where does the query enter your scores?",
)
def ignores_the_query(query, states, w_query, w_states, v):
    weights = torch.softmax(torch.tanh(states @ w_states) @ v, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


@attention.mistake(
    "attention_over_states",
    hint="The context is the plain sum of all states. Where do the weights come in?",
)
def sums_the_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    return states.sum(1), torch.softmax(scores, dim=-1)


@attention.mistake(
    "attention_over_states",
    hint="The weights you return do not sum to one. Are they the scores, before the softmax?",
)
def returns_scores_for_weights(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    return (torch.softmax(scores, dim=-1).unsqueeze(-1) * states).sum(1), scores


@attention.mistake(
    "attention_over_states",
    hint="The query is added outside the tanh, so it adds the same number to all scores. Should it not go in?",
)
def adds_the_query_after_the_tanh(query, states, w_query, w_states, v):
    scores = (torch.tanh(states @ w_states) + (query @ w_query).unsqueeze(1)) @ v
    weights = torch.softmax(scores, dim=-1)
    return (weights.unsqueeze(-1) * states).sum(1), weights


# --- scaled_dot_product ------------------------------------------------------------------------------------


@attention.given("scaled_dot_product")
def library_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """PyTorch's own `scaled_dot_product`, for the exercises that build on it."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@attention.check("scaled_dot_product", points=0.25)
def equal_values_come_back(scaled_dot_product, rng):
    """Where all values are equal, the result is that value: the weights of each query sum to one."""
    query, key, _ = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    return scaled_dot_product(query, key, equal_rows(rng, 3, 7, 5))


@attention.check("scaled_dot_product", points=0.25, invariant=True)
def the_order_of_keys_does_not_matter(scaled_dot_product, rng):
    """Shuffling keys and values together changes nothing; shuffling the values alone does."""
    query, key, value = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5)
    order = torch.tensor([6, 0, 1, 2, 3, 4, 5])
    before = scaled_dot_product(query, key, value)
    after, apart = (scaled_dot_product(query, keys, value[:, order]) for keys in (key[:, order], key))
    return {"before": before, "after": after, "must differ": [before, apart]}


@attention.check("scaled_dot_product", points=0.25, invariant=True)
def only_differences_of_scores_count(scaled_dot_product, rng):
    """Adding one vector to all keys adds one number to all scores of a query, and changes nothing; a new query does."""
    query, key, value = inputs(rng, T=4, S=7, d_head=8, d_value=5)
    before = scaled_dot_product(query, key, value)
    after, other = scaled_dot_product(query, key + normal(rng, 8), value), scaled_dot_product(-query, key, value)
    return {"before": before, "after": after, "must differ": [before, other]}


@attention.check("scaled_dot_product", points=0.25)
def scores_keep_their_size(scaled_dot_product, rng):
    """The scores are divided by √d_head, so that they do not grow with the width; the inputs stay as they were."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=16, d_value=5)
    result = scaled_dot_product(*given)
    return {"the result": result, **dict(zip(("query afterwards", "key afterwards", "value afterwards"), given))}


@attention.check("scaled_dot_product", points=0.25, invariant=True)
def what_is_masked_is_not_read(scaled_dot_product, rng):
    """Changing keys and values that the mask hides changes nothing, however much they are changed."""
    query, key, value = inputs(rng, 3, 2, T=4, S=7, d_head=8, d_value=5)
    mask = torch.arange(7) < torch.tensor([3, 5, 6]).view(3, 1, 1, 1)  # a text of its own length each
    hidden = ~mask.squeeze(1).unsqueeze(-1)  # (3, 1, 7, 1)
    before = scaled_dot_product(query, key, value, mask)
    after = scaled_dot_product(query, torch.where(hidden, 9 * key, key), torch.where(hidden, 100.0, value), mask)
    return {"before": before, "after": after}


@attention.check("scaled_dot_product", points=0.25)
def what_may_be_read_shares_all_the_weight(scaled_dot_product, rng):
    """Where all values that may be read are equal, the result is that value, whatever the hidden ones are."""
    query, key, value = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    mask = torch.tensor([True, False, True, True, False, False, True])[torch.randperm(7, generator=rng)]
    value = torch.where(mask.unsqueeze(-1), equal_rows(rng, 3, 7, 5), value)
    return scaled_dot_product(query, key, value, mask)


@attention.check("scaled_dot_product", points=0.25)
def large_scores_stay_finite(scaled_dot_product, rng):
    """Scores of ten thousand, above or below zero, give the value of the best key, and no NaN."""
    return [scaled_dot_product(*extreme(rng, highest)) for highest in (400.0, -100.0)]


@attention.check("scaled_dot_product", points=0.25)
def gradients_reach_query_key_and_value(scaled_dot_product, rng):
    """Training needs the gradient: it reaches query, key and value, and nothing that the mask hides."""
    given = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5)
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(("query", "key", "value"), given)}
    return gradients(scaled_dot_product(*given, mask=lower_triangle(*given[:2])), leaves, rng)


def weigh(query, key, value, mask=None, divisor=None, dim=-1, fill=float("-inf")):
    """Attention with its parts to choose, so that one of them can be wrong."""
    scores = query @ key.transpose(-2, -1) / (divisor or math.sqrt(query.size(-1)))
    if mask is not None:
        scores = scores.masked_fill(~mask, fill)
    return torch.softmax(scores, dim=dim) @ value


@attention.mistake(
    "scaled_dot_product",
    hint="By what do you divide the scores: d_head or √d_head? The dot product of two random vectors of d numbers is "
    "about √d large.",
)
def divides_by_d(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=query.size(-1))


@attention.mistake(
    "scaled_dot_product",
    hint="How large is the dot product of two random vectors of 64 numbers, and what does softmax make of scores that "
    "large?",
)
def no_scaling(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=1.0)


@attention.mistake(
    "scaled_dot_product",
    hint="You divide by the root of the number of keys. Which size makes a dot product large: how many keys there are, "
    "or how wide each is?",
)
def divides_by_the_root_of_S(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=math.sqrt(key.size(-2)))


@attention.mistake(
    "scaled_dot_product",
    hint="The softmax makes the queries share one unit of weight for each key. Which axis of the scores (..., T, S) "
    "should sum to one?",
)
def softmax_over_the_queries(query, key, value, mask=None):
    return weigh(query, key, value, mask, dim=-2)


@attention.mistake(
    "scaled_dot_product",
    hint="What does True mean in your mask: may be read, or is hidden?",
)
def inverts_the_mask(query, key, value, mask=None):
    return weigh(query, key, value, None if mask is None else ~mask)


@attention.mistake(
    "scaled_dot_product",
    hint="Set to zero after the softmax, the hidden weights are gone, but do the others still sum to one? Try hiding "
    "the scores instead.",
)
def masks_after_the_softmax(query, key, value, mask=None):
    weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)), dim=-1)
    return (weights if mask is None else weights * mask) @ value


@attention.mistake(
    "scaled_dot_product",
    hint="You give hidden keys a score of zero, or nearly so. What weight does softmax give to a score of zero, "
    "and which score would get none?",
)
def hides_with_a_score_of_zero(query, key, value, mask=None):
    return weigh(query, key, value, mask, fill=0.0)


@attention.mistake(
    "scaled_dot_product",
    hint="The result is the same with a mask and without it. Where do you use `mask`?",
)
def ignores_the_mask(query, key, value, mask=None):
    return weigh(query, key, value)


@attention.mistake(
    "scaled_dot_product",
    hint="A reshape to (d_head, S) puts the numbers in a new order of rows; it does not swap the axes. Which operation "
    "turns rows into columns?",
)
def reshapes_instead_of_transposing(query, key, value, mask=None):
    swapped = key.reshape(*key.shape[:-2], key.size(-1), key.size(-2)).transpose(-2, -1)
    return weigh(query, swapped, value, mask)


# --- causal_attention --------------------------------------------------------------------------------------


@attention.given("causal_attention")
def library_causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """PyTorch's own attention under an explicit mask: its `is_causal` is another thing where T < S."""
    return library_attention(query, key, value, lower_triangle(query, key))


@attention.check("causal_attention", points=0.25, invariant=True)
def the_future_is_hidden(causal_attention, rng):
    """Changing keys and values after a position changes nothing up to that position; changing the first key does."""
    query, key, value = inputs(rng, 2, T=6, S=6, d_head=8, d_value=5)
    before = causal_attention(query, key, value)
    after = []
    for position in range(1, 6):
        past = torch.arange(6).view(6, 1) < position
        other_key, other_value = torch.where(past, key, -key), torch.where(past, value, 100.0)
        after.append(causal_attention(query, other_key, other_value)[..., :position, :])
    start = torch.where(torch.arange(6).view(6, 1) < 1, -key, key)
    return {
        "before": [before[..., :position, :] for position in range(1, 6)],
        "after": after,
        "must differ": [before[..., 1:, :], causal_attention(query, start, value)[..., 1:, :]],
    }


@attention.check("causal_attention", points=0.25)
def the_whole_past_is_read(causal_attention, rng):
    """A query of zeros likes all keys the same: position t gets the plain mean of values 0 to t."""
    _, key, value = inputs(rng, 2, T=6, S=6, d_head=8, d_value=5)
    return causal_attention(torch.zeros(2, 6, 8), key, value)


@attention.check("causal_attention", points=0.25, invariant=True)
def the_last_queries_alone_see_the_same(causal_attention, rng):
    """The last one, two or four queries, asked alone (T < S), get what they get when all are asked."""
    query, key, value = inputs(rng, 2, 3, T=6, S=6, d_head=8, d_value=5)
    before = causal_attention(query, key, value)
    after = [causal_attention(query[..., -T:, :], key, value) for T in (1, 2, 4)]
    return {"before": [before[..., -T:, :] for T in (1, 2, 4)], "after": after}


@attention.check("causal_attention", points=0.25)
def result_and_gradients(causal_attention, rng):
    """The result is scaled dot-product attention over the past, and the gradient reaches query, key and value."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=8, d_value=5)
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(("query", "key", "value"), given)}
    result = causal_attention(*given)
    return {"the result": result, **gradients(result, leaves, rng)}


@attention.mistake(
    "causal_attention",
    hint="With fewer queries than keys, your first query reads only the first key. The queries are the *last* T of S "
    "positions: how far should the last one see?",
)
def lines_up_with_the_first_key(query, key, value):
    may_read = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool).tril()
    return library_attention(query, key, value, may_read)


@attention.mistake(
    "causal_attention",
    hint="Each position reads one position past itself: the answer of next-word prediction. Is the diagonal of your "
    "triangle one too high?",
)
def reads_one_ahead(query, key, value):
    return library_attention(query, key, value, lower_triangle(query, key, ahead=1))


@attention.mistake(
    "causal_attention",
    hint="A position does not read itself, so the first one has nothing to read. Is the diagonal of your triangle one "
    "too low?",
)
def cannot_read_itself(query, key, value):
    return weigh(query, key, value, lower_triangle(query, key, ahead=-1))


@attention.mistake(
    "causal_attention",
    hint="Each position reads the future and not the past. Which triangle does your mask keep, the lower or the upper?",
)
def reads_the_future_only(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return library_attention(query, key, value, torch.ones(T, S, dtype=torch.bool).triu(S - T))


@attention.mistake(
    "causal_attention",
    hint="Every position reads every other. What keeps a position from reading a later one?",
)
def hides_nothing(query, key, value):
    return library_attention(query, key, value)


@attention.mistake(
    "causal_attention",
    hint="The future takes its share of the weight before you set it to zero, so the rest does not sum to one. When "
    "should it be hidden?",
)
def hides_the_future_too_late(query, key, value):
    return masks_after_the_softmax(query, key, value, lower_triangle(query, key))


@attention.mistake(
    "causal_attention",
    hint="The future is well hidden, but the scores are not divided by √d_head. Does `check(scaled_dot_product)` pass?",
)
def stands_on_unscaled_scores(query, key, value):
    return weigh(query, key, value, lower_triangle(query, key), divisor=1.0)


# --- MultiHeadAttention ------------------------------------------------------------------------------------

PROJECTIONS = ("w_query", "w_key", "w_value", "w_output")
# Enough where T = S, and no answer of ours.
pytorchs_attention = partial(F.scaled_dot_product_attention, is_causal=True)


def with_weights(MultiHeadAttention, weights: dict[str, Tensor], n_heads: int, attend) -> nn.Module:
    """The learner's module with these weights in its four projections. Raises AttributeError where one is missing."""
    d_model = weights["w_query"].size(0)
    module = MultiHeadAttention(d_model, n_heads, attend)
    for name, weight in weights.items():
        projection = getattr(getattr(module, name, None), "weight", None)
        if projection is None or projection.shape != weight.shape:
            raise AttributeError(f"self.{name} is to be nn.Linear(d_model, d_model, bias=False), as given in __init__")
        with torch.no_grad():
            projection.copy_(weight)
    return module


def random_weights(rng: torch.Generator, d_model: int, *identities: str) -> dict[str, Tensor]:
    """Random weights for the four projections, the named ones being the identity."""
    random = {name: normal(rng, d_model, d_model) / math.sqrt(d_model) for name in PROJECTIONS}
    return random | {name: torch.eye(d_model) for name in identities}


def what_attend_sees(MultiHeadAttention, weights: dict[str, Tensor], n_heads: int, x: Tensor):
    """The module's output, and what it called `attend` with, when `attend` gives back the values as they are."""
    calls = []

    def attend(query, key, value):
        calls.append({"query": query.detach(), "key": key.detach(), "value": value.detach()})
        return value

    return with_weights(MultiHeadAttention, weights, n_heads, attend)(x), calls


@attention.check("MultiHeadAttention", points=0.25)
def attend_gets_all_heads_at_once(MultiHeadAttention, rng):
    """`attend` is called once, with query, key and value of shape (B, n_heads, T, d_head)."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))
    shapes = [{f"the shape of {name}": list(tensor.shape) for name, tensor in call.items()} for call in calls]
    return {"calls of attend": len(calls), **(shapes[0] if shapes else {})}


@attention.check("MultiHeadAttention", points=0.25)
def each_has_its_own_projection(MultiHeadAttention, rng):
    """The numbers in query, key and value are those of w_query, w_key and w_value, in whatever order."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))
    return [{f"{name}, sorted": tensor.flatten().sort().values for name, tensor in call.items()} for call in calls]


@attention.check("MultiHeadAttention", points=0.25)
def a_head_owns_a_slice(MultiHeadAttention, rng):
    """Head h at position t gets columns h · d_head to (h + 1) · d_head of position t."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12, "w_value"), 4, normal(rng, 2, 5, 12))
    return [call["value"] for call in calls]


@attention.check("MultiHeadAttention", points=0.25)
def splitting_is_undone(MultiHeadAttention, rng):
    """Where `attend` gives the values back as they are, the result is w_output of w_value of x."""
    return what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))[0]


@attention.check("MultiHeadAttention", points=0.25, invariant=True)
def heads_are_independent(MultiHeadAttention, rng):
    """Changing what the first head asks for and looks at changes none of the other heads' columns."""
    weights, x = random_weights(rng, 12, "w_output"), normal(rng, 2, 5, 12)
    changed = dict(weights)
    for name in ("w_query", "w_key"):
        changed[name] = torch.cat([normal(rng, 3, 12), weights[name][3:]])  # the rows of w give the columns of x @ wᵀ
    before, after = (with_weights(MultiHeadAttention, w, 4, pytorchs_attention)(x) for w in (weights, changed))
    return {"before": before[..., 3:], "after": after[..., 3:], "must differ": [before[..., :3], after[..., :3]]}


@attention.check("MultiHeadAttention", points=0.25, invariant=True)
def no_head_sees_the_future(MultiHeadAttention, rng):
    """Changing the last position changes nothing before it, and no other text; changing the first changes the last."""
    module = with_weights(MultiHeadAttention, random_weights(rng, 12), 4, pytorchs_attention)
    x = normal(rng, 2, 5, 12)
    last, first = x.clone(), x.clone()
    last[0, -1], first[0, 0] = normal(rng, 12), normal(rng, 12)
    before, after = module(x), module(last)
    return {
        "before": [before[0, :-1], before[1]],
        "after": [after[0, :-1], after[1]],
        "must differ": [before[0, -1], module(first)[0, -1]],
    }


@attention.check("MultiHeadAttention", points=0.25)
def any_number_of_heads(MultiHeadAttention, rng):
    """One head, two or six give the right result; a number that does not divide d_model raises ValueError."""
    weights, x = random_weights(rng, 12), normal(rng, 3, 5, 12)
    seen = {
        f"the result with n_heads={n_heads}": with_weights(MultiHeadAttention, weights, n_heads, pytorchs_attention)(x)
        for n_heads in (1, 2, 6)
    }
    try:
        MultiHeadAttention(12, 5, pytorchs_attention)
        return seen | {"12 columns for 5 heads": "no complaint"}
    except ValueError:
        return seen | {"12 columns for 5 heads": "ValueError"}


@attention.check("MultiHeadAttention", points=0.25)
def every_projection_learns(MultiHeadAttention, rng):
    """The gradient reaches x and the weights of all four projections, and there are no other parameters."""
    module = with_weights(MultiHeadAttention, random_weights(rng, 8), 2, pytorchs_attention)
    x = normal(rng, 2, 5, 8).requires_grad_()
    leaves = {"x": x, **{name: getattr(module, name).weight for name in PROJECTIONS}}
    number = sum(parameter.numel() for parameter in module.parameters())
    return {"the number of parameters": number, **gradients(module(x), leaves, rng)}


class FourProjections(nn.Module):
    """Multi-head attention with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, n_heads: int, attend=pytorchs_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        for name in PROJECTIONS:
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))

    def project(self, x: Tensor) -> list[Tensor]:
        return [self.w_query(x), self.w_key(x), self.w_value(x)]

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def merge(self, heads: Tensor) -> Tensor:
        return heads.transpose(1, 2).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_output(self.merge(self.attend(*map(self.split, self.project(x)))))


@attention.mistake(
    "MultiHeadAttention",
    hint="A view straight to (B, n_heads, T, d_head) cuts a text into n_heads pieces and calls them heads. Which axis "
    "do you have to split first, and which two to swap then?",
)
class views_without_transposing(FourProjections):
    def split(self, x):
        B, T, C = x.shape
        return x.reshape(B, self.n_heads, T, C // self.n_heads)

    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@attention.mistake(
    "MultiHeadAttention",
    hint="The heads come back as (B, n_heads, T, d_head). What does a reshape to (B, T, d_model) put side by side if "
    "you do not swap two axes first?",
)
class does_not_transpose_back(FourProjections):
    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@attention.mistake(
    "MultiHeadAttention",
    hint="`attend` got (B, T, n_heads, d_head), so the heads of one position read each other. Which axis has to stand "
    "next to last?",
)
class heads_read_each_other(FourProjections):
    def split(self, x):
        return x.unflatten(-1, (self.n_heads, -1))

    def merge(self, heads):
        return heads.flatten(2)


@attention.mistake(
    "MultiHeadAttention",
    hint="A head takes every n_heads-th column instead of d_head columns in a row. In what order do you split the last "
    "axis: (n_heads, d_head) or (d_head, n_heads)?",
)
class interleaves_the_heads(FourProjections):
    def split(self, x):
        return x.unflatten(-1, (-1, self.n_heads)).permute(0, 3, 1, 2)

    def merge(self, heads):
        return heads.permute(0, 2, 3, 1).flatten(2)


@attention.mistake(
    "MultiHeadAttention",
    hint="The heads are put side by side and returned. What lets them mix what they found?",
)
class no_output_projection(FourProjections):
    def forward(self, x):
        return self.merge(self.attend(*map(self.split, self.project(x))))


@attention.mistake(
    "MultiHeadAttention",
    hint="Keys and values are the same numbers. Which projection is what a position offers to be found by, and which "
    "is what it hands over?",
)
class takes_keys_for_values(FourProjections):
    def project(self, x):
        return [self.w_query(x), self.w_key(x), self.w_key(x)]


@attention.mistake(
    "MultiHeadAttention",
    hint="`attend` already divides the scores by √d_head. Do you scale the queries once more?",
)
class scales_twice(FourProjections):
    def project(self, x):
        return [self.w_query(x) / math.sqrt(x.size(-1) / self.n_heads), self.w_key(x), self.w_value(x)]


# --- sequential_depth --------------------------------------------------------------------------------------


def recurrent(layer, position):
    return [(layer - 1, position), (layer, position - 1)] if position else [(layer - 1, position)]


def attentive(layer, position):
    return [(layer - 1, earlier) for earlier in range(position + 1)]


def random_waiting(rng: torch.Generator, length: int, n_layers: int, share: float):
    """A random network: each unit waits for a share of all those it may wait for, in any earlier layer too.

    The last unit waits for nothing, so the longest chain ends elsewhere whatever the seed.
    """
    waiting = {}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            below = [(lower, p) for lower in range(layer) for p in range(length)]
            possible = below + [(layer, p) for p in range(position)]
            chosen = torch.rand(len(possible), generator=rng) < share
            waiting[layer, position] = [unit for unit, take in zip(possible, chosen.tolist()) if take]
    waiting[n_layers, length - 1] = []
    return lambda layer, position: waiting[layer, position]


@attention.check("sequential_depth", points=0.25)
def known_networks(sequential_depth, rng):
    """Recurrent layers wait along the text and up the layers; attention and convolution only up the layers."""
    length, n_layers = (int(torch.randint(low, low + 4, (), generator=rng)) for low in (6, 2))
    return {
        f"recurrent, {length} positions, {n_layers} layers": sequential_depth(recurrent, length, n_layers),
        f"attention, {length} positions, {n_layers} layers": sequential_depth(attentive, length, n_layers),
        f"convolution, {length} positions, {n_layers} layers": sequential_depth(
            lambda layer, position: [(layer - 1, p) for p in range(max(0, position - 2), position + 1)],
            length,
            n_layers,
        ),
        f"attention on a recurrent layer, {length} positions": sequential_depth(
            lambda layer, position: (recurrent if layer == 1 else attentive)(layer, position), length, 2
        ),
    }


@attention.check("sequential_depth", points=0.25)
def any_network(sequential_depth, rng):
    """In a network wired at random, with units that skip layers, the longest chain decides, wherever it ends."""
    return [sequential_depth(random_waiting(rng, 6, 4, share), 6, 4) for share in (0.03, 0.06, 0.1, 0.2, 0.4)]


@attention.check("sequential_depth", points=0.25)
def small_networks(sequential_depth, rng):
    """Units that wait for nothing take one step, all at once; no layer or no position takes none."""
    return {
        "no waiting": sequential_depth(lambda layer, position: [], 4, 3),
        "one position, three layers": sequential_depth(recurrent, 1, 3),
        "no position": sequential_depth(recurrent, 0, 3),
        "no layer": sequential_depth(recurrent, 4, 0),
        "a chain that ends in the middle": sequential_depth(
            lambda layer, position: [(1, position - 1)] if layer == 1 and 0 < position < 4 else [], 6, 2
        ),
    }


@attention.check("sequential_depth", points=0.25)
def large_networks(sequential_depth, rng):
    """A text of 3,200 positions and a network of many paths are no trouble: each unit is worked out once."""
    asked = 0

    def counted(layer, position):
        nonlocal asked
        asked += 1
        if asked > 20_000:
            raise RuntimeError("waits_for was asked more than 20,000 times about 100 units: remember what you know")
        return attentive(layer, position)

    try:
        long = sequential_depth(recurrent, 3200, 1)
    except RecursionError:
        long = "the recursion went too deep"
    return {"3,200 positions": long, "10 positions, 10 layers of attention": sequential_depth(counted, 10, 10)}


def ready_at(waits_for, length, n_layers, step=1, start=0, waits=lambda unit, layer: True):
    """When each unit is ready, with a part to choose, so that it can be wrong."""
    done_at = {(0, position): start for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            waited = (done_at[unit] for unit in waits_for(layer, position) if waits(unit, layer))
            done_at[layer, position] = max(waited, default=start) + step
    return done_at


@attention.mistake(
    "sequential_depth",
    hint="You count all units, as if one hand did the work. Which of them could be done at the same time?",
)
def counts_every_unit(waits_for, length, n_layers):
    return length * n_layers


@attention.mistake(
    "sequential_depth",
    hint="You count the layers. Does a unit of a recurrent layer wait only for the layer below?",
)
def counts_the_layers(waits_for, length, n_layers):
    return n_layers if length else 0


@attention.mistake(
    "sequential_depth",
    hint="You are one short: a chain of two units has one link, but takes two steps. Do you count links or units?",
)
def counts_the_links(waits_for, length, n_layers):
    return max(max(ready_at(waits_for, length, n_layers).values(), default=0) - 1, 0)


@attention.mistake(
    "sequential_depth",
    hint="You count only waiting between layers. Which unit of its own layer does a recurrent unit wait for?",
)
def ignores_waiting_within_a_layer(waits_for, length, n_layers):
    return max(ready_at(waits_for, length, n_layers, waits=lambda unit, layer: unit[0] < layer).values(), default=0)


@attention.mistake(
    "sequential_depth",
    hint="This is the formula for a recurrent network, whatever the network is. What does `waits_for` say about "
    "attention?",
)
def takes_every_network_for_recurrent(waits_for, length, n_layers):
    return length + n_layers - 1 if length and n_layers else 0


@attention.mistake(
    "sequential_depth",
    hint="You return when the last unit of the top layer is ready. Must the longest chain end there?",
)
def asks_the_last_unit_only(waits_for, length, n_layers):
    return ready_at(waits_for, length, n_layers).get((n_layers, length - 1), 0)


@attention.mistake(
    "sequential_depth",
    hint="You add up all that a unit waits for. If two units can be done at the same time, which of them decides when "
    "you can start?",
)
def adds_up_what_it_waits_for(waits_for, length, n_layers):
    done_at = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            done_at[layer, position] = 1 + sum(done_at[unit] for unit in waits_for(layer, position))
    return max(done_at.values(), default=0)


@attention.mistake(
    "sequential_depth",
    hint="Your recursion works out the same unit again for every path that leads to it, and goes as deep as the text "
    "is long. In which order could you visit the units, so that all that one waits for is there already?",
)
def works_out_the_same_unit_again(waits_for, length, n_layers):
    def ready(unit):
        return 1 + max(map(ready, waits_for(*unit)), default=0) if unit[0] else 0

    units = [(layer, position) for layer in range(n_layers, 0, -1) for position in reversed(range(length))]
    return max(map(ready, units), default=0)


@attention.mistake(
    "sequential_depth",
    hint="You start from the end and go down as deep as the text is long, until Python stops you. If you visit the "
    "units in reading order, is all that one waits for not there already?",
)
def starts_from_the_end(waits_for, length, n_layers):
    @cache
    def ready(unit):
        return 1 + max(map(ready, waits_for(*unit)), default=0) if unit[0] else 0

    units = [(layer, position) for layer in range(n_layers, 0, -1) for position in reversed(range(length))]
    return max(map(ready, units), default=0)


# --- online_softmax_attention ------------------------------------------------------------------------------


@attention.check("online_softmax_attention", points=0.25)
def any_block_size(online_softmax_attention, rng):
    """Blocks of one key, of three, of more keys than there are: the result is that of all keys at once."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=9, d_value=5)
    seen = {f"block_size={size}": online_softmax_attention(*given, block_size=size) for size in (1, 3, 7, 50)}
    names = ("query afterwards", "key afterwards", "value afterwards")
    return {**seen, "no block_size": online_softmax_attention(*given), **dict(zip(names, given))}


@attention.check("online_softmax_attention", points=0.25)
def the_best_key_may_come_late(online_softmax_attention, rng):
    """Whether the largest score comes in the first block, the last or the middle, the result is right."""
    query, key, value = inputs(rng, T=3, S=8, d_head=4, d_value=5)
    growing = 2 * key * torch.linspace(0.1, 2, 8).unsqueeze(-1)
    order = [4, 5, 7, 6, 0, 1, 2, 3]
    return {
        "growing scores": online_softmax_attention(query, growing, value, block_size=2),
        "shrinking scores": online_softmax_attention(query, growing.flip(0), value, block_size=2),
        "the largest in the middle": online_softmax_attention(query, growing[order], value, block_size=2),
    }


@attention.check("online_softmax_attention", points=0.25)
def extreme_blocks_stay_finite(online_softmax_attention, rng):
    """Scores of ten thousand, above or below zero, in any order of blocks, give the value of the best key."""
    found = ((400.0, 3), (-100.0, 6), (400.0, 0))  # the highest score, and where it stands
    return [online_softmax_attention(*extreme(rng, highest, best), block_size=1) for highest, best in found]


class LargestTensor(TorchFunctionMode):
    """Notes the number of elements of the largest tensor that PyTorch makes meanwhile."""

    elements = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, (tuple, list)) else [result]
        self.elements = max([self.elements, *(tensor.numel() for tensor in made if isinstance(tensor, Tensor))])
        return result


@attention.check("online_softmax_attention", points=0.25)
def never_all_scores_at_once(online_softmax_attention, rng):
    """With 128 queries and 256 keys in blocks of 16, the result is right and no tensor holds 128 × 256 scores."""
    given = inputs(rng, T=128, S=256, d_head=8, d_value=5)
    with LargestTensor() as largest:
        result = online_softmax_attention(*given, block_size=16)
    return {"the result": result, "the largest tensor, in units of T × S numbers": largest.elements // (128 * 256)}


def in_blocks(
    query, key, value, block_size=64, *, rescale_sum=True, rescale_mix=True, start=float("-inf"), divisor=None
):
    """Attention in blocks with its parts to choose, so that one of them can be wrong."""
    largest = torch.full_like(query[..., :1], start)
    total, mixed = torch.zeros_like(largest), query.new_zeros(*query.shape[:-1], value.size(-1))
    for at in range(0, key.size(-2), block_size):
        block = slice(at, at + block_size)
        scores = query @ key[..., block, :].transpose(-2, -1) / (divisor or math.sqrt(query.size(-1)))
        larger = torch.maximum(largest, scores.amax(-1, keepdim=True))
        shrink, weights = torch.exp(largest - larger), torch.exp(scores - larger)
        total = total * (shrink if rescale_sum else 1) + weights.sum(-1, keepdim=True)
        mixed = mixed * (shrink if rescale_mix else 1) + weights @ value[..., block, :]
        largest = larger
    return mixed / total


@attention.mistake(
    "online_softmax_attention",
    hint="When a block brings a larger score, what you summed so far was relative to the old maximum. What must it be "
    "multiplied by?",
)
def rescales_nothing(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_sum=False, rescale_mix=False)


@attention.mistake(
    "online_softmax_attention",
    hint="You rescale the sum of exponentials for the new maximum. Is the weighted sum of values not relative to the "
    "old one too?",
)
def rescales_only_the_sum(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_mix=False)


@attention.mistake(
    "online_softmax_attention",
    hint="You rescale the weighted sum of values for the new maximum. Is the sum of exponentials not relative to the "
    "old one too?",
)
def rescales_only_the_mix(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_sum=False)


@attention.mistake(
    "online_softmax_attention",
    hint="Each block is normalised by itself and the blocks are averaged. Should a block with high scores not count "
    "for more than one with low scores?",
)
def averages_the_blocks(query, key, value, block_size=64):
    blocks = zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2))
    return torch.stack([weigh(query, block_key, block_value) for block_key, block_value in blocks]).mean(0)


@attention.mistake(
    "online_softmax_attention",
    hint="What is exp(1000) in 32 bits? Subtract the largest score seen so far before you take the exponential.",
)
def keeps_no_maximum(query, key, value, block_size=64):
    total, mixed = 0.0, 0.0
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        weights = torch.exp(query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1)))
        total, mixed = total + weights.sum(-1, keepdim=True), mixed + weights @ block_value
    return mixed / total


@attention.mistake(
    "online_softmax_attention",
    hint="Your running maximum starts at zero. What becomes of the exponentials when all scores are far below zero?",
)
def starts_the_maximum_at_zero(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, start=0.0)


@attention.mistake(
    "online_softmax_attention",
    hint="The blocks are put together well, but the scores are too large. By what does scaled dot-product attention "
    "divide them?",
)
def forgets_the_scale(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, divisor=1.0)


@attention.mistake(
    "online_softmax_attention",
    hint="The last keys are never read when block_size does not divide S. How many blocks are there for 7 keys in "
    "blocks of 3?",
)
def drops_the_last_incomplete_block(query, key, value, block_size=64):
    whole = key.size(-2) // block_size * block_size
    return in_blocks(query, key[..., :whole, :], value[..., :whole, :], block_size)


@attention.mistake(
    "online_softmax_attention",
    hint="The result is right, but all T × S scores are there at the same time. Can you work out the scores of one "
    "block, use them, and forget them?",
)
def holds_all_the_scores(query, key, value, block_size=64):
    return weigh(query, key, value)
