"""What several exercises of prediction share: random tokens, and the judge of draws by their shares."""

import torch
from torch import Tensor

from autograder.checking.chance import improbable
from autograder.checks.common import DRAWS

ALIKE = 0.05  # shares of a known mistake in two handwritings differ by less, 4.5 standard errors


def some_tokens(rng: torch.Generator, vocab_size: int, *shape: int) -> Tensor:
    return torch.randint(vocab_size, shape, generator=rng)


def shares_agree(got: dict, expected: dict) -> str | None:
    """Which share of draws is off, in words, or None. A right answer is found off less than once in 10⁹ times."""
    cases = expected["right"]
    n_shares = sum(right.numel() for right in cases.values())
    for case, right in cases.items():
        seen = got["seen"][case]
        if seen.shape != right.shape:
            return f"{case}: {tuple(seen.shape)} shares, expected {tuple(right.shape)}."
        off = improbable(seen, right, DRAWS, n_shares)
        if off.any():
            index = tuple(off.nonzero()[0].tolist())
            place = ", ".join(map(str, index))
            return f"{case}: [{place}] in {seen[index]:.1%} of {DRAWS:,} draws, expected {right[index]:.1%}."
    return None
