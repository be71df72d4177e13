"""How the time and the memory of training grow with the rows: 17 labels, features drawn as words are, from a fixed seed.

    python benches/peers/growth.py [--largest 1000000] [--repeats 3]

scikit-learn's liblinear is fitted beside it up to 100,000 rows. Tables go to stdout and benches/peers/out/growth.md, the plot to
out/growth.svg.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import harness
from logistic import OUT, build, machine

LABELS, PER_ROW = 17, 20


def write(path, rows, features, seed):
    """An svmlight file: features by Zipf's law, up to 20 a row, labels by the signs of a few features."""
    import numpy as np

    draw = np.random.default_rng(seed)
    with open(path, "w", encoding="ascii") as file:
        for begin in range(0, rows, 50_000):
            n = min(50_000, rows - begin)
            # Ranks by inversion of a distribution whose density falls as 1 / rank.
            ranks = np.minimum((features ** draw.random((n, PER_ROW))).astype(np.int64), features)
            for row in ranks:
                cells = np.unique(row)
                labels = sorted({int(f) % LABELS for f in cells if f % 7 == 3 and f > 20})
                value = 1 / np.sqrt(len(cells))
                file.write(",".join(map(str, labels)) + " " + " ".join(f"{f}:{value:.6g}" for f in cells) + "\n")


def fit(command):
    """The line of JSON of one fit, and the peak of its resident bytes."""
    _, _, peak, out = harness.measure(command, {"RAYON_NUM_THREADS": "1"})
    return json.loads(out) | {"peak": peak}


def plot(points):
    axes = harness.axes(3.2)
    for title, color in (("petition", "#b3541e"), ("scikit-learn, liblinear", "#8a8f98")):
        of = [(cells, seconds) for name, cells, seconds in points if name == title]
        axes.plot(*zip(*of), marker="o", label=title, color=color)
    axes.set(xscale="log", yscale="log", xlabel="values that are not zero", ylabel="CPU seconds, 17 labels")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    harness.save(axes, "growth")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    ours, test = build(), OUT / "growth.test.svm"
    write(test, 500, 1000, 2)
    sklearn = [sys.executable, Path(__file__).with_name("logistic.py"), "fit"]
    lines = [
        machine(),
        "",
        f"{LABELS} labels, C = 1, one thread; medians of {args.repeats} runs (one from a million rows on).",
        "",
        "| | rows | features | values | CPU s | ns a value and label | objective | peak MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    points = []
    for rows in (n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= args.largest):
        train = OUT / "growth.train.svm"
        write(train, rows, rows, 1)
        with open(train) as file:
            cells = sum(line.count(":") for line in file)
        contenders = {"petition": [ours, train, test, "--tolerance", "1e-4"]}
        if rows <= 100_000:
            contenders["scikit-learn, liblinear"] = [*sklearn, train, test]
        for title, command in contenders.items():
            runs = [fit(command) for _ in range(args.repeats if rows < 1_000_000 else 1)]
            seconds = statistics.median(r["fit_cpu_seconds"] for r in runs)
            peak = statistics.median(r["peak"] for r in runs)
            points.append((title, cells, seconds))
            shape = runs[0]
            lines.append(
                f"| {title} | {rows:,} | {shape['features']:,} | {cells:,} | {seconds:.3f} "
                f"| {1e9 * seconds / cells / LABELS:.1f} | {shape['objective']:.2f} | {peak / 1e6:.0f} |"
            )
            print(lines[-1], file=sys.stderr, flush=True)
        train.unlink()
    plot(points)
    harness.publish("growth", lines)


if __name__ == "__main__":
    main()
