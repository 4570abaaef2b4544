// Bodies of requests and answers travel as base64 inside JSON.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encode(text: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let encoded = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group =
      (<i32>bytes[i] << 16) | ((left > 1 ? <i32>bytes[i + 1] : 0) << 8) | (left > 2 ? <i32>bytes[i + 2] : 0);
    encoded += LETTERS.charAt(group >> 18) + LETTERS.charAt((group >> 12) & 63);
    encoded += left > 1 ? LETTERS.charAt((group >> 6) & 63) : "=";
    encoded += left > 2 ? LETTERS.charAt(group & 63) : "=";
  }
  return encoded;
}

export function decode(encoded: string): string {
  const bytes = new Uint8Array((encoded.length * 3) / 4);
  let n = 0, bits = 0, held = 0;
  for (let i = 0; i < encoded.length; i++) {
    const value = LETTERS.indexOf(encoded.charAt(i));
    if (value < 0) break; // the padding
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[n++] = <u8>((held >> bits) & 255);
    }
  }
  return String.UTF8.decode(bytes.buffer.slice(0, n));
}
