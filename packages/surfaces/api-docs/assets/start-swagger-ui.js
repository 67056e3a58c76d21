// Starts Swagger UI. A file of its own, because the policy of the page admits no script in it.
const place = document.getElementById('docs')
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
follow()
dark.addEventListener('change', follow)

globalThis.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  presets: [globalThis.SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  // What somebody enters under "Authorize" stays in this page's memory and ends with it.
  persistAuthorization: false,
  // `?url=` would show a stranger's document on our address, with a form for credentials in it.
  queryConfigEnabled: false,
  // The badge would send the document to validator.swagger.io.
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
})
