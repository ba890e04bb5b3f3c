"""The lab of the topic reasoning: written steps tampered with, a verified reward, and steps that are not written.

reading = run_tampering(extract_answer, verify, perturb_reasoning, monitor, "laptop")
print(table(reading))                                  # `plot` draws it, `alt_text` says what is drawn
"""

from layercake.labs.reasoning.hidden import Followed, follow
from layercake.labs.reasoning.lab import (
    SCALES,
    Rewarded,
    Sizes,
    alt_text,
    finding,
    plot,
    run_hidden,
    run_rewards,
    run_tampering,
    table,
)
from layercake.labs.reasoning.reading import GOES_ON, KINDS, Reading, Said, read, sort, tampering
from layercake.labs.reasoning.sums import ANSWER, Sum, asked, drawing, drawn_by, in_words, likeliest, prompt, write
from layercake.labs.reasoning.verified import Exam, Log, Loop, examine, is_worked, reinforce

__all__ = [
    "ANSWER", "GOES_ON", "KINDS", "SCALES", "Exam", "Followed", "Log", "Loop", "Reading", "Rewarded", "Said", "Sizes",
    "Sum", "alt_text", "asked", "drawing", "drawn_by", "examine", "finding", "follow", "in_words", "is_worked",
    "likeliest", "plot", "prompt", "read", "reinforce", "run_hidden", "run_rewards", "run_tampering", "sort", "table",
    "tampering", "write",
]  # fmt: skip
