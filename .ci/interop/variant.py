"""VARIANT values, as the Parquet project's page "Variant Binary Encoding" lays them down."""

import decimal
import json
import struct


class Number:
    """A number of whatever width; equal to all that have its value."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        if not isinstance(other, Number):
            return NotImplemented
        # A double stands for the decimal number that was written, and is the nearest to it.
        if isinstance(self.value, float) or isinstance(other.value, float):
            return float(self.value) == float(other.value)
        return self.value == other.value

    def __hash__(self):
        return hash(float(self.value))

    def __repr__(self):
        return str(self.value)


def from_json(text):
    """What a VARIANT made of this JSON text decodes to."""
    number = lambda text: Number(decimal.Decimal(text))
    return json.loads(text, parse_int=number, parse_float=number)


def decode(metadata, value):
    return _Reader(metadata, value).value(0)[0]


class _Reader:
    def __init__(self, metadata, value):
        self.bytes = value
        header = metadata[0]
        if header & 0x0F != 1:
            raise ValueError(f"VARIANT metadata of version {header & 0x0F}")
        width = (header >> 6) + 1
        read = lambda at: int.from_bytes(metadata[1 + at * width : 1 + (at + 1) * width], "little")
        count = read(0)
        offsets = [read(1 + at) for at in range(count + 1)]
        start = 1 + (count + 2) * width
        names = zip(offsets, offsets[1:])
        self.names = [metadata[start + a : start + b].decode() for a, b in names]
        if start + offsets[-1] != len(metadata):
            raise ValueError("VARIANT metadata with bytes behind its names")
        if header & 0x10 and self.names != sorted(set(self.names), key=str.encode):
            raise ValueError("VARIANT metadata says that its names are sorted and unique, and they are not")

    def value(self, at):
        """The value that begins at this byte, and where it ends."""
        header = self.bytes[at] >> 2
        match self.bytes[at] & 0x03:
            case 0:
                return self.primitive(header, at + 1)
            case 1:
                return self.text(at + 1, header)
            case 2:
                return self.object(header, at + 1)
            case _:
                return self.array(header, at + 1)

    def primitive(self, kind, at):
        match kind:
            case 0:
                return None, at
            case 1 | 2:
                return kind == 1, at
            case 3 | 4 | 5 | 6:
                size = 1 << (kind - 3)
                return Number(self.integer(at, size, signed=True)), at + size
            case 7:
                return Number(struct.unpack_from("<d", self.bytes, at)[0]), at + 8
            case 8 | 9 | 10:
                size = 4 << (kind - 8)
                unscaled = self.integer(at + 1, size, signed=True)
                scale = self.bytes[at]
                with decimal.localcontext(prec=60):
                    return Number(decimal.Decimal(unscaled).scaleb(-scale)), at + 1 + size
            case 16:
                return self.text(at + 4, self.integer(at, 4))
            case _:
                raise ValueError(f"VARIANT value of the kind {kind}, which JSON has none of")

    def object(self, header, at):
        offset_width, id_width = (header & 3) + 1, (header >> 2 & 3) + 1
        count, at = self.count(header >> 4, at)
        ids = [self.integer(at + one * id_width, id_width) for one in range(count)]
        names = [self.names[one] for one in ids]
        if names != sorted(names, key=str.encode):
            raise ValueError("VARIANT object whose fields are not in the order of their names")
        offsets, start = self.offsets(count, at + count * id_width, offset_width)
        found = {name: self.value(start + offset)[0] for name, offset in zip(names, offsets)}
        return found, start + offsets[-1]

    def array(self, header, at):
        count, at = self.count(header >> 2, at)
        offsets, start = self.offsets(count, at, (header & 3) + 1)
        return [self.value(start + offset)[0] for offset in offsets[:-1]], start + offsets[-1]

    def count(self, is_large, at):
        size = 4 if is_large else 1
        return self.integer(at, size), at + size

    def offsets(self, count, at, width):
        offsets = [self.integer(at + one * width, width) for one in range(count + 1)]
        return offsets, at + (count + 1) * width

    def text(self, at, size):
        return self.bytes[at : at + size].decode(), at + size

    def integer(self, at, size, signed=False):
        if at + size > len(self.bytes):
            raise ValueError("VARIANT value that ends too early")
        return int.from_bytes(self.bytes[at : at + size], "little", signed=signed)
