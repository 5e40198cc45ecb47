"""Objects in a bucket of an S3 server, written once under their key."""

import base64
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from genproj.kernel.storage import preparing
from genproj.kernel.storage.codes import ABSENT, NOT_KNOWN, TAKEN, code_of
from genproj.kernel.storage.store import (
    CHUNK,
    Finding,
    KeyMissing,
    Stat,
    StorageFailure,
    Stored,
    differs,
    measured,
)

WHOLE_UP_TO = 64 * 2**20
PART = 16 * 2**20
IN_MEMORY = 8 * 2**20
# S3 stores user metadata as x-amz-meta-sha256.
HASH = "sha256"


class Bucket:
    def __init__(self, client: Any, name: str, seconds: int) -> None:
        self.client = client
        self.name = name
        self.seconds = seconds
        self.create_only = True

    @classmethod
    def from_settings(cls) -> "Bucket":
        endpoint = settings.S3_ENDPOINT_URL or None
        # django-storages finds the credentials and makes the client; its writes cannot be
        # create-only, so those are made on the client itself.
        storage = S3Storage(
            bucket_name=settings.STORAGE_BUCKET,
            endpoint_url=endpoint,
            region_name=settings.S3_REGION or None,
            access_key=settings.AWS_ACCESS_KEY_ID or None,
            secret_key=settings.AWS_SECRET_ACCESS_KEY or None,
            client_config=Config(
                signature_version="s3v4",
                # Servers other than Amazon's rarely have a name per bucket.
                s3={"addressing_style": "path" if endpoint else "auto"},
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 2},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                max_pool_connections=16,
            ),
        )
        client = storage.connection.meta.client
        return cls(client, settings.STORAGE_BUCKET, settings.SIGNED_URL_SECONDS)

    def put(self, claim: Stored, source: BinaryIO, content_type: str) -> None:
        if source.seek(0, 2) != claim.size:
            raise differs(claim)
        write = self._put_whole if claim.size <= WHOLE_UP_TO else self._put_in_parts
        condition = {"IfNoneMatch": "*"} if self.create_only else {}
        if not condition and self._holds(claim):
            return
        refused = self._attempt(write, claim, source, content_type, condition)
        if refused is None:
            return
        code = code_of(refused)
        if not condition or code not in TAKEN | NOT_KNOWN:
            raise StorageFailure(claim.key, code) from refused
        if self._holds(claim):
            return
        refused = self._attempt(write, claim, source, content_type, {})
        if refused is not None:
            raise StorageFailure(claim.key, code_of(refused)) from refused
        if code in NOT_KNOWN:
            self.create_only = False

    def open_read(self, key: str) -> BinaryIO:
        spooled = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - handed to the caller
        try:
            body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
            for chunk in body.iter_chunks(CHUNK):
                spooled.write(chunk)
        except (ClientError, BotoCoreError, OSError) as error:
            spooled.close()
            if code_of(error) in ABSENT:
                raise KeyMissing(key) from None
            raise StorageFailure(key, code_of(error)) from error
        spooled.seek(0)
        return cast(BinaryIO, spooled)

    def stat(self, key: str) -> Stat | None:
        try:
            head = self.client.head_object(Bucket=self.name, Key=key)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in ABSENT:
                return None
            raise StorageFailure(key, code_of(error)) from error
        # Header names have no case, and some servers write them in their own.
        noted = {name.lower(): value for name, value in head.get("Metadata", {}).items()}
        return Stat(head["ContentLength"], noted.get(HASH))

    def delete(self, key: str) -> None:
        try:
            self.client.delete_object(Bucket=self.name, Key=key)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) not in ABSENT:
                raise StorageFailure(key, code_of(error)) from error

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        pages = self.client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.name, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["Size"]
        except (ClientError, BotoCoreError) as error:
            raise StorageFailure(prefix, code_of(error)) from error

    def signed_url(self, key: str, filename: str | None, content_type: str) -> str | None:
        disposition = content_disposition_header(filename is not None, filename or "") or "inline"
        return self._presigned(
            "get_object",
            key,
            self.seconds,
            ResponseContentType=content_type,
            ResponseContentDisposition=disposition,
        )

    def upload_url(self, key: str, content_type: str, seconds: int) -> str | None:
        return self._presigned("put_object", key, seconds, ContentType=content_type)

    def _presigned(self, act: str, key: str, seconds: int, **more: str) -> str:
        try:
            url: str = self.client.generate_presigned_url(
                act, Params={"Bucket": self.name, "Key": key, **more}, ExpiresIn=seconds
            )
        except (ClientError, BotoCoreError) as error:
            raise StorageFailure(key, code_of(error)) from error
        return url

    def path_of(self, key: str) -> Path | None:
        return None

    def scratch(self) -> BinaryIO:
        return cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))

    def tidy(self, before: float) -> int:
        removed = 0
        try:
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name)
            for page in pages:
                for found in page.get("Uploads", ()):
                    if found["Initiated"].timestamp() < before:
                        self._abort(found["Key"], found["UploadId"])
                        removed += 1
        except (ClientError, BotoCoreError) as error:
            raise StorageFailure("", code_of(error)) from error
        return removed

    def check(self) -> None:
        try:
            self.client.head_bucket(Bucket=self.name)
        except (ClientError, BotoCoreError) as error:
            raise StorageFailure("", f"bucket {self.name}: {code_of(error)}") from error

    def prepare(self) -> Iterator[Finding]:
        return preparing.prepare(
            self.client, self.name, region=settings.S3_REGION, origin=settings.PUBLIC_URL
        )

    def _holds(self, claim: Stored) -> bool:
        there = self.stat(claim.key)
        if there is None or there.size != claim.size:
            return False
        if there.sha256 is not None:
            return there.sha256 == claim.sha256
        with self.open_read(claim.key) as file:
            return measured(file)[1] == claim.sha256

    def _attempt(
        self,
        write: Any,
        claim: Stored,
        source: BinaryIO,
        content_type: str,
        condition: dict[str, str],
    ) -> ClientError | None:
        """Write once; the server's refusal is the answer, no server is a StorageFailure."""
        source.seek(0)
        try:
            write(claim, source, content_type, condition)
        except ClientError as error:
            return error
        except (BotoCoreError, OSError) as error:
            raise StorageFailure(claim.key, code_of(error)) from error
        return None

    def _put_whole(
        self, claim: Stored, source: BinaryIO, content_type: str, condition: dict[str, str]
    ) -> None:
        self.client.put_object(
            Bucket=self.name,
            Key=claim.key,
            Body=source,
            ContentLength=claim.size,
            ContentType=content_type,
            Metadata={HASH: claim.sha256},
            # The server refuses bytes that are not the announced ones.
            ChecksumSHA256=base64.b64encode(bytes.fromhex(claim.sha256)).decode(),
            **condition,
        )

    def _put_in_parts(
        self, claim: Stored, source: BinaryIO, content_type: str, condition: dict[str, str]
    ) -> None:
        at = {"Bucket": self.name, "Key": claim.key}
        upload = self.client.create_multipart_upload(
            **at, ContentType=content_type, Metadata={HASH: claim.sha256}
        )["UploadId"]
        try:
            parts: list[dict[str, Any]] = []
            while chunk := source.read(PART):
                number = len(parts) + 1
                tag = self.client.upload_part(**at, UploadId=upload, PartNumber=number, Body=chunk)[
                    "ETag"
                ]
                parts.append({"PartNumber": number, "ETag": tag})
            self.client.complete_multipart_upload(
                **at, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
        except (ClientError, BotoCoreError, OSError):
            self._abort(claim.key, upload)
            raise

    def _abort(self, key: str, upload: str) -> None:
        try:
            self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        except (ClientError, BotoCoreError):
            # What stays is swept by tidy(); the failure that led here is the one to tell.
            return
