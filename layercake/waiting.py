"""Who waits for whom in one layer of a network: the dependencies that `sequential_depth` is asked about.

Each function takes a unit (layer, position) and returns the units that must be computed before it. Layer 0 is
the input. Positions that would lie before the start of the text are left out.
"""

Unit = tuple[int, int]


def recurrent(layer: int, position: int) -> list[Unit]:
    """A recurrent layer: the input below, and its own state one position back."""
    back = [(layer, position - 1)] if position else []
    return [(layer - 1, position), *back]


def convolutional(layer: int, position: int, kernel_size: int = 3) -> list[Unit]:
    """A causal convolution: the inputs below within reach of the kernel."""
    return [(layer - 1, p) for p in range(max(0, position - kernel_size + 1), position + 1)]


def attentive(layer: int, position: int) -> list[Unit]:
    """Causal attention: every input below, up to this position."""
    return [(layer - 1, p) for p in range(position + 1)]


def attention_on_recurrent(layer: int, position: int) -> list[Unit]:
    """The design of 2014 to 2016: one recurrent layer (layer 1), and attention over its states above it."""
    return recurrent(layer, position) if layer == 1 else attentive(layer, position)
