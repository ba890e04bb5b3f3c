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


# %% wrong: no_place_twice
# "inputs (B, T), targets (B, T), where B is `batch_size`."
# A shuffle of all places: no two rows are the same, and where there are fewer places than rows, rows are missing.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randperm(len(tokens) - T, generator=generator)[:batch_size]
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


# %% wrong: one_more_token_wanted
# "Raises ValueError where the text is too short for one window."
# Raises it also where the text holds exactly one window and its last target.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T + 1:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens) - T, (batch_size,), generator=generator)
    windows = tokens[starts[:, None] + torch.arange(T + 1)]
    return windows[:, :-1], windows[:, 1:]


# %% wrong: the_text_is_a_ring
# "and beside each the tokens that come next."
# Windows may begin anywhere, and those near the end go on at the beginning of the text.
def get_batch(tokens: Tensor, batch_size: int, T: int, generator: torch.Generator | None = None) -> Batch:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens and its last target need {T + 1} tokens; the text has {len(tokens)}")
    starts = torch.randint(len(tokens), (batch_size,), generator=generator)
    windows = tokens[(starts[:, None] + torch.arange(T + 1)) % len(tokens)]
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
