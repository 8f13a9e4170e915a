// What ./uplot.js is: the gateway serves the package's own file under this name.
export { default } from "uplot";
