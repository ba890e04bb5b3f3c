"""The lab of the topic sft: the shipped model is shown conversations, and examined before and after.

    tuned = run(render_chat, pack, sft_step, "laptop")               # all weights learn
    tuned = run(render_chat, pack, sft_step, "laptop", adapt=LoRALinear)   # adapters learn, and nothing else
    print(table(tuned))                                              # `plot` draws it

The experts of `layercake.village.experts` demonstrate; the exams are about facts that no demonstration is about. Each
step takes the next conversations of a shuffled list, which is gone through as often as it takes, and packs them into
rows. How to write, pack and learn from conversations is put in by the caller.
"""

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from layercake import checkpoints, village
from layercake.device import Device, check_scale, pick
from layercake.figures import lab_sft
from layercake.training import History, lately, train
from layercake.village import experts
from layercake.village.experts import LEFT, MAKES_UP
from solutions.prediction import sample
from solutions.sft import add_lora

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEWLINE, ASSISTANT = village.VOCABULARY.index("\n"), village.VOCABULARY.index("<assistant>")
MARKS = {village.END, village.VOCABULARY.index("<user>"), ASSISTANT}
SIDE_BY_SIDE = 256  # prompts
N_TOKENS = 48  # after which a reply that has not ended has left the play; an expert's longest has 33
Draw = Callable[[Tensor], Tensor]  # logits (B, vocab_size) -> tokens (B)
Pack = Callable[[Sequence[Sequence[int]], int], tuple[Tensor, Tensor]]
Step = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Settings:
    """All sizes of one tuning."""

    demonstrations: int
    steps: int
    questions: int  # of each kind, in an exam
    batch_size: int = 16  # conversations in one step
    T: int = 256  # tokens in a row
    learning_rate: float = 1e-3
    rank: int = 16  # of adapters, where they learn instead of the weights


SCALES = {
    "smoke": Settings(50, 12, 8),
    "laptop": Settings(1_000, 200, 200),
    "colab": Settings(3_000, 600, 500, batch_size=32),
}


def likeliest(logits: Tensor) -> Tensor:
    """The token with the highest score of each text: (B, vocab_size) -> (B)."""
    return logits.argmax(dim=-1)


class Batches:
    """Packed conversations, in a new order each time that all have been seen; it goes on where it was stopped.

    Raises ValueError where there is none.
    """

    def __init__(
        self, conversations: Sequence[Sequence[int]], settings: Settings, pack: Pack, sft_step: Step, seed: int
    ):
        if not conversations:
            raise ValueError("there is no conversation to learn from")
        self.conversations, self.settings, self.pack, self.sft_step = conversations, settings, pack, sft_step
        self.seed, self.n_seen = seed, 0

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Tokens and segments of the next conversations, (n_rows, T) each."""
        places = range(self.n_seen, self.n_seen + self.settings.batch_size)
        self.n_seen += self.settings.batch_size
        return self.pack([self.conversations[self._order(at)] for at in places], self.settings.T)

    def step(self, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[Tensor, Tensor]:
        """Take a step on the next conversations; returns its loss and the gradients' norm."""
        device = next(model.parameters()).device
        return self.sft_step(model, optimiser, *(part.to(device) for part in next(self)))

    def _order(self, at: int) -> int:
        """Which conversation comes at a place of the endless list."""
        n = len(self.conversations)
        return _permutation(f"{self.seed} {at // n}", n)[at % n]

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss of the next step, taken by a copy of the model: by it a resumed run knows its own code."""
        copied = copy.deepcopy(model)
        learned = [weight for weight in copied.parameters() if weight.requires_grad]
        with torch.enable_grad():
            return self.step(copied, torch.optim.SGD(learned, lr=0.0))

    def state_dict(self) -> dict[str, Tensor]:
        return {"seen": torch.tensor(self.n_seen)}

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.n_seen = int(tensors["seen"])


@lru_cache(maxsize=4)
def _permutation(seed: str, n: int) -> list[int]:
    return random.Random(seed).sample(range(n), n)


def rate(step: int, steps: int, peak: float) -> float:
    """Up over a twentieth of the steps, and down to zero in a straight line."""
    warm_up = max(1, steps // 20)
    return peak * min((step + 1) / warm_up, (steps - step) / (steps - warm_up + 1))


def tune(
    model: nn.Module,
    conversations: Sequence[Sequence[int]],
    settings: Settings,
    pack: Pack,
    sft_step: Step,
    *,
    seed: int,
    path: Path | None,
    name: str = "tuning",
    fresh: bool = False,
) -> History:
    """Train the model in place on conversations, from the checkpoint at `path` where there is one; None: none is kept.

    Raises ValueError where there is no conversation, and what `layercake.training.train` raises.
    """
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    return train(
        model, Batches(conversations, settings, pack, sft_step, seed), settings.steps,
        learning_rate=settings.learning_rate, seed=seed, path=path, settings={"lab": "sft", **asdict(settings)},
        name=name, fresh=fresh, rate=rate,
        take_step=lambda model, optimiser, batches, generator: batches.step(model, optimiser),
        optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
        show=lambda history: {"loss": f"{lately(history.loss):.3f}"},
    )  # fmt: skip


# Exams -------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def replies(
    model: nn.Module, prompts: Sequence[Sequence[int]], choose: Draw = likeliest, n_tokens: int | None = None
) -> list[list[int]]:
    """What the model writes after each prompt, up to its line break and with it, or `n_tokens` tokens.

    The prompts are read side by side, `SIDE_BY_SIDE` at a time, each from its first token; while one is still being
    read, another may be answered.
    """
    model.eval()
    written = []
    for start in range(0, len(prompts), SIDE_BY_SIDE):
        written += _replies(model, prompts[start : start + SIDE_BY_SIDE], choose, n_tokens or N_TOKENS)
    return written


def _replies(model: nn.Module, prompts: Sequence[Sequence[int]], choose: Draw, n_tokens: int) -> list[list[int]]:
    device, at = next(model.parameters()).device, min(map(len, prompts))
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)  # (B)
    texts = torch.full((len(prompts), int(lengths.max()) + n_tokens), NEWLINE, device=device)  # (B, T)
    for row, prompt in zip(texts, prompts):
        row[: len(prompt)] = torch.tensor(list(prompt), device=device)
    going = torch.arange(len(prompts), device=device)  # the rows that are read on
    unread, state, open_ = texts[:, :at], None, torch.ones_like(going, dtype=torch.bool)
    while open_.any():
        logits, state = model(unread, state)
        answering = at >= lengths[going]
        tokens = torch.where(answering, choose(logits[:, -1]), texts[going, at])
        texts[going, at] = torch.where(open_, tokens, NEWLINE)
        at += 1
        open_ &= ~(answering & (tokens == NEWLINE)) & (at < lengths[going] + n_tokens)
        if open_.sum() <= 0.75 * len(open_):  # copying what is kept of the others costs as much as a step
            state = [tuple(part[open_] for part in parts) for parts in state]
            going, tokens, open_ = going[open_], tokens[open_], open_[open_]
        unread = tokens.unsqueeze(1)
    said = [text[length : length + n_tokens] for text, length in zip(texts.tolist(), lengths.tolist())]
    return [its[: its.index(NEWLINE) + 1] if NEWLINE in its else its for its in said]


def in_words(written: Sequence[int]) -> str:
    """A reply as text, with capitals as behind the assistant's mark."""
    return village.decode([ASSISTANT, *written]).removeprefix("<assistant>").strip()


def ends_well(written: Sequence[int]) -> bool:
    """Whether a reply comes to its end by itself, and speaks for nobody else."""
    return written[-1] == NEWLINE and not MARKS & set(written)


@dataclass(frozen=True)
class Exam:
    """What the model replied to each question, and what was said of it."""

    questions: list[experts.Question]
    replies: list[str]
    judged: list[dict[str, bool]]

    def share(self, manner: str, kind: str | None = None) -> float:
        """How many of the replies that should have the manner have it; of one kind of question, or of all.

        Raises ValueError where no reply of the exam should.
        """
        said = [
            its[manner] for its, of in zip(self.judged, self.questions) if manner in its and kind in (None, of.kind)
        ]
        if not said:
            there = ", ".join(dict.fromkeys(manner for its in self.judged for manner in its))
            asked = f"questions of the kind {kind!r}" if kind else "these questions"
            raise ValueError(f"no reply to {asked} is judged by {manner!r}; this exam judges by: {there or 'nothing'}")
        return sum(said) / len(said)


def examine(
    model: nn.Module,
    render_chat: Callable[..., list[int]],
    n: int,
    *,
    kinds: Sequence[str] = tuple(experts.KINDS),
    choose: Draw = likeliest,
    seed: int = 0,
    of: Callable[[village.Fact], bool] = experts.examined,
) -> Exam:
    """Ask the model `n` questions of each kind, and judge each first reply.

    Raises ValueError where `n` is below 1, and for a kind that is not in `experts.KINDS`.
    """
    if n < 1:
        raise ValueError(f"n={n}: an exam asks one question or more of each kind")
    return put([question for kind in kinds for question in experts.exam(kind, n, seed, of)], model, render_chat, choose)


def put(
    questions: list[experts.Question],
    model: nn.Module,
    render_chat: Callable[..., list[int]],
    choose: Draw = likeliest,
) -> Exam:
    """Put questions to the model, each in a conversation of its own, and judge each first reply."""
    prompts = [
        render_chat([{"role": "user", "content": question.text}], village.encode, reply=True) for question in questions
    ]
    written = replies(model, prompts, choose)
    texts, judged = [], []
    for question, tokens in zip(questions, written):
        texts.append(in_words(tokens))
        judged.append(experts.judge(question, texts[-1]) | {LEFT: not ends_well(tokens)})
    return Exam(questions, texts, judged)


# The lab -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tuned:
    """A tuned model, how it learned, and its exams: before, after, and after with words drawn at temperature 1."""

    model: nn.Module
    history: History
    before: Exam
    after: Exam
    drawn: Exam


def run(
    render_chat: Callable[..., list[int]],
    pack: Pack,
    sft_step: Step,
    scale: str,
    device: Device | None = None,
    *,
    adapt: Callable[[nn.Linear, int], nn.Module] | None = None,
    start: str | Path = "village",
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Tuned:
    """Examine a model, show it demonstrations, and examine it again.

    `start` is what `layercake.checkpoints.load` takes: a model that ships, or the file of another on the village.

    With `adapt`, such as `LoRALinear`, the weights stay as they are, and an adapter beside each linear layer of the
    blocks learns, at four times the learning rate. In float32 on any device: the model is small. It is saved under
    `folder` as it learns, and a second call goes on where the first was stopped.

    Raises ValueError for an unknown scale, and what `checkpoints.load` and `layercake.training.train` raise.
    """
    settings, device = SCALES[check_scale(scale)], device or pick()
    torch.manual_seed(seed)
    model = checkpoints.load(start, device.device)
    before = examine(model, render_chat, settings.questions, seed=seed)
    if adapt:
        settings = replace(settings, learning_rate=4 * settings.learning_rate)
        add_lora(model, settings.rank, adapt=adapt)
    conversations = [
        render_chat(messages, village.encode) for messages in experts.demonstrations(settings.demonstrations, seed)
    ]
    learns = "adapters" if adapt else "weights"
    began = checkpoints.mark(start, usual="village")
    path = Path(folder) / f"sft-{scale}-{learns}{began}-seed{seed}.safetensors"
    history = tune(model, conversations, settings, pack, sft_step, seed=seed, path=path, fresh=fresh)
    draw = partial(sample, generator=torch.Generator(device.device).manual_seed(seed))
    after, drawn = (examine(model, render_chat, settings.questions, seed=seed, choose=its) for its in (likeliest, draw))
    return Tuned(model, history, before, after, drawn)


def manners(exam: Exam) -> dict[str, float]:
    """Of each manner the share of replies that have it, of those that should; and the shares of what should not be."""
    return {manner: exam.share(manner) for manner in experts.MANNERS} | {
        MAKES_UP: exam.share(MAKES_UP, "unknown"),
        LEFT: exam.share(LEFT),
    }


def table(tuned: Tuned) -> str:
    """The exams side by side, in percent of the replies that each manner is asked of."""
    exams = {"before": tuned.before, "after": tuned.after, "at temperature 1": tuned.drawn}
    lines = [f"{'% of the replies':34}" + "".join(f"{name:>18}" for name in exams)]
    said = [manners(exam) for exam in exams.values()]
    for manner in said[0]:
        kinds = experts.MANNERS.get(manner, ("unknown",) if manner == MAKES_UP else tuple(experts.KINDS))
        asked = "all" if len(kinds) == len(experts.KINDS) else ", ".join(kinds)
        lines.append(f"{f'{manner} ({asked})':34}" + "".join(f"{100 * its[manner]:18.0f}" for its in said))
    return "\n".join(lines)


def shares_of(tuned: Tuned) -> lab_sft.Shares:
    """What the three exams say, manner by manner."""
    return {name: manners(exam) for name, exam in zip(lab_sft.STYLES, (tuned.before, tuned.after, tuned.drawn))}


def finding(tuned: Tuned) -> str:
    """What tuning did, in a title."""
    return lab_sft.finding(shares_of(tuned), len(tuned.history.loss))


def alt_text(tuned: Tuned) -> str:
    """The figure of a tuning in words."""
    return lab_sft.alt_text(shares_of(tuned), len(tuned.history.loss))


def plot(tuned: Tuned) -> "Figure":
    """Draw each manner's way from before to after, and, where recorded, what ships."""
    return lab_sft.plot(shares_of(tuned), len(tuned.history.loss))
