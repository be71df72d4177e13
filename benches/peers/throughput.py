"""Classifies the same lines with petition, fastText, Vowpal Wabbit and scikit-learn, beside `wc -w`, and compares.

    python benches/peers/throughput.py [--repeats 5] [--megabytes 200] [--seed 1] [--memory]

README.md beside this file says what is compared. Tables go to stdout and benches/peers/out/throughput.md, every single run to
out/throughput.csv, the plot to out/throughput.svg. `throughput.py predict …` is scikit-learn's part in a process of its own.
"""

import argparse
import csv
import json
import pickle
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import harness
from harness import measure
from logistic import CRATE, OUT, machine, training_rows

ACTS = ["demand", "commitment", "policy", "none"]
SMALL = 20_000_000  # bytes for contenders that would take minutes with all
COMPACT = ["--columns", "id,act,act_score,topics", "-q", "-o", OUT / "out.csv"]
CUT = re.compile(r"(?<=[,;:]) ")


def sentences(seed):
    """Sentences without end: the beginning of one training sentence and the end of another, cut at a comma where there is one."""
    draw = random.Random(seed)
    texts = [row["text"] for row in training_rows()]
    parts = [CUT.split(text) if CUT.search(text) else [" ".join(text.split()[: len(text.split()) // 2]), " ".join(text.split()[len(text.split()) // 2 :])] for text in texts]
    while True:
        first, second = draw.choice(parts), draw.choice(parts)
        yield " ".join(" ".join([*first[:-1], second[-1]]).split())


def write_inputs(megabytes, seed):
    """Lines; a smaller file of lines, as they are and made ready for fastText and Vowpal Wabbit; and long documents."""
    OUT.mkdir(exist_ok=True)
    made = sentences(seed)
    with (OUT / "lines.txt").open("w", encoding="utf-8", newline="\n") as file:
        size = 0
        while size < megabytes * 1_000_000:
            line = next(made) + "\n"
            size += len(line.encode())
            file.write(line)
    with (OUT / "lines.txt").open(encoding="utf-8") as file, (OUT / "small.txt").open("w", encoding="utf-8") as small, (
        OUT / "small.normal.txt"
    ).open("w", encoding="utf-8") as normal, (OUT / "small.vw").open("w", encoding="utf-8") as vw:
        size = 0
        for line in file:
            small.write(line)
            words = normalise(line)
            normal.write(words + "\n")
            vw.write("| " + words + "\n")
            size += len(line.encode())
            if size >= SMALL:
                break
    shutil.rmtree(OUT / "documents", ignore_errors=True)
    (OUT / "documents").mkdir()
    draw = random.Random(seed + 1)
    for number in range(400):
        paragraphs = []
        while sum(map(len, paragraphs)) < 50_000:
            paragraphs.append(" ".join(next(made) for _ in range(draw.randint(1, 6))))
        (OUT / "documents" / f"{number:04}.txt").write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    (OUT / "one.txt").write_text("The council must ban chokeholds and publish every use of force.\n", encoding="utf-8")


def normalise(text):
    """Lower case, words and numbers apart from marks: what fastText's own scripts do."""
    return " ".join(re.findall(r"[\w']+", text.lower()))


def labels(row):
    return [row["act"], *(topic for topic in row["topics"].split("|") if topic)]


def train_peers(python):
    """Models of the same 17 labels from the same rows."""
    rows = list(training_rows())
    names = ACTS + sorted({label for row in rows for label in labels(row)} - set(ACTS))
    with (OUT / "train.ft").open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(" ".join(f"__label__{label}" for label in labels(row)) + " " + normalise(row["text"]) + "\n")
    with (OUT / "train.vw").open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(",".join(str(names.index(label)) for label in labels(row)) + " | " + normalise(row["text"]) + "\n")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if shutil.which("fasttext"):
        options = "-loss ova -wordNgrams 2 -minCount 2 -bucket 200000 -dim 100 -epoch 5 -thread 2".split()
        subprocess.run(["fasttext", "supervised", "-input", OUT / "train.ft", "-output", OUT / "fasttext", *options], **quiet)
    options = ["--multilabel_oaa", len(names), "--ngram", 2, "-b", 20, "--loss_function", "logistic", "--quiet"]
    command = [python, "-m", "vowpalwabbit", "-d", OUT / "train.vw", "-f", OUT / "model.vw", *options]
    subprocess.run([str(part) for part in command], **quiet)
    for stem in (False, True):
        subprocess.run([python, __file__, "fit", OUT / f"sklearn-{stem}.pickle", *["--stem"] * stem], check=True)


class Stems:
    """Stemmed words of a text, for scikit-learn's vectorizer."""

    def __init__(self):
        import Stemmer

        self.stemmer = Stemmer.Stemmer("english")

    def __call__(self, text):
        return self.stemmer.stemWords(re.findall(r"[\w']+", text.lower()))

    def __getstate__(self):
        return {}

    def __setstate__(self, _):
        self.__init__()


def fit(args):
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    rows = list(training_rows())
    names = ACTS + sorted({label for row in rows for label in labels(row)} - set(ACTS))
    tokenizer = {"tokenizer": Stems(), "token_pattern": None} if args.stem else {}
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32, **tokenizer)
    x = vectorizer.fit_transform(row["text"] for row in rows)
    models = [LinearSVC(C=0.3, tol=1e-2).fit(x, [name in labels(row) for row in rows]) for name in names]
    weights = np.vstack([m.coef_[0] for m in models]).T.astype(np.float32)
    intercepts = np.array([m.intercept_[0] for m in models], dtype=np.float32)
    with open(args.model, "wb") as file:
        pickle.dump((names, vectorizer, weights, intercepts), file)


def predict(args):
    """Labels the lines of a file, ten thousand at a time; prints the CPU seconds without imports and loading."""
    import itertools

    with open(args.model, "rb") as file:
        names, vectorizer, weights, intercepts = pickle.load(file)
    wall, cpu = time.perf_counter(), time.process_time()
    with open(args.input, encoding="utf-8") as lines, open(args.output, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "act", "act_score", "topics"])
        number = 0
        while batch := list(itertools.islice(lines, 10_000)):
            scores = vectorizer.transform(batch) @ weights + intercepts
            acts = scores[:, : len(ACTS)]
            best = acts.argmax(axis=1)
            said = scores[:, len(ACTS) :] >= 0
            for row in range(len(batch)):
                number += 1
                topics = "|".join(names[len(ACTS) + t] for t in said[row].nonzero()[0])
                writer.writerow([number, ACTS[best[row]], f"{acts[row, best[row]]:.4f}", topics])
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


def contenders(python, petition):
    """Title → (input bytes, command, whether it times itself)."""
    size = lambda *paths: sum(p.stat().st_size for p in paths)
    lines, small, documents = OUT / "lines.txt", OUT / "small.txt", OUT / "documents"
    one_core = ["taskset", "-c", "0"]
    found = {
        "wc -w": (size(lines), [*one_core, "wc", "-w", lines], False),
        "petition, lines, 1 core": (size(lines), [*one_core, petition, "classify", "--no-split", "-j1", lines, *COMPACT], False),
        "petition, lines, 2 threads": (size(lines), [petition, "classify", "--no-split", "-j2", lines, *COMPACT], False),
        "petition, documents, 1 core": (size(*documents.iterdir()), [*one_core, petition, "classify", "-j1", documents, *COMPACT], False),
        "petition, one sentence": (size(OUT / "one.txt"), [petition, "classify", "--no-split", "-q", OUT / "one.txt"], False),
    }
    if shutil.which("fasttext"):
        command = [*one_core, "fasttext", "predict-prob", OUT / "fasttext.bin", OUT / "small.normal.txt", "-1", "0.5"]
        found["fastText, native"] = (size(small), command, False)
    command = [*one_core, python, "-m", "vowpalwabbit", "-t", "-i", OUT / "model.vw", "-d", OUT / "small.vw", "-p", OUT / "out.vw", "--quiet"]
    found["Vowpal Wabbit"] = (size(small), command, False)
    for stem, title in ((False, "scikit-learn"), (True, "scikit-learn, stemmed")):
        command = [*one_core, python, __file__, "predict", OUT / f"sklearn-{stem}.pickle", small, OUT / "out.sklearn.csv"]
        found[title] = (size(small), command, True)
    return found


def plot(speeds):
    shown = {title: speed for title, speed in speeds.items() if title not in ("petition, one sentence", "petition, lines, 2 threads")}
    titles = list(shown)[::-1]
    axes = harness.axes(0.42 * len(titles) + 0.9)
    # Points, since a bar on a logarithmic axis begins nowhere.
    for row, title in enumerate(titles):
        axes.plot(shown[title], row, "o", markersize=9, color="#b3541e" if "petition" in title else "#8a8f98")
        axes.annotate(f"{shown[title]:.1f}", (shown[title], row), (9, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(titles)), titles)
    axes.grid(axis="x", color="#e3e5e8")
    axes.set_axisbelow(True)
    axes.set_xlabel("MB of text per CPU second (logarithmic)")
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.08)
    axes.spines[["top", "right", "left"]].set_visible(False)
    harness.save(axes, "throughput")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", action="store_true", help="classify the lines ten times over, for the peak of memory")
    commands = parser.add_subparsers()
    one = commands.add_parser("fit")
    one.add_argument("model")
    one.add_argument("--stem", action="store_true")
    one.set_defaults(run=fit)
    one = commands.add_parser("predict")
    for name in ("model", "input", "output"):
        one.add_argument(name)
    one.set_defaults(run=predict)
    args = parser.parse_args()
    if hasattr(args, "run"):
        return args.run(args)

    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=CRATE, check=True)
    petition = CRATE / "target" / "release" / "petition"
    write_inputs(args.megabytes, args.seed)
    train_peers(sys.executable)
    found = contenders(sys.executable, petition)
    runs = {title: [] for title in found}
    with (OUT / "throughput.csv").open("w", encoding="utf-8", newline="") as file:
        log = csv.writer(file)
        log.writerow("contender repeat bytes wall_s cpu_s peak_bytes".split())
        for repeat in range(args.repeats):
            for title, (size, command, own_clock) in found.items():
                wall, cpu, peak, out = measure(command)
                if own_clock:
                    clock = json.loads(out)
                    wall, cpu = clock["wall"], clock["cpu"]
                runs[title].append((wall, cpu, peak))
                log.writerow([title, repeat, size, *runs[title][-1]])
    median = lambda title, at: statistics.median(run[at] for run in runs[title])
    speeds = {title: found[title][0] / 1e6 / median(title, 1) for title in found}
    ours = speeds["petition, lines, 1 core"]
    count = speeds["wc -w"]
    lines = [
        machine(),
        "",
        f"Medians of {args.repeats} runs, the contenders in turn.",
        "",
        "| | MB | wall s | CPU s | MB per CPU s | CPU time, beside wc -w | petition's lines are faster | peak MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for title, (size, _, _) in found.items():
        wall, cpu, peak = (median(title, at) for at in range(3))
        lines.append(
            f"| {title} | {size / 1e6:.1f} | {wall:.3f} | {cpu:.3f} | {speeds[title]:.1f} | {count / speeds[title]:.1f} "
            f"| {ours / speeds[title]:.1f} | {peak / 1e6:.0f} |"
        )
    commands_run = {title: " ".join(str(p).replace(str(CRATE) + "/", "").replace(sys.executable, "python") for p in c) for title, (_, c, _) in found.items()}
    lines += ["", *(f"- {title}: `{command}`" for title, command in commands_run.items())]
    if args.memory:
        big = OUT / "ten.txt"
        with big.open("wb") as out:
            for _ in range(10):
                with (OUT / "lines.txt").open("rb") as file:
                    shutil.copyfileobj(file, out)
        wall, _, peak, _ = measure([petition, "classify", "--no-split", "-j2", big, *COMPACT])
        lines += ["", f"{big.stat().st_size / 1e9:.1f} GB of lines with two threads: {wall:.0f} s, peak {peak / 1e6:.0f} MB resident."]
        big.unlink()
    plot(speeds)
    harness.publish("throughput", lines)


if __name__ == "__main__":
    main()
