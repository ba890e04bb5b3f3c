"""The sizes of a pretraining run, and the memory that training needs."""

from dataclasses import dataclass

import torch

from layercake.device import check_scale


@dataclass(frozen=True)
class Settings:
    """All sizes of the lab at one scale."""

    d_model: int
    n_layers: int
    n_heads: int
    context: int  # tokens of the longest text that the model reads
    window: int  # tokens of each text in a batch
    batch_size: int  # windows in one step, of all processes together
    steps: int
    learning_rate: float
    n_documents: int  # of the village, to be judged on
    vocab_size: int  # of the tokenizer of a text that is not the village
    n_characters: int  # of such a text's validation split, to be judged on
    warm_up: int = 100  # steps
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    accumulate: int = 1  # parts that a batch is computed in, one after the other: the same step in less memory

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.window


SCALES = {
    "smoke": Settings(64, 2, 1, 1024, 512, 2, 400, 5e-3, 40, 512, 20_000, warm_up=20),
    "laptop": Settings(128, 4, 2, 1024, 1024, 1, 10_500, 4e-3, 400, 2048, 200_000, betas=(0.9, 0.99)),
    "colab": Settings(384, 6, 6, 1024, 1024, 32, 1500, 2e-3, 400, 4096, 1_000_000),
}  # "colab" is sized by estimate, and has not run on a T4 yet; `memory` says what it needs


def settings_for(scale: str) -> Settings:
    """The sizes at one scale. Raises ValueError, naming the three, for another word."""
    return SCALES[check_scale(scale)]


def memory(settings: Settings, vocab_size: int, dtype: torch.dtype = torch.float16) -> dict[str, int]:
    """The bytes that training needs at its fullest, between forward and backward, by what they hold.

    Weights, their gradients and AdamW's two running means are float32, 4 bytes a number. Activations are what the
    operations of `solutions.transformer` keep for the backward pass, for each token of one part of a batch, with
    attention by a kernel that keeps no scores; h bytes where matrices are multiplied in `dtype`, 4 elsewhere.
    """
    from solutions.transformer import count_parameters, hidden_width

    d, f, h = settings.d_model, hidden_width(settings.d_model), dtype.itemsize
    mixed = h < 4  # then each product keeps a short copy of what it multiplies
    n = sum(count_parameters(vocab_size, d, settings.n_layers).values())
    norm = 8 * d + 4  # the input, the input divided by its length, and 1 / length
    attention = norm + (3 if mixed else 1) * h * d + 5 * h * d + 4 * settings.n_heads  # in, q, k, v, out, its copy
    feed_forward = norm + (2 if mixed else 1) * h * d + 4 * h * f  # in, gate, silu(gate), up, their product
    tokens = settings.tokens_per_step // settings.accumulate
    return {
        "weights": 4 * n,
        "copies of the weights": h * n if mixed else 0,
        "gradients": 4 * n,
        "AdamW": 8 * n,
        "activations": tokens * (settings.n_layers * (attention + feed_forward) + norm + h * d),
        "scores": tokens * (h + 8) * vocab_size,  # logits, and in float32 their log-softmax and its gradient
    }
