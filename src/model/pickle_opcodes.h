/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_opcodes: what each opcode of a pickle does to the stack machine; for pickle.c, which reads
 * them. */
#ifndef HAVEN_MODEL_PICKLE_OPCODES_H
#define HAVEN_MODEL_PICKLE_OPCODES_H

#include "model/pickle_value.h"
#include "model/window.h"

struct pickle_machine {
    struct pickle *p;
    struct model_window *w;
    uint64_t start; /* where the pickle begins in the file */
    struct pickle_value *stack, *memo;
    size_t n_stack, cap_stack, n_memo, cap_memo;
    size_t *marks; /* heights of the stack */
    size_t n_marks, cap_marks;
    bool stopped;
};

void pickle_machine_autodone(struct pickle_machine *m);

/* What stands behind an opcode. */
enum pickle_follows {
    OPERAND_NONE,
    OPERAND_U8,
    OPERAND_U16,
    OPERAND_U32,
    OPERAND_U64,
    OPERAND_I32,
    OPERAND_EIGHT_BYTES, /* of no interest */
    OPERAND_LINE,        /* up to a line's end */
    OPERAND_LINES,       /* two of them */
    OPERAND_TEXT8,       /* a length of so many bits, then a text */
    OPERAND_TEXT32,
    OPERAND_TEXT64,
    OPERAND_BYTES8, /* the same, and the text is of no interest */
    OPERAND_BYTES32,
    OPERAND_BYTES64,
    OPERAND_INTEGER8, /* the same, and the text is a number, little endian in two's complement */
    OPERAND_INTEGER32,
};

struct pickle_operand {
    uint64_t number;
    struct str text, second; /* in the heap */
    bool known;              /* it is short enough to be kept */
};

struct pickle_opcode {
    /* 0, or -1 with MODEL_INVALID or LIMIT; the operand has been read. */
    int (*run)(struct pickle_machine *m, const struct pickle_operand *o, struct err *e);
    enum pickle_follows follows;
};

/* By code; those that do not exist have no `run`. */
extern const struct pickle_opcode pickle_opcodes[256];

#endif
