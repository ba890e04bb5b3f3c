"""`next_token_pairs`: windows lie end to end, targets are one token ahead, only full windows count."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, outcome
from autograder.checks.prediction.shared import is_whole, some_tokens

exercise = Exercise("next_token_pairs")


def cut(tokens: Tensor, context_length: int, n: int | None = None) -> tuple[Tensor, Tensor]:
    """Windows and targets, with the number of windows to choose, so that it can be wrong."""
    n = (len(tokens) - 1) // context_length if n is None else n
    if n < 1:
        raise ValueError("too short")
    end = n * context_length
    return tokens[:end].reshape(n, context_length), tokens[1 : end + 1].reshape(n, context_length)


@exercise.promise("laid end to end", broken_by="windows_overlap")
@exercise.check(points=0.25)
def windows_lie_end_to_end(next_token_pairs, rng):
    """The inputs are the text, cut into windows that neither overlap nor leave out a token between them."""
    tokens = some_tokens(rng, 2**40, 18)
    return {
        "inputs": next_token_pairs(tokens, 5)[0],
        "inputs in windows of one token": next_token_pairs(tokens, 1)[0],
        "inputs of a text that does not lie in one row": next_token_pairs(apart(tokens), 5)[0],
        "inputs where all tokens are alike": next_token_pairs(tokens[:1].repeat(18), 5)[0],
    }


@exercise.promise("every position has the token after it as its target", broken_by="looks_two_ahead")
@exercise.promise("whole numbers as they were in `tokens`", broken_by="gives_floats")
@exercise.check(points=0.25)
def targets_are_one_ahead(next_token_pairs, rng):
    """The target at each position is the token after it, also at the last position of a window."""
    inputs, targets = next_token_pairs(torch.arange(100, 118), 5)
    zeros = torch.cat([some_tokens(rng, 2, 16), torch.tensor([0, 1])])
    return {
        "targets minus inputs, in a text that counts up": targets - inputs,
        "targets": next_token_pairs(some_tokens(rng, 2**40, 18), 5)[1],
        "targets in a text of zeros and ones": next_token_pairs(zeros, 5)[1],
        "targets in windows of one token": next_token_pairs(zeros, 1)[1],
        "are whole numbers": [is_whole(inputs), is_whole(targets)],
    }


@exercise.promise("What is left at the end and fills no window is dropped", broken_by="fills_the_last_window_up")
@exercise.promise("a window is full when its last target is there too", broken_by="goes_round_the_end")
@exercise.promise("with n as large as N allows", broken_by="drops_a_full_window")
@exercise.check(points=0.25)
def only_full_windows(next_token_pairs, rng):
    """A window counts when its last target is there too, whatever is left over after it."""
    tokens = some_tokens(rng, 1000, 351)
    cases = ((11, 4), (12, 4), (13, 4), (14, 4), (15, 4), (16, 4), (17, 4), (350, 7), (351, 7))
    seen = {f"{length} tokens in windows of {T}": list(next_token_pairs(tokens[:length], T)) for length, T in cases}
    return seen | {"the rest of a longer text": list(next_token_pairs(tokens[100:], 7))}


@exercise.promise("inputs (n, context_length), targets (n, context_length)", broken_by="loses_the_axis_of_one_window")
@exercise.promise("Raises ValueError where the text is too short for one window", broken_by="no_window_and_no_error")
@exercise.promise(
    "A text that is too short for one window and its last target raises", broken_by="forgets_the_last_target"
)
@exercise.check(points=0.25)
def short_texts(next_token_pairs, rng):
    """The shortest text has a window and one token more; anything shorter is a ValueError, and no text is changed."""
    tokens = some_tokens(rng, 1000, 7)
    return {
        "7 tokens in a window of 6": list(next_token_pairs(tokens, 6)),
        "2 tokens in a window of 1": list(next_token_pairs(tokens[:2], 1)),
        "7 tokens in a window of 7": outcome(lambda: list(next_token_pairs(tokens, 7))),
        "7 tokens in a window of 20": outcome(lambda: list(next_token_pairs(tokens, 20))),
        "1 token in a window of 1": outcome(lambda: list(next_token_pairs(tokens[:1], 1))),
        "no token": outcome(lambda: list(next_token_pairs(tokens[:0], 3))),
        "the text afterwards": tokens,
    }


exercise.edges(
    empty="short_texts",
    one="windows_lie_end_to_end",
    equal="windows_lie_end_to_end",
    zero="targets_are_one_ahead",
    ties="No two are compared.",
    large="windows_lie_end_to_end",
    small="Tokens are whole numbers from 0 on.",
    limit="only_full_windows",
    shapes="short_texts",
    modes="Nothing is trained here.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(hint="Your results are no whole numbers. What kind of number does an embedding look up?")
def gives_floats(tokens, context_length):
    return tuple(part.float() if part.max() < 2**24 else part.double() for part in cut(tokens, context_length))


@exercise.mistake(hint="With one window your results have one dimension. What does `squeeze` do to a shape of (1, 6)?")
def loses_the_axis_of_one_window(tokens, context_length):
    inputs, targets = cut(tokens, context_length)
    return (inputs[0], targets[0]) if len(inputs) == 1 else (inputs, targets)


@exercise.mistake(hint="A text that is too short gives no windows and no error. Who finds out that nothing was learnt?")
def no_window_and_no_error(tokens, context_length):
    n = max(len(tokens) - 1, 0) // context_length
    parts = tokens[: n * context_length], tokens[1 : n * context_length + 1]
    return tuple(part.reshape(n, context_length) for part in parts)


@exercise.mistake(
    hint="A text as long as one window gives no windows and no error. Where is the target of its last token?"
)
def forgets_the_last_target(tokens, context_length):
    if len(tokens) < max(context_length, 1):
        raise ValueError("too short")
    return no_window_and_no_error(tokens, context_length)


@exercise.mistake(hint="With a window and one token more you raise an error. Which token of it has no target?")
def refuses_the_shortest_text(tokens, context_length):
    if len(tokens) < context_length + 2:
        raise ValueError("too short")
    return cut(tokens, context_length)


@exercise.mistake(
    hint="Between two of your windows a token is left out. Where does the second "
    "window begin, and where does the first one end?"
)
def windows_of_one_more(tokens, context_length):
    n = len(tokens) // (context_length + 1)
    if n < 1:
        raise ValueError("too short")
    pieces = tokens[: n * (context_length + 1)].reshape(n, context_length + 1)
    return pieces[:, :-1], pieces[:, 1:]


@exercise.mistake(hint="What is left over you drop at the beginning of the text. At which end is it to be dropped?")
def drops_at_the_beginning(tokens, context_length):
    return cut(tokens[max(len(tokens) - 1, 0) % context_length :], context_length)


@exercise.mistake(
    hint="Each target equals the input at its position. What would a model learn that may copy the answer?"
)
def the_target_is_the_input(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    return inputs, inputs


@exercise.mistake(
    hint="Your targets are the tokens *before* the inputs. Which of the two starts one token later in the text?"
)
def looks_back(tokens, context_length):
    inputs, targets = cut(tokens, context_length)
    return targets, inputs


@exercise.mistake(hint="Your targets are two tokens ahead. Where in the text does the first target stand?")
def looks_two_ahead(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    targets = torch.cat([tokens[2:], tokens[:1]])[: inputs.numel()]
    return inputs, targets.reshape(inputs.shape)


@exercise.mistake(
    hint="Your windows begin at every token, so each token comes up many times. Where does the second window begin if "
    "the windows lie end to end?"
)
def windows_overlap(tokens, context_length):
    if len(tokens) <= context_length:
        raise ValueError("too short")
    return tokens[:-1].unfold(0, context_length, 1), tokens[1:].unfold(0, context_length, 1)


@exercise.mistake(
    hint="Your windows are one token short, because you cut first and shifted inside each window. Where is the target "
    "of a window's last token?"
)
def shifts_inside_the_window(tokens, context_length):
    inputs, _ = cut(tokens, context_length)
    return inputs[:, :-1], inputs[:, 1:]


@exercise.mistake(
    hint="The last target is the first token of the text. What does `roll` put behind the end, and how many tokens "
    "have a next one?"
)
def goes_round_the_end(tokens, context_length):
    n = len(tokens) // context_length
    if n < 1:
        raise ValueError("too short")
    ahead = tokens.roll(-1)
    return tuple(part[: n * context_length].reshape(n, context_length) for part in (tokens, ahead))


@exercise.mistake(
    hint="You drop a last window that is full. With 13 tokens and windows of 4, how many windows have all their "
    "targets?"
)
def drops_a_full_window(tokens, context_length):
    return cut(tokens, context_length, n=(len(tokens) - 2) // context_length)


@exercise.mistake(
    hint="Your text runs down the columns. In which order does `view` lay numbers into a matrix, and do you turn it "
    "round afterwards?"
)
def the_text_runs_down_the_columns(tokens, context_length):
    return tuple(part.reshape(part.shape[1], part.shape[0]).T for part in cut(tokens, context_length))


@exercise.mistake(
    hint="You fill the last window up with zeros. Is 0 not a token like any other, which the model would learn to "
    "predict?"
)
def fills_the_last_window_up(tokens, context_length):
    n = -(-(len(tokens) - 1) // context_length)
    filled = torch.cat([tokens, tokens.new_zeros(n * context_length + 1 - len(tokens))])
    return cut(filled, context_length)
