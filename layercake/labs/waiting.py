"""Who waits for whom in one layer of a network: the dependencies that `sequential_depth` is asked about.

Each function takes a unit (layer, position) and returns the units that must be computed before it. Layer 0 is
the input. Positions that would lie before the start of the text are left out. `reach` asks the same lists how far back
a network hears.
"""

from collections.abc import Callable, Iterable

Unit = tuple[int, int]


def recurrent(layer: int, position: int) -> list[Unit]:
    """A recurrent layer: the input below, and its own state one position back."""
    back = [(layer, position - 1)] if position else []
    return [(layer - 1, position), *back]


def convolutional(layer: int, position: int, kernel_size: int = 3) -> list[Unit]:
    """A causal convolution: the inputs below within reach of the kernel."""
    return [(layer - 1, p) for p in range(max(0, position - kernel_size + 1), position + 1)]


def dilated(layer: int, position: int, dilations: tuple[int, ...] | None = None) -> list[Unit]:
    """A causal convolution of width two with a gap: by default 1, 2, 4, 8, doubled from layer to layer (WaveNet)."""
    gap = dilations[layer - 1] if dilations else 2 ** (layer - 1)
    return [(layer - 1, p) for p in (position - gap, position) if p >= 0]


def attentive(layer: int, position: int) -> list[Unit]:
    """Causal attention: every input below, up to this position."""
    return [(layer - 1, p) for p in range(position + 1)]


def attention_on_recurrent(layer: int, position: int) -> list[Unit]:
    """The design of 2014 to 2016: one recurrent layer (layer 1), and attention over its states above it."""
    return recurrent(layer, position) if layer == 1 else attentive(layer, position)


def reach(waits_for: Callable[[int, int], Iterable[Unit]], length: int, n_layers: int) -> int:
    """How many of the last positions of the input the last position of the last layer hears of, itself included.

    Goes back from that unit through everything it waits for, directly or through others.
    """
    heard, todo = set(), {(n_layers, length - 1)}
    while todo:
        heard |= todo
        todo = {unit for layer, position in todo if layer for unit in waits_for(layer, position)} - heard
    return length - min(position for layer, position in heard if layer == 0)
