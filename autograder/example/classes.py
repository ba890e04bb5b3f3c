"""An example class: submissions made from the released notebook, as a real class would hand them in.

Each has its expected points beside it, which the tests hold against what grading gives.
"""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise
from autograder.course.folder import Course
from autograder.course.files import write_safely
from autograder.checking.errors import ClearError
from autograder.checking.topic import load
from autograder.checking.source import BEGIN, END, solution_source


class ExampleError(ClearError):
    """There is no example class for this topic, or the course cannot take it."""


@dataclass(frozen=True)
class Student:
    """One submission: the points that the checks should give, and how it is made from the released notebook."""

    name: str
    story: str
    points: float
    make: Callable[[NotebookNode], str]


def make_class(topic: str, course: Course) -> list[Student]:
    """Write the submissions of the example class that are not there yet. Raises ExampleError."""
    load(topic)
    if topic not in CLASSES:
        raise ExampleError(f"no example class for {topic}; there is one for: {', '.join(CLASSES)}")
    released = course.released(topic)
    for student in CLASSES[topic]:
        path = course.notebook("submitted", topic, student.name)
        if not path.exists():
            write_safely(path, student.make(copy.deepcopy(released)))
    return CLASSES[topic]


# --- Ways of working ----------------------------------------------------------------------------------------


def solved(notebook: NotebookNode, only: tuple[str, ...] | None = None) -> NotebookNode:
    """The notebook with the reference written into its exercises, or into some of them."""
    topic = _topic(notebook)
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        name = about.get("grade_id")
        if about.get("solution") and cell.cell_type == "code" and (only is None or name in only):
            lines = solution_source(load(topic).reference(name)).splitlines()
            cell.source = "\n".join(line for line in lines if line.strip() not in (BEGIN, END))
        elif about.get("solution") and cell.cell_type == "markdown":
            cell.source = "My curve says what I expected, but for its end, and one run does not tell why."
    return notebook


def edited(exercise: str, old: str, new: str) -> Callable[[NotebookNode], str]:
    """Solved, but for one edit in one exercise: a known mistake, as a learner would type it."""

    def make(notebook: NotebookNode) -> str:
        cell = _cell(solved(notebook), exercise)
        if old not in cell.source:
            raise ExampleError(f"{exercise} has no {old!r} to edit")
        cell.source = cell.source.replace(old, new)
        return nbformat.writes(notebook)

    return make


def written_differently(notebook: NotebookNode) -> str:
    """Every exercise right, and none as the reference has it."""
    for name, source in OTHER_WAYS.items():
        _cell(notebook, name).source = source
    return nbformat.writes(notebook)


def with_cell(source: str, after: str | None = None, instead: str | None = None) -> Callable[[NotebookNode], str]:
    """Solved, with a cell of the learner's own after an exercise's cell, or instead of it."""

    def make(notebook: NotebookNode) -> str:
        solved(notebook)
        if instead:
            _cell(notebook, instead).source = source
        else:
            at = notebook.cells.index(_cell(notebook, after)) + 1
            notebook.cells.insert(at, nbformat.v4.new_code_cell(source))
        return nbformat.writes(notebook)

    return make


def fourth_cell_never_ends(notebook: NotebookNode) -> str:
    """Solved, and the fourth code cell of the learner's own runs for ever."""
    solved(notebook)
    own = [cell for cell in notebook.cells if cell.cell_type == "code" and not checked_exercise(cell.source)]
    own[3].source += "\n\nwhile True:\n    pass"
    return nbformat.writes(notebook)


def without_metadata(notebook: NotebookNode) -> str:
    """Solved, with all metadata and ids lost."""
    for cell in solved(notebook).cells:
        cell.metadata = nbformat.from_dict({})
        cell.pop("id", None)
    raw = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": notebook.cells}
    return json.dumps(raw)


def as_colab_saves(notebook: NotebookNode) -> str:
    """Solved, and saved to GitHub from Colab: a badge cell without an id, ids doubled into metadata, widget state."""
    raw = json.loads(nbformat.writes(solved(notebook)))
    for cell in raw["cells"]:
        cell["metadata"]["id"] = cell["id"]
        if cell["cell_type"] == "code":
            cell["metadata"]["colab"] = {"base_uri": "https://localhost:8080/"}
            cell["metadata"]["outputId"] = "00000000-0000-0000-0000-000000000000"
    badge = {"id": "view-in-github", "colab_type": "text"}
    raw["cells"].insert(0, {"cell_type": "markdown", "metadata": badge, "source": ["<a>Open in Colab</a>"]})
    state = {"0" * 32: {"model_module": "@jupyter-widgets/controls", "model_name": "VBoxModel", "state": {}}}
    raw["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    return json.dumps(raw, indent=2, ensure_ascii=False)


def as_kaggle_saves(notebook: NotebookNode) -> str:
    """Solved, and saved by Kaggle: one line, sources as one string, no ids, format 4.4."""
    raw = json.loads(nbformat.writes(solved(notebook)))
    for cell in raw["cells"]:
        cell.pop("id")
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"trusted": True, "execution": {"iopub.status.busy": "2026-01-01T00:00:00.000Z"}}
    raw["metadata"]["kaggle"] = {"accelerator": "none", "dataSources": [], "isInternetEnabled": True}
    return json.dumps(raw | {"nbformat_minor": 4}, ensure_ascii=False)


def _topic(notebook: NotebookNode) -> str:
    """The topic of a released notebook, from the line that imports its check."""
    for cell in notebook.cells:
        if found := re.search(r"^from autograder\.checks\.(\w+) import check$", cell.source, re.MULTILINE):
            return found[1]
    raise ExampleError("the released notebook has no line `from autograder.checks.TOPIC import check`")


def _cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise ExampleError(f"the released notebook has no cell {grade_id!r}")


# --- Who is in the class ------------------------------------------------------------------------------------

OTHER_WAYS = {
    "attention_over_states": """\
def attention_over_states(query, states, w_query, w_states, v):
    contexts, weights = [], []
    for q, h in zip(query, states):  # one text at a time
        scores = torch.stack([torch.dot(v, torch.tanh(q @ w_query + state @ w_states)) for state in h])
        powers = torch.exp(scores - scores.max())
        weights.append(powers / powers.sum())
        contexts.append(sum(w * state for w, state in zip(weights[-1], h)))
    return torch.stack(contexts), torch.stack(weights)
""",
    "scaled_dot_product": """\
def scaled_dot_product(query, key, value, mask=None):
    scores = torch.einsum("...td,...sd->...ts", query * query.shape[-1] ** -0.5, key)
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(~mask, -math.inf)
    weights = torch.exp(scores - torch.logsumexp(scores, -1, keepdim=True))
    return torch.einsum("...ts,...sv->...tv", weights, value)
""",
    "causal_attention": """\
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    rows = []
    for t in range(T):  # each query with the keys it may see, and no mask at all
        seen = S - T + t + 1
        rows.append(scaled_dot_product(query[..., t : t + 1, :], key[..., :seen, :], value[..., :seen, :]))
    return torch.cat(rows, dim=-2)
""",
    "MultiHeadAttention": """\
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads != 0:
            raise ValueError("n_heads must divide d_model")
        self.n_heads, self.d_head, self.attend = n_heads, d_model // n_heads, attend
        for name in ("w_query", "w_key", "w_value", "w_output"):
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))

    def split(self, x):
        return torch.stack(x.chunk(self.n_heads, dim=-1), dim=1)

    def forward(self, x):
        heads = self.attend(self.split(self.w_query(x)), self.split(self.w_key(x)), self.split(self.w_value(x)))
        return self.w_output(torch.cat(heads.unbind(1), dim=-1))
""",
    "sequential_depth": """\
def sequential_depth(waits_for, length, n_layers):
    from graphlib import TopologicalSorter
    units = {(l, t): set(waits_for(l, t)) for l in range(1, n_layers + 1) for t in range(length)}
    depth = {}
    for unit in TopologicalSorter(units).static_order():
        depth[unit] = 1 + max((depth[u] for u in units[unit]), default=0) if unit in units else 0
    return max(depth.values(), default=0)
""",
    "online_softmax_attention": """\
def online_softmax_attention(query, key, value, block_size=64):
    mixed, norm = None, None  # the mix so far, and the log of the sum of its weights
    for start in range(0, key.shape[-2], block_size):
        k, v = key[..., start : start + block_size, :], value[..., start : start + block_size, :]
        scores = query @ k.mT / query.shape[-1] ** 0.5
        block_norm = torch.logsumexp(scores, -1, keepdim=True)
        block = torch.softmax(scores, -1) @ v
        if mixed is None:
            mixed, norm = block, block_norm
        else:
            share = torch.sigmoid(block_norm - norm)
            mixed, norm = mixed * (1 - share) + block * share, torch.logaddexp(norm, block_norm)
    return mixed
""",
}

FORGERY = """\
import builtins, sys
print("Score: 8 of 8 points")
torch.allclose = torch.equal = lambda *args, **kwargs: True
def check(function):
    return 2.0
builtins.check = check
sys.modules["autograder.checks.attention"].check = check
def scaled_dot_product(query, key, value, mask=None):
    return 1.0
"""


def _with_imports(notebook: NotebookNode, *exercises: str) -> str:
    for name in exercises:
        _cell(notebook, name).source = f"from solutions.{_topic(notebook)} import {name}"
    return nbformat.writes(notebook)


def small_class(half: tuple[str, ...], points_of_half: float, points: float, *mistaken: Student) -> list[Student]:
    """The students whom every class has, around those of one topic who made a mistake."""
    return [
        Student("ada", "everything right", points, lambda nb: nbformat.writes(solved(nb))),
        Student("blaise", "nothing written", 0, lambda nb: nbformat.writes(nb)),
        Student("carl", "half done", points_of_half, lambda nb: nbformat.writes(solved(nb, only=half))),
        *mistaken,
        Student("katherine", "everything right, saved by Colab", points, as_colab_saves),
        Student("mary", "everything right, all metadata lost", points, without_metadata),
    ]


CLASSES = {
    "prediction": small_class(
        ("next_token_pairs", "cross_entropy", "perplexity", "bits_per_byte"),
        3.5,
        8,
        Student(
            "dorothy",
            "mistake: the target is the input",
            7.25,
            edited("next_token_pairs", "tokens[1 : n * context_length + 1]", "tokens[: n * context_length]"),
        ),
        Student(
            "emmy",
            "mistake: the exponentials overflow",
            7.75,
            edited("cross_entropy", "logits - logits.amax(dim=-1, keepdim=True)", "logits"),
        ),
        Student(
            "felix",
            "mistake: multiplies by the temperature",
            7.5,
            edited("sample", "logits / temperature", "logits * temperature"),
        ),
        Student(
            "grace",
            "mistake: nats, not bits",
            7.5,
            edited("bits_per_byte", "n_bytes / math.log(2)", "n_bytes"),
        ),
    ),
    "rnn": small_class(
        ("rnn_step", "rnn_scan", "gradient_norms_by_distance"),
        2.75,
        9,
        Student(
            "dorothy",
            "mistake: every position begins anew",
            8,
            edited("rnn_scan", "cell(x_t, state)", "cell(x_t, None)"),
        ),
        Student(
            "emmy", "mistake: the gates in another order", 7.25, edited("LSTMCell", "i, f, g, o =", "f, i, g, o =")
        ),
        Student(
            "felix",
            "mistake: the update gate the other way round",
            7.5,
            edited("GRUCell", "(1 - z) * n + z * h", "z * n + (1 - z) * h"),
        ),
        Student(
            "grace",
            "mistake: the history is not cut",
            8.25,
            edited("truncated_bptt", "state = detached(state)", "pass"),
        ),
    ),
    "transformer": small_class(
        ("RMSNorm", "rotary", "RotaryAttention", "FeedForward"),
        4.75,
        10,
        Student(
            "dorothy",
            "mistake: the squares overflow in half precision",
            9.75,
            edited("RMSNorm", "wide = x.float()", "wide = x"),
        ),
        Student(
            "emmy",
            "mistake: every piece of a text begins at position 0",
            8.25,
            edited("RotaryAttention", "torch.arange(S, S + T", "torch.arange(T"),
        ),
        Student(
            "felix",
            "mistake: norms stand after the parts",
            9,
            edited(
                "Block",
                "read, state = self.attention(self.attention_norm(x), state)\n"
                "        x = x + read\n"
                "        return x + self.feed_forward(self.feed_forward_norm(x)), state",
                "read, state = self.attention(x, state)\n"
                "        x = self.attention_norm(x + read)\n"
                "        return self.feed_forward_norm(x + self.feed_forward(x)), state",
            ),
        ),
        Student(
            "grace",
            "mistake: no norm before the output layer",
            8.5,
            edited("GPT", "self.output(self.norm(x))", "self.output(x)"),
        ),
        Student(
            "henri",
            "mistake: the model reads all again, with the cache",
            8.75,
            edited("generate", "model(unread, state) if use_cache", "model(tokens, state) if use_cache"),
        ),
        Student(
            "quinn",
            "imports the reference for four exercises, and goes on",
            6,
            lambda nb: _with_imports(solved(nb), "RMSNorm", "rotary", "Block", "count_parameters"),
        ),
    ),
    "pretraining": small_class(
        ("train_bpe", "encode", "decode", "get_batch"),
        3.5,
        10,
        Student(
            "dorothy",
            "mistake: bytes that are no text raise an error",
            9.75,
            edited("decode", 'errors="replace"', 'errors="strict"'),
        ),
        Student(
            "emmy",
            "mistake: eps under the root",
            9.5,
            edited("adamw_update", "(unbiased_square.sqrt() + eps)", "(unbiased_square + eps).sqrt()"),
        ),
        Student(
            "felix",
            "mistake: the mean of the batches' means",
            9,
            edited("train_step", 'reduction="sum") / n_targets', 'reduction="mean") / len(batches)'),
        ),
        Student(
            "grace",
            "mistake: the model is left in evaluation mode",
            9.75,
            edited("evaluate", "model.train(mode)", "pass"),
        ),
        Student(
            "henri",
            "mistake: the exponent has the wrong sign",
            9.25,
            edited("fit_power_law", "-slope.item()", "slope.item()"),
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            7.75,
            lambda nb: _with_imports(solved(nb), "train_bpe", "clip_gradients"),
        ),
    ),
    "playscript": small_class(
        ("render_playscript", "few_shot_prompt"),
        2,
        6,
        Student(
            "dorothy",
            "mistake: a space behind the last colon",
            5.75,
            edited("render_playscript", 'f"{label(speaker)}:"])', 'f"{label(speaker)}: "])'),
        ),
        Student(
            "emmy",
            "mistake: finds a leak in the same letters only",
            5.75,
            edited("few_shot_prompt", "words(question) == words(asked)", "question == asked"),
        ),
        Student(
            "felix",
            "mistake: the last token of a stop ends the text",
            5.5,
            edited("generate_until", "written[-len(stop) :] == list(stop)", "written[-1] == stop[-1]"),
        ),
        Student(
            "grace",
            "mistake: what others say counts as the answer",
            5.75,
            edited("classify_failure", "names(first, ", "names(written, "),
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            3,
            lambda nb: _with_imports(solved(nb), "render_playscript", "classify_failure"),
        ),
    ),
    "sft": small_class(
        ("render_chat", "response_mask", "pack"),
        4.25,
        9,
        Student(
            "dorothy",
            "mistake: a message may hold the marks that are no role's",
            8.75,
            edited("render_chat", "forged := MARKS & set(content)", "forged := {USER, ASSISTANT} & set(content)"),
        ),
        Student(
            "emmy",
            "mistake: the last place of a row stays empty",
            8.25,
            edited("pack", "len(conversation) <= T)", "len(conversation) < T)"),
        ),
        Student(
            "felix",
            "mistake: the mask is thrown away",
            7,
            edited("sft_step", "response_mask(tokens)[:, 1:]", "segments[:, 1:] > 0"),
        ),
        Student(
            "grace",
            "mistake: merged without the scale",
            8.75,
            edited("LoRALinear", "self.scale * self.lora_b @ self.lora_a", "self.lora_b @ self.lora_a"),
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            6.5,
            lambda nb: _with_imports(solved(nb), "response_mask", "masked_cross_entropy"),
        ),
    ),
    "reward": small_class(
        ("sequence_logprobs", "bradley_terry_loss", "kl_penalty", "grpo_loss"),
        5,
        10,
        Student(
            "dorothy",
            "mistake: the prompt counts too",
            8.75,
            edited("sequence_logprobs", "said.masked_fill(~mask[:, 1:], 0.0)", "said"),
        ),
        Student(
            "emmy",
            "mistake: reads the reward at the end of the row",
            9.25,
            edited("RewardModel", "[torch.arange(len(x), device=x.device), lengths - 1]", "[:, -1]"),
        ),
        Student(
            "felix",
            "mistake: the old policy keeps its graph",
            9.5,
            edited("grpo_loss", "old_logprobs.detach()", "old_logprobs"),
        ),
        Student(
            "grace",
            "mistake: the reference is left out",
            9,
            edited(
                "dpo_loss",
                "(chosen - reference_chosen.detach()), beta * (rejected - reference_rejected.detach())",
                "chosen, beta * rejected",
            ),
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            8,
            lambda nb: _with_imports(solved(nb), "kl_penalty", "group_advantages"),
        ),
    ),
    "attention": [
        Student("ada", "everything right", 8, lambda nb: nbformat.writes(solved(nb))),
        Student("blaise", "nothing written", 0, lambda nb: nbformat.writes(nb)),
        Student(
            "carl",
            "half done: the first three exercises",
            4,
            lambda nb: nbformat.writes(
                solved(nb, only=("attention_over_states", "scaled_dot_product", "causal_attention"))
            ),
        ),
        Student(
            "dorothy",
            "mistake: the weights compete across the batch",
            7,
            edited("attention_over_states", "softmax(hidden @ v, dim=-1)", "softmax(hidden @ v, dim=0)"),
        ),
        Student(
            "emmy",
            "mistake: divides by d_head, not its root",
            6,
            edited("scaled_dot_product", "math.sqrt(query.size(-1))", "query.size(-1)"),
        ),
        Student(
            "felix",
            "mistake: the causal mask starts at the first key",
            7.5,
            edited("causal_attention", "diagonal=S - T", "diagonal=0"),
        ),
        Student(
            "grace",
            "mistake: heads are not put back in order",
            6.75,
            edited("MultiHeadAttention", "heads.transpose(1, 2).reshape(B, T, C)", "heads.reshape(B, T, C)"),
        ),
        Student(
            "henri",
            "mistake: counts every unit, as if one had to wait for all",
            7,
            edited("sequential_depth", "return max(done_at.values(), default=0)", "return n_layers * length"),
        ),
        Student(
            "ida",
            "mistake: the sum is rescaled, the mix is not",
            7,
            edited("online_softmax_attention", "mixed = mixed * shrink +", "mixed = mixed +"),
        ),
        Student("julia", "everything right, written quite differently", 8, written_differently),
        Student("katherine", "everything right, saved by Colab", 8, as_colab_saves),
        Student("leonhard", "everything right, saved by Kaggle", 8, as_kaggle_saves),
        Student("mary", "everything right, all metadata lost", 8, without_metadata),
        Student("niels", "the fourth cell never ends", 8, fourth_cell_never_ends),
        Student(
            "olga",
            "one exercise takes 40 GiB",
            7,
            edited("sequential_depth", "done_at = {", "hoard = torch.ones(40 * 2**30 // 4)\n    done_at = {"),
        ),
        Student("paul", "prints a perfect score, redefines check", 5, with_cell(FORGERY, instead="scaled_dot_product")),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            5,
            lambda nb: _with_imports(solved(nb), "scaled_dot_product", "causal_attention"),
        ),
    ],
}
