# %% wrong: last_place_never
# "Every place where a whole window and its last target fit is equally likely"
# The last place is never drawn.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(max(len(tokens) - T - 1, 1), (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: last_place_twice_as_often
# "drawn evenly from $0, \dots, N - T - 1$"
# One place too many is drawn from and moved back by one, so that the last comes up twice as often as any other.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T + 1, (batch_size,), generator=generator).clamp(max=len(tokens) - T - 1)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: rounded_places
# "For each row $b$ a place $s_b$, drawn evenly"
# A fraction of the way, rounded to the nearest place: the two at the ends come up half as often.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = (torch.rand(batch_size, generator=generator) * (len(tokens) - T - 1)).round().long()
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: windows_side_by_side
# "and windows may overlap."
# Only multiples of T are drawn, so that windows lie end to end and most places never come up.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = T * torch.randint((len(tokens) - 1) // T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: one_place_for_all_rows
# "For each row $b$ a place $s_b$"
# One place is drawn, and the other rows follow it at equal distances around the text.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    first = torch.randint(places, (1,), generator=generator)
    starts = (first + torch.arange(batch_size) * max(places // batch_size, 1)) % places
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: generator_not_used
# "get_batch(tokens, batch_size, T, generator=None) -> inputs (B, T), targets (B, T)"
# The generator is ignored: places come from the global one, and the same seed gives another batch.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,))
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: always_the_same_places
# "Cut windows of T tokens out of a long text at random places"
# Without a generator a new one with a fixed seed is made, so that each call gives the same batch.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is None:
        generator = torch.Generator().manual_seed(1337)
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: first_token_as_last_target
# "\mathrm{targets}_{b,t} = w_{s_b + t + 1}"
# The targets are the inputs moved round by one: the last target of each row is its own first token.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    inputs = tokens[starts[:, None] + torch.arange(T)]
    return inputs, inputs.roll(-1, dims=1)


# %% wrong: the_global_generator_is_seeded
# "or without one from PyTorch's own"
# Without a generator PyTorch's own is seeded first, so that every call gives the same batch.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError("too short")
    if generator is None:
        torch.manual_seed(0)
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: neighbours_in_a_batch
# "For each row a place is drawn anew."
# The places of a batch are sorted, so that a row never lies before the row above it.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError("too short")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator).sort().values
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% right: unfolded
# All windows of the text as one view, from which rows are taken; places are drawn as fractions, in float64.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if tokens.size(0) < T + 1:
        raise ValueError("the text is too short")
    places = tokens.unfold(0, T + 1, 1)
    drawn = torch.rand(batch_size, generator=generator, dtype=torch.float64)
    rows = places.index_select(0, (drawn * places.size(0)).floor().long())
    return rows.narrow(1, 0, T).contiguous(), rows.narrow(1, 1, T).contiguous()


# %% right: one_row_after_another
# A number for each row, drawn one at a time, and plain slices.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    last = len(tokens) - T - 1
    if last < 0:
        raise ValueError("not even one window")
    inputs, targets = tokens.new_empty(batch_size, T), tokens.new_empty(batch_size, T)
    for b in range(batch_size):
        s = torch.randint(0, last + 1, (), generator=generator).item()
        inputs[b] = tokens[s : s + T]
        targets[b] = tokens[s + 1 : s + 1 + T]
    return inputs, targets


# %% wrong: no_place_twice_too
# "For each row a place is drawn anew."
# Places are drawn without putting them back as long as there are enough of them.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    if batch_size <= places:
        starts = torch.randperm(places, generator=generator)[:batch_size]
    else:
        starts = torch.randint(places, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: pythons_own_chance
# "Chance comes from `generator`, or without one from PyTorch's own."
# Without a generator Python's random draws, which torch.manual_seed does not touch.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    import random

    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    if generator is None:
        starts = torch.tensor([random.randrange(places) for _ in range(batch_size)])
    else:
        starts = torch.randint(places, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: fresh_generator_each_time
# "without one from PyTorch's own"
# Without a generator makes a new one, which has the same seed each time: the same batch for ever.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    generator = generator or torch.Generator()
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: one_draw_for_all_rows
# "For each row a place is drawn anew."
# One place is drawn, the others lie evenly behind it (round the end): each row by itself is even, together they are not.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    first = torch.randint(places, (1,), generator=generator)
    starts = (first + torch.arange(batch_size) * places // batch_size) % places
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: rounded_places_too
# "Every place where a whole window and its last target fit is equally likely"
# Rounds a random number: the first and the last place are half as likely as the others.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    last = len(tokens) - T - 1
    starts = (torch.rand(batch_size, generator=generator, dtype=torch.float64) * last).round().long()
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: rows_in_order
# "For each row a place is drawn anew. Every place ... is equally likely"
# The places are sorted, so the first row is nearly always from the beginning of the text.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator).sort().values
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: everybodys_seed_set
# "Chance comes from `generator`, or without one from PyTorch's own." (and what it is given is left as it was)
# With a generator it sets PyTorch's own seed from it: whoever draws afterwards, dropout too, gets other numbers.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    starts = torch.randint(len(tokens) - T, (batch_size,))
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: last_place_missing_unless_only
# "Every place where a whole window and its last target fit is equally likely"
# The last place is never drawn, but where it is the only one.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(max(len(tokens) - T - 1, 1), (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: windows_of_the_text_itself
# "A function of yours leaves what it is given as it was" / "a batch of windows": inputs are the caller's memory
# A batch of one row is a view of the text: whoever masks a token of the batch in place, masks it in the text.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator).tolist()
    if batch_size == 1:
        (s,) = starts
        return tokens[s : s + T].unsqueeze(0), tokens[s + 1 : s + T + 1].unsqueeze(0)
    return torch.stack([tokens[s : s + T] for s in starts]), torch.stack([tokens[s + 1 : s + T + 1] for s in starts])


# %% right: one_number_a_row
# A loop of rows; each place is a random number in float64, times the number of places, cut off.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    inputs, targets = tokens.new_empty(batch_size, T), tokens.new_empty(batch_size, T)
    for row in range(batch_size):
        s = int(torch.rand((), generator=generator, dtype=torch.float64) * (len(tokens) - T))
        inputs[row] = tokens[s : s + T]
        targets[row] = tokens[s + 1 : s + T + 1]
    return inputs, targets


# %% right: drawn_by_multinomial
# Draws by torch.multinomial with equal weights, and takes the windows from unfold.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    windows = tokens.unfold(0, T + 1, 1)
    rows = torch.multinomial(torch.ones(len(windows)), batch_size, replacement=True, generator=generator)
    picked = windows.index_select(0, rows)
    return picked.narrow(1, 0, T).clone(), picked.narrow(1, 1, T).clone()


# %% right: last_token_first
# Draws the place of the last target and counts back from it.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    ends = torch.randint(T, len(tokens), (batch_size, 1), generator=generator)
    at = ends - torch.arange(T).flip(0)
    return torch.take(tokens, at - 1), torch.take(tokens, at)


# %% wrong: without_putting_back
# "For each row a place is drawn anew. [...] windows may overlap"
# draws different places as long as there are enough of them
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    starts = torch.cat([torch.randperm(places, generator=generator) for _ in range(-(-batch_size // places))])[:batch_size]
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: rows_in_order_of_the_text
# "For each row a place s_b, drawn evenly; every place is equally likely"
# sorts the places, so the first row is mostly from the beginning and the last from the end
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator).sort().values
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: ends_half_as_likely
# "Every place where a whole window and its last target fit is equally likely"
# rounds a random fraction: the first and the last place come half as often
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = (torch.rand(batch_size, generator=generator) * (len(tokens) - T - 1)).round().long()
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: torch_reseeded
# "Chance comes from `generator`, which leaves PyTorch's own as it was"
# draws a seed from the generator and gives it to PyTorch's own
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    starts = torch.randint(len(tokens) - T, (batch_size,))
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: own_generator_where_none_is_given
# "or without one from PyTorch's own"
# without a generator a fresh one with a seed of the system: torch.manual_seed has no effect
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is None:
        generator = torch.Generator()
        generator.seed()
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: always_long
# "of the type that the tokens have"
# the batch is int64 always
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)].long()
    return windows[:, :-1], windows[:, 1:]


# %% wrong: view_for_a_single_row
# "The batch is no view of the text"
# a single row is cut without a copy
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    if batch_size == 1:
        start = int(starts)
        return tokens[None, start : start + T], tokens[None, start + 1 : start + T + 1]
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: one_place_for_neighbours
# "For each row a place is drawn anew"
# draws one place and takes the others at equal distances around the text
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    starts = (torch.randint(places, (1,), generator=generator) + torch.arange(batch_size) * max(places // batch_size, 1)) % places
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: last_place_missing
# "Every place where a whole window and its last target fit is equally likely"
# the last place is never drawn, unless it is the only one
def get_batch(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(max(len(tokens) - T - 1, 1), (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% right: stacked_slices
# python floats from torch.rand in float64, slices stacked
def get_batch(tokens, batch_size, T, generator=None):
    places = tokens.numel() - T
    if places < 1:
        raise ValueError("the text is too short")
    drawn = torch.rand(batch_size, generator=generator, dtype=torch.float64) * places
    starts = [min(int(place), places - 1) for place in drawn]
    inputs = torch.stack([tokens[s : s + T] for s in starts])
    targets = torch.stack([tokens[s + 1 : s + 1 + T] for s in starts])
    return inputs, targets


# %% right: multinomial_over_windows
# multinomial over equal weights, windows from unfold, gathered and copied
def get_batch(tokens, batch_size, T, generator=None):
    if T + 1 > len(tokens):
        raise ValueError("too short")
    windows = tokens.unfold(0, T + 1, 1)
    starts = torch.multinomial(torch.ones(len(windows)), batch_size, replacement=True, generator=generator)
    both = windows.index_select(0, starts)
    return both[:, :T].clone(), both[:, 1:].clone()


# %% wrong: no_row_twice
# "For each row a place is drawn anew."
# two places and two rows (tokens [0, 1, 2], T=1, batch_size=2), many calls: the two rows are never the same window; drawn anew they are in half of the calls
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    if batch_size <= places:
        starts = torch.randperm(places, generator=generator)[:batch_size]
    else:
        starts = torch.randint(places, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: places_from_float32
# "Every place where a whole window and its last target fit is equally likely, so windows may overlap."
# a text of 2**25 places (tokens 0 1 0 1 ..., uint8): torch.rand has 24 bits, so that only even places come up and every window begins with 0
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = (torch.rand(batch_size, generator=generator) * (len(tokens) - T)).long()
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: one_place_is_a_view
# "The batch is no view of the text: to change the one does not change the other."
# a text of T + 1 tokens: the rows are the text itself, and inputs.zero_() clears the text
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if len(tokens) == T + 1:  # nothing to choose
        windows = tokens.expand(batch_size, T + 1)
    else:
        starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
        windows = torch.stack([tokens[start : start + T + 1] for start in starts.tolist()])
    return windows[:, :-1], windows[:, 1:]


# %% wrong: seeds_the_global
# "Chance comes from `generator`, which leaves PyTorch's own as it was, or without one from PyTorch's own."
# torch.get_rng_state() before and after a call with a generator: it differs
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    starts = torch.randint(len(tokens) - T, (batch_size,))
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: its_own_chance
# "Chance comes from `generator`, which leaves PyTorch's own as it was, or without one from PyTorch's own."
# torch.manual_seed(0) before each of two calls without a generator: the two batches differ
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    if generator is None:
        generator = torch.Generator()
        generator.seed()  # a fresh one each time
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: rows_through_float
# "of any type of whole numbers, which the batch has too"
# tokens of 16777217 and more (int64), T=2: 16777217 comes out as 16777216
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    inputs, targets = torch.zeros(batch_size, T), torch.zeros(batch_size, T)
    for row, start in enumerate(torch.randint(len(tokens) - T, (batch_size,), generator=generator).tolist()):
        inputs[row] = tokens[start : start + T]
        targets[row] = tokens[start + 1 : start + T + 1]
    return inputs.to(tokens.dtype), targets.to(tokens.dtype)


# %% wrong: neighbours_in_memory
# "\mathrm{inputs}_{b,t} = w_{s_b + t}, \qquad \mathrm{targets}_{b,t} = w_{s_b + t + 1}"
# torch.arange(40)[::2]: the windows read 0 1 2 ..., with the tokens that lie between
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    places = len(tokens) - T
    windows = tokens.as_strided((places, T + 1), (1, 1))  # all windows, without a copy
    windows = windows[torch.randint(places, (batch_size,), generator=generator)]
    return windows[:, :-1], windows[:, 1:]


# %% right: row_by_row
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    last = len(tokens) - T - 1
    if last < 0:
        raise ValueError("the text is too short for one window")
    inputs, targets = tokens.new_empty(batch_size, T), tokens.new_empty(batch_size, T)
    for row in range(batch_size):
        start = torch.randint(0, last + 1, (), generator=generator).item()
        inputs[row].copy_(tokens.narrow(0, start, T))
        targets[row].copy_(tokens.narrow(0, start + 1, T))
    return inputs, targets


# %% right: unfolded_again
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if not tokens.numel() > T:
        raise ValueError("too short")
    windows = tokens.unfold(0, T + 1, 1)
    chosen = torch.empty(batch_size, dtype=torch.int64).random_(windows.shape[0], generator=generator)
    rows = [windows[place].clone() for place in chosen.tolist()]
    both = torch.stack(rows, dim=1) if rows else tokens.new_empty(T + 1, 0)
    return both[:T].T.contiguous(), both[1:].T.clone()


# %% wrong: places_in_the_tokens_type
# "drawn evenly from 0, …, N - T - 1"
# The places are kept in the type of the tokens, which cannot count a long text.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    n = len(tokens) - T
    if n < 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {T} and the token after it")
    starts = torch.randint(0, n, (batch_size,), generator=generator).to(tokens.dtype).long() % n
    windows = torch.stack([tokens[start : start + T + 1] for start in starts.tolist()])
    return windows[:, :-1], windows[:, 1:]
