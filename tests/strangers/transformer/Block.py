# %% wrong: the_way_past_is_cut
# "If each layer only *adds* to a stream that runs past it, a word stays itself, and the gradient has a way down"
# The stream is detached where it goes past: same numbers, and the gradient has only the way through the parts.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        x = x.detach() + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% right: a_sum_of_three
# What is found is collected, and the stream is the sum of the collection; no x is ever assigned.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        findings = [x]

        def stream():
            return torch.stack(findings).sum(dim=0)

        result, memory = self.attention(self.attention_norm(stream()), state)
        findings.append(result)
        findings.append(self.feed_forward(self.feed_forward_norm(stream())))
        return stream(), memory


# %% right: one_flat_list_of_positions
# The second part reads all positions of all texts as one flat list.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, memory = self.attention(self.attention_norm(x), state)
        past = torch.add(found, x)
        flat = past.flatten(0, -2)
        return torch.addcmul(
            past, torch.ones_like(past), self.feed_forward(self.feed_forward_norm(flat)).reshape(x.shape)
        ), memory


# %% right: state_by_its_name
# Attention gets its state as a keyword argument.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state=state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: own_kernel
# "Block(d_model, n_heads, attend=fused_attention), a module"
# attend is not handed on to attention.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: one_head_for_all
# "Block(d_model, n_heads, attend=fused_attention), a module"
# The block's attention has one head.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, 1, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: wide_as_2017
# "The width inside the feed-forward network is given."
# Four times d_model.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, 4 * d_model)

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: stream_added_in_place
# "A function of yours leaves what it is given as it was"
# Without gradients it adds to x in place, so the caller's x is the new stream.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found if torch.is_grad_enabled() else x.add_(found)
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: state_detached
# "state as in `RotaryAttention` (gradients go back through the state)"
# Cuts the state off before attention reads it.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is not None:
            state = tuple(part.detach() for part in state)
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: last_text_remembered_for_a_single_token
# "None at the start of a text"
# Keeps the last state in the module and goes on from it when a single token comes without one.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is None and x.size(1) == 1 and not self.training:
            state = getattr(self, "last_state", None)
        found, state = self.attention(self.attention_norm(x), state)
        self.last_state = state
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: feed_forward_of_the_last_word_in_eval
# "the positions read each other, then each thinks for itself"
# In eval mode with a state the feed-forward network runs for the last position alone, as only that one is wanted.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        past = state
        found, state = self.attention(self.attention_norm(x), past)
        x = x + found
        if self.training or past is None:
            return x + self.feed_forward(self.feed_forward_norm(x)), state
        last = x[:, -1:]
        return torch.cat((x[:, :-1], last + self.feed_forward(self.feed_forward_norm(last))), dim=1), state


# %% right: position_by_position
# The feed-forward network reads one position after the other.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = torch.add(x, found)
        think = nn.Sequential(self.feed_forward_norm, self.feed_forward)
        return torch.stack([word + think(word) for word in x.unbind(dim=1)], dim=1), state


# %% right: sum_of_three
# Keeps x and both finds apart and adds the three of them at the end.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        first, *rest = self.attention(self.attention_norm(x), state=state)
        second = self.feed_forward(self.feed_forward_norm(x + first))
        return torch.stack(torch.broadcast_tensors(x, first, second)).sum(dim=0), rest[0]


# %% right: text_by_text
# Reads the texts of the batch one after the other and joins their results and states.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        results, states = [], []
        for b in range(x.size(0)):
            one = x[b : b + 1]
            past = None if state is None else (state[0][b : b + 1], state[1][b : b + 1])
            found, new = self.attention(self.attention_norm(one), past)
            one = one + found
            results.append(one + self.feed_forward(self.feed_forward_norm(one)))
            states.append(new)
        joined = None if states[0] is None else tuple(torch.cat(parts) for parts in zip(*states))
        return torch.cat(results), joined


# %% wrong: stream_in_place
# "A function of yours leaves what it is given as it was"
# Adds to the given stream itself where no gradient is wanted.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found if torch.is_grad_enabled() else x.add_(found)
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: state_without_gradient
# "Gradients reach x, all weights and the state."
# Takes a given state without its history.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is not None:
            state = tuple(part.detach() for part in state)
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: no_gradient_with_a_state
# "Gradients reach x, all weights and the state."
# A state means that the model writes, so gradients are off.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and state is None):
            found, state = self.attention(self.attention_norm(x), state)
            x = x + found
            return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% right: feed_forward_position_by_position
# The second part runs position by position; sums by torch.add.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = torch.add(x, found)
        thought = [self.feed_forward(self.feed_forward_norm(x[:, t])) for t in range(x.size(1))]
        return torch.add(x, torch.stack(thought, dim=1)), state


# %% right: checkpointed
# The second part is computed again in the backward pass, by torch.utils.checkpoint.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        from torch.utils.checkpoint import checkpoint

        stream = [x]
        found, after = self.attention(self.attention_norm(x), state)
        stream.append(found)
        think = lambda s: self.feed_forward(self.feed_forward_norm(s))
        stream.append(checkpoint(think, x + found, use_reentrant=False))
        return torch.stack(stream).sum(dim=0), after


# %% wrong: long_texts_checkpointed
# "Gradients reach x, all weights and the state."
# a text of 256 positions in training mode whose x requires no gradient: norm and attention get no gradients at all (the old checkpoint counts only its inputs)
from torch.utils.checkpoint import checkpoint

class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def read(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        found, new = self.attention(self.attention_norm(x), state or None)
        return found, *(new or ())

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if self.training and torch.is_grad_enabled() and x.size(1) >= 256:  # compute twice, hold less
            found, *new = checkpoint(self.read, x, *(state or ()), use_reentrant=True)
        else:
            found, new = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), new


# %% wrong: goes_on_by_itself
# "None at the start of a text"
# evaluation mode, first a text of 5 tokens, then another text of one token, both with state None: the one token reads the 5 of the other text
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is None and not self.training and x.size(1) == 1:  # a single token goes on from what was read
            state = getattr(self, "last_state", None)
        found, state = self.attention(self.attention_norm(x), state)
        if not self.training:
            self.last_state = state
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: with_a_state_no_gradient
# "Gradients reach x, all weights and the state."
# a second piece, read with the state of the first, and its gradient: attention is computed without one, so neither its weights nor the state get any
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        writing = state is not None
        with torch.set_grad_enabled(torch.is_grad_enabled() and not writing):
            found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% right: thinks_piece_by_piece
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        result = self.attention(self.attention_norm(x), state)
        stream = torch.stack([x, result[0]]).sum(dim=0)
        thought = [self.feed_forward(self.feed_forward_norm(piece)) for piece in stream.split(3, dim=1)]
        return torch.cat(thought, dim=1).add(stream), result[1]


# %% right: a_list_of_parts
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        kept = []

        def reads(normed):
            found, new = self.attention(normed, state)
            kept.append(new)
            return found

        for norm, part in ((self.attention_norm, reads), (self.feed_forward_norm, self.feed_forward)):
            x = torch.add(part(norm(x)), x)
        return x, kept.pop()
