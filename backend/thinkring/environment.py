import os
import warnings
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

EXAMPLE_SECRETS = {
    "your-production-secret-key",
    "your-jwt-secret-key",
    "secure-password-here",
}

# Those of libpq's `sslmode` that do one thing only, whatever the server says.
PROTECTIONS = {"disable", "require", "verify-ca", "verify-full"}


class Environment(environ.FileAwareEnv):
    """Settings from environment variables, or from the file that NAME_FILE names; nonsense raises.

    django-environ's own readers take every unknown word for False, raise a bare ValueError for a bad number, and
    look up a secret that begins with `$`; these raise an ImproperlyConfigured that names the variable.
    """

    WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

    def boolean(self, name: str, default: bool) -> bool:
        text = self._text(name)
        if text is None:
            return default
        if text.lower() not in self.WORDS:
            raise ImproperlyConfigured(f"set {name} to True or False, not to {text!r}.")
        return self.WORDS[text.lower()]

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        text = self._text(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not minimum <= int(text) <= maximum:
            raise ImproperlyConfigured(f"set {name} to a whole number from {minimum} to {maximum}, not to {text!r}.")
        return int(text)

    def text(self, name: str, default: str) -> str:
        return self._text(name) or default

    def items(self, name: str, default: list[str]) -> list[str]:
        """A comma-separated list; blanks around and between the items do not count."""
        text = self._text(name)
        if text is None:
            return default
        return [item for item in (part.strip() for part in text.split(",")) if item]

    def address(self, name: str, default: str) -> str:
        """Where something is on the web, without a slash at the end."""
        return self._address(name, self.text(name, default))

    def addresses(self, name: str) -> list[str]:
        """A comma-separated list of them."""
        return [self._address(name, text) for text in self.items(name, [])]

    def _address(self, name: str, text: str) -> str:
        text = text.rstrip("/")
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImproperlyConfigured(
                f"set {name} to an address, for example https://thinkring.example.com, not to {text!r}."
            )
        return text

    def database(self, name: str) -> dict | None:
        """A PostgreSQL server by its address, as DATABASES has it; None where nothing is said.

        How its way is protected has to be said: libpq's own default, `prefer`, takes a server that speaks no TLS, too.
        """
        text = self._text(name)
        if text is None:
            return None
        wanted = "postgresql://user:password@host:5432/name?sslmode=verify-full&sslrootcert=/database/ca.pem"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                server = self.db_url_config(text)
        except ValueError:
            server = {}
        # Without what it is: a password stands in it.
        if server.get("ENGINE") != "django.db.backends.postgresql" or not server["HOST"] or not server["NAME"]:
            raise ImproperlyConfigured(f"set {name} to the address of a PostgreSQL server: {wanted}.")
        if server.get("OPTIONS", {}).get("sslmode") not in PROTECTIONS:
            raise ImproperlyConfigured(
                f"say in {name} how its way is protected: {wanted}; or ?sslmode=disable on a network of your own."
            )
        return server

    def secret(self, name: str, minimum: int, development: str | None) -> str:
        """A secret of at least `minimum` characters; `development` stands in for it where debugging is on."""
        value = self._text(name)
        if development is not None:
            return value or development
        if value is None and f"{name}_FILE" in os.environ:
            raise ImproperlyConfigured(
                f"set {name}_FILE to a file that holds a secret: {os.environ[f'{name}_FILE']} is empty."
            )
        if value is None:
            raise ImproperlyConfigured(f"set {name} to a secret of your own: it is missing.")
        if value in EXAMPLE_SECRETS:
            raise ImproperlyConfigured(f"set {name} to a secret of your own: it still has the example's value.")
        if len(value) < minimum:
            raise ImproperlyConfigured(f"set {name} to a secret of at least {minimum} characters: it has {len(value)}.")
        return value

    def _text(self, name: str) -> str | None:
        try:
            value = self.ENVIRON.get(name)
        except (OSError, UnicodeDecodeError) as error:
            path = os.environ.get(f"{name}_FILE")
            raise ImproperlyConfigured(
                f"set {name}_FILE to a text file that can be read: {path} cannot ({error})."
            ) from error
        return value.strip() or None if value is not None else None
