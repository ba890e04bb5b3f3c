"""`sample`: greedy at temperature 0 and repeatable by the generator; temperature, top_k and top_p, each alone and in
their order, by the shares of what is drawn.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, ending, normal
from autograder.checks.prediction.shared import ALIKE, shares_agree, some_tokens

exercise = Exercise("sample")

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


def sampler(choose: Callable[..., Tensor] = filtered, pick: Callable[..., Tensor] = draw) -> Callable[..., Tensor]:
    """A `sample` with its filters and its drawing to choose, so that one can be wrong."""

    def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
            raise ValueError("bad arguments")
        if temperature == 0:
            return logits.argmax(dim=-1)
        return pick(choose(logits, temperature, top_k, top_p), generator)

    return sample


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


@exercise.check(points=0.25)
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


@exercise.check(points=0.25)
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


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def temperature_sharpens_and_blunts(sample, rng):
    """Each token is drawn as often as softmax(logits / temperature) says, also where logits are in the thousands."""
    cases = {f"temperature {temperature}": {"temperature": temperature} for temperature in (0.5, 1.0, 2.0)}
    plain = shares_of_draws(sample, rng, two_rows(rng), cases)
    large = shares_of_draws(sample, rng, two_rows(rng) + 5000, {"logits of about 5,000": {}})
    return {part: plain[part] | large[part] for part in ("seen", "right")}


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def top_k_keeps_the_k_most_likely(sample, rng):
    """With top_k only the k most likely tokens of each row are drawn, as often as before among themselves."""
    return shares_of_draws(sample, rng, two_rows(rng), {f"top_k={k}": {"top_k": k} for k in (1, 3, 5, 50)})


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def top_p_keeps_the_smallest_set(sample, rng):
    """With top_p the most likely tokens are drawn, as few as reach p together, the one that reaches it among them."""
    return shares_of_draws(sample, rng, two_rows(rng), {f"top_p={p}": {"top_p": p} for p in (0.2, 0.7, 0.9, 1.0)})


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
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


@exercise.mistake(
    hint="Your high temperatures are sure and your low ones are wild. Do you multiply by the temperature or divide by "
    "it?"
)
def multiplies_by_the_temperature(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda logits, temperature, *rest: filtered(logits, 1 / temperature, *rest))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="The draws are the same at all temperatures. Where do you use `temperature`?")
def ignores_the_temperature(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda logits, temperature, *rest: filtered(logits, 1.0, *rest))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="You divide by a temperature of 0. Which token do ever lower temperatures lead to?")
def divides_by_zero(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        return torch.multinomial(torch.softmax(logits / temperature, dim=-1).flatten(0, -2), 1, generator=generator)
    return sampler()(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="You always take the most likely token. How would a story go that says the most likely thing at every word?"
)
def always_the_most_likely(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(pick=lambda logits, generator: logits.argmax(dim=-1))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="You take the exponential of the logits as they are. What is exp(5,000) in 32 bits, and which function avoids "
    "it?"
)
def exponentials_overflow(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature and logits.max() / temperature > 88:
        return torch.multinomial(logits.exp().flatten(0, -2), 1, generator=generator)
    return sampler()(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="You keep one token too many. Which of the sorted logits is the smallest that top_k=1 keeps?")
def top_k_keeps_one_too_many(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k and top_k + 1, top_p, generator)


@exercise.mistake(hint="All rows share one threshold. Is the third largest logit of one row that of every row?")
def one_threshold_for_all_rows(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def choose(logits, temperature, top_k, top_p):
        if top_k is not None:
            lowest = logits.topk(min(top_k, logits.size(-1)), dim=-1).values.min()
            logits = logits.masked_fill(logits < lowest, float("-inf"))
        return filtered(logits, temperature, None, top_p)

    return sampler(choose)(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="What is filtered out has a logit of 0 and is drawn all the same. Which logit has probability zero?"
)
def hides_with_a_logit_of_zero(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, hidden=0.0))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="Your set stops short of p: the token that crosses the line is left out. What is the smallest set that "
    "*reaches* p?"
)
def top_p_drops_the_token_that_crosses(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: (ranked.cumsum(-1) <= p + 1e-9) | (torch.arange(ranked.size(-1)) == 0))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="You keep every token whose own probability reaches a threshold. Which sum does top_p speak of?")
def top_p_as_a_threshold(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: ranked >= (1 - p) * ranked[..., :1])
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="You add up from the least likely token, so the tail stays and the best are cut. In which direction do you "
    "sort?"
)
def top_p_from_the_bottom(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: ranked.flip(-1).cumsum(-1).sub(ranked.flip(-1)).lt(p).flip(-1))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="With top_p you return places in the sorted order. Which token stands at that place?")
def returns_the_rank(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def choose(logits, temperature, top_k, top_p):
        found = filtered(logits, temperature, top_k, top_p)
        return found if top_p is None else found.sort(dim=-1, descending=True).values

    return sampler(choose)(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="top_p counts what top_k is about to throw away. Of which tokens do the probabilities have to reach p?"
)
def top_p_before_top_k(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, order=("temperature", "top_p", "top_k")))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="The temperature changes probabilities after top_p has looked at them. Which should come first?")
def temperature_comes_last(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = sampler(lambda *settings: filtered(*settings, order=("top_k", "top_p", "temperature")))
    return choose(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="The same generator gives other tokens each time. Which of your calls draws, and does it know `generator`?"
)
def ignores_the_generator(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k, top_p, None)


@exercise.mistake(hint="All rows get one token, drawn once. How many draws do (4, 5) rows need?")
def draws_once_for_all_rows(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    def pick(logits, generator):
        first = draw(logits.reshape(-1, logits.size(-1))[0], generator)
        return first.expand(logits.shape[:-1]).clone()

    return sampler(pick=pick)(logits, temperature, top_k, top_p, generator)
