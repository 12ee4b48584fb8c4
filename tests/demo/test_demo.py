"""The demo runs to its end, and every other way to end is one sentence over an intact database."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from invoicepay.demo import story, telling
from invoicepay.demo.__main__ import main
from tests.demo.runs import DEMO, DEV, Ended, begun, environment, interrupted, run, tenants_of
from tests.stores.trouble import ordinary_user, own_folder

FILE = "invoicepay-demo.db"
STEPS = len(story.STEPS)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended, Ended]:
    """A folder in which the demo ran twice, for a person and for a machine."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder), run(folder, "--json")


def test_it_runs_to_the_end(twice: tuple[Path, Ended, Ended]) -> None:
    folder, shown, _ = twice

    assert (shown.code, shown.err) == (0, "")
    assert [line for line in shown.lines if line.startswith(f"{STEPS}/{STEPS}  ")]
    assert "Checked: every invariant holds" in shown.out
    assert str(folder / FILE) in shown.out


def test_a_pipe_gets_no_colours_and_no_progress(twice: tuple[Path, Ended, Ended]) -> None:
    _, shown, told = twice

    assert "\x1b" not in shown.out + told.out
    assert "\r" not in shown.out + told.out


def test_machines_get_one_object_a_line_and_the_summary_last(twice: tuple[Path, Ended, Ended]) -> None:
    folder, _, told = twice

    assert (told.code, told.err) == (0, "")
    events = told.events
    assert [event["event"] for event in events] == ["begin", *["step"] * STEPS, "end"]
    assert all(event["backing"] == event["tokens"] for event in events[1:-1])
    assert events[-1]["violations"] == []
    assert events[-1]["database"] == str(folder / FILE)


def test_a_second_run_leaves_the_first_ones_books_as_they_were(twice: tuple[Path, Ended, Ended]) -> None:
    folder, shown, told = twice

    tenants = tenants_of(folder / FILE)

    assert len(tenants) == 2
    assert told.events[0]["tenant"] in tenants
    assert next(tenant for tenant in tenants if tenant in shown.out) != told.events[0]["tenant"]


def test_what_it_says_to_try_next_works(twice: tuple[Path, Ended, Ended]) -> None:
    folder, shown, _ = twice
    command = next(line.strip() for line in shown.lines if " -c " in line)

    tried = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (tried.returncode, tried.stderr) == (0, "")
    assert "USD" in tried.stdout


@pytest.mark.parametrize("lines", [1, 4, 25, 70])
def test_ctrl_c_ends_it_in_one_sentence(tmp_path: Path, lines: int) -> None:
    ended = interrupted(begun(tmp_path), lines)

    assert (ended.code, ended.err) == (130, "")
    assert ended.lines[-1] == f"Stopped by you: every step that was shown is kept in {tmp_path / FILE}."
    assert ended.out.count("Stopped") == 1
    assert len(tenants_of(tmp_path / FILE)) <= 1


def test_after_ctrl_c_it_runs_again(tmp_path: Path) -> None:
    interrupted(begun(tmp_path), 40)

    again = run(tmp_path)

    assert (again.code, again.err) == (0, "")
    assert len(tenants_of(tmp_path / FILE)) == 2


def test_machines_are_told_of_ctrl_c(tmp_path: Path) -> None:
    ended = interrupted(begun(tmp_path, "--json"), 3)

    assert (ended.code, ended.err) == (130, "")
    assert [event["event"] for event in ended.events[-1:]] == ["stopped"]
    assert tenants_of(tmp_path / FILE)


@pytest.mark.long
def test_two_runs_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    both = [begun(tmp_path, "--json") for _ in range(2)]

    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert [err for _, err in ended] == ["", ""]
    assert [json.loads(out.splitlines()[-1])["violations"] for out, _ in ended] == [[], []]
    assert len(tenants_of(tmp_path / FILE)) == 2


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_folder_that_may_not_be_written(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(telling.tell), "loaded while the interpreter can be read"
    with own_folder() as folder:
        folder.chmod(0o555)
        with ordinary_user():
            code = main(["--db", str(folder / FILE), *options])
        files = list(folder.iterdir())

    said = capsys.readouterr()
    assert (code, said.err, files) == (1, "", [])
    assert len(said.out.splitlines()) == 1
    assert "check that its folder exists and that you may write there" in said.out
    assert "--db FILE" in said.out


@pytest.mark.long
def test_a_full_disk(tmp_path: Path) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600 * 1_024,) * 2)

    ended = run(tmp_path, limit=small)

    assert (ended.code, ended.err) == (1, "")
    assert ended.lines[-1].startswith("Stopped: ")
    assert "space" in ended.lines[-1] or "same key" in ended.lines[-1]
    assert len(tenants_of_any(tmp_path / FILE)) <= 1
    assert run(tmp_path).code == 0


def tenants_of_any(file: Path) -> list[str]:
    """The same where not even the tables may have come into being."""
    return tenants_of(file) if file.stat().st_size > 100_000 else []


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        (".", None, "cannot be opened"),
        ("nowhere/pay.db", None, "its folder exists"),
        ("no.db", b"hello", "no database"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, content: bytes | None, word: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    ended = run(tmp_path, "--db", name)

    assert (ended.code, ended.err) == (1, "")
    assert len(ended.lines) == 1
    assert word in ended.out
    assert "--db FILE" in ended.out
    if content is not None:
        assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("name", ["", "what?.db", "50%25.db", "a#b.db", "a\nb.db"])
def test_a_file_name_that_is_no_plain_path(tmp_path: Path, name: str) -> None:
    ended = run(tmp_path, "--db", name)

    assert ended.code == 2
    assert "--db takes a file" in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path, options: list[str]) -> None:
    process = begun(tmp_path, *options)
    assert process.stdout is not None
    assert process.stderr is not None

    first = process.stdout.readline()
    process.stdout.close()

    assert first
    assert process.wait(timeout=120) == 141
    assert process.stderr.read() == ""
    process.stderr.close()
    tenants_of(tmp_path / FILE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_output_that_is_full_ends_it_in_one_sentence(tmp_path: Path, options: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*DEMO, *options],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "Stopped: the output cannot be written (No space left on device).\n"


def test_without_an_output_it_runs_all_the_same(tmp_path: Path) -> None:
    ended = run(tmp_path, limit=lambda: os.close(1))

    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert len(tenants_of(tmp_path / FILE)) == 1


def test_a_terminal_sees_colours_and_progress(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        DEMO, cwd=tmp_path, env=environment(), stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    seen = b""
    while b"3/12" not in seen:
        seen += os.read(master, 4_096)

    os.killpg(process.pid, signal.SIGINT)
    try:
        while more := os.read(master, 4_096):
            seen += more
    except OSError:  # Linux's way to say that nobody writes there any more
        pass
    os.close(master)

    assert process.wait(timeout=120) == 130
    assert b"\x1b[1m1/12" in seen
    assert "\r[1/12] People and an enterprise …".encode() in seen
    assert seen.decode().splitlines()[-1].endswith(f"kept in {tmp_path / FILE}.")


def test_ctrl_c_inside_of_code_that_was_a_text_ends_it_the_same_way(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from invoicepay.demo import __main__ as demo, telling\n"
        "telling.tell = lambda *given, **named: exec('os.kill(os.getpid(), signal.SIGINT)')\n"
        "demo._stop.listen()\n"
        "raise SystemExit(demo.main([]))\n"
    )

    (tmp_path / "interrupted.py").write_text(program)  # run by -m, as the demo is: -c and files end otherwise
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.startswith("Stopped by you")


def test_an_output_that_cannot_spell_it_shows_it_somehow(tmp_path: Path) -> None:
    done = subprocess.run(
        DEMO,
        cwd=tmp_path,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2192" in done.stdout


@pytest.mark.parametrize("whole_group", [True, False])
def test_dev_py_ends_by_ctrl_c_in_the_demos_one_sentence(tmp_path: Path, whole_group: bool) -> None:
    ended = interrupted(begun(tmp_path, command=DEV), 10, whole_group=whole_group)

    assert (ended.code, ended.err) == (130, "")
    assert ended.out.count("Stopped") == 1
    assert ended.lines[-1].endswith(f"kept in {tmp_path / FILE}.")
    tenants_of(tmp_path / FILE)
