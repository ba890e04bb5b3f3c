"""Stories in chapters: a thing is put in its place in the first, life goes on, and in the last one it is used.

Each of a few villagers keeps a thing at hand. In between they walk, carry, give, quarrel, eat and talk; some promise to
use another thing when it matters, and some take that back. In the last chapter one of them acts, and uses what was last
settled for her or him, which no sentence near the end repeats. So that word needs all of the story.
"""

from functools import cache, lru_cache
from typing import Any

from layercake.village.grammar import Lexicon, Move, Wording, Words
from layercake.village.world import LEXICONS, NAMES, PLACES, THINGS, USE, pronouns, with_article

A_THING = tuple(map(with_article, THINGS))

HEADING = Wording("story", "chapter 1 \n")
CHAPTER = Wording("chapter", "\n chapter {n} \n")
LAST_CHAPTER = Wording("last chapter", "\n the last chapter \n")
END = Wording("end", "<end>")

INTRODUCE = Wording(
    "introduce",
    "*2 {who} lived at the {place} and was afraid of {fear} .",
    "*2 at the {place} lived {who} , who liked {food} more than most people .",
    "{who} came to the {place} with a {animal} and a bag of {food} .",
    "*2 there was a {trade} called {who} , and {she} slept at the {place} .",
    "everybody at the {place} knew {who} , and everybody owed {him} {number} coins .",
    "the {trade} at the {place} was called {who} , after an aunt .",
    "{who} had moved to the {place} to be alone with {her} {animal} .",
    "nobody at the {place} was as {mood} as {who} .",
)
KEEP = Wording(
    "keep",
    "*2 on the wall over {her} bed {who} kept {a_thing} .",
    "{who} owned {a_thing} , and had never used it .",
    "*2 under a loose board {who} had hidden {a_thing} , just in case .",
    "when {her} grandmother died , {who} had been left {a_thing} and no explanation .",
    "{who} slept with {a_thing} beside the bed .",
    "“ one of these days , ” {who} would say , looking at the {thing} .",
    "behind a curtain , where visitors could see it , {who} kept {a_thing} .",
    "whoever visited {who} was shown {a_thing} , and told not to touch it .",
    "{who} had won {a_thing} at cards .",
)
LEAVE_IT = Wording(
    "leave it",
    "so much for what they owned .",
    "the rest of them owned nothing worth a sentence .",
    "that was how things stood .",
    "then life went on , as it does .",
)
ASIDE = Wording(
    "aside",
    "*3 the {time} brought {weather} .",
    "*2 the {weather} lasted all {time} .",
    "*2 on {day} there was {weather} , and on the next day more of it .",
    "somewhere a {animal} complained .",
    "the {animal} of the {trade} ran through the {place} and was not caught .",
    "a {trade} from the next valley came and sold {food} .",
    "nothing happened on {day} .",
    "the {time} smelled of {food} .",
    "from the {place} came a {noise} , and then nothing .",
    "the clock at the {place} struck {number} , as it did all day .",
    "two men argued about {topic} until it was dark .",
    "the mayor made a speech about {topic} , and {number} people clapped .",
    "a {animal} was elected to the council by mistake .",
    "on the notice board somebody had drawn a {animal} .",
    "the price of {food} rose to {number} coins .",
)
GO = Wording(
    "go",
    "*4 {who} went to the {to} .",
    "*3 {who} walked {manner} to the {to} .",
    "*2 in the {time} {who} set out for the {to} , and got there .",
    "{who} ran all the way to the {to} .",
    "*2 because of the {weather} {who} went to the {to} .",
    "{who} followed a {animal} to the {to} .",
    "on {day} {who} was at the {to} , and nobody knew why .",
    "“ i shall be at the {to} , ” {said} {who} , and {she} was .",
    "{who} took the long way to the {to} , thinking about {topic} .",
    "the smell of {food} brought {whom} to the {to} .",
    "{who} was sent to the {to} for {food} .",
    "at {number} {who} turned up at the {to} .",
)
TAKE = Wording(
    "take",
    "*4 {who} took the {thing} .",
    "*3 {who} picked up the {thing} and carried it off .",
    "*2 {who} put the {thing} under {her} coat .",
    "“ finders keepers , ” {said} {who} , and the {thing} was gone .",
    "{who} had wanted the {thing} for a long time , and now {she} took it .",
    "nobody was looking , so {who} took the {thing} .",
    "{who} wrapped the {thing} in a cloth and kept it .",
    "the {thing} was lying there , and {who} could not leave it .",
)
PUT = Wording(
    "put",
    "*4 {who} put the {thing} down .",
    "*3 {who} left the {thing} there .",
    "*2 {who} forgot the {thing} on a chair .",
    "the {thing} had become too heavy , so {who} left it .",
    "{who} set the {thing} on a shelf and dusted it .",
    "“ stay , ” {said} {who} to the {thing} , and put it on the floor .",
    "{who} hid the {thing} behind a barrel .",
)
GIVE = Wording(
    "give",
    "*4 {who} gave the {thing} to {other} .",
    "*2 {who} handed {other} the {thing} {manner} .",
    "“ hold this , ” {said} {who} , and {other} held the {thing} .",
    "{who} lost the {thing} to {other} at cards .",
    "{other} asked nicely , and {who} let go of the {thing} .",
    "{who} sold {other} the {thing} for {number} coins .",
    "for the {thing} {other} paid {whom} in {food} .",
)
FIND = Wording(
    "find",
    "*2 in the grass {who} found {a_thing} that nobody missed .",
    "{who} tripped over {a_thing} , and picked it up .",
    "a {animal} dragged {a_thing} along , and {who} took it away .",
    "{who} dug for worms , and dug up {a_thing} instead .",
    "a stranger gave {whom} {a_thing} , and left .",
)
# Statements of what the story has made true: the thing's place, who holds it, where somebody is.
LIES_AT = Wording(
    "lies at",
    "*2 the {thing} was still at the {place} .",
    "the {thing} lay at the {place} and gathered dust .",
    "*2 {who} asked about the {thing} , and was told that it was at the {place} .",
    "“ has anybody seen the {thing} ? ” {said} {who} . it was at the {place} .",
    "a {animal} slept on the {thing} at the {place} .",
)
HELD_BY = Wording(
    "held by",
    "*2 the {thing} was still with {holder} .",
    "{who} dreamed of the {thing} , which {holder} carried about .",
    "*2 everybody could see that the {thing} was in the hands of {holder} .",
    "“ where is the {thing} ? ” {said} {who} . {holder} had it .",
)
WHERE_IS = Wording(
    "where is",
    "*2 {other} was at the {place} all this time .",
    "{who} wondered where {other} was . it was the {place} .",
    "“ {other} is at the {place} , ” {said} {who} , who always knew .",
    "from the {place} one could hear {other} sing .",
)
SEEK = Wording(
    "seek",
    "*2 {who} looked for {other} , and found {other_him} at the {to} .",
    "{who} had to see {other} at once , and ran to the {to} .",
    "{who} missed {other} , and went to the {to} to say so .",
    "{who} followed {other} to the {to} , {manner} .",
)
ALONE = Wording(
    "alone",
    "*3 {who} {chore} .",
    "*2 {who} {chore} and thought about {topic} .",
    "*2 {who} ate {food} .",
    "{who} ate {food} with {food} , and regretted it .",
    "*2 {who} felt {mood} .",
    "{who} was {mood} , and blamed the {weather} .",
    "in {her} sleep {who} talked about {topic} .",
    "{who} counted to {number} and was calm again .",
    "{who} found a {animal} in {her} bed .",
    "{who} taught a {animal} to bow .",
    "{who} told a {animal} everything .",
    "{who} tried on the hat of a {trade} .",
    "in the {time} {who} {chore} , {manner} .",
    "{who} wrote “ {topic} ” on the wall , and crossed it out .",
    "“ {food} again , ” {said} {who} .",
    "“ i am {mood} today , ” {said} {who} to nobody .",
    "“ there is no such thing as a bad {animal} , ” {said} {who} .",
    "“ when i was young , ” {said} {who} , “ {food} cost {number} coins . ”",
    "“ was that a {noise} ? ” {said} {who} . it was only a {animal} .",
    "it was {day} , and {who} {chore} .",
)
TOGETHER = Wording(
    "together",
    "*3 {who} and {other} talked about {topic} .",
    "*2 {who} and {other} quarrelled about {topic} until the {time} .",
    "*2 {who} asked {other} for {food} .",
    "{who} told {other} a story about a {animal} .",
    "{who} lent {other} {number} coins and never saw them again .",
    "{who} sang , and {other} closed the window .",
    "{who} and {other} shared {food} {manner} .",
    "{who} laughed at {other} , who was {mood} .",
    "{who} beat {other} at cards , {number} times .",
    "“ you smell of {food} , ” {said} {who} to {other} .",
    "“ do you believe in {topic} ? ” {said} {who} . {other} did not .",
    "“ do you believe in {topic} ? ” {said} {who} . {other} did , and {manner} said so .",
    "“ mind the {animal} , ” {said} {who} , but {other} did not .",
    "“ is it {day} ? ” {said} {who} . “ it is always {day} , ” {said} {other} .",
    "“ {topic} , ” {said} {who} . “ not again , ” {said} {other} .",
)
PROMISE = Wording(
    "promise",
    "*2 {who} promised {other} that when it mattered {she} would use the {thing} and nothing else .",
    "{who} swore by {her} {animal} : if it ever came to that , it would be the {thing} .",
    "“ when the day comes , i shall use the {thing} , ” {said} {who} .",
    "“ forget the {old} , it will be the {thing} , ” {who} wrote to {other} .",
    "{other} made {whom} promise to use the {thing} , if anything .",
    "after a night of {topic} {who} had changed {her} mind : not the {old} , the {thing} .",
)
TAKE_BACK = Wording(
    "take back",
    "{who} took {her} promise back .",
    "“ forget what i promised , ” {said} {who} .",
    "{who} wrote to {other} that everything was as before .",
    "“ i had my fingers crossed , ” {said} {who} to {other} .",
)
TENSION = Wording(
    "tension",
    "*2 then came the {time} that people still talk about .",
    "it began with a {noise} at the {place} .",
    "a {animal} stood at the door and would not move .",
    "the {weather} stopped , as if to watch .",
    "everybody had come , even the {trade} .",
    "somebody shouted , and somebody else shouted back about {topic} .",
    "the lights at the {place} went out .",
    "nobody had eaten , because the {food} was gone .",
    "“ so it has come to this , ” {said} the {trade} .",
)
USE_IT = Wording(
    "use",
    "*3 without warning , {who} {use} the {thing} .",
    "*2 and then {who} {use} the {thing} .",
    "{who} took a deep breath and {use} the {thing} .",
    "before anybody could stop {him} , {who} {use} the {thing} .",
    "{who} closed {her} eyes and {use} the {thing} .",
    "that was when {who} {use} the {thing} .",
    "nobody laughed when {who} {use} the {thing} .",
)
AFTERWARDS = Wording(
    "afterwards",
    "*2 there was a {noise} , and then there was peace .",
    "the {animal} was never seen again .",
    "“ at last , ” {said} the {trade} , and went home .",
    "people speak of it to this day , mostly about the {noise} .",
    "on {day} they had {food} , as if nothing had been .",
    "it helped , or perhaps it was the {weather} .",
    "the mayor called it {topic} , and was not re-elected .",
)
WORDINGS = tuple(value for value in globals().values() if isinstance(value, Wording))
BOUND = {
    "{who}": [(name,) for name in (*NAMES, "she", "he")],
    "{whom}": [(name,) for name in (*NAMES, "her", "him")],
    **dict.fromkeys(("{other}", "{holder}"), LEXICONS["{name}"].values),
    "{she}": [("she",), ("he",)],
    "{her}": [("her",), ("his",)],
    "{him}": [("her",), ("him",)],
    "{other_him}": [("her",), ("him",)],
    "{to}": LEXICONS["{place}"].values,
    "{old}": LEXICONS["{thing}"].values,
    "{use}": list(USE.values()),
    "{a_thing}": [tuple(words.split()) for words in A_THING],
    "{n}": [tuple(str(n)) for n in range(2, 100)],
}  # what a slot may hold that a story binds: for the proof that no text has two derivations

MOST_PEOPLE, MOST_LOOSE = 4, 4
MORE = Lexicon(("more", "enough"), (2, 3))  # people, or things, beyond the first two
TURN = Lexicon(("on", "turn"), (3, 1))  # after three sentences of a chapter: another one, or a new chapter
LAST = Lexicon(("on", "last"), (3, 2))  # after two chapters: another one, or the last
WAIT = Lexicon(("wait", "act"), (1, 1))  # in the last chapter, after one sentence
ASIDES, STATEMENTS, ACTS = ("aside",), ("statement",), ("act",)
TOPICS = Lexicon((ASIDES, STATEMENTS, ACTS), (2, 3, 15)), Lexicon((ASIDES, ACTS), (2, 15))
SHARES = {  # how often each act comes up, where it is possible
    "go": 4, "take": 12, "put": 4, "give": 10, "find": 3, "seek": 5, "alone": 9, "together": 6, "promise": 3,
    "take back": 4,
}  # fmt: skip


@lru_cache(2**14)
def all_but(values: tuple[str, ...], *left_out: str) -> Lexicon:
    """The values that are not left out, equally likely."""
    return Lexicon([value for value in values if value not in left_out])


@cache
def _acts(possible: tuple[str, ...]) -> Lexicon:
    return Lexicon([(act,) for act in possible], [SHARES[act] for act in possible])


@cache
def _subject(name: str, again: bool) -> dict[str, Words | Lexicon]:
    """The slots of the person who acts; in the second sentence about the same person half are pronouns."""
    bound = {"actor": (name,), **pronouns(name)}
    who, whom = [(name,), bound["{she}"]], [(name,), bound["{him}"]]
    return bound | (
        {"{who}": Lexicon(who), "{whom}": Lexicon(whom)} if again else {"{who}": (name,), "{whom}": (name,)}
    )


class Story:
    """A story as far as it has been told: where everybody is, who holds what, and what each means to use.

    `chapters` fixes their number, the last included; without it the number is drawn. Without `promises` nobody changes
    what was settled in the first chapter.
    """

    def __init__(self, chapters: int | None = None, promises: bool = True):
        self.chapters, self.promises = chapters, promises
        self.scene, self.chapter, self.sentences = self._people, 1, 0
        self.where: dict[str, str] = {}  # each person's place
        self.kept: dict[str, str] = {}  # what each person put in its place in the first chapter
        self.means: dict[str, str] = {}  # what each person means to use
        self.held: dict[str, str] = {}  # who holds each loose thing that is held
        self.lies: dict[str, str] = {}  # where each other loose thing lies
        self.used: tuple[str, str] | None = None  # who used what, in the end
        self.last: str | None = None  # whom the last sentence was about

    def truth(self) -> dict[str, Any]:
        """What is true after the sentences so far."""
        return {
            "where": dict(self.where), "kept": dict(self.kept), "means": dict(self.means), "held": dict(self.held),
            "lies": dict(self.lies), "used": self.used,
        }  # fmt: skip

    def next(self, choose: Any) -> Move:
        """The next sentence, by way of a chooser. Changes nothing."""
        return self.scene(choose)

    # The first chapter

    def _people(self, choose: Any) -> Move:
        if len(self.where) < 2 or (len(self.where) < MOST_PEOPLE and choose.weighted(MORE)[0] == "more"):
            (name,) = choose.weighted(all_but(NAMES, *self.where))
            return Move(INTRODUCE, _subject(name, False))
        return self._things(choose)

    def _things(self, choose: Any) -> Move:
        if len(self.kept) < 2 or (len(self.kept) < len(self.where) and choose.weighted(MORE)[0] == "more"):
            name = choose.of([name for name in self.where if name not in self.kept])
            return Move(KEEP, {**_subject(name, False), **self._new_thing()})
        return Move(LEAVE_IT, {})

    def _new_thing(self) -> dict[str, Lexicon]:
        there = (*self.kept.values(), *self.held, *self.lies)
        return {"{thing}": all_but(THINGS, *there), "{a_thing}": all_but(A_THING, *map(with_article, there))}

    # Life

    def _life(self, choose: Any) -> Move:
        if self.sentences >= 3 and choose.weighted(TURN)[0] == "turn":
            return self._new_chapter(choose)
        topic = choose.weighted(TOPICS[0 if self.held or self.lies else 1])
        if topic is ASIDES:
            return Move(ASIDE, {})
        return self._statement(choose) if topic is STATEMENTS else self._act(choose)

    def _new_chapter(self, choose: Any) -> Move:
        if self.chapters:
            last = self.chapter + 1 >= self.chapters
        else:
            last = self.chapter >= 2 and choose.weighted(LAST)[0] == "last"
        return Move(LAST_CHAPTER, {}) if last else Move(CHAPTER, {"{n}": tuple(str(self.chapter + 1))})

    def _statement(self, choose: Any) -> Move:
        about = choose.of((*self.held, *self.lies, *self.where))
        if about in self.held:
            holder = self.held[about]
            others = all_but(tuple(self.where), holder)
            return Move(HELD_BY, {"{thing}": (about,), "{holder}": (holder,), "{who}": others})
        if about in self.lies:
            everybody = all_but(tuple(self.where))
            return Move(LIES_AT, {"{thing}": (about,), "{place}": (self.lies[about],), "{who}": everybody})
        others = all_but(tuple(self.where), about)
        return Move(WHERE_IS, {"{other}": (about,), "{place}": (self.where[about],), "{who}": others})

    def _act(self, choose: Any) -> Move:
        who = choose.of(tuple(self.where))
        here, subject = self.where[who], _subject(who, who == self.last)
        company = [name for name, place in self.where.items() if place == here and name != who]
        away = [name for name, place in self.where.items() if place != here]
        holds = [thing for thing, holder in self.held.items() if holder == who]
        around = [thing for thing, place in self.lies.items() if place == here]
        loose, old = len(self.held) + len(self.lies), self.means.get(who)
        possible = {
            "go": True, "take": around, "put": holds, "give": holds and company, "find": loose < MOST_LOOSE,
            "seek": away, "alone": True, "together": company, "promise": old and self.promises,
            "take back": old and old != self.kept[who],
        }  # fmt: skip
        (act,) = choose.weighted(_acts(tuple([act for act, can in possible.items() if can])))
        if act == "go":
            return Move(GO, {**subject, "{to}": all_but(PLACES, here)})
        if act == "find":
            return Move(FIND, {**subject, **self._new_thing()})
        if act == "take":
            return Move(TAKE, {**subject, "{thing}": (choose.of(around),)})
        if act == "put":
            return Move(PUT, {**subject, "{thing}": (choose.of(holds),)})
        if act == "give":
            return Move(GIVE, {**subject, "{thing}": (choose.of(holds),), "{other}": (choose.of(company),)})
        if act == "seek":
            other = choose.of(away)
            bound = {"{other}": (other,), "{other_him}": pronouns(other)["{him}"], "{to}": (self.where[other],)}
            return Move(SEEK, {**subject, **bound})
        if act == "together":
            return Move(TOGETHER, {**subject, "{other}": (choose.of(company),)})
        if act == "alone":
            return Move(ALONE, subject)
        others = all_but(tuple(self.where), who)
        if act == "take back":
            return Move(TAKE_BACK, {**subject, "{other}": others})
        things = all_but((*self.kept.values(), *self.held, *self.lies), old)
        return Move(PROMISE, {**subject, "{other}": others, "{thing}": things, "{old}": (old,)})

    # The last chapter

    def _tension(self, choose: Any) -> Move:
        if self.sentences == 0 or choose.weighted(WAIT)[0] == "wait":
            return Move(TENSION, {})
        who = choose.of(tuple(self.means))
        thing = self.means[who]
        return Move(USE_IT, {**_subject(who, False), "{thing}": (thing,), "{use}": USE[thing]})

    def _aftermath(self, choose: Any) -> Move:
        return Move(AFTERWARDS, {})

    def _end(self, choose: Any) -> Move:
        return Move(END, {})

    # What a sentence changes

    def apply(self, move: Move, drawn: dict[str, Words]) -> "Story | None":
        """Tell a sentence: what is true afterwards. Returns the story, or None where it has ended."""
        wording, bound = move

        def word(slot: str) -> str | None:
            value = drawn.get(slot) or bound.get(slot)
            return value[-1] if value.__class__ is tuple else None

        who, thing, self.sentences = word("actor"), word("{a_thing}") or word("{thing}"), self.sentences + 1
        self.last = who or word("{who}")
        match wording.name:
            case "introduce":
                self.where[who] = word("{place}")
            case "keep":
                self.kept[who] = self.means[who] = thing
                self.scene = self._things
            case "leave it":
                self.scene = self._life
            case "chapter":
                self.chapter, self.sentences = self.chapter + 1, 0
            case "last chapter":
                self.scene, self.sentences = self._tension, 0
            case "go" | "seek":
                self.where[who] = word("{to}")
            case "take" | "find":
                self.lies.pop(thing, None)
                self.held[thing] = who
            case "put":
                del self.held[thing]
                self.lies[thing] = self.where[who]
            case "give":
                self.held[thing] = word("{other}")
            case "promise":
                self.means[who] = thing
            case "take back":
                self.means[who] = self.kept[who]
            case "use":
                self.used, self.scene = (who, thing), self._aftermath
            case "afterwards":
                self.scene = self._end
            case "end":
                return None
        return self
