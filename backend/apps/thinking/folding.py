"""One form for all spellings of a word, so that a search finds each: NFKC, lower case, hiragana as katakana.

`Fold` does it in the database, for the columns that are searched and for what is sought; `fold` in Python, for SQLite
and for marking what was found.
"""

import unicodedata
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.signals import connection_created

HIRAGANA = "".join(chr(code) for code in (*range(0x3041, 0x3097), 0x309D, 0x309E))
KATAKANA = "".join(chr(ord(character) + 0x60) for character in HIRAGANA)
AS_KATAKANA = str.maketrans(HIRAGANA, KATAKANA)


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().translate(AS_KATAKANA)


def bigrams(text: str) -> list[str]:
    """Each two characters that stand side by side; the index of migrations/0004 has them of every folded column."""
    return [text[place : place + 2] for place in range(len(text) - 1)]


# Rows of a table that have a word's pairs of characters. One that more have is sought in the owner's rows alone: of a
# word in half of the table the index only says what everybody has written.
FEW = 300


@contextmanager
def by_index(using: str = DEFAULT_DB_ALIAS):
    """A cursor for which only the index answers a condition on thinking_bigrams(), if that is the only condition.

    Made row by row, the pairs of a text take a millisecond for each thousand characters. That is what the planner
    prefers where many rows have the word, or where its statistics are of yesterday: whatever the function's COST says.
    """
    with transaction.atomic(using, savepoint=False), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield cursor
        # The transaction may be that of a longer piece of work.
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")


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
