// What a person sets on this device, and finds again.
export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage is off: it holds until the page is closed
  }
}

export function switchTheme(button) {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "night" : matchMedia("(prefers-color-scheme: dark)").matches);
  const name = () => (button.textContent = dark() ? "Day view" : "Night view");
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "day" : "night";
    keep("theme", root.dataset.theme);
    name();
  });
  name();
  button.hidden = false;
}
