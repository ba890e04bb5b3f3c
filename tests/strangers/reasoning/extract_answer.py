# %% wrong: reads_line_by_line
# "An answer begins behind "answer:" or "answer is", whole words in letters small or large, with any white space in front of the colon or the "is"."
# goes through the lines one by one, so a beginning whose white space is a line break (a wrapped line) is not seen
BEGIN_TO_END = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?:[!?]|\.(?![0-9])|$)", re.IGNORECASE)
NUMBERS = re.compile(r"(?:- *)?[0-9](?:[ ,]?[0-9])*")


def extract_answer(text: str) -> int | None:
    found = set()
    for line in text.split("\n"):
        for said in BEGIN_TO_END.findall(line):
            numbers = NUMBERS.findall(said)
            if "." in said or len(numbers) != 1:
                return None
            found.add(int(re.sub("[ ,]", "", numbers[0])))
    return found.pop() if len(found) == 1 else None


# %% wrong: point_counts_only_behind_a_digit
# "It is good where exactly one number stands in it, once, whatever words and signs stand around that, and no ".", since a number with a point is not whole."
# reads decimals as digits, point, digits and refuses those; a point that has no digit in front (".75", "v.2") goes through
ANSWERS = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", re.IGNORECASE)
DECIMALS = re.compile(r"(?:- *)?[0-9](?:[ ,]?[0-9])*(?:\.[0-9]+)*")


def extract_answer(text: str) -> int | None:
    values = []
    for said in ANSWERS.findall(text):
        numbers = DECIMALS.findall(said)
        if len(numbers) != 1 or "." in numbers[0]:
            return None
        values.append(int(numbers[0].replace(" ", "").replace(",", "")))
    if not values or min(values) != max(values):
        return None
    return values[0]


# %% wrong: minus_zero_is_another_number
# "A reply may give its answer several times: each has to be good, and all have to be the same number."
# keeps sign and size apart until the end, so that "answer: 0. The answer is -0." has two of them
ANSWERS = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", re.IGNORECASE)
SIGNED = re.compile(r"(- *)?([0-9](?:[ ,]?[0-9])*)")


def extract_answer(text: str) -> int | None:
    readings = set()
    for said in ANSWERS.findall(text):
        numbers = SIGNED.findall(said)
        if "." in said or len(numbers) != 1:
            return None
        minus, digits = numbers[0]
        readings.add((bool(minus), int(digits.replace(" ", "").replace(",", ""))))
    if len(readings) != 1:
        return None
    negative, size = readings.pop()
    return -size if negative else size


# %% wrong: an_answer_begins_within_an_answer
# "It ends at the next line break, "!" or "?", or at the next "." that has no digit right behind it, or else with the text; no other begins within it."
# finds all beginnings and then to each its end, so "answer: 5 is what the answer is." has a second, empty answer
BEGIN = re.compile(r"\banswer(?:\s*:|\s+is\b)", re.IGNORECASE)
END = re.compile(r"[\n!?]|\.(?![0-9])|\Z")
NUMBER = re.compile(r"(?:- *)?[0-9](?:[ ,]?[0-9])*")


def extract_answer(text: str) -> int | None:
    found = set()
    for begin in BEGIN.finditer(text):
        said = text[begin.end() : END.search(text, begin.end()).start()]
        numbers = NUMBER.findall(said)
        if len(numbers) != 1 or "." in said:
            return None
        found.add(int(re.sub(r"[ ,]", "", numbers[0])))
    return found.pop() if len(found) == 1 else None


# %% wrong: skips_an_answer_without_a_number
# "A reply may give its answer several times: each has to be good, and all have to be the same number."
# an answer in which no number stands ("The answer is as follows.") is passed over, where it should spoil the reply
def extract_answer(text: str) -> int | None:
    answers = re.findall(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", text, flags=re.IGNORECASE)
    found = set()
    for answer in answers:
        if "." in answer:
            return None
        numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", answer)
        if len(numbers) > 1:
            return None
        found.update(int(re.sub("[ ,]", "", number)) for number in numbers)
    return found.pop() if len(found) == 1 else None


# %% wrong: split_at_the_openings
# "no other begins within it"
# cuts the text at every opening, so that a second "answer is" inside an answer begins one of its own
def extract_answer(text: str) -> int | None:
    found = set()
    for opened in re.split(r"\banswer(?:\s*:|\s+is\b)", text, flags=re.IGNORECASE)[1:]:
        body = re.split(r"[\n!?]|\.(?![0-9])", opened, maxsplit=1)[0]
        numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", body)
        if len(numbers) != 1 or "." in body:
            return None
        found.add(int(re.sub(r"[ ,]", "", numbers[0])))
    return found.pop() if len(found) == 1 else None


# %% wrong: line_by_line
# "with any white space in front of the colon or the "is""
# reads each line by itself, so a line break in front of the colon or the "is" hides the answer
def extract_answer(text: str) -> int | None:
    opening = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[!?]|\.(?![0-9])|\Z)", re.IGNORECASE)
    values = set()
    for line in text.split("\n"):  # an answer ends with its line
        for body in opening.findall(line):
            numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", body)
            if len(numbers) != 1 or "." in body:
                return None
            values.add(int(numbers[0].replace(" ", "").replace(",", "")))
    return values.pop() if len(values) == 1 else None


# %% wrong: any_white_space_between_digits
# "A number is digits, 0 to 9, with one space or one comma at most between any two of them"
# takes a tab or a no-break space between two digits for a space: \s in place of " "
def extract_answer(text: str) -> int | None:
    answers = re.findall(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", text, flags=re.IGNORECASE)
    values = set()
    for body in answers:
        numbers = re.findall(r"(?:- *)?[0-9](?:[\s,]?[0-9])*", body)
        if "." in body or len(numbers) != 1:
            return None
        values.add(int(re.sub(r"[\s,]+", "", numbers[0])))
    return values.pop() if len(values) == 1 else None


# %% wrong: spelled_alike
# "each has to be good, and all have to be the same number"
# compares the cleaned strings, so 007 and 7, or -0 and 0, are two answers
def extract_answer(text: str) -> int | None:
    pattern = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", re.IGNORECASE)
    spelled = set()
    for match in pattern.finditer(text):
        body = match[1]
        numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", body)
        if "." in body or len(numbers) != 1:
            return None
        spelled.add(numbers[0].translate(str.maketrans("", "", " ,")))
    if len(spelled) != 1:
        return None
    return int(spelled.pop())


# %% wrong: the_end_eats_a_letter
# "A reply may give its answer several times: each has to be good, and all have to be the same number."
# the full stop's end consumes the character behind it; an "Answer:" right behind the stop loses its A and is overlooked
def extract_answer(text: str) -> int | None:
    pattern = re.compile(r"\banswer(?:\s*:|\s+is\b)(.*?)(?:[\n!?]|\.(?:[^0-9]|\Z)|\Z)", re.IGNORECASE)
    values = set()
    for body in pattern.findall(text):
        numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", body)
        if "." in body or len(numbers) != 1:
            return None
        values.add(int(re.sub(r"[ ,]", "", numbers[0])))
    return values.pop() if len(values) == 1 else None


# %% wrong: hyphen_of_a_word_is_no_minus
# breaks: "a "-" in front belongs to it, with spaces between or without."
# how: takes a "-" right behind a letter or digit for a hyphen: "answer: x-7" gives 7, not -7
def extract_answer(text: str) -> int | None:
    number = re.compile(r"(?:(?<!\w)- *)?[0-9](?:[ ,]?[0-9])*")  # a minus, not the hyphen of a word
    answers = re.findall(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", text, re.IGNORECASE)
    values = []
    for answer in answers:
        numbers = number.findall(answer)
        if len(numbers) != 1 or "." in answer:
            return None
        values.append(int(numbers[0].translate({ord(" "): None, ord(","): None})))
    return values[0] if values and values.count(values[0]) == len(values) else None


# %% right: letter_by_letter
# no regular expression at all: an index that walks over the text, and a small automaton for the numbers
def _word(letter: str) -> bool:
    return letter == "_" or letter.isalnum()


def _behind_beginning(text: str, i: int) -> int | None:
    if i and _word(text[i - 1]):
        return None
    for small in "answer":
        if text[i : i + 1] not in (small, small.upper()):
            return None
        i += 1
    j = i
    while j < len(text) and text[j].isspace():
        j += 1
    if text[j : j + 1] == ":":
        return j + 1
    if j > i and text[j : j + 1] in ("i", "I") and text[j + 1 : j + 2] in ("s", "S"):
        if j + 2 == len(text) or not _word(text[j + 2]):
            return j + 2
    return None


def extract_answer(text: str) -> int | None:
    digits = "0123456789"
    place, answer, seen = 0, 0, False
    while place < len(text):
        behind = _behind_beginning(text, place)
        if behind is None:
            place += 1
            continue
        place, count, value, sign = behind, 0, 0, 1
        minus, gap, is_open, good = False, "", False, True
        while place < len(text):
            letter, following = text[place], text[place + 1 : place + 2]
            if letter in "\n!?" or (letter == "." and not (following and following in digits)):
                break
            if letter in digits:
                if is_open and gap in ("", " ", ","):
                    value = value * 10 + ord(letter) - 48
                else:
                    count, value, sign, is_open = count + 1, ord(letter) - 48, -1 if minus else 1, True
                gap, minus = "", False
            else:
                gap = (gap + letter)[:2]
                minus = letter == "-" or (minus and letter == " ")
                good = good and letter != "."
            place += 1
        if not good or count != 1 or (seen and sign * value != answer):
            return None
        seen, answer = True, sign * value
    return answer if seen else None


# %% right: words_first
# cuts the text into words, white space and signs, and looks for the answers among those; numbers are what is left between all else
def extract_answer(text: str) -> int | None:
    pieces = re.findall(r"\n|[^\S\n]+|\w+|[^\w\s]", text)
    answers: list[str] = []
    i = 0
    while i < len(pieces):
        if pieces[i].lower() != "answer":
            i += 1
            continue
        j = i + 1
        while j < len(pieces) and pieces[j].isspace():
            j += 1
        colon = j < len(pieces) and pieces[j] == ":"
        verb = i + 1 < j < len(pieces) and pieces[j].lower() == "is"
        if not (colon or verb):
            i += 1
            continue
        i, said = j + 1, []
        while i < len(pieces):
            follows = pieces[i + 1][0] if i + 1 < len(pieces) else " "
            if pieces[i] in ("\n", "!", "?") or (pieces[i] == "." and not "0" <= follows <= "9"):
                break
            said.append(pieces[i])
            i += 1
        answers.append("".join(said))

    values = []
    for answer in answers:
        closed_up = re.sub(r"(?<=[0-9])[ ,](?=[0-9])", "", answer)
        runs = [run for run in re.split("[^0-9]+", closed_up) if run]
        if len(runs) != 1 or closed_up.count("."):
            return None
        front = closed_up[: closed_up.index(runs[0])].rstrip(" ")
        values.append((-1) ** front.endswith("-") * int(runs[0]))
    return values[0] if values and values.count(values[0]) == len(values) else None


# %% right: a_reader_with_one_finger
# no regular expression: goes through the text character by character
def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _behind_opening(text: str, i: int) -> int:
    """Where an answer begins whose word "answer" stands at i, or -1."""
    if text[i : i + 6].lower() != "answer" or (i and _word(text[i - 1])):
        return -1
    j = i + 6
    while j < len(text) and text[j].isspace():
        j += 1
    if text[j : j + 1] == ":":
        return j + 1
    if j > i + 6 and text[j : j + 2].lower() == "is" and not (j + 2 < len(text) and _word(text[j + 2])):
        return j + 2
    return -1


def _ends(text: str, j: int) -> bool:
    if text[j] == ".":
        return text[j + 1 : j + 2] not in tuple("0123456789")
    return text[j] in "\n!?"


def _only_number(body: str) -> int | None:
    if "." in body:
        return None
    value, n_numbers, j = None, 0, 0
    while j < len(body):
        if body[j] not in "0123456789":
            j += 1
            continue
        before = body[:j].rstrip(" ")
        sign = -1 if before.endswith("-") else 1
        number = ord(body[j]) - 48
        while True:
            if body[j + 1 : j + 2] in tuple("0123456789"):
                j += 1
            elif body[j + 1 : j + 2] in (" ", ",") and body[j + 2 : j + 3] in tuple("0123456789"):
                j += 2
            else:
                break
            number = number * 10 + ord(body[j]) - 48
        value, n_numbers, j = sign * number, n_numbers + 1, j + 1
    return value if n_numbers == 1 else None


def extract_answer(text: str) -> int | None:
    answers, i = [], 0
    while i < len(text):
        begin = _behind_opening(text, i)
        if begin < 0:
            i += 1
            continue
        i = begin
        while i < len(text) and not _ends(text, i):
            i += 1
        answers.append(_only_number(text[begin:i]))
    if not answers or None in answers or any(value != answers[0] for value in answers[1:]):
        return None
    return answers[0]


# %% right: code_points_in_a_tensor
# the ends by comparing code points in tensors, the numbers by their first digits, recursion from answer to answer
def _bodies(text: str) -> list[str]:
    opening = re.search(r"\b[aA][nN][sS][wW][eE][rR](\s*:|\s+[iI][sS]\b)", text)
    if opening is None:
        return []
    # what stands in front is kept in sight of \b by cutting only behind the end
    tail = text[opening.end() :]
    codes = torch.tensor([*map(ord, tail), 0])
    digit = (codes >= 48) & (codes <= 57)
    stop = (codes == 10) | (codes == 33) | (codes == 63) | ((codes == 46) & ~digit.roll(-1))
    stop[-1] = True
    length = int(stop.nonzero()[0])
    return [tail[:length], *_bodies(" " + tail[length:])]


def extract_answer(text: str) -> int | None:
    values: list[int] = []
    for body in _bodies(text):
        codes = torch.tensor([0, 0, *map(ord, body)])
        digit = (codes >= 48) & (codes <= 57)
        joint = (codes == 32) | (codes == 44)
        goes_on = digit.roll(1) | (joint.roll(1) & digit.roll(2))
        starts = (digit & ~goes_on).nonzero().flatten().tolist()
        if len(starts) != 1 or (codes == 46).any():
            return None
        figures = [int(code) - 48 for code in codes[digit]]
        value = 0
        for figure in figures:
            value = 10 * value + figure
        front = body[: starts[0] - 2]
        while front[-1:] == " ":
            front = front[:-1]
        values.append(-value if front[-1:] == "-" else value)
    return values[0] if values and max(values) == min(values) else None
