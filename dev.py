"""Set up this checkout and work in it; needs Python 3.11 or newer with pip and venv, nothing else."""

import sys

if sys.version_info < (3, 11):
    sys.exit("invoicepay needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2])

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "invoicepay-setup"

INTERRUPTED = 130

HELP = """\
python3 dev.py demo [options]    run the whole loop on an embedded SQLite with simulated providers; its
                                 tokens with --tempo on a Tempo chain of this machine, with --circle in
                                 wallets of a simulated Circle; also --json
python3 dev.py test              every check and every test but the long ones, as the gate runs them
python3 dev.py test ARGUMENTS    pytest alone with these arguments, e.g. test -k invoice,
                                 or test -m long for short rounds of what the long commands do
python3 dev.py simulate [options]
                                 the whole library in a simulated world full of faults, from one seed on:
                                 --seeds N --steps N --first-seed N, or --replay FILE; also --json
python3 dev.py bench [options]   measure how fast the library is here, and against what; also --quick
python3 dev.py lint              formatting, lint rules, import contracts, generated files
python3 dev.py types             mypy in strict mode
python3 dev.py docs              build the documentation; warnings are errors
python3 dev.py sbom [FILE]       a bill of materials (CycloneDX) of what the library needs
python3 dev.py audit             ask a database of known vulnerabilities about every pinned package"""

# What an environment must have been installed with to serve: the tests' environment can run everything.
ENOUGH = {
    "all": ("all", "all,tempo", "all,circle,simulators", "test"),
    "all,tempo": ("all,tempo", "test"),
    "all,circle,simulators": ("all,circle,simulators", "test"),
    "bench": ("bench", "test"),
    "test": ("test",),
}

OFFLINE = (
    "Setting up the environment did not work: pip's own words are above. The first run downloads the\n"
    "packages named in pyproject.toml and constraints.txt, so it needs a package index. Behind a proxy or a\n"
    "mirror, set HTTPS_PROXY, PIP_INDEX_URL or PIP_CERT: they are passed on. For the tests a mirror has to\n"
    "hand out the very files whose hashes are in requirements.lock. Later runs need no network."
)

FORMAT = ("format", ["-m", "ruff", "format", "--check", "."])
LINT = ("lint", ["-m", "ruff", "check", "."])
TYPES = ("types", ["-m", "mypy"])
IMPORTS = ("imports", ["-c", "from importlinter import cli; cli.lint_imports_command()", "--no-logo"])
GENERATED = ("generated", ["tools/gen_blocking.py", "--check"])
PAGES = ("pages", ["-m", "tools.gen_docs", "--check"])
DOCS = ("docs", ["-m", "mkdocs", "build", "--strict"])
TESTS = ("tests", ["-m", "pytest", "-n", "2", "--dist", "worksteal"])

STEPS = {
    "test": [FORMAT, LINT, TYPES, IMPORTS, GENERATED, PAGES, DOCS, TESTS],
    "lint": [FORMAT, LINT, IMPORTS, GENERATED, PAGES],
    "types": [TYPES],
    "docs": [DOCS],
}

SUPPLY = {"sbom": "tools.sbom", "audit": "tools.vulnerabilities"}


def main(arguments: list[str]) -> int:
    """Run the command named first in `arguments`; the answer is the exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command in ("help", "-h", "--help"):
        print(HELP)
        return 0
    if command == "demo":
        needed = {"--tempo": "all,tempo", "--circle": "all,circle,simulators"}
        set_up(next((extra for option, extra in needed.items() if option in rest), "all"))
        return demo(rest)
    if command == "simulate":
        set_up("all")
        return started(["-m", "invoicepay.testing.simulation", *rest], ROOT)
    if command == "bench":
        set_up("bench")
        return started(["-m", "bench", *rest], ROOT)
    if command in SUPPLY:
        set_up("test")
        return started(["-m", SUPPLY[command], *rest], ROOT)
    if command not in STEPS or (rest and command != "test"):
        print(f"dev.py cannot run: {' '.join(arguments)}\n\n{HELP}", file=sys.stderr)
        return 2
    set_up("test")
    if rest:
        return call(["-m", "pytest", *rest])
    return run(STEPS[command])


def run(steps: list[tuple[str, list[str]]]) -> int:
    """Run every step, also after one failed, so that one run shows all there is to mend."""
    started, failed = time.monotonic(), []
    for number, (name, command) in enumerate(steps, start=1):
        say(f"[{number}/{len(steps)}] {name}: {' '.join(command)}")
        step_started = time.monotonic()
        code = call(command)
        say(f"[{number}/{len(steps)}] {name}: {'ok' if code == 0 else 'FAILED'}", step_started)
        if code:
            failed.append(name)
    say(f"FAILED: {', '.join(failed)}" if failed else "everything passed", started)
    return 1 if failed else 0


def demo(options: list[str]) -> int:
    """Run the demo in the folder one is in."""
    return started(["-m", "invoicepay.demo", *options], Path.cwd())


def started(command: list[str], folder: Path) -> int:
    """Run what says itself after Ctrl-C how it ended."""
    try:
        return call(command, folder)
    except KeyboardInterrupt:
        return INTERRUPTED


def call(command: list[str], folder: Path = ROOT) -> int:
    """Run the environment's Python with `command`, from the root of the checkout unless told otherwise."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    child = subprocess.Popen([str(PYTHON), *command], cwd=folder, env=environment)
    try:
        return child.wait()
    except KeyboardInterrupt:
        end(child)
        raise


def end(child: "subprocess.Popen[bytes]") -> None:
    """Wait for a child that was interrupted as well: a terminal does so itself, elsewhere it is passed on."""
    is_told = sys.stdin is not None and sys.stdin.isatty()
    for sent in (0 if is_told else signal.SIGINT, signal.SIGTERM):
        try:
            if sent:
                child.send_signal(sent)
            child.wait(timeout=10)
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue


def say(text: str, since: "float | None" = None) -> None:
    """Print one progress line, with the seconds passed `since` then."""
    print(text if since is None else f"{text} ({time.monotonic() - since:.1f} s)", flush=True)


def set_up(extra: str) -> None:
    """Bring `.venv` to what pyproject.toml and constraints.txt ask for; do nothing when it is there."""
    if any(stamped(fingerprint(other)) for other in ENOUGH[extra]):
        return
    started = time.monotonic()
    print("setting up .venv (once; about half a minute) ...", flush=True)
    installer = make_environment()
    STAMP.unlink(missing_ok=True)
    for install in installs(extra):
        command = [*installer, "install", "--quiet", *install]
        if subprocess.call(command, cwd=ROOT, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}):
            sys.exit(OFFLINE)
    STAMP.write_text(fingerprint(extra), encoding="utf-8")
    say("setting up .venv: done", started)


def installs(extra: str) -> list[list[str]]:
    """What pip installs: for the tests every file by its hash, and this checkout without asking any index."""
    if extra != "test":
        return [["-c", "constraints.txt", "-e", f".[{extra}]"]]
    checkout = ["--no-deps", "--no-index", "--no-build-isolation", "-e", "."]
    return [["--require-hashes", "-r", "requirements.lock"], checkout]


def stamped(wanted: str) -> bool:
    """Tell whether the environment was completed for exactly this."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted


def fingerprint(extra: str) -> str:
    """Hash what the environment depends on: interpreter, extra, declared and pinned packages."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [
        sys.version,
        extra,
        json.dumps([declared["build-system"], declared["project"]], sort_keys=True),
        *((ROOT / name).read_text(encoding="utf-8") for name in ("constraints.txt", "requirements.lock")),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make_environment() -> list[str]:
    """Make `.venv` unless a working one of this Python version is there; return how to call its pip.

    Some systems ship venv without ensurepip, which leaves a half-made folder: then this interpreter's pip
    installs into an environment that has none.
    """
    if works([str(PYTHON), "-c", f"import sys; sys.exit(sys.version != {sys.version!r})"]):
        if works([str(PYTHON), "-m", "pip", "--version"]):
            return [str(PYTHON), "-m", "pip"]
    else:
        shutil.rmtree(VENV, ignore_errors=True)
        if works([sys.executable, "-m", "venv", str(VENV)]):
            return [str(PYTHON), "-m", "pip"]
        shutil.rmtree(VENV, ignore_errors=True)
        if not works([sys.executable, "-m", "venv", "--without-pip", str(VENV)]):
            sys.exit("This Python has no working venv module; install it (Debian: apt install python3-venv).")
    if not works([sys.executable, "-m", "pip", "--version"]):
        sys.exit("This Python has neither pip nor ensurepip; install them (Debian: apt install python3-pip).")
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def works(command: list[str]) -> bool:
    """Tell whether `command` exists and succeeds; what it prints is of no interest."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Stopped by you; run it again at any time.", file=sys.stderr)
        sys.exit(INTERRUPTED)
