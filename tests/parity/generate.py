"""Makes sklearn.json, the numbers of scikit-learn that tests/parity.rs holds the crate to.

Four parts: `liblinear` (binary logistic regression, label by label), `softmax` (three classes), `tfidf` and `metrics`.
All data are made up from fixed seeds. Made with Python 3.11.7, scikit-learn 1.9.1, numpy 2.4.6 and scipy 1.17.1; the
file names the versions that it was made with. Results are rounded to ten decimals or twelve digits, far finer than the
tests' bounds.

    pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    python tests/parity/generate.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, precision_recall_fscore_support
from sklearn.utils.class_weight import compute_sample_weight

N_SHOWN = 10  # rows whose probabilities are kept

SENTENCES = [
    "ban dog and cat",
    "the mayor must ban the dog park",
    "dog dog dog run",
    "the cat and the cat and the cat sat",
    "run",
    "mayor ban ban",
    "the park must open and the school must open",
    "cat",
]


def made_up_rows(random, n_rows, n_features, density):
    """Sparse rows of positive and negative values, as a float32 holds them; row 0 is empty."""
    x = np.round(random.normal(0, 1, (n_rows, n_features)), 4)
    x[random.random(x.shape) >= density] = 0
    x[0] = 0
    return x, x.astype(np.float32).astype(np.float64)


def as_pairs(x):
    """Rows of [column, value], values as decimals of four digits."""
    return [[[int(column), float(row[column])] for column in np.flatnonzero(row)] for row in x]


def rounded(values):
    return np.round(values, 10).tolist()


def liblinear():
    random = np.random.default_rng(1)
    decimals, x = made_up_rows(random, 200, 40, 0.2)
    # From an even label to a rare one.
    scores = x @ random.normal(0, 1, (40, 3)) + random.normal(0, 1, (200, 3)) + [0, -2, -5]
    y = scores > 0
    fits = []
    for c in [0.1, 1.0, 10.0]:
        for class_weight in [None, "balanced"]:
            for label in range(3):
                model = LogisticRegression(
                    solver="liblinear",
                    C=c,
                    class_weight=class_weight,
                    tol=1e-10,
                    max_iter=10_000,
                    intercept_scaling=1.0,
                ).fit(scipy.sparse.csr_array(x), y[:, label])
                w, b = model.coef_[0], model.intercept_[0]
                sign = np.where(y[:, label], 1, -1)
                costs = c * compute_sample_weight(class_weight, y[:, label])
                loss = costs @ np.logaddexp(0, -sign * (x @ w + b))
                fits.append({
                    "c": c,
                    "balanced": class_weight is not None,
                    "label": label,
                    "objective": float(f"{(w @ w + b * b) / 2 + loss:.12g}"),
                    "probabilities": rounded(model.predict_proba(x[:N_SHOWN])[:, 1]),
                })
    return {"n_features": 40, "rows": as_pairs(decimals), "labels": y.tolist(), "fits": fits}


def softmax():
    random = np.random.default_rng(2)
    decimals, x = made_up_rows(random, 150, 12, 0.5)
    y = np.argmax(x @ random.normal(0, 1, (12, 3)) + random.normal(0, 1, (150, 3)) + [1, 0, -1], axis=1)
    # The intercept is the weight of a constant column, since scikit-learn would leave its own unregularised.
    x = np.hstack([x, np.ones((150, 1))])
    model = LogisticRegression(solver="lbfgs", C=1.0, tol=1e-10, max_iter=10_000, fit_intercept=False).fit(x, y)
    return {
        "n_features": 12,
        "rows": as_pairs(decimals),
        "classes": y.tolist(),
        "probabilities": rounded(model.predict_proba(x[:N_SHOWN])),
    }


def word_features(sentence):
    """Words, pairs of neighbours, the opening word, the opening pair."""
    words = sentence.split()
    pairs = [f"{a} {b}" for a, b in zip(words, words[1:])]
    kinds = {"w": words, "p": pairs, "o": words[:1], "q": pairs[:1]}
    return [f"{kind}:{text}" for kind, texts in kinds.items() for text in texts]


def tfidf():
    vectorizer = TfidfVectorizer(analyzer=word_features, sublinear_tf=True, smooth_idf=True, norm="l2", min_df=1)
    x = vectorizer.fit_transform(SENTENCES).toarray()
    names = vectorizer.get_feature_names_out()
    rows = [sorted((str(names[k]), round(float(row[k]), 10)) for k in np.flatnonzero(row)) for row in x]
    return {"sentences": SENTENCES, "rows": rows}


def metrics():
    random = np.random.default_rng(3)
    n_rows, n_acts, n_topics = 60, 4, 5
    gold = random.integers(0, n_acts, n_rows)
    predicted = np.where(random.random(n_rows) < 0.6, gold, random.integers(0, n_acts, n_rows))
    gold_topics = random.random((n_rows, n_topics)) < [0.5, 0.3, 0.2, 0.1, 0.1]
    predicted_topics = gold_topics ^ (random.random((n_rows, n_topics)) < [0.3, 0.2, 0.1, 0.1, 0])
    predicted_topics[:, 4] = False  # never said: precision is 0 / 0
    assert gold_topics.any(axis=0).all() and set(gold) == set(range(n_acts))

    def by_label(gold, predicted, labels):
        figures = precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)[:3]
        return np.transpose(figures).tolist()

    kappas = [cohen_kappa_score(gold_topics[:, t], predicted_topics[:, t]) for t in range(n_topics)]
    return {
        "gold_acts": gold.tolist(),
        "predicted_acts": predicted.tolist(),
        "gold_topics": [np.flatnonzero(row).tolist() for row in gold_topics],
        "predicted_topics": [np.flatnonzero(row).tolist() for row in predicted_topics],
        # By the names of the crate's figures.
        "figures": {
            "act.accuracy": accuracy_score(gold, predicted),
            "act.kappa": float(cohen_kappa_score(gold, predicted)),
            "act.macro_f1": f1_score(gold, predicted, average="macro", zero_division=0),
            "topics.micro_f1": f1_score(gold_topics, predicted_topics, average="micro", zero_division=0),
            "topics.macro_f1": f1_score(gold_topics, predicted_topics, average="macro", zero_division=0),
            "topics.mean_kappa": float(np.mean(kappas)),
            "topics.exact_match": accuracy_score(gold_topics, predicted_topics),
        },
        # Precision, recall and F1 of each.
        "acts": by_label(gold, predicted, range(n_acts)),
        "topics": by_label(gold_topics, predicted_topics, range(n_topics)),
    }


def main():
    warnings.simplefilter("error", ConvergenceWarning)
    parts = {
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
        "liblinear": liblinear(),
        "softmax": softmax(),
        "tfidf": tfidf(),
        "metrics": metrics(),
    }
    lines = (f"{json.dumps(name)}: {json.dumps(part, separators=(',', ':'))}" for name, part in parts.items())
    Path(__file__).with_name("sklearn.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
