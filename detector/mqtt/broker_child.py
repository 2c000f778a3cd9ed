"""Start a broker in this process, so that the kernel kills it when the parent dies.

Run by path and isolated, never imported by the product, so that it starts fast and loads nothing:
`python -I broker_child.py PARENT_PID mosquitto PROGRAM CONFIG` or `… PARENT_PID embedded CONFIG`.
"""

from __future__ import annotations

import ctypes
import logging
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, kind: str, *rest: str) -> None:
    """Become the broker `kind`; does not return before it ends."""
    if kind == "mosquitto":
        _stop_being_root()  # first: a change of user clears the setting of prctl
        _die_with(parent)
        program, config = rest
        os.execv(program, [program, "-c", config])  # noqa: S606 - found by us, no shell
    _die_with(parent)
    _serve_embedded(*rest)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process, even frozen, when the parent's thread ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def _stop_being_root() -> None:
    """Change the user when started by root, as mosquitto itself does later."""
    if os.geteuid() != 0:
        return
    for name in ("mosquitto", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        return


def _serve_embedded(config: str) -> None:
    from iotcore import IotCoreBroker  # noqa: PLC0415 - may be absent where mosquitto serves

    logging.disable()  # rumqttd logs every packet as an error
    broker = IotCoreBroker(config_path=config)
    try:
        broker.check_ports()
    except OSError as error:
        sys.exit(str(error))
    broker.run_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
