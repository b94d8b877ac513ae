// Shows the print button, which needs a script, and lets Enter press it.
const button = document.querySelector("[data-cetak]");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
  button.focus();
}
