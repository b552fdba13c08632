"use strict";
(() => {
  const form = document.getElementById("find");
  if (!form) return;
  const { home } = form.dataset;
  const input = document.getElementById("find-words");
  const box = document.getElementById("find-results");
  const told = box.querySelector("[role=status]");
  const list = box.querySelector("ol");
  const SHOWN = 30;
  // There are many claims: what is broader comes before them
  const KINDS = ["Study", "Model", "Section", "Figure", "Table", "Finding", "Claim"];
  let entries = null;
  let loading = false;

  // A page on disk may read no other file but a script: the list is one, loaded when it is needed.
  const load = () => {
    if (loading) return;
    loading = true;
    const script = document.createElement("script");
    script.src = `${home}search-index.js`;
    script.addEventListener("load", () => {
      entries = window.reportSearch.map((entry) => ({
        entry,
        title: entry[3].toLowerCase(),
        text: entry.slice(0, 5).join(" ").toLowerCase(),
      }));
      show();
    });
    script.addEventListener("error", () => {
      loading = false;
      tell("The list for the search is not there: search-index.js, which the whole report has beside its pages.");
    });
    document.head.append(script);
  };
  const tell = (text) => {
    told.textContent = text;
    list.replaceChildren();
    box.hidden = false;
  };
  const close = () => { box.hidden = true; };
  const result = ([study, section, kind, title, text, address]) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const name = document.createElement("strong");
    const where = document.createElement("span");
    link.href = home + address.split("#").map(encodeURI).join("#");
    name.textContent = title;
    where.textContent = [kind, study, kind === "Section" ? "" : section].filter(Boolean).join(" · ");
    link.append(name, where);
    if (text) {
      const more = document.createElement("small");
      more.textContent = text;
      link.append(more);
    }
    item.append(link);
    return item;
  };
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) { close(); return; }
    if (!entries) { load(); return; }
    // What has all words in its title comes first; then the kinds, then the order of the pages.
    const rank = ({ entry, title }) => KINDS.indexOf(entry[2]) + (words.every((word) => title.includes(word)) ? 0 : KINDS.length);
    const ordered = entries
      .filter(({ text }) => words.every((word) => text.includes(word)))
      .sort((a, b) => rank(a) - rank(b));
    if (!ordered.length) { tell(`Nothing found for “${input.value.trim()}”. Try fewer or other words.`); return; }
    const more = ordered.length > SHOWN ? `, the first ${SHOWN} are shown` : "";
    tell(`${ordered.length} found${more}`);
    list.replaceChildren(...ordered.slice(0, SHOWN).map(({ entry }) => result(entry)));
  };
  const links = () => [...list.querySelectorAll("a")];
  const step = (by) => {
    const all = links();
    const next = all.indexOf(document.activeElement) + by;
    (next < 0 ? input : all[Math.min(next, all.length - 1)])?.focus();
  };

  input.addEventListener("focus", load);
  input.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    links()[0]?.click();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      close();
      input.focus();
    }
  });
  list.addEventListener("click", (event) => { if (event.target.closest("a")) close(); });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
  document.addEventListener("focusin", (event) => { if (!form.contains(event.target)) close(); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
})();
