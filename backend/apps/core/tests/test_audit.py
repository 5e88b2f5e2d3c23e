import json
import logging

import pytest
from django.conf import settings as configured

from apps.core import audit
from apps.core.models import AuditEvent
from apps.core.requests import current_address

pytestmark = pytest.mark.django_db


def test_a_row_and_a_line(alice, caplog):
    current_address.set("203.0.113.7")
    caplog.set_level(logging.INFO)

    audit.record("exported", account=alice.pk, form="json")

    event = AuditEvent.objects.get()
    assert (event.event, event.account, event.address) == ("exported", alice.pk, "203.0.113.7")
    assert event.details == {"form": "json"}
    formatter = configured.LOGGING["formatters"]["json"]
    made = logging.config.DictConfigurator({}).configure_formatter(dict(formatter))
    (record,) = [record for record in caplog.records if record.name == "thinkring.audit"]
    record.request_id = ""
    line = json.loads(made.format(record))
    assert line["event"] == "exported"
    assert line["account"] == str(alice.pk)
    assert line["address"] == "203.0.113.7"
    assert line["details"] == {"form": "json"}


@pytest.mark.parametrize(
    ("address", "written"),
    [("203.0.113.7", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("unknown", ""), ("", "")],
)
def test_masked(settings, caplog, address, written):
    settings.AUDIT_MASK_ADDRESSES = True
    current_address.set(address)
    caplog.set_level(logging.INFO)

    audit.record("login", account=None)

    assert AuditEvent.objects.get().address == written
    assert [record.address for record in caplog.records if record.name == "thinkring.audit"] == [written]


def test_of_a_deleted_account_only_networks_are_kept(alice, bob):
    for account, addresses in {
        alice: ["203.0.113.7", "203.0.113.7", "2001:db8:1:2::3", ""],
        bob: ["203.0.113.7"],
    }.items():
        for address in addresses:
            current_address.set(address)
            audit.record("login", account=account.pk)

    for _ in range(2):
        audit.forget_addresses(alice.pk)

    def kept(account):
        return sorted(AuditEvent.objects.filter(account=account.pk).values_list("address", flat=True))

    assert kept(alice) == ["", "2001:db8:1::/48", "203.0.113.0/24", "203.0.113.0/24"]
    assert kept(bob) == ["203.0.113.7"]
