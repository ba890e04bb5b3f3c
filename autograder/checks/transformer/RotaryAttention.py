"""`RotaryAttention`: read in pieces or at once, queries and keys turned, values not, a state that two texts share."""

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.common import ending, gradients, normal
from autograder.checks.transformer.memory import (
    Remembering,
    after_thousands,
    far_back,
    in_other_forms,
    keys_and_values,
    rotary_attention,
)
from autograder.checks.transformer.rotary import library_rotary
from autograder.checks.transformer.shared import from_call_to_call, read_in_pieces, turned_neighbours

exercise = Exercise("RotaryAttention")


@exercise.promise("What is returned beside the output is the state", broken_by="hands_on_the_new_ones_only")
@exercise.promise(
    "So a text read in pieces gives the numbers of the text read at once", broken_by="overwrites_what_was_read"
)
@exercise.promise("the T new ones have the positions S to S + T - 1", broken_by="starts_every_piece_at_zero")
@exercise.check(points=0.375, invariant=True)
def read_in_pieces_or_at_once(RotaryAttention, rng):
    """A text read in three pieces, the state handed over, gives what it gives read at once; without the state not."""
    module, x = rotary_attention(RotaryAttention, rng), normal(rng, 2, 7, 12)
    whole, last = module(x)
    pieces, state = read_in_pieces(module, x, [3, 1, 3])
    return {
        "before": [whole, *last],
        "after": [torch.cat(pieces, dim=1), *state],
        "must differ": [pieces[2], module(x[:, 4:])[0]],
        "change": "it was read in three pieces",
    }


@exercise.promise("queries and keys turned by their positions", broken_by="turns_nothing")
@exercise.promise("`state` holds the keys, turned already", broken_by="keeps_keys_before_turning")
@exercise.promise("The rotations have the base `self.base`", broken_by="ignores_its_base")
@exercise.promise("Keys are turned once, when they come in, and kept turned.", broken_by="turns_the_old_keys_again")
@exercise.promise("Values are never turned", broken_by="turns_the_values_too")
@exercise.promise("`attend` is called once", broken_by="attends_head_by_head")
@exercise.promise("attend=fused_attention", broken_by="attends_by_itself")
@exercise.promise("with the new ones at the end", broken_by="puts_the_new_ones_in_front")
@exercise.check(points=0.375)
def queries_and_keys_are_turned_values_are_not(RotaryAttention, rng):
    """`attend` is called once, with new queries and all keys, turned by their positions, and values as they are."""
    calls = []

    def attend(asks, offers, says):
        calls.append({"query": asks.detach(), "key": offers.detach(), "value": says.detach()})
        return says[..., -asks.size(-2) :, :]

    module = rotary_attention(RotaryAttention, rng, attend=attend)
    result, state = module(normal(rng, 2, 5, 12), keys_and_values(rng))
    module(normal(rng, 2, 6, 12))
    seen = {"one token": module(normal(rng, 2, 1, 12)), "one more": module(normal(rng, 2, 1, 12), keys_and_values(rng))}
    with torch.no_grad():
        seen["one more, without gradients"] = module.eval()(normal(rng, 2, 1, 12), keys_and_values(rng))
    module.base = 100.0
    seen["at base=100, set later"] = module(normal(rng, 2, 5, 12), keys_and_values(rng)), module(normal(rng, 2, 5, 12))
    return {"calls of attend": calls, "the result": result, "the state": state, **seen}


@exercise.promise("the values of the S tokens read before", broken_by="keeps_the_memory_to_itself")
@exercise.check(points=0.25, invariant=True)
def two_continuations_of_one_beginning(RotaryAttention, rng):
    """From one state two texts go on, and neither changes the state, nor what the other gets."""
    module, state = rotary_attention(RotaryAttention, rng), keys_and_values(rng)
    x, other = normal(rng, 2, 3, 12), normal(rng, 2, 3, 12)
    kept = [part.clone() for part in state]
    before, of_other = module(x, state)[0], module(other, state)[0]
    before_and_after: list[list[Tensor]] = [[], []]
    for gradients_are in (torch.no_grad, torch.inference_mode):
        with gradients_are():
            _, begun = module.eval()(normal(rng, 2, 3, 12), state)  # a state that the module itself has made
            old = [part.clone() for part in begun]
            result, first = module(x, begun)
            old += [result.clone(), *(part.clone() for part in first)]
            module(other[:, :2], begun), module(other[:, 1:], state), module(other)
            before_and_after[0] += old
            before_and_after[1] += [*begun, result, *first]
    module.train()
    return {
        "before": [before, *kept, *before_and_after[0]],
        "after": [module(x, state)[0], *state, *before_and_after[1]],
        "must differ": [before, of_other],
        "change": "another text had gone on from the same state",
    }


@exercise.promise("The multi-head attention of before", broken_by="forgets_w_output")
@exercise.promise("in each head", broken_by="turns_before_the_heads_are_cut")
@exercise.promise("gradients go back through the state", broken_by="takes_the_state_for_a_constant")
@exercise.check(points=0.375)
def numbers_and_gradients_of_attention(RotaryAttention, rng):
    """One head, two or six give the right result, in both modes; the gradient reaches x, state and all projections."""
    seen = {}
    for n_heads in (1, 2, 6):
        module, x = rotary_attention(RotaryAttention, rng, n_heads).train(n_heads < 6), normal(rng, 2, 5, 12)
        seen[f"n_heads={n_heads}"] = module(x)
    module, x, state = rotary_attention(RotaryAttention, rng), normal(rng, 2, 5, 12), keys_and_values(rng)
    leaves = {"x": x, "the old keys": state[0], "the old values": state[1]}
    for leaf in leaves.values():
        leaf.requires_grad_()
    middle, state = module(x, state)
    result = torch.cat([middle, module(x.detach().flip(1), state)[0]], dim=1)
    return {
        **seen,
        **gradients(result, leaves | dict(module.named_parameters()), rng),
        **far_back(RotaryAttention, rng),
    }


@exercise.promise("however long it is", broken_by="forgets_the_oldest")
@exercise.promise(
    "Shapes: x (B, T, d_model), state None or two (B, n_heads, S, d_head)", broken_by="loses_an_axis_of_one"
)
@exercise.promise("Raises ValueError, in the given constructor, where d_head", broken_by="lets_an_odd_width_pass")
@exercise.check(points=0.25, rtol=5e-3, atol=5e-3)
def from_one_token_to_a_long_text(RotaryAttention, rng):
    """A text of one token, alone in its batch, and one that goes on after 4200; an odd d_head raises ValueError."""
    module = rotary_attention(RotaryAttention, rng)
    return {
        "one token": module(normal(rng, 1, 1, 12)),
        "one more": module(normal(rng, 1, 1, 12), keys_and_values(rng, S=1, B=1)),
        "one more, after a list of two": module(normal(rng, 1, 1, 12), list(keys_and_values(rng, S=2, B=1))),
        "after 500 tokens": module.eval()(normal(rng, 2, 3, 12), keys_and_values(rng, S=500)),
        **after_thousands(RotaryAttention, rng),
        "d_head=3": ending(lambda: RotaryAttention(12, 4)),
    }


@exercise.promise("and in 16 bits too", broken_by="counts_positions_in_the_type_of_x")
@exercise.promise("Each call stands by itself", broken_by="joins_its_projections_once")
@exercise.promise("The positions live on the device of x.", broken_by="counts_positions_on_the_cpu")
@exercise.check(points=0.125, rtol=1e-3, atol=1e-3)
def attention_from_call_to_call(RotaryAttention, rng):
    """In both modes, with gradients and without, in 16 bits and 64, however x and state lie in memory."""
    module, x, one = rotary_attention(RotaryAttention, rng), normal(rng, 2, 5, 12), normal(rng, 2, 1, 12)
    state = keys_and_values(rng)
    calls = {"five words": lambda it: it(x), "one more": lambda it: it(one, state), "one": lambda it: it(one)}
    seen = from_call_to_call(module, calls, rng)
    return seen | in_other_forms(RotaryAttention, rng, x, one, state)


@exercise.mistake(hint="The order of the words does not count. Where do your queries and keys learn their positions?")
class turns_nothing(Remembering):
    def turn(self, query, key, value, positions):
        return [query, key, value]


@exercise.mistake(hint="Every piece of a text begins at position 0. How many tokens stand in the state already?")
class starts_every_piece_at_zero(Remembering):
    def positions(self, S, T):
        return super().positions(0, T)


@exercise.mistake(hint="Values are turned as well. Which of the three decide who is read, and which is what is read?")
class turns_the_values_too(Remembering):
    def turn(self, query, key, value, positions):
        return [self.rotate(part, positions) for part in (query, key, value)]


@exercise.mistake(
    hint="Only the queries are turned. What has to be turned as well, so that the difference of two positions counts?"
)
class turns_the_queries_alone(Remembering):
    def turn(self, query, key, value, positions):
        return [self.rotate(query, positions), key, value]


@exercise.mistake(hint="You set another base, and the angles stay as they were. Which base do you hand to `rotary`?")
class ignores_its_base(Remembering):
    def rotate(self, x, positions):
        return library_rotary(x, positions)


@exercise.mistake(hint="The keys in the state are turned again with each piece. Were they not when they came in?")
class turns_the_old_keys_again(Remembering):
    def remember(self, old, new):
        is_key = old is self.old_key
        return super().remember(self.rotate(old, torch.arange(old.size(-2))) if is_key else old, new)

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
    hint="You keep keys as they were projected, and turn all of them with each piece. How often should a key be turned?"
)
class turns_all_keys_with_each_piece(Remembering):
    def forward(self, x, state=None):
        query, key, value = map(self.split, self.project(x))
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        everywhere = self.positions(0, key.size(-2))
        turned = self.rotate(query, everywhere[-x.size(1) :]), self.rotate(key, everywhere)
        return self.w_output(self.merge(self.attend(*turned, value))), (key, value)


@exercise.mistake(hint="Your results are right and your keys are not. At which position does a text begin?")
class counts_positions_from_one(Remembering):
    def positions(self, S, T):
        return super().positions(S + 1, T)


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
    def rotate(self, x, positions):
        return turned_neighbours(x, positions, self.base)


@exercise.mistake(
    hint="You cut rows of d_model numbers straight into (B, n_heads, T, d_head). Which axes have to change places "
    "after a cut into (B, T, n_heads, d_head)?"
)
class cuts_heads_without_a_swap(Remembering):
    def split(self, x):
        return x.reshape(x.size(0), self.n_heads, x.size(1), -1)

    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@exercise.mistake(
    hint="You put the heads side by side without a swap. Is position or head the second axis of what `attend` gives?"
)
class joins_heads_without_a_swap(Remembering):
    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@exercise.mistake(hint="The heads stand side by side, and that is your result. Which matrix has not been used?")
class forgets_w_output(Remembering):
    def forward(self, x, state=None):
        given, self.w_output = self.w_output, nn.Identity()
        try:
            return super().forward(x, state)
        finally:
            self.w_output = given


@exercise.mistake(hint="You call `attend` for each head. On how many axes in front of (T, d_head) does it work?")
class attends_head_by_head(Remembering):
    def forward(self, x, state=None):
        whole = self.attend

        def attend(*parts):
            return torch.cat([whole(*its) for its in zip(*(part.split(1, dim=1) for part in parts))], dim=1)

        self.attend = attend
        try:
            return super().forward(x, state)
        finally:
            self.attend = whole


@exercise.mistake(hint="Your layer never calls the `attend` that it was given. Which kernel do you call?")
class attends_by_itself(Remembering):
    def forward(self, x, state=None):
        given, self.attend = self.attend, library_causal_attention
        try:
            return super().forward(x, state)
        finally:
            self.attend = given


@exercise.mistake(
    hint="Your layer goes on from what it has read itself, and not from the state. What if two texts are read in turns?"
)
class keeps_the_memory_to_itself(Remembering):
    def forward(self, x, state=None):
        result, self.kept = super().forward(x, getattr(self, "kept", None) if state else None)
        return result, self.kept


@exercise.mistake(hint="The first piece gets no gradient from the later ones. Do you detach what you keep?")
class takes_the_state_for_a_constant(Remembering):
    def remember(self, old, new):
        return super().remember(old.detach(), new)


@exercise.mistake(hint="Of a long text only the end is read. Where do you cut what is kept, or a table of angles?")
class forgets_the_oldest(Remembering):
    def remember(self, old, new):
        return super().remember(old, new)[..., -max(new.size(-2), 64) :, :]


@exercise.mistake(hint="Where there is one text, or one token, an axis gets lost. Where do you squeeze?")
class loses_an_axis_of_one(Remembering):
    def forward(self, x, state=None):
        result, state = super().forward(x, state)
        return result.squeeze(0), state


@exercise.mistake(hint="A layer with heads of three numbers can be made. What does the given constructor say to it?")
class lets_an_odd_width_pass(Remembering):
    def refuse(self, d_head):
        pass


@exercise.mistake(hint="In 16 bits your far positions are rounded. Of which type are they? What is 3002 in bfloat16?")
class counts_positions_in_the_type_of_x(Remembering):
    def positions(self, S, T):
        return super().positions(S, T).to(self.w_query.weight.dtype)


@exercise.mistake(hint="Your positions are on the CPU, wherever x is. What does `torch.arange` take for `device`?")
class counts_positions_on_the_cpu(Remembering):
    def rotate(self, x, positions):
        return library_rotary(x, positions, self.base, device=torch.device("cpu"))


@exercise.mistake(hint="In evaluation mode you project by weights of an earlier call. What if they changed since?")
class joins_its_projections_once(Remembering):
    def project(self, x):
        if self.training:
            return super().project(x)
        if "joined" not in self.__dict__:
            three = self.w_query.weight, self.w_key.weight, self.w_value.weight
            self.__dict__["joined"] = torch.cat(three).detach().clone()
        return list((x @ self.joined.to(x).T).chunk(3, dim=-1))


exercise.edges(
    empty="No sentence says what no token gives.",
    one="from_one_token_to_a_long_text",
    equal="No two are compared.",
    zero="A norm before it sees to the size.",
    ties="No two are compared.",
    large="The size of scores is the business of `attend`.",
    small="The size of scores is the business of `attend`.",
    limit="from_one_token_to_a_long_text",
    shapes="from_one_token_to_a_long_text",
    modes="numbers_and_gradients_of_attention",
    gradients="There is no step that could meet old ones.",
    inputs="numbers_and_gradients_of_attention",
)
exercise.given(Remembering)
