"""The command `spasmwatch`, also as `python -m detector`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line; Ctrl-C while that is still loaded ends the process without a word."""
    pythons_own = signal.getsignal(signal.SIGINT)
    if pythons_own is signal.default_int_handler:  # in the background it may be ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from detector.cli import main as run  # noqa: PLC0415 - it takes a fifth of a second

    signal.signal(signal.SIGINT, pythons_own)
    run()


if __name__ == "__main__":
    main()
