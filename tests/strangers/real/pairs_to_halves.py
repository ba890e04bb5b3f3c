# %% wrong: the_other_way_round
# "in the result they are rows i and i + d_head / 2 of that head"
# lays halves side by side, which is what the file has already
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    rows, width = weight.shape
    if rows % n_heads or (rows // n_heads) % 2:
        raise ValueError("no whole heads of an even size")
    return weight.reshape(n_heads, 2, rows // n_heads // 2, width).transpose(1, 2).reshape(rows, width)


# %% wrong: over_all_heads_at_once
# "In each head rows 2i and 2i + 1 are a pair"
# all even rows of the matrix come first, then all odd ones
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % (2 * n_heads):
        raise ValueError("no whole heads of an even size")
    return torch.cat([weight[0::2], weight[1::2]])


# %% wrong: the_second_leg_first
# "in the result they are rows i and i + d_head / 2"
# odd rows come to the first half
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % (2 * n_heads):
        raise ValueError("no whole heads of an even size")
    heads = weight.unflatten(0, (n_heads, -1))
    return torch.cat([heads[:, 1::2], heads[:, 0::2]], dim=1).flatten(0, 1)


# %% wrong: takes_heads_of_an_odd_size
# "Raises ValueError where the rows are not n_heads heads of one even size."
# asks for whole heads alone, and leaves the odd row with the first half
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % n_heads:
        raise ValueError("no whole heads")
    heads = weight.unflatten(0, (n_heads, -1))
    return torch.cat([heads[:, 0::2], heads[:, 1::2]], dim=1).flatten(0, 1)


# %% wrong: asks_for_an_even_number_of_rows
# "Raises ValueError where the rows are not n_heads heads of one even size."
# rows that are even in number, and no whole heads, end in a RuntimeError of `view`
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % 2:
        raise ValueError("an odd number of rows")
    heads = weight.reshape(n_heads, weight.size(0) // n_heads, weight.size(1))
    return torch.cat([heads[:, 0::2], heads[:, 1::2]], dim=1).reshape(weight.shape)


# %% wrong: moves_columns
# "rows 2i and 2i + 1 are a pair"
# the inputs of the layer are moved, and not what it gives
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % (2 * n_heads):
        raise ValueError("no whole heads of an even size")
    return torch.cat([weight[:, 0::2], weight[:, 1::2]], dim=1)


# %% right: row_by_row
# each row goes where its place in its pair says
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    rows = weight.shape[0]
    if n_heads < 1 or rows % n_heads or (rows // n_heads) % 2:
        raise ValueError(f"{rows} rows, {n_heads} heads")
    d_head, result = rows // n_heads, torch.empty_like(weight)
    for row in range(rows):
        head, place = divmod(row, d_head)
        result[head * d_head + place // 2 + (place % 2) * (d_head // 2)] = weight[row]
    return result


# %% right: sorted_by_parity
# a stable order by head, then by whether the row is odd
def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    if weight.size(0) % n_heads or (weight.size(0) // n_heads) % 2:
        raise ValueError("heads of one even size, please")
    d_head = weight.size(0) // n_heads
    order = sorted(range(weight.size(0)), key=lambda row: (row // d_head, row % d_head % 2))
    return weight[order]
