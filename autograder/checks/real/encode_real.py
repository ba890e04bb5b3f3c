"""`encode_real`: marks come first, then pieces, then bytes; pairs are merged by rank, and numbers looked up last."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, outcome
from autograder.checks.real.encoding import (
    Encoding,
    Pair,
    added,
    around_the_first,
    around_the_longest,
    by_spelling,
    in_one_round,
    longest_first,
    refused,
    some_pairs,
    with_each_once,
    with_white_space_for_marks,
)
from autograder.checks.real.text import END, START, pre_tokenize

exercise = Exercise("encode_real")


def some_letters(rng: torch.Generator) -> Callable[[str], str]:
    """A function that puts in the place of a to f letters that are drawn, all different."""
    drawn = "".join(chr(ord("a") + i) for i in torch.randperm(26, generator=rng)[:6].tolist())
    return lambda text: text.translate(str.maketrans("abcdef", drawn))


def pairs_of(spelt: str) -> list[Pair]:
    """The pairs that are spelt so, `␣` a space and `⇥` a tab: "a b, ab ␣" is a with b, and ab with a space."""
    pairs = (pair.split() for pair in spelt.split(", ") if pair)
    return [tuple(part.translate({ord("␣"): " ", ord("⇥"): "\t"}).encode() for part in pair) for pair in pairs]


def given(
    rng: torch.Generator, text: str, pairs: Sequence[Pair] = (), marks: Iterable[str] = (), known: str = "", **more: Any
) -> tuple[str, dict[bytes, int], dict[Pair, int], dict[str, int]]:
    """What `encode_real` is given: the text, a vocabulary, merges of these pairs, the first first, and marks.

    The vocabulary has the bytes of `known`, or else of the text and of the pairs, what the pairs make, and the `words`.
    Numbers have gaps; where all is `mixed`, nothing follows from them, nor from the order in which things are listed.
    """
    letters = known.encode() or text.encode(errors="ignore") + b"".join(map(b"".join, pairs))
    words = [*(bytes([byte]) for byte in letters), *map(b"".join, pairs), *more.get("words", ())]
    words, marks = list(dict.fromkeys(words)), list(marks)
    numbers = torch.randperm(2 * (len(words) + len(marks)), generator=rng)[: len(words) + len(marks)].tolist()
    ranks = torch.randperm(len(pairs), generator=rng).tolist()
    numbers, ranks = (numbers, ranks) if more.get("mixed") else (sorted(numbers), sorted(ranks))
    vocabulary, specials = dict(zip(words, numbers)), dict(zip(marks, numbers[len(words) :]))
    return text, vocabulary, {pairs[rank]: rank for rank in ranks}, specials


SIGNS = f"Naïve café, 日本語: «ok»?  Two  spaces,\ttab\r\n\n👩‍🚀 it's 12½ \0 e\u0301 é \ufeff_ {START}user{END} "


@exercise.promise("of which those without a token in `vocabulary` are left out;", broken_by="gives_unknown_bytes_zero")
@exercise.promise("What is left has its number in `vocabulary`.", broken_by="loses_token_zero")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="adds_the_marks_to_the_vocabulary")
@exercise.check(points=0.5)
def what_is_known_is_kept(encode_real, rng):
    """Laid end to end the tokens stand for the text, but for the bytes that the vocabulary lacks."""
    swap, seen = some_letters(rng), {}
    text, pair = swap("abcd dabcéa 日本 b日c éé"), pairs_of(swap("a b, b c, d ␣"))
    lacks = {"nothing": "", "a letter": text.replace(swap("d"), ""), "a sign of two bytes": text.replace("é", "")}
    lacks |= {"signs of three bytes": text.replace("日", "").replace("本", ""), "all": "X"}
    tries = {f"it lacks {words}": given(rng, text, pair, known=known) for words, known in lacks.items()}
    tries |= {"all signs": given(rng, SIGNS, pair, [START, END]), "without marks": given(rng, SIGNS, pair)}
    tries |= {"no text": given(rng, "", pair, [END], known="ab"), "nothing but a mark": given(rng, END, [], [END])}
    tries["it lacks some bytes of a sign"] = its = given(rng, text, pair)
    for byte in (b"\xc3", b"\x97"):
        its[1].pop(byte)
    for words, its in tries.items():
        tokens = encode_real(*its)
        spelt = {number: word for word, number in its[1].items()} | {n: mark.encode() for mark, n in its[3].items()}
        stands = b"".join(spelt.get(int(token), b"?") for token in tokens)
        seen[words] = {"the tokens stand for": stands.decode(errors="backslashreplace"), "tokens": tokens}
    a, b = swap("ab")
    across = {a.encode(): 0, f"{a}{b}".encode(): 1, "é".encode(): 2, b"\xa9": 3, a.encode() + b"\xa9": 4}
    pairs = {(a.encode(), b"\xa9"): 0, (a.encode(), b.encode()): 1}
    return seen | {
        "bytes beside what is left out": encode_real(f"{a}é {b}{a}{b}", across, pairs, {}),
        "number 0": encode_real(f"{a}{END}{b}{a}", {b.encode(): 2, a.encode(): 0}, {}, {END: 1}),
        "a mark of number 0": encode_real(f"{a}{END}{b}{a}", {b.encode(): 2, a.encode(): 1}, {}, {END: 0}),
        "numbers far apart": encode_real(f"{a}{END}{b}{a}", {b.encode(): 70_000, a.encode(): 9}, {}, {END: 300}),
    }


@exercise.promise("are one token each", broken_by="cuts_before_it_looks_for_marks")
@exercise.promise("wherever they stand", broken_by="finds_each_mark_once")
@exercise.promise("found from the left;", broken_by="looks_for_the_longest_mark_first")
@exercise.promise("of two that begin at the same place the longer one.", broken_by="tries_the_shortest_mark_first")
@exercise.check(points=0.25)
def marks_are_one_token_each(encode_real, rng):
    """A mark is one token wherever it stands, whatever signs it is made of; of two at one place the longer one."""
    swap = some_letters(rng)
    texts = {
        "in a text": (f"{START}abc\nd{END}\n{START}b", [END, START]),
        "within a word": (f"ab{END}cd{END}", [START, END]),
        "three in a row": (f"a {END}{END}{START} b", [START, END]),
        "with spaces beside it": (f"a  {END}  b \n{END}\n c", [END]),
        "of letters alone": ("ab cab cb ba", ["cab", "ba"]),
        "with spaces and a number in it": ("a <1 b> c<1 b>1", ["<1 b>"]),
        "with signs that mean something in a pattern": ("a.b acb a+ aa [ab] b", ["a.b", "a+", "[ab]"]),
        "in other letters": (f"a{END}b{END.upper()}", [END]),
        "two that begin alike, the short one first": ("a<|e|>b<|e|>>", ["<|e|>", "<|e|>>"]),
        "two that begin alike, the long one first": ("a<|e|>b<|e|>>", ["<|e|>>", "<|e|>"]),
        "three that begin alike": ("abcd abc ab abcd a", ["abc", "ab", "abcd"]),
        "two that overlap, the long one later": ("ab<e>>>c", ["e>>>", "<e>"]),
        "two that overlap, the long one first": ("ab<e>>>c >>>>", [">>>", "b<e>"]),
    }
    return {w: encode_real(*given(rng, swap(text), marks=map(swap, marks))) for w, (text, marks) in texts.items()}


@exercise.promise("What stands between them is cut by `pre_tokenize`", broken_by="merges_across_pieces")
@exercise.promise("each stretch by itself.", broken_by="leaves_white_space_to_marks")
@exercise.promise("With empty `specials` a mark is signs like others.", broken_by="knows_the_marks_by_heart")
@exercise.check(points=0.5)
def piece_by_piece(encode_real, rng):
    """No token reaches from one piece into the next, nor over a mark; where no marks are given, one is cut as signs."""
    swap = some_letters(rng)
    pairs = "b ␣, b 1, ␣ a, 1 2, ␣ 1, 1 ␣, ␣ ␣, ' s, c ', . ', c !, ! c, b c, ⇥ ⇥"
    signs = pairs_of("! <, < |, | >, i m, im _, _ e, n d, > ?, |> ?, > a, a <")
    texts = {"letters": "abc ab b a", "numbers": "b12 1 a1", "white space": "a   b  1   ", "tabs": "b\t\t\ta\t\t"}
    texts |= {"an apostrophe": "c's abc'b .'s", "signs": "c! !c c!c !!", "many": "abc b12  a's\t\t!c 1  "}
    seen = {words: encode_real(*given(rng, swap(text), pairs_of(swap(pairs)))) for words, text in texts.items()}
    texts = {"beside a mark": f"b{END}cb {END} a {END}1", "white space before a mark": f"a  {END} b   {END}{END}  "}
    for words, text in texts.items():
        seen[words] = encode_real(*given(rng, swap(text.replace(END, "<>")), pairs_of(swap(pairs)), ["<>"]))
    text = f"a{END}? !{END}? {START}"
    seen["marks that are not given"] = encode_real(*given(rng, text, signs))
    return seen | {"other marks alone are given": encode_real(*given(rng, text + "[e]", signs, ["[e]"]))}


CASES = {
    "bc before ab": ("abc", "b c, a b"),
    "bc before abc and ab": ("abc", "b c, a bc, a b"),
    "cd before ab and bc": ("abcd", "c d, b c, a b, ab cd"),
    "a long one of small ones": ("abcd", "b c, a bc, c d, abc d"),
    "ab twice in a word": ("abcab", "a b"),
    "three in a row": ("aaa", "a a"),
    "five in a row": ("aaaaa", "a a, aa aa"),
    "seven in a row": ("aaaaaaa", "a a, aa aa"),
    "ab, which makes a pair that comes before cd": ("abcd", "a b, ab c, c d, b c"),
    "abc before ab, of which it is made": ("abc abcab", "ab c, a b"),
    "abc of a and bc alone": ("abc", "a b, a bc"),
    "abc in two ways, and then with d": ("abcd", "a b, b c, a bc, abc d, ab c"),
    "ab as the last of all": ("abc cab", "c d, d c, a b"),
    "no merges": ("abc ab", ""),
}


@exercise.promise("Each piece is its bytes", broken_by="merges_signs")
@exercise.promise("of all pairs of neighbours that are in `merges`", broken_by="looks_spellings_up")
@exercise.promise("the one with the smallest rank becomes one", broken_by="merges_whatever_comes_first")
@exercise.promise("wherever it stands, from", broken_by="merges_each_pair_once")
@exercise.promise("from left to right", broken_by="merges_from_the_right")
@exercise.promise("until there is no such pair.", broken_by="goes_through_the_merges_once")
@exercise.promise("it need not follow from the ranks", broken_by="merges_the_smallest_number")
@exercise.check(points=0.5)
def pairs_are_merged_by_rank(encode_real, rng):
    """Of the pairs in a piece the one with the smallest rank is merged first, wherever it stands, from the left."""
    swap = some_letters(rng)
    seen = {
        w: encode_real(*given(rng, swap(text), pairs_of(swap(pairs)), mixed=True)) for w, (text, pairs) in CASES.items()
    }
    drawn = torch.randint(3, (40, 8), generator=rng).tolist()
    words = " ".join("".join(swap("abc")[i] for i in word[: 1 + n % 8]) for n, word in enumerate(drawn))
    for n in (4, 12):
        seen[f"forty words, {n} merges"] = encode_real(*given(rng, words, some_pairs(rng, swap("abc"), n), mixed=True))
    e, a, i, o = (f"{sign}".encode() for sign in "éàiö")  # all but the i are c3 and a byte of their own
    inner = [(e[:1], e[1:]), (a[1:], e[:1]), (e, i), (i, o[:1]), (o[1:], i)]
    known = [swap("abc").encode(), swap("bcd").encode(), "éà".encode(), " é".encode()]
    text, vocabulary, merges, _ = given(rng, swap("abc ab"), pairs_of(swap("a b, ab c")))
    before = encode_real(text, vocabulary, merges, {})
    fewer = {pair: rank for pair, rank in merges.items() if rank == 0}
    return seen | {
        "signs of two bytes": encode_real(*given(rng, "éàé éi iö éàiöi", inner, mixed=True)),
        "words that no merge makes": encode_real(
            *given(rng, swap("abc bcd éà é"), pairs_of(swap("c d")), words=known, mixed=True)
        ),
        "two merges": before,
        "one of the two": encode_real(text, vocabulary, fewer, {}),
        "both again": encode_real(text, vocabulary, merges, {}),
    }


def with_its_place(call: Callable[[], object]) -> dict[str, object]:
    """How a call ends: with a UnicodeEncodeError, and of what place, or otherwise."""
    errors: list[UnicodeEncodeError] = []

    def noting() -> object:
        try:
            return call()
        except UnicodeEncodeError as error:
            errors.append(error)
            raise

    end = outcome(noting)
    return {"it ends with": "UnicodeEncodeError", "start": errors[-1].start} if errors else {"it ends with": end}


@exercise.promise("Raises UnicodeEncodeError where half a surrogate pair", broken_by="replaces_half_signs")
@exercise.promise("its `start` is the place of the first one there.", broken_by="counts_from_the_piece")
@exercise.check(points=0.25)
def half_a_sign_is_an_error(encode_real, rng):
    """Half a surrogate pair, wherever it stands, is a UnicodeEncodeError whose `start` is its place in the text."""
    swap = some_letters(rng)
    texts = {
        "alone": "\ud83d",
        "first": "\ude00abc",
        "behind words and signs": "ab cé 1 \ud83d",
        "two": "ab \udc00c \udc00",
    }
    texts |= {"behind marks": f"a{END}b{END}c \udfffd", "between two marks": f"{END}\ud800{END}"}
    seen = {}
    for words, text in texts.items():
        its = given(rng, swap(text.replace(END, "<>")), pairs_of(swap("a b")), ["<>"])
        seen[words] = with_its_place(lambda: encode_real(*its))
        seen[f"{words}, without marks"] = with_its_place(lambda: encode_real(*its[:3], {}))
        seen[f"{words}, with nothing known"] = with_its_place(lambda: encode_real(its[0], {}, {}, {}))
    return seen


exercise.aside(
    "as the tokenizer gives them with which a real model was trained.", "The tests of the course ask its own tokenizer."
)
exercise.edges(
    empty="what_is_known_is_kept",
    one="pairs_are_merged_by_rank",
    equal="pairs_are_merged_by_rank",
    zero="what_is_known_is_kept",
    ties="No two merges have one rank.",
    large="what_is_known_is_kept",
    small="Tokens are whole numbers.",
    limit="marks_are_one_token_each",
    shapes="A text has no shape.",
    modes="A text is no model.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)

mistakes(
    exercise,
    Encoding,
    cuts_before_it_looks_for_marks=mistake(
        "You look for marks among the pieces. What has `pre_tokenize` made of them by then?",
        parts=lambda self, text: pre_tokenize(text),
    ),
    finds_each_mark_once=mistake(
        "Only the first place of each mark is found. How often does a message end?", parts=around_the_first
    ),
    looks_for_the_longest_mark_first=mistake(
        "You cut the text around the longest mark, wherever it is. Which of two that overlap begins first?",
        parts=around_the_longest,
    ),
    tries_the_shortest_mark_first=mistake(
        "Where one mark is the beginning of another, you take the shorter one. Which does your pattern try first?",
        marks=lambda self: sorted(self.specials, key=len),
    ),
    tries_marks_as_they_are_listed=mistake(
        "Which of two marks is found depends on the order in which they are listed. Which one is to be tried first?",
        marks=lambda self: list(self.specials),
    ),
    takes_marks_for_patterns=mistake(
        "Your marks are read as patterns. What does `|` mean there, and who takes its meaning away?",
        pattern=lambda self: f"({'|'.join(self.marks())})",
    ),
    loses_the_marks=mistake(
        "The marks are gone. What does `re.split` return of that around which it splits?",
        pattern=lambda self: Encoding.pattern(self)[1:-1],
    ),
    cuts_everywhere_without_marks=mistake(
        "With no marks you cut the text at every sign. Where does a pattern of nothing fit?",
        parts=lambda self, text: re.split(self.pattern(), text),
    ),
    knows_the_marks_by_heart=mistake(
        "You look for marks that you know, not for those that you are given. What if there are to be none, or others?",
        parts=lambda self, text: re.split(rf"({re.escape(START)}|{re.escape(END)})", text),
    ),
    strips_beside_marks=mistake(
        "White space beside a mark is gone. What stands behind a role in a conversation?",
        parts=lambda self, text: [
            part if part in self.specials else part.strip() for part in Encoding.parts(self, text)
        ],
    ),
    leaves_white_space_to_marks=mistake(
        "White space before a mark is cut as if the mark were a word that follows. What follows it in its stretch?",
        parts=with_white_space_for_marks,
    ),
    merges_across_pieces=mistake(
        "Your tokens reach from one word into the next. What is it that you merge within?",
        pieces=lambda self, part: [part],
    ),
    merges_signs=mistake(
        "You begin with signs. Of what is a sign beyond ASCII made, and can a merge reach into it?",
        bytes=lambda self, piece: [sign.encode() for sign in piece],
    ),
    gives_unknown_bytes_zero=mistake(
        "A byte that the vocabulary lacks becomes token 0. What stands there?",
        symbols=lambda self, piece: self.bytes(piece),
        numbers=lambda self, parts: [self.vocabulary.get(part, 0) for part in parts],
    ),
    leaves_unknown_bytes_out_at_the_end=mistake(
        "You leave out what is unknown after all is merged. What are the neighbours of a byte that is not there?",
        symbols=lambda self, piece: self.bytes(piece),
        numbers=lambda self, parts: [self.vocabulary[part] for part in parts if part in self.vocabulary],
    ),
    leaves_whole_signs_out=mistake(
        "Where one byte of a sign is unknown, you leave out the sign. What of its other bytes?",
        symbols=lambda self, piece: [
            byte for sign in piece if all(b in self.vocabulary for b in self.bytes(sign)) for byte in self.bytes(sign)
        ],
    ),
    leaves_whole_pieces_out=mistake(
        "Where one byte of a piece is unknown, you leave out the piece. What of its other bytes?",
        symbols=lambda self, piece: [
            byte for byte in self.bytes(piece) if all(other in self.vocabulary for other in self.bytes(piece))
        ],
    ),
    stops_at_unknown_bytes=mistake(
        "A byte that the vocabulary lacks is a KeyError. What is to become of it?",
        symbols=lambda self, piece: self.bytes(piece),
    ),
    loses_token_zero=mistake(
        "Token 0 is never there. Is 0 true or false for `if`?",
        symbols=lambda self, piece: [byte for byte in self.bytes(piece) if self.vocabulary.get(byte)],
    ),
    adds_the_marks_to_the_vocabulary=mistake(
        "You write the marks into the vocabulary that you were given. Whose is it?", read=added
    ),
    merges_whatever_comes_first=mistake(
        "From the left, you merge whatever can be merged. Which of the pairs has the smallest rank?",
        chosen=lambda self, known: known[0],
    ),
    merges_the_smallest_number=mistake(
        "You merge the pair that makes the smallest token. Does the number of a token say when it was learned?",
        chosen=lambda self, known: min(known, key=lambda pair: self.vocabulary[pair[0] + pair[1]]),
    ),
    merges_as_they_are_listed=mistake(
        "You merge in the order in which merges are listed. What is the number beside each for?",
        chosen=lambda self, known: next(pair for pair in self.merges if pair in known),
    ),
    misses_rank_zero=mistake(
        "The merge of rank 0 is never made. Is 0 true or false for `if`?",
        is_known=lambda self, pair: bool(self.merges.get(pair)),
    ),
    merges_each_pair_once=mistake(
        "In each piece only the first place of a pair is merged. How often can it stand there?", merged=with_each_once
    ),
    merges_from_the_right=mistake(
        "You merge runs from the right. From which end does a reader begin?",
        joined=lambda self, parts, pair: [
            part[::-1] for part in Encoding.joined(self, [p[::-1] for p in parts[::-1]], (pair[1][::-1], pair[0][::-1]))
        ][::-1],
    ),
    goes_through_the_merges_once=mistake(
        "You go through the merges once. What if one of them makes a pair whose turn is over?", merged=in_one_round
    ),
    takes_the_longest_token=mistake(
        "From the left, you take the longest token that fits. Is that what the merges, by rank, leave?",
        merged=longest_first,
    ),
    looks_whole_pieces_up=mistake(
        "A piece that is spelt like some token becomes that token at once. Do the merges make it?",
        merged=lambda self, parts: (
            [b"".join(parts)] if b"".join(parts) in self.vocabulary else Encoding.merged(self, parts)
        ),
    ),
    looks_spellings_up=mistake(
        "You look up what two parts spell together. Is it enough that a merge of another pair spells the same?",
        merged=by_spelling,
    ),
    replaces_half_signs=mistake(
        "What has no bytes becomes something else without a word. How would the caller learn of it?",
        read=lambda self, text: text.encode(errors="replace").decode(),
    ),
    counts_from_the_piece=mistake(
        "The place in your error is one in a piece. Where in the text would the caller look?",
        read=lambda self, text: text,
    ),
    refuses_with_another_error=mistake(
        "Half a surrogate pair is an error with you, of another kind. Which error do Python's own functions raise, and "
        "what does it know of the place?",
        read=refused,
    ),
)
