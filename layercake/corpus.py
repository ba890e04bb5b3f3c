"""Text to train on, opened by one call: the village, a file of yours, or real text from the Hugging Face hub.

    stories = corpus.load("village", "train", n_tokens=200_000)
    plays = corpus.load("tinyshakespeare", "validation")
    mine = corpus.load("diary.txt")

The village's tokens are its words. Any other text is its UTF-8 bytes, so that `vocab_size` is 256; a tokenizer that
is trained on text starts from `Corpus.text`.

Real text is fetched by `huggingface_hub`, which goes on with a transfer that was cut off (by pieces of 10 MB), shows a
progress bar, and keeps the file in its cache, where two processes may meet: `~/.cache/huggingface/hub`, unless the
environment variable HF_HOME or the argument `cache` names another folder. What is added here: the revision is fixed,
and so is the SHA-256 of the file, with which every opening is compared. Two texts:

- "tinystories": 27,630 stories, 22.5 MB, from Eldan & Li 2023 (licence CDLA-Sharing-1.0). It is their validation file
  `TinyStoriesV2-GPT4-valid.txt`, split here in two: their training file has 2.2 GB, and the course's models need less.
- "tinyshakespeare": 1.1 MB of Shakespeare, as in Karpathy's char-rnn (the plays are in the public domain).
"""

import codecs
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SPLITS = ("train", "validation")
TRAIN_SHARE = 0.9  # of the bytes of a text
VILLAGE_TOKENS = 1_000_000  # where the caller names no number: the village has no end
END_OF_TEXT = b"<|endoftext|>"  # stands after each document of TinyStories, and may in a file of yours
INSTEAD = 'corpus.load("village") needs no network, and corpus.load("path/to/text.txt") opens a file of your own.'


class DownloadError(RuntimeError):
    """A text of the hub cannot be had; the message says why, and what to open instead."""


@dataclass(frozen=True)
class HubText:
    """One text file in a dataset repository of the Hugging Face hub, fixed to the last byte."""

    repository: str
    revision: str  # a commit, never a branch: what it holds cannot change
    file: str
    sha256: str


HUB = {
    "tinystories": HubText(
        "roneneldan/TinyStories",
        "f54c09fd23315a6f9c86f9dc80f725de7d8f9c64",
        "TinyStoriesV2-GPT4-valid.txt",
        "6874bae9a4c1a4e7edcf0e53b86c17817e9cf881fc75ff2368da457b80c0585d",
    ),
    "tinyshakespeare": HubText(  # karpathy/tiny_shakespeare holds a script and no text; this copy is a plain file
        "Trelis/tiny-shakespeare",
        "2225a5674b252d623cfb151ef099d179629c2f49",
        "input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
}
NAMES = ("village", *HUB)


@dataclass(frozen=True, eq=False)
class Corpus:
    """One split of a text as tokens, and the way from text to tokens and back."""

    name: str
    split: str
    tokens: Tensor  # (n_tokens,), int64, each below vocab_size
    vocab_size: int
    encode: Callable[[str], list[int]]
    decode: Callable[[Sequence[int] | Tensor], str]

    @cached_property
    def text(self) -> str:
        """The text that the tokens stand for."""
        return self.decode(self.tokens)

    @cached_property
    def n_bytes(self) -> int:
        """How many bytes of UTF-8 the tokens stand for: what bits per byte are divided by."""
        return len(self.text.encode("utf-8"))


def load(
    name: str | os.PathLike[str],
    split: str = "train",
    *,
    n_tokens: int | None = None,
    seed: int = 0,
    kinds: Sequence[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Corpus:
    """Open one split of "village", "tinystories", "tinyshakespeare", or of a local UTF-8 text file.

    `n_tokens` takes the first tokens only; of a text whole characters, so up to three fewer. The village has no end:
    it gives a million where no number is named, `seed` chooses which, and `kinds` restricts it to some kinds of
    documents. A text has one order, whatever the seed. `cache` is the folder for what is downloaded.

    A text is cut in two at 90 % of its bytes, where a document ends (a line `<|endoftext|>`), or else a paragraph, or
    else a line. So the parts do not overlap, and are the same every time. Of a text in documents, those of the
    validation part that stand word for word in the training part too are left out of it.

    Raises ValueError for an unknown name or split, for fewer tokens than asked for, and for a file that is empty, not
    text, or too short to be cut in two; FileNotFoundError for a missing file; DownloadError where the hub or the cache
    does not give the text; TypeError where `name` is neither a name nor a path.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name is {name!r}; it must be {_listed()}, or the path of a text file.")
    if split not in SPLITS:
        raise ValueError(f'split = {split!r} is not known: choose "train" or "validation".')
    if n_tokens is not None and (not isinstance(n_tokens, Integral) or n_tokens < 1):
        raise ValueError(f"n_tokens is {n_tokens!r}; it must be a whole number from 1 up.")
    if name == "village":
        return _village(split, VILLAGE_TOKENS if n_tokens is None else n_tokens, seed, kinds)
    if kinds is not None:
        raise ValueError(f'kinds = {kinds!r} are kinds of documents of the village; "{name}" has none.')
    data = _from_hub(HUB[name], cache) if name in HUB else _from_file(name)
    return _of_bytes(str(name), split, _part(data, split, str(name)), n_tokens)


def encode_bytes(text: str) -> list[int]:
    """A text as its UTF-8 bytes, each a token below 256."""
    return list(text.encode("utf-8"))


def decode_bytes(tokens: Sequence[int] | Tensor) -> str:
    """The text of UTF-8 bytes; what is no UTF-8, as a model may well write, becomes `�`.

    Shapes: tokens (n_tokens,), whole numbers below 256. Raises ValueError for others.
    """
    numbers = tokens.cpu().numpy() if isinstance(tokens, Tensor) else np.asarray(tokens)
    whole = numbers.dtype.kind in "iu" and numbers.ndim == 1
    if numbers.size and not (whole and numbers.min() >= 0 and numbers.max() <= 255):
        raise ValueError(f"tokens must be a row of whole numbers from 0 to 255, the bytes of a text; got {tokens!r}.")
    return numbers.astype(np.uint8).tobytes().decode("utf-8", errors="replace")


def _village(split: str, n_tokens: int, seed: int, kinds: Sequence[str] | None) -> Corpus:
    from layercake import village

    tokens = torch.from_numpy(village.stream(n_tokens, seed=seed, split=split, kinds=kinds).astype("int64"))

    def decode(tokens: Sequence[int] | Tensor) -> str:
        return village.decode(tokens.tolist() if isinstance(tokens, Tensor) else tokens)

    return Corpus("village", split, tokens, len(village.VOCABULARY), village.encode, decode)


def _of_bytes(name: str, split: str, data: bytes, n_tokens: int | None) -> Corpus:
    if n_tokens is not None:
        if n_tokens > len(data):
            raise ValueError(
                f'The {split} part of "{name}" has {len(data):,} tokens, {n_tokens:,} were asked for. Leave n_tokens '
                "out to get all of them."
            )
        data = data[:n_tokens].decode("utf-8", errors="ignore").encode("utf-8")  # no half of a character
        if not data:
            raise ValueError(f'The {split} part of "{name}" begins with a character of more than {n_tokens} bytes.')
    tokens = torch.frombuffer(bytearray(data), dtype=torch.uint8).long()
    return Corpus(name, split, tokens, 256, encode_bytes, decode_bytes)


# Two parts ---------------------------------------------------------------------------------------------------------


def _part(data: bytes, split: str, name: str) -> bytes:
    """The training or the validation part of a text, as `load` describes them.

    Raises ValueError, naming the text, where it is too short to be cut, or its end only repeats its beginning.
    """
    at = _boundary(data)
    if at is None:
        raise ValueError(
            f'"{name}" has {len(data):,} bytes and no line break that leaves text on both sides: it is too short to be '
            "cut into a training and a validation part. Give it more lines."
        )
    train, validation = data[:at], data[at:]
    if split == "train":
        return train
    if END_OF_TEXT in data:
        validation = _without_known(validation, train)
        if not validation.strip():
            raise ValueError(
                f'Every document in the last tenth of "{name}" stands before it too: nothing to validate on.'
            )
    return validation


def _boundary(data: bytes) -> int | None:
    """Where the validation part begins: at the end of the document, paragraph or line next to 90 % of the bytes."""
    wanted = round(TRAIN_SHARE * len(data))
    for mark, tolerance in ((END_OF_TEXT, 0.05), (b"\n\n", 0.05), (b"\n", 1.0)):  # how far from 90 % it may be
        before, after = data.rfind(mark, 0, wanted + len(mark) - 1), data.find(mark, wanted)
        ends = [at + len(mark) for at in (before, after) if at >= 0]
        ends = [at for at in ends if abs(at - wanted) <= tolerance * len(data)]
        if ends := [at for at in ends if data[:at].strip() and data[at:].strip()]:
            at = min(ends, key=lambda at: abs(at - wanted))
            return len(data) - len(data[at:].lstrip(b"\r\n"))  # the next part begins with text
    return None


def _without_known(validation: bytes, train: bytes) -> bytes:
    """The documents of `validation` that are not in `train`, each with its end mark."""
    known = {document.strip() for document in train.split(END_OF_TEXT)} - {b""}
    documents = [document for document in validation.split(END_OF_TEXT) if document.strip() not in known]
    return END_OF_TEXT.join(documents)


# Where the bytes come from -----------------------------------------------------------------------------------------


def _from_file(name: str | os.PathLike[str]) -> bytes:
    """The bytes of a local text file, after making sure that it is text."""
    path = Path(name).expanduser()
    if not path.exists():
        if isinstance(name, str) and not path.suffix and path.name == name:  # a word, not a path
            raise ValueError(f'No corpus is called "{name}". There are {_listed()}; or give the path of a text file.')
        raise FileNotFoundError(f"There is no file {path} (the current folder is {Path.cwd()}). Or choose {_listed()}.")
    if not path.is_file():
        raise ValueError(f"{path} is a folder, or another thing that is no file. Name one text file in it.")
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise ValueError(f"{path} is empty. Name a file with text in it.")
    _check_text(data, str(path))
    return data


def _check_text(data: bytes, name: str) -> None:
    try:
        data.decode("utf-8")
        zero = data.find(0)
        reason = f"byte {zero} is 0" if zero >= 0 else ""
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is 0x{data[error.start]:02x}"
    if reason:
        raise ValueError(
            f"{name} is not text in UTF-8 ({reason}, counted from 0). Save it as plain text in UTF-8; a PDF or a Word "
            "document must be exported as text first."
        )


def _from_hub(text: HubText, cache: str | os.PathLike[str] | None) -> bytes:
    """The bytes of a text of the hub. Raises DownloadError, and deletes them, if their SHA-256 is not the fixed one."""
    path = _fetch(text, cache)
    data = path.read_bytes()
    what = f"{text.file} of {text.repository}"
    refuse_another(path, what, hashlib.sha256(data).hexdigest(), text.sha256, f"; if that does not help: {INSTEAD}")
    return data


def refuse_another(path: Path, what: str, found: str, expected: str, instead: str = ".") -> None:
    """Where a file of the hub's cache has another SHA-256 than expected, delete it and raise DownloadError."""
    if found == expected:
        return
    for wrong in (path.resolve(), path):  # the file, and the link to it
        wrong.unlink(missing_ok=True)
    raise DownloadError(
        f"{what} is not the file that this course was written with: its SHA-256 is {found}, expected {expected}. It "
        "was damaged on the way or on the disk, or somebody changed it. It has been deleted from the cache. Try again "
        f"once{instead}"
    )


def _fetch(text: HubText, cache: str | os.PathLike[str] | None) -> Path:
    """Where the cache holds the file, after fetching it if need be."""
    place = {"repo_id": text.repository, "filename": text.file, "repo_type": "dataset", "revision": text.revision}
    return fetch_from_hub(place, cache, INSTEAD)


def fetch_from_hub(place: dict[str, str], cache: str | os.PathLike[str] | None, instead: str = "") -> Path:
    """Where the cache holds a file of the hub, after fetching it if need be.

    `place` has what `hf_hub_download` takes: repo_id, filename, revision, repo_type. Raises DownloadError, which ends
    with what to do `instead`, ModuleNotFoundError without the hub's library.
    """
    instead = f" Instead: {instead}" if instead else ""
    try:
        from huggingface_hub import errors, get_hf_file_metadata, hf_hub_download, hf_hub_url
    except ModuleNotFoundError as error:
        if error.name != "huggingface_hub":
            raise
        missing = f"Files of the Hugging Face hub need one more package: pip install huggingface_hub.{instead}"
        raise ModuleNotFoundError(missing, name=error.name) from None
    cache = None if cache is None else Path(cache).expanduser()
    place = {**place, "endpoint": os.environ.get("HF_ENDPOINT")}  # a mirror; the library reads it only when imported
    try:
        try:
            return Path(hf_hub_download(**place, cache_dir=cache, local_files_only=True))
        except errors.LocalEntryNotFoundError:
            # Offline this request fails at once, where hf_hub_download alone would go on trying for half a minute.
            get_hf_file_metadata(hf_hub_url(**place), endpoint=place["endpoint"], token=False)
            return Path(hf_hub_download(**place, cache_dir=cache, token=False))
    except Exception as error:  # the library's transport, and with it its errors, differ from version to version
        what = f"{place['filename']} of {place['repo_id']} (revision {place['revision'][:7]})"
        raise DownloadError(f"{what} is not in the cache, and {_why(error)}{instead}") from error


def _why(error: Exception) -> str:
    """What an error of the hub's library means to the person who wants to open a text."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the hub cannot be reached. Are you online?"
    if isinstance(error, (errors.EntryNotFoundError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError)):
        return "the hub has no such file: it was moved, or HF_ENDPOINT names another hub."
    if isinstance(error, OSError) and error.errno is not None:
        return f'the cache cannot be written ({error}). Free some space, or name a folder: load(..., cache="folder").'
    reason = str(error).partition("\n")[0]
    return f"fetching it failed ({type(error).__name__}: {reason}). Are you online?"


def _listed() -> str:
    return ", ".join(f'"{name}"' for name in NAMES)
