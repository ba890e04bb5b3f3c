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
            angle = positions[t].to(torch.float32).to(x.device) * torch.tensor(base, device=x.device).float() ** (
                -i / half
            )
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


# %% wrong: an_odd_one_is_cut_off
# "Raises ValueError where d_head is odd."
# The last coordinate is dropped without a complaint.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        x = x[..., :-1]
    half = x.size(-1) // 2
    rates = base ** -(torch.arange(half, device=x.device) / half)  # (d_head / 2), radians for each position
    angles = positions.unsqueeze(-1) * rates  # (T, d_head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)  # each (..., T, d_head / 2)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: asserts_an_even_width
# "Raises ValueError where d_head is odd."
# An AssertionError in the place of a ValueError.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    assert x.size(-1) % 2 == 0
    half = x.size(-1) // 2
    rates = base ** -(torch.arange(half, device=x.device) / half)  # (d_head / 2), radians for each position
    angles = positions.unsqueeze(-1) * rates  # (T, d_head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)  # each (..., T, d_head / 2)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: positions_in_bfloat16
# "The angles are computed in float32 or wider, whatever the type of x"
# For bfloat16 alone the positions are rounded to it.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** -(torch.arange(half, device=x.device) / half)  # (d_head / 2), radians for each position
    angles = (positions.to(x.dtype).float() if x.dtype == torch.bfloat16 else positions).unsqueeze(
        -1
    ) * rates  # (T, d_head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)  # each (..., T, d_head / 2)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: positions_in_the_type_of_x
# "The angles are computed in float32 or wider, whatever the type of x"
# Rates are in float32, but the positions come in the type of x, where 257 or 2049 does not exist.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.to(x.dtype).unsqueeze(-1) * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


# %% wrong: rates_in_the_type_of_x
# "The angles are computed in float32 or wider, whatever the type of x"
# Positions and their product are in float32, but the rates were rounded to the type of x before.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = (base ** (-torch.arange(half, device=x.device).float() / half)).to(x.dtype)
    angles = positions.float().unsqueeze(-1) * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


# %% wrong: float32_comes_back
# "(T) -> (..., T, d_head), in the type of x"
# Sines in float32 widen a 16-bit x, and nothing casts it back.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.unsqueeze(-1) * rates
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


# %% wrong: view_needs_contiguous
# "x (..., T, d_head), queries or keys"
# Flattens the front with view: an error for heads that were swapped to the front and not copied.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.unsqueeze(-1) * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    flat = x.view(-1, x.size(-2), x.size(-1))
    a, b = flat.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1).view(x.shape)


# %% wrong: arange_on_the_cpu
# "What you make yourself, such as an `arange`, has to live on the device of x."
# Makes the rates on the CPU, whatever the device of x.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = positions.unsqueeze(-1) * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


# %% right: complex_numbers_in_float64
# A pair is a complex number, a turn a product with exp(i theta), all of it in complex128.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angles = positions.double().unsqueeze(-1) * rates
    wide = x.double()
    turned = torch.complex(wide[..., :half], wide[..., half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat((turned.real, turned.imag), dim=-1).to(x.dtype)


# %% right: one_matrix_for_each_position
# Builds a d_head by d_head rotation for each position in numpy (float64) and multiplies.
import numpy as np


def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    d = x.size(-1)
    turns = np.zeros((len(positions), d, d))
    for t, p in enumerate(positions.tolist()):
        for i in range(d // 2):
            theta = p * base ** (-2 * i / d)
            j = i + d // 2
            turns[t, i, i] = turns[t, j, j] = math.cos(theta)
            turns[t, j, i], turns[t, i, j] = math.sin(theta), -math.sin(theta)
    wide = torch.promote_types(x.dtype, torch.float32)
    matrices = torch.as_tensor(turns).to(device=x.device, dtype=wide)
    return torch.einsum("tij,...tj->...ti", matrices, x.to(wide)).to(x.dtype)


# %% right: rotate_half_in_16_bits
# Llama's rotate_half: doubled angles in float32 for every type, float64 too, sines and products in the type of x.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = torch.exp(torch.arange(half, device=x.device).float() * (-math.log(base) / half))
    angles = torch.outer(positions.float(), rates).repeat(1, 2)
    swapped = torch.roll(x, half, dims=-1)
    signs = torch.cat((-torch.ones(half), torch.ones(half))).to(x)
    return x * angles.cos().to(x.dtype) + swapped * signs * angles.sin().to(x.dtype)


# %% wrong: angles_in_16_bits
# "The angles are computed in float32 or wider, whatever the type of x"
# Turns positions and rates to the type of x before they are multiplied.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.to(x.dtype).unsqueeze(-1) * rates.to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% wrong: rates_in_16_bits
# "The angles are computed in float32 or wider, whatever the type of x"
# Makes the rates in the type of x; the product is in float32.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = (base ** (-torch.arange(half, device=x.device, dtype=x.dtype) / half)).float()
    angles = positions.to(x.device).unsqueeze(-1) * rates
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% wrong: remembered_by_first_and_last
# "nothing that was kept of an earlier one ... changes what it gives"
# Keeps sines and cosines for each d_head, base, length, first and last position: gaps and orders between are mixed up.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    tables = rotary.__dict__.setdefault("tables", {})
    key = (half, base, len(positions), int(positions[0]), int(positions[-1]), x.device)
    if key not in tables:
        rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
        angles = positions.to(x.device).unsqueeze(-1) * rates
        tables[key] = (angles.cos(), angles.sin())
    cos, sin = tables[key]
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% wrong: made_on_the_cpu
# "What is made on the way lives on the device of x."
# Makes the rates on the CPU, which goes well there.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = positions.unsqueeze(-1) * rates
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% wrong: comes_out_wider
# "result ... in the type of x"
# Sines in float32 lift a 16-bit x, and it stays there.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.to(x.device).unsqueeze(-1) * rates
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% right: complex_numbers_too
# Pairs as complex numbers, multiplied by e^(i angle), in float64.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    a, b = x.double().split(half, dim=-1)
    rates = torch.tensor([base ** (-2 * i / x.size(-1)) for i in range(half)], dtype=torch.float64, device=x.device)
    angles = torch.outer(positions.to(x.device).double(), rates)
    turned = torch.complex(a, b) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1).to(x.dtype)


# %% right: rotation_matrices
# A full d × d rotation matrix for each position, and einsum.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    d = x.size(-1)
    i = torch.arange(d // 2, device=x.device)
    angles = positions.to(x.device).double()[:, None] * base ** (-2.0 * i.double() / d)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    turn = torch.zeros(len(positions), d, d, dtype=x.dtype, device=x.device)
    turn[:, i, i], turn[:, i, i + d // 2] = cos, -sin
    turn[:, i + d // 2, i], turn[:, i + d // 2, i + d // 2] = sin, cos
    return torch.einsum("tij,...tj->...ti", turn, x)


# %% right: rotate_half_in_the_type_of_x
# As in Llama, x cos + rotate_half(x) sin, with sines and cosines in the type of x.
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions.to(x.device).unsqueeze(-1) * rates
    angles = torch.cat([angles, angles], dim=-1)
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * angles.cos().to(x.dtype) + turned * angles.sin().to(x.dtype)


# %% wrong: rates_in_the_type_of_x_again
# "The angles are computed in float32 or wider, whatever the type of x"
# bfloat16 x at position 3000: the rates are rounded to 8 bits, and the turned pairs are off by radians
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=x.dtype, device=x.device) / half)
    angles = positions.unsqueeze(-1).float() * rates
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


# %% wrong: ends_tell_the_order
# "Positions may be any whole numbers from 0 on, in any order and with gaps."
# positions (0, 2, 1, 3): first and last look like a run, and the second word is turned by 1 instead of 2
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half, T = x.size(-1) // 2, positions.numel()
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    if T and int(positions[-1]) - int(positions[0]) == T - 1:  # a run, the common case: a slice is enough
        places = torch.arange(int(positions[0]), int(positions[0]) + T, device=x.device)
    else:
        places = positions
    angles = torch.outer(places.float(), rates)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: sines_kept
# "Each call stands by itself: nothing that was kept of an earlier one, or of earlier weights, changes what it gives, with gradients or without."
# a first call under torch.inference_mode(), then the same positions with an x that requires a gradient: RuntimeError, since the kept sines are inference tensors
_sines = {}

def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    name = (half, base, x.device, x.dtype, tuple(positions.tolist()))
    if name not in _sines:
        rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
        angles = positions.unsqueeze(-1) * rates
        _sines[name] = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    cos, sin = _sines[name]
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: promoted
# "result     (..., T, d_head), in the type of x"
# float16 or bfloat16 x: the float32 sines make the result float32
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    angles = positions.unsqueeze(-1) * rates
    angles = torch.cat([angles, angles], dim=-1)
    a, b = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-b, a], dim=-1) * angles.sin()


# %% wrong: table_of_8192
# "Positions may be any whole numbers from 0 on, in any order and with gaps."
# position 8192: IndexError, the table ends before it
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    rates = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    table = torch.outer(torch.arange(8192, device=x.device).float(), rates)
    angles = table[positions.long()]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% wrong: base_like_positions
# "at position p the pair is turned by p · base^(-2i / d_head) radians"
# base=2.5: as a tensor in the type of the positions it is 2, and all pairs but the first turn too fast
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    half = x.size(-1) // 2
    exponents = -torch.arange(half, dtype=torch.float32, device=x.device) / half
    rates = positions.new_tensor(base) ** exponents  # on the right device at once
    angles = positions.unsqueeze(-1) * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% right: complex_numbers_again
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    wide = torch.promote_types(x.dtype, torch.float32)
    half = x.size(-1) // 2
    log_rates = torch.arange(half, device=x.device, dtype=torch.float64) * (-math.log(base) / half)
    angles = positions.to(torch.float64)[:, None] * log_rates.exp()[None, :]
    turn = torch.polar(torch.ones_like(angles, dtype=wide), angles.to(wide))
    a, b = x.to(wide).tensor_split(2, dim=-1)
    turned = torch.complex(a.contiguous(), b.contiguous()) * turn
    return torch.cat([turned.real, turned.imag], dim=-1).to(x.dtype)


# %% right: one_matrix_for_each_position_again
def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    d = x.size(-1)
    wide = torch.promote_types(x.dtype, torch.float32)
    turns = torch.zeros(positions.numel(), d, d, dtype=torch.float64)
    for row, position in enumerate(positions.tolist()):
        for i in range(d // 2):
            angle = position * base ** (-2 * i / d)
            j = i + d // 2
            turns[row, i, i] = turns[row, j, j] = math.cos(angle)
            turns[row, j, i] = math.sin(angle)
            turns[row, i, j] = -math.sin(angle)
    return torch.einsum("tji,...ti->...tj", turns.to(x.device, wide), x.to(wide)).to(x.dtype)
