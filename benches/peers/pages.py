"""How well and how fast the main text of web pages is found: petition, trafilatura and readability-lxml on the same pages.

    python benches/peers/pages.py CHECKOUT

CHECKOUT is one of github.com/adbar/trafilatura, whose `tests/evaldata.json` names, for some thousand pages kept beside it, snippets that
belong to the text and snippets that do not. A snippet counts as found if it is in the text, white space aside; precision, recall and F1
are over all snippets, as that project computes them. petition's text is what `petition split` writes; its rules were looked at against
one half of the pages only (those whose name's MD5 is even), so the halves stand apart. The time is that of all pages, one after the other in one
process on one thread, reading the files included, starting Python not; the table goes to stdout.
"""

import argparse
import csv
import hashlib
import json
import re
import subprocess
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import lxml.html
import readability
import trafilatura

CRATE = Path(__file__).resolve().parents[2]


def plain(text):
    return re.sub(r"\s+", " ", text or "").strip()


def by_petition(pages):
    """Text by page, and the seconds that took."""
    program, table = CRATE / "target/release/petition", CRATE / "target/pages.csv"
    started = time.perf_counter()
    subprocess.run([program, "split", "-q", "-j", "1", "-o", table, *pages], stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    texts = defaultdict(list)
    with open(table, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            texts[row["doc_id"]].append(row["text"])
    return {page: " ".join(texts[str(page)]) for page in pages}, seconds


def by(extract):
    def run(pages):
        started = time.perf_counter()
        texts = {}
        for page in pages:
            try:
                texts[page] = extract(page.read_bytes())
            except Exception:  # a page that a library cannot read is one without text
                texts[page] = ""
        return texts, time.perf_counter() - started

    return run


def by_readability(page):
    return lxml.html.fromstring(readability.Document(page).summary()).text_content()


def by_trafilatura(fast):
    return lambda page: trafilatura.extract(page, fast=fast, include_comments=False, include_tables=True)


def half(page):
    return int(hashlib.md5(page.name.encode()).hexdigest(), 16) % 2


def figures(texts, wanted, pages):
    found = missed = wrong = 0
    for page in pages:
        text = plain(texts[page])
        hits = sum(plain(snippet) in text for snippet in wanted[page]["with"])
        found, missed = found + hits, missed + len(wanted[page]["with"]) - hits
        wrong += sum(plain(snippet) in text for snippet in wanted[page]["without"])
    precision, recall = found / (found + wrong), found / (found + missed)
    return precision, recall, 2 * precision * recall / (precision + recall)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    tests = parser.parse_args().checkout / "tests"
    wanted = {}
    for entry in json.loads((tests / "evaldata.json").read_text(encoding="utf-8")).values():
        at = next((path for path in (tests / "cache" / entry["file"], tests / "eval" / entry["file"]) if path.is_file()), None)
        if at:
            wanted[at] = entry
    pages = sorted(wanted)
    contenders = [
        ("petition", by_petition),
        (f"trafilatura {version('trafilatura')}", by(by_trafilatura(False))),
        (f"trafilatura {version('trafilatura')}, fast", by(by_trafilatura(True))),
        (f"readability-lxml {version('readability-lxml')}", by(by_readability)),
    ]
    print(f"{len(pages)} pages\n")
    print("| | precision | recall | F1 | F1 on the half not looked at | seconds |\n|---|---:|---:|---:|---:|---:|")
    for name, run in contenders:
        texts, seconds = run(pages)
        precision, recall, f1 = figures(texts, wanted, pages)
        other = figures(texts, wanted, [page for page in pages if half(page)])[2]
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {other:.3f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
