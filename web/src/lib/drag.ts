// A pointer that is pressed, moved and let go of. It is captured, so that it is heard of wherever it goes.
interface Drag {
  take: (event: PointerEvent) => boolean; // whether the press takes hold of anything
  move: (event: PointerEvent) => void;
  end: (kept: boolean) => void; // kept: it was let go of, not taken away
  pass?: (event: PointerEvent) => void; // moved without a press
}

// The attributes of the element that is dragged, or of what it lies in.
export function drag({ take, move, end, pass }: Drag) {
  let held = false;
  const ended = (kept: boolean) => () => {
    if (held) end(kept);
    held = false;
  };
  return {
    onpointerdown(event: PointerEvent): void {
      if (event.button !== 0 || !take(event)) return;
      (event.target as Element).setPointerCapture(event.pointerId);
      held = true;
    },
    onpointermove: (event: PointerEvent): void => (held ? move : pass)?.(event),
    onpointerup: ended(true),
    onpointercancel: ended(false),
  };
}
