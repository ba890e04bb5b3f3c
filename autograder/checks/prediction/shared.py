"""What several exercises of prediction share: random tokens, judges of draws by their shares, and parts of `sample`."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.checking.chance import improbable
from autograder.checks.common import DRAWS, another_generator

ALIKE = 0.05  # shares of a known mistake in two handwritings differ by less, 4.5 standard errors


def some_tokens(rng: torch.Generator, vocab_size: int, *shape: int) -> Tensor:
    return torch.randint(vocab_size, shape, generator=rng)


def is_whole(result) -> bool:
    """Whether a result is a tensor of whole numbers, of any size."""
    kind = torch.as_tensor(result).dtype
    return not (kind.is_floating_point or kind.is_complex or kind == torch.bool)


def seeded(seed: int, call: Callable[[], Any]) -> Any:
    """What a call gives after PyTorch's own chance is set; checks run in a copy of it."""
    torch.manual_seed(seed)
    return call()


def shares_agree(got: dict, expected: dict) -> str | None:
    """Which share of draws is off, in words, or None. A right answer is found off less than once in 10⁹ times."""
    cases, more = expected["right"], expected.get("draws", {})  # where there are others than DRAWS
    n_shares = sum(right.numel() for right in cases.values())
    for case, right in cases.items():
        seen, draws = got["seen"][case], more.get(case, DRAWS)
        if seen.shape != right.shape:
            return f"{case}: {tuple(seen.shape)} shares, expected {tuple(right.shape)}."
        off = improbable(seen, right, draws, n_shares)
        if off.any():
            index = tuple(off.nonzero()[0].tolist())
            place = ", ".join(map(str, index))
            return f"{case}: [{place}] in {seen[index]:.1%} of {draws:,} draws, expected {right[index]:.1%}."
    return None


def shares_and_facts(got: dict, expected: dict) -> str | None:
    """What is wrong with the shares of draws, or with what goes without counting; None where nothing is."""
    off = [name for name, fact in expected["facts"].items() if got["facts"][name] != fact]
    return f"It does not hold that {off[0]}." if off else shares_agree(got, expected)


def of_neighbours(is_so: Tensor) -> Tensor:
    """Of pairs (N, 2), the shares in which it is so of both, of the first alone, of the second alone, of none."""
    first, second = is_so.unbind(dim=1)
    return torch.stack([first & second, first & ~second, ~first & second, ~first & ~second]).double().mean(dim=1)


def both_or_none(p: float) -> Tensor:
    """The probabilities of what `of_neighbours` counts, where each is so with probability p by itself."""
    return torch.tensor([p * p, p * (1 - p), (1 - p) * p, (1 - p) ** 2], dtype=torch.float64)


# What `sample` is put together from, right or wrong ---------------------------------------------------------------

PROFILES = torch.tensor(
    [
        [0.36, 0.24, 0.15, 0.10, 0.07, 0.05, 0.03],  # sums: .36 .60 .75 .85 .92
        [0.52, 0.19, 0.12, 0.08, 0.04, 0.03, 0.02],  # sums: .52 .71 .83 .91 .95
    ],
    dtype=torch.float64,
)


def two_rows(rng: torch.Generator) -> Tensor:
    """Logits (2, 7) with the probabilities of PROFILES, in another order in each row, the second row 3 higher."""
    rows = [profile.log()[torch.randperm(7, generator=rng)] for profile in PROFILES]
    return (torch.stack(rows) + torch.tensor([[0.0], [3.0]])).float()


def ranks(logits: Tensor) -> Tensor:
    """The place of each token in its row: 0 for the most likely."""
    return logits.argsort(dim=-1, descending=True).argsort(dim=-1)


def filtered(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    order: tuple[str, ...] = ("temperature", "top_k", "top_p"),
    hidden: float = float("-inf"),
) -> Tensor:
    """Log-probabilities after temperature and filters, with the order to choose, so that it can be wrong."""
    logits = logits.double()
    for step in order:
        if step == "temperature":
            logits = logits / temperature
        if step == "top_k" and top_k is not None:
            logits = logits.masked_fill(ranks(logits) >= top_k, hidden)
        if step == "top_p" and top_p is not None:
            ranked = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True).values
            before = (ranked.cumsum(dim=-1) - ranked).gather(-1, ranks(logits))
            logits = logits.masked_fill(before >= top_p, hidden)
    return torch.log_softmax(logits, dim=-1)


def draw(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """One token for each row: the first to arrive, where token w arrives at rate p(w). Faster than multinomial."""
    probabilities = torch.softmax(logits, dim=-1)
    return (probabilities / torch.empty_like(probabilities).exponential_(generator=generator)).argmax(dim=-1)


def shares_of_draws(sample, rng: torch.Generator, logits: Tensor, cases: dict[str, dict]) -> dict:
    """What `shares_agree` takes: how often each token came for each row of logits, and its exact probability."""
    seen, right = {}, {}
    for case, settings in cases.items():
        drawn = sample(logits.expand(DRAWS, *logits.shape), generator=another_generator(rng), **settings)
        hits = torch.as_tensor(drawn).reshape(DRAWS, -1, 1) == torch.arange(logits.size(-1))  # (DRAWS, rows, V)
        seen[case] = hits.double().mean(dim=0)
        right[case] = filtered(logits, **settings).exp().reshape(-1, logits.size(-1))
    return {"seen": seen, "right": right}


def sampler(choose: Callable[..., Tensor] = filtered, pick: Callable[..., Tensor] = draw) -> Callable[..., Tensor]:
    """A `sample` with its filters and its drawing to choose, so that one can be wrong."""

    def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
            raise ValueError("bad arguments")
        if temperature == 0:
            return logits.argmax(dim=-1)
        return pick(choose(logits, temperature, top_k, top_p), generator)

    return sample


def with_top_p(keep: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """A `sample` with a top-p of its own: `keep(ranked, p)` says which of the sorted probabilities stay."""

    def choose(logits, temperature, top_k, top_p):
        logits = filtered(logits, temperature, top_k)
        if top_p is None:
            return logits
        ranked, order = logits.exp().sort(dim=-1, descending=True)
        stays = torch.zeros_like(ranked, dtype=torch.bool).scatter(-1, order, keep(ranked, top_p))
        return logits.masked_fill(~stays, float("-inf"))

    return sampler(choose)


def varies(targets: Tensor) -> bool:
    """Whether more is asked in some rows than in others. By chance it is, but for once in 10^16 times here."""
    return len((targets != -100).sum(dim=-1).unique()) > 1


def masked(
    tokens,
    mask_id,
    vocab_size,
    probability,
    generator,
    *,
    hidden=0.8,
    replaced=0.1,
    chosen=None,
    fate=None,
    others=None,
) -> tuple[Tensor, Tensor]:
    """Blanks with their parts to choose, so that one can be wrong."""
    if not 0 <= probability <= 1:
        raise ValueError("no probability")
    chosen = torch.rand(tokens.shape, generator=generator) < probability if chosen is None else chosen
    fate = torch.rand(tokens.shape, generator=generator) if fate is None else fate
    others = torch.randint(vocab_size, tokens.shape, generator=generator) if others is None else others
    inputs = torch.where(chosen & (fate >= 1 - replaced), others, tokens)
    inputs = torch.where(chosen & (fate < hidden), mask_id, inputs)
    return inputs, torch.where(chosen, tokens, -100)
