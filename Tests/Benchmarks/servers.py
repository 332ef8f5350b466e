"""The servers that are measured: how each is started, and the same work in the words of its protocol."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
BUILD = ROOT / ".build" / "benchmarks"
NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
FILES_MAX = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

# What every subscriber gets, whatever the server: 188 bytes once the placeholders are filled.
EVENT_DATA = '{"eventType":"CASE_SELECTED","selectedCaseId":"d4187b87-9fe1-4db8-0515-@SEQ@","ts":@TS@%s}'
EVENT = '{"event":"messenger:bench","data":' + EVENT_DATA + ',"userAgent":"WWE Server","protocolVersion":2}'

WORKSPACE_DATA = '{"eventType":"CASE_SELECTED","ws":"@WS@","seq":@SEQ@,"ts":@TS@}'
WORKSPACE_EVENT = '{"event":"agent","data":' + WORKSPACE_DATA + ',"userAgent":"WWE Server","protocolVersion":2}'


def event_text(padding=0):
    return EVENT % (',"pad":"' + "x" * padding + '"' if padding else "")


def event_bytes(padding=0):
    return len(event_text(padding).replace("@SEQ@", "0" * 10).replace("@TS@", "0" * 19))


class Server:
    """One way to serve. Subclasses say what is different; a fresh process serves each run."""

    name = title = ""
    deflates = True

    def missing(self):
        """Why it cannot be measured here, or None."""

    def version(self):
        return ""

    def command(self, port, folder, deflate):
        raise NotImplementedError

    def load(self, padding=0):
        """Options of wsload: subscribing, publishing, and what is delivered."""
        raise NotImplementedError

    def probe(self):
        """Options of wsload: the cheapest request that the server answers, on a connection of its own."""
        return ["--probe-path", "/", "--probe-ping", "--probe-message", "@SEQ@", "--probe-expect", "@SEQ@"]


class Casebus(Server):
    name, title = "casebus", "Casebus"

    def __init__(self, binary):
        self.binary = binary

    def version(self):
        return first_line([self.binary, "--version"])

    def command(self, port, folder, deflate):
        return [self.binary, "serve", "--port", str(port), "--journal", "memory", "--log-level", "error"]

    def load(self, padding=0):
        data = event_text(padding).split('"data":', 1)[1].rsplit(',"userAgent"', 1)[0]
        publish = '{"event":"publish","data":{"event":"messenger:bench","data":' + data + '},"protocolVersion":2}'
        return [
            "--path",
            "/v2",
            "--hello",
            subscribe_text("messenger:bench"),
            "--answers",
            "1",
            "--event",
            publish,
            "--delivered",
            event_text(padding),
        ]

    def probe(self):
        request = '{"request":"system.getAllowedServices","parameters":[],"referenceId":@SEQ@,"protocolVersion":2}'
        return ["--probe-path", "/v2", "--probe-message", request, "--probe-expect", '{"referenceId":@SEQ@,"data":[']

    def load_of_workspaces(self):
        return [
            "--path",
            "/v2?workspace=@WS@",
            "--hello",
            subscribe_text("agent"),
            "--answers",
            "1",
            "--monitor-path",
            "/v2?workspace=*",
            "--monitor-hello",
            subscribe_text("agent"),
            "--monitor-answers",
            "1",
            "--event",
            '{"event":"publish","data":{"event":"agent","data":' + WORKSPACE_DATA + '},"protocolVersion":2}',
            "--delivered",
            WORKSPACE_EVENT,
        ]


class Floor(Server):
    def __init__(self, mode, title):
        self.mode, self.name, self.title = mode, "floor-" + mode, title

    def command(self, port, folder, deflate):
        return [str(BUILD / "floor"), str(port), self.mode]

    def load(self, padding=0):
        return ["--hello", "S", "--answers", "1", "--before", "P", "--event", event_text(padding)]

    def load_of_workspaces(self):
        return [
            "--path",
            "/v2?workspace=@WS@",
            "--hello",
            "S",
            "--answers",
            "1",
            "--monitor-path",
            "/v2?workspace=*",
            "--monitor-hello",
            "S",
            "--monitor-answers",
            "1",
            "--before",
            "P",
            "--event",
            WORKSPACE_EVENT,
        ]


class Nchan(Server):
    name, title = "nchan", "nginx + nchan"

    def missing(self):
        if not shutil.which("nginx") or not Path(NCHAN_MODULE).exists():
            return "nginx and libnginx-mod-nchan are not installed"

    def version(self):
        return f"{first_line(['nginx', '-v'])}, nchan {package_version('libnginx-mod-nchan')}"

    def command(self, port, folder, deflate):
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = f"""
load_module {NCHAN_MODULE};
{"user root;" if os.getuid() == 0 else ""}
daemon off; worker_processes 1; worker_rlimit_nofile {FILES_MAX}; pid {folder}/pid; error_log {folder}/error.log error;
events {{ worker_connections {FILES_MAX}; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 100000000; {temporary}
  nchan_shared_memory_size 512m; nchan_message_buffer_length 20000; nchan_message_timeout 10m;
  server {{
    {self.listen(port, folder)}
    nchan_deflate_message_for_websocket {"on" if deflate else "off"};
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id bench; nchan_subscriber_first_message newest; }}
    location = /probe {{ nchan_subscriber websocket; nchan_channel_id probe; }}
    location = /pub {{ nchan_publisher; nchan_channel_id bench; }}
  }}
}}
"""
        return ["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", written(folder / "nginx.conf", config)]

    def listen(self, port, folder):
        return f"listen 127.0.0.1:{port} backlog=4096;"

    def load(self, padding=0):
        return ["--path", "/sub", "--post", "/pub", "--event", event_text(padding)]

    def probe(self):
        return ["--probe-path", "/probe"] + super().probe()[2:]


class Nats(Server):
    name, title = "nats", "nats-server"

    def missing(self):
        if not shutil.which("nats-server"):
            return "nats-server is not installed"

    def version(self):
        return first_line(["nats-server", "--version"])

    def command(self, port, folder, deflate):
        # Its own port is not used; -1 takes any free one.
        config = f"""
host: 127.0.0.1
port: -1
max_connections: {FILES_MAX}
ping_interval: "10m"
write_deadline: "60s"
websocket {{ host: 127.0.0.1, port: {port}, no_tls: true, compression: {"true" if deflate else "false"} }}
"""
        return ["nats-server", "--config", written(folder / "nats.conf", config)]

    def load(self, padding=0):
        count = event_bytes(padding)
        connect = 'CONNECT {"verbose":false,"pedantic":false}\\r\\n'
        return [
            "--hello-binary",
            connect + "SUB bench 1\\r\\nPING\\r\\n",
            "--answers",
            "1",
            "--answer-token",
            "PONG",
            "--pub-hello-binary",
            connect + "PING\\r\\n",
            "--pub-answers",
            "1",
            "--pub-answer-token",
            "PONG",
            "--publish-binary",
            "--event",
            f"PUB bench {count}\\r\\n{event_text(padding)}\\r\\n",
            "--delivered",
            f"MSG bench 1 {count}\\r\\n{event_text(padding)}\\r\\n",
            "--ignore",
            "PING\\r\\n",
            "--ignore-answer",
            "PONG\\r\\n",
        ]

    def probe(self):
        connect = 'CONNECT {"verbose":false,"pedantic":false}\\r\\nPING\\r\\n'
        return [
            "--probe-path",
            "/",
            "--probe-hello-binary",
            connect,
            "--probe-answers",
            "1",
            "--probe-answer-token",
            "PONG",
            "--probe-binary",
            "--probe-message",
            "PING\\r\\n",
            "--probe-expect",
            "PONG\\r\\n",
        ]


class Mosquitto(Server):
    name, title, deflates = "mosquitto", "mosquitto", False
    connect = "\\x10\\x0c\\x00\\x04MQTT\\x04\\x02\\x00\\x00\\x00\\x00"
    subscribe = "\\x82\\x0a\\x00\\x01\\x00\\x05bench\\x00"
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

    def missing(self):
        if not Path(self.program).exists():
            return "mosquitto is not installed"

    def version(self):
        return first_line([self.program, "-h"])

    def command(self, port, folder, deflate):
        # 2.0.11 refuses to start without a listener that is none of WebSockets: a Unix socket that nobody uses.
        config = f"""
{"user root" if os.getuid() == 0 else ""}
listener 0 {folder}/socket
listener {port} 127.0.0.1
protocol websockets
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
log_dest none
"""
        return [self.program, "-c", written(folder / "mosquitto.conf", config)]

    def load(self, padding=0):
        remaining = 7 + event_bytes(padding)
        packet = f"\\x30\\x{remaining & 127 | 128:02x}\\x{remaining >> 7:02x}\\x00\\x05bench{event_text(padding)}"
        return [
            "--path",
            "/mqtt",
            "--subprotocol",
            "mqtt",
            "--hello-binary",
            self.connect,
            "--hello-binary",
            self.subscribe,
            "--answers",
            "2",
            "--pub-subprotocol",
            "mqtt",
            "--pub-hello-binary",
            self.connect,
            "--pub-answers",
            "1",
            "--publish-binary",
            "--event",
            packet,
        ]

    def probe(self):
        return [
            "--probe-path",
            "/mqtt",
            "--probe-subprotocol",
            "mqtt",
            "--probe-hello-binary",
            self.connect,
            "--probe-answers",
            "1",
            "--probe-binary",
            "--probe-message",
            "\\xc0\\x00",
            "--probe-expect",
            "\\xd0\\x00",
        ]


class Websockets(Server):
    name, title = "websockets", "Python websockets"

    def python(self):
        virtual = ROOT / ".venv" / "bin" / "python"
        return str(virtual) if virtual.exists() else sys.executable

    def missing(self):
        if subprocess.run([self.python(), "-c", "import websockets.asyncio.server"], capture_output=True).returncode:
            return "the Python package websockets is not installed"

    def version(self):
        return first_line(
            [
                self.python(),
                "-c",
                "import sys, websockets; print('websockets', websockets.__version__,"
                " 'on Python', sys.version.split()[0])",
            ]
        )

    def command(self, port, folder, deflate):
        return [self.python(), str(FOLDER / "peer_websockets.py"), str(port)] + (["deflate"] if deflate else [])

    def load(self, padding=0):
        return ["--path", "/sub", "--pub-path", "/pub", "--event", event_text(padding)]

    def probe(self):
        return ["--probe-path", "/probe"] + super().probe()[2:]


class CasebusTLS(Casebus):
    name, title = "casebus-tls", "Casebus, TLS"

    def command(self, port, folder, deflate):
        certificate, key = certificate_files(folder)
        # Other servers run as another user and read a key that is open to everybody; the broker refuses one.
        private = shutil.copy(key, f"{folder}/broker-key.pem")
        os.chmod(private, 0o600)
        options = ["--no-plain", "--tls-port", str(port), "--tls-certificate", certificate, "--tls-key", private]
        return [self.binary, "serve", *options, "--journal", "memory", "--log-level", "error"]

    def load(self, padding=0):
        return [*super().load(padding), "--tls"]


class FloorTLS(Floor):
    def __init__(self):
        super().__init__("tls", "C floor: one SSL_write() each")

    def command(self, port, folder, deflate):
        return [*super().command(port, folder, deflate), *certificate_files(folder)]

    def load(self, padding=0):
        return [*super().load(padding), "--tls"]


class NchanTLS(Nchan):
    name, title = "nchan-tls", "nginx + nchan, TLS"

    def listen(self, port, folder):
        certificate, key = certificate_files(folder)
        tickets = f"ssl_session_cache off; ssl_session_tickets on; ssl_certificate {certificate}; ssl_certificate_key {key};"
        return f"listen 127.0.0.1:{port} ssl backlog=4096; ssl_protocols TLSv1.2 TLSv1.3; {tickets}"

    def load(self, padding=0):
        return [*super().load(padding), "--tls"]


def certificate_files(folder):
    """A certificate (EC P-256) that is made for this run, and its key."""
    certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-days", "2", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    os.chmod(key, 0o644)
    return certificate, key


def subscribe_text(name):
    return '{"event":"subscribe","data":"' + name + '","referenceId":"0","userAgent":"WWE Client","protocolVersion":2}'


def written(path, text):
    path.write_text(text)
    return str(path)


def first_line(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return (result.stdout.strip() or result.stderr.strip()).split("\n")[0]


def package_version(package):
    return first_line(["dpkg-query", "--show", "--showformat", "${Version}", package])


def pinned(command, core):
    """On a core of its own, and before everything else that wants it, as far as this user may say so."""
    if core is None:
        return command
    first = ["chrt", "--fifo", "1"] if os.geteuid() == 0 else []
    return [*first, "taskset", "-c", str(core), *command]


class Running:
    """A server's process, for the time of a `with`."""

    def __init__(self, server, folder, deflate, core):
        self.port = free_port()
        self.command = pinned(server.command(self.port, folder, deflate), core)
        self.log = open(folder / "server.log", "wb")

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not accepts(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(
                    f"does not listen: {' '.join(self.command)}\n{Path(self.log.name).read_text()[-2000:]}"
                )
            time.sleep(0.05)
        return self

    def processes(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return ",".join([str(self.process.pid)] + children)

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(8)
                except subprocess.TimeoutExpired:
                    continue
        self.log.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
