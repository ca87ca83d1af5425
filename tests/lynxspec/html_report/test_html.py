"""What the HTML report says and links to, and that nothing in it acts or loads."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import tinyhtml5
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.draft import Strength
from lynxspec.errors import UnreadableInput
from lynxspec.lint.rule import Severity
from lynxspec.location import Location
from lynxspec.reporters import questions
from lynxspec.reporters._html import markup, page_images
from lynxspec.reporters._html.claims import amount, plain
from lynxspec.reporters.reporter import Failure, View
from lynxspec.scoring import score
from lynxspec.vocabulary import Component, Status

CSS = (Path(page_images.__file__).parent / "report.css").read_text()
NASTY = (
    "</title></style></textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u202etxt.exe\u200b\x1b[0m"
)


# the file


def test_the_page_is_well_formed_and_an_html_parser_reads_the_same_tree(look, pages):
    for page in pages.values():
        strict = [element.tag for element in look.tree(page).iter()]
        parsed = [str(element.tag).rpartition("}")[2] for element in tinyhtml5.parse(page).iter()]
        assert strict == parsed


def test_every_link_leads_to_an_id_of_the_page_and_ids_are_unique(look, pages):
    for page in pages.values():
        root = look.tree(page)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        links = [element.get("href") for element in root.iter("a")]
        assert links
        assert {link[1:] for link in links} <= set(ids)
        for attribute in ("aria-labelledby", "for"):
            assert {e.get(attribute) for e in root.iter() if e.get(attribute)} <= set(ids)


def test_nothing_is_loaded_and_nothing_runs(look, pages):
    for page in pages.values():
        root = look.tree(page)
        for element in root.iter():
            assert element.tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                if name in {"src", "href", "srcset", "action", "data", "poster", "background"}:
                    assert value.startswith(("#", "data:image/"))
                assert "url(" not in value
        (policy,) = [m.get("content") for m in root.iter("meta") if m.get("http-equiv")]
        assert policy.startswith("default-src 'none';")
        assert "script-src" not in policy
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_the_same_run_gives_the_same_bytes(make, draft):
    assert make.page(make.run(draft)) == make.page(make.run(draft))


def test_hostile_words_are_inert_and_visible(look, make):
    sheet = make.sheet(make.text + "\n" + NASTY + "\n", source=f"a{NASTY}.md", notes=(NASTY,))
    evidence = make.quote(sheet, NASTY)
    draft = make.draft(sheet)
    nasty = replace(draft.regimes[1].values[0], evidence=evidence, model=NASTY, batch=NASTY, unit=NASTY)
    regimes = (*draft.regimes[:2], replace(draft.regimes[2], name=NASTY, claim=NASTY, values=(nasty,)))
    conflict = replace(draft.conflicts[0], message=NASTY, places=(evidence, evidence))
    draft = replace(draft, regimes=regimes, conflicts=(conflict,))
    place = Location(source=sheet.source, span=evidence.span)
    found = make.finding(message=NASTY, remedy=NASTY, regime=NASTY, locations=(place,))
    page = make.page(make.run(draft, more=(found, make.finding(ignored=NASTY))))
    root = look.tree(page)
    assert {e.tag for e in root.iter()}.isdisjoint({"script", "img"})
    assert not re.search("[\u202a-\u202e\u200b\x1b]", page)
    assert "\\u202etxt.exe\\u200b\\x1b[0m" in page
    assert page.count("<script>") == 0
    assert [str(e.tag).rpartition("}")[2] for e in tinyhtml5.parse(page).iter()] == [e.tag for e in root.iter()]


def test_an_attribute_holds_words_and_nothing_else(look):
    written = markup.element("p", {"title": NASTY, "lang": None}, "text").text
    assert look.tree(written).attrib == {
        "title": NASTY.replace("\u202e", "\\u202e").replace("\u200b", "\\u200b").replace("\x1b", "\\x1b")
    }


@given(st.text(max_size=60))
def test_any_words_make_a_well_formed_page(look, make, noise):
    sheet = make.sheet(make.text + "\n" + noise, source=f"{noise}.md")
    look.tree(make.page(make.run(make.draft(sheet))))


# the first screen


def test_the_disclosures_stand_the_worst_first_with_word_and_symbol(look, pages):
    rows = list(look.by_class(look.tree(pages["sheet"]), "disclosures")[0].find("tbody"))
    assert len(rows) == len(Component) == 23
    statuses = [look.words(look.by_class(row, "status")[0]) for row in rows]
    order = ["≠ contradicted", "✗ missing", "◐ partial", "✓ disclosed", "– no flag"]
    assert statuses == sorted(statuses, key=order.index)
    assert statuses[0] == "≠ contradicted"
    assert look.words(rows[0].find("th")) == "precision format"


def test_required_gaps_stand_before_optional_ones_of_the_same_status(look, pages):
    rows = list(look.by_class(look.tree(pages["sheet"]), "disclosures")[0].find("tbody"))
    missing = [bool(look.by_class(row, "optional")) for row in rows if "missing" in look.words(row)]
    assert missing == sorted(missing)
    assert True in missing
    assert False in missing


def test_one_sentence_names_the_worst_gap(look, pages):
    (sentence,) = look.by_class(look.tree(pages["sheet"]), "worst")
    assert look.words(sentence).startswith(
        "Worst gap: precision format is contradicted, so neither reading can be relied on"
    )


def test_a_claim_without_gaps_says_so_and_asks_nothing(look, make):
    claim = make.claim("../tests/data/complete.claim.yaml")
    run = make.run(claim)
    silent = replace(run.documents[0], findings=(), scorecard=score(claim, ()))
    root = look.tree(make.page(replace(run, documents=(silent,))))
    assert look.words(look.by_class(root, "worst")[0]) == "All 16 required components are disclosed in full."
    assert look.words(look.by_class(root, "questions")[0]).endswith("Nothing is left to ask.")
    assert look.words(look.by_class(root, "grade")[0]) == "Grade A of A to F"


def test_the_score_stands_with_its_denominator_and_the_gates_with_a_word(look, make, draft):
    run = make.run(draft)
    root = look.tree(make.page(run))
    assert look.words(look.by_class(root, "score")[0]) == f"{run.documents[0].scorecard.score:g} of 100 points"
    assert [look.words(gate) for gate in look.by_class(root, "gates")[0]] == [
        "Complete: ✗ no",
        "Deployment grade: ✗ no",
    ]


def test_a_denominator_other_than_100_is_told(look, make, draft):
    run = make.run(draft)
    card = replace(run.documents[0].scorecard, score=54.25, points=51.5, denominator=95.0)
    root = look.tree(make.page(replace(run, documents=(replace(run.documents[0], scorecard=card),))))
    assert look.words(look.by_class(root, "score")[0]) == "54.2 of 100 (51.5 of 95 points)"


def test_a_sheet_tells_in_how_many_regimes_a_component_is_told(look, pages):
    root = look.tree(pages["sheet"])
    told = {
        name: look.words(look.by_class(look.by_id(root, f"d1-c-{name}"), "regimes")[0])
        for name in ("calibration-data", "hardware", "baseline")
    }
    assert told == {"calibration-data": "1 of 2", "hardware": "2 of 2", "baseline": "2 of 2"}
    assert not look.by_class(look.tree(pages["claim"]), "regimes")


def test_what_the_document_is_worth_for_the_buyer_stands_on_the_first_screen(look, make, draft):
    run = make.run(draft)
    worth = replace(run.documents[0], worth="another GPU than yours, so the rate tells you little")
    root = look.tree(make.page(replace(run, documents=(worth,))))
    assert look.words(look.by_class(look.by_class(root, "top")[0], "worth")[0]).startswith(
        "For you: another GPU than yours"
    )


def test_evidence_links_to_the_marked_words_and_back(look, pages):
    root = look.tree(pages["sheet"])
    row = look.by_id(root, "d1-c-hardware")
    target = row.find(".//a[@class='place']").get("href")[1:]
    mark = look.by_id(root, target)
    assert mark.tag == "mark"
    assert "up to 2.1x faster than BF16 on one Acme A100X" in look.words(mark)
    assert "#d1-c-hardware" in [link.get("href") for link in mark.iter("a")]


def test_a_contradicted_component_links_to_both_sides_first(make, draft, look):
    sides = tuple(make.quote(draft.sheets[0], words) for words in ("in FP8 generates", "Quality is"))
    conflict = replace(draft.conflicts[0], places=sides)
    row = look.by_id(look.tree(make.page(make.run(replace(draft, conflicts=(conflict,))))), "d1-c-precision-format")
    links = [look.words(link) for link in look.by_class(row, "evidence")[0].iter("a")]
    assert links[:2] == ["line 3", "line 12"]


def test_what_could_not_be_read_stands_on_the_first_screen(look, make):
    sheet = make.sheet(make.text, notes=("page 3 is only an image",))
    root = look.tree(make.page(make.run(make.draft(sheet))))
    top = look.by_class(root, "top")[0]
    assert "page 3 is only an image" in look.words(top)


# questions


def test_every_question_is_numbered_and_gives_its_reason_and_place(look, make):
    claim = make.claim("claims/incomplete/3-numbers-disagree.claim.yaml")
    run = make.run(claim)
    section = look.by_class(look.tree(make.page(run)), "questions")[0]
    listed = list(section.find("ol"))
    assert len(listed) > 1
    for item in listed:
        assert look.words(look.by_class(item, "reasons")[0])
    assert "3-numbers-disagree.claim.yaml:" in look.words(listed[0])


def test_the_questions_can_be_copied_as_the_letter_of_the_other_reporter(look, make, draft):
    run = make.run(draft)
    (area,) = look.tree(make.page(run)).iter("textarea")
    assert area.get("readonly")
    assert area.text.removeprefix("\n") == questions.render(run, View())


# claims


def test_what_all_regimes_leave_open_is_said_once(look, pages):
    claims = look.by_class(look.tree(pages["sheet"]), "claims")[0]
    regimes = [[look.words(cell) for cell in row] for row in next(claims.iter("tbody"))]
    assert regimes[0] == ["BF16", "reference", "–", "what the others are held against"]
    assert regimes[2][3] == "✗ 3 missing: throughput gain, calibration data, calibration method"
    shared = look.words(look.by_class(claims, "shared")[0])
    assert shared.startswith("Open in every quantized regime: ✗ 12 missing: tensors quantized, tool chain")
    assert "calibration" not in shared


def test_a_regime_under_its_claim_is_named_without_it(make, draft, look):
    first = draft.regimes[0]
    longer = replace(first, name=f"BF16, {first.claim}")
    root = look.tree(make.page(make.run(replace(draft, regimes=(longer, *draft.regimes[1:])))))
    claims = look.by_class(root, "claims")[0]
    assert look.words(next(claims.iter("tbody"))[0][0]) == "BF16"


def test_contradictions_show_both_places_side_by_side(look, pages):
    (conflict,) = look.by_class(look.tree(pages["sheet"]), "conflict")[:1]
    assert [look.words(quote) for quote in conflict.iter("blockquote")] == [
        "Nordlicht-8B-FP8",
        "Weights are quantized to INT8",
    ]
    assert [look.words(place) for place in conflict.iter("figcaption")] == ["line 1", "line 16"]


def test_numbers_stand_with_unit_firmness_and_all_that_they_belong_to(look, pages):
    (table,) = look.by_class(look.tree(pages["sheet"]), "values")
    head, *rows = [[look.words(cell) for cell in row] for row in table.iter("tr")]
    assert head == ["value", "number", "of", "measure", "against", "hardware", "evidence"]
    gain, accuracy, praise, rate = rows
    bound = "up to 2.1× a bound, not a result"
    assert gain == ["throughput gain", bound, "FP8", "–", "BF16", "Acme A100X", "line 3"]
    assert accuracy == ["accuracy result", "68.1", "FP8", "accuracy · MMLU", "–", "–", "line 9"]
    assert praise[1] == "“near-lossless” an adjective, no number"
    assert rate[1] == "7,900 tokens/s"


@pytest.mark.parametrize(
    ("low", "high", "unit", "strength", "quote", "shown"),
    [
        (1.5, 3.0, "x", Strength.EXACT, "1.5 to 3X", "1.5 to 3×"),
        (2.0, 2.0, "x", Strength.BOUND, "Up to 2x", "up to 2×"),
        (2.0, 2.0, "x", Strength.BOUND, "up to 2x at less than 1 % loss", "2×"),
        (99.3, 99.3, "% recovery", Strength.EXACT, "99.3 %", "99.3 % recovery"),
        (1.5, 1.5, "%", Strength.EXACT, "1.5%", "1.5 %"),
        (None, None, "", Strength.PROMISED, "N/A", "–"),
    ],
)
def test_a_number_is_shown_as_firmly_as_it_was_given(draft, low, high, unit, strength, quote, shown):
    value = draft.regimes[1].values[0]
    evidence = replace(value.evidence, text=quote)
    assert amount(replace(value, low=low, high=high, unit=unit, strength=strength, evidence=evidence)) == shown


def test_numbers_keep_their_digits_and_gain_none():
    assert [plain(value) for value in (23545.5, 30000.0, 0.26, 1234567.0)] == [
        "23,545.5",
        "30,000",
        "0.26",
        "1,234,567",
    ]


def test_a_claim_file_shows_its_regimes_side_by_side(look, pages):
    tables = list(look.by_class(look.tree(pages["claim"]), "claims")[0].iter("table"))
    assert [look.words(cell) for cell in tables[1].iter("th")][:4] == ["as claimed", "fp32", "int8", "precision format"]


# findings, several documents


def test_findings_fold_by_severity_and_ignored_ones_keep_their_reason(look, make, draft):
    more = (make.finding(), make.finding(severity=Severity.INFO), make.finding(ignored="agreed by contract"))
    section = look.by_class(look.tree(make.page(make.run(draft, more=more))), "findings")[0]
    folded = [look.words(summary) for summary in section.iter("summary")]
    assert [label.split()[0] for label in folded if "ignored" not in label] in (["✗", "▲", "i"], ["✗", "i"])
    assert folded[-1].startswith("1 ignored")
    assert "agreed by contract" in look.words(section)


def test_several_documents_are_ranked_the_best_first_and_what_failed_is_named(look, make, draft):
    better = make.claim("mobilenetv2-mnist/int8.claim.yaml")
    failed = Failure(source="x.md", error=UnreadableInput("x.md: gone"))
    root = look.tree(make.page(make.run(draft, better, failures=(failed,))))
    ranking = look.by_class(root, "ranking")[0]
    rows = list(ranking.find("tbody"))
    assert [look.words(row[0]) for row in rows] == ["1", "2"]
    assert "mobilenetv2-mnist/int8.claim.yaml" in look.words(rows[0])
    assert "precision format contradicted" in look.words(rows[1])
    assert "x.md: gone" in look.words(look.by_class(root, "failures")[0])
    assert [look.words(h)[:8] for h in root.iter("h1")] == ["2 docume"]


def test_headings_never_skip_a_level(look, pages):
    for page in pages.values():
        levels = [int(e.tag[1]) for e in look.tree(page).iter() if re.fullmatch("h[1-6]", str(e.tag))]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert levels.count(1) == 1


def test_every_header_cell_says_what_it_heads(look, pages):
    for page in pages.values():
        assert all(cell.get("scope") for cell in look.tree(page).iter("th"))


# colours: WCAG 2.2, success criterion 1.4.3


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_of_contrast_gives_the_standards_extremes():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_can_be_read(scheme):
    blocks = re.findall(r":root \{(.*?)\}", CSS, flags=re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[scheme]))
    pairs = [(name, name.replace("-ink", "-bg")) for name in colours if name.endswith("-ink")]
    inks = [
        "ink",
        "soft",
        "link",
        *(name for name, _ in pairs if name.removesuffix("-ink") in set(Status) | {"not-applicable"}),
    ]
    pairs += [(ink, ground) for ink in inks for ground in ("paper", "ground")]
    pairs += [("link", back) for back in ("mark-bg",) if scheme == 0]
    assert len(pairs) > 20
    assert {pair: ratio for pair in pairs if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5} == {}
