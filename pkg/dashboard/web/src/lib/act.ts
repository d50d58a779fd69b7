import { signal } from "@preact/signals";
import { at, Problem, send } from "./api";
import { bodyOf, fieldsOf } from "./form";
import type { Test } from "./types";

// notice is what the last action came to; it goes by itself unless it is a failure.
export const notice = signal<{ text: string; bad: boolean; n: number } | null>(null);

let n = 0;
export function say(text: string, bad = false) {
  const mine = ++n;
  notice.value = { text, bad, n: mine };
  if (!bad) setTimeout(() => notice.value?.n === mine && (notice.value = null), 6000);
}

export async function runNow(ns: string, name: string) {
  try {
    await send("POST", at`/api/v1/namespaces/${ns}/tests/${name}/trigger`);
    say(`${ns}/${name} was asked to run. It starts when its turn comes.`);
  } catch (error) {
    say(`${ns}/${name} was not asked to run: ${why(error)}`, true);
  }
}

export async function setSuspended(test: Test, suspend: boolean) {
  const { namespace, name } = test.metadata;
  try {
    await send("PUT", at`/api/v1/namespaces/${namespace}/tests/${name}`, { ...bodyOf(fieldsOf(test), test), suspend });
    say(suspend ? `${namespace}/${name} is suspended: the clock starts no run.` : `${namespace}/${name} is resumed.`);
  } catch (error) {
    say(`${namespace}/${name} is as it was: ${why(error)}`, true);
  }
}

export async function remove(path: string, what: string, stays: string): Promise<boolean> {
  try {
    await send("DELETE", path);
    say(`${what} is deleted. ${stays}`);
    return true;
  } catch (error) {
    say(`${what} is not deleted: ${why(error)}`, true);
    return false;
  }
}

export const why = (error: unknown) => (error instanceof Problem && (error.status === 404 || error.status === 405) && /address/.test(error.message) ? "this version of kymaros-api cannot do that; use the command instead" : error instanceof Error ? error.message : String(error));

export const runCommand = (ns: string, name: string) => `kubectl -n ${ns} annotate restoretest ${name} kymaros.io/run-requested="$(date -Is)" --overwrite`;
export const suspendCommand = (ns: string, name: string, suspend: boolean) => `kubectl -n ${ns} patch restoretest ${name} --type merge -p '{"spec":{"suspend":${suspend}}}'`;
