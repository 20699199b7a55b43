"""The oracle can fail: without the order of syncs, the ledger or the transaction it goes red."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.promises import mutations, oracle
from tests.promises.crowd import Reader
from tests.promises.steps import Trap
from tests.promises.test_crash import survey
from tests.promises.test_power import AT_THE_END, cut_again_and_again, cut_power

if TYPE_CHECKING:
    from tests.promises.child import SetUp
    from tests.promises.conftest import Besiege

#: One of each kind is in `make test`.
LONG = pytest.mark.soak


def test_without_a_mutation_it_is_green(besiege: Besiege) -> None:
    """Otherwise what follows would say nothing."""
    siege = besiege(60)
    cut_power(siege, "collect", AT_THE_END)
    siege.recover()


@pytest.mark.parametrize(
    "mutation",
    [
        pytest.param(mutations.no_sync_of_files, id="no_sync_of_files"),
        pytest.param(mutations.no_sync_of_folders, id="no_sync_of_folders", marks=LONG),
        pytest.param(mutations.name_before_content, id="name_before_content", marks=LONG),
    ],
)
def test_without_the_order_of_syncs_a_power_cut_is_noticed(besiege: Besiege, mutation: SetUp) -> None:
    """By a segment that is gone, or not whole, although it was reported."""
    siege = besiege(60)
    with pytest.raises(AssertionError, match="what was reported as archived"):
        cut_again_and_again(siege, "collect", [AT_THE_END, 10, 9, 11, 12, AT_THE_END], 99, mutation)


@pytest.mark.parametrize(
    ("mutation", "function", "step", "time", "complaint"),
    [
        pytest.param(mutations.forget_the_ledger, "atomic_write", -2, 1, "not loaded", id="no_ledger"),
        pytest.param(
            mutations.ledger_first, "_load_answers", -2, 1, "another state of it", id="ledger_first", marks=LONG
        ),
        pytest.param(mutations.no_transaction, "_load_answers", -5, 1, "lacks", id="no_transaction"),
        pytest.param(mutations.count_copies, "atomic_write", -2, 1, "twice", id="count_copies", marks=LONG),
        pytest.param(mutations.never_clear, "atomic_write", -2, 1, "leftovers", id="never_clear", marks=LONG),
    ],
)
def test_without_what_a_load_rests_on_a_kill_is_noticed(
    besiege: Besiege, mutation: SetUp, function: str, step: int, time: int, complaint: str
) -> None:
    """After a kill in `function` and a successful run, both of the changed program."""
    siege = besiege(60)
    steps = [step for step in survey(siege, "collect") if step.endswith(f" {function}")]
    siege.do("collect", mutation, Trap(steps[step], time))
    assert siege.tally["collect killed"] == 1
    with pytest.raises(AssertionError, match=complaint):
        siege.recover(mutation)


def test_a_reader_who_is_refused_and_half_a_load_are_noticed(besiege: Besiege) -> None:
    """By a publication into the file that readers open, and by an answer that is not there."""
    siege = besiege(60)
    assert siege.do("collect") == 0
    reader = Reader(siege, 0)
    with reader.reading():
        assert siege.command("publish", mutations.copy_in_place).run() == 0
    assert reader.seen().refused
    with duckdb.connect(siege.paths.published) as con:
        oracle.check_whole(con)
        con.execute("delete from observations where rowid = 0")
        with pytest.raises(AssertionError, match=r"do not hold|not what the ledger says"):
            oracle.check_whole(con)
