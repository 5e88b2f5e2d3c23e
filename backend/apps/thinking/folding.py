"""One form for all spellings of a word, so that a search finds each: NFKC, lower case, hiragana as katakana.

`Fold` does it in the database, for the columns that are searched and for what is sought; `fold` in Python, for SQLite
and for marking what was found.
"""

import unicodedata

from django.db import models
from django.db.backends.signals import connection_created

HIRAGANA = "".join(chr(code) for code in (*range(0x3041, 0x3097), 0x309D, 0x309E))
KATAKANA = "".join(chr(ord(character) + 0x60) for character in HIRAGANA)
AS_KATAKANA = str.maketrans(HIRAGANA, KATAKANA)


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().translate(AS_KATAKANA)


def bigrams(text: str) -> list[str]:
    """Each two characters that stand side by side; the index of migrations/0004 has them of every folded column."""
    return [text[place : place + 2] for place in range(len(text) - 1)]


class Fold(models.Func):
    function = "thinking_fold"
    arity = 1
    output_field = models.TextField()

    def as_postgresql(self, compiler, connection, **context):
        # Written out, since PostgreSQL restores a dump without knowing where our own functions are.
        template = f"translate(lower(normalize((%(expressions)s)::text, NFKC)), '{HIRAGANA}', '{KATAKANA}')"
        return self.as_sql(compiler, connection, template=template, **context)


def teach_sqlite(connection, **kwargs):
    if connection.vendor == "sqlite":
        connection.connection.create_function(Fold.function, 1, fold, deterministic=True)


connection_created.connect(teach_sqlite)
