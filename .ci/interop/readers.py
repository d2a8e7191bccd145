"""Other people's readers of Delta tables. Each takes a table's folder and the columns to read, and gives rows as dicts."""

import deltalake
import duckdb
import polars
import pyarrow


def delta_rs(folder, columns):
    query = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(folder))
    names = ", ".join(f'"{column}"' for column in columns)
    return pyarrow.table(query.execute(f"SELECT {names} FROM t").read_all()).to_pylist()


def polars_scan(folder, columns):
    return polars.scan_delta(str(folder)).select(columns).collect().to_dicts()


def duckdb_parquet(folder, columns):
    # Its reader of Delta logs is an extension that would have to be downloaded, so the files are those that the log names
    # to delta-rs.
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = deltalake.DeltaTable(folder).file_uris()
        return connection.read_parquet(files).select(*columns).to_arrow_table().to_pylist()


# Partition values are in the log, not in the files.
KNOWS_NO_LOG = {"DuckDB"}
READERS = {"delta-rs": delta_rs, "Polars": polars_scan, "DuckDB": duckdb_parquet}

# What a reader cannot read, whoever wrote it: (reader, column), and why.
CANNOT_READ = {
    ("delta-rs", "variant_list_of_structs"): "a NOT NULL STRUCT (a VARIANT is one) in a STRUCT that is NULL in an ARRAY,"
    " which arrow-rs reads as not valid; the same with files that pyarrow wrote",
}
