# %% wrong: block_after_block
# "The state is one list, round after round and block after block in each, as each round has keys and values of its own; None for the start of a text; a tuple of states is as good."
# keeps the states of a block side by side, its rounds one behind the other: it understands its own lists, but the order is another
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        old = list(state or [None] * n_states)
        new = [None] * n_states
        x = self.model.embedding(tokens)
        for i in range(n_rounds):
            for j, block in enumerate(self.model.blocks):
                place = j * n_rounds + i
                x, new[place] = block(x, old[place])
        return self.model.output(self.model.norm(x)), new


# %% wrong: updates_the_list_that_it_was_given
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# writes the new states into the caller's list, so that a text cannot be continued twice from the same state
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        states = state or [None] * n_states
        if isinstance(states, tuple):
            states = list(states)
        x = self.model.embedding(tokens)
        for i in range(n_states):
            x, states[i] = self.model.blocks[i % len(self.model.blocks)](x, states[i])
        return self.model.output(self.model.norm(x)), states


# %% wrong: remembers_the_rounds_of_the_last_call
# "`n_rounds` is how many rounds are run where a call does not say otherwise."
# what one call says stays for all later calls
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        if n_rounds is not None:
            if n_rounds < 1:
                raise ValueError(f"n_rounds={n_rounds}: one at least")
            self.n_rounds = n_rounds
        if self.n_rounds < 1:
            raise ValueError(f"n_rounds={self.n_rounds}: one at least")
        n_states = self.n_rounds * len(self.model.blocks)
        if state and len(state) != n_states:
            raise ValueError(f"{self.n_rounds} round(s) have {n_states} states, not {len(state)}")
        before, states = iter(state or [None] * n_states), []
        x = self.model.embedding(tokens)
        for _ in range(self.n_rounds):
            for block in self.model.blocks:
                x, new = block(x, next(before))
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: learns_from_the_last_round
# "Gradients go back through all rounds."
# cuts the graph between rounds, so that the last one alone, and not the embedding, gets a gradient where there are several
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        before, states = iter(state or [None] * n_states), []
        x = self.model.embedding(tokens)
        for i in range(n_rounds):
            if i > 0:
                x = x.detach()  # memory for one round, whatever their number
            for block in self.model.blocks:
                x, new = block(x, next(before))
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: takes_the_rounds_of_the_state
# "Raises ValueError for fewer rounds than one, and for a state of another number of rounds."
# where a call does not name the rounds, it runs as many as the state has, instead of refusing a state of another number
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_blocks = len(self.model.blocks)
        if n_rounds is None:
            n_rounds = len(state) // n_blocks if state and self.n_rounds >= 1 else self.n_rounds
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        n_states = n_rounds * n_blocks
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        state = state or [None] * n_states
        x, states = self.model.embedding(tokens), []
        for i in range(n_rounds):
            for block, old in zip(self.model.blocks, state[i * n_blocks : (i + 1) * n_blocks]):
                x, new = block(x, old)
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: block_after_block_too
# "The state is one list, round after round and block after block in each"
# the states are kept by block, and in each by round: consistent with itself, but in another order
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        states = list(state) if state else [None] * n_states
        x = self.model.embedding(tokens)
        for i in range(n_rounds):
            for j, block in enumerate(self.model.blocks):
                at = j * n_rounds + i
                x, states[at] = block(x, states[at])
        return self.model.output(self.model.norm(x)), states


# %% wrong: gradients_through_the_last_four_rounds
# "Gradients go back through all rounds."
# runs all but the last four rounds without gradients, as long loops are often trained
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        before = iter(state or [None] * n_states)
        x, states = self.model.embedding(tokens), []
        for i in range(n_rounds):
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= n_rounds - 4):
                for block in self.model.blocks:
                    x, new = block(x, next(before))
                    states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: a_call_that_is_remembered
# "`n_rounds` is how many rounds are run where a call does not say otherwise."
# a call with a number of rounds of its own changes the default of the calls after it
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        self.n_rounds = n_rounds
        before = iter(state or [None] * n_states)
        x, states = self.model.embedding(tokens), []
        for _ in range(self.n_rounds):
            for block in self.model.blocks:
                x, new = block(x, next(before))
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: state_written_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# writes the new states into the list that it was handed, so that a text cannot be gone on with twice
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        states = state or [None] * n_states
        if not isinstance(states, list):
            states = list(states)
        x, at = self.model.embedding(tokens), 0
        for _ in range(n_rounds):
            for block in self.model.blocks:
                x, states[at] = block(x, states[at])
                at += 1
        return self.model.output(self.model.norm(x)), states


# %% wrong: a_tuple_is_no_state
# "a tuple of states is as good"
# asks whether the state is a list: a tuple is taken, without a word, for the start of a text
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        known = isinstance(state, list) and len(state) > 0
        x, states = self.model.embedding(tokens), []
        for _ in range(n_rounds):
            for block in self.model.blocks:
                x, new = block(x, state[len(states)] if known else None)
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% wrong: gradients_of_the_last_eight_rounds
# breaks: "Gradients go back through all rounds."
# how: truncated as in the published recurrent-depth models: gradients stop in front of the last eight rounds, which shows from nine rounds on
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        before, states = iter(state or [None] * n_states), []
        x = self.model.embedding(tokens)
        for round_ in range(n_rounds):
            if round_ and round_ == n_rounds - 8:
                x = x.detach()  # memory does not grow with the rounds
            for block in self.model.blocks:
                x, new = block(x, next(before))
                states.append(new)
        return self.model.output(self.model.norm(x)), states


# %% right: one_long_line_of_blocks
# the blocks repeated as a line, folded by functools.reduce over pairs of a block and its state
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.add_module("model", model)
        self.n_rounds = n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        from functools import reduce

        rounds = n_rounds if n_rounds is not None else self.n_rounds
        if rounds <= 0:
            raise ValueError("one round at least")
        line = [block for _ in range(rounds) for block in self.model.blocks]
        if state and len(state) != len(line):
            raise ValueError("a state of other rounds")

        def onward(so_far, pair):
            stream, states = so_far
            stream, new = pair[0](stream, pair[1])
            return stream, (*states, new)

        pairs = zip(line, tuple(state) if state else (None,) * len(line))
        stream, states = reduce(onward, pairs, (self.model.embedding(tokens), ()))
        return self.model.output(self.model.norm(stream)), list(states)


# %% right: a_round_calls_the_next
# recursion over the rounds, the last block's output handed down, and the lists of states put together on the way back
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def _round(self, x: Tensor, old: list, left: int) -> tuple[Tensor, list]:
        if left == 0:
            return x, []
        mine, theirs = old[: len(self.model.blocks)], old[len(self.model.blocks) :]
        new = []
        for k in range(len(mine)):
            given = self.model.blocks[k](x, mine[k])
            x = given[0]
            new.append(given[1])
        x, behind = self._round(x, theirs, left - 1)
        return x, new + behind

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        if n_rounds is None:
            n_rounds = self.n_rounds
        if n_rounds < 1:
            raise ValueError(f"{n_rounds} rounds")
        old = [*state] if state else [None] * (n_rounds * len(self.model.blocks))
        if len(old) != n_rounds * len(self.model.blocks):
            raise ValueError(f"{len(old)} states")
        x, states = self._round(self.model.embedding(tokens), old, n_rounds)
        return self.model.output(self.model.norm(x)), states


# %% right: rounds_by_recursion
# a round calls the next one with what is left of the state; blocks are folded by reduce
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def _think(self, x: Tensor, old: tuple, left: int) -> tuple[Tensor, tuple]:
        from functools import reduce

        if left == 0:
            return x, ()
        blocks = list(self.model.blocks)

        def through(so_far, pair):
            stream, news = so_far
            stream, new = pair[0](stream, pair[1])
            return stream, (*news, new)

        x, news = reduce(through, zip(blocks, old), (x, ()))
        x, later = self._think(x, old[len(blocks) :], left - 1)
        return x, news + later

    def forward(self, tokens, state=None, n_rounds=None):
        if n_rounds is None:
            n_rounds = self.n_rounds
        if n_rounds < 1:
            raise ValueError("one round at least")
        n_states = n_rounds * len(self.model.blocks)
        if state is None or len(state) == 0:
            state = (None,) * n_states
        if len(state) != n_states:
            raise ValueError(f"{n_states} states, not {len(state)}")
        x, states = self._think(self.model.embedding(tokens), tuple(state), n_rounds)
        return self.model.output(self.model.norm(x)), list(states)


# %% right: one_flat_walk
# a single while loop over a counter, whose remainder names the block; the states in a dictionary first
class LatentLoop(nn.Module):
    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.n_rounds = n_rounds
        self.add_module("model", model)

    def forward(self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None):
        rounds = n_rounds if n_rounds is not None else self.n_rounds
        if not rounds >= 1:
            raise ValueError(f"n_rounds={rounds}: one at least")
        blocks = self.model.blocks
        last = rounds * len(blocks)
        if state and len(state) != last:
            raise ValueError(f"{last} states are due")
        old = dict(enumerate(state or ()))
        new: dict = {}
        stream = self.model.embedding(tokens)
        at = 0
        while at < last:
            stream, new[at] = blocks[at % len(blocks)](stream, old.get(at))
            at += 1
        return self.model.output(self.model.norm(stream)), [new[i] for i in range(last)]
