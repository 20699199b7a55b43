"""A reason that no rule matches comes with a rule that would."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.warehouse.tables import rolled_back
from transforms.failures import FailureRule

pytestmark = pytest.mark.e2e  # loads, or many worlds


@pytest.mark.parametrize(
    "reason",
    [
        "flux lost at 41%",
        'it\'s "quoted" and (bracketed) [odd] {x} a|b ^ $ * + ?',
        r"C:\models\v2\face.onnx is gone",
        "line one\nline two\ttab",
        "未知问题（编号：A17-b2）",
        "'" * 5,
        "job 8f14e45f-ceea-467f-9f4e-1a2b3c4d5e6f vanished",
    ],
)
def test_the_rule_that_is_proposed_is_valid_and_matches(reason: str) -> None:
    """As it stands, put into analysis.toml."""
    with rolled_back() as con:
        con.execute(
            "insert into tasks (source, task_id, status, fail_reason) values ('s', 't', 'FAILURE', $reason)",
            {"reason": reason},
        )
        [(text,)] = con.execute("select rule from failure_reasons_unmatched").fetchall()
    [rule] = tomllib.loads(text)["failure_rules"]
    assert re.search(FailureRule(**rule).pattern, reason)
