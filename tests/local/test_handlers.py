import pytest

from ostiary.local.handlers import Context, load, shipped
from ostiary.vocabulary.errors import OstiaryError


@pytest.mark.parametrize("name", ["authorize", "proxy", "record", "escalate"])
def test_every_function_loads_once_under_its_own_name_and_can_be_assembled(name):
    module = load(name)
    assert module is load(name) and module.__name__ == f"ostiary_function_{name}"
    assert callable(module.assemble) and callable(module.handler)


def test_the_starter_pack_came_with_this_installation():
    assert (shipped("rules") / "escalation.yaml").is_file()


def test_a_function_or_folder_that_does_not_exist_is_said_so():
    with pytest.raises(OstiaryError, match="no function 'guess'"):
        load("guess")
    with pytest.raises(OstiaryError, match="'guess' did not come"):
        shipped("guess")


def test_the_folder_of_a_wheel_comes_before_the_checkouts(tmp_path, monkeypatch):
    from ostiary.local import handlers

    package = tmp_path / "lib" / "python" / "ostiary"
    (package / "_shipped" / "rules").mkdir(parents=True)
    (tmp_path / "lib" / "rules").mkdir()
    monkeypatch.setattr(handlers, "PACKAGE", package)
    assert shipped("rules") == package / "_shipped" / "rules"


def test_a_handler_can_ask_its_context_what_lambda_tells():
    context = Context("record", "r-1")
    assert context.invoked_function_arn.endswith(":record") and context.get_remaining_time_in_millis() > 0
