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


# %% wrong: the_village_encodes
# "`encode` is the tokenizer, which makes tokens of a text."
# The tokenizer that is given is ignored: the village's is called.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens = [END]
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks:
                words = village.encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
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


# %% wrong: no_reply_to_itself
# "With `reply` the mark of the assistant follows, where it is to go on."
# Only behind a user's message; behind the assistant's own the mark is left out.
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
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
    return tokens + [ASSISTANT] if reply and role == "user" else tokens


# %% wrong: turns_must_alternate
# "`<end>`, then for each message its role's mark, its words and a line break."
# A conversation in which the same one speaks twice in a row is refused, although nothing forbids it.
def render_chat(messages: Sequence[Message], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    marks = {"user": USER, "assistant": ASSISTANT}
    tokens, last = [END], None
    for i, message in enumerate(messages, 1):
        match message:
            case {"role": str(role), "content": str(content)} if role in marks and role != last:
                words = encode(content)
            case _:
                raise ValueError(f"message {i}, {message!r}, is none, or out of turn")
        if not words or MARKS & set(words):
            raise ValueError(f"message {i} is empty, or holds a mark or a line break")
        tokens += [marks[role], *words, NEWLINE]
        last = role
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
