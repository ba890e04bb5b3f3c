# %% wrong: overwrites_the_callers_list
# "collecting the new states in"
# The new states are written into the list that was passed, so one cannot read on twice from the same state.
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
        x = self.embedding(tokens)
        if state is None:
            state = [None] * len(self.layers)
        for i, layer in enumerate(self.layers):
            x, state[i] = self.scan(layer, x, state[i])
        return self.output(x), state


# %% wrong: a_tuple_of_states
# "The state is a list of the layers' states, None for the start of a text."
# The states come back in a tuple, which reads on just as well, but is no list.
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


# %% wrong: always_cell_by_cell
# "fused layers: `layer=partial(nn.LSTM, batch_first=True), scan=operator.call`."
# rnn_scan is called by name, and the argument scan is never used.
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
            x, s = rnn_scan(layer, x, s)
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: state_by_keyword
# "self.scan(layer, x, state) -> x, state"
# The state is passed by its keyword, which operator.call hands on to nn.LSTM, and that has no argument of this name.
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
            x, s = self.scan(layer, x, state=s)
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: starts_from_the_layer_below
# "Where `state` is None, each layer gets None."
# Without a state, each layer above the first begins with the last state of the layer below.
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
        x, s, new_states = self.embedding(tokens), None, []
        for i, layer in enumerate(self.layers):
            x, s = self.scan(layer, x, s if state is None else state[i])
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: dropout_between_the_layers
# "Each layer reads what the layer below gives"
# In training mode a tenth of what a layer reads is dropped, as in Zaremba et al.; in evaluation mode all is right.
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
            x = F.dropout(x, p=0.1, training=self.training)
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: last_word_only_in_evaluation
# "Shapes: tokens (B, T) -> logits (B, T, vocab_size), state."
# In evaluation mode only the logits of the last position are made, since only these are needed for writing.
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
        if not self.training:
            x = x[:, -1:]
        return self.output(x), new_states


# %% wrong: tied_only_at_first
# "is also its row in the output layer"
# With tied, the embedding is copied into the output layer: equal at first, but two weights that training drives apart.
class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
            self.output.weight = nn.Parameter(self.embedding.weight.detach().clone())

    def forward(self, tokens, state=None):
        x, new_states = self.embedding(tokens), []
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), new_states


# %% wrong: larger_embeddings_where_tied
# "x^{(0)}_t = E[w_t], \qquad"
# With tied, the embeddings are multiplied by the root of d_model on the way in, as in the transformer.
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
        if self.output.weight is self.embedding.weight:
            x = x * x.size(-1) ** 0.5
        for layer, s in zip(self.layers, state or [None] * len(self.layers)):
            x, s = self.scan(layer, x, s)
            new_states.append(s)
        return self.output(x), new_states


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


# %% wrong: state_of_the_top_layer
# "from its *own* state $s^{(l)}$ on"
# What is handed on and read is the state of the top layer for all of them; a text read at once is right.
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
        return self.output(x), [new_states[-1]] * len(new_states)


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
