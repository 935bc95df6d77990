"""Runs a sampler of another project for some seconds: `poll.py NAME INTERVAL_MS SECONDS WINDOW_FILE`.

When it is ready, the monotonic time in nanoseconds is written to the window's file; at the end, the time between two
readings is printed as JSON. Each is used as its documentation says, through its public interface where it has one.
"""

import json
import sys
import time


def begin(window):
    with open(window, "w", encoding="utf-8") as file:
        file.write(f"{time.monotonic_ns()}\n")


def zeus(interval_s, seconds, window):
    from zeus.monitor.power import PowerMonitor

    monitor = PowerMonitor(update_period=interval_s)
    begin(window)
    time.sleep(seconds)
    timeline = monitor.get_power_timeline("device_instant", gpu_index=0)[0]
    monitor.stop()
    return [t for t, _watts in timeline]


def codecarbon(interval_s, seconds, window):
    from codecarbon import OfflineEmissionsTracker

    tracker = OfflineEmissionsTracker(
        country_iso_code="USA",
        measure_power_secs=interval_s,
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="error",
    )
    # It keeps no times of its readings, so they are noted where they are made.
    measure, times = tracker._scheduler.function, []

    def noted():
        times.append(time.monotonic())
        measure()

    tracker._scheduler.function = noted
    tracker.start()
    begin(window)
    time.sleep(seconds)
    tracker.stop()
    if tracker._total_gpu_energy.kWh <= 0:
        sys.exit("CodeCarbon found no GPU")
    return times


def percentile_ms(times, percent):
    """Nearest rank, as lem reports it."""
    intervals = sorted(b - a for a, b in zip(times, times[1:]))
    if not intervals:
        return None
    return 1000 * intervals[max(-(-len(intervals) * percent // 100), 1) - 1]


def main():
    name, interval_ms, seconds, window = sys.argv[1:]
    poll = {"zeus": zeus, "codecarbon": codecarbon}[name]
    times = poll(int(interval_ms) / 1000, int(seconds), window)
    print(json.dumps({"interval_median_ms": percentile_ms(times, 50), "interval_p99_ms": percentile_ms(times, 99)}))


if __name__ == "__main__":
    main()
