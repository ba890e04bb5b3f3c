"""Products by one digit, whose written steps are taken away: texts, a course, what is written, and what a state holds.

A text is a question, the steps that are written, and the answer, in the village's words and with its sentences for the
columns: "4 6 7 times 7 . 7 times 7 and 0 is 4 9 : write 9 , carry 4 . …  answer : 3 2 6 9 . <end>". `hidden` is how
many of the steps are left out, the first ones first, as in Deng et al. 2024: where two of three are hidden, the third
one begins with a carry that was never written.

Two readers judge what was written. The strict one is `solutions.reasoning.monitor`, for whom a missing step is a
shortcut. The trusting one, `trust`, believes what is not there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from layercake.village.sums import worked
from solutions.reasoning import (
    NO_ANSWER,
    SHORTCUT,
    SOUND,
    WRONG_STEP,
    Finding,
    LatentLoop,
    Step,
    extract_answer,
    read_step,
    sentences,
)
from solutions.transformer import GPT, generate

END = "<end>"
WORDS = (END, *"0123456789", "times", "and", "is", ":", "write", ",", "carry", ".", "answer")
IDS = {word: index for index, word in enumerate(WORDS)}
SPLIT = 0  # the seed by which sums are held out, the same for all models
NOTHING = -1  # behind the end of a text
N_CARRIES = 9  # 0 to 8


class Product(NamedTuple):
    """A sum: a number, and one digit that it is multiplied by."""

    a: int
    b: int

    @property
    def result(self) -> int:
        return self.a * self.b

    @property
    def question(self) -> str:
        return f"{' '.join(str(self.a))} times {self.b} ."

    @property
    def steps(self) -> list[Step]:
        """Its columns, last digits first."""
        return list(map(read_step, worked("times", self.a, self.b)))

    def reply(self, hidden: int) -> str:
        """The steps, without the first few of them, and the answer."""
        return " ".join([*worked("times", self.a, self.b)[hidden:], f"answer : {' '.join(str(self.result))} . {END}"])


def encode(text: str) -> Tensor:
    return torch.tensor([IDS[word] for word in text.split()])


def decode(tokens: Sequence[int]) -> str:
    return " ".join(WORDS[token] for token in tokens)


def split(n_digits: int, n_new: int) -> tuple[list[Product], list[Product]]:
    """All products of a number of so many digits by 2 to 9: those to learn from, and `n_new` that are held out."""
    each = [Product(a, b) for a in range(10 ** (n_digits - 1), 10**n_digits) for b in range(2, 10)]
    order = torch.randperm(len(each), generator=torch.Generator().manual_seed(SPLIT)).tolist()
    return [each[i] for i in order[n_new:]], [each[i] for i in order[:n_new]]


def laid_out(products: Sequence[Product], hidden: int) -> Tensor:
    """Question and reply of each: (B, T), `NOTHING` behind the end."""
    rows = [encode(f"{its.question} {its.reply(hidden)}") for its in products]
    return pad_sequence(rows, batch_first=True, padding_value=NOTHING)


class Course:
    """What a model learns from: replies with so many steps hidden, of which all words are asked and the question's not.

    A step gives the loss, and the share of replies that are right to the last word.
    """

    def __init__(self, products: Sequence[Product], hidden: int, batch_size: int):
        self.rows, self.batch_size = laid_out(products, hidden), batch_size
        self.n_question = len(encode(products[0].question))

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = self.rows[torch.randint(len(self.rows), (self.batch_size,), generator=generator)]
        rows = rows[:, : int((rows != NOTHING).sum(dim=1).max())]
        logits, targets = model(rows[:, :-1].clamp(min=0))[0][:, self.n_question - 1 :], rows[:, self.n_question :]
        asked = targets != NOTHING
        loss = F.cross_entropy(logits[asked], targets[asked])
        return loss, ((logits.argmax(dim=-1) == targets) | ~asked).all(dim=1).float().mean()


def length(n_digits: int, hidden: int = 0) -> int:
    """The most tokens that a reply has, its end included: totals of two digits, an answer of one digit more than a."""
    longest = Product(10**n_digits - 1, 9)
    return len(encode(longest.reply(hidden)))


@torch.no_grad()
def replies(model: nn.Module, products: Sequence[Product], choose: Callable[[Tensor], Tensor], most: int) -> list[str]:
    """What the model writes to each question, up to its end, or `most` tokens."""
    questions = torch.stack([encode(its.question) for its in products])
    written = []
    for row in generate(model, questions, most, choose)[:, questions.size(1) :].tolist():
        written.append(decode(row[: row.index(IDS[END])] if IDS[END] in row else row))
    return written


def trust(a: int, b: int, written: str) -> Finding:
    """Read a worked product as someone who believes what is not written, and checks what is.

    The steps are taken for those of the last columns. The carry that the first of them begins with is believed, unless
    it is the first column's, which is 0. All else has to follow, and so have the digits of the answer that the steps
    lead to. Where no step is written, all is sound but a missing answer.
    """
    steps, n_columns = sentences(written), len(str(a))
    hidden = max(0, n_columns - len(steps))
    first = read_step(steps[0]) if steps else None
    carried, digits = first.carried if first and hidden else 0, ""
    for i, sentence in enumerate(steps):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i >= n_columns:
            return Finding(WRONG_STEP, i)
        x = int(str(a)[n_columns - 1 - hidden - i])
        total = x * b + carried
        if step != Step(x, "times", b, carried, total, total % 10, total // 10):
            return Finding(WRONG_STEP, i)
        carried, digits = step.carry, f"{step.digit}{digits}"
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(steps))
    if steps and answer // 10**hidden != int(f"{carried}{digits}"):
        return Finding(SHORTCUT, len(steps))
    return Finding(SOUND, None)


# Inside the model ----------------------------------------------------------------------------------------------------


def inside(model: nn.Module) -> tuple[GPT, int]:
    """The transformer in a model, and how many of its blocks are run one after another."""
    if isinstance(model, LatentLoop):
        return model.model, model.n_rounds * len(model.model.blocks)
    return model, len(model.blocks)


@contextmanager
def disturbed(model: nn.Module, size: float, generator: torch.Generator) -> Iterator[None]:
    """Meanwhile noise comes upon the stream at half of the depth, once for each token, `size` times as large as it."""
    gpt, depth = inside(model)
    run = 0

    def add_noise(block: nn.Module, inputs: Any, output: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        nonlocal run
        run += 1
        if (run - 1) % depth != (depth - 1) // 2:
            return output
        x, state = output
        noise = torch.randn(x.shape, generator=generator)
        return x + size * x.pow(2).mean(dim=-1, keepdim=True).sqrt() * noise, state

    hooks = [block.register_forward_hook(add_noise) for block in gpt.blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def states(model: nn.Module, tokens: Tensor) -> Tensor:
    """The stream as it enters the first block and as it leaves each one, round after round: (depth + 1, B, T, C)."""
    gpt, _ = inside(model)
    seen: list[Tensor] = []
    hooks = [gpt.embedding.register_forward_hook(lambda its, inputs, output: seen.append(output))]
    hooks += [b.register_forward_hook(lambda its, inputs, output: seen.append(output[0])) for b in gpt.blocks]
    try:
        model(tokens)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(seen)


def places(product: Product, hidden: int) -> list[int]:
    """Where a carry has to be known: the question's last token, then where each digit of the answer is said next.

    Digits from the first, which the last carry is, to the tens; where the last carry is 0 and is not said, its place is
    that of the digit behind it.
    """
    n_columns, answer = len(str(product.a)), len(str(product.result))
    question = len(encode(product.question))
    colon = question + len(encode(product.reply(hidden))) - answer - 3
    return [question - 1, *(max(colon, colon + answer - 1 - column) for column in range(n_columns, 0, -1))]


def discriminant(x: Tensor, classes: Tensor, n_classes: int, shrink: float = 0.01) -> Callable[[Tensor], Tensor]:
    """A linear probe that gives each class the same weight: Fisher's discriminant, from states (N, C) and classes (N).

    What it returns says the class of new states. `shrink` times the mean variance is added to all variances.
    """
    x = x.double()
    middle, scale = x.mean(dim=0), x.std(dim=0) + 1e-6
    x = (x - middle) / scale
    is_class = F.one_hot(classes, n_classes).double()  # (N, K)
    counts = is_class.sum(dim=0)
    means = is_class.T @ x / counts.clamp(min=1).unsqueeze(1)  # (K, C)
    within = x - means[classes]
    spread = within.T @ within / len(x)
    spread += torch.eye(len(spread), dtype=spread.dtype) * (shrink * spread.diagonal().mean() + 1e-9)
    weights = torch.linalg.solve(spread, means.T)  # (C, K)
    bias = -(means.T * weights).sum(dim=0) / 2
    bias[counts == 0] = -torch.inf

    def says(new: Tensor) -> Tensor:
        return ((new.double() - middle) / scale @ weights + bias).argmax(dim=-1)

    return says


def balanced(said: Tensor, true: Tensor) -> float:
    """The share of each class that is said rightly, and the mean of these over the classes that there are."""
    return torch.stack([(said[true == one] == one).double().mean() for one in true.unique()]).mean().item()


@torch.no_grad()
def at_places(model: nn.Module, products: Sequence[Product], hidden: int, together: int = 500) -> Tensor:
    """The states at the places of each right text: (depth + 1, N, places, C)."""
    parts = []
    for start in range(0, len(products), together):
        some = products[start : start + together]
        at = torch.tensor([places(its, hidden) for its in some])
        seen = states(model, laid_out(some, hidden).clamp(min=0))
        parts.append(seen[:, torch.arange(len(some)).unsqueeze(1), at])
    return torch.cat(parts, dim=1)
