const [PATIENCE, LOOK] = [5000, 30]; // ms

// Wait until something is so, but not for ever.
export async function until(there: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!there() && performance.now() < end) await new Promise((go) => setTimeout(go, LOOK));
}
