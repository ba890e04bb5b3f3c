"""The lab of the topics transformer and pretraining: one run that makes a language model of a text.

    curve = run(GPT, "laptop")                             # the village, where the best possible loss is known
    curve = run(GPT, "laptop", corpus="tinystories")       # or "tinyshakespeare", or the path of a text file

    python -m layercake.labs.pretraining --scale smoke
    torchrun --nproc-per-node 2 -m layercake.labs.pretraining --scale smoke

Windows are cut out of the text at random places. They are as long as the longest document that is judged, within a few
tokens, since rotary positions fail at distances that training never had (Press et al. 2022). On the village the model
is judged as in the lab of the topic rnn: on whole validation documents, each from its own beginning, against the exact
bound. Of another text the tokens come from byte-level BPE, learned on the beginning of its training split; there is no
bound, and the loss is given in bits per byte as well.

With several processes each takes an equal part of every batch, and the gradients are averaged (DistributedDataParallel,
Li et al. 2020). Which parts are put in by the caller: the model, `get_batch`, `train_step`, `warmup_cosine`.
"""

from layercake.figures.lab_pretraining import alt_text, equal_budgets, finding, plot
from layercake.labs.pretraining.lab import Curve, run, sample_story
from layercake.labs.pretraining.settings import SCALES, Settings, memory, settings_for
from layercake.labs.pretraining.short import Ends, recorded_ends, short_runs
from layercake.labs.pretraining.steps import Steps
from layercake.labs.pretraining.text import Text, check, open_text

__all__ = [
    "SCALES", "Curve", "Ends", "Settings", "Steps", "Text", "alt_text", "check", "equal_budgets", "finding", "memory",
    "open_text", "plot", "recorded_ends", "run", "sample_story", "settings_for", "short_runs",
]  # fmt: skip
