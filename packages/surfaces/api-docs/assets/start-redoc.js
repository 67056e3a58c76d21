// Starts ReDoc. A file of its own, because the policy of the page admits no script in it.
const place = document.getElementById('docs')
globalThis.Redoc.init(
  place.dataset.document,
  {
    nativeScrollbars: true,
    // Descriptions are written by whoever declares resources; HTML in them is cleaned all the same.
    untrustedSpec: true,
  },
  place,
)
