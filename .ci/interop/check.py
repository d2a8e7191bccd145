"""Writes to the local server as its users do, and reads the tables with other people's readers."""

import argparse
import contextlib
import datetime
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import official
import quickstart
import schema
import tables
from readers import CANNOT_READ, KNOWS_NO_LOG, READERS

QUICKSTART_ROWS = 5_000
ROOT = Path(__file__).resolve().parents[2]
TABLES = (tables.EVERY_TYPE, tables.PARTITIONED, tables.LARGE, tables.AIR_QUALITY)
# How many differences of one reader and table are shown.
SHOWN = 10


def main():
    parser = argparse.ArgumentParser()
    for binary in ("zerobus-local", "zerobus", "quickstart"):
        parser.add_argument(f"--{binary}", type=Path, required=True)
    binaries = parser.parse_args()

    report = Report()
    with tempfile.TemporaryDirectory(prefix="zerobus-interop-") as folder:
        folder = Path(folder)
        data = folder / "data"
        seeds = [ROOT / "examples/quickstart/air_quality.sql", folder / "interop.sql"]
        seeds[1].write_text("".join(table.ddl() for table in TABLES if table is not tables.AIR_QUALITY))

        stored = {}
        with local_server(binaries.zerobus_local, data, seeds, folder / "ready.json") as (url, tls_url):
            for table in TABLES:
                stored[table.name] = write(report, binaries.zerobus, (url, tls_url), table, folder)
            for what, problem in official.refusals(url, tables.AIR_QUALITY):
                report.problem(f"official SDK: {what}: {problem}")
            report.line("official SDK: refused records and tables are told, and told to be final")

        if not (folder_of(data, tables.AIR_QUALITY) / "_delta_log" / "_last_checkpoint").exists():
            report.problem(f"{tables.AIR_QUALITY.name} has no checkpoint, so none is read")
        for table in TABLES:
            compare(report, table, data, stored[table.name])
        check_quickstart(report, binaries.quickstart, data, stored[tables.AIR_QUALITY.name])
    return report.end()


class Report:
    def __init__(self):
        self.problems = 0
        self.started = time.monotonic()

    def line(self, text):
        print(f"{time.monotonic() - self.started:5.1f} s  {text}", flush=True)

    def problem(self, text):
        self.problems += 1
        self.line(f"WRONG  {text}")

    def differences(self, of, differences):
        for at, difference in enumerate(differences):
            if at == SHOWN:
                self.problem(f"{of}: and more")
                return
            self.problem(f"{of}: {difference}")

    def end(self):
        self.line(f"{self.problems} problems" if self.problems else "all readers found all that was written")
        return 1 if self.problems else 0


@contextlib.contextmanager
def local_server(binary, data, seeds, ready):
    command = [binary, "--data", data, "--ready-file", ready, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]
    for seed in seeds:
        command += ["--seed", seed]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"zerobus-local did not get ready (exit status {server.poll()})")
            time.sleep(0.05)
        told = json.loads(ready.read_text())
        # The SDK looks at it with every connection.
        os.environ["SSL_CERT_FILE"] = told["ca"]
        yield told["url"], told["tls_url"]
        server.send_signal(signal.SIGTERM)
        if server.wait(timeout=60) != 0:
            raise SystemExit(f"zerobus-local ended with {server.returncode} when told to stop")
    finally:
        server.kill()
        server.wait()


def write(report, zerobus, urls, table, folder):
    """Writes rows in both formats; gives what is to be found of them."""
    # The same rows every time.
    rng = random.Random(table.name)
    message_class = official.compile_proto(zerobus, urls[0], table, folder)
    stored = []
    for format in ("proto", "JSON"):
        as_json = format == "JSON"
        rows = [schema.row(rng, table, as_json) for _ in range(table.rows)]
        for row in rows:
            row[table.fields[0].name] = key(table, len(stored))
            stored.append(schema.row_as_stored(table, row, as_json))
        if as_json:
            official.write_json(urls, table, rows)
        else:
            official.write_proto(urls, table, message_class, rows)
        report.line(f"official SDK: {len(rows)} rows of {len(table.fields)} columns as {format} into {table.name}, sync and async, over plaintext and TLS")
    return stored


def key(table, at):
    """The first column's value of a row, which no other row has, and by which rows are in order."""
    return at if table.fields[0].type is tables.BIGINT else f"sensor {at:06}"


def compare(report, table, data, stored):
    first = table.fields[0].name
    for name, reader in READERS.items():
        of = f"{name} on {table.name}"
        if table.partitioned_by and name in KNOWS_NO_LOG:
            report.line(f"{of}: NOT COMPARED: it reads the files, and partition values are in the log alone")
            continue
        fields = []
        for field in table.fields:
            why = CANNOT_READ.get((name, field.name))
            if why is None:
                fields.append(field)
            elif can_read(reader, folder_of(data, table), field.name):
                report.problem(f"{of}: {field.name} can be read now, so it is not to be left out")
            else:
                report.line(f"{of}: NOT COMPARED {field.name}: {why}")
        try:
            found = read(reader, data, table, fields)
        except Exception as error:
            report.problem(f"{of}: {error!r}")
            continue
        if len(found) != len(stored):
            report.problem(f"{of}: expected {len(stored)} rows, found {len(found)}")
            continue
        found.sort(key=lambda row: row[first])
        before = report.problems
        names = [field.name for field in fields]
        expected = [{name: row[name] for name in names} for row in stored]
        report.differences(of, differences(first, expected, found))
        if report.problems == before:
            report.line(f"{of}: {len(found)} rows, the same values")


def differences(key, stored, found):
    for expected, row in zip(stored, found):
        yield from schema.differences(expected, row, f"{key} {expected[key]!r}")


def can_read(reader, folder, column):
    try:
        reader(folder, [column])
    except Exception:
        return False
    return True


def read(reader, data, table, fields):
    rows = reader(folder_of(data, table), [field.name for field in fields])
    return [schema.as_read(schema.Struct(tuple(fields)), row) for row in rows]


def check_quickstart(report, quickstart_binary, data, before):
    """The quickstart appends to the table that the official SDK wrote to, and its rows are as they were made up."""
    started = datetime.datetime.now(datetime.timezone.utc)
    command = [quickstart_binary, "--data", data, "--records", str(QUICKSTART_ROWS)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ended = datetime.datetime.now(datetime.timezone.utc)
    report.line(f"quickstart: {QUICKSTART_ROWS} rows into {tables.AIR_QUALITY.name}")

    table = tables.AIR_QUALITY
    first_times = None
    for name, reader in READERS.items():
        of = f"{name} on the quickstart's rows"
        found = read(reader, data, table, table.fields)
        new = [row for row in found if not row["device_name"].startswith("sensor ")]
        if (len(found), len(new)) != (len(before) + QUICKSTART_ROWS, QUICKSTART_ROWS):
            report.problem(f"{of}: expected {QUICKSTART_ROWS} new rows, found {len(new)} of {len(found)}")
            continue
        times = sorted(row.pop("observed_at") for row in new)
        first_times = first_times or times
        if not started <= times[0] <= times[-1] <= ended:
            report.problem(f"{of}: observed_at from {times[0]} to {times[-1]}, not within the run")
        if times != first_times:
            report.problem(f"{of}: observed_at is not what another reader found")
        day = new[0]["day"]
        if day not in (started.date(), ended.date()):
            report.problem(f"{of}: day is {day}")
        expected = Counter(repr(schema.row_as_stored(table, row, False)) for row in quickstart.rows(QUICKSTART_ROWS, day))
        missing = expected - Counter(map(repr, new))
        if missing:
            report.problem(
                f"{of}: {missing.total()} rows are not as quickstart.py makes them up, which has to do as `Sensors` in"
                f" examples/quickstart/src/record.rs does; the first: {next(iter(missing))}"
            )
        else:
            report.line(f"{of}: {len(new)} rows, the same values")


def folder_of(data, table):
    return data.joinpath(*table.name.split("."))


if __name__ == "__main__":
    sys.exit(main())
