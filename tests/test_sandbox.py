"""Proves that the sandbox holds: what a submission may not do, it cannot, and it costs only what it broke.

Every test runs real cells in a real bubblewrap sandbox; one warm worker serves the whole file.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.checking.display import as_text
from autograder.checking.solution_source import solution_source
from autograder.checking.topic import load
from autograder.grading.attempt import attempt
from autograder.grading.outcome import judge_all
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import AHEAD, NoSandbox, find_bwrap, launched_ahead

SEED = 123_456_789
TOPIC = load("attention")
LIMITS = Limits(cell_seconds=3, seconds=15)
STOPPED = "|".join(  # by its own seconds of a processor, or by the clock where others keep the processor busy
    f"stopped after {s:g} seconds" for s in (LIMITS.cell_seconds, LIMITS.patience * LIMITS.cell_seconds)
)
IMPORTS = (
    "import math, os, torch\nfrom torch import Tensor, nn\nfrom collections.abc import Callable, Iterable\nUnit = tuple"
)
RIGHT = solution_source(TOPIC.reference("scaled_dot_product"))


@pytest.fixture(scope="module")
def worker():
    with Sandbox("attention", limits=LIMITS) as worker:
        yield worker


def run(worker, *sources: str):
    """Run cells, a string that names an exercise being its check; returns what was seen."""
    cells = [
        {"id": str(i), "source": s, "exercise": s if s in TOPIC.exercises else None} for i, s in enumerate(sources)
    ]
    return worker.run(cells, SEED)


def points(seen, exercise: str = "scaled_dot_product") -> float:
    return judge_all(TOPIC, seen, [exercise], SEED)[0].earned


def test_a_right_answer_gets_full_points_and_its_prints_come_back(worker):
    seen = run(worker, IMPORTS, "print('hello'); import warnings; warnings.warn('loud')", RIGHT, "scaled_dot_product")
    assert (seen.ending, seen.errors, points(seen)) == ("whole", {}, 2)
    assert seen.texts[1].startswith("hello") and "loud" in seen.texts[1]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        ("import socket; socket.create_connection(('1.1.1.1', 53), 1)", "Network is unreachable"),
        ("open('/usr/planted', 'w')", "Read-only|Permission"),
        ("open('/planted', 'w')", "Read-only|Permission"),
        (f"open({str(Path.home() / '.bashrc')!r}).read()", "No such file|Permission"),
        (f"print(os.listdir({str(Path(__file__).parent)!r}))", "No such file"),
        ("import solutions; print(open(solutions.__path__[0] + '/attention.py').read()[0])", "IndexError|Permission"),
        ("from solutions.attention import online_softmax_attention as f; f(1, 2, 3)", "not there at grading"),
        ("import inspect, solutions.attention as s; print(inspect.getsource(s))", "TypeError|OSError"),
        ("os.kill(1, 9); os.kill(1, 2); open('/proc/1/mem', 'rb').read(1)", "Permission"),
        ("os.setuid(0)", "Operation not permitted|Invalid argument"),
        ("torch.ones(40 * 2**30 // 4)", "memory"),
        ("bytearray(40 * 2**30)", "MemoryError"),
        ("open('/tmp/big', 'wb').write(bytes(300 << 20))", "File too large"),
        (
            "[os.fork() or __import__('time').sleep(9) for _ in range(1000)]",
            "temporarily unavailable|ran 64 processes at once",
        ),
        ("while True: pass", STOPPED),
        ("while True:\n    try:\n        pass\n    except Exception:\n        pass", STOPPED),
        ("raise SystemExit", "SystemExit"),
        ("def broken(:", "SyntaxError"),
        ("%no_such_magic", "magic|UsageError"),
    ],
)
def test_what_is_not_allowed_fails_in_its_cell_and_costs_nothing_else(worker, attempt, words):
    seen = run(worker, IMPORTS, attempt, RIGHT, "scaled_dot_product")
    said = seen.errors.get(1, "") + seen.texts.get(1, "")
    assert any(word in said for word in words.split("|")), said
    assert points(seen) == 2


@pytest.mark.parametrize(
    "attempt",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "import ctypes; ctypes.string_at(0)",
        "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        "import gc, socket\nfor s in gc.get_objects():\n    if isinstance(s, socket.socket): s.close()",
    ],
)
def test_a_cell_that_ends_the_process_is_left_out_in_a_second_try(worker, attempt):
    seen = run(worker, IMPORTS, attempt, RIGHT, "scaled_dot_product")
    assert (points(seen), seen.ending) == (2, "whole")
    assert 1 in seen.errors


def test_what_one_submission_leaves_behind_the_next_does_not_meet(worker):
    linger = (
        "import subprocess\nopen('/tmp/note', 'w').write('x'); open('/dev/shm/note', 'w')\n"
        "subprocess.Popen(['sleep', '1000'], start_new_session=True)"
    )
    assert run(worker, IMPORTS, linger).errors == {}
    look = "import glob; print([open(p).read().split('\\0')[0] for p in glob.glob('/proc/[0-9]*/cmdline')])"
    seen = run(worker, IMPORTS, look, "print(os.listdir('/tmp'), os.listdir('/tmp/home'), os.listdir('/dev/shm'))")
    assert "sleep" not in seen.texts[1]
    assert "note" not in seen.texts[2] and "big" not in seen.texts[2], "a file outlived its submission"


FORGED = """
import gc, json, socket, struct, sys
def forge(message, tree=b'{"value": 1.0, "raised": null, "changed": []}', blob=None):
    from safetensors.torch import save
    blob = save({}) if blob is None else blob
    text = json.dumps(message)[:-1].encode() + b', "observation": ' + tree + b'}'
    for s in [o for o in gc.get_objects() if isinstance(o, socket.socket)]:
        s.sendall(struct.pack('>II', len(text), len(blob)) + text + blob)
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "[forge({'kind': 'observed', 'exercise': 'scaled_dot_product', 'check': c.name}) "
        "for c in sys.modules['autograder.checks.attention'].attention.exercises['scaled_dot_product'].checks]",
        "forge({'kind': 'end'})",
        "forge({'kind': 'observed'})",
        "forge({'kind': 'ran', 'cell': 'x', 'text': 1, 'error': 2})",
        "forge({'kind': 'observed', 'exercise': 'x', 'check': 'y'}, blob=b'\\xff' * 8 + b'{}')",
        "forge({'kind': 'observed', 'exercise': 'x', 'check': 'y'}, tree=b'[' * 100000)",
        "[s.sendall(b'\\xff' * 64) for s in gc.get_objects() if isinstance(s, socket.socket)]",
    ],
)
def test_a_forged_message_gains_nothing(worker, attempt):
    wrong = "def scaled_dot_product(query, key, value, mask=None):\n    return 1.0"
    assert points(run(worker, IMPORTS, FORGED + attempt, wrong, "scaled_dot_product")) == 0


@pytest.mark.parametrize(
    "patch",
    [
        "torch.allclose = torch.isclose = torch.equal = lambda *a, **k: True",
        "class Yes(float):\n    __eq__ = __lt__ = __le__ = __gt__ = lambda *a: True\n"
        "scaled_dot_product = lambda *a, **k: Yes(1)",
        "class T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, *a, **k): return True\n"
        "scaled_dot_product = lambda *a, **k: torch.ones(3).as_subclass(T)",
        "import autograder.checking.observe as o; o.observe = lambda *a: o.Observation(1.0)",
        "import autograder.sandbox.worker, sys; sys.modules['__main__'].observe = lambda *a: 1",
    ],
)
def test_patching_what_would_judge_gains_nothing(worker, patch):
    wrong = "def scaled_dot_product(query, key, value, mask=None):\n    return 1.0"
    assert points(run(worker, IMPORTS, wrong, patch, "scaled_dot_product")) == 0


def test_the_reference_earns_nothing_and_what_builds_on_it_does(worker):
    seen = run(
        worker,
        IMPORTS,
        "from solutions.attention import scaled_dot_product",
        "scaled_dot_product",
        solution_source(TOPIC.reference("causal_attention")),
        "causal_attention",
    )
    assert points(seen) == 0
    assert points(seen, "causal_attention") == 1


CAUSAL = solution_source(TOPIC.reference("causal_attention"))
UNSCALED = "def scaled_dot_product(query, key, value, mask=None):\n    return torch.softmax(query @ key.mT, -1) @ value"
BLANK = "def scaled_dot_product(query, key, value, mask=None):\n    raise NotImplementedError()"
TAKES = (  # what is given, where a later exercise is observed
    "def causal_attention(query, key, value):\n"
    "    globals()['stolen'] = scaled_dot_product\n"
    "    return scaled_dot_product(query, key, value, torch.ones(query.size(-2), key.size(-2), dtype=bool).tril())"
)
STOLEN = (
    "def scaled_dot_product(*given, **more):\n"
    "    if 'stolen' in globals(): return stolen(*given, **more)\n    raise NotImplementedError()"
)


def attempted(worker, *sources: str):
    cells = [
        {"id": str(i), "source": s, "exercise": s if s in TOPIC.exercises else None} for i, s in enumerate(sources)
    ]
    exercises = [source for source in sources if source in TOPIC.exercises]
    return {verdict.exercise: verdict for verdict in attempt(worker, TOPIC, cells, exercises, SEED)[1]}


@pytest.mark.parametrize("wrong", [UNSCALED, BLANK, "def scaled_dot_product(*given):\n    os._exit(0)"])
def test_a_fault_in_an_earlier_exercise_costs_once(worker, wrong):
    seen = attempted(worker, IMPORTS, wrong, "scaled_dot_product", CAUSAL, "causal_attention")
    assert (seen["scaled_dot_product"].earned < 2, seen["scaled_dot_product"].given) == (True, ())
    assert (seen["causal_attention"].earned, seen["causal_attention"].given) == (1, ("scaled_dot_product",))
    assert "scaled_dot_product does not pass yet; a right one was used here instead." in as_text(
        seen["causal_attention"]
    )


def test_an_own_fault_costs_too_and_what_passes_is_not_replaced(worker):
    later = CAUSAL.replace("torch.tril", "torch.triu").replace(".tril", ".triu")
    assert later != CAUSAL
    seen = attempted(worker, IMPORTS, BLANK, "scaled_dot_product", later, "causal_attention")
    assert seen["causal_attention"].earned < 1
    seen = attempted(worker, IMPORTS, RIGHT, "scaled_dot_product", later, "causal_attention")
    assert seen["causal_attention"].given == ()


def test_what_is_given_earns_nothing_where_it_is_handed_on(worker):
    seen = attempted(worker, IMPORTS, STOLEN, "scaled_dot_product", TAKES, "causal_attention", "scaled_dot_product")
    assert seen["scaled_dot_product"].earned == 0


def test_a_wrapper_around_the_reference_earns_nothing(worker):
    wrapper = (
        "import solutions.attention as s\ndef scaled_dot_product(*a, **k):\n    return s.scaled_dot_product(*a, **k)"
    )
    assert points(run(worker, IMPORTS, wrapper, "scaled_dot_product")) == 0


def test_an_exercise_written_below_its_check_counts(worker):
    blank = "def scaled_dot_product(query, key, value, mask=None):\n    raise NotImplementedError()"
    assert points(run(worker, IMPORTS, blank, "scaled_dot_product", RIGHT)) == 2


def test_a_worker_that_was_killed_is_replaced(worker):
    run(worker, IMPORTS)
    worker.launched.process.kill()
    worker.launched.process.wait()
    assert points(run(worker, IMPORTS, RIGHT, "scaled_dot_product")) == 2


def test_a_worker_launched_ahead_is_taken_or_ended():
    for is_taken in (True, False):
        with launched_ahead("attention", "bwrap"):
            (ahead,) = AHEAD.values()
            if is_taken:
                with Sandbox("attention") as worker:
                    assert points(run(worker, IMPORTS, RIGHT, "scaled_dot_product")) == 2
                    assert worker.launched is ahead and not AHEAD
        assert ahead.process.returncode is not None and not AHEAD


def test_commands_and_walls_load_neither_pytorch_nor_nbgrader():
    """They answer in a moment, and a sandbox gets warm while its grader still loads."""
    code = (
        "import sys, autograder.cli, autograder.sandbox.walls; print({'torch', 'nbgrader', 'dask'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_global_seed_dtype_or_gradient_mode_changes_nothing(worker):
    modes = "torch.manual_seed(1); torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)"
    assert points(run(worker, IMPORTS, RIGHT, modes, "scaled_dot_product")) == 2


def test_without_bubblewrap_there_is_a_remedy_and_no_grading(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        find_bwrap()


def test_where_namespaces_are_refused_there_is_a_remedy(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoSandbox, match="user namespaces"):
        find_bwrap()


def test_an_ordinary_users_sandbox_holds_too(monkeypatch):
    """Root gives up its rights in another way than an ordinary user, whose walls this builds."""
    monkeypatch.setattr(
        "autograder.sandbox.walls._isolation", lambda: ["--unshare-all", "--uid", "1000", "--gid", "1000"]
    )
    attempts = ["os.kill(1, 9); os.kill(1, 2)", "open('/proc/1/mem', 'rb').read(1)", "os.kill(-1, 9)"]
    with Sandbox("attention", limits=LIMITS) as worker:
        worker.start()
        first = worker.launched.process.pid
        seen = run(worker, IMPORTS, *attempts, RIGHT, "scaled_dot_product")
        assert (points(seen), seen.ending, worker.launched.process.pid) == (2, "whole", first)
        assert "Permission" in seen.errors[2] and 3 in seen.errors
        run(worker, IMPORTS, "os.makedirs('/tmp/a/b'); open('/tmp/a/b/note', 'w'); os.chmod('/tmp/a', 0)")
        assert run(worker, "import os", "print(os.path.exists('/tmp/a'))").texts[1] == "False\n"
