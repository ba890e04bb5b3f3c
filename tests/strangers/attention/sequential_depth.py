# %% wrong: the_last_position_only
# "The length of the longest chain of units that must be computed one after another."
# The answer is when the last position is ready, although a position before it may be ready later.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = 1 + max((ready[unit] for unit in waits_for(layer, position)), default=0)
    return max((ready[layer, length - 1] for layer in range(n_layers + 1)), default=0)


# %% wrong: the_top_layer_only
# "\mathrm{depth} = \max_{l, t}\ \mathrm{ready}(l, t)"
# The maximum is taken over the top layer, which need not wait for the longest chain below it.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = 1 + max((ready[unit] for unit in waits_for(layer, position)), default=0)
    return max((ready[n_layers, position] for position in range(length)), default=0)


# %% wrong: back_from_the_end_by_recursion
# "Four designs, each of two layers, read 1,000 words."
# Remembered recursion that starts at the last unit: right for short texts, too deep for a recurrent layer of 1,000 words.
def sequential_depth(waits_for, length, n_layers):
    known = {}

    def last_of(units):
        return max((ready(unit) for unit in units), default=0)

    def ready(unit):
        if unit[0] == 0:
            return 0
        if unit not in known:
            known[unit] = 1 + last_of(waits_for(*unit))
        return known[unit]

    units = ((layer, position) for layer in range(n_layers, 0, -1) for position in range(length - 1, -1, -1))
    return max(map(ready, units), default=0)


# %% wrong: nothing_to_wait_for_takes_no_time
# "What should `max` give for a unit that"
# A unit that waits for nothing at all is ready at step 0, as if it were an input.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = max((ready[unit] + 1 for unit in waits_for(layer, position)), default=0)
    return max(ready.values(), default=0)


# %% wrong: position_by_position
# "be done before: in an earlier layer, or in the same layer at an earlier position."
# Filled position by position, with 0 for what is not there yet: a unit that waits for a later position of the layer below is too early.
def sequential_depth(waits_for, length, n_layers):
    ready, depth = {}, 0
    for position in range(length):
        for layer in range(1, n_layers + 1):
            step = 1 + max((ready.get(unit, 0) for unit in waits_for(layer, position)), default=0)
            ready[layer, position] = step
            depth = max(depth, step)
    return depth


# %% wrong: earlier_means_the_layer_below
# "A unit waits only for earlier layers, or for"
# Only the layer below and the current one are kept, and a unit of any earlier layer is looked up in the layer below.
def sequential_depth(waits_for, length, n_layers):
    below, depth = [0] * length, 0
    for layer in range(1, n_layers + 1):
        here = []
        for position in range(length):
            steps = [here[p] if l == layer else below[p] for l, p in waits_for(layer, position)]
            here.append(1 + max(steps, default=0))
        below, depth = here, max([depth, *here])
    return depth


# %% wrong: goes_twice_over_the_units
# "def sequential_depth(waits_for: Callable[[int, int], Iterable[Unit]], length: int, n_layers: int) -> int:"
# The units are iterated over twice: right for lists, but a generator is empty the second time.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units = waits_for(layer, position)
            missing = [unit for unit in units if unit not in ready]
            if missing:
                raise ValueError(f"{(layer, position)} waits for {missing}")
            ready[layer, position] = 1 + max((ready[unit] for unit in units), default=0)
    return max(ready.values(), default=0)


# %% wrong: a_floating_number
# "-> the depth, a whole number"
# The steps are kept in a tensor of floats, and a float is returned.
def sequential_depth(waits_for, length, n_layers):
    ready = torch.zeros(n_layers + 1, length)
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = 1 + max((ready[unit].item() for unit in waits_for(layer, position)), default=0)
    return ready.max().item() if length else 0.0


# %% wrong: a_later_input_comes_later
# "Layer 0 is the input, which is there at once."
# An input to the right of a unit is given a step of its own, as if it had to be read in first.
def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            steps = [ready[u] if u[0] else int(u[1] > position) for u in waits_for(layer, position)]
            ready[layer, position] = 1 + max(steps, default=0)
    return max(ready.values(), default=0)


# %% right: struck_off_in_rounds
# The machine itself: in each step all units are done that wait for nothing more; those that waited for them are told.
def sequential_depth(waits_for, length, n_layers):
    from collections import defaultdict

    missing, waiting = {}, defaultdict(list)
    for layer in range(1, n_layers + 1):
        for position in range(length):
            before = {tuple(unit) for unit in waits_for(layer, position) if unit[0] != 0}
            missing[layer, position] = len(before)
            for unit in before:
                waiting[unit].append((layer, position))
    now, steps = [unit for unit, count in missing.items() if count == 0], 0
    while now:
        steps += 1
        then = []
        for unit in now:
            for later in waiting[unit]:
                missing[later] -= 1
                if missing[later] == 0:
                    then.append(later)
        now = then
    return steps


# %% right: own_stack
# Depth first from every unit, with a stack of its own in place of recursion, last units first.
def sequential_depth(waits_for, length, n_layers):
    before, ready = {}, {}
    stack = [(layer, position) for layer in range(1, n_layers + 1) for position in range(length)]
    while stack:
        unit = stack[-1]
        if unit in ready:
            stack.pop()
            continue
        if unit not in before:
            before[unit] = [] if unit[0] == 0 else list(waits_for(*unit))
        open_ones = [other for other in before[unit] if other not in ready]
        if open_ones:
            stack += open_ones
            continue
        ready[unit] = 0 if unit[0] == 0 else 1 + max([0, *(ready[other] for other in before[unit])])
        stack.pop()
    return max([0, *ready.values()])
