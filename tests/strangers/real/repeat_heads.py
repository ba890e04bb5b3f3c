# %% wrong: asks_only_for_the_rows
# "Raises ValueError where n_kv_heads does not divide n_heads, or the number of rows."
# takes three heads of keys for eight heads of queries, and gives them two copies each
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if weight.size(0) % n_kv_heads:
        raise ValueError("the rows are no whole heads")
    heads = weight.reshape(n_kv_heads, -1, weight.size(1))
    return torch.repeat_interleave(heads, n_heads // n_kv_heads, dim=0).flatten(0, 1)


# %% wrong: asks_only_for_the_heads
# "Raises ValueError where n_kv_heads does not divide n_heads, or the number of rows."
# leaves the rows to PyTorch, whose complaint is a RuntimeError
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads != 0:
        raise ValueError("heads cannot be shared evenly")
    return weight.view(n_kv_heads, -1, weight.size(1)).repeat_interleave(n_heads // n_kv_heads, 0).flatten(0, 1)


# %% wrong: hands_back_what_it_got
# "in memory of its own"
# where each head of queries has its own keys already, the result is the weight itself
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError("heads that cannot be shared")
    if n_heads == n_kv_heads:
        return weight
    heads = weight.unflatten(0, (n_kv_heads, -1))
    return heads.repeat_interleave(n_heads // n_kv_heads, dim=0).flatten(0, 1)


# %% wrong: a_view_for_one_head
# "in memory of its own"
# a single head is expanded, and all heads of the result are the same memory where the shapes allow it
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError("heads that cannot be shared")
    group = n_heads // n_kv_heads
    heads = weight.unflatten(0, (n_kv_heads, 1, -1)).expand(-1, group, -1, -1)
    return heads.reshape(-1, weight.size(1))


# %% wrong: in_float32
# "in the type of weight"
# gathers into a fresh matrix of PyTorch's usual type
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError("heads that cannot be shared")
    d_head, group = weight.size(0) // n_kv_heads, n_heads // n_kv_heads
    result = torch.zeros(n_heads * d_head, weight.size(1))
    for head in range(n_heads):
        start = (head // group) * d_head
        result[head * d_head : (head + 1) * d_head] = weight[start : start + d_head]
    return result


# %% wrong: shares_in_turn
# "the first three heads of the queries read the first head of the keys, the next three the second"
# head i of the queries reads head i modulo n_kv_heads
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError("heads that cannot be shared")
    heads = weight.chunk(n_kv_heads)
    return torch.cat([heads[i % n_kv_heads] for i in range(n_heads)])


# %% right: by_an_index
# the row of the result at i is that of its head, at the same place in it
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError(f"{n_heads} and {weight.size(0)} are not multiples of {n_kv_heads}")
    d_head, group = weight.size(0) // n_kv_heads, n_heads // n_kv_heads
    head, row = (
        torch.arange(n_heads * d_head).div(d_head, rounding_mode="floor"),
        torch.arange(n_heads * d_head) % d_head,
    )
    return weight[((head // group) * d_head + row).to(weight.device)]


# %% right: a_product_with_ones
# Kronecker's product of a choice of heads with the identity picks the rows
def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    if n_heads % n_kv_heads != 0 or weight.shape[0] % n_kv_heads != 0:
        raise ValueError("no whole number of heads")
    parts = torch.tensor_split(weight, n_kv_heads, dim=0)
    return torch.cat([part for part in parts for _ in range(n_heads // n_kv_heads)], dim=0).clone()
