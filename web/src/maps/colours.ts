// Numbers as pictures: blue above the middle and orange below it, paler the nearer they are; or darker the greater.
export type Colour = readonly [number, number, number];

export interface Palette {
  paper: Colour;
  above: Colour;
  below: Colour;
  dark: Colour;
}

// The page's own colours at an element, as they come out in light or dark.
export function palette(element: Element): Palette {
  const swatch = document.createElement("i");
  element.append(swatch);
  const read = (name: string): Colour => {
    swatch.style.color = `var(--${name})`;
    const [r = 0, g = 0, b = 0] = (getComputedStyle(swatch).color.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b];
  };
  const own = { paper: read("sheet"), above: read("positive"), below: read("negative"), dark: read("backward") };
  swatch.remove();
  return own;
}

export const mixed = (from: Colour, to: Colour, share: number): Colour =>
  from.map((part, i) => Math.round(part + (to[i]! - part) * share)) as unknown as Colour;

export const css = (colour: Colour): string => `rgb(${colour.join(" ")})`;

// The colour of a value: `middle` is paper, `reach` away from it is full. What is not finite has no colour.
export function diverging(palette: Palette, middle: number, reach: number) {
  return (value: number): Colour | null => {
    if (!Number.isFinite(value)) return null;
    const share = Math.min(1, Math.abs(value - middle) / (reach || 1));
    return mixed(palette.paper, value < middle ? palette.below : palette.above, share);
  };
}

// Of E: paper at its lowest, darker with the root of what is above.
export function rising(palette: Palette, low: number, high: number) {
  return (value: number): Colour | null => {
    if (!Number.isFinite(value)) return null;
    const share = Math.sqrt(Math.max(0, Math.min(1, (value - low) / (high - low || 1))));
    return mixed(palette.paper, palette.dark, 0.75 * share);
  };
}

// A picture, a pixel for each point, the greatest y on top; as an address.
let canvas: HTMLCanvasElement | undefined;
export function picture(values: ArrayLike<number | null>, wide: number, colour: (value: number) => Colour | null): string {
  canvas ??= document.createElement("canvas");
  const high = Math.max(1, Math.floor(values.length / wide));
  [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(wide, high);
  for (let j = 0; j < high; j++) {
    for (let i = 0; i < wide; i++) {
      const own = colour(values[(high - 1 - j) * wide + i] ?? NaN);
      if (own) image.data.set([...own, 255], 4 * (j * wide + i));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

export function greatest(values: Iterable<number | null>): number {
  let most = 0;
  for (const value of values) if (value !== null && Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

// Least and greatest of what is finite.
export function range(values: Iterable<number | null>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return low <= high ? [low, high] : [0, 1];
}
