// Writes build/musicrec.ndp: a zip of manifest.json and plugin.wasm, stored and dated 1980, so that the same source
// gives the same bytes on every machine.

import { readFileSync, writeFileSync } from "node:fs";

const DATE_1980 = 33; // 1 January 1980 in a zip's own way of writing

function header(signature, name, data, extra) {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0); // version needed
  fields.writeUInt16LE(DATE_1980, 8);
  fields.writeUInt32LE(checksum(data), 10);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(data.length, 18);
  fields.writeUInt16LE(Buffer.byteLength(name), 22);
  return Buffer.concat([Buffer.from(signature), ...extra(fields), Buffer.from(name)]);
}

function checksum(data) {
  let sum = ~0; // CRC-32
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function zip(entries) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [name, data] of entries) {
    const local = header("PK\x03\x04", name, data, (fields) => [fields]);
    const start = Buffer.alloc(4);
    start.writeUInt32LE(offset);
    directory.push(
      header("PK\x01\x02", name, data, (fields) => [Buffer.from([20, 0]), fields, Buffer.alloc(10), start]),
    );
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const central = Buffer.concat(directory), end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

const built = zip([
  ["manifest.json", readFileSync("manifest.json")],
  ["plugin.wasm", readFileSync("build/plugin.wasm")],
]);
writeFileSync("build/musicrec.ndp", built);
console.log(`build/musicrec.ndp: ${built.length} bytes`);
