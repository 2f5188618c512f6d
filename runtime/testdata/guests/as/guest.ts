// An Extism module in AssemblyScript.
import { Config, Host, LogLevel, Var } from "@extism/as-pdk";

function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}

export function echo(): i32 {
  Host.output(Host.input());
  return 0;
}

export function greet(): i32 {
  const name = Host.inputString();
  const greeting = Config.get("greeting");
  Host.log(LogLevel.Info, "greeting " + name);
  Host.outputString((greeting === null ? "Hello" : greeting) + ", " + name);
  return 0;
}

export function count(): i32 {
  const seen = Var.getString("n");
  Var.set("n", Uint8Array.wrap(String.UTF8.encode("1")));
  Host.outputString(seen === null ? "fresh" : "dirty");
  return 0;
}
