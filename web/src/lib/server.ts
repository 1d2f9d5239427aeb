// `backlit studio` as a source: questions by HTTP, news through a WebSocket, which comes back by itself.
import type { Commands, News, Questions, Refusal, Table } from "../messages";
import { Trouble, type Connection, type Source } from "./source";

const RECONNECT = 700; // ms

export class Server implements Source {
  #connected: (how: Connection) => void = () => {};

  ask<Q extends keyof Questions>(name: Q, query: Questions[Q]["query"]): Promise<Questions[Q]["reply"]> {
    return this.#post(name, JSON.stringify(query), "application/json");
  }

  command<C extends keyof Commands>(name: C, query: Commands[C]["query"]): Promise<Commands[C]["reply"]> {
    return this.#post(name, JSON.stringify(query), "application/json");
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

  async #post<R>(name: string, body: BodyInit, type: string): Promise<R> {
    let response: Response;
    try {
      response = await fetch(`/api/${name}`, { method: "POST", body, headers: { "Content-Type": type } });
    } catch {
      this.#connected("lost");
      throw new Trouble("The server does not answer.", "unreachable");
    }
    if (response.ok) {
      const binary = response.headers.get("Content-Type") === "application/octet-stream";
      return (binary ? await response.arrayBuffer() : await response.json()) as R;
    }
    const refusal = (await response.json().catch(() => null)) as Refusal | null;
    if (refusal?.kind === "forbidden") this.#connected("refused");
    throw new Trouble(refusal?.error ?? `The server answered ${response.status}.`, refusal?.kind ?? "invalid");
  }
}
