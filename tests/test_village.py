"""The village: the same text everywhere, no text with two derivations, its truth true, and its entropy exact."""

import itertools
import math
import subprocess
import sys
from collections import Counter
from functools import cache
from hashlib import sha256

import numpy as np
import pytest

from layercake import village
from layercake.village import plays, stories, sums
from layercake.village.grammar import Lexicon, Wording, every_way
from layercake.village.world import LEXICONS, NAMES, stated_relations


def take(n, seed=0, split="train", kinds=None, **settings):
    return list(itertools.islice(village.documents(seed, split, kinds, **settings), n))


# The same text everywhere ------------------------------------------------------------------------------------------

FIRST_TOKENS = "4053907bab66e596"  # of the sha256 of the first 200,000 tokens of seed 0


def test_a_seed_gives_these_very_tokens_on_every_platform_and_python():
    """The digest is typed here once: where it fails without a change to the village, texts differ between machines."""
    assert sha256(village.stream(200_000).astype("<u2").tobytes()).hexdigest()[:16] == FIRST_TOKENS


def test_a_new_process_with_another_hash_seed_gives_the_same_text():
    code = "from layercake import village; print(village.document(7, 11).text)"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {village.document(7, 11).text + "\n"}


def test_documents_come_one_by_one_and_differ():
    assert take(5) == take(9)[:5]
    assert len({document.tokens for document in take(300)}) == 300
    assert take(3, seed=0) != take(3, seed=1)


def test_a_stream_is_its_documents_laid_end_to_end():
    tokens = village.stream(5_000, seed=3)
    laid = [token for document in take(200, seed=3) for token in document.tokens]
    assert tokens.dtype == np.uint16 and tokens.tolist() == laid[:5_000]


def test_the_splits_share_no_document_and_no_sum():
    splits = [{document.tokens for seed in (0, 1) for document in take(1_000, seed, split)} for split in village.SPLITS]
    assert not splits[0] & splits[1]
    problems = [
        {document.sentences[-2].truth["sum"] for document in take(200, split=split, kinds="sum")}
        for split in village.SPLITS
    ]
    assert problems[0] and not problems[0] & problems[1]


# Words -------------------------------------------------------------------------------------------------------------


def test_text_and_tokens_are_each_others_inverse():
    for document in take(400):
        assert village.encode(document.text) == list(document.tokens)


def test_text_reads_as_english_is_written():
    text = "“ i am hungry , ” said Mira . she ate 4 2 pears . \n Otto : is it Monday ? \n answer : 7"
    written = "“I am hungry,” said Mira. She ate 42 pears.\nOtto: Is it Monday?\nAnswer: 7"
    assert village.decode(village.encode(text)) == written
    assert village.encode(written.replace("“", '"').replace("”", '"')) == village.encode(text)


def test_no_name_is_also_a_word_and_every_word_has_one_id():
    assert not {name.lower() for name in NAMES} & set(village.VOCABULARY)
    assert len(set(village.VOCABULARY)) == len(village.VOCABULARY) > 600


def test_every_word_occurs_but_the_blank():
    seen = set(village.stream(1_000_000, seed=5).tolist())
    assert [word for index, word in enumerate(village.VOCABULARY) if index not in seen] == ["<mask>"]


# No text has two derivations ---------------------------------------------------------------------------------------


@cache
def values_of(kind, symbol):
    """All that may stand in a form's place for a symbol; the numbers of sums are digits, one or more."""
    if symbol[0] != "{":
        return ((symbol,),)
    values = village.KINDS[kind].BOUND.get(symbol)
    return tuple(values if values is not None else LEXICONS[symbol].values)


def common_text(kind, first, second):
    """Whether some text is derived from both forms, or from one and the beginning of the other; None, or that text.

    Both are followed word by word, as in the product of two automata: a state is what is left of each. Every slot may
    take each value that it has in any context, so no answer is missed; some that are found could not happen.
    """
    start = ((), first, (), second)
    todo, seen = [(start, ())], {start}
    while todo:
        (rest_a, a, rest_b, b), read = todo.pop()
        if (not rest_a and not a) or (not rest_b and not b):
            return read
        for word, next_a, left_a in steps(kind, rest_a, a):
            for other, next_b, left_b in steps(kind, rest_b, b):
                state = (next_a, left_a, next_b, left_b)
                if word == other and state not in seen:
                    seen.add(state)
                    todo.append((state, (*read, word)))
    return None


def steps(kind, rest, symbols):
    """Each word that may come next, with what is then left of the value and of the form."""
    if rest:
        return [(rest[0], rest[1:], symbols)]
    symbol, left = symbols[0], symbols[1:]
    found = [(value[0], value[1:], left) for value in values_of(kind, symbol)]
    if kind == "sum" and symbol in sums.NUMBER_SLOTS:
        found += [(value[0], (), symbols) for value in values_of(kind, symbol)]  # one more digit
    return found


@pytest.mark.parametrize("kind", village.KINDS)
def test_no_text_is_derived_from_two_forms(kind):
    """Every two forms of a kind, in all their values: none shares a text, and none is another one's beginning."""
    forms = sorted({form for wording in village.KINDS[kind].WORDINGS for form in wording.forms})
    shared = [
        (" ".join(a), " ".join(b), " ".join(text))
        for a, b in itertools.combinations(forms, 2)
        if (text := common_text(kind, a, b)) is not None
    ]
    assert shared == []


def test_the_check_for_two_derivations_finds_one():
    assert common_text("story", ("{who}", "slept", "."), ("{other}", "slept", ".")) == ("Mira", "slept", ".")
    assert common_text("story", ("the", "{thing}"), ("the", "{thing}", ".")) is not None


# The law is exact ----------------------------------------------------------------------------------------------------


def test_the_entropy_agrees_with_300_000_sampled_tokens():
    """What a text's tokens cost, less the entropy before each, is 0 on average: to within the standard error.

    The differences of one document are summed, so that only independent ones are counted.
    """
    differences, kinds, n_tokens = [], Counter(), 0
    for document in village.documents(seed=17):
        entropy, surprisal = village.law(document)
        differences.append((surprisal - entropy).sum())
        kinds[document.kind] += len(entropy)
        n_tokens += len(entropy)
        if n_tokens >= 300_000:
            break
    off = np.sum(differences) / n_tokens
    standard_error = math.sqrt(len(differences)) * np.std(differences) / n_tokens
    assert standard_error < 0.005 and set(kinds) == set(village.KINDS)
    assert abs(off) < 4 * standard_error


def test_the_law_is_how_often_each_word_follows():
    """The first sentence of 8,000 stories, against the law: the name, which leads to no two equal words later."""
    first = [document.tokens[3:9] for document in take(8_000, kinds="story")]
    for position, prefix in ((0, ()), (1, village.encode("Mira"))):
        followers = Counter(tokens[position] for tokens in first if list(tokens[:position]) == list(prefix))
        law = village.distribution([*village.encode("chapter 1 \n"), *prefix], 3 + position, kinds="story")
        total = sum(followers.values())
        assert total > 100 and set(followers) <= set(law)
        for token, p in law.items():
            assert abs(followers[token] / total - p) < 5 * math.sqrt(p * (1 - p) / total)


def test_probabilities_sum_to_one_at_every_position_and_give_what_came():
    for document in take(12, seed=3):
        surprisal = village.surprisal(document)
        for position in range(0, len(document.tokens), 7):
            law = village.distribution(document, position)
            assert math.isclose(math.fsum(law.values()), 1)
            assert math.isclose(-math.log(law[document.tokens[position]]), surprisal[position], abs_tol=1e-12)


def test_entropy_of_a_beginning_is_the_beginning_of_the_entropy():
    document = take(1, kinds="story")[0]
    beginning = village.entropy(document.tokens[:40], kinds="story")
    assert np.array_equal(beginning, village.entropy(document)[:40])


def test_after_the_end_nothing_may_come():
    document = take(1)[0]
    assert village.distribution(document, len(document.tokens)) == {}


def test_known_facts_cost_nothing_and_unknown_ones_their_share():
    """Where a page first states a fact, one who knows pays nothing for the value, and one who does not, log n."""
    checked = 0
    for document in take(60, kinds="record"):
        known, unknown = village.surprisal(document), village.surprisal(document, knows=village.nothing)
        told = set()
        for sentence in document.sentences:
            for fact in set(sentence.truth["facts"]) - told:
                told.add(fact)
                open_values = np.exp(unknown[sentence.start : sentence.stop] - known[sentence.start : sentence.stop])
                n_values = len(village.world.domain(fact).values)
                assert math.isclose(np.prod(open_values), n_values, rel_tol=1e-9)
                checked += 1
    assert checked > 200


def test_a_beginning_may_come_as_an_iterator():
    page = take(1, kinds="record")[0]
    for knows in (village.everything, village.nothing):
        assert np.array_equal(village.entropy(iter(page.tokens), knows, kinds="record"), village.entropy(page, knows))


def test_every_way_through_a_program_and_how_likely_it_was():
    weights = Lexicon("a b", (1, 3))

    def program(choose):
        first = choose.of("xy")
        return first if first == "x" else first + choose.weighted(weights)[0]

    assert sorted(every_way(program)) == [(0.125, "ya"), (0.375, "yb"), (0.5, "x")]


# The truth is true ---------------------------------------------------------------------------------------------------


def test_in_the_end_everybody_uses_what_was_last_settled():
    """Kept by hand from the sentences themselves: who placed, promised and took back what."""
    used, changed = 0, 0
    for document in take(400, kinds="story"):
        kept, means = {}, {}
        for sentence in document.sentences:
            roles = sentence.drawn
            thing = (roles.get("a_thing") or roles.get("thing", "")).split(" ")[-1]
            if sentence.kind == "keep":
                kept[roles["actor"]] = means[roles["actor"]] = thing
            elif sentence.kind == "promise":
                means[roles["actor"]] = thing
            elif sentence.kind == "take back":
                means[roles["actor"]] = kept[roles["actor"]]
            elif sentence.kind == "use":
                used += 1
                changed += means[roles["actor"]] != kept[roles["actor"]]
                assert sentence.truth["used"] == (roles["actor"], means[roles["actor"]])
                text = village.decode(document.tokens[sentence.start : sentence.stop])
                assert means[roles["actor"]] in text and roles["actor"] in text
    assert used == 400 and 40 < changed < 300


def test_a_thing_is_taken_where_it_lies_and_given_by_whoever_holds_it():
    moves = Counter()
    for document in take(300, kinds="story"):
        before = {"held": {}, "lies": {}, "where": {}}
        for sentence in document.sentences:
            roles, kind = sentence.drawn, sentence.kind
            moves[kind] += 1
            if kind == "take":
                assert before["lies"][roles["thing"]] == before["where"][roles["actor"]]
            elif kind in ("give", "put"):
                assert before["held"][roles["thing"]] == roles["actor"]
            elif kind == "held by":
                assert before["held"][roles["thing"]] == roles["holder"]
            elif kind == "lies at":
                assert before["lies"][roles["thing"]] == roles["place"]
            elif kind in ("where is", "seek"):
                assert before["where"][roles["other"]] == roles.get("place", roles.get("to"))
            if kind in ("give", "together"):
                assert before["where"][roles["actor"]] == before["where"][roles["other"]]
            before = sentence.truth
    assert all(moves[kind] > 50 for kind in stories.SHARES)


def test_without_promises_the_first_chapter_decides_and_chapters_are_as_many_as_asked():
    for document in take(50, kinds="story", chapters=7, promises=False):
        kinds = [sentence.kind for sentence in document.sentences]
        assert "promise" not in kinds and "take back" not in kinds
        assert kinds.count("chapter") + 2 == 7 and kinds.count("last chapter") == 1
        who, thing = document.sentences[-1].truth["used"]
        assert document.sentences[-1].truth["kept"][who] == thing


def test_sums_are_right_and_so_is_every_column():
    seen = Counter()
    for document in take(600, kinds="sum"):
        a, operation, b = document.sentences[-1].truth["sum"]
        right = {"plus": a + b, "minus": a - b, "times": a * b}[operation]
        assert document.text.split("Answer: ")[-1] == f"{right}. <end>"
        written = [s.drawn["digit"] for s in document.sentences if s.kind.startswith("column")]
        last_carry = [s.drawn["carry"] for s in document.sentences if s.kind.startswith("column")][-1:]
        if written:
            assert int("".join(last_carry + written[::-1])) == right
        seen[operation, bool(written)] += 1
    assert len(seen) == 6 and min(seen.values()) > 20


def test_records_state_what_is_true_and_never_what_is_not_to_be_known():
    told = {}
    for document in take(1_500, kinds="record"):
        told |= document.sentences[-1].truth["facts"]
    assert all(" ".join(village.value_of(fact)) == value for fact, value in told.items())
    assert all(village.stated(fact) for fact in told)
    unstated = [fact for fact in village.facts() if not village.stated(fact)]
    assert 0.04 < len(unstated) / len(village.facts()) < 0.13
    assert all(stated_relations(fact.subject) for fact in village.facts())


def test_a_fact_is_told_in_several_wordings():
    ways = {}
    for document in take(1_500, kinds="record"):
        for sentence in document.sentences:
            if sentence.kind.startswith("state"):
                text = village.decode(document.tokens[sentence.start : sentence.stop])
                ways.setdefault((sentence.kind, sentence.drawn["value"]), set()).add(text)
    assert np.median([len(texts) for texts in ways.values()]) >= 4


def test_guide_and_clerk_are_right_the_grump_and_a_broken_telegraph_are_not():
    answered = Counter()
    for document in take(2_000, kinds="play"):
        asked = None
        for sentence in document.sentences:
            if asked and "answer" in sentence.drawn:
                right = sentence.drawn["answer"] == " ".join(plays.right_answer(asked))
                broken = "is out of order" in document.text
                answered[sentence.kind, broken, right] += 1
            asked = sentence.truth.get("asked") if sentence.kind.startswith(("ask", "wire")) else None
    rights = {(kind, broken) for kind, broken, right in answered if right}
    wrongs = {(kind, broken) for kind, broken, right in answered if not right}
    assert rights == {("guide", False), ("clerk", False), ("assistant", False)}
    assert wrongs == {("grump", False), ("assistant", True)}


# What is asked for wrongly -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: village.document(-1), "seed is -1"),
        (lambda: village.document(0, 1.5), "index is 1.5"),
        (lambda: village.document("0"), "seed is '0'"),
        (lambda: village.documents(split="test"), "split is 'test'; it is one of 'train', 'validation'"),
        (lambda: village.documents(kinds="poem"), "kinds is ('poem',); it is one or more of story, record, sum, play"),
        (lambda: village.documents(kinds=[]), "kinds is ()"),
        (lambda: village.document(chapters=1), "chapters is 1"),
        (lambda: village.stream(-5), "n_tokens is -5"),
        (lambda: village.stream(2.0), "n_tokens is 2.0"),
        (lambda: village.encode("Mira went to the mall."), "no word 'mall' (character 18)"),
        (lambda: village.decode([0, 99_999]), "99999 is no token of the village"),
        (lambda: village.entropy(village.encode("chapter 1 \n Mira slept")), "word 5 of the text, 'slept', cannot"),
        (lambda: village.entropy([2]), "word 1 of the text, '<user>', cannot come here; likely are"),
        (lambda: village.entropy([], chapter=3), "chapter"),
        (lambda: village.distribution([], 1), "position is 1; it is 0 to 0"),
        (lambda: village.entropy(take(1, kinds="play")[0], village.nothing), "pages of the register only"),
        (lambda: village.value_of(village.Fact("Mira Vale", "shoe size")), "no fact 'Mira Vale', 'shoe size'"),
        (lambda: Lexicon(""), "a lexicon needs values"),
        (lambda: Lexicon("a b", (1,)), "a whole weight of 1 or more for each"),
        (lambda: Lexicon(["a", "a b"]).tree, "cannot be told apart after 'a'"),
        (lambda: Wording("twice", "a {b}", "a {b}"), "cannot be told apart"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_and_says_what_is_wrong(call, said):
    with pytest.raises((ValueError, TypeError)) as refused:
        call()
    assert said in str(refused.value)
