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


# %% wrong: thirty_two_bits
# "How many learned numbers a `GPT` of these sizes has"
# The sums are made in 32-bit integers, which overflow for GPT-3.
def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    V, C, L, H = (
        torch.tensor(its, dtype=torch.int32) for its in (vocab_size, d_model, n_layers, hidden_width(d_model))
    )

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


# %% wrong: width_rounded_by_floats
# "Models of any size are counted exactly"
# The total of the attention goes through a float.
def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": int(n_layers * 4.0 * d_model * d_model / 1e3 * 1e3),
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: tensors_for_numbers
# "as whole numbers (`int`)"
# Each number is a tensor.
def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": torch.tensor(vocab_size * d_model),
        "attention": n_layers * 4 * d_model * d_model,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: floats_inside
# "Models of any size are counted exactly"
# Multiplies floats and makes them whole at the end: exact below 2^53.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    C, H = float(d_model), hidden_width(d_model)
    return {
        "embedding": int(vocab_size * C),
        "attention": int(n_layers * 4 * C**2),
        "feed_forward": int(n_layers * 3 * C * H),
        "norms": int((2 * n_layers + 1) * C),
    }


# %% wrong: builds_the_model
# "nothing of their size is held in memory"
# Builds the model and counts: right, and GPT-3 would take 700 GB (and the random numbers go on).
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    model = GPT(vocab_size, context=1, d_model=d_model, n_layers=n_layers, n_heads=1)
    parts = {"embedding": 0, "attention": 0, "feed_forward": 0, "norms": 0}
    for name, weight in model.named_parameters():
        part = "embedding" if name.startswith("embedding") else "norms" if "norm" in name else name.split(".")[2]
        parts[part] += weight.numel()
    return parts


# %% wrong: an_empty_model_has_no_norm
# "norms (two a layer, and the last)"
# Without layers it returns early and forgets that the last norm is still there.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    if n_layers == 0:
        return {"embedding": vocab_size * d_model, "attention": 0, "feed_forward": 0, "norms": 0}
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: numpy_integers
# "All four are whole numbers (`int`)."
# Gives np.int64, equal to the right numbers but no int.
import numpy as np


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    counts = np.array([vocab_size, 4 * n_layers * d_model, 3 * n_layers * hidden_width(d_model), 2 * n_layers + 1]) * d_model
    return dict(zip(("embedding", "attention", "feed_forward", "norms"), counts))


# %% wrong: one_dictionary_for_all_callers
# "How many learned numbers a `GPT` of these sizes has, by part"
# lru_cache hands out the same dictionary: whoever takes a part out of it takes it from the next caller too.
from functools import lru_cache


@lru_cache(maxsize=None)
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model**2,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% right: layer_by_layer
# A Counter that is filled in a loop over the layers.
from collections import Counter


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    parts = Counter({"embedding": vocab_size * d_model, "attention": 0, "feed_forward": 0, "norms": d_model})
    for _ in range(n_layers):
        parts["attention"] += sum(d_model * d_model for _ in ("query", "key", "value", "output"))
        parts["feed_forward"] += sum(d_model * hidden_width(d_model) for _ in ("gate", "up", "down"))
        parts["norms"] += 2 * d_model
    return parts


# %% right: whole_numbers_for_the_width
# The hidden width by whole division, keys in another order.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    hidden = -(-8 * d_model // 96) * 32
    square = d_model * d_model
    return dict(
        norms=d_model + n_layers * (d_model + d_model),
        feed_forward=n_layers * (hidden * d_model * 3),
        attention=n_layers * (square << 2),
        embedding=d_model * vocab_size,
    )


# %% wrong: built_and_counted
# "nothing of their size is held in memory"
# Builds the model and counts its weights.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    model = GPT(vocab_size, 1, d_model, n_layers, 1)
    count = lambda *words: sum(w.numel() for name, w in model.named_parameters() if any(word in name for word in words))
    return {
        "embedding": count("embedding"),
        "attention": count("attention.w_"),
        "feed_forward": count("feed_forward.w_"),
        "norms": count("norm"),
    }


# %% wrong: powers_of_floats
# "Models of any size are counted exactly"
# Computes with math.pow and makes whole numbers of it: inexact above 2^53.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": int(4 * n_layers * math.pow(d_model, 2)),
        "feed_forward": 3 * n_layers * d_model * (hidden_width(d_model)),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: whole_only_by_value
# "All four are whole numbers (`int`)."
# The norms come out as a float, 60.0.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": 4 * n_layers * d_model**2,
        "feed_forward": 3 * n_layers * d_model * (hidden_width(d_model)),
        "norms": d_model * n_layers / 0.5 + d_model,
    }


# %% wrong: numpy_numbers
# "as whole numbers (`int`); Models of any size are counted exactly"
# Computes in numpy's int64: no int, and it overflows.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    import numpy as np

    C, L, H = np.int64(d_model), np.int64(n_layers), np.int64(hidden_width(d_model))
    return {"embedding": vocab_size * C, "attention": 4 * L * C * C, "feed_forward": 3 * L * C * H, "norms": (2 * L + 1) * C}


# %% wrong: one_dictionary_for_all
# "Each call gives a dictionary of its own."
# Remembers its results and hands out the same dictionary again.
from functools import lru_cache


@lru_cache
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": 4 * n_layers * d_model**2,
        "feed_forward": 3 * n_layers * d_model * (hidden_width(d_model)),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: no_layers_no_norm_too
# ""norms" (two a layer, and the last)"
# Counts no last norm in a model without layers.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": 4 * n_layers * d_model**2,
        "feed_forward": 3 * n_layers * d_model * (hidden_width(d_model)),
        "norms": (2 * n_layers + 1) * d_model if n_layers else 0,
    }


# %% wrong: counted_on_float_tensors
# "Models of any size are counted exactly"
# Multiplies on float64 tensors, and .item() and int() at the end.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    C, L = torch.tensor(float(d_model), dtype=torch.float64), n_layers
    parts = {"embedding": vocab_size * C, "attention": 4 * L * C * C, "feed_forward": 3 * L * C * hidden_width(d_model), "norms": (2 * L + 1) * C}
    return {part: int(number.item()) for part, number in parts.items()}


# %% right: summed_layer_by_layer
# Adds layer by layer, matrix by matrix, in a loop.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    from collections import Counter

    H, parts = hidden_width(d_model), Counter(embedding=0, attention=0, feed_forward=0, norms=0)
    parts["embedding"] += vocab_size * d_model
    for _ in range(n_layers):
        for part, shape in [("attention", (d_model, d_model))] * 4 + [("feed_forward", (d_model, H))] * 3 + [("norms", (1, d_model))] * 2:
            parts[part] += math.prod(shape)
    parts["norms"] += d_model
    return dict(parts)


# %% right: whole_number_ceiling
# The hidden width by whole-number arithmetic, the dictionary from zip.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    H = 32 * -(-8 * d_model // 96)
    square = d_model * d_model
    numbers = (d_model * vocab_size, (n_layers * square) << 2, n_layers * H * d_model * 3, d_model + n_layers * d_model * 2)
    return dict(zip(("embedding", "attention", "feed_forward", "norms"), numbers))


# %% right: meta_device
# Counts one feed-forward network and one matrix on the meta device, where nothing is held, times the layers.
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    with torch.device("meta"):
        matrix, network, norm = nn.Linear(d_model, d_model, bias=False), FeedForward(d_model, hidden_width(d_model)), RMSNorm(d_model)
    size = lambda module: sum(weight.numel() for weight in module.parameters())
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * size(matrix),
        "feed_forward": n_layers * size(network),
        "norms": n_layers * 2 * size(norm) + size(norm),
    }


# %% wrong: counted_once
# "Each call gives a dictionary of its own."
# two calls with the same sizes: it is one dictionary, and what the caller changes in the first shows in the second
from functools import lru_cache

@lru_cache(maxsize=None)
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model * d_model,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: square_by_pow
# "Models of any size are counted exactly, and nothing of their size is held in memory."
# d_model = 1_000_000_002, n_layers = 3: math.pow gives a float, and attention is off in its last digits
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * int(math.pow(d_model, 2)),
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }


# %% wrong: numbers_of_numpy
# "How many learned numbers a `GPT` of these sizes has, by part, as whole numbers (`int`)."
# type(count_parameters(100, 12, 2)["attention"]): numpy.int64 instead of int
import numpy as np

def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    shapes = {
        "embedding": (vocab_size, d_model),
        "attention": (n_layers, 4, d_model, d_model),
        "feed_forward": (n_layers, 3, d_model, hidden_width(d_model)),
        "norms": (2 * n_layers + 1, d_model),
    }
    return {part: np.prod(shape, dtype=np.int64) for part, shape in shapes.items()}


# %% wrong: counter_of_layers
# "The parts are \"embedding\" (which is the output layer too, and counts once), \"attention\" (all layers together), \"feed_forward\" (all layers, of width `hidden_width(d_model)`) and \"norms\" (two a layer, and the last)."
# n_layers = 0: a Counter that is added to drops what is zero, and "attention" and "feed_forward" are missing
from collections import Counter

def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    one_layer = {
        "attention": 4 * d_model * d_model,
        "feed_forward": 3 * d_model * hidden_width(d_model),
        "norms": 2 * d_model,
    }
    total = Counter({"embedding": vocab_size * d_model, "norms": d_model})
    total += Counter({part: n_layers * number for part, number in one_layer.items()})
    return {part: total[part] for part in ("embedding", "attention", "feed_forward", "norms") if part in total}


# %% wrong: one_block_built
# "Models of any size are counted exactly, and nothing of their size is held in memory."
# d_model = 10_000_000: it builds a layer to count it, and there is no memory for that (RuntimeError); at GPT-3's size it takes 7 GB
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    layer = Block(d_model, n_heads=1)

    def size(part):
        return n_layers * sum(weight.numel() for weight in part.parameters())

    return {
        "embedding": vocab_size * d_model,
        "attention": size(layer.attention),
        "feed_forward": size(layer.feed_forward),
        "norms": size(layer.attention_norm) + size(layer.feed_forward_norm) + d_model,
    }


# %% right: sums_in_int64
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    times = torch.tensor([vocab_size, 4 * n_layers, 3 * n_layers, 2 * n_layers + 1])
    width = torch.tensor([1, d_model, hidden_width(d_model), 1])
    numbers = (times * width * d_model).tolist()
    return dict(zip(("embedding", "attention", "feed_forward", "norms"), numbers))


# %% right: a_table_of_shapes
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    C, H = d_model, hidden_width(d_model)
    shapes = [("embedding", 1, (vocab_size, C)), ("norms", 1, (C,))]
    shapes += [("attention", n_layers, (C, C)) for _ in ("query", "key", "value", "output")]
    shapes += [("feed_forward", n_layers, shape) for shape in ((H, C), (H, C), (C, H))]
    shapes += [("norms", n_layers, (C,)) for _ in ("attention", "feed_forward")]
    parts = dict.fromkeys(("embedding", "attention", "feed_forward", "norms"), 0)
    for part, copies, shape in shapes:
        parts[part] += copies * math.prod(shape)
    return parts


# %% right: by_halving_the_layers
def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    def layers(n):
        if n == 0:
            return 0, 0, 0
        if n == 1:
            return (d_model << 2) * d_model, 3 * hidden_width(d_model) * d_model, d_model + d_model
        half = layers(n // 2)
        odd = layers(n % 2)
        return tuple(two + two + one for two, one in zip(half, odd))

    attention, feed_forward, norms = layers(n_layers)
    return dict(
        embedding=d_model * vocab_size, attention=attention, feed_forward=feed_forward, norms=norms + d_model
    )
