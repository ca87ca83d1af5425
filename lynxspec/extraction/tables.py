"""Numbers out of tables: each cell bound to what its column, its row, the caption and the section say of it.

A little over 400 lines, since one class holds all that the cells of a table share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.draft import Quote, Strength, Value
from lynxspec.extraction.cells import Result, empty, result
from lynxspec.extraction.heads import NOTHING, PHASE, Head, Quantity, read_head
from lynxspec.extraction.originals import ORIGINAL, originals
from lynxspec.extraction.quantities import milliseconds
from lynxspec.extraction.reading import Reading
from lynxspec.extraction.schemes import Sort, schemes
from lynxspec.facts.lexicon import mentions
from lynxspec.sheet import Cell, Row, Table
from lynxspec.vocabulary import Component

MAX_VALUES = 5_000
"""Of one table; a longer one is read as far as this."""

_COMPONENT: dict[Quantity, Component] = {
    "gain": Component.THROUGHPUT_GAIN,
    "rate": Component.SUSTAINED_THROUGHPUT,
    "latency": Component.LATENCY,
    "accuracy": Component.ACCURACY_RESULT,
    "loss": Component.ACCURACY_RESULT,
    "recovery": Component.ACCURACY_RESULT,
    "batch": Component.BATCH_OR_CONCURRENCY,
    "samples": Component.CALIBRATION_DATA,
}

_ANY_METRIC = frozenset({"accuracy", "score", "acc", "quality", "performance"})
"""Words that say that a number is of accuracy and not which metric."""


class TableReader:
    """Reads one table of a reading."""

    def __init__(self, reading: Reading, table: Table, sheet: int, context: Head, default: Head) -> None:
        """Prepare the columns; ``context`` is what caption and heading say, ``default`` what the section says."""
        self.reading = reading
        self.table = table
        self.sheet = sheet
        self.context = context
        self.default = default
        self.around = _around(context, default)
        self.width = max((len(row.cells) for row in table.rows), default=0)
        self._results: dict[str, Result | None] = {}
        self.columns = self._with_original([self._column(i) for i in range(self.width)])
        sides = ([row.cells[i].text.text if len(row.cells) > i else "" for row in table.rows] for i in (0, 1))
        self.originals = {id(table.rows[i]) for side in sides for i in originals(side)}
        """Rows of the model that other rows were quantized from."""
        self.named = [column for column in self.columns if column.role]
        self.compares_hosts = len({column.hardware for column in self.columns if column.hardware}) >= _TWO
        self.baseline = self._baseline()
        self.promised: list[Row] = []
        """Rows that hold dashes where results should be."""

    @staticmethod
    def _with_original(columns: list[Head]) -> list[Head]:
        """The column of a bare model name beside one of its quantized copies is the reference's."""
        bare = originals([column.text for column in columns])
        return [c._replace(role="reference", regime=ORIGINAL) if i in bare else c for i, c in enumerate(columns)]

    def _result(self, text: str) -> Result | None:
        """The number that a cell gives; many cells are asked several times."""
        if text not in self._results:
            self._results[text] = result(text) if _DIGIT.search(text) else None
        return self._results[text]

    def _column(self, index: int) -> Head:
        """All headers above a column as one."""
        seen: list[Cell] = []
        for row in self.table.rows[: self.table.headers]:
            cell = row.cells[index] if index < len(row.cells) else None
            if cell is not None and cell.text and all(cell is not other for other in seen):
                seen.append(cell)
        return read_head(" / ".join(cell.text.text for cell in seen))

    def _baseline(self) -> str:
        """The one reference that rows or columns name; gains in the table are held against it."""
        names = {c.regime for c in self.columns if c.role == "reference"}
        self.schemed = 0
        """So many rows name a format in their first cell."""
        for row in self.table.rows[self.table.headers :]:
            first = row.cells[0].text.text if row.cells else ""
            head = read_head(first) if first and self._result(first) is None else NOTHING
            self.schemed += head.role is not None
            names |= {head.regime} if head.role == "reference" else set()
        return names.pop() if len(names) == 1 else ""

    def header_quotes(self) -> tuple[Quote, ...]:
        """The rows that name the columns."""
        return tuple(self.reading.quote_row(self.sheet, row) for row in self.table.rows[: self.table.headers])

    def values(self) -> Iterator[Value]:
        """Every number of the table that is a result, with what it belongs to."""
        group = NOTHING
        above: Head | None = None
        count = 0
        for row in self.table.rows[self.table.headers :]:
            if self._is_group(row):
                group = read_head(row.cells[0].text.text if row.cells[0].text else self._only(row).text.text)
                above = None
                continue
            names, inherits = self._names(row)
            if inherits and above is not None:
                names = names.over(above)
            else:
                above = names
            for value in self._row(row, names.over(group)):
                yield value
                count += 1
                if count >= MAX_VALUES:
                    return

    @staticmethod
    def _words(row: Row) -> str:
        return " ".join(cell.text.text for cell in row.cells).lower()

    @staticmethod
    def _only(row: Row) -> Cell:
        return next(cell for cell in row.cells if cell.text)

    def _is_group(self, row: Row) -> bool:
        """Whether a row names what stands below it: one cell with words and nothing else."""
        filled = {id(cell) for cell in row.cells if cell.text}
        return len(filled) == 1 and self.width > 1 and self._result(self._only(row).text.text) is None

    def _names(self, row: Row) -> tuple[Head, bool]:
        """What the words of a row say together, and whether its first cell leaves its name to the row above."""
        names = NOTHING
        for index, cell in enumerate(row.cells):
            if not cell.text or (index and cell is row.cells[index - 1]):
                continue
            column = self.columns[index] if index < len(self.columns) else NOTHING
            words = cell.text.text
            if column.quantity == "batch" and (found := self._result(words)):
                names = names._replace(batch=f"{found.low:g}")
            elif self._result(words) is None and not empty(words):
                names = self._named_by(row, index, column, names)
        if id(row) in self.originals and names.role is None:
            names = names._replace(role="reference", regime=ORIGINAL)
        first = row.cells[0] if row.cells else None
        if first is not None and first.text and not _DIGIT.match(first.text.text):
            names = names._replace(text=first.text.text)
        return names, first is None or not first.text

    def _named_by(self, row: Row, index: int, column: Head, names: Head) -> Head:
        """The names so far with those of one more cell."""
        words = row.cells[index].text.text
        said = column.text.lower()
        head = _in_column(words, read_head(words), column)
        if column.quantity in {"size", "config"} and not (head.regime or head.dataset or head.hardware or head.model):
            return names
        stored = head.role == "quantized" and names.role == "reference"  # FP16 computes what int8 stores
        if stored and not _SAID_BASELINE.search(self._words(row)):
            names = names._replace(regime="", role=None)
        if head.role and _WEIGHT_COLUMN.search(said):
            names = names._replace(regime="", role=None)  # how weights are stored names the regime
        if head.dataset and _METRIC_COLUMN.search(said):
            names = names._replace(dataset="")  # a suite in the column before
        names = names.over(head)
        if not names.hardware and _HARDWARE_COLUMN.search(said) and len(words) <= _LONGEST_NAME:
            names = names._replace(hardware=words)
        if not names.model and (model := self._bare_name(words, column, head, index)):
            names = names._replace(model=model)
        return names

    @staticmethod
    def _bare_name(words: str, column: Head, head: Head, index: int) -> str:
        """A model that the lexicon does not know: a size, or a name where the column says that models stand below."""
        size = _MODEL_SIZE.match(words)
        if size:
            return size[0]
        if index or head.regime or head.quantity:
            return ""
        if len(words) <= 80 and _MODEL_COLUMN.search(column.text.lower()):
            return words.strip()
        return ""

    def _row(self, row: Row, names: Head) -> Iterator[Value]:
        promised = 0
        for index, cell in enumerate(row.cells):
            if not cell.text or (index and cell is row.cells[index - 1]):
                continue
            found = self._result(cell.text.text)
            if found is not None:
                head = self._as_change(row, index, names, self._head(index, names))
                if head is not None:
                    yield from self._value(row, found, head)
            elif empty(cell.text.text) and self._head(index, names).quantity in _MEASURED:
                promised += 1
        if promised:
            self.promised.append(row)

    def _as_change(self, row: Row, index: int, names: Head, head: Head) -> Head | None:
        """A cell of a column or row of differences: a loss of accuracy, or nothing that can be told."""
        column = self.columns[index].text if index < len(self.columns) else ""
        first, printed = row.cells[0].text.text, row.cells[index].text.text
        if head.quantity == "gain" and "x" not in printed and (names.dataset or names.quantity in _NO_SPEED):
            return None  # an improvement, but of accuracy or of a time
        if _OF_RIVALS.search(column.lower()) or _OF_RIVALS.search(first.lower()):
            return None
        if not (_DELTA.search(column) or (index and _DELTA.search(first))) or "x" in printed or "×" in printed:
            return head
        if head.quantity not in {"accuracy", "loss"}:
            return head if head.quantity == "gain" else None
        sign = printed.strip()[:1]
        falls = any(m.kind == "metric" and m.detail.get("better") == "lower" for m in mentions(head.metric))
        improved = (sign == "+" and not falls) or (sign in {"-", "−"} and falls)
        return None if improved else head._replace(quantity="loss")

    def _head(self, index: int, names: Head) -> Head:
        """All that is known of a cell, its column first."""
        column = self.columns[index] if index < len(self.columns) else NOTHING
        both = column.role and names.role and column.regime != names.regime
        head = column.over(names)
        if column.quantity == "" and names.quantity and not column.text:
            head = head._replace(quantity=names.quantity, unit=names.unit)
        if both:
            regime, role = _joined(column, names)
            head = head._replace(regime=regime, role=role)
        corner = self.columns[0] if self.columns else NOTHING
        if not head.quantity and corner.quantity in {"rate", "latency", "gain"} and index:
            head = head._replace(quantity=corner.quantity, unit=corner.unit)  # "| Images/s | L4 | A10 |"
        if not head.quantity and (head.unit or self.context.quantity or self.context.unit):
            head = head._replace(quantity=self.context.quantity, unit=self.context.unit)
        elif head.quantity == "rate" and not head.unit:
            head = head._replace(unit=self.context.unit or self.default.unit)
        if not head.model and corner.model:
            head = head._replace(model=corner.model)  # "| DeepSpeech2 | Word error rate |": the corner names it
        if self.around.role and not head.role and self._stranger(head, names):
            return head.over(self.around._replace(regime="", role=None))._replace(regime=_STRANGER)
        # a column of a product that no list knows is not of another one
        apart = self.compares_hosts and not head.hardware
        return head.over(self.around._replace(hardware="") if apart else self.around)

    def _stranger(self, head: Head, names: Head) -> bool:
        """Whether a row or column of a table that names formats is of another model than the title's."""
        other = bool(head.model and self.around.model) and head.model != self.around.model
        return (other and len(self.named) >= _TWO) or (self.schemed >= _TWO and bool(names.text))

    def _value(self, row: Row, found: Result, head: Head) -> Iterator[Value]:
        if found.unit == "x" and head.quantity not in {"size", "config", "loss", "accuracy"}:
            head = head._replace(quantity="gain")
        elif "/s" in found.unit:
            head = head._replace(quantity="rate", unit=found.unit)
        elif found.unit in {"ms", "us", "µs"} and head.quantity not in {"size", "config"}:
            head = head._replace(quantity="latency")
        component = _COMPONENT.get(head.quantity)
        if component is None or self._foreign(head):
            return
        if head.quantity in {"rate", "latency"} and (found.unit == "%" or found.low < 0):
            return  # a change, whatever the column is called
        if component is Component.THROUGHPUT_GAIN and head.role == "reference":
            return  # the reference's own "1x"
        beside = read_head(found.remark)
        inner = next(schemes(found.remark.lower()), None) if found.remark else None
        if inner and _ONE_WORD.match(found.remark):
            head = head._replace(regime=inner.name, role=inner.sort)
        if found.word or beside.dataset or component is Component.BATCH_OR_CONCURRENCY:
            head = head._replace(
                metric=found.word or head.metric,
                dataset=beside.dataset or head.dataset,
                batch=head.batch if head.quantity != "batch" else "",
            )
        yield self._made(row, head, component, found)
        if found.factor and component is not Component.THROUGHPUT_GAIN and head.quantity == "rate":
            gain = head._replace(quantity="gain", unit="x")
            yield self._made(
                row, gain, Component.THROUGHPUT_GAIN, found._replace(low=found.factor, high=found.factor, unit="x")
            )

    def _foreign(self, head: Head) -> bool:
        """Whether a number stands under no regime in a table whose other columns name theirs."""
        if head.regime == _STRANGER and head.role is None:
            return True
        if head.role or head.quantity not in {"accuracy", "rate", "latency"}:
            return False
        return bool(head.model) and sum(1 for c in self.named if c.quantity in {"", head.quantity}) >= 2

    def _made(self, row: Row, head: Head, component: Component, found: Result) -> Value:
        of_reference = head.role == "reference" and component is not Component.THROUGHPUT_GAIN
        role: Sort = "reference" if of_reference else "quantized"
        if component is Component.ACCURACY_RESULT and role == "reference" and head.quantity == "accuracy":
            component = Component.ACCURACY_REFERENCE
        low, high, unit = _normalized(found, head)
        of_data = head.quantity not in _OF_NO_DATA  # a rate is of no data set, and its metric is a phase at most
        return Value(
            component=component,
            low=low,
            high=high,
            unit=unit,
            strength=found.strength if not _theoretical(head.text) else Strength.THEORETICAL,
            role=role,
            evidence=self.reading.quote_row(self.sheet, row),
            model=head.model,
            precision=head.regime,
            against=head.against or (self.baseline if head.quantity in {"gain", "loss", "recovery"} else ""),
            hardware=head.hardware,
            batch=head.batch,
            metric=head.metric if of_data or PHASE.search(head.metric.lower()) else "",
            dataset=head.dataset if of_data else "",
        )


_DIGIT = re.compile(r"\d")
_TWO = 2
_STRANGER = "another's"
_NO_SPEED = frozenset({"accuracy", "loss", "recovery", "latency", "size"})
_DELTA = re.compile(r"(?i)^(?:Δ|delta|diff(?:erence|\.)?|change)\b|[Δδ]")
_OF_RIVALS = re.compile(r"\b(?:competit|rivals?\b)|other vendor")
_OF_NO_DATA = frozenset({"gain", "rate", "latency", "batch"})
_MEASURED = frozenset({"gain", "rate", "accuracy", "latency"})
_ONE_WORD = re.compile(r"^\(?\s*\S+\s*\)?$")
_SAID_BASELINE = re.compile(r"baseline|reference|original|unquantized")
_HARDWARE_COLUMN = re.compile(
    r"^(?:inst(?:ance|\.)?(?: type)?|device|hardware|gpu|accelerator|chip|platform|system|machine|soc|phone"
    r"|chipset|设备|硬件|芯片|デバイス|장비)s?(?: name| type| model| class)?$"
)
_LONGEST_NAME = 60
_MODEL_SIZE = re.compile(r"\d+(?:\.\d+)?[BM]\b")
_MODEL_COLUMN = re.compile(r"\bmodels?\b|network|\bname\b|模型|모델|モデル")

_WEIGHT_COLUMN = re.compile(r"weights?\b.*(?:type|format|precision|dtype|storage)")

_DATA_COLUMN = re.compile(r"^(?:benchmarks?|data ?sets?|evaluation|eval|test sets?|数据集|データセット|데이터셋)\b")
_METRIC_COLUMN = re.compile(r"^metrics?\b|指标|지표|指標")


def _in_column(words: str, head: Head, column: Head) -> Head:
    """A label under a header that says what such labels are: names that the lexicon does not know count as well."""
    said = column.text.lower()
    if _METRIC_COLUMN.search(said) and head.dataset:
        return head._replace(dataset=words, quantity=head.quantity or "accuracy")  # "| Metric | GSM8K (Strict-Match) |"
    if _METRIC_COLUMN.search(said):
        return NOTHING._replace(text=words, quantity="accuracy", metric=words)
    if _DATA_COLUMN.search(said) and not head.model:
        return head._replace(dataset=words, quantity=head.quantity or "accuracy")
    return head


def _theoretical(text: str) -> bool:
    lower = text.lower()
    return "theoretical" in lower or "peak" in lower


def _around(context: Head, default: Head) -> Head:
    """What holds for every number of a table besides its quantity: caption and heading first, then the section."""
    context = context._replace(quantity="", unit="")
    if context.model and context.model.lower() in default.model.lower():
        context = context._replace(
            model=default.model
        )  # "Stable Diffusion" above, and in the text "Stable Diffusion XL 1.0"
    if context.metric.lower() in _ANY_METRIC and default.metric:
        context = context._replace(metric=default.metric)
    return context.over(default._replace(quantity="", unit=""))


def _joined(column: Head, row: Head) -> tuple[str, Sort]:
    """Regime and role of a cell whose column and row both name a regime."""
    if "reference" in (column.role, row.role):
        reference = column if column.role == "reference" else row
        return reference.regime, "reference"
    if row.regime.lower() in column.regime.lower():
        return column.regime, "quantized"
    if column.regime.lower() in row.regime.lower():
        return row.regime, "quantized"
    return f"{row.regime} {column.regime}", "quantized"


_CHANGE = re.compile(r"gain|improve|increase|faster|higher|boost|speed-?up")
_SHARE = re.compile(r"ratio|relative|of (?:fp|bf|base)")


def _normalized(found: Result, head: Head) -> tuple[float, float, str]:  # noqa: PLR0911 - one a kind
    """The number in the unit that all sheets share."""
    low, high = found.low, found.high
    if head.quantity == "gain":
        if found.unit == "%" or (head.unit == "%" and found.unit != "x"):
            relative = _CHANGE.search(head.text.lower()) or low < 0
            base = 100.0 if relative and not _SHARE.search(head.text.lower()) else 0.0
            return round((base + low) / 100, 6), round((base + high) / 100, 6), "x"
        return low, high, "x"
    if head.quantity == "latency":
        unit = found.unit if found.unit not in {"", "%", "x"} else head.unit or "ms"
        return milliseconds(low, unit), milliseconds(high, unit), "ms"
    if head.quantity == "rate":
        return low, high, found.unit if "/s" in found.unit else head.unit
    if head.quantity in {"loss", "recovery"}:
        percent = "% " if found.unit == "%" or head.unit == "%" else ""
        return (
            abs(low) if head.quantity == "loss" else low,
            abs(high) if head.quantity == "loss" else high,
            f"{percent}{head.quantity}",
        )
    if head.quantity == "samples":
        return low, high, "samples"
    if head.quantity == "accuracy":
        return low, high, "%" if found.unit == "%" or head.unit == "%" else ""
    return low, high, ""
