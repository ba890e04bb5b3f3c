"""An invented cold store and its thermometer: a sequence whose law is known, and so is the best that can be predicted.

Every minute a thermometer prints a whole number. Behind it stand things that it does not print: the true temperature,
whether the compressor runs, and where its dial was set before the log begins (three places). The compressor starts two
degrees above the dial and stops two below it; now and then somebody opens the door; the thermometer is one degree off
three times in ten. That is a hidden Markov model with few states, so the forward algorithm (Rabiner 1989, section III)
gives the exact distribution of the next reading given all readings before it.
"""

from functools import cache
from itertools import product

import torch
from torch import Tensor

DIALS = (4, 7, 10)
WARMEST = 15
N_READINGS = 17  # 0 to 16, as many as a digit's pixel has levels
COOLS, WARMS, DOOR, OFF_BY_ONE = 0.7, 0.5, 0.03, 0.15  # chances each minute
STATES = [
    (temperature, running, dial)
    for temperature, running, dial in product(range(WARMEST + 1), (False, True), DIALS)
]  # fmt: skip


@cache
def law() -> tuple[Tensor, Tensor, Tensor]:
    """The first state's distribution (N), the transitions (N, N), and the readings' distributions (N, N_READINGS)."""
    index = {state: i for i, state in enumerate(STATES)}
    first = torch.zeros(len(STATES), dtype=torch.float64)
    next_state = torch.zeros(len(STATES), len(STATES), dtype=torch.float64)
    reading = torch.zeros(len(STATES), N_READINGS, dtype=torch.float64)
    for (temperature, running, dial), i in index.items():
        first[i] = abs(temperature - dial) <= 2
        for warmer, chance in _changes(running):
            after = min(max(temperature + warmer, 0), WARMEST)
            still = after > dial - 2 if running else after >= dial + 2
            next_state[i, index[after, still, dial]] += chance
        for error, chance in ((-1, OFF_BY_ONE), (0, 1 - 2 * OFF_BY_ONE), (1, OFF_BY_ONE)):
            reading[i, min(max(temperature + error, 0), N_READINGS - 1)] += chance
    return first / first.sum(), next_state, reading


def _changes(running: bool) -> list[tuple[int, float]]:
    """By how many degrees it gets warmer in a minute, and how likely each is."""
    usual, chance = (-1, COOLS) if running else (1, WARMS)
    return [(3, DOOR), (usual, (1 - DOOR) * chance), (0, (1 - DOOR) * (1 - chance))]


def draw(n_logs: int, length: int, generator: torch.Generator) -> Tensor:
    """New logs, (n_logs, length), readings 0 … N_READINGS - 1."""
    first, next_state, reading = law()
    state = torch.multinomial(first, n_logs, replacement=True, generator=generator)  # (n_logs)
    readings = []
    for _ in range(length):
        readings.append(torch.multinomial(reading[state], 1, generator=generator).squeeze(1))
        state = torch.multinomial(next_state[state], 1, generator=generator).squeeze(1)
    return torch.stack(readings, dim=1)


def next_reading(logs: Tensor) -> Tensor:
    """The exact distribution of each reading given all those before it: logs (B, T) -> (B, T, N_READINGS)."""
    first, next_state, reading = law()
    believed, predicted = first.expand(len(logs), -1), []  # (B, N): the state now, given the readings so far
    for observed in logs.unbind(dim=1):
        predicted.append(believed @ reading)
        believed = believed * reading[:, observed].T  # (N, B) -> (B, N)
        believed = believed / believed.sum(dim=1, keepdim=True) @ next_state
    return torch.stack(predicted, dim=1)


def surprisal(logs: Tensor) -> Tensor:
    """-log of the exact probability of each reading that came, in nats: (B, T) -> (B, T)."""
    return -next_reading(logs).gather(2, logs.unsqueeze(2)).squeeze(2).log()
