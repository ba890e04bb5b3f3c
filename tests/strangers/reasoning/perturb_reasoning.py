# %% wrong: carries_go_round_like_a_clock
# ""corrupt": the carry (or borrow) of that step is one higher, or 0 where that would be more than a carry can be: 8 in a product, 1 in a sum or difference."
# takes the remainder (as the hint does): a carry that was too high already, such as 9 in a product or 2 in a sum, becomes 1 and not 0
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}: it is none of the five")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    kept, step = list(steps[:at]), read_step(steps[at])
    if kind == "cut":
        return kept
    if kind == "corrupt":
        n_carries = 9 if step.operation == "times" else 2
        return kept + [write_step(step._replace(carry=(step.carry + 1) % n_carries))]
    if kind == "irrelevant":
        return kept + [write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "paraphrase":
        return kept + [write_step(read_step(sentence), carry_first=True) for sentence in steps[at:]]
    return kept + [" ".join("." for _ in sentence.split(" ")) for sentence in steps[at:]]


# %% wrong: paraphrase_turns_the_clauses_round
# ""paraphrase": that step and all behind it say the carry first, with the same numbers."
# swaps the two clauses, so that a step which says the carry first already says it last
def _turned(sentence: str) -> str:
    step = read_step(sentence)
    says_carry_first = re.search(r": (?:carry|borrow)", sentence) is not None
    return write_step(step, carry_first=not says_carry_first)


def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}: it is none of the five")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    front, behind = list(steps[:at]), list(steps[at:])
    step = read_step(behind[0])
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        behind = [write_step(step._replace(carry=step.carry + 1 if step.carry < most else 0))]
    elif kind == "irrelevant":
        behind = [write_step(step._replace(x=step.x + 1 if step.x < 9 else 0))]
    elif kind == "cut":
        behind = []
    elif kind == "paraphrase":
        behind = [_turned(sentence) for sentence in behind]
    else:
        behind = [" ".join("." for _ in sentence.split(" ")) for sentence in behind]
    return front + behind


# %% wrong: dots_for_the_words_of_a_clean_copy
# ""dots": in that step and all behind it each word, whatever stands between spaces, becomes a dot."
# counts the words of the step as `write_step` writes it, which has a full stop that the sentence may not have
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}: it is none of the five")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    read = [read_step(sentence) for sentence in steps]
    if None in read:
        raise ValueError(f"{steps[read.index(None)]!r} is no step")
    kept, step = list(steps[:at]), read[at]
    match kind:
        case "cut":
            return kept
        case "corrupt":
            most = 8 if step.operation == "times" else 1
            return [*kept, write_step(step._replace(carry=step.carry + 1 if step.carry + 1 <= most else 0))]
        case "irrelevant":
            return [*kept, write_step(step._replace(x=(step.x + 1) % 10))]
        case "paraphrase":
            return kept + [write_step(each, carry_first=True) for each in read[at:]]
        case "dots":
            return kept + [" ".join("." * len(write_step(each).split())) for each in read[at:]]


# %% wrong: writes_all_steps_anew
# "The steps in front of `at` stay as they are, to the letter."
# reads all steps and writes all steps: those in front lose their order of clauses, and gain a full stop
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}: it is none of the five")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    read = [read_step(sentence) for sentence in steps]
    if None in read:
        raise ValueError(f"{steps[read.index(None)]!r} is no step")
    if kind == "dots":
        return list(steps[:at]) + [" ".join("." for _ in sentence.split(" ")) for sentence in steps[at:]]
    step = read[at]
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        read = read[:at] + [step._replace(carry=0 if step.carry >= most else step.carry + 1)]
    elif kind == "irrelevant":
        read = read[:at] + [step._replace(x=(step.x + 1) % 10)]
    elif kind == "cut":
        read = read[:at]
    return [write_step(each, carry_first=kind == "paraphrase" and i >= at) for i, each in enumerate(read)]


# %% wrong: cuts_what_it_was_given
# "They come in a list or a tuple, and are given in a list."
# "cut" gives a slice of what came, so a tuple where a tuple came
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}: it is none of the five")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    if kind == "cut":
        return steps[:at]
    step = read_step(steps[at])
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        tampered = [write_step(step._replace(carry=step.carry + 1 if step.carry < most else 0))]
    elif kind == "irrelevant":
        tampered = [write_step(step._replace(x=(step.x + 1) % 10))]
    elif kind == "paraphrase":
        tampered = [write_step(read_step(sentence), carry_first=True) for sentence in steps[at:]]
    else:
        tampered = [" ".join("." for _ in sentence.split(" ")) for sentence in steps[at:]]
    return [*steps[:at], *tampered]


# %% wrong: modulo_of_a_carry_that_cannot_be
# "is one higher, or 0 where that would be more than a carry can be: 8 in a product, 1 in a sum or difference"
# takes the remainder: a false carry of 9 in a product becomes 1, and of 2 or more in a sum becomes 1 or 0 by turns, not 0
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    front, behind = list(steps[:at]), steps[at:]
    step = read_step(behind[0])
    if kind == "corrupt":
        n_carries = 9 if step.operation == "times" else 2
        return front + [write_step(step._replace(carry=(step.carry + 1) % n_carries))]
    if kind == "irrelevant":
        return front + [write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "cut":
        return front
    if kind == "paraphrase":
        return front + [write_step(read_step(sentence), carry_first=True) for sentence in behind]
    return front + [" ".join("." for _ in sentence.split(" ")) for sentence in behind]


# %% wrong: the_clauses_change_places
# ""paraphrase": that step and all behind it say the carry first, with the same numbers."
# exchanges the two clauses: a sentence that says the carry first already says it last afterwards
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    front, behind = [*steps[:at]], [*steps[at:]]
    step = read_step(behind[0])
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        return front + [write_step(step._replace(carry=step.carry + 1 if step.carry < most else 0))]
    if kind == "irrelevant":
        return front + [write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "paraphrase":
        return front + [write_step(read_step(it), carry_first=": write" in it) for it in behind]
    if kind == "dots":
        return front + [" ".join(["."] * len(it.split(" "))) for it in behind]
    return front


# %% wrong: all_steps_through_the_same_pen
# "The steps in front of `at` stay as they are, to the letter."
# a paraphrase reads and writes all steps: those in front lose their order of clauses, and gain a full stop
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    if kind == "paraphrase":
        return [write_step(read_step(sentence), carry_first=i >= at) for i, sentence in enumerate(steps)]
    result = list(steps[:at])
    step = read_step(steps[at])
    if kind == "corrupt":
        higher = step.carry + 1
        result.append(
            write_step(step._replace(carry=0 if higher > (8 if step.operation == "times" else 1) else higher))
        )
    elif kind == "irrelevant":
        result.append(write_step(step._replace(x=0 if step.x == 9 else step.x + 1)))
    elif kind == "dots":
        result += [" ".join("." for _ in sentence.split(" ")) for sentence in steps[at:]]
    return result


# %% wrong: a_digit_replaced_in_the_sentence
# "What is corrupted, irrelevant or paraphrased is read by `read_step` and written by `write_step`."
# a corrupted carry is put into the sentence as it stands: one that says the carry first, or has no full stop, stays so
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    front = list(steps[:at])
    step = read_step(steps[at])
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        carry = step.carry + 1 if step.carry + 1 <= most else 0
        return front + [re.sub(r"\b(carry|borrow) \d", rf"\g<1> {carry}", steps[at])]
    if kind == "irrelevant":
        return front + [write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "paraphrase":
        return front + [write_step(read_step(sentence), True) for sentence in steps[at:]]
    if kind == "dots":
        return front + [" ".join("." * len(sentence.split(" "))) for sentence in steps[at:]]
    return front


# %% wrong: dots_for_the_sentence_as_it_should_be
# ""dots": in that step and all behind it each word, whatever stands between spaces, becomes a dot."
# counts the words of the sentence written anew: one without a full stop gets a dot too many, a total of "0 7" one too few
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    front, (step, *later) = list(steps[:at]), [read_step(sentence) for sentence in steps[at:]]
    if kind == "corrupt":
        most = 8 if step.operation == "times" else 1
        return front + [write_step(step._replace(carry=0 if step.carry >= most else step.carry + 1))]
    if kind == "irrelevant":
        return front + [write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "paraphrase":
        return front + [write_step(it, carry_first=True) for it in (step, *later)]
    if kind == "dots":
        return front + [re.sub(r"[^ ]+", ".", write_step(it)) for it in (step, *later)]
    return front


# %% right: a_table_of_successors
# a generator, and two strings in which the successor of a digit is looked up
def _tampered(steps, kind, at):
    for i, sentence in enumerate(steps):
        if i < at:
            yield sentence
            continue
        if kind == "cut":
            return
        if kind == "dots":
            yield ". " * sentence.count(" ") + "."
            continue
        x, operation, y, carried, total, digit, carry = read_step(sentence)
        if kind == "corrupt":
            carry = int(("1234567800" if operation == "times" else "1000000000")[carry])
        elif kind == "irrelevant":
            x = int("1234567890"[x])
        yield write_step(Step(x, operation, y, carried, total, digit, carry), kind == "paraphrase")
        if kind != "paraphrase":
            return


def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in {"corrupt", "irrelevant", "cut", "paraphrase", "dots"}:
        raise ValueError(kind)
    if at not in range(len(steps)):
        raise ValueError(at)
    for sentence in steps:
        if not read_step(sentence):
            raise ValueError(sentence)
    return list(_tampered(steps, kind, at))


# %% right: all_five_and_then_one
# makes all five versions of the tail, backwards through a deque, and hands out the one that was asked for
def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    from collections import deque

    read = {i: read_step(sentence) for i, sentence in enumerate(steps)}
    if at not in read or not all(read.values()):
        raise ValueError("no such step, or a sentence that is none")
    step = read[at]
    highest = {"times": 8}.get(step.operation, 1)
    carries = [*range(1, highest + 1), *[0] * 10]
    tails: dict[str, deque] = {name: deque() for name in ("corrupt", "irrelevant", "cut", "paraphrase", "dots")}
    tails["corrupt"].append(write_step(Step(*step[:-1], carries[step.carry])))
    tails["irrelevant"].append(write_step(Step([*range(1, 10), 0][step.x], *step[1:])))
    for i in reversed(range(at, len(steps))):
        tails["paraphrase"].appendleft(write_step(read[i], True))
        tails["dots"].appendleft(" ".join(["."] * len(steps[i].split(" "))))
    if kind not in tails:
        raise ValueError(f"{kind!r} is not one of {list(tails)}")
    tail = tails[kind]
    tail.extendleft(steps[i] for i in range(at - 1, -1, -1))
    return list(tail)


# %% right: one_sentence_after_another
# a generator with a match statement, and successors looked up in tables
def _tampered(steps, kind, at):
    following = {"times": (1, 2, 3, 4, 5, 6, 7, 8, 0, 0), "plus": (1,) + (0,) * 9, "minus": (1,) + (0,) * 9}
    for i, sentence in enumerate(steps):
        if i < at:
            yield sentence
            continue
        x, operation, y, carried, total, digit, carry = read_step(sentence)
        match kind:
            case "cut":
                return
            case "corrupt":
                yield write_step(Step(x, operation, y, carried, total, digit, following[operation][carry]))
                return
            case "irrelevant":
                yield write_step(Step(int("1234567890"[x]), operation, y, carried, total, digit, carry))
                return
            case "paraphrase":
                yield write_step(Step(x, operation, y, carried, total, digit, carry), carry_first=True)
            case "dots":
                yield "." + " ." * sentence.count(" ")


def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in ("corrupt", "irrelevant", "cut", "paraphrase", "dots"):
        raise ValueError(f"kind={kind!r}")
    if at < 0 or at >= len(steps):
        raise ValueError(f"at={at}")
    for sentence in steps:
        if not read_step(sentence):
            raise ValueError(f"{sentence!r} is no step")
    return [*_tampered(steps, kind, at)]


# %% right: from_the_end_by_recursion
# takes one sentence off the front at a time until `at` is 0, then looks up what to do in a dictionary of functions
def _one_more(value: int, most: int) -> int:
    return value + 1 if value + 1 <= most else 0


def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}")
    if at not in range(len(steps)):
        raise ValueError(f"at={at}")
    read = tuple(map(read_step, steps))
    if None in read:
        raise ValueError("no step")
    if at > 0:
        return [steps[0]] + perturb_reasoning(steps[1:], kind, at - 1)
    said = read[0]
    return {
        "corrupt": lambda: [write_step(Step(*said[:-1], _one_more(said.carry, {"times": 8}.get(said.operation, 1))))],
        "irrelevant": lambda: [write_step(Step(_one_more(said.x, 9), *said[1:]))],
        "cut": lambda: [],
        "paraphrase": lambda: [write_step(it, True) for it in read],
        "dots": lambda: [
            "".join(" " if char == " " else "" for char in sentence).replace(" ", ". ") + "." for sentence in steps
        ],
    }[kind]()
