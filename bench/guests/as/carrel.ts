// The benchmark's guest in AssemblyScript, over carrel:host/v1.
import { digest, sell, warm } from "./work";

@external("carrel:host/v1", "write")
declare function hostWrite(from: usize, size: u32): void;
@external("carrel:host/v1", "call")
declare function hostCall(op: u32): u64;
@external("carrel:host/v1", "read")
declare function hostRead(to: usize, size: u32): u32;

function input(): Uint8Array {
  const b = new Uint8Array(u32(hostCall(0)));
  hostRead(b.dataStart, b.length);
  return b;
}

function output(b: Uint8Array): void {
  hostWrite(b.dataStart, b.length);
  hostCall(1);
}

export function carrel_abi(): i32 {
  return 1;
}

export function empty(): i32 {
  return 0;
}

export function echo(): i32 {
  output(input());
  return 0;
}

export function json(): i32 {
  output(sell(input()));
  return 0;
}

export function sha256(): i32 {
  output(digest(input()));
  return 0;
}

export function carrel_warm(): void {
  warm();
}
