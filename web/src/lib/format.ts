// Numbers as people read them. Whatever has a unit comes from the server as text; these have none.

export const count = (n: number): string => n.toLocaleString("en-US");

// So many significant digits, a true minus sign; very small and very large ones with an exponent.
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const told =
    size >= 1e6 || size < 1e-4
      ? value.toExponential(digits - 1).replace(/\.?0+e/, "e")
      : size >= 10 ** digits
        ? count(Math.round(value))
        : String(Number(value.toPrecision(digits)));
  return told.replace(/-/g, "−");
}

export const signed = (value: number, digits = 4): string => (value > 0 ? "+" : "") + number(value, digits);

// As many digits as always stay in place when the number changes: for numbers that move.
export function steady(value: number, decimals = 3): string {
  if (!Number.isFinite(value)) return "not finite";
  return Math.abs(value) >= 1e5 ? number(value) : value.toFixed(decimals).replace("-", "−");
}

// A number in a unit, as the server writes it (`amount` in studio/moments.py; amounts.json holds the two together): for
// what only the page can write, such as an axis or what a pointer reads off. Without `digits`: four, from 1,000 up all.
export function quantity(value: number | null | undefined, unit: string, digits?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not finite";
  const rounded = Number(value.toPrecision(digits ?? (Math.abs(value) >= 1000 ? 12 : 4)));
  const size = Math.abs(rounded);
  let text = String(size);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) text = size.toExponential(3).replace(/\.?0+e/, "e");
  else if (size >= 1000 && unit) text = count(Math.round(size));
  else if (size >= 10_000) text = size.toLocaleString("en-US", { maximumSignificantDigits: 15 });
  const told = `${rounded < 0 ? "-" : ""}${unit === "$" ? "$" : ""}${text}`.replace(/-/g, "−");
  return ["", "$"].includes(unit) ? told : `${told}${["°", "%"].includes(unit) ? "" : " "}${unit}`;
}

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });

// On an axis: $500K, 1.5M; units but $ stand elsewhere.
export function tick(value: number, unit: string): string {
  const own = unit === "$" ? unit : "";
  if (Math.abs(value) < 10_000) return quantity(value, own, 12);
  return `${value < 0 ? "−" : ""}${own}${compact.format(Math.abs(value))}`;
}

// 98.3%; what is only nearly nothing or all is not rounded to it.
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "not finite";
  const text = `${(100 * share).toFixed(1)}%`;
  if (text === "100.0%" && share < 1) return ">99.9%";
  return text === "0.0%" && share > 0 ? "<0.1%" : text;
}

// A predicted probability: never 0 or 1, though its arithmetic may have rounded it.
export const chance = (p: number): string => percent(Math.min(Math.max(p, 1e-9), 1 - 1e-9));
