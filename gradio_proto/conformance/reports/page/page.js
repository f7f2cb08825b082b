"use strict";
// Hides, opens and copies. It makes no HTML, so nothing that a server said can become some.
(() => {
  const root = document.documentElement;
  const form = document.querySelector(".filters");
  const rows = [...document.querySelectorAll("tr[data-id]")];
  const articles = new Map([...document.querySelectorAll("article")].map((it) => [it.dataset.id, it]));
  const texts = new Map(
    rows.map((row) => [row, (row.textContent + " " + articles.get(row.dataset.id).textContent).toLowerCase()]),
  );
  root.classList.add("js");

  // Without this script everything is open.
  for (const details of document.querySelectorAll("article details, .server:not(:only-child) details")) {
    details.open = false;
  }

  // What stands below the filters has to know how high they are, where they stay in sight.
  new ResizeObserver(() => {
    const stays = getComputedStyle(form).position === "sticky";
    root.style.setProperty("--bar", stays ? `${form.offsetHeight}px` : "0px");
  }).observe(form);

  // Filters: a case is shown if it has one of the verdicts, and all else that was asked for.
  function filter() {
    const wanted = new FormData(form);
    const verdicts = wanted.getAll("verdict");
    const words = wanted.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const found = row.dataset.verdicts.split(" ");
      const fits =
        (verdicts.length === 0 || verdicts.some((it) => found.includes(it))) &&
        ["level", "severity"].every((name) => !wanted.get(name) || wanted.get(name) === row.dataset[name]) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      articles.get(row.dataset.id).hidden = !fits;
      shown += fits;
    }
    for (const body of document.querySelectorAll(".matrix tbody")) {
      body.hidden = ![...body.querySelectorAll("tr[data-id]")].some((row) => !row.hidden);
    }
    form.querySelector("output").textContent =
      shown === rows.length ? `${shown} cases` : `${shown} of ${rows.length} cases`;
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  document.addEventListener("keydown", (event) => {
    const field = form.elements.text;
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && event.target === field) {
      field.value = "";
      filter();
    } else if (event.key === "Escape") {
      hideTip();
    }
  });

  // Links to a case open it, whatever the filters say.
  function follow() {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      // It is taken as it stands.
    }
    const target = id && document.getElementById(id);
    const article = target && target.closest("article");
    if (!article) return;
    if (article.hidden) {
      form.reset();
      filter();
    }
    article.querySelector("details").open = true;
    // The first server's part comes right after the requirement, which is shown with it.
    (target === article.querySelector(".outcome") ? article : target).scrollIntoView();
    target.focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) follow();
  });
  follow();

  // Copying.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page from a file may not be allowed to; a selection always is.
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });

  // The reason of a cell, on hover and on focus. The browser's own shows late, and not for the keyboard.
  const tip = document.body.appendChild(document.createElement("div"));
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // what it says is the name of the link
  for (const link of document.querySelectorAll(".cell a")) {
    link.dataset.tip = link.title;
    link.removeAttribute("title");
  }
  function showTip(event) {
    const link = event.target.closest && event.target.closest("[data-tip]");
    if (!link) return hideTip();
    tip.textContent = link.dataset.tip;
    tip.hidden = false;
    const at = link.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, innerWidth - tip.offsetWidth - 8));
    const below = at.bottom + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? at.top - tip.offsetHeight - 6 : below}px`;
  }
  function hideTip() {
    tip.hidden = true;
  }
  document.addEventListener("mouseover", showTip);
  document.addEventListener("focusin", showTip);
  document.addEventListener("scroll", hideTip, true);

  // On paper everything is open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
