"""Delta types as these checks need them: as SQL, with values to try, as a stream carries them, as readers give them."""

import base64
import datetime
import decimal
import json
import random
import struct
from dataclasses import dataclass

import variant

EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class Scalar:
    name: str
    sql: str
    samples: tuple
    # Samples that JSON cannot say.
    proto_only: tuple = ()


@dataclass(frozen=True)
class Array:
    element: object


@dataclass(frozen=True)
class Map:
    key: Scalar
    value: object


@dataclass(frozen=True)
class Struct:
    fields: tuple


@dataclass(frozen=True)
class Field:
    name: str
    type: object
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    name: str
    fields: tuple
    partitioned_by: tuple = ()
    # How many are written in each format.
    rows: int = 60
    # How many are written in one call.
    batch: int = 7

    def ddl(self):
        columns = ",\n".join(f"  {field.name} {sql(field)}" for field in self.fields)
        partitioned = f" PARTITIONED BY ({', '.join(self.partitioned_by)})" if self.partitioned_by else ""
        return f"CREATE TABLE {self.name} (\n{columns}\n){partitioned};\n"


def sql(of):
    match of:
        case Field(_, inner, nullable):
            return sql(inner) + ("" if nullable else " NOT NULL")
        case Scalar():
            return of.sql
        case Array(element):
            return f"ARRAY<{sql(element)}>"
        case Map(key, value):
            return f"MAP<{sql(key)}, {sql(value)}>"
        case Struct(fields):
            return f"STRUCT<{', '.join(f'{field.name}: {sql(field)}' for field in fields)}>"


def sample(rng: random.Random, of, as_json):
    """A value of the type, `None` being NULL."""
    match of:
        case Field(_, inner, nullable):
            if nullable and rng.random() < 0.25:
                return None
            return sample(rng, inner, as_json)
        case Scalar():
            return rng.choice(of.samples if as_json else of.samples + of.proto_only)
        case Array(element):
            return [sample(rng, element, as_json) for _ in range(rng.randrange(4))]
        case Map(key, value):
            keys = rng.sample(key.samples, min(rng.randrange(4), len(key.samples)))
            return {key: sample(rng, value, as_json) for key in keys}
        case Struct(fields):
            return {field.name: sample(rng, field, as_json) for field in fields}


def row(rng, table, as_json):
    return {field.name: sample(rng, field, as_json) for field in table.fields}


def to_wire(of, value):
    """A scalar as protobuf and JSON carry it, BINARY aside."""
    match of.name:
        case "DATE":
            return (value - EPOCH.date()).days
        case "TIMESTAMP":
            return (value - EPOCH_UTC) // datetime.timedelta(microseconds=1)
        case "TIMESTAMP_NTZ":
            return (value - EPOCH) // datetime.timedelta(microseconds=1)
        case "DECIMAL":
            return f"{value:f}"
        case _:
            return value


def to_json(of, value):
    if value is None:
        return None
    match of:
        case Field():
            return to_json(of.type, value)
        case Scalar("BINARY"):
            return base64.b64encode(value).decode()
        case Scalar():
            return to_wire(of, value)
        case Array(element):
            return [to_json(element, one) for one in value]
        case Map(key, of_value):
            # JSON has no other keys than strings: a BOOLEAN is `true`, a number its digits.
            text = lambda key: key if isinstance(key, str) else json.dumps(key)
            return {text(to_wire(key, one)): to_json(of_value, value[one]) for one in value}
        case Struct(fields):
            # A NULL may be said or left out; here every second one is said.
            said = enumerate(fields)
            return {
                field.name: to_json(field, value[field.name])
                for at, field in said
                if value[field.name] is not None or at % 2
            }


def fill(message, fields, value):
    """Sets the fields of a protobuf message."""
    for field in fields:
        one = value[field.name]
        if one is None:
            continue
        match field.type:
            case Array(Struct(inner)):
                for element in one:
                    fill(getattr(message, field.name).add(), inner, element)
            case Array(element):
                getattr(message, field.name).extend(to_wire(element, element_value) for element_value in one)
            case Map(key, of_value):
                entries = getattr(message, field.name)
                for at, entry in one.items():
                    if isinstance(of_value, Struct):
                        entries[to_wire(key, at)].SetInParent()
                        fill(entries[to_wire(key, at)], of_value.fields, entry)
                    else:
                        entries[to_wire(key, at)] = to_wire(of_value, entry)
            case Struct(inner):
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), inner, one)
            case scalar:
                setattr(message, field.name, to_wire(scalar, one))


def row_as_stored(table, row, as_json):
    """What a reader is to find of a row, or of those of its columns that are there."""
    stored = {field.name: as_stored(field, row[field.name], as_json) for field in table.fields if field.name in row}
    # To Delta, a partition of no text is a partition of no value.
    return stored | {name: stored[name] or None for name in table.partitioned_by if stored.get(name) == ""}


def as_stored(of, value, as_json):
    """What a reader is to find where `value` was sent."""
    match of:
        case Field(_, inner, nullable):
            # A message cannot tell an ARRAY or MAP without elements from none at all, an object can.
            if not as_json and nullable and value in ([], {}) and isinstance(inner, (Array, Map)):
                return None
            return None if value is None else as_stored(inner, value, as_json)
        case Scalar("FLOAT"):
            return struct.unpack("<f", struct.pack("<f", value))[0]
        case Scalar("VARIANT"):
            return variant.from_json(value)
        case Scalar():
            return value
        case Array(element):
            return [as_stored(element, one, as_json) for one in value]
        case Map(key, of_value):
            return {key: as_stored(of_value, one, as_json) for key, one in value.items()}
        case Struct(fields):
            return {field.name: as_stored(field, value[field.name], as_json) for field in fields}


def as_read(of, value):
    """What a reader found, the ways of saying the same brought to one."""
    if value is None:
        return None
    match of:
        case Field():
            return as_read(of.type, value)
        case Scalar("VARIANT"):
            return variant.decode(value["metadata"], value["value"])
        case Scalar("TIMESTAMP"):
            return value.astimezone(datetime.timezone.utc)
        case Scalar():
            return value
        case Array(element):
            return [as_read(element, one) for one in value]
        case Map(key, of_value):
            pairs = list(value.items() if isinstance(value, dict) else value)
            found = {as_read(key, at): as_read(of_value, one) for at, one in pairs}
            return found if len(found) == len(pairs) else pairs
        case Struct(fields):
            if set(value) != {field.name for field in fields}:
                return value
            return {field.name: as_read(field, value[field.name]) for field in fields}


def differences(expected, found, path):
    """Where two values differ, as lines. NaN is the same as NaN, 0.0 not as -0.0, 1 not as True or 1.0."""
    if type(expected) is not type(found):
        yield f"{path}: expected {expected!r}, found {found!r}"
    elif isinstance(expected, dict):
        for key in expected.keys() | found.keys():
            if key not in expected or key not in found:
                yield f"{path}: expected the keys {list(expected)!r}, found {list(found)!r}"
                return
        for key in expected:
            yield from differences(expected[key], found[key], f"{path}.{key}")
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{path}: expected {len(expected)} elements, found {len(found)}"
            return
        for at, (one, other) in enumerate(zip(expected, found)):
            yield from differences(one, other, f"{path}[{at}]")
    elif isinstance(expected, float):
        if struct.pack("<d", expected) != struct.pack("<d", found) and not (expected != expected and found != found):
            yield f"{path}: expected {expected!r}, found {found!r}"
    elif isinstance(expected, decimal.Decimal):
        # The scale is part of the type, so it is of the value.
        if expected.as_tuple() != found.as_tuple():
            yield f"{path}: expected {expected}, found {found}"
    elif expected != found:
        yield f"{path}: expected {expected!r}, found {found!r}"
