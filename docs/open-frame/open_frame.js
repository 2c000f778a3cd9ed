// The open frame, version 1: movement samples as spasmwatch understands them.
// Layout and rules: docs/open-frame.md. Written for Espruino (Bangle.js), so in the old JavaScript.
// SPDX-License-Identifier: Apache-2.0

var OPEN_FRAME_SERVICE = "765c0001-1c6d-4517-a3d6-51a42b91143f";
var OPEN_FRAME_FRAMES = "765c0002-1c6d-4517-a3d6-51a42b91143f";
var OPEN_FRAME_ABOUT = "765c0003-1c6d-4517-a3d6-51a42b91143f";
var OPEN_FRAME_BUTTON = "765c0004-1c6d-4517-a3d6-51a42b91143f";

// Gathers samples until one notification is full.
function OpenFrame(mtu) {
  this.sequence = 0;
  this.begin(mtu);
}

// Whenever a central connects or the MTU changes: what was gathered before is forgotten.
OpenFrame.prototype.begin = function (mtu) {
  // 83 is what the 512 octets of the longest attribute hold.
  this.most = Math.min(Math.max(Math.floor((mtu - 12) / 6), 1), 83);
  this.bytes = new Uint8Array(9 + 6 * this.most);
  this.count = 0;
};

// Adds a sample in mg that was taken at this tick; true when the frame is full: finish it now.
OpenFrame.prototype.add = function (tick, x, y, z) {
  if (this.count >= this.most) return true;
  if (this.count === 0) openFramePut32(this.bytes, 3, tick);
  openFramePutMg(this.bytes, 8 + 6 * this.count, x);
  openFramePutMg(this.bytes, 10 + 6 * this.count, y);
  openFramePutMg(this.bytes, 12 + 6 * this.count, z);
  this.count++;
  return this.count === this.most;
};

// Gives the bytes to send, null if no sample was added; the next sample begins the next frame.
// Call it for a frame that cannot be sent, too: its number shows that it is missing.
OpenFrame.prototype.finish = function (battery) {
  if (this.count === 0) return null;
  var end = 8 + 6 * this.count;
  this.bytes[0] = 1;
  openFramePut16(this.bytes, 1, this.sequence);
  this.bytes[7] = this.count;
  this.bytes[end] = battery > 100 && battery !== 255 ? 100 : battery;
  this.sequence = (this.sequence + 1) % 65536;
  this.count = 0;
  return new Uint8Array(this.bytes.buffer, 0, end + 1);
};

// Gives the value of the about characteristic; rate256ths: samples in 256 s; the name in ASCII.
function openFrameAbout(rate256ths, rangeG, name) {
  var length = Math.min(name.length, 64);
  var bytes = new Uint8Array(6 + length);
  bytes[0] = 1;
  bytes[1] = rangeG;
  openFramePut32(bytes, 2, rate256ths);
  for (var i = 0; i < length; i++) bytes[6 + i] = name.charCodeAt(i);
  return bytes;
}

function openFramePut16(bytes, at, value) {
  bytes[at] = value % 256;
  bytes[at + 1] = Math.floor(value / 256) % 256;
}

// By division: what exceeds 31 bits is no whole number to Espruino's shifts and masks.
function openFramePut32(bytes, at, value) {
  openFramePut16(bytes, at, value % 65536);
  openFramePut16(bytes, at + 2, Math.floor(value / 65536) % 65536);
}

function openFramePutMg(bytes, at, mg) {
  var whole = Math.min(Math.max(Math.round(mg), -32768), 32767);
  openFramePut16(bytes, at, whole < 0 ? whole + 65536 : whole);
}

if (typeof exports !== "undefined") {
  exports.OpenFrame = OpenFrame;
  exports.openFrameAbout = openFrameAbout;
}
