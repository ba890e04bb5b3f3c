# %% wrong: last_row_only
# "each conversation goes to the *first* row that still has room for it"
# Only the last row is asked whether it has room.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        if not rows or sum(map(len, rows[-1])) + len(conversation) > T:
            rows.append([])
        rows[-1].append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: the_fullest_row
# "4 are left in row 1: goes there, though row 2 would be filled by it"
# Each goes to the row in which the least room would be left.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        fits = [row for row in rows if sum(map(len, row)) + len(conversation) <= T]
        if fits:
            max(fits, key=lambda row: sum(map(len, row))).append(conversation)
        else:
            rows.append([conversation])
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: longest_first
# "Each conversation, in order, goes to the first row"
# The longest come first, which fills the rows better.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in sorted(conversations, key=len, reverse=True):
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: numbered_through
# "Segments number the conversations of each row from 1"
# All conversations are numbered through, in the order in which they came.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for i, conversation in enumerate(conversations, 1):
        row = next((row for row in rows if sum(len(its) for _, its in row) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append((i, conversation))
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in row:
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: counted_at_each_end
# "*Segments* say which conversation of its row a token is of"
# A new segment begins wherever an <end> stands, instead of where a conversation begins.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if len(row) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.extend(conversation)
    tokens = torch.tensor([row + [END] * (T - len(row)) for row in rows])
    segments = (tokens == END).long().cumsum(dim=1)
    for b, row in enumerate(rows):
        segments[b, len(row) :] = 0
    return tokens, segments


# %% wrong: padding_of_the_last_segment
# "What is left of a row is `<end>`, in segment 0."
# What is left is a segment of its own, one more than the last.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = [], []
    for row in rows:
        left = T - sum(map(len, row))
        tokens.append([token for its in row for token in its] + [END] * left)
        segments.append([i for i, its in enumerate(row, 1) for _ in its] + [len(row) + 1] * left)
    return torch.tensor(tokens), torch.tensor(segments)


# %% wrong: padded_with_line_breaks
# "what is left of a row is `END`, in segment 0."
# The padding is the line break.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), NEWLINE), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: never_quite_full
# "`sum(map(len, row)) + len(conversation) <= T` asks whether there is room"
# One place is always kept free: a conversation that would fill a row to the last place opens a new one.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) < T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: as_long_as_the_row
# "Raises ValueError where there is no conversation, or one is empty or longer than T."
# One that is exactly T long is refused, too.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) < T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: cut_off_at_the_row
# "and for one that is longer than T"
# One that is too long is cut off, as tokenizers do it.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(map(len, conversations)):
        raise ValueError("nothing to pack")
    rows = []
    for conversation in (its[:T] for its in conversations):
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: rows_are_conversations
# "Lay conversations into rows of T tokens, each whole"
# The first conversation of a row is the row, and grows: the caller's list holds the others too, when it is packed again.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows, numbers = [], []
    for conversation in conversations:
        for row, its in zip(rows, numbers):
            if len(row) + len(conversation) <= T:
                its += [its[-1] + 1] * len(conversation)
                row += conversation
                break
        else:
            numbers.append([1] * len(conversation))
            rows.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, (row, its) in enumerate(zip(rows, numbers)):
        tokens[b, : len(row)], segments[b, : len(row)] = torch.as_tensor(row), torch.tensor(its)
    return tokens, segments


# %% wrong: segments_as_real_numbers
# "segments (n_rows, T), whole numbers."
# The segments are floating-point numbers, as torch.zeros makes them.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: one_byte_for_a_segment
# "1, 2, 3 and so on from the left."
# Segments are bytes: the 256th conversation of a row is in segment 0, and those behind it in 1, 2, 3 again.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.uint8)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i % 256
            start += len(its)
    return tokens, segments


# %% wrong: sequences_added
# "conversations, lists or tuples of one token or more"
# Rows and conversations are joined by a plus, which takes lists and no other sequences.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows, numbers = [], []
    for conversation in conversations:
        b = next((b for b, row in enumerate(rows) if len(row) + len(conversation) <= T), None)
        if b is None:
            b = len(rows)
            rows.append([])
            numbers.append([])
        rows[b] = rows[b] + conversation
        numbers[b] = numbers[b] + [max(numbers[b], default=0) + 1] * len(conversation)
    tokens = torch.tensor([row + [END] * (T - len(row)) for row in rows])
    return tokens, torch.tensor([its + [0] * (T - len(its)) for its in numbers])


# %% wrong: no_wider_than_it_must_be
# "Lay conversations into rows of T tokens"
# Rows are as wide as the fullest one.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) <= T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    T = max(sum(map(len, row)) for row in rows)
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for b, row in enumerate(rows):
        start = 0
        for i, its in enumerate(row, 1):
            tokens[b, start : start + len(its)], segments[b, start : start + len(its)] = torch.as_tensor(its), i
            start += len(its)
    return tokens, segments


# %% wrong: free_where_the_end_is
# "goes to the first row that still has room for it, behind what is there"
# Room is counted in the row itself: whatever is <end> is taken to be free.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations or not all(0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or too much")
    tokens, segments = torch.full((len(conversations), T), END), torch.zeros(len(conversations), T, dtype=torch.long)
    for its in conversations:
        b = int(((tokens == END).sum(dim=1) >= len(its)).nonzero()[0])
        start = int((tokens[b] != END).sum())
        tokens[b, start : start + len(its)] = torch.as_tensor(its)
        segments[b, start : start + len(its)] = segments[b].max() + 1
    used = (segments > 0).any(dim=1)
    return tokens[used], segments[used]


# %% right: as_many_rows_as_may_be
# One row for each conversation is kept ready, and those that stay empty are cut off at the end.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    n = len(conversations)
    if n == 0:
        raise ValueError("no conversation")
    tokens = torch.full((n, T), END, dtype=torch.int64)
    segments = torch.zeros_like(tokens)
    used = torch.zeros(n, dtype=torch.int64)
    for conversation in conversations:
        size = len(conversation)
        if not 1 <= size <= T:
            raise ValueError(f"a conversation of {size} tokens does not fit a row of {T}")
        b = int((used + size <= T).nonzero()[0])
        start = int(used[b])
        tokens[b, start : start + size] = torch.tensor([int(token) for token in conversation])
        segments[b, start : start + size] = segments[b].max() + 1
        used[b] += size
    n_rows = int((used > 0).sum())
    return tokens[:n_rows].clone(), segments[:n_rows].clone()


# %% right: padded_by_pytorch
# Rows are lists of numbers, and pad_sequence makes tensors of them, beside one full row that is taken away again.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not len(conversations):
        raise ValueError("no conversation")
    if min(map(len, conversations)) < 1 or max(map(len, conversations)) > T:
        raise ValueError("a conversation is empty or longer than a row")
    rows: list[list[tuple[int, int]]] = []
    for conversation in conversations:
        for row in rows:
            if T - len(row) >= len(conversation):
                number = row[-1][1] + 1
                break
        else:
            row, number = [], 1
            rows.append(row)
        row.extend((int(token), number) for token in conversation)
    width = [torch.full((T, 2), 1)]
    laid = nn.utils.rnn.pad_sequence(width + [torch.tensor(row) for row in rows], batch_first=True, padding_value=-1)[1:]
    tokens, segments = laid.unbind(dim=-1)
    return tokens.masked_fill(segments < 0, END), segments.clamp(min=0)


# %% wrong: a_row_is_never_filled
# "Each conversation, in order, goes to the first row that still has room for it"
# Asks for one place more than is needed, so that no row is filled to the last place by a second conversation.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) < T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        start = 0
        for number, conversation in enumerate(row, 1):
            tokens[b, start : start + len(conversation)] = torch.tensor(conversation)
            segments[b, start : start + len(conversation)] = number
            start += len(conversation)
    return tokens, segments


# %% wrong: room_found_by_the_last_word
# "Each conversation, in order, goes to the first row that still has room for it, behind what is there"
# Takes the last token that is not `END` for the end of a row: a conversation that ends with `END` is written over.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    tokens = torch.full((len(conversations), T), END)
    segments = torch.full((len(conversations), T), PADDING)
    n_rows = 0
    for conversation in conversations:
        for b in range(len(conversations)):
            taken = (tokens[b] != END).nonzero()
            start = int(taken[-1]) + 1 if len(taken) else 0
            if start + len(conversation) <= T:
                break
        tokens[b, start : start + len(conversation)] = torch.tensor(conversation)
        segments[b, start : start + len(conversation)] = segments[b, :start].max() + 1 if start else 1
        n_rows = max(n_rows, b + 1)
    return tokens[:n_rows], segments[:n_rows]


# %% wrong: segments_counted_by_end
# "say which token is of which"
# Numbers the segments by counting `END` tokens, so a conversation that does not begin with one, or holds a second, is cut wrongly.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        joined = torch.tensor([token for conversation in row for token in conversation])
        tokens[b, : len(joined)] = joined
        segments[b, : len(joined)] = (joined == END).long().cumsum(0).clamp_min(1)
    return tokens, segments


# %% wrong: callers_lists_grow
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Opens a row with the caller's own list and appends later conversations to it.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, numbers = [], []
    for conversation in conversations:
        for row, number in zip(rows, numbers):
            if len(row) + len(conversation) <= T:
                row += conversation
                number += [number[-1] + 1] * len(conversation)
                break
        else:
            rows.append(conversation if isinstance(conversation, list) else list(conversation))
            numbers.append([1] * len(conversation))
    tokens = torch.tensor([[*row, *[END] * (T - len(row))] for row in rows])
    segments = torch.tensor([number + [PADDING] * (T - len(number)) for number in numbers])
    return tokens, segments


# %% wrong: segments_in_a_byte
# "any number of them may fit a row"
# Keeps the segments in uint8: the 256th conversation of a row gets number 0, like padding.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        start = 0
        for number, conversation in enumerate(row, 1):
            tokens[b, start : start + len(conversation)] = torch.tensor(conversation)
            segments[b, start : start + len(conversation)] = number
            start += len(conversation)
    return tokens, segments.to(torch.uint8)


# %% wrong: segments_in_a_signed_byte
# "Segments number the conversations of each row from 1"
# Fills a list and makes an int8 tensor of it: from the 128th conversation of a row on, the numbers are negative.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.zeros(len(rows), T, dtype=torch.int64)
    for b, row in enumerate(rows):
        flat = [token for conversation in row for token in conversation]
        tokens[b, : len(flat)] = torch.tensor(flat)
        segments[b, : len(flat)] = torch.repeat_interleave(
            torch.arange(1, len(row) + 1), torch.tensor([len(conversation) for conversation in row])
        )
    return tokens, segments.to(torch.int8)


# %% wrong: as_wide_as_the_fullest_row
# "Lay conversations into rows of T tokens"
# pad_sequence makes the rows as wide as the fullest of them, not T.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    flat = [torch.tensor([token for conversation in row for token in conversation]) for row in rows]
    numbers = [
        torch.tensor([n for n, conversation in enumerate(row, 1) for _ in conversation]) for row in rows
    ]
    tokens = nn.utils.rnn.pad_sequence(flat, batch_first=True, padding_value=END)
    segments = nn.utils.rnn.pad_sequence(numbers, batch_first=True, padding_value=PADDING)
    return tokens, segments


# %% wrong: equal_conversations_share_a_number
# "Segments number the conversations of each row from 1"
# Looks the number up by row.index(conversation), which finds the first of two equal conversations.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        start = 0
        for conversation in row:
            stop = start + len(conversation)
            tokens[b, start:stop] = torch.tensor(conversation)
            segments[b, start:stop] = row.index(conversation) + 1
            start = stop
    return tokens, segments


# %% wrong: row_closed_with_one_place_left
# "Each conversation, in order, goes to the first row that still has room for it"
# Closes a row as soon as fewer than two places are left, so a conversation of one token does not fill it.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, open_rows = [], []  # open_rows: (row, places left), in the order in which they were opened
    for conversation in conversations:
        for i, (row, left) in enumerate(open_rows):
            if len(conversation) <= left:
                row.append(conversation)
                open_rows[i] = (row, left - len(conversation))
                break
        else:
            row = [conversation]
            rows.append(row)
            open_rows.append((row, T - len(conversation)))
        open_rows = [(row, left) for row, left in open_rows if left > 1]

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        start = 0
        for number, conversation in enumerate(row, 1):
            tokens[b, start : start + len(conversation)] = torch.tensor(conversation)
            segments[b, start : start + len(conversation)] = number
            start += len(conversation)
    return tokens, segments


# %% wrong: full_ones_first
# "In the order in which they come, each conversation goes to the *first* row that still has room for it"
# Lays conversations of exactly T tokens first, as they need a row of their own anyway: the rows come in another order.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows: list[list[Sequence[int]]] = [[conversation] for conversation in conversations if len(conversation) == T]
    for conversation in conversations:
        if len(conversation) == T:
            continue
        for row in rows:
            if sum(map(len, row)) + len(conversation) <= T:
                row.append(conversation)
                break
        else:
            rows.append([conversation])

    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for b, row in enumerate(rows):
        start = 0
        for number, conversation in enumerate(row, 1):
            tokens[b, start : start + len(conversation)] = torch.tensor(conversation)
            segments[b, start : start + len(conversation)] = number
            start += len(conversation)
    return tokens, segments


# %% right: row_by_row_in_sweeps
# Fills row after row by sweeps over what is left: in order, which gives the same rows as first-fit.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    waiting, tokens, segments = list(conversations), [], []
    while waiting:
        row, which, later, number = [], [], [], 0
        for conversation in waiting:
            if len(row) + len(conversation) > T:
                later.append(conversation)
                continue
            number += 1
            row = row + list(conversation)
            which = which + [number] * len(conversation)
        tokens.append(row + [END] * (T - len(row)))
        segments.append(which + [0] * (T - len(which)))
        waiting = later
    return torch.tensor(tokens, dtype=torch.long), torch.tensor(segments, dtype=torch.long)


# %% right: numpy_with_int32_segments
# Writes at once into numpy arrays with a row for each conversation, cut at the end; segments are int32, whole numbers too.
import numpy as np


def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    n = len(conversations)
    tokens = np.full((n, T), END, dtype=np.int64)
    segments = np.zeros((n, T), dtype=np.int32)
    used, count = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
    for conversation in conversations:
        b = int(np.argmax(used + len(conversation) <= T))
        places = slice(used[b], used[b] + len(conversation))
        count[b] += 1
        tokens[b, places] = list(conversation)
        segments[b, places] = count[b]
        used[b] += len(conversation)
    n_rows = int((count > 0).sum())
    return torch.from_numpy(tokens[:n_rows].copy()), torch.from_numpy(segments[:n_rows].copy())


# %% right: places_in_one_long_line
# Decides by a list of places left; then writes all tokens into one long line by their places.
def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    left, numbers, places, values, which = [], [], [], [], []
    for conversation in conversations:
        b = next((b for b, room in enumerate(left) if room >= len(conversation)), None)
        if b is None:
            b = len(left)
            left.append(T)
            numbers.append(0)
        numbers[b] += 1
        begin = b * T + T - left[b]
        left[b] -= len(conversation)
        places.extend(range(begin, begin + len(conversation)))
        values.extend(conversation)
        which.extend([numbers[b]] * len(conversation))
    where = torch.tensor(places)
    tokens = torch.full((len(left) * T,), END).scatter(0, where, torch.tensor(values))
    segments = torch.zeros(len(left) * T, dtype=torch.int64).scatter(0, where, torch.tensor(which))
    return tokens.reshape(-1, T), segments.reshape(-1, T)


# %% wrong: first_list_extended
# "A function of yours leaves what it is given as it was"
# a new row is the given list itself, and later conversations are appended to it
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = (conversation if isinstance(conversation, list) else list(conversation)), []
            rows.append(row)
            marks.append(numbers)
            numbers.extend([1] * len(conversation))
            continue
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    return tokens, segments


# %% wrong: end_taken_for_free_room
# "each whole; behind what is there already"
# a row's end is behind its last token that is not END, so a conversation that ends with <end> loses it to the next one
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    tokens = torch.full((len(conversations), T), END)
    segments = torch.zeros_like(tokens)
    for conversation in conversations:
        for i in range(len(tokens)):
            held = (tokens[i] != END).nonzero()
            start = int(held[-1]) + 1 if len(held) else 0
            if start + len(conversation) <= T:
                tokens[i, start : start + len(conversation)] = torch.tensor(conversation)
                segments[i, start : start + len(conversation)] = segments[i].max() + 1
                break
    used = (segments > 0).any(dim=1)
    return tokens[used], segments[used]


# %% wrong: segments_of_one_byte
# "segments [...] whole numbers of any type that holds them; any number of them may fit a row"
# segments in uint8, which begin again at 0 behind the 255th conversation
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING, dtype=torch.uint8)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers).to(torch.uint8)
    return tokens, segments


# %% wrong: tokens_of_sixteen_bits
# "tokens [...] whole numbers of any type that holds them"
# tokens in int16, which turn negative from 32,768 on (a tokenizer of 50,000 tokens)
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END, dtype=torch.int16)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row).to(torch.int16)
        segments[i, : len(row)] = torch.tensor(numbers)
    return tokens, segments


# %% wrong: cut_to_the_fullest_row
# "tokens (n_rows, T), segments (n_rows, T)"
# columns that are padding in all rows are cut off
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    width = max(map(len, rows))
    return tokens[:, :width], segments[:, :width]


# %% wrong: last_places_left_free
# "goes to the first row that still has room for it"
# a row with fewer than two free places is taken as full, so a conversation of one token never fills it
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if T - len(row) >= max(len(conversation), 2):
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    return tokens, segments


# %% wrong: full_rows_leave_the_search
# "goes to the *first* row that still has room for it"
# once a conversation did not fit, all rows before the last few (here: 4) are taken as closed
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows[-4:], marks[-4:]):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    return tokens, segments


# %% wrong: same_conversation_once
# "each conversation, in order, goes to the first row"
# repeated conversations are packed only once, since a dictionary keeps them
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    conversations = list(dict.fromkeys(map(tuple, conversations)))
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    return tokens, segments


# %% wrong: padding_gets_its_own_segment
# "what is left of a row is `END`, in segment 0"
# a full-length list of tokens decides: the padding of a row whose last conversation ends with END carries that conversation's number on
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, marks = [], []
    for conversation in conversations:
        for row, numbers in zip(rows, marks):
            if len(row) + len(conversation) <= T:
                break
        else:
            row, numbers = [], []
            rows.append(row)
            marks.append(numbers)
        row.extend(conversation)
        numbers.extend([max(numbers, default=0) + 1] * len(conversation))
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for i, (row, numbers) in enumerate(zip(rows, marks)):
        tokens[i, : len(row)] = torch.tensor(row)
        segments[i, : len(row)] = torch.tensor(numbers)
    for i, row in enumerate(rows):
        if len(row) < T and row[-1] == END:
            segments[i, len(row) :] = marks[i][-1]
    return tokens, segments


# %% right: numpy_and_free_room
# numpy, a list of free room, int32 segments
import numpy as np


def pack(conversations, T):
    lengths = [len(conversation) for conversation in conversations]
    if not lengths or min(lengths) < 1 or max(lengths) > T:
        raise ValueError("conversations must be there, and hold 1 to T tokens each")
    room, count, where = [], [], []
    for length in lengths:
        i = next((i for i, free in enumerate(room) if free >= length), len(room))
        if i == len(room):
            room.append(T)
            count.append(0)
        where.append((i, T - room[i], count[i] + 1))
        room[i] -= length
        count[i] += 1
    tokens = np.full((len(room), T), END, dtype=np.int64)
    segments = np.zeros((len(room), T), dtype=np.int32)
    for conversation, (i, start, number) in zip(conversations, where):
        tokens[i, start : start + len(conversation)] = conversation
        segments[i, start : start + len(conversation)] = number
    return torch.from_numpy(tokens), torch.from_numpy(segments)


# %% right: padded_lists
# lists of lists, padded by list arithmetic, one tensor at the end
def pack(conversations, T):
    if len(conversations) == 0 or any(not 0 < len(its) <= T for its in conversations):
        raise ValueError("nothing to pack, or a conversation that does not fit")
    rows = []
    for its in map(list, conversations):
        fitting = [row for row in rows if sum(map(len, row)) + len(its) <= T]
        if fitting:
            fitting[0].append(its)
        else:
            rows.append([its])
    def fill(values, what):
        return (values + [what] * T)[:T]
    tokens = [fill(sum(row, []), END) for row in rows]
    segments = [fill([n for n, its in enumerate(row, 1) for _ in its], 0) for row in rows]
    return torch.tensor(tokens), torch.tensor(segments)


# %% wrong: padding_is_room
# "Each conversation, in order, goes to the first row that still has room for it, behind what is there"
# a conversation that ends with <end>, and a next one: [[5, 6, END], [7]] with T=4: the last <end> is overwritten
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, segments = [], []
    for conversation in conversations:
        n = len(conversation)
        for row, segment in zip(rows, segments):
            start = T
            while start > 0 and row[start - 1] == END:  # conversations begin with <end> and end with a line break
                start -= 1
            if start + n <= T:
                break
        else:
            row, segment, start = [END] * T, [PADDING] * T, 0
            rows.append(row)
            segments.append(segment)
        row[start : start + n] = conversation
        segment[start : start + n] = [max(segment) + 1] * n
    return torch.tensor(rows), torch.tensor(segments)


# %% wrong: never_quite_full_again
# "each conversation goes to the *first* row that still has room for it"
# two conversations that fill a row exactly, of 6 and 4 with T=10: the second opens a row
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows = []
    for conversation in conversations:
        row = next((row for row in rows if sum(map(len, row)) + len(conversation) < T), None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for r, row in enumerate(rows):
        start = 0
        for number, conversation in enumerate(row, 1):
            stop = start + len(conversation)
            tokens[r, start:stop] = torch.tensor(conversation)
            segments[r, start:stop] = number
            start = stop
    return tokens, segments


# %% wrong: small_numbers_are_enough
# "any number of them may fit a row" (and "whole numbers of any type that holds them")
# 300 conversations of one token, T=300: the 256th has segment 0, and numbers begin anew
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, room = [], []
    for conversation in conversations:
        r = next((r for r, left in enumerate(room) if left >= len(conversation)), len(rows))
        if r == len(rows):
            rows.append([])
            room.append(T)
        rows[r].append(conversation)
        room[r] -= len(conversation)
    tokens = torch.full((len(rows), T), END, dtype=torch.long)
    segments = torch.zeros((len(rows), T), dtype=torch.uint8)
    for r, row in enumerate(rows):
        filled = T - room[r]
        tokens[r, :filled] = torch.tensor([token for conversation in row for token in conversation])
        sizes = torch.tensor([len(conversation) for conversation in row])
        starts = sizes.cumsum(0) - sizes
        segments[r, starts] = 1
        segments[r, :filled] = segments[r, :filled].cumsum(0).to(torch.uint8)
    return tokens, segments


# %% wrong: one_kind_of_sequence
# "conversations    lists or tuples of tokens, each of 1 to T"
# a list and a tuple that share a row, [[5, 6], (7,)] with T=4: TypeError
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, numbers = [], []
    for conversation in conversations:
        for r, row in enumerate(rows):
            if len(row) + len(conversation) <= T:
                rows[r] = row + conversation
                numbers[r] = numbers[r] + [numbers[r][-1] + 1] * len(conversation)
                break
        else:
            rows.append(conversation)
            numbers.append([1] * len(conversation))
    tokens = torch.tensor([[*row, *[END] * (T - len(row))] for row in rows])
    segments = torch.tensor([[*row, *[PADDING] * (T - len(row))] for row in numbers])
    return tokens, segments


# %% wrong: grows_the_first_of_each_row
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# the conversations after the call: the first of each row has become the whole row
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, numbers = [], []
    for conversation in conversations:
        n = len(conversation)
        for row, number in zip(rows, numbers):
            if len(row) + n <= T:
                row += conversation
                number += [number[-1] + 1] * n
                break
        else:
            rows.append(conversation if isinstance(conversation, list) else list(conversation))
            numbers.append([1] * n)
    tokens = torch.full((len(rows), T), END)
    segments = torch.full((len(rows), T), PADDING)
    for r, (row, number) in enumerate(zip(rows, numbers)):
        tokens[r, : len(row)] = torch.tensor(row)
        segments[r, : len(row)] = torch.tensor(number)
    return tokens, segments


# %% wrong: gives_up_small_rooms
# "lists or tuples of tokens, each of 1 to T; any number of them may fit a row"
# conversations of 8 and 2 tokens with T=10: the 2 that are left in row 1 are taken for nothing, and a row is opened
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    rows, numbers, still_open = [], [], []
    for conversation in conversations:
        r = next((r for r in still_open if len(rows[r]) + len(conversation) <= T), None)
        if r is None:
            r = len(rows)
            rows.append([])
            numbers.append([])
            still_open.append(r)
        number = numbers[r][-1] + 1 if numbers[r] else 1
        rows[r].extend(conversation)
        numbers[r].extend([number] * len(conversation))
        if T - len(rows[r]) < 4:  # <end>, a mark, a word and a line break: nothing shorter comes
            still_open.remove(r)
    tokens = torch.tensor([row + [END] * (T - len(row)) for row in rows])
    segments = torch.tensor([number + [PADDING] * (T - len(number)) for number in numbers])
    return tokens, segments


# %% wrong: equal_is_the_same
# "Each conversation, in order, goes to the first row that still has room for it"
# two equal conversations, [[5, 6], [5, 6]] with T=4: one of them is missing, and its place is padding
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    used, counts, where = [], [], {}
    for conversation in conversations:
        n = len(conversation)
        r = next((r for r, taken in enumerate(used) if taken + n <= T), len(used))
        if r == len(used):
            used.append(0)
            counts.append(0)
        counts[r] += 1
        where[tuple(conversation)] = (r, used[r], counts[r])
        used[r] += n
    tokens = torch.full((len(used), T), END)
    segments = torch.full((len(used), T), PADDING)
    for conversation, (r, start, number) in where.items():
        tokens[r, start : start + len(conversation)] = torch.tensor(conversation)
        segments[r, start : start + len(conversation)] = number
    return tokens, segments


# %% right: row_after_row
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")

    # the first row takes, in order, whatever fits; what is left over is packed in the same way
    def fill(waiting):
        done = []
        while waiting:
            row, numbers, later, count = [], [], [], 0
            for conversation in waiting:
                if len(row) + len(conversation) > T:
                    later.append(conversation)
                    continue
                count += 1
                row.extend(conversation)
                numbers.extend([count] * len(conversation))
            left = T - len(row)
            done.append((row + [END] * left, numbers + [PADDING] * left))
            waiting = later
        return done

    rows, numbers = zip(*fill(list(conversations)))
    return torch.tensor(rows, dtype=torch.int64), torch.tensor(numbers, dtype=torch.int64)


# %% right: flat_places
def pack(conversations, T):
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    sizes = torch.tensor([len(conversation) for conversation in conversations])
    room = torch.full((len(sizes),), T)
    count = torch.zeros(len(sizes), dtype=torch.long)
    starts, numbers = torch.empty_like(sizes), torch.empty_like(sizes)
    for i, size in enumerate(sizes):
        r = int((room >= size).nonzero()[0])
        starts[i] = r * T + T - room[r]
        room[r] -= size
        count[r] += 1
        numbers[i] = count[r]
    n_rows = int((room < T).sum())
    inside = torch.arange(int(sizes.sum())) - torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    places = torch.repeat_interleave(starts, sizes) + inside
    every = torch.tensor([token for conversation in conversations for token in conversation])
    tokens = torch.full((n_rows * T,), END).scatter(0, places, every)
    segments = torch.full((n_rows * T,), PADDING).scatter(0, places, torch.repeat_interleave(numbers, sizes))
    return tokens.reshape(n_rows, T), segments.reshape(n_rows, T)
