"""The configuration of `casebus serve`: flags, environment variables, a file; its reload on SIGHUP."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
import yaml
from broker_process import BINARY, PATIENCE, REPOSITORY, BrokerProcess

LIMITS = json.loads((REPOSITORY / "Protocol" / "registry" / "limits.json").read_text(encoding="utf-8"))["limits"]
# Fixed in the code of the broker, or of the Swift client.
FIXED = {
    "identifierBytesMax", "consumerWindowBytesMax", "journalWorkspacesMax", "journalOffsetMax", "errorMessageBytesMax", "refusalsMax", "filesReserved",
    "acceptBackoffMilliseconds", "outboundProgressBytesMin", "gatheredBytesMax", "readAheadBytesMax", "tlsQueueBytesMax", "clientMessageBytesMax", "clientEventsBytesMax",
}  # fmt: skip


def casebus(*arguments, **environment):
    return subprocess.run(
        [BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **environment})


def check(tmp_path, text):
    file = tmp_path / "casebus.yaml"
    file.write_text(text)
    done = casebus("config", "check", file)
    assert done.stdout == "" or done.returncode == 0
    return done.returncode, done.stderr.replace(f"{file}:", "FILE:").removeprefix("Error: ").splitlines()


def reference():
    """Key → the cells of its row."""
    rows = re.findall(r"^\| `([a-z.-]+)`(?:<br>`(--[a-z-]+)`)? \| (.*?) \| (.*?) \|", casebus("config", "reference").stdout, re.MULTILINE)
    return {key: (flag, values, default) for key, flag, values, default in rows}


def flat(mapping, prefix=""):
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_of_the_reference_is_up_to_date():
    page = (REPOSITORY / "Docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert page == casebus("config", "reference").stdout


def test_every_option_of_serve_is_a_key_and_every_flag_of_a_key_is_an_option():
    text = casebus("serve", "--help").stdout.partition("OPTIONS:")[2]
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)) - {"--config", "--version", "--help"}
    assert options == {flag for flag, _, _ in reference().values() if flag}


@pytest.mark.parametrize("row", LIMITS, ids=[row["name"] for row in LIMITS])
def test_a_limit_that_can_be_changed_has_its_key_and_the_default_of_the_registry(row):
    found = reference().get(row["configurationKey"])
    assert (found is None) == (row["name"] in FIXED)
    if found and found[2].startswith("`"):
        assert found[2] == f"`{row['default']}`"


def test_the_example_is_valid_and_has_the_defaults_of_the_reference(tmp_path):
    text = casebus("config", "example").stdout
    assert check(tmp_path, text) == (0, [])
    defaults = {key: default.strip("`") for key, (_, _, default) in reference().items() if default.startswith("`")}
    assert dict(flat(yaml.safe_load(text))) == defaults
    for key in reference():
        assert key.partition(".")[2] in text


def test_a_file_in_json_is_read(tmp_path):
    assert check(tmp_path, json.dumps(yaml.safe_load(casebus("config", "example").stdout), indent=2)) == (0, [])


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("listen:\n  prot: 1", ["FILE:2: unknown key listen.prot, did you mean \"listen.port\"?"]),
        ("limits:\n  ping-intervall-seconds: 3", ["FILE:2: unknown key limits.ping-intervall-seconds, did you mean \"limits.ping-interval-seconds\"?"]),
        ("zzz: 1", ["FILE:1: unknown key zzz; casebus config reference lists all keys"]),
        ("listen:\n  port: 70000", ["FILE:2: listen.port is 70000, expected 0 to 65535"]),
        ("listen.port: +80", ["FILE:1: listen.port is +80, expected 0 to 65535"]),
        ("listen.port:", ['FILE:1: listen.port is "", expected 0 to 65535']),
        ("listen.port: [1, 2]", ['FILE:1: listen.port is "a list", expected 0 to 65535']),
        ("listen.plain: yes", ["FILE:1: listen.plain is yes, expected true or false"]),
        ("journal:\n  storage: disk", ["FILE:2: journal.storage is disk, expected sqlite or memory"]),
        ("limits.pong-timeout-seconds: 0", ["FILE:1: limits.pong-timeout-seconds is 0, expected 1 to 86400 seconds"]),
        ("listen.port: 1\nlisten:\n  port: 1", ["FILE:3: listen.port is already set in line 1, expected each key once"]),
        ("listen:\n  port: 1\n  port: 1", ["FILE:2: port is set more than once, expected each key once"]),
        ("- a", ['FILE:1: expected keys and values, such as "listen:"']),
        ("a: b: c", ["FILE:1: this is neither YAML nor JSON: mapping values are not allowed in this context"]),
        ("tls.port: 1", ["--tls-port needs --tls-certificate and --tls-key (keys tls.port, tls.certificates, tls.keys)"]),
        ("listen.plain: false", ["--no-plain needs --tls-port (keys listen.plain, tls.port)"]),
        ("x: 1\ny: 1", [f"FILE:{line}: unknown key {key}; casebus config reference lists all keys" for line, key in [(1, "x"), (2, "y")]]),
    ],
)  # fmt: skip
def test_each_error_names_its_line_its_key_its_value_and_what_is_right(tmp_path, text, errors):
    assert check(tmp_path, text) == (1, errors)


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = casebus("serve", "--config", tmp_path / "none.yaml")
    assert (done.returncode, done.stderr) == (1, f"Error: {tmp_path}/none.yaml:1: the file cannot be read: No such file or directory\n")


def test_a_secret_file_that_everybody_can_read_is_refused(tmp_path):
    for name in ["chain.pem", "key.pem"]:
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    code, errors = check(tmp_path, f"tls:\n  port: 0\n  certificates: [{tmp_path}/chain.pem]\n  keys: [{tmp_path}/key.pem]\n")
    key = tmp_path / "key.pem"
    assert (code, errors) == (1, [f"FILE:4: tls.keys: everybody can read {key} (mode 0644), expected at most 0640: chmod 600 {key}"])


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("CASEBUS_LIMITS_PING_INTERVAL_SECONDS", "0",
         "environment variable CASEBUS_LIMITS_PING_INTERVAL_SECONDS: limits.ping-interval-seconds is 0, expected 1 to 86400 seconds"),
        ("CASEBUS_LISTEN_PROT", "1", "unknown environment variable CASEBUS_LISTEN_PROT, did you mean CASEBUS_LISTEN_PORT?"),
        ("CASEBUS_X", "1", "unknown environment variable CASEBUS_X; casebus config reference lists all variables"),
    ],
)  # fmt: skip
def test_a_wrong_variable_stops_the_start(variable, value, error):
    done = casebus("serve", "--port", "0", **{variable: value})
    assert (done.returncode, done.stderr) == (1, f"Error: {error}\n")


# Which of three sources set the level, and which one counts: a flag, then a variable, then the file.
@pytest.mark.parametrize("flag", ["", "info"])
@pytest.mark.parametrize("variable", ["", "debug"])
@pytest.mark.parametrize("in_file", ["", "error"])
def test_a_flag_overrides_a_variable_and_that_the_file(tmp_path, monkeypatch, flag, variable, in_file):
    file = tmp_path / "casebus.yaml"
    file.write_text(f"log.level: {in_file}" if in_file else "")
    if variable:
        monkeypatch.setenv("CASEBUS_LOG_LEVEL", variable)
    used = flag or variable or in_file or "notice"
    broker = BrokerProcess("--config", str(file), *(["--log-level", flag] if flag else []))
    try:
        # What is refused is logged as an error, at each of these levels; `info` besides.
        file.write_text("log.level: loud")
        broker.signal(signal.SIGHUP)
        await_text(broker, "configuration not reloaded")
        file.write_text("log.level: trace")
        broker.signal(signal.SIGHUP)
        if flag or variable:
            await_text(broker, "changed=none")
        else:
            await_text(broker, f"log.level: {used} → trace")
    finally:
        broker.stop()


def await_text(broker, text, count=1):
    deadline = time.monotonic() + PATIENCE
    while broker.error_text().count(text) < count:
        assert time.monotonic() < deadline, broker.error_text()
        time.sleep(0.05)


def test_sighup_applies_what_can_change_and_names_what_cannot_or_changes_nothing(tmp_path):
    file = tmp_path / "casebus.yaml"
    file.write_text("limits.connections-max: 50")
    broker = BrokerProcess("--config", str(file))
    try:
        file.write_text("limits.connections-max: 60\nlog.level: info\nlimits.drain-seconds: 7\n")
        broker.signal(signal.SIGHUP)
        await_text(broker, "a restart")
        for change in ["limits.connections-max: 50 → 60", "log.level: notice → info", "limits.drain-seconds: 5 → 7"]:
            assert change in broker.error_text()
        file.write_text("limits.connections-max: 70\nlog.level: loud\n")
        broker.signal(signal.SIGHUP)
        await_text(broker, "configuration not reloaded, the old one stays in use")
        assert f"{file}:2: log.level is loud, expected trace, debug, info, notice, warning, error or critical" in broker.error_text()
        file.write_text("limits.connections-max: 60\nlog.level: info\n")
        broker.signal(signal.SIGHUP)
        await_text(broker, "configuration reloaded", 2)
        assert "changed=none" in broker.error_text()
    finally:
        broker.stop()
