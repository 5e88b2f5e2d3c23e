"""
TLS as sslyze finds it, beside Mozilla's intermediate profile (which sslyze brings along). The specified
`ssl_ciphers HIGH:!aNULL:!MD5` allows more than that; exactly what, stands here.
"""

import subprocess
import time

import pytest
from sslyze import Scanner, ServerNetworkLocation, ServerScanRequest, ServerScanStatusEnum
from sslyze.mozilla_tls_profile.tls_config_checker import (
    MozillaTlsConfiguration,
    ServerNotCompliantWithTlsConfiguration,
    TlsConfigurationEnum,
    check_server_against_tls_configuration,
)
from sslyze.plugins.robot.implementation import RobotScanResultEnum

from production import DOMAIN, docker

# nginx is the same, whoever starts it.
FRONT_ENDS = ["docker compose"]
INTERMEDIATE = MozillaTlsConfiguration.get(TlsConfigurationEnum.MOZILLA_INTERMEDIATE)

# Beyond the profile, all with 128 bits and more: with the key that `ops/` makes and certbot asks for …
BEYOND = {
    "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-CCM",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-ARIA128-GCM-SHA256",
    "ECDHE-ECDSA-ARIA256-GCM-SHA384",
    "ECDHE-ECDSA-CAMELLIA128-SHA256",
    "ECDHE-ECDSA-CAMELLIA256-SHA384",
}
# … and with one of RSA that somebody brings. Those without ECDHE have no forward secrecy.
BEYOND_WITH_RSA = {
    "AES128-CCM",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES128-SHA256",
    "AES256-CCM",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "AES256-SHA256",
    "ARIA128-GCM-SHA256",
    "ARIA256-GCM-SHA384",
    "CAMELLIA128-SHA",
    "CAMELLIA128-SHA256",
    "CAMELLIA256-SHA",
    "CAMELLIA256-SHA256",
    "ECDHE-ARIA128-GCM-SHA256",
    "ECDHE-ARIA256-GCM-SHA384",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-CAMELLIA128-SHA256",
    "ECDHE-RSA-CAMELLIA256-SHA384",
}


def scan(port):
    location = ServerNetworkLocation(DOMAIN, port, ip_address="127.0.0.1")
    scanner = Scanner()
    scanner.queue_scans([ServerScanRequest(server_location=location)])
    (result,) = scanner.get_results()
    assert result.scan_status is ServerScanStatusEnum.COMPLETED
    return result


@pytest.fixture(scope="module")
def found(stack):
    return scan(stack.ports["https"])


def suites(result, version):
    return {
        suite.cipher_suite.openssl_name
        for suite in getattr(result.scan_result, f"{version}_cipher_suites").result.accepted_cipher_suites
    }


def test_versions(found):
    versions = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"]

    assert [version for version in versions if suites(found, version)] == ["tls_1_2", "tls_1_3"]


def test_suites(found):
    assert suites(found, "tls_1_3") == set(INTERMEDIATE.ciphersuites)
    assert suites(found, "tls_1_2") - set(INTERMEDIATE.ciphers.openssl) == BEYOND


def test_all_else_is_mozillas_intermediate_profile(found):
    """The certificate of a first start is self-signed, so that nobody trusts it."""
    with pytest.raises(ServerNotCompliantWithTlsConfiguration) as failure:
        check_server_against_tls_configuration(found, INTERMEDIATE)

    assert set(failure.value.issues) == {"ciphers", "certificate_path_validation"}


def test_what_is_free_to_choose(found):
    result = found.scan_result
    resumption = result.session_resumption.result

    curves = {curve.name for curve in result.elliptic_curves.result.supported_curves}
    assert curves == {"X25519", "secp256r1", "secp384r1"}
    assert resumption.session_id_successful_resumptions_count == resumption.session_id_attempted_resumptions_count > 0
    assert resumption.tls_ticket_successful_resumptions_count == 0
    assert not result.tls_1_3_early_data.result.supports_early_data


def test_known_holes(found):
    result = found.scan_result
    renegotiation = result.session_renegotiation.result

    assert not result.heartbleed.result.is_vulnerable_to_heartbleed
    assert not result.openssl_ccs_injection.result.is_vulnerable_to_ccs_injection
    assert result.robot.result.robot_result is RobotScanResultEnum.NOT_VULNERABLE_RSA_NOT_SUPPORTED
    assert not result.tls_compression.result.supports_compression
    assert result.tls_fallback_scsv.result.supports_fallback_scsv
    assert renegotiation.supports_secure_renegotiation
    assert not renegotiation.is_vulnerable_to_client_renegotiation_dos


@pytest.fixture
def with_rsa(stack, tmp_path):
    """The port of a second nginx with our file, and a key of the other kind."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={DOMAIN}",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    configuration = stack.folder / "nginx"
    container = docker(
        "run", "--detach", "--rm", "--publish", "127.0.0.1::443", "--volume", f"{tmp_path}:/etc/nginx/ssl:ro",
        "--volume", f"{configuration}/nginx.conf:/etc/nginx/nginx.conf:ro",
        "--volume", f"{configuration}/domain:/etc/nginx/domain:ro", "nginx:alpine",
    ).strip()  # fmt: skip
    try:
        time.sleep(1)
        yield int(docker("port", container, "443/tcp").split(":")[-1])
    finally:
        docker("rm", "--force", container)


def test_with_a_key_of_rsa(with_rsa):
    result = scan(with_rsa)

    assert suites(result, "tls_1_2") - set(INTERMEDIATE.ciphers.openssl) == BEYOND_WITH_RSA
    assert result.scan_result.robot.result.robot_result is RobotScanResultEnum.NOT_VULNERABLE_NO_ORACLE
