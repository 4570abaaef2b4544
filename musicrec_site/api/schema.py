"""The API's own description: OpenAPI 3.1 from the views, completed with what holds for every operation."""

import re
from inspect import cleandoc
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.permissions import HasScopeOrIsAnonymous

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "code", "message", "request_id"],
            "properties": {
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "message": {"type": "string", "description": "One sentence for a person."},
                "fields": {"type": "object", "description": "What is wrong with single fields."},
                "request_id": {
                    "type": "string",
                    "description": "Also in X-Request-ID; quote it to the operator.",
                },
            },
        }
    },
}
_EXAMPLES = {
    400: ("invalid", "Check the fields.", "The request can't be read or breaks a rule."),
    401: (
        "not_authenticated",
        "Authentication credentials were not provided.",
        "No token, or no valid one.",
    ),
    403: (
        "permission_denied",
        "This token may not do that.",
        "The token lacks the scope, or CSRF protection.",
    ),
    404: ("not_found", "There is nothing here that you may see.", "Not there, or not yours."),
    409: (
        "conflict",
        "Training #12 is running; it has to end or be cancelled first.",
        "The state of trainings or versions does not allow it now.",
    ),
    413: ("too_large", "The body may have 1,048,576 bytes at most.", "The body is too large."),
    415: ("unsupported_media_type", "Unsupported media type.", "The body is not JSON."),
    429: ("throttled", "Request was throttled.", "Too many requests; see Retry-After."),
}


class TokenScheme(OpenApiAuthenticationExtension):
    """The two spellings of one header: generated clients send `Bearer`, the pages show `Token`."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = ["bearer", "token"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        bearer = {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of the account page. No address takes a password.",
        }
        token = {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The same as `Token <token>`.",
        }
        return [bearer, token]


class Schema(AutoSchema):
    """Operations named by address and method, described by the docstrings of their views."""

    def get_operation_id(self) -> str:
        words = [
            segment for segment in self.path.split("/") if segment and not segment.startswith("{")
        ][2:]
        verb = {"get": "list" if self._is_list_view() else "read", "post": "create", "put": "set"}
        by_id = "_one" if self.path.rstrip("/").endswith("}") else ""
        return (
            "_".join([*words, verb.get(self.method.lower(), self.method.lower())]).replace("-", "_")
            + by_id
        )

    def get_auth(self) -> list[dict[str, Any]]:
        """Return how a caller may say who they are; `{}` where nobody has to."""
        is_open = HasScopeOrIsAnonymous in self.view.permission_classes
        return [*super().get_auth(), *([{}] if is_open else [])]

    def get_summary(self) -> str:
        """Return the first sentence of the description."""
        return re.split(r"[.:;](?:\s|$)", self.get_description(), maxsplit=1)[0]

    def get_description(self) -> str:  # type: ignore[override]  # as in the library
        method = getattr(self.view, self.method.lower(), None)
        return cleandoc(getattr(method, "__doc__", None) or self.view.__doc__ or "")

    def get_request_serializer(self) -> Any:
        """Return what the body is made of; a DELETE has none unless its view names one."""
        return None if self.method == "DELETE" else super().get_request_serializer()

    def _get_request_body(self, direction: str = "request") -> Any:
        """Describe the body of a DELETE, too, where a view names one: the library leaves it out."""
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)
        self.method = "POST"
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = "DELETE"


# What the parts of an address look like, by the name of the part or of the collection before it.
_IN_ADDRESSES = {
    "entity": "artists",
    "key": "song_00042",
    "item": 99,
    "artists": 7,
    "blends": "5b1f6a52-7a52-4a3d-8b0e-2c5d5f0d9a11",
    "genres": 2,
    "history": 1234,
    "imports": 5,
    "impressions": "0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55",
    "playlists": "0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55",
    "training-runs": 12,
    "model-versions": 3,
    "experiments": 2,
}


def complete_schema(
    result: dict[str, Any], generator: Any, request: Request, public: bool
) -> dict[str, Any]:
    """Add the errors that any operation may answer and examples of addresses."""
    result["components"].setdefault("schemas", {})["Error"] = _ERROR
    result["components"]["responses"] = {
        f"Error{code}": _build_response(code) for code in _EXAMPLES
    }
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for code in _list_possible_errors(path, method, operation):
                operation["responses"].setdefault(
                    str(code), {"$ref": f"#/components/responses/Error{code}"}
                )
            _show_addresses(path, operation)
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            _allow_blank(field)
    return result


def _show_addresses(path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path" and "example" not in parameter:
            before = path.split(f"/{{{name}}}")[0].rsplit("/", 1)[-1]
            parameter["example"] = _IN_ADDRESSES.get(name) or _IN_ADDRESSES[before]


def _allow_blank(field: dict[str, Any]) -> None:
    """Of an e-mail address or nothing, nothing is both to a reader that does not check formats: any, not one."""
    if field.get("oneOf", [])[1:] == [{"type": "string", "maxLength": 0}]:
        field["anyOf"] = field.pop("oneOf")


def _list_possible_errors(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    is_safe = method.upper() in SAFE_METHODS
    with_body = [413, 415] if "requestBody" in operation or not is_safe else []
    may_conflict = operation["tags"][0] in ("Operators", "Blends") and not is_safe
    in_turn = [409] if may_conflict else []
    return [400, 401, 403, 404, *in_turn, 429, *with_body]


def _build_response(code: int) -> dict[str, Any]:
    name, message, description = _EXAMPLES[code]
    example = {"error": {"status": code, "code": name, "message": message, "request_id": "2f6c…"}}
    return {
        "description": description,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": example,
            },
        },
    }
