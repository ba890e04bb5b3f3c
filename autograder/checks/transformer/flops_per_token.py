"""`flops_per_token`: two for each number multiplied, forward and backward; what a longer text and a layer cost."""

import torch

from autograder.checking.topic import Exercise
from autograder.checks.transformer.count_parameters import parts_of
from autograder.checks.transformer.shared import sizes_of

exercise = Exercise("flops_per_token")


def operations(
    vocab_size: int, d_model: int, n_layers: int, T: int, passes: int = 3, products: int = 2, weights: int | None = None
) -> int:
    """FLOPs for each token; how often forward, products in attention, and weights that are multiplied with."""
    parts = parts_of(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"] if weights is None else weights
    return passes * 2 * (weights + n_layers * products * T * d_model)


@exercise.promise("spends on one token", broken_by="counts_a_whole_text")
@exercise.promise("in training", broken_by="forward_only")
@exercise.promise("a multiplication and an addition for each pair of numbers", broken_by="forgets_the_additions")
@exercise.promise("forward once and backward twice", broken_by="backward_as_dear_as_forward")
@exercise.promise("looking up an embedding is none", broken_by="counts_the_look_up")
@exercise.promise("Counted are the products of matrices", broken_by="counts_the_norms")
@exercise.promise("The number is whole (an `int`)", broken_by="counts_in_another_type")
@exercise.check(points=0.25)
def the_operations_of_a_token(flops_per_token, rng):
    """Two for each number multiplied, forward once and backward twice, for five lengths of the text; it is an int."""
    (vocab_size, _, n_layers), T = sizes_of(rng), int(torch.randint(20, 60, (), generator=rng))
    seen = {}
    lengths = (1, 2, T, 2 * T + 1, 100 * T, 1, 2048, 1_000_003)
    for d_model, length in zip((40, 56, 64, 80, 88, 2, 12, 96), lengths):
        number = flops_per_token(vocab_size, d_model, n_layers, length)
        seen[f"at d_model={d_model}, T={length}"] = {"operations": number, "is an int": type(number) is int}
    return seen


@exercise.promise("All $T$ positions count", broken_by="counts_half_of_the_positions")
@exercise.promise("the scores and the mixing of values", broken_by="forgets_the_mixing_of_values")
@exercise.promise("In attention it meets, in each layer, $T$ keys", broken_by="attention_in_one_layer")
@exercise.promise("T = 0 leaves scores and mixing out", broken_by="takes_no_text_for_a_token")
@exercise.check(points=0.25)
def what_a_longer_text_costs(flops_per_token, rng):
    """One position more in the text costs a token more in attention, in every layer, and nothing elsewhere."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    cases = (
        ("this model", vocab_size, n_layers, T),
        ("one layer more", vocab_size, n_layers + 1, T),
        ("another vocabulary", vocab_size + 50, n_layers, T),
        ("the first position of all", vocab_size, n_layers, 0),
        ("the second position of all", vocab_size, n_layers, 1),
    )
    return {
        f"one position more, {words}": flops_per_token(V, d_model, n, T + 1) - flops_per_token(V, d_model, n, T)
        for words, V, n, T in cases
    } | {"at T=0": flops_per_token(vocab_size, d_model, n_layers, 0)}


@exercise.promise("The output layer's are, as it is a product.", broken_by="forgets_the_output_layer")
@exercise.promise("those with weights", broken_by="twelve_squares")
@exercise.check(points=0.125)
def what_a_layer_costs(flops_per_token, rng):
    """A model without layers multiplies with the output layer alone; each layer costs what a layer has."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    without, fewer, more = (flops_per_token(vocab_size, d_model, n, T) for n in (0, n_layers, n_layers + 1))
    return {"without layers": without, "one layer more": more - fewer}


@exercise.promise("exact for models of up to 10¹⁸ parameters", broken_by="counts_in_thirty_two_bits")
@exercise.check(points=0.125)
def the_largest_models(flops_per_token, rng):
    """The operations of the largest models are counted to the last one."""
    (vocab_size, _, n_layers), T = sizes_of(rng), int(torch.randint(2000, 9000, (), generator=rng))
    return {
        f"d_model={d_model}": flops_per_token(1000 * vocab_size + 1, d_model, 16 * n_layers + 1, T)
        for d_model in (20_000_002, 12_288)  # as in count_parameters
    }


@exercise.mistake(
    hint="You count the forward pass. How many products of the same size does the backward pass need for each of it?"
)
def forward_only(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, passes=1)


@exercise.mistake(hint="Your backward pass costs as much as the forward pass. Of what does it need gradients?")
def backward_as_dear_as_forward(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, passes=2)


@exercise.mistake(
    hint="You count one operation for each weight and pass. What is done with a product after the multiplication?"
)
def forgets_the_additions(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T) // 2


@exercise.mistake(hint="Your number is the same for every length of the text. Which products grow with it?")
def forgets_attention(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, products=0)


@exercise.mistake(hint="You count the scores. What else do queries do with T positions?")
def forgets_the_mixing_of_values(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, products=1)


@exercise.mistake(hint="Scores and mixing are counted for one layer. How many layers have them?")
def attention_in_one_layer(vocab_size, d_model, n_layers, T):
    rest = operations(vocab_size, d_model, n_layers, 0)
    return rest + operations(vocab_size, d_model, 1, T) - operations(vocab_size, d_model, 1, 0)


@exercise.mistake(
    hint="You count the embedding and the output layer. Which of the two is a product, and which a look-up?"
)
def counts_the_look_up(vocab_size, d_model, n_layers, T):
    parts = parts_of(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"] + parts["embedding"]
    return operations(vocab_size, d_model, n_layers, T, weights=weights)


@exercise.mistake(hint="The output layer is missing, as in the paper of 2020. Is it a product of matrices?")
def forgets_the_output_layer(vocab_size, d_model, n_layers, T):
    parts = parts_of(vocab_size, d_model, n_layers)
    return operations(vocab_size, d_model, n_layers, T, weights=parts["attention"] + parts["feed_forward"])


@exercise.mistake(hint="You count all parameters. Are those of the norms in a product of matrices?")
def counts_the_norms(vocab_size, d_model, n_layers, T):
    weights = sum(parts_of(vocab_size, d_model, n_layers).values())
    return operations(vocab_size, d_model, n_layers, T, weights=weights)


@exercise.mistake(hint="This is what a whole text costs. Is it not one token that was asked for?")
def counts_a_whole_text(vocab_size, d_model, n_layers, T):
    return T * operations(vocab_size, d_model, n_layers, T)


@exercise.mistake(
    hint="You count half of the positions, since a token reads the earlier ones alone. What does a kernel that masks "
    "compute?"
)
def counts_half_of_the_positions(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, 0) + 6 * n_layers * (T + 1) * d_model


@exercise.mistake(hint="Scores and mixing are counted forward alone. Does no gradient go back through them?")
def attention_forward_only(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, 0) + 4 * n_layers * T * d_model


@exercise.mistake(hint="You count 12 · d_model² weights for each layer. What becomes of 8/3 in `hidden_width`?")
def twelve_squares(vocab_size, d_model, n_layers, T):
    weights = vocab_size * d_model + 12 * n_layers * d_model**2
    return operations(vocab_size, d_model, n_layers, T, weights=weights)


@exercise.mistake(hint="At T = 0 you count as if there were a position. How many keys does a token meet there?")
def takes_no_text_for_a_token(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, max(T, 1))


@exercise.mistake(hint="The value is right, and it is no `int`. Of which type is what you return?")
def counts_in_another_type(vocab_size, d_model, n_layers, T):
    return float(operations(vocab_size, d_model, n_layers, T))


@exercise.mistake(hint="Large models come out wrong. How large may a number be, of the kind that you count with?")
def counts_in_thirty_two_bits(vocab_size, d_model, n_layers, T):
    return (operations(vocab_size, d_model, n_layers, T) + 2**31) % 2**32 - 2**31


@exercise.mistake(hint="The last digits of a large number are wrong. To how many digits is a float exact?")
def counts_in_floats_of_32_bits(vocab_size, d_model, n_layers, T):
    return int(torch.tensor(operations(vocab_size, d_model, n_layers, T), dtype=torch.float32))


exercise.edges(
    empty="what_a_longer_text_costs",
    one="the_operations_of_a_token",
    equal="No two are compared.",
    zero="what_a_layer_costs",
    ties="No two are compared.",
    large="the_largest_models",
    small="the_operations_of_a_token",
    limit="There is no limit.",
    shapes="the_operations_of_a_token",
    modes="A function has no mode.",
    gradients="Whole numbers have none.",
    inputs="Whole numbers have none.",
)
