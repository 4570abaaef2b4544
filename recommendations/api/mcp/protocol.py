"""JSON-RPC as the Model Context Protocol frames it over HTTP: one request, one answer, nothing kept between two.

Two eras are spoken. From 2026-07-28 on each request names its version in `params._meta` and repeats version, method
and tool in headers; before that a client says `initialize` first. No session is kept in either.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
SUPPORTED = (*MODERN, *LEGACY)

_META = "io.modelcontextprotocol/"
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022


class RpcError(Exception):
    """A request that can't be answered; `status` is that of the HTTP answer."""

    def __init__(self, code: int, message: str, status: int = 400, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data = code, message, status, data


@dataclass(frozen=True)
class Call:
    """A request. `id` is None for a notification, which has no answer."""

    id: str | int | None
    method: str
    params: Mapping[str, Any]
    is_modern: bool


def read_call(body: Any, headers: Mapping[str, str]) -> Call | None:
    """Return the request in a body; None where it is an answer of a client, which nobody waits for.

    Raises RpcError for everything that the protocol forbids.
    """
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "Send one JSON-RPC 2.0 object.")
    method, params = body.get("method"), body.get("params", {})
    if method is None and ("result" in body or "error" in body):
        return None
    if not isinstance(method, str) or not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "method is a text, params an object.")
    if "id" not in body:
        return Call(None, method, params, is_modern=False)
    id_ = body["id"]
    if not isinstance(id_, str | int) or isinstance(id_, bool):
        raise RpcError(INVALID_REQUEST, "id is a text or a whole number.")
    return Call(id_, method, params, _check_version(method, params, headers))


def read_id(body: Any) -> str | int | None:
    """Return the id that an error answers to, None where there is none to read."""
    id_ = body.get("id") if isinstance(body, dict) else None
    return id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None


def build_result(call: Call, result: dict[str, Any], server: dict[str, str]) -> dict[str, Any]:
    """Return the answer to a request in the form of its era."""
    if call.is_modern:
        result = {"resultType": "complete", **result, "_meta": {f"{_META}serverInfo": server}}
    return {"jsonrpc": "2.0", "id": call.id, "result": result}


def build_error(error: RpcError, id_: str | int | None) -> dict[str, Any]:
    """Return the answer that says what is wrong."""
    body = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", **({} if id_ is None else {"id": id_}), "error": body}


def choose_version(asked: Any) -> str:
    """Return the version that `initialize` agrees on: the client's own, if it is spoken here."""
    return asked if asked in LEGACY else LEGACY[0]


def _check_version(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Return whether a request is of the era without `initialize`; raise RpcError where its metadata is wrong."""
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    named, header = meta.get(f"{_META}protocolVersion"), headers.get("MCP-Protocol-Version")
    if method == "initialize" or (named is None and header in (None, *LEGACY)):
        return False
    for version in (named, header):
        if version is not None and version not in SUPPORTED:
            data = {"supported": list(SUPPORTED), "requested": str(version)[:40]}
            raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data)
    if named is None:
        raise RpcError(INVALID_PARAMS, f"params._meta needs {_META}protocolVersion.")
    if named in LEGACY:
        return False
    _check_headers(named, header, method, params, headers)
    if not isinstance(meta.get(f"{_META}clientCapabilities"), dict):
        raise RpcError(INVALID_PARAMS, f"params._meta needs {_META}clientCapabilities.")
    return True


def _check_headers(
    named: str,
    header: str | None,
    method: str,
    params: Mapping[str, Any],
    headers: Mapping[str, str],
) -> None:
    wanted: dict[str, tuple[str | None, Any]] = {
        "MCP-Protocol-Version": (header, named),
        "Mcp-Method": (headers.get("Mcp-Method"), method),
    }
    if method == "tools/call":
        wanted["Mcp-Name"] = (_decode(headers.get("Mcp-Name")), params.get("name"))
    for name, (sent, meant) in wanted.items():
        if sent != meant:
            raise RpcError(HEADER_MISMATCH, f"The header {name} must say what the body says.")


def _decode(value: str | None) -> str | None:
    """Return a header's text; one that can't be said in ASCII comes as `=?base64?…?=`."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except ValueError:  # no base64, no UTF-8, or letters that no ASCII has
        return None
