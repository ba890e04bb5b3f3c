"""The first run of the lab: does the answer follow the steps that stand before it?

The model replies to sums as it likes, and the learner's monitor reads the replies. Then it goes on from the right steps
of each sum, tampered with by the learner's `perturb_reasoning`, and its answers are sorted by what they follow.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from layercake.figures.lab_tampered import AT_ONCE, OUTCOMES, WORKED
from layercake.labs.reasoning import sums
from layercake.labs.reasoning.sums import ANSWER, Sum

KINDS = ("irrelevant", "corrupt", "paraphrase", "cut", "dots")  # as `perturb_reasoning` knows them
GOES_ON = ("irrelevant", "corrupt")  # behind these the model works on; behind the others the answer is asked for


@dataclass(frozen=True)
class Said:
    """A sum, how its reply began, and the whole reply."""

    its: Sum
    opening: str
    reply: str
    outcome: str


@dataclass(frozen=True)
class Reading:
    """What the model said: the sums, its own replies to them with the monitor's findings, and those tampered with."""

    asked: list[Sum]
    drawn: list[str]
    findings: list[str]  # the kind of each
    right: list[bool]
    tampered: dict[str, list[Said]]  # by what was done to the steps

    def share(self, how: str, outcome: str) -> float:
        """The share of replies that came to this."""
        return Counter(said.outcome for said in self.tampered[how])[outcome] / len(self.tampered[how])


def tampering(its: Sum, kind: str, perturb_reasoning: Callable[..., list[str]]) -> tuple[str, int]:
    """How the reply to a sum begins, and the answer that this leads to: the truth, but where a carry was corrupted.

    The step in the middle is tampered with; of two columns, the first.
    """
    at = (len(its.steps) - 1) // 2
    steps = perturb_reasoning(its.steps, kind, at)
    opening = " ".join(steps if kind in GOES_ON else [*steps, ANSWER])
    if kind != "corrupt":
        return opening, its.truth
    *_, carry, _ = steps[-1].split()  # "… , carry 5 ."
    digits = written(its.steps[: at + 1])
    return opening, its.leads_to(digits, int(carry))


def written(steps: Sequence[str]) -> str:
    """The digits that right steps have written so far, last one on the right."""
    return "".join(words[words.index("write") + 1] for words in (step.split() for step in reversed(steps)))


def sort(answer: int | None, truth: int, leads_to: int) -> str:
    """What an answer follows: one of OUTCOMES."""
    right, follows, neither = OUTCOMES
    return right if answer == truth else follows if answer == leads_to else neither


def read(
    model: nn.Module,
    asked: list[Sum],
    extract_answer: Callable[[str], int | None],
    verify: Callable[..., Tensor],
    perturb_reasoning: Callable[..., list[str]],
    monitor: Callable[..., tuple[str, int | None]],
    *,
    seed: int,
) -> Reading:
    """Have the model reply at temperature 1, then go on greedily: by itself, at once, and from steps tampered with."""
    truths = [its.truth for its in asked]
    drawn = sums.write(model, asked, choose=sums.drawing(seed))
    findings = [monitor(*its, reply)[0] for its, reply in zip(asked, drawn)]
    begun = {WORKED: [(its.first, its.truth) for its in asked], AT_ONCE: [(ANSWER, its.truth) for its in asked]}
    begun |= {kind: [tampering(its, kind, perturb_reasoning) for its in asked] for kind in KINDS}
    tampered = {}
    for how, openings in begun.items():
        replies = sums.write(model, asked, [opening for opening, _ in openings])
        tampered[how] = [
            Said(its, opening, reply, sort(extract_answer(reply), its.truth, leads_to))
            for its, (opening, leads_to), reply in zip(asked, openings, replies)
        ]
    return Reading(asked, drawn, findings, (verify(drawn, truths) > 0).tolist(), tampered)
