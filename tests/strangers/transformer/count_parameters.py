# %% wrong: output_layer_beside_the_embedding
# "A matrix that is used twice is one matrix."
# Embedding and output layer are counted as two.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": 2 * vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: eight_squares
# "L \cdot$ (how many matrices?) $\cdot\, C H$"
# 8 C² a layer, as of 2017: the same number where the width is not rounded up, as in the miniature.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 8 * d_model**2,
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: rounded_to_the_nearest
# ""feed_forward" (all layers, of width `hidden_width(d_model)`)"
# The width inside goes to the nearest multiple of 32 and not to the next.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    width = 32 * max(1, round(8 * d_model / 96))

    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * width,
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: the_last_norm_is_forgotten
# "Norms: two in each layer, and do not forget the one before the output."
# Only the norms in the layers.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": 2 * n_layers * d_model,
    }


# %% wrong: no_layers_no_norm
# ""norms" (two a layer, and the last)"
# The last norm is counted where there are layers; without any it is left out.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model if n_layers else 0,
    }


# %% wrong: the_sum_beside_its_parts
# "The parts are "embedding" (which is the output layer too, and counts once)"
# A fifth entry holds the total, so that the sum of all is twice what it should be.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    parts = {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }
    return {**parts, "total": sum(parts.values())}


# %% wrong: no_whole_numbers
# "def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:"
# Everything is computed and returned in floats.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    C = float(d_model)

    return {
        "embedding": vocab_size * C,
        "attention": 4 * n_layers * C**2,
        "feed_forward": 3 * n_layers * C * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * C,
    }


# %% wrong: thirty_two_bits
# "How many learned numbers a `GPT` of these sizes has"
# The sums are made in 32-bit integers, which overflow for GPT-3.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    V, C, L, H = (torch.tensor(its, dtype=torch.int32) for its in (vocab_size, d_model, n_layers, hidden_width(d_model)))

    return {
        "embedding": (V * C).item(),
        "attention": (L * 4 * C * C).item(),
        "feed_forward": (L * 3 * C * H).item(),
        "norms": ((2 * L + 1) * C).item(),
    }


# %% right: modules_without_memory
# One layer's modules are made on the device that holds nothing, and their parameters counted.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    def numbers(module):
        return sum(weight.numel() for weight in module.parameters())
    with torch.device("meta"):
        norm = RMSNorm(d_model)
        return {
            "embedding": numbers(nn.Embedding(vocab_size, d_model)),
            "attention": sum(numbers(MultiHeadAttention(d_model, 1)) for _ in range(n_layers)),
            "feed_forward": sum(numbers(FeedForward(d_model, hidden_width(d_model))) for _ in range(n_layers)),
            "norms": sum(numbers(norm) for _ in range(2 * n_layers)) + numbers(norm),
        }


# %% right: a_list_of_shapes
# All shapes are listed, layer by layer, and counted by part; the width inside is found by steps of 32.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    H = 0
    while 3 * H < 8 * d_model:
        H += 32
    shapes = [("embedding", (vocab_size, d_model)), ("norms", (d_model,))]
    for _ in range(n_layers):
        shapes += [("attention", (d_model, d_model))] * 4
        shapes += [("feed_forward", (d_model, H)), ("feed_forward", (d_model, H)), ("feed_forward", (H, d_model))]
        shapes += [("norms", (d_model,))] * 2
    parts = dict.fromkeys(("embedding", "attention", "feed_forward", "norms"), 0)
    for part, shape in shapes:
        parts[part] += math.prod(shape)
    return parts
