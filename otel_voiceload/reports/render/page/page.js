// Draws every chart of the page, and again when the reader changes between light and dark.
// In a scope of its own: the library above claims one-letter names on the window.
(function () {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("ovl-specs");
  const themes = read("ovl-themes");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let views = [];

  function draw() {
    views.forEach((view) => view.finalize());
    views = [];
    const config = dark.matches ? themes.dark : themes.light;
    for (const holder of document.querySelectorAll("[data-figure]")) {
      const name = holder.dataset.figure;
      window
        .vegaEmbed(holder, specs[name], {
          mode: "vega-lite",
          renderer: "svg",
          config: config,
          actions: { export: true, source: false, compiled: false, editor: false },
          downloadFileName: name,
        })
        .then((result) => views.push(result.view))
        .catch((error) => {
          holder.textContent = "This chart could not be drawn: " + error.message;
        });
    }
  }

  dark.addEventListener("change", draw);
  draw();
})();
