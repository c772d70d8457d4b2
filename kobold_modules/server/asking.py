"""From a request's body to work for the scheduler: the same for every dialect but for its defaults."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest

from ..errors import KoboldModulesError
from ..generation.protocol import Request
from ..lorebook import Lorebook
from ..lorebook.reading import read_bytes
from ..sampling.settings import Sampler
from .aliases import CONTEXTS, STOPS, length_of, sampler_of
from .body import Body, strings, text, whole_number
from .ignored import refuse_forms
from .job import Work
from .problem import Problem, of_error
from .service import Service
from .stacks import Named, asked_for


LEAST_CONTEXT = 64  # tokens a client may ask the model to look at
MOST_LIKELY = 20  # tokens beside each that is written
MOST_COPIES = 16
BOOKS = ("world_info", "worldinfo", "lorebook", "character_book")
NOTES = ("authors_note", "author_note", "authorsnote")
DEPTHS = ("authors_note_depth", "author_note_depth", "note_depth")


def stack_of(service: Service, body: Body, model: Any = None) -> Named:
    """Return the stack that ``body`` asks for, or ``model`` names, or else the one that is set.

    Raises:
        Problem: there is none of that name, or it does not fit.
    """
    try:
        asked = asked_for(body)
        if asked is None and isinstance(model, str) and model.strip():
            asked = model
        if asked is None or (isinstance(asked, str) and asked.strip().lower() == "default"):
            return service.stacks.current
        if isinstance(asked, str):
            return service.stacks.find(asked)
        return service.stacks.joined(asked, " + ".join(name for name, _ in asked))
    except KoboldModulesError as error:
        raise of_error(error) from error


def work_of(
    service: Service,
    http: HttpRequest,
    body: Body,
    prompt: str,
    named: Named,
    defaults: Sampler,
    length: int,
    *,
    likely: int | None = None,
    stops: tuple[str, ...] = (),
) -> Work:
    """Return the work that ``body`` asks for.

    Args:
        length: tokens to write where it does not say.
        likely: of how many tokens beside each that is written the probability is told; None of none.
        stops: what ends the text beside what the body says.

    Raises:
        Problem: a field makes no sense, or asks for text of a form that cannot be kept to.
    """
    refuse_forms(body)
    service.ignored.tell(body)
    sampler = sampler_of(body, defaults, service.ends)
    if wrong := [word for word, _ in sampler.bias if word[0] == "#" and int(word[1:]) >= service.words.vocabulary]:
        known = {word for word in wrong}
        sampler = replace(sampler, bias=tuple(pair for pair in sampler.bias if pair[0] not in known))
    asked = whole_number(body, CONTEXTS, 0, LEAST_CONTEXT, service.context)
    request = Request(
        text=prompt,
        stack=named.stack,
        max_tokens=length_of(body, length, service.context),
        sampler=sampler,
        stop=tuple(dict.fromkeys((*strings(body, *STOPS), *stops))),
        memory=text(body, "memory"),
        note=text(body, *NOTES),
        note_depth=whole_number(body, DEPTHS, 3, 0, 1000),
    )
    return Work(
        request,
        client=client_of(http, body),
        likely=None if likely is None else max(0, min(MOST_LIKELY, likely)),
        context=min(service.context, asked + named.stack.tokens) if asked else 0,
        books=_books(body),
        sources=named.sources,
    )


def copies(work: Work, count: int) -> list[Work]:
    """Return ``count`` works that differ in their seed only."""
    seed = work.request.sampler.seed
    found = []
    for number in range(count):
        sampler = work.request.sampler if seed is None else replace(work.request.sampler, seed=seed + number)
        found.append(replace(work, request=replace(work.request, sampler=sampler)))
    return found


def client_of(http: HttpRequest, body: Body) -> str:
    """Return who asks, so that clients can take turns: what they call themselves, else where they come from."""
    for name in ("genkey", "user", "client_id"):
        if isinstance(said := body.get(name), str) and said:
            return f"{name} {said[:200]}"
    address = http.client.host if http.client else ""
    return f"{address} {http.headers.get('user-agent', '')[:200]} {http.headers.get('origin', '')[:200]}"


def _books(body: Body) -> tuple[Lorebook, ...]:
    """Return the lorebooks in ``body``, of any program whose files can be read. Raises Problem."""
    found = []
    for name in BOOKS:
        value = body.get(name)
        if not value:
            continue
        if not isinstance(value, dict | list):
            raise Problem(422, f"{name} should be a lorebook.", field=name)
        if isinstance(value, dict) and name == "character_book":
            value = {"spec": "chara_card_v2", "data": {"name": "", "character_book": value}}
        try:
            found.append(read_bytes(json.dumps(value).encode(), name))
        except KoboldModulesError as error:
            raise Problem(422, f"{error.message} {error.hint}".strip(), field=name) from error
    return tuple(found)
