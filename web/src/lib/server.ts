// `backlit studio` as a source: questions by HTTP, news through a WebSocket, which comes back by itself.
import type { Commands, News, Questions, Refusal, Table } from "../messages";
import { Trouble, type Connection, type Source } from "./source";

const RECONNECT = 700; // ms
const JSON_TYPE = "application/json";

// What follows every step and is quick: such questions, asked at one time, go in one request.
const TOGETHER = new Set(["moment", "weights", "maps", "line", "chain", "paths", "pulls", "unit", "step"]);

interface Asked {
  question: [string, unknown];
  answer: (reply: unknown) => void;
  refuse: (why: Trouble) => void;
}

export class Server implements Source {
  #connected: (how: Connection) => void = () => {};
  #asked: Asked[] = [];

  ask<Q extends keyof Questions>(name: Q, query: Questions[Q]["query"]): Promise<Questions[Q]["reply"]> {
    if (TOGETHER.has(name)) {
      return new Promise((answer, refuse) => {
        if (!this.#asked.length) setTimeout(() => void this.#send(this.#asked.splice(0)));
        this.#asked.push({ question: [name, query], answer: answer as Asked["answer"], refuse });
      });
    }
    return this.#post(name, JSON.stringify(query));
  }

  command<C extends keyof Commands>(name: C, query: Commands[C]["query"]): Promise<Commands[C]["reply"]> {
    return this.#post(name, JSON.stringify(query));
  }

  upload(file: File): Promise<Table> {
    return this.#post(`upload?name=${encodeURIComponent(file.name)}`, file, "application/octet-stream");
  }

  listen(heard: (news: News) => void, connected: (how: Connection) => void): void {
    this.#connected = connected;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/news`);
    let was = false;
    socket.onmessage = (message) => {
      // the first one comes at once, and tells what trains: it is heard before anything is answered
      if (!was) connected("open");
      was = true;
      heard(JSON.parse(message.data as string) as News);
    };
    socket.onclose = async () => {
      if (was) connected("lost");
      else await this.ask("shelf", {}).catch(() => {}); // a WebSocket does not say why it was refused; a question does
      setTimeout(() => this.listen(heard, connected), RECONNECT);
    };
  }

  async #send(asked: Asked[]): Promise<void> {
    try {
      const response = await this.#fetch("together", JSON.stringify(asked.map((one) => one.question)));
      const parts: unknown = await response.json().catch(() => null);
      if (!Array.isArray(parts)) throw this.#refused(response.status, parts);
      (parts as [number, unknown][]).forEach(([status, reply], i) => {
        if (status !== 200) asked[i]!.refuse(this.#refused(status, reply));
        else asked[i]!.answer(typeof reply === "string" ? bytes(reply) : reply);
      });
    } catch (error) {
      for (const one of asked) one.refuse(error as Trouble);
    }
  }

  async #post<R>(name: string, body: BodyInit, type = JSON_TYPE): Promise<R> {
    const response = await this.#fetch(name, body, type);
    if (!response.ok) throw this.#refused(response.status, await response.json().catch(() => null));
    const binary = response.headers.get("Content-Type") === "application/octet-stream";
    return (binary ? await response.arrayBuffer() : await response.json()) as R;
  }

  async #fetch(name: string, body: BodyInit, type = JSON_TYPE): Promise<Response> {
    try {
      return await fetch(`/api/${name}`, { method: "POST", body, headers: { "Content-Type": type } });
    } catch {
      this.#connected("lost");
      throw new Trouble("The server does not answer.", "unreachable");
    }
  }

  #refused(status: number, reply: unknown): Trouble {
    const refusal = reply as Refusal | null;
    if (refusal?.kind === "forbidden") this.#connected("refused");
    return new Trouble(refusal?.error ?? `The server answered ${status}.`, refusal?.kind ?? "invalid");
  }
}

function bytes(text: string): ArrayBuffer {
  const letters = atob(text);
  const all = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) all[i] = letters.charCodeAt(i);
  return all.buffer;
}
