"""Bill of materials of what is installed with spasmwatch: CycloneDX 1.6, from the lock file.

`python -m tests.packaging.sbom build/sbom.json`. Names, versions and conditions are those of
`requirements/run.txt`; licences and dependencies of the packages that are installed here. The same
lock gives the same bytes: it has no date and no random number.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from detector.release import VERSION

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "run.txt"
US = f"pkg:pypi/spasmwatch@{VERSION}"

_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; (.*?))? \\$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of the lock; `condition` is a marker, empty where there is none."""

    name: str
    version: str
    condition: str

    @property
    def url(self) -> str:
        return f"pkg:pypi/{canonicalize_name(self.name)}@{self.version}"

    @property
    def applies(self) -> bool:
        return not self.condition or Marker(self.condition).evaluate()


def locked(text: str) -> list[Locked]:
    return [Locked(name, version, when or "") for name, version, when in _ENTRY.findall(text)]


def bill(lock: Path = LOCK) -> dict[str, Any]:
    text = lock.read_text(encoding="utf-8")
    entries = locked(text)
    urls = {canonicalize_name(entry.name): entry.url for entry in entries if entry.applies}
    digest = sha256(text.encode()).hexdigest()
    ours = _needs(distribution("spasmwatch"), urls)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": US,
                "name": "spasmwatch",
                "version": VERSION,
                "purl": US,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
            "properties": [{"name": "spasmwatch:lock:sha256", "value": digest}],
        },
        "components": [_component(entry) for entry in entries],
        "dependencies": [
            {"ref": US, "dependsOn": ours},
            *(
                {"ref": entry.url, "dependsOn": _needs(found, urls)}
                for entry in entries
                if (found := _installed(entry)) is not None
            ),
        ],
    }


def _component(entry: Locked) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": entry.url,
        "name": entry.name,
        "version": entry.version,
        "purl": entry.url,
    }
    if entry.condition:
        made["properties"] = [{"name": "spasmwatch:condition", "value": entry.condition}]
    found = _installed(entry)
    licence = None if found is None else _licence(found)
    if licence is not None:
        made["licenses"] = [licence]
    return made


def _installed(entry: Locked) -> Distribution | None:
    if not entry.applies:
        return None
    try:
        return distribution(entry.name)
    except PackageNotFoundError:
        return None


def _licence(found: Distribution) -> dict[str, Any] | None:
    said = found.metadata
    if expression := said.get("License-Expression"):
        return {"expression": expression}
    classes = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if
               line.startswith("License :: OSI Approved :: ")]  # fmt: skip
    short = (said.get("License") or "").strip()
    name = classes[0] if classes else short if short and "\n" not in short else None
    return None if name is None else {"license": {"name": name}}


def _needs(found: Distribution, urls: dict[str, str]) -> list[str]:
    """Return what it needs here, of what is locked."""
    needed = []
    for line in found.requires or []:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            needed.append(urls.get(canonicalize_name(wanted.name)))
    return sorted({url for url in needed if url is not None})


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill(), indent=2) + "\n", encoding="utf-8")
