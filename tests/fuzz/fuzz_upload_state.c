/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot of an upload's state file. With an odd first byte the checksum is made right, so that the
 * checks behind it are reached; what decodes encodes to something that decodes to the same.
 */
#include "base/mem.h"
#include "store/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECKSUM_SIZE 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t slot[STATE_SLOT_SIZE], again[STATE_SLOT_SIZE], third[STATE_SLOT_SIZE];
    struct state st, back;
    struct err e = {.code = ERR_OK};
    if (size == 0)
        return 0;
    memset(slot, 0, sizeof(slot));
    memcpy(slot, data + 1, MIN_OF(size - 1, sizeof(slot)));
    if (data[0] & 1)
        hash_sha256(slot, sizeof(slot) - CHECKSUM_SIZE, slot + sizeof(slot) - CHECKSUM_SIZE);
    if (state_decode(slot, &st, &e) < 0) {
        BUG_ON(e.code != ERR_CORRUPT);
        return 0;
    }
    BUG_ON(st.sha256.n != st.offset || strlen(st.scope) > LIMIT_UPLOAD_SCOPE);
    state_encode(&st, again);
    BUG_ON(state_decode(again, &back, NULL) < 0);
    BUG_ON(back.offset != st.offset || back.seq != st.seq || back.durable != st.durable);
    state_encode(&back, third);
    BUG_ON(memcmp(again, third, sizeof(again)) != 0);
    hash_update(&back.sha256, "x", 1); /* the loaded state can be worked with */
    return 0;
}
