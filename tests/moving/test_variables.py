from __future__ import annotations

from collections.abc import Mapping

import pytest

from pm2sd.moving.variables import Variables, Why, is_secret, tell_apart


def apart(env: Mapping[str, str], shell: Mapping[str, str] | None = None) -> Variables:
    return tell_apart(
        env, shell=shell or {}, home="/home/ada", user="ada", instance_var="WORKER", is_python=True
    )


@pytest.mark.parametrize(
    "name",
    [
        *("API_KEY", "apiKey", "STRIPE_SECRET", "DB_PASSWORD", "PGPASSWORD", "SMTP_PASS"),
        *("GITHUB_TOKEN", "accessToken", "JWT", "SESSION_SECRET", "SENTRY_DSN", "SSH_PASSPHRASE"),
        *("APIKEY", "AWS_SECRET_ACCESS_KEY", "COOKIE_SALT", "BASIC_AUTH", "GCP_CREDENTIALS"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name, "x")


@pytest.mark.parametrize(
    "name",
    [
        *("PORT", "NODE_ENV", "KEYBOARD", "PASSENGER_COUNT", "STRIPE_PUBLISHABLE_KEY", "AUTHOR"),
        *("SSH_KEY_PATH", "PUBLIC_KEY", "TOKEN_TTL", "SSL_KEY_FILE", "COMPASS", "PRIMARY_KEY_NAME"),
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret(name, "x")


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("postgres://ada:pw@db/app", True),
        ("redis://:pw@localhost:6379", True),
        ("https://example.org:8080/a@b", False),
        ("https://ada@example.org/", False),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", True),
        ("-----BEGIN CERTIFICATE-----", False),
        ("mailto:ada@example.org", False),
    ],
)
def test_values_that_are_secrets(value: str, secret: bool) -> None:
    assert is_secret("SETTING", value) is secret


def test_an_empty_value_is_no_secret() -> None:
    assert not is_secret("API_KEY", "")


def test_variables_are_told_apart() -> None:
    env = {
        "PM2_HOME": "/home/ada/.pm2",
        "unique_id": "5fa5",
        "WORKER": "0",
        "PYTHONUNBUFFERED": "1",
        "PATH": "/usr/bin",
        "HOME": "/home/ada",
        "SSH_CONNECTION": "::1",
        "LESSOPEN": "|x",
        "COMPANY": "acme",
        "GREETING": "hello",
        "API_KEY": "k",
        "PM2_SERVE_PORT": "80",
    }
    told = apart(env, {"COMPANY": "acme", "GREETING": "other"})
    assert told.own == {"GREETING": "hello", "PM2_SERVE_PORT": "80"}
    assert told.secrets == {"API_KEY": "k"}
    assert told.left_out == {
        "PM2_HOME": Why.PM2,
        "unique_id": Why.PM2,
        "WORKER": Why.PM2,
        "PYTHONUNBUFFERED": Why.PM2,
        "PATH": Why.SYSTEMD,
        "HOME": Why.SYSTEMD,
        "SSH_CONNECTION": Why.SESSION,
        "LESSOPEN": Why.SESSION,
        "COMPANY": Why.SHELL,
    }


def test_what_programs_go_by_is_kept_though_the_shell_has_it() -> None:
    env = {"NODE_ENV": "production", "TZ": "UTC", "LC_ALL": "C", "https_proxy": "http://p:1"}
    assert apart(env, env).own == env


def test_another_home_is_kept() -> None:
    assert apart({"HOME": "/srv"}).own == {"HOME": "/srv"}


def test_what_no_program_can_be_given_is_left_out() -> None:
    assert apart({"": "x", "A": "b\0c"}).left_out == {"": Why.IMPOSSIBLE, "A": Why.IMPOSSIBLE}


def test_the_values_of_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(apart({"DB_PASSWORD": "hunter2"}))
