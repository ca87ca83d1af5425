"""The words of the audit record, in one place so that other languages can follow."""

from __future__ import annotations

from verifier.verdict import ClauseKind, Verdict

NOT_STATED = "not stated"
"""Printed for whatever the caller did not give; nothing is invented."""

LIMITS = (
    (
        "The statements of this record relate only to the items tested: the files named by digest, on the machine "
        "described."
    ),
    (
        "Where a clause was not testable or not decided, what was observed is a property of this machine and proves"
        " nothing about the claim."
    ),
    "Text quoted from the claim is the claimant's statement; this record neither adopts nor warrants it.",
    "A model that was quantized, run or evaluated in another way than described here is not covered.",
    "This record shall not be reproduced except in full.",
)
"""Limits of the statement."""

ATTACHED = {
    "claim.json": ("The claim as given", "Source"),
    "claim.yaml": ("The claim as given", "Source"),
    "record.intoto.sigstore.json": ("What the record attests, as a signed in-toto statement", "Supplement"),
    "record.json": ("Everything behind the pages, RFC 8785", "Data"),
    "record.test-result.sigstore.json": ("The same as an in-toto test result, signed", "Supplement"),
}
"""Files inside the PDF: what each is in words, and its relationship to the document (ISO 19005-3)."""

PARTICULARS = (
    (
        "The report",
        (
            ("id", "Record"),
            ("issued", "Issued"),
            ("supersedes", "Supersedes"),
            ("changes", "Changes against it"),
            ("person", "Authorised by"),
            ("function", "Function"),
            ("signer", "Signature of"),
        ),
    ),
    (
        "Laboratory and customer",
        (
            ("organisation", "Issued by"),
            ("address", "Address"),
            ("contact", "Contact"),
            ("accreditation", "Accreditation"),
            ("independence", "Independence"),
            ("place", "Place of the work"),
            ("customer", "Customer"),
            ("customer_contact", "Customer’s contact"),
        ),
    ),
    (
        "Items, dates, method",
        (
            ("claim", "Specification: the claim"),
            ("claimant", "Claimant"),
            ("items", "Items tested, sha256"),
            ("condition", "Condition of the items"),
            ("availability", "Availability"),
            ("received", "Received"),
            ("performed", "Performed"),
            ("method", "Method"),
            ("sampling", "Sampling"),
            ("environment", "Environment"),
            ("deviations", "Further deviations"),
            ("external", "Results of others"),
            ("opinions", "Opinions"),
        ),
    ),
)
"""Particulars of a test report by group: the name of a value, and its label."""

REFERENCE = {
    ClauseKind.MATERIALS: "model.artifacts, data: sha256",
    ClauseKind.TOOL_CHAIN: "regimes[{regime}].toolchain",
    ClauseKind.HARDWARE: "hardware",
    ClauseKind.ARTIFACT: "regimes[{regime}].artifact",
    ClauseKind.PRECISION_ARTIFACT: "regimes[{regime}].precision",
    ClauseKind.PRECISION_BUILT: "regimes[{regime}].precision",
    ClauseKind.PRECISION_EXECUTED: "regimes[{regime}].precision",
    ClauseKind.RECIPE_EFFECT: "regimes[{regime}].quantization",
    ClauseKind.WEIGHT_ERROR: "regimes[{regime}].quantization",
    ClauseKind.DETERMINISM: "reproduction",
    ClauseKind.ACCURACY: "regimes[{regime}].accuracy",
    ClauseKind.REFERENCE_ACCURACY: "regimes[{regime}].accuracy",
    ClauseKind.CRITERION: "evaluation.criterion",
    ClauseKind.MEMORY: "regimes[{regime}].peak_memory, artifact",
    ClauseKind.THROUGHPUT: "regimes[{regime}].performance.sustained",
    ClauseKind.SPEEDUP: "comparisons",
    ClauseKind.LATENCY: "regimes[{regime}].performance.latency",
    ClauseKind.TIMED_OUTPUTS: "load, evaluation",
}
"""Where the claim says what a clause holds it to."""

SENSOR_WORD = {
    "processor_time": "processor time",
    "waiting": "waiting for a processor",
    "pressure": "pressure (PSI)",
    "quota": "quota of the control group",
    "cpu_clock": "clock of the processors",
    "cpu_throttle": "throttling of the processors",
    "rapl": "energy (RAPL)",
    "temperature": "temperature",
    "nvml": "NVIDIA card (NVML)",
}
"""Sources of readings, for people."""

UNCERTAINTY = (
    "Each interval states its unit, its coverage probability and how it was computed; no coverage factor k is implied. "
    "Clauses without an interval compare things that have no measurement uncertainty (bytes, formats, versions), or "
    "were not measured. The decision rules below take intervals into account as each of them says, and state their "
    "rates of false verdicts where there are any."
)
"""Measurement uncertainty and the decision rule (ISO/IEC 17025:2017, 7.8.3.1 c and 7.8.6)."""

VERDICT_WORD = {
    Verdict.REPRODUCED: "Reproduced",
    Verdict.REFUTED: "Refuted",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.NOT_TESTABLE: "Not testable here",
}
"""A verdict for people."""

VERDICT_SYMBOL = {
    Verdict.REPRODUCED: "\N{HEAVY CHECK MARK}",
    Verdict.REFUTED: "\N{HEAVY BALLOT X}",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_TESTABLE: "\N{EM DASH}",
}
"""A mark beside the word, so that nothing hangs on colour."""

OVERALL_WORD = {
    Verdict.REPRODUCED: "The claim was reproduced",
    Verdict.REFUTED: "The claim was refuted",
    Verdict.INCONCLUSIVE: "The claim is undecided",
    Verdict.NOT_TESTABLE: "The claim could not be tested in full here",
}
"""The verdict on the whole claim."""

CELL = 72
"""Characters that a cell of the table of clauses takes; longer values stand under the row."""

STATUS_WORD = {
    "disclosed": "disclosed",
    "partial": "in part",
    "contradicted": "contradicted",
    "missing": "missing",
    "not_applicable": "not applicable",
}
"""Disclosure status for people."""

STATUS_SYMBOL = {
    "disclosed": "\N{CHECK MARK}",
    "partial": "\N{WHITE CIRCLE}",
    "contradicted": "\N{BALLOT X}",
    "missing": "\N{BALLOT X}",
    "not_applicable": "\N{EN DASH}",
}
"""A mark beside the status."""

LEDGER_WORD = {
    "supplied_artifact": "In the supplied file",
    "recipe_artifact": "In the file the recipe gives",
    "executed": "As executed",
}
"""Where a precision was seen."""

OPENSSL_COMMANDS = r"""range=$(grep -a -o '/ByteRange \[[0-9 ]*' record.pdf | tail -n 1); set -- ${range#*[}
(head -c "$2" record.pdf; tail -c "+$(($3 + 1))" record.pdf) > signed-bytes
pdfsig -dump record.pdf
openssl cms -verify -cades -binary -inform DER -in record.pdf.sig0 -content signed-bytes \
  -CAfile signer.pem -purpose any -out /dev/null"""
"""Checks the signature without us: bytes that are signed, the signature itself, OpenSSL's word."""

FILES_COMMANDS = """pdfdetach -saveall record.pdf
sha256sum record.json claim.*"""
"""Takes the embedded files out and names their digests."""

ATTESTATION_COMMANDS = r"""bundle=record.intoto.sigstore.json
field() { grep -o "\"$1\":\"[^\"]*" $bundle | cut -d '"' -f 4 | base64 -d; }
field payload > statement; field sig > sig
{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c < statement)"; cat statement; } > signed-statement
openssl x509 -in signer.pem -noout -pubkey > signer.pub
openssl dgst -sha256 -verify signer.pub -signature sig signed-statement"""
"""Checks the embedded attestation without us."""

ACROBAT = (
    (
        "Open the file and look at the signature panel. It must say that the document was certified and has not been "
        "modified since. Anything else means that the file was altered: ask the issuer for another copy."
    ),
    (
        "If it says that the signer's identity or the validity of the certification is unknown, nothing is wrong with "
        "the file: the program has not been told to trust this signer. It says so of every certificate that does not "
        "come from an authority on the program's own list."
    ),
    (
        "To settle who signed, get the signer's certificate from the signer by another way than this file, and import "
        "it: Preferences, Signatures, Identities & Trusted Certificates, Trusted Certificates, Import; then mark it as "
        "a trusted root for certified documents. Open the file again. (The words differ between versions.)"
    ),
)
"""For readers with Adobe Acrobat or Reader."""

METHOD = (
    ("Files were taken by address, checked against the digests of the claim before any use, and cached by digest."),
    (
        "The declared recipe was run again with the declared tool, and its file compared with the supplied one: "
        "same bytes, same scales, or same behaviour."
    ),
    (
        "Precision was read three times: from the claim, from the model file, and from the graph that the runtime "
        "executed."
    ),
    (
        "Accuracy was measured on every item of the declared evaluation set, reference and quantized on the same "
        "items, and compared item by item."
    ),
    (
        "Speed was measured under the declared load in fresh processes, reference and quantized in alternating "
        "blocks; intervals come from the means of blocks."
    ),
    (
        "The host was watched each second: share of time used by others, taken by the hypervisor, and a fixed "
        "arithmetic probe between blocks."
    ),
    (
        "Verdicts were given by a program that reads only the evidence; the evidence is embedded, so that anybody "
        "can judge it again."
    ),
)
"""How it was done, step by step."""


def sentence(overall: Verdict, counts: dict[Verdict, int], missed: tuple[str, ...]) -> str:
    """One plain sentence that says what came out; ``missed`` names the clauses that decided against."""
    total = sum(counts.values())
    tally = f"{counts[Verdict.REPRODUCED]} of {total} clauses were reproduced"
    names = ", ".join(missed[:4]) + (f" and {len(missed) - 4} more" if len(missed) > 4 else "")
    if overall is Verdict.REPRODUCED:
        return f"All {total} clauses of the claim were found again on this machine, within the tolerances it states."
    if overall is Verdict.REFUTED:
        return f"At least one statement does not hold: {names}. {tally}."
    if overall is Verdict.INCONCLUSIVE:
        return f"{tally} and none was refuted, but this run could not decide: {names}."
    return f"{tally} and none was refuted or left open; what could not be tested on this machine: {names}."


KIND_ORDER = {kind: index for index, kind in enumerate(ClauseKind)}
"""Order of clauses within one verdict."""

ELSEWHERE = (
    "Observed on this machine, since the reader deploys on these runtimes, too: the claim's model, data and scheme, "
    "each runtime with its own defaults beside the number of threads. Nothing here is held against the claim's "
    "numbers. The criterion is the claim's own, between the two regimes on that runtime; the rate is that of the last "
    "plateau with its 95 % bounds."
)
"""Above the table of other runtimes."""
