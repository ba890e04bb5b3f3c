"""The texts that a model is pretrained on, and what it is judged by on each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from layercake import corpus as corpora
from layercake.labs import judging
from layercake.labs.pretraining.settings import Settings

FEWEST_TOKENS, MOST_TOKENS = 100_000, 20_000_000  # of the village, which has no end; a longer run meets some again
LEARNS_FROM = 2_000_000  # characters of another text, the first, from which its tokenizer is learned


@dataclass(frozen=True, eq=False)
class Text:
    """What is learned from, and what it is judged by."""

    name: str
    tokens: Tensor  # (n_tokens)
    vocab_size: int
    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]
    judge: Callable[[nn.Module], dict[str, float]]  # the model's mean losses on validation text, nats per token
    longest: int  # tokens that judging reads at once
    opening: str  # what a sample begins with
    bound: dict[str, float] = field(default_factory=dict)  # the best possible reader's losses, where they are known
    bits: float | None = None  # per byte, that one nat per token makes

    @cached_property
    def fingerprint(self) -> str:
        """What tells this text from another: losses on two texts are not to be compared."""
        return sha256(self.tokens.numpy().tobytes()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """Its name in that of a file: texts that people bring may be called alike."""
        return self.name if self.bound else f"{self.name}-{self.fingerprint[:6]}"


def open_text(name: str | Path, settings: Settings, seed: int = 0) -> Text:
    """The village, drawn by the seed, or another text; raises what `layercake.corpus.load` raises."""
    if name == "village":
        n_tokens = min(max(settings.steps * settings.tokens_per_step, FEWEST_TOKENS), MOST_TOKENS)
        return _village(n_tokens, settings.n_documents, seed)
    return _tokenized(str(name), settings.vocab_size, settings.n_characters, settings.window)


@lru_cache(2)
def _village(n_tokens: int, n_documents: int, seed: int) -> Text:
    text, exam = corpora.load("village", "train", n_tokens=n_tokens, seed=seed), judging.validation(n_documents)
    longest = max(len(document.tokens) for document in exam.documents)

    def judge(model: nn.Module) -> dict[str, float]:
        return dict(zip(judging.GROUPS, exam.judge(model)))

    return Text(
        "village", text.tokens, text.vocab_size, text.encode, text.decode, judge, longest, "chapter 1\n", exam.bound
    )


@lru_cache(2)
def _tokenized(name: str, vocab_size: int, n_characters: int, T: int) -> Text:
    """A text as the tokens of byte-level BPE, learned on the beginning of its training split."""
    learned, held_out = corpora.load(name, "train").text, corpora.load(name, "validation").text[:n_characters]

    from solutions.prediction import bits_per_byte
    from solutions.pretraining import evaluate
    from solutions.tokenizer import decode, encode, train_bpe

    try:
        merges = train_bpe(learned[:LEARNS_FROM], vocab_size)
    except ValueError as error:
        raise ValueError(
            f'"{name}" is too short, or too much alike, for a tokenizer of {vocab_size} tokens ({error}): take a text '
            "of some hundred kB, or settings with a smaller vocab_size"
        ) from None
    tokens, judged = torch.tensor(encode(learned, merges)), torch.tensor(encode(held_out, merges))
    if len(judged) < 2:
        raise ValueError(
            f'the last part of "{name}", which a model is judged on, has no two tokens: take a longer text'
        )
    n_bytes = len(held_out.encode("utf-8"))

    def judge(model: nn.Module) -> dict[str, float]:
        return {"all": evaluate(model, judged, T)}

    return Text(
        Path(name).stem, tokens, 256 + len(merges), partial(encode, merges=merges), partial(decode, merges=merges),
        judge, T, held_out[:40], bits=bits_per_byte(1.0, len(judged), n_bytes),
    )  # fmt: skip


def check(settings: Settings, text: Text, n_processes: int = 1) -> None:
    """Raises ValueError, before anything is trained, where a run with this text and these sizes would fail."""
    tokens, T = text.tokens, settings.window
    if settings.context < T:
        raise ValueError(f"a window of {T} tokens is longer than the model's context of {settings.context}")
    if text.longest > settings.context:
        raise ValueError(
            f"validation documents have up to {text.longest} tokens, and the model's context is {settings.context}"
        )
    if not len(tokens):
        raise ValueError(f'the training split of "{text.name}" is empty: there is nothing to learn from')
    if len(tokens) <= T:
        raise ValueError(f'the training split of "{text.name}" has {len(tokens)} tokens; one window needs {T + 1}')
    if len(wrong := ((tokens < 0) | (tokens >= text.vocab_size)).nonzero()):
        at = int(wrong[0])
        raise ValueError(
            f'token {at} of "{text.name}" is {int(tokens[at])}, and the vocabulary has the tokens 0 to '
            f"{text.vocab_size - 1}: encode the text with the tokenizer whose vocabulary the model has"
        )
    if settings.batch_size % n_processes:
        raise ValueError(
            f"a batch of {settings.batch_size} windows cannot be shared equally by {n_processes} processes: start a "
            "number of processes that divides it"
        )
    if not 1 <= settings.accumulate <= settings.batch_size // n_processes:
        raise ValueError(
            f"accumulate = {settings.accumulate}, and a process has {settings.batch_size // n_processes} windows of "
            "each batch: choose a number from 1 to that"
        )
