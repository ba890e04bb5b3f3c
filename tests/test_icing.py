"""Proves that the claims of the icing are measured as they say: each script runs small, and each record is its data's.

Also: what ships as the assistant is the model of its record and card, and does on new questions what these say.
"""

import json
from pathlib import Path

import pytest
from recorded import follows_from_its_data

from experiments import assistant, icing, icing_knows, playscript, record
from layercake import checkpoints, results
from layercake.labs import sft
from layercake.village import experts
from solutions.sft import render_chat

ROOT = Path(__file__).parents[1]
SCRIPTS = {"playscript": playscript, "icing": icing, "icing-knows": icing_knows, "assistant": assistant}
FILE = checkpoints.FOLDER / "assistant.safetensors"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_experiment_runs_small_and_records_everything(name, tmp_path, run_small):
    run_small(SCRIPTS[name], tmp_path)
    result = record.Record.model_validate(results.load(name, tmp_path))
    assert "--smoke" in result.command
    if name == "assistant":
        assert checkpoints.load(tmp_path / "assistant.safetensors").context == 1536
        assert "## How good it is" in (tmp_path / "assistant.md").read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_smoke_run_refuses_to_overwrite_the_record(name, check_refusal):
    check_refusal(SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_recorded_is_computed_from_its_data_and_of_todays_base(name):
    script, recorded = SCRIPTS[name], results.load(name)
    follows_from_its_data(script, recorded)
    assert recorded["settings"]["base"] == checkpoints.digest("village")


def test_of_how_many_demonstrations_it_takes():
    assert icing.needed([10, 100, 1000], [0.5, 0.8, 1.0]) == pytest.approx(100 * 10**0.5)
    assert icing.needed([10, 100], [0.95, 0.2]) == 10 and icing.needed([10, 100], [0.1, 0.5]) is None


def test_the_longer_trainings_are_put_beside_the_others_of_the_same_base_alone(monkeypatch):
    recorded, settings = results.load("icing"), icing.Settings()
    its = recorded["data"]["starts"][icing.LONGER]

    def as_recorded(function, jobs, settings):
        return {
            job: {
                exam: {
                    manner: band["seeds"][job.seed][its["demonstrations"].index(job.n)] for manner, band in of.items()
                }
                for exam, of in its["exams"].items()
            }
            | {"seconds": its["seconds"]}
            for job in jobs
        }

    monkeypatch.setattr(record, "side_by_side", as_recorded)
    again = json.loads(json.dumps(icing.with_the_longer(recorded, settings)))
    assert {**again, "added": None} == {**recorded, "added": None} and icing.LONGER in again["added"]
    with pytest.raises(ValueError, match="another base"):
        icing.with_the_longer({**recorded, "settings": {**recorded["settings"], "base": "0"}}, settings)


def test_what_tuning_alone_states_no_other_demonstration_contradicts():
    taught = {fact for kind in experts.KINDS for fact in experts.facts(kind, experts.taught)}
    strange = icing_knows.strange_facts(0, 80)
    assert len(set(strange)) == 80 and not taught & set(strange)
    shown = icing_knows.shown(icing_knows.Job("facts", 0.0, 0), icing_knows.Settings())
    said = [message["content"] for messages in shown for message in messages if message["role"] == "user"]
    counts = [sum(fact.subject in text for text in said) for fact in strange[-icing_knows.EACH :]]
    assert min(counts) >= icing_knows.TIMES[-1]


@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_the_shares_of_the_kinds_of_question_are_those_asked_for(unknown):
    shares = icing_knows.shares(unknown)
    assert sum(shares.values()) == pytest.approx(1) and shares["unknown"] == unknown
    assert shares["known"] / shares["ambiguous"] == pytest.approx(experts.KINDS["known"] / experts.KINDS["ambiguous"])


# What ships


def test_the_assistant_is_small_and_its_card_is_that_of_its_record():
    recorded = results.load("assistant")
    assert FILE.stat().st_size == recorded["numbers"]["bytes"] < 8e6
    assert FILE.with_suffix(".md").read_text() == assistant.card(recorded)
    assert sum(path.stat().st_size for path in checkpoints.FOLDER.iterdir()) < 20e6


def test_new_questions_are_answered_as_the_record_says():
    """A hundred that the record was not made on: within five standard errors of what was measured."""
    exam = sft.examine(checkpoints.load("assistant"), render_chat, 100, kinds=("known", "ambiguous"), seed=7)
    manners = results.load("assistant")["data"]["exams"]["assistant"]["manners"]
    for manner in ("right", "cites", "asks back", experts.LEFT):
        said, n = manners[manner]["value"], 100 if manner != experts.LEFT else 200
        spread = (max(said * (1 - said), 0.01) / n) ** 0.5
        assert abs(exam.share(manner) - said) < 5 * spread, manner
