# %% right: a_tuple_of_states
# "The state is a list of the layers' states (a tuple is as good)"
# The states come back in a tuple.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        x, new_states = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), tuple(new_states)


# %% wrong: token_zero_is_padding
# "the embedding matrix $E$, which has a row for each token"
# Token 0 is embedded as padding: right numbers, but its row gets no gradient from the input.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        x, new_states = F.embedding(tokens, self.embedding.weight, padding_idx=0), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: the_state_is_cut_off
# "also back through the state that is handed on."
# What is returned as the state has no history.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        x, new_states = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), [tuple(p.detach() for p in s) if isinstance(s, tuple) else s.detach() if isinstance(s, Tensor) else s for s in new_states]


# %% right: rows_by_one_hot_vectors
# The embedding is a product with one-hot vectors, the output a product by einsum, and the layers are taken by number.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        E = self.embedding.weight
        x = F.one_hot(tokens, E.size(0)).to(E.dtype) @ E
        after = {}
        for number in range(len(self.layers)):
            before = None if state is None else state[number]
            x, after[number] = self.scan(self.layers[number], x, before)
        logits = torch.einsum("btd,vd->btv", x, self.output.weight) + self.output.bias
        return logits, list(after.values())


# %% right: from_layer_to_layer_by_recursion
# The text goes up through the layers by recursion, and the states are put together on the way back.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        def climb(x, layers, states):
            if not layers:
                return x, []
            x, first = self.scan(layers[0], x, states[0])
            x, others = climb(x, layers[1:], states[1:])
            return x, [first] + others

        states = [None for _ in self.layers] if state is None else [*state]
        embedded = self.embedding.weight.index_select(0, tokens.flatten()).unflatten(0, tokens.shape)
        x, states = climb(embedded, list(self.layers), states)
        return F.linear(x, self.output.weight, self.output.bias), states


# %% wrong: zeros_in_place_of_none
# "None for the start of a text: then each layer gets None"
# Makes zeros (h, c) for the LSTM at the start of a text; other cells get None.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        if state is None:
            zeros = self.embedding.weight.new_zeros(tokens.size(0), self.embedding.embedding_dim)
            state = [(zeros, zeros) if isinstance(layer, LSTMCell) else None for layer in self.layers]
        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(s)
        return self.output(x), new


# %% wrong: goes_on_where_it_stopped
# "None for the start of a text"
# Keeps the last states in the model and, in evaluation mode, goes on from them when none are given.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        if state is None and not self.training and getattr(self, "memory", None) is not None and self.memory[0] == tokens.size(0):
            state = self.memory[1]
        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(s)

        self.memory = (tokens.size(0), new) if not torch.is_grad_enabled() else None
        return self.output(x), new


# %% wrong: own_scan_for_own_cells
# "`scan(layer, x, state)` runs it along the text"
# Takes rnn_scan for every cell, whatever scan was given; other layers run on self.scan.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            run = rnn_scan if isinstance(layer, nn.RNNCellBase) else self.scan
            x, s = run(layer, x, s)
            new.append(s)
        return self.output(x), new


# %% wrong: no_gradient_in_evaluation_mode
# "A gradient reaches every weight"
# Switches gradients off in evaluation mode.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
            x, new = self.embedding(tokens), []
            for layer, s in zip(self.layers, state or [None] * len(self.layers)):
                x, s = self.scan(layer, x, s)
                new.append(s)
            return self.output(x), new


# %% wrong: embedding_looked_up_without_gradient_when_tied
# "A gradient reaches every weight [through both places of a tied weight]"
# Where weights are tied, looks the embeddings up detached: the weight has a gradient, from the output only.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        E = self.embedding.weight
        x, new = F.embedding(tokens, E.detach() if self.output.weight is E else E), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(s)
        return self.output(x), new


# %% right: one_hot_and_a_tuple
# One-hot times the embedding matrix, the states in a tuple, the output by hand.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        E = self.embedding.weight
        x, new = F.one_hot(tokens.long(), E.size(0)).to(E.dtype) @ E, ()
        for number in range(len(self.layers)):
            x, s = self.scan(self.layers[number], x, None if state is None else state[number])
            new += (s,)
        return torch.einsum("btd,vd->btv", x, self.output.weight) + self.output.bias, new


# %% right: recursion_over_layers
# A helper that calls itself for the layers above.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        def climb(x, layers, states):
            if not layers:
                return x, []
            x, s = self.scan(layers[0], x, states[0])
            top, rest = climb(x, layers[1:], states[1:])
            return top, [s, *rest]
        x, new = climb(self.embedding(tokens), list(self.layers), [None] * len(self.layers) if state is None else list(state))
        return self.output(x), new


# %% wrong: state_cut_off
# "In both a gradient reaches every weight, also back through the state that is handed on."
# Returns the states without their history.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        def cut(s):
            if isinstance(s, Tensor):
                return s.detach()
            return type(s)(cut(part) for part in s) if isinstance(s, (tuple, list)) else s

        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state if state is not None else [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(cut(s))
        return self.output(x), new


# %% wrong: state_cut_off_in_evaluation
# "In both a gradient reaches every weight, also back through the state that is handed on."
# Cuts the given state off in evaluation mode only.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        def cut(s):
            if isinstance(s, Tensor):
                return s.detach()
            return type(s)(cut(part) for part in s) if isinstance(s, (tuple, list)) else s

        if state is not None and not self.training:
            state = cut(state)
        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state if state is not None else [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(s)
        return self.output(x), new


# %% wrong: two_arguments_at_the_start
# "None for the start of a text: then each layer gets None, whatever it is"
# Calls scan without a state at the start, so a scan with another default begins elsewhere.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        x, new = self.embedding(tokens), []
        for l, layer in enumerate(self.layers):
            x, s = self.scan(layer, x) if state is None else self.scan(layer, x, state[l])
            new.append(s)
        return self.output(x), new


# %% wrong: tied_output_frozen
# "With `tied`, the embedding of a token is also its row in the output layer; a gradient reaches every weight"
# Where tied, the output layer uses the matrix without its gradient: tokens that were not read get none.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        x, new = self.embedding(tokens), []
        for layer, s in zip(self.layers, state if state is not None else [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new.append(s)
        weight = self.output.weight
        return F.linear(x, weight.detach() if weight is self.embedding.weight else weight, self.output.bias), new


# %% wrong: zeros_for_recurrent_cells
# "None for the start of a text: then each layer gets None, whatever it is"
# Gives PyTorch's RNNCell and GRUCell, and cells like them, a state of zeros; only what has four blocks gets None.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        x, new = self.embedding(tokens), []
        for l, layer in enumerate(self.layers):
            s = None if state is None else state[l]
            if s is None and getattr(layer, "weight_hh", None) is not None and layer.weight_hh.size(0) != 4 * x.size(-1):
                s = x.new_zeros(x.size(0), x.size(-1))
            x, s = self.scan(layer, x, s)
            new.append(s)
        return self.output(x), new


# %% right: recursion_over_layers_too
# A helper that calls itself layer by layer; the states come back as a tuple.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        def climb(l, x):
            if l == len(self.layers):
                return x, ()
            x, s = self.scan(self.layers[l], x, state[l] if state is not None else None)
            top, above = climb(l + 1, x)
            return top, (s, *above)

        x, states = climb(0, F.embedding(tokens, self.embedding.weight))
        return x @ self.output.weight.T + self.output.bias, states


# %% right: one_hot
# One-hot rows times the embedding matrix, and the states in a dictionary first.
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        weight, states = self.embedding.weight, {}
        x = F.one_hot(tokens.long(), weight.size(0)).to(weight.dtype) @ weight
        for l, layer in enumerate(self.layers):
            x, states[l] = self.scan(layer, x, None if state is None else state[l])
        return self.output(x), [states[l] for l in range(len(self.layers))]


# %% wrong: token_zero_is_padding_again
# "In both a gradient reaches every weight"
# a text with token 0 in it, not tied: row 0 of the embedding gets a gradient of zero
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        states = [None] * len(self.layers) if state is None else state
        x, new = F.embedding(tokens, self.embedding.weight, padding_idx=0), []
        for layer, before in zip(self.layers, states):
            x, last = self.scan(layer, x, before)
            new.append(last)
        return self.output(x), new


# %% wrong: fused_layers_run_themselves
# "`scan(layer, x, state)` runs it along the text and returns what it gives at every position and its last state"
# layer=nn.GRU (positions first) and a scan that swaps the first two dimensions: the layer runs along the batch
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        states = [None] * len(self.layers) if state is None else state
        x, new = self.embedding(tokens), []
        for layer, before in zip(self.layers, states):
            run = layer if isinstance(layer, nn.RNNBase) else partial(self.scan, layer)  # these have a loop of their own
            x, last = run(x, before)
            new.append(last)
        return self.output(x), new


# %% wrong: bare_tuple_for_one_layer
# "A tuple of states is as good, as argument and as result."
# n_layers=1 with LSTMCell and the state ((h, c),): the cell gets ((h, c),) for its own state and raises
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        if state is None:
            state = [None] * len(self.layers)
        elif len(self.layers) == 1 and isinstance(state, tuple):  # a single LSTM: its (h, c) will do
            state = [state]
        x, new = self.embedding(tokens), []
        for layer, before in zip(self.layers, state):
            x, last = self.scan(layer, x, before)
            new.append(last)
        return self.output(x), new


# %% right: recursion_over_layers_again
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        def climb(x, layers, states):
            if not layers:
                return x, ()
            x, first = self.scan(layers[0], x, states[0])
            x, rest = climb(x, layers[1:], states[1:])
            return x, (first, *rest)

        layers = list(self.layers)
        top, new = climb(self.embedding(tokens), layers, [None for _ in layers] if state is None else list(state))
        return self.output(top), new


# %% right: one_hot_and_einsum
class RecurrentLanguageModel(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        from itertools import repeat

        table = self.embedding.weight
        x = torch.einsum("btv,vd->btd", F.one_hot(tokens.long(), table.size(0)).to(table.dtype), table)
        new: dict[int, State] = {}
        for l, (layer, before) in enumerate(zip(self.layers, repeat(None) if state is None else iter(state))):
            x, new[l] = self.scan(layer, x, before)
        logits = torch.einsum("btd,vd->btv", x, self.output.weight) + self.output.bias
        return logits, list(new.values())
