"""`export --format fhir`: observations that FHIR R4 allows, with the counts of the night."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from detector.events import Kind

from ..kit.kept_night import HEADER, a_kept_night, events_in, jerking, keep, packets, record

CODING = {
    "type": "object",
    "required": ["system", "code"],
    "properties": {
        "system": {"pattern": "^https?://"},
        "code": {"pattern": r"^[^\s]+(\s[^\s]+)*$"},
    },
}
CONCEPT = {
    "type": "object",
    "properties": {"coding": {"type": "array", "items": CODING, "minItems": 1}},
    "required": ["coding"],
}
QUANTITY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["value", "unit", "system", "code"],
    "properties": {
        "value": {"type": "number", "minimum": 0},
        "unit": {"type": "string"},
        "system": {"const": "http://unitsofmeasure.org"},
        "code": {"enum": ["{count}", "s", "h"]},
    },
}
INSTANT = {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
COMPONENT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code"],
    "properties": {
        "code": CONCEPT,
        "valueQuantity": QUANTITY,
        "valueRange": {"type": "object", "properties": {"low": QUANTITY, "high": QUANTITY}},
        "dataAbsentReason": CONCEPT,
    },
    # obs-6: a reason why there is no value only where there is none
    "oneOf": [
        {"required": ["valueQuantity"]},
        {"required": ["valueRange"]},
        {"required": ["dataAbsentReason"]},
    ],
}
BUNDLE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["resourceType", "type", "timestamp", "entry"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "type": {"const": "collection"},
        "timestamp": INSTANT,
        "entry": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["fullUrl", "resource"],
                "properties": {
                    "fullUrl": {"pattern": "^urn:uuid:[0-9a-f-]{36}$"},
                    "resource": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["resourceType", "id", "status", "code"],
                        "properties": {
                            "resourceType": {"const": "Observation"},
                            "id": {"pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
                            "status": {"const": "final"},
                            "category": {"type": "array", "items": CONCEPT},
                            "code": CONCEPT,
                            "subject": {"type": "object", "required": ["identifier"]},
                            "effectivePeriod": {
                                "type": "object",
                                "properties": {"start": INSTANT, "end": INSTANT},
                            },
                            "valueQuantity": QUANTITY,
                            "device": {"type": "object", "required": ["display"]},
                            "note": {"type": "array", "items": {"required": ["text"]}},
                            "component": {"type": "array", "items": COMPONENT},
                        },
                    },
                },
            },
        },
    },
}
"""What R4 allows of the fields that are used, by https://hl7.org/fhir/R4/observation.html."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ask(spasmwatch, data):
    return lambda *words: spasmwatch("--data-dir", data, *words)


def observations(path: Path) -> dict[str, dict]:
    body = json.loads(path.read_text())
    Draft202012Validator(BUNDLE).validate(body)
    found = [entry["resource"] for entry in body["entry"]]
    assert len({each["id"] for each in found}) == len(found)
    return {each["code"]["coding"][0]["code"]: each for each in found}


def components(observation: dict) -> dict[str, dict]:
    return {each["code"]["coding"][0]["code"]: each for each in observation["component"]}


def test_counts_are_those_of_the_events_and_hours_those_of_samples(ask, data, tmp_path):
    kept = a_kept_night(data)
    done = ask("export", "--to", tmp_path / "n.json", "--format", "fhir")
    found = observations(tmp_path / "n.json")
    kinds = Counter(event.kind for event in kept)
    for kind in (Kind.CLONUS, Kind.SPASM, Kind.TONIC, Kind.TWITCH):
        assert found[f"likely-{kind.value}"]["valueQuantity"]["value"] == kinds[kind]
    likely = [e for e in kept if e.kind in {Kind.CLONUS, Kind.SPASM, Kind.TONIC}]
    total = found["likely-spasms"]
    assert total["valueQuantity"]["value"] == len(likely) > 0
    parts = components(total)
    assert parts["seconds"]["valueQuantity"]["value"] == pytest.approx(
        sum(event.duration_s for event in likely), abs=0.06
    )
    assert parts["watched"]["valueQuantity"]["value"] == pytest.approx(390 / 3600, abs=0.01)
    assert total["subject"]["identifier"]["value"] == "k3vq7m2xta"
    assert re.search("not a medical device", total["note"][0]["text"], re.IGNORECASE)
    assert done.returncode == 0


def test_a_night_of_an_ankle_has_the_true_number_as_an_interval(ask, data, tmp_path):
    """Where error rates were measured: at an ankle, with one sensor, for an hour or more."""
    samples = jerking(4000, 50, (900, 2000, 3000))
    path = record(data, packets(samples, 50), replace(HEADER, site="ankle"))
    kept = keep(data, events_in(path))
    ask("export", "--to", tmp_path / "n.json", "--format", "fhir")
    found = observations(tmp_path / "n.json")["likely-spasms"]
    span = components(found)["true-count"]["valueRange"]
    counted = json.loads(ask("detect", path, "--json", "--counts").stdout.splitlines()[-1])
    (likely,) = [
        each for each in counted["counts"] if (each["counted"], each["context"]) == ("likely", None)
    ]
    assert kept
    assert (span["low"]["value"], span["high"]["value"]) == (likely["low"], likely["high"])


def test_hours_that_nobody_knows_are_said_to_be_unknown(ask, data, tmp_path):
    a_kept_night(data)
    (data / "nights" / "2026-11-20.sqlite").unlink()
    ask("export", "--to", tmp_path / "n.json", "--format", "fhir")
    parts = components(observations(tmp_path / "n.json")["likely-spasms"])
    assert "dataAbsentReason" in parts["watched"]


def test_the_same_night_has_the_same_ids_again(ask, data, tmp_path):
    a_kept_night(data)
    for name in ("a.json", "b.json"):
        ask("export", "--to", tmp_path / name, "--format", "fhir")
    one, two = observations(tmp_path / "a.json"), observations(tmp_path / "b.json")
    assert one == two


def test_the_resources_are_valid_by_the_classes_of_fhir(ask, data, tmp_path):
    oracle = pytest.importorskip("fhir.resources.R4B.bundle", reason="fhir.resources is not here")
    a_kept_night(data)
    ask("export", "--to", tmp_path / "n.json", "--format", "fhir")
    body = (tmp_path / "n.json").read_text()
    assert len(oracle.Bundle.model_validate_json(body).entry) == 5


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "n.txt"], 2, "must end in .json"),
        (["--to", "taken.json"], 2, "exists already"),
        (["--to", "none/n.json"], 74, "there is no such folder"),
    ],
)
def test_what_is_asked_wrongly_gets_one_sentence(ask, data, tmp_path, words, code, told):
    a_kept_night(data)
    (tmp_path / "taken.json").write_text("mine")
    done = ask("export", *words, "--format", "fhir")
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
