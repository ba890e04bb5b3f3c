"""`generate_until`: a stop only cuts, whatever its length, and all of it counts; each token is read once, and nothing
is chosen after the stop.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, likeliest
from autograder.checks.playscript.shared import mistakes_of

exercise = Exercise("generate_until")

VOCAB_SIZE, LOST = 40, 0  # and what the model writes once it has lost its script


class Reader:
    """A model that goes on with a text for as long as what it has read is the text, in order, from its beginning.

    The token that comes next has the highest score, or, of a `contrary` reader, the lowest. Counts what it reads.
    """

    def __init__(self, rng: torch.Generator, text: Sequence[int], contrary: bool = False):
        self.text, self.n_read, self.sign = list(text), 0, -1 if contrary else 1
        self.noise = torch.rand(VOCAB_SIZE, generator=rng)

    def __call__(self, tokens: Tensor, state: list[int] | None = None) -> tuple[Tensor, list[int]]:
        _, T = tokens.shape
        before, read = len(state or []), [*(state or []), *tokens[0].tolist()]
        self.n_read += T
        logits = self.noise.repeat(T, 1)  # (T, vocab_size)
        for t in range(T):
            n = before + t + 1
            follows = read[:n] == self.text[:n] and n < len(self.text)
            logits[t, self.text[n] if follows else LOST] = 2 * self.sign
        return logits.unsqueeze(0), read


class Chooser:
    """Takes the likeliest token, or, where it is `contrary`, the unlikeliest; counts, and notes what it is given."""

    def __init__(self, contrary: bool = False):
        self.sign, self.shapes = -1 if contrary else 1, []

    def __call__(self, logits: Tensor) -> Tensor:
        self.shapes.append(list(logits.shape))
        return (self.sign * logits).argmax(dim=-1)


def some_tokens(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Lists of tokens, all of them different."""
    drawn = torch.randperm(VOCAB_SIZE - 1, generator=rng)[: sum(lengths)] + 1
    return [part.tolist() for part in drawn.split(lengths)]


def in_front(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """How many tokens are in front of a stop at the end, if there is one."""
    return next((len(written) - len(stop) for stop in stops if written[-len(stop) :] == list(stop)), None)


def going_on(
    model: Callable,
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = likeliest,
    cut: Callable[[list[int], Sequence[Sequence[int]], list[int]], int | None] = in_front,
    state_of: Callable[[object], object] = lambda state: state,
    again: bool = False,
    room: Callable[[int, int], int] = lambda n_tokens, n_prompt: n_tokens,
    late: bool = False,
    front: Callable[[list[int], list[int]], list[int]] = lambda prompt, written: written,
    choosing: Callable[[Callable], Callable] = lambda choose: choose,
) -> list[int]:
    """Writing with its parts to choose, so that one of them can be wrong."""
    if not tokens or not all(stops):
        raise ValueError("nothing to begin or to end with")
    prompt, written, state, choose = list(tokens), [], None, choosing(choose)
    unread, done = prompt, None
    while len(written) < room(n_tokens, len(prompt)):
        if late and (done := cut(written, stops, prompt)) is not None:
            break
        logits, state = model(torch.tensor([unread]), state_of(state))
        written.append(choose(logits[:, -1]).item())
        unread = prompt + written if again else written[-1:]
        if not late and (done := cut(written, stops, prompt)) is not None:
            break
    return front(prompt, written[:done])


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


@exercise.check(points=0.25, invariant=True)
def a_stop_only_cuts(generate_until, rng):
    """What comes before the stop is what is written without any; the rest is not there."""
    prompt, written, stop, after = some_tokens(rng, 5, 7, 2, 4)

    def of(stops: list[list[int]]) -> Tensor:
        return torch.tensor(generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, 12))

    free, stopped = of([]), of([stop])
    return {"before": free[:7], "after": stopped, "must differ": [free, stopped]}


@exercise.check(points=0.25)
def stops_of_any_length(generate_until, rng):
    """Stops of one, two and four tokens end the text, and so does the second of two, where it is written first."""
    seen = {}
    for words, n in (("one token", 1), ("two tokens", 2), ("four tokens", 4)):
        prompt, written, stop, after = some_tokens(rng, 4, 6, n, 5)
        seen[f"a stop of {words}"] = generate_until(
            Reader(rng, prompt + written + stop + after), list(prompt), [stop], 20
        )
    prompt, written, first, second, after = some_tokens(rng, 3, 5, 2, 3, 4)
    text = prompt + written + second + after + first
    return seen | {"two stops, the second first": generate_until(Reader(rng, text), list(prompt), [first, second], 20)}


@exercise.check(points=0.25)
def all_of_a_stop_counts(generate_until, rng):
    """A part of a stop, also right in front of it, or its tokens in another order or apart end nothing and are text."""
    prompt, (a, b, c, d), (x, y, z), after = some_tokens(rng, 4, 4, 3, 3)
    scripts = {
        "its last token": [a, z, b, c, d],
        "its first two": [a, x, y, b, c, d],
        "in another order": [a, b, y, x, z, c, d],
        "apart": [a, x, b, y, c, z, d],
        "its first right in front of it": [a, x],
        "its first two right in front of it": [a, x, y],
    }

    def of(script: list[int], *stop: int) -> list[int]:
        return generate_until(Reader(rng, [*prompt, *script, *stop, *after]), list(prompt), [list(stop)], 20)

    seen = {f"what is written, {words}": of(script, x, y, z) for words, script in scripts.items()}
    return seen | {"what is written, its first in front of a stop that begins with it twice": of([a, x], x, x, y)}


@exercise.check(points=0.25)
def the_prompt_ends_nothing(generate_until, rng):
    """A stop in the prompt, or one that begins there, does not count; the prompt is not returned, nor changed."""
    prompt, written, stop = some_tokens(rng, 5, 9, 3)
    seen = {}
    for words, start, script in (
        ("the stop is in the prompt", [*prompt, *stop, *prompt[:2]], written),
        ("the stop ends the prompt", [*prompt, *stop], written),
        ("the stop begins in the prompt", [*prompt, *stop[:2]], [stop[2], *written]),
    ):
        given = list(start)
        seen[f"what is written, {words}"] = generate_until(Reader(rng, start + script), given, [stop], 8)
        seen[f"the prompt afterwards, {words}"] = "as before" if given == start else "changed"
    return seen


@exercise.check(points=0.25)
def no_more_than_asked_for(generate_until, rng):
    """There are `n_tokens` at most; a stop that the last of them completes counts, and half a stop is text."""
    prompt, written, stop = some_tokens(rng, 7, 9, 3)
    text = prompt + written + stop

    def of(n_tokens: int, script: list[int] = text) -> list[int]:
        return generate_until(Reader(rng, script), list(prompt), [stop], n_tokens)

    return {
        "none": of(0),
        "one": of(1),
        "four": of(4),
        "the last completes the stop": of(12),
        "one less": of(11),
        "the last is the first of the stop": of(10),
        "the stop alone": of(3, prompt + stop),
        "a prompt without a token": ending(lambda: generate_until(Reader(rng, text), [], [stop], 4)),
        "a stop without a token": ending(lambda: generate_until(Reader(rng, text), list(prompt), [stop, []], 4)),
    }


@exercise.check(points=0.25)
def each_token_is_read_once(generate_until, rng):
    """The model reads the prompt and then what it wrote, each token once, with the state that it handed back."""
    prompt, written, stop = some_tokens(rng, 6, 12, 2)
    reader, chooser = Reader(rng, prompt + written), Chooser()
    result = generate_until(reader, list(prompt), [stop], 9, chooser)
    more = reader.n_read > len(prompt) + len(chooser.shapes)
    return {"what is written": result, "more is read than there is": more}


@exercise.check(points=0.25)
def nothing_is_chosen_after_the_stop(generate_until, rng):
    """As many tokens are chosen as the text and its stop have, or `n_tokens` where no stop comes."""
    prompt, written, stop, after = some_tokens(rng, 3, 7, 2, 8)
    seen = {}
    for words, stops in (("a stop", [stop]), ("two stops", [after[:1], stop]), ("no stop", [])):
        chooser = Chooser()
        result = generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, 14, chooser)
        seen[f"what is written, {words}"], seen[f"chosen, {words}"] = result, len(chooser.shapes)
    return seen


@exercise.check(points=0.25)
def what_is_chosen_is_written_and_read(generate_until, rng):
    """`choose` gets the scores of the last position, (1, vocab_size), and what it takes is written, and read next."""
    prompt, written, stop = some_tokens(rng, 4, 11, 2)
    text, chooser = prompt + written, Chooser(contrary=True)
    chosen = generate_until(Reader(rng, text, contrary=True), list(prompt), [stop], 7, chooser)
    likeliest = generate_until(Reader(rng, text), list(prompt), [stop], 7)
    return {"the unlikeliest": chosen, "the likeliest, by default": likeliest, "what it is given": chooser.shapes[0]}


writing_mistake = mistakes_of(exercise, going_on)

writing_mistake(
    "counts_from_zero_again",
    "You miss the stop `5 6` in `5 5 6`. What may the token that does not go on with a stop still be?",
    cut=counted(lambda token, stop: 0),
)
writing_mistake(
    "forgets_what_agreed",
    "You miss the stop `5 5 6` in `5 5 5 6`. At the third 5, how many of the fives may be the stop's?",
    cut=counted(lambda token, stop: int(token == stop[0])),
)
writing_mistake(
    "looks_at_the_last_token_of_a_stop_only",
    "A stop's last token ends your text, whatever stands before it. How many tokens have to agree?",
    cut=last_token,
)
writing_mistake(
    "ends_at_the_first_token_of_a_stop",
    "Your text ends where a stop begins. Can you know already that the rest of it will come?",
    cut=lambda written, stops, prompt: next((len(written) - 1 for stop in stops if written[-1] == stop[0]), None),
)
writing_mistake(
    "misses_stops_of_several_tokens",
    "Only stops of one token end your text. What would have to be compared with a stop of three?",
    cut=lambda written, stops, prompt: in_front(written, [stop for stop in stops if len(stop) == 1], prompt),
)
writing_mistake(
    "looks_for_the_first_stop_only",
    "The first of your stops ends the text, and the others do not. Are they all looked for?",
    cut=lambda written, stops, prompt: in_front(written, stops[:1], prompt),
)
writing_mistake(
    "returns_the_stop_too",
    "The stop is part of your answer. How many tokens have to go, once it is there?",
    cut=lambda written, stops, prompt: None if in_front(written, stops, prompt) is None else len(written),
)
writing_mistake(
    "counts_a_stop_that_begins_in_the_prompt",
    "A stop ends your text although its first tokens are the prompt's. Who wrote them?",
    cut=across,
)
writing_mistake(
    "counts_a_stop_of_the_prompt",
    "A stop anywhere in the prompt ends your text at once. Who wrote it?",
    cut=anywhere,
)
writing_mistake(
    "misses_a_stop_that_comes_last",
    "The very last token completes a stop, and you return it. When do you look for stops: before a token or after it?",
    late=True,
)
writing_mistake(
    "reads_all_again",
    "Your model reads prompt and text anew for every token. What is the state for?",
    again=True,
    state_of=lambda state: None,
)
writing_mistake(
    "reads_all_again_with_the_state",
    "Your model gets the whole text together with a state that holds it already. What has it not read yet?",
    again=True,
)
writing_mistake(
    "drops_the_state",
    "Your model reads one token and has forgotten all before it. What did it hand back with the scores?",
    state_of=lambda state: None,
)
writing_mistake(
    "counts_the_prompt",
    "Your text is shorter, the longer the prompt. Which tokens does `n_tokens` count?",
    room=lambda n_tokens, n_prompt: n_tokens - n_prompt,
)
writing_mistake(
    "returns_the_prompt_too",
    "Your answer begins with the prompt. Is that what the model wrote?",
    front=lambda prompt, written: prompt + written,
)
writing_mistake(
    "always_takes_the_likeliest",
    "What `choose` would take makes no difference to you. Who is asked which token comes next?",
    choosing=lambda choose: likeliest,
)


@exercise.mistake(hint="You write all `n_tokens` and cut afterwards. Who pays for the tokens behind the stop?")
def goes_on_after_the_stop(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose, cut=lambda *_: None)
    return written[: anywhere(written, stops, [])]


@exercise.mistake(hint="Afterwards the caller's prompt is longer than before. Whose list do you append to?")
def writes_into_the_prompt(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose)
    tokens.extend(written)
    return written
