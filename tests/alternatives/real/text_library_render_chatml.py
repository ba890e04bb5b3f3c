"""`render_chatml` by the library jinja2, from the template that is published with the model."""

import re

import jinja2

from solutions.real import END, START, SYSTEM

TEMPLATE = """\
{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ start + 'system\n' + system + end
+ '\n' }}{% endif %}{{ start + message['role'] + '\n' + message['content'] + end + '\n' }}{% endfor %}{% if reply %}{{
start + 'assistant\n' }}{% endif %}"""


def render_chatml(messages, reply=True):
    marks = re.compile("|".join(map(re.escape, (START, END))))
    if not messages or any(marks.search(message["content"]) for message in messages):
        raise ValueError("no message, or a mark in one")
    if {message["role"] for message in messages} - {"system", "user", "assistant"}:
        raise ValueError("an unknown role")
    compiled = jinja2.Template(TEMPLATE, keep_trailing_newline=True)
    return compiled.render(messages=messages, reply=reply, start=START, end=END, system=SYSTEM)
