"""An S3-compatible store on this machine, for containers: moto."""

import io
import json

import boto3
from moto.server import ThreadedMotoServer
from PIL import Image

from stack.conftest import bearer

KEYS = {"S3_ACCESS_KEY_ID": "a-key-of-a-test", "S3_SECRET_ACCESS_KEY": "a-secret-of-a-test"}


class Store:
    """With it as a context it answers at an address of this machine, and has these buckets."""

    def __init__(self, host, buckets):
        self.server = ThreadedMotoServer(ip_address=host, port=0, verbose=False)
        self.buckets = buckets

    def __enter__(self):
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.address = f"http://{host}:{port}"
        self.settings = KEYS | {"EXTRAS": "s3", "S3_ENDPOINT_URL": self.address}
        self.files = boto3.resource(
            "s3", endpoint_url=self.address, region_name="us-east-1",
            aws_access_key_id=KEYS["S3_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["S3_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        for name in self.buckets:
            self.files.create_bucket(Bucket=name)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.stop()

    def open(self, name):
        """Lets everybody read what is in the bucket."""
        everybody = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{name}/*",
        }
        self.bucket(name).Policy().put(Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))

    def bucket(self, name):
        return self.files.Bucket(name)


def picture():
    file = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 30, 30)).save(file, "PNG")
    return file.getvalue()


def uploaded(stack):
    """The address of an image that somebody new has uploaded."""
    headers = bearer(stack.register()["access"])
    node = stack.request("POST", f"{stack.api}/nodes/", json={"title": "ring"}, headers=headers).json()
    url = f"{stack.api}/nodes/{node['id']}/image/"
    response = stack.request("PUT", url, data=picture(), headers=headers | {"Content-Type": "image/png"})
    assert response.status_code == 200, response.text
    return f"{stack.page}{response.json()['image']}"
