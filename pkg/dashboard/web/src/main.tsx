import { render } from "preact";
import { LocationProvider } from "preact-iso";
import { App } from "./app";
import { begin } from "./lib/session";
import "./style.css";

const root = document.getElementById("app")!;
root.textContent = "";
render(
  <LocationProvider>
    <App />
  </LocationProvider>,
  root,
);
void begin();
