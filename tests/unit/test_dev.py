"""What `./dev` does without a network: what it says when something is missing, and when it installs."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "dev"


def run(*words: str, script: Path = DEV, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, str(script), *words], env=environment, capture_output=True, text=True, check=False
    )


def pretend(preparation: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ./dev in a Python that was prepared to look like another one."""
    code = f"import sys\n{preparation}\nsys.argv = {['dev', *words]!r}\n"
    code += f"import runpy\nrunpy.run_path({str(DEV)!r}, run_name='__main__')"
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that needs no package, in a path with spaces."""
    root = tmp_path / "a check out"
    (root / "syncd").mkdir(parents=True)
    shutil.copy(DEV, root / "dev")
    (root / "requirements.lock").write_text("# nothing\n")
    (root / "syncd" / "__init__.py").touch()
    (root / "syncd" / "__main__.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")
    return root


@pytest.fixture
def module(checkout: Path) -> ModuleType:
    loader = SourceFileLoader("dev_of_checkout", str(checkout / "dev"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    loaded = importlib.util.module_from_spec(spec)
    loader.exec_module(loaded)
    return loaded


def test_without_a_verb_it_explains_each_verb() -> None:
    shown = run()
    assert shown.returncode == 0
    for verb in ("demo", "test", "lint", "bench", "mutate", "syncd", "lock"):
        assert f"./dev {verb}" in shown.stdout


def test_an_unknown_verb_is_a_wrong_call_and_names_the_verbs() -> None:
    shown = run("tset")
    assert shown.returncode == 2
    assert shown.stderr == "./dev: no verb tset among demo, test, lint, bench, mutate, syncd, lock\n"


def test_an_unknown_linter_is_a_wrong_call() -> None:
    shown = run("lint", "pylint")
    assert shown.returncode == 2
    assert "ruff, format, mypy, sqlfluff" in shown.stderr


def test_an_old_python_can_parse_it_and_says_what_is_needed() -> None:
    ast.parse(DEV.read_text(), feature_version=(3, 6))
    shown = pretend("sys.version_info = (3, 6, 15)", "test")
    assert shown.returncode == 1
    assert shown.stderr.startswith("./dev: Python 3.11 or newer is needed and this is 3.6: ")
    assert shown.stderr.count("\n") == 1


def test_a_python_without_venv_names_the_package_to_install(tmp_path: Path) -> None:
    shown = pretend("sys.modules['ensurepip'] = None", "test", SYNCD_VENV=str(tmp_path / "new"))
    assert shown.returncode == 1
    assert shown.stderr.endswith("run `apt-get install python3-venv`.\n")
    assert "Traceback" not in shown.stderr


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("all of it")
    shown = run("test", SYNCD_VENV=str(tmp_path))
    assert shown.returncode == 1
    assert "set SYNCD_VENV to a new directory" in shown.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]
    assert precious.read_text() == "all of it"


def test_an_environment_that_is_a_link_is_not_made_anew(module: ModuleType, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "pyvenv.cfg").touch()
    ours = tmp_path / "ours"
    ours.symlink_to(theirs)
    (theirs / ".syncd-lock").touch()
    with pytest.raises(module.Stop, match="is a link to what another checkout uses"):
        module.Environment(ours).ensure()
    assert (theirs / "bin").exists()


def test_a_full_disk_is_said_before_anything_is_fetched(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=30 << 20))
    with pytest.raises(module.Stop, match=r"30 MB free and 400 MB are needed: make room, or set SYNCD_VENV"):
        module.Environment(tmp_path / "new").ensure()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "WARNING: Retrying ... NewConnectionError\nERROR: No matching distribution found for x",
            "the network",
        ),
        ("OSError: [Errno 28] No space left on device", "make room"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "requirements.lock"),
        ("ERROR: No matching distribution found for cffi==2.1.1", "no ready-made cffi==2.1.1 for Python"),
        ("Command '-m ensurepip' returned non-zero exit status 1", "apt-get install python3-venv"),
    ],
)
def test_a_failed_install_gets_one_sentence(module: ModuleType, said: str, sentence: str) -> None:
    diagnosed = module.diagnosis(["Collecting x", *said.splitlines()])
    assert sentence in diagnosed
    assert "\n" not in diagnosed


def test_an_unknown_failure_shows_what_pip_said(module: ModuleType) -> None:
    assert "something new" in module.diagnosis(["Collecting x", "something new"])


def ensure(module: ModuleType, checkout: Path) -> None:
    """One ./dev from its start to its end, at which the lock goes."""
    environment = module.Environment(checkout / ".venv")
    try:
        environment.ensure()
    finally:
        os.close(environment.lock)


class Installs:
    """Stands in for Environment.install and counts."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.interrupted = False
        monkeypatch.setattr(module.Environment, "install", lambda environment: self.install(environment))

    def install(self, environment: Any) -> None:
        self.count += 1
        environment.stamp.unlink(missing_ok=True)
        if self.interrupted:
            raise KeyboardInterrupt
        environment.sign()


def test_it_installs_once_and_again_when_the_lock_file_changes(
    module: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs = Installs(module, monkeypatch)
    for expected in (1, 1):
        ensure(module, checkout)
        assert installs.count == expected
    (checkout / "requirements.lock").write_text("# something\n")
    ensure(module, checkout)
    assert installs.count == 2


def test_an_interrupted_install_is_not_taken_for_complete(
    module: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs = Installs(module, monkeypatch)
    ensure(module, checkout)
    (checkout / "requirements.lock").write_text("# something\n")
    installs.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        ensure(module, checkout)
    (checkout / "requirements.lock").write_text("# nothing\n")
    installs.interrupted = False
    ensure(module, checkout)
    assert installs.count == 3


@pytest.mark.slow
def test_a_killed_install_is_made_again_and_two_at_once_share_one(checkout: Path) -> None:
    command = [sys.executable, str(checkout / "dev"), "syncd", "two words"]
    variables = {name: value for name, value in os.environ.items() if name != "SYNCD_VENV"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    with start() as killed:
        assert killed.stderr
        assert "making the virtual environment" in killed.stderr.readline()
        killed.kill()
    with start() as one, start() as other:
        said = [process.communicate() for process in (one, other)]
    assert [process.returncode for process in (one, other)] == [7, 7], said
    assert [out for out, _ in said] == ["['two words']\n"] * 2
    assert "".join(err for _, err in said).count("making the virtual environment") == 1

    with start() as again:
        assert again.communicate() == ("['two words']\n", "")
