"""Certificates for services of this machine: valid for ``localhost`` and 127.0.0.1, for one day.

Each comes with an authority of its own, which clients are told to believe: strict ones (rustls, Python 3.13)
take no certificate that signed itself.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """A certificate, its key, and the authority to believe, as PEM files."""

    file: Path
    key_file: Path
    authority_file: Path

    def for_server(self) -> ssl.SSLContext:
        """What a server that shows this certificate wraps its connections with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file, self.key_file)
        return context

    def for_client(self) -> ssl.SSLContext:
        """What a client that believes this authority, and no other, connects with."""
        return ssl.create_default_context(cafile=str(self.authority_file))

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs are told to believe this authority, and no other."""
        return {"SSL_CERT_FILE": str(self.authority_file), "REQUESTS_CA_BUNDLE": str(self.authority_file)}


def new_certificate(folder: Path) -> Certificate:
    """A new certificate, with an authority of its own, in ``folder``."""
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = (
        _unsigned("Authority for tests", authority_key, signed_by="Authority for tests", with_key=authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_for_signing_certificates(), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        _unsigned("localhost", key, signed_by="Authority for tests", with_key=authority_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificate(folder / "certificate.pem", folder / "key.pem", folder / "authority.pem")
    made.file.write_bytes(certificate.public_bytes(Encoding.PEM))
    made.authority_file.write_bytes(authority.public_bytes(Encoding.PEM))
    made.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def _unsigned(name: str, key: EllipticCurvePrivateKey, *, signed_by: str,
              with_key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:  # fmt: skip
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(signed_by))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(with_key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _for_signing_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
