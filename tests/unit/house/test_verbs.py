"""The verbs of `pprd`: each stands where the table says, tells what it does, and is imported when it is called."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer

from adapters.cli.main import app

NO_AUDIT = """
import sys
from typer.testing import CliRunner
from adapters.cli.main import app
assert CliRunner().invoke(app, ["keys", "ends", "--help"]).exit_code == 0
assert "adapters.cli.keys" in sys.modules
print(*(name for name in sys.modules if name.startswith("adapters.cli.")))
"""


def commands(command: Any, path: str = "pprd") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        assert inner.name == name
        yield from commands(inner, f"{path} {name}")


def test_every_verb_is_there_and_says_what_it_does() -> None:
    found = dict(commands(typer.main.get_command(app)))

    assert len(found) > 90
    assert [path for path, command in found.items() if not command.help] == []


def test_a_verb_imports_no_other_verb() -> None:
    done = subprocess.run([sys.executable, "-c", NO_AUDIT], check=True, capture_output=True, text=True)

    assert not {"adapters.cli.audit", "adapters.cli.demo", "adapters.cli.servers"} & set(done.stdout.split())
