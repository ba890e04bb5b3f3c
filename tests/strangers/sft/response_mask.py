# %% wrong: the_end_does_not_end_it
# "ends at the next `<user>` or `<end>`"
# <end> is not counted, but does not end a reply: what stands behind it is the assistant's again.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    closes = (tokens == NEWLINE) | (tokens == USER)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(closes, places, -1).cummax(dim=-1).values.roll(1, dims=-1)
    closed[..., :1] = -1
    return (opened > closed) & (tokens != ASSISTANT) & (tokens != USER) & (tokens != END)


# %% wrong: second_mark_in_a_reply
# "A second `<assistant>` before the line break is a mark again: it does not count"
# A mark of the assistant in the middle of its reply is taken for a word.
def response_mask(tokens: Tensor) -> Tensor:
    rows = []
    for row in tokens.reshape(-1, tokens.size(-1)).tolist():
        mine, mask = False, []
        for token in row:
            if not mine:
                mask.append(False)
                mine = token == ASSISTANT
            elif token in (USER, END):
                mask.append(False)
                mine = False
            else:
                mask.append(True)
                mine = token != NEWLINE
        rows.append(mask)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% wrong: ones_and_zeros
# "Shapes: tokens (..., T) -> boolean (..., T)."
# The mask is of whole numbers, which are no mask but places when they are used as an index.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    closes = (tokens == NEWLINE) | (tokens == USER) | (tokens == END)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(closes, places, -1).cummax(dim=-1).values.roll(1, dims=-1)
    closed[..., :1] = -1
    return ((opened > closed) & (tokens != ASSISTANT) & (tokens != USER) & (tokens != END)).long()


# %% wrong: second_mark_closes
# "a second `<assistant>` in it is a mark again, between words that are all the assistant's."
# A second mark closes the reply, and what stands behind it is nobody's.
def response_mask(tokens: Tensor) -> Tensor:
    rows = []
    for row in tokens.reshape(-1, tokens.size(-1)).tolist():
        mine, mask = False, []
        for token in row:
            mask.append(mine and token not in (USER, END, ASSISTANT))
            if token == ASSISTANT:
                mine = not mine
            elif token in (USER, END, NEWLINE):
                mine = False
        rows.append(mask)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% wrong: words_before_a_second_mark_are_dropped
# "and the words before and behind it do."
# A reply begins anew at a second mark: what was before it is taken for a false start.
def response_mask(tokens: Tensor) -> Tensor:
    rows = []
    for row in tokens.reshape(-1, tokens.size(-1)).tolist():
        mask, start = [False] * len(row), None
        for t, token in enumerate(row):
            if token == ASSISTANT:
                if start is not None:
                    mask[start:t] = [False] * (t - start)
                start = t
            elif token in (USER, END):
                start = None
            elif start is not None:
                mask[t] = True
                start = None if token == NEWLINE else start
        rows.append(mask)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% right: a_pattern_of_letters
# Each row becomes a word of five letters, in which a regular expression finds the replies.
def response_mask(tokens: Tensor) -> Tensor:
    import re

    T = tokens.size(-1)
    letters = {ASSISTANT: "a", NEWLINE: "n", USER: "x", END: "x"}
    mask = torch.zeros(tokens.numel() // max(T, 1), T, dtype=torch.bool)
    for row, its in zip(mask, tokens.reshape(-1, T).tolist()):
        for found in re.finditer("(?<=a)w*n?", "".join(letters.get(token, "w") for token in its)):
            row[found.start() : found.end()] = True
    return mask.view(tokens.shape).to(tokens.device)


# %% right: the_last_thing_before
# For each place the last token before it that opens or closes: the place is the assistant's where that one opens.
def response_mask(tokens: Tensor) -> Tensor:
    opens = tokens == ASSISTANT
    silent = (tokens == USER) | (tokens == END)
    turns = opens | silent | (tokens == NEWLINE)
    mine = torch.zeros_like(tokens, dtype=torch.bool)
    state = torch.zeros_like(tokens[..., 0], dtype=torch.bool)
    for t in range(tokens.size(-1)):
        mine[..., t] = state & ~opens[..., t] & ~silent[..., t]
        state = torch.where(turns[..., t], opens[..., t], state)
    return mine


# %% wrong: end_does_not_close
# "neither of them is the assistant's, nor is what follows, even words"
# `<end>` is not counted, but it does not close a reply: words behind it count until a `<user>` or line break comes.
def response_mask(tokens: Tensor) -> Tensor:
    rows = tokens.reshape(-1, tokens.shape[-1])
    mask = torch.zeros_like(rows, dtype=torch.bool)
    for i, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
            elif token == USER:
                speaking = False
            elif token != END:
                mask[i, t] = speaking
                if token == NEWLINE:
                    speaking = False
    return mask.view(tokens.shape)


# %% wrong: second_mark_counts
# "A second `<assistant>` before the line break is a mark again: it does not count"
# The flag is raised after the mark is looked at, so a mark inside a reply counts as a word.
def response_mask(tokens: Tensor) -> Tensor:
    mask = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
    speaking = torch.zeros(tokens.shape[:-1], dtype=torch.bool, device=tokens.device)
    for t in range(tokens.shape[-1]):
        token = tokens[..., t]
        speaking = speaking & (token != USER) & (token != END)
        mask[..., t] = speaking
        speaking = (speaking | (token == ASSISTANT)) & (token != NEWLINE)
    return mask


# %% wrong: words_before_a_second_mark_lost
# "a second `<assistant>` in it is a mark again, between words that are all the assistant's"
# A new mark begins the reply anew: only what stands behind the last mark before the end of the reply counts.
def response_mask(tokens: Tensor) -> Tensor:
    flat = tokens.reshape(-1, tokens.shape[-1])
    mask = torch.zeros_like(flat, dtype=torch.bool)
    for i, row in enumerate(flat.tolist()):
        start = None
        for t, token in enumerate([*row, END]):
            if token == ASSISTANT:
                start = t + 1
            elif token in (NEWLINE, USER, END) and start is not None:
                mask[i, start : t + (token == NEWLINE)] = True
                start = None
    return mask.reshape(tokens.shape)


# %% wrong: line_break_of_an_empty_reply
# "those behind its mark, up to the line break, which is its last"
# A line break counts only behind a word that counts, so that of a reply without words does not.
def response_mask(tokens: Tensor) -> Tensor:
    mask = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
    flat, out = tokens.reshape(-1, tokens.shape[-1]).tolist(), []
    for row in flat:
        speaking, mine = False, []
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
                mine.append(False)
            elif token in (USER, END):
                speaking = False
                mine.append(False)
            elif token == NEWLINE:
                mine.append(speaking and row[t - 1] != ASSISTANT)
                speaking = False
            else:
                mine.append(speaking)
        out.append(mine)
    mask[...] = torch.tensor(out, dtype=torch.bool, device=tokens.device).view(tokens.shape)
    return mask


# %% wrong: regex_whose_dot_stops_at_ten
# "those behind its mark, up to the line break, which is its last"
# Searches a text of chr(token) with `.`, which does not match chr(10): a reply that holds token 10 (the digit 1) is lost.
import re


def response_mask(tokens: Tensor) -> Tensor:
    def row_mask(row: list[int]) -> list[bool]:
        text = "".join(map(chr, row))
        mine = [False] * len(row)
        for reply in re.finditer("\x03(.*?)(\x04|(?=[\x00\x02])|\\Z)", text):
            for t in range(*reply.span()):
                mine[t] = row[t] != ASSISTANT
        return mine

    rows = tokens.reshape(-1, tokens.shape[-1]).tolist()
    return torch.tensor([row_mask(row) for row in rows], dtype=torch.bool, device=tokens.device).view(tokens.shape)


# %% right: every_pair_of_places
# Compares all pairs of places: a mark before, and nothing that closes in between.
def response_mask(tokens: Tensor) -> Tensor:
    t = tokens.shape[-1]
    closes = (tokens == NEWLINE) | (tokens == USER) | (tokens == END)
    n_closed = closes.long().cumsum(-1)
    up_to = n_closed - closes.long()  # closed strictly before each place
    open_since = (tokens == ASSISTANT).unsqueeze(-2) & (n_closed.unsqueeze(-2) == up_to.unsqueeze(-1))
    earlier = torch.ones(t, t, dtype=torch.bool, device=tokens.device).tril(-1)
    return (open_since & earlier).any(-1) & (tokens != ASSISTANT) & (tokens != USER) & (tokens != END)


# %% right: regex_over_characters
# Each token is a character; a regular expression with a negated class finds the replies.
import re

import numpy as np


def response_mask(tokens: Tensor) -> Tensor:
    pattern = re.compile(f"{chr(ASSISTANT)}([^{chr(END)}{chr(USER)}{chr(NEWLINE)}]*{chr(NEWLINE)}?)")
    mask = np.zeros((tokens[..., 0].numel(), tokens.shape[-1]), dtype=bool)
    for b, row in enumerate(tokens.cpu().numpy().reshape(mask.shape)):
        text = "".join(chr(int(token)) for token in row)
        for found in pattern.finditer(text):
            mask[b, found.start(1) : found.end(1)] = True
        mask[b, row == ASSISTANT] = False
    return torch.from_numpy(mask).reshape(tokens.shape).to(tokens.device)


# %% right: accumulate_over_states
# Folds each row by `itertools.accumulate` over the states shut, mark, word and last.
from itertools import accumulate


def response_mask(tokens: Tensor) -> Tensor:
    def follow(state: str, token: int) -> str:
        if token == ASSISTANT:
            return "mark"
        if token in (END, USER) or state in ("shut", "last"):
            return "shut"
        return "last" if token == NEWLINE else "word"

    def one(row: Tensor) -> Tensor:
        states = list(accumulate(row.tolist(), follow, initial="shut"))[1:]
        return torch.tensor([state in ("word", "last") for state in states], dtype=torch.bool, device=row.device)

    if tokens.dim() == 1:
        return one(tokens)
    return torch.stack([response_mask(part) for part in tokens])


# %% wrong: mask_token_is_no_word
# "All other tokens are words here, `<mask>` too"
# leaves <mask> out, as one of the marks
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.reshape(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
            elif token in (USER, END):
                speaking = False
            else:
                mask[b, t] = speaking and token != MASK
                if token == NEWLINE:
                    speaking = False
    return mask.reshape(tokens.shape)


# %% wrong: empty_reply_has_no_line_break
# "up to the line break, which is its last (with it)"
# a line break directly behind the mark does not count, as nothing was said
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.reshape(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
            elif token in (USER, END):
                speaking = False
            else:
                mask[b, t] = speaking and not (token == NEWLINE and row[t - 1] == ASSISTANT)
                if token == NEWLINE:
                    speaking = False
    return mask.reshape(tokens.shape)


# %% wrong: counts_of_starts_and_ends
# "a second `<assistant>` in it is a mark again, between words that are all the assistant's"
# compares counts of marks and of closings, each closing taken as one: after two marks in one reply it goes on behind the line break
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.reshape(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        opened = 0
        for t, token in enumerate(row):
            if token == ASSISTANT:
                opened += 1
            elif token in (USER, END):
                opened = 0
            else:
                mask[b, t] = opened > 0
                if token == NEWLINE:
                    opened = max(opened - 1, 0)
    return mask.reshape(tokens.shape)


# %% wrong: second_mark_cuts_off
# "a second `<assistant>` in it is a mark again, between words that are all the assistant's"
# a second mark toggles: words between it and the line break do not count
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.reshape(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = not speaking
            elif token in (USER, END):
                speaking = False
            else:
                mask[b, t] = speaking
                if token == NEWLINE:
                    speaking = False
    return mask.reshape(tokens.shape)


# %% wrong: view_of_contiguous_only
# "Shapes: tokens (..., T) -> boolean (..., T)"
# uses view, which raises for a slice such as tokens[..., 1:] with several leading axes, or a transposed tensor
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.view(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
            elif token in (USER, END):
                speaking = False
            else:
                mask[b, t] = speaking
                if token == NEWLINE:
                    speaking = False
    return mask.reshape(tokens.shape)


# %% wrong: table_of_the_village
# "All other tokens are words here"
# looks the kind of a token up in a table of the village's vocabulary: raises for other tokenizers' larger tokens, and for int16 tokens
def response_mask(tokens):
    kinds = torch.zeros(len(village.VOCABULARY), dtype=torch.long, device=tokens.device)
    kinds[ASSISTANT], kinds[NEWLINE], kinds[USER], kinds[END] = 1, 2, 3, 3
    kind = kinds[tokens]
    places = torch.arange(1, tokens.shape[-1] + 1, device=tokens.device).expand(tokens.shape)
    opened = torch.where(kind == 1, places, 0).cummax(-1).values
    closed = torch.where(kind == 3, places, 0).cummax(-1).values
    broken = torch.where(kind == 2, places, 0).cummax(-1).values
    broken = F.pad(broken[..., :-1], (1, 0))
    return (opened > closed) & (opened > broken) & (kind != 1)


# %% wrong: words_after_end_belong_to_it
# "A reply that is broken off ends in front of the next `<user>` or `<end>`: neither of them is the assistant's, nor is what follows, even words"
# <end> only does not count itself, the words behind it do until a <user> or a line break
def response_mask(tokens):
    T = tokens.shape[-1]
    rows = tokens.reshape(-1, T)
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        speaking = False
        for t, token in enumerate(row):
            if token == ASSISTANT:
                speaking = True
            elif token == USER:
                speaking = False
            elif token == END:
                continue
            else:
                mask[b, t] = speaking
                if token == NEWLINE:
                    speaking = False
    return mask.reshape(tokens.shape)


# %% right: running_maximum
# no loop: running maxima of places
def response_mask(tokens):
    place = torch.arange(tokens.shape[-1], device=tokens.device).expand(tokens.shape)
    def last(where):
        return torch.where(where, place, -1).cummax(dim=-1).values
    start = last(tokens == ASSISTANT)
    ended = last((tokens == USER) | (tokens == END))
    line = F.pad(last(tokens == NEWLINE)[..., :-1], (1, 0), value=-1)
    return (start > ended) & (start > line) & (tokens != ASSISTANT)


# %% right: text_and_regular_expression
# writes each row as letters and finds the replies with a regular expression
import re

import numpy as np


def response_mask(tokens):
    letters = {END: "e", USER: "e", ASSISTANT: "a", NEWLINE: "n"}
    flat = np.asarray(tokens.detach().cpu()).reshape(-1, tokens.shape[-1])
    rows = []
    for row in flat:
        spelt = "".join(letters.get(int(token), "w") for token in row)
        mine = [False] * len(spelt)
        for found in re.finditer("a[wa]*n?", spelt):
            for t in range(*found.span()):
                mine[t] = spelt[t] != "a"
        rows.append(mine)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).reshape(tokens.shape)


# %% wrong: mask_is_no_word
# "All other tokens are words here, `<mask>` too."
# [<assistant> Otto <mask> . ⏎]: the <mask> is not counted
def response_mask(tokens):
    rows = tokens.reshape(-1, tokens.shape[-1])
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        mine = False
        for t, token in enumerate(row):
            if token in (USER, END):
                mine = False
            elif token == ASSISTANT:
                mine = True
            elif token == NEWLINE:
                mask[b, t] = mine
                mine = False
            else:
                mask[b, t] = mine and token not in MARKS
    return mask.reshape(tokens.shape)


# %% wrong: end_is_skipped
# "neither of them is the assistant's, nor is what follows, even words."
# a reply that is broken off by <end>, with words behind it: [<assistant> I do <end> who ⏎]: "who" and the line break are counted
def response_mask(tokens):
    mask = torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
    mine = torch.zeros(tokens.shape[:-1], dtype=torch.bool, device=tokens.device)
    for t in range(tokens.shape[-1]):
        token = tokens[..., t]
        mine = (mine | (token == ASSISTANT)) & (token != USER)
        mask[..., t] = mine & (token != ASSISTANT) & (token != END)
        mine = mine & (token != NEWLINE)
    return mask


# %% wrong: places_in_the_tokens_type
# "tokens (..., T), whole numbers"
# int8 tokens in a row of 300 with a reply behind place 127: the places wrap around, replies get lost
def response_mask(tokens):
    place = torch.arange(tokens.shape[-1], device=tokens.device).to(tokens)
    none = torch.full_like(tokens, -1)
    is_cut = (tokens == USER) | (tokens == END)
    opened = torch.where(tokens == ASSISTANT, place, none).cummax(-1).values
    closed = torch.where(is_cut | (tokens == NEWLINE), place, none)
    closed = torch.cat([none[..., :1], closed[..., :-1]], -1).cummax(-1).values
    return (opened > closed) & ~is_cut & (tokens != ASSISTANT)


# %% wrong: needs_one_block
# "Shapes: tokens (..., T) -> boolean (..., T)."
# tokens (2, 3, T) whose first two axes were swapped, x.transpose(0, 1): view raises a RuntimeError
def response_mask(tokens):
    rows = tokens.view(-1, tokens.size(-1))
    mask = torch.zeros_like(rows, dtype=torch.bool)
    mine = torch.zeros(len(rows), dtype=torch.bool, device=tokens.device)
    for t, column in enumerate(rows.T):
        mine = (mine | (column == ASSISTANT)) & (column != USER) & (column != END)
        mask[:, t] = mine & (column != ASSISTANT)
        mine = mine & (column != NEWLINE)
    return mask.view(tokens.shape)


# %% wrong: says_nothing_ends_nothing
# "Token t is the assistant's, m_t = 1, where it stands behind the assistant's mark, up to the line break and with it."
# an empty reply, [<assistant> ⏎]: its line break is not counted
def response_mask(tokens):
    rows = tokens.reshape(-1, tokens.shape[-1])
    mask = torch.zeros(rows.shape, dtype=torch.bool, device=tokens.device)
    for b, row in enumerate(rows.tolist()):
        mine = False
        for t, token in enumerate(row):
            if token in (USER, END):
                mine = False
            elif token == ASSISTANT:
                mine = True
            elif token == NEWLINE:
                mask[b, t] = mine and row[t - 1] != ASSISTANT
                mine = False
            else:
                mask[b, t] = mine
    return mask.reshape(tokens.shape)


# %% right: a_pattern
import re


def response_mask(tokens):
    T = tokens.shape[-1]
    signs = {ASSISTANT: "a", NEWLINE: "n", USER: "x", END: "x"}
    flat = [int(token) for token in tokens.detach().cpu().reshape(-1).tolist()]
    found = []
    for start in range(0, len(flat), max(T, 1)):
        row = "".join(signs.get(token, "w") for token in flat[start : start + T])
        marked = re.sub("a[wa]*n?", lambda match: re.sub("[wn]", "1", match[0]), row)
        found += [sign == "1" for sign in marked]
    return torch.tensor(found, dtype=torch.bool, device=tokens.device).reshape(tokens.shape)


# %% right: doubling_scan
def response_mask(tokens):
    # each token is a function of the flag: 0 lowers it, 1 raises it, 2 leaves it; a scan by doubling composes them
    tokens = tokens.long()
    effect = torch.full_like(tokens, 2)
    effect[(tokens == NEWLINE) | (tokens == USER) | (tokens == END)] = 0
    effect[tokens == ASSISTANT] = 1
    reach, T = 1, tokens.shape[-1]
    while reach < T:
        earlier = F.pad(effect[..., :-reach], (reach, 0), value=2)
        effect = torch.where(effect == 2, earlier, effect)
        reach *= 2
    flag = torch.zeros_like(tokens, dtype=torch.bool)
    flag[..., 1:] = effect[..., :-1] == 1
    own_marks = torch.tensor([ASSISTANT, USER, END], device=tokens.device)
    return flag & ~torch.isin(tokens, own_marks)
