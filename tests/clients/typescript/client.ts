// Logs a batch, exports a playlist and reads errors with types made from docs/openapi.yaml.
// Usage: node built/client.js ADDRESS TOKEN SONG PLAYLIST; writes what it read as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [address, token, song, playlist] = process.argv.slice(2) as [string, string, string, string];
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
const stranger = createClient<paths>({ baseUrl: address });

const played: components["schemas"]["InteractionInRequest"] = {
  song,
  kind: "play",
  occurred_at: "2026-08-24T18:30:00Z",
  played_ms: 200_000,
};
// @ts-expect-error: an entry without a kind is refused before it is sent
const broken: components["schemas"]["InteractionInRequest"] = { song };

const batch = await client.POST("/api/v1/interactions/batch/", {
  body: { interactions: [played, { song, kind: "like" }, broken] },
});
if (batch.data === undefined) throw new Error(batch.error.error.message);

const path = { id: playlist };
const m3u8 = await client.GET("/api/v1/playlists/{id}/export/", {
  params: { path, query: { as: "m3u8" } },
  parseAs: "text",
});
const csv = await client.GET("/api/v1/playlists/{id}/export/", {
  params: { path, query: { as: "csv" } },
  parseAs: "text",
});
const renamed = await client.PATCH("/api/v1/playlists/{id}/", { params: { path }, body: { title: "Renamed" } });
const open = await stranger.GET("/api/v1/recommendations/", { params: { query: { liked: song, k: 1 } } });
const refused = await stranger.GET("/api/v1/me/");
const missing = await client.GET("/api/v1/songs/{key}/", { params: { path: { key: "nothing" } } });

const codes: (string | undefined)[] = [refused.error?.error.code, missing.error?.error.code];
console.log(
  JSON.stringify({
    added: batch.data.added,
    rejected: batch.data.rejected.map((one) => one.index),
    m3u8: m3u8.data,
    csv: csv.data,
    title: renamed.data?.title,
    strangers_list: open.data?.items.length,
    codes,
  }),
);
