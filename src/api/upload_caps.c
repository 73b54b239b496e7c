/* SPDX-License-Identifier: Apache-2.0 */
#include "api/upload_caps.h"

#include "base/mem.h"
#include "store/store.h"

#include <pthread.h>

#define BUCKETS     4096
#define ADDRESS_MAX 64

struct owner {
    struct owner *next;
    char address[ADDRESS_MAX];
    uint64_t n;
};

struct begun {
    struct begun *next;
    struct owner *owner;
    int64_t touched_ms;
    char id[STORE_UPLOAD_ID + 1];
};

struct upload_caps {
    pthread_mutex_t lock;
    struct begun *uploads[BUCKETS];
    struct owner *owners[BUCKETS];
};

static size_t bucket(struct str s)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 16777619u;
    return h % BUCKETS;
}

struct upload_caps *upload_caps_new(void)
{
    struct upload_caps *c = NEW(struct upload_caps);

    BUG_ON(pthread_mutex_init(&c->lock, NULL) != 0);
    return c;
}

void upload_caps_free(struct upload_caps *c)
{
    if (!c)
        return;
    upload_caps_expire(c, INT64_MAX);
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

static struct owner **find_owner(struct upload_caps *c, struct str address)
{
    struct owner **at = &c->owners[bucket(address)];

    while (*at && !str_eqz(address, (*at)->address))
        at = &(*at)->next;
    return at;
}

static struct begun **find_upload(struct upload_caps *c, const char *id)
{
    struct begun **at = &c->uploads[bucket(str_from(id))];

    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

static void forget(struct upload_caps *c, struct begun **at)
{
    struct begun *b = *at;
    struct owner **o = find_owner(c, str_from(b->owner->address));

    *at = b->next;
    mem_free(b);
    if (--(*o)->n == 0) {
        struct owner *gone = *o;
        *o = gone->next;
        mem_free(gone);
    }
}

int upload_caps_check(struct upload_caps *c, struct str address, uint64_t limit, struct err *e)
{
    (void)pthread_mutex_lock(&c->lock);
    const struct owner *o = *find_owner(c, str_head(address, ADDRESS_MAX - 1));
    uint64_t n = o ? o->n : 0;
    (void)pthread_mutex_unlock(&c->lock);
    return limit && n >= limit
               ? ERR(e, TOO_MANY_REQUESTS,
                     "%.*s has %llu unfinished uploads: finish or cancel some of them first",
                     S(str_head(address, ADDRESS_MAX - 1)), (unsigned long long)n)
               : 0;
}

void upload_caps_begin(struct upload_caps *c, struct str address, const char *id, int64_t now_ms)
{
    address = str_head(address, ADDRESS_MAX - 1);
    (void)pthread_mutex_lock(&c->lock);
    struct owner **o = find_owner(c, address);
    if (!*o) {
        *o = NEW(struct owner);
        if (address.n)
            memcpy((*o)->address, address.p, address.n);
    }
    (*o)->n++;
    struct begun **at = find_upload(c, id), *b = NEW(struct begun);
    *b = (struct begun){.next = *at, .owner = *o, .touched_ms = now_ms};
    memcpy(b->id, id, sizeof(b->id));
    *at = b;
    (void)pthread_mutex_unlock(&c->lock);
}

void upload_caps_touch(struct upload_caps *c, const char *id, int64_t now_ms)
{
    (void)pthread_mutex_lock(&c->lock);
    struct begun *b = *find_upload(c, id);
    if (b)
        b->touched_ms = now_ms;
    (void)pthread_mutex_unlock(&c->lock);
}

void upload_caps_end(struct upload_caps *c, const char *id)
{
    (void)pthread_mutex_lock(&c->lock);
    struct begun **at = find_upload(c, id);
    if (*at)
        forget(c, at);
    (void)pthread_mutex_unlock(&c->lock);
}

void upload_caps_expire(struct upload_caps *c, int64_t before_ms)
{
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct begun **at = &c->uploads[i]; *at;) {
            if ((*at)->touched_ms < before_ms)
                forget(c, at);
            else
                at = &(*at)->next;
        }
    (void)pthread_mutex_unlock(&c->lock);
}
