/* SPDX-License-Identifier: Apache-2.0 */
#include "open_frame.h"

#include <string.h>

enum { VERSION = 1, HEADER = 8, SAMPLE = 6, TAIL = 1, NOTIFICATION_HEADER = 3, ABOUT = 6 };

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value & 0xFF);
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value & 0xFFFF));
    put16(at + 2, (uint16_t)(value >> 16));
}

void open_frame_init(open_frame *frame)
{
    memset(frame, 0, sizeof *frame);
    frame->most = 1;
}

void open_frame_begin(open_frame *frame, uint16_t mtu)
{
    int most = (mtu - NOTIFICATION_HEADER - HEADER - TAIL) / SAMPLE;

    if (most < 1)
        most = 1;
    if (most > OPEN_FRAME_MOST_SAMPLES)
        most = OPEN_FRAME_MOST_SAMPLES;
    frame->most = (uint8_t)most;
    frame->count = 0;
}

bool open_frame_add(open_frame *frame, uint32_t tick, int16_t x, int16_t y, int16_t z)
{
    uint8_t *at = frame->bytes + HEADER + SAMPLE * frame->count;

    if (frame->count >= frame->most)
        return true;
    if (frame->count == 0)
        put32(frame->bytes + 3, tick);
    put16(at, (uint16_t)x);
    put16(at + 2, (uint16_t)y);
    put16(at + 4, (uint16_t)z);
    frame->count++;
    return frame->count == frame->most;
}

size_t open_frame_finish(open_frame *frame, uint8_t battery)
{
    size_t end = HEADER + (size_t)SAMPLE * frame->count;

    if (frame->count == 0)
        return 0;
    if (battery > 100 && battery != OPEN_FRAME_UNKNOWN_BATTERY)
        battery = 100;
    frame->bytes[0] = VERSION;
    put16(frame->bytes + 1, frame->sequence);
    frame->bytes[7] = frame->count;
    frame->bytes[end] = battery;
    frame->sequence++;
    frame->count = 0;
    return end + TAIL;
}

size_t open_frame_about(uint8_t *out, size_t room, uint32_t rate_256ths, uint8_t range_g,
                        const char *name)
{
    size_t length = strlen(name);

    if (length > OPEN_FRAME_LONGEST_NAME)
        length = OPEN_FRAME_LONGEST_NAME;
    if (room < ABOUT + length)
        return 0;
    out[0] = VERSION;
    out[1] = range_g;
    put32(out + 2, rate_256ths);
    memcpy(out + ABOUT, name, length);
    return ABOUT + length;
}
