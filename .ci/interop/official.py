"""Writes through the official Python SDK, pointed at the local server."""

import asyncio
import inspect
import itertools
import json
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from zerobus.sdk import aio, sync
from zerobus.sdk.shared import AckCallback, NonRetriableException, RecordType, StreamConfigurationOptions, TableProperties

import schema


def compile_proto(zerobus, url, table, folder):
    """The message class that protoc makes of the `.proto` that `zerobus generate proto` makes of the served table."""
    short = table.name.split(".")[-1]
    environment = {"DATABRICKS_HOST": url, "DATABRICKS_CLIENT_ID": "interop", "DATABRICKS_CLIENT_SECRET": "local"}
    generate = [zerobus, "generate", "proto", table.name, "-o", folder / f"{short}.proto"]
    subprocess.run(generate, env=environment, check=True, stderr=subprocess.DEVNULL)
    compiled = folder / f"{short}.descriptors"
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"--descriptor_set_out={compiled}"]
    subprocess.run(protoc + [f"{short}.proto"], check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(short))


def write_proto(urls, table, message_class, rows):
    records = []
    for row in rows:
        message = message_class()
        schema.fill(message, table.fields, row)
        records.append(message.SerializeToString())
    properties = TableProperties(table.name, message_class.DESCRIPTOR)
    asyncio.run(_write(urls, properties, RecordType.PROTO, records, table.batch))


def write_json(urls, table, rows):
    whole = schema.Struct(table.fields)
    records = [json.dumps(schema.to_json(whole, row), ensure_ascii=False) for row in rows]
    asyncio.run(_write(urls, TableProperties(table.name), RecordType.JSON, records, table.batch))


class _Acks(AckCallback):
    def __init__(self):
        super().__init__()
        self.acked = []
        self.failed = []

    def on_ack(self, offset):
        self.acked.append(offset)

    def on_error(self, offset, error_message):
        self.failed.append(error_message)


async def _write(urls, properties, record_type, records, batch):
    """One by one and in batches, over a stream to each of two addresses by each of the SDK's two interfaces."""
    ways = list(itertools.product(urls, (sync, aio)))
    for at, (url, interface) in enumerate(ways):
        part = records[at :: len(ways)]
        acks = _Acks()
        stream = await _done(_open(url, properties, record_type, acks, interface))
        singles = len(part) // 2
        offsets = []
        for record in part[:singles]:
            offsets.append(await _done(stream.ingest_record_offset(record)))
            # A commit for each, so that there are enough for a checkpoint.
            await _done(stream.wait_for_offset(offsets[-1]))
        for first in range(singles, len(part), batch):
            offsets.append(await _done(stream.ingest_records_offset(part[first : first + batch])))
        await _done(stream.flush())
        await _done(stream.close())
        if offsets != list(range(len(offsets))) or acks.failed or sorted(acks.acked) != offsets:
            raise AssertionError(f"sent {offsets}, acked {sorted(acks.acked)}, failed {acks.failed}")


async def _done(answer):
    """What a call gave, once it has: those of one interface are to be awaited."""
    return await answer if inspect.isawaitable(answer) else answer


def _open(url, properties, record_type, acks=None, interface=sync):
    # One URL for both. What the server refuses is to be seen at once, not after retries.
    options = StreamConfigurationOptions(
        record_type=record_type, ack_callback=acks, recovery_retries=1, recovery_backoff_ms=100, flush_timeout_ms=60_000
    )
    return interface.ZerobusSdk(url, url).create_stream("interop", "local", properties, options)


def refusals(url, table):
    """What the server must refuse, as (what, problem) where it did not or did not say it well."""

    def send(record, name=table.name):
        stream = _open(url, TableProperties(name), RecordType.JSON)
        try:
            stream.wait_for_offset(stream.ingest_record_offset(json.dumps(record)))
        finally:
            stream.close()

    fine = {"device_name": "refused", "observed_at": 0}
    cases = {
        "a table that is not there": (lambda: send(fine, "main.default.nowhere"), "main.default.nowhere"),
        "a key that is no column": (lambda: send(fine | {"wind": 3}), "wind"),
        "a record without a NOT NULL column": (lambda: send({"device_name": "refused"}), "observed_at"),
        "a time as text": (lambda: send(fine | {"observed_at": "2026-01-01T00:00:00Z"}), "observed_at"),
        "a decimal that does not fit": (lambda: send(fine | {"price": "1.001"}), "price"),
    }
    for what, (act, named) in cases.items():
        try:
            act()
        except NonRetriableException as error:
            if named not in str(error):
                yield what, f"refused without naming {named}: {error}"
        except Exception as error:
            yield what, f"refused as if a retry could help: {error!r}"
        else:
            yield what, "taken"
