"""The checks of certificates; test_strangers.py has a server that uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import ServerError
from server.tls import Tls
from tests.certificates import Authority, openssl


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Certificates and keys by name, good ones and others."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "authority")
    certificate, key = authority.sign("server")
    files = {
        "authority.pem": authority.certificate,
        "server.pem": certificate,
        "server.key": key,
        "another.key": authority.sign("another")[1],
        "missing": folder / "missing",
    }
    files["expired.pem"], files["expired.key"] = authority.sign("expired", days=-1)
    for name in ("server.der", "encrypted.key", "selfsigned.pem"):
        files[name] = folder / name
    openssl("x509", "-in", certificate, "-outform", "der", "-out", files["server.der"])
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", files["encrypted.key"])
    openssl(
        *("req", "-x509", "-key", key, "-subj", "/CN=server", "-days", "1"),
        *("-out", files["selfsigned.pem"]),
    )
    return files


@pytest.mark.parametrize("certificate", ["server.pem", "selfsigned.pem"])
@pytest.mark.parametrize("client_ca", ["authority.pem", "selfsigned.pem", None])
def test_good_files_are_accepted(
    files: dict[str, Path], certificate: str, client_ca: str | None
) -> None:
    authorities = None if client_ca is None else files[client_ca]
    Tls(files[certificate], files["server.key"], authorities).check()


@pytest.mark.parametrize(
    ("certificate", "key", "client_ca", "fault"),
    [
        ("missing", "server.key", None, "{missing} cannot be read: No such file"),
        ("server.pem", "missing", None, "{missing} cannot be read: No such file"),
        ("server.pem", "server.key", "missing", "{missing} cannot be read: No such file"),
        ("server.der", "server.key", None, "{server.der} is not a PEM file: it has no line -----B"),
        ("server.pem", "encrypted.key", None, "{encrypted.key} has a passphrase, for which"),
        ("server.pem", "another.key", None, "{another.key} is not the key of {server.pem}"),
        ("server.pem", "server.pem", None, "{server.pem} and {server.pem} are not a certificate"),
        ("server.key", "server.key", None, "{server.key} and {server.key} are not a certificate"),
        ("expired.pem", "expired.key", None, "accept {expired.pem}: certificate has expired"),
        ("server.pem", "server.key", "server.key", "{server.key} holds no certificate"),
        ("server.pem", "server.key", "server.pem", "{server.pem}: its certificate is not an auth"),
    ],
)
def test_a_fault_is_told_with_its_file(
    files: dict[str, Path], certificate: str, key: str, client_ca: str | None, fault: str
) -> None:
    authorities = None if client_ca is None else files[client_ca]
    with pytest.raises(ServerError) as error:
        Tls(files[certificate], files[key], authorities).check()
    for name, path in files.items():
        fault = fault.replace(f"{{{name}}}", str(path))
    assert fault in str(error.value)


def test_an_expired_authority_is_refused(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.tls.time.time", lambda: 4e9)  # in the year 2096
    with pytest.raises(ServerError, match=r"authority\.pem: an authority's .* has expired, on "):
        Tls(files["server.pem"], files["server.key"], files["authority.pem"]).check()
