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
