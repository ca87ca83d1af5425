"""What WeasyPrint leaves out of PDF/A-3a with PDF/UA-1 and a certification signature."""

from __future__ import annotations

from typing import Any

FIELD = "AuditSignature"
"""Name of the signature field."""

_SCHEMA = """<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part>
</rdf:Description><rdf:Description rdf:about="" xmlns:lynxspec="urn:lynxspec:record:1#">
<lynxspec:recordDigest>{digest}</lynxspec:recordDigest></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag>
<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of the PDF/UA standard</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li>
<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>LynxSpec audit record</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:lynxspec:record:1#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>lynxspec</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>recordDigest</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>SHA-256 of the embedded record.json</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li>
</rdf:Bag></pdfaExtension:schemas></rdf:Description>"""


def _object(pdf: Any, reference: bytes) -> Any:  # noqa: ANN401 - pydyf carries no types
    return pdf.objects[int(reference.split()[0])]


def _metadata(pdf: Any, record_digest: str) -> None:  # noqa: ANN401
    """PDF/UA identification and the record's digest, inside the one RDF element; never compressed."""
    stream = _object(pdf, pdf.catalog["Metadata"])
    extra = _SCHEMA.format(digest=record_digest).encode()
    stream.stream = [stream.stream[0].replace(b"</rdf:RDF>", extra + b"</rdf:RDF>")]


def _attachments(pdf: Any) -> None:  # noqa: ANN401
    """List each associated file once, and name media types that do not depend on the system's tables."""
    import pydyf  # noqa: PLC0415 - only rendering needs it

    pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))
    for reference in pdf.catalog["AF"]:
        specification = _object(pdf, reference)
        kind = "yaml" if specification["UF"].string.endswith(".yaml") else "json"
        _object(pdf, specification["EF"]["F"]).extra["Subtype"] = f"/application#2f{kind}"


def _signature_field(pdf: Any, pages: int) -> None:  # noqa: ANN401
    """An empty signature field on page one, inside a Form element: one added later would break PDF/UA."""
    import pydyf  # noqa: PLC0415 - only rendering needs it

    page = pdf.objects[pdf.pages["Kids"][0]]
    lock = pydyf.Dictionary({"Type": "/SigFieldLock", "Action": "/All", "P": 1})
    pdf.add_object(lock)
    widget = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String(FIELD),
            "TU": pydyf.String("Certification signature of this audit record"),
            "F": 132,  # print, locked
            "Rect": pydyf.Array([0, 0, 0, 0]),  # no appearance: the words on the page say who signs
            "P": page.reference,
            "Lock": lock.reference,
        }
    )
    pdf.add_object(widget)
    root = _object(pdf, pdf.catalog["StructTreeRoot"])
    document = _object(pdf, root["K"][0])
    key = max((*_keys(_object(pdf, root["ParentTree"])), pages - 1)) + 1
    element = pydyf.Dictionary(
        {
            "Type": "/StructElem",
            "S": "/Form",
            "P": document.reference,
            "Pg": page.reference,
            "K": pydyf.Array([pydyf.Dictionary({"Type": "/OBJR", "Obj": widget.reference, "Pg": page.reference})]),
        }
    )
    pdf.add_object(element)
    document["K"].append(element.reference)
    _object(pdf, root["ParentTree"])["Nums"].extend([key, element.reference])
    root["ParentTreeNextKey"] = key + 1
    widget["StructParent"] = key
    page["Annots"] = pydyf.Array([*page.get("Annots", ()), widget.reference])
    pdf.catalog["AcroForm"] = pydyf.Dictionary({"Fields": pydyf.Array([widget.reference]), "SigFlags": 1})


def _keys(tree: Any) -> list[int]:  # noqa: ANN401
    return [int(key) for key in tree["Nums"][0::2]]


def finish(pdf: Any, *, pages: int, record_digest: str) -> None:  # noqa: ANN401
    """Complete the document just before it is written."""
    import pydyf  # noqa: PLC0415 - only rendering needs it

    pdf.catalog["Names"].pop("Dests", None)  # nothing links to the places whose page numbers are printed
    _metadata(pdf, record_digest)
    _attachments(pdf)
    _signature_field(pdf, pages)
    kept = _object(pdf, pdf.catalog["Metadata"])
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream) and item is not kept:
            item.compress = True
