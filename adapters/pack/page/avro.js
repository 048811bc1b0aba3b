// Avro, the one canonical encoding of each value, under a schema that `WORDS.schemas` holds by its fingerprint.
// Longs are BigInt, fixed and bytes are Uint8Array, enums their symbols, a union nothing (null) or its value.
// Source: Avro 1.12, binary encoding; docs/adr/0003.

import { fromUtf8, isEqual, refuse, toHex } from "./bytes.js";

const MARKER = Uint8Array.of(0xc3, 0x01);

/** Marker, fingerprint, data: the schema and the value of a single-object encoding. */
export function readSingle(schemas, data) {
  if (data.length < 10 || !isEqual(data.subarray(0, 2), MARKER)) refuse`this is no single-object encoding`;
  const fingerprint = toHex(data.subarray(2, 10));
  const schema = Object.hasOwn(schemas, fingerprint) ? schemas[fingerprint] : refuse`no schema is ${fingerprint}`;
  const reader = new Reader(data.subarray(10), schema);
  const value = reader.value(schema);
  if (reader.at !== reader.data.length) refuse`bytes follow the value`;
  return { schema, fingerprint, value };
}

class Reader {
  constructor(data, schema) {
    this.data = data;
    this.at = 0;
    this.named = new Map();
    this.remember(schema);
  }

  /** Names that a schema gives to its parts; later parts use them. */
  remember(schema) {
    if (schema?.name) this.named.set(schema.name, schema);
    for (const part of [schema?.items, ...(schema?.fields ?? []).map((field) => field.type)].flat()) {
      if (typeof part === "object") this.remember(part);
    }
  }

  take(size) {
    if (size < 0 || this.at + size > this.data.length) refuse`the bytes end inside a value`;
    this.at += size;
    return this.data.subarray(this.at - size, this.at);
  }

  /** Zigzag, base 128, low digits first, in the shortest form. */
  long() {
    let [raw, shift, byte] = [0n, 0n, 0x80];
    while (byte & 0x80) {
      [byte] = this.take(1);
      raw |= BigInt(byte & 0x7f) << shift;
      if (shift && !byte) refuse`a number is not in its shortest form`;
      shift += 7n;
      if (shift > 70n) refuse`a number is too long`;
    }
    if (raw >> 64n) refuse`a number has more than 64 bits`;
    return (raw >> 1n) ^ -(raw & 1n);
  }

  int(least, most) {
    const value = this.long();
    if (value < BigInt(least) || value > BigInt(most)) refuse`a number is out of range`;
    return Number(value);
  }

  value(schema) {
    if (Array.isArray(schema)) return this.value(schema[this.int(0, schema.length - 1)]);
    const kind = schema.type ?? schema;
    switch (kind) {
      case "null":
        return null;
      case "boolean":
        return this.byteOf([false, true]);
      case "int":
        return this.int(-(2 ** 31), 2 ** 31 - 1);
      case "long":
        return this.long();
      case "string":
        return fromUtf8(this.take(this.int(0, this.data.length)));
      case "bytes":
        return this.take(this.int(0, this.data.length));
      case "fixed":
        return this.take(schema.size);
      case "enum":
        return schema.symbols[this.int(0, schema.symbols.length - 1)];
      case "array":
        return this.array(schema.items);
      case "record":
        return Object.fromEntries(schema.fields.map((field) => [field.name, this.value(field.type)]));
      default:
        return this.value(this.named.get(kind) ?? refuse`a type is not known`);
    }
  }

  byteOf(values) {
    const [byte] = this.take(1);
    return byte < values.length ? values[byte] : refuse`a boolean is neither 0 nor 1`;
  }

  /** One block, then the end; an empty array is the end alone. */
  array(items) {
    const values = [];
    for (let left = this.int(0, this.data.length); left; left -= 1) values.push(this.value(items));
    if (values.length && this.int(0, 0) !== 0) refuse`an array has more than one block`;
    return values;
  }
}
