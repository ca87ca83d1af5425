"""PDFs for tests, made with WeasyPrint."""

from __future__ import annotations

import base64
import io
import random
from functools import lru_cache

import pypdfium2
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from weasyprint import HTML

PAGE = "@page { size: 600pt 800pt; margin: 50pt } body { font: 10pt/1.3 sans-serif; margin: 0 }"

TABLES = """
table { border-collapse: collapse; margin: 10pt 0 }
td, th { padding: 2pt 7pt; text-align: left }
.ruled td, .ruled th { border: 0.5pt solid black }
.level { border-top: 1pt solid black; border-bottom: 1pt solid black }
.level thead tr:last-child th { border-bottom: 0.5pt solid black }
.columns { border: 1pt solid black }
.columns td, .columns th { border-left: 0.5pt solid black; border-right: 0.5pt solid black }
.columns thead th { border-bottom: 0.5pt solid black }
.lines td, .lines th { border-bottom: 0.5pt solid gray }
"""

PROSE = (
    "The network was calibrated with images that were drawn from the training split, and the ranges of all"
    " activations were then fixed before the weights were converted. Each configuration was measured after a"
    " warm-up of one minute, and the median of five runs is given. The first convolution and the classifier"
    " stay in sixteen bits, which costs little time and keeps most of the accuracy."
)

GRID = (
    ("Model", "FP16 top-1 (%)", "INT8 top-1 (%)", "images/s"),
    ("ResNet-50 v1.5", "76.1", "75.9", "1,024"),
    ("MobileNetV2", "71.9", "70.8", "3,400"),
    ("ViT-B/16", "81.1", "80.7", "388"),
)


@lru_cache(maxsize=64)
def rendered(body: str, css: str = "", *, legible: bool = False) -> bytes:
    """A PDF of this HTML; a ``legible`` one is not compressed, so that damage reaches what it draws."""
    return HTML(string=f"<html lang=en><style>{PAGE}{TABLES}{css}</style><body>{body}").write_pdf(
        uncompressed_pdf=legible
    )


def html_table(rows, kind: str) -> str:
    """A table of HTML with its first row as header."""
    head, *body = ["<tr>" + "".join(f"<t{'h' if not i else 'd'}>{c}" for c in row) for i, row in enumerate(rows)]
    return f"<table class={kind}><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


MERGED = (
    "<table class={kind}><thead><tr><th rowspan=2>Model<th colspan=2 style='text-align: center'>FP16"
    "<th colspan=2 style='text-align: center'>INT8<tr><th>Accuracy<th>images/s<th>Accuracy<th>images/s</thead><tbody>"
    "<tr><td>ResNet-50<td>76.1<td>480<td>75.9<td>1,024<tr><td>BERT-large<td>90.9<td>170<td>90.2<td>410"
    "<tr><td>ViT-B/16<td>81.1<td>200<td>80.7<td>388</tbody></table>"
)


def picture() -> str:
    """An image as HTML: gray, as a scanned page is."""
    file = io.BytesIO()
    Image.new("RGB", (60, 80), "gray").save(file, "PNG")
    return f"<img src='data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}' style='width: 400pt'>"


def encrypted(data: bytes) -> bytes:
    """The same PDF, which asks for a password."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(data)))
    writer.encrypt(owner_pass="owner", user_pass="user")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def turned(data: bytes, degrees: int) -> bytes:
    """The same PDF with each page shown turned clockwise."""
    with pypdfium2.PdfDocument(data) as document:
        for page in document:
            page.set_rotation(degrees)
        file = io.BytesIO()
        document.save(file)
    return file.getvalue()


def repeated(data: bytes, times: int) -> bytes:
    """The first page of a PDF, this many times."""
    with pypdfium2.PdfDocument(data) as document, pypdfium2.PdfDocument.new() as copies:
        copies.import_pages(document, [0] * times)
        file = io.BytesIO()
        copies.save(file)
    return file.getvalue()


def mutants(data: bytes, count: int, seed: int):
    """Damaged copies: cut, with bytes changed, stretches taken out, doubled, or numbers blown up."""
    chance = random.Random(seed)
    for number in range(count):
        bad = bytearray(data)
        kind = number % 5
        if kind == 0:
            del bad[chance.randrange(len(bad)) :]
        elif kind == 1:
            for _ in range(chance.choice((1, 10, 200))):
                bad[chance.randrange(len(bad))] = chance.randrange(256)
        elif kind == 2:
            start = chance.randrange(len(bad))
            del bad[start : start + chance.randrange(2000)]
        elif kind == 3:
            start = chance.randrange(len(bad))
            bad[start:start] = bad[max(0, start - chance.randrange(3000)) : start]
        else:
            places = [i for i, byte in enumerate(bad) if 48 <= byte <= 57]
            for _ in range(chance.choice((1, 5, 50))):
                bad[chance.choice(places)] = chance.choice(b"0123456789")
        yield bytes(bad)
