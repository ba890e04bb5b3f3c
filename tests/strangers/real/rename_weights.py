# %% wrong: one_digit_layers
# "behind its number: "model.layers.12.mlp.up_proj.weight" becomes "blocks.12.feed_forward.w_up.weight""
# a layer's number has one digit; layer 12 has no place
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        found = re.fullmatch(r"model\.layers\.(\d)\.(.*)", name)
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif found and found[2] in OF_A_LAYER:
            renamed[f"blocks.{found[1]}.{OF_A_LAYER[found[2]]}"] = weight
        else:
            raise ValueError(f"{name} {tuple(weight.shape)} has no place")
    renamed.setdefault("output.weight", renamed["embedding.weight"])
    if not torch.equal(renamed["output.weight"], renamed["embedding.weight"]):
        raise ValueError("two matrices")
    return renamed


# %% wrong: forgets_the_shape
# "with its name and its shape"
# the error names the tensor alone
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        front, _, rest = name.removeprefix("model.layers.").partition(".")
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif name.startswith("model.layers.") and front.isdigit() and rest in OF_A_LAYER:
            renamed[f"blocks.{front}.{OF_A_LAYER[rest]}"] = weight
        else:
            raise ValueError(f"no place for {name}")
    renamed.setdefault("output.weight", renamed["embedding.weight"])
    if not renamed["output.weight"].equal(renamed["embedding.weight"]):
        raise ValueError("two matrices")
    return renamed


# %% wrong: takes_any_output_layer
# "for an "lm_head.weight" that differs from the embedding"
# hands on both
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        parts = name.split(".", 3)
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif parts[:2] == ["model", "layers"] and parts[3] in OF_A_LAYER:
            renamed[f"blocks.{parts[2]}.{OF_A_LAYER[parts[3]]}"] = weight
        else:
            raise ValueError(f"{name}, {tuple(weight.shape)}: no place")
    renamed.setdefault("output.weight", renamed["embedding.weight"])
    return renamed


# %% wrong: overlooks_what_is_in_no_layer
# "Raises ValueError for a tensor that has no place"
# skips buffers, such as the frequencies of rotations
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        if name.endswith("inv_freq"):
            continue
        found = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", name)
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif found and found[2] in OF_A_LAYER:
            renamed[f"blocks.{found[1]}.{OF_A_LAYER[found[2]]}"] = weight
        elif not found:
            continue
        else:
            raise ValueError(f"{name} {tuple(weight.shape)} has no place")
    renamed.setdefault("output.weight", renamed["embedding.weight"])
    if not torch.equal(renamed["output.weight"], renamed["embedding.weight"]):
        raise ValueError("two matrices")
    return renamed


# %% wrong: ties_a_head_that_is_near
# "for an "lm_head.weight" that differs from the embedding"
# a head that differs a little is taken for the embedding
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        found = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", name)
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif found and found[2] in OF_A_LAYER:
            renamed[f"blocks.{found[1]}.{OF_A_LAYER[found[2]]}"] = weight
        else:
            raise ValueError(f"{name} {tuple(weight.shape)} has no place")
    renamed.setdefault("output.weight", renamed["embedding.weight"])
    if not torch.allclose(renamed["output.weight"], renamed["embedding.weight"], atol=1e-1):
        raise ValueError("two matrices")
    return renamed


# %% wrong: leaves_the_output_out
# "and is "output.weight" too"
# where there is no head, there is no output
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        found = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", name)
        if name in WHOLE:
            renamed[WHOLE[name]] = weight
        elif found and found[2] in OF_A_LAYER:
            renamed[f"blocks.{found[1]}.{OF_A_LAYER[found[2]]}"] = weight
        else:
            raise ValueError(f"{name} {tuple(weight.shape)} has no place")
    head = renamed.get("output.weight", renamed["embedding.weight"])
    if not torch.equal(head, renamed["embedding.weight"]):
        raise ValueError("two matrices")
    return renamed


# %% right: takes_from_a_copy
# every place is asked for, and what is left over has none
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    left, renamed = dict(weights), {}
    for theirs, ours in WHOLE.items():
        if theirs in left:
            renamed[ours] = left.pop(theirs)
    for name in list(left):
        theirs = name.split(".", 3)[-1]
        if name.startswith("model.layers.") and name.split(".")[2].isdecimal() and theirs in OF_A_LAYER:
            renamed[f"blocks.{name.split('.')[2]}.{OF_A_LAYER[theirs]}"] = left.pop(name)
    for name, weight in left.items():
        raise ValueError(f"nothing is called {name} here, whose shape is {tuple(weight.shape)}")
    if "output.weight" not in renamed:
        renamed["output.weight"] = renamed["embedding.weight"]
    elif not torch.equal(renamed["output.weight"], renamed["embedding.weight"]):
        raise ValueError("an output layer of its own")
    return renamed


# %% right: by_substitution
# names are rewritten by one pattern with a function
def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def ours(name: str, weight: Tensor) -> str:
        if name in WHOLE:
            return WHOLE[name]
        layer = re.match(r"^model\.layers\.([0-9]+)\.", name)
        rest = name[layer.end() :] if layer else None
        if rest not in OF_A_LAYER:
            raise ValueError(f"{name} of {tuple(weight.shape)}?")
        return f"blocks.{layer.group(1)}.{OF_A_LAYER[rest]}"

    renamed = {ours(name, weight): weight for name, weight in weights.items()}
    embedding = renamed["embedding.weight"]
    if "output.weight" in renamed and not torch.equal(renamed["output.weight"], embedding):
        raise ValueError("lm_head.weight is not the embedding")
    return {"output.weight": embedding, **renamed}
