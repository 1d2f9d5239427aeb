// Where answers come from. Views know nothing else of it: it may be a server, a file, or a calculator in the page.
import type { Commands, News, Questions, Refusal, Table } from "../messages";

// Why there is no answer.
export class Trouble extends Error {
  constructor(
    message: string,
    readonly kind: Refusal["kind"] | "unreachable",
  ) {
    super(message);
  }
}

// Whether it is the connection that failed, and not the question.
export const unanswered = (error: unknown): boolean =>
  error instanceof Trouble && (error.kind === "unreachable" || error.kind === "forbidden");

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export type Connection = "connecting" | "open" | "lost" | "refused";

export interface Source {
  // Whatever fails throws a `Trouble`.
  ask<Q extends keyof Questions>(name: Q, query: Questions[Q]["query"]): Promise<Questions[Q]["reply"]>;
  command<C extends keyof Commands>(name: C, query: Commands[C]["query"]): Promise<Commands[C]["reply"]>;
  // A table that is handed over.
  upload(file: File): Promise<Table>;
  // From now on, news are heard, and whether there is anybody to ask.
  listen(heard: (news: News) => void, connected: (how: Connection) => void): void;
}
