"""What statistical judges share: how far shares of draws may lie from their probabilities before an answer is wrong."""

import math

import torch
from torch import Tensor

FALSE_ALARM = 1e-9  # of one statistical check


def divergence(seen: Tensor, right: Tensor) -> Tensor:
    """Relative entropy of shares to probabilities, each against the rest, in nats."""
    parts = ((seen, right), (1 - seen, 1 - right))
    return sum(torch.xlogy(share, share) - torch.xlogy(share, probability) for share, probability in parts)


def improbable(seen: Tensor, right: Tensor, draws: int, n_shares: int) -> Tensor:
    """Which shares of draws are farther from their probabilities than chance explains: boolean, as `seen`.

    Chernoff: n draws of probability p have a share at least as far off as f, on one side, with probability at most
    exp(-n · divergence(f, p)). So each of `n_shares`, on both sides, is left its part of FALSE_ALARM.
    """
    return ~(divergence(seen, right) <= math.log(2 * n_shares / FALSE_ALARM) / draws)
