"""Fetching a model from the hub, so that a broken connection or a killed process costs what was under way and no more.

huggingface_hub does the talking and keeps the cache that all programs share; but it begins a file again when the
process that fetched it has ended, which for forty gigabytes is no small thing. So the bytes go through its own transfer
into ``<blob>.incomplete``, are checked against the hub's checksum, and are then handed to it as a blob it has already.
Nothing is fetched unless a person asked for it by name.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ...byte_size import byte_size
from ...errors import BadInput, BadUsage, EngineFailed, KoboldModulesError, NoModel, OutOfDisk
from ...records import Done, Note, Progress, Record, Saved
from .cache import hub_caches
from .files import choose
from .repo_id import HubId, parse_hub_id


CHUNK = 2**18  # bytes between two looks at whether to stop
SPARE = 256 * 2**20  # bytes of disk that stay free
AGAIN = 5  # times a broken connection is taken up again without a new byte
TELL = 0.2  # seconds between two Progress records
WAIT = 1.0  # seconds to the first new attempt; twice as long to each further one


class _Stopped(Exception):
    """The caller wants no more. Never leaves this file."""


@dataclass
class _Fetch:
    """One download as its two threads share it: the one that fetches and the one that tells."""

    hub: HubId
    cancelled: Callable[[], bool]
    records: queue.Queue[Record | BaseException | None] = field(default_factory=queue.Queue)
    total: int = 0
    done: int = 0
    began: float = 0.0
    fetched: int = 0
    _reported_at: float = 0.0
    _reported: int = 0

    def count(self, by: int, fetched: bool = True) -> None:
        """Count so many more bytes. Raises _Stopped if nobody wants them."""
        if self.cancelled():
            raise _Stopped
        self.done += by
        self.fetched += by if fetched else 0
        if time.monotonic() - self._reported_at >= TELL or self.done >= self.total:
            self.records.put(self.progress())

    def progress(self) -> Progress:
        """Return how far it is now."""
        now = self._reported_at = time.monotonic()
        done = self._reported = min(self.done, self.total)
        seconds = now - self.began
        left = (self.total - done) * seconds / self.fetched if self.fetched and seconds > 1 else None
        return Progress("downloading", done, self.total, left)

    @property
    def untold(self) -> bool:
        """Whether more is here than was reported: chunks came quickly, and then a server fell silent."""
        return self.began > 0 and min(self.done, self.total) != self._reported


def download(text: str, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Fetch the model called ``text`` (see hub_id). Yields Note and Progress (bytes), then Saved and Done.

    A cancel ends it with a Note and Done within a second or two; the same call later goes on where it stopped.

    Raises:
        BadUsage: ``text`` is no hub id, or this machine is set to stay offline.
        NoModel: the hub has no such model, keeps it from us, or has it in no form that we load.
        OutOfDisk: the disk is too small.
        EngineFailed: the hub could not be reached, or the connection kept breaking.
    """
    hub = parse_hub_id(text)
    if hub is None:
        raise BadUsage(
            f"{text} is no name of a model on the hub.",
            "They look like owner/name, owner/name:Q4_K_M or owner/name/file.gguf.",
        )
    fetch = _Fetch(hub, cancelled)
    # A transfer blocks for as long as a silent server likes; the caller hears of it and may stop it meanwhile.
    threading.Thread(target=_run, args=(fetch,), daemon=True).start()
    stopped_at: float | None = None
    while True:
        try:
            record = fetch.records.get(timeout=TELL)
        except queue.Empty:
            if not cancelled():
                if fetch.untold:
                    yield fetch.progress()
                continue
            stopped_at = stopped_at or time.monotonic()
            if time.monotonic() - stopped_at < 1:
                continue
            record = _Stopped()
        if isinstance(record, _Stopped):
            yield Note(f"Stopped. What is here of {hub} is kept, and the same download goes on from there.")
            yield Done("stopped")
            return
        if isinstance(record, BaseException):
            raise record
        if record is None:
            yield Done("download")
            return
        yield record


def _run(fetch: _Fetch) -> None:
    try:
        _fetch_all(fetch)
        fetch.records.put(None)
    except (KoboldModulesError, _Stopped) as error:
        fetch.records.put(error)
    except Exception as error:  # a library's errors, into one of our sentences
        fetch.records.put(_in_our_words(error, fetch.hub))


def _fetch_all(fetch: _Fetch) -> None:
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise BadUsage("HF_HUB_OFFLINE is set, so nothing is downloaded.", "Unset it to download.")
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    repository = fetch.hub.repository
    about = huggingface_hub.HfApi().model_info(repository, files_metadata=True)
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in about.siblings or []}
    choice = choose(fetch.hub, sizes)
    if choice.note:
        fetch.records.put(Note(choice.note))
    revision = str(about.sha)
    lacking = [name for name in choice.files if not _cached(repository, name, revision)]
    fetch.total = sum(sizes[name] for name in choice.files)
    _check_disk(fetch.hub, sum(sizes[name] for name in lacking))
    fetch.began = time.monotonic()
    fetch.count(sum(sizes[name] for name in choice.files if name not in lacking), fetched=False)
    for name in choice.files:
        if name in lacking and sizes[name] <= constants.MAX_HTTP_DOWNLOAD_SIZE:
            _fetch_blob(fetch, name, revision)
        # What is a blob now is only linked. A file too large for plain HTTP is fetched here, by its own way.
        huggingface_hub.hf_hub_download(repository, name, revision=revision, tqdm_class=_bar(fetch))
    _remember(repository, revision)
    path = Path(huggingface_hub.hf_hub_download(repository, choice.files[0], revision=revision, local_files_only=True))
    fetch.records.put(Saved(str(path if path.suffix == ".gguf" else path.parent), "model"))


def _fetch_blob(fetch: _Fetch, name: str, revision: str) -> None:
    """Bring one file into the cache as a blob, from where an earlier attempt ended."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    url = hf_hub_url(fetch.hub.repository, name, revision=revision)
    facts = get_hf_file_metadata(url)
    if not facts.etag or facts.size is None or "/" in facts.etag or ".." in facts.etag:
        return
    blob = _repository(fetch.hub.repository) / "blobs" / facts.etag
    if blob.exists():
        fetch.count(facts.size, fetched=False)
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    partial = blob.with_name(f"{facts.etag}.incomplete")
    with WeakFileLock(blob.with_name(f"{facts.etag}.lock")):
        tries, before, already = 0, -1, fetch.done
        while (have := _size(partial)) != facts.size:
            if have > facts.size:
                partial.unlink()
                continue
            tries, before = (tries + 1 if have == before else 0), have
            fetch.done = already + have
            try:
                with partial.open("ab") as file:
                    http_get(
                        url,
                        file,
                        resume_size=have,
                        headers=build_hf_headers(),
                        expected_size=facts.size,
                        tqdm_class=_bar(fetch),
                        _nb_retries=0,
                    )
            except Exception as error:
                if tries >= AGAIN or not _broke(error):
                    raise
                fetch.records.put(Note(f"The connection broke ({_reason(error)}); going on."))
                _sleep(fetch, WAIT * 2**tries)
        fetch.done = already
        fetch.count(facts.size, fetched=False)
        _check(partial, facts.etag, fetch)
        os.replace(partial, blob)
    blob.with_name(f"{facts.etag}.lock").unlink(missing_ok=True)


def _broke(error: Exception) -> bool:
    """Return whether ``error`` says that the connection broke or ended early, or that the server was not up to it."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response is not None and error.response.status_code >= 500
    transport = type(error).__module__.partition(".")[0].startswith(("httpx", "httpcore"))
    return transport or isinstance(error, ConnectionError) or "Consistency check failed" in str(error)


def _check(partial: Path, etag: str, fetch: _Fetch) -> None:
    """Compare the file with the checksum that the hub names it by. Raises BadInput; a damaged file is removed."""
    if len(etag) == 64:
        digest = hashlib.sha256()
    elif len(etag) == 40:  # small files are named as git names them
        digest = hashlib.sha1(f"blob {partial.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return
    total, done = partial.stat().st_size, 0
    with partial.open("rb") as file:
        while chunk := file.read(2**23):
            if fetch.cancelled():
                raise _Stopped
            digest.update(chunk)
            done += len(chunk)
            if total > 2**28:
                fetch.records.put(Progress("checking", done, total))
    if digest.hexdigest() != etag.lower():
        partial.unlink()
        raise BadInput(f"A file of {fetch.hub} arrived damaged and has been removed.", "Start the download again.")


def _bar(fetch: _Fetch) -> Any:
    """Return what huggingface_hub takes for a progress bar."""

    class Bar:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, by: int = 0) -> None:
            fetch.count(int(by or 0))

        def __getattr__(self, name: str) -> Any:
            return lambda *_, **__: None

    return Bar


def _cached(repository: str, name: str, revision: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, name, revision=revision), str)


def _remember(repository: str, revision: str) -> None:
    """Let the cache say that this is the current version, as a download of ``main`` would."""
    file = _repository(repository) / "refs" / "main"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(revision, encoding="ascii")


def _repository(repository: str) -> Path:
    return hub_caches()[0] / f"models--{repository.replace('/', '--')}"


def _check_disk(hub: HubId, need: int) -> None:
    folder = _repository(hub.repository)
    need -= sum(_size(file) for file in folder.glob("blobs/*.incomplete"))
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if need + SPARE > free:
        raise OutOfDisk(
            f"{hub} needs {byte_size(max(0, need))} of disk, and {byte_size(free)} is free where models are kept "
            f"({hub_caches()[0]}).",
            "Free some room, or set HF_HOME to a folder on another disk.",
        )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _sleep(fetch: _Fetch, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if fetch.cancelled():
            raise _Stopped
        time.sleep(0.05)


def _reason(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return (said[0] if said else type(error).__name__).rstrip(".")[:120]


def _in_our_words(error: Exception, hub: HubId) -> BaseException:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return NoModel(
            f"{hub.repository} is given only to people who have accepted its terms.",
            f"Accept them at huggingface.co/{hub.repository}, log in with `hf auth login`, and try again.",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return NoModel(
            f"The hub has no model {hub.repository}, or it is private.",
            "Check the spelling; for a private one log in with `hf auth login` first.",
        )
    if isinstance(error, errors.EntryNotFoundError):
        return NoModel(f"{hub} is not on the hub.", f"Look at huggingface.co/{hub.repository}.")
    if isinstance(error, OSError) and error.errno in (28, 122):  # ENOSPC, EDQUOT
        return OutOfDisk("The disk is full.", "Free some room and start the download again; it goes on from there.")
    return EngineFailed(
        f"{hub} could not be fetched: {_reason(error)}.",
        "Check the connection and start it again; what is here already is kept.",
    )
