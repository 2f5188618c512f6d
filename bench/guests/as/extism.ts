// The benchmark's guest in AssemblyScript, over Extism's PDK.
import { Host } from "@extism/as-pdk";
import { digest, sell, warm } from "./work";

export function empty(): i32 {
  return 0;
}

export function echo(): i32 {
  Host.output(Host.input());
  return 0;
}

export function json(): i32 {
  Host.output(sell(Host.input()));
  return 0;
}

export function sha256(): i32 {
  Host.output(digest(Host.input()));
  return 0;
}

export function carrel_warm(): void {
  warm();
}
