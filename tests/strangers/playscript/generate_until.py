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


# %% wrong: gives_probabilities
# "`choose` maps logits (1, vocab_size), as the model gave them, to tokens (1)"
# The softmax has been taken already.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1].softmax(-1))))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: gives_log_probabilities
# "choose(logits)                    logits (1, vocab_size), as the model gave them -> tokens (1)"
# The logits are normalised before anybody chooses.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(torch.log_softmax(logits[:, -1], -1))))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: reads_one_more_at_the_limit
# "The last token is not read, since none is chosen after it, be it a stop's or number `n_tokens`."
# Behind a stop nothing is read; at the limit the last token is.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    if n_tokens == 0:
        return []
    logits, state = model(unread, state)
    while len(written) < n_tokens:
        written.append(int(choose(logits[:, -1])))
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
        logits, state = model(torch.tensor([[written[-1]]]), state)
    return written


# %% wrong: feeds_the_prompt_token_by_token
# "the prompt in one call, with None for a state"
# Every token of the prompt has a call of its own.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]), None

    while len(written) < n_tokens:
        for token in unread[0]:
            logits, state = model(token.reshape(1, 1), state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: reads_numbers_with_a_point
# "tokens (1, T), of whole numbers -> logits (1, T, vocab_size), state"
# The prompt becomes a tensor of floats.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")

    written, unread, state = [], torch.tensor([list(tokens)]).float(), None

    while len(written) < n_tokens:
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        unread = torch.tensor([[written[-1]]])
        for stop in stops:
            if written[-len(stop):] == list(stop):
                return written[: -len(stop)]
    return written


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


# %% wrong: last_token_not_searched
# "all is over at the first t with ... (w_{t-m+1}, ..., w_t) = (u_1, ..., u_m)", which may be t = T + n_tokens
# Looks for a stop before each further token only: one that ends at token number n_tokens is returned with the rest.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    while len(written) < n_tokens:
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1]).item())
        unread = torch.tensor([written[-1:]])
    return written


# %% wrong: prompt_again_while_no_state
# "reads the prompt in one call, with the state None, then each new token in a call of its own, with the state that
# came back"
# Reads prompt and all written tokens whenever the state is None, as with a model that keeps none.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, state = [], None
    for _ in range(n_tokens):
        unread = [*tokens, *written] if state is None else written[-1:]
        logits, state = model(torch.tensor([unread]), state)
        written.append(int(choose(logits[:, -1])))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: logits_as_float32
# "`choose` maps the logits of the last position, (1, vocab_size), as the model gave them"
# Gives them as float32, whatever they were.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        chosen = choose(logits[:, -1].float())
        written.append(chosen.item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = chosen.view(1, 1)
    return written


# %% wrong: log_probabilities_to_choose
# "`choose` maps the logits of the last position, (1, vocab_size), as the model gave them"
# Gives log-probabilities, which have the same order and the same softmax.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        chosen = choose(torch.log_softmax(logits[:, -1], dim=-1))
        written.append(chosen.item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = chosen.view(1, 1)
    return written


# %% wrong: numbers_of_numpy
# "a list of Python's whole numbers"
# The list holds numpy's int64, which compare and print alike in most places.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        chosen = choose(logits[:, -1])
        written.extend(chosen.cpu().numpy())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = chosen[:, None]
    return written


# %% wrong: progress_counter_begins_anew
# "all is over at the first t with (w_{t-m+1}, ..., w_t) = (u_1, ..., u_m)"
# Counts how far each stop has come and begins anew after a sign that does not fit: misses 5 5 6 in 5 5 5 6.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    matched = [0] * len(stops)
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1]).item()
        written.append(token)
        for i, stop in enumerate(stops):
            if token == stop[matched[i]]:
                matched[i] += 1
            else:
                matched[i] = int(token == stop[0])
            if matched[i] == len(stop):
                return written[: -len(stop)]
        unread = torch.tensor([[token]])
    return written


# %% wrong: chosen_at_all_positions
# "the logits of the last position, (1, vocab_size), ... to tokens (1), once for each token that is written"
# Lets `choose` choose at every position of the prompt and takes the last.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(choose(logits[0])[-1].item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = torch.tensor([written[-1:]])
    return written


# %% wrong: zero_taken_for_nothing
# "lists or tuples of whole numbers, 0 among them"
# Asks by any(): a prompt of zeros and a stop of zeros are refused as empty.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not any(tokens) or not all(any(stop) for stop in stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1]).item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = torch.tensor([written[-1:]])
    return written


# %% wrong: model_left_in_eval
# "A function of yours leaves what it is given as it was"
# Puts the model into eval mode and leaves it there.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    if isinstance(model, torch.nn.Module):
        model.eval()
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1]).item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = torch.tensor([written[-1:]])
    return written


# %% wrong: one_token_at_least_too
# "n_tokens   how many are written if no stop comes, 0 or more"
# Asks after the first token only whether it is enough: n_tokens = 0 writes one.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    while True:
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1]).item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        if len(written) >= n_tokens:
            return written
        unread = torch.tensor([written[-1:]])


# %% wrong: one_stop_for_each_last_token
# "until one of the stops has been written"
# Keeps the stops in a dict by their last token: of two that end alike only the later one is known.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    by_last = {stop[-1]: list(stop) for stop in stops}
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1]).item()
        written.append(token)
        stop = by_last.get(token)
        if stop is not None and written[-len(stop) :] == stop:
            return written[: -len(stop)]
        unread = torch.tensor([[token]])
    return written


# %% wrong: stops_as_tuples_never_found
# "tokens, and each of the stops, lists or tuples of whole numbers"
# Compares a list with the stop as it is: a tuple never equals a list.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(choose(logits[:, -1]).item())
        for stop in stops:
            if written[-len(stop) :] == stop:
                return written[: -len(stop)]
        unread = torch.tensor([written[-1:]])
    return written


# %% wrong: stop_across_the_prompts_end
# "not in the prompt or across its end"
# Looks at the end of prompt and writing together: a stop that begins in the prompt stops too.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    longest = max(map(len, stops), default=1)
    n_prompt, everything, state = len(tokens), list(tokens), None
    unread = torch.tensor([everything])
    while len(everything) < n_prompt + n_tokens:
        logits, state = model(unread, state)
        everything.append(choose(logits[:, -1]).item())
        tail = everything[-longest:]
        for stop in stops:
            if tail[-len(stop) :] == list(stop):
                return everything[n_prompt : max(n_prompt, len(everything) - len(stop))]
        unread = torch.tensor([everything[-1:]])
    return everything[n_prompt:]


# %% wrong: read_before_it_is_judged
# "it does not read the last token, after which none is chosen"
# Reads each new token at once and looks for stops then: a stop's last token is read.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    if n_tokens == 0:
        return []
    written = []
    logits, state = model(torch.tensor([list(tokens)]), None)
    while True:
        written.append(choose(logits[:, -1]).item())
        if len(written) < n_tokens:
            logits, state = model(torch.tensor([written[-1:]]), state)
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        if len(written) == n_tokens:
            return written


# %% right: failure_links
# Looks for the stops as Knuth, Morris and Pratt do, with a count for each stop that falls back by a table.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if len(tokens) == 0 or any(len(stop) == 0 for stop in stops):
        raise ValueError("something is empty")

    def table(stop):
        fall, k = [0] * len(stop), 0
        for i in range(1, len(stop)):
            while k and stop[i] != stop[k]:
                k = fall[k - 1]
            k += stop[i] == stop[k]
            fall[i] = k
        return fall

    tables, counts = [table(stop) for stop in stops], [0] * len(stops)
    written, unread, state = [], torch.tensor(tokens).unsqueeze(0), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = int(choose(logits[:, -1, :]))
        written.append(token)
        for i, stop in enumerate(stops):
            while counts[i] and token != stop[counts[i]]:
                counts[i] = tables[i][counts[i] - 1]
            counts[i] += token == stop[counts[i]]
            if counts[i] == len(stop):
                return written[: len(written) - len(stop)]
        unread = torch.full((1, 1), token)
    return written


# %% right: a_generator_and_numpy
# An inner generator gives the tokens; stops are compared in numpy, the longest first; ints come from tolist().
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    import itertools

    import numpy as np

    if not len(tokens) or min(map(len, stops), default=1) == 0:
        raise ValueError("something is empty")

    def speak():
        unread, state = torch.as_tensor([[*tokens]], dtype=torch.long), None
        while True:
            with torch.no_grad():
                logits, state = model(unread, state)
                unread = choose(logits.select(1, -1)).reshape(1, 1).long()
            yield unread.item()

    said = np.empty(0, dtype=np.int64)
    for token in itertools.islice(speak(), n_tokens):
        said = np.append(said, token)
        for stop in sorted(stops, key=len, reverse=True):
            if len(stop) <= len(said) and (said[len(said) - len(stop) :] == np.asarray(stop)).all():
                return said[: len(said) - len(stop)].tolist()
    return said.tolist()


# %% right: by_recursion_with_marks
# Recursion; what was written is one text with a bar around each number, so that 2 is not found in 12.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or [] in [list(stop) for stop in stops]:
        raise ValueError("something is empty")
    endings = tuple("".join(f"|{token}|" for token in stop) for stop in stops)

    def go_on(text, unread, state, left):
        if left == 0:
            return text
        logits, state = model(torch.tensor(unread)[None], state)
        token = choose(logits[:, -1]).tolist()[0]
        text += f"|{token}|"
        for ending in endings:
            if text.endswith(ending):
                return text.removesuffix(ending)
        return go_on(text, [token], state, left - 1)

    return [int(number) for number in re.findall(r"\d+", go_on("", list(tokens), None, n_tokens))]


# %% wrong: progress_starts_again
# "all is over at the first t with (w_{t-m+1}, ..., w_t) = (u_1, ..., u_m)"
# Counts for each stop how far it has come; on another token it starts again: 5 5 9 is missed in 5 5 5 9.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    met = [0] * len(stops)
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for i, stop in enumerate(stops):
            if stop[met[i]] != written[-1]:
                met[i] = 0
            met[i] += stop[met[i]] == written[-1]
            if met[i] == len(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: stop_at_the_limit_stays
# "No token is chosen after it, and it is not returned."
# Looks for stops before each token, so one that ends with the last token of n_tokens is returned.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        unread = token[:, None]
    return written


# %% wrong: state_of_zero_is_none
# "then each new token in a call of its own, with the state that came back"
# Hands on None for a state that counts as false, such as 0 or an empty list.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, None if isinstance(state, (int, list, tuple, dict)) and not state else state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: numpys_numbers
# "-> a list of Python's whole numbers"
# Returns numpy's int64, which compare and print nearly alike.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(token.cpu().numpy()[0])
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: logits_as_float32_too
# "`choose` maps the logits of the last position, (1, vocab_size), as the model gave them"
# Hands the logits to choose in float32, whatever type they came in.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1].float())
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: chooses_twice
# "once for each token that is written"
# Calls choose for the list and again for what the model reads next.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        written.append(int(choose(logits[:, -1])))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = choose(logits[:, -1])[:, None]
    return written


# %% wrong: stop_of_zeros_is_empty
# "lists or tuples of whole numbers, 0 among them"
# Takes a stop of nothing but zeros for one without tokens and raises.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(any(stop) for stop in stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: one_token_at_least_too_too
# "n_tokens: how many are written if no stop comes, 0 or more"
# Writes first and counts then: one token where n_tokens is 0.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    while True:
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        if len(written) >= n_tokens:
            return written
        unread = token[:, None]


# %% wrong: tuples_never_stop
# "Shapes: tokens, and each of the stops, lists or tuples of whole numbers"
# Compares a list with the stop as it is: a tuple is never equal.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == stop:
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: model_left_in_evaluation
# "A function of yours leaves what it is given as it was"
# Puts a module into evaluation mode and leaves it there.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    if isinstance(model, torch.nn.Module):
        model.eval()
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: window_of_eight
# "With a stop of m tokens"
# Keeps the last 8 tokens only to look for stops: a longer stop is never met.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    recent = []
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        recent = (recent + [written[-1]])[-8:]
        for stop in stops:
            if recent[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% wrong: stop_may_not_begin_the_answer
# "What was written in front of the stop ... is the result" (it may be nothing)
# A stop at the very start is passed over, since an empty answer is none.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written, unread, state = [], torch.tensor([list(tokens)]), None
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            if len(written) > len(stop) and written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        unread = token[:, None]
    return written


# %% right: recursion
# A recursion with a helper, stops kept as tuples in a set by their lengths.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    by_length = {}
    for stop in stops:
        by_length.setdefault(len(stop), set()).add(tuple(stop))
    written, what, state = (), torch.as_tensor(tokens).reshape(1, -1), None

    def finished():
        return next((m for m in by_length if written[len(written) - m :] in by_length[m] and m <= len(written)), 0)

    while len(written) < n_tokens and not finished():
        if written:
            what = torch.full((1, 1), written[-1])
        logits, state = model(what, state)
        written += (choose(logits[:, -1, :]).item(),)
    return list(written[: len(written) - finished()])


# %% right: knuth_morris_pratt
# An automaton for each stop, with its table of fall-backs, all run side by side; no gradient by a with.
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    def table(stop):
        fall, k = [0] * len(stop), 0
        for i in range(1, len(stop)):
            while k and stop[i] != stop[k]:
                k = fall[k - 1]
            k += stop[i] == stop[k]
            fall[i] = k
        return fall

    with torch.no_grad():
        falls, met = [table(stop) for stop in stops], [0 for _ in stops]
        written, state = [], None
        for step in range(n_tokens):
            reads = torch.LongTensor([written[-1:] or list(tokens)])
            logits, state = model(reads, state)
            (new,) = choose(logits.select(1, -1)).tolist()
            written.append(new)
            for i, stop in enumerate(stops):
                while met[i] and stop[met[i]] != new:
                    met[i] = falls[i][met[i] - 1]
                met[i] += stop[met[i]] == new
                if met[i] == len(stop):
                    return written[: len(written) - len(stop)]
        return written


# %% right: prompt_read_for_nothing
# Reads the prompt before it asks whether anything is to be written at all; numpy compares.
@torch.no_grad()
def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.argmax(dim=-1)):
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    import numpy as np

    logits, state = model(torch.tensor(tuple(tokens))[None], None)
    written = []
    while len(written) < n_tokens:
        if written:
            logits, state = model(torch.tensor([[written[-1]]]), state)
        written.append(int(choose(logits[:, -1])[0]))
        ends = [len(s) for s in stops if len(s) <= len(written) and np.array_equal(written[-len(s) :], s)]
        if ends:
            return written[: len(written) - max(ends)]
    return written


# %% wrong: stop_may_begin_in_the_prompt
# "what stands in the prompt, such as the asker's own label, stops nothing, nor does a stop that begins there"
# prompt [7, 1, 9], stop [9, 2], a model that writes 2 first: it ends there instead of going on
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    text, state, unread = list(tokens), None, list(tokens)
    start = len(tokens)
    for _ in range(n_tokens):
        logits, state = model(torch.tensor([unread]), state)
        text.append(int(choose(logits[:, -1])))
        unread = text[-1:]
        for stop in stops:
            if text[-len(stop) :] == list(stop):
                return text[start : len(text) - len(stop)]
    return text[start:]


# %% wrong: matcher_starts_over
# "With a stop of $m$ tokens $u_1, \dots, u_m$, all is over at the first $t$ with"
# stop [9, 9, 2] and a model that writes 9 9 9 2 6: the stop is missed, since the third 9 sets the matcher back too far
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written: list[int] = []
    matched = [0] * len(stops)  # how much of each stop has been written so far
    state, unread = None, torch.tensor([list(tokens)])
    while len(written) < n_tokens:
        logits, state = model(unread, state)
        token = int(choose(logits[:, -1, :]))
        written.append(token)
        for i, stop in enumerate(stops):
            if token == stop[matched[i]]:
                matched[i] += 1
            else:
                matched[i] = 1 if token == stop[0] else 0
            if matched[i] == len(stop):
                return written[: -len(stop)]
        unread = torch.tensor([[token]])
    return written


# %% wrong: one_stop_for_each_last_token_again
# "Go on from a prompt until one of the stops has been written, or `n_tokens` tokens"
# stops [[5, 2], [9, 2]] and a model that writes 1 5 2 6: the stop [5, 2] is missed, since [9, 2] took its place in the dictionary
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    by_last = {stop[-1]: list(stop) for stop in stops}  # only a stop that ends with the new token can be complete
    written: list[int] = []
    state = None
    unread = torch.tensor(tokens).unsqueeze(0)
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1]).item()
        written.append(token)
        stop = by_last.get(token)
        if stop is not None and written[-len(stop) :] == stop:
            return written[: -len(stop)]
        unread = torch.tensor([[token]])
    return written


# %% wrong: empty_state_is_no_state
# "then each new token in a call of its own, with the state that came back"
# a model whose state is 0, or an empty list, after the prompt: the next call gets None instead
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written: list[int] = []
    state: object = ()
    unread = list(tokens)
    while len(written) < n_tokens:
        logits, state = model(torch.tensor([unread]), state or None)
        written.append(int(choose(logits[:, -1])))
        unread = written[-1:]
        for stop in stops:
            if len(stop) <= len(written) and written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
    return written


# %% wrong: logits_in_single_precision
# "`choose` maps the logits of the last position, (1, vocab_size), as the model gave them, to tokens (1)"
# a model with float64 logits, the second larger than the first by 1e-12: choose gets float32 and takes the first
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    endings = [list(stop) for stop in stops]
    written: list[int] = []
    state, unread = None, torch.tensor([list(tokens)])
    for _ in range(n_tokens):
        logits, state = model(unread, state)
        token = choose(logits[:, -1].float())
        unread = token.view(1, 1)
        written.append(token.item())
        for ending in endings:
            if written[-len(ending) :] == ending:
                del written[-len(ending) :]
                return written
    return written


# %% wrong: reads_before_it_looks
# "The last token is not read, since none is chosen after it, be it a stop's or number `n_tokens`."
# the miniature with the calls counted: the stop's last 2 is read too, eight tokens instead of seven
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    if n_tokens == 0:
        return []
    written: list[int] = []
    logits, state = model(torch.tensor([list(tokens)]), None)
    while True:
        written.append(int(choose(logits[:, -1])))
        if len(written) < n_tokens:  # the last one need not be read
            logits, state = model(torch.tensor([written[-1:]]), state)
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
        if len(written) == n_tokens:
            return written


# %% wrong: writes_one_at_least
# "n_tokens                          how many are written if no stop comes, 0 or more"
# n_tokens 0: one token comes out instead of none
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    written: list[int] = []
    logits, state = model(torch.tensor([list(tokens)]), None)
    while True:
        written.append(int(choose(logits[:, -1])))
        for stop in stops:
            if tuple(written[-len(stop) :]) == tuple(stop):
                return written[: -len(stop)]
        if len(written) >= n_tokens:
            return written
        logits, state = model(torch.tensor([[written[-1]]]), state)


# %% right: begun_stops_in_a_set
@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    if len(tokens) == 0 or any(len(stop) == 0 for stop in stops):
        raise ValueError("nothing to read, or a stop of nothing")
    out: list[int] = []
    begun: set[tuple[int, int]] = set()  # (which stop, how many of its tokens stand at the end of what is written)
    state: object = None
    reading = torch.tensor(list(tokens), dtype=torch.long)[None]
    for _ in range(n_tokens):
        logits, state = model(reading, state)
        chosen = choose(logits.select(1, logits.size(1) - 1))
        token = int(chosen.reshape(()))
        out.append(token)
        candidates = begun | {(which, 0) for which in range(len(stops))}
        begun = {(which, length + 1) for which, length in candidates if stops[which][length] == token}
        over = [length for which, length in begun if length == len(stops[which])]
        if over:
            return out[: len(out) - over[0]]
        reading = torch.full((1, 1), token, dtype=torch.long)
    return out


# %% right: one_window_for_each_stop
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    from collections import deque
    from itertools import islice

    if not len(tokens):
        raise ValueError("an empty prompt")
    if min(map(len, stops), default=1) < 1:
        raise ValueError("an empty stop")

    def chosen_tokens():
        """One token after the other: reads only when the next one is asked for."""
        state, unread = None, list(tokens)
        while True:
            with torch.no_grad():
                logits, state = model(torch.tensor([unread]), state)
                token = choose(logits[:, -1]).tolist()[0]
            unread = [token]
            yield token

    windows = [(deque(maxlen=len(stop)), deque(stop)) for stop in stops]
    written: list[int] = []
    for token in islice(chosen_tokens(), n_tokens):
        written.append(token)
        for window, _ in windows:
            window.append(token)
        for window, stop in windows:
            if window == stop:
                return written[: len(written) - len(stop)]
    return written
