"""Out of the village: what stands between the model of this course and one that others have trained.

What is built here: the way by which published weights become those of `solutions.transformer.GPT`, unchanged. Heads
that share keys and values are given each its own (grouped-query attention, Ainslie et al. 2023); the pairs that a
rotation turns are put half a head apart, where some files keep them side by side; each tensor gets the name that it has
here. Then their tokens: text cut into pieces as their tokenizer cuts it, the bytes of each merged in their order; and
the template in which a tuned model has met its conversations (ChatML).

It is written for SmolLM2 (Ben Allal et al. 2025), and holds for any model of Llama's shape: norms in front, rotations,
gated feed-forward networks, no biases. Left out: biases and norms of queries and keys (Qwen), rotations that were
scaled for long texts (Llama 3.1), output layers of their own.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

from torch import Tensor

from solutions.transformer import GPT, FeedForward

WHOLE = {  # in `transformers`, and here
    "model.embed_tokens.weight": "embedding.weight",
    "model.norm.weight": "norm.weight",
    "lm_head.weight": "output.weight",
}
OF_A_LAYER = {  # behind "model.layers.0." there, and behind "blocks.0." here
    "input_layernorm.weight": "attention_norm.weight",
    "self_attn.q_proj.weight": "attention.w_query.weight",
    "self_attn.k_proj.weight": "attention.w_key.weight",
    "self_attn.v_proj.weight": "attention.w_value.weight",
    "self_attn.o_proj.weight": "attention.w_output.weight",
    "post_attention_layernorm.weight": "feed_forward_norm.weight",
    "mlp.gate_proj.weight": "feed_forward.w_gate.weight",
    "mlp.up_proj.weight": "feed_forward.w_up.weight",
    "mlp.down_proj.weight": "feed_forward.w_down.weight",
}
START, END = "<|im_start|>", "<|im_end|>"  # of a message
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # where a conversation has none


def repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    """Give each head of the queries its own copy of the keys, or values, that
    it shares.

    `weight` is that of a layer that makes keys or values, whose rows are the
    heads, one behind the other. With n_heads = 9 and n_kv_heads = 3 the first
    three heads of the queries read the first head of the keys, the next three
    the second, the last three the third. With the result in the layer's place
    attention over n_heads heads gives what it gave.

    Shapes: weight (n_kv_heads · d_head, d_model) -> (n_heads · d_head,
    d_model), in the type of weight, and in memory of its own.
    Raises ValueError where n_kv_heads does not divide n_heads, or the number of
    rows.
    Source: Ainslie et al. 2023, section 2.2.
    """
    ### BEGIN SOLUTION
    rows, d_model = weight.shape
    if n_heads % n_kv_heads:
        raise ValueError(f"{n_heads} heads cannot share {n_kv_heads} heads of keys evenly")
    if rows % n_kv_heads:
        raise ValueError(f"{rows} rows are not {n_kv_heads} heads of one size")
    heads = weight.reshape(n_kv_heads, rows // n_kv_heads, d_model)
    return heads.repeat_interleave(n_heads // n_kv_heads, dim=0).flatten(0, 1)
    ### END SOLUTION


def pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    """Put the two legs of each pair half a head apart, where a file keeps them
    side by side.

    `weight` is that of a layer that makes queries or keys for n_heads heads. In
    each head rows 2i and 2i + 1 are a pair, as in the paper of the rotation and
    in files of llama.cpp (GGUF); in the result they are rows i and
    i + d_head / 2 of that head, as `rotary` has them.

    Shapes: weight (n_heads · d_head, d_model) -> the same, in the type of
    weight.
    Raises ValueError where the rows are not n_heads heads of one even size.
    """
    ### BEGIN SOLUTION
    rows, d_model = weight.shape
    if rows % (2 * n_heads):
        raise ValueError(f"{rows} rows are not {n_heads} heads of one even size")
    pairs = weight.reshape(n_heads, rows // n_heads // 2, 2, d_model)
    return pairs.transpose(1, 2).reshape(rows, d_model)
    ### END SOLUTION


def rename_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Call each tensor of a model of `transformers` what it is called in `GPT`.

    `WHOLE` says how, and for a layer `OF_A_LAYER`, behind its number:
    "model.layers.12.mlp.up_proj.weight" becomes
    "blocks.12.feed_forward.w_up.weight". Every tensor is used, as it is, and
    once; the embedding alone is used twice where there is no "lm_head.weight",
    and is "output.weight" too. What is given stays as it was.

    Raises ValueError for a tensor that has no place, with its name and its
    shape, and for an "lm_head.weight" that differs from the embedding: `GPT`
    has one matrix for both. Raises KeyError where there is no embedding.
    """
    ### BEGIN SOLUTION
    renamed = {}
    for name, weight in weights.items():
        layer = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name)
        if layer and layer[2] in OF_A_LAYER:
            renamed[f"blocks.{layer[1]}.{OF_A_LAYER[layer[2]]}"] = weight
        elif name in WHOLE:
            renamed[WHOLE[name]] = weight
        else:
            raise ValueError(f"{name}, of shape {tuple(weight.shape)}, has no place in GPT")
    if "output.weight" not in renamed:
        renamed["output.weight"] = renamed["embedding.weight"]
    if not renamed["output.weight"].equal(renamed["embedding.weight"]):
        raise ValueError("lm_head.weight differs from the embedding, and GPT has one matrix for both")
    return renamed
    ### END SOLUTION


def from_pretrained(weights: Mapping[str, Tensor], sizes: Mapping[str, float], neighbours: bool = False) -> GPT:
    """Build a `GPT` that gives the numbers of a model of `transformers`, in
    evaluation mode.

    `sizes` has "vocab_size", "context", "d_model", "n_layers" and "n_heads";
    "n_kv_heads", the number of heads of keys and values; "d_hidden", the width
    inside a feed-forward network, which need not be `hidden_width(d_model)`:
    then each block gets another `FeedForward`; "base", of the rotations; and
    "eps", of every norm. A block's attention has its base in `attention.base`,
    a norm its eps in `eps`. With `neighbours` the weights of queries and keys
    have the legs of a pair side by side.

    Heads are repeated by `repeat_heads`, pairs put in order by
    `pairs_to_halves`, names changed by `rename_weights`. The model's weights
    are float32, whatever the type of those given, and share no memory with
    them; what is given stays as it was.

    Raises ValueError and KeyError as these three do, and RuntimeError, which
    `load_state_dict` raises, where any other tensor is missing, one has another
    shape, or there is a layer too many.
    """
    ### BEGIN SOLUTION
    n_heads, n_kv_heads = sizes["n_heads"], sizes["n_kv_heads"]
    ours = {}
    for name, weight in weights.items():
        is_query, is_key, is_value = (name.endswith(f"{part}_proj.weight") for part in "qkv")
        if neighbours and (is_query or is_key):
            weight = pairs_to_halves(weight, n_heads if is_query else n_kv_heads)
        ours[name] = repeat_heads(weight, n_kv_heads, n_heads) if is_key or is_value else weight
    model = GPT(*(sizes[size] for size in ("vocab_size", "context", "d_model", "n_layers", "n_heads")))
    for block in model.blocks:
        block.attention.base = sizes["base"]
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention_norm.eps = block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    model.load_state_dict(rename_weights(ours))
    return model.eval()
    ### END SOLUTION


def simplify(text: str) -> str:
    """A text of the same length, in which a plain sign stands for each sign:
    `0` for numbers, `x` for letters beyond ASCII, a line break for white space
    but the space itself, `!` for all else but the apostrophe, the separators
    U+001C to U+001F among it.
    """

    def plain(sign: str) -> str:
        kind = unicodedata.category(sign)[0]
        if sign in " '" or (sign.isascii() and sign.isalpha()):
            return sign
        if kind in "LN":
            return "x" if kind == "L" else "0"
        return "\n" if sign.isspace() and sign not in "\x1c\x1d\x1e\x1f" else "!"

    return "".join(map(plain, text))


def pre_tokenize(text: str) -> list[str]:
    """Cut a text into pieces, as SmolLM2's tokenizer does before it merges
    anything; laid end to end they are the text again.

    First each number is cut out: every sign that `simplify` turns into `0` is a
    piece of its own. Each stretch without numbers is then cut by itself, as if
    nothing stood beside it, by GPT-2's pattern. From the left, the first of
    these that fits:

    - an apostrophe with s, t, d, m, ll, re or ve
    - letters, as many as there are, with one space before them if there is one
    - other signs, the apostrophe among them, likewise
    - white space: all of it where nothing follows in the stretch; else all but
      the last sign of it, which is left to what follows; or, where it is one
      sign alone, that sign

    Source: Radford et al. 2019, the code published with it; Ben Allal et al.
    2025 for the numbers.
    """
    ### BEGIN SOLUTION
    pieces = []
    for part in re.finditer("0|[^0]+", simplify(text)):
        pattern = r"0|'(?:[stdm]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+"
        for piece in re.finditer(pattern, part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces
    ### END SOLUTION


def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    """The tokens of a text, as the tokenizer gives them with which a real model
    was trained.

    `specials`, such as "<|im_end|>", are one token each wherever they stand,
    found from the left; of two that begin at the same place the longer one.
    What stands between them is cut by `pre_tokenize`, each stretch by itself.
    Each piece is its bytes, of which those without a token in `vocabulary` are
    left out; then of all pairs of neighbours that are in `merges` the one with
    the smallest rank becomes one, wherever it stands, from left to right, until
    there is no such pair. What is left has its number in `vocabulary`. With
    empty `specials` a mark is signs like others.

    Raises UnicodeEncodeError where half a surrogate pair stands in the text;
    its `start` is the place of the first one there.
    Source: Radford et al. 2019, section 2.2, for bytes and merges.
    """
    ### BEGIN SOLUTION
    text.encode()

    @cache
    def encode_piece(piece: str) -> list[int]:
        parts = [part for byte in piece.encode() if (part := bytes([byte])) in vocabulary]
        while known := [pair for pair in pairwise(parts) if pair in merges]:
            first = min(known, key=merges.__getitem__)
            merged = []
            for part in parts:
                if merged and (merged[-1], part) == first:
                    merged[-1] += part
                else:
                    merged.append(part)
            parts = merged
        return [vocabulary[part] for part in parts]

    marks = "|".join(re.escape(mark) for mark in sorted(specials, key=len, reverse=True))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
        else:
            tokens += [token for piece in pre_tokenize(part) for token in encode_piece(piece)]
    return tokens
    ### END SOLUTION


def decode_real(tokens: Sequence[int], vocabulary: Mapping[bytes, int], specials: Mapping[str, int]) -> str:
    """The text that tokens stand for, marks included; bytes that are no UTF-8
    become `�`.

    Raises KeyError for a token that is in neither.
    """
    spelt = {token: mark.encode() for mark, token in specials.items()} | {t: word for word, t in vocabulary.items()}
    return b"".join(spelt[int(token)] for token in tokens).decode(errors="replace")


def render_chatml(messages: Sequence[Mapping[str, str]], reply: bool = True) -> str:
    """Write a conversation in the form that SmolLM2-Instruct was tuned on.

    Each message is `START`, its role, a line break, its content as it is,
    `END`, and a line break. Where the first is not of the role "system", a
    message of that role with the content `SYSTEM` stands before all. With
    `reply` the beginning of the assistant's message follows: `START`,
    "assistant", and a line break.

    Raises ValueError for an empty conversation, a role that is none of
    "system", "user" and "assistant", and a content that holds `START` or `END`:
    it could speak for somebody else.
    Source: the template published with SmolLM2-135M-Instruct.
    """
    ### BEGIN SOLUTION
    if not messages:
        raise ValueError("the conversation is empty: there is nobody to answer")
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    text = ""
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"there is no role {role!r}; it is one of system, user and assistant")
        if START in content or END in content:
            raise ValueError(f"a message of the {role} holds a mark, {START} or {END}, not words alone")
        text += f"{START}{role}\n{content}{END}\n"
    return text + f"{START}assistant\n" if reply else text
    ### END SOLUTION
