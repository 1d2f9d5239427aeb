// Questions to the server, and commands. Every answer is a message of messages.ts.
import type { Commands, Present, Questions, Refusal } from "../messages";

// A tab that is loaded again is the same one; a copy of it is not, which finds nothing in its store.
const KEPT = "backlit-tab";
export const TAB = sessionStorage.getItem(KEPT) ?? crypto.randomUUID();
sessionStorage.removeItem(KEPT);
addEventListener("pagehide", () => sessionStorage.setItem(KEPT, TAB));

export class Trouble extends Error {
  constructor(
    message: string,
    readonly kind: Refusal["kind"] | "unreachable",
  ) {
    super(message);
  }
}

async function post(name: string, body: BodyInit, headers: Record<string, string>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api/${name}`, { method: "POST", body, headers: { "X-Backlit-Tab": TAB, ...headers } });
  } catch {
    throw new Trouble("The server does not answer.", "unreachable");
  }
  if (response.ok) return response;
  const refusal = (await response.json().catch(() => null)) as Refusal | null;
  throw new Trouble(refusal?.error ?? `The server answered ${response.status}.`, refusal?.kind ?? "invalid");
}

const JSON_TYPE = { "Content-Type": "application/json" };

export async function ask<Q extends keyof Questions>(
  name: Q,
  query: Questions[Q]["query"],
): Promise<Questions[Q]["reply"]> {
  return (await post(name, JSON.stringify(query), JSON_TYPE)).json();
}

// The three numbers of every edge of a layout, one edge after the other: w, ∂E/∂w, the step that the update makes.
export async function askWeights(query: Questions["weights"]["query"]): Promise<Float32Array> {
  return new Float32Array(await (await post("weights", JSON.stringify(query), JSON_TYPE)).arrayBuffer());
}

export async function command<C extends keyof Commands>(name: C, query: Commands[C]["query"]): Promise<Present> {
  return (await (await post(name, JSON.stringify(query), JSON_TYPE)).json()).present;
}

export async function upload(file: File): Promise<string> {
  const answer = await post(`upload?name=${encodeURIComponent(file.name)}`, file, {
    "Content-Type": "application/octet-stream",
  });
  return (await answer.json()).key;
}
