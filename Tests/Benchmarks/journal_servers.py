"""What keeps events durably, as the journal's benchmark starts it: Casebus, NATS JetStream, Redis Streams."""

import json
import shutil
import socket

from servers import Server, first_line, written


class CasebusJournal(Server):
    name, title = "casebus", "Casebus"

    def __init__(self, binary):
        self.binary = binary

    def version(self):
        return first_line([self.binary, "--version"])

    def command(self, port, folder, deflate=False):
        return [
            self.binary, "serve", "--port", str(port), "--journal", "sqlite", "--data", str(folder / "data"),
            "--durability", "full", "--log-level", "error", "--retention-events-per-workspace-max", "100000000",
        ]  # fmt: skip

    def prepare(self, port):
        pass

    def kept(self, port, folder):
        """How many events are there when the load is over, asked of the server or, later, of its files."""
        return None


class JetStream(Server):
    """Its file storage acknowledges what the system has, and calls fsync every two minutes; 2.9 has no other way."""

    name, title = "nats", "NATS JetStream, file storage (no fsync before the acknowledgement)"

    def missing(self):
        if not shutil.which("nats-server"):
            return "nats-server is not installed"

    def version(self):
        return first_line(["nats-server", "--version"])

    def command(self, port, folder, deflate=False):
        config = f'host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: "{folder}/jetstream" }}\n'
        return ["nats-server", "--config", written(folder / "nats.conf", config)]

    def prepare(self, port):
        """One stream for all workspaces, a subject for each."""
        stream = {"name": "BENCH", "subjects": ["bench.>"], "storage": "file", "retention": "limits", "num_replicas": 1}
        answer = self.ask(port, "$JS.API.STREAM.CREATE.BENCH", json.dumps(stream))
        if "error" in answer:
            raise RuntimeError(f"no stream: {answer['error']}")

    def kept(self, port, folder):
        return self.ask(port, "$JS.API.STREAM.INFO.BENCH", "")["state"]["messages"]

    @staticmethod
    def ask(port, subject, text):
        with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rwb") as file:
            file.readline()
            head = 'CONNECT {"verbose":false,"pedantic":false}\r\nSUB answer 1\r\n'
            file.write(f"{head}PUB {subject} answer {len(text)}\r\n{text}\r\n".encode())
            file.flush()
            while not file.readline().startswith(b"MSG"):
                pass
            return json.loads(file.readline())


class RedisStreams(Server):
    name, title = "redis", "Redis Streams, appendfsync always"

    def missing(self):
        if not shutil.which("redis-server"):
            return "redis-server is not installed"

    def version(self):
        return first_line(["redis-server", "--version"]).split(" sha=")[0]

    def command(self, port, folder, deflate=False):
        return [
            "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
        ]  # fmt: skip

    def prepare(self, port):
        pass

    def kept(self, port, folder):
        with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rwb") as file:
            total = 0
            for number in range(1000):
                file.write(b"XLEN w%d\r\n" % number)
            file.flush()
            for number in range(1000):
                total += int(file.readline()[1:])
            return total
