"""`rename_weights`: every tensor has its new name, as it is; what has no place is refused, and named."""

import re
from typing import Any

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import called, ending, mistake, mistakes, normal
from autograder.checks.real.weights import OF_A_LAYER, WHOLE, file_of

exercise = Exercise("rename_weights")
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def small_file(rng: torch.Generator, **sizes: int) -> dict[str, Tensor]:
    """A file of a model 8 wide, with two layers where no other number is given."""
    return file_of(rng, **{"d_model": 8, "d_hidden": 5, "n_heads": 4} | sizes)


def shuffled(weights: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor]:
    """The same in another order."""
    names = list(weights)
    return {names[place]: weights[names[place]] for place in torch.randperm(len(names), generator=rng).tolist()}


def complaint(rename_weights, weights: dict[str, Tensor], name: str) -> dict[str, Any]:
    """How a call ends, and whether its words have the name of this tensor, and its sizes one after the other."""
    said = []

    def call():
        try:
            rename_weights(weights)
        except ValueError as error:
            said.append(str(error))
            raise

    end = ending(call)
    sizes = " ".join(re.findall(r"\d+", "".join(said).replace(name, "")))
    in_words = " ".join(map(str, weights[name].shape))
    return {"it ends with": end, "the name is said": name in "".join(said), "the shape is said": in_words in sizes}


@exercise.promise("Call each tensor of a model of `transformers`", broken_by="takes_the_norms_by_their_sound")
@exercise.promise('becomes "blocks.12.feed_forward.w_up.weight"', broken_by="exchanges_gate_and_up")
@exercise.promise("Every tensor is used, as it is, and once;", broken_by="lays_matrices_across")
@exercise.check(points=0.25)
def each_tensor_has_its_name(rename_weights, rng):
    """Each tensor comes back under the name that it has in `GPT`, with its numbers, its shape and its type."""
    weights = small_file(rng)
    half, wide = ({name: weight.to(dtype) for name, weight in weights.items()} for dtype in (torch.half, torch.double))
    renamed = {"of two layers": rename_weights(weights), "in float16": rename_weights(half)}
    renamed |= {"in float64": rename_weights(wide), "without layers": rename_weights(small_file(rng, n_layers=0))}
    return renamed | {
        f"types, {words}": {name: str(weight.dtype) for name, weight in its.items()} for words, its in renamed.items()
    }


@exercise.promise("behind its number", broken_by="reads_one_digit")
@exercise.check(points=0.25)
def each_layer_has_its_number(rename_weights, rng):
    """The number of a layer stays what it is, with one digit, two or three, in whatever order the tensors come."""
    weights, seen = small_file(rng, n_layers=13), {}
    orders = {
        "as they were made": weights,
        "sorted": dict(sorted(weights.items())),
        "at random": shuffled(weights, rng),
    }
    for words, given in orders.items():
        renamed = rename_weights(given)
        seen[f"{words}: names"] = sorted(renamed)
        seen[f"{words}: first number of each"] = {name: weight.flatten()[0] for name, weight in renamed.items()}
    some = (
        "0.mlp.gate_proj.weight",
        "1.self_attn.q_proj.weight",
        "10.mlp.gate_proj.weight",
        "111.input_layernorm.weight",
    )
    tensors = {f"model.layers.{name}": normal(rng, 3, 4) for name in some} | {EMBEDDING: normal(rng, 5, 4)}
    return seen | {"of layers that do not follow each other": rename_weights(tensors)}


@exercise.promise('the embedding alone is used twice where there is no "lm_head.weight"', broken_by="ties_nothing")
@exercise.promise("What is given stays as it was.", broken_by="takes_out_of_what_is_given")
@exercise.check(points=0.25)
def the_output_is_the_embedding(rename_weights, rng):
    """Without "lm_head.weight" the embedding is "output.weight" too; with it both are used, in any order."""
    weights, seen = small_file(rng, n_layers=1), {}
    embedding = weights[EMBEDDING]
    places = {"none": weights, "first": {HEAD: embedding} | weights, "last": weights | {HEAD: embedding.clone()}}
    places["none, the embedding last"] = dict(reversed(weights.items()))
    for words, given in places.items():
        renamed = rename_weights(given)
        seen[f"lm_head {words}: names"] = sorted(renamed)
        seen[f"lm_head {words}: output"] = renamed["output.weight"]
        seen[f"lm_head {words}: embedding"] = renamed["embedding.weight"]
        seen[f"lm_head {words}: what was given has its names"] = sorted(given)
    return seen


NO_PLACE = (
    "model.layers.0.self_attn.q_proj.bias",
    "model.layers.1.self_attn.k_norm.weight",
    "model.layers.1.self_attn.rotary_emb.inv_freq",
    "model.layers.1.mlp.up_proj.weight_scale",
    "model.layers.1.mlp.up_proj",
    "model.layers.0.norm.weight",
    "vision.model.layers.0.mlp.up_proj.weight",
    "model.layers.mlp.up_proj.weight",
    "model.embed_positions.weight",
    "lm_head.bias",
    "score.weight",
)


@exercise.promise("Raises ValueError for a tensor that has no place", broken_by="drops_what_has_no_place")
@exercise.promise("with its name and its shape", broken_by="says_the_name_alone")
@exercise.promise('for an "lm_head.weight" that differs from the embedding', broken_by="takes_any_head")
@exercise.promise("Raises KeyError where there is no embedding.", broken_by="goes_on_without_an_embedding")
@exercise.check(points=0.25)
def what_has_no_place(rename_weights, rng):
    """A tensor without a place is a ValueError with its name and shape; so is a head that is not the embedding."""
    weights = small_file(rng)
    seen = {}
    for place, name in enumerate(NO_PLACE):
        other = {name: normal(rng, 17, 19) if place % 2 else normal(rng, 23)}
        seen[name] = complaint(rename_weights, weights | other if place % 3 else other | weights, name)
    head, other = weights[EMBEDDING].clone(), weights[EMBEDDING].clone()
    head[-1, -1] += 1
    other[0] = 0
    heads = {"in the last number": head, "in the first row": other, "in all": -weights[EMBEDDING]}
    heads |= {"in its shape": weights[EMBEDDING][:-1], "in nothing": weights[EMBEDDING].clone()}
    for words, head in heads.items():
        seen[f"lm_head differs {words}"] = ending(lambda: rename_weights(weights | {HEAD: head}))
        seen[f"lm_head, which comes first, differs {words}"] = ending(lambda: rename_weights({HEAD: head} | weights))
    without = {name: weight for name, weight in weights.items() if name != EMBEDDING}
    seen["no embedding"] = ending(lambda: rename_weights(without))
    return seen | {"a lm_head alone": ending(lambda: rename_weights(without | {HEAD: weights[EMBEDDING]}))}


exercise.aside("`WHOLE` says how, and for a layer `OF_A_LAYER`", "The tables are given.")
exercise.edges(
    empty="A model has an embedding.",
    one="each_layer_has_its_number",
    equal="the_output_is_the_embedding",
    zero="each_tensor_has_its_name",
    ties="No two are compared.",
    large="Nothing is computed.",
    small="Nothing is computed.",
    limit="There is no limit.",
    shapes="each_tensor_has_its_name",
    modes="A function has no mode.",
    gradients="There is no step that could meet old ones.",
    inputs="A weight that is loaded asks for no gradient.",
)


class Renaming:
    """`rename_weights` with its parts to override, so that one of them can be wrong."""

    part, layer = OF_A_LAYER, r"model\.layers\.(\d+)\.(.+)"

    def __call__(self, weights):
        renamed = {}
        for name, weight in self.entries(weights):
            if new := self.name(name):
                renamed[new] = self.tensor(weight)
            else:
                self.refuse(name, weight)
        self.tie(renamed)
        return renamed

    def entries(self, weights):
        return list(weights.items())

    def name(self, name):
        if layer := re.fullmatch(self.layer, name):
            return f"blocks.{self.number(layer[1])}.{self.part[layer[2]]}" if layer[2] in self.part else None
        return WHOLE.get(name)

    def number(self, digits):
        return digits

    def tensor(self, weight):
        return weight

    def refuse(self, name, weight):
        raise ValueError(f"{name} {list(weight.shape)}")

    def tie(self, renamed):
        self.compare(renamed.setdefault("output.weight", renamed["embedding.weight"]), renamed["embedding.weight"])

    def compare(self, head, embedding):
        if not torch.equal(head, embedding):
            raise ValueError("lm_head.weight")


def exchanged(*pair: str) -> dict[str, str]:
    """The names of a layer's tensors, two of them in each other's place."""
    first, second = (next(name for name in OF_A_LAYER if part in name) for part in pair)
    return OF_A_LAYER | {first: OF_A_LAYER[second], second: OF_A_LAYER[first]}


def all_taken_out(self, weights):
    while weights:
        yield weights.popitem()


def while_the_embedding_is_there(self, weights):
    """All entries, as they come. Raises KeyError where the head has nothing yet with which it could be compared."""
    names = list(weights)
    for name in names:
        if name == HEAD and EMBEDDING not in names[: names.index(HEAD)]:
            raise KeyError("embedding.weight")
        yield name, weights[name]


class numbers_layers_as_they_come(Renaming):
    def __call__(self, weights):
        self.seen = []
        return super().__call__(weights)

    def number(self, digits):
        self.seen += [digits] * (digits not in self.seen)
        return self.seen.index(digits)


exercise.mistake(
    hint="You number the layers in the order in which they come. What comes between layer 1 and layer 2 in a file that "
    "is sorted by name?"
)(called(numbers_layers_as_they_come))
mistakes(
    exercise,
    Renaming,
    exchanges_gate_and_up=mistake(
        "Gate and up have each other's weights. Which of the two is bent by silu?", part=exchanged("gate_", "up_")
    ),
    takes_the_norms_by_their_sound=mistake(
        "The norms of a layer have each other's weights. Which part does `post_attention_layernorm` stand in front of?",
        part=exchanged("input_", "post_"),
    ),
    lays_matrices_across=mistake(
        "Your matrices are transposed. Which way round does `nn.Linear` keep its weight, here and in `transformers`?",
        tensor=lambda self, weight: weight.T,
    ),
    makes_all_float32=mistake(
        "All is float32 with you. What was to be changed, the name or the type?",
        tensor=lambda self, weight: weight.float(),
    ),
    reads_one_digit=mistake(
        "Layer 10 becomes another one. How many digits may the number of a layer have?",
        number=lambda self, digits: digits[0],
    ),
    counts_layers_from_one=mistake(
        "There is no block 0 with you. From which number on does `transformers` count, and `nn.ModuleList`?",
        number=lambda self, digits: int(digits) + 1,
    ),
    loses_the_number=mistake(
        "All layers have become one. What tells the weights of two layers apart?", number=lambda self, digits: 0
    ),
    ties_nothing=mistake(
        'Without "lm_head.weight" the output has no weights. With which matrix does such a model score tokens?',
        tie=lambda self, renamed: "output.weight" in renamed and Renaming.tie(self, renamed),
    ),
    goes_on_without_an_embedding=mistake(
        "A file without an embedding is taken. What could such a model read?",
        tie=lambda self, renamed: "embedding.weight" in renamed and Renaming.tie(self, renamed),
    ),
    moves_the_embedding=mistake(
        "The embedding has become the output, and is gone from its own place. How often is it used?",
        tie=lambda self, renamed: (
            Renaming.tie(self, renamed)
            if "output.weight" in renamed
            else renamed.update({"output.weight": renamed.pop("embedding.weight")})
        ),
    ),
    takes_out_of_what_is_given=mistake(
        "What you were given is empty afterwards. Who may still need it?", entries=all_taken_out
    ),
    looks_for_the_embedding_too_early=mistake(
        'You compare "lm_head.weight" with the embedding as soon as you meet it. Which of the two comes first where a '
        "file is sorted by name?",
        entries=while_the_embedding_is_there,
    ),
    drops_what_has_no_place=mistake(
        "You leave out what you do not know. What does a model say whose biases are left out?",
        refuse=lambda self, name, weight: None,
    ),
    says_the_name_alone=mistake(
        "Your error names the tensor and no more. What else tells the reader what it could be?",
        refuse=lambda self, name, weight: Renaming.refuse(self, name, torch.empty(0)),
    ),
    takes_any_head=mistake(
        'A "lm_head.weight" of its own is taken. What becomes of it where `GPT` has one matrix for both?',
        compare=lambda self, head, embedding: None,
    ),
    refuses_every_head=mistake(
        'You refuse "lm_head.weight" even where it is the embedding. Is anything lost then?',
        name=lambda self, name: None if name == HEAD else Renaming.name(self, name),
    ),
    finds_layers_anywhere=mistake(
        "A layer of another part of the model becomes a block, too. Where does the name of a layer have to begin?",
        layer=r".*model\.layers\.(\d+)\.(.+)",
    ),
)


@exercise.given
def library_rename_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A `rename_weights` for the exercise that needs one."""
    names = dict(WHOLE)
    for name in weights:
        if (layer := re.match(r"model\.layers\.(\d+)\.", name)) and name[layer.end() :] in OF_A_LAYER:
            names[name] = f"blocks.{layer[1]}.{OF_A_LAYER[name[layer.end() :]]}"
    for name in weights.keys() - names.keys():
        raise ValueError(f"{name}, of shape {list(weights[name].shape)}, has no place")
    renamed = {names[name]: weight for name, weight in weights.items()}
    embedding = renamed["embedding.weight"]
    if not torch.equal(renamed.setdefault("output.weight", embedding), embedding):
        raise ValueError("lm_head.weight is another matrix than the embedding")
    return renamed
