"""An interpreter for every quantizer and runtime of a claim, and the reports of what each holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lynxspec.claim import Claim, Recipe, RegimeRecipe, present
from lynxspec.claim.toolchain import Quantizer, Runtime
from lynxspec.errors import UsageError
from verifier.environments import cache, npm
from verifier.environments.interpreter import Interpreter, asked, given, name_of, own
from verifier.environments.lock import Lock, listed
from verifier.errors import MaterialUnavailable, ToolFailed, VerifierError
from verifier.evidence.environment import EnvironmentReport, Role
from verifier.process import Worker
from verifier.progress import Progress, Silent, shown
from verifier.quantizers import file_of as quantizer_file
from verifier.quantizers import find_quantizer
from verifier.quantizers.quantizer import Quantizer as QuantizerPlugin
from verifier.runtimes import file_of as runtime_file
from verifier.runtimes import find_runtime
from verifier.runtimes.runtime import Runtime as RuntimePlugin

Plugin = QuantizerPlugin | RuntimePlugin
Origin = Literal["host", "given", "built"]

ACCELERATOR_PACKAGES = ("nvidia-", "cuda-", "triton")
"""Beginnings of packages that a build for accelerators brings, gigabytes of them; a claim on a processor wants none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the reader said of environments."""

    given: Mapping[str, Path] = field(default_factory=dict)
    """``--env NAME=PATH``: the interpreter for a regime, a tool, or a tool in one version (``NAME==VERSION``)."""
    offline: bool = False
    """Nothing is fetched: what is neither here nor in the cache is not to be had."""
    isolate: bool = False
    """Build environments even where the verifier's own interpreter has the version: every file then has its digest."""
    substitute: bool = False
    """Take the installed version where the declared one is not to be had; what it measures is only observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """Interpreters by regime and role, and what stands in the evidence of each."""

    interpreters: Mapping[tuple[str, Role], str] = field(default_factory=dict)
    variables: Mapping[tuple[str, Role], Mapping[str, str]] = field(default_factory=dict)
    """Environment variables by which a worker finds what is no package of Python's."""
    reports: tuple[EnvironmentReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An interpreter that was found or made."""

    interpreter: Interpreter
    origin: Origin
    lock: Lock
    message: str = ""
    version: str = ""
    """Of an engine that is no package of Python's."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Want:
    """One tool of one regime."""

    regime: str
    role: Role
    tool: Quantizer | Runtime
    plugin: Plugin
    on_processor: bool
    """Whether the claim's hardware is a processor."""
    pins: Mapping[str, str]
    """Versions that the claim declares of other tools; a companion that is one of these is wanted in that version."""

    @property
    def companions(self) -> tuple[str, ...]:
        return tuple(f"{name}=={self.pins[name]}" if name in self.pins else name for name in self.plugin.companions)

    @property
    def distribution(self) -> str:
        """What has the tool; a provider may be in another build of it."""
        if isinstance(self.tool, Runtime) and isinstance(self.plugin, RuntimePlugin):
            return self.plugin.distribution_of(self.tool.provider)
        return self.plugin.distribution

    @property
    def requirements(self) -> tuple[str, ...]:
        return (f"{self.distribution or self.npm}=={self.tool.version}", *self.companions)

    @property
    def npm(self) -> str:
        """Package of npm that the engine is; empty for all others."""
        return self.plugin.npm if isinstance(self.plugin, RuntimePlugin) else ""


def prepare(document: Claim | Recipe, wishes: Wishes, progress: Progress | None = None) -> Environments:
    """Find or build every environment; one that is not to be had is a report, and the others go on."""
    wants = [want for regime in document.regimes for want in _wants(document, regime)]
    interpreters: dict[tuple[str, Role], str] = {}
    variables: dict[tuple[str, Role], Mapping[str, str]] = {}
    reports: list[EnvironmentReport] = []
    made: dict[tuple[str, ...], _Place | str] = {}
    for want in wants:
        key = (*want.requirements, str(_given(wishes, want)))
        if key not in made:
            try:
                made[key] = _place(want, wishes, progress or Silent())
            except (MaterialUnavailable, ToolFailed) as error:
                made[key] = error.message + (f" ({error.hint})" if error.hint else "")
        place = made[key]
        if isinstance(place, str):
            reports.append(_unavailable(want, place))
            continue
        interpreters[want.regime, want.role] = place.interpreter.path
        variables[want.regime, want.role] = place.variables
        reports.append(_probed(want, place))
    return Environments(interpreters=interpreters, variables=variables, reports=tuple(reports))


def foreseen(document: Claim | Recipe, wishes: Wishes) -> tuple[tuple[EnvironmentReport, str], ...]:
    """Before anything is fetched: what each report will say if all goes well, and in words where the tool will run."""
    found = []
    for regime in document.regimes:
        for want in _wants(document, regime):
            where, version = _where(want, wishes)
            if version is None:
                found.append((_unavailable(want, where), where))
                continue
            expected = _unavailable(want, "").model_copy(
                update={"status": "ok", "version": version, "origin": "built" if want.distribution else "host"}
            )
            found.append((expected, where))
    return tuple(found)


def places(expected: tuple[tuple[EnvironmentReport, str], ...]) -> tuple[tuple[str, str], ...]:
    """One line a tool: its name with the regimes that use it, and where it will run."""
    merged: dict[tuple[str, str], list[str]] = {}
    for report, where in expected:
        merged.setdefault((f"{report.role} {report.tool} {report.declared}", where), []).append(report.regime)
    return tuple((f"{name} ({', '.join(regimes)})", where) for (name, where), regimes in merged.items())


def _where(  # noqa: PLR0911 - one return per place
    want: _Want, wishes: Wishes
) -> tuple[str, str | None]:
    """Where it will run, and in which version; ``None`` if it is known to be nowhere to be had."""
    declared, path = want.tool.version, _given(wishes, want)
    if want.npm:
        return _where_npm(want, wishes)
    if path is not None:
        try:
            return f"given: {path}", asked(given(path)).version(want.distribution)
        except (ToolFailed, UsageError) as error:
            return error.message, None
    if not want.distribution:
        return "no package of Python's: it is looked for when it runs", declared
    here = own()
    if _fits(here, want) and not wishes.isolate:
        return "the verifier's own interpreter has this version", declared
    lock = cache.known(want.requirements)
    if lock is not None and cache.find(lock) is not None:
        return f"an environment in the cache, {len(lock.lines)} packages", declared
    if not wishes.offline:
        return f"will be installed into an environment of its own: {', '.join(want.requirements)}", declared
    if wishes.substitute and here.version(want.distribution):
        return "the installed version, in place of the declared one", here.version(want.distribution)
    return "not to be had: nothing may be fetched, and it is neither installed nor in the cache", None


def _where_npm(want: _Want, wishes: Wishes) -> tuple[str, str | None]:
    declared, path = want.tool.version, _given(wishes, want)
    if path is not None:
        try:
            return f"given: {path}", npm.given(path, want.npm).version
        except MaterialUnavailable as error:
            return error.message, None
    if npm.find(want.npm, declared) is not None:
        return "a package of npm in the cache, in a browser of this machine", declared
    if wishes.offline:
        return "not to be had: nothing may be fetched, and the package is not in the cache", None
    return f"npm will fetch {want.npm} {declared}; it runs in a browser of this machine", declared


def _wants(document: Claim | Recipe, regime: RegimeRecipe) -> list[_Want]:
    """Tools that there is a plug-in for; the others' clauses say so themselves."""
    found: list[_Want] = []
    on_processor = not isinstance(document, Claim) or document.hardware.kind == "cpu"
    quantizer, runtime = present(regime.toolchain.quantizer), present(regime.toolchain.runtime)
    pairs: tuple[tuple[Role, Quantizer | Runtime | None, Plugin | None], ...] = (
        ("quantizer", quantizer, find_quantizer(quantizer.name) if quantizer else None),
        ("runtime", runtime, find_runtime(runtime.name) if runtime else None),
    )
    pins = _pins(document, regime)
    for role, tool, plugin in pairs:
        if tool is not None and plugin is not None:
            want = _Want(regime=regime.name, role=role, tool=tool, plugin=plugin, on_processor=on_processor, pins=pins)
            found.append(want)
    return found


def _pins(document: Claim | Recipe, regime: RegimeRecipe) -> dict[str, str]:
    """Version of each distribution that the claim names: those of other regimes, then the regime's own.

    A reference so runs beside the libraries of the quantized regime, in one environment with it.
    """
    found: dict[str, str] = {}
    for one in (*document.regimes, regime):
        quantizer, runtime = present(one.toolchain.quantizer), present(one.toolchain.runtime)
        named: tuple[tuple[Quantizer | Runtime | None, Plugin | None], ...] = (
            (quantizer, find_quantizer(quantizer.name) if quantizer else None),
            (runtime, find_runtime(runtime.name) if runtime else None),
        )
        found |= {
            plugin.distribution: tool.version for tool, plugin in named if tool and plugin and plugin.distribution
        }
    return found


def require_known(wishes: Wishes, documents: Iterable[Claim | Recipe]) -> None:
    """Raise `UsageError` for an ``--env`` that names nothing of what is to be run, since it would go unnoticed."""
    wants = (want for document in documents for regime in document.regimes for want in _wants(document, regime))
    names = {name for want in wants for name in _names(want)}
    for name in wishes.given:
        if name not in names:
            raise UsageError(
                f"--env {name}: no regime and no tool of that name takes part",
                hint=f"one of {', '.join(sorted(names))}",
            )


def _names(want: _Want) -> tuple[str, ...]:
    """Names that ``--env`` may use for it, the most exact one first."""
    return (want.regime, f"{want.tool.name}=={want.tool.version}", want.tool.name)


def _given(wishes: Wishes, want: _Want) -> Path | None:
    return next((wishes.given[name] for name in _names(want) if name in wishes.given), None)


def _place(want: _Want, wishes: Wishes, progress: Progress) -> _Place:
    """Raises `MaterialUnavailable`, or `ToolFailed` for a given interpreter that does not run."""
    if want.npm:
        return _of_npm(want, wishes, progress)
    names = (want.distribution, *map(name_of, want.plugin.companions))
    path = _given(wishes, want)
    if path is not None:
        interpreter = asked(given(path))
        return _Place(interpreter=interpreter, origin="given", lock=listed(interpreter, interpreter.packages))
    here = own()
    if not want.distribution or (_fits(here, want) and not wishes.isolate):
        return _Place(interpreter=here, origin="host", lock=listed(here, filter(None, names)))
    try:
        return _built(want, wishes, progress)
    except MaterialUnavailable as error:
        if wishes.substitute and here.version(want.distribution) and here.has(want.plugin.companions):
            message = f"substituted on request, since the declared version is not to be had: {error.message}"
            return _Place(interpreter=here, origin="host", lock=listed(here, names), message=message)
        raise


def _of_npm(want: _Want, wishes: Wishes, progress: Progress) -> _Place:
    """A package of npm, driven from the verifier's own interpreter, and the browser that it will run in."""
    path, version = _given(wishes, want), want.tool.version
    package = npm.given(path, want.npm) if path is not None else npm.find(want.npm, version)
    if package is None:
        if wishes.offline:
            raise MaterialUnavailable(f"{want.npm} {version} is not in the cache, and nothing may be fetched")
        with shown(progress, f"package {want.npm} {version} of npm"):
            package = npm.make(want.npm, version)
    here = own()
    lines = (*package.lock.lines, *listed(here, map(name_of, want.plugin.companions)).lines, *npm.browser())
    return _Place(
        interpreter=here,
        origin="built" if path is None else "given",
        lock=Lock(lines=tuple(sorted(lines))),
        version=package.version,
        variables={npm.variable(want.npm): str(package.folder)},
    )


def _fits(interpreter: Interpreter, want: _Want) -> bool:
    """Whether it holds the declared version, build tags such as ``+cpu`` aside, and what the plug-in needs with it."""
    pinned = {name: want.pins[name] for name in want.plugin.companions if name in want.pins}
    same = (
        (interpreter.version(name), declared)
        for name, declared in {want.distribution: want.tool.version, **pinned}.items()
    )
    equal = all((found if "+" in declared else found.partition("+")[0]) == declared for found, declared in same)
    return equal and interpreter.has(want.plugin.companions)


def _built(want: _Want, wishes: Wishes, progress: Progress) -> _Place:
    lock = cache.known(want.requirements)
    built = cache.find(lock) if lock is not None else None
    if built is None:
        if wishes.offline:
            raise MaterialUnavailable(
                f"{want.requirements[0]} is neither installed nor built before, and nothing may be fetched"
            )
        with shown(progress, f"environment of {want.tool.name} {want.tool.version}") as notes:
            built = cache.make(want.requirements, refused=ACCELERATOR_PACKAGES if want.on_processor else ())
            notes.append(f"{len(built.lock.lines)} packages, {built.bytes / 1e6:.0f} MB")
    interpreter = asked(built.interpreter)
    return _Place(interpreter=interpreter, origin="built", lock=built.lock)


def _unavailable(want: _Want, message: str) -> EnvironmentReport:
    return EnvironmentReport(
        regime=want.regime,
        role=want.role,
        tool=want.tool.name,
        declared=want.tool.version,
        version="",
        origin="none",
        status="unavailable",
        message=message,
        python="",
        packages={},
        lock=(),
        lock_sha256=None,
    )


def _version(interpreter: Interpreter, want: _Want) -> str:
    """Of the build that has the provider, else of another one, which then says itself that it lacks the provider."""
    if not want.distribution:
        return want.tool.version
    builds: tuple[str, ...] = (want.distribution,)
    if isinstance(want.tool, Runtime) and isinstance(want.plugin, RuntimePlugin):
        builds = want.plugin.builds_of(want.tool.provider)
    return next(filter(None, map(interpreter.version, builds)), "")


def _probed(want: _Want, place: _Place) -> EnvironmentReport:
    """The report of a place; a runtime is asked whether anything can be executed on this machine."""
    packages = place.lock.packages
    report = EnvironmentReport(
        regime=want.regime,
        role=want.role,
        tool=want.tool.name,
        declared=want.tool.version,
        version=place.version or _version(place.interpreter, want),
        origin=place.origin,
        status="ok",
        message=place.message,
        python=place.interpreter.python,
        packages=packages,
        lock=place.lock.lines,
        lock_sha256=place.lock.sha256,
    )
    if isinstance(want.tool, Quantizer):
        return report
    command = {
        "do": "probe_runtime",
        "runtime": runtime_file(want.tool.name),
        "provider": want.tool.provider,
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in want.tool.options.items()},
    }
    try:
        with Worker(interpreter=place.interpreter.path, env=place.variables) as worker:
            reasons = worker.call(command)["reasons"]
    except VerifierError:
        return report  # that our probe broke is no finding: what really runs will tell
    if not reasons:
        return report
    return report.model_copy(update={"status": "cannot_execute", "message": "; ".join(reasons)})


def plugin_file(role: Role, name: str) -> str:
    """Stem of the plug-in's file, which workers are asked by; the name itself where there is no such file."""
    return (quantizer_file(name) if role == "quantizer" else runtime_file(name)) or name
