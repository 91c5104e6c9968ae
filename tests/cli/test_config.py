"""Settings: each is documented, read from its variable, and used."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import haar
from haar.config import BadSetting, Config, default_data, describe, from_environment

SOURCE = Path(haar.__file__).parent


@pytest.mark.parametrize("described", describe(), ids=lambda one: one.name)
def test_a_setting_has_a_sentence(described: object) -> None:
    """The documentation is made from the settings, so each says what it is."""
    name, variable, kind, _, _, sentence = described  # type: ignore[misc]
    assert variable == f"HAAR_{name.upper()}"
    assert kind
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_every_setting_is_used() -> None:
    """A setting that nothing reads would be silently ignored."""
    text = "".join(
        path.read_text() for path in SOURCE.rglob("*.py") if path != SOURCE / "config.py"
    )
    assert [one.name for one in fields(Config) if f"config.{one.name}" not in text] == []


def test_an_option_beats_a_variable_and_a_variable_the_default() -> None:
    """Each way to set something has its place."""
    environ = {
        "HAAR_DATA": "/d",
        "HAAR_PORT": "1",
        "HAAR_DEV": "yes",
        "HAAR_S3_DOMAINS": "a.test, b.test",
    }
    config = from_environment(environ, port=2, host=None)
    assert config == Config(data=Path("/d"), port=2, dev=True, s3_domains=("a.test", "b.test"))
    assert from_environment({}) == Config()


@pytest.mark.parametrize(
    ("variable", "text"), [("HAAR_PORT", "x"), ("HAAR_CALLS_MAX", "-1"), ("HAAR_DEV", "perhaps")]
)
def test_a_wrong_value_is_refused_by_name(variable: str, text: str) -> None:
    """Nothing starts with a setting that was misread."""
    with pytest.raises(BadSetting, match=variable):
        from_environment({variable: text})


def test_data_lies_where_the_platform_keeps_it() -> None:
    """The default follows XDG_DATA_HOME."""
    assert default_data({"XDG_DATA_HOME": "/x"}) == Path("/x/haar")
    assert default_data({}) == Path.home() / ".local/share/haar"
