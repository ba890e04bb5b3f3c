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


# %% wrong: empty_generator
# "A unit that waits for nothing is ready after one step." and "a list, a set, a generator"
# Asks `if units`: an empty generator is true, and max of nothing raises an error.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, t): 0 for t in range(length)}
    for layer in range(1, n_layers + 1):
        for t in range(length):
            units = waits_for(layer, t)
            ready[layer, t] = 1 + max(ready[u] for u in units) if units else 1
    return max(ready.values(), default=0)


# %% wrong: two_rows_only
# "What a unit waits for stands in an earlier layer, at any position"
# Keeps the layer below and the own one: a wait that skips a layer (not the input) reads the wrong row.
def sequential_depth(waits_for, length, n_layers):
    rows, depth = [[0] * length, [0] * length], 0
    for layer in range(1, n_layers + 1):
        for t in range(length):
            before = [0 if below == 0 else rows[below % 2][position] for below, position in waits_for(layer, t)]
            rows[layer % 2][t] = 1 + max(before, default=0)
        depth = max(depth, *rows[layer % 2]) if length else 0
    return depth


# %% wrong: position_after_position
# "units that must be done before, in an earlier layer [at any position], or in the same layer at an earlier position"
# Fills position by position: a wait for a later position of an earlier layer (reading both ways) counts as 0.
def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for t in range(length):
        for layer in range(1, n_layers + 1):
            ready[layer, t] = 1 + max((ready.get(unit, 0) for unit in waits_for(layer, t)), default=0)
    return max(ready.values(), default=0)


# %% wrong: no_position_raises
# "No layer takes no step, nor does no position."
# With no layer the inputs' zeros are left; with no position max of nothing raises an error.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, t): 0 for t in range(length)}
    for layer in range(1, n_layers + 1):
        for t in range(length):
            ready[layer, t] = max((ready[u] for u in waits_for(layer, t)), default=0) + 1
    return max(ready.values())


# %% wrong: a_float
# "A machine with enough hands needs as many steps as the longest chain has units, a whole number."
# Counts in an array of floats, and gives a float back.
def sequential_depth(waits_for, length, n_layers):
    ready = torch.zeros(n_layers + 1, length).tolist()
    for layer in range(1, n_layers + 1):
        for t in range(length):
            ready[layer][t] = 1 + max((ready[l][p] for l, p in waits_for(layer, t)), default=0)
    return max((max(row, default=0) for row in ready), default=0)


# %% wrong: asked_twice
# "or what else can be gone through once" and "each is worked out once"
# Asks waits_for once whether there is anything, and again for the units: an iterator that is handed out again is empty.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, t): 0 for t in range(length)}
    for layer in range(1, n_layers + 1):
        for t in range(length):
            if any(True for _ in waits_for(layer, t)):
                ready[layer, t] = 1 + max((ready[u] for u in waits_for(layer, t)), default=0)
            else:
                ready[layer, t] = 1
    return max(ready.values(), default=0)


# %% wrong: lists_emptied
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Pops the units off the list that waits_for gave: a list that is given out again is empty.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, t): 0 for t in range(length)}
    for layer in range(1, n_layers + 1):
        for t in range(length):
            units = waits_for(layer, t)
            units = units if isinstance(units, list) else list(units)
            latest = 0
            while units:
                latest = max(latest, ready[units.pop()])
            ready[layer, t] = latest + 1
    return max(ready.values(), default=0)


# %% wrong: kept_from_call_to_call
# "`waits_for(layer, position)` gives the units that must be done before"
# Keeps each unit's step by the name of waits_for: another function of the same name gets the answers of the first.
_kept_steps = {}


def sequential_depth(waits_for, length, n_layers):
    name = getattr(waits_for, "__qualname__", None)
    ready = {} if name is None or "<lambda>" in name else _kept_steps.setdefault(name, {})
    depth = 0
    for layer in range(1, n_layers + 1):
        for t in range(length):
            if (layer, t) not in ready:
                ready[layer, t] = 1 + max((ready[u] if u[0] else 0 for u in waits_for(layer, t)), default=0)
            depth = max(depth, ready[layer, t])
    return depth


# %% wrong: recursion_from_the_end_with_a_higher_limit
# "A text may have thousands of positions: a recursion that goes back along all of it is too deep for Python."
# Recursion with a memory, entered from the end, under a recursion limit raised to 3,000 and put back.
def sequential_depth(waits_for, length, n_layers):
    import functools
    import sys

    @functools.cache
    def ready(layer, t):
        if layer == 0:
            return 0
        latest = 0
        for unit in waits_for(layer, t):
            latest = max(latest, ready(*unit))
        return latest + 1

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 3000))
    try:
        units = [(layer, t) for layer in range(n_layers, 0, -1) for t in reversed(range(length))]
        return max((ready(*unit) for unit in units), default=0)
    finally:
        sys.setrecursionlimit(limit)


# %% right: recursion_in_a_good_order
# A recursion with a memory that never goes deep, since it is entered from the first unit on.
def sequential_depth(waits_for, length, n_layers):
    import functools

    @functools.cache
    def ready(layer, t):
        return 0 if layer == 0 else 1 + max((ready(*unit) for unit in waits_for(layer, t)), default=0)

    depth = 0
    for layer in range(1, n_layers + 1):
        for t in range(length):
            depth = max(depth, ready(layer, t))
    return depth


# %% right: waves
# Asks for the whole graph first, then takes away, wave after wave, what is ready, and counts the waves.
def sequential_depth(waits_for, length, n_layers):
    open_waits, followers = {}, {}
    for layer in range(1, n_layers + 1):
        for t in range(length):
            before = {unit for unit in waits_for(layer, t) if unit[0] > 0}
            open_waits[layer, t] = len(before)
            for unit in before:
                followers.setdefault(unit, []).append((layer, t))
    wave, steps = [unit for unit, n in open_waits.items() if n == 0], 0
    while wave:
        steps += 1
        coming = []
        for unit in wave:
            for follower in followers.get(unit, ()):
                open_waits[follower] -= 1
                if open_waits[follower] == 0:
                    coming.append(follower)
        wave = coming
    return steps


# %% right: own_stack_too
# A depth-first walk from the last unit with a stack of its own; every iterable is gone through once, where it was left.
def sequential_depth(waits_for, length, n_layers):
    done = {}
    for layer in range(n_layers, 0, -1):
        for t in range(length - 1, -1, -1):
            if (layer, t) in done:
                continue
            stack = [[(layer, t), iter(waits_for(layer, t)), 0]]
            while stack:
                frame = stack[-1]
                for unit in frame[1]:
                    if unit[0] == 0:
                        continue
                    if unit in done:
                        frame[2] = max(frame[2], done[unit])
                        continue
                    stack.append([unit, iter(waits_for(*unit)), 0])
                    break
                else:
                    stack.pop()
                    done[frame[0]] = frame[2] + 1
                    if stack:
                        stack[-1][2] = max(stack[-1][2], done[frame[0]])
    return max(done.values(), default=0)


# %% wrong: word_by_word
# "What a unit waits for stands in an earlier layer, at any position"
# Goes position by position, layers inside: what waits for a later position of a lower layer finds nothing, counted 0.
def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for position in range(length):
        for layer in range(1, n_layers + 1):
            ready[layer, position] = 1 + max((ready.get(u, 0) for u in waits_for(layer, position)), default=0)
    return max(ready.values(), default=0)


# %% wrong: only_two_rows_kept
# "the units that must be done before, in an earlier layer"
# Keeps this layer and the one below; a unit two layers down counts as there at once.
def sequential_depth(waits_for, length, n_layers):
    deepest, below = 0, [0] * length
    for layer in range(1, n_layers + 1):
        row = []
        for position in range(length):
            steps = 0
            for l, p in waits_for(layer, position):
                steps = max(steps, row[p] if l == layer else below[p] if l == layer - 1 else 0)
            row.append(1 + steps)
        deepest, below = max([deepest, *row]), row
    return deepest


# %% wrong: first_of_a_generator_lost
# "a list, a set, a generator, or what else can be gone through once"
# Looks whether there is anything to wait for by taking the first, which a generator then no longer has.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, p): 0 for p in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units = waits_for(layer, position)
            if any(True for _ in units):
                ready[layer, position] = 1 + max((ready[u] for u in units), default=0)
            else:
                ready[layer, position] = 1
    return max(ready.values(), default=0)


# %% wrong: a_float_too
# "A machine with enough hands needs as many steps as the longest chain has units, a whole number."
# numpy's zeros are floats, so the depth is 5.0.
def sequential_depth(waits_for, length, n_layers):
    import numpy as np

    ready = np.zeros((n_layers + 1, length))
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = 1 + max((ready[u] for u in waits_for(layer, position)), default=0)
    return ready.max() if ready.size else 0


# %% wrong: no_position_raises_too
# "No layer takes no step, nor does no position."
# Thinks of no layer, and takes the max of nothing where there is no position.
def sequential_depth(waits_for, length, n_layers):
    if n_layers == 0:
        return 0
    ready = {}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            ready[layer, position] = 1 + max((ready.get(u, 0) for u in waits_for(layer, position)), default=0)
    return max(ready.values())


# %% wrong: remembers_the_last_call
# "`waits_for` is asked about it once" (in a call): "ready(l, t) = 1 + max ..."
# The dictionary is a default value and stays from call to call.
def sequential_depth(waits_for, length, n_layers, ready={}):
    deepest = 0
    for layer in range(1, n_layers + 1):
        for position in range(length):
            unit = (waits_for, layer, position)
            if unit not in ready:
                units = waits_for(layer, position)
                ready[unit] = 1 + max((ready[waits_for, *u] if u[0] else 0 for u in units), default=0)
            deepest = max(deepest, ready[unit])
    return deepest


# %% wrong: empties_the_lists
# "A function of yours leaves what it is given as it was"
# Takes the units off the list or set that waits_for returned, which may be one that it keeps.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, p): 0 for p in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units, steps = waits_for(layer, position), 0
            if not isinstance(units, (list, set)):
                units = list(units)
            while units:
                steps = max(steps, ready[units.pop()])
            ready[layer, position] = steps + 1
    return max(ready.values(), default=0)


# %% wrong: asks_twice
# "`waits_for` is asked about it once"
# Asks once whether there is something to wait for, and once for what.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, p): 0 for p in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            nothing = not list(waits_for(layer, position))
            ready[layer, position] = 1 if nothing else 1 + max(ready[u] for u in waits_for(layer, position))
    return max(ready.values(), default=0)


# %% wrong: asks_about_the_input
# "Units (layer, position), with layers 1 to `n_layers`": "Layer 0 is the input, which is there at once"
# Asks waits_for about layer 0 as well and throws away the answer.
def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for layer in range(n_layers + 1):
        for position in range(length):
            units = waits_for(layer, position)
            ready[layer, position] = 1 + max((ready[u] for u in units), default=0) if layer else 0
    return max(ready.values(), default=0)


# %% wrong: recursion_from_the_end
# "a recursion that goes back along all of it is too deep for Python"
# A cached recursion that starts at the last position of the last layer.
def sequential_depth(waits_for, length, n_layers):
    from functools import cache

    @cache
    def ready(layer, position):
        if layer == 0:
            return 0
        return 1 + max((ready(*u) for u in waits_for(layer, position)), default=0)

    units = [(layer, position) for layer in range(n_layers, 0, -1) for position in reversed(range(length))]
    return max((ready(*u) for u in units), default=0)


# %% wrong: own_layer_left_neighbour_only
# "or at an earlier position of its own layer"
# In its own layer it keeps the left neighbour's step only, and takes it for whatever earlier position is waited for.
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, p): 0 for p in range(length)}
    for layer in range(1, n_layers + 1):
        left = 0
        for position in range(length):
            steps = (left if u[0] == layer else ready[u] for u in waits_for(layer, position))
            left = ready[layer, position] = 1 + max(steps, default=0)
    return max(ready.values(), default=0)


# %% right: stack_from_the_end
# A depth-first walk with a stack of its own, from the last unit back.
def sequential_depth(waits_for, length, n_layers):
    steps, needs = {}, {}
    for start in ((l, p) for l in range(n_layers, 0, -1) for p in range(length - 1, -1, -1)):
        stack = [start]
        while stack:
            unit = stack[-1]
            if unit in steps:
                stack.pop()
                continue
            if unit not in needs:
                needs[unit] = [tuple(u) for u in waits_for(*unit) if u[0] > 0]
            missing = [u for u in needs[unit] if u not in steps]
            if missing:
                stack.extend(missing)
            else:
                steps[stack.pop()] = 1 + max([steps[u] for u in needs[unit]] or [0])
    return max(steps.values()) if steps else 0


# %% right: waves_too
# Asks about all units first, in a mixed order, and counts the waves of units that become ready together.
def sequential_depth(waits_for, length, n_layers):
    units = [(l, p) for p in range(length) for l in range(1, n_layers + 1)]
    followers, missing = {u: [] for u in units}, {}
    for unit in units:
        before = {u for u in waits_for(*unit) if u[0] != 0}
        missing[unit] = len(before)
        for u in before:
            followers[u].append(unit)
    wave, count = [u for u in units if not missing[u]], 0
    while wave:
        count += 1
        after = []
        for unit in wave:
            for follower in followers[unit]:
                missing[follower] -= 1
                if not missing[follower]:
                    after.append(follower)
        wave = after
    return count


# %% right: numpy_table
# A table of whole numbers in numpy; the depth is made Python's int.
def sequential_depth(waits_for, length, n_layers):
    import numpy as np

    table = np.zeros((n_layers + 1, length), dtype=np.int64)
    for layer, position in np.ndindex(n_layers, length):
        before = np.array(list(waits_for(layer + 1, position)), dtype=int).reshape(-1, 2)
        table[layer + 1, position] = 1 + table[before[:, 0], before[:, 1]].max(initial=0)
    return int(table.max(initial=0))


# %% wrong: two_rows
# "the units that must be done before, in an earlier layer, or in the same layer at an earlier position"
# a unit of layer 3 that waits for (1, t) or (0, t), past the layer below: it gets the time of (2, t); e.g. layers 1 and 2 recurrent, layer 3 waits for the input and its left neighbour
def sequential_depth(waits_for, length, n_layers):
    below, depth = [0] * length, 0
    for layer in range(1, n_layers + 1):
        row = []
        for position in range(length):
            latest = 0
            for its_layer, its_position in waits_for(layer, position):
                latest = max(latest, row[its_position] if its_layer == layer else below[its_position])
            row.append(latest + 1)
        depth = max(depth, *row) if row else depth
        below = row
    return depth


# %% wrong: empty_generators
# "a list, a set, a generator, or what else can be gone through once" / "A unit that waits for nothing is ready after one step."
# waits_for written with yield that yields nothing for (1, 0): a generator is never falsy, max() of nothing raises ValueError
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units = waits_for(layer, position)
            ready[layer, position] = 1 + max(ready[unit] for unit in units) if units else 1
    return max(ready.values(), default=0)


# %% wrong: word_by_word_again
# "What a unit waits for stands in an earlier layer, at any position, or at an earlier position of its own layer."
# layer 1 recurrent over 5 positions, layer 2 back to front, (2, p) waits for (1, 4 - p): (2, 0) counts (1, 4) as 0, and 5 comes out instead of 6
def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for position in range(length):  # a text is read word by word
        for layer in range(1, n_layers + 1):
            # the input is not in the dictionary: there at once
            latest = max((ready.get(unit, 0) for unit in waits_for(layer, position)), default=0)
            ready[layer, position] = latest + 1
    return max(ready.values(), default=0)


# %% wrong: depth_from_a_tensor
# "A machine with enough hands needs as many steps as the longest chain has units, a whole number."
# any design: the depth is a float, 5.0 for two recurrent layers over four positions
def sequential_depth(waits_for, length, n_layers):
    if not length or not n_layers:
        return 0
    ready = torch.zeros(n_layers + 1, length)
    for layer in range(1, n_layers + 1):
        for position in range(length):
            units = list(waits_for(layer, position))
            if units:
                layers, positions = zip(*units)
                ready[layer, position] = ready[list(layers), list(positions)].max()
            ready[layer, position] += 1
    return ready.max().item()


# %% wrong: lists_emptied_again
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# waits_for = lambda layer, position: table[layer, position] with lists in the caller's table: they are empty afterwards, and a second call gives 1
def sequential_depth(waits_for, length, n_layers):
    ready = {(0, position): 0 for position in range(length)}
    for layer in range(1, n_layers + 1):
        for position in range(length):
            todo = waits_for(layer, position)
            if not hasattr(todo, "pop"):  # a generator or a tuple
                todo = list(todo)
            latest = 0
            while todo:
                latest = max(latest, ready[todo.pop()])
            ready[layer, position] = latest + 1
    return max(ready.values(), default=0)


# %% right: from_the_top_with_a_stack
def sequential_depth(waits_for, length, n_layers):
    ready, before = {}, {}
    for layer in range(n_layers, 0, -1):
        for position in reversed(range(length)):
            stack = [(layer, position)]
            while stack:
                unit = stack[-1]
                if unit in ready:
                    stack.pop()
                elif unit[0] == 0:
                    ready[stack.pop()] = 0
                elif unit not in before:
                    before[unit] = set(waits_for(*unit))
                    stack.extend(before[unit] - ready.keys())
                else:
                    ready[stack.pop()] = 1 + max((ready[other] for other in before.pop(unit)), default=0)
    return max(ready.values(), default=0)


# %% right: peeled_step_by_step
def sequential_depth(waits_for, length, n_layers):
    missing, waiting, now = {}, {}, []
    for position in range(length):
        for layer in range(1, n_layers + 1):
            units = {(a, b) for a, b in waits_for(layer, position) if a > 0}  # the input is there
            missing[layer, position] = len(units)
            for unit in units:
                waiting.setdefault(unit, []).append((layer, position))
            if not units:
                now.append((layer, position))
    steps = 0
    while now:  # all hands at once
        steps, then = steps + 1, []
        for unit in now:
            for other in waiting.get(unit, ()):
                missing[other] -= 1
                if missing[other] == 0:
                    then.append(other)
        now = then
    return steps
