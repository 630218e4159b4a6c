"""The tables that the stores need, as a service makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ostiary.settings import Settings
from ostiary.stores.schema import create_tables, definition, tables


@pytest.mark.parametrize("ttl", [True, False])
def test_the_tables_have_keys_indexes_stream_and_expiry(moto_client: Any, moto_settings: Settings, ttl: bool) -> None:
    create_tables(moto_client, moto_settings, ttl=ttl)
    for table in tables(moto_settings):
        made = moto_client.describe_table(TableName=table.name)["Table"]
        assert tuple(key["AttributeName"] for key in made["KeySchema"]) == table.keys
        assert {index["IndexName"] for index in made.get("GlobalSecondaryIndexes", ())} == {index.name for index in table.indexes}
        assert made.get("StreamSpecification", {}).get("StreamViewType") == ("NEW_IMAGE" if table.stream else None)
        expiry = moto_client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        assert (expiry["TimeToLiveStatus"], expiry.get("AttributeName")) == (("ENABLED", "ttl") if ttl else ("DISABLED", None))


def test_only_the_state_table_streams() -> None:
    assert [table.stream for table in tables(Settings())] == [True, False, False]


class _Template(yaml.SafeLoader):
    """CloudFormation's YAML; its functions (``!Ref`` …) are left as None."""


_Template.add_multi_constructor("!", lambda loader, suffix, node: None)


def test_the_template_declares_the_same_tables() -> None:
    template = yaml.load((Path(__file__).parents[2] / "template.yaml").read_text(), _Template)
    kinds = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
    declared = [found["Properties"] for found in template["Resources"].values() if found["Type"] in kinds]
    wanted = [definition(table) for table in tables(Settings())]
    assert len(declared) == len(wanted)
    for theirs, ours in zip(sorted(declared, key=_by_keys), sorted(wanted, key=_by_keys), strict=True):
        assert theirs["KeySchema"] == ours["KeySchema"]
        assert _by_name(theirs["AttributeDefinitions"]) == _by_name(ours["AttributeDefinitions"])
        assert theirs.get("GlobalSecondaryIndexes") == ours.get("GlobalSecondaryIndexes")
        assert theirs.get("StreamSpecification", {}).get("StreamViewType") == ours.get("StreamSpecification", {}).get("StreamViewType")
        assert theirs["TimeToLiveSpecification"]["AttributeName"] == "ttl"


def _by_keys(table: dict[str, Any]) -> str:
    return str(table["KeySchema"])


def _by_name(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {found["AttributeName"]: found["AttributeType"] for found in attributes}
