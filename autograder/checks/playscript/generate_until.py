"""`generate_until`: a stop only cuts, whatever its length, and all of it counts; each token is read once, and nothing
is chosen after the stop.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, likeliest
from autograder.checks.playscript import writing
from autograder.checks.playscript.shared import NO_EDGES, Chooser, Reader, ReadingModule, mistakes_of, some_tokens

exercise = Exercise("generate_until")


@exercise.promise("returns what is in front", broken_by="returns_the_prompt_too")
@exercise.promise("it is not returned", broken_by="returns_the_stop_too")
@exercise.check(points=0.25, invariant=True)
def a_stop_only_cuts(generate_until, rng):
    """What comes before the stop is what is written without any; the rest is not there."""
    prompt, written, stop, after = some_tokens(rng, 5, 7, 2, 4)

    def of(stops: list[list[int]]) -> Tensor:
        return torch.tensor(generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, 12))

    free, stopped = of([]), of([stop])
    return {
        "before": free[:7],
        "after": stopped,
        "must differ": [free, stopped],
        "change": "a stop was given that comes behind it",
    }


@exercise.promise("until one of the stops has been written", broken_by="looks_for_the_first_stop_only")
@exercise.promise("A stop is a sequence of tokens", broken_by="misses_stops_of_several_tokens")
@exercise.promise("lists or tuples of whole numbers", broken_by="misses_stops_that_are_tuples")
@exercise.check(points=0.25)
def stops_of_any_length(generate_until, rng):
    """Stops of one, two and four tokens, lists or tuples, end the text, whichever of several is written first."""
    seen = {}
    for words, n in (("one token", 1), ("two tokens", 2), ("four tokens", 4), ("seventeen tokens", 17)):
        for kind in (list, tuple):
            prompt, written, stop, after = some_tokens(rng, 4, 6, n, 5)
            seen[f"a stop of {words}, a {kind.__name__}"] = generate_until(
                Reader(rng, prompt + written + stop + after), kind(prompt), [kind(stop)], 30
            )
    prompt, written, first, second, after = some_tokens(rng, 3, 5, 2, 3, 4)
    text = prompt + written + second + after + first
    seen["two stops, the second first"] = generate_until(Reader(rng, text), list(prompt), [first, second], 20)
    within = [[written[-1], first[0], first[1]], [*first[:1], *second]]
    text = prompt + written + first[:1] + second + after
    seen["a stop within another's beginning"] = generate_until(Reader(rng, text), list(prompt), within, 20)
    alike = [[first[0], token, first[1]] for token in second]
    for stop, words in zip(alike, ("first", "second", "third")):
        reader = Reader(rng, prompt + written + stop + after)
        seen[f"the {words} of three that begin and end alike"] = generate_until(reader, list(prompt), alike, 20)
    return seen


@exercise.promise("counts only where all of it", broken_by="looks_at_the_last_token_of_a_stop_only")
@exercise.promise("side by side", broken_by="finds_a_stop_in_pieces")
@exercise.promise("all is over at the first", broken_by="forgets_what_agreed")
@exercise.check(points=0.25)
def all_of_a_stop_counts(generate_until, rng):
    """A part of a stop, also right in front of it, or its tokens in another order or apart end nothing and are text."""
    prompt, (a, b, c, d), (x, y, z), after = some_tokens(rng, 4, 4, 3, 3)
    scripts = {
        "its last token": [a, z, b, c, d],
        "its first two": [a, x, y, b, c, d],
        "its last two": [a, y, z, b, c, d],
        "in another order": [a, b, y, x, z, c, d],
        "apart": [a, x, b, y, c, z, d],
        "its first right in front of it": [a, x],
        "its first two right in front of it": [a, x, y],
    }

    def of(script: list[int], *stop: int) -> list[int]:
        return generate_until(Reader(rng, [*prompt, *script, *stop, *after]), list(prompt), [list(stop)], 20)

    seen = {f"what is written, {words}": of(script, x, y, z) for words, script in scripts.items()}
    no_stop = [a, x, y, b, c]
    return seen | {
        "what is written, its first in front of a stop that begins with it twice": of([a, x], x, x, y),
        "what is written, its first two and no stop": generate_until(
            Reader(rng, prompt + no_stop), list(prompt), [[x, y, z]], 5
        ),
    }


@exercise.promise("stands in what was written", broken_by="counts_a_stop_of_the_prompt")
@exercise.promise("or across its end", broken_by="counts_a_stop_that_begins_in_the_prompt")
@exercise.promise("leaves what it is given as it was", broken_by="writes_into_the_prompt")
@exercise.check(points=0.25)
def the_prompt_ends_nothing(generate_until, rng):
    """A stop in the prompt, or one that begins there, does not count; the prompt is not returned, nor changed."""
    prompt, written, stop = some_tokens(rng, 5, 9, 3)
    seen = {}
    for words, start, script in (
        ("the stop is in the prompt", [*prompt, *stop, *prompt[:2]], written),
        ("the stop ends the prompt", [*prompt, *stop], written),
        ("the stop begins in the prompt", [*prompt, *stop[:2]], [stop[2], *written]),
        ("most of the stop is in the prompt, and later its end", [*prompt, *stop[:2]], [*written[:3], stop[2]]),
    ):
        given = list(start)
        seen[f"what is written, {words}"] = generate_until(Reader(rng, start + script), given, [stop], 8)
        seen[f"the prompt afterwards, {words}"] = "as before" if given == start else "changed"
    return seen


@exercise.promise("or `n_tokens` tokens", broken_by="counts_the_prompt")
@exercise.promise("at most n_tokens", broken_by="writes_one_at_least")
@exercise.promise("one of the stops has been written, or", broken_by="misses_a_stop_that_comes_last")
@exercise.promise("What was written in front of the stop", broken_by="cuts_off_half_a_stop")
@exercise.promise("a list of Python's whole numbers", broken_by="returns_tensors")
@exercise.check(points=0.25)
def no_more_than_asked_for(generate_until, rng):
    """There are `n_tokens` at most, each an int; a stop that the last of them completes counts, half a stop is text."""
    prompt, written, stop = some_tokens(rng, 7, 9, 3)
    text = prompt + written + stop

    def of(n_tokens: int, script: list[int] = text) -> list[int]:
        return generate_until(Reader(rng, script), list(prompt), [stop], n_tokens)

    return {
        "none": of(0),
        "one": of(1),
        "four": of(4),
        "four, each is an int": [isinstance(token, int) for token in of(4)],
        "the last completes the stop": of(12),
        "one less": of(11),
        "one more": of(13),
        "the last is the first of the stop": of(10),
        "the stop alone": of(3, prompt + stop),
    }


@exercise.promise("0 among them", broken_by="takes_zero_for_nothing")
@exercise.promise("Raises ValueError for an empty prompt", broken_by="takes_an_empty_prompt")
@exercise.promise("for a stop without tokens", broken_by="takes_a_stop_without_tokens")
@exercise.check(points=0.125)
def nothing_to_begin_or_end_with(generate_until, rng):
    """An empty prompt, or a stop without a token, is a ValueError; token 0 is a token like others."""
    prompt, written, stop = some_tokens(rng, 3, 5, 2)
    text = [0, *prompt, *written]

    def end(tokens: Sequence[int], *stops: Sequence[int]) -> str:
        return ending(lambda: generate_until(Reader(rng, text), tokens, list(stops), 4))

    return {
        "a prompt without a token": end([], stop),
        "a prompt without a token, a tuple": end(()),
        "a stop without a token": end(prompt, stop, []),
        "a stop without a token alone": end(prompt, []),
        "no stop": end(prompt),
        "the prompt 0": generate_until(Reader(rng, text), [0], [stop], 4),
        "the stop 0": generate_until(Reader(rng, [*text, 0, 1]), text[:3], [[0]], 20),
        "0 in a stop": generate_until(Reader(rng, [*text, 0, *stop]), text[:3], [[0, *stop]], 20),
    }


@exercise.promise("reads the prompt in one call", broken_by="reads_the_prompt_token_by_token")
@exercise.promise("with the state None", broken_by="begins_with_a_state_of_its_own")
@exercise.promise("then each new token in a call of its own", broken_by="reads_all_again_with_the_state")
@exercise.promise("with the state that came back", broken_by="drops_the_state")
@exercise.promise("it does not read the last token", broken_by="reads_the_last_token_too")
@exercise.promise("Each token is read once", broken_by="reads_all_again")
@exercise.check(points=0.25)
def each_token_is_read_once(generate_until, rng):
    """The model reads the prompt in one call and then what it wrote, but for the last, each once, with its state."""
    prompt, written, stop = some_tokens(rng, 6, 12, 2)
    seen = {}
    for words, n_tokens in (("up to the limit", 9), ("up to the stop", 20), ("of one token", 1)):
        reader = Reader(rng, prompt + written + stop)
        seen[f"what is written, {words}"] = generate_until(reader, list(prompt), [stop], n_tokens, Chooser())
        seen[f"how much each call reads, {words}"] = [len(read) for read in reader.calls]
        seen[f"the first state is None, {words}"] = reader.begins_with_none
        seen[f"these are whole numbers, {words}"] = reader.reads_whole_numbers
    reader = Reader(rng, prompt + written + stop, remembers=True)
    seen["what is written, the state that came back is None"] = generate_until(reader, list(prompt), [stop], 20)
    seen["how much each call reads, the state that came back is None"] = [len(read) for read in reader.calls]
    reader = Reader(rng, prompt + written + stop, remembers=True, gives=0)
    generate_until(reader, list(prompt), [stop], 20)
    return seen | {"a state of 0 that came back is handed on": reader.gets_it_back}


@exercise.promise("No token is chosen after it", broken_by="goes_on_after_the_stop")
@exercise.promise("once for each token that is written", broken_by="chooses_twice")
@exercise.check(points=0.125)
def nothing_is_chosen_after_the_stop(generate_until, rng):
    """As many tokens are chosen as the text and its stop have, or `n_tokens` where no stop comes."""
    prompt, written, stop, after = some_tokens(rng, 3, 7, 2, 8)
    seen = {}
    for words, stops, n_tokens in (
        ("a stop", [stop], 14),
        ("two stops", [after[:1], stop], 14),
        ("no stop", [], 14),
        ("half a stop", [stop], 8),
    ):
        chooser = Chooser()
        result = generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, n_tokens, chooser)
        seen[f"what is written, {words}"], seen[f"chosen, {words}"] = result, len(chooser.given)
    return seen


@exercise.promise("`choose` maps the logits of the last position", broken_by="always_takes_the_likeliest")
@exercise.promise("(1, vocab_size), as the model gave them", broken_by="gives_probabilities_to_choose")
@exercise.promise("logits (1, vocab_size)", broken_by="gives_one_row_to_choose")
@exercise.promise("the likeliest, where none is given", broken_by="draws_where_none_is_given")
@exercise.promise("Go on from a prompt", broken_by="goes_on_without_the_first")
@exercise.check(points=0.25)
def what_is_chosen_is_written_and_read(generate_until, rng):
    """`choose` gets the logits of the last position, (1, vocab_size), and what it takes is written, and read next."""
    prompt, written, stop = some_tokens(rng, 4, 11, 2)
    text, chooser = prompt + written, Chooser(contrary=True)
    chosen = generate_until(Reader(rng, text, contrary=True), list(prompt), [stop], 7, chooser)
    likeliest = generate_until(Reader(rng, text), list(prompt), [stop], 7)
    types = {}
    for dtype in (torch.float64, torch.bfloat16):
        exact = Chooser()
        said = generate_until(ReadingModule(Reader(rng, text), dtype), list(prompt), [stop], 3, exact)
        types |= {
            f"what is written, logits of {dtype}": said,
            f"the type that choose is given, logits of {dtype}": str(exact.given[0].dtype),
        }
    return types | {
        "the unlikeliest": chosen,
        "the likeliest, by default": likeliest,
        "what it is given first": chooser.given[0],
        "what it is given last": chooser.given[-1],
    }


writing_mistake = mistakes_of(exercise, writing.going_on)

writing_mistake(
    "counts_from_zero_again",
    "You miss the stop `5 6` in `5 5 6`. What may the token that does not go on with a stop still be?",
    cut=writing.counted(lambda token, stop: 0),
)
writing_mistake(
    "forgets_what_agreed",
    "You miss the stop `5 5 6` in `5 5 5 6`. At the third 5, how many of the fives may be the stop's?",
    cut=writing.counted(lambda token, stop: int(token == stop[0])),
)
writing_mistake(
    "looks_at_the_last_token_of_a_stop_only",
    "A stop's last token ends your text, whatever stands before it. How many tokens have to agree?",
    cut=writing.last_token,
)
writing_mistake(
    "ends_at_the_first_token_of_a_stop",
    "Your text ends where a stop begins. Can you know already that the rest of it will come?",
    cut=lambda written, stops, prompt: next((len(written) - 1 for stop in stops if written[-1] == stop[0]), None),
)
writing_mistake(
    "misses_stops_of_several_tokens",
    "Only stops of one token end your text. What would have to be compared with a stop of three?",
    cut=writing.among(lambda stop: len(stop) == 1),
)
writing_mistake(
    "looks_for_the_first_stop_only",
    "The first of your stops ends the text, and the others do not. Are they all looked for?",
    cut=lambda written, stops, prompt: writing.in_front(written, stops[:1], prompt),
)
writing_mistake(
    "returns_the_stop_too",
    "The stop is part of your answer. How many tokens have to go, once it is there?",
    cut=lambda written, stops, prompt: None if writing.in_front(written, stops, prompt) is None else len(written),
)
writing_mistake(
    "counts_a_stop_that_begins_in_the_prompt",
    "A stop ends your text although its first tokens are the prompt's. Who wrote them?",
    cut=writing.across,
)
writing_mistake(
    "counts_a_stop_of_the_prompt",
    "A stop anywhere in the prompt ends your text at once. Who wrote it?",
    cut=writing.anywhere,
)
writing_mistake(
    "takes_off_one_token",
    "Most of the stop is still there: one token is gone. How many does the stop have?",
    cut=lambda written, stops, prompt: None if writing.in_front(written, stops, prompt) is None else len(written) - 1,
)
writing_mistake(
    "misses_stops_that_are_tuples",
    "A stop that is a tuple ends nothing. What is `[5] == (5,)` in Python?",
    cut=writing.among(lambda stop: isinstance(stop, list)),
)
writing_mistake(
    "finds_a_stop_in_pieces",
    "A stop's tokens end your text although others stand between them. Where does the second have to stand?",
    cut=writing.in_pieces,
)
writing_mistake(
    "misses_a_stop_that_comes_last",
    "The very last token completes a stop, and you return it. When do you look for stops: before a token or after it?",
    late=True,
)
writing_mistake(
    "counts_the_prompt",
    "Your text is shorter, the longer the prompt. Which tokens does `n_tokens` count?",
    room=lambda n_tokens, n_prompt: n_tokens - n_prompt,
)
writing_mistake(
    "writes_one_at_least",
    "With `n_tokens` 0 you write one. When do you look whether there is room: before a token or after it?",
    room=lambda n_tokens, n_prompt: max(n_tokens, 1),
)
writing_mistake(
    "returns_tensors",
    "Your list holds numbers of PyTorch or NumPy. What makes a Python number of a tensor that holds one?",
    front=lambda prompt, written: [torch.tensor(token) for token in written],
)
writing_mistake(
    "takes_zero_for_nothing",
    "Token 0 is nothing to you. Is `[0]` empty, and what does `any` say of it?",
    refused=lambda tokens, stops: not any(tokens) or not all(map(any, stops)),
)
writing_mistake(
    "takes_an_empty_prompt",
    "A prompt without a token is no ValueError of yours. What would the model read first?",
    refused=lambda tokens, stops: writing.nothing_there([1], stops),
)
writing_mistake(
    "takes_a_stop_without_tokens",
    "A stop without a token is no ValueError of yours. Where would it stand in a text?",
    refused=lambda tokens, stops: writing.nothing_there(tokens, []),
    cut=writing.among(len),
)
writing_mistake(
    "gives_probabilities_to_choose",
    "`choose` gets probabilities from you. What does a softmax make of them inside of it?",
    choosing=lambda choose: lambda logits: choose(logits.softmax(dim=-1)),
)
writing_mistake(
    "gives_one_row_to_choose",
    "What `choose` gets from you has one axis. How many does it ask for?",
    choosing=lambda choose: lambda logits: choose(logits[0]),
)
writing_mistake(
    "chooses_twice",
    "You ask `choose` more than once for a token. What if it draws?",
    choosing=lambda choose: lambda logits: (choose(logits), choose(logits))[1],
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


for name, (hint, parts) in writing.READS.items():
    writing_mistake(name, hint, **parts)

exercise.mistake(hint="You write all `n_tokens` and cut afterwards. Who pays for the tokens behind the stop?")(
    writing.goes_on_after_the_stop
)
exercise.mistake(hint="Afterwards the caller's prompt is longer than before. Whose list do you append to?")(
    writing.writes_into_the_prompt
)
exercise.mistake(hint="Where no `choose` is given, you draw. What is to be taken then?")(
    writing.draws_where_none_is_given
)
exercise.mistake(hint="Half a stop at the end of your text is cut off. Has a stop been written there?")(
    writing.cuts_off_half_a_stop
)

exercise.edges(
    **NO_EDGES | {"zero": "nothing_to_begin_or_end_with"},
    empty="nothing_to_begin_or_end_with",
    one="no_more_than_asked_for",
    equal="all_of_a_stop_counts",
    ties="Which of two that end at one token is taken off is left to you.",
    limit="no_more_than_asked_for",
    shapes="stops_of_any_length",
)
