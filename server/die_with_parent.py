"""Becomes the given command, which gets SIGTERM as soon as the process PARENT_PID has ended.

    python die_with_parent.py PARENT_PID PROGRAM [ARGUMENT ...]

subprocess's preexec_fn could do this too, but is not safe in a process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h

parent, program = int(sys.argv[1]), sys.argv[2]
if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
    sys.exit("error: prctl(PR_SET_PDEATHSIG) failed")
if os.getppid() != parent:  # it ended before the signal was asked for
    sys.exit(1)
os.execv(program, sys.argv[2:])
