import pytest

from ostiary.local.clock import VirtualClock
from ostiary.local.services import opened
from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.vocabulary.errors import SettingsError, StoreError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import StateWrite
from ostiary.vocabulary.verdict import Effect, Verdict

WHO = Principal("account", "a")


def verdict(id):
    allowed = Effect()
    return Verdict(id, 5.0, WHO.key, "a", None, "rest_proxy", "GET", "/", allowed, allowed, (), (), "d", "enforce", seq=1)


@pytest.mark.parametrize("store", ["memory", "moto"])
def test_every_store_streams_each_write_and_shows_each_verdict(store):
    with opened(store, Settings(), VirtualClock(1000.0)) as services:
        for text in ("one", "two"):
            services.state.write(StateWrite(WHO, {"c@1": 1}, (), "request", text, 2000))
        services.state.write(StateWrite(WHO, {"c@1": -1}, (), "undo", None, 2000))
        images = [record["dynamodb"]["NewImage"] for record in services.stream.read() if record["dynamodb"].get("NewImage", {}).get("w")]
        assert [(image["w"]["S"], image["l"]["S"]) for image in images] == [("request", "one"), ("request", "two"), ("undo", "two")]
        assert services.stream.read() == []
        services.verdicts.keep_ruleset("digest", b"artefact")
        assert services.verdicts.upsert(verdict("v1")) and services.verdicts.upsert(verdict("v2"))
        assert sorted(found.id for found in services.verdicts.everything()) == ["v1", "v2"]


@pytest.fixture
def endpoint():
    """A DynamoDB endpoint of somebody else's, and a client for it; it is left without tables."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    database = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=url, aws_access_key_id="local", aws_secret_access_key="local")
    try:
        yield url, database
    finally:
        for name in database.list_tables()["TableNames"]:
            database.delete_table(TableName=name)
        database.close()
        server.stop()


def test_tables_on_an_endpoint_are_of_this_play_alone_and_dropped_at_its_end(endpoint):
    url, database = endpoint
    before = set(database.list_tables()["TableNames"])  # moto's backends are the process's: another test may have left some
    with opened(url, Settings(), VirtualClock()) as one, opened(url, Settings(), VirtualClock()) as other:
        assert len(set(database.list_tables()["TableNames"]) - before) == 6
        one.state.set_mode("enforce")
        assert other.state.control(None, "monitor").mode == "monitor"
    assert set(database.list_tables()["TableNames"]) == before


def test_shared_tables_have_the_names_of_the_settings_and_stay_with_what_is_in_them(endpoint):
    url, database = endpoint
    settings = Settings(case_table="my-cases")
    with opened(url, settings, SystemClock(), shared=True) as services:
        services.state.set_mode("enforce")
    assert sorted(database.list_tables()["TableNames"]) == ["my-cases", "ostiary-state", "ostiary-verdicts"]
    database.delete_table(TableName="my-cases")
    with opened(url, settings, SystemClock(), shared=True) as services:
        assert services.state.control(None, "monitor").mode == "enforce"
        assert "my-cases" in database.list_tables()["TableNames"]


def test_shared_tables_on_moto_have_the_names_of_the_settings_and_go_with_it(endpoint):
    _, database = endpoint
    with opened("moto", Settings(), SystemClock(), shared=True) as services:
        assert services.settings.state_table == "ostiary-state"
    assert database.list_tables()["TableNames"] == []


def test_a_state_table_without_a_stream_is_refused_by_name(endpoint):
    url, database = endpoint
    key = {"AttributeName": "pk", "KeyType": "HASH"}
    database.create_table(
        TableName="ostiary-state",
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(StoreError, match="ostiary-state has no stream"), opened(url, Settings(), SystemClock(), shared=True):
        pass


def test_another_word_for_a_store_is_refused_by_name():
    with pytest.raises(SettingsError, match="--store is 'postgres'"), opened("postgres", Settings(), VirtualClock()):
        pass


def test_an_endpoint_where_nothing_answers_is_said_so():
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1:9"), opened("http://127.0.0.1:9", Settings(), VirtualClock()):
        pass
