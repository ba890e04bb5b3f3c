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


@exercise.check(points=0.25)
def the_operations_of_a_token(flops_per_token, rng):
    """Two for each number multiplied, forward once and backward twice, for three lengths of the text."""
    sizes, T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    return {f"at T = {length}": flops_per_token(*sizes, length) for length in (T, 2 * T + 1, 100 * T)}


@exercise.check(points=0.25)
def what_a_longer_text_costs(flops_per_token, rng):
    """One position more in the text costs a token more in attention, in every layer, and nothing elsewhere."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    return {
        f"one position more, {words}": flops_per_token(V, d_model, n, T + 1) - flops_per_token(V, d_model, n, T)
        for words, V, n in (
            ("this model", vocab_size, n_layers),
            ("one layer more", vocab_size, n_layers + 1),
            ("another vocabulary", vocab_size + 50, n_layers),
        )
    }


@exercise.check(points=0.25)
def what_a_layer_costs(flops_per_token, rng):
    """A model without layers multiplies with the output layer alone; each layer costs what a layer has."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    without, fewer, more = (flops_per_token(vocab_size, d_model, n, T) for n in (0, n_layers, n_layers + 1))
    return {"without layers": without, "one layer more": more - fewer}


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
