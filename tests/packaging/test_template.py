"""template.yaml against the code that runs in what it deploys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ostiary.settings import Settings
from ostiary.stores.items import TTL, WRITER
from ostiary.stores.schema import definition, tables

TABLES = ("StateTable", "VerdictTable", "CaseTable")
FUNCTIONS = {"AuthorizeFunction": "authorize", "ProxyFunction": "proxy", "RecordFunction": "record", "EscalateFunction": "escalate"}


class Recorder(dict[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__(OSTIARY_IDENTIFIER_KEY="sixteen characters")
        self.asked: set[str] = {"OSTIARY_IDENTIFIER_KEY"}

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@pytest.fixture(scope="module")
def known_variables() -> set[str]:
    environment = Recorder()
    Settings.from_environment(environment)
    return {name for name in environment.asked if name.startswith("OSTIARY_")}


def statements(resources: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield name, statement


@pytest.mark.parametrize(("resource", "table"), list(zip(TABLES, tables(Settings()), strict=True)))
def test_a_table_has_the_keys_indexes_and_stream_of_the_schema(resources: Mapping[str, Any], resource: str, table: Any) -> None:
    properties = resources[resource]["Properties"]
    wanted = definition(table)
    assert properties["KeySchema"] == wanted["KeySchema"]
    assert properties["BillingMode"] == wanted["BillingMode"]
    assert sorted(properties["AttributeDefinitions"], key=str) == sorted(wanted["AttributeDefinitions"], key=str)
    assert properties.get("GlobalSecondaryIndexes") == wanted.get("GlobalSecondaryIndexes")
    stream = wanted.get("StreamSpecification", {}).get("StreamViewType")
    assert properties.get("StreamSpecification", {}).get("StreamViewType") == stream


@pytest.mark.parametrize("resource", TABLES)
def test_a_table_expires_items_is_encrypted_recoverable_and_outlives_the_stack(resources: Mapping[str, Any], resource: str) -> None:
    properties = resources[resource]["Properties"]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": TTL, "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert resources[resource]["DeletionPolicy"] == resources[resource]["UpdateReplacePolicy"] == "Retain"


def test_every_variable_that_the_template_sets_is_one_that_settings_read(template: Mapping[str, Any], known_variables: set[str]) -> None:
    given = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for name in FUNCTIONS:
        given |= set(template["Resources"][name]["Properties"].get("Environment", {}).get("Variables", {}))
    assert given <= known_variables


def test_the_settings_page_has_a_row_for_every_variable_and_no_other(root: Path, known_variables: set[str]) -> None:
    rows = re.findall(r"^\| `(OSTIARY_\w+)` \|", (root / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert set(rows) == known_variables
    assert len(rows) == len(set(rows))


def test_the_settings_page_names_every_parameter(root: Path, template: Mapping[str, Any]) -> None:
    page = (root / "docs" / "settings.md").read_text()
    assert [name for name in template["Parameters"] if f"`{name}`" not in page] == []


def test_a_new_deployment_only_monitors_and_enforcing_needs_an_appeal_address(template: Mapping[str, Any]) -> None:
    assert template["Parameters"]["Mode"]["Default"] == "monitor"
    rule = template["Rules"]["EnforcingNeedsAnAppealAddress"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Mode"}, "enforce"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Appeal"}, ""]}]}


def test_the_secret_is_long_and_never_shown(template: Mapping[str, Any]) -> None:
    key = template["Parameters"]["IdentifierKey"]
    assert key["NoEcho"] is True
    assert key["MinLength"] == 16
    assert "Default" not in key


@pytest.mark.parametrize(("resource", "folder"), list(FUNCTIONS.items()))
def test_a_function_is_built_by_the_makefile_from_its_folder(
    root: Path, template: Mapping[str, Any], resources: Mapping[str, Any], resource: str, folder: str
) -> None:
    function = resources[resource]
    assert function["Metadata"] == {"BuildMethod": "makefile", "ContextPath": ".", "WorkingDirectory": "."}
    assert function["Properties"]["CodeUri"] == f"functions/{folder}/"
    assert (root / "functions" / folder / "app.py").is_file()
    makefile = (root / "Makefile").read_text()
    assert f"build-{resource}: FUNCTION := {folder}\n" in makefile
    assert template["Globals"]["Function"]["Handler"] == "app.handler"
    assert template["Globals"]["Function"]["Runtime"] == "python3.12"


def test_every_folder_of_functions_is_deployed(root: Path) -> None:
    assert {path.parent.name for path in root.glob("functions/*/app.py")} == set(FUNCTIONS.values())


def test_every_function_has_a_role_and_a_log_group_of_its_own(resources: Mapping[str, Any]) -> None:
    functions = [resources[name]["Properties"] for name in FUNCTIONS]
    assert len({str(function["Role"]) for function in functions}) == len(FUNCTIONS)
    assert len({str(function["LoggingConfig"]["LogGroup"]) for function in functions}) == len(FUNCTIONS)


def test_roles_name_exact_actions_and_resources(resources: Mapping[str, Any]) -> None:
    for role, statement in statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], role
        if statement["Resource"] == "*":
            assert actions == ["dynamodb:ListStreams"], role


def test_the_request_path_may_only_use_the_state_table(resources: Mapping[str, Any]) -> None:
    for role in ("AuthorizeRole", "ProxyRole"):
        granted = [statement for name, statement in statements(resources) if name == role and "logs" not in str(statement["Action"])]
        assert [statement["Resource"] for statement in granted] == [{"Fn::GetAtt": "StateTable.Arn"}]


def test_the_authorizer_is_asked_about_every_request_and_nothing_is_kept(resources: Mapping[str, Any]) -> None:
    body = resources["Api"]["Properties"]["DefinitionBody"]
    authorizer = body["components"]["securitySchemes"]["ostiary"]["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    # A header or query parameter as identity source would be a 401 without a verdict where it is missing.
    assert authorizer["identitySource"] == "context.httpMethod"
    route = body["paths"]["/authorized/{proxy+}"]
    assert {verb: route[verb]["security"] for verb in ("get", "post", "options")} == {
        "get": [{"ostiary": []}],
        "post": [{"ostiary": []}],
        "options": [],
    }


def test_a_client_cannot_name_what_is_withheld_itself(resources: Mapping[str, Any]) -> None:
    route = resources["Api"]["Properties"]["DefinitionBody"]["paths"]["/authorized/{proxy+}"]
    for verb in ("get", "post"):
        mapped = route[verb]["x-amazon-apigateway-integration"]["requestParameters"]
        assert mapped["integration.request.header.x-ostiary-withhold"] == "context.authorizer.withhold"


def test_record_takes_only_images_of_requests_and_gives_up_into_a_bucket(resources: Mapping[str, Any]) -> None:
    stream = resources["RecordFunction"]["Properties"]["Events"]["Stream"]["Properties"]
    assert stream["FilterCriteria"]["Filters"] == [{"Pattern": f'{{"dynamodb": {{"NewImage": {{"{WRITER}": {{"S": ["request"]}}}}}}}}'}]
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] > 0
    assert 0 < stream["MaximumRecordAgeInSeconds"] < 86_400
    assert stream["ParallelizationFactor"] == 1
    assert stream["DestinationConfig"]["OnFailure"]["Type"] == "S3"


@pytest.mark.parametrize("filter", ["AuthorizeVerdicts", "ProxyVerdicts"])
def test_logged_verdicts_reach_record(resources: Mapping[str, Any], filter: str) -> None:
    properties = resources[filter]["Properties"]
    assert properties["FilterPattern"] == '"ostiary.verdict"'
    assert properties["DestinationArn"] == {"Fn::GetAtt": "RecordFunction.Arn"}


def test_findings_of_an_account_stay_in_order_and_are_never_dropped_unseen(resources: Mapping[str, Any]) -> None:
    queue, dead = resources["FindingsQueue"]["Properties"], resources["FindingsDeadLetters"]["Properties"]
    assert queue["FifoQueue"] is dead["FifoQueue"] is True
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": "FindingsDeadLetters.Arn"}
    assert queue["VisibilityTimeout"] >= 6 * resources["EscalateFunction"]["Properties"]["Timeout"]
    assert resources["FindingsLost"]["Properties"]["Dimensions"][0]["Value"] == {"Fn::GetAtt": "FindingsDeadLetters.QueueName"}


def test_an_authorizer_that_fails_raises_an_alarm(resources: Mapping[str, Any]) -> None:
    alarm = resources["AuthorizerErrors"]["Properties"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("Errors", 1)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "AuthorizeFunction"}}]
    assert "ReservedConcurrentExecutions" in resources["AuthorizeFunction"]["Properties"]


def test_every_output_says_what_it_is(template: Mapping[str, Any]) -> None:
    assert all(output.get("Description") for output in template["Outputs"].values())
