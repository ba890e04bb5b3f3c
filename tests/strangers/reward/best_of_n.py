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


# %% wrong: three_by_two_for_two_by_three
# "Raises ValueError where the numbers of prompts do not agree, or those of the replies to any of them."
# Only the number of all rewards is compared: 2 × 3 replies take 3 × 2 rewards, read in their order.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if sum(map(len, replies)) != rewards.numel():
        raise ValueError("the numbers do not agree")
    grades, best = iter(rewards.flatten().tolist()), []
    for row in replies:
        each = [next(grades) for _ in row]
        best.append(row[each.index(max(each))])
    return best


# %% wrong: a_reward_for_each_text
# "A reply is given as it is; it may be empty, and the same text may be there twice."
# A dictionary from text to reward: of a text that is there twice the last reward counts.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("the numbers do not agree")
    ways = [dict(zip(row, grades)) for row, grades in zip(replies, rewards.tolist())]
    return [max(way, key=way.get) for way in ways]


# %% wrong: shortest_of_equals
# "Of the n replies to each prompt the one with the highest reward, the first of equals."
# Of equal rewards the shortest reply is taken.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("the numbers do not agree")
    return [min(zip(row, each), key=lambda both: (-both[1], len(both[0])))[0] for row, each in zip(replies, rewards.tolist())]


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


# %% right: strings_of_numpy
# Texts in an array of NumPy: what comes out is numpy.str_, which is a str.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    import numpy as np

    if [len(row) for row in replies] != [rewards.size(1)] * rewards.size(0):
        raise ValueError("the numbers do not agree")
    texts = np.array(replies)
    return list(texts[np.arange(len(texts)), rewards.argmax(dim=1).numpy()])


# %% wrong: topk_takes_any_of_equals
# "the first of equals"
# topk(1), which does not say which of equals it gives (on the CPU often a later one).
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    places = rewards.topk(1, dim=-1).indices.squeeze(-1)
    return [row[i] for row, i in zip(replies, places.tolist())]


# %% wrong: an_unstable_sort
# "the first of equals"
# Sorts from the highest down: beyond 16 replies equal rewards change places.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    order = rewards.argsort(dim=-1, descending=True)
    return [row[i] for row, i in zip(replies, order[:, 0].tolist())]


# %% wrong: equals_decided_by_the_alphabet
# "the first of equals"
# Compares pairs of reward and text: among equal rewards the text that is last in the alphabet wins.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    return [max(zip(each, row))[1] for each, row in zip(rewards.tolist(), replies)]


# %% wrong: a_text_has_one_reward
# "the same text may be there twice"
# Keeps rewards in a dictionary by text: the second occurrence overwrites the reward of the first.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    best = []
    for row, each in zip(replies, rewards.tolist()):
        graded = dict(zip(row, each))
        best.append(max(graded, key=graded.get))
    return best


# %% wrong: little_differences_in_float32
# "One that is higher by little is higher."
# Converts to float32: float64 rewards that differ in the tenth digit are equal.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    places = rewards.float().argmax(dim=-1)
    return [row[i] for row, i in zip(replies, places.tolist())]


# %% wrong: close_is_equal
# "One that is higher by little is higher."
# Takes the first reply whose reward is close to the highest.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    highest = rewards.max(dim=-1, keepdim=True).values
    places = torch.isclose(rewards, highest).int().argmax(dim=-1)
    return [row[i] for row, i in zip(replies, places.tolist())]


# %% wrong: only_the_first_row_is_counted
# "Raises ValueError where the numbers of prompts do not agree, or those of the replies to any of them."
# Compares the shape with the number of lists and the length of the first.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if tuple(rewards.shape) != (len(replies), len(replies[0])):
        raise ValueError(f"{len(replies)} lists of {len(replies[0])} replies, rewards {tuple(rewards.shape)}")
    return [row[i] for row, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: only_the_total_is_counted
# "Raises ValueError where the numbers of prompts do not agree, or those of the replies to any of them."
# Compares the number of prompts and the total of replies: one row short and one long are accepted.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or sum(map(len, replies)) != rewards.numel():
        raise ValueError("replies and rewards do not fit each other")
    best, values = [], rewards.flatten().tolist()
    for row in replies:
        mine, values = values[: len(row)], values[len(row) :]
        best.append(row[mine.index(max(mine))])
    return best


# %% wrong: rewards_reshaped_to_fit
# "Raises ValueError where the numbers of prompts do not agree"
# Gives rewards the shape of the replies: (1, 6) is accepted for two lists of three, and so is (3, 2).
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    n = len(replies[0])
    if any(len(row) != n for row in replies) or rewards.numel() != n * len(replies):
        raise ValueError("replies and rewards do not fit each other")
    places = rewards.reshape(len(replies), n).argmax(dim=-1)
    return [row[i] for row, i in zip(replies, places.tolist())]


# %% wrong: too_many_replies_are_left
# "Raises ValueError where the numbers [...] do not agree, or those of the replies to any of them."
# Raises only where a row has too few replies; those beyond the rewards are not looked at.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) < rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    return [row[i] for row, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: empty_replies_passed_over
# "it may be empty"
# An empty reply is not taken as the best as long as there is another.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    best = []
    for row, each in zip(replies, rewards.tolist()):
        places = [i for i, text in enumerate(row) if text] or range(len(row))
        best.append(row[max(places, key=each.__getitem__)])
    return best


# %% wrong: replies_stripped
# "A reply is given as it is"
# Cuts blanks and line ends off the reply.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    return [row[i].strip() for row, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: a_floor_for_the_search
# "the one with the highest reward"
# Begins the search with -100: where all rewards of a prompt are below, the first reply is taken.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    best = []
    for row, each in zip(replies, rewards.tolist()):
        place, highest = 0, -100.0
        for i, value in enumerate(each):
            if value > highest:
                place, highest = i, value
        best.append(row[place])
    return best


# %% wrong: one_reply_is_no_choice
# "B and n at least 1"
# Raises ValueError for one reply to a prompt, as group_advantages does.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if rewards.size(-1) < 2:
        raise ValueError("the best of one is no choice: draw two or more for each prompt")
    if len(replies) != rewards.size(0) or any(len(row) != rewards.size(1) for row in replies):
        raise ValueError("replies and rewards do not fit each other")
    return [row[i] for row, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: an_assertion
# "Raises ValueError where the numbers of prompts do not agree, or those of the replies to any of them."
# Raises AssertionError.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    assert len(replies) == rewards.size(0), "as many lists as rows of rewards"
    assert all(len(row) == rewards.size(1) for row in replies), "as many replies as rewards"
    return [row[i] for row, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% right: strict_zips_and_max
# zip(strict=True) raises the ValueErrors, and max gives the first of equals by itself.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    return [
        max(zip(row, each, strict=True), key=lambda pair: pair[1])[0]
        for row, each in zip(replies, rewards.tolist(), strict=True)
    ]


# %% right: numpy_argmax
# NumPy's argmax, in float64, on a detached copy.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    import numpy as np
    table = rewards.detach().cpu().double().numpy()
    if table.shape[0] != len(replies) or {len(row) for row in replies} != {table.shape[1]}:
        raise ValueError(f"rewards {table.shape} for lists of {[len(row) for row in replies]}")
    return [replies[b][int(i)] for b, i in enumerate(np.argmax(table, axis=1))]


# %% right: a_tournament_from_the_back
# Goes through each row backwards and takes a reply that is at least as good as the best so far.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    values = rewards.tolist()
    if [len(row) for row in replies] != [len(row) for row in values]:
        raise ValueError("the replies do not fit the rewards")
    best = []
    for row, each in zip(replies, values):
        place = len(row) - 1
        for i in reversed(range(len(row) - 1)):
            if each[i] >= each[place]:
                place = i
        best.append(row[place])
    return best


# %% wrong: compares_in_float32
# "One that is higher by little is higher, in float64 too"
# .float() before the comparison.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    return [each[row.float().argmax().item()] for each, row in zip(replies, rewards)]


# %% wrong: last_of_equals_too
# "the first of equals"
# max over (reward, index) pairs: the last of equals.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    return [each[max((r, i) for i, r in enumerate(row))[1]] for each, row in zip(replies, rewards.tolist())]


# %% wrong: ties_by_alphabet
# "the first of equals"
# max of (reward, text): among equals the text that is last in the alphabet.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    return [max(zip(row, each))[1] for each, row in zip(replies, rewards.tolist())]


# %% wrong: by_dictionary
# "the same text may be there twice"
# A dictionary from text to reward: the later reward of the same text overwrites.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    best = []
    for each, row in zip(replies, rewards.tolist()):
        graded = dict(zip(each, row))
        best.append(max(graded, key=graded.get))
    return best


# %% wrong: empty_is_skipped
# "A reply is given as it is; it may be empty"
# Empty replies are not chosen as long as there is another.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    best = []
    for each, row in zip(replies, rewards.tolist()):
        places = [i for i, text in enumerate(each) if text] or range(len(each))
        best.append(each[max(places, key=lambda i: row[i])])
    return best


# %% wrong: stripped
# "A reply is given as it is"
# Strips blanks around the reply.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    return [each[i].strip() for each, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: only_first_list_checked
# "or those of the replies to any of them"
# Compares the number of replies of the first prompt only.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if rewards.shape != (len(replies), len(replies[0])):
        raise ValueError("replies and rewards do not fit")
    return [each[i] for each, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: only_too_few_checked
# "Raises ValueError where the numbers ... do not agree"
# Raises where a list is too short, not where it is too long.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) < rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    return [each[i] for each, i in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% wrong: total_number_checked
# "or those of the replies to any of them"
# Compares the number of prompts and the total number of replies: 3 + 1 passes for 2 + 2.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards) or sum(map(len, replies)) != rewards.numel():
        raise ValueError("replies and rewards do not fit")
    flat, n = [text for each in replies for text in each], rewards.size(1)
    return [flat[b * n + i] for b, i in enumerate(rewards.argmax(dim=-1).tolist())]


# %% wrong: begins_at_zero
# "the one with the highest reward" (rewards finite, below 0 too)
# The search begins with a best reward of 0: with all rewards below it the first reply wins.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    best = []
    for each, row in zip(replies, rewards.tolist()):
        highest, place = 0.0, 0
        for i, r in enumerate(row):
            if r > highest:
                highest, place = r, i
        best.append(each[place])
    return best


# %% wrong: equal_within_tolerance
# "One that is higher by little is higher"
# First of those that are close to the maximum.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(each) != rewards.size(1) for each in replies):
        raise ValueError("replies and rewards do not fit")
    close = torch.isclose(rewards, rewards.amax(dim=-1, keepdim=True))
    return [each[i] for each, i in zip(replies, close.int().argmax(dim=-1).tolist())]


# %% wrong: assertion
# "Raises ValueError where the numbers of prompts do not agree"
# zip(strict=True) for the prompts, assert for the replies: AssertionError.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    best = []
    for each, row in zip(replies, rewards, strict=True):
        assert len(each) == len(row), "replies and rewards do not fit"
        best.append(each[int(row.argmax())])
    return best


# %% right: strict_zips
# zip(strict=True) raises ValueError by itself; stable sort, falling.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    pairs = [list(zip(each, row, strict=True)) for each, row in zip(replies, rewards.tolist(), strict=True)]
    return [sorted(each, key=lambda pair: -pair[1])[0][0] for each in pairs]


# %% right: loop_greater
# A loop with > on the tensor's own numbers.
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    n_prompts, n = rewards.shape
    if [len(each) for each in replies] != [n] * n_prompts:
        raise ValueError(f"{[len(each) for each in replies]} replies, rewards of shape {tuple(rewards.shape)}")
    best = []
    for b in range(n_prompts):
        place = 0
        for i in range(1, n):
            if rewards[b, i] > rewards[b, place]:
                place = i
        best.append(replies[b][place])
    return best


# %% wrong: rewards_made_float
# "One that is higher by little is higher, in float64 too."
# rewards in float64, 1.0 and 1.0 + 1e-12: equal in float32, the first is given in place of the second
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(texts) != rewards.size(1) for texts in replies):
        raise ValueError("replies and rewards do not fit each other")
    places = rewards.float().argmax(dim=-1).tolist()
    return [texts[place] for texts, place in zip(replies, places)]


# %% wrong: tidied_up
# "A reply is given as it is; it may be empty, and the same text may be there twice."
# [["a baker.", " a smith.\n"]] with the second better: "a smith." in place of " a smith.\n"
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != len(rewards):
        raise ValueError(f"{len(replies)} prompts with replies, {len(rewards)} with rewards")
    best = []
    for texts, row in zip(replies, rewards):
        if len(texts) != len(row):
            raise ValueError(f"{len(texts)} replies, {len(row)} rewards")
        best.append(texts[int(row.argmax())].strip())
    return best


# %% wrong: graded_by_its_text
# "it may be empty, and the same text may be there twice"
# [["yes.", "no.", "yes."]] with 0.9, 0.5, 0.1: the second "yes." overwrites the grade of the first, "no." comes out in place of "yes."
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    batch, n = rewards.shape
    if len(replies) != batch or any(len(texts) != n for texts in replies):
        raise ValueError("replies and rewards do not fit each other")
    best = []
    for texts, row in zip(replies, rewards.tolist()):
        grade = dict(zip(texts, row))
        best.append(max(grade, key=grade.get))
    return best


# %% wrong: an_empty_one_is_none_yet
# "A reply is given as it is; it may be empty, and the same text may be there twice."
# [["", "a baker."]] with 0.9, 0.2: "a baker." in place of "", for an empty best is taken for no best
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0):
        raise ValueError("as many prompts with replies as with rewards are needed")
    chosen = []
    for texts, row in zip(replies, rewards.tolist()):
        if len(texts) != len(row):
            raise ValueError("as many replies as rewards are needed")
        best, highest = "", 0.0
        for text, reward in zip(texts, row):
            if not best or reward > highest:
                best, highest = text, reward
        chosen.append(best)
    return chosen


# %% wrong: equals_by_the_alphabet
# "Of the n replies to each prompt the one with the highest reward, the first of equals."
# [["the mill.", "a smith."]] with 0.9, 0.9: "a smith." in place of "the mill.", for tuples compare the text where the rewards are equal
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(texts) != rewards.size(1) for texts in replies):
        raise ValueError("replies and rewards do not fit each other")
    ranked = (sorted(zip((-row).tolist(), texts)) for row, texts in zip(rewards, replies))
    return [ranking[0][1] for ranking in ranked]


# %% wrong: better_than_nothing
# "Of the n replies to each prompt the one with the highest reward, the first of equals."
# rewards that are all below zero, -3, -1, -2: the first comes out in place of the second, since none is above the 0 it begins with
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0) or any(len(texts) != rewards.size(1) for texts in replies):
        raise ValueError("replies and rewards do not fit each other")
    chosen = []
    for texts, row in zip(replies, rewards.tolist()):
        place, highest = 0, 0.0
        for i, reward in enumerate(row):
            if reward > highest:
                place, highest = i, reward
        chosen.append(texts[place])
    return chosen


# %% wrong: counted_all_together
# "Raises ValueError where the numbers of prompts do not agree, or those of the replies to any of them."
# two prompts with three replies and one, rewards (2, 2): four and four, and no ValueError (a reply, or an IndexError)
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if len(replies) != rewards.size(0):
        raise ValueError(f"{len(replies)} prompts, but rewards for {rewards.size(0)}")
    if sum(len(texts) for texts in replies) != rewards.numel():
        raise ValueError("as many rewards as replies are needed")
    return [texts[place] for texts, place in zip(replies, rewards.argmax(dim=-1).tolist())]


# %% right: folded_from_the_left
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    from functools import reduce

    table = rewards.tolist()
    if [len(texts) for texts in replies] != [len(row) for row in table]:
        raise ValueError("the rewards are not those of these replies")
    pairs = [list(zip(row, texts)) for row, texts in zip(table, replies)]
    return [reduce(lambda best, other: other if other[0] > best[0] else best, each)[1] for each in pairs]


# %% right: beaten_by_nobody
def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    if rewards.dim() != 2 or len(replies) != rewards.shape[0]:
        raise ValueError("the numbers of prompts do not agree")
    for texts in replies:
        if len(texts) != rewards.shape[1]:
            raise ValueError("the numbers of replies do not agree")
    beaten = (rewards.unsqueeze(1) > rewards.unsqueeze(2)).any(dim=2)
    firsts = {}
    for prompt, place in (~beaten).nonzero().tolist():
        firsts.setdefault(prompt, replies[prompt][place])
    return [firsts[prompt] for prompt in range(len(replies))]
