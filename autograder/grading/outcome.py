"""What a run in the sandbox comes to: verdicts, what the recorded notebook shows of it, and what a person should know.

Plain data goes in and comes out, so that it can be done on whichever machine the sandbox is on.
"""

from typing import Any

import nbformat
from pydantic import TypeAdapter

from autograder.checking.display import as_html, number
from autograder.checking.judge import BLANK, CheckVerdict, Verdict, judge, without_points
from autograder.checking.topic import Topic
from autograder.grading.nbgrader_hooks import score_output
from autograder.grading.reasons import Reason, in_order, reason_of
from autograder.sandbox.host import Seen

VERDICTS = TypeAdapter(list[Verdict])  # as the journal has them


def judge_all(topic: Topic, seen: Seen, exercises: list[str], seed: int) -> list[Verdict]:
    """The verdicts on one submission's exercises, from what came out of the sandbox."""
    verdicts = []
    for name in exercises:
        exercise = topic.exercises[name]
        if name in seen.references:
            reason = "The reference was imported here; it earns no points."
            verdicts.append(without_points(exercise, "reference", reason))
        else:
            verdicts.append(judge(topic, exercise, seen.observations.get(name, {}), seed))
    return verdicts


def outputs_of(cells: list[dict[str, Any]], seen: Seen, verdicts: list[Verdict]) -> dict[str, list[dict]]:
    """The outputs that the recorded notebook shows, by cell id: verdicts without values, text and errors."""
    by_name = {verdict.exercise: verdict for verdict in verdicts}
    outputs: dict[str, list[dict]] = {}
    for index, cell in enumerate(cells):
        if cell["exercise"]:
            verdict = by_name[cell["exercise"]]
            outputs[cell["id"]] = [score_output(number(verdict.earned), html=as_html(verdict, values=False))]
        else:
            lines = [seen.texts.get(index, ""), seen.errors.get(index, "")]
            if text := "\n".join(line for line in lines if line):
                outputs[cell["id"]] = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return outputs


def remarks_on(seen: Seen) -> list[str]:
    """What a person should know of a run, beside the verdicts: what was stopped, or ended the process."""
    stopped = _stopped(seen)
    words = [f"{len(stopped)} of its cells failed, the first with {stopped[0]}"] if stopped else []
    return words + ([seen.ending] if seen.ending != "whole" else [])


def reasons_of(seen: Seen, verdicts: list[Verdict]) -> list[Reason]:
    """The codes of all that failed in a run, and of all that earned nothing."""
    words = [*_stopped(seen), *([seen.ending] if seen.ending != "whole" else [])]
    checks = [check for verdict in verdicts for check in verdict.checks if check.outcome != "passed"]
    return in_order([*map(reason_of, words), *map(_reason_of_check, checks)])


def _stopped(seen: Seen) -> list[str]:
    """The errors of cells, but for those that say no more than that an exercise is blank."""
    return [error for error in seen.errors.values() if not error.startswith(("NotImplementedError", "NameError"))]


def _reason_of_check(check: CheckVerdict) -> Reason:
    if check.reason == BLANK:
        return Reason.MISSING
    if check.outcome == "raised" and (reason := reason_of(f"{check.reason} {check.detail}")) is not Reason.FAILED:
        return reason
    return Reason.WRONG if check.outcome == "holds" else Reason(check.outcome)
