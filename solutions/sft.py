"""Supervised fine-tuning: a few conversations turn a predictor of plays into an assistant with a manner.

What is built here: the template that writes a conversation as tokens; the mask that says which of them the assistant
wrote, and the loss on these alone (Ouyang et al. 2022, section 3.5, for the method); packing of conversations into
rows, none of which reads another; one step of training; and low-rank adapters, with which a tuned model differs from
its base by a few small matrices (LoRA: Hu et al. 2022).

The template is that of the village's telegraph: `<end>`, then for each message the mark of its role, its words, and a
line break, which is where an assistant learns to stop. Left out: system messages, tools, images, losses that weigh one
conversation against another.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.pretraining import clip_gradients

Message = Mapping[str, str]  # "role" and "content"

ROLES = {"user": "<user>", "assistant": "<assistant>"}
SPELT = ("<end>", "<mask>", "<user>", "<assistant>", "\n")  # the tokenizer's first tokens: no words, in the village
END, MASK, USER, ASSISTANT, NEWLINE = range(len(SPELT))
MARKS = {END, MASK, USER, ASSISTANT, NEWLINE}
PADDING = 0  # the segment of positions that hold nothing


def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    """Write a conversation as tokens: `<end>`, then for each message its role's
    mark, its words and a line break.

    `encode` is the tokenizer, which makes tokens of a text; marks and line
    break are spelt alike in each and have the same numbers, so that text and
    tokens both show them: `<` alone is a word where it knows one. With `reply`
    the mark of the assistant follows, whoever spoke last: there it is to go on.
    A message is only words: a mark or a line break in it is refused, whoever
    says it, since it could speak for somebody else.

    Raises ValueError for an empty conversation, a message that is no mapping
    with a text for "role" and for "content", a role that is not in `ROLES`, a
    message that has no words or holds a line break or one of the marks <end>,
    <mask>, <user>, <assistant>; and the very one that `encode` raises, for
    words that it does not know.
    """
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    ### BEGIN SOLUTION
    tokens = [END]
    for number, message in enumerate(messages, 1):
        if message["role"] not in ROLES:
            raise ValueError(f"message {number} has the role {message['role']!r}; it is one of {', '.join(ROLES)}")
        content = encode(message["content"])
        if not content:
            raise ValueError(f"message {number} is empty: it has no words")
        if NEWLINE in content:
            raise ValueError(f"message {number} holds a line break, not words alone")
        if forged := MARKS & set(content):
            raise ValueError(f"message {number} holds the mark {SPELT[min(forged)]}, not words alone")
        tokens += [*encode(ROLES[message["role"]]), *content, NEWLINE]
    return [*tokens, ASSISTANT] if reply else tokens
    ### END SOLUTION


def response_mask(tokens: Tensor) -> Tensor:
    """Say which tokens the assistant wrote: those behind its mark, up to the
    line break, which is its last.

    The mark itself is not its own: it stands there before the assistant begins.
    Several conversations may follow each other in a row, which may begin or end
    in the middle of one. A reply that is broken off ends in front of the next
    `<user>` or `<end>`; a second `<assistant>` in it is a mark again, between
    words that are all the assistant's. What has no mark of the assistant before
    it, in the same row, is not its. All other tokens are words here, `<mask>`
    too.

    Shapes: tokens (..., T) -> boolean (..., T).
    """
    ### BEGIN SOLUTION
    at = torch.arange(tokens.size(-1), device=tokens.device).expand_as(tokens)  # (..., T)
    none = torch.full_like(at, -1)
    opened = torch.where(tokens == ASSISTANT, at, none).cummax(dim=-1).values  # the last mark, this place included
    others = (tokens == USER) | (tokens == END)
    closed = torch.where((tokens == NEWLINE) | others, at, none).cummax(dim=-1).values
    before = torch.cat([none[..., :1], closed[..., :-1]], dim=-1)  # the last close in front of this place
    return (opened > before) & (tokens != ASSISTANT) & ~others
    ### END SOLUTION


def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The mean loss over the targets that the mask selects, each counted once,
    wherever it stands; in float32.

    What is not selected does not count, even where its loss is infinite, and
    its logits get a gradient of zeros. A loss that is selected counts, infinite
    too: the mean is infinite then. The logits get the gradient of the result.

    Shapes: logits (B, T, vocab_size), targets (B, T), each below vocab_size,
    mask boolean (B, T) -> ().
    Raises ValueError where the mask selects nothing: a mean of nothing is not a
    number.
    """
    ### BEGIN SOLUTION
    if not mask.any():
        raise ValueError("the mask selects nothing: there is no reply to learn from")
    return F.cross_entropy(logits[mask].float(), targets[mask])  # (n_selected, vocab_size), (n_selected)
    ### END SOLUTION


def pack(conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, Tensor]:
    """Lay conversations into rows of T tokens, each whole, and say which token
    is of which.

    Each conversation, in order, goes to the first row that still has room for
    it, behind what is there; where none has, to a new row. Segments number the
    conversations of each row from 1; what is left of a row is `END`, in segment
    0.

    Shapes: conversations, lists or tuples of one token or more -> tokens
    (n_rows, T), segments (n_rows, T), whole numbers of any type that holds
    them. Raises ValueError where there is no conversation, or one is empty or
    longer than T.
    """
    if not conversations:
        raise ValueError("there is nothing to pack: no conversation is given")
    for i, length in enumerate(map(len, conversations)):
        if length == 0:
            raise ValueError(f"conversations[{i}] is empty: leave it out")
        if length > T:
            raise ValueError(f"conversations[{i}] has {length} tokens, and a row T={T}: raise T, or leave it out")
    ### BEGIN SOLUTION
    rows: list[list[Sequence[int]]] = []
    for conversation in conversations:
        room = (row for row in rows if sum(map(len, row)) + len(conversation) <= T)
        row = next(room, None)
        if row is None:
            rows.append(row := [])
        row.append(conversation)
    tokens, segments = torch.full((len(rows), T), END), torch.full((len(rows), T), PADDING)
    for i, row in enumerate(rows):
        start = 0
        for segment, conversation in enumerate(row, 1):
            stop = start + len(conversation)
            tokens[i, start:stop], segments[i, start:stop] = torch.tensor(list(conversation)), segment
            start = stop
    return tokens, segments
    ### END SOLUTION


@contextmanager
def within(model: nn.Module, segments: Tensor) -> Iterator[None]:
    """Meanwhile no position of the model's attention reads one of another
    segment, or a later one.

    A layer of attention is known by its `attend`, which takes query, key and
    value.

    Shapes: segments (B, T), as `pack` gives them, for each text that is read
    meanwhile.
    Raises ValueError where no layer is known so: nothing would be held apart.
    """
    same = segments.unsqueeze(-1) == segments.unsqueeze(-2)  # (B, T, T)
    may_read = same.tril().unsqueeze(1)  # (B, 1, T, T): for all heads
    attentions = [module for module in model.modules() if hasattr(module, "attend")]
    if not attentions:
        raise ValueError(
            "the model has no attention whose `attend` could be held apart: conversations would read each other"
        )
    before = [attention.attend for attention in attentions]
    for attention in attentions:
        attention.attend = lambda query, key, value: F.scaled_dot_product_attention(query, key, value, may_read)
    try:
        yield
    finally:
        for attention, attend in zip(attentions, before, strict=True):
            attention.attend = attend


def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Take one step on packed conversations: what the assistant wrote becomes
    likelier, and nothing else is a target.

    Each token is predicted from those in front of it in its own conversation
    (`within`), whatever tokens begin one. The loss is the mean over all tokens
    that the assistant wrote (`response_mask` of the whole rows; one may begin
    or end in the middle of a conversation). Old gradients are cleared; the new
    ones together are clipped to a length of at most `max_norm`. The optimiser
    has all weights that learn. The step changes weights and gradients of the
    model, and nothing else of it: not its mode or a part's, in which it reads,
    and not what its attention calls. Weights that are frozen have no gradient,
    not even zeros, and stay.

    Shapes: tokens and segments (B, T), as `pack` gives them -> the loss before
    the step (), the gradients' norm before clipping (), two tensors. Raises
    ValueError, and takes no step, where the assistant wrote nothing; old
    gradients may be gone then.
    """
    ### BEGIN SOLUTION
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]  # (B, T - 1) each
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]  # (B, T - 1, vocab_size)
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm
    ### END SOLUTION


class LoRALinear(nn.Module):
    """A linear layer whose weights stay as they are, and beside it a product of
    two thin matrices that learns.

    y = W x + b + (alpha / rank) · B A x, in training and in evaluation. The
    gradient of x comes through both parts, so that layers below learn too.
    `lora_a` begins with random numbers, each drawn by itself, of mean 0 and
    variance 1 / d_in, `lora_b` with zeros, so that at first nothing is changed;
    both are on the layer's device and in its type. `linear` is the layer that
    is given; it learns no more.

    Shapes: x (..., d_in) -> (..., d_out); lora_a (rank, d_in), lora_b
    (d_out, rank).
    Raises ValueError where the rank is below 1 or above the smaller of d_in and
    d_out.
    Source: Hu et al. 2022, section 4.1.
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        ### BEGIN SOLUTION
        self.linear, self.scale = linear.requires_grad_(False), alpha / rank
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)  # (..., rank) in between
        ### END SOLUTION

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear layer that computes the same, new: neither this one nor
        the layer that was given is changed.
        """
        ### BEGIN SOLUTION
        weight, bias = self.linear.weight, self.linear.bias
        layer = nn.Linear(weight.size(1), weight.size(0), bias is not None, weight.device, weight.dtype)
        layer.weight.copy_(weight + self.scale * self.lora_b @ self.lora_a)
        if bias is not None:
            layer.bias.copy_(bias)
        return layer
        ### END SOLUTION


def add_lora(model: nn.Module, rank: int, adapt: Callable[[nn.Linear, int], nn.Module] = LoRALinear) -> nn.Module:
    """Freeze the model and put an adapter beside each linear layer of its
    blocks; in place, and returned.
    """
    model.requires_grad_(False)
    for parent in list(model.blocks.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(parent, name, adapt(layer, rank))
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """Put the merged layer in the place of each adapter, so that the model is
    as fast as its base; in place.
    """
    for parent in list(model.blocks.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, LoRALinear):
                setattr(parent, name, layer.merged())
    return model
