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


# %% wrong: fifty_by_default
# "top_k=None"
# top_k is 50 where it is not given, as in several libraries.
def sample(logits, temperature=1.0, top_k=50, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
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
    return drawn.reshape(logits.shape[:-1])


# %% wrong: no_colder_than_a_tenth
# "The logits are divided by `temperature`"
# A temperature below 0.1 is 0.1.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / max(temperature, 0.1)
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator)
    return drawn.reshape(logits.shape[:-1])


# %% wrong: greedy_when_cold
# "The logits are divided by `temperature`"
# Below 0.05 the most likely token is taken.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
    if temperature < 0.05:
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
    return drawn.reshape(logits.shape[:-1])


# %% wrong: one_nucleus_for_all_rows
# "Draw one token from each row of logits"
# The size of the first row's nucleus is that of all rows.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = (probabilities.cumsum(-1) - probabilities >= top_p).reshape(-1, logits.size(-1))[0].expand(logits.shape)
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator)
    return drawn.reshape(logits.shape[:-1])


# %% wrong: top_p_instead_of_top_k
# "after temperature, then top-k, then top-p"
# Where both are given, top_p alone is used.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None and top_p is None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p is not None:
        probabilities, order = logits.softmax(-1).sort(dim=-1, descending=True)
        out = probabilities.cumsum(-1) - probabilities >= top_p
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)
    p = logits.softmax(-1)
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator)
    return drawn.reshape(logits.shape[:-1])


# %% wrong: seeds_everything
# "PyTorch's own chance is left alone"
# The global seed is drawn from the generator.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
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
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**40, (), generator=generator)))
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1)
    return drawn.reshape(logits.shape[:-1])


# %% wrong: always_seed_zero
# "without one, from PyTorch's own"
# Without a generator the draws begin at seed 0 each time.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
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
    drawn = torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator or torch.Generator().manual_seed(0))
    return drawn.reshape(logits.shape[:-1])


# %% wrong: floating_tokens
# "whole numbers"
# The tokens are floating-point numbers.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("p")
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
    return drawn.reshape(logits.shape[:-1]).float()


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


# %% right: softmax_and_most_likely_first
# Probabilities throughout; top-k keeps the places of topk, so exactly k also at ties; zero by the largest probability.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError("arguments")
    if temperature == 0:
        return logits.softmax(-1).max(dim=-1).indices
    p = (logits / temperature).softmax(-1)
    best, places = p.topk(min(top_k or p.size(-1), p.size(-1)), dim=-1)
    best = best / best.sum(-1, keepdim=True)
    if top_p is not None:
        best = best * (best.cumsum(-1) - best < top_p)
    rank = torch.multinomial(best.reshape(-1, best.size(-1)), 1, generator=generator)
    return places.reshape(-1, best.size(-1)).gather(-1, rank).reshape(logits.shape[:-1])


# %% wrong: a_generator_of_its_own
# "without one, from PyTorch's own"
# Makes a new generator where none is given: it always begins with the same seed.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    generator = generator or torch.Generator(device=logits.device)
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.size(-1)) / temperature
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).view(logits.shape[:-1])


# %% wrong: pytorchs_own_seeded_from_the_generator
# "PyTorch's own chance is left alone"
# Draws a seed from the generator and sets PyTorch's own with it: the same state draws the same tokens, but PyTorch's own chance is changed.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.size(-1)) / temperature
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1).view(logits.shape[:-1])


# %% wrong: temperature_never_quite_zero
# "at 0 the most likely token is taken"
# Divides by 0.001 at least: at 0 a token whose logit is a thousandth lower is drawn as well.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    z = logits.reshape(-1, logits.size(-1)).double() / max(temperature, 1e-3)
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).view(logits.shape[:-1])


# %% wrong: top_p_of_everything
# "`top_p` keeps the smallest set of most likely tokens whose probability, of what top-k has kept, reaches p"
# Measures top-p on the probabilities before top-k.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.size(-1)) / temperature
    everything = z.softmax(dim=-1)
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = everything.sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).view(logits.shape[:-1])


# %% wrong: filters_before_temperature
# "after temperature, then top-k, then top-p"
# Filters on the probabilities at temperature 1 and divides afterwards.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.size(-1))
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    z = z / temperature
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).view(logits.shape[:-1])


# %% wrong: single_row_keeps_a_dimension
# "logits (..., vocab_size) -> (...)"
# A single vector of logits gives a tensor of shape (1,).
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.size(-1)) / temperature
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)
    drawn = torch.multinomial(z.softmax(dim=-1), 1, generator=generator).squeeze(-1)
    return drawn if logits.dim() < 2 else drawn.view(logits.shape[:-1])


# %% right: gumbel
# Adds Gumbel noise from the generator and takes the largest; double precision.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.max(dim=-1).indices
    z = logits.double().reshape(-1, logits.size(-1)) / temperature
    if top_k is not None:
        least = z.topk(min(top_k, z.size(-1)), dim=-1).values[:, -1:]
        z = z.masked_fill(z < least, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        out = p.cumsum(dim=-1) - p >= top_p
        z = z.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)

    u = torch.rand(z.shape, generator=generator, device=z.device, dtype=torch.float64).clamp(min=1e-300)
    return (z - (-u.log()).log()).argmax(dim=-1).reshape(logits.shape[:-1])


# %% right: row_by_row_in_python
# A loop over rows with sorted lists; one uniform number from the generator for each row.
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    V, drawn = logits.size(-1), []
    for row in logits.detach().double().reshape(-1, V).tolist():
        order = sorted(range(V), key=lambda token: -row[token])
        if temperature == 0:
            drawn.append(order[0])
            continue
        order = order[:top_k]
        weights = [math.exp((row[token] - row[order[0]]) / temperature) for token in order]
        whole, kept, total = sum(weights), [], 0.0
        for token, weight in zip(order, weights):
            kept.append((token, weight))
            total += weight
            if top_p is not None and total >= top_p * whole:
                break
        u = torch.rand((), generator=generator, device=logits.device, dtype=torch.float64).item() * total
        for token, weight in kept:
            u -= weight
            if u < 0:
                break
        drawn.append(token)
    return torch.tensor(drawn, device=logits.device).reshape(logits.shape[:-1])


# %% wrong: top_p_before_top_k
# "of what is left, renormalised"
# Top-p looks at the probabilities before top-k.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits / temperature
    p, order = z.softmax(-1).sort(dim=-1, descending=True)
    keep = torch.ones_like(p, dtype=torch.bool)
    if top_p is not None:
        keep &= p.cumsum(-1) - p < top_p
    if top_k is not None:
        keep[..., top_k:] = False
    p = torch.where(keep, p, torch.zeros_like(p))
    flat = p.reshape(-1, p.size(-1))
    drawn = torch.multinomial(flat, 1, generator=generator).reshape(p.shape[:-1] + (1,))
    return order.gather(-1, drawn).squeeze(-1)


# %% wrong: temperature_after_the_filters
# "In this order: 1. Temperature"
# Filters at temperature 1, and divides what is left.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float()
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, z.size(-1)), dim=-1).values[..., -1:], -torch.inf)
    if top_p is not None:
        p, order = z.softmax(-1).sort(dim=-1, descending=True)
        out = torch.zeros_like(p, dtype=torch.bool).scatter(-1, order, p.cumsum(-1) - p >= top_p)
        z = z.masked_fill(out, -torch.inf)
    p = (z / temperature).softmax(-1)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(p.shape[:-1])


# %% wrong: one_threshold_for_all_rows_too
# "one draw for each row, by itself"
# The lowest of the rows' k-th largest logits is the threshold for all rows: some rows keep more than k.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float() / temperature
    flat = z.reshape(-1, z.size(-1))
    if top_k is not None:
        line = flat.topk(min(top_k, flat.size(-1)), dim=-1).values[:, -1].min()
        best = flat == flat.amax(dim=-1, keepdim=True)
        flat = flat.masked_fill((flat < line) & ~best, -torch.inf)
    p = flat.softmax(-1)
    if top_p is not None:
        sorted_p, order = p.sort(dim=-1, descending=True)
        p = torch.zeros_like(p).scatter(-1, order, sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p))
    return torch.multinomial(p, 1, generator=generator).reshape(z.shape[:-1])


# %% wrong: generator_copied_from_its_seed
# "all chance comes from it"
# A fresh generator, seeded from the given one's initial seed: every call draws the same, the state does not move.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float() / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, z.size(-1)), dim=-1).values[..., -1:], -torch.inf)
    p = z.softmax(-1)
    if top_p is not None:
        sorted_p, order = p.sort(dim=-1, descending=True)
        p = torch.zeros_like(p).scatter(-1, order, sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p))
    if generator is not None:
        generator = torch.Generator(device=z.device).manual_seed(generator.initial_seed())
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(z.shape[:-1])


# %% wrong: reseeds_pytorch
# "PyTorch's own chance is left alone"
# With a generator, draws a seed from it and calls torch.manual_seed with it.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float() / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, z.size(-1)), dim=-1).values[..., -1:], -torch.inf)
    p = z.softmax(-1)
    if top_p is not None:
        sorted_p, order = p.sort(dim=-1, descending=True)
        p = torch.zeros_like(p).scatter(-1, order, sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p))
    if generator is not None:
        torch.manual_seed(torch.randint(2**31, (), generator=generator, device=z.device).item())
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1).reshape(z.shape[:-1])


# %% wrong: fixed_seed_without_generator
# "None: PyTorch's own"
# Without a generator a new one is made with torch.Generator(), whose seed is always the same.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    generator = generator or torch.Generator(device=logits.device)
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float() / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, z.size(-1)), dim=-1).values[..., -1:], -torch.inf)
    p = z.softmax(-1)
    if top_p is not None:
        sorted_p, order = p.sort(dim=-1, descending=True)
        p = torch.zeros_like(p).scatter(-1, order, sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p))
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(z.shape[:-1])


# %% wrong: minus_infinity_made_finite
# "a logit of -inf is a probability of 0"
# nan_to_num with -1e4 for -inf: at a high temperature (1e4) forbidden tokens can be drawn.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    logits = torch.nan_to_num(logits.float(), neginf=-1e4)
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, z.size(-1)), dim=-1).values[..., -1:], -torch.inf)
    p = z.softmax(-1)
    if top_p is not None:
        sorted_p, order = p.sort(dim=-1, descending=True)
        p = torch.zeros_like(p).scatter(-1, order, sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p))
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(z.shape[:-1])


# %% wrong: only_one_filter
# "2. Top-k ... 3. Top-p: of what is left"
# elif: where both are given only top-k is used.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.float() / temperature
    p = z.softmax(-1)
    sorted_p, order = p.sort(dim=-1, descending=True)
    if top_k is not None:
        sorted_p = sorted_p * (torch.arange(p.size(-1), device=p.device) < top_k)
    elif top_p is not None:
        sorted_p = sorted_p * (sorted_p.cumsum(-1) - sorted_p < top_p)
    p = torch.zeros_like(p).scatter(-1, order, sorted_p)
    return torch.multinomial(p.reshape(-1, p.size(-1)), 1, generator=generator).reshape(z.shape[:-1])


# %% right: gumbel_maximum
# Gumbel noise and argmax in place of multinomial; the filters in float64.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    if temperature == 0:
        return torch.max(logits, dim=-1).indices
    z = torch.log_softmax(logits.double() / temperature, dim=-1)
    z, order = z.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        z[..., top_k:] = -math.inf
    if top_p is not None:
        p = z.softmax(dim=-1)
        before = torch.cat([torch.zeros_like(p[..., :1]), p.cumsum(dim=-1)[..., :-1]], dim=-1)
        z = torch.where(before < top_p, z, -math.inf)
    u = torch.rand(z.shape, generator=generator, device=z.device, dtype=torch.float64).clamp(min=1e-300)
    noise = -torch.log(-torch.log(u))
    return order.gather(-1, (z + noise).argmax(dim=-1, keepdim=True)).squeeze(-1)


# %% right: inverse_of_the_cumulated
# A uniform number for each row and searchsorted in the cumulated probabilities.
def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")
    flat = logits.reshape(-1, logits.shape[-1]).double()
    if temperature == 0:
        return flat.argmax(dim=-1).reshape(logits.shape[:-1])
    p, order = torch.softmax((flat - flat.amax(-1, keepdim=True)) / temperature, dim=-1).sort(dim=-1, descending=True)
    if top_k is not None:
        p = p[:, :top_k] / p[:, :top_k].sum(dim=-1, keepdim=True)
    if top_p is not None:
        p = p.masked_fill(p.cumsum(dim=-1) - p >= top_p, 0.0)
    line = p.cumsum(dim=-1)
    u = torch.rand(len(p), 1, generator=generator, device=p.device, dtype=torch.float64) * line[:, -1:]
    place = torch.searchsorted(line, u, right=True).clamp(max=p.size(-1) - 1)
    return order.gather(1, place).reshape(logits.shape[:-1])


# %% wrong: nearly_zero_temperature
# "The logits are divided by `temperature`; at 0 the most likely token is taken."
# temperature 0 and logits 0, 1e-5, 0: a token is drawn, the most likely one in about 4 of 11 draws only
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    z = logits / max(temperature, 1e-4)  # 0 is the limit of what is small
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1]), dim=-1).values[..., -1:]
        z = z.masked_fill(z < kth, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        dropped = p.cumsum(dim=-1) - p >= top_p
        dropped[..., 0] = False
        z = z.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -math.inf)
    p = z.softmax(dim=-1).reshape(-1, z.shape[-1])
    return torch.multinomial(p, 1, generator=generator).reshape(z.shape[:-1])


# %% wrong: nucleus_before_temperature
# "Draw one token from each row of logits, after temperature, then top-k, then top-p."
# probabilities 0.5, 0.25, 0.15, 0.1, temperature 0.5, top_p 0.7: two tokens stay instead of the first alone, which has 0.725 after the temperature
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1]), dim=-1).values[..., -1:]
        z = z.masked_fill(z < kth, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        dropped = p.cumsum(dim=-1) - p >= top_p
        dropped[..., 0] = False
        z = z.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -math.inf)
    p = (z / temperature).softmax(dim=-1)
    return torch.multinomial(p.reshape(-1, p.shape[-1]), 1, generator=generator).reshape(p.shape[:-1])


# %% wrong: contiguous_and_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# contiguous logits, temperature 1, top_k 2: the caller's logits hold -inf afterwards (not so where they are an expanded view, which `contiguous` copies)
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.contiguous().view(-1, logits.shape[-1])
    if temperature != 1:
        z = z / temperature
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1]), dim=-1).values[:, -1:]
        z.masked_fill_(z < kth, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        dropped = p.cumsum(dim=-1) - p >= top_p
        dropped[..., 0] = False
        z = z.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).view(logits.shape[:-1])


# %% wrong: squeezed_to_nothing
# "Shapes: logits (..., vocab_size) -> (...), whole numbers."
# logits (1, 4): the result has the shape () instead of (1,); for (3, 1, 4) it is (3,) instead of (3, 1)
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits / temperature
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1]), dim=-1).values[..., -1:]
        z = z.masked_fill(z < kth, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        dropped = p.cumsum(dim=-1) - p >= top_p
        dropped[..., 0] = False
        z = z.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -math.inf)
    p = z.softmax(dim=-1).reshape(-1, z.shape[-1])
    return torch.multinomial(p, 1, generator=generator).reshape(z.shape[:-1]).squeeze()


# %% wrong: threshold_of_the_first_row
# "`top_k` keeps the k most likely tokens, all where there are fewer."
# two rows of different logits, [[0, 1, 2], [5, 6, 7]] and top_k 1: the second row keeps all three
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.shape[-1]) / temperature
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1])).values[0, -1]
        below = z < kth
        below &= ~below.all(dim=-1, keepdim=True)  # one stays at least
        z = z.masked_fill(below, -math.inf)
    if top_p is not None:
        p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
        dropped = p.cumsum(dim=-1) - p >= top_p
        dropped[..., 0] = False
        z = z.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -math.inf)
    return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).reshape(logits.shape[:-1])


# %% wrong: nucleus_forgets_the_generator
# "All chance comes from `generator`, which lives on the device of the logits; without one, from PyTorch's own."
# top_p 0.9 with a generator, twice from the same state: other tokens, and PyTorch's own chance has moved on
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    if temperature == 0:
        return logits.argmax(dim=-1)
    z = logits.reshape(-1, logits.shape[-1]) / temperature
    if top_k is not None:
        kth = z.topk(min(top_k, z.shape[-1]), dim=-1).values[..., -1:]
        z = z.masked_fill(z < kth, -math.inf)
    if top_p is None:
        return torch.multinomial(z.softmax(dim=-1), 1, generator=generator).reshape(logits.shape[:-1])
    p, order = z.softmax(dim=-1).sort(dim=-1, descending=True)
    before = p.cumsum(dim=-1) - p
    before[:, 0] = 0
    p = p.masked_fill(before >= top_p, 0.0)
    place = torch.multinomial(p, 1)
    return order.gather(-1, place).reshape(logits.shape[:-1])


# %% right: largest_of_noisy_logits
def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is not in (0, 1]")

    z = logits.detach().double()
    if temperature == 0:
        return z.max(dim=-1).indices
    z = (z - z.amax(dim=-1, keepdim=True)) / temperature
    order = z.argsort(dim=-1, descending=True)
    ranks = order.argsort(dim=-1)
    if top_k is not None:
        z = torch.where(ranks < top_k, z, -math.inf)
    if top_p is not None:
        falling = z.gather(-1, order).softmax(dim=-1)
        reached = falling.cumsum(dim=-1).roll(1, dims=-1)
        reached[..., 0] = 0.0
        z = torch.where(reached.gather(-1, ranks) < top_p, z, -math.inf)
    waiting = torch.empty_like(z).exponential_(generator=generator).clamp(min=1e-300)
    # of waiting times with these rates the shortest is each token's with its probability
    return (z - waiting.log()).argmax(dim=-1)
