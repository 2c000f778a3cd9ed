"""Become a program that may use only these system calls, and no memory both written and run.

python guarded.py FILE-OF-CALLS PROGRAM ARGUMENT…
"""

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path

ALLOW, EPERM_INSTEAD = 0x7FFF0000, 0x00050000 | 1
NO_NEW_PRIVILEGES, NO_WRITABLE_CODE = 38, 65  # prctl(2)

libc = ctypes.CDLL(None)
seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp"))
seccomp.seccomp_init.restype = ctypes.c_void_p
seccomp.seccomp_rule_add.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
]  # fmt: skip
seccomp.seccomp_load.argtypes = [ctypes.c_void_p]

rules = seccomp.seccomp_init(EPERM_INSTEAD)
for name in Path(sys.argv[1]).read_text().split():
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        seccomp.seccomp_rule_add(rules, ALLOW, number, 0)
libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
libc.prctl(NO_WRITABLE_CODE, 1, 0, 0, 0)  # refused before Linux 6.3
if seccomp.seccomp_load(rules) != 0:
    sys.exit("the system calls cannot be filtered here")
os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the program under test
