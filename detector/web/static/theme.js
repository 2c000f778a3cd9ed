// Before anything is drawn: a white page at night dazzles.
{
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // storage is off: the system decides
  }
  if (theme === "night" || theme === "day") document.documentElement.dataset.theme = theme;
}
