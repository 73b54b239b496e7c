/* SPDX-License-Identifier: Apache-2.0 */
/* What tensors come to: to which part and block a name belongs, and sums that no stranger can make
 * overflow or grow without end. */
#include "base/limits.h"
#include "base/mem.h"
#include "model/tensor_sum.h"
#include "unit.h"

static void parts(void **state)
{
    static const struct {
        const char *name, *part;
    } rows[] = {
        {"model.embed_tokens.weight", "embeddings"},
        {"token_embd.weight", "embeddings"},
        {"transformer.wte.weight", "embeddings"},
        {"bert.embeddings.LayerNorm.weight", "norm"},
        {"model.layers.3.self_attn.q_proj.weight", "attention"},
        {"model.layers.3.self_attn.q_norm.weight", "norm"},
        {"blk.7.attn_q.weight", "attention"},
        {"blk.7.attn_norm.weight", "norm"},
        {"encoder.block.0.layer.0.SelfAttention.q.weight", "attention"},
        {"model.layers.3.mlp.down_proj.weight", "mlp"},
        {"model.layers.3.mlp.experts.5.down_proj.weight", "experts"},
        {"blk.7.ffn_up_exps.weight", "experts"},
        {"blk.7.ffn_gate_inp.weight", "experts"},
        {"blk.7.ffn_up.weight", "mlp"},
        {"decoder.block.0.layer.2.DenseReluDense.wi.weight", "mlp"},
        {"h.0.ln_1.bias", "norm"},
        {"h.0.ln_10.bias", "other"},
        {"bn1.running_mean", "norm"},
        {"conv1.weight", "convolution"},
        {"down_blocks.0.resnets.1.conv2.weight", "convolution"},
        {"lm_head.weight", "head"},
        {"output.weight", "head"},
        {"output.bias", "head"},
        {"x.output.weight", "other"},
        {"headless.weight", "other"},
        {"score.weight", "head"},
        {"rope_freqs.weight", "other"},
        {"head", "head"},
        {"", "other"},
        {".", "other"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(tensor_part_name(tensor_part_of(str_from(rows[i].name))), rows[i].part);

    /* Of a name that never ends the end is read. */
    static char name[3 * LIMIT_TENSOR_NAME_READ];
    memset(name, 'x', sizeof(name));
    memcpy(name, "norm.", 5);
    assert_int_equal(tensor_part_of(str_of(name, sizeof(name))), TENSOR_OTHER);
    memcpy(name + sizeof(name) - 5, ".norm", 5);
    assert_int_equal(tensor_part_of(str_of(name, sizeof(name))), TENSOR_NORM);
}

static void blocks(void **state)
{
    static const struct {
        const char *name, *stack;
        int64_t number;
    } rows[] = {
        {"model.layers.12.mlp.up_proj.weight", "model.layers", 12},
        {"blk.0.attn_q.weight", "blk", 0},
        {"down_blocks.1.resnets.0.conv.weight", "down_blocks", 1},
        {"a.99999", "a", 99999},
        {"a.100000.1", "a.100000", 1},
        {"a..7.b", "a.", 7},
    };
    static const char *const none[] = {"",    "weight", "7",    "7.weight",
                                       "a.b", "a.7b.c", "a.-1", "a."};
    struct str stack = STR("untouched");
    int64_t number = -1;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(tensor_block_of(str_from(none[i]), &stack, &number));
    assert_str(stack, "untouched");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(tensor_block_of(str_from(rows[i].name), &stack, &number));
        assert_str(stack, rows[i].stack);
        assert_int_equal(number, rows[i].number);
    }
}

static void sums(void **state)
{
    AUTO(arena) a = {0};
    struct tensor_sums s;
    (void)state;

    arena_init(&a, 4 * MIB);
    tensor_sums_init(&s, &a);
    tensor_sums_add(&s, STR("embed"), STR("F16"), 10, 20);
    tensor_sums_add(&s, STR("layers.10.mlp"), STR("F16"), 5, 10);
    tensor_sums_add(&s, STR("layers.9.mlp"), STR("I8"), 40, 40);
    tensor_sums_add(&s, STR("layers.9.attn"), STR("I8"), 4, 4);
    tensor_sums_done(&s);
    assert_int_equal(s.all.tensors, 4);
    assert_int_equal(s.all.parameters, 59);
    assert_int_equal(s.all.bytes, 74);
    assert_int_equal(s.n_dtypes, 2);
    assert_str(s.dtypes[0].name, "I8");
    assert_int_equal(s.dtypes[0].bytes, 44);
    assert_int_equal(s.parts[TENSOR_MLP].tensors, 2);
    assert_int_equal(s.parts[TENSOR_MLP].parameters, 45);
    assert_int_equal(s.n_blocks, 2);
    assert_int_equal(s.blocks[0].number, 9);
    assert_int_equal(s.blocks[0].all.parameters, 44);
    assert_int_equal(s.blocks[0].parts[TENSOR_ATTENTION].bytes, 4);
    assert_int_equal(s.blocks[1].number, 10);
    assert_false(s.truncated);
}

static void ceilings(void **state)
{
    AUTO(arena) a = {0};
    struct tensor_sums s;
    char name[64];
    (void)state;

    arena_init(&a, 4 * MIB);
    tensor_sums_init(&s, &a);
    tensor_sums_add(&s, STR("x"), STR("F16"), INT64_MAX, -1);
    tensor_sums_add(&s, STR("x"), STR("F16"), 1, 1);
    assert_int_equal(s.all.parameters, INT64_MAX);
    assert_int_equal(s.all.bytes, INT64_MAX);
    for (int i = 0; i < LIMIT_TENSOR_BLOCKS; i++) {
        snprintf(name, sizeof(name), "layers.%d.mlp", i);
        tensor_sums_add(&s, str_from(name), STR("F16"), 1, 1);
    }
    assert_false(s.truncated);
    tensor_sums_add(&s, STR("layers.7.mlp"), STR("F16"), 1, 1);
    assert_false(s.truncated);
    tensor_sums_add(&s, STR("other.0.mlp"), STR("F16"), 1, 1);
    assert_true(s.truncated);
    assert_int_equal(s.n_blocks, LIMIT_TENSOR_BLOCKS);

    tensor_sums_init(&s, &a);
    for (int i = 0; i < 65; i++) {
        assert_false(s.truncated);
        snprintf(name, sizeof(name), "T%d", i);
        tensor_sums_add(&s, STR("x"), str_from(name), 1, 1);
    }
    assert_true(s.truncated);
    assert_int_equal(s.n_dtypes, 64);
    assert_int_equal(s.all.tensors, 65);
    tensor_sums_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(blocks),
        cmocka_unit_test(sums),
        cmocka_unit_test(ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
