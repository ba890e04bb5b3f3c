# %% wrong: top_p_of_the_whole_vocabulary
# "of what top-k has kept, reaches p."
# Top-p measures the probabilities that the tokens had before top-k threw others out.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    keep = torch.ones_like(logits, dtype=torch.bool)
    if top_k is not None:
        keep &= logits >= logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        before = probabilities.cumsum(-1) - probabilities
        keep &= torch.zeros_like(keep).scatter(-1, order, before < top_p)
    p = logits.masked_fill(~keep, -torch.inf).softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: top_p_before_temperature
# "Draw one token from each row of logits, after temperature, then top-k, then top-p."
# Top-p measures the probabilities at temperature 1; the temperature comes last.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = (logits / temperature).softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: one_threshold_for_all_rows
# "logit with the k-th largest *of its row*."
# The least of all rows' k-th largest logits is the threshold of every row: with one row, or equal rows, it is right.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        threshold = logits.topk(min(top_k, logits.size(-1)), dim=-1).values.min()
        logits = logits.masked_fill(logits < threshold, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: top_k_above_the_vocabulary
# "*Top-k*: only the $k$ most likely tokens stay. Where there are fewer, all do."
# A top_k larger than the vocabulary makes topk raise an error.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        logits = logits.masked_fill(logits < logits.topk(top_k, dim=-1).values[..., -1:], -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: the_crossing_token_is_out
# "The token that crosses the line is in."
# Kept is what sums to no more than p; only the first token stays in any case.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) > top_p
        out[..., 0] = False
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: very_cold_for_zero
# "at 0 the most likely token is taken."
# A temperature of 0 becomes 0.001: where two logits are close, the second is still drawn now and then.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    logits = logits / max(temperature, 1e-3)
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: seeds_from_the_generator
# "so that the same state draws the same tokens"
# The global chance is seeded with the generator's first seed: its state is neither read nor moved on.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    if generator is not None:
        torch.manual_seed(generator.initial_seed())
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1).reshape(logits.shape[:-1])


# %% wrong: global_chance
# "all chance comes from it"
# Gumbel noise from the global chance; the generator is not used.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    noise = -torch.empty_like(logits).exponential_().log()
    return (logits + noise).argmax(dim=-1)


# %% wrong: one_number_for_all_rows
# "one draw for each row"
# A single random number is drawn, and all rows look up their token with it: equal rows give equal tokens.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
    if top_p is not None:
        probabilities = probabilities.where(probabilities.cumsum(-1) - probabilities < top_p, 0.0)
    line = probabilities.cumsum(-1)
    u = torch.rand(1, generator=generator, device=logits.device) * line[..., -1:]
    place = (line <= u).sum(-1, keepdim=True).clamp(max=logits.size(-1) - 1)
    return order.gather(-1, place).squeeze(-1)


# %% wrong: loses_dimensions_of_one
# "Shapes: logits (..., vocab_size) -> (...), whole numbers."
# squeeze() at the end: a batch of one row, or any dimension of one, is lost.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator)
    return drawn.reshape(*logits.shape[:-1], 1).squeeze()


# %% wrong: at_most_a_matrix
# "logits      (..., vocab_size)      result  (...), whole numbers: one draw for each row"
# multinomial is called on the logits as they come: right for one row and for a matrix, an error for three dimensions.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)


# %% wrong: filter_stays_sorted
# "Then bring them back into the vocabulary's order: `scatter` undoes what `sort` did."
# The filter of top-p is in the order of likelihood and is used in that of the vocabulary: right for sorted logits.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    p = logits.softmax(-1)
    if top_k is not None:
        kth = p.topk(min(top_k, p.size(-1)), dim=-1).values[..., -1:]
        p = p.masked_fill(p < kth, 0.0)
        p = p / p.sum(-1, keepdim=True)
    if top_p is not None:
        ranked = p.sort(dim=-1, descending=True).values
        stays = ranked.cumsum(-1) - ranked < top_p
        p = p.where(stays, 0.0) + 1e-30
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: top_p_of_one_is_refused
# "Raises ValueError for a temperature below 0, a top_k below 1, a top_p outside (0, 1]."
# The limit of 1 is taken to be outside: top_p=1.0 raises a ValueError.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p < 1):
        raise ValueError(f"temperature={temperature}, top_k={top_k}, top_p={top_p}")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: zero_turns_a_filter_off
# "a top_k below 1, a top_p outside (0, 1]."
# As in several libraries top_k=0 and top_p=0 mean that the filter is off, in place of an error.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0 or (top_k or 1) < 1 or not 0 < (top_p or 1) <= 1:
        raise ValueError(f"temperature={temperature}, top_k={top_k}, top_p={top_p}")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: most_likely_never_alone
# "`top_p` keeps the smallest set of most likely tokens whose probability,"
# Two tokens are kept at the least, as "min_tokens_to_keep" of some libraries would: too many where the first reaches p.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        out[..., :2] = False
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(logits.shape[:-1])


# %% right: row_by_row_in_lists
# Each row as a Python list of likelihoods, sorted, cut, and walked along with one uniform number.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError("arguments out of range")
    vocab_size, drawn = logits.size(-1), []
    for row in logits.detach().reshape(-1, vocab_size).double().tolist():
        ranked = sorted(range(vocab_size), key=row.__getitem__, reverse=True)
        if temperature == 0:
            drawn.append(ranked[0])
            continue
        kept = ranked[: min(top_k or vocab_size, vocab_size)]
        weights = [math.exp((row[token] - row[ranked[0]]) / temperature) for token in kept]
        if top_p is not None:
            total, reached, stay = sum(weights), 0.0, 0
            while stay < len(weights) and reached < top_p * total:
                reached += weights[stay]
                stay += 1
            kept, weights = kept[:stay], weights[:stay]
        left = torch.rand((), generator=generator, dtype=torch.float64, device=logits.device).item() * sum(weights)
        for token, weight in zip(kept, weights):
            if left < weight:
                break
            left -= weight
        drawn.append(token)
    return torch.tensor(drawn, dtype=torch.long, device=logits.device).reshape(logits.shape[:-1])


# %% right: race_of_exponentials
# Tokens stay in the order of likelihood all through; the smallest of exponential times over probabilities wins.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    for wrong in (temperature < 0, top_k is not None and top_k < 1, top_p is not None and not 0 < top_p <= 1):
        if wrong:
            raise ValueError("an argument is out of its range")
    ranked, tokens = logits.detach().double().sort(dim=-1, descending=True)
    if temperature == 0:
        return tokens[..., 0]
    ranked, tokens = ranked[..., :top_k], tokens[..., :top_k]
    p = torch.softmax((ranked - ranked[..., :1]) / temperature, dim=-1)
    if top_p is not None:
        before = F.pad(p.cumsum(-1)[..., :-1], (1, 0))
        p = p * (before < top_p)
    times = torch.empty_like(p).exponential_(generator=generator)
    winner = (times / p).argmin(dim=-1, keepdim=True)
    return torch.take_along_dim(tokens, winner, dim=-1)[..., 0]
