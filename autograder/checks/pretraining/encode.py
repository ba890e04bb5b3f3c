"""`encode`: nothing of a text is lost, merges are made in the order in which they were learned, word by word."""

from itertools import pairwise

from autograder.checking.topic import Exercise
from autograder.checks.pretraining.shared import (
    ANY_TEXT,
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


def spelt(tokens: list[int], merges: list[Pair]) -> str:
    """The text of tokens, as far as it is one."""
    return b"".join(bytes_of(merges)[token] for token in tokens).decode(errors="replace")


@exercise.check(points=0.25)
def nothing_is_lost(encode, rng):
    """The tokens stand for the text, to the last byte, whatever is in it."""
    a, b, c, d = some_letters(rng, 4)
    merges, seen = [(ord(a), ord(b)), (256, ord(c)), (257, ord(d))], {}
    given = {"a text": f"{a}{b}{c}{d} {d}{a}{b}{c}", "another": some_text(rng), "any signs": ANY_TEXT, "no text": ""}
    for words, text in given.items():
        tokens = encode(text, merges)
        seen[words] = {"the tokens stand for": spelt(tokens, merges), "numbers of tokens": len(tokens)}
    return seen


@exercise.check(points=0.25)
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


@exercise.check(points=0.25)
def merges_in_the_order_in_which_they_were_learned(encode, rng):
    """The merge that was learned first is made first, wherever in a word it stands, and runs from the left."""
    a, b, c, d = (ord(letter) for letter in some_letters(rng, 4))
    run, two = [(a, a)], [(a, a), (256, 256)]
    return {
        "bc before ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, b)]),
        "bc before abc and ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, 256), (a, b)]),
        "cd before ab and bc": encode(bytes([a, b, c, d]).decode(), [(c, d), (b, c), (a, b), (258, 256)]),
        "a long token of small ones": encode(bytes([a, b, c, d]).decode(), [(b, c), (a, 256), (c, d), (257, d)]),
        "three in a row": encode(3 * chr(a), run),
        "five in a row": encode(5 * chr(a), two),
        "seven in a row": encode(7 * chr(a), two),
    }


@exercise.check(points=0.25)
def word_by_word(encode, rng):
    """No token reaches from one word into the next, and only the merges given count, not those of another call."""
    a, b, c = some_letters(rng, 3)
    text, (first, second, third) = f"{a}{b} {b}{c} {a}{b}{c}1{a}", map(ord, (a, b, c))
    crossing = [(second, ord(" ")), (third, ord("1")), (first, second)]
    return {
        "merges across words": encode(text, crossing),
        "one merge": encode(text, [(first, second)]),
        "another merge, the same words": encode(text, [(second, third)]),
        "a space and a letter": encode(text, [(ord(" "), first)]),
    }


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
