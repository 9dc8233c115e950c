"""A container's command that starts a program again until it stays up."""

# A container that ran for less than this is not restarted by ECS, and it cannot be set lower.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html
RESTART_PERIOD_SECONDS = 60
UP_SINCE = "/tmp/up-since"  # noqa: S108 - of a container of its own

# For any POSIX shell. A signal ends the `wait` early, so it waits until the program is really gone.
_SCRIPT = """\
child= stopping=
trap 'stopping=yes; test -z "$child" || kill -TERM "$child" 2>/dev/null' TERM INT
wait_for_child() {
  code=0; wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do code=0; wait "$child" || code=$?; done
  child=
}
up_since=$1; min_seconds=$2; pause=$3; shift 3
while :; do
  started=$(date +%s); echo "$started" > "$up_since"
  "$@" & child=$!
  test -z "$stopping" || kill -TERM "$child" 2>/dev/null
  wait_for_child
  : > "$up_since"
  ran=$(($(date +%s) - started))
  if test -n "$stopping" || test "$ran" -ge "$min_seconds"; then exit "$code"; fi
  echo "$* ended with code $code after $ran s, starts again in $pause s" >&2
  sleep "$pause" & child=$!
  test -z "$stopping" || kill -TERM "$child" 2>/dev/null
  wait_for_child
  test -z "$stopping" || exit 143
  pause=$((pause * 2)); test "$pause" -le 60 || pause=60
done
"""


def until_it_stays_up(
    *command: str, min_seconds: int = RESTART_PERIOD_SECONDS, pause_seconds: int = 5, up_since: str = UP_SINCE
) -> tuple[str, ...]:
    """Return a command that runs `command`, again and again until it has run for `min_seconds`.

    Its exit code is then passed on, and ECS restarts the container. SIGTERM and SIGINT are passed on as SIGTERM, and
    end it with the command's exit code, or with 143 during a pause.

    Args:
        min_seconds: a command that ends earlier has not come up.
        pause_seconds: before the second start; doubled for each further one, up to a minute.
        up_since: file with the time of the program's start, in seconds since 1970; empty while it does not run.
    """
    return ("sh", "-c", _SCRIPT, "until-it-stays-up", up_since, str(min_seconds), str(pause_seconds), *command)


def stays_up(*, min_seconds: int = RESTART_PERIOD_SECONDS, up_since: str = UP_SINCE) -> str:
    """Return the shell command that succeeds when the program of `until_it_stays_up` has run for `min_seconds`."""
    return f"read -r started < {up_since} && test $(($(date +%s) - started)) -ge {min_seconds} || exit 1"
