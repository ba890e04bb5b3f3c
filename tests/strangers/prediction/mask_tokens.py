# %% wrong: an_exact_number
# "Each position is chosen with probability `probability`, by itself."
# Exactly round(probability · N) positions are chosen, from a random order.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen = torch.zeros(tokens.numel(), dtype=torch.bool, device=tokens.device)
    chosen[torch.randperm(tokens.numel(), **draw)[: round(probability * tokens.numel())]] = True
    chosen, fate = chosen.reshape(tokens.shape), torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: one_number_decides_both
# "one says whether it is chosen, the other what becomes of it."
# A single random number is compared with 0.8 and 0.9 as well: all chosen are hidden, unless probability is above 0.8.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    u = torch.rand(tokens.shape, **draw)
    chosen = u < probability
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (u < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (u >= 0.8) & (u < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: a_tenth_of_the_rest
# "Of the chosen ones 80 % become `mask_id`, 10 % a token"
# Of the chosen that are not hidden a tenth is replaced, not half: 2 % random tokens and 18 % that stay.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen = torch.rand(tokens.shape, **draw) < probability
    hidden = chosen & (torch.rand(tokens.shape, **draw) < 0.8)
    replaced = chosen & ~hidden & (torch.rand(tokens.shape, **draw) < 0.1)
    inputs = tokens.masked_fill(hidden, mask_id)
    inputs[replaced] = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)[replaced]
    return inputs, tokens.masked_fill(~chosen, IGNORED)


# %% wrong: last_token_never_drawn
# "The random tokens are drawn from 0 to `vocab_size - 1`;"
# randint's upper end is already exclusive: the last token of the vocabulary never replaces another.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    noise = torch.randint(0, max(1, vocab_size - 1), tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: never_the_token_itself
# "now and then one of them is the token itself."
# A replacement is always another token than the one that stood there.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    steps = torch.randint(1, max(2, vocab_size), tokens.shape, **draw).to(tokens.dtype)
    noise = (tokens + steps) % vocab_size
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: noise_without_the_generator
# "every call that draws needs the `generator`."
# The random tokens come from the global chance; the choice and the fate from the generator.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    noise = torch.randint_like(tokens, vocab_size)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: zero_means_the_default
# "Each position is chosen with probability"
# `probability or 0.15`: a probability of 0 becomes 0.15.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    probability = probability or 0.15
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: same_places_in_all_rows
# "Each position is chosen with probability `probability`, by itself. Let $A$ be the chosen positions,"
# Chance decides once for each column: all rows of a batch are chosen at the same positions. One text is right.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen = (torch.rand(tokens.shape[-1:], **draw) < probability).expand(tokens.shape)
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: spares_the_mask_sign
# "Each position is chosen with"
# Positions that already hold mask_id are never chosen, as a special sign: text that quotes it is not asked for.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    chosen &= tokens != mask_id
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: an_exact_number_in_each_row
# "how many are chosen is chance too"
# Each row has exactly round(p · n) chosen positions.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw).argsort(-1).argsort(-1) < round(probability * (tokens.shape or (1,))[-1])
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: one_fate_for_a_row
# "This too is drawn for each position by itself."
# All chosen positions of a row become the same.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape[:-1] + (1,), **draw).expand(tokens.shape) if tokens.dim() else torch.rand((), **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: one_noise_for_a_column
# "10 % a token drawn evenly from the vocabulary"
# One random token is drawn for each column of a batch.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape[-1:], **draw)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: noise_from_the_text
# "a token drawn evenly from all `vocab_size`"
# The random tokens are the text's own, in another order.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape, **draw)
    noise = tokens.flatten()[torch.randperm(tokens.numel(), **draw)].reshape(tokens.shape)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: noise_without_the_mask_sign
# "now and then one of them is the token itself, or `mask_id`"
# A random token is never mask_id.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw)
    noise = torch.where(noise == mask_id, (noise + 1) % vocab_size, noise)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: one_token_beyond
# "The random tokens are drawn from 0 to `vocab_size - 1`"
# randint's upper end is taken to be drawn never: vocab_size itself comes too.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size + 1, tokens.shape, **draw)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% wrong: starts_at_the_seed
# "so that the same state gives the same blanks"
# A new generator begins at the seed of the one that is given, each time.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError("p")
    draw = {"generator": generator and torch.Generator().manual_seed(generator.initial_seed())}
    chosen = torch.rand(tokens.shape, **draw) < probability
    fate = torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    targets = torch.where(chosen, tokens, IGNORED)
    return inputs, targets


# %% right: one_position_after_the_other
# A loop over the positions with numbers from the generator; each position draws its choice, and what becomes of it.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if probability < 0 or probability > 1:
        raise ValueError("the probability is outside [0, 1]")
    inputs, targets = [], []
    for token in tokens.reshape(-1).tolist():
        chance, fate = torch.rand(2, generator=generator, dtype=torch.float64, device=tokens.device).tolist()
        shown, asked = token, IGNORED
        if chance < probability:
            asked = token
            if fate < 0.8:
                shown = mask_id
            elif fate < 0.9:
                shown = int(torch.randint(vocab_size, (), generator=generator, device=tokens.device))
        inputs.append(shown)
        targets.append(asked)
    return tokens.new_tensor(inputs).reshape(tokens.shape), tokens.new_tensor(targets).reshape(tokens.shape)


# %% right: drawn_kinds
# What becomes of a position is one draw among four kinds with their four probabilities, and indexes a stack of texts.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not (probability >= 0 and probability <= 1):
        raise ValueError("the probability is outside [0, 1]")
    flat = tokens.detach().flatten()
    kinds = torch.zeros_like(flat, dtype=torch.long)
    if flat.numel():
        of_four = [1 - probability, 0.8 * probability, 0.1 * probability, 0.1 * probability]
        weights = torch.tensor(of_four, dtype=torch.float64, device=flat.device)
        kinds = torch.multinomial(weights, flat.numel(), replacement=True, generator=generator)
    anything = torch.randint(0, vocab_size, flat.shape, generator=generator, device=flat.device).to(flat.dtype)
    texts = torch.stack([flat, torch.full_like(flat, mask_id), anything, flat])
    inputs = texts.gather(0, kinds.unsqueeze(0)).squeeze(0)
    targets = flat.clone()
    targets[kinds == 0] = IGNORED
    return inputs.reshape(tokens.shape), targets.reshape(tokens.shape)


# %% right: full_of_probabilities
# torch.bernoulli of tensors full of the probability, and the rest by masked_scatter.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0.0 <= probability <= 1.0:
        raise ValueError("probability")
    def coin(p):
        return torch.bernoulli(torch.full(tokens.shape, p), generator=generator).bool()
    chosen = coin(probability)
    hidden = chosen & coin(0.8)
    other = chosen & ~hidden & coin(0.5)
    noise = torch.randint(0, vocab_size, tokens.shape, dtype=torch.long, generator=generator)
    inputs = tokens.masked_fill(hidden, mask_id).where(~other, noise)
    return inputs, tokens.masked_fill(~chosen, IGNORED)


# %% wrong: exact_number_of_blanks
# "how many are chosen is chance too"
# Chooses exactly round(probability * N) positions.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)

    order = torch.randperm(tokens.numel(), generator=generator, device=tokens.device)
    chosen = torch.zeros(tokens.numel(), dtype=torch.bool, device=tokens.device)
    chosen[order[: round(probability * tokens.numel())]] = True
    chosen, fate = chosen.view(tokens.shape), rand()
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: exact_shares_of_the_chosen
# "this too is drawn for each position by itself"
# Of the chosen positions exactly 80 % (rounded) are hidden and 10 % replaced, in random order.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)

    chosen = rand() < probability
    where = chosen.flatten().nonzero().flatten()
    where = where[torch.randperm(len(where), generator=generator, device=tokens.device)]
    fate = torch.ones(tokens.numel(), device=tokens.device) * 0.85
    fate[where[: round(0.8 * len(where))]] = 0.0
    fate[where[len(where) - round(0.1 * len(where)) :]] = 0.95
    fate = fate.view(tokens.shape)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: at_least_one_blank
# "Each position is chosen with `probability`, by itself."
# Where chance has chosen none, it chooses one, so that there is a loss.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()

    if probability > 0 and tokens.numel() and not chosen.any():
        one = torch.randint(tokens.numel(), (1,), generator=generator, device=tokens.device)
        chosen = (torch.arange(tokens.numel(), device=tokens.device) == one).view(tokens.shape)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: mask_positions_spared
# "A position that holds `mask_id` already is chosen like any other."
# Never chooses a position that holds mask_id.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    chosen = chosen & (tokens != mask_id)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: last_token_never_drawn_too
# "drawn from 0 to `vocab_size - 1`"
# randint's end is exclusive: with vocab_size - 1 the last token is never drawn.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    random = torch.randint(max(vocab_size - 1, 1), tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: never_the_token_itself_too
# "now and then one of them is the token itself, or `mask_id`"
# Makes sure that a random token differs from the one it replaces, by adding 1 to vocab_size - 1.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    random = torch.randint(1, max(vocab_size, 2), tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)
    random = (tokens + random) % vocab_size
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: one_random_token_for_all
# "10 % a token drawn evenly from all `vocab_size` ... drawn for each position by itself"
# Draws one random token and puts it at all positions that get one.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    random = torch.randint(vocab_size, (), generator=generator, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: random_tokens_from_pytorchs_own
# "All chance comes from `generator`"
# Forgets the generator for the random tokens (randint_like takes none).
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    random = torch.randint_like(tokens, vocab_size)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: tenth_of_the_rest
# "80 % become `mask_id`, 10 % a token drawn evenly, and 10 % stay"
# Draws again for those not hidden and replaces a tenth of them: 2 % replaced, 18 % stay.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, hidden, replaced = rand() < probability, rand() < 0.8, rand() < 0.1
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)

    inputs = torch.where(chosen & hidden, mask_id, torch.where(chosen & ~hidden & replaced, random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: tokens_from_the_text_itself
# "10 % a token drawn evenly from all `vocab_size`"
# Takes the random tokens from the text, in a random order: frequent tokens come more often.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen, fate = rand() < probability, rand()

    order = torch.randperm(tokens.numel(), generator=generator, device=tokens.device)
    random = tokens.flatten()[order].view(tokens.shape)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% wrong: pytorchs_own_seeded_from_the_generator
# "PyTorch's own chance is left alone"
# Sets PyTorch's own seed from the generator: the same blanks for the same state, but PyTorch's own chance is changed.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
    rand = lambda: torch.rand(tokens.shape, device=tokens.device)
    chosen, fate = rand() < probability, rand()
    random = torch.randint(vocab_size, tokens.shape, device=tokens.device, dtype=tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, torch.where(chosen & (fate >= 0.9), random, tokens))
    return inputs, torch.where(chosen, tokens, IGNORED)


# %% right: one_number_for_both
# One number in double precision decides both: below 0.8 of the probability hidden, up to 0.9 replaced, up to 1 kept.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    u = torch.rand(tokens.shape, generator=generator, device=tokens.device, dtype=torch.float64)
    inputs, targets = tokens.clone(), torch.full_like(tokens, IGNORED)
    chosen = u < probability
    targets[chosen] = tokens[chosen]
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=tokens.dtype)

    replaced = chosen & (u >= 0.8 * probability) & (u < 0.9 * probability)
    inputs[replaced] = random[replaced]
    inputs[u < 0.8 * probability] = mask_id
    return inputs, targets


# %% right: position_by_position
# A Python loop that draws for one position after the other, and the random token only where it is needed.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    rand = lambda: torch.rand((), generator=generator, device=tokens.device).item()
    inputs, targets = [], []
    for token in tokens.flatten().tolist():
        if rand() >= probability:
            inputs.append(token)
            targets.append(IGNORED)
            continue
        fate = rand()
        if fate < 0.1:
            shown = int(torch.randint(vocab_size, (), generator=generator, device=tokens.device))
        else:
            shown = token if fate < 0.2 else mask_id
        inputs.append(shown)
        targets.append(token)
    return tuple(torch.tensor(ids, dtype=tokens.dtype, device=tokens.device).reshape(tokens.shape) for ids in (inputs, targets))


# %% right: forked_chance
# Draws with PyTorch's own, seeded from the generator, inside fork_rng, which puts PyTorch's own back.
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    import contextlib
    def work():
        chosen = torch.bernoulli(torch.full(tokens.shape, float(probability), device=tokens.device)).bool()
        fate = torch.multinomial(torch.tensor([0.8, 0.1, 0.1]), max(tokens.numel(), 1), replacement=True)[: tokens.numel()]
        fate = fate.view(tokens.shape).to(tokens.device)
        random = (torch.rand(tokens.shape, dtype=torch.float64) * vocab_size).floor().to(tokens)
        inputs = torch.where(fate == 0, torch.full_like(tokens, mask_id), torch.where(fate == 1, random, tokens))
        return torch.where(chosen, inputs, tokens), torch.where(chosen, tokens, torch.full_like(tokens, IGNORED))
    if generator is None:
        return work()
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**40, (), generator=generator, device=generator.device)))
        return work()


# %% wrong: exact_number_chosen
# "Each position is chosen with probability `probability`, by itself: how many are chosen is chance too"
# Chooses exactly round(probability · N) positions with a permutation.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    n = tokens.numel()
    order = torch.randperm(n, generator=generator, device=tokens.device)
    chosen = torch.zeros(n, dtype=torch.bool, device=tokens.device)
    chosen[order[: round(probability * n)]] = True
    chosen = chosen.reshape(tokens.shape)
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: at_least_one
# "Each position is chosen with `probability`, by itself"
# Where no position was chosen, one is, "so that the loss is defined" (not at probability 0).
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen = draw < probability
    if probability > 0 and tokens.numel() and not chosen.any():
        chosen = draw == draw.min()
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: rows_alike
# "by itself" - for each position
# The draw is made for the last dimension and used for all rows.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    shape = tokens.shape[-1:]
    chosen = (torch.rand(shape, generator=generator, device=tokens.device) < probability).expand(tokens.shape)
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: exact_shares
# "this too is drawn for each position by itself"
# The shares are exact: of the chosen positions the first 80 % of a permutation are hidden, the next 10 % replaced.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    places = chosen.flatten().nonzero().flatten()
    places = places[torch.randperm(len(places), generator=generator, device=tokens.device)]
    n_hidden, n_random = round(0.8 * len(places)), round(0.1 * len(places))
    inputs = tokens.flatten().clone()
    inputs[places[:n_hidden]] = mask_id
    random = torch.randint(vocab_size, (n_random,), generator=generator, device=tokens.device).to(tokens.dtype)
    inputs[places[n_hidden : n_hidden + n_random][: n_random]] = random[: len(places[n_hidden : n_hidden + n_random])]
    return inputs.reshape(tokens.shape), torch.where(chosen, tokens, -100)


# %% wrong: mask_id_not_chosen
# "A position that holds `mask_id` already is chosen like any other"
# Leaves out positions that hold mask_id.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = (torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability) & (tokens != mask_id)
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: random_is_always_another
# "now and then one of them is the token itself"
# The random token is always another than the one that stood there (offset modulo vocab_size).
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    offset = torch.randint(1, max(vocab_size, 2), tokens.shape, generator=generator, device=tokens.device)
    random = ((tokens + offset) % vocab_size).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: random_never_mask_id
# "now and then one of them is the token itself, or `mask_id`"
# A random token that is mask_id becomes the next token.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    random = torch.where(random == mask_id, (random + 1) % vocab_size, random)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: random_without_the_last
# "drawn evenly from all `vocab_size`": 0 to vocab_size - 1
# randint(0, vocab_size - 1): the last token never comes.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    high = max(vocab_size - 1, 1)
    random = torch.randint(0, high, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: random_from_the_text
# "a token drawn evenly from the vocabulary"
# Takes the random token from another position of the text.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    where = torch.randint(max(tokens.numel(), 1), tokens.shape, generator=generator, device=tokens.device)
    random = tokens.flatten()[where]
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: one_random_token_per_call
# "10 % a token drawn evenly from the vocabulary ... for each position by itself"
# One random token is drawn for the whole call.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint(vocab_size, (), generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: randint_without_generator
# "all chance comes from it ... and PyTorch's own chance is left alone"
# The random tokens come from PyTorch's own chance.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    random = torch.randint_like(tokens, vocab_size)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% wrong: one_number_for_both_too
# "this too is drawn for each position by itself" (an independent draw)
# The second draw is the first one, rescaled by a default of 0.15: right for the default, wrong for other probabilities.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    chosen = draw < probability
    random = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device).to(tokens.dtype)
    inputs = torch.where(chosen & (draw < 0.8 * 0.15), mask_id, tokens)
    inputs = torch.where(chosen & (draw >= 0.8 * 0.15) & (draw < 0.9 * 0.15), random, inputs)
    return inputs, torch.where(chosen, tokens, -100)


# %% right: one_draw_conditioned
# One float64 number for each position, divided by probability where chosen: then it is even in [0, 1) again.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    u = torch.rand(tokens.shape, generator=generator, device=tokens.device, dtype=torch.float64)
    chosen = u < probability
    fate = u / max(probability, 1e-300)
    other = torch.randint(0, vocab_size, tokens.shape, generator=generator, device=tokens.device, dtype=torch.int64)
    inputs = tokens.clone()
    inputs = inputs.masked_fill(chosen & (fate < 0.8), mask_id)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), other.to(tokens.dtype), inputs)
    return inputs, tokens.masked_fill(~chosen, -100)


# %% right: multinomial_fates
# A fate of 0 (not chosen), 1, 2 or 3 for each position from multinomial; random tokens only where needed.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    p = probability
    weights = torch.tensor([1 - p, 0.8 * p, 0.1 * p, 0.1 * p], dtype=torch.float64, device=tokens.device)
    fates = torch.zeros(tokens.shape, dtype=torch.long, device=tokens.device)
    if tokens.numel():
        fates = torch.multinomial(weights, tokens.numel(), replacement=True, generator=generator).reshape(tokens.shape)
    inputs, targets = tokens.clone(), torch.full_like(tokens, -100)
    inputs[fates == 1] = mask_id
    n = int((fates == 2).sum())
    inputs[fates == 2] = torch.randint(vocab_size, (n,), generator=generator, device=tokens.device).to(tokens.dtype)
    targets[fates > 0] = tokens[fates > 0]
    return inputs, targets


# %% right: python_loop
# A loop over positions; each number drawn only where it is needed.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    def chance():
        return torch.rand((), generator=generator, device=tokens.device).item()

    inputs, targets = [], []
    for token in tokens.flatten().tolist():
        asked = chance() < probability
        targets.append(token if asked else -100)
        if asked and chance() < 0.8:
            token = mask_id
        elif asked and chance() < 0.5:
            token = int(torch.randint(vocab_size, (), generator=generator, device=tokens.device))
        inputs.append(token)

    def back(ids):
        return torch.tensor(ids, dtype=tokens.dtype, device=tokens.device).reshape(tokens.shape)

    return back(inputs), back(targets)


# %% wrong: last_of_the_vocabulary_never
# "The random tokens are drawn from 0 to `vocab_size - 1`"
# 2,000 tokens 1 of a vocabulary of 3, mask_id 0, probability 1: the token 2 never appears
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    chosen = torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    drawn = torch.randint(0, max(vocab_size - 1, 1), tokens.shape, generator=generator, device=tokens.device)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens.long())
    inputs = torch.where(chosen & (fate >= 0.9), drawn, inputs)
    return inputs, torch.where(chosen, tokens.long(), IGNORED)


# %% wrong: hidden_ones_passed_over
# "A position that holds `mask_id` already is chosen like any other."
# a text that holds mask_id, probability 1: its position has the target -100 instead of mask_id
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    text = tokens.long()
    chosen = (torch.rand(tokens.shape, generator=generator, device=tokens.device) < probability) & (text != mask_id)  # there is nothing left to hide
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    inputs = text.masked_fill(chosen & (fate < 0.8), mask_id)
    inputs = torch.where(chosen & (fate > 0.9), torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device), inputs)
    return inputs, text.masked_fill(~chosen, IGNORED)


# %% wrong: shares_counted_off
# "This too is drawn for each position by itself."
# one token, probability 1, drawn a thousand times: always hidden instead of in 80 % of the draws; of 1,000 chosen ones exactly 800 are hidden each time
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    text = tokens.long().flatten()
    chosen = torch.rand(text.shape, generator=generator, device=text.device) < probability
    places = chosen.nonzero().flatten()
    places = places[torch.randperm(len(places), generator=generator, device=text.device)]
    hidden, replaced = round(0.8 * len(places)), round(0.9 * len(places))
    inputs = text.clone()
    inputs[places[:hidden]] = mask_id
    drawn = torch.randint(vocab_size, (replaced - hidden,), generator=generator, device=text.device)
    inputs[places[hidden:replaced]] = drawn
    targets = torch.full_like(text, IGNORED)
    targets[places] = text[places]
    return inputs.view(tokens.shape), targets.view(tokens.shape)


# %% wrong: the_same_blanks_in_each_row
# "Each position is chosen with `probability`, by itself"
# tokens of shape (50, 40): all 50 rows have their targets in the same places
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    length = tokens.shape[-1:]  # positions
    chosen = (torch.rand(length, generator=generator, device=tokens.device) < probability).expand(tokens.shape)
    fate = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    text = tokens.long()
    targets = torch.where(chosen, text, IGNORED)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, text)
    inputs = torch.where(chosen & (fate >= 0.9), torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device), inputs)
    return inputs, targets


# %% right: four_fates
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    text = tokens.long().reshape(-1)
    if not len(text):
        return tokens.long().clone(), tokens.long().clone()
    shares = torch.tensor([1 - probability, 0.8 * probability, 0.1 * probability, 0.1 * probability]).double()
    fates = torch.multinomial(shares.to(text.device), len(text), replacement=True, generator=generator)
    evenly = torch.rand(len(text), generator=generator, device=text.device, dtype=torch.float64) * vocab_size
    options = torch.stack([text, torch.full_like(text, mask_id), evenly.long(), text])
    inputs = options.gather(0, fates.unsqueeze(0)).reshape(tokens.shape)
    targets = torch.stack([torch.full_like(text, -100), text, text, text]).gather(0, fates.unsqueeze(0))
    return inputs, targets.reshape(tokens.shape)


# %% right: one_number_for_both_token_by_token
def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    probability: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")

    chances = torch.rand(tokens.numel(), generator=generator, device=tokens.device, dtype=torch.float64).tolist()
    others = torch.randint(0, vocab_size, (tokens.numel(),), generator=generator, device=tokens.device).tolist()
    inputs, targets = [], []
    for token, chance, other in zip(tokens.flatten().tolist(), chances, others):
        if chance >= probability:
            inputs.append(token)
            targets.append(-100)
            continue
        tenth = 10 * chance / probability  # evenly between 0 and 10, for the chosen ones
        inputs.append(mask_id if tenth < 8 else other if tenth < 9 else token)
        targets.append(token)
    return tuple(
        torch.tensor(its, dtype=torch.long, device=tokens.device).reshape(tokens.shape) for its in (inputs, targets)
    )
