"use strict";
(() => {
  const trail = JSON.parse(document.getElementById("trail").textContent);
  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // Theme
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* no storage */ }
  });

  // Tables: sort by a column's button, filter by words and choices
  const sortValue = (row, column) => {
    const cell = row.cells[column];
    const given = cell.dataset.sort;
    if (given !== undefined) return Number.isNaN(Number(given)) ? given : Number(given);
    const text = cell.textContent.trim();
    return text === "" || cell.classList.contains("number") ? null : text.toLowerCase();
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const button of document.querySelectorAll(".table .sort")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const body = head.closest("table").tBodies[0];
      const next = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", next);
      const keyed = [...body.rows].map((row) => [sortValue(row, head.cellIndex), row]);
      keyed.sort((a, b) => compare(a[0], b[0], next === "ascending" ? 1 : -1));
      body.append(...keyed.map(([, row]) => row));
    });
  }
  // A choice's value may be empty, for "(none)"; all is the first choice
  for (const table of document.querySelectorAll(".table")) {
    const tools = table.querySelector(".tools");
    if (!tools) continue;
    const rows = [...table.querySelector("tbody").rows];
    const words = rows.map((row) => row.textContent.toLowerCase());
    const search = tools.querySelector("[data-search]");
    const selects = [...tools.querySelectorAll("[data-column]")];
    const cellText = (row, select) => {
      const cell = row.cells[select.dataset.column];
      return (cell.querySelector(".label") || cell).textContent.trim();
    };
    const apply = () => {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        const kept = wanted.every((word) => words[index].includes(word)) &&
          selects.every((select) => !select.selectedIndex || cellText(row, select) === select.value);
        row.hidden = !kept;
        shown += kept;
      });
      tools.querySelector(".shown").textContent = `${shown} of ${rows.length} rows`;
    };
    search.addEventListener("input", apply);
    for (const select of selects) select.addEventListener("change", apply);
    tools.querySelector("[data-clear]").addEventListener("click", () => {
      search.value = "";
      for (const select of selects) select.selectedIndex = 0;
      apply();
    });
    // A browser that goes back restores the choices after the scripts have run.
    addEventListener("pageshow", apply);
    apply();
  }

  // Paper cannot be unfolded or scrolled: what is folded opens, and long tables are cut
  let opened = [];
  let cut = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const each of opened) each.open = true;
    for (const table of document.querySelectorAll("[data-printed]")) {
      const rows = [...table.querySelectorAll("tbody tr:not([hidden])")].slice(Number(table.dataset.printed));
      for (const row of rows) row.hidden = true;
      cut.push(...rows);
      const told = table.querySelector(".shown");
      if (rows.length && told) told.textContent = `The first ${table.dataset.printed} of ${table.querySelector("tbody").rows.length} rows`;
    }
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    for (const row of cut) row.hidden = false;
    for (const table of document.querySelectorAll("[data-printed] [data-search]")) table.dispatchEvent(new Event("input"));
    opened = cut = [];
  });

  // The trail behind a number
  const titles = {
    score: "Behind this score", comparison: "Behind this difference", slice: "Behind this Dice",
    claim: "Behind this reproduced number", leakage: "Behind this difference",
    spread: "Behind this standard deviation",
  };
  const exact = (value) => (value === null ? "undefined" : String(Number(value.toPrecision(8))));
  const list = (pairs) => {
    const made = element("dl");
    for (const [name, ...lines] of pairs) {
      const value = element("dd");
      lines.forEach((line, index) => {
        if (index) value.append(element("br"));
        value.append(index ? element("code", line, "hash") : document.createTextNode(line));
      });
      made.append(element("dt", name), value);
    }
    return made;
  };
  const runFiles = (run, of) => {
    const made = element(of > 2 ? "details" : "section", undefined, "run");
    made.append(element(of > 2 ? "summary" : "h3", `${run.model}, ${run.run}: files, with sha256`), list(run.files));
    if (run.hashes.length) made.append(element("h4", "Hashes of what went in"), list(run.hashes));
    return made;
  };
  const showTrail = (id) => {
    const [value, low, high, n, counts, others, measured] = trail.numbers[id];
    const kind = id.split("/")[0];
    const body = document.getElementById("trail-body");
    document.getElementById("trail-title").textContent = titles[kind];
    const facts = Object.entries(measured);
    if (low !== null && high !== null) facts.push(["95 % interval", `${exact(low)} to ${exact(high)}`]);
    if (n !== null) facts.push(["n", String(n)]);
    body.replaceChildren(element("p", exact(value), "value"), list(facts));
    const paths = [...new Set([counts, ...others])];
    const runs = paths.map((path) => trail.runs[path]).filter(Boolean);
    for (const run of runs) body.append(runFiles(run, runs.length));
    const listed = new Set(runs.flatMap((run) => run.files.map(([, path]) => path)));
    const also = paths.filter((path) => path && !listed.has(path));
    if (also.length) {
      body.append(element("h3", runs.length ? "Other files, with sha256" : "Files, with sha256"));
      body.append(list(also.map((path) => [path.split("/").at(-1), path, trail.files[path] || ""])));
    }
    const check = kind !== "claim" ? "recomputes it from the counts." : "checks it against the files named here.";
    body.append(element("p", `${document.documentElement.dataset.verify} ${check}`, "small"));
    document.getElementById("trail-dialog").showModal();
  };
  document.addEventListener("click", (event) => {
    const number = event.target.closest("[data-number]");
    if (number) showTrail(number.dataset.number);
    const figure = event.target.closest(".enlarge");
    if (figure) {
      const image = figure.querySelector("img");
      const large = document.getElementById("figure-large");
      large.src = image.src;
      large.alt = image.alt;
      document.getElementById("figure-title").textContent = figure.dataset.title;
      document.getElementById("figure-dialog").showModal();
    }
    // A click beside an open dialog closes it.
    if (event.target.tagName === "DIALOG") event.target.close();
    const copy = event.target.closest(".copy");
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(copy.dataset.copy).then(
        () => { copy.textContent = "Copied"; setTimeout(() => { copy.textContent = "Copy"; }, 1500); },
        () => { copy.textContent = "Select it"; },
      );
    }
  });
  window.reportNumbers = trail.numbers;
})();
