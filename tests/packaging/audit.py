"""Known weaknesses of what is locked: `make audit`.

`pip-audit` ends well where an index tells it nothing, as a mirror does that carries no advisories:
then nothing was audited, which is said, and decides nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PATIENCE_S = 300.0


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit code and what to print, of the JSON that pip-audit writes."""
    packages = report["dependencies"]
    skipped = [each for each in packages if "skip_reason" in each]
    if len(skipped) == len(packages):
        return 0, ["NOT AUDITED: the index that is used here has no advisories"]
    lines = [
        f"{each['name']} {each['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no release'}"
        for each in packages
        for weakness in each.get("vulns", [])
    ]
    count = f"{len(packages) - len(skipped)} of {len(packages)} packages audited"
    return (1 if lines else 0), [*lines, f"{count}, {len(lines)} known weaknesses"]


def main(program: str, *files: str) -> int:
    named = [word for file in files for word in ("-r", file)]
    try:
        done = subprocess.run(
            [program, *named, "--require-hashes", "--disable-pip", "--timeout", "10", "-f", "json"],
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        code, lines = verdict(json.loads(done.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        code, lines = 0, [f"NOT AUDITED: the advisories cannot be reached ({error})"]
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
