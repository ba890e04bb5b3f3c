"""Measures the claim "beyond-the-base": what training by rewards adds to what a model could do before.

    python -m experiments.beyond_the_base                       # 65 jobs, an hour and a half on one core
    python -m experiments.beyond_the_base --smoke --folder DIR  # few steps, few draws

Writes layercake/recorded/beyond-the-base.json. The base is the village model, and there are two tasks, products of four
digits by one both times. *May work*: "How much is 8237 times 4?" below an empty line, where the village has the heading
"sum"; the reply is the model's own, with steps or without. Without the heading the base loses its place and often works
a column twice, with some numbers almost always. *At once*: the heading is there, and the prompt goes on to "answer" and
its colon, so that nothing can be worked. In both the base is right in four to seven of 100 replies, and there are
problems that 1,024 replies do not solve. Both were chosen by the base's exact chances of a right reply; a third task,
which was tried and left, is named among the limits.

From the base these are trained, on new problems of the same task: by verified rewards (`rl_step`); by SFT on the base's
own right replies, out of as many as were graded for the rewards, with as many steps of as many replies; by rewards of a
coin, which pays as often as the base is right about such problems; and, where it may work, by rewards for form: steps
and an answer, right or wrong. The rest is the base itself: as it is; at temperature 0.5; and where it may work, made to
work, the word "answer" being barred from the first place, and with its heading.

What would refute it, and what else could be the reason. The claim has two halves. "Further" is refuted where verified
rewards do not solve more problems in 1,024 draws than the base does, by more than the interval (95 % of bootstraps over
problems), in each seed, and by the exact chances too, or where the curves of pass@k cross: then they only sharpen. "No
more than sharper" is refuted where they do so in the task at once. Rivals of the first half, each with the arm that has
to stay behind at 1,024 draws: the model only writes steps more often (form; the base made to work); it only says more
surely what it says anyway (temperature 0.5); anything at all that is rewarded will do (coin). Two arms say what the
gain is, whatever comes of them: SFT on its own right replies, whether it takes rewards or only right replies; and the
base with its heading, whether what is new below the empty line is new to the model. What is exact is computed beside
what is drawn: the chance of the two right replies that the village knows, the answer alone and all steps with the
answer, on more problems than can be drawn for. Other replies that are right, after wrong steps for one, are missed by
it; how many of these there are is counted among the draws.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from experiments import record
from layercake import checkpoints, village
from layercake.village import sums
from solutions.prediction import sample
from solutions.reasoning import (
    extract_answer,
    pass_at_k,
    read_step,
    rl_step,
    sentences,
    verify,
)
from solutions.reward import sequence_logprobs
from solutions.sft import add_lora, merge_lora
from solutions.transformer import generate

TASKS = ("may work", "at once")
BASE, COOLER, MADE_TO_WORK, HEADED = "base", "base at temperature 0.5", "base made to work", "base with its heading"
VERIFIED, OWN, COIN, FORM = "verified rewards", "its own right replies", "a coin's rewards", "rewards for form"
ARMS = {
    "may work": (BASE, COOLER, MADE_TO_WORK, HEADED, VERIFIED, OWN, COIN, FORM),
    "at once": (BASE, COOLER, VERIFIED, OWN, COIN),
}
TRAINED = (VERIFIED, OWN, COIN, FORM)
PROMPTS = {
    "may work": "\nhow much is {a} times {b}?",
    "at once": "sum\n{a} times {b}. answer:",
    "with its heading": "sum\nhow much is {a} times {b}?",
}
THE_WORD_ANSWER = village.encode("answer")[0]
PAID = "answer : 1"  # what a judge other than `verify` hands to it for a reply that is paid; the truth is 1 then
BARRED = -1e4  # a score that is never drawn
FURTHEST = 20  # the exact curves go to 2 to the power of this
BOOTSTRAPS = 2_000
AT_A_TIME = 32  # rows, where replies are only read


class Course(NamedTuple):
    """A training."""

    steps: int
    questions: int  # in a step
    group_size: int


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    problems: int = 24  # in an exam; other seeds have other problems
    draws: int = 1_024
    further: int = 96  # problems whose chance is computed and that are not drawn for
    courses: tuple[Course, Course] = (Course(24, 8, 8), Course(40, 16, 16))  # by task
    learning_rate: float = 1e-3
    rank: int = 16  # of the adapters


SMOKE = Settings((0,), 2, 4, 2, (Course(2, 2, 2), Course(2, 2, 2)))
CLAIM = {
    "id": "beyond-the-base",
    "title": "Sharper, and where the model had lost its place, further",
    "sentence": "Paid for right numbers, a model is right more often at the first try. Where it has to answer at once "
    "this is all: in 1,024 tries it solves fewer problems than before. Where it may write its steps, and an unusual "
    "question makes it lose its place in them, it solves problems that the base does not solve in 1,024 tries; SFT on "
    "its own right replies makes it do so too, and a lower temperature and forced steps do not. In this task random "
    "rewards, or rewards for form alone, do so in some seeds, and in others end far below the base.",
    "refuted_by": "Where it may work: a pass@1,024 after verified rewards that does not exceed the base's beyond the "
    "interval and in every seed, or curves that cross; or a coin, form, a lower temperature or forced steps that "
    "exceed the base's as well. At once: a pass@1,024 that exceeds the base's beyond the interval, or a pass@1 that "
    "does not.",
}
LIMITS = [
    "The claim as it was before the run said that neither a coin's rewards nor those for form would get further than "
    "the base: in two seeds of five each of them does. One of the first three seeds showed it, and two were added. "
    "Read for single seeds, this part of the refuter was met.",
    "Arms of one seed share lessons, the start of the adapters and the dice: coin and form succeed in the same two "
    "seeds, so the start may matter more than the rewards. The coin pays as seldom as the base is right.",
    "The tasks differ in the prompt as well as in whether steps may be written, and in the length of the course: which "
    "of these lets rewards get further, this cannot tell.",
    "Further means within 1,024 tries: by its exact chances the base would solve 97 % in a million.",
    "The base was tried at temperatures 1 and 0.5; a higher one, which finds rare replies more often, may solve more.",
    "Intervals are over problems, and leave out how far training runs differ: see the range of the seeds.",
    "Two tasks, one base of 2.8 million parameters, sums: that both cases occur is shown, and not how often.",
    "The tasks were chosen by the base's exact chances, out of some sixty ways to ask for sums: most others it solves "
    "always, given 1,024 tries, or never.",
    "That steps may be written is not enough: another task was tried, and left when ten steps of verified rewards, by "
    "turns on four and on five digits, had brought a pass@1,024 of 0.67 down to 0.36. It was differences of two "
    "numbers of five digits, of which the base gets 0.6 % right, and in which it looks up the wrong digit.",
    "Below the empty line the base is put off a skill that it shows below its heading: what rewards add is new to the "
    "question, and not to the model.",
    "Learning rate, steps and group sizes go by one trial of verified rewards at once and two where it may work, of "
    "which one was the first seed's; the other arms have the same, and SFT has the same number of steps on the same "
    "number of replies, each of them some 12 to 34 times.",
    "Each batch is used for one step, so that no ratio is ever clipped: an effect of clipping on rewards by a coin, as "
    "Shao et al. 2025 suspect, cannot show.",
    "A longer training may sharpen further or find more; a problem that 1,024 replies do not solve is not impossible.",
]


class Job(NamedTuple):
    """One arm and its exam: the task and the arm by their places, and the seed."""

    task: int
    arm: int
    seed: int

    @property
    def names(self) -> tuple[str, str]:
        return (task := TASKS[self.task]), ARMS[task][self.arm]


# Problems ------------------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """A product, and how it is asked for."""

    a: int
    b: int
    way: str

    @property
    def result(self) -> int:
        return self.a * self.b

    @property
    def at_once(self) -> bool:
        return self.way == "at once"

    @property
    def prompt(self) -> list[int]:
        """The tokens that the model goes on from."""
        return [village.END, *village.encode(PROMPTS[self.way].format(a=self.a, b=self.b))]

    @property
    def straight(self) -> list[int]:
        """The right reply without any step."""
        said = [*village.encode(f"answer: {self.result}."), village.END]
        return said[2:] if self.at_once else said

    @property
    def worked(self) -> list[int]:
        """The right reply with all steps."""
        return [*village.encode(" ".join(sums.worked("times", self.a, self.b))), *self.straight]

    @property
    def longest(self) -> int:
        """Tokens that a reply may have: the most that a right one can have, and one more."""
        n = len(str(self.a))
        answer = n + 4  # its digits, one more than a has, full stop and end
        return answer if self.at_once else 15 * n + 2 + answer


def new(task: str, dice: random.Random) -> Problem:
    """A problem of a task."""
    return Problem(dice.randrange(1_000, 10_000), dice.randrange(2, 10), task)


def exam(task: str, seed: int, settings: Settings) -> list[Problem]:
    """The problems of a seed, none of them twice; those that are drawn for come first."""
    dice, problems = random.Random(f"exam {task} {seed}"), dict[Problem, None]()
    while len(problems) < settings.problems + settings.further:
        problems[new(task, dice)] = None
    return list(problems)


def lessons(task: str, seed: int, settings: Settings) -> Iterable[list[Problem]]:
    """The problems of each step, none of the exam."""
    dice, kept = random.Random(f"lessons {task} {seed}"), set(exam(task, seed, settings))
    course = settings.courses[TASKS.index(task)]
    for _ in range(course.steps):
        problems: list[Problem] = []
        while len(problems) < course.questions:
            if (problem := new(task, dice)) not in kept:
                problems.append(problem)
        yield problems


def text(problem: Problem, tokens: Sequence[int]) -> str:
    """A reply in words, up to its end; with the "answer" that its prompt said."""
    said = list(tokens)
    said = said[: said.index(village.END)] if village.END in said else said
    return " ".join(["answer", ":"] * problem.at_once + [village.VOCABULARY[token] for token in said])


def in_form(said: str) -> bool:
    """Whether a reply has steps, one at least and nothing else in front of its answer, and an answer, right or not."""
    steps = list(map(read_step, sentences(said)))
    return bool(steps) and None not in steps and extract_answer(said) is not None


# What a model does ---------------------------------------------------------------------------------------------------


class Manner(NamedTuple):
    """How replies are drawn."""

    temperature: float = 1.0
    made_to_work: bool = False

    def barred(self, logits: Tensor) -> Tensor:
        """The scores of a first token, (..., vocab_size)."""
        return logits.index_fill(-1, torch.tensor([THE_WORD_ANSWER]), BARRED) if self.made_to_work else logits


MANNERS = {COOLER: Manner(0.5), MADE_TO_WORK: Manner(made_to_work=True)}


@torch.no_grad()
def draw(
    model: nn.Module, problem: Problem, n: int, manner: Manner, generator: torch.Generator
) -> Counter[tuple[int, ...]]:
    """`n` replies, each drawn by itself, as those that were drawn and how often.

    Replies that have begun alike are one row until they part, as the model reads the same in all of them: of a
    thousand replies a tenth has to be computed.
    """
    of = torch.zeros(n, dtype=torch.long)  # the row that each reply has come to
    written, unread, state = torch.empty(1, 0, dtype=torch.long), torch.tensor([problem.prompt]), None
    times: Counter[tuple[int, ...]] = Counter()
    for i in range(problem.longest):
        logits, state = model(unread, state)
        scores = logits[:, -1] if i else manner.barred(logits[:, -1])
        said = sample(scores[of], manner.temperature, generator=generator)  # (replies that go on)
        (before, said), of = torch.stack([of, said]).unique(dim=1, return_inverse=True)  # (rows) twice, (replies)
        written = torch.cat([written[before], said.unsqueeze(1)], dim=1)
        goes = (said != village.END) & (i + 1 < problem.longest)
        counts = of.bincount(minlength=len(said))
        for row, count in zip(written[~goes].tolist(), counts[~goes].tolist()):
            times[tuple(row)] += count
        if not goes.any():
            break
        of = (goes.cumsum(dim=0) - 1)[of[goes[of]]]
        before, said, written = before[goes], said[goes], written[goes]
        if not torch.equal(before, torch.arange(len(unread))):
            state = [(keys[before], values[before]) for keys, values in state]
        unread = said.unsqueeze(1)
    return times


def in_rows(problems: Sequence[Problem], replies: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Prompts with their replies, and where the replies are: (B, T) each; what is behind a reply is read by nobody."""
    rows = [[*problem.prompt, *its] for problem, its in zip(problems, replies)]
    tokens = torch.full((len(rows), max(map(len, rows))), village.END)
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    for i, (problem, row) in enumerate(zip(problems, rows)):
        tokens[i, : len(row)] = torch.tensor(row)
        mask[i, len(problem.prompt) : len(row)] = True
    return tokens, mask


@torch.no_grad()
def chances(model: nn.Module, problems: Sequence[Problem], manner: Manner = Manner()) -> Tensor:
    """The exact chance of a right reply in one of the two ways of the village, for each problem: (P), in float64."""
    total = torch.zeros(len(problems), dtype=torch.float64)
    for way in ("straight", "worked"):
        for at in torch.arange(len(problems)).split(AT_A_TIME):
            some = [problems[i] for i in at.tolist()]
            if way == "worked" and some[0].at_once:
                continue
            tokens, mask = in_rows(some, [getattr(problem, way) for problem in some])
            logits = model(tokens)[0] / manner.temperature
            first = (mask.int().argmax(dim=1) - 1, torch.arange(len(some)))[::-1]  # what scores the first token
            logits[first] = manner.barred(logits[first])
            total[at] += sequence_logprobs(logits, tokens, mask).double().sum(dim=-1).exp()
    return total


# Training ------------------------------------------------------------------------------------------------------------


Judge = tuple[list[int], Callable[[list[int]], str]]  # what `rl_step` is given: truths, and what decodes a reply


def judge(arm: str, problems: list[Problem], rate: float, dice: random.Random) -> Judge:
    """The right numbers and the words of a reply, or always 1 and words that say so where the reply is to be paid."""
    if arm == VERIFIED:
        return [problem.result for problem in problems], partial(text, problems[0])

    def pays(tokens: list[int]) -> bool:
        return dice.random() < rate if arm == COIN else in_form(text(problems[0], tokens))

    return [1] * len(problems), lambda tokens: PAID if pays(tokens) else ""


def trained(arm: str, task: str, seed: int, settings: Settings) -> tuple[nn.Module, list[float]]:
    """The base after training, its adapters merged, and of each step the share of replies that were paid or kept."""
    model = checkpoints.load("village").eval()
    torch.manual_seed(seed)
    add_lora(model, settings.rank)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
    choose = partial(sample, generator=torch.Generator().manual_seed(seed))
    train = taught if arm == OWN else rewarded
    paid = train(model, optimiser, arm, task, seed, settings, choose)
    return merge_lora(model), paid


def rewarded(
    model: nn.Module, optimiser: torch.optim.Optimizer, arm: str, task: str, seed: int, settings: Settings,
    choose: Callable[[Tensor], Tensor],
) -> list[float]:  # fmt: skip
    """Train by rewards; the shares of replies that were paid."""
    base, dice, paid = checkpoints.load("village").eval(), random.Random(f"coin {seed}"), []
    for problems in lessons(task, seed, settings):
        rate = chances(base, problems).mean().item() if arm == COIN else 0.0
        truths, decode = judge(arm, problems, rate, dice)
        rewards = rl_step(
            model, optimiser, torch.tensor([problem.prompt for problem in problems]), truths, decode, choose,
            group_size=settings.courses[TASKS.index(task)].group_size, n_tokens=problems[0].longest, end=village.END,
        )  # fmt: skip
        paid.append(rewards.mean().item())
    return paid


def taught(
    model: nn.Module, optimiser: torch.optim.Optimizer, arm: str, task: str, seed: int, settings: Settings,
    choose: Callable[[Tensor], Tensor],
) -> list[float]:  # fmt: skip
    """Draw all replies from the model as it is, keep those that are right, and learn them; the shares that were kept.

    Before the first step the adapters change nothing.
    """
    course, kept, shares = settings.courses[TASKS.index(task)], [], []
    for problems in lessons(task, seed, settings):
        asked = [problem for problem in problems for _ in range(course.group_size)]
        prompts = torch.tensor([problem.prompt for problem in asked])
        rows = generate(model, prompts, problems[0].longest, choose)[:, prompts.size(1) :].tolist()
        right = verify([text(*its) for its in zip(asked, rows)], [problem.result for problem in asked])
        shares.append(right.mean().item())
        kept += [(problem, row[: row.index(village.END) + 1] if village.END in row else row)
                 for problem, row, is_right in zip(asked, rows, right) if is_right]  # fmt: skip
    dice = random.Random(f"own {seed}")
    for _ in range(len(shares) if kept else 0):
        tokens, mask = in_rows(*zip(*dice.choices(kept, k=course.questions * course.group_size)))
        loss = -sequence_logprobs(model(tokens)[0], tokens, mask).sum() / mask.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return shares


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """Training, where the arm has one, and the exam, on one thread."""
    torch.set_num_threads(1)
    task, arm = job.names
    problems = exam(task, job.seed, settings)
    if arm == HEADED:
        problems = [problem._replace(way="with its heading") for problem in problems]
    if arm in TRAINED:
        model, paid = trained(arm, task, job.seed, settings)
    else:
        model, paid = checkpoints.load("village").eval(), []
    manner, generator = MANNERS.get(arm, Manner()), torch.Generator().manual_seed(1_000 + job.seed)
    seen = [
        judged(problem, draw(model, problem, settings.draws, manner, generator))
        for problem in problems[: settings.problems]
    ]
    return {
        **{key: [one[key] for one in seen] for key in seen[0]},
        "chances": [float(f"{chance:.3e}") for chance in chances(model, problems, manner).tolist()],
        "paid": [round(share, 4) for share in paid],
    }


def judged(problem: Problem, times: Counter[tuple[int, ...]]) -> dict[str, int]:
    """How many of the replies to a problem are right, how many begin with a step, and how many are right but neither
    of the two whose chance is computed; how many different ones there are.
    """
    said = {"right": 0, "worked": 0, "otherwise": 0, "different": len(times)}
    for tokens, count in times.items():
        words = text(problem, tokens)
        steps = sentences(words)
        right = bool(verify([words], [problem.result]))
        said["right"] += right * count
        said["worked"] += (bool(steps) and read_step(steps[0]) is not None) * count
        said["otherwise"] += (right and list(tokens) not in (problem.straight, problem.worked)) * count
    return said


# What comes of it ----------------------------------------------------------------------------------------------------


def powers(n: int) -> list[int]:
    """1, 2, 4 … up to n."""
    return [2**i for i in range(n.bit_length())]


def drawn_curve(right: Sequence[int], draws: int) -> list[float]:
    """pass@k of the problems' mean, k from 1 on in doublings."""
    return [round(pass_at_k(torch.tensor(right), draws, k).mean().item(), 4) for k in powers(draws)]


def exact_curve(its: Sequence[float]) -> list[float]:
    """The same from chances, up to a million tries."""
    return [round(would_be([its], k).mean().item(), 4) for k in powers(2**FURTHEST)]


def tried(right: Sequence[Sequence[int]], draws: int, k: int) -> Tensor:
    """pass@k of each problem of all seeds: (P)."""
    return torch.cat([pass_at_k(torch.tensor(row), draws, k) for row in right])


def would_be(its: Sequence[Sequence[float]], k: int) -> Tensor:
    """The same from chances: (P)."""
    each = torch.tensor([chance for row in its for chance in row], dtype=torch.float64).clamp(max=1 - 1e-12)
    return -torch.expm1(k * torch.log1p(-each))


def interval(ahead: Tensor) -> dict[str, float]:
    """The mean of what problems gain, with 95 % of bootstraps over them."""
    again = torch.randint(len(ahead), (BOOTSTRAPS, len(ahead)), generator=torch.Generator().manual_seed(0))
    low, high = ahead.double()[again].mean(dim=1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    value = ahead.mean().item()
    return {"value": round(value, 4), "low": round(min(low, value), 4), "high": round(max(high, value), 4)}


def crossing(ours: list[list[float]], theirs: list[list[float]]) -> int | None:
    """The first number of tries at which the base solves as many problems, on average over the seeds; or None.

    Both curves end at 1 where every problem is solved at last: what is reached there is no crossing.
    """
    for i, (a, b) in enumerate(zip(zip(*ours), zip(*theirs))):
        if mean(b) >= mean(a) and mean(b) < 1:
            return 2**i
    return None


def sets(ours: dict[str, Any], base: dict[str, Any], draws: int) -> dict[str, Any]:
    """Problems that one solves in its draws and the other does not, over all seeds, and how many of these a second
    exam of the base would give, by its exact chances.
    """
    said = {"gained": 0, "lost": 0, "gained by chance": 0.0, "lost by chance": 0.0, "never by the base": 0, "of": 0}
    for a, b, exact in zip(ours["right"], base["right"], base["chances"]):
        for mine, its, chance in zip(a, b, exact):  # the problems that are drawn for come first
            fails = (1 - chance) ** draws
            said["of"] += 1
            said["never by the base"] += not its
            said["gained"] += mine > 0 and not its
            said["lost"] += its > 0 and not mine
            said["gained by chance"] += 0 if its else 1 - fails
            said["lost by chance"] += fails if its else 0
    return {key: round(value, 2) for key, value in said.items()}


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each task and arm what every seed has, and how it stands against the base's."""
    said: dict[str, Any] = {"draws": settings.draws, "problems": settings.problems, "tasks": {}}
    for i, task in enumerate(TASKS):
        arms: dict[str, Any] = {}
        for j, arm in enumerate(ARMS[task]):
            each = [done[Job(i, j, seed)] for seed in settings.seeds]
            its = arms[arm] = {key: [one[key] for one in each] for key in each[0]}
            its["pass@k"] = [drawn_curve(row, settings.draws) for row in its["right"]]
            its["exact pass@k"] = [exact_curve(row) for row in its["chances"]]
            its["share worked"] = [round(mean(row) / settings.draws, 4) for row in its["worked"]]
        base = arms[BASE]
        for its in (its for arm, its in arms.items() if arm != BASE):
            n = settings.draws
            its["ahead"] = {
                "first": interval(tried(its["right"], n, 1) - tried(base["right"], n, 1)),
                "last": interval(tried(its["right"], n, n) - tried(base["right"], n, n)),
                "exact": interval(would_be(its["chances"], n) - would_be(base["chances"], n)),
                "each": [round(a[-1] - b[-1], 4) for a, b in zip(its["pass@k"], base["pass@k"], strict=True)],
            }
            its["crosses"] = crossing(its["pass@k"], base["pass@k"])
            its["crosses, exact"] = crossing(its["exact pass@k"], base["exact pass@k"])
            its["sets"] = sets(its, base, settings.draws)
        said["tasks"][task] = arms
    return said


def beyond(its: dict[str, Any]) -> bool:
    """Whether an arm solves more in all draws than the base: beyond the interval, in every seed, and by the exact
    chances too, which luck has no part in.
    """
    ahead = its["ahead"]
    return ahead["last"]["low"] > 0 and ahead["exact"]["low"] > 0 and min(ahead["each"]) > 0


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said, k = [], f"{data['draws']:,}"
    for task, arms in data["tasks"].items():
        for what, place in ((f"pass@1, {task}", 0), (f"pass@{k}, {task}", -1)):
            for arm, its in arms.items():
                base = median(row[place] for row in arms[BASE]["pass@k"])
                bound = {"bound": round(base, 4), "bound_is": "the base"}
                said.append(record.summary(what, [row[place] for row in its["pass@k"]], of=arm, decimals=3, **bound))
        against = {arm: its for arm, its in arms.items() if arm != BASE}
        nothing = {"bound": 0.0, "bound_is": "the base", "decimals": 3}
        for key, how in (("last", "drawn"), ("exact", "by exact chances")):
            what = f"pass@{k} above the base's, {how}, {task}, 95 % of bootstraps"
            said += [{"what": what, "of": arm, **its["ahead"][key], **nothing} for arm, its in against.items()]
        for arm, its in against.items():
            by_chance = {"bound": its["sets"]["gained by chance"], "bound_is": "a second exam of the base"}
            what = f"problems solved that the base never solved, {task}"
            said.append({"what": what, "of": arm, "value": float(its["sets"]["gained"]), "decimals": 1, **by_chance})
        if task == "may work":
            said += [record.summary("replies that begin with a step", its["share worked"], of=arm, decimals=3)
                     for arm, its in arms.items()]  # fmt: skip
    return said


def points(ahead: float) -> str:
    """What was gained, in words that go on with what."""
    return f"{'add' if ahead > 0 else 'take'} {abs(100 * ahead):.0f} points {'to' if ahead > 0 else 'from'}"


def finding(data: dict[str, Any]) -> str:
    """Both tasks in one sentence."""
    each, k = [], f"{data['draws']:,}"
    for task, arms in data["tasks"].items():
        ours, base = arms[VERIFIED], arms[BASE]
        first, last = (points(ours["ahead"][key]["value"]) for key in ("first", "last"))
        end, end_base = (median(row[-1] for row in its["pass@k"]) for its in (ours, base))
        sets, where = ours["sets"], "may work" if task == "may work" else "has to answer at once"
        each.append(
            f"where the model {where}, verified rewards {first} pass@1 and {last} pass@{k} on the same problems "
            f"(medians of seeds: {end:.0%}, the base {end_base:.0%}), and of {sets['of']} problems {sets['gained']} "
            f"are solved that the base never solved ({sets['gained by chance']:.1f} by chance) and {sets['lost']} lost"
        )
    said = "; ".join(each)
    return f"{said[0].upper()}{said[1:]}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {"draws": data["draws"]}
    for task, arms in data["tasks"].items():
        for arm, its in arms.items():
            name = f"{task}, {arm}"
            for of, place in (("first", 0), ("last", -1)):
                said[f"{name}, {of}"] = round(median(row[place] for row in its["pass@k"]), 4)
            said[f"{name}, worked"] = median(its["share worked"])
            said[f"{name}, exact, last"] = median(row[-1] for row in its["exact pass@k"])
            otherwise, right = (sum(map(sum, its[key])) for key in ("otherwise", "right"))
            said[f"{name}, right otherwise"] = round(otherwise / max(1, right), 4)
            if arm != BASE:
                said |= {f"{name}, ahead, {key}": its["ahead"][key] for key in ("first", "last", "exact")}
                said[f"{name}, beyond"] = beyond(its)
                said[f"{name}, seeds ahead"] = sum(ahead > 0 for ahead in its["ahead"]["each"])
                said[f"{name}, crosses"] = its["crosses"]
                said[f"{name}, crosses, exact"] = its["crosses, exact"]
                said[f"{name}, sets"] = its["sets"]
    return said


def jobs(settings: Settings) -> list[Job]:
    """All arms, those that take longest first."""
    each = [Job(i, j, seed) for i, task in enumerate(TASKS) for j in range(len(ARMS[task])) for seed in settings.seeds]
    return sorted(each, key=lambda job: (job.names[1] not in TRAINED, job.task))


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    spread = "lowest to highest of the seeds; of what is above the base's, 95 % of bootstraps over problems"
    return record.from_jobs(globals(), jobs, arguments, base="village", spread=spread)


if __name__ == "__main__":
    main()
