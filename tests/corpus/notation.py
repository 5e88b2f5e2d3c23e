"""How the corpus is written: YAML, in which what is too large or no text is said by a tag."""

import base64
import gzip
from pathlib import Path

import yaml

HERE = Path(__file__).parent


class Token(dict):
    """An access token but for what is said here; made when it is sent (tokens.py), since its times are from then on."""


class Loader(yaml.SafeLoader):
    pass


def tag(name):
    def register(make):
        def construct(loader, node):
            if isinstance(node, yaml.ScalarNode):
                return make(loader.construct_scalar(node))
            return make(*loader.construct_sequence(node, deep=True))

        Loader.add_constructor(name, construct)
        return make

    return register


@tag("!concat")
def concat(*parts):
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


@tag("!repeat")
def repeat(text, times):
    return text * times


@tag("!counted")
def counted(text, times):
    """The text so many times, each with its number."""
    return "".join(text % number for number in range(times))


tag("!hex")(bytes.fromhex)
tag("!utf-16")(lambda text: text.encode("utf-16"))
tag("!gzip")(lambda text: gzip.compress(text.encode()))
tag("!base64")(lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))
Loader.add_constructor("!token", lambda loader, node: Token(loader.construct_mapping(node, deep=True)))


def cases(kind):
    return yaml.load((HERE / f"{kind}.yaml").read_text(), Loader)  # noqa: S506 (a SafeLoader)


def kinds():
    return sorted(file.stem for file in HERE.glob("*.yaml"))
