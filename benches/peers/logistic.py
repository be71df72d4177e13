"""Fits the same one-vs-rest logistic regressions with petition and with scikit-learn's liblinear, and compares.

    python benches/peers/logistic.py [--repeats 5] [--seed 1]

README.md beside this file says what is compared. Tables go to stdout and benches/peers/out/logistic.md, every single run
to out/logistic.csv. `logistic.py fit …` is one run of scikit-learn in a process of its own; the script calls it itself.
"""

import argparse
import csv
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
CRATE = HERE.parents[1]
OUT = HERE / "out"

# Like banking77: as many classes, about as many rows, questions of 8 to 20 words.
N_CLASSES, N_TRAIN, N_TEST = 77, 12_000, 3_000
N_COMMON, N_CLASS_WORDS, FAMILY = 120, 60, 7
# The shares of a row's words that come from everyday words, from another class of the family, and from the class.
COMMON, NEIGHBOUR = 0.4, 0.2


def training_rows():
    """The crate's labelled rows, file by file."""
    for path in sorted((CRATE / "training" / "policing-reform").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def banking_like(seed):
    """Made-up questions: (train texts, train labels, test texts, test labels); a label set a row.

    Each class draws its words from 60 of its own, a third of them shared with its family of seven classes; some words
    come from a sister class, so that the classes overlap, and many from the everyday words that all classes share.
    """
    draw = random.Random(seed)
    counts = Counter(word for row in training_rows() for word in re.findall(r"[a-z']{2,}", row["text"].lower()))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    common = ranked[:N_COMMON]
    common_weights = [counts[word] for word in common]
    rare = [word for word in ranked[N_COMMON:] if counts[word] >= 3]
    families = [draw.sample(rare, 40) for _ in range(N_CLASSES // FAMILY)]
    classes = []
    for label in range(N_CLASSES):
        shared = draw.sample(families[label // FAMILY], N_CLASS_WORDS // 3)
        words = shared + draw.sample(rare, N_CLASS_WORDS - len(shared))
        draw.shuffle(words)
        classes.append(words)
    falling = [1 / (rank + 5) for rank in range(N_CLASS_WORDS)]
    sizes = [draw.uniform(0.3, 1.7) for _ in range(N_CLASSES)]

    def text(label):
        words = []
        for _ in range(draw.randint(8, 20)):
            kind = draw.random()
            if kind < COMMON:
                words += draw.choices(common, common_weights)
            elif kind < COMMON + NEIGHBOUR:
                first = label - label % FAMILY
                words += draw.choices(classes[draw.randrange(first, first + FAMILY)], falling)
            else:
                words += draw.choices(classes[label], falling)
        return " ".join(words)

    labels = draw.choices(range(N_CLASSES), sizes, k=N_TRAIN + N_TEST)
    texts = [text(label) for label in labels]
    sets = [(label,) for label in labels]
    return texts[:N_TRAIN], sets[:N_TRAIN], texts[N_TRAIN:], sets[N_TRAIN:]


def policing_reform(seed):
    """The crate's own rows, acts and topics as labels, a fifth of the documents held out; the same four lists."""
    rows = list(training_rows())
    names = [sorted({r["act"] for r in rows}), sorted({t for r in rows for t in r["topics"].split("|") if t})]
    number = {name: n for n, name in enumerate(names[0] + names[1])}
    documents = sorted({row["document"] for row in rows})
    random.Random(seed).shuffle(documents)
    held_out = set(documents[: len(documents) // 5])
    halves = ([], [], [], [])
    for row in rows:
        at = 2 if row["document"] in held_out else 0
        halves[at].append(row["text"])
        halves[at + 1].append(tuple(number[name] for name in [row["act"], *filter(None, row["topics"].split("|"))]))
    return halves


def write(name, data):
    """Weighs words and pairs by TF-IDF, rounds to float32 and writes train and test as svmlight files."""
    import numpy as np
    from sklearn.datasets import dump_svmlight_file
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import MultiLabelBinarizer

    train, train_labels, test, test_labels = data
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x = vectorizer.fit_transform(train), vectorizer.transform(test)
    binarizer = MultiLabelBinarizer(sparse_output=True).fit(train_labels)
    paths = OUT / f"{name}.train.svm", OUT / f"{name}.test.svm"
    for rows, labels, path in zip(x, (train_labels, test_labels), paths):
        rows = rows.astype(np.float32)
        rows.sort_indices()
        dump_svmlight_file(rows, binarizer.transform(labels), str(path), zero_based=False, multilabel=True)
    return paths


def fit(args):
    """One run of scikit-learn: prints what `examples/fit_svmlight.rs` prints."""
    import numpy as np
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

    x, labels = load_svmlight_file(args.train, multilabel=True, zero_based=False)
    test, test_labels = load_svmlight_file(args.test, multilabel=True, zero_based=False, n_features=x.shape[1])
    for matrix in (x, test):  # liblinear takes no wider numbers
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    classes = sorted({label for row in labels for label in row})
    binarizer = MultiLabelBinarizer(classes=classes, sparse_output=True).fit(labels)
    y, test_y = binarizer.transform(labels), binarizer.transform(test_labels)
    single = LogisticRegression(solver="liblinear", C=args.c, tol=args.tol, dual=args.dual, max_iter=args.max_iter)
    model = OneVsRestClassifier(single)

    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(x, y)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu

    objective, signs = 0.0, 2 * y.toarray() - 1
    for label, one in enumerate(model.estimators_):
        w, b = one.coef_.ravel(), one.intercept_[0]
        margins = signs[:, label] * (x @ w + b)
        objective += 0.5 * (w @ w + b * b) + args.c * np.logaddexp(0, -margins).sum()
    scores, one_each = model.decision_function(test), all(len(row) == 1 for row in test_labels)
    result = {
        "rows": x.shape[0],
        "features": x.shape[1],
        "labels": len(classes),
        "fit_seconds": seconds,
        "fit_cpu_seconds": cpu_seconds,
        "objective": objective,
        "n_epochs": int(max(one.n_iter_.max() for one in model.estimators_)),
        "accuracy": float(np.mean(scores.argmax(axis=1) == [row[0] for row in test_labels])) if one_each else None,
        "micro_f1": f1_score(test_y, scores >= 0, average="micro"),
    }
    print(json.dumps(result))


def run(command, threads=1):
    """Runs one fit in a process of its own; gives its line of JSON as a dict."""
    names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    environment = os.environ | {name: str(threads) for name in names}
    done = subprocess.run([str(part) for part in command], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def build():
    """Builds the example; gives its path."""
    command = ["cargo", "build", "--release", "--example", "fit_svmlight"]
    command += ["--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=CRATE, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, done.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "fit_svmlight")


def compare(name, c, paths, ours, repeats, log):
    """Runs all contenders in turn, `repeats` times; gives a Markdown table of medians."""
    data = [*paths, "--c", c]
    sklearn = [sys.executable, __file__, "fit", *data]
    contenders = {}
    for solver, tol in (("primal", "1e-4"), ("primal", "1e-3"), ("dual", "1e-4"), ("dual", "5e-2")):
        title = f"scikit-learn, {solver}, tol {tol}" + " (its default)" * (not contenders)
        contenders[title] = ([*sklearn, "--tol", tol, *["--dual"] * (solver == "dual")], 1)
    for tolerance, threads in (("1e-3", 1), ("1e-4", 1), ("1e-7", 1), ("1e-3", 2), ("1e-4", 2)):
        title = f"petition, tolerance {tolerance}, {threads} thread{'s' * (threads > 1)}"
        contenders[title] = ([ours, *data, "--tolerance", tolerance], threads)
    results = {title: [] for title in contenders}
    for repeat in range(repeats):
        for title, (command, threads) in contenders.items():
            result = run(command, threads)
            results[title].append(result)
            log.writerow([name, c, title, repeat, *result.values()])
    # How low the objective goes: both solvers, run until little is left to gain.
    ends = {
        "petition, tolerance 1e-9": [ours, *data, "--tolerance", "1e-9"],
        "scikit-learn, dual, tol 1e-6": [*sklearn, "--dual", "--tol", "1e-6", "--max-iter", 10_000],
    }
    floors = {title: run(command) for title, command in ends.items()}
    best = min(r["objective"] for rs in [*results.values(), floors.values()] for r in rs)

    first = next(iter(results.values()))
    base = statistics.median(r["fit_cpu_seconds"] for r in first)
    shape = first[0]
    figure = "micro_f1" if shape["accuracy"] is None else "accuracy"
    lines = [
        f"### {name}, C = {c}",
        "",
        f"{shape['rows']:,} rows, {shape['features']:,} features, {shape['labels']} labels; medians of {repeats} runs.",
        "",
        f"| | wall s | CPU s | CPU range | CPU, relative | objective | above the best | {figure.replace('_', '-')} |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for title, rs in results.items():
        wall, cpu = (statistics.median(r[k] for r in rs) for k in ("fit_seconds", "fit_cpu_seconds"))
        cpus = [r["fit_cpu_seconds"] for r in rs]
        objective = statistics.median(r["objective"] for r in rs)
        lines.append(
            f"| {title} | {wall:.3f} | {cpu:.3f} | {min(cpus):.3f}–{max(cpus):.3f} | {cpu / base:.2f} "
            f"| {objective:.3f} | {objective / best - 1:.1e} | {rs[0][figure]:.4f} |"
        )
    said = "; ".join(f"{title}, {r['objective']:.6f}" for title, r in floors.items())
    return "\n".join([*lines, "", f"The best objective, {best:.6f}, is the lowest of all; run to the end: {said}."])


def machine():
    """Processor and versions in a line."""

    def first(command):
        done = subprocess.run(command, cwd=CRATE, stdout=subprocess.PIPE, text=True)
        return done.stdout.split("\n")[0]

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    packages = ", ".join(f"{p} {version(p)}" for p in ("scikit-learn", "numpy", "scipy"))
    name = model[1] if model else platform.machine()
    processor = f"{name} ({os.cpu_count()} CPUs), {platform.system()} {platform.release()}"
    flags = os.environ.get("RUSTFLAGS", "")
    compiler = first(["rustc", "--version"]) + (f" with RUSTFLAGS {flags}" if flags else "")
    commit = first(["git", "describe", "--always", "--dirty"]) or "no commit"
    return f"{processor}; Python {platform.python_version()}, {packages}; {compiler}; petition at {commit}."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    commands = parser.add_subparsers()
    one = commands.add_parser("fit")
    one.add_argument("train")
    one.add_argument("test")
    one.add_argument("--c", type=float, default=1.0)
    one.add_argument("--tol", type=float, default=1e-4)
    one.add_argument("--max-iter", type=int, default=100)
    one.add_argument("--dual", action="store_true")
    one.set_defaults(run=fit)
    args = parser.parse_args()
    if hasattr(args, "run"):
        return args.run(args)

    OUT.mkdir(exist_ok=True)
    ours = build()
    tables = [machine()]
    with (OUT / "logistic.csv").open("w", encoding="utf-8", newline="") as file:
        log = csv.writer(file)
        log.writerow("set c contender repeat rows features labels wall_s cpu_s objective n_epochs accuracy micro_f1".split())
        for name, make in (("banking-like", banking_like), ("policing-reform", policing_reform)):
            paths = write(name, make(args.seed))
            for c in (1, 10):
                tables.append(compare(name, c, paths, ours, args.repeats, log))
                print(tables[-1], file=sys.stderr, end="\n\n")
    text = "\n\n".join(tables) + "\n"
    (OUT / "logistic.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
