import pytest
from django.core.exceptions import ImproperlyConfigured

from thinkring.environment import Environment

env = Environment()


def test_it_works(monkeypatch):
    monkeypatch.setenv("DEBUG", "False")
    monkeypatch.setenv("DB_PORT", "5433")
    monkeypatch.setenv("ALLOWED_HOSTS", "one.example.com, two.example.com,")

    assert env.boolean("DEBUG", True) is False
    assert env.integer("DB_PORT", 5432, 1, 65535) == 5433
    assert env.items("ALLOWED_HOSTS", []) == ["one.example.com", "two.example.com"]


@pytest.mark.parametrize("value", [None, "", " "])
def test_what_is_not_there_or_blank_has_its_default(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("ANY", raising=False)
    else:
        monkeypatch.setenv("ANY", value)

    assert env.boolean("ANY", True) is True
    assert env.integer("ANY", 7, 1, 9) == 7
    assert env.text("ANY", "default") == "default"
    assert env.items("ANY", ["default"]) == ["default"]


@pytest.mark.parametrize(("value", "meaning"), [("true", True), ("YES", True), (" on ", True), ("0", False)])
def test_words_for_booleans(monkeypatch, value, meaning):
    monkeypatch.setenv("DEBUG", value)

    assert env.boolean("DEBUG", not meaning) is meaning


@pytest.mark.parametrize("value", ["maybe", "Fales", "2", "None", "True;"])
def test_a_boolean_that_is_none(monkeypatch, value):
    monkeypatch.setenv("DEBUG", value)

    with pytest.raises(ImproperlyConfigured, match="set DEBUG to True or False, not to "):
        env.boolean("DEBUG", True)


@pytest.mark.parametrize("value", ["fifteen", "0", "10", "-7", "+7", "7.5", "7_0", "\N{FULLWIDTH DIGIT SEVEN}", "1e0"])
def test_a_number_that_is_none(monkeypatch, value):
    monkeypatch.setenv("DAYS", value)

    with pytest.raises(ImproperlyConfigured, match="set DAYS to a whole number from 1 to 9, not to "):
        env.integer("DAYS", 7, 1, 9)


def test_a_database_by_its_address(monkeypatch):
    address = "postgresql://anna:p%40ss%3Aword@db.example.com:6432/thinkring?sslmode=verify-full&sslrootcert=/ca.pem"
    monkeypatch.setenv("DATABASE_URL", address)

    assert env.database("DATABASE_URL") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "thinkring",
        "USER": "anna",
        "PASSWORD": "p@ss:word",
        "HOST": "db.example.com",
        "PORT": 6432,
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    }
    monkeypatch.setenv("DATABASE_URL", " ")
    assert env.database("DATABASE_URL") is None


@pytest.mark.parametrize(
    "address",
    [
        "nonsense-secret",
        "mysql://u:secret@h/n?sslmode=require",
        "postgresql://u:secret@/n?sslmode=require",
        "postgresql://u:secret@h/?sslmode=require",
        "postgresql://u:secret@h:x/n?sslmode=require",
    ],
)
def test_an_address_of_no_database(monkeypatch, address):
    monkeypatch.setenv("DATABASE_URL", address)

    with pytest.raises(ImproperlyConfigured, match="set DATABASE_URL to the address of a PostgreSQL server") as raised:
        env.database("DATABASE_URL")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("said", ["", "?sslmode=prefer", "?sslmode=allow", "?sslmode=nonsense"])
def test_a_database_without_a_word_on_its_way(monkeypatch, said):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:secret@h/n{said}")

    with pytest.raises(ImproperlyConfigured, match="say in DATABASE_URL how its way is protected: ") as raised:
        env.database("DATABASE_URL")
    assert "secret" not in str(raised.value)


def test_a_secret_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("$from-a-file-and-nowhere-else-0123456789\n")
    monkeypatch.setenv("FILED_KEY_FILE", str(tmp_path / "secret"))

    assert env.secret("FILED_KEY", 32, None) == "$from-a-file-and-nowhere-else-0123456789"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(monkeypatch, tmp_path, content):
    file = tmp_path / "secret"
    if content:
        file.write_bytes(content)
    monkeypatch.setenv("UNREADABLE_KEY_FILE", str(file))

    with pytest.raises(ImproperlyConfigured, match=f"set UNREADABLE_KEY_FILE to a text file that can be read: {file} "):
        env.secret("UNREADABLE_KEY", 32, None)


def test_development_has_a_secret_of_its_own(monkeypatch):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert env.secret("SECRET_KEY", 32, "development") == "development"

    monkeypatch.setenv("SECRET_KEY", "short")
    assert env.secret("SECRET_KEY", 32, "development") == "short"
