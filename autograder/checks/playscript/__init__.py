"""The checks of the playscript topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a play that has got further begins as it did, a stop only cuts, what somebody says below the
first line does not answer the question. Then the text, sign by sign. Names and words are made up of syllables, so that
none stands in another by chance, and what is written comes from a model that goes on with a script as long as it has
read all of it, in order and once: whoever reads otherwise gets something else.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

playscript = Topic(
    "playscript", "render_playscript", "few_shot_prompt", "generate_until", "classify_failure", written=2
)
check = partial(try_out, playscript)  # what notebooks import
score = partial(all_scores, playscript)
