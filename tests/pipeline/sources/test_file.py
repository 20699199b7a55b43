"""`sources.toml`: what it means, and that everything wrong with it is one sentence that names file, source and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.collect.request import CollectRequest
from pipeline.errors import UnusableInputError
from pipeline.sources.choose import chosen_sources, one_source, request_of, settings_of
from pipeline.sources.file import read_sources

ROOT = Path(__file__).parents[3]
KEY = f"sk-{'a1' * 20}"

EU = """
[[source]]
name = "eu"
base_url = "https://eu.example/"
api_key_env = "EU_KEY"
rate = 5
"""
US = """
[[source]]
name = "us"
base_url = "https://us.example"
api_key_env = "US_KEY"
task_path = "/v1/videos/{id}"
access_token_block = "us-token"
discover = true
since = "2 days"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with a key for each gateway in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EU_KEY", "key-of-eu")
    monkeypatch.setenv("US_KEY", "key-of-us")
    return tmp_path


def write(text: str) -> None:
    Path("sources.toml").write_text(text, encoding="utf-8")


def test_each_gateway_has_its_own_settings_and_those_common_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option wins over its table, which wins over the environment."""
    write(EU + US)
    monkeypatch.setenv("AVATAR_TASKS_RATE", "7")
    monkeypatch.setenv("AVATAR_TASKS_TIMEOUT", "3")
    eu, us = (settings_of(one, timeout=None) for one in chosen_sources())
    assert (eu.source, eu.base_url, eu.rate, eu.timeout) == ("eu", "https://eu.example", 5, 3)
    assert (us.source, us.base_url, us.rate, us.task_path) == ("us", "https://us.example", 7, "/v1/videos/{id}")
    assert eu.api_key is not None
    assert us.api_key is not None
    assert [eu.api_key.get_secret_value(), us.api_key.get_secret_value()] == ["key-of-eu", "key-of-us"]
    assert settings_of(one_source("eu"), rate=1.0).rate == 1


def test_a_key_in_the_environment_goes_to_no_gateway_that_does_not_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would open the wrong account, or be told to somebody else's gateway."""
    write('[[source]]\nname = "eu"\nbase_url = "https://eu.example"\n')
    for name in ("API_KEY", "ACCESS_TOKEN", "USER_ID"):
        monkeypatch.setenv(f"AVATAR_TASKS_{name}", "7")
    settings = settings_of(one_source())
    assert (settings.api_key, settings.access_token, settings.user_id) == (None, None, None)


def test_what_a_table_adds_to_collect_and_its_folder_of_the_inbox() -> None:
    write(EU + US)
    eu, us = chosen_sources()
    asked = CollectRequest(inbox="inbox")
    assert request_of(eu, asked) == CollectRequest(inbox="inbox/eu", sources=2)
    assert request_of(us, asked) == CollectRequest(inbox="inbox/us", discover=True, since="2 days", sources=2)
    assert request_of(us, CollectRequest(since="1h")).since == "1h"


def test_without_a_file_nothing_changes() -> None:
    assert (chosen_sources(), chosen_sources("any"), one_source()) == ([], [], None)
    assert request_of(None, CollectRequest(inbox="inbox")) == CollectRequest(inbox="inbox")


def test_the_setting_source_chooses_as_the_option_does(monkeypatch: pytest.MonkeyPatch) -> None:
    write(EU + US)
    monkeypatch.setenv("AVATAR_TASKS_SOURCE", "us")
    assert [one.name for one in chosen_sources()] == ["us"]
    assert [one.name for one in chosen_sources("eu")] == ["eu"]


def test_a_variable_may_be_in_the_file_of_settings_or_its_secret_in_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    write(EU + US.replace("api_key_env", 'api_key_block = "us-key"\napi_key_env'))
    monkeypatch.delenv("EU_KEY")
    monkeypatch.delenv("US_KEY")
    Path(".env").write_text("EU_KEY=of-the-file\n", encoding="utf-8")
    eu, us = map(settings_of, chosen_sources())
    assert eu.api_key is not None
    assert (eu.api_key.get_secret_value(), us.api_key) == ("of-the-file", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[[source]\n", "sources.toml is not TOML: ", id="no TOML"),
        pytest.param("", "lists no gateway", id="empty"),
        pytest.param("[source]\nname = 'eu'\n", "lists no gateway: each is a table [[source]]", id="one table"),
        pytest.param("[[sorce]]\nname = 'eu'\n", "unknown 'sorce'", id="another table"),
        pytest.param(EU + "rat = 1\n", "source 'eu': unknown 'rat': did you mean ", id="unknown key"),
        pytest.param(EU + EU, "two sources are named 'eu'", id="the same name twice"),
        pytest.param(EU + EU.replace("eu", "EU"), "'eu' and, in other capitals, 'EU'", id="names that differ in case"),
        pytest.param(EU.replace('name = "eu"', ""), "source number 1: name is missing", id="no name"),
        pytest.param(EU.replace('"eu"', '"e u"'), "source 'e u': name cannot be used", id="a blank in a name"),
        pytest.param(EU.replace('"eu"', '"Done"'), "source 'Done': name cannot be used", id="a folder of the inbox"),
        pytest.param(
            US.replace("https://us.example", "us.example"), "source 'us': base_url cannot be used", id="no URL"
        ),
        pytest.param(
            US.replace("https://", "https://me:pw@"), "the key goes into the variable that api_key_env names", id="user"
        ),
        pytest.param(EU.replace("rate = 5", "rate = 0"), "source 'eu': rate cannot be used", id="no rate"),
        pytest.param(EU + "discover = 'yes'\n", "source 'eu': discover cannot be used", id="a text for a switch"),
        pytest.param(US.replace("2 days", "2 moons"), "source 'us': since cannot be used", id="no span"),
        pytest.param(US.replace("{id}", ""), "source 'us': task_path cannot be used", id="a path without the id"),
        pytest.param(EU.replace("EU_KEY", KEY), "source 'eu': api_key_env holds a secret", id="a key as variable"),
        pytest.param(EU.replace("EU_KEY", "hunter2"), "its value is not shown", id="another key as variable"),
        pytest.param(EU + f"# {KEY}\n", "sources.toml, line 7: this looks like a key", id="a key in a comment"),
        pytest.param(EU + "api_key = 'hunter2'\n", 'api_key_env = "EU_API_KEY"', id="a key"),
        pytest.param(EU + "user_id = 7\n", 'user_id_env = "EU_USER_ID"', id="a number of an account"),
    ],
)
def test_everything_wrong_is_one_sentence_without_a_secret(text: str, words: str) -> None:
    """That names the file, the source and the key."""
    write(text)
    with pytest.raises(UnusableInputError) as refused:
        read_sources()
    said = str(refused.value)
    assert said.startswith("sources.toml")
    assert words in said
    assert "\n" not in said
    assert not {KEY, "hunter2", "me:pw"} & set(said.replace("'", " ").replace('"', " ").split())


@pytest.mark.parametrize("name", ["BASE_URL", "TASK_PATH", "API_KEY_BLOCK"])
def test_a_gateway_in_the_environment_as_well_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Which of them counts is nothing to guess."""
    write(EU)
    monkeypatch.setenv(f"AVATAR_TASKS_{name}", "https://old.example")
    with pytest.raises(UnusableInputError, match=rf"AVATAR_TASKS_{name} is set, .* as {name.lower()}, and unset it"):
        chosen_sources()


def test_an_unknown_source_and_a_missing_variable_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    write(EU + US)
    with pytest.raises(UnusableInputError, match=r"no source 'de': it has eu, us"):
        chosen_sources("de")
    with pytest.raises(UnusableInputError, match=r"add --source, which is one of eu, us"):
        one_source()
    monkeypatch.delenv("EU_KEY")
    with pytest.raises(
        UnusableInputError, match=r"sources.toml, source 'eu': api_key_env names EU_KEY, which is set n"
    ):
        settings_of(one_source("eu"))


def test_the_example_can_be_used() -> None:
    """It is copied as it is."""
    write((ROOT / "deploy" / "sources.example.toml").read_text(encoding="utf-8"))
    assert len(read_sources()) == 2
