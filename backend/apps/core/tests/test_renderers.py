from datetime import datetime, timedelta, timezone

import orjson
import pytest
from django.utils.translation import gettext_lazy

from apps.core.renderers import JSONRenderer


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("作業者の負担 \u2028", '"作業者の負担 \u2028"'),
        (datetime(2026, 1, 2, 3, 4, 5, 678_900, timezone.utc), '"2026-01-02T03:04:05.678900Z"'),
        (datetime(2026, 1, 2, 12, 4, 5, tzinfo=timezone(timedelta(hours=9))), '"2026-01-02T12:04:05+09:00"'),
        (gettext_lazy("Nobody translates this."), '"Nobody translates this."'),
        (orjson.Fragment('{"as": "it is"}'), '{"as": "it is"}'),
        ([], "[]"),
    ],
)
def test_values(value, written):
    assert JSONRenderer().render([value]).decode() == f"[{written}]"


def test_no_data_is_no_body():
    assert JSONRenderer().render(None) == b""


def test_what_is_not_json_is_not_made_up():
    with pytest.raises(TypeError):
        JSONRenderer().render({"it": object()})
