import re
from datetime import datetime, timedelta, timezone

import time_machine

URL = "/.well-known/security.txt"


def test_it_works(client, settings):
    settings.SECURITY_CONTACT = "mailto:security@thinkring.example.com"

    with time_machine.travel(datetime(2026, 11, 29, 12, tzinfo=timezone.utc), tick=False):
        response = client.get(URL)

    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode() == (
        "Contact: mailto:security@thinkring.example.com\n"
        "Expires: 2027-02-27T12:00:00Z\n"
        "Preferred-Languages: ja, en\n"
        "Canonical: http://testserver/.well-known/security.txt\n"
    )


def test_it_never_expires_and_is_never_for_a_year(client):
    """RFC 9116: less than a year ahead."""
    for year in (2026, 2030):
        now = datetime(year, 2, 28, tzinfo=timezone.utc)
        with time_machine.travel(now, tick=False):
            text = client.get(URL).content.decode()
        expires = datetime.fromisoformat(re.search(r"Expires: (\S+)Z", text)[1]).replace(tzinfo=timezone.utc)

        assert timedelta(days=30) < expires - now < timedelta(days=365)
