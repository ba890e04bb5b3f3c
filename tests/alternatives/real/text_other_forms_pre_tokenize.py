"""A right solution in another form: runs of one kind of signs, whose neighbours then hand signs to each other."""

import re
import unicodedata
from itertools import groupby


def kind(sign):
    if sign.isspace() and not "\x1c" <= sign <= "\x1f":
        return "white"
    return {"L": "letters", "N": "number"}.get(unicodedata.category(sign)[0], "signs")


def pre_tokenize(text):
    runs = [(which, "".join(run)) for which, run in groupby(text, kind)]
    pieces = []
    for place, (which, run) in enumerate(runs):
        follows = runs[place + 1][0] if place + 1 < len(runs) else "number"
        if which == "number":
            pieces += run
        elif which == "white" and follows != "number":
            pieces += filter(None, [run[:-1], run[-1]])
        elif pieces and pieces[-1] == " " and runs[place - 1][0] == "white" and which != "white":
            pieces[-1] += run
        elif which == "letters" and pieces and pieces[-1] == "'":
            ending = re.match("[stdm]|ll|re|ve", run)  # of a contraction, whose apostrophe stands alone
            pieces[-1:] = ["'" + ending[0], run[ending.end() :]] if ending else ["'", run]
            pieces = pieces if pieces[-1] else pieces[:-1]
        else:
            pieces.append(run)
    return pieces
