"""The commands that try a store out and fill it, against a server that speaks as Amazon's does."""

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import CommandError, call_command

from apps.core.errors import StoreUnavailable
from apps.core.store import MediaStore


def told(capsys) -> str:
    return capsys.readouterr().out


def test_a_store_that_works(buckets, capsys):
    call_command("check_store")

    assert told(capsys) == ""
    assert buckets("default") == buckets("static_bucket") == {}


@pytest.mark.parametrize(("alias", "setting"), [("default", "MEDIA_BUCKET"), ("static_bucket", "STATIC_BUCKET")])
def test_a_bucket_that_is_not_there(buckets, s3, alias, setting):
    store = storages[alias]
    store.bucket.delete()

    with pytest.raises(CommandError) as refusal:
        call_command("check_store")

    assert str(refusal.value) == (
        f"there is no bucket {store.bucket_name} at {s3}: make it, or set {setting} to one that is there."
    )


def test_a_start_tries_it_out(buckets):
    """Before anything is asked of the database, which this test has none of."""
    storages["default"].bucket.delete()

    with pytest.raises(CommandError, match="there is no bucket"):
        call_command("prepare_database")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDenied", "let the key of S3_ACCESS_KEY_ID put, get, list and delete objects in the bucket uploads"),
        ("InvalidAccessKeyId", "does not know this S3_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "set S3_SECRET_ACCESS_KEY to the one of S3_ACCESS_KEY_ID"),
        ("AuthorizationHeaderMalformed", "set S3_REGION to the region of the bucket uploads"),
        ("PermanentRedirect", "set S3_REGION and S3_ENDPOINT_URL to those of the bucket uploads"),
    ],
)
@pytest.mark.parametrize("step", ["PutObject", "GetObject", "DeleteObject"])
def test_what_a_store_refuses(buckets, monkeypatch, step, code, sentence):
    """At once, since waiting changes nothing."""
    own = type(default_storage.client)._make_api_call

    def refuse(client, operation, arguments):
        if operation == step:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
        return own(client, operation, arguments)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    with pytest.raises(CommandError, match=sentence):
        call_command("check_store", deadline=600)


def test_nobody_at_the_address(buckets, s3, store_is_away, capsys):
    store_is_away()

    with pytest.raises(CommandError) as refusal:
        call_command("check_store", deadline=1)

    assert str(refusal.value).startswith(
        f"set S3_ENDPOINT_URL to the address of an S3-compatible store that answers: {s3} did not do what it was asked"
    )
    assert told(capsys) == f"Waiting for the store at {s3}.\n"


def test_without_a_store_there_is_nothing_to_try(settings, store_is_away):
    store_is_away()

    call_command("check_store")


@pytest.fixture
def volume(settings, buckets):
    folder = settings.MEDIA_ROOT / "nodes"
    folder.mkdir(parents=True)
    (folder / "one.png").write_bytes(b"one")
    (folder / "two.webp").write_bytes(b"two, larger")
    return folder


def left(volume):
    return {file.name for file in volume.iterdir()}


def test_uploads_move(volume, buckets, capsys):
    call_command("move_uploads")

    assert buckets("default") == {"nodes/one.png": b"one", "nodes/two.webp": b"two, larger"}
    assert left(volume) == set()
    assert told(capsys) == "Moved 2 uploads (14 bytes) into the bucket uploads.\nNone is left in the volume.\n"


def test_a_move_that_is_interrupted_goes_on(volume, buckets, monkeypatch, capsys):
    own = MediaStore._save

    def save_one(store, name, content):
        if name.endswith("webp"):
            raise StoreUnavailable("gone")
        return own(store, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(MediaStore, "_save", save_one)
        with pytest.raises(CommandError, match=r"\(gone\)\. 1 of 2 uploads are moved; the others are in the volume"):
            call_command("move_uploads")
    assert left(volume) == {"two.webp"}
    call_command("move_uploads")
    call_command("move_uploads")

    assert len(buckets("default")) == 2
    assert told(capsys).splitlines() == [
        "Moved 1 uploads (11 bytes) into the bucket uploads.",
        "None is left in the volume.",
        "Moved 0 uploads (0 bytes) into the bucket uploads.",
        "None is left in the volume.",
    ]


def test_what_did_not_arrive_whole_stays_in_the_volume(volume, buckets, monkeypatch):
    own = MediaStore._save
    monkeypatch.setattr(MediaStore, "_save", lambda store, name, content: own(store, name, ContentFile(b"half")))

    with pytest.raises(CommandError, match="the bucket has other files of the names nodes/one.png, nodes/two.webp"):
        call_command("move_uploads")

    assert left(volume) == {"one.png", "two.webp"}


def test_another_file_of_the_name_is_not_written_over(volume, buckets):
    storages["default"].put("nodes/one.png", Body=b"another")

    with pytest.raises(CommandError, match=r"the bucket has other files of the names nodes/one\.png\."):
        call_command("move_uploads")

    assert buckets("default") == {"nodes/one.png": b"another", "nodes/two.webp": b"two, larger"}
    assert left(volume) == {"one.png"}


def test_what_is_deleted_while_it_moves_is_gone(volume, buckets, monkeypatch):
    own = MediaStore._save

    def delete_then_save(store, name, content):
        if name == "nodes/one.png":
            default_storage.delete(name)
        return own(store, name, content)

    monkeypatch.setattr(MediaStore, "_save", delete_then_save)

    call_command("move_uploads")

    assert set(buckets("default")) == {"nodes/two.webp"}
    assert left(volume) == set()


def test_moving_nowhere(settings):
    with pytest.raises(CommandError, match="set MEDIA_BUCKET to the bucket"):
        call_command("move_uploads")


def test_what_is_not_moved_yet_is_found_and_deleted(volume, buckets):
    default_storage.save("nodes/three.png", ContentFile(b"three"))

    assert default_storage.open("nodes/one.png").read() == b"one"
    assert default_storage.open("nodes/three.png").read() == b"three"
    default_storage.delete("nodes/one.png")
    assert left(volume) == {"two.webp"}
    with pytest.raises(FileNotFoundError):
        default_storage.open("nodes/one.png")
