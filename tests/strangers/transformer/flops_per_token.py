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
    layer = (
        count(*[(C, C)] * 4, (C, H), (C, H), (H, C), (C, T), (T, C))
        if T
        else count(*[(C, C)] * 4, (C, H), (C, H), (H, C))
    )
    return 3 * (n_layers * layer + count((C, vocab_size)))


# %% wrong: no_vocabulary_without_layers
# "The output layer's are, as it is a product."
# A model without layers costs nothing.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"]  # the output layer is the embedding's matrix
    attention = n_layers * 2 * T * d_model  # pairs of numbers in the scores and in the mixing
    return 0 if n_layers == 0 else 3 * 2 * (weights + attention)


# %% wrong: floats_inside
# "The number is whole (an `int`), and exact for models of any size."
# Computes in floats, int at the end: exact below 2^53.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return int(3.0 * (2.0 * weights + 4.0 * n_layers * T * d_model))


# %% wrong: at_least_one_position
# "T = 0 leaves scores and mixing out."
# Takes T = 0 for a text of one token.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 3 * (2 * weights + 4 * n_layers * max(T, 1) * d_model)


# %% wrong: no_layers_no_cost
# "The output layer's are, as it is a product."
# Returns 0 for a model without layers, which still has its output layer.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    if n_layers == 0:
        return 0
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return 3 * (2 * weights + 4 * n_layers * T * d_model)


# %% wrong: kept_without_T
# "operations for one token of a text of T"
# Keeps the result of each shape and forgets that it depends on T.
_KNOWN = {}


def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    shape = (vocab_size, d_model, n_layers)
    if shape not in _KNOWN:
        parts = count_parameters(vocab_size, d_model, n_layers)
        weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]

        _KNOWN[shape] = 3 * (2 * weights + 4 * n_layers * T * d_model)
    return _KNOWN[shape]


# %% wrong: numpy_integer
# "The number is whole (an `int`)"
# Gives np.int64, equal but no int.
import numpy as np


def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]

    return np.dot([6, 12], [weights, n_layers * T * d_model])


# %% right: product_by_product_too
# Lists the shapes of all products and adds up 2 m n for each, three times.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    hidden = hidden_width(d_model)
    layer = [(d_model, d_model)] * 4 + [(d_model, hidden)] * 2 + [(hidden, d_model)] + [(d_model, T), (T, d_model)]
    passes = ("forward", "gradient of the input", "gradient of the weights")
    return sum(2 * m * n for _ in passes for m, n in layer * n_layers + [(d_model, vocab_size)])


# %% right: parts_taken_out
# Takes the norms out of the dictionary and adds up the rest.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    del parts["norms"]
    return sum(map((6).__mul__, parts.values()), start=12 * n_layers * T * d_model)


# %% wrong: at_least_one_position_too
# "T = 0 leaves scores and mixing out."
# Takes a text of no tokens for one of one.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts['embedding'] + parts['attention'] + parts['feed_forward']
    return 6 * N + 12 * n_layers * max(T, 1) * d_model


# %% wrong: float_in_between
# "The number is whole (an `int`), and exact for models of any size."
# Multiplies with 6.0 and makes an int of it: inexact above 2^53.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts['embedding'] + parts['attention'] + parts['feed_forward']
    return int(6.0 * N + 12.0 * n_layers * T * d_model)


# %% wrong: half_of_the_positions_too
# "over all T positions, as a kernel that masks does"
# Counts the positions that a token may read on average, (T + 1) / 2, where T is more than the width.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts['embedding'] + parts['attention'] + parts['feed_forward']
    read = T if T <= d_model else (T + 1) // 2
    return 6 * N + 12 * n_layers * read * d_model


# %% wrong: numpy_products
# "exact for models of any size; an `int`"
# Adds up in numpy's int64.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    import numpy as np

    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts['embedding'] + parts['attention'] + parts['feed_forward']
    return np.sum(np.array([6 * N, 12 * n_layers * T * d_model], dtype=np.int64))


# %% wrong: output_counted_at_the_end_only
# "Counted are the products of matrices ... The output layer's are"
# Leaves the output layer out, as Kaplan et al. do, where there is at least one layer and no text.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    N = parts['embedding'] + parts['attention'] + parts['feed_forward']
    if T == 0 and n_layers:
        N -= parts['embedding']
    return 6 * N + 12 * n_layers * T * d_model


# %% right: product_by_product_too_too
# A list of all products, each as (rows, columns), added up with 6 operations a pair.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    C, H = d_model, hidden_width(d_model)
    products = [(vocab_size, C)]
    for _ in range(n_layers):
        products += [(C, C)] * 4 + [(C, H)] * 2 + [(H, C)] + [(T, C)] * 2
    forward = sum(2 * rows * columns for rows, columns in products)
    return forward + 2 * forward


# %% right: by_popping_the_norms
# Sums what count_parameters gives after the norms are taken out, and multiplies with Fractions.
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    from fractions import Fraction

    parts = count_parameters(vocab_size, d_model, n_layers)
    parts.pop("norms")
    forward = Fraction(2) * sum(parts.values()) + 4 * n_layers * T * d_model
    return int(forward * 3)


# %% wrong: at_least_one
# "T = 0 leaves scores and mixing out."
# T = 0: one position is counted
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = parts["embedding"] + parts["attention"] + parts["feed_forward"]
    positions = max(1, T)  # a token reads itself, if nothing else
    return 3 * (2 * weights + 4 * n_layers * positions * d_model)


# %% wrong: rounded_share
# "The number is whole (an `int`), and exact for models of any size."
# GPT-3's sizes and T = 2048 are still right, but flops_per_token(50_257, 123_456_786, 97, T=2047) is off by thousands: the sum is taken in floats
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    matrices = [parts["embedding"], parts["attention"], parts["feed_forward"]]
    forward = math.fsum([2 * number for number in matrices] + [4 * n_layers * T * d_model])
    return 3 * int(forward)


# %% wrong: by_the_layer
# "How many floating-point operations a `GPT` of these sizes spends on one token of a text of T in training."
# n_layers = 0, a model that is the embedding alone (exercise 6 builds one): ZeroDivisionError in place of 6 · vocab_size · d_model
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    in_a_layer = (parts["attention"] + parts["feed_forward"]) // n_layers
    layer = 2 * in_a_layer + 2 * 2 * T * d_model
    return 3 * (n_layers * layer + 2 * parts["embedding"])


# %% wrong: weights_remembered
# "Each call stands by itself: nothing that was kept of an earlier one, or of earlier weights, changes what it gives"
# two calls with the same width and layers and another vocabulary: the second has the first one's output layer
_matrices = {}

def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    if (d_model, n_layers) not in _matrices:
        parts = count_parameters(vocab_size, d_model, n_layers)
        parts.pop("norms")
        _matrices[d_model, n_layers] = sum(parts.values())
    forward = 2 * _matrices[d_model, n_layers] + 2 * n_layers * 2 * T * d_model
    return 3 * forward


# %% right: product_by_product_again
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    C, H = d_model, hidden_width(d_model)
    layer = {"query": (C, C), "key": (C, C), "value": (C, C), "scores": (C, T), "mixing": (T, C), "output": (C, C)}
    layer |= {"gate": (C, H), "up": (C, H), "down": (H, C)}
    total = 0
    for _direction in ("forward", "gradient of what went in", "gradient of the weights"):
        for _kind in ("multiplication", "addition"):
            total += sum(rows * columns for rows, columns in layer.values()) * n_layers + C * vocab_size
    return total


# %% right: a_line_in_t
def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    parts = count_parameters(vocab_size, d_model, n_layers)
    del parts["norms"]
    at_zero = sum(map((6).__mul__, parts.values()))
    slope = 3 * 2 * 2 * n_layers * d_model
    return at_zero + slope * T
