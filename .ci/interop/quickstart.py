"""What the quickstart's sensors measure, made up a second time: `Sensors` in examples/quickstart/src/record.rs."""

import json
from decimal import Decimal

_DEVICES = ("roof", "yard", "cellar", "hall", "lab")
_PRICES = (Decimal("0.00"), Decimal("19.99"), Decimal("-3.50"), Decimal("12345678.90"))
_LABELS = (None, "north", "Größe 3")


def rows(count, day):
    """The rows in the order they were sent, without `observed_at`, which is the time they were sent at."""
    state = 0x9E37_79B9_7F4A_7C15
    for _ in range(count):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        raw = (state >> 32).to_bytes(4, "little")
        temp = raw[0] // 4 - 20
        location = {
            "lat": 47.0 + raw[2] / 256.0,
            "lon": 8.0 + raw[3] / 256.0,
            "label": _LABELS[raw[0] % 3],
        }
        yield {
            "device_name": _DEVICES[raw[1] % 5],
            "temp": temp if raw[2] != 0 else None,
            "humidity": raw[3] % 101 if raw[2] != 1 else None,
            "day": day,
            "price": _PRICES[raw[0] % 4],
            # A stream cannot tell an empty ARRAY from none.
            "tags": ["hot", "alert"] if temp > 30 else None,
            "attrs": {"firmware": "1.4.2", "unit": "celsius"},
            "location": location if raw[1] > 31 else None,
            "payload": json.dumps({"battery": raw[3], "ok": raw[2] > 3}),
            "raw": raw,
        }
