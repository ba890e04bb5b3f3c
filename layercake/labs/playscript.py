"""The lab of the topic playscript: a pretrained model is made to play an assistant, and what becomes of it is counted.

    interviews = run(render_playscript, few_shot_prompt, generate_until, classify_failure, "laptop")
    print(table(interviews))                       # `plot` draws it

The same questions, about facts of the village, are put to the shipped model in several *stagings*: what stands in
front of them is all that differs. Everything but the stagings is put in by the caller. Words are drawn at temperature
1 where nothing else is said.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from layercake import checkpoints, village
from layercake.device import check_scale
from layercake.figures import lab_playscript
from layercake.figures.playscript import Shares
from layercake.village import experts
from solutions.playscript import OUTCOMES
from solutions.prediction import sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = {"smoke": 4, "laptop": 200, "colab": 500}  # questions
PLACE, ASKER, OTHER = "inn", "Nell", "Otto"
N_TOKENS = 60  # after which a model that has not stopped is stopped
ANSWERERS = ("the guide", "the clerk", "the grump", "the parrot")  # as plays have them: two are right, one is not
STATES = ("in order", "out of order")  # of the telegraph, which is right or wrong by it
TEACHER = "the teacher"  # no play has one
TELEGRAPH, SHOWN = "the telegraph, {}", f"{TEACHER}, {{}} shown"  # the stagings' names, by state and by examples


@dataclass(frozen=True)
class Staging:
    """What stands in front of a question, and how the next one would begin."""

    name: str
    prompt: Callable[[experts.Question], str]
    cast: tuple[str, ...]
    stop: str = f"\n{ASKER}:"


@dataclass(frozen=True)
class Interview:
    """What became of the questions in one staging."""

    staging: str
    written: list[tuple[str, str, str]]  # of each question: itself, what the model wrote, the outcome

    def share(self, outcome: str) -> float:
        """The share of the questions that had this outcome."""
        return sum(its == outcome for *_, its in self.written) / len(self.written)


def stagings(render_playscript: Callable[..., str], few_shot_prompt: Callable[..., str]) -> list[Staging]:
    """All stagings, from a question that nothing introduces to roles that the model has met in its texts, or never."""

    def alone(asked: experts.Question) -> str:
        return f"{ASKER}: {asked.text}\nGuide:"

    def cast(answerer: str) -> tuple[str, ...]:
        return ASKER, OTHER, answerer

    def met(answerer: str, asked: experts.Question) -> str:
        return render_playscript(PLACE, cast(answerer), [(ASKER, asked.text)], answerer)

    def shown(n: int, right: bool, asked: experts.Question) -> str:
        return few_shot_prompt(PLACE, cast(TEACHER), examples(n, right), asked.text)

    def telegraph(state: str, asked: experts.Question) -> str:
        return f"A scene at the {PLACE}\nPresent: The telegraph, which is {state}.\n<user> {asked.text}\n<assistant>"

    people = [Staging(who, partial(met, who), cast(who)) for who in ANSWERERS]
    wires = [Staging(TELEGRAPH.format(state), partial(telegraph, state), (), "\n<user>") for state in STATES]
    taught = [Staging(SHOWN.format(n), partial(shown, n, True), cast(TEACHER)) for n in (0, 1, 4, 16)]
    misled = Staging(SHOWN.format("4 wrong ones"), partial(shown, 4, False), cast(TEACHER))
    return [Staging("nobody introduced", alone, cast("the guide")), *people, *wires, *taught, misled]


def examples(n: int, right: bool) -> list[tuple[str, str]]:
    """Questions with their answers, or with wrong ones: the same, whatever is asked after them.

    They are about facts that are `taught`, and what is asked is about those that are `examined`: no fact is both.
    """
    dice, shown = random.Random("examples"), []
    for _ in range(n):
        its = experts.ask(dice, experts.taught, "known", polite=False)
        value = its.value if right else dice.choice([v for v in experts.domain(its.fact) if v != its.value])
        shown.append((its.text, experts.in_short(its, value)))
    return shown


def questions(n: int, seed: int = 0) -> list[experts.Question]:
    """Questions about known facts, which the examples are not about."""
    dice = random.Random(f"interview {seed}")
    return [experts.ask(dice, experts.examined, "known", polite=False) for _ in range(n)]


def run(
    render_playscript: Callable[..., str],
    few_shot_prompt: Callable[..., str],
    generate_until: Callable[..., list[int]],
    classify_failure: Callable[..., str],
    scale: str,
    *,
    seed: int = 0,
    choose: Callable[[Tensor], Tensor] | None = None,
    model: nn.Module | None = None,
) -> list[Interview]:
    """Put the same questions to the shipped model, or to another one, in every staging, each in a play of its own.

    Words are drawn at temperature 1, or as `choose` says. Raises ValueError for an unknown scale.
    """
    asked, model = questions(SCALES[check_scale(scale)], seed), model or checkpoints.load("village")
    choose = choose or partial(sample, generator=torch.Generator().manual_seed(seed))
    interviews = []
    for staging in tqdm(stagings(render_playscript, few_shot_prompt), desc="interviews"):
        stops, written = [village.encode(staging.stop)], []
        for question in asked:
            prompt = [village.END, *village.encode(staging.prompt(question))]
            line = village.decode(generate_until(model, prompt, stops, N_TOKENS, choose))
            outcome = classify_failure(line, " ".join(question.value), staging.cast, question.rivals)
            written.append((question.text, line, outcome))
        interviews.append(Interview(staging.name, written))
    return interviews


def table(interviews: Sequence[Interview]) -> str:
    """What became of the questions, a line for each staging, in percent."""
    lines = [f"{'% of the questions':32}" + "".join(f"{outcome:>15}" for outcome in OUTCOMES)]
    for interview in interviews:
        lines.append(f"{interview.staging:32}" + "".join(f"{100 * interview.share(its):15.0f}" for its in OUTCOMES))
    return "\n".join(lines)


def shares_of(interviews: Sequence[Interview]) -> Shares:
    """The shares of all outcomes, by staging."""
    return {its.staging: {outcome: its.share(outcome) for outcome in OUTCOMES} for its in interviews}


def finding(interviews: Sequence[Interview]) -> str:
    """What came of your interviews, in a title."""
    return lab_playscript.finding(shares_of(interviews))


def alt_text(interviews: Sequence[Interview]) -> str:
    """The figure of your interviews in words."""
    return lab_playscript.alt_text(shares_of(interviews), len(interviews[0].written))


def plot(interviews: Sequence[Interview]) -> "Figure":
    """Draw your interviews over the recorded ones."""
    return lab_playscript.plot(shares_of(interviews))
