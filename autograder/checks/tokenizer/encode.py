"""`encode`: nothing of a text is lost, merges are made in the order in which they were learned, word by word."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise, product

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import outcome
from autograder.checks.tokenizer.shared import (
    ANY_TEXT,
    MARK,
    N_BYTES,
    WORD,
    Pair,
    bytes_of,
    encoded,
    merged,
    merges_of,
    some_letters,
    some_text,
)

exercise = Exercise("encode")


def some_merges(rng: torch.Generator, letters: list[int], n: int) -> list[Pair]:
    """Any pairs of these letters and of tokens of earlier merges, all different: not those that a text would teach."""
    merges: list[Pair] = []
    while len(merges) < n:
        known = [*letters, *range(N_BYTES, N_BYTES + len(merges))]
        first, second = (known[i] for i in torch.randint(len(known), (2,), generator=rng))
        if (first, second) not in merges:
            merges.append((first, second))
    return merges


def spelt(tokens: list[int], merges: list[Pair]) -> str:
    """The text of tokens, as far as it is one."""
    return b"".join(bytes_of(merges)[token] for token in tokens).decode(errors="replace")


def some_words(rng: torch.Generator, letters: list[int]) -> str:
    """Short words of these letters, many of them several times."""
    drawn = torch.randint(len(letters), (100, 8), generator=rng).tolist()
    return " ".join("".join(chr(letters[i]) for i in word[: 1 + n % 8]) for n, word in enumerate(drawn))


def with_its_name(call: Callable[[], object]) -> object:
    """What a call gives, or how it ends: with the error of a text that has no bytes, or with another one."""
    errors: list[UnicodeEncodeError] = []

    def noting() -> object:
        try:
            return call()
        except UnicodeEncodeError as error:
            errors.append(error)
            raise

    result = outcome(noting)
    return "UnicodeEncodeError" if errors else result


@exercise.promise("nothing is lost", broken_by="loses_spaces")
@exercise.check(points=0.25)
def nothing_is_lost(encode, rng):
    """The tokens stand for the text, to the last byte, whatever is in it."""
    a, b, c, d = some_letters(rng, 4)
    merges, seen = [(ord(a), ord(b)), (256, ord(c)), (257, ord(d))], {}
    given = {"a text": f"{a}{b}{c}{d} {d}{a}{b}{c}", "another": some_text(rng), "any signs": ANY_TEXT, "no text": ""}
    given["signs in two ways to write them"] = f"e\u0301 é \ufeff{a} ﬁ _{b}"
    for words, text in given.items():
        tokens = encode(text, merges)
        seen[words] = {"the tokens stand for": spelt(tokens, merges), "numbers of tokens": len(tokens)}
    return seen


@exercise.promise("its bytes", broken_by="gives_characters")
@exercise.check(points=0.125)
def more_merges_fewer_tokens(encode, rng):
    """Without merges there are as many tokens as bytes, and each merge more makes them fewer or leaves them as many."""
    text, foreign = some_text(rng), "日本 é 日本 éé"
    a, b, c = (ord(letter) for letter in some_letters(rng, 3))
    merges = merges_of(text, 272)
    return {
        "numbers of tokens by numbers of merges": [len(encode(text, merges[:n])) for n in range(0, 17, 4)],
        "without merges": encode(text[:20], []),
        "with two merges": encode(bytes([a, b, c]).decode(), [(b, c), (a, b)]),
        "signs of several bytes": encode(foreign, merges_of(foreign, 262)),
    }


@exercise.promise(
    "with the merges made in the order in which they were learned", broken_by="begins_with_the_last_merge"
)
@exercise.promise("the one that was learned first is merged first", broken_by="merges_whatever_comes_first")
@exercise.promise("wherever it stands", broken_by="merges_each_pair_once")
@exercise.promise("from left to right", broken_by="encodes_from_the_right")
@exercise.promise("also of pairs that only a merge made", broken_by="merges_bytes_only")
@exercise.promise("until no pair in the word is a merge", broken_by="merges_nothing")
@exercise.promise("any list of pairs, also one that train_bpe would not give", broken_by="looks_whole_words_up")
@exercise.check(points=0.25)
def merges_in_the_order_in_which_they_were_learned(encode, rng):
    """The merge that was learned first is made first, wherever in a word it stands, and runs from the left."""
    a, b, c, d = (ord(letter) for letter in some_letters(rng, 4))
    run, two = [(a, a)], [(a, a), (256, 256)]
    many = [
        *product(range(ord("A"), ord("z") + 1), range(ord("f"), ord("z") + 1))
    ]  # 1,218 pairs, and two of their tokens
    many += [(N_BYTES + many.index((ord("z"), ord("y"))), ord("z")), (32, N_BYTES + many.index((ord("z"), ord("x"))))]
    return {
        "bc before ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, b)]),
        "bc before abc and ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, 256), (a, b)]),
        "cd before ab and bc": encode(bytes([a, b, c, d]).decode(), [(c, d), (b, c), (a, b), (258, 256)]),
        "a long token of small ones": encode(bytes([a, b, c, d]).decode(), [(b, c), (a, 256), (c, d), (257, d)]),
        "bc, ab, and ab with c": encode(bytes([a, b, c]).decode(), [(b, c), (a, b), (257, c)]),
        "the same, and d": encode(bytes([a, b, c, d]).decode(), [(b, c), (a, b), (257, c)]),
        "ab twice in a word": encode(bytes([a, b, c, a, b]).decode(), [(a, b)]),
        "three in a row": encode(3 * chr(a), run),
        "five in a row": encode(5 * chr(a), two),
        "seven in a row": encode(7 * chr(a), two),
        "300 in a row": encode(300 * chr(a), two),
        "ab, which makes a pair that comes before cd": encode(
            bytes([a, b, c, d]).decode(), [(a, b), (256, c), (c, d), (b, c)]
        ),
        "a hundred words by any merges": encode(some_words(rng, [a, b, c]), some_merges(rng, [a, b, c], 12)),
        "a thousand merges": encode("zy zx yzx", many),
    }


@exercise.promise("word by word", broken_by="encodes_across_words")
@exercise.promise("`<|endoftext|>` is a word like others.", broken_by="leaves_the_mark_in_bytes")
@exercise.promise("whole numbers below 256 + len(merges)", broken_by="has_a_token_for_the_end")
@exercise.check(points=0.25)
def word_by_word(encode, rng):
    """No token reaches from one word into the next, and only the merges given count, not those of another call."""
    a, b, c = some_letters(rng, 3)
    text, (first, second, third) = f"{a}{b} {b}{c} {a}{b}{c}1{a}", map(ord, (a, b, c))
    crossing = [(second, ord(" ")), (third, ord("1")), (first, second)]
    growing = [(first, second)]
    before = encode(text, growing)
    growing.append((256, third))
    longer = encode(text, growing)
    kept, _ = list(longer), longer.clear()  # it is the caller's
    return {
        "a list of merges": before,
        "the same list, with another merge": kept,
        "once more": encode(text, growing),
        "the words in another order": encode(text[::-1], growing),
        "merges across words": encode(text, crossing),
        "one merge": encode(text, [(first, second)]),
        "another merge, the same words": encode(text, [(second, third)]),
        "another merge before it": [encode(text, [(one, second), (third, 32)]) for one in (first, third)],
        "a space and a letter": encode(text, [(ord(" "), first)]),
        "white space": encode(f"{a}    {b}\n\n\n{c}", [(32, 32), (10, 10), (32, second)]),
        "the mark between documents": encode(f"{a}<|endoftext|>{b}", [(ord("<"), ord("|")), (first, ord("<"))]),
        "the mark beside signs": encode("!<|endoftext|>?", [(ord("!"), ord("<")), (ord(">"), ord("?"))]),
    }


@exercise.promise("Raises UnicodeEncodeError", broken_by="replaces_half_signs")
@exercise.check(points=0.125)
def half_a_sign_is_an_error(encode, rng):
    """Half a surrogate pair, alone or in a text, has no bytes: a UnicodeEncodeError."""
    a, b = some_letters(rng, 2)
    return {
        "the first half": with_its_name(lambda: encode(f"{a}{b} \ud83d", [(ord(a), ord(b))])),
        "one in the middle of a long text": with_its_name(
            lambda: encode(9 * f"{a}{b} " + f"{a}\ude00{b}" + 9 * " x", [])
        ),
        "the second half, without merges": with_its_name(lambda: encode(f"\udc00{a}", [])),
    }


exercise.aside("as many as bytes, or fewer.", "It follows: each merge makes one token of two.")
exercise.edges(
    empty="nothing_is_lost",
    one="merges_in_the_order_in_which_they_were_learned",
    equal="merges_in_the_order_in_which_they_were_learned",
    zero="nothing_is_lost",
    ties="No two merges were learned at the same time.",
    large="Texts are short in all checks; nothing depends on their length.",
    small="Tokens are whole numbers.",
    limit="word_by_word",
    shapes="word_by_word",
    modes="A text is no model.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(
    hint="From the left, you take the longest token that fits. Is that what the merges, made one after the other, "
    "leave?"
)
def takes_the_longest_token(text, merges):
    table, tokens = {spelling: token for token, spelling in enumerate(bytes_of(merges))}, []
    for word in WORD.findall(text):
        rest = word.encode()
        while rest:
            size = next(size for size in range(len(rest), 0, -1) if rest[:size] in table)
            tokens.append(table[rest[:size]])
            rest = rest[size:]
    return tokens


@exercise.mistake(hint="From the left, you merge whatever can be merged. Which of several merges was learned first?")
def merges_whatever_comes_first(text, merges):
    numbers, tokens = {tuple(pair): N_BYTES + rank for rank, pair in enumerate(merges)}, []
    for word in WORD.findall(text):
        of_word = list(word.encode())
        while pair := next((pair for pair in pairwise(of_word) if pair in numbers), None):
            of_word = merged(of_word, pair, numbers[pair], once=True)
        tokens += of_word
    return tokens


@exercise.mistake(hint="You begin with the merge that was learned last. What does it merge that is not there yet?")
def begins_with_the_last_merge(text, merges):
    return encoded(text, merges, order=lambda ranked: ranked[::-1])


@exercise.mistake(hint="Your tokens reach across the space between two words. Where are the words cut apart?")
def encodes_across_words(text, merges):
    return encoded(text, merges, split=lambda text: [text])


@exercise.mistake(hint="The spaces are gone. Which word does a space belong to, and how else would it come back?")
def loses_spaces(text, merges):
    return encoded(text, merges, split=str.split)


@exercise.mistake(hint="Your tokens are characters. Of what are the first 256 tokens the numbers?")
def gives_characters(text, merges):
    return encoded(text, merges, symbols=lambda word: [ord(sign) for sign in word])


@exercise.mistake(hint="You merge nothing. How long is your text in tokens, and how long in bytes?")
def merges_nothing(text, merges):
    return list(text.encode())


@exercise.mistake(hint="In each word only the first place of a pair is merged. How often can it stand there?")
def merges_each_pair_once(text, merges):
    return encoded(text, merges, once=True)


@exercise.mistake(
    hint="You use the middle one of three equal letters twice. How many letters are left of a run of three?"
)
def merges_what_overlaps(text, merges):
    return encoded(text, merges, overlaps=True)


@exercise.mistake(hint="You merge runs from the right. From which end does a reader begin?")
def encodes_from_the_right(text, merges):
    return encoded(text, merges, backwards=True)


@exercise.mistake(hint="Only bytes are merged. What becomes of a pair with a token in it that a merge has made?")
def merges_bytes_only(text, merges):
    return encoded(text, merges, order=lambda ranked: [one for one in ranked if max(one[1]) < N_BYTES])


@exercise.mistake(
    hint="A word that is spelt like some token becomes that token at once. Do the merges, in their order, make it?"
)
def looks_whole_words_up(text, merges):
    table, tokens = {spelling: token for token, spelling in enumerate(bytes_of(merges))}, []
    for word in WORD.findall(text):
        known = table.get(word.encode())
        tokens += encoded(word, merges) if known is None else [known]
    return tokens


@exercise.mistake(
    hint="You look up what two tokens spell together. Is it enough that some merge spells the same, of another pair?"
)
def looks_spellings_up(text, merges):
    table = bytes_of(merges)
    numbers = {table[token]: token for token in range(len(table) - 1, N_BYTES - 1, -1)}
    tokens = []
    for word in WORD.findall(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while known := [(numbers[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in numbers]:
            _, i = min(known)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        tokens += [numbers.get(part, part[0]) for part in parts]
    return tokens


@exercise.mistake(hint="The mark between documents stays in bytes. Is it not a word of `split_words` like others?")
def leaves_the_mark_in_bytes(text, merges):
    return [
        token for word in WORD.findall(text) for token in (word.encode() if word == MARK else encoded(word, merges))
    ]


@exercise.mistake(hint="The mark between documents has a number that no merge has made. How many tokens are there?")
def has_a_token_for_the_end(text, merges):
    last = [N_BYTES + len(merges)]
    return [token for word in WORD.findall(text) for token in (last if word == MARK else encoded(word, merges))]


@exercise.mistake(hint="What has no bytes becomes something else without a word. How would the caller learn of it?")
def replaces_half_signs(text, merges):
    return encoded(text.encode(errors="replace").decode(), merges)


@exercise.mistake(hint="You put signs into another order before you read them. Would the same text come back?")
def normalises_first(text, merges):
    return encoded(unicodedata.normalize("NFC", text), merges)
