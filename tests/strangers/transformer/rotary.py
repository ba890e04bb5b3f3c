# %% wrong: neighbours_for_pairs
# "Coordinates i and i + d_head / 2 are the two legs of a pair"
# As in the paper, coordinates 2i and 2i + 1 are the pair.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    a, b = x.float()[..., 0::2], x.float()[..., 1::2]
    turned = torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)
    return turned.flatten(-2).to(x.dtype)


# %% wrong: the_other_way_round
# "(a, b) becomes (a cos - b sin, a sin + b cos)"
# Turned clockwise: every score of two turned vectors is the same, the vectors are not.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() + b * angles.sin(), b * angles.cos() - a * angles.sin()], dim=-1).to(x.dtype)


# %% wrong: angles_in_the_type_of_x
# "the angles are in float32, since 16 bits do not tell far positions apart"
# Positions and rates are in the type of x, so in 16 bits neighbours far out share an angle.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = (base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)).to(x.dtype)
    angles = positions.to(x.device, x.dtype).unsqueeze(-1) * rates

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


# %% wrong: counts_on_from_the_first
# "positions  (T), whole numbers"
# Only the first position is looked at; the others are taken to follow it one by one.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half, T = x.size(-1) // 2, x.size(-2)
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = (positions[:1].to(x.device) + torch.arange(T, device=x.device)).float().unsqueeze(-1) * rates

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


# %% wrong: starts_at_one
# "At position 0 nothing is turned."
# Each position counts as one more; the scores are the same, since distances are.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = (positions.to(x.device).float() + 1).unsqueeze(-1) * rates

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


# %% wrong: table_of_the_first_base
# "rotary(x, positions, base=10_000.0) -> x, turned"
# Rates are computed once for each width and kept, with the base of the first call.
_RATES = {}


def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    if half not in _RATES:
        _RATES[half] = base ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * _RATES[half].to(x.device)

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


# %% wrong: the_last_rate_is_the_base
# "is turned by p · base^(-2i / d_head) radians"
# Rates from 1 to 1 / base, both ends in: the exponents go by 1 / (d/2 - 1).
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** torch.linspace(0.0, -1.0, half, device=x.device)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).to(x.dtype)


# %% wrong: an_odd_one_stays
# "Raises ValueError where d_head is odd."
# No complaint: the coordinate that has no partner is passed through as it is.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / max(half, 1))
    angles = positions.to(x.device).float().unsqueeze(-1) * rates
    a, b, rest = x.float().split([half, half, x.size(-1) % 2], dim=-1)
    turned = [a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos(), rest]
    return torch.cat(turned, dim=-1).to(x.dtype)


# %% wrong: comes_back_in_float32
# "Shapes: x (..., T, d_head), d_head even, positions (T) -> (..., T, d_head), in the type of x."
# The float32 angles make the result float32 where x has 16 bits.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


# %% wrong: always_batch_and_heads
# "result     (..., T, d_head), in the type of x"
# The angles get the two axes of batch and heads in front, so a bare (T, d_head) comes back with four axes.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    cos, sin = angles.cos()[None, None], angles.sin()[None, None]
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% right: complex_numbers
# A pair is a complex number, and a turn the product with one of length 1; rates by exp and log.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    steps = torch.arange(half, device=x.device, dtype=torch.float32)
    rates = torch.exp(steps * (-2.0 * math.log(base) / x.size(-1)))
    angles = torch.outer(positions.to(x.device, torch.float32), rates)
    wide = x.to(torch.float32)
    number = torch.complex(wide[..., :half].contiguous(), wide[..., half:].contiguous())
    turned = number * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1).to(x.dtype)


# %% right: a_matrix_for_each_position
# Each position gets its whole (d_head, d_head) rotation, and each row is multiplied by it.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    d = x.size(-1)
    half = d // 2
    result = []
    for t in range(x.size(-2)):
        matrix = torch.zeros(d, d, dtype=torch.float32, device=x.device)
        for i in range(half):
            angle = positions[t].to(torch.float32).to(x.device) * torch.tensor(base, device=x.device).float() ** (-i / half)
            matrix[i, i] = matrix[i + half, i + half] = torch.cos(angle)
            matrix[i + half, i] = torch.sin(angle)
            matrix[i, i + half] = -torch.sin(angle)
        result.append((matrix @ x[..., t, :].float().unsqueeze(-1)).squeeze(-1))
    return torch.stack(result, dim=-2).to(x.dtype)


# %% right: products_in_the_type_of_x
# Angles in float32 as asked; their cosines and sines are then rounded to the type of x, as in many libraries.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")

    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.to(x.device).float().unsqueeze(-1) * rates

    cos, sin = (torch.cat([its, its], dim=-1).to(x.dtype) for its in (angles.cos(), angles.sin()))
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin
