"use strict";
// Mouse, fingers and keys on the map.
function listenTo(map, choose, pick) {
  const canvas = map.canvas, tip = document.getElementById("tip"), down = new Map();
  let moved = 0;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const hint = (spot) => {
    const marker = spot && map.hit(spot.x, spot.y);
    canvas.classList.toggle("over", Boolean(marker));
    tip.hidden = !marker;
    if (!marker) return;
    const [photo] = marker.photos;
    tip.textContent = marker.photos.length > 1 ? `${marker.photos.length} photos` : `${photo.name}: ${photo.place}`;
    tip.style.left = `${Math.max(4, Math.min(spot.x + 14, map.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(4, spot.y - 34)}px`;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    if (!down.size) moved = 0;
    down.set(event.pointerId, at(event));
    cancelAnimationFrame(map.flight);
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = at(event), before = down.get(event.pointerId);
    if (!before) { if (event.pointerType === "mouse") hint(now); return; }
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)[1];
      const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y) || 1;
      const middle = (a) => [(a.x + other.x) / 2, (a.y + other.y) / 2];
      map.carry(...middle(before), ...middle(now), apart(now) / apart(before));
    } else if (down.size === 1 && moved > 4) {
      tip.hidden = true;
      canvas.classList.add("moving");
      map.carry(before.x, before.y, now.x, now.y, 1);
    }
    down.set(event.pointerId, now);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    canvas.classList.remove("moving");
    if (event.type === "pointerup" && moved <= 4 && !down.size) {
      const marker = map.hit(...Object.values(at(event)));
      if (marker) pick(marker.photos); else choose(null);
    }
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => hint(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = at(event), unit = event.deltaMode ? 30 : 1;
    map.carry(x, y, x, y, Math.exp(-Math.max(-200, Math.min(200, event.deltaY * unit)) * 0.0022));
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => { const { x, y } = at(event); map.carry(x, y, x, y, 2); });
  const middle = (dx, dy, zoom) => {
    const x = map.width / 2, y = map.height / 2;
    map.carry(x, y, x - dx * x, y - dy * y, zoom);
  };
  const keys = {
    ArrowLeft: () => middle(-0.25, 0, 1), ArrowRight: () => middle(0.25, 0, 1), ArrowUp: () => middle(0, -0.25, 1),
    ArrowDown: () => middle(0, 0.25, 1), "+": () => middle(0, 0, 1.5), "=": () => middle(0, 0, 1.5),
    "-": () => middle(0, 0, 1 / 1.5), 0: () => map.world(),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  document.getElementById("zoom").addEventListener("click", (event) => {
    const way = event.target.dataset.zoom;
    if (way === "world") map.world(); else if (way) middle(0, 0, way === "in" ? 1.8 : 1 / 1.8);
  });
}
