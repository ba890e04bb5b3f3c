# %% wrong: a_stop_across_the_end_of_the_prompt
# "counts only where all of it stands in what was written, not in the prompt or across its end."
# Stops are looked for at the end of prompt and text together.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        whole = [*tokens, *written]
        for stop in stops:
            if whole[-len(stop):] == list(stop):
                return written[: max(len(written) - len(stop), 0)]
    return written


# %% wrong: a_tuple_never_stops
# "tokens, stops                     the prompt, and a sequence of prompts' like: whole numbers"
# A list is compared with the stop as it is; a stop that is a tuple is never equal.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == stop:
                return written[: -len(stop)]
    return written


# %% wrong: the_last_token_is_not_looked_at
# "Look for stops after every token, the last one too."
# Stops are looked for before each token is chosen, so one that is complete with the last token is returned.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    for _ in range(n_tokens):
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
    return written


# %% wrong: takes_off_one_token
# "Nothing is generated after it, and it is not returned."
# Only the last token of the stop is taken off: right for stops of one token.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[:-1]
    return written


# %% wrong: reads_the_stop
# "The 6 is never chosen, and seven tokens have been read."
# Each token is read as soon as it is chosen, and before anybody looks for a stop; the last is read in vain.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    if n_tokens < 1:
        return []
    logits, state = model(unread, state)
    while len(written) < n_tokens:
        written.append(int(choose(logits[:, -1])))
        logits, state = model(torch.tensor([[written[-1]]]), state)
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: reads_all_again
# "Each token is read once: first the prompt, then each new token by itself, with the state that came back."
# The state is forgotten, and all tokens are read again for each new one.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, _ = model(torch.tensor([[*tokens, *written]]), None)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: counts_matches_without_a_way_back
# "all is over at the first $t$ with"
# For each stop it is counted how far it has come; at a wrong token the count falls to nought or one, and 5 5 5 9 misses 5 5 9.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    reached = [0] * len(stops)

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for i, stop in enumerate(stops):
            if stop[reached[i]] == written[-1]:
                reached[i] += 1
            else:
                reached[i] = int(stop[0] == written[-1])
            if reached[i] == len(stop):
                return written[: -len(stop)]
    return written


# %% wrong: half_a_stop_is_cut_off
# "What was written in front of the stop, $w_{T + 1}, \dots, w_{t - m}$, is the result."
# Where the tokens run out in the middle of a stop, its beginning is taken off too.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    for size in range(max(map(len, stops), default=1) - 1, 0, -1):
        if any(len(stop) > size and written[-size:] == list(stop)[:size] for stop in stops):
            return written[:-size]
    return written


# %% wrong: chooses_from_one_row
# "`choose` maps logits (1, vocab_size) to tokens (1)"
# choose gets the scores without their first axis.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[0, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: an_empty_stop_is_left_out
# "Raises ValueError for an empty prompt, and for a stop without tokens."
# A stop without tokens is ignored, without an error.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens:
        raise ValueError("a prompt has one token at least")
    stops = [stop for stop in stops if stop]

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: token_zero_is_nothing
# "raises ValueError for an empty prompt or stop"
# Tokens and not their number are tested: a prompt of zeros, or a stop that begins with one, is taken for empty.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not any(tokens) or any(not stop or not stop[0] for stop in stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: writes_all_and_cuts
# "And none is chosen after the stop."
# All n_tokens are written, and then cut at the first stop: same result, but the rest was chosen.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
    for end in range(1, len(written) + 1):
        for stop in stops:
            if end >= len(stop) and written[end - len(stop) : end] == list(stop):
                return written[: end - len(stop)]
    return written


# %% wrong: one_token_at_least
# "generate_until(model, tokens, stops, n_tokens, choose=the likeliest) -> what was written, n_tokens at most"
# n_tokens is looked at after the first token, so that none is not possible.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while True:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
        if len(written) >= n_tokens:
            return written


# %% wrong: tensors_for_numbers
# "Shapes: tokens, whole numbers -> at most n_tokens whole numbers."
# What is returned are tensors of one number each.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1])[0])
        unread = written[-1].reshape(1, 1)
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: overlapping_stops_are_not_seen
# "With a stop of $m$ tokens $u_1, \dots, u_m$, all is over at the first $t$ with"
# Only the stop that began first is followed; another that begins within it is not seen until the first has failed.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    followed, reached = None, 0

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        if followed is not None and followed[reached] == written[-1]:
            reached += 1
        else:
            followed, reached = next(((stop, 1) for stop in stops if stop[0] == written[-1]), (None, 0))
        if followed is not None and reached == len(followed):
            return written[: -len(followed)]
    return written


# %% wrong: writes_on_to_finish_a_stop
# "Go on from a prompt until one of the stops has been written, or `n_tokens` tokens"
# Where half of a stop stands at the limit, it is written on to see whether it becomes one; n_tokens at most are returned.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    def may_become_a_stop():
        return any(written[-size:] == list(stop)[:size] for stop in stops for size in range(1, len(stop)))
    while len(written) < n_tokens or (n_tokens and may_become_a_stop() and len(written) < n_tokens + max(map(len, stops))):
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)][:n_tokens]
    return written[:n_tokens]


# %% right: an_automaton_for_each_stop
# For each stop it is known how much of it has just been written, with the ways back of Knuth, Morris and Pratt.
class Follower:
    def __init__(self, stop):
        self.stop, self.reached, self.back = list(stop), 0, [0]
        k = 0
        for token in self.stop[1:]:
            while k and token != self.stop[k]:
                k = self.back[k - 1]
            k += token == self.stop[k]
            self.back.append(k)

    def ends_with(self, token):
        while self.reached and self.stop[self.reached] != token:
            self.reached = self.back[self.reached - 1]
        self.reached += self.stop[self.reached] == token
        return self.reached == len(self.stop)


def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if len(tokens) == 0 or any(len(stop) == 0 for stop in stops):
        raise ValueError("a prompt and each stop have one token at least")
    followers, written, state = [Follower(stop) for stop in stops], [], None
    to_read = torch.as_tensor(list(tokens), dtype=torch.long).unsqueeze(0)
    with torch.no_grad():
        for _ in range(n_tokens):
            logits, state = model(to_read, state)
            to_read = choose(logits[:, -1, :]).view(1, 1)
            token = to_read.item()
            written.append(token)
            if ended := [len(its.stop) for its in followers if its.ends_with(token)]:
                del written[len(written) - ended[0] :]
                break
    return written


# %% right: texts_with_bars
# What was written is kept as a text of numbers between bars, and a stop is such a text that it ends with.
def as_text(tokens):
    return "".join(f"{int(token)}|" for token in tokens)


@torch.inference_mode()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    for its in (tokens, *stops):
        if not len(its):
            raise ValueError("a prompt and each stop have one token at least")
    endings = ["|" + as_text(stop) for stop in stops]
    text, memory, new = "|", None, list(tokens)
    while text.count("|") <= n_tokens:
        scores, memory = model(torch.tensor(new)[None, :], memory)
        new = choose(scores[:, scores.shape[1] - 1]).tolist()
        text += as_text(new)
        found = next((ending for ending in endings if text.endswith(ending)), None)
        if found is not None:
            text = text[: len(text) - len(found) + 1]
            break
    return [int(number) for number in text.split("|") if number]
