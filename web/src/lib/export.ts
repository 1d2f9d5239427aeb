// A view as a picture that stands alone, and its numbers as a table. The picture is drawn from what is on the page:
// every text as text, every box and line as a shape, with the fonts that they use.

export interface Numbers {
  head: string[];
  rows: (string | number | null)[][];
}

export function numbersAsText(numbers: Numbers): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : String(value);
    // A spreadsheet takes a text that begins like this for a formula.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [numbers.head, ...numbers.rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function svg(element: HTMLElement): Promise<string> {
  const box = element.getBoundingClientRect();
  const [width, height] = [Math.ceil(box.width), Math.ceil(Math.max(box.height, element.scrollHeight))];
  const families = new Set<string>();
  const shapes: string[] = [];
  draw(element, box, shapes, families);
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--sheet");
  const paper = probe(ground, element);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<style>${await fontFaces(families)}</style><rect width="${width}" height="${height}" fill="${paper}"/>` +
    `${shapes.join("")}</svg>`
  );
}

const FONTS = 150; // ms in which the fonts inside a picture are there; nothing tells when

export async function png(element: HTMLElement, scale = 2): Promise<Blob> {
  const text = await svg(element);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  await new Promise((done) => setTimeout(done, FONTS));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * scale, image.height * scale];
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, failed) =>
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The picture could not be made.")))),
  );
}

// --- drawing what the page shows -------------------------------------------------------------------------------

function draw(element: Element, box: DOMRect, shapes: string[], families: Set<string>): void {
  const style = getComputedStyle(element);
  const own = element.getBoundingClientRect();
  if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return;
  if (style.clipPath.startsWith("inset(50%") || element.matches("[data-not-drawn]")) return;
  if (element instanceof SVGSVGElement) {
    shapes.push(picture(element, own, box, families));
    return;
  }
  if (element instanceof HTMLCanvasElement) {
    const at = place(own, box);
    shapes.push(`<image ${at} href="${element.toDataURL()}"/>`);
    return;
  }
  boxOf(style, own, box, shapes);
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) {
    const shown = element instanceof HTMLSelectElement ? (element.selectedOptions[0]?.text ?? "") : element.value;
    if (!/checkbox|radio|range/.test(element.type)) {
      shapes.push(textAt(shown, own.left + 8, own, style, box, families));
    }
    return;
  }
  for (const child of element.childNodes) {
    if (child instanceof Element) draw(child, box, shapes, families);
    else if (child instanceof Text && child.data.trim()) lines(child, style, box, shapes, families);
  }
}

function boxOf(style: CSSStyleDeclaration, own: DOMRect, box: DOMRect, shapes: string[]): void {
  const filled = !/^(transparent|rgba\(0, 0, 0, 0\))$/.test(style.backgroundColor);
  const sides = ["Top", "Right", "Bottom", "Left"] as const;
  const widths = sides.map((side) => parseFloat(style[`border${side}Width`]));
  const framed = widths.every((width) => width > 0);
  if (filled || framed) {
    const frame = framed ? ` stroke="${style.borderTopColor}" stroke-width="${widths[0]}"` : "";
    const fill = filled ? style.backgroundColor : "none";
    shapes.push(`<rect ${place(own, box)} rx="${parseFloat(style.borderTopLeftRadius) || 0}" fill="${fill}"${frame}/>`);
  }
  if (framed) return;
  const [x, y] = [own.left - box.left, own.top - box.top];
  const ends = [
    [x, y, x + own.width, y],
    [x + own.width, y, x + own.width, y + own.height],
    [x, y + own.height, x + own.width, y + own.height],
    [x, y, x, y + own.height],
  ];
  sides.forEach((side, i) => {
    if (!widths[i]) return;
    const [x1, y1, x2, y2] = ends[i]!;
    const look = `stroke="${style[`border${side}Color`]}" stroke-width="${widths[i]}"`;
    shapes.push(`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${look}/>`);
  });
}

// A text node may stand on several lines: each gets a text of its own.
function lines(node: Text, style: CSSStyleDeclaration, box: DOMRect, shapes: string[], families: Set<string>): void {
  const range = document.createRange();
  let [start, top] = [0, NaN];
  const flush = (stop: number) => {
    range.setStart(node, start);
    range.setEnd(node, stop);
    const rect = range.getBoundingClientRect();
    const text = node.data.slice(start, stop).replace(/\s+/g, " ");
    if (rect.width && text.trim()) shapes.push(textAt(text, rect.left, rect, style, box, families));
  };
  for (let i = 0; i < node.length; i++) {
    range.setStart(node, i);
    range.setEnd(node, i + 1);
    const rect = range.getBoundingClientRect();
    if (!rect.width) continue;
    if (!Number.isNaN(top) && Math.abs(rect.top - top) > rect.height / 2) {
      flush(i);
      start = i;
    }
    top = rect.top;
  }
  flush(node.length);
}

function textAt(
  text: string,
  left: number,
  rect: DOMRect,
  style: CSSStyleDeclaration,
  box: DOMRect,
  families: Set<string>,
): string {
  families.add(family(style));
  const [x, y] = [left - box.left, rect.top + rect.height / 2 - box.top];
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" dominant-baseline="central" ${letters(style)} fill="${style.color}" xml:space="preserve">${escaped(text)}</text>`;
}

// A picture on the page, with the looks that its style sheet gave written into it.
const LOOKS = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "text-anchor",
  "dominant-baseline",
  "paint-order",
  "font-size",
  "font-weight",
  "font-style",
  "font-variant-numeric",
  "visibility",
] as const;

function picture(element: SVGSVGElement, own: DOMRect, box: DOMRect, families: Set<string>): string {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const [shown, copies] = [[element, ...element.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  const gone: Element[] = [];
  shown.forEach((one, i) => {
    const style = getComputedStyle(one);
    const other = copies[i]!;
    if (style.display === "none" || one.matches("[data-not-drawn]")) gone.push(other);
    for (const look of LOOKS) other.setAttribute(look, style.getPropertyValue(look));
    if (one instanceof SVGTextContentElement) {
      families.add(family(style));
      other.setAttribute("font-family", style.fontFamily.replaceAll('"', "'"));
    }
    other.removeAttribute("style");
    other.removeAttribute("class");
    other.removeAttribute("tabindex");
  });
  for (const one of gone) one.remove();
  copy.setAttribute("x", String(own.left - box.left));
  copy.setAttribute("y", String(own.top - box.top));
  copy.setAttribute("width", String(own.width));
  copy.setAttribute("height", String(own.height));
  return new XMLSerializer().serializeToString(copy);
}

// --- small things ----------------------------------------------------------------------------------------------

const place = (own: DOMRect, box: DOMRect): string =>
  `x="${own.left - box.left}" y="${own.top - box.top}" width="${own.width}" height="${own.height}"`;

const family = (style: CSSStyleDeclaration): string => style.fontFamily.split(",")[0]!.replaceAll('"', "").trim();

const letters = (style: CSSStyleDeclaration): string =>
  `font-family="${style.fontFamily.replaceAll('"', "'")}" font-size="${style.fontSize}" ` +
  `font-weight="${style.fontWeight}" font-style="${style.fontStyle}"`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// A colour as it comes out, for SVG knows no custom properties of the page.
function probe(colour: string, within: HTMLElement): string {
  const swatch = document.createElement("i");
  swatch.style.color = colour;
  within.append(swatch);
  const seen = getComputedStyle(swatch).color;
  swatch.remove();
  return seen;
}

// The faces of these families, with their files inside.
async function fontFaces(families: Set<string>): Promise<string> {
  const faces: string[] = [];
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (!(rule instanceof CSSFontFaceRule)) continue;
      const name = rule.style.getPropertyValue("font-family").replaceAll(/["']/g, "");
      const url = /url\("?([^")]+)"?\)/.exec(rule.style.getPropertyValue("src"))?.[1];
      const loaded = [...document.fonts].some(
        (face) => face.status === "loaded" && face.family.replaceAll(/["']/g, "") === name && sameFace(face, rule.style),
      );
      if (!url || !families.has(name) || !loaded) continue;
      const data = await fetch(new URL(url, sheet.href ?? location.href)).then((response) => response.blob());
      faces.push(
        `@font-face{font-family:"${name}";font-weight:${rule.style.fontWeight || 400};` +
          `font-style:${rule.style.fontStyle || "normal"};${range(rule)}src:url(${await asData(data)})}`,
      );
    }
  }
  return faces.join("");
}

const range = (rule: CSSFontFaceRule): string => {
  const letters = rule.style.getPropertyValue("unicode-range");
  return letters && `unicode-range:${letters};`;
};

const sameFace = (face: FontFace, rule: CSSStyleDeclaration): boolean =>
  face.weight === (rule.fontWeight || "normal") && face.style === (rule.fontStyle || "normal") &&
  face.unicodeRange.replaceAll(" ", "").toLowerCase().startsWith(
    (rule.getPropertyValue("unicode-range") || "U+0-10FFFF").replaceAll(" ", "").toLowerCase().slice(0, 4),
  );

function asData(blob: Blob): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(new Error("A font could not be read."));
    reader.readAsDataURL(blob);
  });
}
