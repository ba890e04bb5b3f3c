"""The lab of the topic reward: a model writes, is graded, and writes more of what was graded well.

    apprentice = checkpoints.load("apprentice")            # learned from demonstrators who are right in six of ten
    tuned = run(losses, "laptop")                          # graded for the truth
    print(table(tuned))                                    # layercake/figures/reward_figure.py draws it

A step of the loop draws a group of replies to each of a few questions, grades them, and takes a step on the clipped
objective. What grades is put in: a rater, who knows the truth, or a reward model, which learned from comparisons what
raters seem to like. The functions that are taught are put in by the caller, as `Losses`.
"""

import copy
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from statistics import mean

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from layercake import checkpoints, village
from layercake.device import Device, check_scale, pick
from layercake.labs import sft
from layercake.labs.sft import NEWLINE
from layercake.training import History, StepLoss, TrainingError, lately, train
from layercake.village import experts, raters
from layercake.village.raters import Panel, Question
from solutions.prediction import sample
from solutions.sft import add_lora, render_chat

BETA = 0.5  # of DPO: replies are short, and a tenth of it lets them drift into nonsense before it holds
LONGEST = 80  # tokens of a reply, after which it is broken off
FLAT, BABBLE = 15, 10  # steps without a difference in any group; steps whose replies are all broken off


class Collapse(TrainingError):
    """Training by rewards was stopped, since it went nowhere; the message says why."""


@dataclass(frozen=True)
class Losses:
    """The functions of the topic that the loop uses."""

    sequence_logprobs: Callable[..., Tensor]
    group_advantages: Callable[..., Tensor]
    grpo_loss: Callable[..., Tensor]
    kl_penalty: Callable[..., Tensor]


@dataclass(frozen=True)
class Settings:
    """All sizes of one training by rewards."""

    steps: int
    questions: int = 16  # a step
    group_size: int = 8
    learning_rate: float = 1e-3
    beta: float = 0.0  # of the distance to where it began, in the loss
    clip: float = 0.2
    passes: int = 1  # over the replies of a step
    rank: int = 16  # of the adapters that learn


@dataclass(frozen=True)
class Replies:
    """Replies to questions, as text and as rows of tokens with their prompts in front."""

    questions: list[Question]
    texts: list[str]
    tokens: Tensor  # (B, T), padded with line breaks
    mask: Tensor  # (B, T): what the model wrote
    ended: list[bool]  # whether it stopped by itself, in good form

    @cached_property
    def lengths(self) -> Tensor:
        """Of each row the tokens that are no padding: (B)."""
        return self.mask.size(1) - self.mask.flip(1).int().argmax(dim=1)

    def only(self, at: list[int]) -> "Replies":
        """Some of the replies."""
        questions, texts, ended = ([its[i] for i in at] for its in (self.questions, self.texts, self.ended))
        return Replies(questions, texts, self.tokens[at], self.mask[at], ended)

    def rows(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and mask of some of the rows, as wide as the longest of them: (n, T) each."""
        T = int(self.lengths[at].max())
        return self.tokens[at, :T], self.mask[at, :T]

    def side_by_side(self, n: int = 32) -> list[Tensor]:
        """The places of all rows, those of about the same length together, `n` at a time: less is padding."""
        return list(self.lengths.argsort().split(n))


Score = Callable[[Replies], Tensor]  # -> rewards (B)


def prompt(question: Question) -> list[int]:
    """A question as the tokens of a conversation, up to where the assistant is to speak."""
    return render_chat([{"role": "user", "content": question.text}], reply=True)


def respond(
    model: nn.Module, questions: Sequence[Question], choose: sft.Draw = sft.likeliest, n_tokens: int | None = None
) -> Replies:
    """Have the model reply to each question."""
    prompts = [prompt(question) for question in questions]
    return laid_out(list(questions), prompts, sft.replies(model, prompts, choose, n_tokens or LONGEST), model)


def laid_out(
    questions: list[Question], prompts: list[list[int]], written: list[list[int]], model: nn.Module
) -> Replies:
    """Prompts and replies in rows. Raises ValueError for an empty reply, which nothing can be learned from."""
    if not all(written):
        raise ValueError(f"the reply to {questions[written.index([])].text!r} is empty: it has no token to grade")
    T = max(len(front) + len(its) for front, its in zip(prompts, written))
    tokens, mask = torch.full((len(prompts), T), NEWLINE), torch.zeros(len(prompts), T, dtype=torch.bool)
    for row, said, front, its in zip(tokens, mask, prompts, written):
        row[: len(front) + len(its)] = torch.tensor([*front, *its])
        said[len(front) : len(front) + len(its)] = True
    texts, ended = list(map(sft.in_words, written)), list(map(sft.ends_well, written))
    device = next(model.parameters()).device
    return Replies(questions, texts, tokens.to(device), mask.to(device), ended)


# Rewards -----------------------------------------------------------------------------------------------------------


def by_taste(taste: Callable[[Question, str], float]) -> Score:
    """What a rater of that taste would give each reply."""
    return lambda replies: torch.tensor([float(taste(*its)) for its in zip(replies.questions, replies.texts)])


def truth(replies: Replies) -> Tensor:
    """1 for a reply that is right and ends in good form, 0 for others: (B)."""
    return torch.tensor([float(raters.right(*its) and ended) for *its, ended in
                         zip(replies.questions, replies.texts, replies.ended)])  # fmt: skip


def graded(score: Score, replies: Replies) -> Tensor:
    """The rewards of all replies. Raises TypeError or ValueError where they are no finite numbers, one for each."""
    rewards = score(replies)
    if not isinstance(rewards, Tensor) or rewards.is_complex():
        raise TypeError(f"the reward is a {type(rewards).__name__}: it is a tensor with a number for each reply")
    if rewards.shape != (len(replies.texts),):
        raise ValueError(f"rewards of shape {tuple(rewards.shape)} for {len(replies.texts)} replies")
    if not rewards.isfinite().all():
        i = int((~rewards.isfinite()).int().argmax())
        raise ValueError(f"the reward of {replies.texts[i]!r} is {rewards[i].item()}: it has to be a finite number")
    return rewards.float().to(replies.tokens.device)


# The loop ----------------------------------------------------------------------------------------------------------


@dataclass
class Log:
    """What a step saw, step by step."""

    reward: list[float] = field(default_factory=list)
    true: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)  # nats a reply, from where it began
    length: list[float] = field(default_factory=list)  # tokens
    entropy: list[float] = field(default_factory=list)  # nats a token
    even: list[float] = field(default_factory=list)  # the share of groups whose rewards are all the same
    broken: list[float] = field(default_factory=list)  # the share of replies that were broken off


class Loop:
    """Steps of reinforcement learning on one model; it goes on where it was stopped."""

    def __init__(self, model: nn.Module, losses: Losses, score: Score, questions: Callable[[random.Random], Question],
                 settings: Settings, seed: int):  # fmt: skip
        self.losses, self.score, self.questions, self.settings, self.seed = losses, score, questions, settings, seed
        self.reference = copy.deepcopy(model).requires_grad_(False).eval()
        self.log, self.samples = Log(), []

    def asked(self, step: int) -> list[Question]:
        """The questions of a step, each as often as its group is large."""
        dice = random.Random(f"{self.seed} {step}")
        asked = [self.questions(dice) for _ in range(self.settings.questions)]
        return [question for question in asked for _ in range(self.settings.group_size)]

    @torch.no_grad()
    def draw(self, model: nn.Module, generator: torch.Generator) -> Replies:
        """A group of replies to each of the next questions."""

        def choose(logits: Tensor) -> Tensor:  # where the generator is, which a run saves: on the CPU
            return sample(logits.to(generator.device), generator=generator).to(logits.device)

        return respond(model, self.asked(len(self.log.reward)), choose)

    def next_graded(self, model: nn.Module, generator: torch.Generator) -> tuple[Replies, Tensor, Tensor, Tensor]:
        """The next replies, their rewards and advantages, (B) each, and what the reference gives their tokens."""
        replies = self.draw(model, generator)
        rewards = graded(self.score, replies)
        advantages = self.losses.group_advantages(rewards.view(-1, self.settings.group_size)).flatten()
        with torch.no_grad():
            first, _ = by_token(self.reference, replies, self.losses.sequence_logprobs, entropy=False)
        return replies, rewards, advantages, first

    def loss(self, said: Tensor, old: Tensor, first: Tensor, advantages: Tensor, replies: Replies) -> Tensor:
        beta = self.settings.beta
        reference = {"reference": first, "beta": beta} if beta else {}
        return self.losses.grpo_loss(said, old, advantages, replies.mask[:, 1:], self.settings.clip, **reference)

    def step(self, model: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator):
        """Draw, grade and learn; returns the loss and the mean reward."""
        replies, rewards, advantages, first = self.next_graded(model, generator)
        old = None
        for _ in range(self.settings.passes):
            said, entropy = by_token(model, replies, self.losses.sequence_logprobs)
            if old is None:
                old = said.detach()
                self._note(replies, rewards, old, first, entropy)
            loss = self.loss(said, old, first, advantages, replies)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([weight for weight in model.parameters() if weight.requires_grad], 1.0)
            optimiser.step()
        self._look_for_collapse()
        return loss.detach(), rewards.mean()

    def _note(self, replies: Replies, rewards: Tensor, said: Tensor, first: Tensor, entropy: Tensor) -> None:
        groups, log = rewards.view(-1, self.settings.group_size), self.log
        log.reward.append(rewards.mean().item())
        log.true.append(truth(replies).mean().item())
        log.kl.append(self.losses.kl_penalty(said, first, "k1").sum(dim=-1).mean().item())
        log.length.append(replies.mask.sum(dim=-1).float().mean().item())
        log.entropy.append(entropy.item())
        log.even.append((groups == groups[:, :1]).all(dim=-1).float().mean().item())
        log.broken.append(1 - sum(replies.ended) / len(replies.ended))
        self.samples.append((replies.questions[0].text, replies.texts[0], rewards[0].item()))

    def _look_for_collapse(self) -> None:
        log = self.log
        if len(log.even) >= FLAT and min(log.even[-FLAT:]) == 1.0:
            raise Collapse(
                f"stopped at step {len(log.even)}: for {FLAT} steps all replies to each question earned the same "
                f"(lately {log.reward[-1]:.3g}), so that there was nothing to learn. Begin with a model that earns "
                "something at times, or ask easier questions."
            )
        if len(log.broken) >= BABBLE and min(log.broken[-BABBLE:]) == 1.0:
            raise Collapse(
                f"stopped at step {len(log.broken)}: for {BABBLE} steps no reply came to an end within {LONGEST} "
                "tokens. The reward may pay for length; a larger beta or a smaller learning rate holds the model back."
            )

    def shown(self) -> dict[str, str]:
        """What stands beside the progress bar."""
        log = self.log
        said = {"reward": log.reward, "kl": log.kl, "length": log.length, "entropy": log.entropy}
        return {key: f"{lately(values, 5):.2f}" for key, values in said.items()}

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss and the reward of the next step, without learning: by it a resumed run knows its own code."""
        replies, rewards, advantages, first = self.next_graded(model, generator)
        said, _ = by_token(model, replies, self.losses.sequence_logprobs, entropy=False)
        return self.loss(said, said.detach(), first, advantages, replies), rewards.mean()

    def state_dict(self) -> dict[str, Tensor]:
        samples = torch.tensor(list(json.dumps(self.samples).encode()), dtype=torch.uint8)
        return {
            "samples": samples,
            **{key: torch.tensor(its, dtype=torch.float64) for key, its in vars(self.log).items()},
        }

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.samples = json.loads(bytes(tensors["samples"].tolist()))
        self.log = Log(**{key: tensors[key].tolist() for key in vars(self.log)})


def smooth(values: Sequence[float], n: int = 5) -> list[float]:
    """The mean of each step and the few before it."""
    return [mean(values[max(0, i - n + 1) : i + 1]) for i in range(len(values))]


def flat_rate(step: int, steps: int, peak: float) -> float:
    """Up over the first five steps, then as it is: what is learned from changes with every step."""
    return peak * min(1.0, (step + 1) / 5)


@dataclass(frozen=True)
class Trained:
    """A model that was trained by rewards, what each step saw, samples of its replies, and why it was stopped."""

    model: nn.Module
    log: Log
    samples: list[tuple[str, str, float]]
    seconds: float
    stopped: str | None


def reinforce(
    model: nn.Module,
    losses: Losses,
    score: Score,
    questions: Callable[[random.Random], Question],
    settings: Settings,
    *,
    seed: int,
    path: Path | None = None,
    name: str = "rewards",
    fresh: bool = False,
    stop_after: int | None = None,
    watch: Callable[[nn.Module, Loop], None] = lambda model, loop: None,
) -> Trained:
    """Train the model in place by what `score` gives its replies: adapters beside its weights, unless the rank is 0.

    `watch` sees the model and the loop, with its log and samples, after each step. A run that is kept at `path` goes on
    there. Raises what `layercake.training.train` raises, and ValueError or TypeError for rewards that are none.
    """
    torch.manual_seed(seed)
    loop = Loop(model, losses, score, questions, settings, seed)
    if settings.rank:
        add_lora(model, settings.rank)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    stopped, seconds = None, 0.0
    started = time.perf_counter()

    def take_step(model, optimiser, loop, generator) -> tuple[Tensor, Tensor]:
        said = loop.step(model, optimiser, generator)
        watch(model, loop)
        return said

    try:
        history = train(
            model, loop, settings.steps, learning_rate=settings.learning_rate, seed=seed, path=path,
            settings={"lab": "reward", **asdict(settings)}, name=name, fresh=fresh, rate=flat_rate,
            stop_after=stop_after, show=lambda history: loop.shown(), take_step=take_step,
            optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
        )  # fmt: skip
        seconds = history.seconds
    except Collapse as reason:
        stopped, seconds = str(reason), time.perf_counter() - started
    return Trained(model, loop.log, loop.samples, seconds, stopped)


# Comparisons -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparisons:
    """Two replies to each of some questions, the one that a rater preferred, and the other."""

    chosen: Replies
    rejected: Replies

    def __len__(self) -> int:
        return len(self.chosen.texts)

    def where(self, kept: Callable[[Question, str, str], bool]) -> "Comparisons":
        """The comparisons for whose question and replies, the preferred one first, `kept` is true."""
        each = zip(self.chosen.questions, self.chosen.texts, self.rejected.texts)
        at = [i for i, its in enumerate(each) if kept(*its)]
        return Comparisons(self.chosen.only(at), self.rejected.only(at))

    def some(self, n: int, generator: torch.Generator) -> Tensor:
        """Places of `n` comparisons, drawn with replacement: (n)."""
        return torch.randint(len(self), (n,), generator=generator)


def compare(
    model: nn.Module,
    questions: Sequence[Question],
    prefers: Callable[[Question, str, str, random.Random], bool],
    seed: int,
) -> Comparisons:
    """Draw two replies to each question and have a rater say which is better; where both are the same, none is kept."""
    draw, dice = drawing(model, seed), random.Random(f"raters {seed}")
    prompts = [prompt(question) for question in questions]
    drawn = (sft.replies(model, prompts, draw, LONGEST) for _ in range(2))
    kept = []  # question, prompt, and the two replies, the preferred one first
    for question, front, first, second in zip(questions, prompts, *drawn):
        if first != second:
            first_wins = prefers(question, sft.in_words(first), sft.in_words(second), dice)
            kept.append((question, front, first, second) if first_wins else (question, front, second, first))
    asked, fronts, chosen, rejected = map(list, zip(*kept)) if kept else ([], [], [], [])
    return Comparisons(*(laid_out(asked, fronts, its, model) for its in (chosen, rejected)))


def by_rewards(comparisons: Comparisons, bradley_terry_loss: Callable[..., Tensor], batch_size: int) -> StepLoss:
    """What a reward model learns from: the loss of some comparisons, and how often it ranks them as the rater did."""

    def step_loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        at = comparisons.some(batch_size, generator)
        chosen, rejected = (
            model(its.rows(at)[0], its.lengths[at]) for its in (comparisons.chosen, comparisons.rejected)
        )
        return bradley_terry_loss(chosen, rejected), (chosen > rejected).float().mean()

    return step_loss


def by_preference(
    comparisons: Comparisons,
    reference: nn.Module,
    sequence_logprobs: Callable[..., Tensor],
    dpo_loss: Callable[..., Tensor],
    batch_size: int,
    beta: float = BETA,
) -> StepLoss:
    """What a policy learns from directly: the loss of some comparisons, and how often it leans to the preferred one.

    Raises ValueError for a reference of another vocabulary, whose log-probabilities would be those of other words.
    """
    if (n := reference.embedding.num_embeddings) != len(village.VOCABULARY):
        raise ValueError(f"the reference knows {n:,} tokens, the village's replies are of {len(village.VOCABULARY):,}")
    before = [whole(reference, its, sequence_logprobs) for its in (comparisons.chosen, comparisons.rejected)]

    def step_loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        at = comparisons.some(batch_size, generator)
        chosen, rejected = (
            sequence_logprobs(model(tokens)[0], tokens, mask).sum(dim=-1)
            for tokens, mask in (its.rows(at) for its in (comparisons.chosen, comparisons.rejected))
        )
        first_chosen, first_rejected = (its[at] for its in before)
        leans = (chosen - first_chosen > rejected - first_rejected).float().mean()
        return dpo_loss(chosen, rejected, first_chosen, first_rejected, beta), leans

    return step_loss


@torch.no_grad()
def whole(model: nn.Module, replies: Replies, sequence_logprobs: Callable[..., Tensor]) -> Tensor:
    """The log-probability of each reply: (B)."""
    model.eval()
    return by_token(model, replies, sequence_logprobs, entropy=False)[0].sum(dim=-1)


def by_token(
    model: nn.Module,
    replies: Replies,
    sequence_logprobs: Callable[..., Tensor],
    n: int = 32,
    *,
    entropy: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """The log-probability of each token of the replies, (B, T - 1), and the mean entropy at these places, (), or None.

    `n` replies are read side by side.
    """
    places, T = replies.side_by_side(n), replies.tokens.size(1)
    said, entropies = [], []
    for at in places:
        tokens, mask = replies.rows(at)
        logits = model(tokens)[0]  # (n, fewer than T, vocab_size)
        logprobs = sequence_logprobs(logits, tokens, mask)
        said.append(F.pad(logprobs, (0, T - tokens.size(1))))
        if entropy:
            with torch.no_grad():
                entropies.append(torch.distributions.Categorical(logits=logits[:, :-1][mask[:, 1:]]).entropy())
    return torch.cat(said)[torch.cat(places).argsort()], torch.cat(entropies).mean() if entropy else None


@torch.no_grad()
def valued(reward_model: nn.Module, replies: Replies) -> Tensor:
    """What a reward model makes of each reply: (B)."""
    reward_model.eval()
    places = replies.side_by_side()
    values = [reward_model(replies.rows(at)[0], replies.lengths[at]) for at in places]
    return torch.cat(values)[torch.cat(places).argsort()]


def ranks(value: Callable[[Replies], Tensor], comparisons: Comparisons) -> float:
    """How often the reply that was preferred has the higher value."""
    return (value(comparisons.chosen) > value(comparisons.rejected)).float().mean().item()


def learn(
    model: nn.Module, step_loss: StepLoss, steps: int, learning_rate: float, *, seed: int, path: Path | None = None,
    name: str = "comparisons", fresh: bool = False, **settings,
) -> History:  # fmt: skip
    """Train the model in place on comparisons."""
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    return train(
        model, step_loss, steps, learning_rate=learning_rate, seed=seed, path=path, name=name, fresh=fresh,
        settings={"lab": "reward", **settings}, rate=sft.rate,
        optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
    )  # fmt: skip


# The lab -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sizes:
    """All sizes of the three runs of the lab."""

    graded: Settings
    comparisons: int
    batch_size: int  # comparisons in a step
    steps: int  # of a reward model
    preferred: int  # steps on preferences, for each share of raters
    questions: int  # in an exam


SCALES = {
    "smoke": Sizes(Settings(4, 4, 4), 60, 8, 10, 6, 20),
    "laptop": Sizes(Settings(60), 1_000, 16, 150, 80, 200),
    "colab": Sizes(Settings(200, questions=32, group_size=16), 4_000, 32, 400, 200, 500),
}
PANEL = Panel({"honest": 0.5, "long": 0.5})
SHARES = (0.0, 0.5, 1.0)
MODEL_RATE, PREFERENCE_RATE = 3e-4, 1e-3  # learning rates of the reward model and of DPO


@dataclass(frozen=True)
class Graded:
    """What came of a training by rewards: replies greedy and drawn, before and after, and the training itself."""

    exams: dict[str, Replies]
    trained: Trained
    ranked: float | None = None  # how often a reward model, where there is one, ranks new comparisons as raters did


@dataclass(frozen=True)
class Flattered:
    """Replies to visitors who are wrong and to those without an opinion, by the share of raters who like agreement."""

    exams: dict[float | None, tuple[Replies, Replies]]  # None: the apprentice, before


def plain(dice: random.Random) -> Question:
    """A question about a fact that is taught, without an opinion."""
    return raters.ask(dice, opinions=0.0)


def aloud(model: nn.Module, loop: Loop) -> None:
    """Show a sample five times in a run."""
    step, (question, reply, reward) = len(loop.samples), loop.samples[-1]
    if step % max(1, loop.settings.steps // 5) == 0:
        tqdm.write(f"step {step}, reward {reward:.2f}: {question}\n    {reply}")


def drawing(model: nn.Module, seed: int) -> sft.Draw:
    """Draws words at temperature 1."""
    return partial(sample, generator=torch.Generator(next(model.parameters()).device).manual_seed(seed))


def run(
    losses: Losses,
    scale: str,
    device: Device | None = None,
    *,
    score: Score = truth,
    name: str = "truth",
    ranked: float | None = None,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Graded:
    """Train the apprentice by rewards, and examine it before and after, about facts that nothing was graded about.

    It is saved under `folder` as it learns, and a second call goes on where the first was stopped.

    Raises ValueError for an unknown scale, and what `reinforce` raises.
    """
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load("apprentice", device.device)
    asked = raters.exam(sizes.questions, seed)

    def exams(when: str) -> dict[str, Replies]:
        return {f"{when}, greedy": respond(model, asked), f"{when}, drawn": respond(model, asked, drawing(model, seed))}

    before = exams("before")
    path = Path(folder) / f"reward-{name}-{scale}-seed{seed}.safetensors"
    trained = reinforce(
        model, losses, score, plain, sizes.graded, seed=seed, path=path, name=name, fresh=fresh, watch=aloud
    )
    return Graded(before | exams("after"), trained, ranked)


def run_proxy(
    losses: Losses,
    reward_model: Callable[[nn.Module], nn.Module],
    bradley_terry_loss: Callable[..., Tensor],
    scale: str,
    device: Device | None = None,
    *,
    panel: Panel = PANEL,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Graded:
    """Have raters compare replies of the apprentice, a reward model learn from it, and the apprentice from that."""
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load("apprentice", device.device)
    pairs, new = (compare(model, raters.exam(n, seed + i, experts.taught), panel.prefers, seed + i)
                  for i, n in enumerate((sizes.comparisons, sizes.questions)))  # fmt: skip
    torch.manual_seed(seed)
    judge = reward_model(checkpoints.load("apprentice", device.device))
    path = Path(folder) / f"reward-model-{scale}-seed{seed}.safetensors"
    loss = by_rewards(pairs, bradley_terry_loss, sizes.batch_size)
    learn(judge, loss, sizes.steps, MODEL_RATE, seed=seed, path=path, name="reward model", fresh=fresh)
    judge.requires_grad_(False)
    score = partial(valued, judge)
    ranked = ranks(score, new)
    return run(losses, scale, device, score=score, name="proxy", ranked=ranked, seed=seed, folder=folder, fresh=fresh)


def run_flattery(
    sequence_logprobs: Callable[..., Tensor],
    dpo_loss: Callable[..., Tensor],
    scale: str,
    device: Device | None = None,
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Flattered:
    """Let the apprentice learn from raters of whom a share likes to be agreed with, and examine it, share by share."""
    sizes, device = SCALES[check_scale(scale)], device or pick()
    apprentice = checkpoints.load("apprentice", device.device)
    misled = raters.exam(sizes.questions, seed, opinions=1.0, wrong=1.0)
    asked = raters.exam(sizes.questions, seed)

    def exams(model: nn.Module) -> tuple[Replies, Replies]:
        return respond(model, misled, drawing(model, seed)), respond(model, asked, drawing(model, seed))

    said: dict[float | None, tuple[Replies, Replies]] = {None: exams(apprentice)}
    for share in shares:
        opinions = raters.exam(sizes.comparisons, seed, experts.taught, opinions=1.0)
        pairs = compare(apprentice, opinions, raters.flattering(share).prefers, seed)
        torch.manual_seed(seed)
        model = add_lora(checkpoints.load("apprentice", device.device), sizes.graded.rank)
        loss = by_preference(pairs, apprentice, sequence_logprobs, dpo_loss, sizes.batch_size)
        path = Path(folder) / f"reward-flattery-{share:g}-{scale}-seed{seed}.safetensors"
        learn(model, loss, sizes.preferred, PREFERENCE_RATE, seed=seed, path=path, name=f"share {share:g}", fresh=fresh)
        said[share] = exams(model)
    return Flattered(said)


def share(has: Callable[[Question, str], bool], replies: Replies) -> float:
    """The share of replies that have something."""
    return sum(map(has, replies.questions, replies.texts)) / len(replies.texts)


def table(result: Graded | Flattered) -> str:
    """What came of a run, in words."""
    if isinstance(result, Flattered):
        lines = [f"{'raters who like agreement':28}{'agrees with the wrong':>22}{'right without opinions':>24}"]
        for who, (misled, asked) in result.exams.items():
            label = "none yet: the apprentice" if who is None else f"{who:.0%}"
            lines.append(f"{label:28}{share(raters.agrees, misled):22.0%}{truth(asked).mean():24.0%}")
        return "\n".join(lines)
    lines = [f"{'':18}{'right':>8}{'sentences':>11}"]
    for name, replies in result.exams.items():
        sentences = sum(map(raters.sentences, replies.texts)) / len(replies.texts)
        lines.append(f"{name:18}{truth(replies).mean():8.0%}{sentences:11.1f}")
    log = result.trained.log
    lines.append(
        f"reward {lately(log.reward[:5]):.2f} -> {lately(log.reward, 5):.2f}, {lately(log.kl, 5):.1f} nats away"
    )
    if result.ranked is not None:
        lines.append(f"the reward model ranks {result.ranked:.0%} of new comparisons as the raters did")
    if result.trained.stopped:
        lines.append(result.trained.stopped)
    return "\n".join(lines)
