import json

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apps.core.parsers import StrictJSONParser
from apps.core.versions import seen_version


def request(rf, header=None, data=None):
    headers = {} if header is None else {"If-Match": header}
    body = json.dumps(data or {})
    return Request(rf.patch("/", body, content_type="application/json", headers=headers), parsers=[StrictJSONParser()])


@pytest.mark.parametrize("header", ["3", '"3"', " 3 ", '"000000003"', 'W/"3"'])
def test_it_works(rf, header):
    assert seen_version(request(rf, header)) == 3


def test_in_the_body(rf):
    assert seen_version(request(rf, data={"version": 3})) == 3


def test_the_header_counts_first(rf):
    assert seen_version(request(rf, "4", {"version": 3})) == 4


@pytest.mark.parametrize("data", [{}, {"version": None}, [], "text"])
def test_neither_given(rf, data):
    assert seen_version(request(rf, data=data)) is None


@pytest.mark.parametrize(
    "header", ["", "*", "-3", "3.0", "W/3", 'w/"3"', "'3'", '"3', '3"', '"3", "4"', "３", "9" * 10, "three"]
)
def test_a_header_that_cannot_be_read(rf, header):
    with pytest.raises(ValidationError) as caught:
        seen_version(request(rf, header))

    assert list(caught.value.detail) == ["If-Match"]


@pytest.mark.parametrize("version", ["3", True, 3.0, [3], {}])
def test_a_body_that_cannot_be_read(rf, version):
    with pytest.raises(ValidationError) as caught:
        seen_version(request(rf, data={"version": version}))

    assert list(caught.value.detail) == ["version"]
