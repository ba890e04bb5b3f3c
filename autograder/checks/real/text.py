"""What the exercises about text share: the marks, the plain signs, and a right way to cut a text into pieces."""

import re
import unicodedata

START, END = "<|im_start|>", "<|im_end|>"  # as the notebook gives them
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def simplify(text: str) -> str:
    """A plain sign for each sign of a text, as the notebook gives it."""

    def plain(sign: str) -> str:
        kind = unicodedata.category(sign)[0]
        if sign in " '" or (sign.isascii() and sign.isalpha()):
            return sign
        if kind in "LN":
            return "x" if kind == "L" else "0"
        return "\n" if sign.isspace() and sign not in "\x1c\x1d\x1e\x1f" else "!"

    return "".join(map(plain, text))


def pre_tokenize(text: str) -> list[str]:
    """The pieces of a text, numbers cut out first."""
    pieces, place = [], 0
    for stretch in re.findall("0|[^0]+", simplify(text)):
        for piece in re.findall(r"'(?:[stdm]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+|0", stretch):
            pieces.append(text[place : place + len(piece)])
            place += len(piece)
    return pieces
