"""Trains what a user of scikit-learn would on petition's own rows, and compares both on labelled rows of one's own.

    python benches/peers/labels.py GOLD.csv [--text-only]

Stemmed TF-IDF of words and pairs (Snowball English, sublinear tf) with LogisticRegression, and with LinearSVC. C and the class
weights are tuned by petition's own folds of documents, on the act macro-F1 and topics micro-F1 out of fold; each topic's
threshold is the one of best F1 out of fold. The title's words are features of their own unless --text-only is given. Then both
label GOLD.csv (columns id, text, act, topics, title), and so does petition's shipped model. The table goes to stdout.
"""

import argparse
import csv
import json
import subprocess
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy
import scipy.sparse
import Stemmer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

CRATE = Path(__file__).resolve().parents[2]
ACTS = ["demand", "commitment", "policy", "none"]
N_FOLDS, SEED = 5, 1
# The best C lies inside; LinearSVC takes minutes a label far above it.
CS = {"LogisticRegression": [3.0, 10.0, 30.0], "LinearSVC": [0.1, 0.3, 1.0]}
MASK = (1 << 64) - 1


def read(paths):
    rows = []
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            rows.extend(csv.DictReader(file))
    return rows


def folds(documents):
    """Deals documents into folds as `petition train` does: shuffled, largest first, each to the emptiest fold."""
    state = SEED

    def below(n):
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) * n) >> 64

    sizes = Counter(documents)
    order = sorted(sizes, key=lambda d: d.encode())
    for i in range(len(order) - 1, 0, -1):
        j = below(i + 1)
        order[i], order[j] = order[j], order[i]
    order.sort(key=lambda d: -sizes[d])
    filled, fold_of = [0] * N_FOLDS, {}
    for document in order:
        fold = filled.index(min(filled))
        filled[fold] += sizes[document]
        fold_of[document] = fold
    return numpy.array([fold_of[d] for d in documents])


class Features:
    """Stemmed TF-IDF of words and pairs, of the text and of the title."""

    def __init__(self, with_title):
        stemmer, words = Stemmer.Stemmer("english"), TfidfVectorizer().build_tokenizer()
        stems = lambda text: stemmer.stemWords(words(text.lower()))
        make = lambda: TfidfVectorizer(tokenizer=stems, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        self.parts = [(make(), "text")] + ([(make(), "title")] if with_title else [])

    def fit(self, rows):
        for vectorizer, column in self.parts:
            vectorizer.fit([r[column] for r in rows])
        return self

    def __call__(self, rows):
        return scipy.sparse.hstack([v.transform([r[column] for r in rows]) for v, column in self.parts]).tocsr()


def decision(model, rows):
    scores = model.decision_function(rows)
    return scores if scores.ndim == 2 else numpy.stack([-scores, scores], axis=1)


def best_threshold(scores, truth):
    order = numpy.argsort(-scores, kind="stable")
    hits = numpy.cumsum(truth[order])
    f1 = 2 * hits / (numpy.arange(1, len(order) + 1) + truth.sum())
    at = int(f1.argmax())
    return (scores[order[at]] + scores[order[min(at + 1, len(order) - 1)]]) / 2


def evaluate(acts, topics, said_acts, said_topics):
    said_topics = said_topics & (said_acts != ACTS.index("none"))[:, None]
    per_act = f1_score(acts, said_acts, labels=range(len(ACTS)), average=None, zero_division=0)
    return {
        "act.macro_f1": per_act.mean(),
        "act.demand.f1": per_act[0],
        "topics.micro_f1": f1_score(topics, said_topics, average="micro", zero_division=0),
        "topics.macro_f1": f1_score(topics, said_topics, average="macro", zero_division=0),
    }


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    args.add_argument("gold")
    args.add_argument("--text-only", action="store_true")
    args = args.parse_args()
    train = read(sorted((CRATE / "training" / "policing-reform").glob("*.csv")))
    train.sort(key=lambda r: r["id"].encode())
    gold = read([args.gold])
    names = sorted({t for r in train for t in r["topics"].split("|") if t})
    acts = lambda rows: numpy.array([ACTS.index(r["act"]) for r in rows])
    topics = lambda rows: numpy.array([[t in r["topics"].split("|") for t in names] for r in rows])
    y_act, y_topic, fold = acts(train), topics(train), folds([r["document"] for r in train])
    parts = []
    for k in range(N_FOLDS):
        inside, held = numpy.flatnonzero(fold != k), numpy.flatnonzero(fold == k)
        features = Features(not args.text_only).fit([train[i] for i in inside])
        parts.append((inside, held, features([train[i] for i in inside]), features([train[i] for i in held])))
    features = Features(not args.text_only).fit(train)
    x, x_gold = features(train), features(gold)

    print(f"{len(train)} rows to learn from, {len(gold)} rows of {args.gold}; scikit-learn {version('scikit-learn')}\n")
    print("| | C, class weights (acts; topics) | acts, out of fold | topics, out of fold | acts, macro-F1 | demand, F1 | topics, micro-F1 | topics, macro-F1 |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for kind in ("LogisticRegression", "LinearSVC"):

        def make(c, weight):
            if kind == "LinearSVC":
                return LinearSVC(C=c, class_weight=weight, tol=1e-3)
            return LogisticRegression(C=c, class_weight=weight, solver="liblinear")

        def one_vs_rest(inside, outside, truth, c, weight):
            columns = [decision(make(c, weight).fit(inside, truth[:, k]), outside)[:, 1] for k in range(truth.shape[1])]
            return numpy.stack(columns, axis=1)

        one_hot = numpy.eye(len(ACTS), dtype=int)[y_act]
        found = {}
        for head, truth in (("acts", one_hot), ("topics", y_topic.astype(int))):
            for c in CS[kind]:
                for weight in (None, "balanced"):
                    scores = numpy.zeros(truth.shape)
                    for inside, held, x_in, x_held in parts:
                        scores[held] = one_vs_rest(x_in, x_held, truth[inside], c, weight)
                    if head == "acts":
                        value, cut = f1_score(y_act, scores.argmax(1), average="macro"), None
                    else:
                        cut = numpy.array([best_threshold(scores[:, k], truth[:, k]) for k in range(truth.shape[1])])
                        value = f1_score(truth, scores >= cut, average="micro")
                    if head not in found or value > found[head][0]:
                        found[head] = (value, c, weight, cut)
        _, c, weight, _ = found["acts"]
        said_acts = one_vs_rest(x, x_gold, one_hot, c, weight).argmax(1)
        _, c_topic, weight_topic, cut = found["topics"]
        said_topics = one_vs_rest(x, x_gold, y_topic.astype(int), c_topic, weight_topic) >= cut
        f = evaluate(acts(gold), topics(gold), said_acts, said_topics)
        chosen = f"{c:g}, {weight or 'equal'}; {c_topic:g}, {weight_topic or 'equal'}"
        cells = [found["acts"][0], found["topics"][0], *f.values()]
        print(f"| stemmed TF-IDF + {kind} | {chosen} | " + " | ".join(f"{v:.3f}" for v in cells) + " |", flush=True)

    petition = CRATE / "target" / "release" / "petition"
    run = lambda *a: subprocess.run([petition, *a], check=True, capture_output=True, text=True).stdout
    known = dict(line.split()[:2] for line in run("info").splitlines() if line.startswith(("act.", "topics.")))
    f = json.loads(run("evaluate", args.gold, "--format", "json", "--resamples", "0"))
    cells = [known["act.macro_f1"], known["topics.micro_f1"]]
    cells += [f"{f[name]:.3f}" for name in ("act.macro_f1", "act.demand.f1", "topics.micro_f1", "topics.macro_f1")]
    print("| petition | as shipped | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
