"""Quantities with units, written as one string: ``600 s``, ``24 GiB``, ``1939 images/s``, ``1 points``.

A number without its unit, or with a unit of another kind, is an error of the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_NUMBER = r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number with its unit as written; ``base`` is the value in the kind's base unit."""

    value: float
    unit: str
    base: float

    def __str__(self) -> str:
        """The spelling that a document uses."""
        return f"{self.value:.12g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of quantity: what units it takes and how they convert to the base unit (factor 1)."""

    name: str
    factors: tuple[tuple[str, float], ...]
    example: str
    positive: bool = True

    @property
    def pattern(self) -> str:
        """The regular expression of a well-formed quantity; the same for pydantic and JSON Schema."""
        units = "|".join(re.escape(unit).replace("\\ ", " ").replace("\\-", "-") for unit, _ in self.factors)
        number = _NUMBER.replace("[+-]?", "", 1) if self.positive else _NUMBER
        return f"^{number} ({units})$"

    def parse(self, text: str) -> Quantity:
        """Read ``text``, which matches `pattern`; raises `ValueError` otherwise."""
        if not _compiled(self).fullmatch(text):
            message = f"expected {self.name} such as {self.example!r}"
            raise ValueError(message)
        return self._split(text)

    def _split(self, text: str) -> Quantity:
        """Read ``text``, which is known to match."""
        number, unit = text.split(" ", 1)
        return self.of(float(number), unit)

    def of(self, value: float, unit: str) -> Quantity:
        """A quantity of this kind from a number and one of its units."""
        for name, factor in self.factors:
            if name == unit:
                return Quantity(value, unit, value * factor)
        raise KeyError(unit)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """A string of the right pattern becomes a `Quantity`; it is written back as it was read."""
        return core_schema.no_info_after_validator_function(
            self._split,
            core_schema.str_schema(pattern=self.pattern, strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The same pattern for editors and other validators."""
        return {"type": "string", "pattern": self.pattern, "examples": [self.example], "title": self.name}


@cache
def _compiled(kind: Kind) -> re.Pattern[str]:
    return re.compile(kind.pattern)


ITEMS = (
    "items",
    "images",
    "sequences",
    "tokens",
    "words",
    "frames",
    "samples",
    "queries",
    "requests",
    "audio_seconds",
)

TIME = Kind("a duration", (("s", 1), ("ms", 1e-3), ("us", 1e-6), ("min", 60), ("h", 3600)), "600 s")
RATE = Kind("a rate", tuple((f"{item}/s", 1.0) for item in ITEMS), "1939 images/s")
SIZE = Kind(
    "a size",
    (("B", 1), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40)),
    "24 GiB",
)
POWER = Kind("a power", (("W", 1), ("mW", 1e-3), ("kW", 1e3)), "350 W")
ENERGY = Kind("an energy per item", (("J/item", 1), ("mJ/item", 1e-3)), "3.2 mJ/item")
FREQUENCY = Kind("a frequency", (("MHz", 1), ("GHz", 1e3)), "1980 MHz")
FACTOR = Kind("a factor", (("x", 1),), "2.1 x")
MARGIN = Kind("a margin", (("points", 1), ("%", 1), ("absolute", 1)), "1 points")
SHARE = Kind("a relative tolerance", (("%", 0.01),), "5 %")
TEMPERATURE = Kind("a temperature", (("degC", 1),), "71 degC", positive=False)
COMPUTE = Kind("an arithmetic rate", (("GFLOP/s", 1), ("TFLOP/s", 1e3)), "95 GFLOP/s")

Duration = Annotated[Quantity, TIME]
"""A time with its unit; base unit second."""
Rate = Annotated[Quantity, RATE]
"""Items per second; the unit names the item."""
Size = Annotated[Quantity, SIZE]
"""Bytes; ``GB`` is 10^9 and ``GiB`` 2^30."""
Power = Annotated[Quantity, POWER]
"""Electrical power; base unit watt."""
Energy = Annotated[Quantity, ENERGY]
"""Energy for one item; base unit joule."""
Frequency = Annotated[Quantity, FREQUENCY]
"""A clock; base unit megahertz."""
Factor = Annotated[Quantity, FACTOR]
"""A ratio of two rates, ``2.1 x``."""
Margin = Annotated[Quantity, MARGIN]
"""Accuracy that may be lost: ``points`` of 100, ``%`` of the reference, or ``absolute`` in the metric's unit."""
Share = Annotated[Quantity, SHARE]
"""A relative tolerance in percent; base is the fraction."""
Temperature = Annotated[Quantity, TEMPERATURE]
"""A temperature in degrees Celsius."""
Compute = Annotated[Quantity, COMPUTE]
"""Floating-point operations per second."""
