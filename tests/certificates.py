"""Certificates for the tests, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """One that signs certificates, with its files in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.certificate = folder / "authority.pem"
        self._key = folder / "authority.key"
        openssl(
            *("req", "-x509", *EC_KEY, "-subj", "/CN=authority", "-days", "1"),
            *("-keyout", self._key, "-out", self.certificate),
        )

    def sign(self, name: str, days: int = 1) -> tuple[Path, Path]:
        """Returns a certificate for this machine and its key; less than 0 days: it has expired."""
        request, certificate, key = (
            self.folder / f"{name}.{suffix}" for suffix in ("csr", "pem", "key")
        )
        openssl("req", *EC_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        names = self.folder / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2")
        openssl(
            *("x509", "-req", "-in", request, "-out", certificate, "-days", str(days)),
            *("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-extfile", names),
        )
        return certificate, key


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
