// Just enough JSON: find a value of an object by its key, read a text, write a text. Nothing is parsed into a tree.

function skipBlank(json: string, at: i32): i32 {
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code != 32 && code != 9 && code != 10 && code != 13) break;
    at++;
  }
  return at;
}

/** The position after the text that begins at `at`, or the end of the JSON. */
function skipText(json: string, at: i32): i32 {
  for (at++; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code == 92) at++; // a backslash and what it stands before
    else if (code == 34) return at + 1;
  }
  return json.length;
}

/** The position after the value that begins at `at`. */
export function skipValue(json: string, at: i32): i32 {
  if (at >= json.length) return at;
  const first = json.charCodeAt(at);
  if (first == 34) return skipText(json, at);
  let depth = 0;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code == 34) {
      at = skipText(json, at);
      continue;
    }
    if (code == 123 || code == 91) depth++;
    else if (code == 125 || code == 93) {
      if (depth == 0) return at; // the end of what is around a number, true, false or null
      if (--depth == 0) return at + 1;
    } else if (code == 44 && depth == 0) return at;
    at++;
  }
  return at;
}

/** Where the value of a key begins in the object at `at`, or -1. */
export function findValue(json: string, key: string, at: i32 = 0): i32 {
  at = skipBlank(json, at);
  if (at >= json.length || json.charCodeAt(at) != 123) return -1;
  at = skipBlank(json, at + 1);
  while (at < json.length && json.charCodeAt(at) == 34) {
    const name = readText(json, at);
    at = skipBlank(json, skipText(json, at)); // at the colon
    at = skipBlank(json, at + 1);
    if (name == key) return at;
    at = skipBlank(json, skipValue(json, at));
    if (at < json.length && json.charCodeAt(at) == 44) at = skipBlank(json, at + 1);
  }
  return -1;
}

/** Where each entry of the list at `at` begins. */
export function findEntries(json: string, at: i32): i32[] {
  const entries: i32[] = [];
  at = skipBlank(json, at);
  if (at >= json.length || json.charCodeAt(at) != 91) return entries;
  at = skipBlank(json, at + 1);
  while (at < json.length && json.charCodeAt(at) != 93) {
    entries.push(at);
    const after = skipBlank(json, skipValue(json, at));
    if (after == at) break;
    at = after < json.length && json.charCodeAt(after) == 44 ? skipBlank(json, after + 1) : after;
  }
  return entries;
}

/** The text that begins at `at`, without its escapes; empty where there is none. */
export function readText(json: string, at: i32): string {
  if (at < 0 || at >= json.length || json.charCodeAt(at) != 34) return "";
  let text = "";
  for (at++; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code == 34) break;
    if (code != 92) {
      text += String.fromCharCode(code);
      continue;
    }
    const escaped = json.charCodeAt(++at);
    if (escaped == 117) {
      text += String.fromCharCode(<i32>parseInt(json.substr(at + 1, 4), 16));
      at += 4;
    } else if (escaped == 110) text += "\n";
    else if (escaped == 116) text += "\t";
    else if (escaped == 114) text += "\r";
    else if (escaped == 98) text += "\b";
    else if (escaped == 102) text += "\f";
    else text += String.fromCharCode(escaped);
  }
  return text;
}

/** A text as JSON. */
export function writeText(text: string): string {
  let json = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code == 34 || code == 92) json += "\\" + String.fromCharCode(code);
    else if (code < 32) json += "\\u00" + (code < 16 ? "0" : "") + code.toString(16);
    else json += String.fromCharCode(code);
  }
  return json + '"';
}
