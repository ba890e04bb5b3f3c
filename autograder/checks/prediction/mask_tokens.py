"""`mask_tokens`: targets only where something is asked, the shares of hidden, replaced and kept tokens, and chance that
comes from the generator alone.
"""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, ending
from autograder.checks.prediction.shared import ALIKE, shares_agree, some_tokens

exercise = Exercise("mask_tokens")

VOCAB_SIZE, MASK_ID = 7, 7  # the blank is one token more


def masked(
    tokens, mask_id, vocab_size, probability, generator, *, hidden=0.8, replaced=0.1, chosen=None, fate=None
) -> tuple[Tensor, Tensor]:
    """Blanks with their parts to choose, so that one can be wrong."""
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    chosen = torch.rand(tokens.shape, generator=generator) < probability if chosen is None else chosen
    fate = torch.rand(tokens.shape, generator=generator) if fate is None else fate
    others = torch.randint(vocab_size, tokens.shape, generator=generator)
    inputs = torch.where(chosen & (fate >= 1 - replaced), others, tokens)
    inputs = torch.where(chosen & (fate < hidden), mask_id, inputs)
    return inputs, torch.where(chosen, tokens, -100)


@exercise.check(points=0.25)
def targets_stand_where_something_is_asked(mask_tokens, rng):
    """Targets are tokens or -100; where they are -100 the inputs are the tokens; the tokens stay as they are."""
    tokens = some_tokens(rng, VOCAB_SIZE, 40, 25)
    original = tokens.clone()
    inputs, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE, 0.5, another_generator(rng))
    asked = targets != -100
    nowhere, everywhere = (
        mask_tokens(original.clone(), MASK_ID, VOCAB_SIZE, probability, another_generator(rng))
        for probability in (0.0, 1.0)
    )
    return {
        "the shapes": [list(inputs.shape), list(targets.shape)],
        "targets that are neither the token nor -100": int((asked & (targets != original)).sum()),
        "inputs that changed where nothing is asked": int((~asked & (inputs != original)).sum()),
        "the tokens stayed as they were": torch.equal(tokens, original),
        "inputs and targets with probability 0": list(nowhere),
        "targets with probability 1": everywhere[1],
        "probability = 1.5": ending(lambda: mask_tokens(original, MASK_ID, VOCAB_SIZE, 1.5)),
    }


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE)
def each_position_by_itself(mask_tokens, rng):
    """Each position is chosen with the given probability, 0.15 if not said, whatever happens at its neighbour."""
    seen, right = {}, {}
    for name, given in (("0.4", {"probability": 0.4}), ("0.7", {"probability": 0.7}), ("not given", {})):
        tokens = some_tokens(rng, VOCAB_SIZE, DRAWS, 2)
        _, targets = mask_tokens(tokens, MASK_ID, VOCAB_SIZE, **given, generator=another_generator(rng))
        first, second = (targets != -100).unbind(dim=1)
        pairs = torch.stack([first & second, first & ~second, ~first & second, ~first & ~second])
        case = f"probability {name}; chosen of two neighbours: both, first, second, none"
        p = given.get("probability", 0.15)
        seen[case] = pairs.double().mean(dim=1)
        right[case] = torch.tensor([p * p, p * (1 - p), (1 - p) * p, (1 - p) ** 2], dtype=torch.float64)
    return {"seen": seen, "right": right}


@exercise.check(points=0.25, judge=shares_agree, atol=ALIKE / 2)
def most_are_hidden_some_are_replaced_some_stay(mask_tokens, rng):
    """Of the chosen positions 80 % hold mask_id, 10 % a token drawn evenly from all, and 10 % what they held before."""
    seen, right = {}, {}
    for p in (0.6, 1.0):
        token = int(some_tokens(rng, VOCAB_SIZE))
        inputs, targets = mask_tokens(
            torch.full((DRAWS,), token), MASK_ID, VOCAB_SIZE, p, generator=another_generator(rng)
        )
        asked = targets != -100
        kinds = [~asked, asked & (inputs == MASK_ID), *(asked & (inputs == other) for other in range(VOCAB_SIZE))]
        case = f"all tokens {token}, probability {p}; nothing asked, hidden, asked and holding token 0 to 6"
        seen[case] = torch.stack(kinds).double().mean(dim=1)
        held = [0.1 / VOCAB_SIZE + 0.1 * (other == token) for other in range(VOCAB_SIZE)]
        right[case] = torch.tensor([1 - p, 0.8 * p, *(p * share for share in held)], dtype=torch.float64)
    return {"seen": seen, "right": right}


@exercise.check(points=0.25)
def chance_comes_from_the_generator(mask_tokens, rng):
    """The same state of the generator chooses and replaces the same again, and another state does not."""
    tokens, seed = some_tokens(rng, VOCAB_SIZE, 40, 25), int(some_tokens(rng, 2**40))
    first, again, other = (
        torch.stack(mask_tokens(tokens.clone(), MASK_ID, VOCAB_SIZE, 0.5, torch.Generator().manual_seed(start)))
        for start in (seed, seed, seed + 1)
    )
    return {
        "inputs, targets": list(first.shape),
        "the same state gives the same": torch.equal(first, again),
        "another state gives the same": torch.equal(first, other),
    }


@exercise.mistake(
    hint="Every chosen position is hidden. What would a model that has only ever been asked at blanks make of a text "
    "without any?"
)
def hides_all_that_is_chosen(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    return masked(tokens, mask_id, vocab_size, probability, generator, hidden=1.0, replaced=0.0)


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
