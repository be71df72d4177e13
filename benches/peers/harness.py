"""What the comparisons share: one run of a program measured, a table written, a plot begun."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path

from logistic import OUT

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def measure(command, environment={}):
    """Wall seconds, CPU seconds, peak resident bytes and standard output of one run. The peak is read while it runs, since what the
    system reports at the end counts this script's own memory, which a new process has for a moment."""
    started = time.perf_counter()
    with open(OUT / "stdout", "wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=subprocess.DEVNULL, env=os.environ | ONE_THREAD | environment
        )
        watched = threading.Thread(target=watch, args=(process.pid, peaks := []))
        watched.start()
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    watched.join()
    return wall, usage.ru_utime + usage.ru_stime, max(peaks, default=0), (OUT / "stdout").read_bytes()


def watch(pid, peaks):
    """Collects the peaks of resident bytes of a process until it is gone."""
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"VmHWM:\s*(\d+) kB", status)
        if not found:
            return
        peaks.append(int(found[1]) * 1024)
        time.sleep(0.005)


def publish(name, lines):
    """Writes and prints a Markdown table."""
    text = "\n".join(lines) + "\n"
    (OUT / f"{name}.md").write_text(text, encoding="utf-8")
    print(text, end="")


def axes(height):
    """The axes of a new plot, `height` inches high, that comes out the same every time."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "petition", "svg.fonttype": "none", "font.size": 10})
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(7, height), layout="constrained")[1]


def save(axes, name):
    axes.figure.savefig(OUT / f"{name}.svg", metadata={"Date": None})
