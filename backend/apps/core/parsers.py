import json

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant

# A step at its limits, each character escaped, is 6 MB.
MAXIMUM = 10 * 1024 * 1024  # bytes; as nginx


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8 whatever the charset says, no NaN; every fault is the client's, with its place."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        body = stream.read(MAXIMUM + 1)
        if len(body) > MAXIMUM:
            raise RequestDataTooBig
        try:
            return json.loads(body.decode(), parse_constant=strict_constant)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno}
            raise ParseError(_("This is not JSON from line %(line)s, column %(column)s on.") % place) from error
        except UnicodeDecodeError as error:
            raise ParseError(_("This is not UTF-8 from byte %(byte)s on.") % {"byte": error.start}) from error
        except ValueError as error:
            raise ParseError(_("This has a number that cannot be read.")) from error
        except RecursionError as error:
            raise ParseError(_("This is nested too deeply.")) from error
