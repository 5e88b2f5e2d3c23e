import pytest
from django.urls import path
from rest_framework import generics, serializers


class NumberSerializer(serializers.BaseSerializer):
    def to_representation(self, instance):
        return instance


class NumbersView(generics.ListAPIView):
    authentication_classes = ()
    permission_classes = ()
    filter_backends = ()
    serializer_class = NumberSerializer
    not_found_code = "RES_001"

    def get_queryset(self):
        return range(250)


urlpatterns = [path("api/numbers/", NumbersView.as_view())]
pytestmark = pytest.mark.urls(__name__)
URL = "/api/numbers/"


def test_it_works(client):
    assert client.get(URL).json() == {
        "count": 250,
        "next": "http://testserver/api/numbers/?page=2",
        "previous": None,
        "results": list(range(50)),
    }


def test_the_last_page(client):
    page = client.get(URL, {"page": 3, "page_size": 100}).json()

    assert page["results"] == list(range(200, 250))
    assert page["next"] is None
    assert page["previous"] == "http://testserver/api/numbers/?page=2&page_size=100"


def test_a_page_has_100_at_most(client):
    assert len(client.get(URL, {"page_size": 1000}).json()["results"]) == 100


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "two", "last", "", " 1", "１", "9" * 10, "9" * 5000, "1\0"])
def test_a_number_that_is_none(client, name, value):
    response = client.get(URL, {name: value})

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "VAL_002"
    assert response.json()["error"]["details"][0]["field"] == name


def test_a_page_that_there_is_not(client):
    response = client.get(URL, {"page": 6})

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "RES_006"
