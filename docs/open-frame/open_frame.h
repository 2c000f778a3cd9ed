/*
 * The open frame, version 1: movement samples as spasmwatch understands them.
 * Layout and rules: docs/open-frame.md. No memory is allocated, no clock is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPEN_FRAME_H
#define OPEN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OPEN_FRAME_SERVICE "765c0001-1c6d-4517-a3d6-51a42b91143f"
#define OPEN_FRAME_FRAMES "765c0002-1c6d-4517-a3d6-51a42b91143f"
#define OPEN_FRAME_ABOUT "765c0003-1c6d-4517-a3d6-51a42b91143f"
#define OPEN_FRAME_BUTTON "765c0004-1c6d-4517-a3d6-51a42b91143f"

#define OPEN_FRAME_TICKS_PER_S 32768
#define OPEN_FRAME_UNKNOWN_BATTERY 255
#define OPEN_FRAME_MOST_SAMPLES 83 /* what the 512 octets of the longest attribute hold */
#define OPEN_FRAME_MOST_BYTES (9 + 6 * OPEN_FRAME_MOST_SAMPLES)
#define OPEN_FRAME_LONGEST_NAME 64

/* Gathers samples until one notification is full. */
typedef struct {
    uint8_t bytes[OPEN_FRAME_MOST_BYTES]; /* what to send, once it is finished */
    uint16_t sequence;                    /* of the frame that is being gathered */
    uint8_t most;                         /* samples that one notification holds */
    uint8_t count;                        /* samples gathered so far */
} open_frame;

/* Once, at power on. */
void open_frame_init(open_frame *frame);

/* Whenever a central connects or the MTU changes: what was gathered before is forgotten. */
void open_frame_begin(open_frame *frame, uint16_t mtu);

/* Adds a sample in mg that was taken at this tick; true when the frame is full: finish it now. */
bool open_frame_add(open_frame *frame, uint32_t tick, int16_t x, int16_t y, int16_t z);

/*
 * Gives how many of `bytes` to send, 0 if no sample was added; the next sample begins the next
 * frame. Call it for a frame that cannot be sent, too: its number shows that it is missing.
 */
size_t open_frame_finish(open_frame *frame, uint8_t battery);

/*
 * Writes the value of the about characteristic; gives its length, 0 if it has no room.
 * rate_256ths: samples in 256 s. The name is cut after 64 octets.
 */
size_t open_frame_about(uint8_t *out, size_t room, uint32_t rate_256ths, uint8_t range_g,
                        const char *name);

#ifdef __cplusplus
}
#endif

#endif
