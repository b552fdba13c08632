"use strict";
(() => {
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const numbers = window.reportNumbers;
  const byId = (id) => document.getElementById(id);
  const panels = ["truth", "prediction", "error"];
  const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  // Those of the data set's page, as in the figures; no class has an error's colour.
  const classColours = data.colours.map(rgb);
  const errors = Object.fromEntries(Object.entries(data.errors).map(([kind, [colour]]) => [kind, rgb(colour)]));
  const size = data.pixels;
  const images = data.slices.map((slice) => {
    const image = new Image();
    image.src = slice.image;
    return image;
  });
  let order = [];
  let at = 0;

  const numberId = (slice, name) =>
    ["slice", byId("viewer-model").value, data.run, data.subset, name, slice.patient, slice.slice]
      .map((part) => String(part).replaceAll("%", "%25").replaceAll("/", "%2F")).join("/");
  const chosen = () => {
    const select = byId("viewer-class");
    return select && select.value !== "" ? [Number(select.value)] : data.classes.map((_, index) => index);
  };
  const dice = (slice) => {
    const values = chosen().map((index) => numbers[numberId(slice, data.classes[index])][0]);
    const defined = values.filter((value) => value !== null);
    return defined.length ? defined.reduce((sum, value) => sum + value, 0) / defined.length : null;
  };
  // The patients whose masks are worst as a whole, each at its worst slice.
  const worst = () => {
    const place = byId("viewer-worst");
    if (!place) return;
    const named = data.worst[byId("viewer-model").value].map(([patient, index]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = patient;
      button.addEventListener("click", () => {
        at = order.indexOf(index);
        draw();
      });
      return button;
    });
    place.replaceChildren("Worst patients: ", ...named.flatMap((button) => [button, " "]));
  };
  // Slices with tumour first, worst first; then those without, of which a false pixel makes a Dice of 0.
  const hasTumour = (index) => chosen().some((each) => data.slices[index].truth[each].length > 1);
  const rank = () => {
    const ranked = data.slices.map((slice, index) => [hasTumour(index), dice(slice), index]);
    ranked.sort(([one, a], [other, b]) => other - one || (a === null) - (b === null) || a - b);
    order = ranked.map(([, , index]) => index);
    at = 0;
    worst();
    draw();
  };
  const toPatient = (name) => {
    at = order.findIndex((index) => data.slices[index].patient === name);
    draw();
  };
  const decode = (runs) => {
    const mask = new Uint8Array(size * size);
    let position = 0;
    runs.forEach((length, index) => {
      if (index % 2) mask.fill(1, position, position + length);
      position += length;
    });
    return mask;
  };
  const opacity = () => byId("viewer-opacity").value / 100;
  const paint = (id, image, colourOf, dimmed = 0) => {
    const canvas = byId(`viewer-${id}`);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = true;
    context.filter = `brightness(${1 - dimmed * opacity()})`;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    context.filter = "none";
    const layer = new OffscreenCanvas(size, size);
    const pixels = new ImageData(size, size);
    for (let index = 0; index < size * size; index += 1) {
      const colour = colourOf(index);
      if (colour) pixels.data.set([...colour, 255], 4 * index);
    }
    layer.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = opacity();
    context.drawImage(layer, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
  };
  const draw = () => {
    const slice = data.slices[order[at]];
    const image = images[order[at]];
    if (!image.complete) {
      image.addEventListener("load", draw, { once: true });
      return;
    }
    const shown = chosen();
    const truth = slice.truth.map(decode);
    const predicted = slice.masks[byId("viewer-model").value].map(decode);
    const first = (masks) => (pixel) => {
      const index = shown.find((each) => masks[each][pixel]);
      return index === undefined ? null : classColours[index];
    };
    paint("truth", image, first(truth));
    paint("prediction", image, first(predicted));
    const kindOf = (pixel) => {
      const isTrue = shown.some((each) => truth[each][pixel]);
      const isMask = shown.some((each) => predicted[each][pixel]);
      if (isTrue && isMask) return shown.every((each) => truth[each][pixel] === predicted[each][pixel]) ? "hit" : "confused";
      if (isTrue) return "missed";
      return isMask ? "extra" : "";
    };
    const kinds = Array.from({ length: size * size }, (_, pixel) => kindOf(pixel));
    // What is right is outlined, so that the image shows; white would be lost on a bright tumour.
    const inner = (pixel) => [pixel - 1, pixel + 1, pixel - size, pixel + size].every((next) => kinds[next]);
    paint("error", image, (pixel) => {
      const kind = kinds[pixel];
      return kind && !(kind === "hit" && inner(pixel)) ? errors[kind] : null;
    }, 0.6);
    describe(slice, shown);
  };
  const describe = (slice, shown) => {
    const state = byId("viewer-state");
    const patient = slice.patient ? `${slice.patient}, slice ${slice.slice}` : `image ${slice.slice}`;
    state.replaceChildren(`${at + 1} of ${order.length}: ${patient}. Dice `);
    shown.forEach((index, place) => {
      const name = data.classes[index];
      const id = numberId(slice, name);
      const value = numbers[id][0];
      const button = document.createElement("button");
      button.type = "button";
      button.className = "num";
      button.dataset.number = id;
      const label = value === null ? "undefined (both empty)" : value.toFixed(3);
      const strong = document.createElement("b");
      strong.textContent = label;
      button.append(strong);
      if (place) state.append(", ");
      if (data.classes.length > 1) state.append(`${name} `);
      state.append(button);
    });
    for (const panel of panels) {
      byId(`viewer-${panel}`).setAttribute("aria-label", `${panel === "error" ? "errors" : panel} of ${patient}, ${byId("viewer-model").value}`);
    }
    byId("viewer").dataset.at = at;
    byId("viewer-at").value = at + 1;
    if (byId("viewer-patient")) byId("viewer-patient").value = slice.patient;
  };
  const legend = (id, entries) => {
    byId(id).replaceChildren(...entries.map(([name, colour]) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      swatch.style.background = colour;
      item.append(swatch, name);
      return item;
    }));
  };
  const step = (by) => {
    at = (at + by + order.length) % order.length;
    draw();
  };
  const inView = () => {
    const box = byId("viewer").getBoundingClientRect();
    return box.top < innerHeight * 0.7 && box.bottom > innerHeight * 0.3;
  };

  byId("viewer-previous").addEventListener("click", () => step(-1));
  byId("viewer-next").addEventListener("click", () => step(1));
  byId("viewer-opacity").addEventListener("input", draw);
  byId("viewer-model").addEventListener("change", rank);
  if (byId("viewer-class")) byId("viewer-class").addEventListener("change", rank);
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    // These use the arrows themselves.
    if (event.target.closest("input, select, textarea, .scroll")) return;
    if (!byId("viewer").contains(event.target) && !inView()) return;
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    step(event.key === "ArrowRight" ? 1 : -1);
  });
  byId("viewer-at").addEventListener("input", (event) => {
    at = event.target.value - 1;
    draw();
  });
  if (byId("viewer-patient")) byId("viewer-patient").addEventListener("change", (event) => toPatient(event.target.value));
  legend("viewer-legend", data.classes.map((name, index) => [name, data.colours[index]]));
  legend("viewer-errors", Object.values(data.errors).map(([colour, words]) => [words, colour]));
  rank();
})();
