"""`spasmwatch run` or `listen` as a process that lives by a house's clocks.

`python -m tests.chaos.house_process CLOCKS TAP RADIO ARGUMENT ...`: the command is the real one,
with its own settings, disk and MQTT. Two things are replaced at its edge: the radio is a virtual
one (`-` for a command that needs none), and what comes over it and what the screen is told are
copied to the pipe TAP, as truth that no part of the program has judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .fast_time import Clocks, install


def main() -> None:
    clocks_file, descriptor, radio, *arguments = sys.argv[1:]
    clocks = Clocks(Path(clocks_file))
    install(clocks)
    # From here on, what is imported finds the house's clocks.
    if radio != "-":
        from .tapped import Tap, watch_on  # noqa: PLC0415

        watch_on(radio, Tap(int(descriptor), clocks))
    from detector.cli import app  # noqa: PLC0415

    sys.argv[1:] = arguments
    app()


if __name__ == "__main__":
    main()
