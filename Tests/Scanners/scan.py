#!/usr/bin/env python3
"""Looks at a broker's TLS with public scanners: testssl.sh (Debian) and sslyze (PyPI, Mozilla's "intermediate").

  Tests/Scanners/scan.py             exit status 1 if one of them finds something that EXPLAINED does not name
The broker is CASEBUS_BINARY, or else .build/debug/casebus. What the findings mean: Docs/operating/tls.md.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CASEBUS_BINARY", str(ROOT / ".build" / "debug" / "casebus"))
SCANNERS = ROOT / ".build" / "scanners"
SSLYZE = "sslyze==6.3.1"
# Findings of testssl.sh above LOW that are about the certificate made here: its authority publishes no revocations.
EXPLAINED = {"cert_revocation"}


def main():
    with tempfile.TemporaryDirectory(prefix="casebus-scan-") as folder:
        folder = Path(folder)
        make_certificates(folder)
        broker = subprocess.Popen(
            [BINARY, "serve", "--journal", "memory", "--no-plain", "--tls-port", "0", "--tls-certificate", folder / "chain.pem", "--tls-key", folder / "key.pem"],
            stdout=subprocess.PIPE, text=True,
        )
        try:
            port = re.search(r"wss://127\.0\.0\.1:(\d+)/", broker.stdout.readline())[1]
            complaints = testssl(port, folder) + sslyze(port, folder)
        finally:
            broker.terminate()
            broker.wait(20)
    for complaint in complaints:
        print("NOT EXPLAINED:", complaint)
    return 1 if complaints else 0


def make_certificates(folder):
    """An authority, and what it says about localhost; no longer valid than public ones may be."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "authority.key", "-out", "authority.pem", "-days", "90", "-subj", "/CN=Casebus scan",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl("x509", "-req", "-in", "request.pem", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "90",
            "-out", "certificate.pem", "-extfile", "extensions")
    (folder / "chain.pem").write_text((folder / "certificate.pem").read_text())


def testssl(port, folder):
    findings = folder / "testssl.json"
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--add-ca", folder / "authority.pem", "--jsonfile", findings, f"localhost:{port}"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=900)
    complaints = []
    for finding in json.loads(findings.read_text()):
        if finding["severity"] in {"OK", "INFO"}:
            continue
        print(f"testssl.sh: {finding['severity']:8} {finding['id']}: {finding['finding']}")
        if finding["severity"] != "LOW" and finding["id"] not in EXPLAINED:
            complaints.append(f"testssl.sh {finding['id']}: {finding['finding']}")
    print(f"testssl.sh: {len(json.loads(findings.read_text()))} findings")
    return complaints


def sslyze(port, folder):
    program = SCANNERS / "bin" / "sslyze"
    if not program.exists():
        venv.create(SCANNERS, with_pip=True)
        subprocess.run([SCANNERS / "bin" / "pip", "install", "--quiet", SSLYZE], check=True)
    command = [program, "--mozilla_config=intermediate", "--certinfo_ca_file", folder / "authority.pem", f"localhost:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    verdict = done.stdout.partition("COMPLIANCE AGAINST")[2]
    print("sslyze:", " ".join(re.findall(r"(?m)^    (?:localhost|    \*).*$", verdict)))
    return [] if done.returncode == 0 and "OK - Compliant" in verdict else [f"sslyze: {verdict}"]


if __name__ == "__main__":
    sys.exit(main())
