"""`pre_tokenize`: nothing is lost, numbers come first and alone, and each stretch between them is cut by itself."""

import re
import unicodedata
from collections.abc import Callable

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes
from autograder.checks.real.text import pre_tokenize, simplify

exercise = Exercise("pre_tokenize")

STANDS_FOR = {  # what is drawn for a sign of a pattern
    "w": "abcfghijknopquwxyzABCFGHIJKNOPQUWXYZ",  # none of a contraction's
    "é": "ÉàüßłλЖשहあ中ªﬁ",
    "1": "0123456789",
    "½": "½²¾³٣७Ⅷ〇①",
    "!": '!?.,;:-()"€«»“’…+=<|#`',
    "⏎": "\n\t\r\v\f\x85\u00a0\u2003\u2028\u3000",
}


def some_signs(rng: torch.Generator, signs: str, n: int) -> str:
    return "".join(signs[i] for i in torch.randint(len(signs), (n,), generator=rng).tolist())


def drawn(rng: torch.Generator, pattern: str) -> str:
    """A text of this pattern: letters for `w` and `é`, numbers for `1` and `½`, signs for `!`, white space for `⏎`."""
    return "".join(some_signs(rng, STANDS_FOR.get(sign, sign), 1) for sign in pattern)


def seen(pre_tokenize, rng: torch.Generator, **patterns: str) -> dict[str, list[str]]:
    """The pieces of a text of each pattern, by the words that say what it shows."""
    return {words.replace("_", " "): pre_tokenize(drawn(rng, pattern)) for words, pattern in patterns.items()}


@exercise.promise("laid end to end they are the text again.", broken_by="gives_plain_signs")
@exercise.check(points=0.125)
def nothing_is_lost(pre_tokenize, rng):
    """Laid end to end the pieces are the text, whatever is in it, and none of them is empty."""
    texts = {
        "words": drawn(rng, "www, wéw! 'ww' 11½ ⏎⏎ www_w  "),
        "any signs": "Naïve 日本語: «ok»?\t\r\n\n👩‍🚀 it's 12½ \0 e\u0301 é \ufeff_\x1f\u200b |<|im_end|> ﬁ ",
        "nothing": "",
        "a space": " ",
        "any of these": some_signs(rng, "".join(STANDS_FOR.values()) + 20 * " " + 5 * "'", 100),
    }
    pieces = {words: pre_tokenize(text) for words, text in texts.items()}
    return {words: {"laid end to end": "".join(its), "empty ones": its.count("")} for words, its in pieces.items()}


@exercise.promise("First each number is cut out:", broken_by="keeps_the_space_before_a_number")
@exercise.promise("every sign that `simplify` turns into `0`", broken_by="knows_ascii_digits_alone")
@exercise.promise("is a piece of its own.", broken_by="keeps_numbers_whole")
@exercise.check(points=0.25)
def each_number_is_alone(pre_tokenize, rng):
    """Each sign of a number, of whatever script, is a piece of its own, without a space."""
    return {"letters that count": pre_tokenize("三 Ⅲ 卅 〸 萬 m ²² ³")} | seen(
        pre_tokenize,
        rng,
        one="1",
        a_few="1111111",
        of_other_kinds="½½ ½",
        of_two_kinds="1½1½½11",
        behind_a_space="w 1 11 ½ ½1",
        within_words="ww1ww½w11é",
        among_signs="1.1!½!11,1",
        beside_apostrophes="'1' '½'",
        at_both_ends="1w½",
    )


@exercise.promise("as if nothing stood beside it", broken_by="cuts_numbers_where_it_meets_them")
@exercise.check(points=0.125)
def each_stretch_is_cut_by_itself(pre_tokenize, rng):
    """What stands before a number, behind it, or between two, is cut as a text of its own."""
    return seen(
        pre_tokenize,
        rng,
        two_spaces_before_a_number="w  1",
        many_before_a_number="w    1",
        between_numbers="1   1⏎⏎1",
        other_white_space_before_a_number="w⏎⏎1 ⏎1",
        spaces_behind_a_number="1  w1⏎⏎w",
        a_contraction_behind_a_number="1's 1'll 1're",
        a_contraction_cut_by_a_number="w'1s'1d",
        spaces_at_the_end="1w  ",
        signs_around_a_number="!1! !'1'!",
    )


@exercise.promise("From the left,", broken_by="cuts_contractions_out_before_all")
@exercise.promise("the first of these that fits:", broken_by="takes_signs_before_contractions")
@exercise.promise("an apostrophe with s, t, d, m, ll, re or ve", broken_by="takes_capitals_behind_an_apostrophe")
@exercise.promise("letters, as many as there are,", broken_by="knows_ascii_letters_alone")
@exercise.promise("with one space before them if there is one", broken_by="leaves_spaces_alone")
@exercise.promise("other signs, the apostrophe among them,", broken_by="keeps_an_apostrophe_with_the_word_behind_it")
@exercise.promise("likewise", broken_by="gives_signs_no_space")
@exercise.check(points=0.25)
def words_and_signs(pre_tokenize, rng):
    """Contractions, words and signs are pieces; a space belongs to the word, or the signs, behind it."""
    contractions = {f"{end} as a contraction": pre_tokenize(drawn(rng, f"ww'{end}")) for end in "stdm"}
    contractions |= {f"{end} as a contraction": pre_tokenize(drawn(rng, f"wé'{end} w")) for end in ("ll", "re", "ve")}
    return contractions | seen(
        pre_tokenize,
        rng,
        capitals="ww'S w'T w'LL w'Re w'vE",
        longer_than_a_contraction="w'sw 'tis 'restw w'llama",
        less_than_one="w'l w'r w'v w'e w'w 'w",
        at_the_beginning="'s w",
        behind_signs="!'s ''s w!'t",
        behind_a_space="w 's 'll  't",
        two_of_them="w'd've'll",
        words="www ww wéw éé Wwé",
        words_and_signs="ww, ww! !w !!w! (w)!",
        apostrophes="'ww' ww'ww '' !'!' '!'",
        an_underscore="w_w _w w_ __",
        accents_of_their_own="we\u0301 e\u0302w",
        another_apostrophe="w’s w’ll 'ſ",
        what_is_no_white_space="w\x1c\x1dw !\x1e! \x1f\x1fw\u200bw \0",
        of_several_signs="👩‍🚀w 👩‍🚀",
    )


@exercise.promise("all of it where nothing follows in the stretch;", broken_by="leaves_one_where_nothing_follows")
@exercise.promise("all but the last sign of it, which is left to what follows", broken_by="takes_all_white_space")
@exercise.promise("where it is one sign alone, that sign", broken_by="takes_other_white_space_with_a_word")
@exercise.check(points=0.25)
def white_space(pre_tokenize, rng):
    """White space is a piece, up to its last sign, which is left to what follows; at the end it is all one piece."""
    return seen(
        pre_tokenize,
        rng,
        spaces_between_words="w  w   w     w",
        spaces_before_signs="w  !   '    's",
        spaces_at_the_beginning="   ww",
        spaces_at_the_end="ww    ",
        nothing_else="    ",
        one_at_the_end="w ",
        other_white_space="w⏎w⏎!⏎'s",
        a_run_of_it="w⏎⏎w⏎⏎⏎⏎!",
        behind_spaces="w  ⏎w ⏎!",
        before_spaces="w⏎  w⏎ ! ⏎ w",
        a_run_of_both_at_the_end="w ⏎ ⏎",
        other_white_space_alone="⏎⏎",
    )


exercise.aside("Cut a text into pieces, as SmolLM2's tokenizer does", "What follows says how.")
exercise.edges(
    empty="nothing_is_lost",
    one="white_space",
    equal="each_number_is_alone",
    zero="Nothing is computed.",
    ties="words_and_signs",
    large="Texts are short in all checks; nothing depends on their length.",
    small="Nothing is computed.",
    limit="each_stretch_is_cut_by_itself",
    shapes="A text has no shape.",
    modes="A text is no model.",
    gradients="A text has no gradient.",
    inputs="A text has no gradient.",
)

RULE = {
    "number": "0",
    "contraction": r"'(?:[stdm]|ll|re|ve)",
    "letters": " ?[a-zA-Z]+",
    "signs": " ?[!']+",
    "white_space": r"\s+(?!\S)",
    "one": r"\s+",
}


def rule(**others: str) -> str:
    """The pattern, with some of its parts put otherwise."""
    return "|".join((RULE | others).values())


def where(kind: Callable[[str], bool], as_sign: str) -> Callable:
    """A `plain` for which one sign stands for those that are of this kind, whatever `simplify` says."""
    return lambda self, text: "".join(as_sign if kind(sign) else simplify(sign) for sign in text)


class Cutting:
    """`pre_tokenize` with its parts to override, so that one of them can be wrong."""

    stretches, pattern = "0|[^0]+", rule()

    def __call__(self, text):
        text, pieces = self.read(text), []
        for stretch in re.finditer(self.stretches, self.plain(text)):
            for piece in re.finditer(self.pattern, stretch[0]):
                pieces.append(text[stretch.start() + piece.start() : stretch.start() + piece.end()])
        return pieces

    def read(self, text):
        return text

    def plain(self, text):
        return simplify(text)


mistakes(
    exercise,
    Cutting,
    keeps_numbers_whole=mistake(
        "Several digits are one piece. How many pieces should 1789 become?",
        stretches="0+|[^0]+",
        pattern=rule(number="0+"),
    ),
    takes_three_digits_at_once=mistake(
        "Up to three digits are one piece, as other tokenizers have it. And here?",
        stretches="0{1,3}|[^0]+",
        pattern=rule(number="0+"),
    ),
    knows_ascii_digits_alone=mistake(
        "You do not take ½, ٣ and Ⅷ for numbers. What does `simplify` make of them?",
        plain=where(lambda sign: simplify(sign) == "0" and not sign.isascii(), "1"),
        pattern=rule(number="0| ?1+"),
    ),
    asks_isdigit=mistake(
        "Some numbers are cut out, and ½ and Ⅷ are not. Did you ask Python's `isdigit`?",
        plain=where(lambda sign: simplify(sign) == "0" and not sign.isdigit(), "1"),
        pattern=rule(number="0| ?1+"),
    ),
    asks_isnumeric=mistake(
        "三 is cut out as a number. What does `simplify` make of it?", plain=where(str.isnumeric, "0")
    ),
    keeps_the_space_before_a_number=mistake(
        "A number has the space before it in its piece. What may have one space before it, and what none?",
        stretches=" ?0|(?:[^ 0]| (?!0))+",
        pattern=rule(number=" ?0"),
    ),
    cuts_numbers_where_it_meets_them=mistake(
        "White space before a number comes out as if it stood before a word. What follows it in its stretch, once the "
        "numbers are cut out?",
        stretches=r"[\s\S]+",
    ),
    loses_the_numbers=mistake("The numbers are gone. Which part of your pattern takes them?", stretches="[^0]+"),
    takes_capitals_behind_an_apostrophe=mistake(
        "You take `'S` for a contraction. Which letters may stand behind the apostrophe?",
        pattern=rule(contraction=r"'(?i:[stdm]|ll|re|ve)"),
    ),
    knows_contractions_of_one_letter=mistake(
        "`'ll`, `'re` and `'ve` are cut apart. How long may a contraction be?", pattern=rule(contraction="'[stdm]")
    ),
    takes_any_word_behind_an_apostrophe=mistake(
        "You keep any letters with the apostrophe before them. Which ones does the rule name?",
        pattern=rule(contraction="'[a-zA-Z]+"),
    ),
    wants_contractions_to_end_a_word=mistake(
        "In `'tis` you see no contraction. Does the rule ask what comes behind it?",
        pattern=rule(contraction=r"'(?:[stdm]|ll|re|ve)(?![a-zA-Z])"),
    ),
    wants_a_word_before_a_contraction=mistake(
        "You see a contraction only behind letters. What is before it in a stretch that begins with one?",
        pattern=rule(contraction=r"(?<=[a-zA-Z])'(?:[stdm]|ll|re|ve)"),
    ),
    takes_signs_before_contractions=mistake(
        "No contraction is left whole. Which line of the rule do you try first?",
        pattern=rule(contraction=" ?[!']+"),
    ),
    cuts_contractions_out_before_all=mistake(
        "You find contractions wherever they stand, and cut the rest afterwards. What has taken the apostrophe by then "
        "where a space or a sign is before it?",
        stretches=r"0|'(?:[stdm]|ll|re|ve)|(?:(?!'(?:[stdm]|ll|re|ve))[^0])+",
    ),
    loses_apostrophes=mistake(
        "Apostrophes that are no part of a contraction are gone. Which line of the rule takes them?",
        pattern=rule(signs=" ?!+"),
    ),
    leaves_apostrophes_alone=mistake(
        "An apostrophe is a piece of its own, whatever signs are beside it. Is it another kind of sign?",
        pattern=rule(signs=" ?!+|'"),
    ),
    keeps_an_apostrophe_with_the_word_behind_it=mistake(
        "You let a word begin with an apostrophe. What kind of sign is it outside a contraction?",
        pattern=rule(letters=" ?'?[a-zA-Z]+"),
    ),
    keeps_words_with_apostrophes_whole=mistake(
        "An apostrophe within a word cuts nothing. Is it a letter?", pattern=rule(letters=" ?[a-zA-Z]+(?:'[a-zA-Z]+)*")
    ),
    keeps_signs_with_their_word=mistake(
        "A comma is in one piece with its word. What kinds of signs may one piece have?",
        pattern=rule(letters=" ?[a-zA-Z!']+"),
    ),
    cuts_signs_one_by_one=mistake(
        "Each sign is a piece of its own. For what does `likewise` stand in the rule?", pattern=rule(signs=" ?[!']")
    ),
    gives_signs_no_space=mistake(
        "Signs never have the space before them. For what does `likewise` stand in the rule?",
        pattern=rule(signs="[!']+"),
    ),
    leaves_spaces_alone=mistake(
        "The space before a word is a piece of its own. To which piece does it belong?",
        pattern=rule(letters="[a-zA-Z]+", signs="[!']+"),
    ),
    leaves_the_space_to_what_is_before=mistake(
        "Your words end with a space. On which side of its space does a word stand?",
        pattern=rule(letters="[a-zA-Z]+ ?", signs="[!']+ ?"),
    ),
    takes_all_spaces_with_the_word=mistake(
        "A word has all the spaces before it in its piece. How many may it have?",
        pattern=rule(letters=" *[a-zA-Z]+", signs=" *[!']+"),
    ),
    takes_other_white_space_with_a_word=mistake(
        "A word begins with a line break. Which white space may belong to a word?",
        pattern=rule(letters=r"\s?[a-zA-Z]+", signs=r"\s?[!']+"),
    ),
    takes_underscores_for_letters=mistake(
        "You take `_` for a letter. Does your pattern use `\\w`?", plain=where(lambda sign: sign == "_", "x")
    ),
    knows_ascii_letters_alone=mistake(
        "You do not take é for a letter. What does `simplify` make of it?",
        plain=where(lambda sign: simplify(sign) == "x" and not sign.isascii(), "!"),
    ),
    takes_accents_for_letters=mistake(
        "You take an accent that is a sign of its own for a letter. What does `simplify` make of it?",
        plain=where(lambda sign: unicodedata.category(sign)[0] == "M", "x"),
    ),
    takes_separators_for_white_space=mistake(
        "You take `\\x1c` for white space. What does `simplify` make of it?",
        plain=where(lambda sign: sign in "\x1c\x1d\x1e\x1f", "\n"),
    ),
    takes_all_white_space=mistake(
        "A run of white space leaves nothing to what follows. Where does the space of the next word come from?",
        pattern=rule(white_space=r"\s+"),
    ),
    leaves_one_where_nothing_follows=mistake(
        "At the end of a stretch you leave the last of the white space, too. To whom?",
        pattern=rule(white_space=r"\s+(?=\s)"),
    ),
    cuts_white_space_one_by_one=mistake(
        "Each sign of white space is a piece of its own. How much of a run is one?",
        pattern=rule(white_space=r"\s", one=r"\s"),
    ),
    takes_spaces_alone_for_white_space=mistake(
        "You take line breaks and tabs for signs like others. Which white space is there beside the space?",
        pattern=rule(signs=" ?[!'\n]+"),
    ),
    loses_what_is_no_space=mistake(
        "Line breaks and tabs are gone. Which white space is there beside the space?",
        pattern=rule(white_space=r" +(?!\S)", one=" +"),
    ),
    strips_the_text=mistake(
        "White space at both ends is gone. Are the pieces still the whole text?", read=lambda self, text: text.strip()
    ),
    composes_signs=mistake(
        "e with an accent becomes é, one sign. Would the same text come back?",
        read=lambda self, text: unicodedata.normalize("NFC", text),
    ),
)


@exercise.mistake(hint="Your pieces are those of the simplified text. Which text is to be cut, and where?")
def gives_plain_signs(text):
    return pre_tokenize(simplify(text))


@exercise.mistake(hint="The white space is gone. How would the text come back?")
def cuts_at_white_space(text):
    return text.split()


exercise.given(pre_tokenize)
