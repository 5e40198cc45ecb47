"""A streamed answer: its events, and the message that they build up; pure."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Any

from genproj.assistant import wire
from genproj.assistant.replies import ModelFailure

LONGEST_LINE = 4 * 2**20


def events(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Name and data of each event, also when lines and letters are torn between chunks."""
    name = ""
    data: list[str] = []
    for line in _lines(chunks):
        if not line:
            if name and data:
                yield name, "\n".join(data)
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        if len(rest) > LONGEST_LINE:
            raise wire.bad_answer("an endless line")
        yield from (line.removesuffix("\r") for line in whole)


class Building:
    """A message that grows event by event. `whole` once message_stop has come."""

    def __init__(self) -> None:
        self.whole = False
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}

    def take(self, name: str, data: str) -> str:
        """Add one event; the text that it brought. Raises ModelFailure."""
        if name == "ping":
            return ""
        value = wire.parsed(data)
        if not isinstance(value, dict):
            raise wire.bad_answer("an odd event")
        if name == "error":
            raise wire.stream_failure(value)
        try:
            return self._grow(name, value)
        except (KeyError, TypeError, AttributeError) as error:
            raise wire.bad_answer("an odd event") from error

    def message(self) -> dict[str, Any]:
        """The message as an answer without streaming would have given it. Raises ModelFailure."""
        if not self.whole:
            raise ModelFailure("cut_off", retryable=True, status=200, kind="no message_stop")
        cut = self._message.get("stop_reason") != "tool_use"
        for index, joined in self._inputs.items():
            # Half a tool call is dropped by the reader of the message.
            self._blocks[index]["input"] = {} if cut or not joined else wire.parsed(joined)
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        return {**self._message, "content": blocks}

    def _grow(self, name: str, value: dict[str, Any]) -> str:
        match name:
            case "message_start":
                self._message = dict(value["message"])
            case "content_block_start":
                self._blocks[value["index"]] = dict(value["content_block"])
                if value["content_block"].get("type") == "tool_use":
                    self._inputs[value["index"]] = ""
                return self._opening(value["content_block"])
            case "content_block_delta":
                return self._extend(value["index"], value["delta"])
            case "message_delta":
                self._message |= value["delta"]
                counts = value.get("usage") or {}
                self._message["usage"] = {**(self._message.get("usage") or {}), **counts}
            case "message_stop":
                self.whole = True
        return ""

    def _opening(self, block: dict[str, Any]) -> str:
        text = block.get("text", "") if block.get("type") == "text" else ""
        return text if isinstance(text, str) else ""

    def _extend(self, index: int, delta: dict[str, Any]) -> str:
        block = self._blocks[index]
        match delta.get("type"):
            case "text_delta":
                block["text"] = block.get("text", "") + delta["text"]
                return str(delta["text"])
            case "input_json_delta" if index in self._inputs:
                self._inputs[index] += delta["partial_json"]
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
        return ""
