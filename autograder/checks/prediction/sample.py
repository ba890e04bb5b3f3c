"""`sample`: greedy at temperature 0 and repeatable by the generator; temperature, top_k and top_p, each alone and in
their order, by the shares of what is drawn.
"""

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, normal, outcome
from autograder.checks.prediction.shared import (
    ALIKE,
    draw,
    filtered,
    is_whole,
    sampler,
    seeded,
    shares_agree,
    shares_of_draws,
    some_tokens,
    two_rows,
    with_top_p,
)

exercise = Exercise("sample")


@exercise.promise("at 0 the most likely token is taken", broken_by="very_cold_for_zero")
@exercise.promise("Raises ValueError for a temperature below 0", broken_by="takes_a_negative_temperature")
@exercise.promise("a top_k below 1, a top_p outside (0, 1]", broken_by="zero_turns_a_filter_off")
@exercise.check(points=0.25)
def temperature_zero_is_greedy(sample, rng):
    """At temperature 0 the most likely token is taken, in each row; a temperature below 0 is a ValueError."""
    logits = normal(rng, 4, 5, 7)
    almost = torch.where(torch.rand(400, 1, generator=rng) < 0.5, torch.tensor([0, -3e-6]), torch.tensor([-3e-6, 0]))
    generator = another_generator(rng)
    return {
        "one row": sample(logits[0, 0], temperature=0),
        "(4, 5) rows": sample(logits, temperature=0),
        "(4, 5) rows, with top_k and top_p": sample(logits, temperature=0, top_k=3, top_p=0.9),
        "(4, 5) rows, with a generator": sample(logits, temperature=0.0, generator=generator),
        "rows of two logits that are almost alike": sample(almost, temperature=0, generator=generator),
        "logits of about 1,000,000": sample(1e6 * logits, temperature=0),
        "temperature = -1": outcome(lambda: sample(logits, temperature=-1, generator=generator)),
        "temperature = -0.001": outcome(lambda: sample(logits, temperature=-0.001, generator=generator)),
        "top_k = 0": outcome(lambda: sample(logits, top_k=0, generator=generator)),
        "top_k = -2": outcome(lambda: sample(logits, top_k=-2, generator=generator)),
        "top_p = 0": outcome(lambda: sample(logits, top_p=0.0, generator=generator)),
        "top_p = -0.5": outcome(lambda: sample(logits, top_p=-0.5, generator=generator)),
        "top_p = 1.5": outcome(lambda: sample(logits, top_p=1.5, generator=generator)),
        "temperature = 0, top_p = 1.5": outcome(lambda: sample(logits, temperature=0, top_p=1.5)),
    }


@exercise.promise("All chance comes from `generator`", broken_by="ignores_the_generator")
@exercise.promise("so that the same state draws the same tokens", broken_by="starts_again_at_the_seed")
@exercise.promise("PyTorch's own chance is left alone", broken_by="seeds_all_chance")
@exercise.promise("without one, from PyTorch's own", broken_by="always_the_same_without_a_generator")
@exercise.promise("Shapes: logits (..., vocab_size) -> (...)", broken_by="loses_dimensions_of_one")
@exercise.promise("whole numbers", broken_by="gives_floats")
@exercise.check(points=0.25)
def the_generator_decides(sample, rng):
    """Each row gets a token; the same state of the generator draws the same ones again, another state does not."""
    logits, seed = normal(rng, 6, 5, 400) / 10, int(some_tokens(rng, 2**40))
    generators = [torch.Generator().manual_seed(start) for start in (seed, seed, seed + 1)]
    chance = torch.get_rng_state()
    first, again, other = (sample(logits, generator=generator) for generator in generators)
    is_left_alone = torch.equal(chance, torch.get_rng_state())
    more, more_again = (sample(logits, top_k=300, top_p=0.9, generator=generator) for generator in generators[:2])
    own = [seeded(seed + step, lambda: sample(logits)) for step in (0, 0, 1)]
    shapes = ((400,), (1, 400), (1, 3, 400), (2, 1, 400), (1, 1, 1, 9), (3, 1))
    return {
        "the shape for (6, 5) rows": list(first.shape),
        **{
            f"the shape for logits {shape}": [
                list(sample(normal(rng, *shape), **more, generator=generators[2]).shape)
                for more in ({}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 0})
            ]
            for shape in shapes
        },
        "whole numbers": [is_whole(first), is_whole(more), is_whole(sample(logits, temperature=0))],
        "the same state draws the same": torch.equal(first, again),
        "another state draws the same": torch.equal(first, other),
        "and the same again, with filters": torch.equal(more, more_again),
        "a generator draws the same twice": torch.equal(other, sample(logits, generator=generators[2])),
        "PyTorch's own chance is as it was": is_left_alone,
        "without a generator, PyTorch's same state draws the same": torch.equal(own[0], own[1]),
        "without a generator, another state draws the same": torch.equal(own[0], own[2]),
    }


@exercise.promise("Draw one token from each row of logits", broken_by="draws_once_for_all_rows")
@exercise.promise("The logits are divided by `temperature`", broken_by="multiplies_by_the_temperature")
@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def temperature_sharpens_and_blunts(sample, rng):
    """Each token is drawn as often as softmax(logits / temperature) says, also where logits are in the thousands."""
    logits = two_rows(rng)
    seen = shares_of_draws(sample, rng, logits, {f"temperature {size}": {"temperature": size} for size in (0.5, 1, 2)})
    for name, others, settings in (
        ("logits of about 5,000", logits + 5000, {}),
        ("a hundredth of the logits, temperature 0.01", logits[0] / 100, {"temperature": 0.01}),
        ("a hundred times the logits, temperature 100", logits[0] * 100, {"temperature": 100.0}),
        (
            "a logit is -inf, all others alike, temperature 10,000",
            torch.tensor([0.0, -torch.inf, 0.0]),
            {"temperature": 1e4},
        ),
        ("some logits are -inf", logits[0].where(logits[0] > logits[0].median(), -torch.inf), {"temperature": 2.0}),
    ):
        more = shares_of_draws(sample, rng, others, {name: settings})
        seen = {part: seen[part] | more[part] for part in seen}
    ramp = torch.arange(60) / 80
    case = "60 tokens; one of the 10 least likely"
    drawn = torch.as_tensor(sample(ramp.expand(DRAWS, 60), generator=another_generator(rng)))
    seen["seen"][case] = (drawn < 10).double().mean().reshape(1)
    seen["right"][case] = ramp.double().softmax(-1)[:10].sum().reshape(1)
    one, other = sample(torch.zeros(DRAWS, 2, 2), generator=another_generator(rng)).unbind(dim=1)
    case = "two rows of two tokens that are alike: 0 0, 0 1, 1 0, 1 1"
    seen["seen"][case] = torch.stack([(2 * one + other == pair).double().mean() for pair in range(4)])
    seen["right"][case] = torch.full((4,), 0.25, dtype=torch.float64)
    return seen


@exercise.promise("`top_k` keeps the k most likely tokens", broken_by="top_k_keeps_one_too_many")
@exercise.promise("all where there are fewer", broken_by="no_top_k_above_the_vocabulary")
@exercise.promise("only the $k$ most likely tokens stay", broken_by="hides_with_a_logit_of_zero")
@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def top_k_keeps_the_k_most_likely(sample, rng):
    """With top_k only the k most likely tokens of each row are drawn, as often as before among themselves."""
    return shares_of_draws(sample, rng, two_rows(rng), {f"top_k={k}": {"top_k": k} for k in (1, 3, 5, 50)})


@exercise.promise("`top_p` keeps the smallest set of most likely tokens", broken_by="two_tokens_at_least")
@exercise.promise("whose probability reaches $p$", broken_by="top_p_drops_the_token_that_crosses")
@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def top_p_keeps_the_smallest_set(sample, rng):
    """With top_p the most likely tokens are drawn, as few as reach p together, the one that reaches it among them."""
    logits = two_rows(rng)
    seen = shares_of_draws(sample, rng, logits, {f"top_p={p}": {"top_p": p} for p in (0.01, 0.7, 0.9, 1.0)})
    more = shares_of_draws(sample, rng, logits[0] + 5000, {"top_p=0.7, logits of about 5,000": {"top_p": 0.7}})
    return {part: seen[part] | more[part] for part in seen}


@exercise.promise("after temperature, then top-k, then top-p", broken_by="temperature_comes_last")
@exercise.promise("of what top-k has kept, reaches p", broken_by="top_p_before_top_k")
@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def temperature_then_top_k_then_top_p(sample, rng):
    """The temperature comes first, top_k second, and top_p counts the probabilities of what top_k has kept."""
    cases = (
        {"temperature": 2.0, "top_p": 0.7},
        {"temperature": 0.5, "top_k": 4},
        {"top_k": 3, "top_p": 0.7},
        {"top_k": 2, "top_p": 0.9},
        {"top_k": 40, "top_p": 0.7},
        {"temperature": 2.0, "top_k": 5, "top_p": 0.75},
    )
    named = {", ".join(f"{name}={value}" for name, value in case.items()): case for case in cases}
    return shares_of_draws(sample, rng, two_rows(rng)[0], named)


exercise.aside(
    "Left open is which tokens stay where several are equally likely (all of them may), or where a sum differs from p "
    "by no more than rounding.",
    "What is left open is not asked.",
)
exercise.aside("which lives on the device of the logits", "Checks run on the CPU, where there is one device.")
exercise.edges(
    empty="The text says nothing of logits without rows.",
    one="the_generator_decides",
    equal="the_generator_decides",
    zero="temperature_zero_is_greedy",
    ties="Which tokens stay there is left open.",
    large="temperature_sharpens_and_blunts",
    small="temperature_sharpens_and_blunts",
    limit="top_k_keeps_the_k_most_likely",
    shapes="the_generator_decides",
    modes="Nothing is trained here.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


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


@exercise.mistake(
    hint="You make a temperature of 0 a very small one. What is drawn where the two best logits are all but alike?"
)
def very_cold_for_zero(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("bad arguments")
    return sampler()(logits, max(temperature, 1e-5), top_k, top_p, generator)


@exercise.mistake(hint="A temperature below 0 goes through. Which tokens would be the most likely ones?")
def takes_a_negative_temperature(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        return draw(filtered(logits, temperature, top_k, top_p), generator)
    return sampler()(logits, temperature, top_k, top_p, generator)


@exercise.mistake(hint="A filter of 0 is no filter for you. What is left where 0 tokens stay?")
def zero_turns_a_filter_off(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k or None, top_p or None, generator)


@exercise.mistake(hint="A top_k above the vocabulary is an error for you. Which tokens stay where there are fewer?")
def no_top_k_above_the_vocabulary(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if top_k is not None and top_k > logits.size(-1):
        raise RuntimeError("selected index k out of range")
    return sampler()(logits, temperature, top_k, top_p, generator)


@exercise.mistake(
    hint="Of a single row or a batch of one you lose an axis. Which axis is `squeeze` to take away, and which not?"
)
def loses_dimensions_of_one(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k, top_p, generator).squeeze()


@exercise.mistake(hint="Your tokens are no whole numbers. Can a vocabulary be asked for its token 3.0?")
def gives_floats(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k, top_p, generator).float()


@exercise.mistake(hint="A generator draws the same twice. Do you read its state, or where it once began?")
def starts_again_at_the_seed(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    again = generator and torch.Generator().manual_seed(generator.initial_seed())
    return sampler()(logits, temperature, top_k, top_p, again)


@exercise.mistake(hint="PyTorch's own chance is another after your draw. Which call of yours sets its seed?")
def seeds_all_chance(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**40, (), generator=generator)))
    return sampler()(logits, temperature, top_k, top_p, None)


@exercise.mistake(
    hint="Without a generator you draw the same whatever PyTorch's state is. Where does that chance begin?"
)
def always_the_same_without_a_generator(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return sampler()(logits, temperature, top_k, top_p, generator or torch.Generator().manual_seed(0))


@exercise.mistake(hint="Your top_p keeps two tokens at least. How many reach p where the first is more likely than p?")
def two_tokens_at_least(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    choose = with_top_p(lambda ranked, p: (ranked.cumsum(-1) - ranked < p) | (torch.arange(ranked.size(-1)) < 2))
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
