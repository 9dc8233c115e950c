"""Listing the threads that the tasks hold."""

from collections.abc import Sequence

from ops_lambdas.shared.coral import Coral, CoralError
from ops_lambdas.shared.fleet import Fleet
from ops_lambdas.thread_cleanup.core import Held, Listing


def list_threads(fleet: Fleet, pools: Sequence[str]) -> Listing:
    """List the threads of these pools on every task; a task that does not answer in time is given up."""
    held: list[Held] = []
    failed: list[str] = []
    answering: set[str] = set()
    kinds: set[str] = set()

    def look(task: str, coral: Coral) -> None:
        for pool in pools:
            try:
                threads = coral.threads(pool)
            except CoralError as error:
                failed.append(str(error))
                kinds.add(error.kind)
                if error.kind in ("unreachable", "out_of_time"):
                    fleet.give_up(task)
                    return
            else:
                answering.add(task)
                held.extend(Held(task, pool, thread) for thread in threads)

    fleet.call_each(look)
    return Listing(
        held=tuple(held),
        answering=tuple(sorted(answering)),
        unreachable=tuple(sorted(fleet.given_up)),
        failed=tuple(sorted(failed)),
        lacks_threads_api=not answering and kinds == {"absent"},
    )
