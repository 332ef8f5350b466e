"""Protocol/ agrees with itself: schemas, examples, registries, vectors, transcripts, the README and the AsyncAPI document.

Run it from the repository's root: python -m pytest Tests/ProtocolTests
"""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

PROTOCOL = Path(__file__).resolve().parents[2] / "Protocol"
SCHEMAS = PROTOCOL / "schemas"
SEED_ATTRIBUTES = (
    "interactionId parentInteractionId caseId userData state previousState parties isConsultation isMainCaseInteraction "
    "callUuid direction callType ani dnis recordingState isCaseSelected isCaseExpanded interactionUUID"
).split()
SEED_STATES = set(
    "UNKNOWN IDLE RINGING DIALING TALKING HELD PREVIEW INVITED ACCEPTED CREATED PULLED REVOKED COMPLETED ERROR SAVED "
    "TRANSFERRING TRANSFER_COMPLETED INVITED_CONFERENCE LEFT_CONFERENCE USER_DATA_ATTACHED USER_DATA_UPDATED JOIN_PENDING "
    "JOIN_FAILED HISTORY_IN_PROGRESS HISTORY_DONE CANCELLED SENT READY CANCELED REJECTED".split()
)
# Codes whose cause is in the message alone, so that its schema refuses it too.
CODES_A_SCHEMA_KNOWS = {
    "invalid_message", "unsupported_protocol_version", "unknown_request", "unknown_event", "invalid_parameters", "not_publishable",
}
# Codes that a transcript cannot provoke; Protocol/vectors/README.md says so.
CODES_WITHOUT_TRANSCRIPT = {"journal_unavailable", "shutting_down"}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def names(paths, root):
    return [str(path.relative_to(root)) for path in paths]


SCHEMA_FILES = sorted(SCHEMAS.rglob("*.json"))
REGISTRY_FILES = sorted((PROTOCOL / "registry").glob("*.json"))
TRANSCRIPT_FILES = sorted((PROTOCOL / "vectors" / "transcripts").glob("*.json"))
REGISTRY = Registry().with_resources((path.as_uri(), Resource.from_contents(read(path))) for path in SCHEMA_FILES)
STATES = read(PROTOCOL / "registry" / "interaction-states.json")["states"]
ERRORS = read(PROTOCOL / "registry" / "errors.json")["errors"]
CLOSE_CODES = read(PROTOCOL / "registry" / "close-codes.json")["closeCodes"]
LIMITS = read(PROTOCOL / "registry" / "limits.json")["limits"]
REQUESTS = read(PROTOCOL / "registry" / "requests.json")["requests"]
README = (PROTOCOL / "README.md").read_text(encoding="utf-8")


def validator(name):
    return Draft202012Validator({"$ref": (SCHEMAS / name).as_uri()}, registry=REGISTRY)


CLIENT_MESSAGE = validator("client-message.json")
SERVER_MESSAGE = validator("server-message.json")


def faults(validator, value):
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]


class NumberText(str):
    """A number of a JSON text, as it is written there."""


def strict_json(text, number=None):
    """The value of a JSON text by Protocol §3.6, or ValueError. Python's reader lets lone surrogates and NaN pass."""

    def refuse(word):
        raise ValueError(word)

    def members(pairs):
        "\0".join(key for key, _ in pairs).encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
        return dict(pairs)

    if text.startswith("\ufeff"):
        raise ValueError("byte order mark")
    value = json.loads(text, parse_constant=refuse, object_pairs_hook=members, **({"parse_int": number, "parse_float": number} if number else {}))
    check_depth_and_strings(value, 1)
    return value


def check_depth_and_strings(value, level):
    if isinstance(value, str):
        value.encode()
    if isinstance(value, (dict, list)):
        if level > 32:
            raise ValueError("too deep")
        for child in value.values() if isinstance(value, dict) else value:
            check_depth_and_strings(child, level + 1)


def is_malformed(text):
    try:
        return not isinstance(strict_json(text), dict)
    except ValueError:
        return True


def compact(value):
    """A value as the broker writes it (Protocol §3.5)."""
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(compact(key) + ":" + compact(child) for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# Schemas


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=names(SCHEMA_FILES, SCHEMAS))
def test_every_schema_is_a_valid_2020_12_schema_with_its_file_name_as_id(path):
    schema = read(path)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == path.name


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=names(SCHEMA_FILES, SCHEMAS))
def test_every_schema_has_examples_and_they_validate(path):
    schema = read(path)
    assert schema["examples"]
    for example in schema["examples"]:
        assert faults(validator(path.relative_to(SCHEMAS)), example) == []


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for key, child in value.items():
            if key != "examples":
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=names(SCHEMA_FILES, SCHEMAS))
def test_every_reference_of_a_schema_names_a_file(path):
    for reference in references(read(path)):
        assert (path.parent / reference).resolve() in SCHEMA_FILES


@pytest.mark.parametrize(
    ("schema", "order"),
    [
        ("response.json", "referenceId data userAgent protocolVersion workspaceId offset epoch"),
        ("subscribe-response.json", "referenceId subscriptionId userAgent protocolVersion durable recovered offset epoch"),
        ("failure.json", "referenceId errorMessage errorCode userAgent protocolVersion workspaceId offset epoch"),
        ("event.json", "event data userAgent protocolVersion workspaceId offset epoch delivery"),
        ("interaction.json", " ".join(SEED_ATTRIBUTES) + " media"),
        ("case-event.json", "eventType selectedCaseId caseId"),
        ("interaction-event.json", "eventType interaction"),
        ("consumer.json", "name workspaceId events sessions position backlog unacknowledged parked workspaces"),
        ("consumer-workspace.json", "workspaceId position backlog unacknowledged parked"),
    ],
)
def test_properties_of_server_schemas_stand_in_the_order_of_the_wire_and_nothing_else_is_allowed(schema, order):
    assert list(read(SCHEMAS / schema)["properties"]) == order.split()
    assert read(SCHEMAS / schema)["additionalProperties"] is False


def test_an_event_may_have_labels_and_nothing_else_beyond_its_members():
    event = {"event": "agent", "data": {}, "userAgent": "WWE Server", "protocolVersion": 2}
    position = {"offset": 1, "epoch": "e"}
    for labels in [{}, {"workspaceId": "w"}, position, position | {"delivery": 2}, position | {"workspaceId": "w"}]:
        assert faults(SERVER_MESSAGE, event | labels) == []
    for labels in [{"offset": 1}, {"epoch": "e"}, {"delivery": 2}, position | {"delivery": 1}, {"colour": "red"}]:
        assert faults(SERVER_MESSAGE, event | labels) != []
    assert faults(SERVER_MESSAGE, event | position | {"event": "messenger:team"}) != []


def test_members_that_no_client_schema_names_are_allowed():
    for name in ["subscribe", "unsubscribe", "publish", "request", "ack"]:
        for example in read(SCHEMAS / f"{name}.json")["examples"]:
            assert faults(CLIENT_MESSAGE, example | {"frameId": [{}], "offset": None}) == []


# Registries


@pytest.mark.parametrize("path", REGISTRY_FILES, ids=names(REGISTRY_FILES, PROTOCOL))
def test_every_registry_validates_against_its_schema(path):
    assert read(path)["$schema"] == f"../schemas/registry/{path.name}"
    assert faults(validator(f"registry/{path.name}"), read(path)) == []


def test_every_registry_schema_has_a_registry():
    assert names(REGISTRY_FILES, PROTOCOL / "registry") == names(sorted((SCHEMAS / "registry").glob("*")), SCHEMAS / "registry")


@pytest.mark.parametrize(
    ("rows", "key"), [(STATES, "state"), (ERRORS, "code"), (CLOSE_CODES, "code"), (CLOSE_CODES, "name"), (LIMITS, "name"), (LIMITS, "configurationKey"), (REQUESTS, "name"), (REQUESTS, "section")]
)
def test_rows_of_a_registry_are_unique(rows, key):
    values = [row[key] for row in rows]
    assert sorted(set(values)) == sorted(values)


def test_the_registry_has_the_thirty_states_of_the_seed():
    assert len(SEED_STATES) == len(STATES) == 30
    assert {row["state"] for row in STATES} == SEED_STATES
    assert read(SCHEMAS / "interaction-state.json")["enum"] == [row["state"] for row in STATES]


@pytest.mark.parametrize("row", STATES, ids=[row["state"] for row in STATES])
def test_rows_of_the_state_table_keep_its_rules(row):
    transient = {"USER_DATA_ATTACHED", "USER_DATA_UPDATED"}
    assert row["transient"] == (row["state"] in transient)
    if row["transient"]:
        return  # the schema requires null for what the last other state decides
    following = set(row["next"])
    assert row["state"] not in following
    assert ("COMPLETED" in following) == row["markdone"]
    if row["terminal"]:
        assert not following and not row["live"] and not row["initial"]
        return
    assert following >= ({"ERROR", "UNKNOWN"} | transient) - {row["state"]}
    if row["state"] in {"ERROR", "UNKNOWN"}:
        assert following >= SEED_STATES - {row["state"], "COMPLETED"}


def test_every_state_can_be_reached_and_can_come_to_an_end():
    rows = {row["state"]: row for row in STATES if not row["transient"]}
    reached = {state for state, row in rows.items() if row["initial"]}
    reached |= {state for row in rows.values() for state in row["next"]}
    assert reached == SEED_STATES
    ending = {state for state, row in rows.items() if row["terminal"]}
    plain = {state: set(row["next"]) - {"ERROR", "UNKNOWN"} for state, row in rows.items()}
    while more := {state for state in rows if state not in ending and plain[state] & ending}:
        ending |= more
    assert ending == set(rows)


def test_limits_refer_to_codes_that_exist():
    errors = {row["code"] for row in ERRORS}
    closes = {row["code"] for row in CLOSE_CODES if row["brokerSends"]}
    for row in LIMITS:
        assert row["errorCode"] in errors | {None}
        assert row["closeCode"] in closes | {None}


def test_configuration_keys_follow_from_the_names_of_limits():
    for row in LIMITS:
        kebab = "limits." + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), row["name"])
        vendor = {"blockMarkdoneTimeoutMilliseconds": "service-client-api.block-markdone-timeout"}
        assert row["configurationKey"] == vendor.get(row["name"], kebab)


def test_the_schema_of_error_codes_lists_the_registry():
    assert read(SCHEMAS / "error-code.json")["enum"] == [row["code"] for row in ERRORS]


# The README


def section(number):
    """The text of a numbered section, its own subsections included."""
    marks = "#" * (2 + number.count("."))
    heading = re.search(rf"^{marks} {re.escape(number)} .*$", README, re.MULTILINE)
    assert heading, f"Protocol §{number} does not exist"
    rest = README[heading.end():]
    following = re.search(rf"^#{{2,{len(marks)}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def table(number):
    rows = [line.strip("|").split("|") for line in section(number).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_readme_lists_the_error_codes_of_the_registry():
    assert [row[0].strip("`") for row in table("11")] == [row["code"] for row in ERRORS]


def test_the_readme_lists_the_close_codes_of_the_registry():
    word = {True: "yes", False: "no"}
    expected = [[str(row["code"]), row["name"], word[row["brokerSends"]], word[row["reconnect"]]] for row in CLOSE_CODES]
    assert table("2.5") == expected


def test_the_readme_lists_the_attributes_of_an_interaction_in_order():
    rows = table("6.1")
    schema = read(SCHEMAS / "interaction.json")
    assert [row[0].strip("`") for row in rows] == list(schema["properties"])
    assert {row[0].strip("`") for row in rows if row[2] == "always"} == set(schema["required"])


def test_the_readme_describes_every_request_of_the_schema():
    described = re.findall(r"^### 10\.\d+ ([\w.]+)\(", README, re.MULTILINE)
    assert sorted(described + ["interaction.selectCaseByCaselId"]) == read(SCHEMAS / "request.json")["properties"]["request"]["enum"]


def test_the_readme_describes_every_request_of_the_registry_with_its_parameters():
    described = dict(re.findall(r"^### (10\.\d+) ([\w.]+\(.*\))$", README, re.MULTILINE))
    assert {number: re.sub(r": [a-z ]+", "", heading) for number, heading in described.items()} == {
        row["section"]: f"{row['name']}({', '.join(one['name'] for one in row['parameters'])})" for row in REQUESTS
    }


def test_the_registry_of_requests_is_in_ascending_order_and_refers_to_limits_that_exist():
    assert [row["name"] for row in REQUESTS] == sorted(row["name"] for row in REQUESTS)
    assert {one["limit"] for row in REQUESTS for one in row["parameters"] if "limit" in one} <= {row["name"] for row in LIMITS}
    for row in REQUESTS:
        optional = [one.get("optional", False) for one in row["parameters"]]
        assert optional == sorted(optional)


def test_sections_that_are_cited_exist():
    cited = set(re.findall(r"§(\d+(?:\.\d+)?)", README)) | {row["section"] for row in ERRORS}
    for path in [*SCHEMA_FILES, *TRANSCRIPT_FILES, PROTOCOL / "asyncapi.yaml"]:
        cited |= set(re.findall(r"§(\d+(?:\.\d+)?)", path.read_text(encoding="utf-8")))
    assert len(cited) > 30
    for number in cited:
        section(number)


def test_sections_that_the_code_and_the_pages_cite_exist():
    root = PROTOCOL.parent
    files = [path for folder, kind in [("Sources", "swift"), ("Tests", "swift"), ("Tests", "py"), ("Docs", "md")] for path in (root / folder).rglob(f"*.{kind}")]
    cited = {number for path in files for number in re.findall(r"Protocol §(\d+(?:\.\d+)?)", path.read_text(encoding="utf-8"))}
    assert len(cited) > 30
    for number in cited:
        section(number)


def test_limits_that_the_readme_names_exist_and_each_is_named():
    limits = {row["name"] for row in LIMITS}
    words = set(re.findall(r"`([a-z][A-Za-z]+)`", README))
    assert {word for word in words if re.search("(?:Max|Seconds|Milliseconds)$", word)} <= limits
    assert limits <= words


def test_examples_in_the_readme_validate():
    blocks = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 12
    for line in lines:
        message = strict_json(line)
        if "userAgent" in message and message["userAgent"] == "WWE Server":
            assert faults(SERVER_MESSAGE, message) == []
            assert_key_order(line)
        else:
            assert faults(CLIENT_MESSAGE, message) == []


# Vectors


def assert_key_order(text):
    """The documented order of members, at every place where the broker decides it."""
    message = json.loads(text)
    assert compact(strict_json(text, NumberText)) == text, "not in the broker's encoding"
    schema = next(name for name, key in [("event", "event"), ("failure", "errorCode"), ("subscribe-response", "subscriptionId"), ("response", "data")] if key in message)
    assert_order(message, f"{schema}.json")
    data = message.get("data")
    if message.get("event") == "interaction":
        assert_order(data, "interaction-event.json" if "interaction" in data else "case-event.json")
        if "interaction" in data:
            assert_order(data["interaction"], "interaction.json")
    elif message.get("event") == "markdone":
        variants = read(SCHEMAS / "markdone-event.json")["oneOf"]
        assert any(list(data) == list(variant["properties"]) for variant in variants)
    elif "event" not in message:
        for item in data if isinstance(data, list) else [data]:
            if isinstance(item, dict):
                assert_result_order(item)


PARKED = ["offset", "deliveries", "time"]


def assert_result_order(item):
    if "backlog" not in item:
        return assert_order(item, "interaction.json")
    assert faults(validator("consumer.json"), item) == []
    assert_order(item, "consumer.json")
    for workspace in item.get("workspaces", []):
        assert_order(workspace, "consumer-workspace.json")
        assert all(list(parked) in ([*PARKED, "reason"], PARKED) for parked in workspace["parked"])


def assert_order(members, schema):
    expected = [key for key in read(SCHEMAS / schema)["properties"] if key in members]
    assert list(members) == expected


CLIENT_VECTORS = read(PROTOCOL / "vectors" / "client-messages.json")
CLIENT_VECTORS_AS_TEXT = json.loads((PROTOCOL / "vectors" / "client-messages.json").read_text(encoding="utf-8"), parse_int=NumberText, parse_float=NumberText)
SERVER_VECTORS = json.loads((PROTOCOL / "vectors" / "server-messages.json").read_text(encoding="utf-8"), parse_int=NumberText, parse_float=NumberText)


def by_name(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


@pytest.mark.parametrize("name", ["client-messages.json", "server-messages.json", "targets.json"])
def test_vector_files_have_their_format_and_unique_names(name):
    vectors = read(PROTOCOL / "vectors" / name)
    assert faults(validator(f"vectors/{name}"), vectors) == []
    assert len({vector["name"] for vector in vectors}) == len(vectors)


@by_name(CLIENT_VECTORS)
def test_input_of_a_client_vector_validates_exactly_if_it_is_a_message(vector):
    if "message" in vector:
        assert faults(CLIENT_MESSAGE, strict_json(vector["input"])) == []
    elif vector["failure"]["code"] == "malformed_message":
        assert is_malformed(vector["input"])
    else:
        assert not is_malformed(vector["input"])
        assert faults(CLIENT_MESSAGE, strict_json(vector["input"])) != []


@by_name(CLIENT_VECTORS_AS_TEXT)
def test_a_client_vector_says_what_its_input_says(vector):
    if "failure" in vector:
        expected = vector["failure"]
        if expected["code"] == "malformed_message":
            assert "referenceId" not in expected
            assert int(expected.get("position", 0)) <= len(vector["input"].encode())
            return
        sent = strict_json(vector["input"], NumberText)
        reference = sent.get("referenceId")
        assert expected.get("referenceId") == (None if isinstance(reference, (dict, list)) else reference)
        return
    assert decoded(strict_json(vector["input"], NumberText)) == vector["message"]


def decoded(sent):
    """A good message in the form of the vectors."""
    if "request" in sent:
        message = {"type": "request", "name": sent["request"], "parameters": sent.get("parameters", [])} | named(sent)
    elif sent["event"] == "subscribe":
        message = {"type": "subscribe", "events": list(dict.fromkeys(sent["data"])) if isinstance(sent["data"], list) else [sent["data"]]} | wishes(sent)
    elif sent["event"] == "unsubscribe":
        message = {"type": "unsubscribe", "subscriptionId": sent["data"]}
    elif sent["event"] == "ack":
        message = {"type": "ack"} | {key: sent["data"][key] for key in ["workspaceId"] if sent["data"].get(key) is not None} | {"offset": integer(sent["data"]["offset"])}
    else:
        message = {"type": "publish", "event": sent["data"]["event"], "data": sent["data"]["data"]} | named(sent)
    return message | {key: sent[key] for key in ["referenceId", "messageId"] if sent.get(key) is not None}


def named(sent):
    """The workspace that a request or a publish is for (Protocol §2.3)."""
    return {key: sent[key] for key in ["workspaceId"] if sent.get(key) is not None}


def integer(number):
    """An integer as the broker understands it: by its value, however it is written."""
    value = int(Decimal(number))
    assert value == Decimal(number)
    return NumberText(value)


def wishes(sent):
    """What a subscribe wants beyond events (Protocol §9)."""
    since, durable = sent.get("since"), sent.get("durable")
    wishes = {"positions": True} if sent.get("positions") or since is not None or durable is not None else {}
    if since is not None:
        wishes["since"] = since if isinstance(since, str) else {"epoch": since["epoch"], "offset": integer(since["offset"])}
    return wishes if durable is None else wishes | {"durable": durable}


def test_client_vectors_cover_every_kind_and_every_failure_of_decoding():
    assert {vector["message"]["type"] for vector in CLIENT_VECTORS if "message" in vector} == {"subscribe", "unsubscribe", "publish", "request", "ack"}
    codes = {vector["failure"]["code"] for vector in CLIENT_VECTORS if "failure" in vector}
    assert codes == {"malformed_message", "invalid_message", "unsupported_protocol_version", "unknown_event"}


@by_name(SERVER_VECTORS)
def test_output_of_a_server_vector_validates_and_has_the_key_order(vector):
    assert faults(SERVER_MESSAGE, strict_json(vector["output"])) == []
    assert_key_order(vector["output"])


@by_name(SERVER_VECTORS)
def test_output_of_a_server_vector_is_its_message(vector):
    message = dict(vector["message"])
    kind = message.pop("type")
    envelope = {key: message.pop(key) for key in ["referenceId"] if key in message}
    labels = {key: message.pop(key) for key in ["workspaceId", "durable", "recovered", "offset", "epoch", "delivery"] if key in message}
    if kind == "failure":
        message = {"errorMessage": message["message"], "errorCode": message["code"]}
    envelope |= message | {"userAgent": "WWE Server", "protocolVersion": NumberText("2")} | labels
    assert compact(envelope) == vector["output"]


def test_a_server_vector_has_every_attribute_of_an_interaction():
    shown = [vector["message"]["data"] for vector in SERVER_VECTORS if isinstance(vector["message"].get("data"), dict)]
    assert SEED_ATTRIBUTES + ["media"] in [list(data) for data in shown]
    assert SEED_ATTRIBUTES + ["media"] in [list(data.get("interaction", {})) for data in shown]


# Transcripts


def transcripts():
    return pytest.mark.parametrize("path", TRANSCRIPT_FILES, ids=[path.stem for path in TRANSCRIPT_FILES])


def expected_texts(transcript):
    for step in transcript["steps"]:
        for texts in step["expect"].values():
            for text in texts:
                yield text.replace('"${time}"', "1763917200000")


@transcripts()
def test_a_transcript_has_its_format(path):
    transcript = read(path)
    assert faults(validator("vectors/transcript.json"), transcript) == []
    known = {client if isinstance(client, str) else client["name"] for client in transcript["clients"]}
    assert len(known) == len(transcript["clients"])
    for step in transcript["steps"]:
        used = {step.get("client"), step.get("disconnect")} - {None}
        assert used | set(step["expect"]) | set(step.get("closes", {})) <= known
    assert any("advanceMilliseconds" in step for step in transcript["steps"]) == (transcript.get("clock") == "manual")


@transcripts()
def test_nobody_acts_or_receives_after_the_end_of_its_session(path):
    gone = set()
    for step in read(path)["steps"]:
        assert not gone & {step.get("client"), step.get("disconnect")}
        gone |= {step.get("disconnect")} - {None}
        assert not gone & set(step["expect"])
        gone |= set(step.get("closes", {}))


@transcripts()
def test_what_a_transcript_expects_validates_and_has_the_key_order(path):
    for text in expected_texts(read(path)):
        assert faults(SERVER_MESSAGE, strict_json(text)) == []
        assert_key_order(text)


@transcripts()
def test_what_a_transcript_sends_validates_exactly_if_its_answer_is_none_that_a_schema_knows(path):
    for step in read(path)["steps"]:
        if "send" not in step:
            continue
        code = answer_code(step)
        text = step["send"] if isinstance(step["send"], str) else json.dumps(step["send"])
        if code == "malformed_message":
            assert is_malformed(text), text
        elif code in CODES_A_SCHEMA_KNOWS and not hangs_on_the_session(text, code):
            assert faults(CLIENT_MESSAGE, strict_json(text)) != [], text
        elif code not in CODES_A_SCHEMA_KNOWS:
            assert faults(CLIENT_MESSAGE, strict_json(text)) == [], text


def hangs_on_the_session(text, code):
    """Whether a message is wrong only because of what its session did before, or for the consumer (Protocol §9.2 to §9.4), or
    because its workspaceId is another one than that of the connection (§2.3)."""
    message = strict_json(text)
    if code == "invalid_parameters" and message.get("workspaceId") is not None:
        return True
    return code in {"invalid_message", "invalid_parameters"} and message.get("event") in {"subscribe", "ack"} and faults(CLIENT_MESSAGE, message) == []


def answer_code(step):
    answers = [json.loads(text) for text in step["expect"].get(step["client"], [])[:1]]
    return answers[0].get("errorCode") if answers else None


@transcripts()
def test_every_message_of_a_transcript_is_answered_first_and_once_with_its_reference_id(path):
    for step in json.loads(path.read_text(encoding="utf-8"), parse_int=NumberText, parse_float=NumberText)["steps"]:
        if "send" not in step:
            continue
        received = [strict_json(text, NumberText) for text in step["expect"].get(step["client"], [])]
        answers = [message for message in received if "event" not in message]
        others = [text for client, texts in step["expect"].items() if client != step["client"] for text in texts]
        assert all("event" in json.loads(text) for text in others)
        if answers and answers[0].get("errorCode") == "malformed_message":
            assert len(answers) == 1 and "referenceId" not in answers[0]
            continue
        sent = strict_json(step["send"], NumberText) if isinstance(step["send"], str) else step["send"]
        reference = sent.get("referenceId")
        if not answers:
            assert sent["event"] in {"publish", "ack"} and reference is None
            continue
        assert len(answers) == 1 and received[0] is answers[0]
        assert answers[0].get("referenceId") == (None if isinstance(reference, (dict, list)) else reference)


@transcripts()
def test_placeholders_are_captured_before_they_are_used(path):
    captured = set()
    for step in read(path)["steps"]:
        sent = set(re.findall(r"\$\{(?:subscription|epoch):\d+\}", json.dumps(step.get("send", ""))))
        assert sent <= captured
        for text in (text for texts in step["expect"].values() for text in texts):
            for placeholder in re.findall(r"\$\{[^}]*\}", text):
                assert placeholder in {"${any}", "${time}"} or re.fullmatch(r"\$\{(subscription|epoch):\d+\}", placeholder)
            assert text.count("${time}") == text.count('"time":"${time}"')
            message = json.loads(text)
            assert "${any}" not in text or message["errorMessage"] == "${any}"
            if "errorCode" in message:
                assert (message["errorMessage"] == "${any}") != (message["errorCode"] == "markdone_blocked")
            captured |= {message[member] for member in ["subscriptionId", "epoch"] if member in message}


@transcripts()
def test_all_sessions_of_a_step_see_its_events_in_one_order(path):
    transcript = read(path)
    workspace = {client: "default" if isinstance(client, str) else client["workspace"] for client in transcript["clients"] if isinstance(client, str)}
    workspace |= {client["name"]: client["workspace"] for client in transcript["clients"] if not isinstance(client, str)}
    for step in transcript["steps"]:
        seen = [events(texts) for client, texts in step["expect"].items()]
        longest = max(seen, key=len, default=[])
        for texts in seen:
            remaining = iter(longest)
            if set(texts) <= set(longest):
                assert all(text in remaining for text in texts), f"{path.stem}: another order"
        actor = step.get("client") or step.get("disconnect")
        if actor:
            for client, texts in step["expect"].items():
                reached = {workspace[actor], "*"}
                if workspace[actor] == "*":  # what a monitor does is for the workspace that it names, and its end for all
                    send = step.get("send", {})
                    reached = set(workspace.values()) if "disconnect" in step else reached | {send.get("workspaceId") if isinstance(send, dict) else None}
                assert not events(texts) or workspace[client] in reached


def events(texts):
    """The events among texts, as every session sees them (without what is told only to some)."""
    messages = [json.loads(text) for text in texts]
    labels = {"workspaceId", "offset", "epoch", "delivery"}
    return [compact({key: value for key, value in message.items() if key not in labels}) for message in messages if "event" in message]


def test_transcripts_provoke_every_failure_that_they_can():
    provoked = {json.loads(text).get("errorCode") for path in TRANSCRIPT_FILES for text in expected_texts(read(path))} - {None}
    assert provoked == {row["code"] for row in ERRORS} - CODES_WITHOUT_TRANSCRIPT


def test_transcripts_show_every_event_type_of_cases_and_markdone_and_use_every_request():
    shown, requested = set(), set()
    for path in TRANSCRIPT_FILES:
        for text in expected_texts(read(path)):
            message = json.loads(text)
            if message.get("event") in {"interaction", "markdone"}:
                shown.add(message["data"]["eventType"])
        requested |= {step["send"].get("request") for step in read(path)["steps"] if isinstance(step.get("send"), dict) and answer_code(step) is None}
    cases = set(read(SCHEMAS / "case-event.json")["properties"]["eventType"]["enum"])
    markdone = {name for variant in read(SCHEMAS / "markdone-event.json")["oneOf"] for name in variant["properties"]["eventType"]["enum"]}
    assert shown >= cases | markdone | SEED_STATES
    assert requested - {None} == set(read(SCHEMAS / "request.json")["properties"]["request"]["enum"])


def test_the_sequence_of_the_seed_is_in_a_transcript_byte_for_byte():
    a, b = "4401820b-c4e6-4994-69c2-6ae7fdb4905", "d4187b87-9fe1-4db8-0515-6a91e666e22d"
    sequence = [
        '{"event":"interaction","data":{"eventType":"%s","selectedCaseId":"%s","caseId":"%s"},"userAgent":"WWE Server","protocolVersion":2}' % row
        for row in [("CASE_COLLAPSED", a, a), ("CASE_EXPANDED", a, b), ("CASE_SELECTED", b, b)]
    ]
    steps = read(PROTOCOL / "vectors" / "transcripts" / "seed-case-selection.json")["steps"]
    assert any(step["expect"].get("desktop", [])[1:] == sequence for step in steps)


# AsyncAPI

ASYNCAPI = yaml.safe_load((PROTOCOL / "asyncapi.yaml").read_text(encoding="utf-8"))


def resolve(reference):
    if not reference.startswith("#"):
        return read((PROTOCOL / reference).resolve())
    value = ASYNCAPI
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def test_every_reference_of_the_asyncapi_document_resolves():
    found = list(references(ASYNCAPI))
    assert len(found) > 20
    for reference in found:
        resolve(reference)


def test_the_asyncapi_document_has_the_structure_of_version_3():
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert set(ASYNCAPI) <= {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
    assert {"title", "version"} <= set(ASYNCAPI["info"])
    for server in ASYNCAPI["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for operation in ASYNCAPI["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert_messages_are_of_the_channel(operation)
        if "reply" in operation:
            assert_messages_are_of_the_channel(operation["reply"])


def assert_messages_are_of_the_channel(part):
    channel = part["channel"]["$ref"]
    assert resolve(channel)["address"] == "/v2"
    assert part["messages"]
    for message in part["messages"]:
        assert message["$ref"].startswith(channel + "/messages/")


def test_every_message_of_the_asyncapi_document_is_used_and_its_payload_is_a_schema():
    messages = ASYNCAPI["components"]["messages"]
    assert ASYNCAPI["channels"]["v2"]["messages"] == {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    used = set()
    for operation in ASYNCAPI["operations"].values():
        used |= {m["$ref"].split("/")[-1] for m in operation["messages"] + operation.get("reply", {"messages": []})["messages"]}
    assert used == set(messages)
    payloads = {message["payload"]["schema"]["$ref"] for message in messages.values()}
    alternatives = [read(SCHEMAS / f"{side}-message.json")["oneOf"] for side in ("client", "server")]
    assert payloads == {"./schemas/" + one["$ref"] for side in alternatives for one in side}
