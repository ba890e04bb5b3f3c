"""How `generate_until` may be written, rightly and wrongly: a loop with its parts to choose, and what may end it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autograder.checks.common import likeliest, mistake


def in_front(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """How many tokens are in front of a stop at the end, if there is one."""
    return next((len(written) - len(stop) for stop in stops if written[-len(stop) :] == list(stop)), None)


def nothing_there(tokens: Sequence[int], stops: Sequence[Sequence[int]]) -> bool:
    return not len(tokens) or not all(map(len, stops))


def going_on(
    model: Callable,
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = likeliest,
    refused: Callable[[Sequence[int], Sequence[Sequence[int]]], bool] = nothing_there,
    cut: Callable[[list[int], Sequence[Sequence[int]], list[int]], int | None] = in_front,
    state_of: Callable[[object], object] = lambda state: state,
    first_state: object = None,
    again: bool = False,
    parts: Callable[[list[int]], list[list[int]]] = lambda unread: [unread],
    last_too: bool = False,
    room: Callable[[int, int], int] = lambda n_tokens, n_prompt: n_tokens,
    late: bool = False,
    front: Callable[[list[int], list[int]], list] = lambda prompt, written: written,
    choosing: Callable[[Callable], Callable] = lambda choose: choose,
) -> list[int]:
    """Writing with its parts to choose, so that one of them can be wrong."""
    if refused(tokens, stops):
        raise ValueError("nothing to begin or to end with")
    prompt, written, state, choose = list(tokens), [], first_state, choosing(choose)
    unread, done = prompt, None
    while len(written) < room(n_tokens, len(prompt)):
        if late and (done := cut(written, stops, prompt)) is not None:
            break
        for part in parts(unread):
            logits, state = model(torch.tensor([part], dtype=torch.long), state_of(state))
        written.append(int(choose(logits[:, -1])))
        unread = prompt + written if again else written[-1:]
        if not late and (done := cut(written, stops, prompt)) is not None:
            break
    if last_too and written:
        model(torch.tensor([unread]), state)
    return front(prompt, written[:done])


def among(kept: Callable[[Sequence[int]], bool]) -> Callable:
    """As `in_front`, of some of the stops."""
    return lambda written, stops, prompt: in_front(written, [stop for stop in stops if kept(stop)], prompt)


def last_token(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    return next((max(0, len(written) - len(stop)) for stop in stops if written[-1] == stop[-1]), None)


def across(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """As `in_front`, of prompt and text as one."""
    found = in_front(prompt + written, stops, [])
    return None if found is None else max(0, found - len(prompt))


def anywhere(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """In front of the first stop wherever it is, the prompt included."""
    text = prompt + written
    ends = [in_front(text[:n], stops, []) for n in range(1, len(text) + 1)]
    found = next((end for end in ends if end is not None), None)
    return None if found is None else max(0, found - len(prompt))


def in_pieces(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """In front of the first token of a stop of which all tokens have come, in their order."""
    for stop in stops:
        places, start = [], 0
        for token in stop:
            if token not in written[start:]:
                break
            places.append(written.index(token, start))
            start = places[-1] + 1
        if len(places) == len(stop):
            return places[0]
    return None


def counted(anew: Callable[[int, Sequence[int]], int]) -> Callable:
    """As `in_front`, by a count of the tokens that agreed so far, and what it becomes after one that did not."""

    def cut(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
        for stop in stops:
            n = 0
            for token in written:
                n = n + 1 if token == stop[n] else anew(token, stop)
            if n == len(stop):
                return len(written) - n
        return None

    return cut


def goes_on_after_the_stop(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose, cut=lambda *_: None)
    return written[: anywhere(written, stops, [])]


def writes_into_the_prompt(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose)
    tokens.extend(written)
    return written


def draws_where_none_is_given(model, tokens, stops, n_tokens, choose=None):
    def draw(logits: Tensor) -> Tensor:
        return logits.softmax(dim=-1).multinomial(1)[:, 0]

    return going_on(model, tokens, stops, n_tokens, choose or draw)


def cuts_off_half_a_stop(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose)
    beginnings = [list(stop[:n]) for stop in stops for n in range(len(stop) - 1, 0, -1)]
    half = next((part for part in beginnings if len(written) == n_tokens and written[-len(part) :] == part), [])
    return written[: len(written) - len(half)]


READS = {  # wrong ways to read: the question that leads away, and the part
    "reads_all_again": mistake(
        "Your model reads prompt and text anew for every token. What is the state for?",
        again=True,
        state_of=lambda state: None,
    ),
    "reads_all_again_with_the_state": mistake(
        "Your model gets the whole text together with a state that holds it already. What has it not read yet?",
        again=True,
    ),
    "drops_the_state": mistake(
        "Your model reads one token and has forgotten all before it. What did it hand back with the scores?",
        state_of=lambda state: None,
    ),
    "reads_the_prompt_token_by_token": mistake(
        "Your model is called once for each token of the prompt. How many tokens can it read in one call?",
        parts=lambda unread: [[token] for token in unread],
    ),
    "reads_the_last_token_too": mistake(
        "Your model reads the very last token. What is chosen from the logits that it gives for it?",
        last_too=True,
    ),
    "begins_with_a_state_of_its_own": mistake(
        "The first state that your model gets is one that you made up. What stands for no state?",
        first_state=[],
    ),
    "goes_on_without_the_first": mistake(
        "Your model has not read all of the prompt. Which of its tokens may be left out?",
        parts=lambda unread: [unread[1:] or unread],
    ),
}
