"""`sequential_depth`: known networks, networks wired at random, small ones and large ones."""

from functools import cache

import torch

from autograder.checking.topic import Exercise

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
    return lambda layer, position: waiting[layer, position]


def ready_at(waits_for, length, n_layers, step=1, start=0, waits=lambda unit, layer: True):
    """When each unit is ready, with a part to choose, so that it can be wrong."""
    done_at = {(0, position): start for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            waited = (done_at[unit] for unit in waits_for(layer, position) if waits(unit, layer))
            done_at[layer, position] = max(waited, default=start) + step
    return done_at


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


@exercise.check(points=0.25)
def any_network(sequential_depth, rng):
    """In a network wired at random, with units that skip layers, the longest chain decides, wherever it ends."""
    return [sequential_depth(random_waiting(rng, 6, 4, share), 6, 4) for share in (0.03, 0.06, 0.1, 0.2, 0.4)]


@exercise.check(points=0.25)
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
