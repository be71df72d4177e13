#!/usr/bin/env python3
"""Makes tests/documents/tables: the same rows in each form that pandas and pyarrow write.

    pip install pyarrow pandas && python3 tests/documents/make.tables.py

The towns and people are invented. Made with pyarrow 26.0.1 and pandas 3.1.1.
"""
import pathlib

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "tables"
FOLDER.mkdir(exist_ok=True)

ROWS = [
    (101, "harrow-bend", "Council meets on oversight",
     "The council of Harrow Bend met on Tuesday. Residents demanded that it give the review board subpoena power."),
    (102, "harrow-bend", "Council meets on oversight",
     "“We will publish every use-of-force report by June,” said Chief Imre Valdez.\nThe motion passed 5–2."),
    (103, "open-letter", None,
     "We call on the mayor to:\n- ban chokeholds;\n- end no-knock warrants."),
    (104, "minutes", "Minutes, 4 March", "Officers shall activate body cameras during every stop. Café owner Ana Brandt spoke, too."),
    (105, "minutes", "Minutes, 4 March", "=SUM(A1:A9) is what the clerk's spreadsheet said. It rained."),
]
ids, documents, titles, texts = (list(column) for column in zip(*ROWS))
table = pa.table({
    "id": pa.array(ids, pa.int64()),
    "document": pa.array(documents).dictionary_encode(),
    "votes": pa.array([[5, 2], None, [], [1], [2]], pa.list_(pa.int32())),
    "title": pa.array(titles, pa.large_string()),
    "text": pa.array(texts),
})
for codec in ["snappy", "zstd", "gzip"]:
    pq.write_table(table, FOLDER / f"{codec}.parquet", compression=codec, row_group_size=2)
views = table.set_column(4, "text", table["text"].cast(pa.string_view()))
pq.write_table(views, FOLDER / "v2.parquet", compression="none", data_page_version="2.0", write_page_checksum=True)
feather.write_feather(table, FOLDER / "lz4.feather", chunksize=2)
with ipc.new_file(FOLDER / "plain.arrow", views.schema) as writer:
    writer.write_table(views)
with ipc.new_stream(FOLDER / "zstd.arrows", table.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
    writer.write_table(table, max_chunksize=2)
frame = table.drop_columns("votes").to_pandas()
frame["document"] = frame["document"].astype(str)
frame.to_parquet(FOLDER / "pandas.parquet")
frame.to_json(FOLDER / "list.json", orient="records")
frame.to_json(FOLDER / "indented.json", orient="records", indent=2, force_ascii=False)
frame.to_json(FOLDER / "lines.json", orient="records", lines=True)
frame.to_csv(FOLDER / "plain.csv", index=False)
frame.to_csv(FOLDER / "plain.tsv", index=False, sep="\t")
# What has no text: numbers, missing values, no such column.
numbers = pa.table({"id": ["a", "b", None], "text": [1.5, 2.5, 3.5], "words": ["It rained.", None, "It snowed."]})
pq.write_table(numbers, FOLDER / "numbers.parquet")
feather.write_feather(numbers, FOLDER / "numbers.arrow", compression="uncompressed")
