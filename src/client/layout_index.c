/* SPDX-License-Identifier: Apache-2.0 */
#include "client/layout_index.h"

#define NOTE_NAME "org.opencontainers.image.ref.name"

static struct str name_of(const json_t *descriptor)
{
    return json_get_str(json_object_get(descriptor, "annotations"), NOTE_NAME);
}

static bool is_named(const json_t *descriptor, const char *tag)
{
    struct str name = name_of(descriptor);
    return name.n && str_eqz(name, tag);
}

static bool has_digest(const json_t *descriptor, const struct digest *digest)
{
    return str_eqz(json_get_str(descriptor, "digest"), digest->text);
}

const json_t *layout_index_find(const json_t *doc, const struct reference *ref)
{
    const json_t *list = json_object_get(doc, "manifests"), *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        struct digest d;
        if (ref->is_digest && digest_parse(json_get_str(one, "digest"), &d, NULL) == 0 &&
            digest_eq(&d, &ref->digest))
            return one;
        if (!ref->is_digest && is_named(one, ref->tag.text))
            return one;
    }
    one = json_array_get(list, 0);
    bool nameless = json_array_size(list) == 1 && name_of(one).n == 0;
    return nameless && !ref->is_digest && str_eqz(str_from(ref->tag.text), "latest") ? one : NULL;
}

int layout_index_entry(const json_t *one, struct arena *a, struct endpoint_entry *ret,
                       struct err *e)
{
    struct endpoint_entry r = {.size = 0};
    json_int_t size = json_integer_value(json_object_get(one, "size"));
    struct str name = name_of(one);
    struct str type = json_get_str(one, "mediaType");
    struct str *const from[] = {&name, &type}, *const to[] = {&r.tag, &r.type};

    if (digest_parse(json_get_str(one, "digest"), &r.digest, e) < 0)
        return -1;
    r.size = size > 0 ? (uint64_t)size : 0;
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        char *copy = arena_try(a, from[i]->n + 1, e);
        if (!copy)
            return -1;
        if (from[i]->n)
            memcpy(copy, from[i]->p, from[i]->n);
        *to[i] = str_of(copy, from[i]->n);
    }
    *ret = r;
    return 0;
}

static void set_str(json_t *obj, const char *key, struct str value)
{
    BUG_ON(json_object_set_new(obj, key, json_stringn(value.p ? value.p : "", value.n)) != 0);
}

int layout_index_add(json_t *doc, struct str bytes, struct str type, const struct digest *digest,
                     const struct tag *tag, struct err *e)
{
    json_t *list = json_object_get(doc, "manifests");
    AUTO_JSON manifest = json_load(bytes, ERR_MANIFEST_INVALID, e);
    if (!manifest)
        return -1;
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *one = json_array_get(list, i);
        bool same = has_digest(one, digest);
        bool named = name_of(one).n > 0;
        if (!tag && same)
            return 0;
        /* With a tag, an entry without one says nothing more. */
        if (tag && (is_named(one, tag->text) || (same && !named)))
            BUG_ON(json_array_remove(list, i) != 0);
    }
    json_t *entry = json_object();
    set_str(entry, "mediaType", type);
    set_str(entry, "digest", digest_str(digest));
    BUG_ON(json_object_set_new(entry, "size", json_integer((json_int_t)bytes.n)) != 0);
    struct str artifact = json_get_str(manifest, "artifactType");
    if (artifact.n)
        set_str(entry, "artifactType", artifact);
    if (tag) {
        json_t *notes = json_object();
        set_str(notes, NOTE_NAME, str_from(tag->text));
        BUG_ON(json_object_set_new(entry, "annotations", notes) != 0);
    }
    BUG_ON(json_array_append_new(list, entry) != 0);
    return 0;
}

/* Takes the name off an entry; one that is listed elsewhere too goes. */
static void take_name(json_t *list, size_t at)
{
    json_t *one = json_array_get(list, at);
    struct str digest = json_get_str(one, "digest");
    const json_t *other;
    size_t i;
    json_array_foreach(list, i, other)
    {
        if (i != at && str_eq(json_get_str(other, "digest"), digest)) {
            BUG_ON(json_array_remove(list, at) != 0);
            return;
        }
    }
    BUG_ON(json_object_del(json_object_get(one, "annotations"), NOTE_NAME) != 0);
}

bool layout_index_remove(json_t *doc, const struct reference *ref)
{
    json_t *list = json_object_get(doc, "manifests");
    bool found = false;
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *one = json_array_get(list, i);
        if (ref->is_digest ? !has_digest(one, &ref->digest) : !is_named(one, ref->tag.text))
            continue;
        found = true;
        if (ref->is_digest)
            BUG_ON(json_array_remove(list, i) != 0);
        else
            take_name(list, i);
    }
    return found;
}
