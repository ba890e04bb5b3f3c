# %% wrong: anything_may_be_said
# "What a message says is only words: a mark or a line break in it is refused"
# Messages are encoded as they are, and nobody asks what they hold, so that a message can hold any mark.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": "user" | "assistant" as role, "content": str(content)} if content.strip():
                tokens += [USER if role == "user" else ASSISTANT, *encode(content), NEWLINE]
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
    return tokens + [ASSISTANT] * reply


# %% wrong: trimmed_first
# "a message that is empty or holds a line break"
# White space at the ends of a message is taken away first, so that a line break there is let through.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = encode(content.strip())
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: only_users_are_asked
# "since whoever writes one could speak for somebody else."
# Only the user's messages are asked about marks and line breaks: the assistant's may hold them.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or (role == "user" and MARKS & set(words)):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: mask_is_let_through
# "one of the marks <end>, <mask>, <user>, <assistant>"
# The mark <mask> is forgotten.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or {END, USER, ASSISTANT, NEWLINE} & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: marks_taken_out
# "and whatever else it holds is refused."
# Marks and line breaks are taken out of a message, and the rest is kept.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = [token for token in encode(content) if token not in MARKS]
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words:
            raise ValueError(f"message {i} is empty")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: spaces_are_a_message
# "a message of nothing but spaces has no tokens"
# Only the empty text is refused: a message of spaces becomes a mark and a line break.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks and content:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if MARKS & set(words):
            raise ValueError(f"message {i} holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: a_key_error_for_a_role
# "A role that is looked up in a dictionary ends in a KeyError where it is not there: ask first"
# Nobody asks first.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)}:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: other_roles_passed_over
# "a role that is not in `ROLES`"
# A message of another role, such as "system", is left out without a word.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)}:
                if role not in marks:
                    continue
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: asks_the_text_only
# "Look at the tokens and not at the text: `MARKS & set(encode(...))` is empty for honest words"
# Looks for the marks as they are spelt here, and not for what the tokenizer makes of other spellings.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or any(mark in content for mark in SPELT):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: unknown_words_left_out
# "and as `encode` raises it, for words that it does not know."
# Words that the tokenizer refuses are left out.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                try:
                    words = encode(content)
                except ValueError:
                    words = []
                    for word in content.split(" "):
                        try:
                            words += encode(word)
                        except ValueError:
                            pass
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: the_last_message_is_looked_at
# "a mark or a line break in it is refused, whoever says it"
# Only the newest message is looked through; the ones before it are taken as they are.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": "user" | "assistant" as role, "content": str(content)}:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or (i == len(messages) and MARKS & set(words)):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [USER if role == "user" else ASSISTANT, *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% wrong: what_is_no_message_ends_anyhow
# "Raises ValueError for an empty conversation, a message that is no mapping with a text for "role" and for "content""
# Nobody looks whether the two keys are there.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    tokens = [END]
    for message in messages:
        role, words = message["role"], encode(message["content"])
        if role not in ROLES or not words or MARKS & set(words):
            raise ValueError("no such role, or the message is empty or holds a mark or a line break")
        tokens += [USER if role == "user" else ASSISTANT, *words, NEWLINE]
    return tokens + [ASSISTANT] * reply


# %% right: written_by_a_generator
# Each message gives its tokens one by one; what is wrong with it is found on the way.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")

    def spoken():
        yield END
        for message in messages:
            if not isinstance(message, Mapping) or not all(isinstance(message.get(k), str) for k in ("role", "content")):
                raise ValueError(f"{message!r} has no text for role and content")
            role, text = message["role"], message["content"]
            if role == "user":
                yield USER
            elif role == "assistant":
                yield ASSISTANT
            else:
                raise ValueError(f"the role {role!r} is none of {sorted(ROLES)}")
            n = 0
            for n, token in enumerate(encode(text), 1):
                if token in (END, MASK, USER, ASSISTANT, NEWLINE):
                    raise ValueError(f"{text!r} holds a mark or a line break")
                yield token
            if n == 0:
                raise ValueError("a message is empty")
            yield NEWLINE
        if reply:
            yield ASSISTANT

    return list(spoken())


# %% right: arrays_end_to_end
# All is checked first, and then arrays are laid end to end.
import numpy


def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("an empty conversation")
    heads = {name: {"<user>": USER, "<assistant>": ASSISTANT}[mark] for name, mark in ROLES.items()}
    parts = [[END]]
    for message in messages:
        try:
            role, content = message["role"], message["content"]
        except (KeyError, TypeError, IndexError):
            raise ValueError(f"{message!r} is no message") from None
        if type(role) is not str or type(content) is not str:
            raise ValueError(f"{message!r} is no message")
        if role not in heads:
            raise ValueError(f"nobody has the role {role!r}")
        words = numpy.array(encode(content), dtype=numpy.int64)
        if words.size == 0 or numpy.isin(words, list(MARKS)).any():
            raise ValueError(f"{content!r} is empty or says more than words")
        parts += [[heads[role]], words, [NEWLINE]]
    if reply:
        parts.append([ASSISTANT])
    return numpy.concatenate(parts).astype(int).tolist()


# %% wrong: marks_sought_in_the_text
# "a message that has no words or holds a line break or one of the marks <end>, <mask>, <user>, <assistant>"
# Looks for the marks as they are spelt in the text, so `<USER>` passes, though `encode` makes the mark of it.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"there is no role {role!r}")
        if not content.strip():
            raise ValueError("a message has no words")
        if any(mark in content for mark in SPELT):
            raise ValueError(f"{content!r} holds a mark or a line break")
        tokens += [USER if role == "user" else ASSISTANT, *encode(content), NEWLINE]
    return [*tokens, ASSISTANT] if reply else tokens


# %% wrong: mask_is_let_through_too
# "a message that has no words or holds a line break or one of the marks <end>, <mask>, <user>, <assistant>"
# Refuses the four marks that a conversation uses, and lets <mask> pass.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        if message["role"] not in ROLES:
            raise ValueError(f"there is no role {message['role']!r}")
        words = encode(message["content"])
        if not words or {END, USER, ASSISTANT, NEWLINE} & set(words):
            raise ValueError(f"{message['content']!r} is not only words")
        tokens += [marks[message["role"]], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: line_break_at_the_edge_stripped
# "a mark or a line break in it is refused, whoever says it, since it could speak for somebody else"
# Strips the content first, so a line break at its beginning or end is dropped in silence instead of refused.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"].strip()
        if role not in marks:
            raise ValueError(f"there is no role {role!r}: choose one of {', '.join(ROLES)}")
        words = encode(content)
        if not words or not MARKS.isdisjoint(words):
            raise ValueError(f"{content!r} is not only words")
        tokens.append(marks[role])
        tokens.extend(words)
        tokens.append(NEWLINE)
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: only_users_are_refused
# "a mark or a line break in it is refused, whoever says it"
# Trusts the assistant: what it says is not searched for marks and line breaks.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"there is no role {role!r}")
        words = encode(message["content"])
        if not words:
            raise ValueError("a message has no words")
        if role == "user" and MARKS & set(words):
            raise ValueError("a user's message holds a mark or a line break: it could answer in the assistant's place")
        tokens += [USER if role == "user" else ASSISTANT] + words + [NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: role_in_any_case
# "Raises ValueError for [...] a role that is not in `ROLES`"
# Lowers and strips the role first, so `User` and ` assistant ` are taken for roles.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        mark = marks.get(message["role"].strip().lower())
        if mark is None:
            raise ValueError(f"there is no role {message['role']!r}")
        words = encode(message["content"])
        if not words or any(word in MARKS for word in words):
            raise ValueError(f"{message['content']!r} is not only words")
        tokens += [mark, *words, NEWLINE]
    return tokens + [ASSISTANT] * bool(reply)


# %% wrong: tidies_the_given_messages
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Writes the content without the spaces around it back into the caller's dictionary.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        if message["role"] not in ROLES:
            raise ValueError(f"there is no role {message['role']!r}")
        if "\n" in message["content"]:
            raise ValueError("a message holds a line break")
        if message["content"] != message["content"].strip():
            message["content"] = message["content"].strip()
        words = encode(message["content"])
        if not words or MARKS & set(words):
            raise ValueError(f"{message['content']!r} is not only words")
        tokens += [USER if message["role"] == "user" else ASSISTANT, *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: writes_into_what_encode_gave
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Puts mark and line break into the very list that `encode` returned: a tokenizer that remembers its answers is spoilt.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        if message["role"] not in ROLES:
            raise ValueError(f"there is no role {message['role']!r}")
        words = encode(message["content"])
        if not words or MARKS & set(words):
            raise ValueError(f"{message['content']!r} is not only words")
        words.insert(0, USER if message["role"] == "user" else ASSISTANT)
        words.append(NEWLINE)
        tokens.extend(words)
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: any_angle_bracket_refused
# "A message is only words: a mark or a line break in it is refused"
# Refuses every `<` or `>`, also where the tokenizer has a word with it that is no mark (`2 < 3`).
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"there is no role {role!r}")
        if "<" in content or ">" in content:
            raise ValueError(f"{content!r} may hold a mark")
        words = encode(content)
        if not words or MARKS & set(words):
            raise ValueError(f"{content!r} is not only words")
        tokens += [USER if role == "user" else ASSISTANT, *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: encode_errors_reworded
# "and as `encode` raises it, for words that it does not know"
# Catches the tokenizer's ValueError and raises another in its place, so that its message does not come through.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for message in messages:
        if message["role"] not in ROLES:
            raise ValueError(f"there is no role {message['role']!r}")
        try:
            words = encode(message["content"])
        except ValueError:
            raise ValueError("a message cannot be encoded") from None
        if not words or MARKS & set(words):
            raise ValueError(f"{message['content']!r} is not only words")
        tokens += [USER if message["role"] == "user" else ASSISTANT, *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% right: numpy_and_two_passes
# Checks all in a first pass, joins arrays in a second, and makes a list of Python's whole numbers at the end.
import numpy as np


def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    numbers = dict(zip(ROLES, (USER, ASSISTANT)))
    spoken = []
    for message in messages:
        if message["role"] not in numbers:
            raise ValueError(f"unknown role {message['role']!r}")
        words = np.asarray(encode(message["content"]), dtype=np.int64)
        if words.size == 0 or np.isin(words, sorted(MARKS)).any() or message["content"].isspace():
            raise ValueError(f"{message['content']!r} has no words, or more than words")
        spoken.append(np.concatenate([[numbers[message["role"]]], words, [NEWLINE]]))
    return np.concatenate([[END], *spoken, [ASSISTANT] * int(reply)]).astype(int).tolist()


# %% right: recursion_from_behind
# Renders all messages but the last by calling itself, then appends the last.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    *earlier, message = messages
    tokens = render_chat(earlier, encode) if earlier else [END]
    try:
        mark = [USER, ASSISTANT][list(ROLES).index(message["role"])]
    except ValueError:
        raise ValueError(f"there is no role {message['role']!r}: choose {' or '.join(ROLES)}") from None
    words = tuple(encode(message["content"]))
    if len(words) == 0 or sum(words.count(forbidden) for forbidden in MARKS):
        raise ValueError(f"{message['content']!r}: only words may be in a message, and one at least")
    return [*tokens, mark, *words, NEWLINE, *([ASSISTANT] if reply else [])]


# %% right: generator_and_sum
# A helper inside yields the tokens one by one; the text is looked at before the tokens are.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    def spoken() -> Iterator[int]:
        yield END
        for message in messages:
            role, content = message["role"], message["content"]
            if role == "user":
                yield USER
            elif role == "assistant":
                yield ASSISTANT
            else:
                raise ValueError(f"a {role!r} has no mark")
            if content.strip() == "":
                raise ValueError("somebody says nothing")
            if "\n" in content:
                raise ValueError("a message has one line")
            count = 0
            for word in encode(content):
                if word in (END, MASK, USER, ASSISTANT, NEWLINE):
                    raise ValueError(f"{content!r} holds a mark")
                count += 1
                yield word
            if count == 0:
                raise ValueError("somebody says nothing")
            yield NEWLINE
        if reply:
            yield ASSISTANT

    return list(spoken())


# %% wrong: encode_error_rewrapped
# "the very one that `encode` raises, for words that it does not know"
# raises a new ValueError from the one of encode
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        try:
            words = encode(content)
        except ValueError as error:
            raise ValueError(f"message {content!r} cannot be encoded: {error}") from error
        if not words:
            raise ValueError("a message without words")
        if MARKS & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: mask_mark_let_through
# "a message that [...] holds a line break or one of the marks <end>, <mask>, <user>, <assistant>"
# checks only the marks that the template itself writes, so <mask> passes
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if {END, USER, ASSISTANT, NEWLINE} & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% right: marks_sought_in_the_text_too
# "what is one of them is seen in its tokens"
# looks for the spelling in the lower-cased text, so a mark that encode makes of another spelling (&lt;, spaces, an alias) passes
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if any(mark in content.lower() for mark in SPELT):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: angle_bracket_refused
# "`<` alone is a word where it knows one"
# refuses every message with an angle bracket
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if MARKS & set(words) or "<" in content:
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: content_stripped
# "a message that has no words or holds a line break [is refused]; its words: `encode(message["content"])`"
# strips white space first, so a line break at the end of a message passes silently
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content.strip())
        if not words:
            raise ValueError("a message without words")
        if MARKS & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: only_the_user_is_checked
# "a mark or a line break in it is refused, whoever says it"
# trusts the assistant's messages
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if role == "user" and MARKS & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: role_in_any_case_too
# "Raises ValueError for [...] a role that is not in `ROLES`"
# accepts " User" and "ASSISTANT" by normalising the role
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"].strip().lower(), message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if MARKS & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: words_extended_in_place
# "A function of yours leaves what it is given as it was (here: the list that the tokenizer handed out)"
# appends the line break to the very list that encode returned; a tokenizer that caches its lists is spoilt
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        words = encode(content)
        if not words:
            raise ValueError("a message without words")
        if MARKS & set(words):
            raise ValueError("a message holds a mark or a line break")
        tokens.append(marks[role])
        words.append(NEWLINE)
        tokens.extend(words)
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% right: iterators_chained
# builds nested lists, checks with isdisjoint, numpy integers inside
import itertools

import numpy as np


def render_chat(messages, encode, reply=False):
    def turn(message):
        if message["role"] not in ROLES:
            raise ValueError("no such role: " + message["role"])
        words = np.array(list(encode(message["content"])), dtype=np.int64)
        if words.size == 0 or np.isin(words, sorted(MARKS)).any():
            raise ValueError("a message is words, and only words")
        return [USER if message["role"] == "user" else ASSISTANT] + words.tolist() + [NEWLINE]

    if len(messages) == 0:
        raise ValueError("nobody said anything")
    for message in messages:
        if not isinstance(message, Mapping) or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise ValueError("not a message")
    return list(itertools.chain([END], *map(turn, messages), [ASSISTANT] * bool(reply)))


# %% right: vocabulary_looked_up
# encodes all first and checks the role last; marks by their spelling in the vocabulary; encode is called twice for a message
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("empty")
    for message in messages:
        if not (isinstance(message, Mapping) and isinstance(message.get("role"), str) and isinstance(message.get("content"), str)):
            raise ValueError("no message")
    tokens = (END,)
    for message in messages:
        if any(token in MARKS for token in encode(message["content"])):
            raise ValueError("mark or line break inside")
        words = tuple(encode(message["content"]))
        if words == ():
            raise ValueError("no words")
        mark = ROLES.get(message["role"])
        if mark is None:
            raise ValueError("role")
        tokens = tokens + (village.VOCABULARY.index(mark),) + words + (NEWLINE,)
    return list(tokens + ((ASSISTANT,) if reply else ()))


# %% wrong: trusts_the_assistant
# "a mark or a line break in it is refused, whoever says it, since it could speak for somebody else."
# an assistant's message "Otto.\n<user> why": rendered instead of refused
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for i, message in enumerate(messages, 1):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"message {i}: there is no role {role!r}, only {list(ROLES)}")
        words = list(encode(message["content"]))
        if not words:
            raise ValueError(f"message {i} has no words")
        if role == "user" and MARKS.intersection(words):  # nobody else could forge anything
            raise ValueError(f"message {i} holds a mark or a line break")
        tokens += [USER if role == "user" else ASSISTANT, *words, NEWLINE]
    return tokens + [ASSISTANT] if reply else tokens


# %% wrong: says_which_message
# "and the very one that `encode` raises, for words that it does not know."
# a word that encode does not know: another ValueError arrives, not the object that encode raised
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for i, message in enumerate(messages, 1):
        if message["role"] not in ROLES:
            raise ValueError(f"message {i}: there is no role {message['role']!r}")
        try:
            words = encode(message["content"])
        except ValueError as error:
            raise ValueError(f"message {i}: {error}") from error
        if not words:
            raise ValueError(f"message {i} has no words")
        if not MARKS.isdisjoint(words):
            raise ValueError(f"message {i} holds a mark or a line break")
        tokens.append(ASSISTANT if message["role"] == "assistant" else USER)
        tokens.extend(words)
        tokens.append(NEWLINE)
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: writes_into_the_words
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a tokenizer that keeps what it has encoded (lru_cache), and the same text twice: its list has grown a line break, so the second is refused
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    tokens = [END]
    for i, message in enumerate(messages, 1):
        if message["role"] not in ROLES:
            raise ValueError(f"message {i}: there is no role {message['role']!r}")
        line = encode(message["content"])
        if not line:
            raise ValueError(f"message {i} has no words")
        if MARKS & set(line):
            raise ValueError(f"message {i} holds a mark or a line break")
        line.append(NEWLINE)
        tokens.append(USER if message["role"] == "user" else ASSISTANT)
        tokens += line
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% wrong: forgiving_roles
# "raises ValueError for ... another role than those in ROLES"
# the role "User" or "assistant ": rendered instead of refused
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        mark = marks.get(message["role"].strip().lower())
        if mark is None:
            raise ValueError(f"message {i}: there is no role {message['role']!r}")
        words = encode(message["content"])
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is not only words")
        tokens += [mark, *words, NEWLINE]
    if reply:
        tokens.append(ASSISTANT)
    return tokens


# %% right: chained_turns
import itertools


def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')

    def turn(message):
        if message["role"] not in ROLES:
            raise ValueError(f"{message['role']!r} is no role")
        if not message["content"].strip():
            raise ValueError("a message has no words")
        words = tuple(encode(message["content"]))
        if len(words) == 0 or any(word in MARKS for word in words):
            raise ValueError("a message is more, or less, than words")
        yield {"<user>": USER, "<assistant>": ASSISTANT}[ROLES[message["role"]]]
        yield from words
        yield NEWLINE

    return list(itertools.chain([END], *map(list, map(turn, messages)), [ASSISTANT] * bool(reply)))


# %% right: from_the_back
def render_chat(messages, encode, reply=False):
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(), "content": str()}:
                continue
        raise ValueError(f'message {i}, {message!r}, is no mapping with a text for "role" and for "content"')
    if not {message["role"] for message in messages} <= {"user", "assistant"}:
        raise ValueError("somebody who is neither the user nor the assistant speaks")
    if any(message["content"].isspace() or message["content"] == "" for message in messages):
        raise ValueError("somebody says nothing")
    encoded = [list(encode(message["content"])) for message in messages]
    if not all(encoded):
        raise ValueError("somebody says nothing")
    if MARKS & set().union(*map(set, encoded)):
        raise ValueError("a message holds a mark or a line break")

    tokens = [ASSISTANT] if reply else []  # written from its end to its beginning, and turned round
    while encoded:
        words = encoded.pop()
        tokens += [NEWLINE, *reversed(words), {"user": USER, "assistant": ASSISTANT}[messages[len(encoded)]["role"]]]
    return (tokens + [END])[::-1]
