// What is wider than the page scrolls; keys reach it, too.
window.addEventListener("load", () => {
  for (const region of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) region.tabIndex = 0;
});

// The explorer follows the site's switch between light and dark.
function tellScheme() {
  const scheme = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
  for (const frame of document.querySelectorAll("iframe")) frame.contentWindow.postMessage({ scheme }, "*");
}
new MutationObserver(tellScheme).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
for (const frame of document.querySelectorAll("iframe")) frame.addEventListener("load", tellScheme);

// Search needs a server: a page from a disk may not read the index.
if (location.protocol === "file:") for (const part of document.querySelectorAll("[data-md-component=search], [for=__search]")) part.hidden = true;
