"use strict";
(() => {
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const numbers = window.reportNumbers;
  const byId = (id) => document.getElementById(id);
  const panels = ["truth", "prediction", "error"];
  // Those of the data set's page, as in the figures.
  const classColours = data.colours.map((colour) =>
    [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const errorColours = { hit: [235, 235, 235], extra: [230, 159, 0], missed: [214, 69, 80] };
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
  const rank = () => {
    order = data.slices.map((slice, index) => [dice(slice), index]);
    order.sort(([a], [b]) => (a === null) - (b === null) || a - b);
    order = order.map(([, index]) => index);
    at = 0;
    worst();
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
  const paint = (id, image, colourOf) => {
    const canvas = byId(`viewer-${id}`);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = true;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const layer = new OffscreenCanvas(size, size);
    const pixels = new ImageData(size, size);
    for (let index = 0; index < size * size; index += 1) {
      const colour = colourOf(index);
      if (colour) pixels.data.set([...colour, 255], 4 * index);
    }
    layer.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = byId("viewer-opacity").value / 100;
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
    paint("error", image, (pixel) => {
      if (shown.some((each) => truth[each][pixel] && !predicted[each][pixel])) return errorColours.missed;
      if (shown.some((each) => predicted[each][pixel] && !truth[each][pixel])) return errorColours.extra;
      return shown.some((each) => truth[each][pixel]) ? errorColours.hit : null;
    });
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
      byId(`viewer-${panel}`).setAttribute("aria-label", `${panel} of ${patient}, ${byId("viewer-model").value}`);
    }
    byId("viewer").dataset.at = at;
  };
  const legend = () => {
    const entries = data.classes.map((name, index) => [name, classColours[index]]);
    entries.push(["error: hit", errorColours.hit], ["error: too much", errorColours.extra], ["error: missed", errorColours.missed]);
    byId("viewer-legend").replaceChildren(...entries.map(([name, colour]) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      swatch.style.background = `rgb(${colour})`;
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
  legend();
  rank();
})();
