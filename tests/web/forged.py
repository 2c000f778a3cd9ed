"""Requests that nobody who is let in has made: none of them may have an effect.

`python -m tests.web.forged --requests 10000` sends so many, and counts the effects. Each is of
somebody without a session, of another site by a browser that has one, of a form of another session,
or of a role that must not: by any command, path and way of writing it.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from detector.alerts.commands import NAMES
from detector.people.people import Role
from detector.people.subscription import PushSubscription, subscription_of
from detector.web import app, told_devices
from detector.web.access import guard
from detector.web.access.guard import form_token

from .stand import Stand, standing

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
UNLIMITED = (1e9, 1e9)
FOREIGN = ("http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}", "")
SITES = ("cross-site", "same-site", "none", "")
OTHERS = ("/leave", "/device", "/device/off", "/device/test")
BROWSER = PushSubscription(
    "https://fcm.googleapis.com/forged", f"B{'A' * 86}", "AAAAAAAAAAAAAAAAAAAAAA"
)
HOSTS = ("evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "", "127.0.0.1:1")


def forged(rng: random.Random, stand: Stand, tokens: dict[str, str]) -> dict[str, Any]:
    """Return one request that must have no effect: its parts, with the reason why not."""
    here = f"127.0.0.1:{stand.port}"
    ours = {"Host": here, "Origin": f"http://{here}", "Sec-Fetch-Site": "same-origin"}
    token = tokens["caregiver"]
    fields: dict[str, Any] = {"token": form_token(token), "minutes": 30, "text": "x", "alert": ""}
    cookie: str | None = f"spasmwatch={token}"
    name = rng.choice([*NAMES, "no-such"])
    why = rng.choice(["no session", "site", "host", "form", "role", "kind", "code"])
    path = f"/say/{name}" if rng.random() < 0.8 else rng.choice(OTHERS)
    fields |= BROWSER.to_dict()
    match why:
        case "no session":
            guess = rng.choice(["", secrets.token_urlsafe(32), token[:-1], f"{token}x", "é"])
            cookie = rng.choice([None, f"spasmwatch={guess}", f"SPASMWATCH={token}"])
        case "site":
            origin = rng.choice(FOREIGN).format(port=stand.port)
            ours |= {"Origin": origin, "Sec-Fetch-Site": rng.choice(SITES)}
            if not origin:
                del ours["Origin"]
        case "host":
            ours["Host"] = rng.choice(HOSTS).format(port=stand.port)
            ours["Origin"] = f"http://{ours['Host']}"
        case "form":
            fields["token"] = rng.choice(
                ["", form_token(tokens["wearer"]), token, "x", None, 1, []]
            )
        case "role":
            role = rng.choice(["read-only", "wearer"])
            cookie = f"spasmwatch={tokens[role]}"
            fields["token"] = form_token(tokens[role])
            path = "/say/ack" if role == "wearer" else f"/say/{name}"
        case "kind":
            ours["Content-Type"] = rng.choice(["text/plain", "multipart/form-data; boundary=x", ""])
        case "code":
            path, cookie = "/pair", None
            fields = {"code": rng.choice(["", "000-000-000", "K3V-Q7M-2XT", "x" * 3000, "'--"])}
    as_json = rng.random() < 0.5
    kind = JSON if as_json else FORM
    body = json.dumps(fields) if as_json else urlencode(fields)
    method = "POST" if rng.random() < 0.95 else rng.choice(["GET", "PUT", "DELETE", "HEAD"])
    headers = {"Content-Type": kind, **ours} | ({} if cookie is None else {"Cookie": cookie})
    return {"why": why, "method": method, "path": path, "headers": headers, "body": body.encode()}


def requests(
    seed: int, count: int, stand: Stand, tokens: dict[str, str]
) -> Iterator[dict[str, Any]]:
    rng = random.Random(seed)
    return (forged(rng, stand, tokens) for _ in range(count))


def measure(count: int, seed: int) -> dict[str, Any]:
    """Send so many forged requests; return what was answered, and what came of them."""
    # Without limits, so that every one of them is judged for what it is.
    for name in ("GUESSES_PER_ADDRESS", "GUESSES_IN_ALL", "COMMANDS", "COMMANDS_IN_ALL"):
        setattr(app, name, UNLIMITED)
    for name in ("CHANGES", "CHANGES_IN_ALL", "TESTS", "TESTS_IN_ALL"):
        setattr(told_devices, name, UNLIMITED)
    assert subscription_of(BROWSER.to_dict()) == BROWSER
    guard.REQUESTS_EACH = guard.REQUESTS_IN_ALL = UNLIMITED
    answers: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder)) as stand:
        stand.call(stand.room.alarm)
        tokens = {role.value: stand.let_in(role.value, role) for role in Role}
        people, entries = stand.people().now(), stand.room.diary.n
        link = HTTPConnection("127.0.0.1", stand.port, timeout=10)
        for each in requests(seed, count, stand, tokens):
            try:
                link.putrequest(each["method"], each["path"], skip_host=True)
                for name, value in each["headers"].items():
                    link.putheader(name, value.encode())
                link.putheader("Content-Length", str(len(each["body"])))
                link.endheaders(each["body"])
                answer = link.getresponse()
                answer.read()
                answers[f"{each['why']}: {answer.status}"] += 1
                if answer.will_close:
                    link.close()
            except (OSError, HTTPException):
                answers[f"{each['why']}: closed"] += 1
                link.close()
        link.close()
        return {
            "requests": count,
            "seed": seed,
            "answers": dict(sorted(answers.items())),
            "obeyed": len(stand.room.obeyed),
            "entries": stand.room.diary.n - entries,
            "access_changed": stand.people().now() != people,
        }


def main() -> int:
    """Measure, print, and fail where anything had an effect."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    found = measure(chosen.requests, chosen.seed)
    print(json.dumps(found, indent=1))
    return 1 if found["obeyed"] or found["entries"] or found["access_changed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
