"""
The certificate that nginx starts with: a self-signed one where there is none; a pair of one's own is left alone, and
one with which nginx would not start is refused, with the reason.
"""

import os
import subprocess

import pytest

from production import ROOT

AUTHORITY = """
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = policy
[policy]
commonName = supplied
"""


def run(folder):
    return subprocess.run(
        [ROOT / "ops" / "self-signed-certificate.sh", folder],
        env={"PATH": os.environ["PATH"], "ALLOWED_HOSTS": "thinkring.test,api.thinkring.test"},
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def ssl(tmp_path):
    """A folder with a pair in it."""
    folder = tmp_path / "ssl"
    folder.mkdir()
    assert run(folder).returncode == 0
    return folder


def assert_refused(ssl, words):
    before = {path.name: path.lstat().st_ino for path in ssl.iterdir()}

    result = run(ssl)

    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line
    assert {path.name: path.lstat().st_ino for path in ssl.iterdir()} == before, "nothing was replaced"


def test_it_works(ssl):
    made = (ssl / "cert.pem").read_bytes()

    result = run(ssl)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "nginx/ssl has a certificate; it is left as it is.\n"
    assert (ssl / "cert.pem").read_bytes() == made


@pytest.mark.parametrize("there", [True, False])
def test_links_out_of_the_folder(ssl, tmp_path, there):
    """As `ln -s /etc/letsencrypt/live/…` makes them: what they lead to is not in nginx's container."""
    for name in ["cert.pem", "key.pem"]:
        (ssl / name).rename(tmp_path / name)
        (ssl / name).symlink_to(tmp_path / name if there else tmp_path / "gone" / name)

    assert_refused(ssl, "nginx/ssl/cert.pem is a link that leads out of the only folder that nginx sees; copy the file")


def test_links_within_the_folder(ssl):
    for name in ["cert.pem", "key.pem"]:
        (ssl / name).rename(ssl / f"2026-{name}")
        (ssl / name).symlink_to(f"2026-{name}")

    assert run(ssl).returncode == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("cert.pem", "cert.pem is no certificate in PEM form"), ("key.pem", "key.pem is no private key in PEM form")],
)
@pytest.mark.parametrize("content", ["", "garbage\n"])
def test_what_is_no_certificate_or_key(ssl, name, words, content):
    (ssl / name).write_text(content)

    assert_refused(ssl, words)


def test_a_key_with_a_password(ssl):
    subprocess.run(
        ["openssl", "pkey", "-in", "key.pem", "-aes256", "-passout", "pass:secret", "-out", "locked.pem"],
        cwd=ssl, check=True, capture_output=True,
    )  # fmt: skip
    (ssl / "locked.pem").rename(ssl / "key.pem")

    assert_refused(ssl, "without a password")


def test_folders(ssl):
    for name in ["cert.pem", "key.pem"]:
        (ssl / name).unlink()
        (ssl / name).mkdir()

    assert_refused(ssl, "nginx/ssl/cert.pem is not a file")


def test_halves_of_two_pairs(ssl, tmp_path):
    assert run(tmp_path).returncode == 0
    (tmp_path / "key.pem").rename(ssl / "key.pem")

    assert_refused(ssl, "do not belong together")


def test_an_expired_certificate_is_left_with_a_warning(ssl, tmp_path):
    # Only a certificate authority says from when to when.
    (tmp_path / "index.txt").touch()
    (tmp_path / "ca.conf").write_text(AUTHORITY)
    for command in [
        ["openssl", "req", "-new", "-key", ssl / "key.pem", "-subj", "/CN=old", "-out", "request.pem"],
        ["openssl", "ca", "-batch", "-selfsign", "-config", "ca.conf", "-keyfile", ssl / "key.pem",
         "-in", "request.pem", "-out", ssl / "cert.pem",
         "-startdate", "20200101000000Z", "-enddate", "20200401000000Z"],
    ]:  # fmt: skip
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    result = run(ssl)

    assert result.returncode == 0
    assert result.stdout.startswith("Warning: the certificate in nginx/ssl has expired")
