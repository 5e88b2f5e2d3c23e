"""Each refusal as a person meets it: one sentence from the command, and no start."""

import json

import pytest

SECRETS = ["SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD"]
EXAMPLE = {
    "SECRET_KEY": "your-production-secret-key",
    "JWT_SECRET_KEY": "your-jwt-secret-key",
    "DB_PASSWORD": "secure-password-here",
}


@pytest.fixture
def values(manage):
    def read(*expressions, **environment):
        """What became of some settings, as text."""
        expression = ", ".join(f"str(settings.{expression})" for expression in expressions)
        code = f"import json; from django.conf import settings; print(json.dumps([{expression}]))"
        done = manage("shell", "--no-imports", "--command", code, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture
def refusal(manage):
    def sentence(**environment):
        done = manage("check", **environment)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("thinkRing cannot start: ")
        return done.stderr.removeprefix("thinkRing cannot start: ").strip()

    return sentence


def without(production, name):
    return {key: value for key, value in production.items() if key != name}


def test_static_files_have_hashed_names_in_production(values, production):
    """nginx lets browsers keep them for 30 days without asking again."""
    (storage,) = values("STORAGES['staticfiles']['BACKEND']", **production)

    assert storage.endswith(".ManifestStaticFilesStorage")


def test_it_works(manage, production):
    done = manage("check", "--deploy", "--fail-level", "WARNING", **production)

    assert done.returncode == 0, done.stderr


def test_no_environment_at_all_is_a_development_server(manage, values):
    assert manage("check").returncode == 0
    assert values("DEBUG", "DATABASES['default']['ENGINE']", "REFRESH_COOKIE", "TRUSTED_PROXIES") == [
        "True",
        "django.db.backends.sqlite3",
        "refresh",
        "0",
    ]


def test_everything_but_secrets_and_hosts_has_a_default(values, production):
    names = ["SIMPLE_JWT['ACCESS_TOKEN_LIFETIME']", "SIMPLE_JWT['REFRESH_TOKEN_LIFETIME']", "REFRESH_COOKIE"]
    names += ["CORS_ALLOWED_ORIGINS", "TRUSTED_PROXIES", "COMMIT"]

    assert values(*names, **production) == ["0:15:00", "7 days, 0:00:00", "__Secure-refresh", "[]", "1", "unknown"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret(refusal, production, name):
    assert refusal(**without(production, name)) == f"set {name} to a secret of your own: it is missing."


@pytest.mark.parametrize("name", SECRETS)
def test_a_short_secret(refusal, production, name):
    minimum = 12 if name == "DB_PASSWORD" else 32

    assert refusal(**{**production, name: "x" * (minimum - 1)}) == (
        f"set {name} to a secret of at least {minimum} characters: it has {minimum - 1}."
    )


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_the_example(refusal, production, name):
    assert refusal(**{**production, name: EXAMPLE[name]}) == (
        f"set {name} to a secret of your own: it still has the example's value."
    )


def test_secrets_from_files(values, production, tmp_path):
    environment = {name: value for name, value in production.items() if name not in SECRETS}
    for name in SECRETS:
        (tmp_path / name).write_text(f"$a-secret-of-a-file-and-nowhere-else-{name}\n")
        environment[f"{name}_FILE"] = str(tmp_path / name)

    assert values("SECRET_KEY", "SIMPLE_JWT['SIGNING_KEY']", "DATABASES['default']['PASSWORD']", **environment) == [
        f"$a-secret-of-a-file-and-nowhere-else-{name}" for name in SECRETS
    ]


def test_a_secret_from_a_file_that_is_not_there(refusal, production, tmp_path):
    environment = {**without(production, "SECRET_KEY"), "SECRET_KEY_FILE": str(tmp_path / "missing")}

    assert refusal(**environment).startswith(
        f"set SECRET_KEY_FILE to a text file that can be read: {tmp_path}/missing cannot"
    )


@pytest.mark.parametrize("hosts", ["", " , "])
def test_no_allowed_hosts(refusal, production, hosts):
    assert refusal(**{**production, "ALLOWED_HOSTS": hosts}).startswith("set ALLOWED_HOSTS to the names")


def test_a_database_by_its_address(values, production):
    """It goes before the other five, which the compose file sets."""
    address = "postgresql://anna:pass@db.example.com:6432/ring?sslmode=verify-full&sslrootcert=/ca.pem"
    server = "DATABASES['default']"
    found = values(
        f"{server}['HOST']", f"{server}['ENGINE']", f"{server}['OPTIONS']['sslmode']", f"{server}['CONN_MAX_AGE']",
        "DATABASES.get('replica')", **production, DATABASE_URL=address,
    )  # fmt: skip

    assert found == ["db.example.com", "thinkring.postgresql", "verify-full", "60", "None"]


def test_pgbouncer_before_another_database(refusal, production):
    address = "postgresql://anna:pass@db.example.com/ring?sslmode=require"

    said = refusal(**production, DATABASE_URL=address, PGBOUNCER_HOST="pgbouncer")

    assert said.startswith("leave PGBOUNCER_HOST empty beside DATABASE_URL")


def test_a_replica(values, production):
    address = "postgresql://anna:pass@replica.example.com/ring?sslmode=disable"
    found = values("DATABASES['replica']['HOST']", "DATABASE_ROUTERS", **production, DATABASE_REPLICA_URL=address)

    assert found == ["replica.example.com", "['apps.core.replica.Router']"]


def test_redis(values, refusal, production):
    cache = "CACHES['default']"
    secret = {"REDIS_HOST": "redis", "REDIS_PASSWORD": "a-password-of-redis"}
    assert values(f"{cache}['LOCATION']", f"{cache}['OPTIONS']['password']", **production, **secret) == [
        "redis://redis:6379",
        "a-password-of-redis",
    ]
    assert values(f"{cache}['LOCATION']", **production) == ["core_cache"]
    assert refusal(**production, REDIS_HOST="redis") == "set REDIS_PASSWORD to a secret of your own: it is missing."
    assert refusal(DEBUG="True", **secret).startswith("set DB_HOST to the host of the PostgreSQL server too: it counts")


def test_no_database_host(refusal, production):
    assert refusal(**without(production, "DB_HOST")).startswith("set DB_HOST to the host")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEBUG", "Fales", "set DEBUG to True or False, not to 'Fales'."),
        (
            "JWT_ACCESS_TOKEN_LIFETIME",
            "fifteen",
            "set JWT_ACCESS_TOKEN_LIFETIME to a whole number from 1 to 1440, not to 'fifteen'.",
        ),
        ("DB_PORT", "0", "set DB_PORT to a whole number from 1 to 65535, not to '0'."),
        ("METRICS_PORT", "80", "set METRICS_PORT to a whole number from 1024 to 65535, not to '80'."),
        (
            "METRICS_PORT",
            "8000",
            "set METRICS_PORT to another port than 8000, for example 9100: the API has that one.",
        ),
    ],
)
def test_nonsense(refusal, production, name, value, sentence):
    assert refusal(**{**production, name: value}) == sentence


MAIL = ["EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL", "DEFAULT_FROM_EMAIL"]
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def test_mail_in_development_is_written_to_the_console(values):
    assert values("EMAIL_BACKEND") == ["apps.core.mail.ConsoleBackend"]


def test_mail_in_production_without_a_server_is_not_sent(values, production):
    assert values("EMAIL_BACKEND", **production) == ["apps.core.mail.UnsentBackend"]


def test_mail_by_a_server(values, production):
    assert values(*MAIL, **production, EMAIL_HOST="smtp.example.com") == [
        SMTP,
        "smtp.example.com",
        "587",
        "True",
        "False",
        "thinkRing <no-reply@thinkring.example.com>",
    ]


def test_mail_by_a_server_that_speaks_tls_from_the_start(values, production, tmp_path):
    (tmp_path / "password").write_text("$a-password-of-a-mailbox\n")
    environment = {"EMAIL_HOST": "smtp.example.com", "EMAIL_USE_SSL": "yes", "DEFAULT_FROM_EMAIL": "rings@example.com"}
    environment["EMAIL_HOST_PASSWORD_FILE"] = str(tmp_path / "password")

    assert values(*MAIL, "EMAIL_HOST_PASSWORD", **production, **environment) == [
        SMTP,
        "smtp.example.com",
        "465",
        "False",
        "True",
        "rings@example.com",
        "$a-password-of-a-mailbox",
    ]


def test_mail_with_both_kinds_of_tls(refusal, production):
    assert refusal(**production, EMAIL_USE_SSL="True", EMAIL_USE_TLS="True").endswith("not both.")


@pytest.mark.parametrize(
    ("environment", "page"),
    [
        ({}, "https://thinkring.example.com"),
        ({"CORS_ALLOWED_ORIGINS": "https://page.example.com,https://other.example.com"}, "https://page.example.com"),
        ({"PAGE_URL": "https://thinkring.example.com:8443/"}, "https://thinkring.example.com:8443"),
    ],
)
def test_where_the_pages_are(values, production, environment, page):
    assert values("PAGE_URL", **production, **environment) == [page]


@pytest.mark.parametrize("address", ["thinkring.example.com", "ftp://thinkring.example.com", "https://", "https://["])
def test_a_page_that_is_nowhere(refusal, production, address):
    assert refusal(**production, PAGE_URL=address).startswith("set PAGE_URL to an address")


@pytest.mark.parametrize(
    ("environment", "contact"),
    [
        ({}, "mailto:security@thinkring.example.com"),
        ({"SECURITY_CONTACT": "https://example.com/security"}, "https://example.com/security"),
    ],
)
def test_whom_to_tell_of_a_hole(values, production, environment, contact):
    assert values("SECURITY_CONTACT", **production, **environment) == [contact]


def test_a_contact_that_no_program_understands(refusal, production):
    refused = refusal(**production, SECURITY_CONTACT="security@example.com")

    assert refused.startswith("set SECURITY_CONTACT to mailto: and an address")


def test_cookies_that_no_other_host_can_set(values, production):
    names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"]

    assert values(*names, **production) == ["__Host-sessionid", "__Host-csrftoken"]
    assert values(*names) == ["sessionid", "csrftoken"]


def test_passwords_are_stored_by_argon2(values, production):
    assert values("PASSWORD_HASHERS", **production) == ["['django.contrib.auth.hashers.Argon2PasswordHasher']"]


STORE = {
    "MEDIA_BUCKET": "thinkring-uploads",
    "S3_ENDPOINT_URL": "https://store.example.com/",
    "S3_ACCESS_KEY_ID": "a-key-of-the-store",
    "S3_SECRET_ACCESS_KEY": "a-secret-of-the-store",
}


def test_uploads_are_in_the_volume(values, production):
    assert values("STORAGES['default']['BACKEND']", "MEDIA_URL", **production) == [
        "django.core.files.storage.FileSystemStorage",
        "/media/",
    ]


def test_uploads_in_a_bucket(values, production):
    names = ["STORAGES['default']['BACKEND']", "STORAGES['default']['OPTIONS']['endpoint_url']", "MEDIA_URL"]

    assert values(*names, **production, **STORE) == [
        "apps.core.store.MediaStore",
        "https://store.example.com",
        "/media/",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"S3_ENDPOINT_URL": ""},
            "set S3_ENDPOINT_URL to the address of the store, for example https://s3.ap-northeast-1.amazonaws.com.",
        ),
        (
            {"S3_ENDPOINT_URL": "store:9000"},
            "set S3_ENDPOINT_URL to an address, for example https://thinkring.example.com, not to 'store:9000'.",
        ),
        ({"S3_ACCESS_KEY_ID": ""}, "set S3_ACCESS_KEY_ID to a secret of your own: it is missing."),
        ({"S3_SECRET_ACCESS_KEY": ""}, "set S3_SECRET_ACCESS_KEY to a secret of your own: it is missing."),
        (
            {"MEDIA_BUCKET": "", "STATIC_BUCKET": "files"},
            "set STATIC_URL to the address at which browsers find what is in STATIC_BUCKET, for example "
            "https://cdn.thinkring.example.com/static/.",
        ),
        (
            {"STATIC_BUCKET": STORE["MEDIA_BUCKET"], "STATIC_URL": "https://cdn.example.com/static/"},
            "set STATIC_BUCKET to another bucket than MEDIA_BUCKET: everybody may read static files, and uploads "
            "nobody.",
        ),
    ],
)
def test_a_store_that_cannot_be_used(refusal, production, change, sentence):
    assert refusal(**production, **(STORE | change)) == sentence


def test_uploads_in_a_bucket_without_nginx(refusal):
    assert refusal(**STORE).startswith("leave MEDIA_BUCKET empty where DEBUG is on")


def test_an_image_without_the_extra(refusal, production, tmp_path):
    # As if the package were not installed.
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['storages'] = None\n")

    assert refusal(**production, **STORE, PYTHONPATH=str(tmp_path)) == (
        "set EXTRAS to s3 and build the image anew, or leave MEDIA_BUCKET and STATIC_BUCKET empty: this image has "
        "nothing that speaks to a store."
    )


def test_static_files_at_a_cdn(values, production):
    names = ["STATIC_URL", "MIDDLEWARE[-1]"]

    assert values(*names, **production, STATIC_URL="https://cdn.example.com/static") == [
        "https://cdn.example.com/static/",
        "apps.core.pages.PolicyMiddleware",
    ]
    assert values(*names, **production) == ["/static/", "axes.middleware.AxesMiddleware"]


def test_static_files_nowhere(refusal, production):
    assert refusal(**production, STATIC_URL="/files/") == (
        "set STATIC_URL to an address, for example https://thinkring.example.com, not to '/files'."
    )
