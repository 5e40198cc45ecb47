"""Drives the sandbox with the official Google SDK; run by the SDK's own Python, prints one JSON.

Usage: drive_google.py ROOT API_VERSION ROW [FILE]
"""

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from google import genai
from google.genai import errors, types

ROOT, VERSION = sys.argv[1:3]
IMAGES = "gemini-3.1-flash-image"
FILMS = "veo-3.1-generate-preview"
AT_VERTEX = "veo-3.1-generate-001"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGMQiVoARwzEcQCuQxDhnUefsAAAAABJRU5E"
    "rkJggg=="
)


def client(key: str = "sandbox", **more: Any) -> genai.Client:
    options = types.HttpOptions(base_url=ROOT, api_version=VERSION)
    return genai.Client(api_key=key, http_options=options, **more)


def wire(method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The same server without the SDK."""
    headers = {"x-goog-api-key": "sandbox", "content-type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ROOT}{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def calls() -> list[dict[str, Any]]:
    """What came to the sandbox since it was last reset."""
    return wire("GET", "/control/calls")[1]["calls"]


def told(error: errors.APIError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "details": error.details,
    }


def looked_at(answer: types.GenerateContentResponse) -> dict[str, Any]:
    """An answer as the SDK reads it."""
    candidates = answer.candidates or []
    parts = [part for one in candidates for part in (one.content.parts or [])]
    usage = answer.usage_metadata
    return {
        "images": [
            {
                "type": part.inline_data.mime_type,
                "data": base64.b64encode(part.inline_data.data).decode(),
                "thought": bool(part.thought),
            }
            for part in parts
            if part.inline_data
        ],
        "text": [part.text for part in parts if part.text],
        "finish": [
            str(getattr(one.finish_reason, "value", one.finish_reason)) for one in candidates
        ],
        "blocked": answer.prompt_feedback and answer.prompt_feedback.block_reason.value,
        "model": answer.model_version,
        "usage": [
            usage.prompt_token_count,
            usage.candidates_token_count,
            usage.thoughts_token_count,
            usage.total_token_count,
        ],
        "modalities": {
            detail.modality.value: detail.token_count
            for detail in usage.candidates_tokens_details or []
        },
    }


def raw(prompt: str) -> list[str]:
    """The same by hand: its keys, after the SDK's own types have found nothing unknown in it."""
    body = {"contents": [{"parts": [{"text": prompt}], "role": "user"}]}
    status, answer = wire("POST", f"/{VERSION}/models/{IMAGES}:generateContent", body)
    assert status == 200, answer
    types.GenerateContentResponse.model_validate(answer)
    return sorted(answer)


def g1() -> Any:
    sdk = client()
    answer = sdk.models.generate_content(
        model=IMAGES,
        contents="a lighthouse at dusk",
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            image_config=types.ImageConfig(aspect_ratio="16:9", image_size="1K"),
        ),
    )
    sent = calls()[-1]
    return {"seen": looked_at(answer), "sent": sent, "keys": raw("a lighthouse at dusk")}


def g2() -> Any:
    sdk = client()
    picture = types.Part.from_bytes(data=PICTURE, mime_type="image/png")
    answer = sdk.models.generate_content(model=IMAGES, contents=["make the sky red", picture])
    return {"seen": looked_at(answer), "sent": calls()[-1]["body"]["contents"][0]["parts"]}


def g3() -> Any:
    sdk = client()
    prompts = {
        "blocked": "something forbidden", "safety": "something nsfw", "words": "answer in words",
        "two": "two pictures of a cat", "thought": "think first, then paint",
    }  # fmt: skip
    return {
        name: {
            "seen": looked_at(sdk.models.generate_content(model=IMAGES, contents=prompt)),
            "keys": raw(prompt),
        }
        for name, prompt in prompts.items()
    }


def g3_ordered() -> Any:
    """One answer of a kind that the test has ordered by a rule."""
    sdk = client()
    return looked_at(sdk.models.generate_content(model=IMAGES, contents="a lighthouse"))


def g4() -> Any:
    """What a wrong key, a retired model and, by the test's rule, a spent quota raise."""
    found = {}
    for name, key, model in (
        ("key", "wrong", IMAGES),
        ("retired", "sandbox", "gemini-2.5-flash-image"),
        ("unknown", "sandbox", "gemini-none"),
        ("ordered", "sandbox", IMAGES),
    ):
        sdk = client(key)
        try:
            sdk.models.generate_content(model=model, contents="a lighthouse")
        except errors.APIError as error:
            found[name] = told(error)
    return found


def finished(sdk: genai.Client, operation: Any) -> tuple[Any, list[bool | None]]:
    """The operation once it is done, and what every poll said."""
    said = [operation.done]
    while not operation.done:
        assert len(said) < 200
        time.sleep(0.1)
        operation = sdk.operations.get(operation)
        said.append(operation.done)
    return operation, said


def ended(operation: Any) -> dict[str, Any]:
    response = operation.response
    videos = (response.generated_videos or []) if response else []
    return {
        "name": operation.name,
        "videos": [one.video.uri for one in videos],
        "count": response and response.rai_media_filtered_count,
        "reasons": response and response.rai_media_filtered_reasons,
        "error": operation.error,
    }


def kept(sdk: genai.Client, video: Any) -> str:
    content = sdk.files.download(file=video)
    Path(sys.argv[4]).write_bytes(content)
    return content[:12].hex()


def v1() -> Any:
    sdk = client()
    operation = sdk.models.generate_videos(
        model=FILMS,
        prompt="waves against a lighthouse, wide shot",
        config=types.GenerateVideosConfig(
            aspect_ratio="16:9",
            duration_seconds=4,
            resolution="720p",
            negative_prompt="people, text",
            person_generation="allow_all",
            number_of_videos=1,
        ),
    )
    operation, said = finished(sdk, operation)
    head = kept(sdk, operation.response.generated_videos[0].video)
    raw_poll = wire("GET", f"/{VERSION}/{operation.name}")[1]
    return {
        "said": said, "end": ended(operation), "head": head, "raw": raw_poll, "calls": calls()
    }  # fmt: skip


def v2() -> Any:
    sdk = client()
    image = types.Image(image_bytes=PICTURE, mime_type="image/png")
    frames = sdk.models.generate_videos(
        model=FILMS,
        prompt="the tide rises",
        image=image,
        config=types.GenerateVideosConfig(
            last_frame=image, aspect_ratio="9:16", duration_seconds=4
        ),
    )
    reference = types.VideoGenerationReferenceImage(image=image, reference_type="ASSET")
    shown = sdk.models.generate_videos(
        model=FILMS,
        prompt="the keeper walks down the stairs",
        config=types.GenerateVideosConfig(reference_images=[reference], duration_seconds=8),
    )
    sent = [call["body"] for call in calls() if call["method"] == "POST"]
    first, _ = finished(sdk, frames)
    head = kept(sdk, first.response.generated_videos[0].video)
    longer = sdk.models.generate_videos(
        model=FILMS,
        prompt="the camera keeps rising",
        video=types.Video(uri=first.response.generated_videos[0].video.uri),
    )
    inline = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PICTURE).decode()}}
    body = {"instances": [{"prompt": "the tide", "image": inline}]}
    refused = wire("POST", f"/{VERSION}/models/{FILMS}:predictLongRunning", body)
    return {
        "frames": ended(first), "shown": ended(finished(sdk, shown)[0]), "longer": longer.name,
        "head": head, "refused": refused, "sent": sent,
    }  # fmt: skip


def v3() -> Any:
    """What the test's rules have ordered for prompts of that kind, and an unknown operation."""
    sdk = client()
    found = {}
    for kind in ("filtered", "failed", "nothing"):
        operation = sdk.models.generate_videos(model=FILMS, prompt=f"a {kind} film")
        found[kind] = ended(finished(sdk, operation)[0])
    try:
        name = f"models/{FILMS}/operations/nobodyknows1"
        sdk.operations.get(types.GenerateVideosOperation(name=name))
    except errors.APIError as error:
        found["unknown"] = told(error)
    return found


def v4() -> Any:
    """Made by hand, because this SDK does not begin films in Developer mode any more."""
    body = {"instances": [{"prompt": "a harbour"}], "parameters": {"durationSeconds": 4}}
    status, created = wire("POST", f"/{VERSION}/models/{FILMS}:predictLongRunning", body)
    sdk = client()
    operation, said = finished(sdk, types.GenerateVideosOperation(name=created["name"]))
    head = kept(sdk, operation.response.generated_videos[0].video)
    return {"status": status, "said": said, "end": ended(operation), "head": head}


def v5() -> Any:
    sdk = client(enterprise=True)
    operation = sdk.models.generate_videos(
        model=AT_VERTEX,
        prompt="waves",
        config=types.GenerateVideosConfig(
            duration_seconds=4, aspect_ratio="16:9", generate_audio=False, seed=7
        ),
    )
    operation, said = finished(sdk, operation)
    video = operation.response.generated_videos[0].video
    Path(sys.argv[4]).write_bytes(video.video_bytes)
    return {
        "said": said, "name": operation.name, "type": video.mime_type,
        "paths": sorted({call["path"] for call in calls()}),
    }  # fmt: skip


def o1() -> Any:
    sdk = client()
    begun = sdk.interactions.create(
        model="gemini-omni-1.1-flash",
        input="waves against a lighthouse",
        background=True,
        response_format={
            "type": "video", "aspect_ratio": "16:9", "resolution": "360p", "duration": "3s"
        },
    )  # fmt: skip
    said = [begun.status]
    while said[-1] == "in_progress":
        assert len(said) < 200
        time.sleep(0.1)
        begun = sdk.interactions.get(begun.id)
        said.append(begun.status)
    Path(sys.argv[4]).write_bytes(base64.b64decode(begun.output_video.data))
    refused = wire("POST", f"/{VERSION}/interactions", {"model": "gemini-omni-1.1-flash"})
    return {"said": said, "type": begun.output_video.mime_type, "refused": refused}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(globals()[sys.argv[3].lower()]()))
