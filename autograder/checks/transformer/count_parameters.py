"""`count_parameters`: each part of a model, as many in all as a built one has, and what a layer adds."""

from autograder.checking.topic import Exercise
from autograder.checks.transformer.GPT import Stack
from autograder.checks.transformer.shared import hidden_width, sizes_of

exercise = Exercise("count_parameters")


def parts_of(
    vocab_size: int, d_model: int, n_layers: int, hidden: int | None = None, matrices: tuple[int, int] = (4, 3)
) -> dict[str, int]:
    """The parameters of a GPT by part; in attention and feed-forward network, how many matrices there are."""
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * matrices[0] * d_model**2,
        "feed_forward": n_layers * matrices[1] * d_model * (hidden or hidden_width(d_model)),
        "norms": (2 * n_layers + 1) * d_model,
    }


@exercise.check(points=0.25)
def the_parts_of_a_model(count_parameters, rng):
    """Embedding, attention, feed-forward networks and norms, each with all its numbers, in all layers together."""
    return count_parameters(*sizes_of(rng))


@exercise.check(points=0.25)
def as_many_as_a_model_has(count_parameters, rng):
    """The parts add up to what a GPT of these sizes has when it is built, the shared matrix counted once."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    model = Stack(vocab_size, 8, d_model, n_layers, n_heads=2)
    built = sum(weight.numel() for weight in model.parameters())
    return {"more than were built": sum(count_parameters(vocab_size, d_model, n_layers).values()) - built}


@exercise.check(points=0.25)
def what_a_layer_adds(count_parameters, rng):
    """One layer more adds to each part what a layer has, and to the embedding nothing."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    fewer, more = (count_parameters(vocab_size, d_model, layers) for layers in (n_layers, n_layers + 1))
    return {f"added to {part}": more[part] - fewer[part] for part in fewer}


@exercise.mistake(hint="You count the embedding and the output layer. How many matrices are they, when they are tied?")
def counts_the_tied_matrix_twice(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts | {"embedding": 2 * parts["embedding"]}


@exercise.mistake(hint="d_model numbers are missing. Which norm stands in no block?")
def forgets_the_norm_after_the_last_block(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers) | {"norms": 2 * n_layers * d_model}


@exercise.mistake(hint="How many norms does a block have, one or two?")
def one_norm_in_each_layer(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers) | {"norms": (n_layers + 1) * d_model}


@exercise.mistake(hint="Your norms have a weight and a bias. Which of the two has RMSNorm?")
def gives_the_norms_a_bias(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts | {"norms": 2 * parts["norms"]}


@exercise.mistake(hint="Your feed-forward networks are 4 · d_model wide. What does `hidden_width` say?")
def a_width_of_four(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, hidden=4 * d_model)


@exercise.mistake(
    hint="Your feed-forward networks have two matrices, as before there was a gate. How many are there now?"
)
def forgets_the_gate(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, matrices=(4, 2))


@exercise.mistake(hint="Your attention has three matrices: query, key and value. What puts the heads together again?")
def forgets_w_output(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, matrices=(3, 3))


@exercise.mistake(hint="Two of your parts do not grow with n_layers. Are they meant for one layer or for all?")
def counts_one_layer(vocab_size, d_model, n_layers):
    one = parts_of(vocab_size, d_model, 1)
    return one | {"norms": (2 * n_layers + 1) * d_model}


exercise.given(parts_of)
