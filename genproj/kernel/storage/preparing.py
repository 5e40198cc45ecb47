"""Makes a bucket what the store needs, and finds out what its server can do."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from genproj.kernel.storage.codes import ABSENT, TAKEN, code_of
from genproj.kernel.storage.store import Finding

#: what is set only where nothing is set yet: other rules of a bucket are other people's
UNSET = frozenset({"NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration"})
DAYS_OF_PARTS = 1
BODY = b"genproj"


def prepare(client: Any, bucket: str, *, region: str, origin: str) -> Iterator[Finding]:
    """Make the bucket where it is missing and try what is done with it, a finding each.

    `origin` is where pages come from that may read objects by script. Safe to repeat; what it
    puts for a trial it deletes. Ends at the first thing without which nothing works.
    """
    key = f"check/{uuid4().hex}"
    at = {"Bucket": bucket, "Key": key}
    needed: list[tuple[str, Callable[[], object]]] = [
        (f"bucket {bucket}", lambda: _made(client, bucket, region)),
        ("put", lambda: client.put_object(**at, Body=BODY)),
        ("get", lambda: _read(client, at)),
        ("parts", lambda: _in_parts(client, at)),
    ]
    wished: list[tuple[str, Callable[[], object]]] = [
        ("put if absent", lambda: _only_once(client, at)),
        ("unfinished parts end", lambda: _lifecycle(client, bucket)),
        ("read by script", lambda: _cors(client, bucket, origin)),
    ]
    for what, act in needed:
        finding = _tried(what, act, is_needed=True)
        yield finding
        if not finding.ok:
            break
    else:
        for what, act in wished:
            yield _tried(what, act, is_needed=False)
    yield _tried("delete", lambda: _deleted(client, at), is_needed=True)


def _tried(what: str, act: Callable[[], object], *, is_needed: bool) -> Finding:
    try:
        why = act()
    except OSError as error:  # ours, with the reason, or no answer
        return Finding(what, why=str(error), ok=False, is_needed=is_needed)
    except (ClientError, BotoCoreError) as error:
        return Finding(what, why=code_of(error), ok=False, is_needed=is_needed)
    return Finding(what, why=why if isinstance(why, str) else "", ok=True, is_needed=is_needed)


def _made(client: Any, bucket: str, region: str) -> str:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if code_of(error) not in ABSENT | {"NoSuchBucket"}:
            raise
    else:
        return "is there"
    amazon = "amazonaws.com" in client.meta.endpoint_url
    place = {"LocationConstraint": region} if amazon and region != "us-east-1" else None
    client.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {}))
    return "made"


def _read(client: Any, at: dict[str, str]) -> None:
    if client.get_object(**at)["Body"].read() != BODY:
        raise OSError("other bytes came back")


def _in_parts(client: Any, at: dict[str, str]) -> None:
    upload = client.create_multipart_upload(**at)["UploadId"]
    try:
        client.upload_part(**at, UploadId=upload, PartNumber=1, Body=BODY)
    finally:
        client.abort_multipart_upload(**at, UploadId=upload)


def _only_once(client: Any, at: dict[str, str]) -> str:
    try:
        client.put_object(**at, Body=BODY, IfNoneMatch="*")
    except ClientError as error:
        if code_of(error) in TAKEN:
            return ""
        raise
    raise OSError("the condition is not honoured; what is there is looked at first")


def _is_set(read: Callable[[], object]) -> bool:
    try:
        read()
    except ClientError as error:
        if code_of(error) in UNSET:
            return False
        raise
    return True


def _lifecycle(client: Any, bucket: str) -> str:
    if _is_set(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)):
        return "left as it is"
    rule = {
        "ID": "unfinished-parts",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": DAYS_OF_PARTS},
    }
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    return "set"


def _cors(client: Any, bucket: str, origin: str) -> str:
    if _is_set(lambda: client.get_bucket_cors(Bucket=bucket)):
        return "left as it is"
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "HEAD"], "MaxAgeSeconds": 3600}
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    return "set"


def _deleted(client: Any, at: dict[str, str]) -> None:
    client.delete_object(**at)
    with contextlib.suppress(ClientError):
        client.head_object(**at)
        raise OSError("it is still there")
