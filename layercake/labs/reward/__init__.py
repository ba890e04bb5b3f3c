"""The lab of the topic reward: a model writes, is graded, and writes more of what was graded well.

apprentice = checkpoints.load("apprentice")            # learned from demonstrators who are right in six of ten
tuned = run(losses, "laptop")                          # graded for the truth
print(table(tuned))                                    # `plot` draws it, `alt_text` says what is drawn
"""

from layercake.labs.reward.lab import (
    MODEL_RATE,
    PANEL,
    PREFERENCE_RATE,
    SCALES,
    SHARES,
    Flattered,
    Graded,
    Sizes,
    alt_text,
    finding,
    plain,
    plot,
    run,
    run_flattery,
    run_proxy,
    table,
)
from layercake.labs.reward.preferences import BETA, Comparisons, by_preference, by_rewards, compare, learn, ranks
from layercake.labs.reward.reinforcement import (
    BABBLE,
    FLAT,
    Collapse,
    Log,
    Loop,
    Losses,
    Settings,
    Trained,
    flat_rate,
    reinforce,
)
from layercake.labs.reward.rollouts import (
    LONGEST,
    Replies,
    Score,
    by_taste,
    by_token,
    drawing,
    graded,
    laid_out,
    prompt,
    respond,
    right,
    share,
    truth,
    valued,
    whole,
)

__all__ = [
    "BABBLE", "BETA", "FLAT", "LONGEST", "MODEL_RATE", "PANEL", "PREFERENCE_RATE", "SCALES", "SHARES", "Collapse",
    "Comparisons", "Flattered", "Graded", "Log", "Loop", "Losses", "Replies", "Score", "Settings", "Sizes", "Trained",
    "alt_text", "by_preference", "by_rewards", "by_taste", "by_token", "compare", "drawing", "finding", "flat_rate",
    "graded", "laid_out", "learn", "plain", "plot", "prompt", "ranks", "reinforce", "respond", "right", "run",
    "run_flattery", "run_proxy", "share", "table", "truth", "valued", "whole",
]  # fmt: skip
