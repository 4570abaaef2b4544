"""Call the Navidrome plugin through Extism, with the host functions that Navidrome documents.

Usage: python navidrome_host.py PLUGIN_WASM < CALLS, in the environment of `make test-clients`. CALLS is JSON:
{"config": {…}, "hosts": ["…"], "calls": [["function", input], …]}; written is [{"output": …} or {"error": "…"}, …].
Like Navidrome, the host makes a fresh instance for each call, passes on settings as texts, bodies as base64, and
requests only to hosts that the manifest names.
"""

import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import extism

asked = json.load(sys.stdin)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


def send(request: dict) -> dict:
    host = urlsplit(request["url"]).hostname
    if "*" not in asked["hosts"] and host not in asked["hosts"]:
        return {"error": f"host {host!r} is not allowed"}
    body = base64.b64decode(request["body"]) if request.get("body") else None
    wanted = urllib.request.Request(
        request["url"], data=body, headers=request.get("headers", {}), method=request["method"]
    )
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(wanted, timeout=request.get("timeoutMs", 10_000) / 1000) as answer:
            return {
                "result": {
                    "statusCode": answer.status,
                    "body": base64.b64encode(answer.read()).decode(),
                }
            }
    except urllib.error.HTTPError as error:
        return {
            "result": {"statusCode": error.code, "body": base64.b64encode(error.read()).decode()}
        }
    except OSError as error:
        return {"error": str(error)}


@extism.host_fn(
    name="http_send",
    namespace="extism:host/user",
    signature=([extism.ValType.I64], [extism.ValType.I64]),
)
def http_send(plugin, inputs, outputs, _user_data=None):
    request = json.loads(plugin.input_string(inputs[0]))["request"]
    plugin.return_string(outputs[0], json.dumps(send(request)))


config = {
    name: value if isinstance(value, str) else json.dumps(value)
    for name, value in asked["config"].items()
}
wasm = Path(sys.argv[1]).read_bytes()
answers = []
for function, given in asked["calls"]:
    with extism.Plugin(wasm, config=config, functions=[http_send]) as plugin:
        try:
            output = bytes(plugin.call(function, json.dumps(given))).decode()
            answers.append({"output": json.loads(output) if output else None})
        except extism.Error as error:
            answers.append({"error": str(error)})
json.dump(answers, sys.stdout)
