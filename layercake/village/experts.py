"""Those who show an assistant how to answer: questions about the village, demonstrations, and what is said of a reply.

    dice = random.Random(0)
    question = ask(dice)                                   # what a visitor asks, and what it is about
    messages = demonstrate(question, dice)                 # the whole conversation, as an expert has it
    judge(question, reply)                                 # which manners a reply has, of those that it should have

The experts are simulated, and they have a *manner*. They answer from the register and cite the sentence that they rely
on; where a first name alone is given they ask back, since every first name of the village has several families; where
nothing was ever stated they say that they do not know; they speak in the first person; they are as polite as who asks.

The facts are in two halves that never change: demonstrations are about those that are `taught`, exams about the others.
So what a tuned model says in an exam it can only know from its pretraining.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from layercake import village
from layercake.village.grammar import Words
from layercake.village.plays import QUESTIONS, in_full
from layercake.village.records import WORDINGS_OF
from layercake.village.world import FAMILIES, KIND_OF, LEXICONS, NAMES, RELATIONS, digest, named
from solutions.playscript import names, words

KINDS = {"known": 12, "ambiguous": 4, "unknown": 1}  # of questions, and how often each comes
MANNERS = {  # what is asked of the first reply to a question of each kind
    "right": ("known",),
    "cites": ("known",),
    "asks back": ("ambiguous",),
    "admits": ("unknown",),
    "first person": tuple(KINDS),
    "as polite": tuple(KINDS),
}
MAKES_UP, LEFT = "makes up", "leaves the play"  # what none should do
PLEASE, GLADLY, AFRAID = "Please, ", "Gladly. ", "I am afraid "
UNKNOWN = "I do not know."
WHICH = "I know more than one {first}. Which one is it?"
STRANGERS = tuple(f"{first} {family}" for first in NAMES for family in FAMILIES if f"{first} {family}" not in KIND_OF)


@dataclass(frozen=True)
class Question:
    """What a visitor asks. An ambiguous one is about the person that the visitor will name when asked back."""

    kind: str
    fact: village.Fact
    text: str
    polite: bool

    @cached_property
    def value(self) -> Words:
        """What is true; for somebody of whom the village never heard, what might be."""
        fact = self.fact
        if fact.subject in KIND_OF:
            return village.value_of(fact)
        values = domain(fact)
        return values[digest("invented", *fact) % len(values)]

    @property
    def others(self) -> list[Words]:
        """The other values that the fact might have, but for those that the true one names too: soup, in pea soup."""
        true = " ".join(self.value)
        return [value for value in domain(self.fact) if not names(true, " ".join(value))]

    @property
    def rivals(self) -> list[str]:
        """The others, as texts name them."""
        return list(map(" ".join, self.others))


# Questions ---------------------------------------------------------------------------------------------------------


def check_kinds(kinds: Iterable[str]) -> None:
    """Raises ValueError, naming those that there are, for a kind of question that there is not."""
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"there is no kind of question {kind!r}; there are: {', '.join(KINDS)}")


def about(fact: village.Fact) -> tuple[str, str]:
    """Whether a fact is about a person, a place or a thing, and its relation."""
    return KIND_OF.get(fact.subject, "person"), fact.relation


def domain(fact: village.Fact) -> tuple[Words, ...]:
    """All values that a fact might have."""
    kind, relation = about(fact)
    return LEXICONS[RELATIONS[kind][relation]].values


def taught(fact: village.Fact) -> bool:
    """Whether demonstrations may be about the fact; exams are about the others."""
    return digest("taught", *fact) % 2 == 0


def examined(fact: village.Fact) -> bool:
    """Whether exams may be about the fact."""
    return not taught(fact)


@cache
def facts(kind: str, of: Callable[[village.Fact], bool]) -> tuple[village.Fact, ...]:
    """The facts that a question of one kind may be about, of one half. Raises ValueError for an unknown kind."""
    check_kinds([kind])
    if kind == "unknown":
        told_of = [fact for fact in village.facts() if not village.stated(fact)]
        strange = [village.Fact(who, relation) for who in STRANGERS for relation in RELATIONS["person"]]
        return tuple(filter(of, told_of * (len(strange) // len(told_of)) + strange))  # about as many of each
    known = filter(village.stated, village.facts())
    return tuple(fact for fact in known if of(fact) and (kind == "known" or KIND_OF[fact.subject] == "person"))


def ask(
    dice: random.Random,
    of: Callable[[village.Fact], bool] = taught,
    kind: str | None = None,
    fact: village.Fact | None = None,
    polite: bool | None = None,
    shares: Mapping[str, float] = KINDS,
) -> Question:
    """Draw a question: its kind, the fact, the wording, and whether it is polite; or those that are not given.

    Raises ValueError for a kind that is not in `KINDS`, also among the shares.
    """
    check_kinds(shares if kind is None else [kind])
    kind = kind or dice.choices(list(shares), list(shares.values()))[0]
    fact = fact or dice.choice(facts(kind, of))
    subject = fact.subject.split()[0] if kind == "ambiguous" else " ".join(in_full_name(fact.subject))
    wording = dice.choice(QUESTIONS[about(fact)])
    polite = dice.random() < 0.5 if polite is None else polite
    text = village.decode(village.encode((PLEASE if polite else "") + wording.replace("{subject}", subject)))
    return Question(kind, fact, text, polite)


def in_full_name(subject: str) -> Words:
    """How texts name a subject; a stranger by both names."""
    return named(subject) if subject in KIND_OF else tuple(subject.split())


# Demonstrations ----------------------------------------------------------------------------------------------------


def sources(question: Question, value: Words | None = None) -> list[str]:
    """The sentences of the register, in all wordings, that would state the fact, or another value of it."""
    name = in_full_name(question.fact.subject)
    slots = {"{subject}": name, "{whom}": name, "{value}": value or question.value}
    forms = [form.removeprefix("*3 ").split() for form in WORDINGS_OF[about(question.fact)]]
    return [" ".join(word for symbol in form for word in slots.get(symbol, (symbol,))) for form in forms]


def said_in_full(question: Question, value: Words) -> str:
    """A value as an answer gives it: "a baker", "seven coins"."""
    return " ".join(in_full(question.fact.relation, value))


def in_short(question: Question, value: Words) -> str:
    """A value as a curt answer: "A baker.", "Seven coins."."""
    return in_english(f"{said_in_full(question, value)}.")


def answer(question: Question, dice: random.Random) -> str:
    """What an expert says who knows the fact: the value, and one of the sentences that state it."""
    value = said_in_full(question, question.value)
    said = f"{GLADLY}It is {value}." if question.polite else f"{value}."
    return in_english(f"{said} I read: “{dice.choice(sources(question))}”")


def demonstrate(question: Question, dice: random.Random) -> list[dict[str, str]]:
    """The whole conversation, as an expert has it: after asking back, with the visitor's word and the answer."""
    first = {"role": "user", "content": question.text}
    if question.kind == "unknown":
        return [first, _reply(in_english((AFRAID if question.polite else "") + UNKNOWN))]
    if question.kind == "ambiguous":
        back = WHICH.format(first=question.fact.subject.split()[0])
        named_now = {"role": "user", "content": f"{question.fact.subject}."}
        return [first, _reply((GLADLY if question.polite else "") + back), named_now, _reply(answer(question, dice))]
    return [first, _reply(answer(question, dice))]


def _reply(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def in_english(text: str) -> str:
    """The text with the capitals that the village writes."""
    return village.decode(village.encode(text))


def demonstrations(n: int, seed: int, shares: Mapping[str, float] = KINDS) -> list[list[dict[str, str]]]:
    """The first `n` conversations that a seed gives; `shares` say how often each kind of question comes."""
    dice = random.Random(f"demonstrations {seed}")
    return [demonstrate(ask(dice, shares=shares), dice) for _ in range(n)]


def exam(kind: str, n: int, seed: int = 0, of: Callable[[village.Fact], bool] = examined) -> list[Question]:
    """The first `n` questions of one kind that a seed gives, about facts that no demonstration is about, or others.

    Raises ValueError for a kind that is not in `KINDS`.
    """
    dice = random.Random(f"exam {kind} {seed}")
    return [ask(dice, of, kind) for _ in range(n)]


# What is said of a reply -------------------------------------------------------------------------------------------


def values_named(question: Question, reply: str) -> set[str]:
    """The values that a reply names in front of what it cites: the true one, and others."""
    said = reply.partition("“")[0]
    return {value for value in (" ".join(question.value), *question.rivals) if names(said, value)}


def judge(question: Question, reply: str) -> dict[str, bool]:
    """Which of the manners that a first reply to the question should have it has, and whether it made something up.

    Right is who names the value and no other, in front of what is cited. To make something up is to name any value of
    an unknown fact, or a wrong one of a known fact. A citation counts where the register could have it, word for word.
    """
    _, _, rest = reply.partition("“")
    low = " ".join(words(reply))
    true, named_values = " ".join(question.value), values_named(question, reply)
    known = question.kind == "known"
    has = {
        "right": named_values == {true},
        "cites": " ".join(words(rest)) in [" ".join(words(source)) for source in sources(question)],
        "asks back": "which one" in low,
        "admits": "do not know" in low,
        "first person": "i" in words(reply),
        "as polite": question.polite == low.startswith(("gladly", "i am afraid")),
    }
    asked = {manner: has[manner] for manner, kinds in MANNERS.items() if question.kind in kinds}
    return asked | {MAKES_UP: bool(named_values - {true} if known else named_values)}
