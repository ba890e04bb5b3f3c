"""`next_token_pairs`: windows lie end to end, targets are one token ahead, only full windows count."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("next_token_pairs")


def cut(tokens: Tensor, context_length: int, n: int | None = None) -> tuple[Tensor, Tensor]:
    """Windows and targets, with the number of windows to choose, so that it can be wrong."""
    n = (len(tokens) - 1) // context_length if n is None else n
    if n < 1:
        raise ValueError("too short")
    end = n * context_length
    return tokens[:end].reshape(n, context_length), tokens[1 : end + 1].reshape(n, context_length)


@exercise.check(points=0.25)
def windows_lie_end_to_end(next_token_pairs, rng):
    """The inputs are the text, cut into windows that neither overlap nor leave out a token between them."""
    tokens = some_tokens(rng, 1000, 18)
    return {"inputs": next_token_pairs(tokens, 5)[0], "inputs in windows of one token": next_token_pairs(tokens, 1)[0]}


@exercise.check(points=0.25)
def targets_are_one_ahead(next_token_pairs, rng):
    """The target at each position is the token after it, also at the last position of a window."""
    inputs, targets = next_token_pairs(torch.arange(100, 118), 5)
    return {
        "targets minus inputs, in a text that counts up": targets - inputs,
        "targets": next_token_pairs(some_tokens(rng, 1000, 18), 5)[1],
    }


@exercise.check(points=0.25)
def only_full_windows(next_token_pairs, rng):
    """A window counts when its last target is there too, whatever is left over after it."""
    tokens = some_tokens(rng, 1000, 24)
    return {
        f"{length} tokens in windows of 4": list(next_token_pairs(tokens[:length], 4)) for length in (11, 12, 13, 14)
    }


@exercise.check(points=0.25)
def short_texts(next_token_pairs, rng):
    """The shortest text has a window and one token more; anything shorter is a ValueError, and no text is changed."""
    tokens = some_tokens(rng, 1000, 7)
    return {
        "7 tokens in a window of 6": list(next_token_pairs(tokens, 6)),
        "7 tokens in a window of 7": ending(lambda: next_token_pairs(tokens, 7)),
        "7 tokens in a window of 20": ending(lambda: next_token_pairs(tokens, 20)),
        "the text afterwards": tokens,
    }


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
