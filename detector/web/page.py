"""Templates and own files of the page, as they lie in this package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from detector.words.phrases import NOTICE, sentence

STATIC = "static"

KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
    "html": "text/html; charset=utf-8",
}
AT_ROOT = {"worker.js"}
"""What is served from the root: a service worker controls only what lies below it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours that never changes while the service runs."""

    path: str
    kind: str
    tag: str
    data: bytes


@cache
def assets() -> dict[str, Asset]:
    """Return every static file by its address."""
    found: dict[str, Asset] = {}
    for file in (files(__package__) / STATIC).iterdir():
        kind = KINDS.get(file.name.rpartition(".")[2])
        if kind is not None:
            path = f"/{file.name}" if file.name in AT_ROOT else f"/{STATIC}/{file.name}"
            data = file.read_bytes()
            found[path] = Asset(path, kind, f'"{sha256(data).hexdigest()[:16]}"', data)
    return found


def render(template: str, **values: Any) -> str:
    """Return a page; every value is escaped."""
    return _environment().get_template(template).render(notice=NOTICE, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("detector.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = sentence
    return environment
