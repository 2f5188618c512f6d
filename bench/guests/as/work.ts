// The benchmark's functions, without their input and output.

// An order, read from one flat JSON object without escapes.
class Order {
  customer: string = "";
  quantity: i64 = 0;
  price: i64 = 0;
}

// Scanner reads JSON from bytes; bad says that it wasn't what was expected.
class Scanner {
  at: i32 = 0;
  bad: bool = false;

  constructor(private bytes: Uint8Array) {}

  // take passes over one byte.
  take(c: i32): bool {
    if (this.at < this.bytes.length && this.bytes[this.at] == c) {
      this.at++;
      return true;
    }
    return false;
  }

  expect(c: i32): void {
    if (!this.take(c)) this.bad = true;
  }

  string(): string {
    this.expect(0x22);
    const from = this.at;
    while (this.at < this.bytes.length && this.bytes[this.at] != 0x22) this.at++;
    const s = String.UTF8.decodeUnsafe(this.bytes.dataStart + from, this.at - from);
    this.expect(0x22);
    return s;
  }

  number(): i64 {
    let v: i64 = 0;
    const from = this.at;
    while (this.at < this.bytes.length) {
      const c = this.bytes[this.at];
      if (c < 0x30 || c > 0x39) break;
      v = v * 10 + (c - 0x30);
      this.at++;
    }
    if (this.at == from) this.bad = true;
    return v;
  }
}

// sell answers an order; nothing when it can't be read.
export function sell(body: Uint8Array): Uint8Array {
  const s = new Scanner(body);
  const o = new Order();
  s.expect(0x7b);
  do {
    const key = s.string();
    s.expect(0x3a);
    if (key == "customer") o.customer = s.string();
    else if (key == "quantity") o.quantity = s.number();
    else if (key == "price") o.price = s.number();
    else s.string();
  } while (!s.bad && s.take(0x2c));
  s.expect(0x7d);
  if (s.bad || s.at != body.length) return new Uint8Array(0);
  const answer = `{"customer":"${o.customer}","total":${o.quantity * o.price},"ok":true}`;
  return Uint8Array.wrap(String.UTF8.encode(answer));
}

const K: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

const state = new StaticArray<u32>(8);
const schedule = new StaticArray<u32>(64);

function block(p: usize): void {
  const w = schedule;
  for (let i = 0; i < 16; i++) unchecked((w[i] = bswap(load<u32>(p + 4 * i))));
  for (let i = 16; i < 64; i++) {
    const a = unchecked(w[i - 15]), b = unchecked(w[i - 2]);
    const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3);
    const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10);
    unchecked((w[i] = w[i - 16] + s0 + w[i - 7] + s1));
  }
  let a = unchecked(state[0]), b = unchecked(state[1]), c = unchecked(state[2]), d = unchecked(state[3]);
  let e = unchecked(state[4]), f = unchecked(state[5]), g = unchecked(state[6]), h = unchecked(state[7]);
  for (let i = 0; i < 64; i++) {
    const t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + unchecked(K[i]) + unchecked(w[i]);
    const t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
  }
  unchecked((state[0] += a)); unchecked((state[1] += b)); unchecked((state[2] += c)); unchecked((state[3] += d));
  unchecked((state[4] += e)); unchecked((state[5] += f)); unchecked((state[6] += g)); unchecked((state[7] += h));
}

// digest hashes 1 MB of 32-bit numbers that count up from the input's.
export function digest(input: Uint8Array): Uint8Array {
  const first = load<u32>(input.dataStart), size = 1 << 20;
  const bytes = new Uint8Array(size + 64); // and the padding
  const p = bytes.dataStart;
  for (let i = 0; i < size / 4; i++) store<u32>(p + 4 * i, first + i);
  store<u8>(p + size, 0x80);
  store<u64>(p + size + 56, bswap<u64>(8 * size));
  const initial: StaticArray<u32> = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];
  for (let i = 0; i < 8; i++) state[i] = initial[i];
  for (let i = 0; i <= size; i += 64) block(p + i);
  const sum = new Uint8Array(32);
  for (let i = 0; i < 8; i++) store<u32>(sum.dataStart + 4 * i, bswap(state[i]));
  return sum;
}

// warm is what carrel_warm does: the heap has the size calls will need.
export function warm(): void {
  new Uint8Array(4 << 20);
  sell(Uint8Array.wrap(String.UTF8.encode('{"customer":"nobody","item":"nothing","quantity":1,"price":1}')));
  __collect();
}

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
