/* SPDX-License-Identifier: Apache-2.0 */
#include "client/piecemap.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

enum { MAP_VERSION = 1, MAP_HEAD = 32, MAP_SUM = 32, MAP_SLOTS = 2 };
static const char map_magic[4] = {'H', 'v', 'P', 'm'};

void piecemap_init(struct piecemap *m, uint64_t size)
{
    *m = (struct piecemap){.size = size, .piece = PIECEMAP_PIECE};
    while (size / m->piece >= PIECEMAP_PIECES_MAX)
        m->piece *= 2;
    m->n = (size_t)(size / m->piece) + (size % m->piece != 0);
    m->bits = mem_zalloc(m->n / 8 + 1);
}

void piecemap_autodone(struct piecemap *m)
{
    mem_free(m->bits);
    m->bits = NULL;
}

bool piecemap_has(const struct piecemap *m, size_t i)
{
    return m->bits[i / 8] >> (i % 8) & 1;
}

void piecemap_set(struct piecemap *m, size_t i, bool there)
{
    uint8_t bit = (uint8_t)(1u << (i % 8));
    if (piecemap_has(m, i) == there)
        return;
    m->bits[i / 8] ^= bit;
    m->n_set = there ? m->n_set + 1 : m->n_set - 1;
}

uint64_t piecemap_at(const struct piecemap *m, size_t i)
{
    return i >= m->n ? m->size : i * m->piece;
}

static size_t bits_bytes(const struct piecemap *m)
{
    return (m->n + 7) / 8;
}

static size_t slot_bytes(const struct piecemap *m)
{
    return MAP_HEAD + bits_bytes(m) + MAP_SUM;
}

static void put64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

/* Head and bits; the checksum stands behind them. */
static void fill_slot(const struct piecemap *m, uint8_t *slot)
{
    memset(slot, 0, MAP_HEAD);
    memcpy(slot, map_magic, sizeof(map_magic));
    slot[4] = MAP_VERSION;
    put64(slot + 8, m->sequence);
    put64(slot + 16, m->size);
    put64(slot + 24, m->piece);
    memcpy(slot + MAP_HEAD, m->bits, bits_bytes(m));
    hash_sha256(slot, MAP_HEAD + bits_bytes(m), slot + MAP_HEAD + bits_bytes(m));
}

static bool is_valid(const struct piecemap *m, const uint8_t *slot)
{
    uint8_t sum[MAP_SUM];
    size_t n = bits_bytes(m);
    hash_sha256(slot, MAP_HEAD + n, sum);
    if (memcmp(sum, slot + MAP_HEAD + n, sizeof(sum)) != 0)
        return false;
    if (memcmp(slot, map_magic, sizeof(map_magic)) != 0 || slot[4] != MAP_VERSION)
        return false;
    if (get64(slot + 16) != m->size || get64(slot + 24) != m->piece)
        return false;
    return m->n % 8 == 0 || slot[MAP_HEAD + n - 1] >> (m->n % 8) == 0;
}

bool piecemap_load(struct piecemap *m, int fd)
{
    bool found = false;
    AUTO_FREE uint8_t *slot = mem_alloc(slot_bytes(m));
    for (size_t i = 0; i < MAP_SLOTS; i++) {
        if (file_pread_all(fd, slot, slot_bytes(m), i * slot_bytes(m), NULL) < 0 ||
            !is_valid(m, slot) || (found && get64(slot + 8) <= m->sequence))
            continue;
        m->sequence = get64(slot + 8);
        memcpy(m->bits, slot + MAP_HEAD, bits_bytes(m));
        found = true;
    }
    m->n_set = 0;
    for (size_t i = 0; i < m->n; i++)
        m->n_set += piecemap_has(m, i);
    return found;
}

int piecemap_save(struct piecemap *m, int fd, struct err *e)
{
    AUTO_FREE uint8_t *slot = mem_alloc(slot_bytes(m));
    m->sequence++;
    fill_slot(m, slot);
    return file_pwrite_all(fd, slot, slot_bytes(m), m->sequence % MAP_SLOTS * slot_bytes(m), e);
}
