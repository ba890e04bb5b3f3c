"""`from_pretrained`: two files of one model are one model; then its numbers, what it is made of, what is refused."""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal, tokens_of
from autograder.checks.real.pairs_to_halves import library_pairs_to_halves
from autograder.checks.real.rename_weights import library_rename_weights
from autograder.checks.real.repeat_heads import library_repeat_heads
from autograder.checks.real.weights import SIZES, file_of, with_pairs_side_by_side
from autograder.checks.transformer.FeedForward import Gated
from autograder.checks.transformer.stack import Stack

exercise = Exercise("from_pretrained")


def says(model: nn.Module, rng: torch.Generator) -> dict[str, Any]:
    """What a model gives for two texts as long as its context: logits, and of each block the shapes of its state."""
    with torch.no_grad():
        logits, state = model(tokens_of(rng, SIZES["vocab_size"], T=SIZES["context"]))
    return {"logits": logits, "state": [[list(part.shape) for part in layer] for layer in state]}


@exercise.promise(
    "With `neighbours` the weights of queries and keys have the legs of a pair side by side.",
    broken_by="moves_queries_alone",
)
@exercise.check(points=0.5, invariant=True, rtol=1e-3, atol=1e-3)
def two_files_of_one_model(from_pretrained, rng):
    """A file with its pairs as halves and one with the same pairs as neighbours give the same logits."""
    before, after, unmoved = [], [], []
    for n_heads, n_kv_heads in ((4, 2), (2, 2), (4, 1)):
        sizes = SIZES | {"n_heads": n_heads, "n_kv_heads": n_kv_heads}
        weights, tokens = file_of(rng, **sizes), tokens_of(rng, SIZES["vocab_size"], T=SIZES["context"])
        moved = with_pairs_side_by_side(weights, sizes)
        before.append(from_pretrained(weights, sizes)(tokens)[0])
        after.append(from_pretrained(moved, sizes, neighbours=True)(tokens)[0])
        unmoved.append(from_pretrained(moved, sizes, False)(tokens)[0])
    return {
        "before": before,
        "after": after,
        "must differ": [before, unmoved],
        "change": "the legs of each pair were put side by side, and neighbours was True",
    }


@exercise.promise("that gives the numbers of a model of `transformers`", broken_by="moves_pairs_in_every_file")
@exercise.promise('"base", of the rotations;', broken_by="leaves_the_base")
@exercise.promise('and "eps", of every norm.', broken_by="leaves_the_eps_of_the_last_norm")
@exercise.promise("then each block gets another `FeedForward`;", broken_by="has_one_feed_forward_network_for_all")
@exercise.check(points=0.5, rtol=1e-3, atol=1e-3)
def the_numbers_of_the_model(from_pretrained, rng):
    """Logits and state are those of the model, with its base, its eps and its width inside, one layer or eleven."""
    sizes = {
        "two layers": {},
        "eps=3e-5, base=200": {"eps": 3e-5, "base": 200.0},
        "base=100000": {"base": 100_000.0},
        "eleven layers": {"n_layers": 11, "d_hidden": 3},
        "one layer": {"n_layers": 1, "d_hidden": 90},
    }
    return {words: says(from_pretrained(file_of(rng, **its), SIZES | its), rng) for words, its in sizes.items()}


@exercise.promise('"n_kv_heads", the number of heads of keys and values;', broken_by="expects_three_readers_for_each")
@exercise.check(points=0.25, rtol=1e-3, atol=1e-3)
def heads_that_are_shared_or_not(from_pretrained, rng):
    """All heads of the queries share one head of keys, or each has its own, or some share; as halves or neighbours."""
    seen = {}
    for n_heads, n_kv_heads in ((6, 1), (6, 6), (6, 3), (4, 2), (2, 1), (1, 1)):
        sizes = SIZES | {"n_heads": n_heads, "n_kv_heads": n_kv_heads, "n_layers": 1}
        for neighbours in (False, True):
            words = f"n_heads={n_heads}, n_kv_heads={n_kv_heads}, neighbours={neighbours}"
            seen[words] = says(from_pretrained(file_of(rng, **sizes), sizes, neighbours), rng)
    return seen


@exercise.promise(
    '`sizes` has "vocab_size", "context", "d_model", "n_layers" and "n_heads";', broken_by="has_a_context_of_8192"
)
@exercise.promise("in evaluation mode", broken_by="leaves_it_in_training")
@exercise.promise("which need not be `hidden_width(d_model)`", broken_by="keeps_the_width_inside")
@exercise.promise("A block's attention has its base in `attention.base`", broken_by="gives_the_first_block_its_base")
@exercise.promise("a norm its eps in `eps`", broken_by="leaves_the_eps_of_the_blocks")
@exercise.check(points=0.25)
def what_it_is_made_of(from_pretrained, rng):
    """Context, weights, base and eps are those that are given; the output is the embedding; no part is in training."""
    seen = {}
    for words, its in {"40 wide inside": {}, "as wide as a block is made": {"d_hidden": 64, "eps": 1e-5}}.items():
        model = from_pretrained(file_of(rng, **its), SIZES | its)
        seen[words] = {
            "weights": {name: list(weight.shape) for name, weight in model.named_parameters()},
            "context": model.context,
            "some part is in training": any(part.training for part in model.modules()),
            "base": [float(block.attention.base) for block in model.blocks],
            "eps of the blocks": [
                [float(norm.eps) for norm in (block.attention_norm, block.feed_forward_norm)] for block in model.blocks
            ],
            "eps of the last norm": float(model.norm.eps),
        }
    return seen


@exercise.promise("The model's weights are float32", broken_by="keeps_the_type_of_the_file")
@exercise.promise("and share no memory with them;", broken_by="shares_its_weights_with_the_file")
@exercise.promise("what is given stays as it was.", broken_by="writes_into_the_file")
@exercise.check(points=0.25)
def a_file_stays_as_it_was(from_pretrained, rng):
    """Weights of 16 bits, or of 64, become float32; what was given stays, also when the model learns on."""
    seen = {}
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        its = {"n_layers": 1, "n_kv_heads": 6 if dtype == torch.float32 else 2}
        weights = {name: weight.to(dtype) for name, weight in file_of(rng, **its).items()}
        model = from_pretrained(weights, SIZES | its)
        seen[f"{dtype}: types"] = sorted({str(weight.dtype) for weight in model.parameters()})
        seen[f"{dtype}: its keys"] = model.blocks[0].attention.w_key.weight
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(1.0)
        seen[f"{dtype}: the file, when the model has learned on"] = weights
    return seen


def broken(weights: dict[str, Tensor], rng: torch.Generator) -> dict[str, dict[str, Tensor]]:
    """Files that do not fit the model, each for one reason, and one that does."""
    layer, embedding = "model.layers.1.", weights["model.embed_tokens.weight"]
    without = {
        name: {other: weight for other, weight in weights.items() if other != layer + name}
        for name in ("mlp.down_proj.weight", "self_attn.k_proj.weight", "input_layernorm.weight")
    }
    odd = weights[f"{layer}self_attn.k_proj.weight"][:-1]
    shapes = {
        "mlp.up_proj.weight": normal(rng, 32, 24),
        "self_attn.o_proj.weight": normal(rng, 24, 20),
        "post_attention_layernorm.weight": normal(rng, 1),
        "input_layernorm.weight": normal(rng, 24, 1),
    }
    return (
        {f"{name} is missing": it for name, it in without.items()}
        | {f"{name} has another shape": weights | {layer + name: weight} for name, weight in shapes.items()}
        | {
            "the last norm is missing": {name: it for name, it in weights.items() if name != "model.norm.weight"},
            "the embedding is missing": {name: it for name, it in weights.items() if "embed" not in name},
            "another vocabulary": weights | {"model.embed_tokens.weight": embedding[:-1]},
            "a layer too many": weights | {"model.layers.2.mlp.down_proj.weight": normal(rng, 24, 40)},
            "keys that are no two heads": weights | {f"{layer}self_attn.k_proj.weight": odd},
            "values that are no two heads": weights | {f"{layer}self_attn.v_proj.weight": odd},
            "a bias": weights | {f"{layer}self_attn.q_proj.bias": normal(rng, 24)},
            "an output of its own": weights | {"lm_head.weight": -embedding},
            "an output that is the embedding": weights | {"lm_head.weight": embedding.clone()},
        }
    )


@exercise.promise("Raises ValueError and KeyError as these three do", broken_by="takes_what_it_knows")
@exercise.promise("where any other tensor is missing", broken_by="goes_on_without_what_is_missing")
@exercise.promise("or there is a layer too many.", broken_by="leaves_out_a_layer_too_many")
@exercise.promise("one has another shape", broken_by="stretches_what_is_too_small")
@exercise.check(points=0.25)
def what_is_no_such_model(from_pretrained, rng):
    """No place, or heads that do not come out even, is a ValueError; missing, misshapen or too many, a RuntimeError."""
    weights = file_of(rng)
    seen = {words: ending(lambda: from_pretrained(it, SIZES)) for words, it in broken(weights, rng).items()}
    sizes = {"four heads of keys": {"n_kv_heads": 4}, "heads of three": {"n_heads": 8, "n_kv_heads": 2}}
    odd = file_of(rng, **sizes["heads of three"])
    seen["n_kv_heads=4"] = ending(lambda: from_pretrained(weights, SIZES | sizes["four heads of keys"]))
    seen["heads of three rows, neighbours=True"] = ending(
        lambda: from_pretrained(odd, SIZES | sizes["heads of three"], True)
    )
    return seen


exercise.aside(
    "Heads are repeated by `repeat_heads`, pairs put in order by `pairs_to_halves`, names changed by `rename_weights`.",
    "The checks look at the model, and not at who has built it.",
)
exercise.edges(
    empty="A model has a layer.",
    one="heads_that_are_shared_or_not",
    equal="heads_that_are_shared_or_not",
    zero="Nothing is computed but by the model.",
    ties="No two are compared.",
    large="Nothing is computed but by the model.",
    small="Nothing is computed but by the model.",
    limit="the_numbers_of_the_model",
    shapes="what_it_is_made_of",
    modes="what_it_is_made_of",
    gradients="There is no step that could meet old ones.",
    inputs="A weight that is loaded asks for no gradient.",
)


class Loading:
    """`from_pretrained` with its parts to override, so that one of them can be wrong."""

    def __call__(self, weights, sizes, neighbours=False):
        ours = self.prepared(weights, sizes, neighbours)
        model = Stack(*(sizes[size] for size in ("vocab_size", "context", "d_model", "n_layers", "n_heads")))
        model.context = self.context(sizes)
        self.widen(model.blocks, sizes)
        self.set_base(model.blocks, sizes["base"])
        for norm in self.norms(model):
            norm.eps = sizes["eps"]
        self.load(model, self.renamed(ours), weights)
        return model.train(self.training())

    def prepared(self, weights, sizes, neighbours):
        return {name: self.changed(name, weight, sizes, neighbours) for name, weight in weights.items()}

    def changed(self, name, weight, sizes, neighbours):
        part, (n_heads, n_kv_heads) = name.split(".")[-2][:2], self.heads(sizes)
        if part in self.moved and self.moves(neighbours):
            weight = library_pairs_to_halves(weight, self.heads_of(part, n_heads, n_kv_heads))
        return library_repeat_heads(weight, n_kv_heads, n_heads) if self.is_repeated(name) else weight

    moved = "q_", "k_"

    def is_repeated(self, name):
        return name.endswith(("k_proj.weight", "v_proj.weight"))

    def heads(self, sizes):
        return sizes["n_heads"], sizes["n_kv_heads"]

    def heads_of(self, part, n_heads, n_kv_heads):
        return n_heads if part == "q_" else n_kv_heads

    def moves(self, neighbours):
        return neighbours

    def context(self, sizes):
        return sizes["context"]

    def widen(self, blocks, sizes):
        for block in blocks:
            block.feed_forward = Gated(sizes["d_model"], sizes["d_hidden"])

    def set_base(self, blocks, base):
        for block in blocks:
            block.attention.base = base

    def norms(self, model):
        return [*self.norms_of_blocks(model), model.norm]

    def norms_of_blocks(self, model):
        return [norm for block in model.blocks for norm in (block.attention_norm, block.feed_forward_norm)]

    def renamed(self, weights):
        return library_rename_weights(weights)

    def load(self, model, renamed, weights):
        model.load_state_dict(renamed)

    def training(self):
        return False


def moved_after_repeating(self, name, weight, sizes, neighbours):
    weight = Loading.changed(self, name, weight, sizes, False)
    heads = {"q_": sizes["n_heads"], "k_": sizes["n_kv_heads"]}.get(name.split(".")[-2][:2])
    return library_pairs_to_halves(weight, heads) if heads and neighbours else weight


def one_for_all(self, blocks, sizes):
    network = Gated(sizes["d_model"], sizes["d_hidden"])
    for block in blocks:
        block.feed_forward = network


def written_into_the_file(self, weights, sizes, neighbours):
    for name in weights:
        weights[name] = self.changed(name, weights[name], sizes, neighbours)
    return weights


def in_the_type_of_the_file(self, model, renamed, weights):
    model.load_state_dict(renamed)
    model.to(renamed["norm.weight"].dtype)


def without_a_copy(self, model, renamed, weights):
    model.load_state_dict({name: weight.float() for name, weight in renamed.items()}, assign=True)
    model.output.weight = model.embedding.weight


def stretched(self, model, renamed, weights):
    if renamed.keys() != model.state_dict().keys():
        raise RuntimeError("other tensors")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(renamed[name])


def with_two_matrices(self, model, renamed, weights):
    model.load_state_dict(renamed)
    model.output.weight = nn.Parameter(model.embedding.weight.detach().clone())


mistakes(
    exercise,
    Loading,
    moves_queries_alone=mistake(
        "The pairs of the keys stay where they were. Which two does a rotation turn?", moved=("q_",)
    ),
    moves_values_too=mistake("You move rows of the values. Does a rotation ever turn them?", moved=("q_", "k_", "v_")),
    moves_pairs_in_every_file=mistake(
        "You move pairs that are half a head apart already. What says how a file has them?",
        moves=lambda self, neighbours: True,
    ),
    moves_pairs_in_no_file=mistake(
        "No pair is moved. Where does `neighbours` come in?", moves=lambda self, neighbours: False
    ),
    cuts_queries_into_the_heads_of_keys=mistake(
        "You move the pairs of the queries in heads that are too large. How many heads do the queries have?",
        heads_of=lambda self, part, n_heads, n_kv_heads: n_kv_heads,
    ),
    cuts_keys_into_the_heads_of_queries=mistake(
        "You move the pairs of the keys in heads that are too small. How many heads do the keys of the file have?",
        heads_of=lambda self, part, n_heads, n_kv_heads: n_heads,
    ),
    moves_pairs_after_repeating=mistake(
        "You move the pairs of keys that are repeated already. How many heads do they have by then?",
        changed=moved_after_repeating,
    ),
    repeats_keys_alone=mistake(
        "The values are not repeated. What does a head of the queries read, once it knows where?",
        is_repeated=lambda self, name: name.endswith("k_proj.weight"),
    ),
    expects_three_readers_for_each=mistake(
        "Three heads of queries share a head of keys with you, as in SmolLM2. What says how many there are?",
        heads=lambda self, sizes: (sizes["n_heads"], max(1, sizes["n_heads"] // 3)),
    ),
    leaves_the_base=mistake(
        "Your rotations have the base of the village. How far does the slowest pair turn over the whole context?",
        set_base=lambda self, blocks, base: None,
    ),
    gives_the_first_block_its_base=mistake(
        "The first block alone has the base. Which others turn queries and keys?",
        set_base=lambda self, blocks, base: Loading.set_base(self, blocks[:1], base),
    ),
    leaves_the_eps_of_the_last_norm=mistake(
        "The norms of the blocks have the eps. Which norm stands in no block?", norms=Loading.norms_of_blocks
    ),
    leaves_the_eps_of_the_blocks=mistake(
        "The last norm has the eps. Which norms has a block?", norms=lambda self, model: [model.norm]
    ),
    leaves_every_eps=mistake(
        "All norms have an eps of 1e-6. Which one was the model trained with?", norms=lambda self, model: []
    ),
    keeps_the_width_inside=mistake(
        "Your feed-forward networks are as wide as `Block` makes them. Which width does the file have?",
        widen=lambda self, blocks, sizes: None,
    ),
    has_one_feed_forward_network_for_all=mistake(
        "All blocks have one feed-forward network, with the weights of the last. How often do you make one?",
        widen=one_for_all,
    ),
    has_a_context_of_8192=mistake(
        "The context is 8,192 whatever is asked for. Which of the sizes says it?", context=lambda self, sizes: 8192
    ),
    gives_the_output_its_own_matrix=mistake(
        "Your model has vocab_size · d_model weights too many. Which matrix scores the tokens?", load=with_two_matrices
    ),
    leaves_it_in_training=mistake(
        "The model comes back as if it were to be trained. What does `eval()` do?", training=lambda self: True
    ),
    keeps_the_type_of_the_file=mistake(
        "The model has the type of the file. What does a CPU make of 16 bits, and what is lost in a sum?",
        load=in_the_type_of_the_file,
    ),
    shares_its_weights_with_the_file=mistake(
        "Model and file share memory. What becomes of the file when the model is tuned?", load=without_a_copy
    ),
    writes_into_the_file=mistake(
        "You put the repeated weights where the file's own were. What if it is loaded a second time?",
        prepared=written_into_the_file,
    ),
    takes_what_it_knows=mistake(
        "You leave out what `rename_weights` would refuse. Does the model still give the numbers of the file's?",
        renamed=lambda self, weights: library_rename_weights(
            {name: weight for name, weight in weights.items() if "bias" not in name and "lm_head" not in name}
        ),
    ),
    goes_on_without_what_is_missing=mistake(
        "A file that lacks a tensor is loaded all the same. Which numbers stand in the place of what is missing?",
        load=lambda self, model, renamed, weights: model.load_state_dict(renamed, strict=False),
    ),
    leaves_out_a_layer_too_many=mistake(
        "A file with more layers than `sizes` says is loaded all the same. Is it still the same model?",
        load=lambda self, model, renamed, weights: model.load_state_dict(
            {name: weight for name, weight in renamed.items() if name in model.state_dict()}
        ),
    ),
    stretches_what_is_too_small=mistake(
        "A tensor of one number fills a whole row. Does `copy_` ask whether two shapes are the same?", load=stretched
    ),
)
