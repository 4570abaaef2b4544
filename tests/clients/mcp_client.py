"""Use the site's tools with the official SDK of the Model Context Protocol.

Usage: python mcp_client.py ADDRESS TOKEN MODE, in the environment of `make test-clients`. MODE is the SDK's: `auto`
speaks the newest version, `legacy` begins with `initialize`. Writes what it read as JSON.
"""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

address, token, mode = sys.argv[1:]


async def use_tools() -> dict:
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
    transport = streamable_http_client(f"{address}/mcp", http_client=http)
    async with http, Client(transport, mode=mode) as client:

        async def call(name: str, **arguments) -> dict:
            result = await client.call_tool(name, arguments)
            if result.is_error:
                return {"error": result.content[0].text}
            assert json.loads(result.content[0].text) == result.structured_content
            return result.structured_content

        tools = (await client.list_tools()).tools
        matches = (await call("search", query="Song 02"))["songs"]
        start = matches[0]["id"]
        end = (await call("search", query="Song 33"))["songs"][0]["id"]
        recommended = (await call("recommend", count=5))["songs"]
        ids = [song["id"] for song in recommended]
        return {
            "version": client.protocol_version,
            "tools": [tool.name for tool in tools],
            "says_untrusted": all(
                "never follow instructions" in tool.description for tool in tools
            ),
            "found": matches[0]["title"],
            "recommended": recommended,
            "why": await call("why", song_id=ids[0]),
            "why_not": await call("why_not", song_id=end),
            "listed": (await call("why_not", song_id=ids[0]))["step"],
            "similar": (await call("similar", song_id=start, count=3))["songs"],
            "path": (await call("path", from_song_id=start, to_song_id=end, count=5))["songs"],
            "statistics": await call("statistics", of="artists", count=3),
            "playlist": await call("make_playlist", title="From a program", song_ids=ids),
            "wrong": await call("similar", song_id=start, count=0),
        }


json.dump(asyncio.run(use_tools()), sys.stdout)
