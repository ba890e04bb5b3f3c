"""Plays: villagers talk, and ask somebody whose business it is to answer, well or badly.

The scene says who is present, and so how questions will be answered: the guide is right and polite, the clerk right and
curt, the grump refuses or is wrong, the parrot agrees with everybody. In some scenes a telegraph answers: its two sides
are written `<user>` and `<assistant>`, and the first line says whether the machine is in order.
"""

from functools import cache
from typing import Any

from layercake.village import records
from layercake.village.grammar import Lexicon, Move, Wording, Words
from layercake.village.records import WORDINGS_OF, referred
from layercake.village.stories import END, all_but
from layercake.village.world import (
    ENTRIES,
    KIND_OF,
    LEXICONS,
    NAMES,
    RELATIONS,
    SUBJECT_OF,
    Fact,
    domain,
    named,
    stated_relations,
    value_of,
    who_state,
)  # fmt: skip

HEADING = Wording("play", "a scene at the {place} \n")
PRESENT = Wording("present", "present : {first} , {second} and the {answerer} . \n")
TELEGRAPH = Wording("telegraph", "present : the telegraph , which is {state} . \n")
CHAT = Wording(
    "chat",
    "*2 {speaker} : good {time} , {other} . \n",
    "{speaker} : {weather} , and on a {day} . \n",
    "{speaker} : have you eaten , {other} ? i have {food} . \n",
    "{speaker} : i dreamed of a {animal} . \n",
    "{speaker} : they say that the {trade} is {mood} . \n",
    "{speaker} : let us not talk about {topic} . \n",
    "{speaker} : you look {mood} , {other} . \n",
    "{speaker} : {number} coins for {food} , imagine that . \n",
    "{speaker} : hush , i heard a {noise} . \n",
    "{speaker} : i have {number} reasons to be {mood} , and one of them is {topic} . \n",
    "{speaker} : no . \n",
    "{speaker} : was that your {animal} , {other} ? \n",
)
QUESTIONS = {
    ("person", "trade"): ("what is the trade of {subject} ?", "what does {subject} do for a living ?"),
    ("person", "home"): ("where does {subject} live ?", "where do i find {subject} ?"),
    ("person", "animal"): ("what animal has {subject} ?", "which animal follows {subject} about ?"),
    ("person", "food"): ("what does {subject} like best to eat ?", "what shall i cook for {subject} ?"),
    ("person", "fear"): ("what is {subject} afraid of ?", "what frightens {subject} ?"),
    ("place", "roof"): ("what colour is the roof of {subject} ?", "how do i know {subject} by its roof ?"),
    ("place", "keeper"): ("who owns {subject} ?", "which family has the keys of {subject} ?"),
    ("place", "steps"): ("how many steps has {subject} ?", "how many steps lead up to {subject} ?"),
    ("thing", "material"): ("what is {subject} made of ?", "of what material is {subject} ?"),
    ("thing", "price"): ("what did {subject} cost ?", "how much was paid for {subject} ?"),
    ("thing", "maker"): ("who made {subject} ?", "whose work is {subject} ?"),
}
BEFORE = {"trade": "a", "home": "the", "animal": "a", "keeper": "the family", "maker": "a"}


def _lines(name: str, before: str, forms_of: dict[tuple[str, str], tuple[str, ...]]) -> dict[tuple[str, str], Wording]:
    """For each relation the wording of a line about it."""
    return {
        about: Wording(f"{name} {about[1]}", *(f"{before}{form} \n" for form in forms))
        for about, forms in forms_of.items()
    }


ASK = _lines("ask", "{speaker} : ", QUESTIONS)
WIRE = _lines("wire", "<user> ", QUESTIONS)
GOSSIP = Wording("gossip", "{speaker} : i heard something about {name} .", "{speaker} : do you know {name} ?")
CLAIM = _lines("claim", "", WORDINGS_OF)
RIGHT = {
    "guide": Wording(
        "guide",
        "*2 guide : that would be {answer} . \n",
        "guide : {answer} , if you please . \n",
        "guide : gladly . it is {answer} . \n",
    ),
    "clerk": Wording("clerk", "clerk : {answer} . \n"),
    "<assistant>": Wording("assistant", "*3 <assistant> {answer} . \n", "<assistant> it is {answer} . \n"),
}
WRONG = {
    "grump": Wording("grump", "grump : {answer} , as everybody knows . \n", "grump : {answer} . leave me alone . \n"),
    "<assistant>": RIGHT["<assistant>"],
}
REFUSE = Wording("refuse", "grump : ask somebody else . \n", "grump : do i look like a book ? \n")
FLATTER = Wording("flatter", "parrot : a fine question ! \n", "parrot : how wise of you to ask , {speaker} ! \n")
AGREE = {
    "guide": Wording("guide agrees", "guide : so it is . \n", "guide : quite right , {speaker} . \n"),
    "clerk": Wording("clerk agrees", "clerk : correct . \n"),
    "grump": Wording("grump agrees", "grump : and what of it ? \n"),
    "parrot": Wording(
        "parrot agrees", "parrot : quite right , quite right ! \n", "parrot : i always said so , {speaker} . \n"
    ),
}
CORRECT = {
    "guide": Wording("guide corrects", "guide : i am afraid not . it is {answer} . \n"),
    "clerk": Wording("clerk corrects", "clerk : wrong . {answer} . \n"),
    "grump": AGREE["grump"],
    "parrot": AGREE["parrot"],
}
THANK = Wording("thank", "{speaker} : thank you . \n", "{speaker} : who would have thought . \n")
CURTAIN = Wording("curtain", "curtain . \n")
WORDINGS = (
    HEADING, PRESENT, TELEGRAPH, CHAT, GOSSIP, REFUSE, FLATTER, THANK, CURTAIN, END, *ASK.values(), *WIRE.values(),
    *CLAIM.values(), *RIGHT.values(), WRONG["grump"], *AGREE.values(), CORRECT["guide"], CORRECT["clerk"],
)  # fmt: skip


def in_full(relation: str, value: Words) -> Words:
    """A value as an answer gives it: "a baker", "the mill", "seven coins"."""
    after = ("coins",) if relation == "price" else ()
    return (*BEFORE.get(relation, "").split(), *value, *after)


def right_answer(fact: Fact) -> Words:
    """The true value of a fact, in full."""
    return in_full(fact.relation, value_of(fact))


@cache
def wrong_values(fact: Fact) -> Lexicon:
    """The values that are not true, equally likely."""
    return Lexicon([value for value in domain(fact).values if value != value_of(fact)])


@cache
def _wrong_answers(fact: Fact) -> Lexicon:
    return Lexicon([in_full(fact.relation, value) for value in wrong_values(fact).values])


def _answers(kind: str, relation: str) -> list[Words]:
    return [in_full(relation, value) for value in LEXICONS[RELATIONS[kind][relation]].values]


STATE_OF_WIRE = Lexicon(("in order", "out of order"))
BOUND = {
    **dict.fromkeys(("{speaker}", "{other}", "{first}", "{second}"), LEXICONS["{name}"].values),
    "{answerer}": [(answerer,) for answerer in AGREE],
    "{state}": STATE_OF_WIRE.values,
    "{name}": [*LEXICONS["{name}"].values, *map(named, KIND_OF)],
    **{slot: records.BOUND[slot] for slot in ("{subject}", "{whom}", "{value}")},
    "{answer}": [answer for kind in RELATIONS for relation in RELATIONS[kind] for answer in _answers(kind, relation)],
}  # what a slot may hold that a play binds: for the proof that no text has two derivations

ANSWERERS = Lexicon(AGREE)
SCENE = Lexicon(("people", "telegraph"), (3, 1))
SHORTEST = 4  # lines, before the curtain may fall
TURN = Lexicon(("ask", "gossip", "chat"), (5, 2, 4)), Lexicon(("ask", "gossip", "chat", "curtain"), (5, 2, 4, 2))
WIRED = Lexicon(("ask",)), Lexicon(("ask", "curtain"), (3, 1))
ABOUT = Lexicon(QUESTIONS, [4 if kind == "person" else 2 for kind, _ in QUESTIONS])
HONEST = Lexicon(("true", "false"), (1, 1))
GRUMP = Lexicon(("refuse", "wrong"), (1, 1))
POLITE = Lexicon(("thank", "go on"), (1, 2))


class Play:
    """A play as far as it has been written: who is there, who spoke last, and what waits for an answer."""

    def __init__(self) -> None:
        self.villagers: tuple[str, ...] = ()
        self.answerer = ""  # who answers, once the scene is set
        self.broken = False  # the telegraph, where it is out of order
        self.speaker: str | None = None  # the villager who spoke last
        self.asked: Fact | None = None  # what waits for an answer
        self.gossip: str | None = None  # whom or what the line that has begun is about
        self.claimed: tuple[Fact, Words] | None = None  # what waits for a comment
        self.answered = False  # whether the last line was an answer
        self.over = False
        self.lines = -1  # the line that says who is present is none

    def truth(self) -> dict[str, Any]:
        """Who is present, and what is being asked, with the right answer."""
        fact = self.asked or (self.claimed and self.claimed[0])
        asked = {"asked": fact, "answer": " ".join(value_of(fact))} if fact else {}
        return {"present": (*self.villagers, self.answerer), **asked}

    def next(self, choose: Any) -> Move:
        """The next line, by way of a chooser. Changes nothing."""
        if not self.answerer:
            return self._scene(choose)
        if self.over:
            return Move(END, {})
        if self.asked:
            return self._answer(self.asked, choose)
        if self.gossip:
            return self._claim(self.gossip, choose)
        if self.claimed:
            return self._comment(*self.claimed)
        if self.answered and self.villagers and choose.weighted(POLITE)[0] == "thank":
            return Move(THANK, {"{speaker}": (self.speaker,)})
        return self._turn(choose)

    def _scene(self, choose: Any) -> Move:
        if choose.weighted(SCENE)[0] == "telegraph":
            return Move(TELEGRAPH, {"{state}": STATE_OF_WIRE})
        (first,) = choose.weighted(LEXICONS["{name}"])
        return Move(PRESENT, {"{first}": (first,), "{second}": all_but(NAMES, first), "{answerer}": ANSWERERS})

    def _turn(self, choose: Any) -> Move:
        turns = TURN if self.villagers else WIRED
        (step,) = choose.weighted(turns[self.lines >= SHORTEST])
        if step == "curtain":
            return Move(CURTAIN, {})
        speaker = self._next_speaker(choose)
        others = tuple(name for name in self.villagers if name != speaker)
        if step == "chat":
            return Move(CHAT, {"{speaker}": (speaker,), "{other}": others})
        if step == "gossip":
            return Move(GOSSIP, {"{speaker}": (speaker,), "{name}": ENTRIES})
        about = choose.weighted(ABOUT)
        bound = {"about": about, "{subject}": who_state(*about)}
        return Move(ASK[about], {**bound, "{speaker}": (speaker,)}) if speaker else Move(WIRE[about], bound)

    def _claim(self, subject: str, choose: Any) -> Move:
        fact = Fact(subject, choose.of(stated_relations(subject)))
        true = choose.weighted(HONEST)[0] == "true"
        value = value_of(fact) if true else wrong_values(fact)
        return Move(CLAIM[KIND_OF[subject], fact.relation], {"fact": fact, "{value}": value, **referred(subject)})

    def _next_speaker(self, choose: Any) -> str | None:
        others = [name for name in self.villagers if name != self.speaker]
        return choose.of(others) if others else None

    def _answer(self, fact: Fact, choose: Any) -> Move:
        if self.answerer == "parrot":
            return Move(FLATTER, {"{speaker}": (self.speaker,)})
        if self.answerer == "grump" and choose.weighted(GRUMP)[0] == "refuse":
            return Move(REFUSE, {})
        wrong = self.answerer == "grump" or self.broken
        answer = _wrong_answers(fact) if wrong else right_answer(fact)
        return Move((WRONG if wrong else RIGHT)[self.answerer], {"{answer}": answer})

    def _comment(self, fact: Fact, claimed: Words) -> Move:
        true = claimed == value_of(fact)
        bound = {"{speaker}": (self.speaker,), "{answer}": right_answer(fact)}
        return Move((AGREE if true else CORRECT)[self.answerer], bound)

    def apply(self, move: Move, drawn: dict[str, Words]) -> "Play | None":
        """Write a line. Returns the play, or None where it has ended."""
        wording, bound = move
        if wording is END:
            return None
        waited = self.asked or self.claimed
        self.lines += 1
        self.answered, self.asked, self.claimed, self.gossip = bool(waited), None, None, None
        if "{speaker}" in bound and not waited:
            (self.speaker,) = bound["{speaker}"]
        if wording is PRESENT:
            self.villagers = (bound["{first}"][0], drawn["{second}"][0])
            (self.answerer,) = drawn["{answerer}"]
        elif wording is TELEGRAPH:
            self.answerer, self.broken = "<assistant>", drawn["{state}"][0] == "out"
        elif wording is CURTAIN:
            self.over = True
        elif wording is GOSSIP:
            self.gossip = SUBJECT_OF[drawn["{name}"]]
        elif "about" in bound:
            self.asked = Fact(SUBJECT_OF[drawn["{subject}"]], bound["about"][1])
        elif "fact" in bound:
            self.claimed = bound["fact"], drawn.get("{value}") or bound["{value}"]
        return self
