/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pickle.h"

#include "model/pickle_opcodes.h"

#include <inttypes.h>

bool pickle_is_global(struct pickle_value v, const char *name)
{
    return v.kind == PICKLE_GLOBAL && str_eqz(str_of(v.text, v.n), name);
}

static int read_number(struct pickle_machine *m, unsigned bytes, uint64_t *ret, struct err *e)
{
    struct str s;
    uint64_t v = 0;
    if (model_window_peek(m->w, bytes, "the pickle", &s, e) < 0)
        return -1;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[i];
    *ret = v;
    return model_window_skip(m->w, bytes, "the pickle", e);
}

/* n bytes into the heap. */
static int keep(struct pickle_machine *m, size_t n, struct str *ret, struct err *e)
{
    struct str s;
    char *p = arena_try(m->p->heap, n + 1, e);
    if (!p || model_window_peek(m->w, n, "the pickle", &s, e) < 0)
        return -1;
    if (n)
        memcpy(p, s.p, n);
    *ret = str_of(p, n);
    return model_window_skip(m->w, n, "the pickle", e);
}

static int read_line(struct pickle_machine *m, struct str *ret, struct err *e)
{
    struct str s;
    ptrdiff_t at = -1;
    for (size_t min = 1; at < 0; min = s.n + 1) {
        if (model_window_peek(m->w, min, "a line of the pickle", &s, e) < 0)
            return -1;
        s = str_head(s, LIMIT_PICKLE_TEXT + 1);
        at = str_chr(s, '\n');
        if (at < 0 && s.n > LIMIT_PICKLE_TEXT)
            return ERR(e, LIMIT, "a line of more than %d bytes", LIMIT_PICKLE_TEXT);
    }
    if (keep(m, (size_t)at, ret, e) < 0)
        return -1;
    return model_window_skip(m->w, 1, "the pickle", e);
}

static int read_text(struct pickle_machine *m, unsigned length, bool wanted,
                     struct pickle_operand *o, struct err *e)
{
    if (read_number(m, length, &o->number, e) < 0)
        return -1;
    o->known = wanted && o->number <= LIMIT_PICKLE_TEXT;
    if (o->known)
        return keep(m, (size_t)o->number, &o->text, e);
    return model_window_skip(m->w, o->number, "a text of the pickle", e);
}

static int read_operand(struct pickle_machine *m, enum pickle_follows follows,
                        struct pickle_operand *o, struct err *e)
{
    static const unsigned numbers[] = {[OPERAND_U8] = 1,
                                       [OPERAND_U16] = 2,
                                       [OPERAND_U32] = 4,
                                       [OPERAND_U64] = 8,
                                       [OPERAND_I32] = 4};
    static const unsigned lengths[] = {
        [OPERAND_TEXT8] = 1,    [OPERAND_TEXT32] = 4,   [OPERAND_TEXT64] = 8,
        [OPERAND_BYTES8] = 1,   [OPERAND_BYTES32] = 4,  [OPERAND_BYTES64] = 8,
        [OPERAND_INTEGER8] = 1, [OPERAND_INTEGER32] = 4};
    *o = (struct pickle_operand){.known = true};
    switch (follows) {
    case OPERAND_NONE:
        return 0;
    case OPERAND_U8:
    case OPERAND_U16:
    case OPERAND_U32:
    case OPERAND_U64:
        return read_number(m, numbers[follows], &o->number, e);
    case OPERAND_I32:
        if (read_number(m, numbers[follows], &o->number, e) < 0)
            return -1;
        o->number = (uint64_t)(int64_t)(int32_t)(uint32_t)o->number;
        return 0;
    case OPERAND_EIGHT_BYTES:
        return model_window_skip(m->w, 8, "a number of the pickle", e);
    case OPERAND_LINE:
        return read_line(m, &o->text, e);
    case OPERAND_LINES:
        return read_line(m, &o->text, e) < 0 ? -1 : read_line(m, &o->second, e);
    case OPERAND_TEXT8:
    case OPERAND_TEXT32:
    case OPERAND_TEXT64:
    case OPERAND_INTEGER8:
    case OPERAND_INTEGER32:
        return read_text(m, lengths[follows], true, o, e);
    case OPERAND_BYTES8:
    case OPERAND_BYTES32:
    case OPERAND_BYTES64:
        return read_text(m, lengths[follows], false, o, e);
    }
    return ERR(e, MODEL_INVALID, "an opcode that is not known");
}

static int step(struct pickle_machine *m, struct err *e)
{
    uint64_t code;
    struct pickle_operand o;
    if (read_number(m, 1, &code, e) < 0)
        return -1;
    const struct pickle_opcode *op = &pickle_opcodes[code];
    if (!op->run)
        return ERR(e, MODEL_INVALID, "the opcode 0x%02" PRIx64 " is not known", code);
    if (m->p->opcodes++ == LIMIT_PICKLE_OPCODES)
        return ERR(e, LIMIT, "more than %llu opcodes", LIMIT_PICKLE_OPCODES);
    return read_operand(m, op->follows, &o, e) < 0 ? -1 : op->run(m, &o, e);
}

void pickle_init(struct pickle *p, struct arena *heap)
{
    *p = (struct pickle){.heap = heap};
}

int pickle_read(struct pickle *p, struct model_window *w, struct pickle_value *ret, struct err *e)
{
    AUTO(pickle_machine) m = {.p = p, .w = w, .start = w->at};
    while (!m.stopped) {
        uint64_t at = w->at;
        if (step(&m, e) < 0)
            return err_wrap(e, "the pickle at byte %" PRIu64, at);
    }
    *ret = m.stack[m.n_stack - 1];
    return 0;
}
