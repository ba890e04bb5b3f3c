# %% wrong: reads_the_last_one_too
# "The third new token is chosen and never read."
# Each new token is read as soon as it is there, the last as well: one reading more, and one place of the context.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    logits, state = model(tokens, None)
    for _ in range(n_tokens):
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        logits, state = model(new, state) if use_cache else model(tokens, None)
    return tokens


# %% wrong: one_at_least
# "Shapes: tokens (B, T), T >= 1 -> (B, T + n_tokens), the prompt in front."
# The first token is chosen before the loop over the others, so that none cannot be had.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    logits, state = model(tokens, None)
    new = choose(logits[:, -1]).unsqueeze(1)
    tokens = torch.cat([tokens, new], dim=1)
    for _ in range(n_tokens - 1):
        logits, state = model(new, state) if use_cache else model(tokens, None)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: refuses_the_last_place
# "Raises ValueError where the model would have to read more tokens than its context."
# All of the text has to fit into the context, though its last token is not read.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    context = getattr(model, "context", None)
    if context is not None and tokens.size(1) + n_tokens > context:
        raise ValueError(f"{tokens.size(1) + n_tokens} tokens are more than the context of {context}")

    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: reads_the_last_of_a_long_text
# "Raises ValueError where the model would have to read more tokens than its context."
# Where the context is full the oldest tokens are left out, and no complaint is made.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    context, state, unread = getattr(model, "context", 10**9), None, tokens
    for _ in range(n_tokens):
        if use_cache and tokens.size(1) <= context:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens[:, -context:], None)
        unread = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: chooses_text_by_text
# "`choose` maps logits (B, vocab_size) to tokens (B)"
# choose is called for each text by itself; what it draws from one generator then differs.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = torch.cat([choose(row) for row in logits[:, -1].split(1)]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: always_with_the_cache
# "without it, all tokens again from the first."
# use_cache is ignored: the tokens are the same, but without the cache nothing is read again.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        unread = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: never_with_the_cache
# "With the cache every step reads one token and the state"
# use_cache is ignored the other way: all is read again each time.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, _ = model(tokens, None)
        unread = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: all_but_the_last_first
# "With the cache the model reads the prompt, and then one token at a time together with the state"
# The prompt is read but for its last token, which then is read by itself; a prompt of one is read as nothing first.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    state = model(tokens[:, :-1], None)[1] if use_cache and n_tokens else None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(tokens[:, -1:], state)
        else:
            logits, _ = model(tokens, None)
        tokens = torch.cat([tokens, choose(logits[:, -1]).unsqueeze(1)], dim=1)
    return tokens


# %% wrong: the_likeliest_without_cache
# "Both give the same tokens."
# Without the cache `choose` is left out, and the likeliest token taken.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = (choose(logits[:, -1]) if use_cache else logits[:, -1].argmax(dim=-1)).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: chooses_from_probabilities
# "choose(logits) -> tokens                  logits (B, vocab_size), tokens (B)"
# choose gets the softmax of the scores: the likeliest is the same, a draw is not.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = choose(logits[:, -1].softmax(dim=-1)).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: asks_for_a_module
# "model(tokens, state) -> logits, state"
# The model is put into evaluation mode first, which a plain function does not have, and a module keeps.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    model.eval()

    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: all_scores_are_chosen_from
# "Only the logits after the *last* token are wanted."
# choose is called on the scores of all positions, and the last of its choices is taken.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = torch.stack([choose(logits[:, t]) for t in range(logits.size(1))], dim=1)[:, -1:]
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% right: into_a_ready_made_table
# A table for the whole text is made empty and filled; what is read is a slice of it.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    length = tokens.size(1)
    text = tokens.new_empty(tokens.size(0), length + n_tokens)
    text[:, :length] = tokens
    n_read, state = 0, None
    for end in range(length, length + n_tokens):
        if use_cache:
            logits, state = model(text[:, n_read:end].clone(), state)
            n_read = end
        else:
            logits, _ = model(text[:, :end].clone(), None)
        text[:, end] = choose(logits[:, -1, :])
    return text


# %% right: by_an_endless_writer
# A generator would write for ever; as many tokens as wanted are taken from it. Without the cache, a call without a state.
from itertools import islice


def endless(model, text, choose, use_cache):
    pieces, state = [text], None
    while True:
        if use_cache:
            logits, state = model(pieces[-1], state)
        else:
            logits = model(torch.hstack(pieces))[0]
        new = choose(logits.select(1, -1))
        pieces.append(new.reshape(-1, 1))
        yield pieces[-1]


def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    with torch.no_grad():
        return torch.hstack([tokens, *islice(endless(model, tokens, choose, use_cache), n_tokens)])
