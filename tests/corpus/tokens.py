"""Tokens as the server makes them, but for what a case says of them."""

import base64
import hmac
import json
import time


def sealed(token, access, keys):
    """A token with the claims of `access`; `keys` has the stack's own by their names, and is asked for no other one."""
    head, body, _ = access.split(".")
    header = {name: value for name, value in (decoded(head) | token.get("header", {})).items() if value is not None}
    claims = decoded(body) | token.get("claims", {})
    claims |= {name: int(time.time()) + seconds for name, seconds in token.get("seconds", {}).items()}
    claims = {name: value for name, value in claims.items() if name not in token.get("without", [])}
    key = token.get("key", "JWT_SECRET_KEY")
    text = f"{encoded(header)}.{encoded(claims)}"
    digest = hmac.digest(keys.get(key, key).encode(), text.encode(), token.get("hash", "sha256"))
    return f"{text}.{token.get('signature', unpadded(digest))}"


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def encoded(value):
    return unpadded(json.dumps(value).encode())


def unpadded(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
