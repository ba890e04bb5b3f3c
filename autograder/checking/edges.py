"""At which edges each exercise is asked, and why not at the others: `autograder/checks/README.md`, from the checks.

`python -m autograder.checking.edges` writes it.
"""

from autograder.checking.topic import CHECKS, EDGES, Topic, load, topics

PATH = CHECKS / "README.md"
HEAD = """# At which edges the checks ask

Written by `python -m autograder.checking.edges` from what each exercise's file says in `exercise.edges(...)`. Wrong
solutions differ from right ones at the edges, so each exercise is asked at each, or says why not:

{meanings}

Besides, every check of every exercise compares what it hands over before and after the call: numbers, lists, dicts,
tensors with their gradients, modules with their weights and modes.
"""


def page() -> str:
    """The whole page: for each topic a table, a mark where a check asks, a number where a reason stands below."""
    meanings = "\n".join(f"- **{edge}**: {meaning}" for edge, meaning in EDGES.items())
    return "\n".join([HEAD.format(meanings=meanings), *(_section(load(name)) for name in topics())])


def _section(topic: Topic) -> str:
    reasons: list[str] = []
    lines = [f"## {topic.name}", "", f"| exercise | {' | '.join(EDGES)} |", f"|---|{':-:|' * len(EDGES)}"]
    for name, exercise in topic.exercises.items():
        cells = [_cell(exercise.at_edges.get(edge, ""), reasons) for edge in EDGES]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)), ""])


def _cell(said: str, reasons: list[str]) -> str:
    """A mark for a check's name, the number of a reason for anything else."""
    if " " not in said:
        return "✓" if said else ""
    if said not in reasons:
        reasons.append(said)
    return str(reasons.index(said) + 1)


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
