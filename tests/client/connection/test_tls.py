"""TLS and mutual TLS towards a real server, and what is said when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.__main__ import main
from server.launch import TritonServer
from server.listen import Listen
from server.tls import Tls
from tests.certificates import Authority, openssl
from tests.client.conftest import Demo


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates and keys: of two authorities, a server and clients."""
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(folder / "authority"), Authority(folder / "stranger")
    for name, file in (
        ("authority.pem", authority.certificate),
        ("stranger.pem", stranger.certificate),
        *zip(("server.pem", "server.key"), authority.sign("server"), strict=True),
        *zip(("client.pem", "client.key"), authority.sign("client"), strict=True),
        *zip(("intruder.pem", "intruder.key"), stranger.sign("intruder"), strict=True),
    ):
        file.rename(folder / name)
    openssl(
        *("pkey", "-in", folder / "client.key", "-out", folder / "encrypted.key"),
        *("-aes256", "-passout", "pass:secret"),
    )
    return folder


@pytest.fixture(scope="module")
def tls_server(recorded_repository: Path, files: Path) -> Iterator[TritonServer]:
    """With mutual TLS."""
    tls = Tls(files / "server.pem", files / "server.key", files / "authority.pem")
    with TritonServer(recorded_repository, listen=Listen(tls=tls), exit_timeout_secs=0) as server:
        yield server


def options(files: Path, ca: str | None, client: str | None) -> list[str]:
    given = [] if ca is None else ["--tls-ca", str(files / f"{ca}.pem")]
    if client is not None:
        given += ["--tls-certificate", str(files / f"{client}.pem")]
        given += ["--tls-key", str(files / f"{client}.key")]
    return given


def predict(demo: Demo, output: Path, url: str, *further: str) -> int:
    picture = str(demo.images / "000005.jpg")
    return main(["predict", picture, "--url", url, "--output", str(output), *further])


def test_pictures_are_predicted_over_mutual_tls(
    tls_server: TritonServer, files: Path, demo: Demo, tmp_path: Path
) -> None:
    given = options(files, "authority", "client")

    assert predict(demo, tmp_path, tls_server.grpc_url, *given) == 0
    assert (tmp_path / "000005.png").is_file()


@pytest.mark.parametrize(
    ("ca", "client", "message"),
    [
        (None, None, r"it speaks TLS: name with --tls-ca "),
        ("stranger", "client", r"its certificate is not trusted with --tls-ca .*stranger\.pem: "),
        ("authority", None, r"it closed .* it wants .* and none was given"),
        (
            "authority",
            "intruder",
            r"it closed .* it wants .* and .*intruder\.pem was given",
        ),
    ],
)
def test_why_a_handshake_failed_is_told(
    tls_server: TritonServer, files: Path, demo: Demo, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], ca: str | None, client: str | None, message: str,
) -> None:  # fmt: skip
    code = predict(demo, tmp_path, tls_server.grpc_url, *options(files, ca, client))

    assert code == 1
    told = f"error: the server at {tls_server.grpc_url} (grpc) cannot be asked: "
    assert re.match(re.escape(told) + message, capsys.readouterr().err)


def test_a_server_without_tls_is_told_from_one_that_is_not_there(
    recorded_server: TritonServer,
    files: Path,
    demo: Demo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = options(files, "authority", None)

    assert predict(demo, tmp_path, recorded_server.grpc_url, *given) == 1
    assert "it does not speak TLS: leave out the --tls options" in capsys.readouterr().err
    assert predict(demo, tmp_path, "127.0.0.1:1", *given) == 1
    assert "no Triton server answers at 127.0.0.1:1" in capsys.readouterr().err


def test_http_has_no_tls(
    files: Path, demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*options(files, "authority", None), "--protocol", "http"]

    assert predict(demo, tmp_path, "127.0.0.1:1", *given) == 1
    assert capsys.readouterr().err.startswith("error: Triton has no TLS on its HTTP port: use ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--tls-ca", "missing"], "--tls-ca: cannot read missing: No such file"),
        (["--tls-ca", "server.key"], "--tls-ca: server.key holds no certificate in PEM format"),
        (["--tls-certificate", "client.pem"], "--tls-ca is missing"),
        (["--tls-ca", "authority.pem", "--tls-key", "client.key"],
         "--tls-certificate and --tls-key belong together"),
        (["--tls-ca", "authority.pem", "--tls-certificate", "client.pem", "--tls-key",
          "server.key"], "client.pem and server.key are not a certificate and its unencrypted key"),
        (["--tls-ca", "authority.pem", "--tls-certificate", "client.pem", "--tls-key",
          "encrypted.key"], "encrypted.key are not a certificate and its unencrypted key"),
    ],
)  # fmt: skip
def test_files_that_are_missing_or_unfit_are_named(
    files: Path,
    demo: Demo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(files)

    assert predict(demo, tmp_path, "127.0.0.1:1", *given) == 1
    assert message in capsys.readouterr().err
