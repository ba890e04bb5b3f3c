"""One submission in a sandbox: run and judged, and once more where a fault in one exercise would cost another.

An exercise that calls an earlier one is first judged on top of the learner's own. Where it loses points, and an earlier
one that it calls does too, it is judged again on top of what the grader gives in the place of that one. It keeps the
better verdict, which names what was given.
"""

import time
from dataclasses import replace
from threading import Lock
from typing import Any

from autograder.checking.judge import Verdict, judge
from autograder.checking.topic import Topic
from autograder.grading.outcome import judge_all
from autograder.sandbox import masking
from autograder.sandbox.host import Sandbox, Seen

JUDGING = Lock()  # judging sets PyTorch's global modes, and the threads of a process share them


def attempt(
    room: Sandbox, topic: Topic, cells: list[dict[str, Any]], exercises: list[str], seed: int
) -> tuple[Seen, list[Verdict]]:
    """What was seen of a submission in its first run, and the verdict on each of its exercises.

    The runs with something given may take as long as the first one may, all together.
    """
    seen = room.run(cells, seed)
    with JUDGING:
        verdicts = {verdict.exercise: verdict for verdict in judge_all(topic, seen, exercises, seed)}
    end = time.monotonic() + 2 * room.limits.by_the_clock
    for name, verdict in verdicts.items():
        given = _faulty(topic, cells, name, verdicts) if verdict.earned < verdict.points else []
        if given and time.monotonic() < end:
            observations = room.run_with(cells, seed, name, given, end)
            with JUDGING:
                again = judge(topic, topic.exercises[name], observations, seed)
            if again.earned > verdict.earned:
                verdicts[name] = replace(again, given=tuple(given))
    return seen, list(verdicts.values())


def _faulty(topic: Topic, cells: list[dict[str, Any]], name: str, verdicts: dict[str, Verdict]) -> list[str]:
    """The earlier exercises that one calls, itself or through others, which lost points and have a stand-in.

    None where the exercise itself is not written.
    """
    if _is_reference(verdicts[name]) or masking.is_unwritten(cells, name):
        return []
    called, above = masking.called(cells, name), topic.order[: topic.order.index(name)]
    lost = [each for each in above if each in called and each in verdicts]
    lost = [each for each in lost if verdicts[each].earned < verdicts[each].points]
    return [each for each in lost if topic.exercises[each].stand_in is not None and not _is_reference(verdicts[each])]


def _is_reference(verdict: Verdict) -> bool:
    return any(check.outcome == "reference" for check in verdict.checks)
