"""Evidence: one zip that proves itself, read by the programs of others, and wherever one byte is flipped."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from policy_archive.cli import policy_archive
from policy_archive.crawler.core.errors import UsageError
from policy_archive.crawler.core.records import Document, Kind
from policy_archive.pipelines.exchange.export.web_archive import write_wacz
from policy_archive.pipelines.outputs.evidence import SUMS, TOKEN, pack, write_evidence
from policy_archive.pipelines.outputs.evidence_check import EvidenceReport, check_evidence
from policy_archive.pipelines.outputs.time_stamps import check_stamp, request_stamp
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.writer import Store
from tests.support.synthetic import PRIVACY, store_texts

DOCUMENT = Document(site="tidelock.example", kind=Kind.PRIVACY)


@pytest.fixture(scope="module")
def bundle(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the evidence of a change."""
    target = tmp_path_factory.mktemp("evidence") / "evidence.zip"
    with closing(open_reader(demo_database)) as reader:
        assert write_evidence(reader, DOCUMENT, (4, 5), target) == ()
    return target


def verify(path: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(policy_archive, ["verify", str(path), *words], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.output


def read_parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as container:
        return {name: container.read(name) for name in container.namelist()}


def with_sums(parts: dict[str, bytes]) -> bytes:
    """Return the zip of parts whose digests a forger has made anew."""
    rest = {name: content for name, content in parts.items() if name != SUMS}
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in rest.items())
    return pack(rest | {SUMS: "".join(lines).encode()})


def test_it_holds_both_texts_and_captures_and_is_the_same_twice(
    demo_database: Path, bundle: Path, tmp_path: Path
) -> None:
    words = [
        "bundle",
        "tidelock.example",
        "--at",
        "2018-07-01",
        "--change",
        "--to",
        str(tmp_path / "again.zip"),
    ]
    result = CliRunner().invoke(policy_archive, [*words, "--db", str(demo_database)], standalone_mode=False)
    assert result.exception is None, result.exception
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    parts = read_parts(bundle)
    texts = [name.split("-")[0] for name in parts if name.startswith("texts/")]
    assert texts == ["texts/20120219083102", "texts/20180528191130"]
    rest = [name for name in parts if not name.startswith("texts/")]
    assert rest == ["captures.wacz", "diff.json", "evidence.json", "index.html", "SHA256SUMS"]
    page = parts["index.html"].decode()
    assert "<script" not in page and "default-src 'none'" in page
    assert "<ins>" in page and "between 2018-04-12" in page
    evidence = json.loads(parts["evidence.json"])
    assert [row["version"] for row in evidence["versions"]] == [4, 5]
    assert {row["timestamp"] for row in evidence["captures"]} >= {"20180412060708", "20180528191130"}


def test_it_is_checked_without_a_database_and_by_sha256sum(bundle: Path, tmp_path: Path) -> None:
    status, told = verify(bundle)
    assert status == 0
    assert told.count("read again from the captured page, the same text") == 2
    assert "4 of 4 captures: the body's SHA-1 is the index's digest" in told
    assert "no time stamp" in told
    with zipfile.ZipFile(bundle) as container:
        container.extractall(tmp_path)
    done = subprocess.run(
        ["sha256sum", "-c", SUMS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_one_flipped_byte_anywhere_is_named(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    path = tmp_path / "flipped.zip"
    headers = {at + off for at in range(len(whole) - 4) if whole[at : at + 2] == b"PK" for off in range(46)}
    places = sorted({*range(0, len(whole), 97), *(at for at in headers if at < len(whole))})
    assert len(places) > 700
    named = set()
    for at in places:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        report = check_evidence(path)
        assert report.faults, at
        named |= {fault.part for fault in report.faults}
    assert named >= set(read_parts(bundle))
    status, told = verify(path)
    assert status == 1 and "faults: " in told


@pytest.mark.parametrize("cut", [1, 22, 500, 20_000])
def test_a_file_that_is_cut_or_grew_is_named(bundle: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.zip"
    path.write_bytes(bundle.read_bytes()[:-cut])
    assert check_evidence(path).faults
    path.write_bytes(bundle.read_bytes() + b"x" * cut)
    assert check_evidence(path).faults


def test_a_forger_who_makes_the_digests_anew_is_found_by_reading_the_page_again(
    bundle: Path, tmp_path: Path
) -> None:
    parts = read_parts(bundle)
    path = tmp_path / "forged.zip"
    (name,) = (part for part in parts if part.startswith("texts/20180528191130-"))
    forged = parts | {name: parts[name].replace(b"sell", b"give")}
    path.write_bytes(with_sums(forged | {name: parts[name] + b"We sell everything.\n"}))
    assert [fault.part for fault in check_evidence(path).faults] == [name]
    evidence = json.loads(parts["evidence.json"])
    text = parts[name].decode().split("\n\n", 2)[2] + "We sell everything.\n"
    evidence["versions"][1]["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    everything = parts | {name: parts[name] + b"We sell everything.\n"}
    path.write_bytes(with_sums(everything | {"evidence.json": json.dumps(evidence).encode()}))
    faults = check_evidence(path).faults
    assert [(fault.part, "another text" in fault.detail) for fault in faults] == [(name, True)]


def test_what_is_no_evidence_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"hello")
    with pytest.raises(UsageError, match="is no zip"):
        check_evidence(path)
    with zipfile.ZipFile(path, "w") as container:
        container.writestr("a", "b")
    with pytest.raises(UsageError, match="no evidence of ours"):
        check_evidence(path)


def test_hostile_zips_are_faults_and_nothing_more(bundle: Path, tmp_path: Path) -> None:
    parts = read_parts(bundle)
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in (parts | {"bomb": bytes(50_000_000)}).items():
            container.writestr(name, content)
    assert any("not stored" in fault.detail for fault in check_evidence(path).faults)
    path.write_bytes(with_sums(parts | {"../../outside": b"x"}))
    check_evidence(path)
    assert not (tmp_path.parent.parent / "outside").exists()
    for broken in (b"{}", b"[]", b"null", b'{"format": 1}', b"[" * 100_000):
        path.write_bytes(with_sums(parts | {"evidence.json": broken}))
        assert _is_refused(path)
    evidence = json.loads(parts["evidence.json"])
    for key in ("versions", "captures"):
        path.write_bytes(with_sums(parts | {"evidence.json": json.dumps(evidence | {key: [{}]}).encode()}))
        assert _is_refused(path)


def test_captures_that_unpack_to_very_much_are_a_fault(bundle: Path, tmp_path: Path) -> None:
    rows = [
        {
            "capture_id": number, "timestamp": f"2018010100000{number}", "original": "http://x.example/",
            "digest": "-", "body_digest": str(number), "location": None, "http_status": 200,
            "statuscode": "200", "content_type": "text/html", "replay_url": "", "is_same": 0,
            "outcome": "text",
        }
        for number in range(3)
    ]  # fmt: skip
    bomb = tmp_path / "bomb.wacz"
    write_wacz(rows, lambda digest: digest.encode() + bytes(400_000), bomb, titles={})
    path = tmp_path / "bomb.zip"
    path.write_bytes(with_sums(read_parts(bundle) | {"captures.wacz": bomb.read_bytes()}))
    faults = check_evidence(path, most_bytes=1_000_000).faults
    assert len(path.read_bytes()) < 100_000
    assert ["unpacks to more than evidence holds" in fault.detail for fault in faults] == [True]


def _is_refused(path: Path) -> bool:
    try:
        report: EvidenceReport = check_evidence(path)
    except UsageError:
        return True
    return bool(report.faults)


def test_a_text_that_was_imported_has_evidence_that_says_so(tmp_path: Path) -> None:
    database = tmp_path / "policies.db"
    with Store.open(database) as store:
        store_texts(
            store, [("20180101", "One.\n"), ("20190101", "Two.\n")], title="<script>alert(1)</script>"
        )
        store.connection.execute("update captures set body_digest = null")
    with closing(open_reader(database)) as reader:
        notes = write_evidence(reader, PRIVACY, (1, 2), tmp_path / "x.zip")
    assert "have no bytes in it" in notes[0]
    status, told = verify(tmp_path / "x.zip")
    assert status == 0 and "no page is in it" in told


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run a time stamp authority by openssl; return its address and its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, which plays the time stamp authority")
    folder = tmp_path_factory.mktemp("authority")
    (folder / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Test authority\n"
        "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
        "[ts]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\ncrypto_device=builtin\nsigner_digest=sha256\n"
        "default_policy=1.2.3.4\ndigests=sha256\nordering=no\ntsa_name=no\ness_cert_id_alg=sha256\n"
    )
    (folder / "serial").write_text("01\n")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=True)

    config = ("-config", "tsa.cnf")
    new = ("req", "-newkey", "rsa:2048", "-nodes", *config)
    openssl(*new, "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-extensions", "ca")
    openssl(*new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test stamper")
    openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "tsa.cnf", "-extensions", "ts", "-out", "tsa.pem")  # fmt: skip

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/broken":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"no stamp")
                return
            (folder / "query.tsq").write_bytes(query)
            openssl("ts", "-reply", "-queryfile", "query.tsq", "-signer", "tsa.pem", "-inkey", "tsa.key",
                    *config, "-out", "reply.tsr")  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "reply.tsr").read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder / "ca.pem"
        server.shutdown()


def test_a_time_stamp_is_checked_by_openssl_and_by_us(
    demo_database: Path, authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = authority
    target = tmp_path / "stamped.zip"
    with closing(open_reader(demo_database)) as reader:
        write_evidence(reader, DOCUMENT, (5,), target, stamp=partial(request_stamp, url))
    status, told = verify(target, "--tsa-certificate", str(certificate))
    assert (status, "signed under CN=Test authority" in told) == (0, True)
    assert "not checked: name its authority's certificate" in verify(target)[1]
    with zipfile.ZipFile(target) as container:
        container.extractall(tmp_path)
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-data", SUMS, "-in", TOKEN, "-CAfile", certificate],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout, done.stderr
    parts = read_parts(target)
    changed = parts | {"index.html": parts["index.html"] + b" "}
    del changed[TOKEN]
    target.write_bytes(with_sums(changed))
    target.write_bytes(pack(read_parts(target) | {TOKEN: parts[TOKEN]}))
    report = check_evidence(target, check_stamp=partial(check_stamp, certificates=certificate))
    assert [fault.part for fault in report.faults] == [TOKEN]


def test_an_authority_that_gives_none_is_one_sentence(authority: tuple[str, Path]) -> None:
    url, _ = authority
    with pytest.raises(UsageError, match="gave no time stamp"):
        request_stamp(f"{url}/broken", b"x")
    with pytest.raises(UsageError, match="does not answer"):
        request_stamp("http://127.0.0.1:9/", b"x")
    with pytest.raises(UsageError, match="is no address"):
        request_stamp("file:///etc/passwd", b"x")
