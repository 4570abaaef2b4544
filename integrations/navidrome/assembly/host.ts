// What Extism and Navidrome give to a plugin: memory, input, output, settings and one HTTP request at a time.

@external("extism:host/env", "input_length") declare function input_length(): u64;
@external("extism:host/env", "input_load_u8") declare function input_load_u8(offset: u64): i32;
@external("extism:host/env", "length") declare function length(offset: u64): u64;
@external("extism:host/env", "alloc") declare function alloc(length: u64): u64;
@external("extism:host/env", "free") declare function free(offset: u64): void;
@external("extism:host/env", "load_u8") declare function load_u8(offset: u64): i32;
@external("extism:host/env", "store_u8") declare function store_u8(offset: u64, value: i32): void;
@external("extism:host/env", "output_set") declare function output_set(offset: u64, length: u64): void;
@external("extism:host/env", "error_set") declare function error_set(offset: u64): void;
@external("extism:host/env", "config_get") declare function config_get(offset: u64): u64;
@external("extism:host/user", "http_send") declare function http_send(offset: u64): u64;

function writeText(text: string): u64 {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  const offset = alloc(<u64>bytes.length);
  for (let i = 0; i < bytes.length; i++) store_u8(offset + <u64>i, <i32>bytes[i]);
  return offset;
}

function readText(offset: u64): string {
  if (offset == 0) return "";
  const bytes = new Uint8Array(<i32>length(offset));
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>load_u8(offset + <u64>i);
  free(offset);
  return String.UTF8.decode(bytes.buffer);
}

export function readInput(): string {
  const bytes = new Uint8Array(<i32>input_length());
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>input_load_u8(<u64>i);
  return String.UTF8.decode(bytes.buffer);
}

export function writeOutput(text: string): void {
  const offset = writeText(text);
  output_set(offset, length(offset));
}

export function writeError(text: string): void {
  error_set(writeText(text));
}

export function readSetting(name: string): string {
  const key = writeText(name);
  const value = readText(config_get(key));
  free(key);
  return value;
}

/** Have the host send a request, described in JSON; return its answer in JSON. */
export function sendRequest(request: string): string {
  const offset = writeText(request);
  const answer = readText(http_send(offset));
  free(offset);
  return answer;
}

/** What AssemblyScript calls where it can't go on, such as out of memory. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  writeError("musicrec: the plugin failed at line " + line.toString());
  unreachable();
}
