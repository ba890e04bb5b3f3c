"""`RotaryAttention`: read in pieces or at once, queries and keys turned, values not, a state that two texts share."""

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.attention.shared import FourProjections
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.rotary import library_rotary
from autograder.checks.transformer.shared import State, read_in_pieces, seeded, turned_neighbours, with_weights

exercise = Exercise("RotaryAttention")


class Remembering(FourProjections):
    """Rotary attention with its parts to override, so that one of them can be wrong."""

    def positions(self, S: int, T: int) -> Tensor:
        return torch.arange(S, S + T)

    def turn(self, query: Tensor, key: Tensor, value: Tensor, positions: Tensor) -> list[Tensor]:
        return [library_rotary(query, positions), library_rotary(key, positions), value]

    def remember(self, old: Tensor, new: Tensor) -> Tensor:
        return torch.cat([old, new], dim=-2)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        S = state[0].size(-2) if state else 0
        query, key, value = self.turn(*map(self.split, self.project(x)), self.positions(S, x.size(1)))
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        return self.w_output(self.merge(self.attend(query, key, value))), (key, value)


def rotary_attention(RotaryAttention, rng: torch.Generator, n_heads: int = 3, attend=None) -> nn.Module:
    """The learner's module of width 12, with random weights."""
    weights = seeded(Remembering(12, n_heads), rng).state_dict()
    return with_weights(RotaryAttention(12, n_heads, attend or library_causal_attention), weights)


def keys_and_values(rng: torch.Generator, S: int = 4) -> tuple[Tensor, Tensor]:
    """The state of a layer of width 12, three heads, after S tokens of two texts."""
    return normal(rng, 2, 3, S, 4), normal(rng, 2, 3, S, 4)


@exercise.check(points=0.5, invariant=True)
def read_in_pieces_or_at_once(RotaryAttention, rng):
    """A text read in three pieces, the state handed over, gives what it gives read at once; without the state not."""
    module, x = rotary_attention(RotaryAttention, rng), normal(rng, 2, 7, 12)
    whole, last = module(x)
    pieces, state = read_in_pieces(module, x, [3, 1, 3])
    return {
        "before": [whole, *last],
        "after": [torch.cat(pieces, dim=1), *state],
        "must differ": [pieces[2], module(x[:, 4:])[0]],
    }


@exercise.check(points=0.5)
def queries_and_keys_are_turned_values_are_not(RotaryAttention, rng):
    """`attend` is called once, with new queries and all keys, turned by their positions, and values as they are."""
    calls = []

    def attend(query, key, value):
        calls.append({"query": query.detach(), "key": key.detach(), "value": value.detach()})
        return value[..., -query.size(-2) :, :]

    module = rotary_attention(RotaryAttention, rng, attend=attend)
    result, state = module(normal(rng, 2, 5, 12), keys_and_values(rng))
    module(normal(rng, 2, 6, 12))
    return {"calls of attend": calls, "the result": result, "the state": state}


@exercise.check(points=0.25, invariant=True)
def two_continuations_of_one_beginning(RotaryAttention, rng):
    """From one state two texts go on, and neither changes the state, nor what the other gets."""
    module, state = rotary_attention(RotaryAttention, rng), keys_and_values(rng)
    x, other = normal(rng, 2, 3, 12), normal(rng, 2, 3, 12)
    kept = [part.clone() for part in state]
    before, of_other = module(x, state)[0], module(other, state)[0]
    return {"before": [before, *kept], "after": [module(x, state)[0], *state], "must differ": [before, of_other]}


@exercise.check(points=0.5)
def numbers_and_gradients_of_attention(RotaryAttention, rng):
    """One head, two or six give the right result; the gradient reaches x, the state and all four projections."""
    seen = {}
    for n_heads in (1, 2, 6):
        seen[f"n_heads={n_heads}"] = rotary_attention(RotaryAttention, rng, n_heads)(normal(rng, 2, 5, 12))
    module, x, state = rotary_attention(RotaryAttention, rng), normal(rng, 2, 5, 12), keys_and_values(rng)
    leaves = {"x": x, "the old keys": state[0], "the old values": state[1]}
    for leaf in leaves.values():
        leaf.requires_grad_()
    return {**seen, **gradients(module(x, state)[0], leaves | dict(module.named_parameters()), rng)}


@exercise.mistake(hint="The order of the words does not count. Where do your queries and keys learn their positions?")
class turns_nothing(Remembering):
    def turn(self, query, key, value, positions):
        return [query, key, value]


@exercise.mistake(hint="Every piece of a text begins at position 0. How many tokens stand in the state already?")
class starts_every_piece_at_zero(Remembering):
    def positions(self, S, T):
        return torch.arange(T)


@exercise.mistake(hint="Values are turned as well. Which of the three decide who is read, and which is what is read?")
class turns_the_values_too(Remembering):
    def turn(self, query, key, value, positions):
        return [library_rotary(part, positions) for part in (query, key, value)]


@exercise.mistake(
    hint="Only the queries are turned. What has to be turned as well, so that the difference of two positions counts?"
)
class turns_the_queries_alone(Remembering):
    def turn(self, query, key, value, positions):
        return [library_rotary(query, positions), key, value]


@exercise.mistake(
    hint="The keys in the state are turned once more with each piece. Were they not turned when they came in?"
)
class turns_the_old_keys_again(Remembering):
    def remember(self, old, new):
        is_key = old is self.old_key
        return super().remember(library_rotary(old, torch.arange(old.size(-2))) if is_key else old, new)

    def forward(self, x, state=None):
        self.old_key = state[0] if state else None
        return super().forward(x, state)


@exercise.mistake(
    hint="The keys that you keep have not been turned. When they are read with the next piece, who turns them?"
)
class keeps_keys_before_turning(Remembering):
    def turn(self, query, key, value, positions):
        self.new_key = key
        return super().turn(query, key, value, positions)

    def forward(self, x, state=None):
        result, (_, value) = super().forward(x, state)
        key = self.new_key
        return result, (self.remember(state[0], key) if state else key, value)


@exercise.mistake(
    hint="You turn whole rows of d_model numbers before they are cut into heads. How wide is a vector that asks?"
)
class turns_before_the_heads_are_cut(Remembering):
    def forward(self, x, state=None):
        S = state[0].size(-2) if state else 0
        flat = self.turn(*self.project(x), self.positions(S, x.size(1)))
        query, key, value = map(self.split, flat)
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        return self.w_output(self.merge(self.attend(query, key, value))), (key, value)


@exercise.mistake(hint="With a state you read only what is new. What do you do with the keys and values in it?")
class overwrites_what_was_read(Remembering):
    def remember(self, old, new):
        return new


@exercise.mistake(hint="All is read, and only the new keys and values are handed on. What will the next piece miss?")
class hands_on_the_new_ones_only(Remembering):
    def forward(self, x, state=None):
        result, (key, value) = super().forward(x, state)
        return result, (key[..., -x.size(1) :, :], value[..., -x.size(1) :, :])


@exercise.mistake(hint="The new keys stand in front of the old ones. Which come first in the text?")
class puts_the_new_ones_in_front(Remembering):
    def remember(self, old, new):
        return torch.cat([new, old], dim=-2)


@exercise.mistake(
    hint="You join old and new along the heads. Which axis of (B, n_heads, S, d_head) counts the positions?"
)
class joins_along_the_heads(Remembering):
    def remember(self, old, new):
        return torch.cat([old, new], dim=1)


@exercise.mistake(hint="The memory is right, but the pairs that are turned are neighbours. Does `check(rotary)` pass?")
class stands_on_turned_neighbours(Remembering):
    def turn(self, query, key, value, positions):
        return [turned_neighbours(query, positions), turned_neighbours(key, positions), value]


exercise.given(Remembering)
