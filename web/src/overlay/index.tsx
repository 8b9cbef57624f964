export { Overlay } from "./overlay";
