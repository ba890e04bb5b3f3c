"""How a verdict reads: as HTML in a notebook and in feedback, as plain text everywhere else.

Every mark is a word and a sign, never a colour alone. With `values=False` (feedback after grading) what was
got and expected is left out, since the inputs were secret and stay so.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which loads PyTorch
    from autograder.checking.judge import CheckVerdict, Verdict

SIGNS = {
    "passed": ("✓", "passed"),
    "holds": ("≈", "holds"),
    "wrong": ("✗", "not yet"),
    "raised": ("!", "stopped"),
    "missing": ("?", "missing"),
    "reference": ("–", "reference"),
}
COLOURS = {
    "passed": "#009e73",
    "holds": "#56b4e9",
    "wrong": "#d55e00",
    "raised": "#d55e00",
    "missing": "#888",
    "reference": "#888",
}


def number(value: float) -> str:
    """Points as people write them: 1, 0.5, 1.25."""
    return f"{round(value, 4):g}"


def headline(verdict: Verdict) -> str:
    return f"{verdict.exercise}: {number(verdict.earned)} of {number(verdict.points)} points"


def looks_like(verdict: Verdict) -> str | None:
    """The sentence about the known mistake, or None."""
    if verdict.mistake is None:
        return None
    return f"This looks like “{verdict.mistake.replace('_', ' ')}”. {verdict.hint}"


def was_given(verdict: Verdict) -> str | None:
    """The sentence about earlier exercises in whose place right ones were used, or None."""
    if not verdict.given:
        return None
    names = " and ".join(verdict.given)
    verb, they = ("does", "a right one was") if len(verdict.given) == 1 else ("do", "right ones were")
    return f"{names} {verb} not pass yet; {they} used here instead."


def _common_reason(verdict: Verdict) -> str | None:
    """What is to be said once, where it is true of every check: nothing written yet, say."""
    said = {(check.reason, check.detail, check.difference) for check in verdict.checks}
    reason, *values = said.pop()
    return reason if not said and not any(values) else None


def _detail(check: CheckVerdict, verdict: Verdict, values: bool) -> str | None:
    """What is to be said of one check that failed."""
    if check.outcome == "passed" or _common_reason(verdict):
        return None
    if values and check.difference:
        where, got, expected = check.difference.where, check.difference.got, check.difference.expected
        return f"First difference at {where}: got {got}, expected {expected}."
    return f"{check.reason} {check.detail}" if values and check.detail else check.reason


def as_text(verdict: Verdict, values: bool = True) -> str:
    """The verdict for a terminal, a log, or a reader of plain text."""
    lines = [headline(verdict)]
    for check in verdict.checks:
        sign, word = SIGNS[check.outcome]
        lines.append(f"  {sign} {word:<9} {check.asks}")
        if detail := _detail(check, verdict, values):
            lines.append(f"              {detail}")
    lines += [f"  → {note}" for note in (_common_reason(verdict), looks_like(verdict), was_given(verdict)) if note]
    return "\n".join(lines)


def as_html(verdict: Verdict, values: bool = True) -> str:
    """The verdict as one HTML block: no script, no outside style, everything from a submission escaped.

    MathJax leaves it alone, since a formula can be a link that runs.
    """
    rows = []
    for check in verdict.checks:
        sign, word = SIGNS[check.outcome]
        colour = COLOURS[check.outcome]
        detail = _detail(check, verdict, values)
        detail = f"<div style='opacity:.85'>{escape(detail)}</div>" if detail else ""
        rows.append(
            f"<tr><td style='white-space:nowrap;text-align:left;vertical-align:top;border-left:4px solid {colour};"
            f"padding:.3em .8em'><span aria-hidden='true'>{sign}</span> {word}</td>"
            f"<td style='text-align:left;padding:.3em .8em'>{escape(check.asks)}{detail}</td></tr>"
        )
    notes = [note for note in (_common_reason(verdict), looks_like(verdict), was_given(verdict)) if note]
    note = "".join(f"<p style='margin:.5em 0 0'><strong>→</strong> {escape(note)}</p>" for note in notes)
    return (
        f"<div class='tex2jax_ignore mathjax_ignore' role='group' aria-label='{escape(headline(verdict))}' "
        "style='max-width:60em'>"
        f"<p style='margin:0 0 .4em'><strong>{escape(headline(verdict))}</strong></p>"
        f"<table style='border-collapse:collapse;margin:0'><tbody>{''.join(rows)}</tbody></table>{note}</div>"
    )
