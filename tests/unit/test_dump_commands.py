"""What `make dump` and `make restore-dump` show, and what they ask before anything begins."""

import io
import re
from collections.abc import Callable

import pytest

from config import PRODUCTION
from constructs.dump.dump_states import dump_states, restore_states
from ops_lambdas.database_role.grants import STATISTICS, STATISTICS_SCHEMA
from ops_lambdas.shared.contents import HEARTBEAT_SCHEMA
from procedures.dump_bucket import Dump, DumpError, rows, table
from procedures.restore_dump import restore
from procedures.terminal import Terminal
from rehearsal import ROOT

DUMP = Dump("dumps/2026-11-29T090000.123Z", 1_234_567, {"public.Session": 200, "public.Message": 1_000})


def console() -> Terminal:
    return Terminal(file=io.StringIO(), width=200, color_system="truecolor", force_terminal=True)


def test_row_counts_are_read_as_psql_writes_them() -> None:
    text = 'public.Session,200\n"public.with,comma",3\n"public.with""quote",0\n'
    assert rows(text) == {"public.Session": 200, "public.with,comma": 3, 'public.with"quote': 0}
    assert rows("") == {}


def test_unequal_counts_stand_out_and_a_missing_one_is_named() -> None:
    shown = console()
    shown.print(table("key", {"dumped": {"a": 1, "b": 2000, "c": 3}, "restored": {"a": 1, "b": 1999}}))
    lines = {line.split("│")[1].strip(): line for line in _text(shown).splitlines() if line.count("│") > 2}
    red = [line for line in _raw(shown).splitlines() if "\x1b[1;31m" in line]
    assert len(red) == 2
    assert "2,000" in lines["b"]
    assert "1,999" in lines["b"]
    assert "none" in lines["c"]


@pytest.mark.parametrize("answer", ["", "yes", "staging", "Production"])
def test_nothing_is_restored_unless_the_environment_is_typed(answer: str) -> None:
    shown = console()
    with pytest.raises(DumpError, match=f"nothing was restored: production was to be typed, got {answer!r}"):
        restore(PRODUCTION, shown, DUMP, lambda _: answer)
    text = _text(shown)
    assert "1.2 MB, 1,200 rows in 2 tables" in text
    assert "pardon-production-database in us-east-1, which must have no table" in text


def test_without_an_answer_nothing_is_restored() -> None:
    def ended(_: str) -> str:
        raise EOFError

    ask: Callable[[str], str] = ended
    with pytest.raises(DumpError, match="nothing was restored"):
        restore(PRODUCTION, console(), DUMP, ask)


def test_a_dump_is_one_only_when_both_objects_are_there() -> None:
    states = dump_states(run_task={"Cluster": "c"}, bucket="dumps")["States"]
    assert states["Dump"]["Next"] == "List"
    (choice,) = states["IsComplete"]["Choices"]
    assert (choice["NumericEquals"], choice["Next"]) == (2, "Dumped")
    assert states[states["IsComplete"]["Default"]]["Type"] == "Fail"
    (override,) = states["Dump"]["Parameters"]["Overrides"]["ContainerOverrides"]
    assert override == {"Name": "aws-cli", "Environment": [{"Name": "KEY", "Value.$": "$.key"}]}
    # The CDK leaves null out, and the task's own output would replace the key.
    assert states["Dump"]["ResultPath"] == "$.task"


def test_what_database_role_makes_is_neither_dumped_nor_counted() -> None:
    folder = ROOT / "constructs" / "dump"
    script, tables = (folder / "dump.sh").read_text(), (folder / "tables.sql").read_text()
    for schema in (STATISTICS_SCHEMA, HEARTBEAT_SCHEMA):
        assert f" --exclude-schema={schema} " in script
        assert f"'{schema}'" in tables
    assert f" --exclude-extension={STATISTICS} " in script


def test_the_checks_get_access_after_a_restore_and_not_after_one_that_failed() -> None:
    states = restore_states(run_task={"Cluster": "c"}, database_role={"Type": "Task"})["States"]
    assert states["Restore"]["Next"] == "DatabaseRole"
    assert "Catch" not in states["Restore"]


def _raw(shown: Terminal) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


def _text(shown: Terminal) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", _raw(shown))
