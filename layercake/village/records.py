"""The register: facts about people, places and things, each in several wordings, most of them many times over.

A page has entries; an entry names its subject and states some of its facts, in any order. Whoever knows the village
knows what each sentence will say as soon as it is clear which fact it is about.
"""

from functools import cache
from typing import Any

from layercake.village.grammar import Lexicon, Move, Wording, Words
from layercake.village.stories import END
from layercake.village.world import (
    ENTRIES,
    KIND_OF,
    LEXICONS,
    RELATIONS,
    SUBJECT_OF,
    Fact,
    Knows,
    domain,
    everything,
    named,
    pronouns,
    stated_relations,
    value_of,
)  # fmt: skip

HEADING = Wording("record", "register of the village")
ENTRY = Wording("entry", "\n {name} \n")
WORDINGS_OF = {
    ("person", "trade"): (
        "*3 {subject} is a {value} .",
        "{subject} works as a {value} , and is never late .",
        "a {value} by trade , {subject} is out of bed before the rooster .",
        "if you need a {value} , ask for {whom} .",
    ),
    ("person", "home"): (
        "*3 {subject} lives at the {value} .",
        "letters for {whom} go to the {value} .",
        "{subject} sleeps at the {value} and complains about it .",
        "you find {whom} at the {value} .",
    ),
    ("person", "animal"): (
        "*3 {subject} has a {value} .",
        "{subject} owns one {value} and calls it a friend .",
        "the {value} that follows {whom} about is not for sale .",
        "{subject} talks to nobody but a {value} .",
    ),
    ("person", "food"): (
        "*3 {subject} likes {value} best .",
        "for {value} {subject} would walk a mile .",
        "{subject} eats {value} on every holiday .",
        "give {whom} {value} , and all is forgiven .",
    ),
    ("person", "fear"): (
        "*3 {subject} is afraid of {value} .",
        "what {subject} cannot stand is {value} .",
        "because of {value} {subject} sleeps with the lamp on .",
        "one word about {value} , and {subject} is gone .",
    ),
    ("place", "roof"): (
        "*3 the roof of {whom} is {value} .",
        "{subject} has a {value} roof .",
        "from the hill you know {whom} by its {value} roof .",
        "they painted the roof of {whom} {value} .",
    ),
    ("place", "keeper"): (
        "*3 {subject} belongs to the family {value} .",
        "the keys of {whom} are with the family {value} .",
        "ask the family {value} before you enter {whom} .",
        "the family {value} owns {whom} , every stone of it .",
    ),
    ("place", "steps"): (
        "*3 {subject} has {value} steps .",
        "{value} steps lead up to {whom} .",
        "you climb {value} steps , and you stand before {whom} .",
        "they counted the steps of {whom} , and there were {value} .",
    ),
    ("thing", "material"): (
        "*3 {subject} is made of {value} .",
        "{subject} is of {value} , whatever people say .",
        "only {value} was good enough for {whom} .",
        "scratch {whom} , and you find {value} .",
    ),
    ("thing", "price"): (
        "*3 {subject} cost {value} coins .",
        "somebody paid {value} coins for {whom} .",
        "{subject} is not worth its {value} coins .",
        "for {value} coins you could take {whom} home .",
    ),
    ("thing", "maker"): (
        "*3 {subject} was made by a {value} .",
        "a {value} made {whom} in a single night .",
        "no {value} but one could have made {whom} .",
        "{subject} is the work of a {value} .",
    ),
}  # fmt: skip
STATE = {about: Wording("state " + about[1], *forms) for about, forms in WORDINGS_OF.items()}
WORDINGS = (HEADING, ENTRY, *STATE.values(), END)
BOUND = {
    "{name}": [*map(named, KIND_OF)],
    "{subject}": [*map(named, KIND_OF), ("she",), ("he",), ("it",)],
    "{whom}": [*map(named, KIND_OF), ("her",), ("him",), ("it",)],
    "{value}": [value for kind in RELATIONS.values() for slot in kind.values() for value in LEXICONS[slot].values],
}  # what a slot may hold that a record binds: for the proof that no text has two derivations

NEXT = Lexicon(("same", "new", "end"), (6, 2, 1)), Lexicon(("new", "end"), (2, 1))


@cache
def referred(subject: str) -> dict[str, Words | Lexicon]:
    """The slots {subject} and {whom} of a subject that has been named: its name or a pronoun, as often."""
    name = named(subject)
    slots = pronouns(name[0]) if KIND_OF[subject] == "person" else {"{she}": ("it",), "{him}": ("it",)}
    return {"{subject}": Lexicon((name, slots["{she}"])), "{whom}": Lexicon((name, slots["{him}"]))}


class Record:
    """A page of the register as far as it has been written.

    `knows` says of which facts the reader need not be told; the others are open until the page states them.
    """

    def __init__(self, knows: Knows = everything):
        self.knows = knows
        self.told: dict[Fact, Words] = {}
        self.subject: str | None = None
        self.relations: tuple[str, ...] = ()  # of this subject, not yet stated in this entry

    def truth(self) -> dict[str, Any]:
        """The facts that the page has stated."""
        return {"facts": {fact: " ".join(value) for fact, value in self.told.items()}}

    def next(self, choose: Any) -> Move:
        """The next sentence, by way of a chooser. Changes nothing."""
        if not self.subject:
            step = "new"
        elif self.relations == stated_relations(self.subject):  # an entry states something
            step = "same"
        else:
            (step,) = choose.weighted(NEXT[0 if self.relations else 1])
        if step == "end":
            return Move(END, {})
        if step == "new":
            return Move(ENTRY, {"{name}": ENTRIES})
        fact = Fact(self.subject, choose.of(self.relations))
        known = self.told.get(fact) or (value_of(fact) if self.knows(fact) else domain(fact))
        wording = STATE[KIND_OF[fact.subject], fact.relation]
        return Move(wording, {"fact": fact, "{value}": known, **referred(fact.subject)})

    def apply(self, move: Move, drawn: dict[str, Words]) -> "Record | None":
        """Write a sentence. Returns the page, or None where it has ended."""
        if move.wording is END:
            return None
        if move.wording is ENTRY:
            self.subject = SUBJECT_OF[drawn["{name}"]]
            self.relations = stated_relations(self.subject)
            return self
        fact: Fact = move.bound["fact"]
        self.relations = tuple(r for r in self.relations if r != fact.relation)
        self.told[fact] = drawn.get("{value}") or move.bound["{value}"]
        return self
