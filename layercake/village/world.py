"""The village itself: its words, its people, and what is true of them whatever is being told.

Facts (who bakes, what the chapel's roof looks like) are drawn once, from a hash of their subject and relation, so that
they are the same in every text of every seed. A *fact* is a subject and a relation; its value is out of the relation's
lexicon. About one fact in twelve is never stated anywhere: nothing that reads the village can know it.
"""

import math
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from layercake.village.grammar import Lexicon, Words

WOMEN = tuple("Mira Nell Greta Ottilie Pia Runa Sanne Tilda Wilma Yara Hedda Lotte".split())
MEN = tuple("Otto Bram Casper Dirk Emil Finn Gus Henk Ivo Jonas Klaus Teo".split())
NAMES = WOMEN + MEN
FAMILIES = tuple("Vale Thorne Holm Pike Ashby Quill Dorn Ferro Lund Wick Zander Brandt".split())
PLACES = tuple(
    "mill barn bakery harbour forge chapel inn market orchard lighthouse schoolhouse bridge greenhouse cellar".split()
)
# What can be done with a thing, once, to effect. The verb alone does not always tell which thing it is.
USES = {
    "fired": "pistol cannon musket crossbow", "rang": "bell gong", "lit": "lantern candle torch",
    "threw": "rope net anchor", "blew": "whistle horn trumpet", "opened": "letter chest cage umbrella",
    "played": "fiddle flute drum accordion", "swung": "axe hammer broom lasso", "smashed": "mirror jug vase teapot",
    "drank": "potion medicine", "raised": "flag sail", "unfolded": "map telescope tent",
    "turned": "key compass hourglass", "put on": "mask crown cloak",
}  # fmt: skip
USE = {thing: tuple(verb.split()) for verb, things in USES.items() for thing in things.split()}
THINGS = tuple(USE)

LEXICONS = {
    "{name}": Lexicon(NAMES),
    "{place}": Lexicon(PLACES),
    "{thing}": Lexicon(THINGS),
    "{trade}": Lexicon(
        "baker miller smith weaver fisher tailor piper cook carpenter clockmaker beekeeper teacher doctor "
        "painter gardener hatter locksmith potter shepherd saddler"
    ),
    "{animal}": Lexicon("goat goose donkey cat dog hen mule parrot pig pony rabbit rooster sheep swan turtle ferret"),
    "{food}": Lexicon(
        "soup porridge cheese bread cabbage dumplings honey herring mushrooms onions pancakes pears stew "
        "turnips gingerbread plum_cake fried_eggs pea_soup cold_pudding",
    ),
    "{fear}": Lexicon(
        "thunder ghosts spiders stairs silence wolves water mice dentists heights geese mirrors moths fog bees"
    ),
    "{colour}": Lexicon("red blue green yellow white black grey pink"),
    "{material}": Lexicon("oak brass tin silver leather glass wool iron bone"),
    "{number}": Lexicon("two three four five six seven eight nine ten eleven twelve"),
    "{weather}": Lexicon("rain fog snow wind hail sunshine drizzle frost", (8, 5, 4, 6, 2, 5, 4, 3)),
    "{time}": Lexicon("morning afternoon evening night", (4, 3, 3, 2)),
    "{goods}": Lexicon("pears apples eggs buttons candles nails"),
    "{day}": Lexicon("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "{mood}": Lexicon(
        "cheerful gloomy restless hungry proud suspicious sleepy homesick brave jealous out_of_sorts "
        "rather_pleased in_two_minds",
        (4, 4, 3, 5, 2, 3, 5, 2, 2, 2, 1, 2, 1),
    ),
    "{manner}": Lexicon(
        "slowly quickly quietly carefully clumsily solemnly cheerfully grudgingly without_a_word",
        (4, 4, 4, 3, 2, 1, 2, 1, 3),
    ),
    "{said}": Lexicon("said whispered muttered cried sighed", (12, 3, 3, 2, 2)),
    "{topic}": Lexicon(
        "cheese geese boats ghosts taxes mushrooms marriage the_weather the_price_of_eggs "
        "the_end_of_the_world the_mayor_'s_hat old_debts",
        (3, 3, 2, 2, 3, 2, 1, 6, 4, 1, 2, 2),
    ),
    "{noise}": Lexicon("bang rattle whistle splash sneeze squeak long_silence", (4, 3, 1, 2, 2, 3, 2)),
    "{chore}": Lexicon(
        "swept_the_floor mended_a_net peeled_onions counted_coins wrote_a_letter fed_the_hens "
        "polished_the_windows chopped_wood sharpened_a_knife hung_up_the_washing practised_a_speech "
        "baked_bread read_the_almanac",
        (6, 3, 4, 3, 3, 5, 2, 5, 2, 4, 1, 4, 1),
    ),
}


def with_article(thing: str) -> str:
    """The thing with its indefinite article: "an axe"."""
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def pronouns(name: str) -> dict[str, Words]:
    """The slots {she}, {her} and {him}, as they go with a name: she, her, her or he, his, him."""
    return SHE if name in WOMEN else HE


SHE = {"{she}": ("she",), "{her}": ("her",), "{him}": ("her",)}
HE = {"{she}": ("he",), "{her}": ("his",), "{him}": ("him",)}


# What is true ------------------------------------------------------------------------------------------------------


class Fact(NamedTuple):
    """A subject ("Mira Vale", "chapel", "pistol") and a relation; `value_of` gives what is true."""

    subject: str
    relation: str


RELATIONS = {
    "person": {"trade": "{trade}", "home": "{place}", "animal": "{animal}", "food": "{food}", "fear": "{fear}"},
    "place": {"roof": "{colour}", "keeper": "{family}", "steps": "{number}"},
    "thing": {"material": "{material}", "price": "{number}", "maker": "{trade}"},
}
LEXICONS["{family}"] = Lexicon(FAMILIES)
N_PEOPLE = 96
UNSTATED = 12  # one fact in so many is never stated


def digest(*words: str) -> int:
    """A number below 2^64 that depends on the words alone, not on the platform."""
    return int.from_bytes(blake2b("\n".join(words).encode(), digest_size=8).digest(), "big")


# The registered people, best known first: everybody has a first and a family name, and some pairs exist.
PEOPLE = tuple(sorted((f"{n} {f}" for n in NAMES for f in FAMILIES), key=lambda p: digest("person", p))[:N_PEOPLE])
# How often each subject comes up falls with the power 3/2 of its rank; sqrt is exact to the last bit everywhere.
RENOWN = tuple(int(1e6 / ((rank + 2) * math.sqrt(rank + 2))) for rank in range(N_PEOPLE))
KIND_OF = {
    **dict.fromkeys(PEOPLE, "person"), **dict.fromkeys(PLACES, "place"), **dict.fromkeys(THINGS, "thing"),
}  # fmt: skip
_WEIGHT = {  # people come up most
    subject: share * renown
    for subjects, share in ((PEOPLE, 10), (PLACES, 2), (THINGS, 3))
    for subject, renown in zip(subjects, RENOWN)
}


def named(subject: str) -> Words:
    """A subject as a sentence names it: "Mira Vale", "the chapel"."""
    return tuple(subject.split()) if KIND_OF[subject] == "person" else ("the", subject)


SUBJECT_OF = {named(subject): subject for subject in KIND_OF}
ENTRIES = Lexicon(SUBJECT_OF, _WEIGHT.values())


@cache
def domain(fact: Fact) -> Lexicon:
    """The values that the fact might have had, all equally likely.

    Raises ValueError for a subject or a relation that the village does not have.
    """
    try:
        return LEXICONS[RELATIONS[KIND_OF[fact.subject]][fact.relation]]
    except KeyError:
        raise ValueError(f"the village has no fact {fact.subject!r}, {fact.relation!r}") from None


@cache
def value_of(fact: Fact) -> Words:
    """What is true. Raises ValueError for what the village does not have."""
    values = domain(fact).values
    return values[digest("fact", *fact) % len(values)]


@cache
def stated(fact: Fact) -> bool:
    """Whether any text states the fact."""
    return digest("stated", *fact) % UNSTATED != 0


@cache
def stated_relations(subject: str) -> tuple[str, ...]:
    """The relations of a subject that texts state."""
    return tuple(r for r in RELATIONS[KIND_OF[subject]] if stated(Fact(subject, r)))


@cache
def who_state(kind: str, relation: str) -> Lexicon:
    """The subjects of one kind for which texts state this relation, by renown."""
    subjects = [subject for subject in KIND_OF if KIND_OF[subject] == kind and stated(Fact(subject, relation))]
    return Lexicon([named(subject) for subject in subjects], [_WEIGHT[subject] for subject in subjects])


def facts() -> list[Fact]:
    """All facts of the village, stated or not."""
    return [Fact(subject, relation) for subject, kind in KIND_OF.items() for relation in RELATIONS[kind]]


Knows = Callable[[Fact], bool]


def everything(_: Fact) -> bool:
    """Knows all facts, as does whoever has read enough of the village."""
    return True


def nothing(_: Fact) -> bool:
    """Knows no fact that the text itself has not stated."""
    return False
