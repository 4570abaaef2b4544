// Each function of the plugin sends its input to the address of the same name on the Musicrec site and hands back
// what that answers: the site knows Navidrome's shapes, so that the plugin need not.

import { decode, encode } from "./base64";
import { readInput, readSetting, sendRequest, writeError, writeOutput } from "./host";
import { findEntries, findValue, readText, writeText } from "./json";

const OK: i32 = 0, FAILED: i32 = 1;
const NOT_AUTHORIZED = "scrobbler(not_authorized)";
const RETRY_LATER = "scrobbler(retry_later)";
const UNRECOVERABLE = "scrobbler(unrecoverable)";

class Answer {
  constructor(public status: i32, public body: string) {}
}

/** Send JSON to the site; status 0 where it could not be reached. */
function ask(name: string, input: string, token: string): Answer {
  let site = readSetting("site");
  while (site.endsWith("/")) site = site.substr(0, site.length - 1);
  const request =
    '{"request":{"method":"POST","url":' + writeText(site + "/navidrome/" + name) +
    ',"headers":{"Authorization":' + writeText("Bearer " + token) +
    ',"Content-Type":"application/json"},"noFollowRedirects":true,"timeoutMs":8000,"body":"' +
    encode(input) + '"}}';
  const answer = sendRequest(request);
  const result = findValue(answer, "result");
  if (result < 0) return new Answer(0, readText(answer, findValue(answer, "error")));
  const status = findValue(answer, "statusCode", result);
  return new Answer(
    status < 0 ? 0 : <i32>parseInt(answer.substr(status, 3)),
    decode(readText(answer, findValue(answer, "body", result))),
  );
}

/** The token of a listener among the settings, empty where they have none. */
function findToken(username: string): string {
  const listeners = readSetting("listeners");
  const entries = findEntries(listeners, 0);
  for (let i = 0; i < entries.length; i++) {
    if (readText(listeners, findValue(listeners, "username", entries[i])) == username) {
      return readText(listeners, findValue(listeners, "token", entries[i]));
    }
  }
  return "";
}

/** Answer a question about music with the token of the site's settings. */
function forward(name: string): i32 {
  const answer = ask(name, readInput(), readSetting("token"));
  if (answer.status == 200) {
    writeOutput(answer.body);
    return OK;
  }
  writeError("musicrec answered " + answer.status.toString() + ": " + answer.body);
  return FAILED;
}

/** Report what a listener plays with the listener's own token. */
function report(name: string): i32 {
  const input = readInput();
  const token = findToken(readText(input, findValue(input, "username")));
  if (token == "") {
    writeError(NOT_AUTHORIZED);
    return FAILED;
  }
  const answer = ask(name, input, token);
  if (answer.status == 200) return OK;
  if (answer.status == 401 || answer.status == 403) writeError(NOT_AUTHORIZED);
  else if (answer.status == 0 || answer.status == 429 || answer.status >= 500) writeError(RETRY_LATER);
  else writeError(UNRECOVERABLE);
  return FAILED;
}

export function nd_get_similar_songs_by_track(): i32 { return forward("nd_get_similar_songs_by_track"); }
export function nd_get_similar_songs_by_album(): i32 { return forward("nd_get_similar_songs_by_album"); }
export function nd_get_similar_songs_by_artist(): i32 { return forward("nd_get_similar_songs_by_artist"); }
export function nd_get_artist_top_songs(): i32 { return forward("nd_get_artist_top_songs"); }
export function nd_get_similar_artists(): i32 { return forward("nd_get_similar_artists"); }
export function nd_get_sonic_similar_tracks(): i32 { return forward("nd_get_sonic_similar_tracks"); }
export function nd_find_sonic_path(): i32 { return forward("nd_find_sonic_path"); }

export function nd_scrobbler_now_playing(): i32 { return report("nd_scrobbler_now_playing"); }
export function nd_scrobbler_scrobble(): i32 { return report("nd_scrobbler_scrobble"); }
export function nd_scrobbler_playback_report(): i32 { return report("nd_scrobbler_playback_report"); }

/** Whether a listener has a token here; the site is asked only when there is something to report. */
export function nd_scrobbler_is_authorized(): i32 {
  const input = readInput();
  writeOutput(findToken(readText(input, findValue(input, "username"))) == "" ? "false" : "true");
  return OK;
}
