/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of weights count. */
#include "model/series.h"
#include "unit.h"

#define MAX 8

/* The sizes of those that count, in the order given. */
static void expect(const struct series_file *given, size_t n, const uint64_t *sizes, size_t n_sizes)
{
    struct series_file files[MAX];
    size_t at = 0;
    assert_true(n <= MAX);
    if (n)
        memcpy(files, given, n * sizeof(*given));
    series_choose(files, n);
    for (size_t i = 0; i < n; i++) {
        if (!files[i].counts)
            continue;
        assert_true(at < n_sizes);
        assert_int_equal(files[i].size, sizes[at++]);
    }
    assert_int_equal(at, n_sizes);
}

#define F(path_, size_)                                                                            \
    {                                                                                              \
        .path = STR(path_), .size = (size_)                                                        \
    }
#define FILES(...)                                                                                 \
    (const struct series_file[])                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define EXPECT(files, ...)                                                                         \
    expect(files, sizeof(files) / sizeof(struct series_file), (const uint64_t[]){__VA_ARGS__},     \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void test_shards(void **state)
{
    (void)state;
    EXPECT(FILES(F("m-00001-of-00002.safetensors", 5), F("m-00002-of-00002.safetensors", 4),
                 F("consolidated.safetensors", 8)),
           5, 4);
    EXPECT(FILES(F("m-00001-of-00002.safetensors", 5), F("m-00001-of-00003.safetensors", 6),
                 F("m.fp16.safetensors", 2), F("n-00002-of-00002.safetensors", 4)),
           6);
    EXPECT(FILES(F("-of-2.safetensors", 1), F("1-of-2.safetensors", 2)), 2);
    EXPECT(FILES(F("a1-of-2.safetensors", 1), F("a2-of-2.safetensors", 2)), 2);
    EXPECT(FILES(F("3-1-of-2.safetensors", 1), F("3-2-of-2.safetensors", 2)), 1, 2);
}

static void test_directories(void **state)
{
    (void)state;
    EXPECT(FILES(F("model.safetensors", 5), F("unet/model.safetensors", 4),
                 F("unet/model.fp16.safetensors", 2), F("original/model.safetensors", 9),
                 F("vae/aboriginal/m.safetensors", 1)),
           5, 4, 1);
    EXPECT(FILES(F("x/original/a.safetensors", 5), F("x/original/b.safetensors", 6)), 6);
}

static void test_formats(void **state)
{
    (void)state;
    EXPECT(FILES(F("q4.gguf", 4), F("q8-00001-of-00002.gguf", 3), F("q8-00002-of-00002.gguf", 3),
                 F("mmproj.gguf", 1), F("sub/q5.gguf", 5)),
           3, 3);
    EXPECT(FILES(F("q8.gguf", 8), F("a.safetensors", 5), F("b/c.safetensors", 4)), 5, 4);
    EXPECT(FILES(F("q8.gguf", 9), F("a.safetensors", 5), F("b/c.safetensors", 4)), 5, 4);
    EXPECT(FILES(F("q8.gguf", 10), F("a.safetensors", 5), F("b/c.safetensors", 4)), 10);
    EXPECT(FILES(F("a.bin", 100), F("a.onnx", 100), F("a.safetensors", 5)), 5);
    EXPECT(FILES(F("a.bin", 100), F("a.onnx", 100), F("a.gguf", 5)), 5);
    EXPECT(FILES(F("a.bin", 7), F("a.onnx", 100), F("a.tflite", 50)), 7);
    EXPECT(FILES(F("a.onnx", 100), F("b.onnx", 101), F("sub/c.onnx", 3)), 101, 3);
    expect(FILES(F("a.tflite", 100)), 1, NULL, 0);
    expect(NULL, 0, NULL, 0);
}

static void test_pytorch(void **state)
{
    (void)state;
    EXPECT(FILES(F("pytorch_model-00001-of-00002.bin", 5), F("pytorch_model-00002-of-00002.bin", 4),
                 F("optimizer.pt", 30), F("scheduler.pt", 20), F("training_args.bin", 20),
                 F("rng_state_0.pth", 20), F("step/mp_rank_00_optim_states.pt", 20)),
           5, 4);
    EXPECT(FILES(F("unet/m.bin", 5), F("vae/m.bin", 4), F("vae/m.fp16.bin", 2)), 5, 4);
    EXPECT(FILES(F("optimizer.pt", 30), F("model.onnx", 5)), 5);
}

/* What lies beside an ONNX model belongs to it, and never counts by itself. */
static void test_onnx(void **state)
{
    (void)state;
    EXPECT(FILES(F("model.onnx", 1), F("model.onnx_data", 50), F("model_int8.onnx", 20)), 1);
    EXPECT(FILES(F("model.onnx", 1), F("model.onnx.data", 10), F("model.onnx_data_1", 10),
                 F("model_int8.onnx", 20)),
           1);
    EXPECT(FILES(F("model.onnx", 1), F("other.onnx_data", 50), F("model_int8.onnx", 20),
                 F("d.onnx_data/x", 90)),
           20);
    EXPECT(FILES(F("model.onnx", 1), F("model.onnx_data", UINT64_MAX), F("x.onnx", 20)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards),  cmocka_unit_test(test_directories),
        cmocka_unit_test(test_formats), cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_onnx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
