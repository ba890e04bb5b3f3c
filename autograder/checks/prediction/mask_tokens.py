"""`mask_tokens`: targets only where something is asked, the shares of hidden, replaced and kept tokens, and chance that
comes from the generator alone.
"""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, apart, outcome
from autograder.checks.prediction.shared import (
    ALIKE,
    both_or_none,
    is_whole,
    masked,
    of_neighbours,
    seeded,
    shares_and_facts,
    some_tokens,
    varies,
)

exercise = Exercise("mask_tokens")

VOCAB_SIZE, MASK_ID = 7, 7  # the blank is one token more
SHAPES = ((), (1,), (6,), (1, 5), (3, 1, 2), (0,), (2, 0))


@exercise.promise("The targets are the tokens at all chosen positions", broken_by="the_targets_are_hidden_too")
@exercise.promise("-100 elsewhere", broken_by="asks_everywhere")
@exercise.promise("stays as it is", broken_by="changes_the_tokens")
@exercise.promise("tokens (...) -> inputs (...), targets (...)", broken_by="one_long_row")
@exercise.promise("whole numbers", broken_by="gives_floats")
@exercise.promise("Raises ValueError for a probability outside [0, 1]", broken_by="takes_any_probability")
@exercise.check(points=0.25)
def targets_stand_where_something_is_asked(mask_tokens, rng):
    """Targets are tokens or -100; where they are -100 the inputs are the tokens; the tokens stay as they are."""
    tokens = some_tokens(rng, VOCAB_SIZE, 40, 25)
    original = tokens.clone()

    def mask(tokens: Tensor, probability: float) -> tuple[Tensor, Tensor]:
        return mask_tokens(tokens, MASK_ID, VOCAB_SIZE, probability, another_generator(rng))

    inputs, targets = mask(tokens, 0.5)
    asked = targets != -100
    shapes = {shape: mask(torch.ones(shape, dtype=torch.long), 0.5) for shape in SHAPES}
    limits = -0.001, -1, 1.001, 1.5, 15
    return {
        "the shapes of inputs and targets": {
            str(shape): [list(part.shape) for part in parts] for shape, parts in shapes.items()
        },
        "whole numbers": [is_whole(inputs), is_whole(targets)],
        "targets that are neither the token nor -100": int((asked & (targets != original)).sum()),
        "inputs that changed where nothing is asked": int((~asked & (inputs != original)).sum()),
        "the tokens stayed as they were": torch.equal(tokens, original),
        "inputs and targets with probability 0": list(mask(original.clone(), 0.0)),
        "targets of a text that does not lie in one row": mask(apart(original), 1.0)[1],
        "targets with probability 1": mask(original.clone(), 1.0)[1],
        **{f"probability = {limit}": outcome(lambda: list(mask(original.clone(), limit))) for limit in limits},
    }


@exercise.promise("Each position is chosen with `probability`", broken_by="ignores_the_probability")
@exercise.promise("`probability`, by itself", broken_by="the_same_places_in_every_text")
@exercise.promise("how many are chosen is chance too", broken_by="chooses_an_exact_number")
@exercise.promise("A position that holds `mask_id` already is chosen like any other", broken_by="spares_the_mask_sign")
@exercise.check(points=0.25, judge=shares_and_facts, atol=ALIKE)
def each_position_by_itself(mask_tokens, rng):
    """Each position is chosen with the given probability, 0.15 if not said, whatever it holds or its neighbour does."""
    seen, right = {}, {}
    for name, given in (("0.4", {"probability": 0.4}), ("0.7", {"probability": 0.7}), ("not given", {})):
        tokens = some_tokens(rng, VOCAB_SIZE, DRAWS, 2)
        _, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE, **given, generator=another_generator(rng))
        case = f"probability {name}; chosen of two neighbours: both, first, second, none"
        p = given.get("probability", 0.15)
        seen[case], right[case] = of_neighbours(targets != -100), both_or_none(p)
    for token in (0, VOCAB_SIZE - 1, MASK_ID):
        tokens = torch.full((DRAWS,), token)
        _, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE + 1, 0.5, generator=another_generator(rng))
        case = "chosen where all tokens are " + ("mask_id" if token == MASK_ID else str(token))
        seen[case], right[case] = (targets != -100).double().mean().reshape(1), torch.tensor([0.5]).double()

    def asked(tokens: Tensor) -> Tensor:
        return mask_tokens(tokens, MASK_ID, VOCAB_SIZE, 0.5, another_generator(rng))[1]

    single = [asked(torch.tensor([3])) for _ in range(60)]
    texts = [asked(torch.arange(9) % 7) for _ in range(30)]
    rows = asked(torch.zeros(60, 9, dtype=torch.long))
    facts = {
        "of 60 texts of one token, some are asked": any(int(targets) != -100 for targets in single),
        "of 60 texts of one token, some are not asked": any(int(targets) == -100 for targets in single),
        "of 30 texts of nine tokens, some have more asked": varies(torch.stack(texts)),
        "of 60 rows of nine tokens, some have more asked": varies(rows),
    }
    return {
        "seen": seen,
        "right": right,
        "facts": facts,
    }


@exercise.promise("Of the chosen ones 80 % become `mask_id`", broken_by="hides_all_that_is_chosen")
@exercise.promise("10 % a token drawn evenly from all `vocab_size`", broken_by="never_draws_the_last_token")
@exercise.promise("now and then one of them is the token itself", broken_by="never_the_token_itself")
@exercise.promise("and 10 % stay", broken_by="leaves_none_as_it_was")
@exercise.promise("this too is drawn for each position by itself", broken_by="exact_shares_of_each_kind")
@exercise.check(points=0.25, judge=shares_and_facts, atol=ALIKE / 2)
def most_are_hidden_some_are_replaced_some_stay(mask_tokens, rng):
    """Of the chosen positions 80 % hold mask_id, 10 % a token drawn evenly from all, and 10 % what they held before."""
    seen, right = {}, {}
    for p, mask_id in ((0.15, MASK_ID), (0.6, MASK_ID), (1.0, MASK_ID), (1.0, 0)):
        token = 1 + int(some_tokens(rng, VOCAB_SIZE - 1))
        inputs, targets = mask_tokens(
            torch.full((DRAWS,), token), mask_id, VOCAB_SIZE, p, generator=another_generator(rng)
        )
        asked, others = targets != -100, [other for other in range(VOCAB_SIZE) if other != mask_id]
        outside = (inputs < 0) | (inputs >= VOCAB_SIZE)
        kinds = [
            ~asked,
            outside & (inputs != mask_id),
            asked & (inputs == mask_id),
            *(asked & (inputs == other) for other in others),
        ]
        case = f"all tokens {token}, mask_id {mask_id}, probability {p}; not asked, outside, hidden, others"
        seen[case] = torch.stack(kinds).double().mean(dim=1)
        drawn = 0.1 / VOCAB_SIZE
        held = [0.8 + drawn * (mask_id == 0), *(drawn + 0.1 * (other == token) for other in others)]
        right[case] = torch.tensor([1 - p, 0, *(p * share for share in held)], dtype=torch.float64)
    draws = {}
    for token, mask_id in ((0, 1), (0, 2), (1, 2)):
        tokens = torch.full((2 * DRAWS,), token)
        inputs, _ = mask_tokens(tokens, mask_id, 2, 1.0, another_generator(rng))
        case = f"a vocabulary of 0 and 1, mask_id {mask_id}: holding {token} where it was {token}"
        seen[case], right[case] = (inputs == token).double().mean().reshape(1), torch.tensor([0.15]).double()
        draws[case] = 2 * DRAWS
    inputs, _ = mask_tokens(torch.zeros(DRAWS, 2, dtype=torch.long), 1000, 1000, 1.0, another_generator(rng))
    case = "hidden of two neighbours that are chosen: both, first, second, none"
    seen[case], right[case] = of_neighbours(inputs == 1000), both_or_none(0.8)
    first, second = inputs.unbind(dim=1)
    same = (first == second) & (first > 0) & (first < 1000)
    case = "two neighbours replaced by the same one of 1000 tokens"
    seen[case], right[case] = same.double().mean().reshape(1), torch.tensor([0.01 * 999 / 1000**2]).double()
    single = [mask_tokens(torch.tensor([3]), MASK_ID, VOCAB_SIZE, 1.0, another_generator(rng))[0] for _ in range(110)]
    hidden = torch.stack(single) == MASK_ID
    facts = {
        "of 110 texts of one token, some are hidden": bool(hidden.any()),
        "of 110 texts of one token, some are not hidden": bool((~hidden).any()),
        "in 8,000 places there are more than 90 of 1,000 random tokens": len(inputs.unique()) > 90,
    }
    return {"seen": seen, "right": right, "draws": draws, "facts": facts}


@exercise.promise("All chance comes from `generator`", broken_by="forgets_the_generator")
@exercise.promise("so that the same state gives the same blanks", broken_by="starts_again_at_the_seed")
@exercise.promise("PyTorch's own chance is left alone", broken_by="seeds_all_chance")
@exercise.promise("without one, from PyTorch's own", broken_by="always_the_same_without_a_generator")
@exercise.check(points=0.25)
def chance_comes_from_the_generator(mask_tokens, rng):
    """The same state of the generator chooses and replaces the same again, and another state does not."""
    tokens, seed = some_tokens(rng, VOCAB_SIZE, 40, 25), int(some_tokens(rng, 2**40))

    def mask(generator: torch.Generator | None) -> Tensor:
        return torch.stack(mask_tokens(tokens.clone(), MASK_ID, VOCAB_SIZE, 0.5, generator))

    generators = [torch.Generator().manual_seed(start) for start in (seed, seed, seed + 1)]
    chance = torch.get_rng_state()
    first, again, other = map(mask, generators)
    is_left_alone = torch.equal(chance, torch.get_rng_state())
    more, more_again = map(mask, generators[:2])
    own = [seeded(seed + step, lambda: mask(None)) for step in (0, 0, 1)]
    return {
        "inputs, targets": list(first.shape),
        "the same state gives the same inputs, the same targets": [*map(torch.equal, first, again)],
        "another state gives the same": torch.equal(first, other),
        "and the same again": [*map(torch.equal, more, more_again)],
        "a generator gives the same twice": torch.equal(first, more),
        "PyTorch's own chance is as it was": is_left_alone,
        "without a generator, PyTorch's same state gives the same": torch.equal(own[0], own[1]),
        "without a generator, another state gives the same": torch.equal(own[0], own[2]),
    }


exercise.aside("Choose positions to be guessed from what stands around them", "The next sentences say it with numbers.")
exercise.aside(
    "The loss asks at the chosen positions, nowhere else", "The loss is another exercise's, and takes these targets."
)
exercise.aside("which lives on the device of `tokens`", "Checks run on the CPU, where there is one device.")
exercise.edges(
    empty="targets_stand_where_something_is_asked",
    one="each_position_by_itself",
    equal="most_are_hidden_some_are_replaced_some_stay",
    zero="each_position_by_itself",
    ties="No two are compared.",
    large="most_are_hidden_some_are_replaced_some_stay",
    small="Tokens are whole numbers from 0 on.",
    limit="targets_stand_where_something_is_asked",
    shapes="targets_stand_where_something_is_asked",
    modes="Nothing is trained here.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(
    hint="Every chosen position is hidden. What would a model that has only ever been asked at blanks make of a text "
    "without any?"
)
def hides_all_that_is_chosen(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, hidden=1.0, replaced=0.0)


@exercise.mistake(hint="Your results are no whole numbers. Can a vocabulary be asked for its token 3.0?")
def gives_floats(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return tuple(part.float() for part in masked(tokens, mask_id, vocab_size, probability, generator))


@exercise.mistake(hint="Your results are one long row, whatever shape the tokens have. Who needs that shape?")
def one_long_row(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens.flatten(), mask_id, vocab_size, probability, generator)


@exercise.mistake(hint="A probability of 1.5 goes through. How often would a position be chosen then?")
def takes_any_probability(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, min(max(probability, 0), 1), generator)


@exercise.mistake(hint="You choose an exact number of positions. How many of one token would 0.5 be?")
def chooses_an_exact_number(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    order = torch.randperm(tokens.numel(), generator=generator).reshape(tokens.shape)
    chosen = order < round(probability * tokens.numel())
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen)


@exercise.mistake(hint="Where chance chooses no position you choose one. How often is a text of one token chosen then?")
def chooses_one_at_least(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    number = torch.rand(tokens.shape, generator=generator)
    chosen = number < probability
    if probability and tokens.numel() and not chosen.any():
        chosen = number == number.min()
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen)


@exercise.mistake(
    hint="Where a token is `mask_id` already you never choose it. What has a position's token to do with it?"
)
def spares_the_mask_sign(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    chosen = (torch.rand(tokens.shape, generator=generator) < probability) & (tokens != mask_id)
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen)


@exercise.mistake(
    hint="Your random tokens are never the last of the vocabulary. Does `randint` ever give its upper end?"
)
def never_draws_the_last_token(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    others = torch.randint(max(vocab_size - 1, 1), tokens.shape, generator=generator)
    return masked(tokens, mask_id, vocab_size, probability, generator, others=others)


@exercise.mistake(hint="Your random tokens are never the one that was there. Of how many are they drawn then?")
def never_the_token_itself(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    steps = torch.randint(1, max(vocab_size, 2), tokens.shape, generator=generator)
    return masked(tokens, mask_id, vocab_size, probability, generator, others=(tokens + steps) % vocab_size)


@exercise.mistake(
    hint="One random token replaces all that are replaced. How many does `randint` draw for a shape of ()?"
)
def one_random_token_for_all(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    others = torch.randint(vocab_size, (), generator=generator)
    return masked(tokens, mask_id, vocab_size, probability, generator, others=others)


@exercise.mistake(
    hint="You deal out exact shares of hidden, replaced and kept tokens. What becomes of a text of one token each time?"
)
def exact_shares_of_each_kind(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    chosen = torch.rand(tokens.shape, generator=generator) < probability
    places = chosen.flatten().nonzero().flatten()
    places = places[torch.randperm(len(places), generator=generator)]
    fate = torch.zeros(tokens.numel()).index_put((places,), (torch.arange(len(places)) + 0.5) / max(len(places), 1))
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen, fate=fate.reshape(tokens.shape))


@exercise.mistake(hint="The random tokens come from elsewhere than the other draws. Which calls know `generator`?")
def random_tokens_without_the_generator(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    others = torch.randint(vocab_size, tokens.shape)
    return masked(tokens, mask_id, vocab_size, probability, generator, others=others)


@exercise.mistake(hint="A generator gives the same blanks twice. Do you read its state, or where it once began?")
def starts_again_at_the_seed(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    again = generator and torch.Generator().manual_seed(generator.initial_seed())
    return masked(tokens, mask_id, vocab_size, probability, again)


@exercise.mistake(hint="PyTorch's own chance is another after your call. Which line sets its seed?")
def seeds_all_chance(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**40, (), generator=generator)))
    return masked(tokens, mask_id, vocab_size, probability, None)


@exercise.mistake(hint="Without a generator the blanks are always the same. Where does that chance begin?")
def always_the_same_without_a_generator(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator or torch.Generator().manual_seed(0))


@exercise.mistake(
    hint="No chosen position keeps its token. What shares of the chosen ones are hidden, replaced and left?"
)
def leaves_none_as_it_was(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, replaced=0.2)


@exercise.mistake(hint="You replace a tenth of what was not hidden. Of what is it to be a tenth?")
def replaces_a_tenth_of_the_rest(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, replaced=0.02)


@exercise.mistake(
    hint="Every token is a target, also those that the model can read. What does it learn from copying them?"
)
def asks_everywhere(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator)[0], tokens.clone()


@exercise.mistake(
    hint="Only hidden positions have a target. How shall the model find out that a token it can read may be wrong?"
)
def asks_only_what_is_hidden(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, _ = masked(tokens, mask_id, vocab_size, probability, generator)
    return inputs, torch.where(inputs == mask_id, tokens, -100)


@exercise.mistake(
    hint="The targets hold what the inputs hold. Did you take them from the tokens before or after hiding?"
)
def the_targets_are_hidden_too(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, targets = masked(tokens, mask_id, vocab_size, probability, generator)
    return inputs, torch.where(targets == -100, targets, inputs)


@exercise.mistake(
    hint="You choose the positions to be left alone. How often is a number drawn evenly from 0 to 1 below 0.2?"
)
def chooses_the_others(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, 1 - probability, generator)


@exercise.mistake(hint="You choose 15 % whatever was asked for. Where do you use `probability`?")
def ignores_the_probability(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    return masked(tokens, mask_id, vocab_size, 0.15, generator)


@exercise.mistake(
    hint="One random number decides both whether a position is chosen and what becomes of it. If it is below 0.15, can "
    "it be above 0.8?"
)
def one_number_for_two_decisions(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    number = torch.rand(tokens.shape, generator=generator)
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=number < probability, fate=number)


@exercise.mistake(
    hint="The same places are chosen in every text. How many random numbers do tokens of shape (B, T) need?"
)
def the_same_places_in_every_text(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    chosen = (torch.rand(tokens.shape[-1], generator=generator) < probability).expand(tokens.shape)
    return masked(tokens, mask_id, vocab_size, probability, generator, chosen=chosen)


@exercise.mistake(
    hint="The tokens of the caller have blanks in them now. Does an assignment to `tokens[...]` make a new tensor?"
)
def changes_the_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    inputs, targets = masked(tokens, mask_id, vocab_size, probability, generator)
    return tokens.copy_(inputs), targets


@exercise.mistake(
    hint="The same generator gives other blanks each time. Which of your calls draws, and does it know `generator`?"
)
def forgets_the_generator(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, None)
