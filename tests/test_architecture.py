"""Which package may import which, and that nothing imports in a circle: see docs/architecture.md."""

from __future__ import annotations

import ast
import itertools
import re
import statistics
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: What each package may import of ours besides itself. The rest is forbidden, at the top of a module, inside a function
#: and for type checkers alike.
ARROWS = {
    "avatar_tasks": {"flows", "pipeline", "reports", "warehouse", "gateway", "simulator"},
    "flows": {"pipeline", "gateway", "warehouse"},
    "pipeline": {"gateway", "transforms", "warehouse", "reports"},
    "reports": {"warehouse"},
    "warehouse": {"transforms"},
    "simulator": set[str](),
    "gateway": set[str](),
    "transforms": set[str](),
}

#: Libraries that a package never imports; what a run needs is passed to it, not left in a context variable.
FORBIDDEN = {
    "gateway": {"duckdb", "polars", "pyarrow", "prefect"},
    "simulator": {"duckdb", "polars", "pyarrow", "prefect"},
    "transforms": {"httpx", "prefect", "aiohttp", "asyncio", "os", "pathlib", "time"},
    "warehouse": {"httpx", "aiohttp", "prefect"},
    "reports": {"httpx", "aiohttp", "prefect"},
    "pipeline": {"prefect", "contextvars"},
    "flows": {"contextvars"},
    "avatar_tasks": {"contextvars"},
}

#: Modules that alone in their package import a library.
ONLY_IN = {
    ("transforms", "duckdb"): {"transforms/documents/decode.py"},
    ("gateway", "aiohttp"): {"gateway/wire/transport.py", "gateway/wire/faults.py"},
}

#: What names of modules and packages at one level must not differ by.
SUFFIXES = {"", "e", "s", "es", "d", "ed", "ing", "r", "er", "or", "ance", "enance", "ion", "able"}

#: Modules at one level of a package.
MOST_MODULES = 15

#: Lines of a function, and of a module.
MEDIAN_LINES, NINTH_DECILE_LINES, MODULE_LINES = 10, 30, 300


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"there is no package {package}"
    return found


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for package in ARROWS for path in modules(package)}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Dotted names of everything a module imports, wherever in it; `from package import module` is that module."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inside or {node.module}
    return found


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("package", ARROWS)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """Arrows point one way, from the command line down to the gateway and the warehouse."""
    forbidden = (ARROWS.keys() - ARROWS[package] - {package}) | FORBIDDEN.get(package, set())
    offences = {str(path.relative_to(ROOT)): sorted(tops(path) & forbidden) for path in modules(package)}
    assert {path: names for path, names in offences.items() if names} == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Inside packages, too, and for type checkers as well."""
    graph = {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize(("package", "library"), ONLY_IN)
def test_a_library_with_one_door_is_used_at_that_door_only(package: str, library: str) -> None:
    """What is hard to replace is in one place."""
    users = {str(path.relative_to(ROOT)) for path in modules(package) if library in tops(path)}
    assert users == ONLY_IN[package, library]


def test_only_flows_and_the_command_line_know_prefect() -> None:
    """Within flows what only Prefect needs is in `_prefect`, beside the three flows."""
    users = {str(path.relative_to(ROOT)) for path in MODULES.values() if "prefect" in tops(path)}
    assert {path for path in users if not path.startswith("flows/")} == set()
    assert {path for path in users if not path.startswith("flows/_prefect/")} == {
        "flows/collect.py",
        "flows/maintain.py",
        "flows/report.py",
    }


def test_no_file_of_flows_has_the_name_of_a_package() -> None:
    """Prefect puts a flow's folder first on the path, where such a file would hide the package."""
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & {*ARROWS, "tests", "benchmarks"}


def test_no_level_is_crowded_and_no_two_names_differ_by_a_suffix_only() -> None:
    """So that a newcomer finds a place by its name."""
    levels: dict[Path, list[str]] = {}
    for path in MODULES.values():
        if path.stem != "__init__":
            levels.setdefault(path.parent, []).append(path.stem)
    crowded = {str(folder.relative_to(ROOT)): len(names) for folder, names in levels.items()}
    assert {folder: count for folder, count in crowded.items() if count > MOST_MODULES} == {}
    packages = {folder: [one.parent.name for one in folder.glob("*/__init__.py")] for folder in levels}
    twins = [
        (str(folder.relative_to(ROOT)), *pair)
        for folder, names in levels.items()
        for pair in itertools.combinations([*names, *packages[folder]], 2)
        if differ_by_a_suffix(*pair)
    ]
    assert twins == []


def differ_by_a_suffix(one: str, other: str) -> bool:
    """As `collect` and `collecting`, `maintain` and `maintenance`, `load` and `loader`."""
    common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return common > 2 and {one[common:], other[common:]} <= SUFFIXES


def test_functions_are_short() -> None:
    """Lines of every function in production code: median 10 and 90th percentile 30 at most."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in MODULES.values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert statistics.quantiles(lengths, n=10)[-1] <= NINTH_DECILE_LINES


def test_no_module_is_long() -> None:
    """Except the notebook, whose cells are read one by one."""
    long = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if len(path.read_text(encoding="utf-8").splitlines()) >= MODULE_LINES
    }
    assert long - {"reports/latency.py"} == set()


def test_only_the_reader_and_the_writer_open_database_files() -> None:
    """But for the log's check and the copy that publishing checks; memory is not a file."""
    opened = {
        (str(path.relative_to(ROOT)), ast.unparse(call.args[0]))
        for package in ARROWS
        for path in modules(package)
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "duckdb.connect"
    }
    assert {path for path, file in opened if file != "':memory:'"} == {
        "warehouse/database/log_check.py",
        "warehouse/database/publish.py",
        "warehouse/database/reader.py",
        "warehouse/database/writer.py",
    }


def test_whether_it_is_a_file_or_a_lake_is_asked_in_one_place() -> None:
    """Everybody else calls the methods of `Warehouse`; and a DuckDB file knows nothing of lakes."""
    asking = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "lake" and ast.unparse(node.value).endswith("paths")
    }
    assert asking == {"warehouse/backends/choose.py"}
    stores = re.compile(r"isinstance\(.*(Path|Folder|Warehouse|Lake)\b|cast\(.(Path|Storage)")
    assert [
        name
        for name, path in MODULES.items()
        if name.startswith("warehouse") and stores.search(path.read_text("utf-8"))
    ] == []
    kinds = {name for name, path in MODULES.items() if 'kind[0] == "ducklake"' in path.read_text("utf-8")}
    assert kinds == {"warehouse.database.dialect"}
    assert [name for name, path in MODULES.items() if "is_lake" in path.read_text("utf-8")] == []
    of_files = [name for name in MODULES if name.startswith("warehouse.database.")]
    assert not {used for name in of_files for used in imported(MODULES[name]) if used.startswith("warehouse.ducklake")}


def promised_places() -> list[tuple[str, list[str], list[str]]]:
    """Of each line of docs/architecture.md that names files: the line, the paths, and the names that are in them."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = re.split(r"\n(?=\d\. |\| |## |   Before)", text)
    found = []
    for line in lines:
        terms = re.findall(r"`([^`]+)`", line.rpartition(" | ")[2] if line.startswith("| ") else line)
        paths = [one for one in terms if re.fullmatch(r"[\w./]*\w\.(py|sql|yaml)", one)]
        names = [one for one in terms if re.fullmatch(r"_?[A-Za-z][\w.]*", one) and one not in paths]
        if paths:
            found.append((line, paths, [one for one in names if one not in NO_PLACES]))
    return found


#: What docs/architecture.md names beside functions and classes.
NO_PLACES = {"requests", "observations", "list_pages", "segments", "tasks", "evidence", "compare", "serve", "check"}


@pytest.mark.parametrize(("line", "paths", "names"), promised_places(), ids=range(len(promised_places())))
def test_every_place_that_the_architecture_names_is_there(line: str, paths: list[str], names: list[str]) -> None:
    """Each file by its path, or by its name beside another of the line; each function and class in one of them."""
    files: list[Path] = []
    for path in paths:
        places = [ROOT / path, *(other.parent / path for other in files)]
        there = [one for one in places if one.exists()]
        assert "NAME" in path or there, f"{path} is not there: {line}"
        files += there[:1]
    texts = [one.read_text(encoding="utf-8") for one in files]
    missing = [name for name in names if not any(name.rpartition(".")[2] in text for text in texts)]
    assert missing == [], line


@pytest.mark.parametrize(
    "change",
    [
        "the retry budget",
        "a new status word",
        "a new column in `tasks`",
        "a new id file format",
        "a new chart",
        "a Prefect schedule",
    ],
)
def test_the_architecture_says_where_to_change_it(change: str) -> None:
    """What a newcomer changes first, each with a line of its own."""
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith(f"| {change}") for line in lines) == 1


@pytest.mark.e2e
def test_without_prefect_and_the_report_extra_everything_else_runs_and_report_says_what_to_install(
    tmp_path: Path,
) -> None:
    """Prefect orchestrates; it does not contain. The demo says that there is no report, and ends with 0."""
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pandas", "prefect", "marimo", "jinja2", "resvg_py"}:
            raise ModuleNotFoundError("not installed", name=name)
sys.meta_path.insert(0, Missing())
import gateway.client, simulator, transforms.flatten
import warehouse.load.loader, warehouse.database.publish, warehouse.maintenance.rebuild
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
        for arguments in (["demo", "--tasks", "5", "--no-prefect", "--json"], ["report", "--data-dir", "demo"])
    )
    assert (first.returncode, second.returncode) == (0, 2), first.stderr
    assert '"fetched"' in first.stdout
    assert "run `make setup`" in first.stderr
    assert "run `make setup` in the project's folder" in second.stderr


HEAVY = {"polars", "pyarrow", "numpy", "pandas", "httpx", "aiohttp", "prefect", "rich", "uvicorn", "marimo", "resvg_py"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        pytest.param("avatar_tasks.cli", HEAVY | {"duckdb", "pydantic"}, id="--help"),
        pytest.param("avatar_tasks.cli, pipeline.settings, avatar_tasks.sql", HEAVY, id="sql"),
        pytest.param(
            "avatar_tasks.cli, pipeline.sources.choose, pipeline.sources.children, pipeline.sources.inbox, "
            "pipeline.collect.request, pipeline.interrupts",
            HEAVY,
            id="collect for several gateways, which starts a process for each",
        ),
    ],
)
def test_quick_commands_import_nothing_heavy(modules: str, heavy: set[str]) -> None:
    """`sql` needs DuckDB and the settings; only code that asks for frames imports more."""
    code = f"import sys, {modules}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert not heavy & set(done.stdout.split())
