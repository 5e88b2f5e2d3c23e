from thinkring import __version__

URL = "/api/v1/version/"


def test_it_works(client):
    response = client.get(URL)

    assert response.status_code == 200
    assert response.json() == {"version": __version__, "commit": "unknown"}


def test_the_commit_of_a_deploy(client, settings):
    settings.COMMIT = "0123abc"

    assert client.get(URL).json()["commit"] == "0123abc"


def test_an_expired_token_does_not_get_in_the_way(client):
    assert client.get(URL, headers={"Authorization": "Bearer nonsense"}).status_code == 200
