# %% wrong: all_designs_have_rounds
# "Only a loop has rounds."
# multiplies layers by rounds at the top, so that n_rounds counts for a transformer and a recurrent network too
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design!r}, {task!r}: no such design or task")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    depth = n_layers * n_rounds

    def reading(n_tokens: int) -> int:
        return n_tokens - 1 + depth if design == "recurrent" else depth

    answer = reading(n_prompt) + (n_reply - 1) * depth
    update = 2 * reading(n_prompt + n_reply)
    return {"answer": answer, "pretraining": update, "rl": answer + update}[task]


# %% wrong: one_more_token_at_least
# ""answer": a prompt is read, and its last position gives the first token of the reply; each further token is chosen when all layers have read the one before. The last token is not read."
# max(1, n_reply - 1): a reply of one token is read, too
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design!r}, {task!r}: no such design or task")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")

    def reading(n_tokens: int) -> int:
        if design == "recurrent":
            return n_tokens + n_layers - 1
        return n_layers * n_rounds if design == "loop" else n_layers

    n_further = max(1, n_reply - 1)
    steps = 0
    if task in ("answer", "rl"):
        steps += reading(n_prompt) + n_further * reading(1)
    if task in ("pretraining", "rl"):
        steps += 2 * reading(n_prompt + n_reply)
    return steps


# %% wrong: forgets_rounds_before_it_checks_them
# "Raises ValueError for another design or task, and where a number of layers, rounds, prompt or reply tokens is below 1."
# sets n_rounds to 1 for all but the loop at the top, so that n_rounds=0 passes there
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design != "loop":
        n_rounds = 1  # only a loop has rounds
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design!r}, {task!r}: no such design or task")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    depth = n_layers * n_rounds

    def reading(n_tokens: int) -> int:
        return depth + (n_tokens - 1 if design == "recurrent" else 0)

    if task == "answer":
        return reading(n_prompt) + (n_reply - 1) * depth
    if task == "pretraining":
        return 2 * reading(n_prompt + n_reply)
    return reading(n_prompt) + (n_reply - 1) * depth + 2 * reading(n_prompt + n_reply)


# %% wrong: a_further_token_of_a_loop_takes_its_rounds
# "each further token is chosen when all layers have read the one before."
# in a loop each further token costs n_rounds, which is right with one layer only, as in the table
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design!r}, {task!r}: no such design or task")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    everything = n_prompt + n_reply
    if design == "transformer":
        prompt, further, update = n_layers, n_layers, 2 * n_layers
    elif design == "loop":
        prompt, further, update = n_layers * n_rounds, n_rounds, 2 * n_layers * n_rounds
    else:
        prompt, further, update = n_prompt + n_layers - 1, n_layers, 2 * (everything + n_layers - 1)
    answer = prompt + (n_reply - 1) * further
    if task == "answer":
        return answer
    return update if task == "pretraining" else answer + update


# %% wrong: sums_in_float32
# "The number is whole, and exact for billions of tokens."
# adds up a tensor of floats, float32 by default, which is exact to 16,777,216 only
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design!r}, {task!r}: no such design or task")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    depth = n_layers * (n_rounds if design == "loop" else 1)
    waits = 1.0 if design == "recurrent" else 0.0
    parts = torch.tensor(
        [  # the prompt, the further tokens, forward and back
            depth + waits * (n_prompt - 1),
            depth * (n_reply - 1.0),
            2 * (depth + waits * (n_prompt + n_reply - 1)),
        ]
    )
    wanted = torch.tensor({"answer": [1.0, 1.0, 0.0], "pretraining": [0.0, 0.0, 1.0], "rl": [1.0, 1.0, 1.0]}[task])
    return int((parts * wanted).sum())


# %% wrong: recurrent_tokens_in_rounds
# "Only a loop has rounds."
# a further token of the reply costs layers times rounds in every design, so a recurrent network's answer grows with rounds
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    if design == "transformer":
        n_rounds = 1
    a_token = n_layers * n_rounds

    def reading(n):
        return n + n_layers - 1 if design == "recurrent" else a_token

    answer = reading(n_prompt) + (n_reply - 1) * a_token
    update = 2 * reading(n_prompt + n_reply)
    return {"answer": answer, "pretraining": update, "rl": answer + update}[task]


# %% wrong: a_token_is_always_read
# "The last token is not read."
# at least one token of the reply is read: a reply of one token, which the prompt gives, costs a reading too many
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")

    def reading(n: int) -> int:
        if design == "recurrent":
            return n - 1 + n_layers
        return n_layers * (n_rounds if design == "loop" else 1)

    steps = 0
    if task != "pretraining":
        steps += reading(n_prompt) + max(n_reply - 1, 1) * reading(1)
    if task != "answer":
        steps += 2 * reading(n_prompt + n_reply)
    return steps


# %% wrong: added_up_in_a_tensor
# "The number is whole, and exact for billions of tokens."
# torch.Tensor is float32 whatever it is given: above 16 777 216 the sum is rounded
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    depth = n_layers * n_rounds if design == "loop" else n_layers

    def reading(n):
        return n + depth - 1 if design == "recurrent" else depth

    parts = []
    if task in ("answer", "rl"):
        parts += [reading(n_prompt), (n_reply - 1) * depth]
    if task in ("pretraining", "rl"):
        parts += [reading(n_prompt + n_reply)] * 2  # forward and back
    return int(torch.Tensor(parts).sum())


# %% wrong: rounds_that_nobody_looks_at
# "Raises ValueError for another design or task, and where a number of layers, rounds, prompt or reply tokens is below 1."
# sets the rounds of what is no loop to 1 before it looks at them: a transformer of 0 rounds raises nothing
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if design != "loop":
        n_rounds = 1  # only a loop has rounds
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    depth = n_layers * n_rounds

    def reading(n):
        return n + depth - 1 if design == "recurrent" else depth

    answer = reading(n_prompt) + (n_reply - 1) * reading(1)
    update = 2 * reading(n_prompt + n_reply)
    return answer if task == "answer" else update if task == "pretraining" else answer + update


# %% wrong: rounds_overlap
# "in a "loop" the layers are run `n_rounds` times"
# counts layers and rounds like a recurrent network's grid, layers plus rounds less one: right for one layer or one round
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")

    def reading(n):
        width = {"transformer": 1, "loop": n_rounds, "recurrent": n}[design]
        return width + n_layers - 1

    answer = reading(n_prompt) + (n_reply - 1) * reading(1)
    update = 2 * reading(n_prompt + n_reply)
    return {"answer": answer, "pretraining": update, "rl": answer + update}[task]


# %% right: runs_small_ones_and_goes_on_straight
# computes the longest chain unit by unit for one and two tokens, and goes on in a straight line, since each more token costs the same
def _chain(design: str, depth: int, groups: list[int]) -> int:
    """The longest chain where groups of tokens are read one group after another."""
    done = [0] * depth  # of each layer, when it was through with the position before
    start = 0
    for group in groups:
        for _ in range(group):
            clock = start
            for layer in range(depth):
                clock = 1 + (max(clock, done[layer]) if design == "recurrent" else clock)
                done[layer] = clock
        start = done[-1]
    return start


def _small(design: str, task: str, depth: int, n_prompt: int, n_reply: int) -> int:
    steps = 0
    if task != "pretraining":
        steps += _chain(design, depth, [n_prompt] + [1] * (n_reply - 1))
    if task != "answer":
        steps += 2 * _chain(design, depth, [n_prompt + n_reply])
    return steps


def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError("no such design or task")
    if any(number < 1 for number in (n_layers, n_prompt, n_reply, n_rounds)):
        raise ValueError("one at least of each")
    depth = n_layers * n_rounds if design == "loop" else n_layers
    base, longer, more = (_small(design, task, depth, *size) for size in ((1, 1), (2, 1), (1, 2)))
    return base + (n_prompt - 1) * (longer - base) + (n_reply - 1) * (more - base)


# %% right: a_row_of_coefficients
# each number of steps is a sum of coefficients times (1, layers, prompt, reply, layers · reply), looked up in a table, times Fractions
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    from fractions import Fraction

    for number in (n_layers, n_rounds, n_prompt, n_reply):
        if number <= 0:
            raise ValueError("one at least")
    rows = {  # 1, layers, prompt, reply, layers times reply
        ("transformer", "answer"): (0, 0, 0, 0, 1),
        ("transformer", "pretraining"): (0, 2, 0, 0, 0),
        ("recurrent", "answer"): (-1, 0, 1, 0, 1),
        ("recurrent", "pretraining"): (-2, 2, 2, 2, 0),
    }
    for its in ("transformer", "recurrent"):
        rows[its, "rl"] = tuple(map(sum, zip(rows[its, "answer"], rows[its, "pretraining"])))
    if design == "loop":
        return serial_steps("transformer", task, n_layers * n_rounds, n_prompt, n_reply)
    if (design, task) not in rows:
        raise ValueError("no such design or task")
    values = (1, n_layers, n_prompt, n_reply, n_layers * n_reply)
    return int(sum(Fraction(c) * value for c, value in zip(rows[design, task], values)))


# %% right: a_dot_product_of_fractions
# the steps as a scalar product of what is done with how often it is done, in exact fractions
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    from fractions import Fraction

    if not (design in DESIGNS and task in TASKS):
        raise ValueError(f"{design!r}, {task!r}")
    if any(its < 1 for its in (n_layers, n_rounds, n_prompt, n_reply)):
        raise ValueError("one at least of each")
    # a reading of n tokens is slope * n + base
    slope, base = {"transformer": (0, n_layers), "loop": (0, n_layers * n_rounds), "recurrent": (1, n_layers - 1)}[
        design
    ]
    # (readings, tokens in them) of each part
    drawn, update = (n_reply, n_prompt + n_reply - 1), (2, 2 * (n_prompt + n_reply))
    steps = Fraction(0)
    for part, tasks in ((drawn, ("answer", "rl")), (update, ("pretraining", "rl"))):
        if task in tasks:
            steps += Fraction(base) * part[0] + Fraction(slope) * part[1]
    assert steps.denominator == 1
    return steps.numerator


# %% right: rl_by_recursion
# three tasks as three cases, rl calling the others; rounds as more layers, and the last token read and taken back
def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    if list(DESIGNS).count(design) == 0 or list(TASKS).count(task) == 0:
        raise ValueError(f"{design!r}, {task!r}")
    if sorted((n_layers, n_rounds, n_prompt, n_reply))[0] <= 0:
        raise ValueError("one at least of each")
    if design == "loop":
        return serial_steps("transformer", task, n_layers * n_rounds, n_prompt, n_reply)
    match task:
        case "rl":
            return sum(serial_steps(design, each, n_layers, n_prompt, n_reply) for each in ("answer", "pretraining"))
        case "pretraining":
            longest = n_layers if design == "transformer" else len(range(1, n_prompt + n_reply)) + n_layers
            return longest + longest
    chain = n_layers + n_reply * n_layers - n_layers
    return chain + (n_prompt - 1 if design == "recurrent" else 0)
