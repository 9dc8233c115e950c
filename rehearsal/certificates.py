"""The rehearsal's own certificate authority, in the place of the one that signs RDS's certificates."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Where the PEM files are: the authority's certificate, the server's chain and its private key."""

    ca_file: Path
    server_chain_file: Path
    server_key_file: Path


def issue(folder: Path, *names: str) -> Certificates:
    """Make an authority and a server certificate for `names` (host names and addresses) in `folder`.

    A new authority for every call: nothing that was issued for one run is trusted by another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Pardon Operations rehearsal")
    server = authority.issue_cert(*names)
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    authority.cert_pem.write_to_path(files.ca_file)
    server.private_key_pem.write_to_path(files.server_key_file)
    files.server_key_file.chmod(0o600)
    files.server_chain_file.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    return files
