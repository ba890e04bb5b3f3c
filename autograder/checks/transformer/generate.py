"""`generate`: the cache changes no token, what the model reads each time, `choose` decides, up to the context."""

from functools import partial

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import likeliest, normal, outcome
from autograder.checks.transformer.writing import Reader, after_exceptions, draw, go_on, prompt, take_third, unlikeliest

exercise = Exercise("generate")


@exercise.promise("Both give the same tokens.", broken_by="takes_the_likeliest_without_the_cache")
@exercise.check(points=0.125, invariant=True)
def the_cache_changes_no_token(generate, rng):
    """With the cache the same tokens come as without it, whatever `choose` takes; another `choose` takes others."""
    model, tokens = Reader(rng), prompt(rng)
    before, other = (generate(model, tokens, 6, choose, use_cache=False) for choose in (unlikeliest, take_third))
    after = [generate(model, tokens, 6, choose) for choose in (unlikeliest, take_third)]
    return {
        "before": [before, other],
        "after": after,
        "must differ": [before, other],
        "change": "the cache was used",
    }


@exercise.promise("Go on from a prompt, token by token", broken_by="reads_the_end_of_the_prompt_alone")
@exercise.promise("then one token and the state at each step", broken_by="reads_all_again_with_the_cache")
@exercise.promise("all tokens again from the first, and no state", broken_by="always_uses_the_cache")
@exercise.promise("The last token is never read.", broken_by="reads_the_last_token_too")
@exercise.promise("choose=the likeliest, use_cache=True", broken_by="reads_all_again_where_nothing_is_said")
@exercise.check(points=0.25)
def what_the_model_reads(generate, rng):
    """With the cache: the prompt, then one token and the state each time. Without: all the tokens, and no state."""
    seen, tokens = {}, prompt(rng)
    ways = {"with the cache": {"use_cache": True}, "without": {"use_cache": False}, "where nothing is said": {}}
    for words, more in ways.items():
        model = Reader(rng)
        seen[f"{words}: the tokens"] = generate(model, tokens, 5, **more)
        seen[f"{words}: the calls"] = model.calls
    reader, state, comes_back = Reader(rng), (normal(rng, 2), [0]), []

    def keeping(tokens, given=None):
        comes_back.append(given is state)
        return reader(tokens)[0], state

    generate(keeping, tokens, 4)
    seen["a state of any kind is handed on as it is"] = comes_back
    return seen


@exercise.promise("the scores after the last token of each text", broken_by="takes_the_first_logits")
@exercise.promise("`choose` takes one", broken_by="always_takes_the_likeliest")
@exercise.promise("`choose` maps the logits of all texts, (B, vocab_size)", broken_by="chooses_text_by_text")
@exercise.promise("the likeliest, where none is given", broken_by="draws_where_nothing_chooses")
@exercise.check(points=0.25)
def choose_decides(generate, rng):
    """`choose` gets the logits after the last token, (B, vocab_size), and what it takes stands behind the prompt."""
    model, tokens, given = Reader(rng), prompt(rng), []

    def choose(logits):
        given.append(logits)
        return torch.tensor([len(given), 20 + len(given)])

    seen = {"the tokens": generate(model, tokens, 5, choose), "what choose was given": given}
    for use_cache in (True, False):
        one: list[Tensor] = []
        text = generate(model, tokens[:1], 3, lambda scores: one.append(scores) or scores.argmin(dim=-1), use_cache)
        seen |= {f"one text, use_cache={use_cache}": text, f"what choose was given for it, {use_cache}": one}
    return seen | {"the likeliest": generate(model, tokens, 5)}


@exercise.promise("the prompt in front", broken_by="leaves_out_the_prompt")
@exercise.promise("Shapes: tokens (B, T), T >= 1 -> (B, T + n_tokens)", broken_by="goes_on_one_too_far")
@exercise.promise("n_tokens may be 0", broken_by="chooses_one_at_least")
@exercise.promise("where nothing is read", broken_by="reads_the_prompt_for_nothing")
@exercise.check(points=0.125)
def from_nothing_more_to_many(generate, rng):
    """No token more gives the prompt back, one gives one; a single text of a single token goes on too."""
    model, tokens = Reader(rng), prompt(rng, T=3)
    seen = {f"n_tokens={n}": generate(model, tokens, n) for n in (0, 1, 2, 20)}
    for use_cache in (True, False):
        seen[f"n_tokens=0, use_cache={use_cache}"] = generate(model, tokens, 0, use_cache=use_cache)
        seen[f"from one token, use_cache={use_cache}"] = generate(model, prompt(rng, 1, 1), 4, use_cache=use_cache)
    for token in (7, 0, 30):
        always = generate(model, tokens, 4, lambda logits, token=token: torch.full((len(logits),), token))
        seen[f"where token {token} is chosen again and again"] = always
    for use_cache in (True, False):
        model, long = Reader(rng), prompt(rng, T=31)  # longer than the context
        seen[f"no token after a prompt that nobody could read, use_cache={use_cache}"] = outcome(
            partial(generate, model, long, 0, use_cache=use_cache)
        )
        seen[f"what is read for no token, use_cache={use_cache}"] = model.calls
        wide = Reader(rng, context=300)
        seen[f"150 tokens, use_cache={use_cache}"] = generate(
            wide, tokens, 150 if use_cache else 70, take_third, use_cache
        )
        seen[f"how often the model read, use_cache={use_cache}"] = len(wide.calls)
        one_for_all = prompt(rng, B=1).expand(3, 4)
        seen[f"one prompt for three texts, use_cache={use_cache}"] = generate(wide, one_for_all, 4, use_cache=use_cache)
        across = prompt(rng, B=4, T=3).T
        seen[f"a prompt that lies across, use_cache={use_cache}"] = generate(wide, across, 4, use_cache=use_cache)
    return seen


@exercise.promise("Raises ValueError where the model does", broken_by="reads_the_end_of_a_long_text")
@exercise.promise("T + n_tokens - 1 may fill it", broken_by="refuses_the_last_place")
@exercise.check(points=0.25)
def up_to_the_context(generate, rng):
    """The model may read as many tokens as its context holds; one more, and its ValueError comes through."""
    seen = {}
    for use_cache in (True, False):
        for T, n_tokens in ((3, 27), (3, 28), (3, 29), (30, 1), (31, 1)):  # of a context of 30; the last is not read
            model, tokens = Reader(rng).eval(), prompt(rng, T)
            for words, reader in (("module", model), ("function", lambda *args: model(*args))):
                end = outcome(partial(generate, reader, tokens, n_tokens, use_cache=use_cache))
                seen[f"{n_tokens} tokens after {T}, use_cache={use_cache}, a {words}"] = end
    return seen


@exercise.promise("it gets its mode back, also where something raises", broken_by="loses_the_mode_where_it_ends_early")
@exercise.promise("any exception passes through", broken_by="stops_where_something_raises")
@exercise.promise("`model`, a module or any function", broken_by="asks_for_a_module")
@exercise.promise(
    "A function of yours leaves what it is given as it was", broken_by="leaves_the_model_in_evaluation_mode"
)
@exercise.check(points=0.125)
def a_function_is_a_model_too(generate, rng):
    """A plain function of tokens and state is read as a module is; a module stays in the mode that it was in."""
    module, tokens = Reader(rng), prompt(rng)

    def model(tokens, state=None):
        return module(tokens, state)

    seen = after_exceptions(generate, rng)
    for training in (True, False):
        seen[f"training={training}: the tokens"] = generate(module.train(training), tokens, 3)
        seen[f"training={training}: the mode afterwards"] = module.training
    return seen | {
        f"a function, use_cache={cache}": generate(model, tokens, 3, use_cache=cache) for cache in (True, False)
    }


@exercise.promise(
    "Whatever the state is, which after a token is not None, it is handed on as it comes",
    broken_by="asks_whether_there_is_a_state",
)
@exercise.promise("PyTorch's random numbers are left to `choose`", broken_by="sets_the_seed")
@exercise.promise("the result can be trained on", broken_by="gives_an_inference_tensor")
@exercise.check(points=0.125)
def a_call_leaves_no_traces(generate, rng):
    """Any state is handed on; random numbers are for `choose` alone; the result is a tensor like any other."""
    tokens, seen = prompt(rng), {}
    table = normal(rng, 997, 31).requires_grad_()
    given: list[Tensor] = []

    def choose(logits):
        given.append(logits)
        return draw(logits)

    def model(tokens, state=None, kind=None):
        """A model with a state that is no list, and at times counts as nothing."""
        seen.setdefault("states", []).append(state)
        number = torch.zeros(len(tokens), dtype=torch.long) if state is None or len(state) == 0 else state
        logits = []
        for token in tokens.unbind(1):
            number = (number * 31 + token + 1) % 997
            logits.append(table[number])
        return torch.stack(logits, dim=1), number if kind is None else kind

    for kind in (None, [], ()):
        for use_cache in (True, False):
            words = f"state {kind}, use_cache={use_cache}"
            before = torch.get_rng_state()
            result = generate(partial(model, kind=kind), tokens, 4, use_cache=use_cache)
            seen[words] = result
            seen[f"random numbers are left alone, {words}"] = torch.equal(before, torch.get_rng_state())
            result = generate(partial(model, kind=kind), tokens, 4, choose, use_cache)
            seen |= {f"drawn, {words}": result, f"can be trained on, {words}": not result.is_inference()}
    seen["nothing is kept for gradients"] = not any(logits.requires_grad for logits in given)
    weight = torch.ones(31, 3, requires_grad=True)
    torch.nn.functional.embedding(result, weight).sum().backward()
    return seen | {"what is trained on it learns": weight.grad, "gradients are on": torch.is_grad_enabled()}


@exercise.mistake(
    hint="The model gets the whole text again and the state besides. What does it know from the state already?"
)
def reads_all_again_with_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, next_piece=lambda tokens, new: tokens)


@exercise.mistake(hint="With the cache the model reads one token and no state. From where should it know the rest?")
def drops_the_state(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: None)


@exercise.mistake(hint="The state is always the one after the prompt. Does the model not return a new one each time?")
def keeps_the_state_of_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: old or new)


@exercise.mistake(hint="You take the scores at the first position. After which token do you want to go on?")
def takes_the_first_logits(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, pick=lambda choose, logits: choose(logits[:, 0]))


@exercise.mistake(hint="The likeliest token is taken whatever happens. Where do you call `choose`?")
def always_takes_the_likeliest(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, likeliest, use_cache)


@exercise.mistake(hint="What you return begins after the prompt. Should the prompt not stand in front?")
def leaves_out_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache)[:, tokens.size(1) :]


@exercise.mistake(
    hint="The tokens are right and the state is never used. What should the model read with use_cache=True?"
)
def never_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache=False)


@exercise.mistake(hint="The state is used even with use_cache=False. What should the model read then?")
def always_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose)


@exercise.mistake(hint="One token too many comes back. How often should the loop run?")
def goes_on_one_too_far(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens + 1, choose, use_cache)


@exercise.mistake(
    hint="Of the prompt the model reads the last token alone. From where should it know the rest, without a state?"
)
def reads_the_end_of_the_prompt_alone(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, first=lambda tokens: tokens[:, -1:])


@exercise.mistake(hint="The model reads once more than it has to. What becomes of the logits after the last token?")
def reads_the_last_token_too(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    logits, state = model(tokens)
    for _ in range(n_tokens):
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        logits, state = model(new, state) if use_cache else model(tokens)
    return tokens


@exercise.mistake(hint="A token is chosen before you look at how many are wanted. What if it is none?")
def chooses_one_at_least(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, max(n_tokens, 1), choose, use_cache)


@exercise.mistake(hint="You refuse T + n_tokens above the context. How many of these tokens does the model read?")
def refuses_the_last_place(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    if tokens.size(1) + n_tokens > getattr(model, "context", 10**9):
        raise ValueError("longer than the context")
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="Where the context is full you leave out the oldest tokens. What should the caller get there?")
def reads_the_end_of_a_long_text(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    context, state, piece = getattr(model, "context", 10**9), None, tokens
    for _ in range(n_tokens):
        if use_cache and tokens.size(1) <= context:
            logits, state = model(piece, state)
        else:
            logits, _ = model(tokens[:, -context:])
        piece = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, piece], dim=1)
    return tokens


@exercise.mistake(hint="You call `choose` for each text by itself. Which shape of logits does it take?")
def chooses_text_by_text(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    def pick(choose, logits):
        return torch.cat([choose(row) for row in logits[:, -1].split(1)])[: len(logits)]

    return go_on(model, tokens, n_tokens, choose, use_cache, pick=pick)


@exercise.mistake(hint="`choose` gets numbers that sum to one. Are these the scores before the softmax or after it?")
def chooses_from_probabilities(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    pick = lambda choose, logits: choose(logits[:, -1].softmax(dim=-1))  # noqa: E731
    return go_on(model, tokens, n_tokens, choose, use_cache, pick=pick)


@exercise.mistake(hint="You choose at every position that was read, and keep the last. Which logits are wanted alone?")
def chooses_at_every_position(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    def pick(choose, logits):
        return [choose(at_one) for at_one in logits.unbind(1)][-1]

    return go_on(model, tokens, n_tokens, choose, use_cache, pick=pick)


@exercise.mistake(hint="Without the cache the likeliest token is taken. Where do you call `choose` there?")
def takes_the_likeliest_without_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose if use_cache else likeliest, use_cache)


@exercise.mistake(hint="Where nothing is said of the cache you do without it. What does the signature say?")
def reads_all_again_where_nothing_is_said(model, tokens, n_tokens, choose=likeliest, use_cache=False):
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="Where no `choose` is given you draw a token. Which one should it be?")
def draws_where_nothing_chooses(model, tokens, n_tokens, choose=draw, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="You ask the model for something that only a module has. May a model be a plain function?")
def asks_for_a_module(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    was_training = model.training
    model.eval()
    try:
        return go_on(model, tokens, n_tokens, choose, use_cache)
    finally:
        model.train(was_training)


@exercise.mistake(hint="The model was in training mode, and you leave it in another one. Whose is it afterwards?")
def leaves_the_model_in_evaluation_mode(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    if isinstance(model, nn.Module):
        model.eval()
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="The mode comes back at the end, but not after an error. Which statement runs in either case?")
def loses_the_mode_where_it_ends_early(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    was_training = getattr(model, "training", False)
    if was_training:
        model.eval()
    tokens = go_on(model, tokens, n_tokens, choose, use_cache)
    if was_training:
        model.train()
    return tokens


@exercise.mistake(hint="An error in `choose` ends in a text, or in another error. Who should hear of it?")
def stops_where_something_raises(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    try:
        return go_on(model, tokens, n_tokens, choose, use_cache)
    except KeyError:
        return tokens


@exercise.mistake(hint="The prompt is read even where no token is wanted. What for?")
def reads_the_prompt_for_nothing(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    if n_tokens == 0:
        model(tokens)
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="You ask whether the state counts as something. What if it is a tensor, or an empty list?")
def asks_whether_there_is_a_state(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    def hand_on(old, new):
        return None if isinstance(new, (list, tuple)) and not new else new

    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=hand_on)


@exercise.mistake(hint="What is drawn is the same each time. Who sets the seed of the random numbers?")
def sets_the_seed(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    torch.manual_seed(0)
    return go_on(model, tokens, n_tokens, choose, use_cache)


@exercise.mistake(hint="Nobody can train on your result. What is the difference of `inference_mode` and `no_grad`?")
def gives_an_inference_tensor(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    with torch.inference_mode():
        return go_on(model, tokens, n_tokens, choose, use_cache).clone()


exercise.aside(
    "A module, all of whose parts have one mode, may read in evaluation mode", "This allows, and asks for nothing."
)
exercise.aside("`partial(sample, temperature=0.8, generator=…)`", "An example of a `choose`.")
exercise.aside("a text begins with None, or with `model(tokens)`", "This allows either.")
exercise.edges(
    empty="from_nothing_more_to_many",
    one="from_nothing_more_to_many",
    equal="No sentence says which of two equal scores is the likeliest.",
    zero="from_nothing_more_to_many",
    ties="No sentence says which of two equal scores is the likeliest.",
    large="up_to_the_context",
    small="from_nothing_more_to_many",
    limit="up_to_the_context",
    shapes="from_nothing_more_to_many",
    modes="a_function_is_a_model_too",
    gradients="Tokens have none.",
    inputs="Tokens have none.",
)
