# %% wrong: the_lookup_counts
# "Looking up a row of the embedding is none."
# The embedding counts twice: once looked up, once as the output layer.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    N += vocab_size * d_model
    return 3 * (2 * N + 4 * n_layers * T * d_model)


# %% wrong: without_the_output_layer
# "The output layer's are, as it is a product."
# As in Kaplan and others: neither embedding nor output layer.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    N -= parts["embedding"]
    return 3 * (2 * N + 4 * n_layers * T * d_model)


# %% wrong: norms_are_multiplied_with
# "The norms have no matrix."
# All parameters are taken for N, the norms too.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    N = sum(parts.values())
    return 3 * (2 * N + 4 * n_layers * T * d_model)


# %% wrong: half_of_the_positions
# "All $T$ positions count, though a token may read only the earlier ones"
# A token reads half of the text on average, and only that is counted.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 3 * (2 * N + 2 * n_layers * (T + 1) * d_model)


# %% wrong: attention_only_forward
# "\text{training} = 3 \cdot \text{forward}"
# Scores and mixing have no weights, so they are left out of the backward pass.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 6 * N + 4 * n_layers * T * d_model


# %% wrong: scores_alone
# "$T$ keys for the scores and $T$ values for the mixing"
# The mixing of the values is not counted.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 3 * (2 * N + 2 * n_layers * T * d_model)


# %% wrong: twelve_squares
# "With $N$ weights in matrices that are multiplied with"
# N by the rule of thumb of 12 C² a layer: right where the hidden width is not rounded up.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    N = vocab_size * d_model + 12 * n_layers * d_model**2
    return 3 * (2 * N + 4 * n_layers * T * d_model)


# %% wrong: rounded_to_float32
# "How many floating-point operations a `GPT` of these sizes spends on one token"
# Summed in float32: the last digits of large numbers are wrong.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = sum(parts[part] for part in ("embedding", "attention", "feed_forward"))
    return int(torch.tensor([2.0 * N, 4.0 * n_layers * T * d_model]).sum().item()) * 3


# %% wrong: positions_of_a_full_block
# "operations for one token of a text of T, in training"
# A kernel's blocks of 64 positions are counted full, so T is rounded up.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 3 * (2 * N + 4 * n_layers * (64 * math.ceil(T / 64)) * d_model)


# %% wrong: last_token_predicts_nothing
# "those with weights (looking up an embedding is none), and in attention the scores and the mixing of values"
# A text of one token has nothing to predict, so the output layer is left out there.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    if T <= 1:
        N -= parts["embedding"]
    return 3 * (2 * N + 4 * n_layers * T * d_model)


# %% right: product_by_product
# Each product of one token with a matrix, forward, for the input's gradient and for the weights'.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    H = -(-8 * d_model // 96) * 32
    layer = [(d_model, d_model)] * 4 + [(d_model, H)] * 2 + [(H, d_model)] + [(d_model, T), (T, d_model)]
    operations = 0
    for inwards, outwards in layer * n_layers + [(d_model, vocab_size)]:
        for _ in ("forward", "gradient of what went in", "gradient of the weights"):
            operations += inwards * outwards  # multiplications
            operations += inwards * outwards  # additions
    return operations


# %% right: counted_by_pytorch
# PyTorch watches one token's products on the device that holds nothing.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    from torch.utils.flop_counter import FlopCounterMode
    H = sum(32 for _ in range(0, 8 * d_model, 96))
    def count(*shapes):
        with FlopCounterMode(display=False) as counter:
            for rows, columns in shapes:
                torch.empty(1, rows, device="meta") @ torch.empty(rows, columns, device="meta")
        return counter.get_total_flops()
    C = d_model
    layer = count(*[(C, C)] * 4, (C, H), (C, H), (H, C), (C, T), (T, C)) if T else count(*[(C, C)] * 4, (C, H), (C, H), (H, C))
    return 3 * (n_layers * layer + count((C, vocab_size)))
