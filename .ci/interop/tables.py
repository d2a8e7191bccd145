"""The tables that are written and read."""

import datetime
import json
import math
import random
import struct
from decimal import Decimal

from schema import Array, Field, Map, Scalar, Struct, Table

_UTC = datetime.timezone.utc
_TIMES = (
    datetime.datetime(1970, 1, 1),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999),
    datetime.datetime(2026, 2, 28, 23, 59, 59, 123_456),
    datetime.datetime(1, 1, 1),
    datetime.datetime(1582, 10, 10, 12, 0, 0, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999),
)

_rng = random.Random("doubles")
# Of every size; one in several is read wrong by a parser that is off by a last bit now and then.
_DOUBLES = tuple(
    double
    for double in (struct.unpack("<d", _rng.randbytes(8))[0] for _ in range(60))
    if math.isfinite(double)
)

BOOLEAN = Scalar("BOOLEAN", "BOOLEAN", (True, False))
TINYINT = Scalar("TINYINT", "TINYINT", (0, -1, 127, -128))
SMALLINT = Scalar("SMALLINT", "SMALLINT", (0, -1, 32767, -32768))
INT = Scalar("INT", "INT", (0, -1, 2**31 - 1, -(2**31)))
BIGINT = Scalar("BIGINT", "BIGINT", (0, -1, 2**53 + 1, 2**63 - 1, -(2**63)))
FLOAT = Scalar("FLOAT", "FLOAT", (0.0, -0.0, 0.1, -3.4028234663852886e38, 1e-45), (math.nan, math.inf, -math.inf))
DOUBLE = Scalar("DOUBLE", "DOUBLE", (0.0, -0.0, 0.1, 1.7976931348623157e308, 5e-324) + _DOUBLES, (math.nan, math.inf, -math.inf))
STRING = Scalar("STRING", "STRING", ("", "Größe 3", "😀", "a\0b", "'\"\\\n\t ", "é" * 700))
BINARY = Scalar("BINARY", "BINARY", (b"", b"\x00\xff", bytes(range(256)) * 3))
DATE = Scalar("DATE", "DATE", tuple(time.date() for time in _TIMES))
TIMESTAMP = Scalar("TIMESTAMP", "TIMESTAMP", tuple(time.replace(tzinfo=_UTC) for time in _TIMES))
TIMESTAMP_NTZ = Scalar("TIMESTAMP_NTZ", "TIMESTAMP_NTZ", _TIMES)


def DECIMAL(precision, scale):
    greatest = Decimal((0, (9,) * precision, -scale))
    return Scalar(
        "DECIMAL",
        f"DECIMAL({precision},{scale})",
        (greatest, greatest.copy_negate(), Decimal((0, (0,), -scale)), Decimal((0, (1,), -scale))),
    )


_JSON = (
    None,
    True,
    [],
    {},
    "",
    "Ü" * 63,
    "more bytes than a short string has " * 4,
    0,
    -129,
    2**31,
    -(2**63),
    0.5,
    1e300,
    {"b": 1, "a": [None, {"b": -1.25}], "ä": {}, "": "empty", "B": False},
    [[], [[1]], {"deep": {"deep": {"deep": [True]}}}],
    {f"key{at}": at for at in range(300)},
    list(range(300)),
)
VARIANT = Scalar(
    "VARIANT",
    "VARIANT",
    tuple(json.dumps(value, ensure_ascii=False) for value in _JSON)
    + tuple(map(repr, _DOUBLES[:20]))
    + ("19.99", "123456789012345678.12345", ' { "spaced" : [ 1 , 2 ] } '),
)

SCALARS = {
    "boolean": BOOLEAN,
    "tinyint": TINYINT,
    "smallint": SMALLINT,
    "int": INT,
    "bigint": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "decimal_9_2": DECIMAL(9, 2),
    "decimal_18_18": DECIMAL(18, 18),
    "decimal_38_10": DECIMAL(38, 10),
    "decimal_38_18": DECIMAL(38, 18),
    "string": STRING,
    "varchar": Scalar("VARCHAR", "VARCHAR(7)", ("", "seven 7", "äöü")),
    "char": Scalar("CHAR", "CHAR(3)", ("abc", "äöü")),
    "binary": BINARY,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "timestamp_ntz": TIMESTAMP_NTZ,
    "variant": VARIANT,
}

# The types that a MAP's key can be.
KEYS = {
    "boolean": BOOLEAN,
    "tinyint": TINYINT,
    "smallint": SMALLINT,
    "int": INT,
    "bigint": BIGINT,
    "string": STRING,
    "varchar": SCALARS["varchar"],
}


def _positions(name, scalar):
    """A column for each place that a type can stand in."""
    leaf = (Field("may", scalar), Field("must", scalar, False))
    nested = leaf + (Field("list", Array(scalar)), Field("all", Map(STRING, scalar), False))
    yield Field(f"{name}_may", scalar)
    yield Field(f"{name}_must", scalar, False)
    yield Field(f"{name}_list", Array(scalar))
    yield Field(f"{name}_list_must", Array(scalar), False)
    yield Field(f"{name}_map", Map(STRING, scalar))
    yield Field(f"{name}_map_must", Map(INT, scalar), False)
    yield Field(f"{name}_struct", Struct(nested))
    yield Field(f"{name}_struct_must", Struct((Field("inner", Struct(nested), False),) + leaf), False)
    yield Field(f"{name}_list_of_structs", Array(Struct(nested + (Field("inner", Struct(leaf)),))))
    yield Field(f"{name}_map_of_structs", Map(BIGINT, Struct(nested)), False)


EVERY_TYPE = Table(
    "main.interop.every_type",
    (Field("id", BIGINT, False),)
    + tuple(field for name, scalar in SCALARS.items() for field in _positions(name, scalar))
    + tuple(Field(f"by_{name}", Map(key, STRING)) for name, key in KEYS.items())
    # Names that are words of SQL, of protobuf or of Rust, and names that differ little.
    + tuple(Field(name, INT) for name in ("select", "message", "self", "Mixed_Case", "_id", "to", "type", "a__b")),
)

# A column for each type that a partition can be of. BINARY is left out, because the log has partition values as text; and
# so are long texts, because the partitions are folders.
_PARTITIONS = {name: scalar for name, scalar in SCALARS.items() if name not in ("string", "binary", "variant")}
_PARTITIONS["string"] = Scalar("STRING", "STRING", ("", "Größe 3", "😀", "a\0b", "'\"\\\n\t ", "..", "a/b=c%20&?#"))
PARTITIONED = Table(
    "main.interop.partitioned",
    (Field("id", BIGINT, False),)
    + tuple(Field(f"by_{name}", scalar) for name, scalar in _PARTITIONS.items())
    + (Field("must", INT, False), Field("label", STRING)),
    tuple(f"by_{name}" for name in _PARTITIONS) + ("must",),
)

# About as much as one message may have: 10 MB.
LARGE = Table(
    "main.interop.large",
    (
        Field("id", BIGINT, False),
        Field("text", Scalar("STRING", "STRING", ("", "é" * 5_000_000, "x" * 10_000_000)), False),
    ),
    rows=8,
    batch=1,
)

# The quickstart's own DDL makes this one; here is what it says. So many rows that the log has a checkpoint.
AIR_QUALITY = Table(
    "main.default.air_quality",
    (
        Field("device_name", STRING, False),
        Field("temp", INT),
        Field("humidity", BIGINT),
        Field("observed_at", TIMESTAMP, False),
        Field("day", DATE),
        Field("price", DECIMAL(10, 2)),
        Field("tags", Array(STRING)),
        Field("attrs", Map(STRING, STRING)),
        Field(
            "location",
            Struct((Field("lat", DOUBLE, False), Field("lon", DOUBLE, False), Field("label", STRING))),
        ),
        Field("payload", VARIANT),
        Field("raw", BINARY),
    ),
    rows=240,
)
