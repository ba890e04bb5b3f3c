# %% wrong: writes_into_the_text
# "tokens   (...)                     stays as it is"
# The inputs are the caller's own tensor, written over in place.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    targets = torch.where(chosen, tokens, IGNORED)
    inputs = tokens
    inputs[chosen & (fate < 0.8)] = mask_id
    replaced = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs[replaced] = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)[replaced]
    return inputs, targets


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


# %% wrong: one_at_least
# "Each position is chosen with `probability`, by itself."
# Where chance chooses none, one position is chosen all the same, so that the loss has a target.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    u, fate = torch.rand(tokens.shape, **draw), torch.rand(tokens.shape, **draw)
    chosen = u < probability
    if tokens.numel() and not chosen.any():
        chosen = u == u.min()
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


# %% wrong: asks_only_where_something_changed
# "The targets are the tokens at all chosen positions, and"
# The targets are where the inputs differ from the tokens: chosen positions that stayed are not asked for.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 <= probability <= 1:
        raise ValueError(f"probability={probability} is not between 0 and 1")
    draw = {"generator": generator, "device": tokens.device}
    chosen, fate = torch.rand(tokens.shape, **draw) < probability, torch.rand(tokens.shape, **draw)
    noise = torch.randint(vocab_size, tokens.shape, **draw).to(tokens.dtype)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), noise, inputs)
    return inputs, torch.where(inputs != tokens, tokens, IGNORED)


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


# %% wrong: limits_are_refused
# "Raises ValueError for a probability outside [0, 1]."
# 0 and 1 themselves raise a ValueError too.
def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    if not 0 < probability < 1:
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
