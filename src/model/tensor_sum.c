/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tensor_sum.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>

/* Twice the blocks, a power of two. */
#define PLACES (4 * LIMIT_TENSOR_BLOCKS)
_Static_assert((PLACES & (PLACES - 1)) == 0 && LIMIT_TENSOR_BLOCKS < UINT16_MAX, "places");

static const char *const part_names[TENSOR_PARTS] = {
    [TENSOR_EMBEDDINGS] = "embeddings",
    [TENSOR_ATTENTION] = "attention",
    [TENSOR_EXPERTS] = "experts",
    [TENSOR_MLP] = "mlp",
    [TENSOR_CONVOLUTION] = "convolution",
    [TENSOR_NORM] = "norm",
    [TENSOR_HEAD] = "head",
    [TENSOR_OTHER] = "other",
};

const char *tensor_part_name(enum tensor_part part)
{
    return part_names[part];
}

/* ---- what names say ---- */

/* Words in names, in lower case, the more telling ones first: "input_layernorm" is a norm though it
 * stands at the attention, "experts.0.down_proj" belongs to experts though it is a part of an MLP.
 * A word is looked for in every segment, WHOLE ones must be all of it. */
static const struct rule {
    const char *word;
    enum tensor_part part;
    bool whole;
} rules[] = {
    {"norm", TENSOR_NORM, false},
    {"ln", TENSOR_NORM, true},
    {"ln_1", TENSOR_NORM, true},
    {"ln_2", TENSOR_NORM, true},
    {"ln_f", TENSOR_NORM, true},
    {"ln1", TENSOR_NORM, true},
    {"ln2", TENSOR_NORM, true},
    {"batchnorm", TENSOR_NORM, false},
    {"bn", TENSOR_NORM, true},
    {"bn1", TENSOR_NORM, true},
    {"bn2", TENSOR_NORM, true},
    {"bn3", TENSOR_NORM, true},
    {"lm_head", TENSOR_HEAD, false},
    {"score", TENSOR_HEAD, true},
    {"classifier", TENSOR_HEAD, false},
    {"head", TENSOR_HEAD, true},
    {"embed_out", TENSOR_HEAD, true},
    {"cls", TENSOR_HEAD, true},
    {"expert", TENSOR_EXPERTS, false},
    {"exps", TENSOR_EXPERTS, false},
    {"shexp", TENSOR_EXPERTS, false},
    {"router", TENSOR_EXPERTS, true},
    {"ffn_gate_inp", TENSOR_EXPERTS, true},
    {"embd", TENSOR_EMBEDDINGS, false},
    {"embed", TENSOR_EMBEDDINGS, false},
    {"wte", TENSOR_EMBEDDINGS, true},
    {"wpe", TENSOR_EMBEDDINGS, true},
    {"shared", TENSOR_EMBEDDINGS, true},
    {"attn", TENSOR_ATTENTION, false},
    {"attention", TENSOR_ATTENTION, false},
    {"q_proj", TENSOR_ATTENTION, true},
    {"k_proj", TENSOR_ATTENTION, true},
    {"v_proj", TENSOR_ATTENTION, true},
    {"o_proj", TENSOR_ATTENTION, true},
    {"mlp", TENSOR_MLP, false},
    {"ffn", TENSOR_MLP, false},
    {"feed_forward", TENSOR_MLP, false},
    {"feedforward", TENSOR_MLP, false},
    {"dense", TENSOR_MLP, false},
    {"intermediate", TENSOR_MLP, false},
    {"gate_proj", TENSOR_MLP, true},
    {"up_proj", TENSOR_MLP, true},
    {"down_proj", TENSOR_MLP, true},
    {"fc1", TENSOR_MLP, true},
    {"fc2", TENSOR_MLP, true},
    {"ff", TENSOR_MLP, true},
    {"conv", TENSOR_CONVOLUTION, false},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(struct str s, size_t at, struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (lower(s.p[at + i]) != word.p[i])
            return false;
    return true;
}

/* Does a word stand in the name? whole: between dots. */
static bool has(struct str name, struct str word, bool whole)
{
    for (size_t at = 0; at + word.n <= name.n; at++) {
        if (!same(name, at, word))
            continue;
        bool begins = at == 0 || name.p[at - 1] == '.' || name.p[at - 1] == '/';
        bool ends =
            at + word.n == name.n || name.p[at + word.n] == '.' || name.p[at + word.n] == '/';
        if (!whole || (begins && ends))
            return true;
    }
    return false;
}

enum tensor_part tensor_part_of(struct str name)
{
    /* GGUF calls the head so. */
    if (str_eqz(name, "output.weight") || str_eqz(name, "output.bias"))
        return TENSOR_HEAD;
    /* Names of strangers may be long; what tells stands near the end. */
    if (name.n > LIMIT_TENSOR_NAME_READ)
        name = str_skip(name, name.n - LIMIT_TENSOR_NAME_READ);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (has(name, str_from(rules[i].word), rules[i].whole))
            return rules[i].part;
    return TENSOR_OTHER;
}

bool tensor_block_of(struct str name, struct str *ret_stack, int64_t *ret_number)
{
    struct str rest = name;

    while (rest.p) {
        struct str segment = str_cut(&rest, '.');
        uint64_t number;
        /* The first segment is no number of anything. */
        if (segment.p == name.p || !str_u64(segment, 0, 99999, &number))
            continue;
        *ret_stack = str_of(name.p, (size_t)(segment.p - name.p) - 1);
        *ret_number = (int64_t)number;
        return true;
    }
    return false;
}

/* ---- sums ---- */

static void grow(int64_t *sum, int64_t by)
{
    if (by < 0 || __builtin_add_overflow(*sum, by, sum))
        *sum = INT64_MAX;
}

static void add(struct tensor_sum *s, int64_t parameters, int64_t bytes)
{
    grow(&s->tensors, 1);
    grow(&s->parameters, parameters);
    grow(&s->bytes, bytes);
}

static void name_parts(struct tensor_sum parts[TENSOR_PARTS])
{
    for (int i = 0; i < TENSOR_PARTS; i++)
        parts[i].name = str_from(part_names[i]);
}

void tensor_sums_init(struct tensor_sums *s, struct arena *a)
{
    *s = (struct tensor_sums){.arena = a};
    s->blocks = ARENA_ARRAY(a, LIMIT_TENSOR_BLOCKS, struct tensor_block);
    s->places = ARENA_ARRAY(a, PLACES, uint16_t);
    memset(s->places, 0, PLACES * sizeof(*s->places));
    name_parts(s->parts);
}

static struct tensor_sum *dtype_of(struct tensor_sums *s, struct str dtype)
{
    for (size_t i = 0; i < s->n_dtypes; i++)
        if (str_eq(s->dtypes[i].name, dtype))
            return &s->dtypes[i];
    if (s->n_dtypes == ARRAY_LEN(s->dtypes)) {
        s->truncated = true;
        return NULL;
    }
    struct tensor_sum *made = &s->dtypes[s->n_dtypes++];
    *made = (struct tensor_sum){.name = arena_str(s->arena, dtype)};
    return made;
}

/* FNV-1a. */
static uint64_t hash(struct str stack, int64_t number)
{
    uint64_t h = 0xcbf29ce484222325 ^ (uint64_t)number;
    for (size_t i = 0; i < stack.n; i++)
        h = (h ^ (unsigned char)stack.p[i]) * 0x100000001b3;
    return h ^ h >> 29;
}

static struct tensor_block *block_of(struct tensor_sums *s, struct str stack, int64_t number)
{
    size_t at = (size_t)hash(stack, number) % PLACES;

    for (; s->places[at]; at = (at + 1) % PLACES) {
        struct tensor_block *b = &s->blocks[s->places[at] - 1];
        if (b->number == number && str_eq(b->stack, stack))
            return b;
    }
    if (s->n_blocks == LIMIT_TENSOR_BLOCKS) {
        s->truncated = true;
        return NULL;
    }
    struct tensor_block *made = &s->blocks[s->n_blocks++];
    *made = (struct tensor_block){.stack = arena_str(s->arena, stack), .number = number};
    name_parts(made->parts);
    s->places[at] = (uint16_t)s->n_blocks;
    return made;
}

void tensor_sums_add(struct tensor_sums *s, struct str name, struct str dtype, int64_t parameters,
                     int64_t bytes)
{
    enum tensor_part part = tensor_part_of(name);
    struct tensor_sum *type = dtype_of(s, dtype);
    struct str stack;
    int64_t number;

    add(&s->all, parameters, bytes);
    add(&s->parts[part], parameters, bytes);
    if (type)
        add(type, parameters, bytes);
    if (!tensor_block_of(name, &stack, &number))
        return;
    struct tensor_block *b = block_of(s, str_head(stack, LIMIT_TENSOR_NAME_READ), number);
    if (!b)
        return;
    add(&b->all, parameters, bytes);
    add(&b->parts[part], parameters, bytes);
}

static int by_bytes(const void *a, const void *b)
{
    const struct tensor_sum *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : str_cmp(x->name, y->name);
}

static int by_place(const void *a, const void *b)
{
    const struct tensor_block *x = a, *y = b;
    int stacks = str_cmp(x->stack, y->stack);
    return stacks ? stacks : (x->number > y->number) - (x->number < y->number);
}

void tensor_sums_done(struct tensor_sums *s)
{
    qsort(s->dtypes, s->n_dtypes, sizeof(*s->dtypes), by_bytes);
    qsort(s->blocks, s->n_blocks, sizeof(*s->blocks), by_place);
}
