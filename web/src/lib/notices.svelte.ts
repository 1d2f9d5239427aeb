// What the user should know, and what went wrong where no form shows it.
const SECONDS = 8; // that one stays which tells of no trouble

export class Notices {
  all = $state.raw<{ id: number; text: string; bad: boolean }[]>([]);
  #last = 0;

  say(text: string, bad = false): void {
    const id = ++this.#last;
    this.all = [...this.all.filter((one) => one.text !== text), { id, text, bad }].slice(-4);
    if (!bad) setTimeout(() => this.dismiss(id), 1000 * SECONDS);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }
}
