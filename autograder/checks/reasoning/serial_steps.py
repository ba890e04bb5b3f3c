"""`serial_steps`: what is there is read at once or along the text, what is chosen waits; updates go there and back."""

from operator import index

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes

exercise = Exercise("serial_steps")
DESIGNS, TASKS = ("transformer", "loop", "recurrent"), ("answer", "pretraining", "rl")
LARGE = (93, 7_000_000_011, 5_000_000_003)  # layers, tokens of a prompt and of a reply


def sizes(rng: torch.Generator) -> list[tuple[int, int, int]]:
    """Layers, tokens of a prompt and of a reply: three networks, and such as have one of something."""
    drawn = [[int(torch.randint(low, low + 5, (), generator=rng)) for low in (3, 11, 23)] for _ in range(3)]
    drawn[1][1:] = drawn[1][:0:-1]  # a long prompt and a short reply
    return [*map(tuple, drawn), (4, 1, 9), (4, 9, 1), (1, 5, 8), (1, 1, 6), (1, 6, 1), (3, 1, 1), (1, 1, 1)]


def of_all(serial_steps, rng: torch.Generator, task: str, **more) -> dict[str, int]:
    """The steps of a task for each design, at many sizes."""
    return {
        f"{design}, {n_layers} layer(s), prompt of {n_prompt}, reply of {n_reply}": serial_steps(
            design, task, n_layers, n_prompt, n_reply, **more
        )
        for n_layers, n_prompt, n_reply in sizes(rng)
        for design in DESIGNS
    }


class Serial:
    """Serial steps with their parts to override, so that one of them can be wrong."""

    fewest = {"layers": 1, "prompt": 1, "reply": 1, "rounds": 1}

    def __call__(self, design, task, n_layers, n_prompt, n_reply, n_rounds=1):
        if not self.is_known(design, task):
            raise ValueError("names")
        if any(n < self.fewest[what] for what, n in zip(self.fewest, (n_layers, n_prompt, n_reply, n_rounds))):
            raise ValueError("numbers")
        self.design, self.n_layers = design, n_layers
        self.deep = self.depth(n_layers, n_rounds)
        return self.give(getattr(self, task)(n_prompt, n_reply))

    def is_known(self, design, task):
        return design in DESIGNS and task in TASKS

    def depth(self, n_layers, n_rounds):
        return n_layers * n_rounds if self.design == "loop" else n_layers

    def read(self, n_tokens):
        return self.along(n_tokens) if self.design == "recurrent" else self.at_once(n_tokens)

    def at_once(self, n_tokens):
        return self.deep

    def along(self, n_tokens):
        return n_tokens - 1 + self.deep

    def answer(self, n_prompt, n_reply):
        return self.read(n_prompt) + self.write(n_reply - 1)

    def write(self, n_tokens):
        return n_tokens * self.deep

    def pretraining(self, n_prompt, n_reply):
        return self.there_and_back(self.read(n_prompt + n_reply))

    def there_and_back(self, there):
        return 2 * there

    def rl(self, n_prompt, n_reply):
        return self.answer(n_prompt, n_reply) + self.pretraining(n_prompt, n_reply)

    def give(self, steps):
        return steps


def in_single_precision(self: Serial, steps: int) -> int:
    return int(torch.tensor(float(steps), dtype=torch.float32))


def in_32_bits(self: Serial, steps: int) -> int:
    return (steps + 2**31) % 2**32 - 2**31


def without_waiting(self: Serial, n_tokens: int) -> int:
    return n_tokens if self.design == "recurrent" else n_tokens * self.deep


@exercise.promise("each layer waits for the layer below;", broken_by="reads_along_the_text_everywhere")
@exercise.promise("for its own layer at the position before", broken_by="takes_recurrent_layers_for_parallel")
@exercise.promise(
    "so that it takes the number of tokens and the layers above the first", broken_by="counts_a_layer_twice"
)
@exercise.promise("each unit waits for the layer below *and*", broken_by="forgets_the_layers")
@exercise.promise("an update on a text of n_prompt + n_reply tokens", broken_by="trains_on_the_reply_alone")
@exercise.promise("all of which are read at once", broken_by="reads_one_token_fewer")
@exercise.promise("going back takes as many steps as going forward", broken_by="does_not_go_back")
@exercise.promise("with as many hands as you like: the length of the longest chain", broken_by="counts_every_unit")
@exercise.check(points=0.25)
def an_update_in_pretraining(serial_steps, rng):
    """A text is read at once, by a recurrent network along the text, and the way back is as long."""
    return of_all(serial_steps, rng, "pretraining")


@exercise.promise("a prompt is read, and its last position gives the first token of the reply", "forgets_the_prompt")
@exercise.promise("each further token is chosen when all layers have read the one before", "writes_all_at_once")
@exercise.promise("The last token is not read", "reads_the_last_token")
@exercise.promise("To read tokens that are all there", "reads_the_prompt_token_by_token")
@exercise.check(points=0.25)
def an_answer(serial_steps, rng):
    """The prompt is read, and each token of the reply but the last has to go through all layers."""
    return of_all(serial_steps, rng, "answer")


@exercise.promise('the reply is drawn as for "answer"', "forgets_to_draw")
@exercise.promise('then prompt and reply are an update as in "pretraining"', "has_read_it_while_drawing")
@exercise.check(points=0.25)
def an_update_in_rl(serial_steps, rng):
    """A reply is drawn, and then prompt and reply are read again, there and back."""
    return of_all(serial_steps, rng, "rl")


@exercise.promise("the layers are run `n_rounds` times", "adds_the_rounds")
@exercise.promise("Only a loop has rounds", "gives_rounds_to_all")
@exercise.promise("How many layers have to be computed one after another", "takes_a_round_for_a_layer")
@exercise.promise("A unit is one layer at one position, as in `sequential_depth`", "does_not_repeat_when_it_writes")
@exercise.check(points=0.25)
def rounds_of_a_loop(serial_steps, rng):
    """A loop of r rounds is as deep as r times its layers, in every task; other designs have no rounds."""
    seen = {f"{task}, one round, by default": serial_steps("loop", task, 4, 13, 6) for task in TASKS}
    for said in ("Loop, Answer", "Recurrent, RL"):
        seen[f"{said}, put into small letters"] = serial_steps(*said.lower().split(", "), 3, 7, 19, 4)
    for n_rounds in (1, 2, 5, int(torch.randint(6, 12, (), generator=rng))):
        for task in TASKS:
            for n_layers, n_prompt, n_reply in ((3, 7, 19), (1, 7, 19), (4, 1, 5), (4, 5, 1)):
                of = f"{n_layers} layer(s), {n_rounds} round(s), prompt of {n_prompt}, reply of {n_reply}"
                for design in DESIGNS:
                    number = serial_steps(design, task, n_layers, n_prompt, n_reply, n_rounds)
                    seen[f"{design}, {task}, {of}"] = number
    return seen


@exercise.promise("Raises ValueError for another design", "takes_any_design_for_a_transformer")
@exercise.promise("or task, and where", "takes_any_task_for_an_answer")
@exercise.promise("a number of layers, rounds, prompt or reply tokens is below 1", "takes_no_token")
@exercise.check(points=0.25)
def what_there_is_not(serial_steps, rng):
    """Other names, and a number below 1, of rounds too where there are none, are a ValueError; 1 of each is not."""
    given = dict(zip(("n_layers", "n_prompt", "n_reply", "n_rounds"), (3, 5, 7, 2)))
    seen = {}
    for design, task in (("lstm", "answer"), ("Loop", "rl"), ("", "rl"), ("answer", "loop"), ("transformer", "sft")):
        seen[f"{design!r}, {task!r}"] = ending(lambda: serial_steps(design, task, **given))
    for design in DESIGNS:
        for task in TASKS:
            for name in given:
                for number in (0, -2, 1):
                    end = ending(lambda: serial_steps(design, task, **{**given, name: number}))
                    seen[f"{design}, {task}, {name}={number}"] = end
    return seen


@exercise.promise("The number is whole", "gives_a_floating_number")
@exercise.promise("and exact for billions of tokens", "counts_in_single_precision")
@exercise.check(points=0.25)
def billions_of_tokens(serial_steps, rng):
    """The number is whole, and right to the last digit for texts of billions of tokens, at once."""
    n_more, seen = int(torch.randint(1000, (), generator=rng)), {}
    for design in DESIGNS:
        for task in TASKS:
            n_layers, n_prompt, n_reply = LARGE
            number = serial_steps(design, task, n_layers, n_prompt + n_more, n_reply, 8)
            seen[f"{design}, {task}"] = number
            seen[f"{design}, {task}, is whole"] = ending(lambda number=number: index(number)) == "a result"
    return seen


mistakes(
    exercise,
    Serial,
    counts_every_unit=mistake(
        "You count every layer at every position, as with one hand. Which of them can be done at the same time?",
        at_once=lambda self, n_tokens: n_tokens * self.deep,
        along=lambda self, n_tokens: n_tokens * self.deep,
    ),
    reads_along_the_text_everywhere=mistake(
        "A transformer reads along the text, with you. Which layer does each of its layers wait for?",
        at_once=Serial.along,
    ),
    takes_recurrent_layers_for_parallel=mistake(
        "Your recurrent network reads all tokens at once. What does a unit of it wait for, besides the layer below?",
        along=Serial.at_once,
    ),
    counts_a_layer_twice=mistake(
        "A recurrent network takes one step too many, with you. Which unit stands in the row and in the column?",
        along=lambda self, n_tokens: n_tokens + self.deep,
    ),
    forgets_the_layers=mistake(
        "A recurrent network takes as many steps as tokens, with you. What of the layers above the last token?",
        along=lambda self, n_tokens: n_tokens,
    ),
    waits_for_all_layers_at_each_token=mistake(
        "Your recurrent network ends one token before it begins the next. Must it, if both are there?",
        along=lambda self, n_tokens: n_tokens * self.deep,
    ),
    counts_the_links=mistake(
        "A recurrent network takes one step too few, with you. How many units has a chain of as many links?",
        along=lambda self, n_tokens: n_tokens + self.deep - 2 if n_tokens > 1 else self.deep,
    ),
    trains_on_the_reply_alone=mistake(
        "Your update reads the reply alone. How long is its text?",
        pretraining=lambda self, n_prompt, n_reply: self.there_and_back(self.read(n_reply)),
    ),
    trains_on_the_prompt_alone=mistake(
        "Your update reads the prompt alone. How long is its text?",
        pretraining=lambda self, n_prompt, n_reply: self.there_and_back(self.read(n_prompt)),
    ),
    reads_one_token_fewer=mistake(
        "Your update leaves out a token. Which of them are read, by the text?",
        pretraining=lambda self, n_prompt, n_reply: self.there_and_back(self.read(n_prompt + n_reply - 1)),
    ),
    trains_token_by_token=mistake(
        "Your update reads a reply as if it were being written. Are its tokens there already?",
        pretraining=lambda self, n_prompt, n_reply: self.there_and_back(self.answer(n_prompt, n_reply)),
    ),
    does_not_go_back=mistake(
        "Your update goes forward and not back. How long is the way back?", there_and_back=lambda self, there: there
    ),
    goes_back_at_double_cost=mistake(
        "Your way back is twice as long. Of what does it take twice as much, work or steps one after another?",
        there_and_back=lambda self, there: 3 * there,
    ),
    reads_the_last_token=mistake(
        "You go through the layers once too often. Which position gives the first token, and is the last one read?",
        write=lambda self, n_tokens: (n_tokens + 1) * self.deep,
    ),
    chooses_one_token_fewer=mistake(
        "Your reply is a token short. Which of its tokens does the prompt give?",
        write=lambda self, n_tokens: max(n_tokens - 1, 0) * self.deep,
    ),
    writes_all_at_once=mistake(
        "Your reply is read as if it were there. When can a token be read that has not been chosen?",
        answer=lambda self, n_prompt, n_reply: self.read(n_prompt + n_reply - 1),
    ),
    takes_a_step_for_each_token=mistake(
        "Each token that you write takes one step. Which layers have to read it before the next is chosen?",
        write=lambda self, n_tokens: n_tokens,
    ),
    writes_at_once_where_it_recurs=mistake(
        "Your recurrent network writes a token at each step. Has the top layer read the one before by then?",
        write=without_waiting,
    ),
    forgets_the_prompt=mistake(
        "You do not count the reading of the prompt. What has to be done before the first token is chosen?",
        answer=lambda self, n_prompt, n_reply: self.write(n_reply - 1),
    ),
    reads_the_prompt_token_by_token=mistake(
        "You read the prompt token by token. Which of its tokens has to be waited for?",
        answer=lambda self, n_prompt, n_reply: self.write(n_prompt + n_reply - 1),
    ),
    reads_all_again_for_each_token=mistake(
        "You read prompt and reply again for each token. What does a network keep of what it has read?",
        answer=lambda self, n_prompt, n_reply: (
            n_reply * self.read(n_prompt) + (n_reply * (n_reply - 1) // 2 if self.design == "recurrent" else 0)
        ),
    ),
    forgets_to_draw=mistake(
        "Your update in RL begins with a reply that is there. Where does it come from?",
        rl=lambda self, n_prompt, n_reply: self.pretraining(n_prompt, n_reply),
    ),
    forgets_to_learn=mistake(
        "In RL you draw and do not learn. What comes after the reply?",
        rl=lambda self, n_prompt, n_reply: self.answer(n_prompt, n_reply),
    ),
    has_read_it_while_drawing=mistake(
        "In RL you go back without going forward. As which task is the update, once the reply is there?",
        rl=lambda self, n_prompt, n_reply: self.answer(n_prompt, n_reply) + self.read(n_prompt + n_reply),
    ),
    learns_from_the_reply_alone=mistake(
        "In RL you learn from the reply alone. What stands in front of it?",
        rl=lambda self, n_prompt, n_reply: self.answer(n_prompt, n_reply) + self.pretraining(0, n_reply),
    ),
    learns_token_by_token=mistake(
        "In RL you go back through the drawing. Is the reply not there by then, so that it can be read at once?",
        rl=lambda self, n_prompt, n_reply: 2 * self.answer(n_prompt, n_reply),
    ),
    adds_the_rounds=mistake(
        "Each further round of your loop takes one step. How many layers are run in it?",
        depth=lambda self, n_layers, n_rounds: n_layers + (n_rounds - 1 if self.design == "loop" else 0),
    ),
    takes_a_round_for_a_layer=mistake(
        "A round of your loop is one step, whatever its layers. How many of them are run one after another?",
        depth=lambda self, n_layers, n_rounds: n_rounds if self.design == "loop" else n_layers,
    ),
    forgets_the_rounds=mistake(
        "Your loop has one round always. How often are its layers run?", depth=lambda self, n_layers, n_rounds: n_layers
    ),
    gives_rounds_to_all=mistake(
        "All your networks have rounds. Which design has them?",
        depth=lambda self, n_layers, n_rounds: n_layers * n_rounds,
    ),
    does_not_repeat_when_it_writes=mistake(
        "Your loop thinks in rounds where it reads and not where it writes. How deep is a unit's chain at each token?",
        write=lambda self, n_tokens: n_tokens * self.n_layers,
    ),
    takes_any_design_for_a_transformer=mistake(
        "A design that there is not counts as a transformer. What does `else` take in?",
        is_known=lambda self, design, task: task in TASKS,
    ),
    takes_any_task_for_an_answer=mistake(
        "A task that there is not is no ValueError. What is to be said of it?",
        is_known=lambda self, design, task: design in DESIGNS,
        __call__=lambda self, design, task, *sizes, **named: Serial.__call__(
            self, design, task if task in TASKS else "answer", *sizes, **named
        ),
    ),
    takes_no_token=mistake(
        "A prompt, a reply or a network of nothing passes. What is the least of each?",
        fewest=dict.fromkeys(Serial.fewest, 0),
    ),
    takes_no_round=mistake("No round passes. Which number is not compared?", fewest=Serial.fewest | {"rounds": -9}),
    gives_a_floating_number=mistake(
        "Your number has a point. What do you count?", give=lambda self, steps: float(steps)
    ),
    counts_in_single_precision=mistake(
        "Large numbers lose their last digits. Which numbers of Python do not?", give=in_single_precision
    ),
    counts_in_32_bits=mistake(
        "Large numbers go below zero or begin again. Which numbers of Python do not?", give=in_32_bits
    ),
)

exercise.edges(
    empty="what_there_is_not",
    one="an_answer",
    equal="an_answer",
    zero="what_there_is_not",
    ties="Of two chains that are equally long either will do.",
    large="billions_of_tokens",
    small="an_answer",
    limit="what_there_is_not",
    shapes="an_update_in_pretraining",
    modes="Numbers have no mode.",
    gradients="Numbers have no gradient.",
    inputs="Numbers have no gradient.",
)
