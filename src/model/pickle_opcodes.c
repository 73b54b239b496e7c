/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pickle_opcodes.h"

#include "model/path.h"

#include <inttypes.h>
#include <stdio.h>

/* The newest protocol. */
#define PROTOCOL 5

void pickle_machine_autodone(struct pickle_machine *m)
{
    mem_free(m->stack);
    mem_free(m->memo);
    mem_free(m->marks);
}

/* ---- values ---- */

static struct pickle_value text_value(enum pickle_kind kind, struct str s)
{
    return (struct pickle_value){.kind = kind, .n = (uint32_t)s.n, .text = s.p};
}

static int list_add(struct pickle_machine *m, struct pickle_list *l, const struct pickle_value *v,
                    size_t n, struct err *e)
{
    if (n > UINT32_MAX / 2 - l->n)
        return ERR(e, LIMIT, "a list of more than %" PRIu32 " items", UINT32_MAX / 2);
    uint32_t need = l->n + (uint32_t)n;
    if (need > l->cap) {
        uint32_t cap = MAX_OF(need, l->cap * 2);
        struct pickle_value *items = arena_try(m->p->heap, cap * sizeof(*items), e);
        if (!items)
            return -1;
        if (l->n)
            memcpy(items, l->items, l->n * sizeof(*items));
        l->items = items;
        l->cap = cap;
    }
    if (n)
        memcpy(l->items + l->n, v, n * sizeof(*v));
    l->n = need;
    return 0;
}

/* ---- the stack ---- */

/* So much of it lies below the last mark, where no opcode reaches. */
static size_t stack_floor(const struct pickle_machine *m)
{
    return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

static int push(struct pickle_machine *m, struct pickle_value v, struct err *e)
{
    if (m->n_stack == LIMIT_PICKLE_STACK)
        return ERR(e, LIMIT, "more than %llu values on the stack", LIMIT_PICKLE_STACK);
    if (m->n_stack == m->cap_stack) {
        m->cap_stack = m->cap_stack ? m->cap_stack * 2 : 256;
        m->stack = mem_realloc(m->stack, m->cap_stack * sizeof(*m->stack));
    }
    m->stack[m->n_stack++] = v;
    return 0;
}

static int empty_stack(struct err *e)
{
    return ERR(e, MODEL_INVALID, "an opcode finds fewer values on the stack than it needs");
}

static int pop(struct pickle_machine *m, struct pickle_value *ret, struct err *e)
{
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    *ret = m->stack[--m->n_stack];
    return 0;
}

/* The values behind the last mark, which goes away; they stay valid until the next push. */
static int pop_mark(struct pickle_machine *m, const struct pickle_value **ret, size_t *ret_n,
                    struct err *e)
{
    if (m->n_marks == 0)
        return ERR(e, MODEL_INVALID, "an opcode looks for a mark, and there is none");
    size_t at = m->marks[--m->n_marks];
    *ret = m->stack ? m->stack + at : NULL; /* two marks can be all there is */
    *ret_n = m->n_stack - at;
    m->n_stack = at;
    return 0;
}

static int push_kind(struct pickle_machine *m, enum pickle_kind kind, int64_t number, struct err *e)
{
    return push(m, (struct pickle_value){.kind = kind, .number = number}, e);
}

/* v may point into the stack. */
static int push_list(struct pickle_machine *m, enum pickle_kind kind, const struct pickle_value *v,
                     size_t n, struct err *e)
{
    struct pickle_list *l = arena_try(m->p->heap, sizeof(*l), e);
    if (!l || list_add(m, l, v, n, e) < 0)
        return -1;
    return push(m, (struct pickle_value){.kind = kind, .list = l}, e);
}

static int push_object(struct pickle_machine *m, enum pickle_kind kind,
                       struct pickle_value callable, struct pickle_value args,
                       struct pickle_value *ret, struct err *e)
{
    struct pickle_object *object = arena_try(m->p->heap, sizeof(*object), e);
    if (!object)
        return -1;
    object->callable = callable;
    object->args = args;
    *ret = (struct pickle_value){.kind = kind, .object = object};
    return push(m, *ret, e);
}

/* ---- opcodes: protocol and stack ---- */

static int op_proto(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)m;
    if (o->number > PROTOCOL)
        return ERR(e, MODEL_INVALID, "protocol %" PRIu64 "; those up to %d are known", o->number,
                   PROTOCOL);
    return 0;
}

static int op_frame(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return model_window_need(m->w, o->number, "a frame", e);
}

static int op_mark(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    if (m->n_marks == LIMIT_PICKLE_STACK)
        return ERR(e, LIMIT, "more than %llu marks on the stack", LIMIT_PICKLE_STACK);
    if (m->n_marks == m->cap_marks) {
        m->cap_marks = m->cap_marks ? m->cap_marks * 2 : 64;
        m->marks = mem_realloc(m->marks, m->cap_marks * sizeof(*m->marks));
    }
    m->marks[m->n_marks++] = m->n_stack;
    return 0;
}

static int op_stop(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    m->stopped = true;
    return 0;
}

static int op_pop(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value v;
    (void)o;
    if (m->n_marks && m->n_stack == stack_floor(m)) {
        m->n_marks--;
        return 0;
    }
    return pop(m, &v, e);
}

static int op_pop_mark(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    const struct pickle_value *v;
    size_t n;
    (void)o;
    return pop_mark(m, &v, &n, e);
}

static int op_dup(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    return push(m, m->stack[m->n_stack - 1], e);
}

/* ---- opcodes: plain values ---- */

static int op_none(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_kind(m, PICKLE_NONE, 0, e);
}

static int op_true(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_kind(m, PICKLE_BOOL, 1, e);
}

static int op_false(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_kind(m, PICKLE_BOOL, 0, e);
}

static int op_other(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_kind(m, PICKLE_OTHER, 0, e);
}

static int op_int(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return push_kind(m, PICKLE_INT, (int64_t)o->number, e);
}

/* "12", "12L"; "00" and "01" are the two booleans. */
static int op_int_line(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct str s = o->text;
    int64_t v;
    if (str_eqz(s, "00") || str_eqz(s, "01"))
        return push_kind(m, PICKLE_BOOL, s.p[1] == '1', e);
    if (s.n && s.p[s.n - 1] == 'L')
        s.n--;
    if (!str_i64(s, INT64_MIN, INT64_MAX, &v))
        return push_kind(m, PICKLE_OTHER, 0, e);
    return push_kind(m, PICKLE_INT, v, e);
}

static int op_long(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct str s = o->text;
    uint64_t v = 0;
    if (!o->known || s.n > 8)
        return push_kind(m, PICKLE_OTHER, 0, e);
    for (size_t i = s.n; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[i];
    if (s.n && s.n < 8 && ((unsigned char)s.p[s.n - 1] & 0x80))
        v |= UINT64_MAX << (8 * s.n);
    return push_kind(m, PICKLE_INT, (int64_t)v, e);
}

static int op_text(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    if (!o->known)
        return push_kind(m, PICKLE_OTHER, 0, e);
    return push(m, text_value(PICKLE_TEXT, o->text), e);
}

/* In quotation marks. */
static int op_string(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct str s = str_trim(o->text);
    if (s.n < 2 || (s.p[0] != '\'' && s.p[0] != '"') || s.p[s.n - 1] != s.p[0])
        return ERR(e, MODEL_INVALID, "a text without its quotation marks");
    return push(m, text_value(PICKLE_TEXT, str_of(s.p + 1, s.n - 2)), e);
}

/* ---- opcodes: names ---- */

static int check_name(struct str name, struct err *e)
{
    char show[MODEL_PATH_SHOW];
    uint32_t point;
    for (struct str rest = name; rest.n;) {
        size_t n = str_utf8(rest, &point);
        if (n == 0 || point < ' ')
            return ERR(e, MODEL_INVALID, "the name \"%s\", which is imported, is no text",
                       model_path_show(name, show, sizeof(show)));
        rest = str_skip(rest, n);
    }
    return 0;
}

/* The place of the name in the sorted list of imports, or where it belongs. */
static size_t import_place(const struct pickle *p, struct str name, bool *ret_found)
{
    size_t low = 0, high = p->n_imports;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(p->imports[middle], name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int import(struct pickle_machine *m, struct str module, struct str name, struct err *e)
{
    char joined[2 * LIMIT_PICKLE_TEXT + 2];
    struct pickle *p = m->p;
    bool found;

    BUG_ON(module.n > LIMIT_PICKLE_TEXT || name.n > LIMIT_PICKLE_TEXT);
    if (module.n)
        memcpy(joined, module.p, module.n);
    joined[module.n] = '.';
    if (name.n)
        memcpy(joined + module.n + 1, name.p, name.n);
    struct str whole = str_of(joined, module.n + 1 + name.n);
    size_t at = import_place(p, whole, &found);
    if (found)
        return push(m, text_value(PICKLE_GLOBAL, p->imports[at]), e);
    if (check_name(whole, e) < 0)
        return -1;
    if (p->n_imports == LIMIT_PICKLE_IMPORTS)
        return ERR(e, LIMIT, "more than %d names are imported", LIMIT_PICKLE_IMPORTS);
    if (!p->imports)
        p->imports = arena_try(p->heap, LIMIT_PICKLE_IMPORTS * sizeof(*p->imports), e);
    char *kept = p->imports ? arena_try(p->heap, whole.n + 1, e) : NULL;
    if (!kept)
        return -1;
    memcpy(kept, whole.p, whole.n);
    memmove(&p->imports[at + 1], &p->imports[at], (p->n_imports - at) * sizeof(*p->imports));
    p->imports[at] = str_of(kept, whole.n);
    p->n_imports++;
    return push(m, text_value(PICKLE_GLOBAL, p->imports[at]), e);
}

static int op_global(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return import(m, o->text, o->second, e);
}

static int op_stack_global(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value module, name;
    (void)o;
    if (pop(m, &name, e) < 0 || pop(m, &module, e) < 0)
        return -1;
    if (module.kind != PICKLE_TEXT || name.kind != PICKLE_TEXT)
        return ERR(e, MODEL_INVALID, "something is imported whose name is no text, or too long");
    return import(m, pickle_text(module), pickle_text(name), e);
}

/* A number that stands for a name, by agreement of two programs. */
static int op_extension(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "extension_%" PRIu64, o->number);
    return import(m, STR("copyreg"), str_from(name), e);
}

/* ---- opcodes: lists and dictionaries ---- */

static int op_empty_list(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_list(m, PICKLE_LIST, NULL, 0, e);
}

static int op_empty_tuple(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_list(m, PICKLE_TUPLE, NULL, 0, e);
}

static int op_empty_dict(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_list(m, PICKLE_DICT, NULL, 0, e);
}

static int push_marked(struct pickle_machine *m, enum pickle_kind kind, struct err *e)
{
    const struct pickle_value *v;
    size_t n;
    if (pop_mark(m, &v, &n, e) < 0)
        return -1;
    if (kind == PICKLE_DICT && n % 2)
        return ERR(e, MODEL_INVALID, "a key without a value");
    return push_list(m, kind, v, n, e);
}

static int op_list(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_marked(m, PICKLE_LIST, e);
}

static int op_tuple(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_marked(m, PICKLE_TUPLE, e);
}

static int op_dict(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return push_marked(m, PICKLE_DICT, e);
}

static int last_as_tuple(struct pickle_machine *m, size_t n, struct err *e)
{
    if (m->n_stack - stack_floor(m) < n)
        return empty_stack(e);
    m->n_stack -= n;
    return push_list(m, PICKLE_TUPLE, m->stack + m->n_stack, n, e);
}

static int op_tuple1(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return last_as_tuple(m, 1, e);
}

static int op_tuple2(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return last_as_tuple(m, 2, e);
}

static int op_tuple3(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return last_as_tuple(m, 3, e);
}

/* Gives the value on top of the stack n items, which stood above it. */
static int give(struct pickle_machine *m, bool keys, const struct pickle_value *v, size_t n,
                struct err *e)
{
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    struct pickle_value to = m->stack[m->n_stack - 1];
    if (keys && n % 2)
        return ERR(e, MODEL_INVALID, "a key without a value");
    if (to.kind == PICKLE_OBJECT)
        return list_add(m, keys ? &to.object->dict : &to.object->list, v, n, e);
    if (to.kind != (keys ? PICKLE_DICT : PICKLE_LIST))
        return ERR(e, MODEL_INVALID, "items for a value that is no %s",
                   keys ? "dictionary" : "list");
    return list_add(m, to.list, v, n, e);
}

static int op_append(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value v;
    (void)o;
    return pop(m, &v, e) < 0 ? -1 : give(m, false, &v, 1, e);
}

static int op_setitem(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value v[2];
    (void)o;
    return pop(m, &v[1], e) < 0 || pop(m, &v[0], e) < 0 ? -1 : give(m, true, v, 2, e);
}

static int give_marked(struct pickle_machine *m, bool keys, struct err *e)
{
    const struct pickle_value *v;
    size_t n;
    return pop_mark(m, &v, &n, e) < 0 ? -1 : give(m, keys, v, n, e);
}

static int op_appends(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return give_marked(m, false, e);
}

static int op_setitems(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return give_marked(m, true, e);
}

/* ---- opcodes: calls ---- */

static int call(struct pickle_machine *m, struct pickle_value callable, struct pickle_value args,
                struct err *e)
{
    struct pickle_value made;
    if (callable.kind != PICKLE_GLOBAL && callable.kind != PICKLE_OBJECT &&
        callable.kind != PICKLE_PERSISTENT)
        return ERR(e, MODEL_INVALID, "a call of something that cannot be called");
    if (args.kind != PICKLE_TUPLE)
        return ERR(e, MODEL_INVALID, "a call whose arguments are no tuple");
    return push_object(m, PICKLE_OBJECT, callable, args, &made, e);
}

static int op_reduce(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value callable, args;
    (void)o;
    return pop(m, &args, e) < 0 || pop(m, &callable, e) < 0 ? -1 : call(m, callable, args, e);
}

/* With named arguments; those that have a name are walked as items. */
static int op_newobj_ex(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value named;
    if (pop(m, &named, e) < 0 || op_reduce(m, o, e) < 0)
        return -1;
    if (named.kind != PICKLE_DICT)
        return ERR(e, MODEL_INVALID, "a call whose named arguments are no dictionary");
    return give(m, true, named.list->items, named.list->n, e);
}

/* ( class argument argument …: */
static int op_obj(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    const struct pickle_value *v;
    struct pickle_value callable, args;
    size_t n;
    (void)o;
    if (pop_mark(m, &v, &n, e) < 0)
        return -1;
    if (n == 0)
        return empty_stack(e);
    callable = v[0];
    if (push_list(m, PICKLE_TUPLE, v + 1, n - 1, e) < 0 || pop(m, &args, e) < 0)
        return -1;
    return call(m, callable, args, e);
}

static int op_inst(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value callable, args;
    if (push_marked(m, PICKLE_TUPLE, e) < 0 || pop(m, &args, e) < 0 ||
        import(m, o->text, o->second, e) < 0 || pop(m, &callable, e) < 0)
        return -1;
    return call(m, callable, args, e);
}

/* Attributes: of lists and the like they are dropped, as no weights lie there. */
static int op_build(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value state;
    (void)o;
    if (pop(m, &state, e) < 0)
        return -1;
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    struct pickle_value to = m->stack[m->n_stack - 1];
    if (to.kind != PICKLE_OBJECT)
        return 0;
    if (to.object->state.kind != PICKLE_UNSET)
        return list_add(m, &to.object->list, &state, 1, e);
    to.object->state = state;
    return m->p->built ? m->p->built(m->p->self, to.object, m->w, e) : 0;
}

static int persistent(struct pickle_machine *m, struct pickle_value id, struct err *e)
{
    struct pickle_value v, none = {.kind = PICKLE_UNSET};
    if (push_object(m, PICKLE_PERSISTENT, none, id, &v, e) < 0)
        return -1;
    return list_add(m, &m->p->persistent, &v, 1, e);
}

static int op_persid(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return persistent(m, text_value(PICKLE_TEXT, o->text), e);
}

static int op_binpersid(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    struct pickle_value id;
    (void)o;
    return pop(m, &id, e) < 0 ? -1 : persistent(m, id, e);
}

static int op_buffer(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)m;
    (void)o;
    return ERR(e, MODEL_INVALID, "buffers outside of the pickle, which a file cannot have");
}

/* ---- opcodes: the memo ---- */

/* Picklers count memos up, and each takes a byte: a larger number is a trap for memory. */
static int put_memo(struct pickle_machine *m, uint64_t i, struct err *e)
{
    if (i > m->w->at - m->start)
        return ERR(e, MODEL_INVALID, "the memo %" PRIu64 " of a pickle that is shorter", i);
    if (i >= LIMIT_PICKLE_STACK)
        return ERR(e, LIMIT, "more than %llu memos", LIMIT_PICKLE_STACK);
    if (m->n_stack == stack_floor(m))
        return empty_stack(e);
    if (i >= m->cap_memo) {
        m->cap_memo = MAX_OF((size_t)i + 1, MAX_OF(m->cap_memo * 2, (size_t)256));
        m->memo = mem_realloc(m->memo, m->cap_memo * sizeof(*m->memo));
    }
    while (m->n_memo <= i)
        m->memo[m->n_memo++] = (struct pickle_value){.kind = PICKLE_UNSET};
    m->memo[i] = m->stack[m->n_stack - 1];
    return 0;
}

static int get_memo(struct pickle_machine *m, uint64_t i, struct err *e)
{
    if (i >= m->n_memo || m->memo[i].kind == PICKLE_UNSET)
        return ERR(e, MODEL_INVALID, "the memo %" PRIu64 " was never written", i);
    return push(m, m->memo[i], e);
}

static int op_put(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return put_memo(m, o->number, e);
}

static int op_get(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    return get_memo(m, o->number, e);
}

/* The next number that is free, when nothing but this opcode is used. */
static int op_memoize(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    (void)o;
    return put_memo(m, m->n_memo, e);
}

static int op_put_line(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    uint64_t i;
    if (!str_u64(o->text, 0, UINT64_MAX, &i))
        return ERR(e, MODEL_INVALID, "the number of a memo is none");
    return put_memo(m, i, e);
}

static int op_get_line(struct pickle_machine *m, const struct pickle_operand *o, struct err *e)
{
    uint64_t i;
    if (!str_u64(o->text, 0, UINT64_MAX, &i))
        return ERR(e, MODEL_INVALID, "the number of a memo is none");
    return get_memo(m, i, e);
}

/* ---- all of them ---- */

const struct pickle_opcode pickle_opcodes[256] = {
    ['('] = {op_mark, OPERAND_NONE},
    ['.'] = {op_stop, OPERAND_NONE},
    ['0'] = {op_pop, OPERAND_NONE},
    ['1'] = {op_pop_mark, OPERAND_NONE},
    ['2'] = {op_dup, OPERAND_NONE},
    ['F'] = {op_other, OPERAND_LINE},
    ['I'] = {op_int_line, OPERAND_LINE},
    ['J'] = {op_int, OPERAND_I32},
    ['K'] = {op_int, OPERAND_U8},
    ['L'] = {op_int_line, OPERAND_LINE},
    ['M'] = {op_int, OPERAND_U16},
    ['N'] = {op_none, OPERAND_NONE},
    ['P'] = {op_persid, OPERAND_LINE},
    ['Q'] = {op_binpersid, OPERAND_NONE},
    ['R'] = {op_reduce, OPERAND_NONE},
    ['S'] = {op_string, OPERAND_LINE},
    ['T'] = {op_text, OPERAND_TEXT32},
    ['U'] = {op_text, OPERAND_TEXT8},
    ['V'] = {op_text, OPERAND_LINE},
    ['X'] = {op_text, OPERAND_TEXT32},
    ['a'] = {op_append, OPERAND_NONE},
    ['b'] = {op_build, OPERAND_NONE},
    ['c'] = {op_global, OPERAND_LINES},
    ['d'] = {op_dict, OPERAND_NONE},
    ['}'] = {op_empty_dict, OPERAND_NONE},
    ['e'] = {op_appends, OPERAND_NONE},
    ['g'] = {op_get_line, OPERAND_LINE},
    ['h'] = {op_get, OPERAND_U8},
    ['i'] = {op_inst, OPERAND_LINES},
    ['j'] = {op_get, OPERAND_U32},
    ['l'] = {op_list, OPERAND_NONE},
    [']'] = {op_empty_list, OPERAND_NONE},
    ['o'] = {op_obj, OPERAND_NONE},
    ['p'] = {op_put_line, OPERAND_LINE},
    ['q'] = {op_put, OPERAND_U8},
    ['r'] = {op_put, OPERAND_U32},
    ['s'] = {op_setitem, OPERAND_NONE},
    ['t'] = {op_tuple, OPERAND_NONE},
    [')'] = {op_empty_tuple, OPERAND_NONE},
    ['u'] = {op_setitems, OPERAND_NONE},
    ['G'] = {op_other, OPERAND_EIGHT_BYTES},
    ['B'] = {op_other, OPERAND_BYTES32},
    ['C'] = {op_other, OPERAND_BYTES8},
    [0x80] = {op_proto, OPERAND_U8},
    [0x81] = {op_reduce, OPERAND_NONE}, /* a new object of a class: a call of it */
    [0x82] = {op_extension, OPERAND_U8},
    [0x83] = {op_extension, OPERAND_U16},
    [0x84] = {op_extension, OPERAND_U32},
    [0x85] = {op_tuple1, OPERAND_NONE},
    [0x86] = {op_tuple2, OPERAND_NONE},
    [0x87] = {op_tuple3, OPERAND_NONE},
    [0x88] = {op_true, OPERAND_NONE},
    [0x89] = {op_false, OPERAND_NONE},
    [0x8a] = {op_long, OPERAND_INTEGER8},
    [0x8b] = {op_long, OPERAND_INTEGER32},
    [0x8c] = {op_text, OPERAND_TEXT8},
    [0x8d] = {op_text, OPERAND_TEXT64},
    [0x8e] = {op_other, OPERAND_BYTES64},
    [0x8f] = {op_empty_list, OPERAND_NONE}, /* a set */
    [0x90] = {op_appends, OPERAND_NONE},    /* to a set */
    [0x91] = {op_tuple, OPERAND_NONE},      /* a frozenset */
    [0x92] = {op_newobj_ex, OPERAND_NONE},
    [0x93] = {op_stack_global, OPERAND_NONE},
    [0x94] = {op_memoize, OPERAND_NONE},
    [0x95] = {op_frame, OPERAND_U64},
    [0x96] = {op_other, OPERAND_BYTES64},
    [0x97] = {op_buffer, OPERAND_NONE},
    [0x98] = {op_buffer, OPERAND_NONE},
};
