"""An example class: submissions made from the released notebook, as a real class would hand them in.

Each has its expected points beside it, which the tests hold against what grading gives.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.checking.topic import load
from autograder.course.files import write_safely
from autograder.course.folder import Course
from autograder.example.handing_in import (
    ExampleError,
    all_right,
    as_colab_saves,
    as_kaggle_saves,
    cell_of,
    edited,
    fourth_cell_never_ends,
    half_done,
    with_cell,
    with_references,
    without_metadata,
)


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


def mistaken(name: str, words: str, points: float, exercise: str, old: str, new: str) -> Student:
    """A student who made one mistake in one exercise, as learners type it."""
    return Student(name, f"mistake: {words}", points, edited(exercise, old, new))


def written_differently(notebook: NotebookNode) -> str:
    """Every exercise right, and none as the reference has it."""
    for name, source in OTHER_WAYS.items():
        cell_of(notebook, name).source = source
    return nbformat.writes(notebook)


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
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return torch.einsum("...ts,...sv->...tv", powers / powers.sum(-1, keepdim=True), value)
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


def small_class(half: tuple[str, ...], points_of_half: float, points: float, *mistaken: Student) -> list[Student]:
    """The students whom every class has, around those of one topic who made a mistake."""
    return [
        Student("ada", "everything right", points, all_right),
        Student("blaise", "nothing written", 0, nbformat.writes),
        Student("carl", "half done", points_of_half, half_done(half)),
        *mistaken,
        Student("katherine", "everything right, saved by Colab", points, as_colab_saves),
        Student("mary", "everything right, all metadata lost", points, without_metadata),
    ]


CLASSES = {
    "prediction": small_class(
        ("next_token_pairs", "cross_entropy", "perplexity", "bits_per_byte"),
        3.5,
        8,
        mistaken(
            "dorothy",
            "the target is the input",
            7.25,
            "next_token_pairs",
            "tokens[1 : n * context_length + 1]",
            "tokens[: n * context_length]",
        ),
        mistaken(
            "emmy",
            "the exponentials overflow",
            7.5,
            "cross_entropy",
            "logits - logits.amax(dim=-1, keepdim=True)",
            "logits",
        ),
        mistaken(
            "felix", "multiplies by the temperature", 7.5, "sample", "logits / temperature", "logits * temperature"
        ),
        mistaken("grace", "nats, not bits", 7.5, "bits_per_byte", "n_bytes / math.log(2)", "n_bytes"),
    ),
    "rnn": small_class(
        ("rnn_step", "rnn_scan", "gradient_norms_by_distance"),
        2.75,
        9,
        mistaken("dorothy", "every position begins anew", 8, "rnn_scan", "cell(x_t, state)", "cell(x_t, None)"),
        mistaken("emmy", "the gates in another order", 7.25, "LSTMCell", "i, f, g, o =", "f, i, g, o ="),
        mistaken(
            "felix", "the update gate the other way round", 7.5, "GRUCell", "(1 - z) * n + z * h", "z * n + (1 - z) * h"
        ),
        mistaken("grace", "the history is not cut", 8.25, "truncated_bptt", "state = detached(state)", "pass"),
    ),
    "transformer": small_class(
        ("RMSNorm", "rotary", "RotaryAttention", "FeedForward"),
        4.75,
        10,
        mistaken("dorothy", "the squares overflow in half precision", 9.875, "RMSNorm", "wide = x.float()", "wide = x"),
        mistaken(
            "emmy",
            "every piece of a text begins at position 0",
            8.25,
            "RotaryAttention",
            "torch.arange(S, S + T",
            "torch.arange(T",
        ),
        mistaken(
            "felix",
            "norms stand after the parts",
            9.125,
            "Block",
            "read, state = self.attention(self.attention_norm(x), state)\n"
            "        x = x + read\n"
            "        return x + self.feed_forward(self.feed_forward_norm(x)), state",
            "read, state = self.attention(x, state)\n"
            "        x = self.attention_norm(x + read)\n"
            "        return self.feed_forward_norm(x + self.feed_forward(x)), state",
        ),
        mistaken(
            "grace", "no norm before the output layer", 8.625, "GPT", "self.output(self.norm(x))", "self.output(x)"
        ),
        mistaken(
            "henri",
            "the model reads all again, with the cache",
            8.75,
            "generate",
            "model(unread, state) if use_cache",
            "model(tokens, state) if use_cache",
        ),
        Student(
            "quinn",
            "imports the reference for four exercises, and goes on",
            6,
            with_references("RMSNorm", "rotary", "Block", "count_parameters"),
        ),
    ),
    "tokenizer": small_class(
        ("train_bpe", "decode"),
        1.75,
        2.75,
        mistaken(
            "dorothy", "bytes that are no text raise an error", 2.625, "decode", 'errors="replace"', 'errors="strict"'
        ),
        mistaken("emmy", "every word counts once", 1.75, "train_bpe", "list(times.values())", "[1] * len(times)"),
        mistaken("felix", "merges across words", 2.5, "encode", "in split_words(text)", "in [text]"),
        mistaken(
            "grace",
            "pairs turned round",
            2.25,
            "decode",
            "pieces[first] + pieces[second]",
            "pieces[second] + pieces[first]",
        ),
        Student("quinn", "imports the reference for one exercise, and goes on", 1.5, with_references("train_bpe")),
    ),
    "pretraining": small_class(
        ("get_batch", "adamw_update", "warmup_cosine"),
        2.75,
        7.25,
        mistaken(
            "dorothy",
            "the last window is never drawn",
            6.625,
            "get_batch",
            "randint(len(tokens) - T,",
            "randint(len(tokens) - T - 1,",
        ),
        mistaken(
            "emmy",
            "eps under the root",
            6.75,
            "adamw_update",
            "(unbiased_square.sqrt() + eps)",
            "(unbiased_square + eps).sqrt()",
        ),
        mistaken(
            "felix",
            "the mean of the batches' means",
            6.125,
            "train_step",
            'reduction="sum") / n_targets',
            'reduction="mean") / len(batches)',
        ),
        mistaken("grace", "the model is left in evaluation mode", 6.75, "evaluate", "model.train(mode)", "pass"),
        mistaken("henri", "the exponent has the wrong sign", 6.5, "fit_power_law", "-slope.item()", "slope.item()"),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            5.5,
            with_references("get_batch", "clip_gradients"),
        ),
    ),
    "playscript": small_class(
        ("render_playscript", "few_shot_prompt"),
        2,
        6,
        mistaken(
            "dorothy",
            "a space behind the last colon",
            5.75,
            "render_playscript",
            'f"{label(speaker)}:"])',
            'f"{label(speaker)}: "])',
        ),
        mistaken(
            "emmy",
            "finds a leak in the same letters only",
            5.75,
            "few_shot_prompt",
            "words(question) == words(asked)",
            "question == asked",
        ),
        mistaken(
            "felix",
            "the last token of a stop ends the text",
            5.5,
            "generate_until",
            "written[-len(stop) :] == list(stop)",
            "written[-1] == stop[-1]",
        ),
        mistaken(
            "grace",
            "what others say counts as the answer",
            5.75,
            "classify_failure",
            "names(first, ",
            "names(written, ",
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            3,
            with_references("render_playscript", "classify_failure"),
        ),
    ),
    "sft": small_class(
        ("render_chat", "response_mask", "pack"),
        4.25,
        9,
        mistaken(
            "dorothy",
            "a message may hold the marks that are no role's",
            8.75,
            "render_chat",
            "forged := MARKS & set(content)",
            "forged := {USER, ASSISTANT} & set(content)",
        ),
        mistaken(
            "emmy",
            "the last place of a row stays empty",
            8.25,
            "pack",
            "len(conversation) <= T)",
            "len(conversation) < T)",
        ),
        mistaken(
            "felix", "the mask is thrown away", 7, "sft_step", "response_mask(tokens)[:, 1:]", "segments[:, 1:] > 0"
        ),
        mistaken(
            "grace",
            "merged without the scale",
            8.75,
            "LoRALinear",
            "self.scale * self.lora_b @ self.lora_a",
            "self.lora_b @ self.lora_a",
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            6.5,
            with_references("response_mask", "masked_cross_entropy"),
        ),
    ),
    "reward": small_class(
        ("sequence_logprobs", "bradley_terry_loss", "kl_penalty", "grpo_loss"),
        5,
        10,
        mistaken(
            "dorothy", "the prompt counts too", 8.75, "sequence_logprobs", "said.masked_fill(~mask[:, 1:], 0.0)", "said"
        ),
        mistaken(
            "emmy",
            "reads the reward at the end of the row",
            9.25,
            "RewardModel",
            "[torch.arange(len(x), device=x.device), lengths - 1]",
            "[:, -1]",
        ),
        mistaken("felix", "the old policy keeps its graph", 9.5, "grpo_loss", "old_logprobs.detach()", "old_logprobs"),
        mistaken(
            "grace",
            "the reference is left out",
            9,
            "dpo_loss",
            "(chosen - reference_chosen.detach()), beta * (rejected - reference_rejected.detach())",
            "chosen, beta * rejected",
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            8,
            with_references("kl_penalty", "group_advantages"),
        ),
    ),
    "reasoning": small_class(
        ("extract_answer", "verify", "pass_at_k"),
        4,
        16,
        mistaken(
            "dorothy",
            "takes the first number where there is a choice",
            15,
            "extract_answer",
            'if len(found) != 1 or "." in answer:',
            'if not found or "." in answer:',
        ),
        mistaken(
            "emmy",
            "does not learn when to end",
            15,
            "rl_step",
            "ends == 0, ends - is_end.long() == 0",
            "ends == 0, ends == 0",
        ),
        mistaken(
            "felix",
            "one limit for both sides",
            15,
            "policy_loss",
            "ratio.clamp(1 - clip_low, 1 + clip_high)",
            "ratio.clamp(1 - clip_low, 1 + clip_low)",
        ),
        mistaken(
            "grace",
            "forgets the last carry",
            14.75,
            "monitor",
            'answer != int(f"{carried}{digits}")',
            "answer != int(digits)",
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            13.75,
            with_references("verify", "pass_at_k"),
        ),
    ),
    "real": small_class(
        ("repeat_heads", "pairs_to_halves", "rename_weights"),
        3,
        9,
        mistaken(
            "dorothy",
            "all heads, and all again",
            8.25,
            "repeat_heads",
            "heads.repeat_interleave(n_heads // n_kv_heads, dim=0)",
            "heads.repeat(n_heads // n_kv_heads, 1, 1)",
        ),
        mistaken(
            "emmy",
            "leaves the base as it was",
            7.5,
            "from_pretrained",
            'block.attention.base = sizes["base"]',
            "block.attention.base = 10_000.0",
        ),
        mistaken(
            "felix",
            "lets white space see the number behind it",
            8.875,
            "pre_tokenize",
            '"0|[^0]+"',
            '"(?s).+"',
        ),
        mistaken(
            "grace",
            "forgets the system message",
            8.75,
            "render_chatml",
            'if messages[0]["role"] != "system":',
            "if False:",
        ),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            7,
            with_references("repeat_heads", "rename_weights"),
        ),
    ),
    "attention": [
        Student("ada", "everything right", 8, all_right),
        Student("blaise", "nothing written", 0, nbformat.writes),
        Student(
            "carl",
            "half done: the first three exercises",
            4,
            half_done(("attention_over_states", "scaled_dot_product", "causal_attention")),
        ),
        mistaken(
            "dorothy",
            "the weights compete across the batch",
            7,
            "attention_over_states",
            "softmax(hidden @ v, dim=-1)",
            "softmax(hidden @ v, dim=0)",
        ),
        mistaken(
            "emmy",
            "divides by d_head, not its root",
            6.25,
            "scaled_dot_product",
            "math.sqrt(query.size(-1))",
            "query.size(-1)",
        ),
        mistaken(
            "felix",
            "the causal mask starts at the first key",
            7.375,
            "causal_attention",
            "diagonal=S - T",
            "diagonal=0",
        ),
        mistaken(
            "grace",
            "heads are not put back in order",
            6.5,
            "MultiHeadAttention",
            "heads.transpose(1, 2).reshape(B, T, C)",
            "heads.reshape(B, T, C)",
        ),
        mistaken(
            "henri",
            "counts every unit, as if one had to wait for all",
            7,
            "sequential_depth",
            "return max(done_at.values(), default=0)",
            "return n_layers * length",
        ),
        mistaken(
            "ida",
            "the sum is rescaled, the mix is not",
            7,
            "online_softmax_attention",
            "mixed = mixed * shrink +",
            "mixed = mixed +",
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
        Student("paul", "prints a perfect score, redefines check", 6, with_cell(FORGERY, instead="scaled_dot_product")),
        Student(
            "quinn",
            "imports the reference for two exercises, and goes on",
            5,
            with_references("scaled_dot_product", "causal_attention"),
        ),
    ],
}
