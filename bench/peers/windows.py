"""Measures windows of these lengths with Zeus, one after the other: `windows.py SECONDS...`.

Each GPU in each window is a line of JSON. The window is from the middle of the call that began it to the middle of the
call that ended it, by the monotonic clock in nanoseconds.
"""

import json
import random
import sys
import time

from zeus.monitor import ZeusMonitor


def timed(call, *arguments, **settings):
    """The middle of a call, and its answer."""
    before = time.monotonic_ns()
    answer = call(*arguments, **settings)
    return (before + time.monotonic_ns()) // 2, answer


def main():
    monitor = ZeusMonitor(cpu_indices=[], approx_instant_energy=False)
    for seconds in map(float, sys.argv[1:]):
        time.sleep(random.uniform(0.2, 0.8))
        begun, _ = timed(monitor.begin_window, "window", sync_execution=False)
        time.sleep(seconds)
        ended, found = timed(monitor.end_window, "window", sync_execution=False)
        for gpu, joules in found.gpu_energy.items():
            print(json.dumps({"gpu": gpu, "from_ns": begun, "to_ns": ended, "energy_j": joules}))


if __name__ == "__main__":
    main()
