# %% wrong: a_system_anywhere_will_do
# "Where the first is not of the role "system""
# a system message further down keeps the default away
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"], message["content"]) for message in messages]
    if "system" not in dict(turns):
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content or END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: replies_to_others_alone
# "With `reply` the beginning of the assistant's message follows"
# not where the assistant has spoken last
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"], message["content"]) for message in messages]
    if turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content or END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply and turns[-1][0] != "assistant":
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: looks_at_users_alone
# "a content that holds `START` or `END`"
# the system and the assistant are trusted
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"], message["content"]) for message in messages]
    if turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if role == "user" and (START in content or END in content):
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: one_mark_is_harmless
# "a content that holds `START` or `END`"
# one of them alone passes
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"], message["content"]) for message in messages]
    if turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content and END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: a_prompt_without_a_message
# "Raises ValueError for an empty conversation"
# an empty conversation is the default system message
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    turns = [(message["role"], message["content"]) for message in messages]
    if not turns or turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content or END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: trims_the_content
# "its content as it is"
# line breaks at its end are lost
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"], message["content"]) for message in messages]
    if turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content or END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content.rstrip()}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% wrong: roles_in_any_letters
# "a role that is none of "system", "user" and "assistant""
# takes User for user
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if len(messages) == 0:
        raise ValueError("nobody has said anything")
    turns = [(message["role"].lower(), message["content"]) for message in messages]
    if turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    lines = []
    for role, content in turns:
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"no such role: {role}")
        if START in content or END in content:
            raise ValueError("a mark in a message")
        lines.append(f"{START}{role}\n{content}{END}\n")
    if reply:
        lines.append(f"{START}assistant\n")
    return "".join(lines)


# %% right: line_by_line
# written from the end of each message to the next
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    if not messages:
        raise ValueError("an empty conversation")
    text = "" if messages[0]["role"] == "system" else "\n".join([f"{START}system", f"{SYSTEM}{END}", ""])
    for message in messages:
        forged = re.search(r"<\|im_(start|end)\|>", message["content"])
        if message["role"] not in {"system", "user", "assistant"} or forged:
            raise ValueError(f"this cannot be said: {message}")
        text = "".join([text, START, message["role"], "\n", message["content"], END, "\n"])
    return text + reply * f"{START}assistant\n"


# %% right: by_one_format
# one format for all, and a count of marks
def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    said = list(messages)
    if said[:1] == []:
        raise ValueError("empty")
    default = [] if said[0]["role"] == "system" else [{"role": "system", "content": SYSTEM}]
    for one in said:
        if ["system", "user", "assistant"].count(one["role"]) != 1:
            raise ValueError("role")
        if one["content"].count(START) + one["content"].count(END):
            raise ValueError("mark")
    whole = "".join("{0}{2}\n{3}{1}\n".format(START, END, one["role"], one["content"]) for one in default + said)
    return whole + (START + "assistant" + "\n") if reply else whole
