"""The rehearsal's own certificate authority, which signs the certificates of PostgreSQL and of the site."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class KeyPair:
    """Where the PEM files of a certificate with its chain, and of its private key, are."""

    chain_file: Path
    key_file: Path


@dataclass(frozen=True)
class Certificates:
    """Where the PEM files are: the authority's certificate, the server's chain and its private key."""

    ca_file: Path
    server_chain_file: Path
    server_key_file: Path


class Authority:
    """A run's own authority, with its files in a folder: no other run trusts what it issues.

    Attributes: ca_file (PEM, the authority's certificate).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._authority = trustme.CA(organization_name="Pardon Operations rehearsal")
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def issue(self, name: str, *identities: str, common_name: str | None = None) -> KeyPair:
        """Issue a certificate for host names and addresses, or for a client's common name.

        Args:
            name: of its files in the folder: name.pem and name-key.pem.
        """
        issued = self._authority.issue_cert(*identities, common_name=common_name)
        pair = KeyPair(self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        pair.key_file.touch(mode=0o600)
        issued.private_key_pem.write_to_path(pair.key_file)
        pair.chain_file.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return pair


def issue(folder: Path, *names: str) -> Certificates:
    """Create an authority and a server certificate for `names` (host names and addresses) in `folder`."""
    authority = Authority(folder)
    server = authority.issue("server", *names)
    return Certificates(authority.ca_file, server.chain_file, server.key_file)
