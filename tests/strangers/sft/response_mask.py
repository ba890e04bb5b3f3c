# %% wrong: the_mark_too
# "The mark itself is not its own: it stands there before the assistant begins."
# The mark is counted as the assistant's.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    closes = (tokens == NEWLINE) | (tokens == USER) | (tokens == END)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(closes, places, -1).cummax(dim=-1).values.roll(1, dims=-1)
    closed[..., :1] = -1
    return (opened > closed) & (tokens != USER) & (tokens != END)


# %% wrong: without_the_line_break
# "For in that line break the assistant says that it is done, and this it has to learn like any word."
# The line break at the end of a reply is left out.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    closes = (tokens == NEWLINE) | (tokens == USER) | (tokens == END)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(closes, places, -1).cummax(dim=-1).values
    return (opened > closed) & (tokens != ASSISTANT)


# %% wrong: only_a_line_break_ends_it
# "A reply that is broken off ends at the next `<user>` or `<end>`, neither of which is the assistant's."
# Only a line break ends a reply: one that is broken off goes on through the next question.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(tokens == NEWLINE, places, -1).cummax(dim=-1).values.roll(1, dims=-1)
    closed[..., :1] = -1
    return (opened > closed) & (tokens != ASSISTANT) & (tokens != USER) & (tokens != END)


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


# %% wrong: whatever_ends_it_is_its_last
# "`<user>` and `<end>` are never the assistant's."
# Whatever ends a reply counts as its last token, like the line break.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    closes = (tokens == NEWLINE) | (tokens == USER) | (tokens == END)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where(closes, places, -1).cummax(dim=-1).values.roll(1, dims=-1)
    closed[..., :1] = -1
    return (opened > closed) & (tokens != ASSISTANT)


# %% wrong: from_row_to_row
# "What no mark of the assistant stands before, in the same row, is not its either."
# The flag is not lowered at the end of a row: a reply that is broken off there goes on in the next one.
def response_mask(tokens: Tensor) -> Tensor:
    mask, mine = [], False
    for token in tokens.flatten().tolist():
        if token in (USER, END):
            mine = False
        mask.append(mine and token != ASSISTANT)
        if token == ASSISTANT:
            mine = True
        elif token == NEWLINE:
            mine = False
    return torch.tensor(mask, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% wrong: rows_of_two_dimensions
# "tokens    (..., T), whole numbers          mask    (..., T), boolean"
# Works on (B, T) and nothing else.
def response_mask(tokens: Tensor) -> Tensor:
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    B, T = tokens.shape
    for b in range(B):
        mine = False
        for t in range(T):
            token = int(tokens[b, t])
            if token in (USER, END):
                mine = False
            mask[b, t] = mine and token != ASSISTANT
            if token == ASSISTANT:
                mine = True
            elif token == NEWLINE:
                mine = False
    return mask


# %% wrong: second_mark_in_a_reply
# "The mark itself is not the assistant's"
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


# %% wrong: first_reply_alone
# "Several conversations may follow each other in a row, and the last may be broken off"
# Only the first reply of each row is found.
def response_mask(tokens: Tensor) -> Tensor:
    rows = []
    for row in tokens.reshape(-1, tokens.size(-1)).tolist():
        mask = [False] * len(row)
        if ASSISTANT in row:
            for t in range(row.index(ASSISTANT) + 1, len(row)):
                if row[t] in (USER, END, ASSISTANT):
                    break
                mask[t] = True
                if row[t] == NEWLINE:
                    break
        rows.append(mask)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% wrong: a_row_that_begins_in_the_middle
# "a row may begin or end in the middle of one."
# A row that begins with a word, and whose next mark is not the assistant's, is taken for one that begins within a reply.
def response_mask(tokens: Tensor) -> Tensor:
    rows = []
    for row in tokens.reshape(-1, tokens.size(-1)).tolist():
        behind = row[row.index(NEWLINE) + 1 :][:1] if NEWLINE in row else []
        mine, mask = behind in ([USER], [END]) and row[0] not in (USER, END, ASSISTANT), []
        for token in row:
            if token in (USER, END):
                mine = False
            mask.append(mine and token != ASSISTANT)
            if token == ASSISTANT:
                mine = True
            elif token == NEWLINE:
                mine = False
        rows.append(mask)
    return torch.tensor(rows, dtype=torch.bool, device=tokens.device).view_as(tokens)


# %% wrong: beyond_the_line_break
# "up to the line break, which is its last."
# A reply ends at the next mark, so that words behind its line break are the assistant's too.
def response_mask(tokens: Tensor) -> Tensor:
    places = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)
    opened = torch.where(tokens == ASSISTANT, places, -1).cummax(dim=-1).values
    closed = torch.where((tokens == USER) | (tokens == END), places, -1).cummax(dim=-1).values
    return (opened > closed) & (tokens != ASSISTANT)


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
