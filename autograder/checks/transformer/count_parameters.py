"""`count_parameters`: each part of a model, as many in all as a built one has, and what a layer adds."""

from typing import Any

from autograder.checking.topic import Exercise
from autograder.checks.transformer.shared import hidden_width, sizes_of
from autograder.checks.transformer.stack import Stack

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


@exercise.promise("counts once", broken_by="counts_the_tied_matrix_twice")
@exercise.promise('"attention" (all layers together)', broken_by="counts_one_layer")
@exercise.promise('"feed_forward" (all layers, of width `hidden_width(d_model)`)', broken_by="a_width_of_four")
@exercise.promise('"norms" (two a layer, and the last)', broken_by="forgets_the_norm_after_the_last_block")
@exercise.promise("as whole numbers (`int`)", broken_by="counts_in_another_type")
@exercise.promise("Each call gives a dictionary of its own", broken_by="hands_out_one_dictionary")
@exercise.promise("The parts are", broken_by="adds_the_sum_to_the_parts")
@exercise.check(points=0.25)
def the_parts_of_a_model(count_parameters, rng):
    """Embedding, attention, feed-forward networks and norms, in all layers together, each a whole number (an int)."""
    vocab_size, _, n_layers = sizes_of(rng)
    seen = {}
    for d_model in (8, 40, 56, 64, 80, 2, 12, 24, 96, 14, 480, 8):  # 8/3 of some is a multiple of 32
        parts = count_parameters(vocab_size, d_model=d_model, n_layers=n_layers)
        are_whole = all(type(number) is int for number in parts.values())
        seen[f"d_model={d_model}, call {len(seen)}"] = {"parts": dict(parts), "all are int": are_whole}
        parts.clear()
        seen[f"d_model={d_model}, again"] = count_parameters(vocab_size, d_model, n_layers)
    return seen | {"one token": count_parameters(n_layers=1, d_model=2, vocab_size=1)}


@exercise.promise("How many learned numbers a `GPT` of these sizes has", broken_by="forgets_w_output")
@exercise.check(points=0.125)
def as_many_as_a_model_has(count_parameters, rng):
    """The parts add up to what a GPT of these sizes has when it is built, the shared matrix counted once."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    model = Stack(vocab_size, 8, d_model, n_layers, n_heads=2)
    built = sum(weight.numel() for weight in model.parameters())
    return {"more than were built": sum(count_parameters(vocab_size, d_model, n_layers).values()) - built}


@exercise.promise("all layers together", broken_by="leaves_out_the_first_layer")
@exercise.check(points=0.25)
def what_a_layer_adds(count_parameters, rng):
    """One layer more adds to each part what a layer has, to the embedding nothing; without layers one norm is left."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    fewer, more = (count_parameters(vocab_size, d_model, layers) for layers in (n_layers, n_layers + 1))
    added = {f"added to {part}": more[part] - fewer[part] for part in fewer}
    return added | {f"n_layers={n}": count_parameters(vocab_size, d_model, n) for n in (0, 1)}


@exercise.promise("Models of up to 10¹⁸ parameters are counted exactly", broken_by="counts_in_thirty_two_bits")
@exercise.check(points=0.125)
def the_largest_models(count_parameters, rng):
    """Models with hundreds of billions of parameters, and more, are counted to the last one."""
    vocab_size, _, n_layers = sizes_of(rng)
    seen = {"one layer, 200 million wide": count_parameters(70_001, 200_000_002, 1)}
    return seen | {
        f"d_model={d_model}": count_parameters(1000 * vocab_size + 1, d_model, 16 * n_layers + 1)
        for d_model in (20_000_002, 12_288)  # whoever builds the model ends at the first, which no machine can hold
    }


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


@exercise.mistake(hint="Your feed-forward networks have 8 · d_model² weights. What becomes of 8/3 in `hidden_width`?")
def eight_squares(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers) | {"feed_forward": n_layers * 8 * d_model**2}


@exercise.mistake(hint="Your width inside is the nearest multiple of 32. Which multiple is the next one?")
def rounds_the_width_to_the_nearest(vocab_size, d_model, n_layers):
    nearest = 32 * max(1, (16 * d_model + 96) // 192)
    return parts_of(vocab_size, d_model, n_layers, hidden=nearest)


@exercise.mistake(hint="The values are right, and they are no `int`. Of which type is what you return?")
def counts_in_another_type(vocab_size, d_model, n_layers):
    return {part: float(number) for part, number in parts_of(vocab_size, d_model, n_layers).items()}


@exercise.mistake(hint="Your parts hold something that is no part. What is the sum of all entries?")
def adds_the_sum_to_the_parts(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts | {"total": sum(parts.values())}


@exercise.mistake(hint="A layer is missing from your count. With one layer, what does it say?")
def leaves_out_the_first_layer(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, max(0, n_layers - 1)) | {"norms": (2 * n_layers + 1) * d_model}


@exercise.mistake(hint="Without layers you count no norm. Is there nothing in front of the output?")
def forgets_the_last_norm_without_layers(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts if n_layers else parts | {"norms": 0}


@exercise.mistake(hint="Large models come out wrong. How large may a number be, of the kind that you count with?")
def counts_in_thirty_two_bits(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return {part: (number + 2**31) % 2**32 - 2**31 for part, number in parts.items()}


LAST: dict[str, Any] = {}


@exercise.mistake(hint="Who takes a part out of your dictionary takes it from others too. To whom does it belong?")
def hands_out_one_dictionary(vocab_size, d_model, n_layers):
    sizes = vocab_size, d_model, n_layers
    if LAST.get("sizes") != sizes:
        LAST.update(sizes=sizes, parts=parts_of(*sizes))
    return LAST["parts"]


exercise.aside("nothing of their size is held in memory", "What is built in full ends the check of the largest models.")
exercise.edges(
    empty="what_a_layer_adds",
    one="what_a_layer_adds",
    equal="No two are compared.",
    zero="what_a_layer_adds",
    ties="No two are compared.",
    large="the_largest_models",
    small="the_parts_of_a_model",
    limit="There is no limit.",
    shapes="the_parts_of_a_model",
    modes="A function has no mode.",
    gradients="Whole numbers have none.",
    inputs="Whole numbers have none.",
)
exercise.given(parts_of)
