"""Proves that `corpus.load` opens what it says, and that a text which is wrong or cannot be had is refused in words.

The loader of the hub is tested against a hub of our own on this machine, an HTTP server that answers as the real one
does: the text whole, cut off half-way and resumed, with a wrong checksum, not found, out of reach, opened by two
processes at once, with a cache that cannot be written. Then: the two parts of a text do not overlap and are the same
every time; tokens and text are the same thing in both directions; a wrong name, split, number or file gets a message
that names it. No test leaves this machine.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from layercake import corpus
from layercake.corpus import DownloadError

STORY = "Nora put the lamp on the shelf. The café was closed; she said: “Tomorrow.” {number}\n<|endoftext|>\n"
STORIES = "".join(STORY.format(number=number) for number in range(2000)).encode()
REPLACEMENTS = ('corpus.load("village")', "a file of your own")  # what every failed download offers instead


class Hub:
    """A hub of one text, on this machine. It notes each request as (method, Range), and fails where it is told to."""

    def __init__(self, data: bytes):
        self.data = self.serves = data
        self.cuts: list[int] = []  # how many bytes the next answers give before the connection ends
        self.missing = ""  # the hub's X-Error-Code, where it has no such file, revision or repository
        self.down = False
        self.elsewhere = False  # large files are served from another host, after a redirect
        self.requests: list[tuple[str, str | None]] = []
        self.text = replace(corpus.HUB["tinystories"], sha256=hashlib.sha256(data).hexdigest())
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handler(hub):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.answer(body=False)

            def do_GET(self):
                self.answer(body=True)

            def log_message(self, *arguments):
                pass

            def answer(self, body: bool):
                hub.requests.append((self.command, self.headers.get("Range")))
                at = f"/datasets/{hub.text.repository}/resolve/{hub.text.revision}/{hub.text.file}"
                if hub.down:
                    return self.head(503, 0, {})
                if hub.missing or self.path not in (at, "/storage"):
                    return self.head(404, 0, {"X-Error-Code": hub.missing or "EntryNotFound"})
                if hub.elsewhere and self.path == at:
                    return self.head(302, 0, {"Location": f"http://localhost:{hub.port}/storage"})
                start = int(re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
                self.head(206 if start else 200, len(hub.serves) - start, {"Accept-Ranges": "bytes"})
                if body:
                    stop = hub.cuts.pop(0) if hub.cuts else len(hub.serves)
                    self.wfile.write(hub.serves[start : start + stop])
                    self.close_connection = start + stop < len(hub.serves)

            def head(self, status: int, length: int, headers: dict[str, str]):
                self.send_response(status)
                oid = hashlib.sha256(hub.data).hexdigest()
                about = {"X-Repo-Commit": hub.text.revision, "ETag": f'"{oid}"', "Content-Length": str(length)}
                about |= {"X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(hub.serves))} if status < 400 else {}
                for name, value in (about | headers).items():
                    self.send_header(name, value)
                self.end_headers()

        return Handler

    def transfers(self) -> list[str | None]:
        """The Range of each request for the text itself."""
        return [wanted for method, wanted in self.requests if method == "GET"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def make_hub(monkeypatch):
    hubs = []

    def make(data: bytes = STORIES) -> Hub:
        hubs.append(hub := Hub(data))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.port}")
        monkeypatch.setitem(corpus.HUB, "tinystories", hub.text)
        return hub

    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield make
    for hub in hubs:
        hub.close()


@pytest.fixture
def hub(make_hub):
    return make_hub()


def held(cache: Path) -> list[Path]:
    """What the cache holds as a text: files with something in them, and links, but no locks and no tags."""
    files = [path for path in cache.rglob("*") if path.is_symlink() or (path.is_file() and path.stat().st_size)]
    return [path for path in files if "snapshots" in path.parts or "blobs" in path.parts]


# The hub


@pytest.mark.parametrize("elsewhere", [False, True], ids=["directly", "after a redirect"])
def test_a_text_of_the_hub_arrives_whole(hub, tmp_path, elsewhere):
    hub.elsewhere = elsewhere
    train = corpus.load("tinystories", cache=tmp_path)
    validation = corpus.load("tinystories", "validation", cache=tmp_path)
    assert (train.text + validation.text).encode() == STORIES
    assert hub.transfers() == [None]


def test_a_text_in_the_cache_is_opened_without_a_single_request(hub, tmp_path):
    before = corpus.load("tinystories", cache=tmp_path)
    hub.requests.clear()
    hub.close()
    assert torch.equal(corpus.load("tinystories", cache=tmp_path).tokens, before.tokens)
    assert hub.requests == []


def test_a_transfer_that_is_cut_off_half_way_is_resumed(make_hub, tmp_path, monkeypatch):
    hub = make_hub(STORIES * (24_000_000 // len(STORIES)))  # as large as the real text: pieces of 10 MB are kept
    hub.cuts = [len(hub.data) // 2]
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the library waits a second before it tries again
    train = corpus.load("tinystories", cache=tmp_path)
    assert (train.tokens.to(torch.uint8).numpy().tobytes()) == hub.data[: len(train.tokens)]
    first, second = hub.transfers()
    start = int(second.removeprefix("bytes=").removesuffix("-"))
    assert first is None and len(hub.data) // 3 < start <= len(hub.data) // 2


def test_a_connection_that_breaks_every_time_is_told_and_leaves_nothing(hub, tmp_path, monkeypatch):
    hub.cuts = [len(STORIES) // 2] * 100
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(DownloadError, match="fetching it failed") as refusal:
        corpus.load("tinystories", cache=tmp_path)
    assert all(words in str(refusal.value) for words in REPLACEMENTS)
    assert held(tmp_path) == []


def test_a_wrong_checksum_is_refused_and_the_file_deleted(hub, tmp_path):
    hub.serves = STORIES.replace(b"lamp", b"gun!", 1)  # as long as the right one, and the hub's headers vouch for it
    with pytest.raises(DownloadError) as refusal:
        corpus.load("tinystories", cache=tmp_path)
    message = str(refusal.value)
    assert hub.text.sha256 in message and hashlib.sha256(hub.serves).hexdigest() in message
    assert all(words in message for words in (hub.text.file, hub.text.repository, *REPLACEMENTS))
    assert held(tmp_path) == []
    hub.serves = STORIES
    assert STORIES.startswith(
        corpus.load("tinystories", cache=tmp_path).text.encode()
    )  # and the next one is the right one


def test_a_text_that_was_damaged_in_the_cache_is_refused(hub, tmp_path):
    corpus.load("tinystories", cache=tmp_path)
    (path,) = {path.resolve() for path in held(tmp_path)}
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DownloadError, match="deleted from the cache"):
        corpus.load("tinystories", cache=tmp_path)
    assert held(tmp_path) == []


@pytest.mark.parametrize("missing", ["EntryNotFound", "RevisionNotFound", "RepoNotFound"])
def test_a_text_that_the_hub_does_not_have_is_named(hub, tmp_path, missing):
    hub.missing = missing
    with pytest.raises(DownloadError, match="the hub has no such file") as refusal:
        corpus.load("tinystories", cache=tmp_path)
    for words in (hub.text.file, hub.text.repository, hub.text.revision[:7], *REPLACEMENTS):
        assert words in str(refusal.value)
    assert hub.transfers() == []


def test_a_hub_that_is_out_of_order_is_told(hub, tmp_path):
    hub.down = True
    with pytest.raises(DownloadError, match=r"fetching it failed \(.*503 Service Unavailable") as refusal:
        corpus.load("tinystories", cache=tmp_path)
    assert all(words in str(refusal.value) for words in REPLACEMENTS) and "\n" not in str(refusal.value)


def test_offline_the_message_names_what_to_open_instead(hub, tmp_path):
    hub.close()
    with pytest.raises(DownloadError, match="Are you online") as refusal:
        corpus.load("tinystories", cache=tmp_path)
    assert all(words in str(refusal.value) for words in (hub.text.file, *REPLACEMENTS))


def test_a_cache_that_is_no_folder_is_told(hub, tmp_path):
    (tmp_path / "taken").write_text("a file stands where the folder should be")
    with pytest.raises(DownloadError, match="the cache cannot be written") as refusal:
        corpus.load("tinystories", cache=tmp_path / "taken")
    assert "cache=" in str(refusal.value) and str(tmp_path) in str(refusal.value)


LOAD = """
import dataclasses, json, resource, sys
from layercake import corpus
sha256, cache, largest = sys.argv[1], sys.argv[2], int(sys.argv[3])
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
corpus.HUB["tinystories"] = dataclasses.replace(corpus.HUB["tinystories"], sha256=sha256)
try:
    print(json.dumps(len(corpus.load("tinystories", cache=cache).tokens)))
except corpus.DownloadError as error:
    print(json.dumps(str(error)))
"""


def start_loading(hub: Hub, cache: Path, largest: int = 0) -> subprocess.Popen:
    """Another process that opens the text; it may write no file longer than `largest` bytes, where that is not 0."""
    command = [sys.executable, "-c", LOAD, hub.text.sha256, str(cache), str(largest)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(hub, tmp_path):
    message = json.loads(start_loading(hub, tmp_path, largest=len(STORIES) // 2).communicate(timeout=60)[0])
    assert "the cache cannot be written" in message and "Free some space" in message
    assert held(tmp_path) == []


def test_two_processes_may_open_the_same_text_at_once(hub, tmp_path):
    processes = [start_loading(hub, tmp_path) for _ in range(2)]
    lengths = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert lengths == [len(corpus.load("tinystories", cache=tmp_path).tokens)] * 2
    assert 1 <= len(hub.transfers()) <= 2


def test_a_download_shows_its_progress(hub, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TQDM_POSITION", "-1")  # the library draws its bar although nobody is at the terminal
    corpus.load("tinystories", cache=tmp_path)
    assert re.search(r"GPT4-valid\.txt: 100%", capfd.readouterr().err)


def test_the_texts_of_the_hub_are_fixed_to_a_commit_and_a_checksum():
    for text in corpus.HUB.values():
        assert re.fullmatch(r"[0-9a-f]{40}", text.revision) and re.fullmatch(r"[0-9a-f]{64}", text.sha256)


def test_neither_the_hub_nor_nbgrader_is_loaded_before_it_is_needed():
    code = (
        "import sys, layercake.corpus; print([name for name in ('huggingface_hub', 'nbgrader') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_without_the_library_of_the_hub_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match="pip install huggingface_hub"):
        corpus.load("tinyshakespeare")


# The two parts of a text


def write(folder: Path, text: str | bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def both(path: Path) -> tuple[str, str]:
    return corpus.load(path).text, corpus.load(path, "validation").text


@pytest.mark.parametrize(
    "end", ["\n<|endoftext|>\n", "\n\n", "\n", "\r\n"], ids=["documents", "paragraphs", "lines", "crlf"]
)
def test_the_parts_meet_where_a_document_a_paragraph_or_a_line_ends(tmp_path, end):
    pieces = [f"Number {number} of many{', at length' * (number % 7)}.{end}" for number in range(300)]
    train, validation = both(write(tmp_path, "".join(pieces)))
    assert train + validation == "".join(pieces)
    assert train.endswith(end) and validation.startswith("Number ")
    assert len(validation) == pytest.approx(0.1 * len(train + validation), rel=0.1)


def test_a_whole_document_stays_in_one_part_whatever_stands_in_it(tmp_path):
    documents = [f"Title {n}\n\nA first paragraph.\nA line.\n\nA second one, {n}.\n<|endoftext|>\n" for n in range(100)]
    train, validation = both(write(tmp_path, "".join(documents)))
    assert train == "".join(documents[:90]) and validation == "".join(documents[90:])


def test_an_end_mark_that_lies_across_the_ninth_tenth_is_seen(tmp_path):
    documents = [f"This is the story number {n}.<|endoftext|>" for n in range(9)]
    train, validation = both(write(tmp_path, "".join(documents) + "This is the last one<|endoftext|>"))
    assert round(0.9 * len(train + validation)) in range(len(train) - len("<|endoftext|>") + 1, len(train))
    assert train == "".join(documents)


def test_one_blank_line_near_the_top_does_not_decide_where_the_cut_is(tmp_path):
    train, validation = both(write(tmp_path, "A title\n\n" + "".join(f"Line {n:03}\n" for n in range(100))))
    assert validation == "".join(f"Line {n:03}\n" for n in range(90, 100))
    assert train.startswith("A title\n\nLine 000\n")


def test_a_document_that_the_training_part_has_is_left_out_of_the_validation_part(tmp_path):
    documents = [f"Story {n}.\n<|endoftext|>\n" for n in range(10, 110)]
    documents[95] = documents[3]
    train, validation = both(write(tmp_path, "".join(documents)))
    assert train == "".join(documents[:90])
    assert validation == "".join(documents[90:95] + documents[96:])


def test_where_the_end_only_repeats_the_beginning_there_is_nothing_to_validate_on(tmp_path):
    path = write(tmp_path, "The same story.\n<|endoftext|>\n" * 50)
    assert corpus.load(path).text
    with pytest.raises(ValueError, match=r"text\.txt.* nothing to validate on"):
        corpus.load(path, "validation")


def test_the_parts_are_the_same_every_time_and_whatever_the_seed(tmp_path):
    path = write(tmp_path, STORIES)
    for split in corpus.SPLITS:
        assert torch.equal(corpus.load(path, split).tokens, corpus.load(str(path), split, seed=7).tokens)


# Tokens and text


def test_the_tokens_of_a_text_are_its_bytes(tmp_path):
    text = corpus.load(write(tmp_path, STORIES), "validation")
    assert (text.split, text.vocab_size, text.tokens.dtype, text.tokens.dim()) == ("validation", 256, torch.int64, 1)
    assert text.tokens.tolist() == list(text.text.encode())
    assert text.n_bytes == len(text.tokens) > len(text.text)  # é and the quotation marks have more than one byte
    assert text.decode(text.encode("The café")) == text.decode(torch.tensor(text.encode("The café"))) == "The café"
    assert text.encode("é") == [0xC3, 0xA9] and text.decode([0xC3]) == "�"


def test_n_tokens_takes_the_first_ones_and_no_half_of_a_character(tmp_path):
    path = write(tmp_path, "café\n" * 1000)
    whole = corpus.load(path)
    assert corpus.load(path, n_tokens=3).text == "caf" == corpus.load(path, n_tokens=4).text
    assert corpus.load(path, n_tokens=5).text == "café"
    with pytest.raises(ValueError, match="begins with a character of more than 1 bytes"):
        corpus.load(write(tmp_path, "é\n" * 100, "accents.txt"), n_tokens=1)
    assert torch.equal(corpus.load(path, n_tokens=len(whole.tokens)).tokens, whole.tokens)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    assert corpus.load(write(tmp_path, b"\xef\xbb\xbfOne\nTwo\n")).text == "One\n"


# Wrong input


def test_an_unknown_name_is_met_with_the_known_ones():
    with pytest.raises(ValueError, match='"tinystory"') as refusal:
        corpus.load("tinystory")
    assert all(f'"{name}"' in str(refusal.value) for name in ("village", "tinystories", "tinyshakespeare"))


@pytest.mark.parametrize("name", ["no/such/text", "missing.txt", Path("missing")])
def test_a_missing_file_is_named(name):
    with pytest.raises(FileNotFoundError, match=re.escape(str(name))) as refusal:
        corpus.load(name)
    assert str(Path.cwd()) in str(refusal.value)


BROKEN = {
    "a folder": (None, "is a folder"),
    "empty": (b"", "is empty"),
    "blank": (b"\n \n\t\n", "is empty"),
    "latin-1": ("Das Café\nim Dorf\n".encode("latin-1"), r"not text in UTF-8 \(byte 7 is 0xe9"),
    "utf-16": ("One\nTwo\n".encode("utf-16"), "not text in UTF-8"),
    "zeros": (b"One\n\x00Two\n", r"byte 4 is 0"),
    "one line": (b"A single line, however long it may be.\n", "too short to be cut"),
    "no line": (b"word", "too short to be cut"),
    "blank but for the end": (b"\n" * 100 + b"word\n", "too short to be cut"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_is_no_text_is_named_with_the_reason(tmp_path, broken):
    data, reason = BROKEN[broken]
    path = tmp_path if data is None else write(tmp_path, data)
    with pytest.raises(ValueError, match=reason) as refusal:
        corpus.load(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"split": "test"}, ValueError, 'split = \'test\' is not known: choose "train" or "validation"'),
        ({"n_tokens": 0}, ValueError, "n_tokens is 0"),
        ({"n_tokens": 1.5}, ValueError, "n_tokens is 1.5"),
        ({"n_tokens": 10**9}, ValueError, "1,000,000,000 were asked for"),
        ({"kinds": ["story"]}, ValueError, "of the village"),
        ({"name": 3}, TypeError, "name is 3"),
        ({"name": None}, TypeError, "name is None"),
    ],
)
def test_a_wrong_argument_is_refused_in_words(tmp_path, arguments, error, words):
    with pytest.raises(error, match=re.escape(words)):
        corpus.load(**{"name": write(tmp_path, STORIES), **arguments})


@pytest.mark.parametrize("tokens", [[256], [-1], ["a"], [1.5], 65, torch.tensor(65), torch.tensor([300])])
def test_tokens_that_are_no_bytes_are_refused(tokens):
    with pytest.raises(ValueError, match="from 0 to 255"):
        corpus.decode_bytes(tokens)


# The village


def test_the_village_is_opened_as_its_own_words():
    from layercake import village

    text = corpus.load("village", "train", n_tokens=3000, seed=5)
    assert (text.name, text.split, text.vocab_size) == ("village", "train", len(village.VOCABULARY))
    assert text.tokens.dtype == torch.int64
    assert text.tokens.tolist() == village.stream(3000, seed=5, split="train").tolist()
    assert text.text == village.decode(text.tokens.tolist()) == text.decode(text.tokens)
    assert text.n_bytes == len(text.text.encode()) > len(text.tokens)
    document = next(village.documents(seed=5, split="train"))
    assert text.encode(document.text) == list(document.tokens)


def test_seed_split_and_kinds_choose_the_village_text():
    from layercake import village

    def tokens(**arguments):
        return corpus.load("village", n_tokens=2000, **arguments).tokens.tolist()

    assert tokens(seed=1) == tokens(seed=1) != tokens(seed=2)
    assert tokens(split="train") != tokens(split="validation")
    assert tokens(kinds=["sum"]) == village.stream(2000, kinds=["sum"]).tolist() != tokens()


@pytest.mark.parametrize("arguments", [{"kinds": ["poem"]}, {"kinds": []}, {"seed": -1}])
def test_a_village_that_does_not_exist_is_refused(arguments):
    with pytest.raises(ValueError, match=r"poem|kinds|seed"):
        corpus.load("village", n_tokens=100, **arguments)
