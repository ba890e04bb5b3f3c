"""Proves that our `GPT` is the model that it says it is: Hugging Face's Llama with our weights gives our numbers.

The weights are large, those of the norms differ from one, and each of them matters, so that a part which is missing or
misplaced shows. Then what the benchmarks rest on: the same gradients, the same tokens from `transformers.generate`, the
rivals' sizes, and that a training step of ours takes the rivals as they are.
"""

import pytest
import torch

from benchmarks.rivals import gpt2, in_llama, llama, twin
from layercake import training
from solutions.attention import causal_attention
from solutions.pretraining import evaluate, train_step
from solutions.transformer import GPT, count_parameters, fused_attention, generate, rotary

VOCAB_SIZE, CONTEXT, D_MODEL, N_LAYERS, N_HEADS = 61, 40, 48, 3, 4


@pytest.fixture(params=[causal_attention, fused_attention])
def ours(request) -> GPT:
    """A small model with weights as no fresh one has them, on either attention."""
    torch.manual_seed(0)
    model = GPT(VOCAB_SIZE, CONTEXT, D_MODEL, N_LAYERS, N_HEADS, attend=request.param)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * (0.2 if weight.dim() == 2 else 1) + (weight.dim() == 1))
    return model


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(VOCAB_SIZE, (3, CONTEXT), generator=torch.Generator().manual_seed(1))


def logits(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(tokens)[0]


def test_an_odd_width_of_the_heads_is_refused():
    with pytest.raises(ValueError, match=r"d_head.*has to be even.*it is 3"):
        GPT(10, 8, d_model=9, n_layers=1, n_heads=3)
    with pytest.raises(ValueError, match=r"d_head has to be even.*it is 5"):
        rotary(torch.zeros(2, 5), torch.arange(2))


def test_llama_with_our_weights_gives_our_logits(ours, tokens):
    mine, theirs = logits(ours, tokens), logits(twin(ours), tokens)
    assert mine.std() > 0.5
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-4)


def test_every_weight_of_ours_matters_in_llama(ours, tokens):
    rival, mine = twin(ours), logits(ours, tokens)
    for name, weight in in_llama(ours.state_dict()).items():
        there = rival.get_parameter(name)
        with torch.no_grad():
            there.mul_(1.1)
        assert (logits(rival, tokens) - mine).abs().max() > 1e-2, name
        with torch.no_grad():
            there.copy_(weight)


def test_llama_with_our_weights_gives_our_gradients(ours, tokens):
    rival = twin(ours)
    batch = [(tokens[:, :-1], tokens[:, 1:])]
    for model in (ours, rival):
        train_step(model, torch.optim.SGD(model.parameters(), lr=0.0), batch, max_norm=1e9)
    gradients = in_llama({name: weight.grad for name, weight in ours.named_parameters()})
    theirs = {name: weight.grad for name, weight in rival.named_parameters()}
    assert gradients.keys() == theirs.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-3, atol=1e-4 * gradient.abs().max().item())


def test_generate_makes_the_tokens_of_transformers(ours, tokens):
    prompt, rival = tokens[:, :7], twin(ours).eval()
    theirs = rival.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=30,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
    )
    assert len(theirs[:, 7:].unique()) > 5  # not one token for ever
    for use_cache in (True, False):
        assert torch.equal(generate(ours, prompt, 30, use_cache=use_cache), theirs)


@pytest.mark.parametrize("vocab_size", [VOCAB_SIZE, 717])
def test_the_rivals_have_as_many_weights(vocab_size):
    ours = GPT(vocab_size, CONTEXT, 64, 4, 2)
    expected = sum(count_parameters(vocab_size, 64, 4).values())
    assert training.count_parameters(ours) == training.count_parameters(llama(ours)) == expected
    assert training.count_parameters(gpt2(ours)) == pytest.approx(expected, rel=1e-3)


def test_a_rival_of_its_own_has_other_weights(ours):
    from transformers import LlamaForCausalLM

    rival = llama(ours)
    assert isinstance(rival, LlamaForCausalLM)
    assert not torch.equal(rival.lm_head.weight, ours.output.weight)
    assert rival.lm_head.weight is rival.model.embed_tokens.weight


@pytest.mark.parametrize("make", [llama, gpt2, lambda ours: ours])
def test_a_step_of_ours_trains_the_rivals_too(make, tokens):
    torch.manual_seed(2)
    model = make(GPT(VOCAB_SIZE, CONTEXT, D_MODEL, N_LAYERS, N_HEADS)).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batch = [(tokens[:, :-1], tokens[:, 1:])]
    first = train_step(model, optimiser, batch)[0]
    for _ in range(30):
        last = train_step(model, optimiser, batch)[0]
    assert last < first / 2
    assert evaluate(model, tokens[0], T=CONTEXT) < first / 2
