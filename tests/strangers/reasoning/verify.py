# %% wrong: compares_as_float64
# "Numbers are compared as whole numbers, of whatever size."
# puts both into float64 tensors (not a number for no answer), where neighbours above 2**53 are the same
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    answers = [extract_answer(reply) for reply in replies]
    answers = torch.tensor([math.nan if answer is None else answer for answer in answers], dtype=torch.float64)
    return (answers == torch.tensor(truths, dtype=torch.float64)).to(torch.float32)


# %% wrong: no_answer_is_minus_one
# "A reply without an answer earns nothing, also where the truth is 0."
# -1 stands for no answer, and a difference may have -1 for its truth
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    NO_NUMBER = -1  # not 0, which may be a truth
    rewards = torch.zeros(len(replies), dtype=torch.float32)
    for i, reply in enumerate(replies):
        answer = extract_answer(reply)
        rewards[i] = float((NO_NUMBER if answer is None else answer) == truths[i])
    return rewards


# %% wrong: each_text_is_read_once
# "1 for each reply whose answer, as `extract_answer` reads it, is the truth, and 0 for each other one."
# keeps the verdict by the reply's text, so that a text that comes again is judged by another one's truth
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    verdicts: dict[str, float] = {}
    for reply, truth in zip(replies, truths):
        if reply not in verdicts:  # drawn replies are often the same: parse each of them once
            verdicts[reply] = 1.0 if extract_answer(reply) == truth else 0.0
    return torch.tensor([verdicts[reply] for reply in replies], dtype=torch.float32)


# %% wrong: whatever_float_is_the_default
# "Shapes: B replies, B truths -> (B), in float32; B may be 0."
# leaves the dtype to torch, which is float32 only as long as nobody has called torch.set_default_dtype
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    return torch.tensor([float(extract_answer(reply) == truth) for reply, truth in zip(replies, truths)])


# %% wrong: stacks_nothing
# "Shapes: B replies, B truths -> (B), in float32; B may be 0."
# torch.stack raises a RuntimeError where there is no reply
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    one, zero = torch.ones((), dtype=torch.float32), torch.zeros((), dtype=torch.float32)
    return torch.stack([one if extract_answer(reply) == truth else zero for reply, truth in zip(replies, truths)])


# %% wrong: nan_for_none
# "Numbers are compared as whole numbers, of whatever size."
# compares float64, with NaN for no answer: neighbours above 2**53 are the same, and three hundred digits and more overflow
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    read = [extract_answer(reply) for reply in replies]
    given = torch.tensor([math.nan if value is None else value for value in read], dtype=torch.float64)
    return (given == torch.tensor(list(truths), dtype=torch.float64)).to(torch.float32)


# %% wrong: zero_is_no_answer
# "1 for each reply whose answer, as `extract_answer` reads it, is the truth"
# takes the answer 0 for no answer, since both are false: a right 0 earns nothing
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    rewards = torch.zeros(len(replies), dtype=torch.float32)
    for i, (reply, truth) in enumerate(zip(replies, truths)):
        answer = extract_answer(reply)
        if answer and answer == truth:
            rewards[i] = 1
    return rewards


# %% wrong: minus_one_for_none
# "A reply without an answer earns nothing"
# -1 stands for no answer, and earns the reward where the truth is -1
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    answers = [-1 if (answer := extract_answer(reply)) is None else answer for reply in replies]
    return torch.tensor([float(answer == truth) for answer, truth in zip(answers, truths)], dtype=torch.float32)


# %% wrong: squeezed
# "Shapes: B replies, B truths -> (B), in float32"
# a column that is squeezed: for a single reply the tensor has no dimension left
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    right = [[extract_answer(reply) == truth] for reply, truth in zip(replies, truths)]
    return torch.tensor(right, dtype=torch.float32).squeeze()


# %% wrong: each_wording_judged_once
# "1 for each reply whose answer, as `extract_answer` reads it, is the truth, and 0 for each other one."
# keeps its verdicts by the reply's text: the same words to two different truths get the last verdict twice
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    verdicts = {reply: extract_answer(reply) == truth for reply, truth in zip(replies, truths)}
    return torch.tensor([verdicts[reply] for reply in replies], dtype=torch.float32)


# %% right: by_their_hexadecimal_digits
# writes both numbers in hexadecimal and compares the texts, and counts the ones into a tensor of zeros
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if (n := len(replies)) - len(truths):
        raise ValueError("one truth for each reply")
    right = []
    for i in range(n - 1, -1, -1):
        answer = extract_answer(replies[i])
        right += [i] if answer is not None and format(answer, "x") == format(truths[i], "x") else []
    return torch.zeros(n, dtype=torch.float32).index_fill(0, torch.tensor(right, dtype=torch.int64), 1.0)


# %% right: bytes_of_booleans
# the difference of the numbers, a bytearray of flags, and a conversion
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    flags = bytearray()
    try:
        for reply, truth in zip(replies, truths, strict=True):
            answer = extract_answer(reply)
            flags.append(not (truth - answer) if answer is not None else 0)
    except ValueError as error:
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths") from error
    return torch.tensor(list(flags), dtype=torch.uint8).type(torch.FloatTensor)


# %% right: exclusive_or
# writes into a buffer from behind; two whole numbers are equal where no bit differs
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    if len(replies) != len(truths):
        raise ValueError("one truth for each reply")
    rewards = torch.full((len(truths),), 0, dtype=torch.float32)
    at = len(truths)
    while at:
        at -= 1
        answer = extract_answer(replies[at])
        if isinstance(answer, int):
            rewards[at] = 0.0 if answer ^ int(truths[at]) else 1.0
    return rewards


# %% right: positions_of_the_right_ones
# the places of the right ones first, by exact fractions, then one sparse sum through numpy
def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    from fractions import Fraction

    import numpy as np

    if len(replies) != len(truths):
        raise ValueError("one truth for each reply")
    read = list(map(extract_answer, replies))
    places = [i for i in range(len(read)) if read[i] is not None and Fraction(read[i]) - Fraction(truths[i]) == 0]
    counts = np.bincount(np.array(places, dtype=np.int64), minlength=len(read))
    return torch.from_numpy(counts.astype(np.float32))
