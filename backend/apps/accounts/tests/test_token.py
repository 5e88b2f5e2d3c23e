from conftest import PASSWORD, refused

URL = "/api/v1/auth/token/"


def test_it_works(client, alice):
    response = client.post(URL, {"username": "alice", "password": PASSWORD})

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"

    access, refresh = response.json()["access"], response.json()["refresh"]
    assert client.get("/api/v1/auth/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 200
    assert client.post("/api/v1/auth/refresh/", {"refresh": refresh}).status_code == 200


def test_a_wrong_password(client, alice):
    refused(client.post(URL, {"username": "alice", "password": "wrong"}), 401, "AUTH_004")
