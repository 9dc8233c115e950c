"""Secrets that rotate while tasks run, against a real PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pg8000.native
import pytest

from ops_lambdas.rotation.versions import RotationError
from ops_lambdas.shared.database import DatabaseError
from ops_lambdas.shared.secret_values import SecretError
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.rotation.world import MASTER_PASSWORD, STEPS, World


def test_application_alternates_between_two_users_and_nobody_loses_access(world: World) -> None:
    logins = [world.read(world.url)]
    connections = [world.connect(logins[0])]
    for _ in range(3):
        logins.append(world.rotate(world.url))
        connections.append(world.connect(logins[-1]))
        # Tasks from before the rotation: their connections live, and they may open others.
        assert [connection.run('SELECT count(*) FROM "Session"') for connection in connections] == [[[0]]] * len(logins)
        world.connect(logins[-2]).close()

    users = [login["username"] for login in logins]
    assert users == [world.master, f"{world.master}_1", f"{world.master}_2", f"{world.master}_1"]
    assert len({login["password"] for login in logins}) == 4
    with pytest.raises(pg8000.native.DatabaseError, match="28P01"):
        world.connect(logins[1])  # the password of two rotations ago
    for connection in connections:
        connection.close()


def test_urls_have_the_new_login_and_are_else_as_they_were(world: World) -> None:
    before = world.read(world.url)
    after = world.rotate(world.url)

    assert {key for key in before if before[key] != after[key]} == {"username", "password", "url", "libpq_url"}
    for key in ("url", "libpq_url"):
        old, new = urlsplit(before[key]), urlsplit(after[key])
        assert (new.username, new.password) == (after["username"], after["password"])
        assert (new.hostname, new.port, new.path) == (old.hostname, old.port, old.path)
        assert parse_qs(new.query) == parse_qs(old.query)


def test_a_migration_by_any_of_the_users_fits_the_others(world: World) -> None:
    world.migrate(world.read(world.url), "AsMaster")
    logins = [world.read(world.url), world.rotate(world.url), world.rotate(world.url)]

    for number, login in enumerate(logins):
        world.migrate(login, f"Table{number}")

    for login in logins:
        with closing(world.connect(login)) as connection:
            for number in range(3):
                connection.run(f'ALTER TABLE "Table{number}" ADD COLUMN IF NOT EXISTS "by_{login["username"]}" text')
            owners = connection.run("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
            assert owners == [[f"{world.master}_owner"]]
    with closing(world.connect(logins[-1])) as connection:
        connection.run('DROP TABLE "AsMaster"')


def test_table_of_one_user_alone_fails_the_rotation_and_one_of_a_stranger_does_not(world: World) -> None:
    login = world.rotate(world.url)
    with closing(world.server.connect(world.database)) as admin:
        admin.run("CREATE TABLE of_a_stranger (id text)")
    world.rotate(world.url)
    with closing(world.server.connect(world.database)) as admin:
        admin.run(f"CREATE TABLE alone (id text); ALTER TABLE alone OWNER TO {login['username']}")
    with pytest.raises(RotationError, match="1 tables there belong to one of"):
        world.rotate(world.url)
    with closing(world.server.connect(world.database)) as admin:
        admin.run("DROP TABLE alone")


def test_user_has_no_privilege_beyond_the_application_s_objects(world: World) -> None:
    with closing(world.connect(world.rotate(world.url))) as connection:
        ((is_super, may_create_roles, may_create_databases),) = connection.run(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = session_user"
        )
        assert (is_super, may_create_roles, may_create_databases) == (False, False, False)
        ((groups,),) = connection.run(
            "SELECT array_agg(roleid::regrole::text) FROM pg_auth_members WHERE member = session_user::regrole"
        )
        assert groups == [f"{world.master}_owner"]


def test_password_is_in_no_statement_that_the_server_keeps(world: World) -> None:
    with closing(world.server.connect(world.database)) as admin:
        admin.run("CREATE EXTENSION pg_stat_statements")
        login = world.rotate(world.url)
        ((count,),) = admin.run("SELECT count(*) FROM pg_stat_statements WHERE query ILIKE '%ALTER ROLE%PASSWORD%'")
        ((told,),) = admin.run(
            "SELECT count(*) FROM pg_stat_statements WHERE query LIKE :text", text=f"%{login['password']}%"
        )
    assert count > 0
    assert told == 0
    assert login["password"] not in world.server.log.read_text()


def test_master_s_password_rotates_once_no_task_logs_in_with_it(world: World) -> None:
    with pytest.raises(RotationError, match=r"rotate .*database-url"):
        world.rotate(world.password)
    task = world.connect(world.read(world.url))
    world.rotate(world.url)
    token = world.begin(world.password)
    world.step("createSecret", world.password, token)
    with pytest.raises(RotationError, match="1 sessions of others are connected"):
        world.step("setSecret", world.password, token)
    assert world.read(world.password) == {"password": MASTER_PASSWORD}
    task.close()

    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        world.step(step, world.password, token)
    new = world.read(world.password)["password"]

    assert new != MASTER_PASSWORD
    world.connect(world.master_login(new)).close()
    with pytest.raises(pg8000.native.DatabaseError, match="28P01"):
        world.connect(world.master_login(MASTER_PASSWORD))
    assert world.rotate(world.url)["username"] == f"{world.master}_2"


def test_application_s_password_rotates_in_the_middle_of_the_master_s(world: World) -> None:
    world.rotate(world.url)
    token = world.begin(world.password)
    for step in ("createSecret", "setSecret"):
        world.step(step, world.password, token)

    assert world.rotate(world.url)["username"] == f"{world.master}_2"


def test_url_that_a_deployment_wrote_again_logs_in_and_rotates_on(world: World) -> None:
    """CloudFormation writes the master's login with its current password, e.g. with another connection limit."""
    world.rotate(world.url)
    world.rotate(world.password)
    password = world.read(world.password)["password"]
    written = world.read(world.url) | {"username": world.master, "password": password}
    world.client.put_secret_value(SecretId=world.url, SecretString=json.dumps(written))

    world.migrate(written, "Between")

    assert world.rotate(world.url)["username"] == f"{world.master}_1"


def test_a_step_that_runs_twice_at_once_succeeds_twice(world: World) -> None:
    token = world.begin(world.url)
    for step in STEPS:
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _, step=step: world.step(step, world.url, token), range(4)))
        assert {one["state"] for one in done} <= {"done", "finished before"}
    assert world.read(world.url)["username"] == f"{world.master}_1"
    world.connect(world.read(world.url)).close()


def test_without_the_database_the_secret_keeps_its_value_and_the_next_try_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, token = world.read(world.url), world.begin(world.url)
    world.step("createSecret", world.url, token)
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_PORT", "9")
        with pytest.raises(DatabaseError, match="Connection refused"):
            world.step("setSecret", world.url, token)
    assert world.read(world.url) == before
    for step in STEPS:
        world.step(step, world.url, token)
    assert world.read(world.url)["username"] == f"{world.master}_1"


def test_role_of_the_checks_is_kept_up_to_date_before_and_after_rotations(world: World) -> None:
    role = f"{world.master}_ops"
    try:
        assert world.ensure_role(role)["is_created"]
        world.rotate(world.url)
        world.rotate(world.password)
        world.migrate(world.read(world.url), "Later")
        again = world.ensure_role(role)
        assert (again["state"], again["granted"], again["revoked"]) == ("ensured", [], [])
    finally:
        world.drop_role(role)


def test_value_is_new_and_other_keys_stay(world: World) -> None:
    world.client.put_secret_value(SecretId=world.value, SecretString='{"value": "first", "note": "kept"}')
    value = world.rotate(world.value)
    assert len(value["value"]) == 48
    assert value == {"value": value["value"], "note": "kept"}
    assert world.read(world.value, "AWSPREVIOUS")["value"] == "first"


def test_trial_of_the_configuration_changes_nothing(world: World) -> None:
    """RotateSecret without RotateImmediately: only testSecret is called, of a version that is empty or a copy."""
    for secret in (world.url, world.password, world.value):
        token = world.begin(secret)
        assert world.step("testSecret", secret, token)["state"] == "done"
        value = world.client.get_secret_value(SecretId=secret)["SecretString"]
        world.client.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"]
        )
        assert world.step("testSecret", secret, token)["state"] == "done"


def test_steps_out_of_order_and_wrong_calls_are_refused(world: World) -> None:
    token = world.begin(world.url)
    with pytest.raises(RotationError, match="createSecret has not run"):
        world.step("setSecret", world.url, token)
    with pytest.raises(RotationError, match="is not AWSPENDING"):
        world.step("createSecret", world.url, "0" * 36)
    with pytest.raises(InvalidSettingError, match="step must be createSecret or"):
        world.step("setsecret", world.url, token)
    with pytest.raises(InvalidSettingError, match="SecretId must be one of"):
        world.step("createSecret", world.url + "x", token)
    world.client.put_secret_value(SecretId=world.url, SecretString='{"url": "mysql://"}')
    with pytest.raises(SecretError, match="no username, or no url and libpq_url"):
        world.step("createSecret", world.url, token)
