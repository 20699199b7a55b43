"""The rooms of the house and who may enter which: see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("gateway", "transforms", "warehouse", "flows", "reports")

#: What no module of a room may import, at the top or inside a function.
FORBIDDEN = {
    "gateway": {"duckdb", "polars", "pyarrow", "prefect", "transforms", "warehouse", "flows", "reports"},
    "transforms": {
        *{"httpx", "prefect", "aiohttp", "asyncio", "os", "pathlib", "time"},
        *{"gateway", "warehouse", "flows", "reports"},
    },
    "warehouse": {"httpx", "aiohttp", "prefect", "gateway", "flows", "reports"},
    "reports": {"httpx", "aiohttp", "prefect", "gateway", "transforms", "flows"},
    "flows": set[str](),
}

#: Modules that alone may import something.
ALONE = {
    ("transforms", "duckdb"): {"transforms/documents/decode.py"},
    ("flows", "prefect"): {
        "flows/collect.py",
        "flows/_prefect/fan_out.py",
        "flows/maintain.py",
        "flows/_prefect/setup.py",
        "flows/report.py",
        "flows/_prefect/shared_rate.py",
        "flows/_prefect/artifacts.py",
    },
    ("gateway", "aiohttp"): {"gateway/wire/transport.py", "gateway/wire/faults.py"},
}


def imports(path: Path) -> set[str]:
    """Top-level names of everything a module imports when it runs; what is only for type checkers does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def modules(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert found, f"there is no room {room}"
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    """Imports point one way: flows to the others, never back."""
    offences = {
        str(path.relative_to(ROOT)): sorted(imports(path) & FORBIDDEN[room])
        for path in modules(room)
        if imports(path) & FORBIDDEN[room]
    }
    assert offences == {}


@pytest.mark.parametrize(("room", "library"), ALONE)
def test_a_library_with_one_door_is_used_at_that_door_only(room: str, library: str) -> None:
    """What is hard to replace is in one place."""
    users = {str(path.relative_to(ROOT)) for path in modules(room) if library in imports(path)}
    assert users == ALONE[room, library]


def test_only_the_connection_module_opens_database_files() -> None:
    """`duckdb.connect` to a file has one door, but for the copy that publishing checks; memory is not a file."""
    opened = {
        (str(path.relative_to(ROOT)), ast.unparse(call.args[0]))
        for room in ("warehouse", "flows", "reports")
        for path in modules(room)
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "duckdb.connect"
    }
    assert {path for path, file in opened if file != "':memory:'"} == {
        "warehouse/database/connection.py",
        "warehouse/database/log_check.py",
        "warehouse/database/publish.py",
    }


def test_no_file_of_flows_has_the_name_of_a_room() -> None:
    """Prefect puts a flow's folder first on the path, where such a file would hide the room."""
    assert not {path.stem for path in modules("flows")} & {*ROOMS, "tests", "benchmarks"}


@pytest.mark.e2e
def test_everything_but_the_flow_works_without_prefect(tmp_path: Path) -> None:
    """Prefect orchestrates; it does not contain."""
    code = """
import sys
class NoPrefect:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "prefect":
            raise ImportError("not installed")
sys.meta_path.insert(0, NoPrefect())
import gateway.client, simulator, transforms.flatten, warehouse.load.loader, warehouse.database.publish, warehouse.maintenance.rebuild
from avatar_tasks.cli import main
main(["demo", "--tasks", "5", "--no-prefect", "--no-report", "--json"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"fetched"' in done.stdout


@pytest.mark.e2e
def test_without_the_report_extra_everything_else_runs_and_report_says_what_to_install(tmp_path: Path) -> None:
    """The demo says so, too, and ends well."""
    code = """
import sys
class NoReport:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"marimo", "altair", "vl_convert"}:
            raise ModuleNotFoundError("not installed", name=name)
sys.meta_path.insert(0, NoReport())
from avatar_tasks.cli import main
main(sys.argv[1:])
"""
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for arguments in (["demo", "--tasks", "5", "--no-prefect"], ["report", "--data-dir", "demo"])
    )
    assert (first.returncode, second.returncode) == (0, 2)
    assert "avatar-tasks[report]" in first.stderr
    assert "pip install 'avatar-tasks[report]'" in second.stderr


HEAVY = {"polars", "pyarrow", "numpy", "pandas", "httpx", "aiohttp", "prefect", "rich", "uvicorn", "marimo", "altair"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        pytest.param("avatar_tasks.cli", HEAVY | {"duckdb", "pydantic"}, id="--help"),
        pytest.param("avatar_tasks.cli, pipeline.settings, avatar_tasks.sql", HEAVY, id="sql"),
    ],
)
def test_what_answers_at_once_imports_nothing_heavy(modules: str, heavy: set[str]) -> None:
    """`sql` needs DuckDB and the settings; whoever wants frames of it imports more."""
    code = f"import sys, {modules}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert not heavy & set(done.stdout.split())
