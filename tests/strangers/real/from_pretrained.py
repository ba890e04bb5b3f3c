# %% wrong: repeats_before_it_moves
# "Heads are repeated by `repeat_heads`, pairs put in order by `pairs_to_halves`"
# keys are repeated first, and then put in order as if they were still the heads that are shared
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()


# %% wrong: leaves_the_last_norm
# "of every norm"
# the norm behind the blocks keeps its own eps
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()


# %% wrong: moves_queries_alone
# "With `neighbours` the weights of queries and keys have the legs of a pair side by side."
# keys stay as the file has them
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()


# %% wrong: sets_the_base_of_the_first_block
# "A block's attention has its base in `attention.base`"
# one block of all gets it
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        model.blocks[0].attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()


# %% wrong: goes_on_training
# "in evaluation mode"
# the model is handed back as it was made
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model


# %% wrong: shares_the_memory
# "share no memory with them"
# takes the given tensors for parameters where their type is right already
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict({name: its.float() for name, its in rename_weights(ours).items()}, assign=True)
    return model.eval()


# %% wrong: loads_what_fits
# "where any other tensor is missing"
# what is missing stays random
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours), strict=False)
    return model.eval()


# %% right: every_module_is_asked
# settings are set wherever a module has them
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    ours = {}
    for name, weight in weights.items():
        if neighbours and name.endswith("q_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("k_proj.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("k_proj.weight", "v_proj.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        ours[name] = weight
    model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
    for module in model.modules():
        if hasattr(module, "eps"):
            module.eps = sizes["eps"]
        if hasattr(module, "base"):
            module.base = sizes["base"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()


# %% right: renames_first
# names are ours before anything is moved
def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    renamed = rename_weights(weights)
    model = GPT(*[sizes[key] for key in ("vocab_size", "context", "d_model", "n_layers", "n_heads")])
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        for norm in (block.attention_norm, block.feed_forward_norm, model.norm):
            norm.eps = sizes["eps"]
    for name, its in list(renamed.items()):
        if neighbours and "w_query" in name:
            its = pairs_to_halves(its, sizes["n_heads"])
        if neighbours and "w_key" in name:
            its = pairs_to_halves(its, sizes["n_kv_heads"])
        if "w_key" in name or "w_value" in name:
            its = repeat_heads(its, sizes["n_kv_heads"], sizes["n_heads"])
        renamed[name] = its
    model.load_state_dict(renamed)
    model.train(False)
    return model
