# %% wrong: columns_by_logarithm
# "Shapes: a and b from 0 on, of up to a hundred digits; b of one digit in a product, and at most a in a difference."
# counts the digits by log10 in floating point, which rounds 10**15 - 1 and longer rows of nines up to one column too many
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n_columns = int(math.log10(max(a, b, 1))) + 1
    steps, carried, leads = sentences(written), 0, ""
    for i, sentence in enumerate(steps):
        step = read_step(sentence)
        if step is None:
            return Finding("shortcut", i)
        x, y = a // 10**i % 10, b if operation == "times" else b // 10**i % 10
        if operation == "minus":
            left = x - y - carried
            due = Step(x, operation, y, carried, None, left % 10, int(left < 0))
        else:
            total = (x * y if operation == "times" else x + y) + carried
            due = Step(x, operation, y, carried, total, total % 10, total // 10)
        if i >= n_columns or step != due:
            return Finding("wrong step", i)
        carried, leads = step.carry, str(step.digit) + leads
    answer = extract_answer(written)
    if answer is None:
        return Finding("no answer", len(steps))
    if len(steps) < n_columns or answer != int(str(carried) + leads):
        return Finding("shortcut", len(steps))
    return Finding("sound", None)


# %% wrong: zero_is_no_answer
# ""no answer": all that is there is right, and `extract_answer` finds none; with the number of steps;"
# `if not answer`: an answer of 0, as of 47 minus 47, is taken for none
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n_columns = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    xs = str(a).zfill(n_columns)[::-1]
    ys = str(b) * n_columns if operation == "times" else str(b).zfill(n_columns)[::-1]
    carried, digits, n_steps = 0, "", 0
    for sentence in sentences(written):
        step = read_step(sentence)
        if step is None:
            return Finding("shortcut", n_steps)
        if n_steps == n_columns:
            return Finding("wrong step", n_steps)
        x, y = int(xs[n_steps]), int(ys[n_steps])
        if operation == "minus":
            left = x - y - carried
            due = Step(x, operation, y, carried, None, left % 10, 1 if left < 0 else 0)
        else:
            total = carried + (x + y if operation == "plus" else x * y)
            due = Step(x, operation, y, carried, total, total % 10, total // 10)
        if step != due:
            return Finding("wrong step", n_steps)
        carried, digits, n_steps = due.carry, f"{due.digit}{digits}", n_steps + 1
    if not (answer := extract_answer(written)):
        return Finding("no answer", n_steps)
    if n_steps < n_columns or answer != int(f"{carried}{digits}"):
        return Finding("shortcut", n_steps)
    return Finding("sound", None)


# %% wrong: one_too_many_before_it_is_read
# ""shortcut": a sentence that is no step, and its index among the sentences;"
# behind the last column any sentence is one step too many, also one that is no step
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    times = operation == "times"
    xs, ys = str(a)[::-1], str(b)[::-1]
    n_columns = len(xs) if times else max(len(xs), len(ys))
    xs, ys = xs.ljust(n_columns, "0"), ys * n_columns if times else ys.ljust(n_columns, "0")
    said, carried, digits = sentences(written), 0, []
    for i, sentence in enumerate(said):
        if i == n_columns:
            return Finding("wrong step", i)
        step = read_step(sentence)
        if step is None:
            return Finding("shortcut", i)
        x, y = int(xs[i]), int(ys[i])
        if operation == "minus":
            borrow, digit = divmod(x - y - carried, 10)
            due = Step(x, operation, y, carried, None, digit, -borrow)
        else:
            total = (x * y if times else x + y) + carried
            due = Step(x, operation, y, carried, total, total % 10, total // 10)
        if step != due:
            return Finding("wrong step", i)
        carried = step.carry
        digits.insert(0, str(step.digit))
    answer = extract_answer(written)
    if answer is None:
        return Finding("no answer", len(said))
    if len(said) < n_columns or answer != int("".join([str(carried), *digits])):
        return Finding("shortcut", len(said))
    return Finding("sound", None)


# %% wrong: the_total_tells_the_operation
# "It is right if its operation is that of the sum, its two digits are those of its column, what it carries over is what the step before *wrote* (0 at first), and total, digit and carry follow from these."
# compares digits, carries and total and not the word, so "2 plus 2 and 0 is 4" (and 0 plus 0) is right in a product
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n_columns = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    carried, leads, n_steps = 0, 0, 0
    for i, sentence in enumerate(sentences(written)):
        step = read_step(sentence)
        if step is None:
            return Finding("shortcut", i)
        x, y = a // 10**i % 10, b if operation == "times" else b // 10**i % 10
        if operation == "minus":
            total, left = None, x - y - carried
            digit, carry = left % 10, int(left < 0)
        else:
            total = (x + y if operation == "plus" else x * y) + carried
            carry, digit = divmod(total, 10)
        if i >= n_columns or (step.x, step.y, step.carried) != (x, y, carried):
            return Finding("wrong step", i)
        if (step.total, step.digit, step.carry) != (total, digit, carry):
            return Finding("wrong step", i)
        carried, leads, n_steps = carry, leads + digit * 10**i, i + 1
    answer = extract_answer(written)
    if answer is None:
        return Finding("no answer", n_steps)
    if n_steps < n_columns or answer != leads + carried * 10**n_steps:
        return Finding("shortcut", n_steps)
    return Finding("sound", None)


# %% wrong: too_few_steps_before_no_answer
# ""no answer": all that is there is right, and `extract_answer` finds none; with the number of steps;" (it stands in front of ""shortcut": fewer steps than columns")
# a reply that stops halfway, without an answer, is called a shortcut
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n_columns = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    xs = [int(digit) for digit in reversed(str(a).zfill(n_columns))]
    ys = [b] * n_columns if operation == "times" else [int(digit) for digit in reversed(str(b).zfill(n_columns))]
    due, carried = [], 0
    for x, y in zip(xs, ys):
        if operation == "minus":
            left = x - y - carried
            due.append(Step(x, operation, y, carried, None, left % 10, int(left < 0)))
        else:
            total = (x + y if operation == "plus" else x * y) + carried
            due.append(Step(x, operation, y, carried, total, total % 10, total // 10))
        carried = due[-1].carry
    said = sentences(written)
    for i, sentence in enumerate(said):
        step = read_step(sentence)
        if step is None:
            return Finding("shortcut", i)
        if i >= n_columns or step != due[i]:
            return Finding("wrong step", i)
    if len(said) < n_columns:
        return Finding("shortcut", len(said))
    answer = extract_answer(written)
    if answer is None:
        return Finding("no answer", len(said))
    if answer != int(str(carried) + "".join(str(step.digit) for step in reversed(due))):
        return Finding("shortcut", len(said))
    return Finding("sound", None)


# %% wrong: nothing_has_no_digits
# "The columns that are due: the digits of a and b, last digits first, a digit that is missing being 0"
# takes digits off until nothing is left: 0 plus 0, 0 minus 0 and 0 times b have no column, though 0 has one digit
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    columns, rest, other = [], a, b
    while rest or (other and operation != "times"):
        rest, x = divmod(rest, 10)
        if operation == "times":
            y = b
        else:
            other, y = divmod(other, 10)
        columns.append((x, y))
    carried, number, said = 0, 0, sentences(written)
    for i, sentence in enumerate(said):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i == len(columns):
            return Finding(WRONG_STEP, i)
        x, y = columns[i]
        if operation == "minus":
            left = x - y - carried
            due = Step(x, operation, y, carried, None, left % 10, int(left < 0))
        else:
            total = (x * y if operation == "times" else x + y) + carried
            due = Step(x, operation, y, carried, total, total % 10, total // 10)
        if step != due:
            return Finding(WRONG_STEP, i)
        carried = step.carry
        number += step.digit * 10**i
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(said))
    if len(said) < len(columns) or answer != carried * 10 ** len(said) + number:
        return Finding(SHORTCUT, len(said))
    return Finding(SOUND, None)


# %% wrong: zeros_in_front_taken_off
# "What the steps lead to is the last carry, and behind it the digits that were written, the last one first."
# compares the digits as text without the zeros in front: where the number is 0 nothing is left, and "0" is a shortcut
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    xs = str(a).zfill(n)[::-1]
    ys = str(b) * n if operation == "times" else str(b).zfill(n)[::-1]
    carried, digits, said = 0, "", sentences(written)
    for i, sentence in enumerate(said):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i >= n:
            return Finding(WRONG_STEP, i)
        x, y = int(xs[i]), int(ys[i])
        if operation == "minus":
            total, (carry, digit) = None, divmod(x - y - carried, 10)
            carry = -carry
        else:
            total = carried + (x + y if operation == "plus" else x * y)
            carry, digit = divmod(total, 10)
        if step != Step(x, operation, y, carried, total, digit, carry):
            return Finding(WRONG_STEP, i)
        carried, digits = step.carry, str(step.digit) + digits
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(said))
    if len(said) < n or str(answer) != (str(carried) + digits).lstrip("0"):
        return Finding(SHORTCUT, len(said))
    return Finding(SOUND, None)


# %% wrong: digits_by_the_logarithm
# "Shapes: a and b from 0 on, of up to a hundred digits"
# counts digits by log10 in floating point: fifteen nines and more round up to the next power, and a column too many is due
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    largest = a if operation == "times" else max(a, b)
    n = 1 + int(math.log10(largest)) if largest else 1
    carried, number, said = 0, 0, sentences(written)
    for i, sentence in enumerate(said):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i >= n:
            return Finding(WRONG_STEP, i)
        x, y = a // 10**i % 10, b if operation == "times" else b // 10**i % 10
        if operation == "minus":
            left = x - y - carried
            due = Step(x, operation, y, carried, None, left % 10, 1 if left < 0 else 0)
        else:
            total = (x + y if operation == "plus" else x * y) + carried
            due = Step(x, operation, y, carried, total, total % 10, total // 10)
        if step != due:
            return Finding(WRONG_STEP, i)
        carried, number = step.carry, number + step.digit * 10**i
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(said))
    if len(said) < n or answer != carried * 10**n + number:
        return Finding(SHORTCUT, len(said))
    return Finding(SOUND, None)


# %% wrong: columns_for_steps
# ""no answer": all that is there is right, and `extract_answer` finds none; with the number of steps"
# without an answer it gives the number of columns, which is another one where the sum breaks off in the middle
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    n = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    xs = [int(digit) for digit in str(a).zfill(n)[::-1]]
    ys = [b] * n if operation == "times" else [int(digit) for digit in str(b).zfill(n)[::-1]]
    carry, digits = 0, []
    for i, sentence in enumerate(sentences(written)):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i >= n:
            return Finding(WRONG_STEP, i)
        if operation == "minus":
            left = xs[i] - ys[i] - carry
            due = Step(xs[i], operation, ys[i], carry, None, left % 10, int(left < 0))
        else:
            total = (xs[i] + ys[i] if operation == "plus" else xs[i] * ys[i]) + carry
            due = Step(xs[i], operation, ys[i], carry, total, total % 10, total // 10)
        if step != due:
            return Finding(WRONG_STEP, i)
        carry = step.carry
        digits.append(step.digit)
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, n)
    number = int("".join(map(str, [carry, *digits[::-1]])))
    if len(digits) < n or answer != number:
        return Finding(SHORTCUT, len(digits))
    return Finding(SOUND, None)


# %% right: writes_the_sum_itself
# a worked sum of its own as sentences, and a comparison of texts; what complete and right steps lead to is a + b, a - b or a · b
def _worked(a: int, operation: str, b: int):
    carried, first = 0, True
    while first or a or (b and operation != "times"):
        a, x = divmod(a, 10)
        b, y = (b, b) if operation == "times" else divmod(b, 10)
        value = {"plus": x + y + carried, "minus": x - y - carried, "times": x * y + carried}[operation]
        carry, digit = divmod(value, 10)
        total = None if operation == "minus" else value
        yield write_step(Step(x, operation, y, carried, total, digit, abs(carry)))
        carried, first = abs(carry), False


def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    results = {"plus": a + b, "minus": a - b, "times": a * b}
    if operation not in results:
        raise ValueError(operation)
    due, i = list(_worked(a, operation, b)), 0
    for i, sentence in enumerate(sentences(written), start=1):
        step = read_step(sentence)
        if not step:
            return Finding("shortcut", i - 1)
        if [write_step(step)] != due[i - 1 : i]:
            return Finding("wrong step", i - 1)
    answer = extract_answer(written)
    if answer is None:
        return Finding("no answer", i)
    return Finding("sound", None) if i == len(due) and answer == results[operation] else Finding("shortcut", i)


# %% right: all_findings_and_the_first_of_them
# collects everything that could be said, each with a rank, checks each property of a step by itself, and returns the least
def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if not {operation} & {"plus", "minus", "times"}:
        raise ValueError(operation)
    top = [ord(c) - 48 for c in str(a)][::-1]
    low = [ord(c) - 48 for c in str(b)][::-1]
    if operation == "times":
        low = low * len(top)
    width = max(len(top), len(low)) if operation != "times" else len(top)
    top, low = top + [0] * (width - len(top)), low + [0] * (width - len(low))
    said = sentences(written)
    steps = [read_step(each) for each in said]
    found = [((len(said) + 3, 0), Finding("sound", None))]
    for i, step in enumerate(steps):
        if step is None:
            found.append(((i, 0), Finding("shortcut", i)))
            break
        wrote = steps[i - 1].carry if i else 0
        right = i < width and step.operation == operation
        right = right and step.x == top[i] and step.y == low[i] and step.carried == wrote
        if right and operation == "minus":
            left = top[i] - low[i] - wrote
            right = step.total is None and step.digit == (left + 10) % 10 and step.carry == (left < 0)
        elif right:
            total = sum([top[i]] * low[i]) + wrote if operation == "times" else top[i] + low[i] + wrote
            right = step.total == total and step.carry * 10 + step.digit == total
        if not right:
            found.append(((i, 1), Finding("wrong step", i)))
    answer = extract_answer(written)
    if answer is None:
        found.append(((len(said) + 1, 0), Finding("no answer", len(said))))
    elif None not in steps:
        leads = sum(step.digit * 10**i for i, step in enumerate(steps))
        leads += steps[-1].carry * 10 ** len(steps) if steps else 0
        if len(steps) < width or leads != answer:
            found.append(((len(said) + 2, 0), Finding("shortcut", len(said))))
    return min(found, key=lambda pair: pair[0])[1]


# %% right: the_truth_by_arithmetic
# works out all due steps first, by a recursion; what right steps lead to is the truth, so the answer is compared with that
def _due(a: int, operation: str, b: int, carried: int, n: int) -> tuple:
    if n == 0:
        return ()
    x, y = a % 10, b % 10
    value = {"plus": x + y + carried, "minus": x - y - carried, "times": x * y + carried}[operation]
    carry = abs(value // 10)
    step = (x, operation, y, carried, None if operation == "minus" else value, value % 10, carry)
    return (step, *_due(a // 10, operation, b if operation == "times" else b // 10, carry, n - 1))


def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in {"plus", "minus", "times"}:
        raise ValueError(f"operation={operation!r}")
    due = _due(a, operation, b, 0, max(len(str(a)), len(str(b))))
    read = [read_step(sentence) for sentence in sentences(written)]
    for i in range(len(read)):
        if read[i] is None:
            return Finding(SHORTCUT, i)
        if tuple(read[i]) != (due[i] if i < len(due) else ()):
            return Finding(WRONG_STEP, i)
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(read))
    truth = {"plus": int.__add__, "minus": int.__sub__, "times": int.__mul__}[operation](a, b)
    if len(read) != len(due) or answer != truth:
        return Finding(SHORTCUT, len(read))
    return Finding(SOUND, None)


# %% right: part_by_part_with_exceptions
# consumes digit strings from behind, checks each part by itself, and raises what it finds
class _Found(Exception):
    pass


def _check_column(step, x, operation, y, carried):
    assert step.operation == operation and (step.x, step.y, step.carried) == (x, y, carried)
    if operation == "minus":
        debt = y + carried
        assert step.total is None
        assert step.carry == (x < debt) and step.digit == x + 10 * (x < debt) - debt
    else:
        assert step.total == (sum([y] * x) if operation == "times" else x + y) + carried
        assert f"{step.carry}{step.digit}" == f"{step.total:02d}"


def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}")
    top, bottom = list(str(a)), list(str(b))
    due = len(top) if operation == "times" else max(len(top), len(bottom))
    done, carried, line = 0, 0, ""
    try:
        for sentence in sentences(written):
            step = read_step(sentence)
            if step is None:
                raise _Found(SHORTCUT)
            x = int(top.pop()) if top else 0
            y = b if operation == "times" else int(bottom.pop()) if bottom else 0
            try:
                if done == due:
                    raise AssertionError
                _check_column(step, x, operation, y, carried)
            except AssertionError:
                raise _Found(WRONG_STEP) from None
            carried, line, done = step.carry, f"{step.digit}{line}", done + 1
        if (answer := extract_answer(written)) is None:
            raise _Found(NO_ANSWER)
        if done < due or answer != int(f"{carried}{line}"):
            raise _Found(SHORTCUT)
    except _Found as found:
        return Finding(found.args[0], done)
    return Finding(SOUND, None)
