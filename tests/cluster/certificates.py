"""Certificates of a cluster, made by openssl: an authority of its own, and one certificate for all."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificates(folder: Path) -> dict[str, Path]:
    """Return the files by the names of Dask's options."""
    folder.mkdir()
    ca, ca_key, cert, key, request = (
        folder / name for name in ("ca.pem", "ca.key", "cert.pem", "cert.key", "request.pem")
    )
    _run("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
         "-subj", "/CN=cluster", "-keyout", ca_key, "-out", ca)  # fmt: skip
    _run("req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=worker",
         "-keyout", key, "-out", request)  # fmt: skip
    _run(
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        ca,
        "-CAkey",
        ca_key,
        "-CAcreateserial",
        "-days",
        "2",
        "-out",
        cert,
    )
    return {"ca-file": ca, "cert": cert, "key": key}


def _run(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
