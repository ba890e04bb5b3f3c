# %% wrong: last_of_equals
# "of each prompt the reply with the highest reward, the first of equals"
# >= in the comparison: of equal rewards the last one is taken.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if rewards.shape != (len(replies), len(replies[0]) if replies else 0) or len({len(row) for row in replies}) > 1:
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    result = []
    for row, grades in zip(replies, rewards.tolist()):
        best = 0
        for place, grade in enumerate(grades):
            if grade >= grades[best]:
                best = place
        result.append(row[best])
    return result


# %% wrong: first_of_the_alphabet
# "Of the n replies to each prompt the one with the highest reward, the first of equals."
# Pairs of reward and text are sorted: of equal rewards the first in the alphabet is taken, as the example has it too.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    return [min((-grade, text) for text, grade in zip(*both))[1] for both in zip(replies, rewards.tolist())]


# %% wrong: zip_says_nothing
# "a `zip` over lists that do not fit each other says nothing."
# Nothing is compared: with fewer rows of rewards than prompts, the last prompts get no reply.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    return [max(zip(grades, row), key=lambda both: both[0])[1] for row, grades in zip(replies, rewards.tolist())]


# %% wrong: looks_at_the_first_list
# "replies    B lists of n texts          rewards (B, n)          raises ValueError where the numbers do not agree"
# Only the first list's length is compared: a later list that is longer or shorter goes through.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if tuple(rewards.shape) != (len(replies), len(replies[0])):
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    best = rewards.argmax(dim=-1).tolist()
    return [row[min(place, len(row) - 1)] for row, place in zip(replies, best)]


# %% wrong: only_the_product_agrees
# "Shapes: replies, B lists of n; rewards (B, n) -> B replies. Raises ValueError where the numbers do not agree."
# Rewards are brought into the shape of the lists: (n, B), or one long row, goes through as long as the product fits.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if sum(len(row) for row in replies) != rewards.numel() or len({len(row) for row in replies}) > 1:
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    best = rewards.reshape(len(replies), -1).argmax(dim=-1).tolist()
    return [row[place] for row, place in zip(replies, best)]


# %% wrong: nothing_below_zero
# "Of the n replies to each prompt the one with the highest reward"
# The search begins with a best reward of 0: where all rewards are negative the first reply is returned.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    result = []
    for row, grades in zip(replies, rewards.tolist()):
        best, highest = row[0], 0.0
        for text, grade in zip(row, grades):
            if grade > highest:
                best, highest = text, grade
        result.append(best)
    return result


# %% wrong: silence_never_wins
# "**Why it matters.** Draw n replies and keep the best."
# Empty replies are passed over, whatever their reward, unless all are empty.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    result = []
    for row, grades in zip(replies, rewards.tolist()):
        spoken = [place for place, text in enumerate(row) if text.strip()] or range(len(row))
        result.append(row[max(spoken, key=grades.__getitem__)])
    return result


# %% wrong: asserts
# "Raises ValueError where the numbers do not agree."
# An assert for the numbers: AssertionError.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    assert len(replies) == len(rewards), "one row of rewards for each prompt"
    assert all(len(row) == rewards.size(1) for row in replies), "one reward for each reply"
    return [row[place] for row, place in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: nearly_equal_is_equal
# "Of the n replies to each prompt the one with"
# Rewards are rounded to two decimals first, so that a reply that is better by little loses to an earlier one.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError(f"{len(replies)} lists of replies and rewards of the shape {tuple(rewards.shape)}")
    grades = [[round(grade, 2) for grade in row] for row in rewards.tolist()]
    return [row[each.index(max(each))] for row, each in zip(replies, grades)]


# %% right: stable_sort
# Places sorted by falling reward; Python's sort keeps equals in their order.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    grades = rewards.tolist()
    if rewards.dim() != 2 or [len(row) for row in replies] != [len(row) for row in grades]:
        raise ValueError("the numbers do not agree")
    best = []
    for row, of_row in zip(replies, grades):
        best.append(row[sorted(range(len(row)), key=lambda place: -of_row[place])[0]])
    return best


# %% right: numpy_comparison
# The maximum of each row compared with the row, and the first True found by NumPy.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    import numpy as np

    table = rewards.detach().cpu().numpy()
    if table.ndim != 2 or table.shape[0] != len(replies) or any(len(row) != table.shape[1] for row in replies):
        raise ValueError("the numbers do not agree")
    if not replies:
        return []
    first = (table == table.max(axis=1, keepdims=True)).argmax(axis=1)
    return [row[int(place)] for row, place in zip(replies, first)]
