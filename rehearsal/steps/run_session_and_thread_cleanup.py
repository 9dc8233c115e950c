"""Fill the tasks' Coral servers as days of use would, and run the deployed cleanups on their schedules."""

import json
import uuid
from collections import Counter
from typing import NamedTuple

from config import REHEARSAL
from rehearsal.machine import loopback
from rehearsal.report.facts import CheckRun
from rehearsal.run import Region, Run
from rehearsal.stand_in.http_handlers import without_threads_api
from rehearsal.steps.fire_schedule import expect_metrics, fire
from rehearsal.steps.set_up_application import query

_FORGOTTEN = 2  # threads of each task and pool that the application never recorded
_THREADS = """
    SELECT t."coralThreadId", s."coralSessionId", dense_rank() OVER (ORDER BY s."id")
    FROM "Session" s JOIN "Thread" t ON t."sessionId" = s."id" """
_OPEN = 'SELECT "id" FROM "Session" WHERE "endTime" IS NULL'
_IDLE = f"""{_OPEN} AND "lastActivityAt" < (now() AT TIME ZONE 'UTC') - interval '60 minutes'"""
_THREADS_OF = 'SELECT "coralThreadId" FROM "Thread" WHERE "sessionId" IN ({sessions})'


class Held(NamedTuple):
    """A thread that a task's Coral server holds."""

    host: str
    pool: str
    thread: str


def open_threads(run: Run, region: Region) -> None:
    """Open every recorded thread on one task, and on each task some that are not recorded.

    A session's user stays on one task. The threads of ended sessions are those that the application forgot to close.
    """
    opened = [
        Held(region.hosts[number % len(region.hosts)], pool, thread)
        for thread, pool, number in query(run, region, _THREADS)
    ]
    opened += [
        Held(host, pool, str(uuid.uuid4()))
        for host in region.hosts
        for pool in REHEARSAL.pools
        for _ in range(_FORGOTTEN)
    ]
    for host, pool in sorted({(one.host, one.pool) for one in opened}):
        threads = [one.thread for one in opened if (one.host, one.pool) == (host, pool)]
        loopback.post(_url(run, host, pool), json.dumps(threads).encode())


def prove_without_threads_api(run: Run, region: Region) -> list[CheckRun]:
    """A Coral server as the public one, without the threads API, is a named state, and nothing is closed."""
    before = _held(run, region)
    flag = without_threads_api(region.secrets_file)
    flag.touch()
    try:
        outcome = fire(run, region, "thread_cleanup")
    finally:
        flag.unlink()
    state, closed = outcome.result["state"], len(before - _held(run, region))
    seen = f"{state}, {closed} threads closed"
    is_so = (state, closed) == ("no_threads_api", 0)
    run.report.expect(is_so, region.name, "thread_cleanup names Coral servers without the threads API", seen)
    expect_metrics(run, region, outcome, {("ThreadsApiMissing", ""): 1})
    return [outcome.reported(region, seen)]


def prove_session_cleanup(run: Run, region: Region) -> list[CheckRun]:
    """Exactly the idle sessions must end, and exactly their threads must be closed, on every task."""
    was_open, idle = _ids(run, region, _OPEN), _ids(run, region, _IDLE)
    threads = _ids(run, region, _THREADS_OF.format(sessions=_IDLE))
    before = _held(run, region)
    outcome = fire(run, region, "session_cleanup")
    ended = was_open - _ids(run, region, _OPEN)
    closed = before - _held(run, region)

    seen = f"{len(ended)} of {len(was_open)} open sessions ended, {len(idle)} were idle; {len(was_open - ended)} stay"
    run.report.expect(ended == idle, region.name, "session_cleanup ends the idle sessions and no other", seen)
    is_so = closed == {one for one in before if one.thread in threads} and _hosts(closed) == set(region.hosts)
    seen = f"{len(closed)} of {len(before)} threads closed: {_by_task(closed)}"
    run.report.expect(is_so, region.name, "session_cleanup closes their threads on every task, and no other", seen)

    expected = {"SessionsStale": len(idle), "SessionsEnded": len(ended), "SessionsSpared": 0, "SessionsLeft": 0}
    expected |= {"ThreadsClosed": len(closed), "ThreadsLeft": 0}
    expect_metrics(run, region, outcome, {(name, ""): value for name, value in expected.items()})
    result = outcome.result
    did = f"ended {result['sessions_ended']} sessions, closed their {result['threads_closed']} threads"
    return [outcome.reported(region, f"{did} on {result['tasks']} tasks")]


def prove_thread_cleanup(run: Run, region: Region) -> list[CheckRun]:
    """Exactly the threads that belong to no open session must be closed, on every task; without the API, none."""
    without_api = prove_without_threads_api(run, region)
    known = _ids(run, region, 'SELECT "coralThreadId" FROM "Thread"')
    wanted = _ids(run, region, _THREADS_OF.format(sessions=_OPEN))
    before = _held(run, region)
    outcome = fire(run, region, "thread_cleanup")
    after = _held(run, region)
    closed = before - after

    unknown = {one for one in closed if one.thread not in known}
    orphans = f"{len(unknown)} unknown, {len(closed) - len(unknown)} of ended sessions"
    is_so = after == {one for one in before if one.thread in wanted} and _hosts(unknown) == set(region.hosts)
    seen = f"{_by_task(closed)} closed ({orphans}); {len(after)} threads of open sessions stay"
    run.report.expect(is_so, region.name, "thread_cleanup closes every orphan on every task, and no other", seen)

    expected = {"ThreadsListed": len(before), "ThreadsClosed": len(closed), "ThreadsUnknown": len(unknown)}
    expected |= {"ThreadsFailed": 0, "TasksUnreachable": 0, "ThreadCleanupRefused": 0}
    expect_metrics(run, region, outcome, {(name, ""): value for name, value in expected.items()})
    result = outcome.result
    did = f"closed {result['threads_closed']} of {result['threads_listed']} threads on {result['tasks']} tasks"
    return [*without_api, outcome.reported(region, f"{did}: {orphans}")]


def _url(run: Run, host: str, pool: str) -> str:
    return f"http://{host}:{run.addresses.ports.coral}/api/v1/sessions/{pool}/threads"


def _held(run: Run, region: Region) -> set[Held]:
    """Ask every task for the threads of every pool."""
    return {
        Held(host, pool, thread)
        for host in region.hosts
        for pool in REHEARSAL.pools
        for thread in json.loads(loopback.get(_url(run, host, pool))[1])
    }


def _ids(run: Run, region: Region, sql: str) -> set[str]:
    return {id_ for (id_,) in query(run, region, sql)}


def _hosts(threads: set[Held]) -> set[str]:
    return {one.host for one in threads}


def _by_task(threads: set[Held]) -> str:
    counts = Counter(one.host for one in threads)
    return ", ".join(f"{count} on {host}" for host, count in sorted(counts.items()))
