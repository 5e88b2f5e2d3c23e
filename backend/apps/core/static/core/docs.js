"use strict";

// A file of its own: the Content-Security-Policy allows no script inside the page.
SwaggerUIBundle({
  url: document.getElementById("docs").dataset.schema,
  dom_id: "#docs",
  deepLinking: true,
});
