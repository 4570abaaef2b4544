"use strict";
// Shows the API's description and sends requests as whoever is signed in, or with a token entered under "Authorize".

function cookie(name) {
  const pair = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
}

const place = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: place.dataset.schemaUrl,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor(request) {
    if (request.method && request.method !== "GET") {
      request.headers["X-CSRFToken"] = cookie("csrftoken");
    }
    return request;
  },
});
