import pytest

from ostiary.local.clock import VirtualClock
from ostiary.local.services import opened
from ostiary.settings import Settings
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


def test_tables_on_an_endpoint_are_of_this_play_alone_and_dropped_at_its_end():
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        database = boto3.client(
            "dynamodb", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="local", aws_secret_access_key="local"
        )
        with opened(endpoint, Settings(), VirtualClock()) as one, opened(endpoint, Settings(), VirtualClock()) as other:
            assert len(database.list_tables()["TableNames"]) == 6
            one.state.set_mode("enforce")
            assert other.state.control(None, "monitor").mode == "monitor"
        assert database.list_tables()["TableNames"] == []
        database.close()
    finally:
        server.stop()


def test_another_word_for_a_store_is_refused_by_name():
    with pytest.raises(SettingsError, match="--store is 'postgres'"), opened("postgres", Settings(), VirtualClock()):
        pass


def test_an_endpoint_where_nothing_answers_is_said_so():
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1:9"), opened("http://127.0.0.1:9", Settings(), VirtualClock()):
        pass
