"use strict";
// Redoc with fonts of the device: nothing is loaded from elsewhere.

// Redoc wants its maker's logo from a server of theirs; an image that is not from here is left out.
const images = HTMLImageElement.prototype;
const { setAttribute } = images;
const isOurs = (address) => new URL(address, location.href).origin === location.origin;

images.setAttribute = function (name, value) {
  if (name !== "src" || isOurs(value)) {
    setAttribute.call(this, name, value);
  }
};
Object.defineProperty(images, "src", {
  get() {
    return this.getAttribute("src") ?? "";
  },
  set(address) {
    this.setAttribute("src", address);
  },
});

const place = document.getElementById("redoc");
const fontFamily = "system-ui, sans-serif";

Redoc.init(
  place.dataset.schemaUrl,
  {
    disableSearch: true,
    hideDownloadButton: true,
    theme: { typography: { fontFamily, headings: { fontFamily } } },
  },
  place,
);
