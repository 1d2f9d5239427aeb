// What this browser keeps from one visit to the next; one that keeps nothing begins anew each time.
const KEY = "backlit-";

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(KEY + name, value);
  } catch {
    // then it is asked for again
  }
}

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(KEY + name);
  } catch {
    return null;
  }
}
