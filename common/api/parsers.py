"""Reading JSON from strangers: strict, of bounded size and depth."""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

MAX_BYTES = 1024 * 1024
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class BoundedJSONParser(BaseParser):
    """JSON of at most `view.max_body_bytes`; NaN, half characters and bottomless nesting are refused."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = _read(stream, getattr((parser_context or {})["view"], "max_body_bytes", MAX_BYTES))
        try:
            data = json.loads(
                raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_parse_float
            )
            if _ESCAPED_SURROGATE.search(raw):
                data = self.check_half_characters(data)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except UnicodeError:
            raise ParseError("The body is not UTF-8.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None
        return data

    def check_half_characters(self, data: Any) -> Any:
        """Return what was read; ParseError where a text of it has half of a character, which no column stores."""
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeError:
            raise ParseError(
                "A text of the body has half of a character (\\ud800 to \\udfff)."
            ) from None
        return data


class AnyTypeJSONParser(BoundedJSONParser):
    """For clients that name no content type, or a wrong one."""

    media_type = "*/*"


class LenientJSONParser(AnyTypeJSONParser):
    """Leaves out half characters: many players cut a title by its length, and by that an emoji in two."""

    def check_half_characters(self, data: Any) -> Any:
        """Return what was read without half characters."""
        return json.loads(json.dumps(data, ensure_ascii=False).encode(errors="ignore"))


def _read(stream: IO[bytes], limit: int) -> bytes:
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise BodyTooLarge(f"The body may have {limit:,} bytes at most.")
    return raw


def _parse_float(text: str) -> float:
    """Return a number; 1e999 would else be read as infinity, and be a text like "inf" in a field of text."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is beyond all numbers")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
