"""What people decide is a file; a mistake in it is one line that says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.answers import Answer, failed, minute
from tests.warehouse.conftest import DEFAULTS, Bench
from tests.warehouse.tables import column, contents, emptied, rows
from transforms.failures import FailureRule
from warehouse.analysis import Analysis, Objective, Pricing, read_analysis
from warehouse.errors import AnalysisFileError
from warehouse.load.loader import load

if TYPE_CHECKING:
    from pathlib import Path

OBJECTIVE = '[[objectives]]\nname = "fast"\nseconds = 60\ntarget = 0.9\n'
RULE = '[[failure_rules]]\npattern = "flaky"\nfail_class = "gateway"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "analysis.toml"


def test_without_a_file_the_shipped_defaults_are_in_force(path: Path) -> None:
    """They are there, and they can be used."""
    found = read_analysis(path)
    assert [one.name for one in found.objectives] == ["within-two-minutes", "within-five-minutes"]
    assert {rule.fail_class for rule in found.failure_rules} == {
        "gateway_timeout",
        "gateway",
        "content_policy",
        "input",
        "account",
        "rate_limit",
        "network",
        "cancelled",
        "provider",
        "unknown",
    }
    assert found.pricing == Pricing(500_000, 1.0, "unit")


@pytest.mark.parametrize(
    ("text", "objectives", "rules"),
    [
        pytest.param(OBJECTIVE, (Objective("fast", 60, 0.9),), DEFAULTS.failure_rules, id="only_objectives"),
        pytest.param(RULE, DEFAULTS.objectives, (FailureRule("flaky", "gateway"),), id="only_rules"),
        pytest.param("objectives = []", (), DEFAULTS.failure_rules, id="no_objectives_at_all"),
        pytest.param("# objectives", DEFAULTS.objectives, DEFAULTS.failure_rules, id="only_a_comment"),
        pytest.param(
            OBJECTIVE + 'source = "a"\naction = "b"\n',
            (Objective("fast", 60, 0.9, "a", "b"),),
            DEFAULTS.failure_rules,
            id="narrowed_down",
        ),
    ],
)
def test_a_file_replaces_what_it_has(
    path: Path, text: str, objectives: tuple[Objective, ...], rules: tuple[FailureRule, ...]
) -> None:
    """And nothing else."""
    path.write_text(text, encoding="utf-8")
    assert read_analysis(path) == Analysis(objectives, rules)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[objectives", "(at end of document)", id="no_toml"),
        pytest.param("objectives = 3", "objectives", id="no_list"),
        pytest.param("objectives = [3]", "objectives", id="no_table"),
        pytest.param("[failure_rules]\npattern = 'x'", "failure_rules", id="one_bracket_too_few"),
        pytest.param("[[objective]]\nname = 'x'", "unknown section 'objective'", id="unknown_section"),
        pytest.param(OBJECTIVE + "second = 3", "unknown key 'second'", id="unknown_key"),
        pytest.param('[[objectives]]\nname = "x"\ntarget = 0.9', "seconds", id="missing_key"),
        pytest.param(OBJECTIVE.replace("60", '"60"'), "seconds", id="seconds_as_text"),
        pytest.param(OBJECTIVE.replace("60", "0"), "above 0", id="no_seconds"),
        pytest.param(OBJECTIVE.replace("60", "inf"), "seconds", id="endless"),
        pytest.param(OBJECTIVE.replace("0.9", "95"), "share", id="per_cent_for_a_share"),
        pytest.param(OBJECTIVE.replace("0.9", "true"), "target", id="a_truth_for_a_share"),
        pytest.param(OBJECTIVE.replace('"fast"', "7"), "name", id="a_number_for_a_name"),
        pytest.param(OBJECTIVE + OBJECTIVE, "fast", id="two_of_one_name"),
        pytest.param(RULE.replace('"gateway"', '"gatway"'), "unknown class 'gatway'", id="unknown_class"),
        pytest.param(RULE.replace("flaky", "fla(ky"), "not a regular expression", id="bad_expression"),
        pytest.param(RULE.replace("flaky", "(?=flaky)"), "not a regular expression", id="look_ahead"),
        pytest.param(RULE.replace('"flaky"', "7"), "pattern", id="a_number_for_a_pattern"),
        pytest.param(RULE + RULE, "two failure rules named 'flaky'", id="two_rules_of_one_name"),
        pytest.param(RULE + 'refunded = "no"', "refunded true or false", id="refunded_as_text"),
        pytest.param("[pricing]\nquota_per_unit = 0", "quota_per_unit", id="no_quota_in_a_unit"),
        pytest.param("[pricing]\nprice = -1", "price", id="a_price_below_nothing"),
        pytest.param("[pricing]\ncurrency = 3", "currency", id="a_number_for_a_currency"),
        pytest.param("[pricing]\ncents = 3", "unknown key 'cents'", id="unknown_key_of_the_price"),
        pytest.param("[[pricing]]\nprice = 1", "begin it with [pricing]", id="one_bracket_too_many"),
        pytest.param("\x00", "analysis.toml", id="binary"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file_and_the_mistake(path: Path, text: str, said: str) -> None:
    """And what to do."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnalysisFileError) as caught:
        read_analysis(path)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message
    assert "Fix it" in message


def test_a_file_in_another_encoding_is_a_mistake_too(path: Path) -> None:
    """UTF-8 is what TOML is."""
    path.write_bytes('pattern = "超时"'.encode("gb18030"))
    with pytest.raises(AnalysisFileError, match="utf-8"):
        read_analysis(path)


def with_rules(*rules: tuple[str, str]) -> Analysis:
    return Analysis(DEFAULTS.objectives, tuple(FailureRule(*rule) for rule in rules))


def test_changed_rules_class_every_failure_again_as_a_rebuild_would(bench: Bench) -> None:
    """At the next load, even of nothing; and so does going back."""
    reasons = ["Flaky upstream", "no face found", "任务超时（30分钟）", "", "who knows", "Content Policy"]
    bench.load([Answer(f"t{number}", minute(1), failed(reason)) for number, reason in enumerate(reasons)])
    shipped = contents(bench.con)
    changed = with_rules(("FLAKY", "gateway"), ("超时", "gateway_timeout"), ("face|flaky", "input"))
    bench.load(analysis=changed)
    found = column(bench.con, "select fail_class from tasks order by task_id")
    assert found == ["gateway", "input", "gateway_timeout", "unknown", "unknown", "unknown"]
    ruled = column(bench.con, "select fail_rule from tasks order by task_id")
    assert ruled == ["FLAKY", "face|flaky", "超时", None, None, None]
    with emptied("other") as con:
        load(con, bench.store.segments("observations"), changed, bench.policy)
        assert contents(con) == contents(bench.con)
    bench.load()
    assert contents(bench.con) == shipped


def test_a_price_is_read_and_can_be_read_from_its_table(path: Path, bench: Bench) -> None:
    """What is not given is as shipped."""
    path.write_text('[pricing]\nprice = 7.3\ncurrency = "CNY"\n', encoding="utf-8")
    bench.load(analysis=read_analysis(path))
    assert rows(bench.con, "from pricing") == [{"quota_per_unit": 500_000, "price": 7.3, "currency": "CNY"}]


def test_what_is_in_force_can_be_read_from_the_tables(bench: Bench) -> None:
    """Also when it was something else before, and when it is nothing."""
    bench.load(analysis=Analysis((Objective("fast", 60, 0.9, action="x"),), (FailureRule("a", "input"),)))
    assert rows(bench.con, "from objectives") == [
        {"name": "fast", "source": None, "action": "x", "seconds": 60, "target": 0.9}
    ]
    assert rows(bench.con, "from failure_rules") == [
        {"position": 1, "name": "a", "pattern": "a", "fail_class": "input", "is_refunded": True}
    ]
    bench.load(analysis=Analysis((), ()))
    assert rows(bench.con, "from objectives") + rows(bench.con, "from failure_rules") == []
