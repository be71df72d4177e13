"""Makes agreement.json, the numbers that tests/agreement_parity.rs holds `petition agree` to.

Kappas and F1 are scikit-learn's, nominal alphas those of the package `krippendorff`, the alpha of sets and the MASI distances those
of NLTK. NLTK's `masi_distance` writes 0.67 and 0.33 for Passonneau's 2/3 and 1/3 and has no answer for two empty sets; the file
holds both its distances and those with the fractions, and NLTK's own alpha is made with the latter. All labels are made up from a
fixed seed. Made with Python 3.11.7; the file names the versions that it was made with.

    pip install scikit-learn==1.9.1 krippendorff==0.9.0 nltk==3.10.4
    python tests/parity/agreement.py
"""

import itertools
import json
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import krippendorff
import numpy as np
from nltk.metrics import masi_distance
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import jaccard_distance
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

N_ROWS, N_ACTS, N_TOPICS = 90, 4, 5
NONE = N_ACTS - 1  # carries no topics
SHARE_LABELLED = [1.0, 0.9, 0.5]  # of rows, by annotator


def made_up_labels():
    """A list of rows; in each, for every annotator, `[act, topics]` or None."""
    random = np.random.default_rng(5)
    rows = []
    for _ in range(N_ROWS):
        act = int(random.integers(0, N_ACTS))
        topics = random.random(N_TOPICS) < [0.5, 0.3, 0.2, 0.1, 0.05]
        row = []
        for share in SHARE_LABELLED:
            said = act if random.random() < 0.75 else int(random.integers(0, N_ACTS))
            changed = topics ^ (random.random(N_TOPICS) < [0.15, 0.15, 0.1, 0.05, 0.05])
            chosen = [] if said == NONE else np.flatnonzero(changed).tolist()
            row.append([said, chosen] if random.random() < share else None)
        rows.append(row)
    return rows


def exact_masi(a, b):
    """Passonneau's distance in fractions."""
    if a == b:
        return Fraction(0)
    common, union = len(a & b), len(a | b)
    weight = Fraction(0) if common == 0 else Fraction(2, 3) if common == min(len(a), len(b)) else Fraction(1, 3)
    return 1 - Fraction(common, union) * weight


def mean(values):
    """The mean of the defined values; None where none is."""
    values = [v for v in values if v is not None]
    return float(np.mean(values)) if values else None


def kappa(first, second):
    """Cohen's kappa; None where it is undefined."""
    if len(first) == 0 or (len(set(first) | set(second)) == 1):
        return None
    return float(cohen_kappa_score(first, second))


def nominal_alpha(values):
    """Krippendorff's alpha of rows of values, None where one is missing; None where it is undefined."""
    data = np.array([[np.nan if v is None else v for v in row] for row in values], dtype=float).T
    several = (~np.isnan(data)).sum(axis=0) >= 2
    if len(np.unique(data[:, several][~np.isnan(data[:, several])])) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


def set_alpha(values):
    """NLTK's alpha of rows of sets by MASI distance."""
    data = [(f"annotator {a}", f"row {r}", v) for r, row in enumerate(values) for a, v in enumerate(row) if v is not None]
    return float(AnnotationTask(data, distance=lambda a, b: float(exact_masi(a, b))).alpha())


def figures(rows, carrying):
    """All figures, by the names of the program; `carrying` counts topics only where the annotator's act carries some."""

    def topics_of(label):
        return None if label is None or (carrying and label[0] == NONE) else frozenset(label[1])

    acts = [[None if label is None else label[0] for label in row] for row in rows]
    sets = [[topics_of(label) for label in row] for row in rows]
    has = {t: [[None if s is None else int(t in s) for s in row] for row in sets] for t in range(N_TOPICS)}
    is_act = {a: [[None if v is None else int(v == a) for v in row] for row in acts] for a in range(N_ACTS)}

    def pair(table, a, b):
        both = [(row[a], row[b]) for row in table if row[a] is not None and row[b] is not None]
        return [x for x, _ in both], [y for _, y in both]

    def as_rows(sets):
        return np.array([[t in s for t in range(N_TOPICS)] for s in sets], dtype=int)

    pairs = []
    for a, b in itertools.combinations(range(len(SHARE_LABELLED)), 2):
        (first, second), (these, those) = pair(acts, a, b), pair(sets, a, b)
        jaccards = [1.0 if not x | y else 1 - jaccard_distance(x, y) for x, y in zip(these, those)]
        pairs.append({
            "rows": len(first),
            "act.agreement": accuracy_score(first, second),
            "act.kappa": kappa(first, second),
            "topics.exact_match": accuracy_score(as_rows(these), as_rows(those)),
            "topics.jaccard": float(np.mean(jaccards)),
            "topics.micro_f1": f1_score(as_rows(these), as_rows(those), average="micro"),
        })
    overall = {name: mean(p[name] for p in pairs) for name in pairs[0] if name != "rows"}
    overall["act.alpha"] = nominal_alpha(acts)
    overall["topics.alpha"] = set_alpha(sets)

    def label(table):
        two = [pair(table, a, b) for a, b in itertools.combinations(range(len(SHARE_LABELLED)), 2)]
        return {
            "agreement": mean(accuracy_score(x, y) for x, y in two),
            "kappa": mean(kappa(x, y) for x, y in two),
            "alpha": nominal_alpha(table),
        }

    labels = {f"act.a{a}": label(is_act[a]) for a in range(N_ACTS)} | {f"topic.t{t}": label(has[t]) for t in range(N_TOPICS)}
    return {"overall": overall, "labels": labels, "pairs": pairs}


def main():
    rows = made_up_labels()
    sets = [frozenset(s) for n in range(4) for s in itertools.combinations(range(4), n)]
    masi = [
        [sorted(a), sorted(b), float(exact_masi(a, b)), masi_distance(a, b)]
        for a, b in itertools.product(sets, repeat=2)
        if a | b
    ]
    parts = {
        "versions": {name: version(name) for name in ["scikit-learn", "krippendorff", "nltk", "numpy"]},
        "rows": rows,
        "all": figures(rows, carrying=False),
        "carrying": figures(rows, carrying=True),
        # One set, another, their distance with 2/3 and 1/3, NLTK's own with 0.67 and 0.33.
        "masi": masi,
    }
    lines = (f"{json.dumps(name)}: {json.dumps(part, separators=(',', ':'))}" for name, part in parts.items())
    Path(__file__).with_name("agreement.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
