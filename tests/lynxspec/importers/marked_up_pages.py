"""A page as HTML and one as reStructuredText, and what holds for whatever is read off them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from lynxspec.sheet import Block, Sheet, Table, Text

HTML_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Nordlicht 7B INT8 &ndash; Nordlicht</title>
<style>p { color: red }</style><script>var speedup = "9x";</script></head>
<body>
<nav><a href="/">Home</a> <a href="/x">Products</a></nav>
<h1>Nordlicht&#8209;7B, quantized <a class="headerlink" href="#x">¶</a></h1>
<p>We quantized Nordlicht-7B<sup>1</sup> to <b>INT8</b>; it is 2.1&times; faster
   than FP16.<br>Accuracy stays within 1&nbsp;%.</p>
<!-- 99x faster -->
<table border=1>
<caption>Throughput on one H100</caption>
<thead><tr><th rowspan="2">Model</th><th colspan="2">tokens/s</th></tr>
<tr><th>FP16</th><th>INT8</th></tr></thead>
<tbody>
<tr><td rowspan=2>Nordlicht-7B</td><td>1,250.5</td><td>2,610<sup>2</sup></td></tr>
<tr><td>1,301</td><td>2,700*</td></tr>
</tbody>
<tfoot><tr><td colspan="3">* with CUDA graphs</td></tr></tfoot>
</table>
<p>2. Batch 8, sustained over 600 s</p>
<p>Ask us for more.</p>
<ul><li>Calibration: 512 samples<li>Group size: 128</ul>
<pre><code class="language-bash">
$ quantize --samples 512 &amp;&amp; run
</code></pre>
<p><sup>1</sup> Seven billion parameters.</p>
<footer>Copyright Nordlicht</footer>
</body></html>
"""

RST_PAGE = """\
.. _quantization:

==================
Nordlicht-7B, INT8
==================

:Date: 2025-05-01

We quantized ``Nordlicht-7B`` to **INT8** [1]_ with the `Nordlicht toolkit <https://example.org/t>`_, see
:ref:`the guide <guide>`. It is 2.1x faster.

.. 99x faster

Results
=======

.. note:: Measured on one H100,
   batch 8.

.. list-table:: Throughput
   in tokens/s
   :header-rows: 1
   :widths: 2 1 1

   * - Model
     - FP16
     - INT8 [*]_
   * - | Nordlicht
       | 7B
     - 1,250.5
     - 2,610
   * - Acme
     -
     - 99

.. [*] With CUDA graphs,
   sustained.

Accuracy
--------

+-----------+---------------+
| Model     | MMLU          |
|           +-------+-------+
|           | FP16  | INT8  |
+===========+=======+=======+
| Nordlicht | 68.1  | 67.9  |
| 7B        |       |       |
+-----------+-------+-------+
| Acme      | not measured  |
+-----------+---------------+

Run::

   $ quantize \\
       --samples 512

.. [1] Eight bits.
"""


def grid(block: Block) -> list[list[str]]:
    assert isinstance(block, Table)
    return [[cell.text.text for cell in row.cells] for row in block.rows]


def told(found: tuple[Block, ...]) -> list[object]:
    """Blocks in a form that can be written down."""
    return [grid(b) if isinstance(b, Table) else b.text.text for b in found]


def all_texts(found: tuple[Block, ...]) -> Iterator[Text]:
    for block in found:
        if isinstance(block, Table):
            yield block.caption
            yield from (note.text for note in block.notes)
            yield from (cell.text for row in block.rows for cell in row.cells)
        else:
            yield block.text


def check(sheet: Sheet) -> None:
    """What holds for every sheet, however broken its source."""
    for text in all_texts(sheet.blocks):
        offsets = list(text.at)
        assert len(offsets) == len(text.text)
        assert offsets == sorted(offsets)
        assert not offsets or (offsets[0] >= 0 and offsets[-1] < len(sheet.text))
    for table in sheet.tables():
        assert len({len(row.cells) for row in table.rows}) == 1
        assert 0 <= table.headers <= len(table.rows)
        assert all(0 <= row.start <= row.end <= len(sheet.text) for row in table.rows)


def damaged(page: str, seed: int) -> bytes:
    """The page with bytes changed, stretches left out, and stretches repeated elsewhere."""
    rng = random.Random(seed)
    data = bytearray(page.encode())
    for _ in range(rng.randint(1, 40)):
        where = rng.randrange(len(data))
        choice = rng.random()
        if choice < 0.4:
            data[where] = rng.randrange(256)
        elif choice < 0.7:
            del data[where : where + rng.randint(1, 30)]
        else:
            other = rng.randrange(len(data))
            data[where:where] = data[other : other + rng.randint(1, 60)]
    return bytes(data)
