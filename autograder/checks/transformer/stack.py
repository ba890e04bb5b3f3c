"""What `GPT` is asked with: a model with its parts, one on blocks of ours, and blocks that tell what they read."""

import math

import torch
from torch import Tensor, nn

from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.transformer.Block import Layer
from autograder.checks.transformer.shared import Norm, State, seeded, with_weights

SIZES = {"vocab_size": 11, "context": 9, "d_model": 8, "n_layers": 2, "n_heads": 2}


class Stack(nn.Module):
    """A GPT with its parts to override, so that one of them can be wrong."""

    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=library_causal_attention):
        super().__init__()
        self.context, self.embedding = context, nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Layer(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm, self.output = Norm(d_model), nn.Linear(d_model, vocab_size, bias=False)
        self.tie()
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=self.deviation(name.endswith(("w_output.weight", "w_down.weight"))))

    def deviation(self, writes: bool) -> float:
        return 0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02

    def tie(self) -> None:
        self.output.weight = self.embedding.weight

    def length(self, T: int, S: int) -> int:
        return T + S

    def bottom(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def before(self, state: list | None, index: int, below: State) -> State:
        return state[index] if state else None

    def climb(self, x: Tensor, state: list | None) -> tuple[list[Tensor], list]:
        """What each block gives, the embedding first, and the states after."""
        levels, after = [x], []
        for index, block in enumerate(self.blocks):
            x, new = block(self.reads(levels), self.before(state, index, after[-1] if after else None))
            levels.append(self.goes_on(levels, x))
            after.append(new)
        return levels, after

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def goes_on(self, levels: list[Tensor], x: Tensor) -> Tensor:
        return x

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(self.norm(levels[-1]))

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        if self.length(tokens.size(1), state[0][0].size(-2) if state else 0) > self.context:
            raise ValueError("longer than the context")
        levels, after = self.climb(self.bottom(tokens), state)
        return self.top(levels), after


def gpt_on_our_blocks(GPT, rng: torch.Generator, **sizes: int) -> nn.Module:
    """The learner's model, on blocks and a norm of ours, with random weights."""
    sizes = SIZES | sizes
    own = seeded(Stack(**sizes), rng)
    model = with_weights(GPT(**sizes, attend=library_causal_attention), own.state_dict())
    model.blocks, model.norm = own.blocks, own.norm
    return model


class Witness(nn.Module):
    """A block whose results tell which block it is, what it has read, and the state that it was given.

    It adds up all that it has read, so that it gives the same for a text at once and for one in pieces.
    """

    def __init__(self, index: int):
        super().__init__()
        self.index = index

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        old = state[0] if state else x.new_zeros(len(x), 1, 0, x.size(-1))
        memory = torch.cat([old, x.unsqueeze(1)], dim=2)  # (B, 1, S + T, d_model)
        read = memory.cumsum(dim=2)[:, 0, -x.size(1) :]
        return (self.index + 2) * x + read, (memory, memory + self.index)
