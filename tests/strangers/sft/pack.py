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
# "conversations    sequences of tokens, each of 1 to T"
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
