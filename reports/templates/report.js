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
      // What a filter holds fixed stands in the filter, and its column can go.
      for (const select of selects) {
        const column = Number(select.dataset.column);
        if (!column) continue;
        for (const row of table.querySelectorAll("tr")) {
          row.cells[column]?.classList.toggle("pinned", select.selectedIndex > 0);
        }
      }
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

  // How a number was computed
  const titles = {
    score: "How this score was computed", comparison: "How this difference was computed",
    slice: "The Dice of one slice", claim: "Where this reproduced number comes from",
    leakage: "How this effect of leakage was computed",
    spread: "How this standard deviation was computed",
  };
  const root = document.documentElement.dataset.root;
  const exact = (value) => (value === null ? "undefined" : String(Number(value.toPrecision(8))));
  const short = (value) => (value === null ? "undefined" : value.toFixed(3));
  const link = (text, href) => {
    const made = element("a", text);
    made.href = href;
    return made;
  };
  const list = (pairs, linked = false) => {
    const made = element("dl");
    for (const [name, first, ...hashes] of pairs) {
      const value = element("dd");
      value.append(linked && root ? link(first, root + first) : first);
      for (const hash of hashes) value.append(first ? element("br") : "", element("code", hash, first ? "hash" : ""));
      made.append(element("dt", name), value);
    }
    return made;
  };
  const runFiles = (run, of) => {
    const made = element(of > 2 ? "details" : "section", undefined, "run");
    made.append(element(of > 2 ? "summary" : "h3", `${run.model}, ${run.run}: files, with sha256`), list(run.files, true));
    if (run.hashes.length) made.append(element("h4", "Hashes of what went in"), list(run.hashes.map(([name, hash]) => [name, "", hash])));
    return made;
  };
  const address = (id) => `#${encodeURIComponent(id).replaceAll("%2F", "/")}`;
  const parts = (id) => id.split("/").map((part) => part.replaceAll("%2F", "/").replaceAll("%25", "%"));
  const written = (names) => names.map((part) => part.replaceAll("%", "%25").replaceAll("/", "%2F")).join("/");
  const known = (id) => (Object.hasOwn(trail.numbers, id) ? trail.numbers[id][0] : undefined);

  // Counts are tp, fp, fn, tn; a formula has their weights above and below the line
  const signs = ["TP", "FP", "FN", "TN"];
  const weighed = (weights, values) => {
    const terms = weights.map((weight, index) => (weight ? `${weight === 1 ? "" : `${weight}${values ? " × " : " "}`}${(values || signs)[index]}` : "")).filter(Boolean);
    return terms.length > 1 ? `(${terms.join(" + ")})` : terms.join("");
  };
  const fraction = ([above, below], values) => `${weighed(above, values)} / ${weighed(below, values)}`;
  const dot = (weights, counts) => weights.reduce((sum, weight, index) => sum + weight * counts[index], 0);
  const ratio = ([above, below], counts) => (dot(below, counts) ? dot(above, counts) / dot(below, counts) : null);
  // A patient that is empty in truth and mask is left out; 0/0 with one of them empty counts 0
  const ofPatient = (formula, counts) => {
    const truth = counts[0] + counts[2] > 0;
    const mask = counts[0] + counts[1] > 0;
    if (!truth && !mask) return null;
    const value = ratio(formula, counts);
    return value === null && truth !== mask && !formula[2] ? 0 : value;
  };
  const sheet = (heads, rows) => {
    const table = element("table", undefined, "sums");
    const fill = (parent, cells, tag) => {
      const row = element("tr");
      cells.forEach((cell, index) => row.append(element(index ? tag : "th", String(cell), index ? "number" : "")));
      parent.append(row);
    };
    fill(table.createTHead(), heads, "th");
    const body = table.createTBody();
    for (const row of rows) fill(body, row, "td");
    const box = element("div", undefined, "sheet");
    box.append(table);
    return box;
  };
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const averaged = (values, noun) => {
    const found = values.filter((value) => value !== null);
    const shown = found.slice(0, 6).map(short).join(" + ") + (found.length > 6 ? " + …" : "");
    const out = values.length - found.length;
    return `Mean over ${found.length} ${noun}${found.length === 1 ? "" : "s"}: (${shown}) / ${found.length} = ${short(mean(found))}${out ? `; ${out} left out, where the score is undefined` : ""}.`;
  };
  const scoreWorkings = (id) => {
    const [, model, run, subset, name, metric, rule, state] = parts(id);
    const { runs, formulas, classes } = trail.workings;
    if (name === "mean") {
      const values = classes.map((each) => known(written(["score", model, run, subset, each, metric, rule, state])));
      if (values.some((value) => typeof value !== "number")) return [];
      return [element("p", `Mean over classes: ${classes.map((each, index) => `${each} ${short(values[index])}`).join(", ")}; mean ${short(mean(values))}.`, "sum")];
    }
    const formula = formulas[metric];
    const counted = runs[trail.numbers[id][4]]?.[`${subset}/${name}/${state}`];
    if (!counted) return [];
    const { patients, slices, empty, tumour, distances } = counted;
    const named = patients.some(([patient]) => patient);
    if (!formula) {
      if (rule !== "patient" || !distances?.[metric]) return [];
      const values = distances[metric];
      return [element("p", averaged(values, "patient"), "sum"), sheet(["Patient", metric], patients.map(([patient], index) => [patient, values[index] === null ? "undefined" : values[index]]))];
    }
    const shown = [element("p", `Formula: ${fraction(formula)}`, "formula")];
    const rows = patients.map(([patient, ...counts]) => [patient || "all", ...counts, short(ofPatient(formula, counts))]);
    if (rule === "pooled" || rule === "image") {
      const total = signs.map((_, index) => patients.reduce((sum, row) => sum + row[index + 1], 0));
      shown.push(element("p", `All pixels of ${slices} ${named ? "slices" : "images"} in one count: ${fraction(formula, total)} = ${short(ratio(formula, total))}.`, "sum"));
    } else if (rule === "patient") {
      shown.push(element("p", averaged(patients.map(([, ...counts]) => ofPatient(formula, counts)), "patient"), "sum"));
    } else {
      const told = {
        "slice-empty1": `${empty} of them, empty in truth and mask, count 1`,
        "slice-empty0": `${empty} of them, empty in truth and mask, count 0`,
        "slice-skip": `${empty} of them, empty in truth and mask, are left out`,
        "slice-tumour": `${slices - tumour} of them, without tumour in the truth, are left out`,
      };
      shown.push(element("p", `One score for each of ${slices} ${named ? "slices" : "images"}, then the mean; ${told[rule]}. The counts of each are in ${trail.numbers[id][4].split("/").at(-1)}.`, "sum"));
    }
    if (named) shown.push(sheet(["Patient", ...signs, "score"], rows));
    return shown;
  };
  const workings = (id) => {
    const kind = id.split("/")[0];
    if (!trail.workings) {
      const page = document.documentElement.dataset.studyPage;
      const study = trail.numbers[id][6].study;
      const target = page || `${study}.html`;
      const own = page ? id : id.split("/").slice(0, -1).join("/");
      const told = element("p", "", "small");
      told.append(link("The arithmetic is on the study's page", target + address(own)));
      return [told];
    }
    if (kind === "score") return scoreWorkings(id);
    if (kind === "comparison") {
      const [, a, b, ...rest] = parts(id);
      const values = [a, b].map((model) => known(written(["score", model, ...rest])));
      if (values.some((value) => typeof value !== "number")) return [];
      return [element("p", `${a} ${short(values[0])} minus ${b} ${short(values[1])} = ${short(values[0] - values[1])}.`, "sum")];
    }
    return [];
  };
  // The command that makes this one number again; only the index writes the study in its ids
  const quotedForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const checkCommand = (id, study) => {
    const { check, studyPage } = document.documentElement.dataset;
    const whole = trail.workings || studyPage ? `${id}/${written([study])}` : id;
    const line = `${check} ${quotedForShell(whole)}`;
    const made = element("p", "To compute this number again, where the report was built:", "small");
    const command = element("span", undefined, "command");
    const copy = element("button", "Copy", "quiet copy");
    copy.type = "button";
    copy.dataset.copy = line;
    copy.setAttribute("aria-label", "Copy the command");
    command.append(element("code", line), copy);
    made.append(element("br"), command);
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
    body.replaceChildren(element("p", exact(value), "value"), ...workings(id), checkCommand(id, measured.study), list(facts));
    const paths = [...new Set([counts, ...others])];
    const runs = paths.map((path) => trail.runs[path]).filter(Boolean);
    for (const run of runs) body.append(runFiles(run, runs.length));
    const listed = new Set(runs.flatMap((run) => run.files.map(([, path]) => path)));
    const also = paths.filter((path) => path && !listed.has(path));
    if (also.length) {
      body.append(element("h3", runs.length ? "Other files, with sha256" : "Files, with sha256"));
      body.append(list(also.map((path) => [path.split("/").at(-1), path, trail.files[path] || ""]), true));
    }
    const check = kind !== "claim" ? "recomputes it from the counts." : "checks it against the files named here.";
    const last = element("p", `${document.documentElement.dataset.verify} ${check} The links to files open where this report lies in its folder. `, "small");
    const permalink = link("Link to this number", address(id));
    permalink.className = "permalink";
    const copyLink = element("button", "Copy", "quiet copy");
    copyLink.type = "button";
    copyLink.dataset.copy = permalink.href;
    copyLink.setAttribute("aria-label", "Copy the link to this number");
    last.append(permalink, " ", copyLink);
    body.append(last);
    const dialog = document.getElementById("trail-dialog");
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  // An address that ends with a number's id opens it
  const openNamed = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* no address of ours */ }
    if (Object.hasOwn(trail.numbers || {}, id)) showTrail(id);
    // A link leads to a row that a filter hides
    const row = document.getElementById(id);
    if (row?.hidden) {
      row.closest(".table").querySelector("[data-clear]").click();
      row.scrollIntoView({ block: "center" });
    }
  };
  addEventListener("hashchange", openNamed);
  document.getElementById("trail-dialog").addEventListener("close", () => {
    if (location.hash.includes("/")) history.replaceState(null, "", location.pathname);
  });
  openNamed();

  // Files that the page makes when they are asked for
  const quoted = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const cellValues = (cell, wide) => {
    const number = cell.querySelector("[data-number]");
    const words = cell.textContent.replace(/[↕▲▼⚠]/g, "").replace(/\s+/g, " ").trim();
    if (!wide) return [words];
    return number ? trail.numbers[number.dataset.number].slice(0, 3) : [words, "", ""];
  };
  const asCsv = (table) => {
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const heads = [...table.tHead.rows[0].cells];
    const wide = heads.map((_, index) => rows.some((row) => row.cells[index].querySelector("[data-number]")));
    const first = heads.flatMap((head, index) => {
      const [title] = cellValues(head, false);
      return wide[index] ? [title, `${title}, lower`, `${title}, upper`] : [title];
    });
    const lines = rows.map((row) => [...row.cells].flatMap((cell, index) => cellValues(cell, wide[index])));
    return [first, ...lines].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
  };
  const asJson = () => JSON.stringify(Object.fromEntries(Object.entries(trail.numbers).map(
    ([id, [value, low, high, n, counts, others, measured]]) =>
      [id, { value, ci_low: low, ci_high: high, n, ...measured, files: [counts, ...others].filter(Boolean) }],
  )), null, 1);
  const fill = (anchor) => {
    if ("csv" in anchor.dataset) {
      anchor.href = `data:text/csv;charset=utf-8,${encodeURIComponent(asCsv(anchor.closest(".table").querySelector("table")))}`;
    }
    if ("numbers" in anchor.dataset) anchor.href = `data:application/json;charset=utf-8,${encodeURIComponent(asJson())}`;
    if ("picture" in anchor.dataset) {
      anchor.href = anchor.closest("figure").querySelector("img").src;
      const [, kind] = anchor.href.match(/^data:image\/(\w+)/);
      anchor.download = anchor.download.replace(/\w+$/, kind);
    }
  };

  document.addEventListener("click", (event) => {
    const save = event.target.closest(".save");
    if (save) fill(save);
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
