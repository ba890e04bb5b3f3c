"""`sequential_depth`: known networks, networks wired at random, small ones and large ones."""

from functools import cache
from operator import index

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending

exercise = Exercise("sequential_depth")


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

    def waits_for(layer, position):
        return waiting[layer, position]

    return waits_for


def ready_at(waits_for, length, n_layers, step=1, start=0, waits=lambda unit, layer: True):
    """When each unit is ready, with a part to choose, so that it can be wrong."""
    done_at = {(0, position): start for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            waited = (done_at[unit] for unit in waits_for(layer, position) if waits(unit, layer))
            done_at[layer, position] = max(waited, default=start) + step
    return done_at


@exercise.promise("in the same layer at an earlier position", broken_by="ignores_waiting_within_a_layer")
@exercise.promise("take one step each", broken_by="counts_the_links")
@exercise.promise("Layer 0 is the input, which is there at once", broken_by="counts_the_input_too")
@exercise.check(points=0.25)
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


@exercise.promise("The length of the longest chain", broken_by="asks_the_last_unit_only")
@exercise.promise("that must be computed one after another", broken_by="takes_every_network_for_recurrent")
@exercise.promise("one step after the last of the units it waits for", broken_by="adds_up_what_it_waits_for")
@exercise.promise("in an earlier layer", broken_by="asks_the_layer_below_alone")
@exercise.promise("needs as many steps as the longest chain has units", broken_by="counts_every_unit")
@exercise.promise("a list, a set, a generator", broken_by="goes_through_the_units_twice")
@exercise.promise("`waits_for` is asked about it once", broken_by="asks_about_a_unit_twice")
@exercise.check(points=0.25)
def any_network(sequential_depth, rng):
    """In a network wired at random, with units that skip layers, the longest chain decides, wherever it ends.

    `waits_for` gives lists, sets, tuples and generators, and is asked about a unit once.
    """
    seen = {}
    for share in (0.05, 0.3):  # of the same name
        seen[f"a share of {share}, lists"] = sequential_depth(random_waiting(rng, 5, 3, share), 5, 3)
    for share, kind in ((0.03, list), (0.06, set), (0.1, iter), (0.2, tuple), (0.4, iter)):
        waits_for = random_waiting(rng, 6, 4, share)
        seen[f"a share of {share}"] = sequential_depth(
            lambda layer, position, given=waits_for, kind=kind: kind(given(layer, position)), 6, 4
        )

    def past_a_layer(layer, position):
        return recurrent(layer, position) if layer == 1 else [(1, position)] if layer == 3 else []

    def along(layer, position):
        return [(layer, position - 1)] if position else []

    units = {(layer, position): recurrent(layer, position) for layer in (1, 2) for position in range(5)}
    once = {unit: iter(waited) for unit, waited in units.items()}
    waiting: dict[tuple[int, int], list] = {}

    def changing(layer, position):
        return waiting.get((layer, position), [])

    sequential_depth(changing, 5, 2)
    waiting |= {(1, position): [(1, position - 1)] for position in range(1, 5)}
    return seen | {
        "asked again, when units wait that did not before": sequential_depth(changing, 5, 2),
        "lists that waits_for keeps": sequential_depth(lambda *unit: units[unit], 5, 2),
        "what is left in them": [len(waited) for waited in units.values()],
        "iterators that are there once": sequential_depth(lambda *unit: once[unit], 5, 2),
        "a layer that waits for the one below the next": sequential_depth(past_a_layer, 5, 3),
        "chains that begin with a unit that waits for nothing": sequential_depth(along, 5, 2),
    }


@exercise.promise("waits for nothing is ready after one step", broken_by="takes_no_step_without_waiting")
@exercise.promise("No layer takes no step", broken_by="takes_a_step_without_a_layer")
@exercise.promise("nor does no position", broken_by="fails_without_a_position")
@exercise.promise("a whole number", broken_by="gives_a_floating_number")
@exercise.check(points=0.25)
def small_networks(sequential_depth, rng):
    """Units that wait for nothing take one step, all at once; no layer or no position takes none. All are whole."""
    depth = sequential_depth(recurrent, 5, 2)
    return {
        "no waiting": sequential_depth(lambda layer, position: [], 4, 3),
        "one position, three layers": sequential_depth(recurrent, 1, 3),
        "one position, one layer": sequential_depth(recurrent, 1, 1),
        "no position": sequential_depth(recurrent, 0, 3),
        "no layer": sequential_depth(recurrent, 4, 0),
        "neither": sequential_depth(recurrent, 0, 0),
        "a chain that ends in the middle": sequential_depth(
            lambda layer, position: [(1, position - 1)] if layer == 1 and 0 < position < 4 else [], 6, 2
        ),
        "a chain below a layer that waits for nothing": sequential_depth(
            lambda layer, position: recurrent(layer, position) if layer < 3 else [], 4, 3
        ),
        "the last input is waited for, the last of the layer below too": sequential_depth(
            lambda layer, position: [(layer - 1, 4 - position)], 5, 3
        ),
        "a depth is a whole number": ending(lambda: index(depth)) == "a result",
    }


@exercise.promise("thousands of positions", broken_by="starts_from_the_end")
@exercise.promise("worked out once", broken_by="works_out_the_same_unit_again")
@exercise.check(points=0.25)
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


@exercise.mistake(
    hint="You count all units, as if one hand did the work. Which of them could be done at the same time?"
)
def counts_every_unit(waits_for, length, n_layers):
    return length * n_layers


@exercise.mistake(hint="You count the layers. Does a unit of a recurrent layer wait only for the layer below?")
def counts_the_layers(waits_for, length, n_layers):
    return n_layers if length else 0


@exercise.mistake(
    hint="You are one short: a chain of two units has one link, but takes two steps. Do you count links or units?"
)
def counts_the_links(waits_for, length, n_layers):
    return max(max(ready_at(waits_for, length, n_layers).values(), default=0) - 1, 0)


@exercise.mistake(
    hint="You count only waiting between layers. Which unit of its own layer does a recurrent unit wait for?"
)
def ignores_waiting_within_a_layer(waits_for, length, n_layers):
    return max(ready_at(waits_for, length, n_layers, waits=lambda unit, layer: unit[0] < layer).values(), default=0)


@exercise.mistake(
    hint="This is the formula for a recurrent network, whatever the network is. What does `waits_for` say about "
    "attention?"
)
def takes_every_network_for_recurrent(waits_for, length, n_layers):
    return length + n_layers - 1 if length and n_layers else 0


@exercise.mistake(hint="You return when the last unit of the top layer is ready. Must the longest chain end there?")
def asks_the_last_unit_only(waits_for, length, n_layers):
    return ready_at(waits_for, length, n_layers).get((n_layers, length - 1), 0)


@exercise.mistake(
    hint="You add up all that a unit waits for. If two units can be done at the same time, which of them decides when "
    "you can start?"
)
def adds_up_what_it_waits_for(waits_for, length, n_layers):
    done_at = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            done_at[layer, position] = 1 + sum(done_at[unit] for unit in waits_for(layer, position))
    return max(done_at.values(), default=0)


@exercise.mistake(
    hint="Your recursion works out the same unit again for every path that leads to it, and goes as deep as the text "
    "is long. In which order could you visit the units, so that all that one waits for is there already?"
)
def works_out_the_same_unit_again(waits_for, length, n_layers):
    def ready(unit):
        return 1 + max(map(ready, waits_for(*unit)), default=0) if unit[0] else 0

    units = [(layer, position) for layer in range(n_layers, 0, -1) for position in reversed(range(length))]
    return max(map(ready, units), default=0)


@exercise.mistake(
    hint="You start from the end and go down as deep as the text is long, until Python stops you. If you visit the "
    "units in reading order, is all that one waits for not there already?"
)
def starts_from_the_end(waits_for, length, n_layers):
    @cache
    def ready(unit):
        return 1 + max(map(ready, waits_for(*unit)), default=0) if unit[0] else 0

    units = [(layer, position) for layer in range(n_layers, 0, -1) for position in reversed(range(length))]
    return max(map(ready, units), default=0)


@exercise.mistake(hint="You give the input a step of its own. When is layer 0 there?")
def counts_the_input_too(waits_for, length, n_layers):
    return max(ready_at(waits_for, length, n_layers, start=1).values(), default=0)


@exercise.mistake(hint="A unit that waits for one two layers below is ready too early. Which layers do you look at?")
def asks_the_layer_below_alone(waits_for, length, n_layers):
    done_at = ready_at(waits_for, length, n_layers, waits=lambda unit, layer: unit[0] >= layer - 1)
    return max(done_at.values(), default=0)


@exercise.mistake(
    hint="You go through the units that one waits for more than once. What is left in a generator the second time?"
)
def goes_through_the_units_twice(waits_for, length, n_layers):
    done_at = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units = waits_for(layer, position)
            first = max((done_at[unit] for unit in units), default=0)
            done_at[layer, position] = 1 + (first if any(True for _ in units) else 0)
    return max(done_at.values(), default=0)


@exercise.mistake(hint="You ask about a unit again. What does a `waits_for` give that has only one iterator for each?")
def asks_about_a_unit_twice(waits_for, length, n_layers):
    done_at = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            waits = any(True for _ in waits_for(layer, position))
            waited = max((done_at[unit] for unit in waits_for(layer, position)), default=0) if waits else 0
            done_at[layer, position] = 1 + waited
    return max(done_at.values(), default=0)


@exercise.mistake(hint="A unit that waits for nothing takes no step with you. How many steps does every unit take?")
def takes_no_step_without_waiting(waits_for, length, n_layers):
    done_at = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            done_at[layer, position] = max((1 + done_at[unit] for unit in waits_for(layer, position)), default=0)
    return max(done_at.values(), default=0)


@exercise.mistake(hint="Without a layer you still count a step. What is there to be computed?")
def takes_a_step_without_a_layer(waits_for, length, n_layers):
    return max(max(ready_at(waits_for, length, n_layers).values(), default=0), int(length > 0))


@exercise.mistake(hint="Without a position your function ends with an error. What does `max` give of nothing?")
def fails_without_a_position(waits_for, length, n_layers):
    return max(ready_at(waits_for, length, n_layers).values())


@exercise.mistake(hint="Your depth is a number with a point. What do you count?")
def gives_a_floating_number(waits_for, length, n_layers):
    return float(max(ready_at(waits_for, length, n_layers).values(), default=0))


exercise.edges(
    empty="small_networks",
    one="small_networks",
    equal="small_networks",
    zero="small_networks",
    ties="Of two chains that are equally long either will do.",
    large="large_networks",
    small="small_networks",
    limit="large_networks",
    shapes="known_networks",
    modes="There is no layer that has a mode.",
    gradients="Nothing is learnt here.",
    inputs="Nothing is learnt here.",
)
