"""`casebus journal`, and a broker whose journal is a file: what it leaves behind, and what it says when the file is no good."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from broker_process import BINARY, PATIENCE, BrokerProcess, read_line
from clients import Clients
from test_cli import casebus, plain


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def serve(data, start_broker):
    """Starts a broker on the test's own directory."""
    return lambda *options, **arguments: start_broker("--data", str(data), *options, **arguments)


def publish(broker, interaction_id, workspace="w", state="RINGING", **attributes):
    text = json.dumps({"eventType": state, "interaction": {"interactionId": str(interaction_id), **attributes}})
    return casebus("publish", "--url", broker.url, "--workspace", workspace, "interaction", text)


def publish_all(broker, ids, workspace="w"):
    for number in ids:
        result = publish(broker, number, workspace)
        assert result.returncode == 0, result


def interactions(broker, workspace="w"):
    result = casebus("call", "--url", broker.url, "--workspace", workspace, "interaction.getInteractions")
    assert result.returncode == 0, result
    return json.loads(result.stdout)


def journal(command, data, *arguments, text=None, status=0):
    result = casebus("journal", command, "--data", str(data), *arguments, text=text)
    assert result.returncode == status, result
    return result


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def refusal(data, *options):
    """What a broker says that does not start."""
    result = casebus("serve", "--port", "0", "--data", str(data), *options)
    assert (result.returncode, result.stdout) == (1, ""), result
    return plain(result.stderr)


def ready(broker):
    try:
        with urllib.request.urlopen(broker.page + "ready", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# The file of a broker


def test_a_restart_is_no_loss(serve, data):
    broker = serve()
    publish_all(broker, range(3))
    before = interactions(broker)
    broker.stop()
    assert len(before) == 3
    assert interactions(serve()) == before


def test_a_kill_is_no_loss(serve, data):
    broker = serve()
    publish_all(broker, range(3))
    broker.signal(signal.SIGKILL)
    broker.wait()
    broker.process.returncode = 0  # It was meant.
    assert len(interactions(serve())) == 3


def test_without_a_file_a_restart_forgets(start_broker):
    broker = start_broker("--journal", "memory")
    publish_all(broker, range(2))
    broker.stop()
    assert interactions(start_broker("--journal", "memory")) == []


def test_the_directory_is_for_its_user_only(serve, data):
    serve()
    assert data.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in data.iterdir()} == {0o600}


def test_the_default_is_a_directory_beside(tmp_path):
    process = subprocess.Popen([BINARY, "serve", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert "listening" in read_line(process)
        assert (tmp_path / "casebus-data" / "journal.sqlite").exists()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_full_durability_syncs_each_commit_and_normal_does_not(serve, data, tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    counts = {}
    for durability in ["full", "normal"]:
        broker = serve("--durability", durability)
        publish_all(broker, [durability])
        log = tmp_path / durability
        trace = subprocess.Popen(["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", log, "-p", str(broker.pid)], stderr=subprocess.PIPE)
        if b"attached" not in trace.stderr.readline():
            trace.wait()
            pytest.skip("strace may not attach")
        publish_all(broker, [f"{durability}-{number}" for number in range(5)])
        trace.send_signal(signal.SIGINT)
        trace.wait()
        trace.stderr.close()
        broker.stop()
        counts[durability] = log.read_text().count("sync(")
    assert counts["full"] >= 5 and counts["normal"] == 0


# What is refused


def test_a_second_broker_is_told_who_the_first_is(serve, data):
    broker = serve()
    text = refusal(data)
    assert f"pid {broker.pid}" in text and str(data / "journal.lock") in text
    publish_all(broker, [1])


@pytest.mark.parametrize("content", [b"x", b"not a database " * 1000, os.urandom(9000)], ids=["short", "text", "random"])
def test_a_file_that_is_no_journal_is_left_as_it_is(data, content):
    data.mkdir()
    file = data / "journal.sqlite"
    file.write_bytes(content)
    assert str(file) in refusal(data)
    assert file.read_bytes() == content


def test_a_journal_of_a_later_version_is_left_as_it_is(serve, data):
    serve().stop()
    with sqlite3.connect(data / "journal.sqlite") as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    before = (data / "journal.sqlite").read_bytes()
    text = refusal(data)
    assert "newer Casebus (schema 7, this one knows 4)" in text and str(data / "journal.sqlite") in text
    assert (data / "journal.sqlite").read_bytes() == before


def test_a_journal_that_was_cut_off_is_left_as_it_is(serve, data):
    broker = serve()
    publish_all(broker, range(3))
    broker.stop()
    file = data / "journal.sqlite"
    file.write_bytes(file.read_bytes()[:8192])
    assert f"{file} is damaged" in refusal(data)
    assert file.stat().st_size == 8192


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    assert str(tmp_path / "no" / "data") in refusal(tmp_path / "no" / "data")
    (tmp_path / "file").write_text("x")
    assert f"{tmp_path / 'file'}" in refusal(tmp_path / "file")


# Disks


@pytest.fixture
def disk(tmp_path):
    """Makes a small disk of its own: disk(bytes). Skips where that is not allowed."""
    mounted = []

    def make(size, *options):
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "casebus-test", str(path)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {result.stderr.strip()}")
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_a_read_only_directory_is_named(disk, start_broker):
    path = disk(4 << 20)
    start_broker("--data", str(path / "data")).stop()
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
    assert str(path / "data") in (text := refusal(path / "data")) and "Read-only" in text
    assert str(path / "new") in (text := refusal(path / "new")) and "Read-only" in text


def test_a_disk_that_is_full_at_the_start_is_named(disk):
    path = disk(1 << 20)
    (path / "filler").write_bytes(bytes((1 << 20) - 8192))
    text = refusal(path / "data")
    assert str(path / "data") in text and "full" in text


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for size in [1 << 16, 1 << 12]:
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


async def test_a_disk_that_fills_up_is_survived(disk, start_broker):
    """Commands fail, subscribers stay, nothing is lost and nothing is there by halves; when there is room, it goes on."""
    path = disk(8 << 20)
    broker = start_broker("--data", str(path / "data"))
    async with Clients(broker) as clients:
        listener = await clients.open("w")
        await listener.subscribe("interaction")
        ids = use_while_the_disk_is_full(path, broker)
        heard = [(await listener.receive_json())["data"]["interaction"]["interactionId"] for _ in ids]
    assert heard == ids
    broker.stop()
    again = start_broker("--data", str(path / "data"))
    assert [interaction["interactionId"] for interaction in interactions(again)] == ids
    journal("verify", path / "data")


def use_while_the_disk_is_full(path, broker):
    """What was published with success, while there was room, and when there was room again."""
    publish_all(broker, range(3))
    fill(path / "filler")
    failed = None
    done = 3
    while failed is None:
        result = publish(broker, done, userData={"x": "y" * 20_000})
        failed = result if result.returncode else None
        done += 1 if failed is None else 0
    assert "journal_unavailable" in failed.stderr and "full" in failed.stderr, failed
    status, text = ready(broker)
    assert status == 503 and "full" in text
    assert len(interactions(broker)) == done
    os.remove(path / "filler")
    deadline = time.monotonic() + PATIENCE
    while ready(broker)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    publish_all(broker, ["after"])
    ids = [interaction["interactionId"] for interaction in interactions(broker)]
    assert ids == [str(number) for number in range(done)] + ["after"]
    return ids


def test_a_file_that_may_not_grow_is_survived(data):
    """The limit of the system on the length of files (RLIMIT_FSIZE): not the end of the process."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))

    process = subprocess.Popen(
        [BINARY, "serve", "--port", "0", "--data", str(data)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, preexec_fn=limit
    )
    try:
        url = read_line(process).split()[4]

        def on(number):
            text = json.dumps({"eventType": "RINGING", "interaction": {"interactionId": str(number), "userData": {"x": "y" * 20_000}}})
            return casebus("publish", "--url", url, "interaction", text)

        done = 0
        while (result := on(done)).returncode == 0:
            done += 1
        assert 0 < done < 30 and "journal_unavailable" in result.stderr
        assert process.poll() is None
        result = casebus("call", "--url", url, "interaction.getInteractions")
        assert len(json.loads(result.stdout)) == done
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    journal("verify", data)


# casebus journal


@pytest.fixture
def filled(serve, data):
    """A journal that nobody has open: workspaces w with five events and v with one."""
    broker = serve()
    publish_all(broker, range(5))
    publish_all(broker, ["ä"], workspace="v")
    broker.stop()
    return data


@pytest.mark.parametrize("command", ["info", "tail", "verify", "export", "import"])
def test_each_command_has_help_with_an_example(command):
    result = casebus("journal", command, "--help")
    assert result.returncode == 0 and f"casebus journal {command}" in result.stdout.partition("EXAMPLE")[2]


@pytest.mark.parametrize("command", ["info", "tail", "verify", "export"])
def test_a_directory_without_a_journal_is_named(command, data):
    assert str(data / "journal.sqlite") in plain(journal(command, data, status=1).stderr)
    assert not data.exists()


def test_info_tells_what_is_there(filled):
    text = journal("info", filled).stdout
    assert "schema      4\n" in text and "workspaces  2\n" in text and "events      6\n" in text
    rows = {line.split()[0]: line.split()[1:4] for line in text.partition("\n\n")[2].splitlines()}
    assert rows["w"] == ["5", "1", "5"] and rows["v"] == ["1", "1", "1"]


def test_info_reads_while_a_broker_writes(serve, data):
    broker = serve()
    publish_all(broker, range(2))
    assert "events      2\n" in journal("info", data).stdout
    publish_all(broker, [2])
    assert "events      3\n" in journal("info", data).stdout


def test_tail_prints_the_newest(filled):
    assert [event["offset"] for event in events(journal("tail", filled, "--workspace", "w", "--count", "2"))] == [4, 5]
    assert [(event["workspace"], event["offset"]) for event in events(journal("tail", filled, "--count", "2"))] == [("w", 5), ("v", 1)]
    assert [event["offset"] for event in events(journal("tail", filled, "--workspace", "w", "--after", "3"))] == [4, 5]
    assert events(journal("tail", filled, "--workspace", "other")) == []
    event = events(journal("tail", filled))[-1]
    assert (event["event"], event["data"]["interaction"]["interactionId"]) == ("interaction", "ä")


def test_tail_follows(serve, data):
    broker = serve()
    publish_all(broker, ["a"])
    tail = subprocess.Popen([BINARY, "journal", "tail", "--data", str(data), "-f"], stdout=subprocess.PIPE, bufsize=0)
    try:
        assert json.loads(read_line(tail))["data"]["interaction"]["interactionId"] == "a"
        publish_all(broker, ["b"])
        publish_all(broker, ["c"], workspace="new")
        assert [json.loads(read_line(tail))["data"]["interaction"]["interactionId"] for _ in range(2)] == ["b", "c"]
    finally:
        tail.kill()
        tail.wait()
        tail.stdout.close()


@pytest.mark.parametrize(("sql", "finding"), [
    ("DELETE FROM events WHERE id & 1099511627775 = 3", "workspace w, event 4: it follows 2, expected 3"),
    ("UPDATE events SET data = '{' WHERE id & 1099511627775 = 5", "workspace w, event 5: its data is not JSON"),
    ("UPDATE events SET detail = 'x' WHERE id & 1099511627775 = 5", "workspace w, event 5: its detail is not JSON"),
    ("UPDATE events SET event = '' WHERE id & 1099511627775 = 5", "workspace w, event 5: it has no name"),
    ("UPDATE events SET total = 7 WHERE id & 1099511627775 = 5", "workspace w, event 5: its total is 7, expected "),
    ("UPDATE workspaces SET pruned = 1 WHERE name = 'w'", "workspace w: events up to 1 are gone and there is no snapshot"),
    ("INSERT INTO snapshots(workspace, offset, state) SELECT id, 6, '{}' FROM workspaces WHERE name = 'w'", "workspace w: its snapshot is of event 6, expected 0 to 5"),
    ("INSERT INTO snapshots(workspace, offset, state) SELECT id, 5, '}' FROM workspaces WHERE name = 'w'", "workspace w: its snapshot is not JSON"),
    ("UPDATE workspaces SET name = 'a b' WHERE name = 'v'", '"a b" is not the name of a workspace'),
    ("DELETE FROM workspaces WHERE name = 'v'", "there are events of workspace number 2"),
    ("INSERT INTO consumers VALUES(1, 'bot', '*', '[]', 0); INSERT INTO positions VALUES(1, 1, 6)", "consumer bot, workspace w: its position is 6"),
    ("INSERT INTO consumers VALUES(1, 'bot', '*', 'x', 0)", "consumer number 1 cannot be read"),
    ("INSERT INTO positions VALUES(9, 1, 1)", "there is a position of a consumer or in a workspace that is not there"),
    ("INSERT INTO parked VALUES(9, 1, 1, 5, 0, NULL, 0)", "there is a parked event of a consumer or in a workspace that is not there"),
    ("INSERT INTO receipts VALUES(1, 77, 'm', 0, 1, NULL, NULL)", "there are answers of a workspace that is not there"),
])
def test_verify_finds(filled, sql, finding):
    assert "as it should be" in journal("verify", filled).stdout
    with sqlite3.connect(filled / "journal.sqlite") as database:
        database.executescript(sql)
    database.close()
    result = journal("verify", filled, status=1)
    assert finding in result.stdout and "faults" in result.stderr


def test_verify_finds_a_page_that_the_disk_got_wrong(filled):
    file = filled / "journal.sqlite"
    content = bytearray(file.read_bytes())
    with sqlite3.connect(file) as database:
        page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'receiptsByWorkspace'").fetchone()[0]
    database.close()
    content[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xff" * 8
    file.write_bytes(content)
    assert "damaged" in (result := journal("verify", filled, status=1)).stdout + result.stderr


def test_an_export_is_imported_as_it_was(filled, tmp_path):
    export = journal("export", filled).stdout
    (tmp_path / "e.jsonl").write_text(export)
    assert "imported 6 events of 2 workspaces" in journal("import", tmp_path / "copy", "--keep-epoch", str(tmp_path / "e.jsonl")).stdout
    assert journal("export", tmp_path / "copy").stdout == export
    assert (tmp_path / "copy" / "journal.sqlite").stat().st_mode & 0o777 == 0o600
    journal("import", tmp_path / "other", text=export)
    heads = [json.loads(text.splitlines()[0])["epoch"] for text in [export, journal("export", tmp_path / "other").stdout]]
    assert heads[0] != heads[1]
    assert journal("export", tmp_path / "other").stdout.splitlines()[1:] == export.splitlines()[1:]


def test_a_broker_goes_on_with_an_import(filled, tmp_path, start_broker):
    journal("import", tmp_path / "copy", text=journal("export", filled).stdout)
    broker = start_broker("--data", str(tmp_path / "copy"))
    assert [interaction["interactionId"] for interaction in interactions(broker)] == ["0", "1", "2", "3", "4"]
    publish_all(broker, [5])
    assert events(journal("tail", tmp_path / "copy", "--workspace", "w"))[-1]["offset"] == 6


def test_an_import_writes_over_nothing(filled, serve):
    export = journal("export", filled).stdout
    assert "is there already" in journal("import", filled, text=export, status=1).stderr
    broker = serve()
    assert f"pid {broker.pid}" in journal("import", filled, text=export, status=1).stderr


LINE = {
    "head": '{"type":"journal","format":1,"schema":1,"epoch":"e"}',
    "w": '{"type":"workspace","workspace":"w","pruned":0}',
    "event": '{"type":"event","workspace":"w","offset":1,"time":5,"event":"interaction","data":{}}',
    "bot": '{"type":"consumer","consumer":"bot","scope":"*","events":["interaction"],"time":1}',
}


@pytest.mark.parametrize(("lines", "number", "wrong"), [
    ([], 1, '"end" is missing'),
    (["{"], 1, "it is not JSON"),
    (["[]"], 1, "it is not a JSON object"),
    (['{"x":1}'], 1, "it has no type"),
    ([LINE["w"]], 1, 'expected "journal"'),
    (['{"type":"journal","format":2,"epoch":"e"}'], 1, "its format is 2, expected 1"),
    ([LINE["head"], '{"type":"surprise"}'], 2, 'its type is "surprise"'),
    ([LINE["head"], '{"type":"workspace","workspace":"a b","pruned":0}'], 2, 'its workspace is "a b"'),
    ([LINE["head"], '{"type":"workspace","workspace":"w"}'], 2, "its pruned is missing"),
    ([LINE["head"], '{"type":"workspace","workspace":"w","pruned":-1}'], 2, "its pruned is -1"),
    ([LINE["head"].replace("}", ',"generation":9223372036854775807}')], 1, "its generation is 9223372036854775807, expected 0 to 9007199254740992"),
    ([LINE["head"], LINE["w"].replace("}", ',"generation":1}')], 2, "its generation is 1, expected 0 to 0"),
    ([LINE["head"], LINE["w"], LINE["w"]], 3, "workspace w was there before"),
    ([LINE["head"], LINE["event"]], 2, "its workspace is w, of which there was no line"),
    ([LINE["head"], LINE["w"], LINE["event"], LINE["event"]], 4, "its offset is 1, expected 2"),
    ([LINE["head"], LINE["w"], LINE["event"].replace('"time":5', '"time":"5"')], 3, 'its time is "5", expected an integer'),
    ([LINE["head"], LINE["w"], '{"type":"snapshot","workspace":"w","offset":1,"state":{}}'], 3, "its offset is 1, expected 0 to 0"),
    ([LINE["head"], LINE["w"].replace("0", "7"), '{"type":"end","lines":2}'], 3, "lacks its events up to 7 and a snapshot"),
    ([LINE["head"], LINE["w"], '{"type":"receipt","workspace":"w","messageId":"m","time":0,"offset":1}'], 3, "its offset is 1, expected at most 0"),
    ([LINE["head"], LINE["bot"].replace("*", "?")], 2, 'its scope is "?"'),
    ([LINE["head"], LINE["bot"], LINE["bot"]], 3, "consumer bot was there before"),
    ([LINE["head"], LINE["w"], '{"type":"position","consumer":"bot","scope":"*","workspace":"w","offset":0}'], 3, "of which there was no line"),
    ([LINE["head"], LINE["w"], '{"type":"end","lines":1}'], 3, "it says that 1 lines came before it, 2 did"),
    ([LINE["head"], LINE["w"], '{"type":"end","lines":2}', LINE["w"]], 4, "it follows the end"),
    ([LINE["head"], LINE["w"], LINE["event"]], 4, '"end" is missing'),
])
def test_an_import_names_the_line_and_what_is_wrong_with_it(data, lines, number, wrong):
    result = journal("import", data, text="".join(line + "\n" for line in lines), status=1)
    assert f"line {number}: " in result.stderr and wrong in result.stderr and "nothing was imported" in result.stderr
    assert not [path.name for path in data.iterdir() if path.name != "journal.lock"]


def test_an_import_of_a_file_that_is_not_there_says_so(data, tmp_path):
    assert str(tmp_path / "none") in plain(journal("import", data, str(tmp_path / "none"), status=1).stderr)
