// A link or QR carries the code behind #, which no server ever sees; the person still presses the button.
const code = decodeURIComponent(location.hash.slice(1));
if (/^[0-9A-Za-z-]{9,11}$/.test(code)) {
  document.getElementById("code").value = code;
  document.querySelector("button.main").focus();
}
if (location.hash) history.replaceState(null, "", location.pathname);
