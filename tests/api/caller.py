"""Calling the API as somebody."""

import json
from types import SimpleNamespace

from django.test import Client, TestCase

from accounts import tokens
from accounts.models import User


class Caller:
    """Somebody with an access token, and what comes back as (status, parsed body, headers)."""

    commits = True

    def __init__(self, user: User, scopes=("read", "write", "listen"), prefix="/api/v1/"):
        self.user = user
        self.secret = tokens.create_token(user, "test", list(scopes)).secret
        self.prefix = prefix
        self.client = Client(headers={"Authorization": f"Token {self.secret}"})

    def __getattr__(self, method):
        if method not in ("get", "post", "put", "patch", "delete"):
            raise AttributeError(method)
        return lambda address, data=None, **extra: self.call(method, address, data, **extra)

    def call(self, method, address, data=None, **extra):
        call = getattr(self.client, method)
        # What waits for the commit happens, as it would outside of a test's transaction.
        with TestCase.captureOnCommitCallbacks(execute=self.commits):
            if method == "get":
                response = call(self.prefix + address, data or {}, **extra)
            else:
                body = "" if data is None else json.dumps(data)
                response = call(
                    self.prefix + address, body, content_type="application/json", **extra
                )
        return self._parse_body(response)

    @staticmethod
    def _parse_body(response):
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        body = response.json() if is_json and response.content else response.content.decode()
        return SimpleNamespace(status=response.status_code, body=body, headers=response.headers)
