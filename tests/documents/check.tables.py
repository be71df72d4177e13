#!/usr/bin/env python3
"""Reads what petition writes with pyarrow and pandas, and compares it with its CSV, value by value.

    pip install pyarrow pandas && python3 tests/documents/check.tables.py PETITION PATH…
"""
import csv
import io
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

petition, *paths = sys.argv[1:]


def run(*arguments):
    return subprocess.run([petition, "classify", *paths, "--scores", "all", "-q", *arguments], check=True, stdout=subprocess.PIPE).stdout


rows = list(csv.DictReader(io.StringIO(run().decode(), newline="")))
parquet, arrow = run("--format", "parquet"), run("--format", "arrow")
file = pq.ParquetFile(io.BytesIO(parquet))
print("made by:", file.metadata.created_by, "| row groups:", file.metadata.num_row_groups, "| codec:", file.metadata.row_group(0).column(0).compression)
tables = {"Parquet": file.read(), "Arrow": ipc.open_file(pa.BufferReader(arrow)).read_all()}
for name, table in tables.items():
    table.validate(full=True)
    types = {field.name: str(field.type) for field in table.schema}
    assert all(not field.nullable for field in table.schema), table.schema
    columns = table.to_pydict()
    assert list(columns) == list(rows[0]), list(columns)
    n = 0
    for column, values in columns.items():
        assert len(values) == len(rows)
        for value, row in zip(values, rows):
            text = row[column]
            if types[column].startswith("list"):
                assert value == [part for part in text.split("|") if part], (column, value, text)
            elif types[column] in ("int64", "double"):
                assert value == (int(text) if types[column] == "int64" else float(text)), (column, value, text)
            else:
                assert value == text, (column, value, text)
            n += 1
    print(f"{name}: {len(rows)} rows, {n} values are those of the CSV;", types)
for name, frame in {"read_parquet": pd.read_parquet(io.BytesIO(parquet)), "read_feather": pd.read_feather(io.BytesIO(arrow))}.items():
    print(f"pandas.{name}:", frame.shape, frame.dtypes.astype(str).value_counts().to_dict())
safe = pd.read_csv(io.BytesIO(run("--excel-safe", "--bom")), encoding="utf-8-sig", keep_default_na=False)
tabs = pd.read_csv(io.BytesIO(run("--format", "tsv")), sep="\t", keep_default_na=False)
plain = pd.read_csv(io.BytesIO(run()), keep_default_na=False)
assert tabs.equals(plain)
changed = (safe.text != plain.text).sum()
assert all(new == old or new == "'" + old and old[0] in "=+-@\t\r" for new, old in zip(safe.text, plain.text))
print(f"CSV and TSV are the same to pandas; --excel-safe changed {changed} texts")
print("bytes:", {"csv": len(run()), "parquet": len(parquet), "arrow": len(arrow)})
