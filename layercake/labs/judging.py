"""What a language model of the village is judged by: documents that it has not seen, and the exact bound.

The best possible reader is charged `village.surprisal` for the same tokens, which is exact. What a model is charged
beyond that is its gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from layercake import village

GROUPS = ("all", *village.KINDS)  # what losses are averaged over


class Validation:
    """Documents of the validation split, and what the best possible reader is charged for each of their tokens."""

    def __init__(self, documents: Sequence[village.Document]):
        if missing := set(village.KINDS) - {document.kind for document in documents}:
            raise ValueError(f"among {len(documents)} documents there is no {', no '.join(sorted(missing))}: take more")
        self.documents = documents
        self.exact = [village.surprisal(document) for document in documents]
        self.bound = dict(zip(GROUPS, self.means(self.exact)))

    def means(self, losses: Sequence[np.ndarray]) -> list[float]:
        """The mean loss over all tokens, and over those of each kind: nats, in the order of GROUPS."""
        kinds = [document.kind for document in self.documents]
        groups = [losses] + [[loss for loss, its in zip(losses, kinds) if its == kind] for kind in village.KINDS]
        return [float(np.concatenate(group).mean()) for group in groups]

    def judge(self, model: nn.Module) -> list[float]:
        """The model's mean losses, in the order of GROUPS."""
        return self.means(token_losses(model, [document.tokens for document in self.documents]))


@lru_cache(2)
def validation(n_documents: int) -> Validation:
    """The first documents of the validation split: the same for everybody."""
    return Validation(list(islice(village.documents(0, "validation"), n_documents)))


@torch.no_grad()
def token_losses(model: nn.Module, texts: Sequence[Sequence[int]], n_together: int = 32) -> list[np.ndarray]:
    """-log p of every token of each text, in nats; each text is read by itself, from its beginning.

    What stands before a text is its neighbour's <end>, and no state. Raises ValueError where a text is empty.
    """
    if any(not len(text) for text in texts):
        raise ValueError("a text without tokens has no losses")
    device, losses = next(model.parameters()).device, [np.empty(0)] * len(texts)
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for start in range(0, len(texts), n_together):
        chosen = by_length[start : start + n_together]
        targets = pad_sequence([torch.tensor(texts[i]) for i in chosen], batch_first=True).to(device)  # (B, T)
        logits = model(F.pad(targets[:, :-1], (1, 0), value=village.END))[0]  # (B, T, vocab_size)
        nats = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").double().cpu().numpy()
        for row, i in zip(nats, chosen):
            losses[i] = row[: len(texts[i])]
    return losses


def measuring_steps(steps: int) -> list[int]:
    """When the model is judged: at the end, and at about 1/√2, 1/2 … 1/64 of the way."""
    return sorted({max(1, round(steps * 2 ** (-i / 2))) for i in range(13)})


@dataclass(frozen=True)
class Curve:
    """What one run gave: losses on validation text while it learned, and the model; its bound is said by the lab."""

    scale: str
    tokens: list[int]  # how many had been read
    loss: dict[str, list[float]]  # over all tokens, and over those of each kind, each time; nats per token
    parameters: int
    seconds: float
    model: nn.Module = field(repr=False, compare=False)

    def gap(self, group: str = "all") -> float:
        """How far above the bound the model ends, in nats per token. Raises KeyError where there is no bound."""
        return self.loss[group][-1] - self.bound[group]
