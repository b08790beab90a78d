// What neither Streamlit's settings nor CSS can mend for people who use keys or a screen reader. Runs once a visit.
export default function () {
  if (window.pinchEveryone) return;
  window.pinchEveryone = true;

  const mend = () => {
    // Streamlit lists the pages as ul > div > li, where no list may hold a div: each section becomes a list of its own.
    for (const list of document.querySelectorAll("[data-testid=stSidebarNavItems]:not([role])")) list.setAttribute("role", "none");
    for (const part of document.querySelectorAll("[data-testid=stSidebarNavItems] > div:not([role])")) {
      part.setAttribute("role", "list");
      part.setAttribute("aria-label", part.querySelector("header")?.innerText.split("\n")[0] ?? "Pages");
      part.querySelector("header")?.setAttribute("aria-hidden", "true");
    }
    // A dropzone has a name, so it may not call itself presentation.
    for (const zone of document.querySelectorAll("[data-testid=stFileUploaderDropzone][role=presentation]")) zone.setAttribute("role", "group");
  };

  // Each step of the tour brings its part of the page into sight, and the keyboard to its buttons, once.
  let shown = "";
  const follow = () => {
    const step = document.querySelector("[data-tour-target]")?.dataset.tourTarget ?? "";
    if (step === shown) return;
    const before = shown;
    shown = step;
    if (step) document.querySelector(step)?.scrollIntoView({ block: "nearest" });
    const lost = document.activeElement === document.body || !document.activeElement;
    if (step && (lost || !before)) document.querySelector(".st-key-tour_next button, .st-key-tour_leave button")?.focus({ preventScroll: true });
    if (!step) document.querySelector(".st-key-tour_again button")?.focus({ preventScroll: true });
  };

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mend(); follow(); });
  }).observe(document.body, { childList: true, subtree: true });
  mend();

  // Escape closes what explains: an open tip first, then the tour. Streamlit's own tips and popovers close themselves.
  const open = () => [...document.querySelectorAll(".pp-help:hover, .pp-help:focus")].filter((tip) => !tip.classList.contains("pp-closed"));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const tips = open();
    for (const tip of tips) tip.classList.add("pp-closed");
    const elsewhere = document.querySelector("[data-testid=stPopoverBody], [data-testid=stTooltipContent], [role=listbox]");
    if (!tips.length && !elsewhere) document.querySelector(".st-key-tour_end button")?.click();
  }, { capture: true });
  for (const left of ["focusout", "mouseout"]) addEventListener(left, (event) => event.target.closest?.(".pp-help")?.classList.remove("pp-closed"));
}
